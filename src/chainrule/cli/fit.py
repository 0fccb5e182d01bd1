"""`chainrule fit`: a table goes in, a trained network comes out."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.options import (
    check_activations,
    check_fraction,
    check_memory,
    check_name,
    check_positive,
    parse_sizes,
)
from chainrule.cli.settings import parse_settings

if TYPE_CHECKING:
    from chainrule.tables.table_model import TableModel

AUTO = "auto"


def command(
    table: Annotated[
        Path | None,
        typer.Argument(
            metavar="TABLE", help="CSV (may be gzip) or Parquet file. Without: handwritten digits."
        ),
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column to predict.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="MODEL", help="File to save the model to.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Let MODEL replace a file that is no model.")
    ] = False,
    task: Annotated[
        str,
        typer.Option(
            metavar="TASK", help="classification or regression; by default what the target suggests."
        ),
    ] = AUTO,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Column not to use; may be repeated.")
    ] = None,
    hidden: Annotated[str, typer.Option(metavar="SIZES", help="Widths of the hidden layers.")] = "128,128",
    activation: Annotated[
        str, typer.Option(metavar="NAME", help="Of the hidden layers: one, or one for each: relu,tanh.")
    ] = "relu",
    epochs: Annotated[int, typer.Option("--epochs", "--max-iter", min=1, help="At most so many.")] = 200,
    patience: Annotated[
        int, typer.Option(min=1, help="Stop when more epochs in a row were not better.")
    ] = 20,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Rows per step.", show_default="16 to 256, by the number of rows"),
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="Step size.")] = 0.001,
    l2: Annotated[float, typer.Option(help="Penalty on the weights.")] = 0.0001,
    test_fraction: Annotated[float, typer.Option(help="Share of the rows held out to report on.")] = 0.2,
    validation_fraction: Annotated[
        float | None,
        typer.Option(
            help="Share of the other rows that chooses the epoch.",
            show_default="0.1; 0.2 of fewer than 1,000",
        ),
    ] = None,
    dtype: Annotated[str, typer.Option(metavar="TYPE", help="float32 or float64.")] = "float32",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The same seed, the same model.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="By default OpenMP's own setting.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any further parameter of the estimators, such as dropout=0.1 or solver=adamw; "
            "may be repeated.",
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the state of the training there, after every epoch."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint, if it is there already.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show the epochs.")] = False,
) -> None:
    """Train a network to predict a column of TABLE from the others.

    Numbers are standardised, text is encoded one-hot, missing values are handled. A part of the rows is
    held out, and the network is measured on it beside the simplest prediction.
    """
    sizes = parse_sizes(hidden, "--hidden")
    further = parse_settings(settings or [])
    parameters = {
        "hidden_layer_sizes": sizes,
        "activation": check_activations(activation, len(sizes), "--activation"),
        "epochs": epochs,
        "patience": patience,
        "batch_size": batch_size,
        "learning_rate": check_positive(learning_rate, "--learning-rate"),
        "l2": check_positive(l2, "--l2", or_zero=True),
        "validation_fraction": (
            None
            if validation_fraction is None
            else check_fraction(validation_fraction, "--validation-fraction")
        ),
        "dtype": check_name(dtype, ["float32", "float64"], "--dtype"),
        "random_state": seed,
        "n_threads": threads,
        "resume": resume,
        **further,
    }
    if checkpoint is not None:
        parameters["checkpoint"] = str(checkpoint)
    elif resume:
        raise typer.BadParameter("it needs --checkpoint FILE to go on from", param_hint="'--resume'")
    check_fraction(test_fraction, "--test-fraction")
    check_name(task, [AUTO, "classification", "regression"], "--task")
    if table is None and (target or ignore):
        raise typer.BadParameter("it needs a TABLE", param_hint="'--target'" if target else "'--ignore'")
    if table is not None and target is None:
        raise typer.BadParameter("it must name the column to predict", param_hint="'--target'")
    if target in (ignore or []):
        raise typer.BadParameter("it names the target", param_hint="'--ignore'")
    check_memory([1, *sizes, 1], dtype, "--hidden")  # too wide for any table
    if out is not None:
        _check_out(out, force)

    rows, target = _digits() if table is None else (_read(table), target)
    _train(rows, str(target), task, ignore or [], test_fraction, out, quiet, parameters)


def _train(
    rows: Any,
    target: str,
    task: str,
    ignore: list[str],
    test_fraction: float,
    out: Path | None,
    quiet: bool,
    settings: dict[str, Any],
) -> None:
    from chainrule.cli.progress import progress
    from chainrule.cli.report import print_evaluation, print_facts
    from chainrule.tables.errors import TableError, TableWarning
    from chainrule.tables.splitting import hold_out
    from chainrule.tables.table_model import TableModel
    from chainrule.tables.targets import ClassTarget, Task, drop_unknown, find_target, fit_target, infer_task

    _check_ignored(ignore, rows.column_names)
    rows, values = drop_unknown(rows, find_target(rows, target), target)
    chosen: Task | None = None if task == AUTO else "regression" if task == "regression" else "classification"
    posed, reason = (chosen, "as --task says") if chosen else infer_task(target, values)
    fitted = fit_target(target, values, posed)
    classes = fitted.encode(values) if isinstance(fitted, ClassTarget) else None
    training, test = hold_out(rows.num_rows, test_fraction, settings["random_state"], classes)
    if test_fraction and not len(test):
        raise TableError(
            f"the table has {rows.num_rows} rows, expected enough to hold out a share of {test_fraction:g}; "
            "hint: --test-fraction 0 holds out none"
        )
    with progress(posed, settings["epochs"], quiet=quiet) as show:
        model = TableModel.fit(
            rows.take(training), target, task=posed, ignore=ignore, callback=show, **settings
        )
    if out is not None:
        model.save(out)
    print_facts(_facts(model, reason, len(test)))
    if len(test):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TableWarning)  # a rare category may be in the test rows only
            evaluation = model.evaluate(rows.take(test))
        print()
        print_evaluation(evaluation, "Test rows", model)
    print()
    print(f"Saved to {out}" if out is not None else "Not saved; --out MODEL saves the model")


def _facts(model: "TableModel", reason: str, n_test: int) -> list[tuple[str, str]]:
    from chainrule.cli.report import columns_text, left_out_text, network_text, steps_text

    training = model.training
    rows = training["rows"]
    into = f" into {len(model.classes)} classes" if model.classes is not None else ""
    task = f"{model.task} of {model.target.name!r}{into} ({reason})"
    chosen = (
        f"{rows['validation']:,} to choose the epoch" if rows["validation"] else "none to choose the epoch"
    )
    facts = [
        ("Task", task),
        ("Rows", f"{rows['training']:,} to train, {chosen}, {n_test:,} to test"),
        ("Columns", columns_text(model)),
    ]
    if model.preprocessor.left_out:
        facts.append(("Left out", left_out_text(model)))
    epochs = f"{training['epochs']} epochs, the parameters after epoch {training['best_epoch']} kept"
    seconds = f"{model.history[-1].seconds:.1f} s" if model.history else "done before"
    return [
        *facts,
        ("Network", network_text(model)),
        ("Training", f"{epochs}; {steps_text(model)}; {seconds}"),
    ]


def _read(path: Path) -> Any:
    from chainrule.tables.tables import read_table

    return read_table(path)


def _digits() -> tuple[Any, str]:
    """Return scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, and the name of their target."""
    import pyarrow as pa
    from sklearn.datasets import load_digits

    data = load_digits()
    return pa.table(dict(zip(data.feature_names, data.data.T, strict=True)) | {"digit": data.target}), "digit"


def _check_out(out: Path, force: bool) -> None:
    """Find out before training whether the model can be saved, and that it replaces only a model."""
    from chainrule.files.atomic import check_writable
    from chainrule.files.errors import ModelFileError
    from chainrule.files.models import is_model_file

    check_writable(out)
    if out.exists() and out.stat().st_size and not force and not is_model_file(out):
        raise ModelFileError(
            f"{out} exists and is no model, so it is not replaced; hint: --force replaces it"
        )


def _check_ignored(ignore: list[str], columns: list[str]) -> None:
    from chainrule._words import did_you_mean, listed
    from chainrule.tables.errors import TableError

    for name in ignore:
        if name not in columns:
            hint = did_you_mean(name, columns)
            raise TableError(
                f"the table has no column {name!r} to ignore, expected one of {listed(columns, 20)}"
                + (f"; {hint}" if hint else "")
            )
