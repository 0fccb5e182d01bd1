"""The command line on tables as they come."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import chainrule

QUICK = ["-q", "--hidden", "8", "--epochs", "3"]


def c(value):
    return f"{value:.3f}".replace(".", ",")


@pytest.fixture
def german(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{k:04};{c(x)};{k % 7};{c(2 * x)}\n" for k, x in enumerate(rng.normal(size=300))]
    rows[16] = "0016;-;2;1,0\n"
    (tmp_path / "de.csv").write_text("id;a;b;y\n" + "".join(rows))
    return tmp_path / "de.csv"


def test_decimal_commas_and_an_odd_word(in_process, german):
    done = in_process("fit", "de.csv", "--target", "y", "-q", "--hidden", "64", "--out", "m").succeeds()
    assert "'a' is read with a decimal comma: '0,126' is 0.126; so is 'y'" in done.out
    assert "'a': 299 of 300 values are numbers; '-' in row 17 counts as missing" in done.out
    assert done.out.index("Read ") < done.out.index("Network")
    row = next(line for line in done.out.splitlines() if line.startswith("R²"))
    assert float(row.split()[1]) > 0.98
    done = in_process("predict", "m", "de.csv", "--keep", "id").succeeds()
    assert done.out.splitlines()[0] == '"id","prediction"'
    assert done.out.splitlines()[17].startswith('"0016",')


def test_every_guess_has_an_option(in_process, german):
    done = in_process(
        "fit", "de.csv", "--target", "y", *QUICK, "--decimal", ",", "--delimiter", ";",
        "--encoding", "latin-1", "--missing", "9999", "--text", "b", "--number", "id", "--day-first",
    ).succeeds()  # fmt: skip
    assert "2 numbers (standardised), 1 text (one-hot)" in done.out
    assert "decimal comma" not in done.out
    in_process("fit", "de.csv", "--target", "y", "--decimal", ";").fails(
        2, "invalid value for '--decimal': got ';', expected one of ., ,"
    )
    in_process("fit", "de.csv", "--target", "y", "--encoding", "utf-9").fails(2, "'--encoding'", "latin-1")
    in_process("fit", "de.csv", "--target", "3", "--no-header", "--ignore", "0", *QUICK).succeeds()


def test_several_targets_and_weights(in_process, houses, tmp_path):
    table = houses(200)
    size = pa.array(np.sqrt(np.arange(200.0)))
    table = table.append_column("size", size).append_column("w", pa.array(np.arange(200) % 3 + 0.5))
    pyarrow.parquet.write_table(table, tmp_path / "h.parquet")
    options = ["--target", "price", "--target", "size", "--weight", "w", "--ignore", "dear", "--out", "m"]
    done = in_process("fit", "h.parquet", *options, *QUICK).succeeds()
    assert "regression of 'price', 'size'" in done.out
    assert "'price': Test rows (40)" in done.out
    assert "'size': Test rows (40)" in done.out
    assert "2 outputs" in done.out or "-8-2," in done.out
    done = in_process("predict", "m", "h.parquet", "--keep", "w", "--out", "out.csv").succeeds()
    assert (tmp_path / "out.csv").read_text().splitlines()[0] == '"w","prediction_price","prediction_size"'
    assert in_process("evaluate", "m", "h.parquet", "--weight", "w").succeeds().out.count("R²") == 2
    in_process("fit", "h.parquet", "--target", "price", "--target", "dear").fails(
        1, "several targets", "'dear'"
    )
    in_process("fit", "h.parquet", "--target", "price", "--target", "price").fails(2, "'--target'", "twice")


def test_no_rows_to_predict(in_process, model, price_model, tmp_path):
    (tmp_path / "none.csv").write_text("rooms,heating\n")
    assert in_process("predict", model.name, "none.csv").succeeds().out == '"prediction"\n'
    done = in_process("predict", model.name, "none.csv", "--proba", "--keep", "rooms").succeeds()
    assert done.out == '"rooms","prediction","probability_false","probability_true"\n'
    done = in_process("predict", price_model.name, "none.csv", "--out", "out.parquet").succeeds()
    assert (
        pyarrow.parquet.read_table(tmp_path / "out.parquet").schema.field("prediction").type == pa.float64()
    )
    in_process("evaluate", model.name, "none.csv").fails(1, "no column 'dear'")


def test_columns_to_keep(in_process, model, tmp_path):
    (tmp_path / "new.csv").write_text("rooms,heating,id,name,prediction\n3,gas,7,a,1\n4,oil,12,b,2\n")
    done = in_process("predict", model.name, "new.csv", "--keep", "id", "--keep", "name").succeeds()
    assert [line.rsplit(",", 1)[0] for line in done.out.splitlines()] == ['"id","name"', '7,"a"', '12,"b"']
    in_process("predict", model.name, "new.csv", "--keep", "nam").fails(
        1, "no column 'nam' to keep", "'name'?"
    )
    in_process("predict", model.name, "new.csv", "--keep", "prediction").fails(
        1, "called like one of the result"
    )


def test_codes_for_not_measured(in_process, tmp_path):
    rows = "".join(f"{9999 if k % 100 == 3 else k % 37},{k % 37}.5\n" for k in range(500))
    (tmp_path / "t.csv").write_text("x,y\n" + rows)
    done = in_process("fit", "t.csv", "--target", "y", *QUICK).succeeds()
    assert done.err.startswith(
        "warning: column 'x' has 9999 in 5 rows (1.0%), far from its other values (0 to 36)"
    )
    done = in_process("fit", "t.csv", "--target", "y", "--missing", "9999", *QUICK).succeeds()
    assert done.err == ""
    assert "1 column with missing values" in done.out


def test_letters_that_the_terminal_does_not_know(start, table, tmp_path, monkeypatch):
    import os
    import subprocess
    import sys

    command = [
        sys.executable,
        "-m",
        "chainrule",
        "fit",
        "houses.csv",
        "--target",
        "price",
        *QUICK,
        "--out",
        "m",
    ]
    environment = os.environ | {
        "PYTHONIOENCODING": "ascii",
        "PYTHONPATH": os.path.dirname(chainrule.__path__[0]),
    }
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "R2 " in done.stdout
    assert "Saved to m" in done.stdout


def test_no_traceback_unless_it_is_asked_for(in_process, monkeypatch, table):
    def broken(*arguments, **options):
        raise KeyError("lost")

    monkeypatch.setattr("chainrule.table_models.fitting.prepare", broken)
    in_process("fit", "houses.csv", "--target", "price").fails(
        1, "this should not have happened: KeyError: 'lost'; --traceback shows where"
    )
    for arguments in (["--traceback", "fit"], ["fit", "--traceback"]):
        done = in_process(*arguments, "houses.csv", "--target", "price")
        assert done.code == 1
        assert "Traceback (most recent call last)" in done.err
        assert "this should not have happened" in done.err.splitlines()[-1]
