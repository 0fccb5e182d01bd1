"""A sitting as Markdown, put between the markers of a page."""

from pathlib import Path

from benchmarks.report.tables import Table, facts, left_out, tables
from benchmarks.results import Sitting

BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def text(sitting: Sitting) -> str:
    """All tables, with the machine before and what was left out after."""
    parts = ["\n".join(f"- {name}: {fact}" for name, fact in facts(sitting))]
    parts += [f"### {table.title}\n\n{draw(table)}" for table in tables(sitting)]
    notes = [f"Left out: {line}." for line in left_out(sitting)]
    notes += [f"Problem: {problem.splitlines()[0]}." for problem in sitting.problems()]
    if notes:
        parts.append("\n".join(f"- {note}" for note in notes))
    return "\n\n".join(parts)


def draw(table: Table) -> str:
    """Draw a table."""
    rules = ["---" if i < table.n_text else "---:" for i in range(len(table.header))]
    lines = [table.header, rules, *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def write(sitting: Sitting, path: Path) -> None:
    """Replace what stands between the page's markers; a file that is not there is made.

    Raises
    ------
    ValueError
        Where the page has no markers, or more than one pair.
    """
    page = path.read_text(encoding="utf-8") if path.exists() else f"{BEGIN}\n{END}\n"
    path.write_text(inserted(page, text(sitting)), encoding="utf-8")


def inserted(page: str, new: str) -> str:
    """Return the page with new text between its markers."""
    if (page.count(BEGIN), page.count(END)) != (1, 1) or page.index(BEGIN) > page.index(END):
        raise ValueError(f"the page needs one line {BEGIN} and, after it, one line {END}")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{new}\n\n{END}{rest.split(END)[1]}"
