"""`chainrule explain`: what each column is worth to a model."""

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.reading import DayFirst, Decimal, Delimiter, Encoding, Missing, NoHeader, Weight


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model that `chainrule fit` saved.")],
    table: Annotated[
        Path,
        typer.Argument(metavar="TABLE", help="CSV (may be gzip), Parquet or JSON with the target column."),
    ],
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Of several targets the one to look at.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="accuracy, log_loss, roc_auc; r2, rmse, mae.",
            show_default="accuracy, r2",
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="How often each column is permuted.")] = 5,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="The same seed, the same permutations.")
    ] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Picture to write: .svg, .png, .pdf or .html.")
    ] = None,
    weight: Weight = None,
    missing: Missing = None,
    decimal: Decimal = None,
    day_first: DayFirst = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
) -> None:
    """Show what each column of TABLE is worth to MODEL, and how much predictions move with it.

    Worth is by how much a measure gets worse where a column's values are dealt out anew among the rows.
    Columns that say the same stand in for each other. Give rows that the model has not seen.
    """
    from chainrule.cli.model import load_table_model
    from chainrule.files.atomic import check_writable
    from chainrule.table_models.explaining import check_ending
    from chainrule.tables.errors import TableError
    from chainrule.tables.tables import open_table

    if out is not None:
        check_ending(out)
        check_writable(out)
        for other in (model, table):
            if out.exists() and other.exists() and out.samefile(other):
                raise TableError(f"{out} is read by this command, expected another name for the picture")
    loaded = load_table_model(model).read_with(
        decimal=decimal, missing=missing or (), day_first=day_first,
        delimiter=delimiter, encoding=encoding, header=not no_header,
    )  # fmt: skip
    explanation = loaded.explain(
        open_table(table, loaded.csv), metric=metric, target=target, n_repeats=repeats, random_state=seed,
        sample_weight=weight,
    )  # fmt: skip
    print(explanation)
    if out is not None:
        try:
            explanation.save(out)
        except ImportError as error:
            raise TableError(str(error)) from None
        print(f"\nwrote {out}")
