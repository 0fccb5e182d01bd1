"""Tables, record, picture and page of a sitting that is made up."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.peers import OURS
from benchmarks.report import chart, markdown, picture, record, terminal
from benchmarks.report.tables import left_out, number, ratio, tables
from benchmarks.results import Row, Run, Sitting
from benchmarks.works import FITS, GRADIENT, TRAINING, classes

MACHINE = {
    "date": "2001-02-03 04:05 UTC",
    "processor": "An Abacus",
    "cores": 2,
    "caches": {"L1": "32K"},
    "virtual": True,
    "system": "Linux",
    "python": "3.11",
    "versions": {"chainrule": "0.1"},
    "busy_before": 0.25,
}


def runs(*seconds):
    return [Run(s, 1.0, 0.3) for s in seconds]


@pytest.fixture
def sitting():
    seed, digits = TRAINING[0], TRAINING[3]
    sitting = Sitting(
        dict(MACHINE), {"command": "python -m benchmarks"}, missing={"JAX": "No module named 'jax'"}
    )
    sitting.gemm = {("float32", 1): [90.0, 100.0], ("float32", 2): [200.0]}
    first = Row("training", seed, "float32", 1, {OURS: runs(2e-6, 1e-6), "PyTorch": runs(9e-5, 8e-5, 8.1e-5)})
    first.absent["scikit-learn"] = "has no sigmoid output"
    second = Row("training", digits, "float32", 2, {OURS: runs(1e-4), "scikit-learn": runs(5e-5)})
    second.differences["scikit-learn"] = {"loss": 1e-7}
    third = Row("training", digits, "float32", 1, {OURS: runs(1e-4)})
    third.absent["scikit-learn"] = "computes something else: differs in loss by 1.0e+00"
    third.absent["PyTorch"] = "failed: with an exception:\nTraceback\nValueError: too | warm"
    fit = Row("fit", FITS[0], "float64", 1, {OURS: runs(0.5), "scikit-learn": runs(2.0)})
    fit.differences["scikit-learn"] = {"loss": 3e-12, "output": 0.0, "epochs": 0.0}
    call = Row("gradient", GRADIENT[0], "float32", 1, {OURS: runs(5e-6)})
    sitting.rows = [first, second, third, fit, call]
    sitting.memory = [
        {"n_samples": 2048, "dtype": "float32", "optimizer": "adam", "data": 10**6}
        | {"formula": 2 * 10**6, "in_pages": 25 * 10**5, "training": 3 * 10**6, "peak": 4 * 10**6}
    ]
    return sitting


def test_best_runs_make_ratios(sitting):
    row = sitting.rows[0]
    assert row.seconds(OURS) == 1e-6
    assert row.ratio("PyTorch") == pytest.approx(80)
    assert row.spread(OURS) == pytest.approx(1)
    assert (row.best_peer(), row.best_ratio()) == ("PyTorch", pytest.approx(80))
    assert row.seconds("JAX") is row.ratio("JAX") is None
    assert sitting.rows[2].best_peer() is sitting.rows[2].best_ratio() is None


def test_fraction_is_of_the_best_product_with_as_many_threads(sitting):
    digits = sitting.rows[1]
    assert digits.gflops() == pytest.approx(digits.work.flops / 1e-4 / 1e9)
    assert sitting.fraction(digits) == pytest.approx(digits.gflops() / 200)
    assert sitting.fraction(sitting.rows[2]) == pytest.approx(digits.gflops() / 100)


def test_tables(sitting):
    found = {table.title: table for table in tables(sitting)}
    assert list(found) == [
        "Training, float32, 1 thread",
        "Training, float32, 2 threads",
        "One call: prediction and gradient",
        "Whole fits, float64",
        "Memory beside the data: 192-960-960-192, batch 512",
    ]
    for table in found.values():
        assert all(len(row) == len(table.header) for row in table.rows)
    training = found["Training, float32, 1 thread"]
    line = dict(zip(training.header, training.rows[0], strict=True))
    assert line["µs/step"] == "1.00~"
    assert line["PyTorch"] == "80.0 (80.0)"
    assert (line["best peer"], line["target"]) == ("80.0", "10")
    assert "scikit-learn" not in training.header  # nobody measured it there
    fit = dict(zip(found["Whole fits, float64"].header, found["Whole fits, float64"].rows[0], strict=True))
    assert (fit["ratio"], fit["loss_curve_ differs by"], fit["n_iter_"]) == ("4.00", "3e-12", "equal")


def test_sparse_work_has_no_share_of_a_dense_product():
    row = Row("training", classes("x", (50, 9, 4), 20, 3, density=0.1), "float32", 1, {OURS: runs(1e-6)})
    assert Sitting({}, {}, gemm={("float32", 1): [1.0]}, rows=[row]).fraction(row) is None


def test_numbers():
    assert [number(x) for x in (0.12345, 1.2345, 12.345, 1234.5, None)] == [
        "0.123",
        "1.23",
        "12.3",
        "1,234",
        "–",
    ]
    assert [ratio(x) for x in (0.987, 12.34, 1234.5, None)] == ["0.99", "12.3", "1,234", "–"]


def test_problems_and_what_is_left_out(sitting):
    assert sitting.problems() == [
        "digits, float32, 1 thread: scikit-learn computes something else: differs in loss by 1.0e+00",
        "digits, float32, 1 thread: PyTorch failed: with an exception: ValueError: too | warm",
    ]
    assert left_out(sitting) == ["scikit-learn has no sigmoid output: seed"]
    sitting.rows[0].runs["PyTorch"].extend([Run(1e-3, 1.9, 0.3), Run(1e-3, 3.0, 0.001)])
    assert "seed, float32: PyTorch used 1.9 threads of 1" in sitting.problems()


def test_record_is_json_with_every_run(sitting, tmp_path):
    sitting.rows[1].differences["scikit-learn"]["loss"] = float("inf")
    record.write(sitting, tmp_path / "record.json")
    read = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
    assert read["machine"] == MACHINE
    assert read["missing"] == {"JAX": "No module named 'jax'"}
    assert read["gemm"][0] == {"dtype": "float32", "threads": 1, "gflops": 100.0, "runs": [90.0, 100.0]}
    row = read["rows"][0]
    assert row["work"]["sizes"] == [3, 5, 4, 3]
    assert row["peers"][OURS]["runs"] == [
        {"seconds": 2e-6, "threads": 1.0, "length": 0.3},
        {"seconds": 1e-6, "threads": 1.0, "length": 0.3},
    ]
    assert row["peers"]["PyTorch"]["ratio"] == row["ratio_to_best_peer"] == pytest.approx(80)
    assert read["rows"][1]["differences"]["scikit-learn"]["loss"] == "infinite"
    assert read["memory"] == sitting.memory


def test_terminal_shows_everything(sitting, capsys):
    console = terminal.make_console()
    terminal.tell(console, sitting, sitting.rows[0])
    terminal.show(console, sitting)
    shown = capsys.readouterr().out
    for words in (
        "seed, float32, 1 thread: chainrule 1.00 µs, PyTorch 80.0 µs (80.0)",
        "An Abacus; virtual machine, 2 cores; L1 32K",
        "Used by other processes: 25% before",
        "Without JAX: not installed (No module named 'jax')",
        "SGEMM 2 threads: 200 GFLOP/s",
        "Training, float32, 2 threads",
        "Left out: scikit-learn has no sigmoid output: seed",
        "PROBLEM: digits, float32, 1 thread: PyTorch failed",
    ):
        assert words in shown


def test_markdown_replaces_what_is_between_the_markers(sitting, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n{markdown.BEGIN}\nold\n{markdown.END}\n\nafter\n", encoding="utf-8")
    markdown.write(sitting, page)
    once = page.read_text(encoding="utf-8")
    markdown.write(sitting, page)
    assert page.read_text(encoding="utf-8") == once
    assert once.startswith("# Title\n\n<!--")
    assert once.endswith("-->\n\nafter\n")
    assert "old" not in once
    lines = [line for line in once.splitlines() if line.startswith("|")]
    assert "| seed | 3-5-4-3 sigmoid, sigmoid output, sgd | 1 | 1.00~ |" in once
    assert len(lines) == 2 * 5 + 6


def test_markdown_makes_a_page(sitting, tmp_path):
    markdown.write(sitting, tmp_path / "new.md")
    assert (tmp_path / "new.md").read_text(encoding="utf-8").startswith(markdown.BEGIN)


@pytest.mark.parametrize(
    "page", ["", markdown.BEGIN, f"{markdown.END}{markdown.BEGIN}", f"{markdown.BEGIN}{markdown.END}" * 2]
)
def test_page_without_markers_is_refused(sitting, page, tmp_path):
    (tmp_path / "page.md").write_text(page, encoding="utf-8")
    with pytest.raises(ValueError, match="one line <!-- benchmarks: begin -->"):
        markdown.write(sitting, tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page


def test_picture(sitting, tmp_path):
    pytest.importorskip("matplotlib")
    assert picture.write(sitting, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    sitting.rows = sitting.rows[2:]
    assert not picture.write(sitting, tmp_path / "empty.png")
    assert not (tmp_path / "empty.png").exists()


DOCS = Path(__file__).parents[2] / "docs"


def test_the_picture_is_that_of_the_pages_numbers():
    """Where this fails: python -m benchmarks.report.chart docs/benchmarks.md docs/images/benchmarks.svg."""
    page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    drawn = (DOCS / "images" / "benchmarks.svg").read_text(encoding="utf-8")
    assert drawn == chart.draw(page)
    written = re.findall(r"<tspan>([\d,.]+)×</tspan>", drawn)
    table = page.partition(chart.TABLE)[2].partition("###")[0]
    assert written == re.findall(r"\(([\d,.]+)\)", table)
    assert len(written) > 15


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "docs/index.md"])
def test_results_in_other_texts_are_the_pages(name):
    text = (DOCS.parent / name).read_text(encoding="utf-8")
    page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    ours, theirs = re.search(r"fit-digits \| .* \| 2 \| ([\d.]+) \| ([\d.]+) \|", page).groups()
    assert f"{float(ours):.2f}" in text
    assert f"{float(theirs):.2f}" in text
    alt = re.search(r"!\[(.*)\]\(.*benchmarks\.svg\)", text)[1]
    for peer in chart.PEERS:
        known = [chart.number(r) for row in chart.rows(page) if (r := chart.ratio(row[peer]))]
        written = [chart.number(n) for n in re.findall(r"[\d,.]*\d", alt.partition(peer)[2])[:2]]
        assert written == pytest.approx([min(known), max(known)], rel=0.04)


def test_bars_of_the_picture_are_as_long_as_the_numbers_are_large():
    rows = [
        "| a | 2-3 relu | 1 | 100 (10.0) | 50~ (0.5) | – |",
        "| b | 2-2x3-1 relu | 8 | – | 1,000 (100) | – |",
    ]
    head = "| work | network | batch | scikit-learn | PyTorch | JAX |\n" + "| --- " * 6 + "|"
    facts = "- Date: 2001-02-03 04:05 UTC\n- Machine: An Abacus (of wood), 1 core; no cache\n"
    drawn = chart.draw("\n".join([facts, chart.TABLE, "", head, *rows, ""]))
    bars = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="11" fill', drawn)
    widths = [float(width) for _, width in bars]
    assert widths[0] == pytest.approx(widths[4] / 2, rel=1e-3)  # 10 and 100
    assert widths[1] > 0  # a peer that is faster has its bar on the other side
    assert float(bars[1][0]) + widths[1] == pytest.approx(float(bars[0][0]), abs=0.2)
    assert widths[2] == widths[3] == widths[5] == 0
    assert "2-2×3-1, 8 rows" in drawn
    with pytest.raises(ValueError, match="the page has no table below"):
        chart.draw(facts)
