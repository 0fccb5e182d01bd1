import os

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

import chainrule


def test_csv_to_the_output(run, model, table):
    done = run("predict", model.name, table.name).succeeds()
    lines = done.out.splitlines()
    assert lines[0] == '"prediction"'
    assert [line == "true" for line in lines[1:]] == chainrule.load(model).predict(table).tolist()
    assert done.err == ""


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_to_a_file(in_process, model, table, tmp_path, ending):
    out = tmp_path / f"out.{ending}"
    out.write_text("old")
    done = in_process("predict", model.name, table.name, "--proba", "--out", out.name).succeeds()
    assert done.out == ""
    written = (pyarrow.csv.read_csv if ending == "csv" else pyarrow.parquet.read_table)(out)
    assert written.column_names == ["prediction", "probability_false", "probability_true"]
    expected = chainrule.load(model).predict_proba(table)
    assert np.allclose(written["probability_true"].to_numpy(), expected[:, 1], rtol=1e-6)
    assert written["prediction"].to_pylist() == (expected[:, 1] > 0.5).tolist()
    assert sorted(os.listdir(tmp_path)) == sorted([model.name, table.name, out.name])


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_folder_in_portions(in_process, model, table, tmp_path, ending):
    (tmp_path / "parts").mkdir()
    rows = pyarrow.csv.read_csv(table)
    for k in range(3):
        pyarrow.csv.write_csv(rows.slice(40 * k, 40), tmp_path / "parts" / f"{k}.csv")
    out = tmp_path / f"out.{ending}"
    for source in ("parts", "parts/*.csv"):
        options = ("--memory", "1MB", "--keep", "rooms")
        in_process("predict", model.name, source, "--out", out.name, *options).succeeds()
        written = (pyarrow.csv.read_csv if ending == "csv" else pyarrow.parquet.read_table)(out)
        assert written["rooms"].to_pylist() == rows["rooms"].to_pylist()
        assert written["prediction"].to_pylist() == chainrule.load(model).predict(table).tolist()
    whole = in_process("predict", model.name, table.name, "--proba").succeeds()
    assert in_process("predict", model.name, "parts", "--proba", "--memory", "1MB").out == whole.out
    whole = in_process("evaluate", model.name, table.name).succeeds()
    assert in_process("evaluate", model.name, "parts", "--memory", "1MB").out == whole.out
    done = in_process("predict", model.name, "parts", "--memory", "1MB", "--out", "parts/1.csv")
    done.fails(1, "parts/1.csv is read by this command")


def test_numbers_without_the_target_column(in_process, price_model, houses, tmp_path):
    pyarrow.parquet.write_table(houses(20, seed=1).drop_columns(["price", "dear"]), tmp_path / "new.parquet")
    done = in_process("predict", price_model.name, "new.parquet").succeeds()
    predictions = np.array(done.out.splitlines()[1:], dtype=float)
    assert np.allclose(predictions, chainrule.load(price_model).predict(tmp_path / "new.parquet"))


def test_unknown_categories_are_one_warning(in_process, model, tmp_path):
    (tmp_path / "new.csv").write_text("rooms,heating\n3,sun\n4,wood\n5,gas\n")
    done = in_process("predict", model.name, "new.csv").succeeds()
    assert len(done.out.splitlines()) == 4
    assert done.err == (
        "warning: categories unknown to the model, taken as none of its own: 'heating' ('sun', 2 rows)\n"
    )


def test_closed_pipe(start, model, table, tmp_path):
    process = start("predict", model.name, table.name, directory=tmp_path)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert err == ""


def test_a_table_that_is_written_otherwise(in_process, tmp_path):
    rng = np.random.default_rng(0)
    x, day = rng.normal(size=200).round(2), rng.integers(1, 13, 200)
    dates = [f"2024-{1 + k % 12:02}-{one:02}" for k, one in enumerate(day)]
    rows = [f"{a},{date},{2 * a + 0.1 * k:.3f}" for k, (a, date) in enumerate(zip(x, dates, strict=True))]
    (tmp_path / "t.csv").write_text("x,day,y\n" + "\n".join(rows) + "\n")
    in_process("fit", "t.csv", "--target", "y", "--epochs", "2", "-q", "--out", "m").succeeds()
    (tmp_path / "a.csv").write_text("x,day,y\n" + "1234,2024-02-01,5.5\n,2024-02-01,6.5\n" * 2)
    words = [("1.234", "1/2/2024", "5,500"), ("-9", "1/2/2024", "6,500")]
    (tmp_path / "b.csv").write_text("x~day~y\n" + "".join("~".join(row) + "\n" for row in words) * 2)
    other = ["--decimal", ",", "--missing", "-9", "--day-first", "--delimiter", "~"]
    expected = in_process("predict", "m", "a.csv").succeeds()
    found = in_process("predict", "m", "b.csv", *other).succeeds()
    assert found.out == expected.out
    assert expected.err == found.err
    assert in_process("predict", "m", "b.csv", "--delimiter", "~").out != expected.out
    measured = [in_process("evaluate", "m", *rest).succeeds().out for rest in (["a.csv"], ["b.csv", *other])]
    assert measured[0] == measured[1]
    in_process("predict", "m", "b.csv", "--decimal", ";").fails(2, "'--decimal'", "got ';'")
