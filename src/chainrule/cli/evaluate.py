"""`chainrule evaluate`: how good a model is on the rows of a table."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model that `chainrule fit` saved.")],
    table: Annotated[
        Path,
        typer.Argument(metavar="TABLE", help="CSV (may be gzip) or Parquet file with the target column."),
    ],
) -> None:
    """Measure MODEL on the rows of TABLE, beside the simplest prediction.

    Rows that the model was trained on flatter it: give rows that it has not seen.
    """
    from chainrule.cli.model import load_table_model
    from chainrule.cli.report import print_evaluation

    loaded = load_table_model(model)
    print_evaluation(loaded.evaluate(table), f"{loaded.task} of {loaded.target.name!r}, rows", loaded)
