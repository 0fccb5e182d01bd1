"""`chainrule predict`: one prediction for each row of a table."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.reading import DayFirst, Decimal, Delimiter, Encoding, Missing, NoHeader

if TYPE_CHECKING:
    from chainrule.table_models.table_model import TableModel
    from chainrule.tables.source import Source


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model that `chainrule fit` saved.")],
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV (may be gzip), Parquet or JSON file.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to write, .csv or .parquet; by default CSV to the output."),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add a column with the probability of each class.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column of TABLE to carry over, such as an id; may be repeated."),
    ] = None,
    missing: Missing = None,
    decimal: Decimal = None,
    day_first: DayFirst = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
) -> None:
    """Predict the target of each row of TABLE, in the order of its rows.

    Columns are found by name; columns that the model was not trained on are not looked at. Values are read as
    those of the table that it was trained on, unless an option says otherwise. A table without rows gives a
    result without rows.
    """
    from chainrule.cli.model import load_table_model

    if out is not None:
        _check_out(out, model, table)
    loaded = load_table_model(model).read_with(
        decimal=decimal, missing=missing or (), day_first=day_first,
        delimiter=delimiter, encoding=encoding, header=not no_header,
    )  # fmt: skip

    from chainrule.tables.tables import open_table, write_csv, write_table

    source = open_table(table, loaded.csv)
    predictions = predict(loaded, source, proba=proba, keep=keep or [])
    if out is None:
        sys.stdout.flush()
        write_csv(predictions, sys.stdout.buffer)
    else:
        write_table(predictions, out)


def predict(model: "TableModel", source: "Source", *, proba: bool, keep: Sequence[str] = ()) -> Any:
    """Return a pyarrow Table: columns to keep, predictions and, if asked for, "probability_<class>".

    Predictions of one target are called "prediction", of several "prediction_<target>".
    """
    import pyarrow as pa

    from chainrule.tables.class_target import ClassTarget
    from chainrule.tables.kept import kept_columns

    columns = kept_columns(source, keep)
    if proba:
        probabilities = model.predict_proba(source)
        assert isinstance(model.target, ClassTarget)
        made = {"prediction": model.target.decode(probabilities.argmax(axis=1))}
        for label, column in zip(model.target.classes, probabilities.T, strict=True):
            text = str(label).lower() if isinstance(label, bool) else str(label)
            made[f"probability_{text}"] = column
    else:
        found = model.predict(source)
        names = model.target.names
        made = {"prediction": found} if len(names) == 1 else {
            f"prediction_{name}": column for name, column in zip(names, found.T, strict=True)
        }  # fmt: skip
    both = [name for name in made if name in columns]
    if both:
        from chainrule.tables.errors import TableError

        raise TableError(f"the column {both[0]!r} to keep is called like one of the result, rename it")
    is_text = isinstance(model.target, ClassTarget) and model.target.kind == "text"
    types = {"prediction": pa.string()} if is_text else {}
    return pa.table(columns | {name: pa.array(values, types.get(name)) for name, values in made.items()})


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
