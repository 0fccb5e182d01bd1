"""A sitting on the terminal."""

from rich.console import Console
from rich.table import Table as Drawn

from benchmarks.peers import OURS
from benchmarks.report.tables import Table, facts, left_out, number, ratio, tables
from benchmarks.results import Row, Sitting, counted_threads

WIDTH_OF_FILES = 200


def make_console() -> Console:
    """Return a console as wide as the terminal; files get wide lines."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_FILES
    return console


def tell(console: Console, sitting: Sitting, row: Row) -> None:
    """One line on a row as it is there."""
    times = [
        f"{peer} {number((row.seconds(peer) or 0) * 1e6)} µs"
        + (f" ({ratio(row.ratio(peer))})" if peer != OURS else "")
        for peer in row.runs
    ]
    console.print(
        f"{row.work.name}, {row.dtype}, {counted_threads(row.n_threads)}: {', '.join(times) or 'nothing'}"
    )


def show(console: Console, sitting: Sitting) -> None:
    """All tables, then what was left out and what went wrong."""
    for name, fact in facts(sitting):
        console.print(f"{name}: {fact}")
    for table in tables(sitting):
        console.print()
        console.print(draw(table))
    console.print(
        "\nBeside a peer's microseconds: how many times chainrule's. ~: runs differ by more than 10 %."
    )
    for line in left_out(sitting):
        console.print(f"Left out: {line}")
    for problem in sitting.problems():
        console.print(f"PROBLEM: {problem}", style="bold red")


def draw(table: Table) -> Drawn:
    """Draw a table."""
    drawn = Drawn(title=table.title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, name in enumerate(table.header):
        drawn.add_column(name, justify="left" if i < table.n_text else "right")
    for row in table.rows:
        drawn.add_row(*row)
    return drawn
