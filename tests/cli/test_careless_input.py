"""Each careless input: one clear line, code 2 for usage and 1 for data, no traceback, nothing overwritten."""

import json
import os
import struct

import pytest

from chainrule import Network

EXABYTES = "1000000000000000000"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--hidden", EXABYTES], ["--hidden", "GB of memory", "expected at most"]),
        (["--hidden", "-5"], ["--hidden", "got '-5'", "expected positive whole numbers such as 128,64"]),
        (["--hidden", "10,0"], ["--hidden", "got '10,0'"]),
        (["--activation", "rellu"], ["--activation", "expected one of identity", "did you mean 'relu'?"]),
        (["--task", "clasification"], ["--task", "did you mean 'classification'?"]),
        (["--epochs", "-3"], ["--epochs", "-3"]),
        (["--learning-rate", "nan"], ["--learning-rate", "expected a positive number"]),
        (["--test-fraction", "1"], ["--test-fraction", "got 1", "less than 1"]),
        (["--batch-size", "many"], ["--batch-size", "'many'"]),
        (["--ignore", "price"], ["--ignore", "names the target"]),
        (["--hiden", "5"], ["--hiden", "--hidden"]),
        (["another.csv"], ["another.csv"]),
    ],
)
def test_usage(in_process, table, options, words):
    in_process("fit", "houses.csv", "--target", "price", *options).fails(2, *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "houses.csv"], ["--target", "must name the column"]),
        (["fit", "--target", "price"], ["--target", "needs a TABLE"]),
        (["predict", "model"], ["TABLE"]),
        (["predict", "model", "houses.csv", "--out", "out.xlsx"], ["--out", "ends in .csv or .parquet"]),
        (["fitt"], ["fitt", "fit"]),
        (["gradcheck", "3-x-4"], ["SIZES", "'3-x-4'", "expected positive whole numbers"]),
        (["gradcheck", "3"], ["SIZES", "expected inputs and outputs"]),
        (["gradcheck", f"3-{EXABYTES}-4"], ["SIZES", "GB of memory"]),
        (["gradcheck", "3-4", "--loss", "squared"], ["--loss", "did you mean 'squared_error'?"]),
    ],
)
def test_usage_of_other_commands(in_process, table, arguments, words):
    in_process(*arguments).fails(2, *words)


TABLES = {
    "infinite.csv": "x,y\n1,0\ninf,1\n3,0\n",
    "infinite_target.csv": "x,y\n1,0.5\n2,inf\n3,0.25\n",
    "empty.csv": "",
    "header_only.csv": "x,y\n",
    "one_class.csv": "x,y\n1,a\n2,a\n3,a\n",
    "constant.csv": "x,y\n1,0.5\n2,0.5\n",
    "no_target.csv": "x,y\n1,\n2,\n",
    "ragged.csv": "x,y\n1,2\n3\n4,5\n",
    "only_target.csv": "y\n1\n2\n",
    "names.csv": "x,y\n" + "".join(f"{i},name {i}\n" for i in range(60)),
    "binary.csv": b"\x7fELF\0\0\0" * 20,
    "latin1.csv": "x,y\n1,\xe9\n2,a\n".encode("latin1"),
    "bad.parquet": b"PAR1" + b"?" * 30,
}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("infinite.csv", ["column 'x'", "1 infinite value, the first in row", "expected finite"]),
        ("infinite_target.csv", ["column 'y'", "infinite"]),
        ("empty.csv", ["empty.csv is empty, expected a table"]),
        ("header_only.csv", ["has no rows", "'x', 'y'"]),
        ("one_class.csv", ["'y' has one class only, 'a', expected at least two"]),
        ("constant.csv", ["'y' is 0.5 in every row"]),
        ("no_target.csv", ["'y' has no values"]),
        ("ragged.csv", ["line 3 of ragged.csv has 1 field, expected 2 as in the line of names"]),
        ("only_target.csv", ["no column to predict from"]),
        ("names.csv", ["60 classes in 60 rows", "is it the right column?"]),
        ("binary.csv", ["binary.csv is a binary file, expected CSV"]),
        ("latin1.csv", ["not UTF-8", "iconv"]),
        ("bad.parquet", ["bad.parquet could not be read"]),
        ("missing.csv", ["missing.csv: No such file"]),
        (".", [".: Is a directory"]),
    ],
)
def test_tables(in_process, tmp_path, name, words):
    if name in TABLES:
        content = TABLES[name]
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = os.listdir(tmp_path)
    options = ["--test-fraction", "0", "--quiet", "--epochs", "1", "--out", "model"]
    in_process("fit", name, "--target", "y", *options).fails(1, *words)
    assert os.listdir(tmp_path) == before


def test_target_that_is_no_column(in_process, table):
    in_process("fit", "houses.csv", "--target", "prise").fails(
        1, "no column 'prise'", "did you mean 'price'?"
    )


def test_ignored_column_that_is_none(in_process, table):
    in_process("fit", "houses.csv", "--target", "price", "--ignore", "deer").fails(1, "did you mean 'dear'?")


def test_exabytes_in_a_real_process(run, table):
    run("fit", "houses.csv", "--target", "price", "--hidden", EXABYTES).fails(2, "--hidden", "GB of memory")


def test_layers_that_are_too_wide_for_this_table_only(in_process, table):
    done = in_process("fit", "houses.csv", "--target", "price", "--hidden", "500000000", "--out", "model")
    assert done.code in (1, 2)
    assert "GB of memory" in done.err
    assert not (table.parent / "model").exists()


def test_divergence(in_process, table):
    options = ["--learning-rate", "1e300", "--out", "model", "-q"]
    in_process("fit", "houses.csv", "--target", "price", *options).fails(
        1, "diverged in epoch", "lower learning rate", after="Task "
    )
    assert not (table.parent / "model").exists()


@pytest.mark.parametrize(
    ("out", "words"),
    [
        (".", [".: Is a directory"]),
        (
            "missing/model",
            ["missing/model: No such file or directory; there is no folder 'missing': make it first"],
        ),
        ("houses.csv/model", ["houses.csv/model: Not a directory"]),
        ("/dev/null", ["/dev/null: Not a regular file"]),
        ("/proc/model", ["/proc/model: "]),
        ("houses.csv", ["houses.csv exists and is no model", "--force"]),
    ],
)
def test_model_that_cannot_be_written(in_process, table, out, words):
    """Found out before the training: no epoch is shown."""
    before = table.read_bytes()
    in_process("fit", "houses.csv", "--target", "dear", "--out", out).fails(1, *words)
    assert table.read_bytes() == before
    assert os.listdir(table.parent) == ["houses.csv"]


def test_failed_training_keeps_the_model(in_process, table, model):
    before = model.read_bytes()
    in_process("fit", "houses.csv", "--target", "heatin", "--out", model.name).fails(
        1, "did you mean 'heating'?"
    )
    assert model.read_bytes() == before


def newer(data):
    (n_header,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + n_header])
    ours = json.loads(header["__metadata__"]["chainrule"])
    header["__metadata__"]["chainrule"] = json.dumps(ours | {"version": 99})
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + n_header :]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[:-10], ["dear.safetensors is truncated", "expected"]),
        (lambda data: data[:100], ["dear.safetensors is truncated"]),
        (lambda data: b"", ["dear.safetensors is not a model file", "empty"]),
        (lambda data: b"rooms,heating\n1,gas\n", ["dear.safetensors is not a model file"]),
        (newer, ["newer chainrule", "version 99", "upgrade"]),
        (lambda data: data.replace(b'"left_out', b'"left_0ut'), ["dear.safetensors is damaged", "checksum"]),
    ],
)
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_models(in_process, model, table, command, change, words):
    data = model.read_bytes()
    model.write_bytes(change(data.replace(b'\\"left_out', b'\\"left_out')))
    in_process(command, model.name, table.name).fails(1, *words)


def test_model_that_is_missing_a_directory_or_no_table_model(in_process, table, tmp_path):
    in_process("predict", "missing", table.name).fails(1, "missing: No such file")
    in_process("predict", ".", table.name).fails(1, ".: Is a directory")
    Network([2, 1], random_state=0).save(tmp_path / "net")
    in_process("evaluate", "net", table.name).fails(1, "net holds a Network, which knows no columns")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("heating\ngas\n", ["lacks 'rooms', expected the 2 columns of the training"]),
        ("Rooms,heating\n3,gas\n", ["lacks 'rooms'", "did you mean 'Rooms'?"]),
        ("rooms,heating\n3,gas\nmany,oil\n", ["'rooms' has the text 'many' in row 2, expected a number"]),
        ("rooms,heating\ninf,gas\n", ["'rooms' has 1 infinite value"]),
        ("rooms,heating\n1e200,gas\n", ["'rooms' has 1e+200 in row 1, too far from"]),
        ("", ["is empty"]),
        (b"\0\1\2\3" * 50, ["is a binary file"]),
    ],
)
def test_tables_that_do_not_fit_the_model(in_process, model, tmp_path, content, words):
    (tmp_path / "new.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    in_process("predict", model.name, "new.csv", "--out", "out.csv").fails(1, *words)
    assert not (tmp_path / "out.csv").exists()


def test_wrong_columns_in_a_real_process(run, model, tmp_path):
    (tmp_path / "new.csv").write_text("heating\ngas\n")
    run("predict", model.name, "new.csv").fails(1, "lacks 'rooms'")


def test_missing_values_are_no_error(in_process, model, tmp_path):
    (tmp_path / "new.csv").write_text("rooms,heating\nNaN,gas\n3,\n")
    done = in_process("predict", model.name, "new.csv")
    assert done.code == 0
    assert len(done.out.splitlines()) == 3
    assert done.err.startswith("warning: missing values where training had none")


def test_evaluation_without_target_or_of_unknown_classes(in_process, model, tmp_path):
    (tmp_path / "new.csv").write_text("rooms,heating\n3,gas\n")
    in_process("evaluate", model.name, "new.csv").fails(1, "no column 'dear'")
    (tmp_path / "new.csv").write_text("rooms,heating,dear\n3,gas,maybe\n")
    in_process("evaluate", model.name, "new.csv").fails(
        1, "'dear' has the text 'maybe' in row 1, expected true or false"
    )


def test_predictions_do_not_replace_what_they_are_made_from(in_process, model, table):
    before = table.read_bytes()
    in_process("predict", model.name, table.name, "--out", table.name).fails(1, "is read by this command")
    in_process("predict", model.name, table.name, "--out", "missing/out.csv").fails(1, "No such file")
    assert table.read_bytes() == before


def test_probabilities_of_a_number(in_process, price_model, table):
    in_process("predict", price_model.name, table.name, "--proba").fails(
        1, "'price', which has no probabilities"
    )
