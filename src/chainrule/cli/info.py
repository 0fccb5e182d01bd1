"""`chainrule info`: this installation, or what is in a model file."""

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from chainrule.table_models.table_model import TableModel


def command(
    model: Annotated[Path | None, typer.Argument(metavar="MODEL", help="Model file to describe.")] = None,
) -> None:
    """Show version, instruction set and threads; or what is in MODEL."""
    from chainrule.cli.report import print_facts

    print_facts(installation() if model is None else describe(model))


def installation() -> list[tuple[str, str]]:
    """Return what this installation is and runs on."""
    import numpy
    import pyarrow
    import sklearn

    import chainrule
    from chainrule import _engine

    return [
        ("chainrule", chainrule.__version__),
        ("Instruction set", f"{_engine.isa()} (available: {', '.join(_engine.available_isas())})"),
        ("Threads", str(_engine.max_threads())),
        ("Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}"),
        ("NumPy", numpy.__version__),
        ("scikit-learn", sklearn.__version__),
        ("pyarrow", pyarrow.__version__),
    ]


def describe(path: Path) -> list[tuple[str, str]]:
    """Return what is in a model file."""
    from chainrule.files.models import load
    from chainrule.table_models.table_model import TableModel

    model = load(path)
    if isinstance(model, TableModel):
        return _describe_table_model(model)
    return [("Model", type(model).__name__), ("Network", _plain_network(model))]


def _describe_table_model(model: "TableModel") -> list[tuple[str, str]]:
    from chainrule._words import listed
    from chainrule.cli.report import columns_text, ensemble_facts, left_out_text, network_text, steps_text

    facts = [("Model", f"{model.task} of {model.target.name!r}")]
    if model.classes is not None:
        facts.append(("Classes", listed(model.classes, 20)))
    facts += [
        ("Needs columns", ", ".join(f"{c.name} ({c.kind})" for c in model.preprocessor.columns)),
        ("Encoded", columns_text(model.preprocessor, plain=not model.members)),
    ]
    if model.preprocessor.left_out:
        facts.append(("Left out", left_out_text(model.preprocessor)))
    if model.members:
        return facts + ensemble_facts(model)
    facts.append(("Network", network_text(model)))
    training = model.training
    if training:
        rows = training["rows"]
        epochs = f"{training['epochs']} epochs, epoch {training['best_epoch']} kept"
        facts.append(("Training", f"{rows['training']:,} rows, {epochs}; {steps_text(model)}"))
    return facts


def _plain_network(model: Any) -> str:
    sizes = getattr(model, "sizes", None)
    if sizes is None and hasattr(model, "coefs_"):
        sizes = [model.coefs_[0].shape[0], *(coef.shape[1] for coef in model.coefs_)]
    return "-".join(map(str, sizes)) if sizes is not None else "not fitted"
