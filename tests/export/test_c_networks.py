"""`export_c` of networks and estimators: compiled as strict C99, and compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule
from chainrule import MLPClassifier, MLPRegressor, Network
from chainrule.description import Description, Meaning
from chainrule.export import export_c
from chainrule.export.c.text import comment, identifiers, string, wrap

from .compiled import call, compile_shared, strings
from .networks import (
    HIDDEN,
    OUTPUTS,
    everything,
    make_layer,
    network_of_everything,
    outputs,
    quantiles,
    regressor_of_everything,
    scaled,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6))
TOLERANCE = {"float64": 1e-13, "float32": 5e-6}
quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def compiled(model: Any, directory: Path, x: np.ndarray, n_out: int) -> tuple[np.ndarray, list[int]]:
    export_c(model, directory / "model.c")
    library = compile_shared(directory / "model.c")
    return call(library, "model_predict", x, n_out, x.dtype.name)


def check(described: Description, directory: Path) -> None:
    x = (3 * X[:, : described.n_inputs]).astype(described.dtype)
    found, _ = compiled(described, directory, x, described.n_outputs)
    expected = outputs(described, x)
    scale = np.abs(expected).max()
    assert np.abs(found - expected).max() <= TOLERANCE[described.dtype.name] * scale


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation(hidden: str, dtype: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    layers = [
        make_layer(rng, 6, 9, hidden, dtype),
        make_layer(rng, 9, 7, hidden, dtype),
        make_layer(rng, 7, 3, "identity", dtype),
    ]
    check(Description(layers, Meaning()), tmp_path)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_activation_behind_every_kind_of_layer(output: str, dtype: str, tmp_path: Path) -> None:
    check(everything(dtype, output), tmp_path)


def test_a_network_of_one_layer(tmp_path: Path) -> None:
    check(Description([make_layer(RNG, 6, 1, "identity")], Meaning()), tmp_path)


def test_extreme_numbers_read_back_as_the_same_bits(tmp_path: Path) -> None:
    layer = make_layer(RNG, 6, 4, "identity")
    tiny, huge = np.finfo(np.float64).smallest_subnormal, np.finfo(np.float64).max
    layer.weights[...] = 0
    layer.weights[0] = [tiny, -huge, 0.1, np.pi]
    layer.biases[...] = 0.0
    found, _ = compiled(Description([layer], Meaning()), tmp_path, np.eye(6)[:1], 4)
    assert found[0].tolist() == [tiny, -huge, 0.1, np.pi]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_network(dtype: str, tmp_path: Path) -> None:
    net = Network(
        [6, 8, 5, 3], activation=["gelu", "tanh"], loss="cross_entropy", dtype=dtype, random_state=0
    )
    x = X.astype(dtype)
    found, _ = compiled(net, tmp_path, x, 3)
    assert_allclose(found, net(x), rtol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_network_with_every_kind_of_layer(dtype: str, tmp_path: Path) -> None:
    net = network_of_everything(dtype)
    found, _ = compiled(net, tmp_path, X.astype(dtype), 2)
    assert_allclose(found, net(X.astype(dtype)), rtol=1e-4 if dtype == "float32" else 1e-11)


@quiet
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_classifiers(dtype: str, tmp_path: Path) -> None:
    x, names = X.astype(dtype), np.array(["α", 'b"??/', "c\\"])
    targets = {
        "binary": names[(X[:, 0] > 0).astype(int)],
        "classes": names[np.digitize(X[:, 0], [-0.5, 0.5])],
        "numbers": np.array([-(2**40), 0, 7])[np.digitize(X[:, 0], [-0.5, 0.5])],
    }
    for target in targets.values():
        mlp = MLPClassifier((5,), max_iter=10, random_state=0).fit(x, target)
        found, returned = compiled(mlp, tmp_path, x, len(mlp.classes_))
        assert_allclose(found, mlp.predict_proba(x), rtol=100 * TOLERANCE[dtype])
        assert mlp.classes_[returned].tolist() == mlp.predict(x).tolist()
        assert len(set(returned)) > 1


@quiet
def test_class_labels_are_in_the_file(tmp_path: Path) -> None:
    names = np.array(["α", 'b"??/', "c\\"])
    mlp = MLPClassifier((5,), max_iter=1, random_state=0).fit(X, names[np.arange(40) % 3])
    export_c(mlp, tmp_path / "m.c", name="iris")
    assert strings(compile_shared(tmp_path / "m.c"), "iris_classes", 3) == mlp.classes_.tolist()


@quiet
def test_one_class_and_multilabel(tmp_path: Path) -> None:
    one = MLPClassifier((2,), max_iter=1, random_state=0).fit(X, np.full(40, 3))
    found, returned = compiled(one, tmp_path, X, 2)
    assert_allclose(found, one.predict_proba(X), rtol=1e-12)
    assert returned == [0] * 40
    many = MLPClassifier((5,), max_iter=50, random_state=0).fit(X, (X[:, :4] > 0).astype(int))
    found, returned = compiled(many, tmp_path, X, 4)
    assert_allclose(found, many.predict_proba(X), rtol=1e-11)
    assert returned == many.predict(X).sum(axis=1).tolist()


@quiet
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_regressors(loss: str, tmp_path: Path) -> None:
    mlp = MLPRegressor(loss, (5, 4), max_iter=10, random_state=0).fit(X, np.abs(X[:, :2]))
    found, _ = compiled(mlp, tmp_path, X, 2)
    assert_allclose(found, mlp.predict(X), rtol=1e-11)


@quiet
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scaled_targets_come_back_in_their_own_units(dtype: str, tmp_path: Path) -> None:
    x = X.astype(dtype)
    y = np.stack([5 + 100 * X[:, 0], 1e-3 * X[:, 1]], axis=1)
    reg = MLPRegressor(hidden_layer_sizes=(5,), scale_targets=True, max_iter=30, random_state=0).fit(x, y)
    found, _ = compiled(reg, tmp_path, x, 2)
    assert_allclose(found, reg.predict(x), rtol=1e-4 if dtype == "float32" else 1e-12, atol=1e-7 * y.std())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_in_their_own_units(dtype: str, tmp_path: Path) -> None:
    described, scale, mean = scaled(dtype)
    export_c(described, tmp_path / "model.c")
    found, _ = call(compile_shared(tmp_path / "model.c"), "model_predict", X.astype(dtype), 3, "float64")
    expected = outputs(described, X.astype(dtype)) * scale + mean
    assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quantiles(dtype: str, tmp_path: Path) -> None:
    net, x = quantiles(dtype), X.astype(dtype)
    assert_allclose(compiled(net, tmp_path, x, 6)[0], net(x), rtol=1e-4 if dtype == "float32" else 1e-11)


@quiet
def test_estimator_with_every_kind_of_layer(tmp_path: Path) -> None:
    mlp = regressor_of_everything(X, 100 + 30 * X[:, :2])
    found, _ = compiled(mlp, tmp_path, X, 2)
    assert_allclose(found, mlp.predict(X), rtol=1e-11)


def test_two_files_in_one_program(tmp_path: Path) -> None:
    nets = {
        name: Network([6, 3, 2], activation="mish", random_state=k) for k, name in enumerate(["one", "two"])
    }
    for name, net in nets.items():
        net.export_c(tmp_path / f"{name}.c")
    separate = compile_shared(tmp_path / "one.c", tmp_path / "two.c")
    both = tmp_path / "both.c"
    both.write_text('#include "one.c"\n#include "two.c"\n')
    for library in (separate, compile_shared(both)):
        for name, net in nets.items():
            assert_allclose(call(library, f"{name}_predict", X, 2, "float64")[0], net(X), rtol=1e-12)


@quiet
def test_methods_and_the_header(tmp_path: Path) -> None:
    mlp = MLPRegressor(hidden_layer_sizes=(3,), max_iter=1, random_state=0).fit(X, X[:, 0])
    mlp.export_c(tmp_path / "2nd model.c")
    text = (tmp_path / "2nd model.c").read_text()
    assert "void x2nd_model_predict(const double x[6], double y[1]);" in text.split("*/")[0]
    assert "malloc" not in text
    assert f"chainrule {chainrule.__version__}" in text
    names = set(re.findall(r"^(?:static )?[\w* ]+?\**(\w+)(?:\[[\d *]+\] =|\()", text, flags=re.MULTILINE))
    assert all(name.startswith("x2nd_model_") for name in names), names


def test_refused(tmp_path: Path) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.linear_model import LinearRegression

    with pytest.raises(
        TypeError, match="a LinearRegression cannot be exported; expected a Network, MLPClassifier"
    ):
        export_c(LinearRegression(), tmp_path / "m.c")
    with pytest.raises(NotFittedError):
        export_c(MLPClassifier(), tmp_path / "m.c")
    net = Network([2, 1])
    with pytest.raises(
        ValueError, match="name is '2 b', which C does not accept as a name; did you mean 'x2_b'"
    ):
        net.export_c(tmp_path / "m.c", name="2 b")
    with pytest.raises(ValueError, match="name is '', which C does not accept as a name; did you mean"):
        net.export_c(tmp_path / "m.c", name="")
    net.weights[0][0] = np.nan
    with pytest.raises(ValueError, match="weights of layer 1 are not finite; train the model again"):
        net.export_c(tmp_path / "m.c")
    assert not list(tmp_path.iterdir())


def test_weights_are_as_short_as_they_can_be(tmp_path: Path) -> None:
    net = Network([1, 2], dtype="float32", random_state=0)
    net.weights[0][:] = [[0.1, 1e-30]]
    net.export_c(tmp_path / "m.c")
    assert "\n    0.1f, 1e-30f,\n" in (tmp_path / "m.c").read_text()


def test_names_strings_comments() -> None:
    assert identifiers(["a b", "a-b", "a_b", "", "int"]) == ["a_b", "a_b_2", "a_b_3", "x4", "int_"]
    assert string("\n\x00") == '"\\012\\000"'
    nasty = comment(["*/ int x; /*", "ends in \\", "??/", "new\nline"])
    assert nasty.count("*/") == 1
    assert not re.search(r"(\\|\?\?/)$", nasty, flags=re.MULTILINE)
    assert max(map(len, wrap(["word,"] * 100).splitlines())) <= 100
