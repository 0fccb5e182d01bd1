"""Options that say how a file is to be read, where the guess is wrong."""

from typing import Annotated, Any

import typer

Delimiter = Annotated[
    str | None,
    typer.Option(metavar="CHARACTER", help="What separates the fields of a CSV file; tab is a name."),
]
Encoding = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Of a CSV file, such as latin-1; by default UTF-8."),
]
NoHeader = Annotated[
    bool, typer.Option("--no-header", help="The first line has no names; the columns are called 0, 1, ...")
]
Weight = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column with the weights of the rows; no input then.")
]


def csv_options(delimiter: str | None, encoding: str | None, no_header: bool) -> Any:
    """Return what was said of a CSV file, None for nothing: the model knows then."""
    from chainrule.tables.csv_format import CsvOptions

    if delimiter is None and encoding is None and not no_header:
        return None
    return CsvOptions(delimiter, encoding, not no_header)
