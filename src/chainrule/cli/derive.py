"""`chainrule derive`: the backpropagation of a network, step by step, with numbers."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.options import check_memory, check_name, parse_sizes

if TYPE_CHECKING:
    from chainrule.derive import Derivation

SIZES = re.compile(r"\d+(-\d+)*-?")


def command(
    network: Annotated[
        str,
        typer.Argument(metavar="NETWORK", help="Widths of the layers, such as 3-5-4-3, or a saved model."),
    ],
    activation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the hidden layers; by default sigmoid.")
    ] = None,
    output_activation: Annotated[
        str | None, typer.Option(metavar="NAME", help="By default the loss's own.")
    ] = None,
    loss: Annotated[str | None, typer.Option(metavar="NAME", help="By default squared_error.")] = None,
    table: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Table with the sample, for a saved model.")
    ] = None,
    row: Annotated[
        str, typer.Option(metavar="N", help="Row of the table, counted from 1, or several: 3-8.")
    ] = "1",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of weights and sample, for widths.")] = 0,
    rows: Annotated[int, typer.Option(min=1, max=1000, help="Rows of the sample, for widths.")] = 1,
    lang: Annotated[str, typer.Option(metavar="en|zh", help="Language of the words.")] = "en",
    bias_sign: Annotated[str, typer.Option(metavar="-|+", help="net = x W - b, or x W + b.")] = "-",
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page to walk through, step by step.")
    ] = None,
    latex: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a document for XeLaTeX.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write Markdown.")] = None,
    python: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the gradients as a NumPy function.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compute every number again in four ways; show the table.")
    ] = False,
    numbers: Annotated[bool, typer.Option(help="Whether to show the numbers of a sample.")] = True,
) -> None:
    """Derive the backpropagation of NETWORK: forward, error, deltas, every gradient, one update.

    Widths get random weights and a random sample; a saved model takes the sample from a table. Prints text
    unless files or --verify are asked for. With --verify, exits with code 1 if a step is wrong.
    """
    import shutil

    check_name(lang, ["en", "zh"], "--lang")
    check_name(bias_sign, ["-", "+"], "--bias-sign")
    names = {"--activation": activation, "--output-activation": output_activation, "--loss": loss}
    files = {"to_html": html, "to_latex": latex, "to_markdown": markdown, "to_python": python}
    wanted = {form: path for form, path in files.items() if path is not None}
    for path in wanted.values():
        _check_out(path, [Path(network), table])
    if SIZES.fullmatch(network):
        if table is not None:
            raise typer.BadParameter("goes with a saved model, not with widths", param_hint="'--table'")
        sample = _random(network, names, seed, rows)
    else:
        given = next((option for option, name in names.items() if name is not None), None)
        if given is not None:
            raise typer.BadParameter("goes with widths; a saved model has its own", param_hint=f"'{given}'")
        if not Path(network).exists():
            raise typer.BadParameter(
                f"got {network!r}, expected widths such as 3-5-4-3, or a saved model", param_hint="'NETWORK'"
            )
        sample = _saved(Path(network), table, row)
    derivation = _derive(sample, lang, bias_sign)
    if derivation.model.origin is not None and (wanted or verify):
        print(derivation.model.origin.to(derivation.language))
    for form, path in wanted.items():
        _write(derivation, form, path, numbers)
        print(f"wrote {path}")
    if verify:
        report = derivation.verify(raise_on_failure=False)
        print(report)
        if not report:
            raise typer.Exit(1)
    elif not wanted:
        width = max(shutil.get_terminal_size((100, 24)).columns, 80)
        print(derivation.to_text(width=width, numbers=numbers), end="")


def _derive(sample: tuple[Any, Any, Any], language: Any, bias_sign: str) -> "Derivation":
    from chainrule.derive import derive
    from chainrule.tables.errors import TrainingError

    try:
        return derive(*sample, language=language, bias_sign=bias_sign)
    except ValueError as error:
        raise TrainingError(str(error)) from None


def _random(sizes: str, names: dict[str, str | None], seed: int, n_rows: int) -> tuple[Any, Any, Any]:
    """Return a network of those widths with random weights, and a random sample."""
    widths = parse_sizes(sizes, "NETWORK", separator="-")
    if len(widths) < 2:
        raise typer.BadParameter(
            f"got {sizes!r}, expected inputs and outputs, such as 3-3", param_hint="'NETWORK'"
        )
    import numpy as np

    import chainrule
    from chainrule.derive.drawing import draw_targets
    from chainrule.reference import ACTIVATIONS, LOSSES, get_loss

    hidden = [name for name, f in ACTIVATIONS.items() if not f.output_only]
    activation, loss = names["--activation"] or "sigmoid", names["--loss"] or "squared_error"
    check_name(activation, hidden, "--activation")
    check_name(loss, LOSSES, "--loss")
    check_memory(widths, "float64", "NETWORK")
    output = names["--output-activation"]
    if output is not None:
        check_name(output, get_loss(loss).output_activations, "--output-activation")
    net = chainrule.Network(
        widths, activation=activation, output_activation=output, loss=loss, random_state=seed
    )
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, widths[0]))
    return net, x, draw_targets(get_loss(loss), (n_rows, widths[-1]), rng)


def _saved(path: Path, table: Path | None, row: str) -> tuple[Any, Any, Any]:
    """Return a saved model's network, and the rows of a table as it sees them."""
    from chainrule.files.models import load
    from chainrule.table_models.table_model import TableModel

    model = load(path)
    if table is None:
        return model, None, None
    if not isinstance(model, TableModel):
        raise typer.BadParameter(
            f"{path} holds a {type(model).__name__}, which knows no columns, expected a model that"
            " `chainrule fit` saved",
            param_hint="'--table'",
        )
    first, last = _rows(row)
    return model, *model.network_rows(table, slice(first - 1, last))


def _rows(text: str) -> tuple[int, int]:
    """Return first and last row of "3" or "3-8", counted from 1."""
    found = re.fullmatch(r"(\d{1,15})(?:-(\d{1,15}))?", text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last:
        raise typer.BadParameter(
            f"got {text!r}, expected a row counted from 1, such as 3, or rows such as 3-8",
            param_hint="'--row'",
        )
    return first, last


def _check_out(path: Path, others: list[Path | None]) -> None:
    from chainrule.files.atomic import check_writable
    from chainrule.tables.errors import TableError

    check_writable(path)
    for other in others:
        if other is not None and path.exists() and other.exists() and path.samefile(other):
            raise TableError(f"{path} is read by this command, expected another name for what it writes")


def _write(derivation: "Derivation", form: str, path: Path, numbers: bool) -> None:
    from chainrule.files.atomic import atomic_path

    if form == "to_html":
        derivation.to_html(path)
        return
    options = {} if form == "to_python" else {"numbers": numbers}
    with atomic_path(path) as temporary:
        temporary.write_text(getattr(derivation, form)(**options), encoding="utf-8")
