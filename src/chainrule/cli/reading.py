"""Options that say how a file is to be read, where the guess is wrong."""

from typing import Annotated

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


Missing = Annotated[
    list[str] | None,
    typer.Option(metavar="WORD", help="Further word for a missing value, such as 9999; may be repeated."),
]
Decimal = Annotated[
    str | None, typer.Option(metavar="MARK", help="Decimal mark, . or , where numbers leave it open.")
]
DayFirst = Annotated[
    bool | None,
    typer.Option("--day-first/--month-first", help="Of dates such as 3/4/2024, if they leave it open."),
]
Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Read TABLE in portions of about so much memory, such as 1GB: Parquet or CSV, also a folder or "
        "a pattern in quotes.",
    ),
]
