import os
import re
import signal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import chainrule

QUICK = ["--hidden", "8", "--epochs", "3"]


def test_fit_a_csv_file(run, table, tmp_path):
    done = run("fit", "houses.csv", "--target", "dear", "--ignore", "price", "--out", "m", *QUICK).succeeds()
    epochs = [line for line in done.err.splitlines() if line.startswith("epoch ")]
    assert len(epochs) == 3
    assert all("loss " in line and "validation: accuracy " in line for line in epochs) == (120 * 0.8 >= 100)
    assert "classification of 'dear' into 2 classes (its values are true or false)" in done.out
    assert "96 to train, none to choose the epoch, 24 to test" in done.out
    assert "1 number (standardised), 1 text (one-hot): 3 features" in done.out
    assert "3-8-1, relu, sigmoid output; 41 parameters, float32" in done.out
    assert "Test rows (24)" in done.out
    assert [word for word in ("accuracy", "log loss", "ROC AUC") if word in done.out][2:]
    assert "most frequent class" in done.out
    assert done.out.endswith("Saved to m\n")
    model = chainrule.load(tmp_path / "m")
    assert model.columns == ["rooms", "heating"]
    assert model.classes == [False, True]


def test_fit_a_parquet_file_to_numbers(in_process, houses, tmp_path):
    pyarrow.parquet.write_table(houses(300), tmp_path / "houses.parquet")
    options = [
        "--task",
        "regression",
        "--seed",
        "3",
        "--activation",
        "tanh",
        "--dtype",
        "float64",
        "--batch-size",
        "50",
    ]
    done = in_process("fit", "houses.parquet", "--target", "price", *options, *QUICK).succeeds()
    assert "validation: R² " in done.err
    assert "regression of 'price' (as --task says)" in done.out
    assert "192 to train, 48 to choose the epoch, 60 to test" in done.out
    assert "tanh, identity output" in done.out
    assert "float64" in done.out
    assert "batches of 50" in done.out
    assert "mean of the training rows" in done.out
    assert "Not saved; --out MODEL saves the model" in done.out
    assert os.listdir(tmp_path) == ["houses.parquet"]


def test_the_network_learns(in_process, houses, tmp_path):
    pyarrow.parquet.write_table(houses(600), tmp_path / "houses")
    options = ["--target", "dear", "--ignore", "price", "--epochs", "40", "--learning-rate", "0.01", "-q"]
    done = in_process("fit", "houses", *options).succeeds()
    assert done.err == ""
    row = next(line for line in done.out.splitlines() if line.startswith("accuracy"))
    accuracy, baseline = map(float, row.split()[1:])
    assert accuracy > 0.95
    assert 0.4 < baseline < 0.7


def test_digits_without_a_table(in_process):
    done = in_process("fit", "--max-iter", "5").succeeds()
    assert done.err.count("epoch ") == 5
    assert "classification of 'digit' into 10 classes" in done.out
    assert "Left out" in done.out
    row = next(line for line in done.out.splitlines() if line.startswith("accuracy"))
    assert float(row.split()[1]) > 0.9


def test_no_test_rows(in_process, table):
    done = in_process("fit", "houses.csv", "--target", "price", "--test-fraction", "0", *QUICK).succeeds()
    assert "96 to train, 24 to choose the epoch, 0 to test" in done.out
    assert "Test rows" not in done.out


def test_rows_without_target_and_useless_columns_are_said(in_process, tmp_path):
    rows = "".join(f"{i % 7},k,{'' if i < 5 else i % 2},name {i}\n" for i in range(80))
    (tmp_path / "t.csv").write_text("x,constant,y,who\n" + rows)
    done = in_process("fit", "t.csv", "--target", "y", *QUICK).succeeds()
    assert "warning: 5 rows of 80 without a value of 'y' dropped" in done.err
    assert "'constant' has one value only; 'who' has 60 different texts in 60 rows, like a name" in done.out


def test_a_model_is_replaced_and_the_result_is_the_same(run, in_process, table, model, tmp_path):
    before = model.read_bytes()
    options = ["--target", "dear", "--out", model.name, "--threads", "1", *QUICK]
    first = in_process("fit", "houses.csv", *options).succeeds()
    once = model.read_bytes()
    assert once != before
    second = run("fit", "houses.csv", *options, "--force").succeeds()
    assert first.out.split("Test rows")[1] == second.out.split("Test rows")[1]
    assert model.read_bytes() == once
    assert sorted(os.listdir(tmp_path)) == ["dear.safetensors", "houses.csv"]


def test_interrupt(start, table, tmp_path):
    process = start(
        "fit", "houses.csv", "--target", "dear", "--out", "m", "--epochs", "1000000", "--patience", "1000000",
        directory=tmp_path,
    )  # fmt: skip
    assert process.stderr.readline().startswith("epoch ")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "interrupted; nothing was written"
    assert "Traceback" not in err
    assert out.startswith("Task ")
    assert "Network" not in out
    assert os.listdir(tmp_path) == ["houses.csv"]


def test_progress_on_a_terminal(start, table, tmp_path):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = start("fit", "houses.csv", "--target", "dear", *QUICK, directory=tmp_path, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    out = process.stdout.read()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert "epoch 3/3" in shown.decode()
    assert "loss " in shown.decode()
    assert "Test rows" in out


def test_memory_streams_parquet(run, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    table = pa.table({"x": x, "kind": rng.choice(["a", "b"], 2000), "y": x**2})
    for part in range(2):
        rows = table.slice(1000 * part, 1000)
        pyarrow.parquet.write_table(rows, tmp_path / f"part{part}.parquet", row_group_size=100)
    asked = ["fit", "part*.parquet", "--target", "y", *QUICK]
    done = run(*asked, "--memory", "20kB", "--out", "m").succeeds()
    assert "regression of 'y'" in done.out
    epochs = [line for line in done.err.splitlines() if line.startswith("epoch ")]
    assert len(epochs) == 3
    assert all(re.search(r" [\d,]+ rows, [\d,]+ rows/s, at most \d+ s left$", line) for line in epochs)
    assert chainrule.load(tmp_path / "m").columns == ["x", "kind"]
    run(*asked, "--memory", "much").fails(2, "memory", "expected a size such as")


def test_memory_shows_how_far_a_long_reading_is(in_process, tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.cli.progress.BETWEEN_LINES", -1.0)
    table = pa.table({"x": np.arange(2000.0), "y": np.arange(2000.0) % 7})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet", row_group_size=500)
    asked = ["fit", "x.parquet", "--target", "y", "--memory", "20kB", *QUICK]
    lines = in_process(*asked).succeeds().err.splitlines()
    read = [line for line in lines if line.startswith("reading  ")]
    assert len(read) == 8
    assert read[1].startswith("reading  1,000 of 2,000 rows, ")
    assert next(line[:11] for line in lines if not line.startswith("reading")) == "epoch    1 "
    assert not in_process(*asked, "--quiet").succeeds().err
    pyarrow.csv.write_csv(table, tmp_path / "x.csv")
    asked[1] = "x.csv"
    lines = in_process(*asked).succeeds().err.splitlines()
    assert re.fullmatch(r"reading  [\d,]+( of about [\d,]+)? rows, [\d,]+ rows/s, about .* left", lines[0])
