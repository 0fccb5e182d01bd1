"""A sitting as a picture: for every training work, how many times chainrule's time the best peer takes."""

from pathlib import Path

from benchmarks.report.tables import ratio
from benchmarks.results import Row, Sitting, counted_threads
from benchmarks.works import Work

#: Light and dark for one and for all threads, blue for float32 and orange for float64.
COLORS = (("#9ecae1", "#2171b5"), ("#fdd0a2", "#d94801"))


def write(sitting: Sitting, path: Path) -> bool:
    """Draw the picture; False where there is nothing to draw.

    Raises ImportError where matplotlib is not installed.
    """
    rows = [row for row in sitting.section("training", "further") if row.best_ratio()]
    if not rows:
        return False
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row.work.name for row in rows))
    series = sorted({(row.dtype, row.n_threads) for row in rows})
    figure = Figure(figsize=(9, 1.4 + 0.2 * len(names) * (len(series) + 1)), layout="constrained")
    axes = figure.add_subplot(facecolor="white")
    height = 0.8 / len(series)
    for i, (dtype, n_threads) in enumerate(series):
        chosen = [row for row in rows if (row.dtype, row.n_threads) == (dtype, n_threads)]
        at = [names.index(row.work.name) - 0.4 + (i + 0.5) * height for row in chosen]
        ratios = [row.best_ratio() or 1 for row in chosen]
        color = COLORS[dtype == "float64"][n_threads > min(n for _, n in series)]
        label = f"{dtype}, {counted_threads(n_threads)}"
        bars = axes.barh(at, [r - 1 for r in ratios], height * 0.92, left=1, color=color, label=label)
        words = [f"{ratio(row.best_ratio())}× {row.best_peer()}" for row in chosen]
        axes.bar_label(bars, words, padding=3, fontsize=7)
    mark_targets(axes, names, rows)
    axes.axvline(1, color="#444444", linewidth=1)
    axes.set_xscale("log")
    ratios = [row.best_ratio() or 1 for row in rows]
    axes.set_xlim(min(0.7, min(ratios) * 0.5), max(2, max(ratios)) * 2)
    axes.set_xticks(*ticks(max(ratios)))
    axes.minorticks_off()
    axes.set_yticks(range(len(names)), [label_of(rows, name) for name in names])
    axes.invert_yaxis()
    axes.set_xlabel(
        "time of the fastest other library / time of chainrule (right: chainrule is faster; dotted: target)"
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=len(series), fontsize=8, frameon=False)
    figure.savefig(path, dpi=150, facecolor="white")
    return True


def mark_targets(axes, names: list[str], rows: list[Row]) -> None:  # type: ignore[no-untyped-def]
    """Draw a dotted line across a work's bars where chainrule is meant to be."""
    for row in {row.work.name: row for row in rows}.values():
        if isinstance(row.work, Work) and row.work.target:
            y = names.index(row.work.name)
            axes.plot(
                [row.work.target] * 2, [y - 0.45, y + 0.45], color="black", linestyle=":", linewidth=1.2
            )


def ticks(most: float) -> tuple[list[float], list[str]]:
    """Return ratios worth a line, and their labels."""
    at = [x for x in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if x <= 2 * most or x <= 2]
    return at, [f"{x:g}×" for x in at]


def label_of(rows: list[Row], name: str) -> str:
    """Return a work's name with its network."""
    work = next(row.work for row in rows if row.work.name == name)
    assert isinstance(work, Work)
    return f"{name}\n{work.network}, batch {work.batch_size}"
