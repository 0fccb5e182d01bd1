"""`chainrule predict`: one prediction for each row of a table."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from chainrule.tables.table_model import TableModel


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model that `chainrule fit` saved.")],
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV (may be gzip) or Parquet file.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to write, .csv or .parquet; by default CSV to the output."),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add a column with the probability of each class.")
    ] = False,
) -> None:
    """Predict the target of each row of TABLE, in the order of its rows.

    Columns are found by name; columns that the model was not trained on are not looked at.
    """
    from chainrule.cli.model import load_table_model

    if out is not None:
        _check_out(out, model, table)
    loaded = load_table_model(model)
    predictions = predict(loaded, table, proba=proba)

    from chainrule.tables.tables import write_csv, write_table

    if out is None:
        sys.stdout.flush()
        write_csv(predictions, sys.stdout.buffer)
    else:
        write_table(predictions, out)


def predict(model: "TableModel", table: Path, *, proba: bool) -> Any:
    """Return a pyarrow Table with the column "prediction" and, if asked for, "probability_<class>"."""
    import pyarrow as pa

    from chainrule.tables.targets import ClassTarget

    if not proba:
        return pa.table({"prediction": pa.array(model.predict(table))})
    probabilities = model.predict_proba(table)
    assert isinstance(model.target, ClassTarget)
    columns = {"prediction": pa.array(model.target.decode(probabilities.argmax(axis=1)))}
    for label, column in zip(model.target.classes, probabilities.T, strict=True):
        text = str(label).lower() if isinstance(label, bool) else str(label)
        columns[f"probability_{text}"] = pa.array(column)
    return pa.table(columns)


def _check_out(out: Path, model: Path, table: Path) -> None:
    from chainrule.files.atomic import check_writable
    from chainrule.tables.errors import TableError
    from chainrule.tables.tables import table_ending

    try:
        table_ending(out)
    except TableError as error:
        raise typer.BadParameter(str(error), param_hint="'--out'") from None
    check_writable(out)
    for other in (model, table):
        if out.exists() and other.exists() and out.samefile(other):
            raise TableError(f"{out} is read by this command, expected another name for the predictions")
