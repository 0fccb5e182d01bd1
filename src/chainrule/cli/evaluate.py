"""`chainrule evaluate`: how good a model is on the rows of a table."""

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.reading import DayFirst, Decimal, Delimiter, Encoding, Memory, Missing, NoHeader, Weight


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model that `chainrule fit` saved.")],
    table: Annotated[
        Path,
        typer.Argument(metavar="TABLE", help="CSV (may be gzip), Parquet or JSON with the target column."),
    ],
    weight: Weight = None,
    missing: Missing = None,
    decimal: Decimal = None,
    day_first: DayFirst = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
    memory: Memory = None,
) -> None:
    """Measure MODEL on the rows of TABLE, beside the simplest prediction.

    Rows that the model was trained on flatter it: give rows that it has not seen.
    """
    from chainrule.cli.model import load_table_model
    from chainrule.cli.report import print_evaluation
    from chainrule.tables.tables import open_table

    loaded = load_table_model(model).read_with(
        decimal=decimal, missing=missing or (), day_first=day_first,
        delimiter=delimiter, encoding=encoding, header=not no_header,
    )  # fmt: skip
    rows = open_table(table, loaded.csv) if memory is None else table
    evaluation = loaded.evaluate(rows, sample_weight=weight, memory=memory)
    print_evaluation(evaluation, f"{loaded.task} of {loaded.target.name!r}, rows", loaded.task)
