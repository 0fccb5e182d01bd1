"""`chainrule predict`: one prediction for each row of a table."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.reading import DayFirst, Decimal, Delimiter, Encoding, Memory, Missing, NoHeader


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
    memory: Memory = None,
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

    from chainrule.table_models.predictions import portions_of, predictions_in_portions, predictions_of
    from chainrule.tables.tables import open_table, write_csv, write_tables

    if memory is None:
        source = open_table(table, loaded.csv)
        predictions = iter([predictions_of(loaded, source, proba=proba, keep=keep or [])])
    else:
        portions = portions_of(loaded, table, memory)
        if out is not None:
            _check_out(out, model, *map(Path, portions.files))
        predictions = predictions_in_portions(loaded, portions, proba=proba, keep=keep or [])
    if out is None:
        sys.stdout.flush()
        write_csv(predictions, sys.stdout.buffer)
    else:
        write_tables(predictions, out)


def _check_out(out: Path, *read: Path) -> None:
    from chainrule.files.atomic import check_writable
    from chainrule.tables.errors import TableError
    from chainrule.tables.tables import table_ending

    try:
        table_ending(out)
    except TableError as error:
        raise typer.BadParameter(str(error), param_hint="'--out'") from None
    check_writable(out)
    for other in read:
        if out.exists() and other.exists() and out.samefile(other):
            raise TableError(f"{out} is read by this command, expected another name for the predictions")
