"""The command as users run it."""

import json
import subprocess
import sys

import pytest

from benchmarks import command, fitting
from benchmarks.options import parse
from benchmarks.peers import PEERS
from benchmarks.processes import ROOT, environment
from benchmarks.results import Row
from benchmarks.works import SECTIONS, names, selected


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "benchmarks", *map(str, arguments)],
        cwd=ROOT,
        env=environment(1),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.slow
def test_a_small_sitting(tmp_path):
    arguments = ["--quick", "--only", "digits,row-small,gradient", "--peers", "scikit-learn"]
    arguments += ["--threads", 1, "--rounds", 1, "--seconds", 0.001]
    done = run(*arguments, "--out", tmp_path / "out", "--markdown", tmp_path / "page.md")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Training, float32, 1 thread" in done.stdout
    read = json.loads((tmp_path / "out" / "benchmarks.json").read_text(encoding="utf-8"))
    assert [row["work"]["name"] for row in read["rows"]] == [
        "digits",
        "row-small",
        "gradient-network",
        "gradient-engine",
    ]
    assert set(read["rows"][0]["peers"]) == {"chainrule", "scikit-learn"}
    assert not read["problems"]
    assert read["settings"]["command"].startswith("python -m benchmarks --quick --only digits")
    assert "| digits | 64-100-10 relu, adam | 200 |" in (tmp_path / "page.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_status_tells_of_problems(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.guard.disagreement", lambda *found, long: "computes nonsense")
    arguments = ["--quick", "--only", "row-small", "--peers", "scikit-learn", "--threads", "1"]
    arguments += ["--rounds", "1", "--seconds", "0.001", "--out", str(tmp_path)]
    assert command.main(arguments) == 1
    assert "PROBLEM: row-small, float32, 1 thread: scikit-learn computes nonsense" in capsys.readouterr().out


def test_without_chainrule_there_is_nothing_to_measure(monkeypatch, capsys):
    monkeypatch.setitem(PEERS, "chainrule", "no_such_module:Class")
    assert command.main(["--only", "row-small"]) == 2
    assert "chainrule itself cannot be imported: No module named 'no_such_module'" in capsys.readouterr().out


def test_an_interrupted_sitting_is_shown_and_written(tmp_path, monkeypatch, capsys):
    def interrupt(sitting, *others, **settings):
        sitting.rows.append(Row("training", SECTIONS["training"][0], "float32", 1))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "sit", interrupt)
    assert command.main(["--out", str(tmp_path)]) == 130
    assert "Interrupted" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))["rows"]) == 1


def test_list_has_every_name(capsys):
    assert command.main(["--list"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in names())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "digts"], "there is no 'digts'; did you mean 'digits'"),
        (["--peers", "Torch"], "there is no 'Torch'; did you mean 'PyTorch'"),
        (["--dtypes", "int8"], "there is no 'int8'; known are float32, float64"),
        (["--threads", "1,none"], "'none' is no number of threads; expected such as 1,all"),
        (["--data", "no such file"], "--data: there is no file no such file"),
        (["--target", "price"], "--target names a column of --data, which is missing"),
        (["--rounds", "-1"], "--rounds and --seconds must be positive"),
    ],
)
def test_mistakes_are_explained(arguments, message, capsys):
    with pytest.raises(SystemExit) as error:
        parse(arguments)
    assert error.value.code == 2
    assert message in capsys.readouterr().err


def test_options_by_default_and_in_words():
    usual, quick = parse([]), parse(["--quick", "--threads", "all,1", "--peers", "JAX"])
    assert usual.dtypes == ["float32", "float64"]
    assert usual.threads[0] == 1
    assert (usual.rounds, usual.seconds) == (7, 0.3)
    assert quick.dtypes == ["float32"]
    assert quick.threads == usual.threads
    assert quick.peers == ["chainrule", "JAX"]


def test_names_are_unique():
    assert len(set(names())) == len(list(names()))


def test_selection():
    assert "further" not in selected([], False)
    assert selected([], True) == SECTIONS
    assert list(selected(["memory"], False)) == ["memory"]
    chosen = selected(["odd", "gradient"], False)
    assert [work.name for works in chosen.values() for work in works] == [
        "odd",
        "gradient-network",
        "gradient-engine",
    ]


def test_table_from_parquet(tmp_path, monkeypatch):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    columns = {
        "a": [1.0, 2.0, 3.0],
        "name": ["x", "y", "z"],
        "b": [1, 5, 3],
        "gap": [1.0, None, 2.0],
        "c": [0, 0, 6],
    }
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    x, y = fitting.read_table(tmp_path / "t.parquet", None)
    assert x.tolist() == [[1, 1], [2, 5], [3, 3]]
    assert y.tolist() == [0, 0, 6]
    monkeypatch.setenv(fitting.DATA, str(tmp_path / "t.parquet"))
    monkeypatch.setenv(fitting.TARGET, "a")
    x, y = fitting.load("table")
    assert x.shape == (3, 2)
    assert y.mean() == pytest.approx(0)
    assert x.std(axis=0) == pytest.approx([1, 1])
    with pytest.raises(ValueError, match="no column 'name' of numbers without gaps; it has"):
        fitting.read_table(tmp_path / "t.parquet", "name")
    pyarrow.parquet.write_table(pa.table({"a": [1.0]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="has 1 columns of numbers without gaps; expected at least 2"):
        fitting.read_table(tmp_path / "t.parquet", None)
