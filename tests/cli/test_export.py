"""`chainrule export`, as a user runs it."""

import numpy as np
import onnxruntime
import pytest

import chainrule
from chainrule import Network


@pytest.mark.parametrize("options", [["--to", "houses.c"], ["--to", "houses.txt", "--format", "c"]])
def test_c(in_process, price_model, tmp_path, options):
    done = in_process("export", price_model.name, *options).succeeds()
    text = (tmp_path / options[1]).read_text()
    assert "void houses_predict(const houses_row *row, double y[1])" in text
    assert done.out == f"{options[1]}: {len(text.encode()):,} bytes\n"


def test_the_function_is_named(in_process, model, tmp_path):
    in_process("export", model.name, "--to", "m.c", "--name", "dear").succeeds()
    assert "int dear_predict(const dear_row *row, float p[2])" in (tmp_path / "m.c").read_text()


def test_a_header_and_float(in_process, tmp_path):
    net = Network([3, 5, 1], random_state=0)
    net.save(tmp_path / "net.safetensors")
    options = ["--to", "net.c", "--header", "net.h", "--dtype", "float32"]
    done = in_process("export", "net.safetensors", *options).succeeds()
    source, header = ((tmp_path / name).read_text() for name in ("net.c", "net.h"))
    assert "double" not in source.partition("*/")[2]
    assert "void net_predict(const float x[3], float y[1]);" in header
    assert [line.partition(":")[0] for line in done.out.splitlines()] == ["net.c", "net.h"]
    in_process("export", "net.safetensors", "--to", "net.onnx", "--dtype", "float32").succeeds()
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    x = np.ones((2, 3), np.float32)
    (y,) = session.run(None, {"X": x})
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, net(x.astype(float)), rtol=1e-5)


def test_onnx(run, model, tmp_path):
    run("export", model.name, "--to", "houses.onnx").succeeds()
    session = onnxruntime.InferenceSession(tmp_path / "houses.onnx", providers=["CPUExecutionProvider"])
    rows = {"rooms": np.array([[3.0], [8.0]]), "heating": np.array([["gas"], ["oil"]], object)}
    labels = session.run(["label"], rows)[0].tolist()
    assert labels == chainrule.load(model).predict({"rooms": [3, 8], "heating": ["gas", "oil"]}).tolist()


def test_a_network(in_process, tmp_path):
    Network([3, 5, 1], random_state=0).save(tmp_path / "net.safetensors")
    in_process("export", "net.safetensors", "--to", "net.c").succeeds()
    assert "void net_predict(const double x[3], double y[1])" in (tmp_path / "net.c").read_text()


def test_careless_input(in_process, model):
    in_process("export", model.name, "--to", "houses.pdf").fails(2, "houses.pdf", ".onnx, .c", "--format")
    in_process("export", model.name, "--to", "m.onnx", "--name", "x").fails(2, "only a C file has a function")
    in_process("export", model.name, "--to", "m.onnx", "--header", "x").fails(2, "only a C file has a header")
    in_process("export", model.name, "--to", "m.c", "--dtype", "float16").fails(
        2, "'float16'", "float32, float64"
    )
    in_process("export", model.name, "--to", "m.c", "--header", "m.c").fails(1, "the C file itself")
    in_process("export", model.name, "--to", "m.c", "--header", model.name).fails(
        1, "is read by this command"
    )
    in_process("export", model.name, "--to", "m.c", "--header", "nowhere/m.h").fails(1, "nowhere/m.h")
    in_process("export", model.name, "--to", "m.c", "--name", "2 b").fails(1, "'2 b'", "did you mean 'x2_b'?")
    in_process("export", model.name, "--to", "m.c", "--format", "pmml").fails(2, "pmml")
    in_process("export", "missing", "--to", "m.c").fails(1, "missing")
    in_process("export", model.name, "--to", model.name, "--format", "c").fails(1, "is read by this command")
    in_process("export", model.name, "--to", "nowhere/m.c").fails(1, "nowhere/m.c")
