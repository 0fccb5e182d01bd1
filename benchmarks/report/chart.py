"""The picture of docs/benchmarks.md and the READMEs, drawn from the numbers of that page's tables.

python -m benchmarks.report.chart docs/benchmarks.md docs/images/benchmarks.svg
"""

import math
import re
import sys
from pathlib import Path

TABLE = "### Training, float32, 2 threads"
PEERS = {"scikit-learn": "#c2571a", "PyTorch": "#7a2e63", "JAX": "#1f6fb5"}
LEFT, RIGHT, TOP, BAR = 190, 60, 82, 13  # pixels
WIDTH, GROUP = 760, 3 * BAR + 9
QUIET = 'fill="#6b675f"'


def rows(page: str) -> list[dict[str, str]]:
    """Return the table's rows, each by the names of its columns.

    Raises
    ------
    ValueError
        Where the page has no such table.
    """
    _, found, rest = page.partition(f"{TABLE}\n")
    lines = re.match(r"\s*((?:\|.*\n)+)", rest)
    if not found or lines is None:
        raise ValueError(f"the page has no table below {TABLE!r}")
    head, _, *body = (
        [cell.strip() for cell in line.strip("|\n ").split("|")] for line in lines[1].splitlines()
    )
    return [dict(zip(head, row, strict=True)) for row in body]


def ratio(cell: str) -> str:
    """Return how many times chainrule's time a peer takes, 12.8 of a cell such as "337~ (12.8)", or ""."""
    return "".join(re.findall(r"\(([\d,.]+)\)", cell))


def number(text: str) -> float:
    """Read a number with commas between the thousands."""
    return float(text.replace(",", ""))


def draw(page: str) -> str:
    """Draw a bar for each work and peer, on a logarithmic scale, from where all are equally fast."""
    works = rows(page)
    height = TOP + GROUP * len(works) + 30
    known = [number(r) for row in works for peer in PEERS if (r := ratio(row[peer]))]
    least, most = min(1, *known), max(1, *known)

    def place(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(value / least) / math.log(most / least)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
        f' height="{height}" font-family="system-ui, sans-serif" font-size="12" fill="#24221e" role="img">',
        "<title>How many times chainrule's time other libraries take for the same training step</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#fff"/>',
        '<text x="16" y="26" font-size="15" font-weight="600">One training step: how many times chainrule’s'
        " time the others take</text>",
        f'<text x="16" y="46" {QUIET}>The same numbers are computed by all. {described(page)}</text>',
    ]
    for i, (peer, color) in enumerate(PEERS.items()):
        x = LEFT + 105 * i
        parts += [
            f'<rect x="{x}" y="59" width="11" height="11" rx="2" fill="{color}"/>',
            f'<text x="{x + 17}" y="69">{peer}</text>',
        ]
    bottom = TOP + GROUP * len(works)
    for power in range(int(math.log10(most)) + 1):
        x, label = place(10**power), f"{10**power:,}×" if power else "chainrule: 1×"
        color = "#e3dfd6" if power else "#24221e"
        parts += [
            f'<line x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{bottom}" stroke="{color}"/>',
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" {QUIET}>{label}</text>',
        ]
    for i, row in enumerate(works):
        y = TOP + GROUP * i + 4
        network, _, rest = row["network"].partition(" ")
        network = network.replace("x", "×")
        batch = f"{row['batch']} row{'s' if row['batch'] != '1' else ''}"
        parts += [
            f'<text x="{LEFT - 12}" y="{y + 15}" text-anchor="end">{network}, {batch}</text>',
            f'<text x="{LEFT - 12}" y="{y + 30}" text-anchor="end" font-size="11" {QUIET}>{rest}</text>',
        ]
        for j, (peer, color) in enumerate(PEERS.items()):
            times, at = ratio(row[peer]), y + BAR * j
            begin, end = sorted((place(1), place(number(times) if times else 1)))
            label = f"<tspan>{times}×</tspan>" if times else f"<tspan {QUIET}>{peer} has none</tspan>"
            size = f'width="{end - begin:.1f}" height="{BAR - 2}"'
            parts += [
                f'<rect x="{begin:.1f}" y="{at}" {size} fill="{color}"/>',
                f'<text x="{end + 5:.1f}" y="{at + 10}" font-size="11">{label}</text>',
            ]
    return "\n".join([*parts, "</svg>\n"])


def described(page: str) -> str:
    """Return where and when the page's numbers were measured."""
    machine, date = (
        re.search(rf"^- {name}: (.+)$", page, flags=re.MULTILINE) for name in ("Machine", "Date")
    )
    assert machine is not None
    assert date is not None
    cpu, cores = re.sub(r" \(.*", "", machine[1]), re.search(r"\d+ cores?", machine[1])
    return f"float32, {cores[0] if cores else 'all cores'} of an {cpu}, {date[1][:10]}; logarithmic scale"


if __name__ == "__main__":
    page, picture = map(Path, sys.argv[1:])
    picture.write_text(draw(page.read_text(encoding="utf-8")), encoding="utf-8")
