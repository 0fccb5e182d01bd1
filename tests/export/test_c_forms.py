"""C files that any program can take: names that compilers know, headers, C++, no double in float."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from chainrule import MLPClassifier, MLPRegressor, Network
from chainrule.export import export_c
from chainrule.export.c.text import KEYWORDS, MACROS, identifiers
from chainrule.io import TableModel

from .compiled import CC, CXX, STRICT, call, compile_shared, strings, structure, succeeds
from .networks import HIDDEN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 6))

#: Names that differ only in what C does not have, names of digits, names without a letter of C's.
ODD = [
    "a b",
    "a_b",
    "a-b",
    "a_b_2",
    "2024",
    "1st",
    "größe",
    "日本",
    "日 本",
    "€",
    "__LINE__",
    "_Bool",
    "x",
    "x_categories",
]


def predefined(compiler: str, language: str) -> list[str]:
    """Macros that a compiler knows with the headers that the file includes."""
    command = [compiler, "-x", language, "-dM", "-E", "-"]
    headers = "#include <math.h>\n#include <string.h>\n#include <stdlib.h>\n"
    done = subprocess.run(command, input=headers, capture_output=True, text=True, check=True)
    names = [line.split()[1] for line in done.stdout.splitlines()]
    return [name for name in names if not name.startswith("_") and "(" not in name]


def columns(names: list[str], n: int = 30) -> pd.DataFrame:
    return pd.DataFrame(RNG.normal(size=(n, len(names))), columns=names)


@pytest.mark.parametrize("kind", ["keywords", "macros", "this compiler's", "odd"])
def test_columns_may_be_called_anything(kind: str, tmp_path: Path) -> None:
    names = {
        "keywords": KEYWORDS.split(),
        "macros": MACROS.split(),
        "this compiler's": sorted({*predefined(CC, "c"), *predefined(CXX, "c++")}),
        "odd": ODD,
    }[kind]
    frame = columns(names)
    y = frame.sum(axis=1)
    frame["word"] = RNG.choice(["u", "v"], len(frame))
    model = TableModel.fit(frame.assign(target=y), "target", epochs=1, hidden_layer_sizes=(3,))
    assert model.columns == [*names, "word"]
    model.export_c(tmp_path / "m.c")
    # -std=gnu: with the compilers' own macros, such as linux
    succeeds(CC, "-std=gnu11", *STRICT, "-fsyntax-only", tmp_path / "m.c")
    succeeds(CXX, "-std=gnu++20", "-x", "c++", *STRICT, "-fsyntax-only", tmp_path / "m.c")
    row = structure([*((f"x{k}", ctypes.c_double) for k in range(len(names))), ("word", ctypes.c_char_p)])
    predict, out = compile_shared(tmp_path / "m.c").m_predict, ctypes.c_double()
    for *numbers, word in frame[:5].itertuples(index=False):
        predict(ctypes.byref(row(*numbers, word.encode())), ctypes.byref(out))
        expected = model.predict(pd.DataFrame([[*numbers, word]], columns=frame.columns))[0]
        assert out.value == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_names_of_columns() -> None:
    assert identifiers(["class", "new", "template", "linux", "unix", "M_PI", "M_Energy", "i"]) == [
        "class_", "new_", "template_", "linux_", "unix_", "M_PI_", "M_Energy", "i",
    ]  # fmt: skip
    assert identifiers(["2024", "2024 ", "€", "ä"]) == ["x2024", "x2024_2", "x3", "x4"]


def test_functions_may_be_called_as_keywords(tmp_path: Path) -> None:
    """A function's name only begins with the word."""
    net = Network([2, 1], random_state=0)
    for name in ("new", "class", "int"):
        net.export_c(tmp_path / f"{name}.c")
        assert hasattr(compile_shared(tmp_path / f"{name}.c"), f"{name}_predict")
        net.export_c(tmp_path / "other.c", name=name)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_a_header_declares_what_the_file_defines(language: str, tmp_path: Path) -> None:
    """One file compiled as C, its header used from C and from C++; both may be included in one file, too."""
    frame = columns(["a", "b"])
    frame["class"] = np.where(frame["a"] > 0, "yes", "no")
    model = TableModel.fit(frame, "class", epochs=3, hidden_layer_sizes=(3,))
    model.export_c(tmp_path / "m.c", header=tmp_path / "m.h")
    succeeds(CC, "-std=c99", *STRICT, "-c", tmp_path / "m.c", "-o", tmp_path / "m.o")
    user = tmp_path / f"user.{'c' if language == 'c' else 'cpp'}"
    user.write_text(
        '#include "m.h"\n#include "m.h"\n#include <stdio.h>\n'
        "int main(void)\n{\n    m_row row = { 2.0, -0.5 };\n    float p[2];\n"
        "    int k = m_predict(&row, p);\n"
        '    printf("%s %.6f", m_classes[k], (double)p[k]);\n    return 0;\n}\n'
    )
    compiler = CC if language == "c" else CXX
    succeeds(compiler, *STRICT, "-I", tmp_path, user, tmp_path / "m.o", "-o", tmp_path / "user", "-lm")
    printed = subprocess.run([tmp_path / "user"], capture_output=True, text=True, check=True).stdout.split()
    row = {"a": [2.0], "b": [-0.5]}
    assert printed[0] == model.predict(row)[0]
    assert float(printed[1]) == pytest.approx(model.predict_proba(row).max(), abs=2e-6)
    both = tmp_path / "both.c"
    both.write_text('#include "m.h"\n#include "m.c"\n')
    assert strings(compile_shared(both), "m_classes", 2) == model.classes


def test_a_header_in_the_files_place(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"header is '.*m\.c', the C file itself; give it another name"):
        Network([2, 1]).export_c(tmp_path / "m.c", header=tmp_path / "m.c")
    assert not list(tmp_path.iterdir())


def test_compiled_as_cxx_the_function_has_its_own_name(tmp_path: Path) -> None:
    Network([2, 1], random_state=0).export_c(tmp_path / "m.c")
    succeeds(CXX, "-x", "c++", *STRICT, "-shared", "-fPIC", tmp_path / "m.c", "-o", tmp_path / "m.so")
    assert hasattr(ctypes.CDLL(str(tmp_path / "m.so")), "m_predict")


@pytest.mark.parametrize("hidden", [*HIDDEN, "prelu"])
def test_a_float_network_has_no_double(hidden: str, tmp_path: Path) -> None:
    """Neither in a declaration nor in a constant; compile_shared looks for 0.5 without f."""
    net = Network(
        [6, 6, 6, 3],
        activation=hidden,
        layer_norm=True,
        residual=True,
        dtype="float32",
        loss="cross_entropy",
        random_state=0,
    )
    net.export_c(tmp_path / "m.c", header=tmp_path / "m.h")
    for name in ("m.c", "m.h"):
        assert "double" not in (tmp_path / name).read_text()
    x = X.astype(np.float32)
    found, _ = call(compile_shared(tmp_path / "m.c"), "m_predict", x, 3, "float32")
    assert_allclose(found, net(x), rtol=2e-4)


@pytest.mark.parametrize("target", ["two", "three", "several", "number"])
def test_a_float_estimator_has_no_double(target: str, tmp_path: Path) -> None:
    x = X.astype(np.float32)
    y = {
        "two": x[:, 0] > 0,
        "three": np.digitize(x[:, 0], [-0.5, 0.5]),
        "several": (x[:, :3] > 0).astype(int),
        "number": x[:, :2] * 3 + 100,
    }[target]
    kind = MLPRegressor if target == "number" else MLPClassifier
    mlp = kind(hidden_layer_sizes=(5,), max_iter=5, random_state=0).fit(x, y)
    mlp.export_c(tmp_path / "m.c")
    assert "double" not in (tmp_path / "m.c").read_text()
    compile_shared(tmp_path / "m.c")


@pytest.mark.parametrize("loss", ["huber", "poisson"])
def test_a_table_in_float_alone(loss: str, tmp_path: Path) -> None:
    """Years and dates keep their digits: their means are taken away in two parts."""
    frame = columns(["a", "rooms"])
    frame["year"] = 1990.0 + np.arange(30) % 3
    frame["built"] = pd.date_range("2021-03-01", periods=30)
    frame["heating"] = RNG.choice(["gas", "oil"], 30)
    frame["price"] = 100.5 + np.arange(30) % 7
    settings: dict[str, Any] = {"task": "regression", "loss": loss, "epochs": 3, "dtype": "float64"}
    model = TableModel.fit(frame, "price", hidden_layer_sizes=(4,), **settings)
    model.export_c(tmp_path / "m.c", dtype="float32")
    assert "double" not in (tmp_path / "m.c").read_text()
    fields: list[Any] = [(name, ctypes.c_float) for name in ("a", "rooms", "year", "built")]
    row, out = structure([*fields, ("heating", ctypes.c_char_p)]), ctypes.c_float()
    predict = compile_shared(tmp_path / "m.c").m_predict
    day = pd.Timedelta(days=1)
    for k, one in enumerate(frame.itertuples()):
        days = (one.built - pd.Timestamp("1970-01-01")) / day
        predict(ctypes.byref(row(one.a, one.rooms, one.year, days, one.heating.encode())), ctypes.byref(out))
        assert out.value == pytest.approx(model.predict(frame[k : k + 1])[0], rel=2e-6)


@pytest.mark.parametrize(
    "scaler", [StandardScaler(), RobustScaler(), MinMaxScaler(clip=True), MaxAbsScaler()]
)
def test_a_pipeline_in_float_alone(scaler: Any, tmp_path: Path) -> None:
    x = np.round(1000 * X) + 5000
    mlp = MLPRegressor(hidden_layer_sizes=(4,), scale_targets=True, max_iter=20, random_state=0)
    model = make_pipeline(scaler, mlp).fit(x, 100 + X[:, 0])
    export_c(model, tmp_path / "m.c", dtype="float32")
    assert "double" not in (tmp_path / "m.c").read_text()
    found, _ = call(compile_shared(tmp_path / "m.c"), "m_predict", x.astype(np.float32), 1, "float32")
    assert_allclose(found[:, 0], model.predict(x), rtol=1e-6)


def test_several_targets_of_a_table(tmp_path: Path) -> None:
    frame = columns(["a", "b"])
    model = TableModel.fit(frame.assign(y=100 + frame["a"], z=frame["b"] - 5), ["y", "z"], epochs=2)
    model.export_c(tmp_path / "m.c")
    row, out = structure([("a", ctypes.c_double), ("b", ctypes.c_double)]), (ctypes.c_double * 2)()
    compile_shared(tmp_path / "m.c").m_predict(ctypes.byref(row(*frame.iloc[0])), out)
    assert_allclose(list(out), model.predict(frame)[0], rtol=1e-6)


def test_numbers_that_are_too_large_for_float(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(2,), max_iter=1))
    model.fit(X + 1e150 * (X > 0), X[:, 0])
    with pytest.raises(ValueError, match=r"[\d.e+]+ is too large for float32; keep float64"):
        export_c(model, tmp_path / "m.c", dtype="float32")
    with pytest.raises(ValueError, match="dtype is 'int8'; expected 'float32' or 'float64'"):
        Network([2, 1]).export_c(tmp_path / "m.c", dtype="int8")
