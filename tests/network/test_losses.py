"""Losses with settings on a `Network`: named, handed over, shown, saved."""

from __future__ import annotations

import copy
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import chainrule
from chainrule import SGD, Network, losses, reference

from .networks import make_rows
from .test_gradients import check, expected_gradients

WITH_SETTINGS = [
    losses.Huber(0.3),
    losses.Tweedie(1.2),
    losses.CrossEntropy(0.1),
    losses.BinaryCrossEntropy(0.2),
    losses.Focal(1.5),
    losses.BinaryFocal(0.5),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", WITH_SETTINGS, ids=repr)
def test_gradients_are_the_references(loss: losses.Loss, dtype: str) -> None:
    net = Network([4, 9, 3], activation="tanh", loss=loss, dtype=dtype, random_state=0)
    x, y = (a.astype(dtype) for a in make_rows(net.sizes, loss.name))
    check(net, x, y)
    plain = reference.gradients(net.weights, net.biases, x, y, net.activations, loss.name)
    assert float(plain.loss) != pytest.approx(float(expected_gradients(net, x, y).loss), rel=1e-3)
    assert chainrule.gradcheck(net, x, y)


@pytest.mark.parametrize("loss", WITH_SETTINGS, ids=repr)
def test_the_loss_is_shown_and_kept(loss: losses.Loss, tmp_path) -> None:
    net = Network([4, 3], loss=loss, random_state=0)
    assert net.loss == loss
    assert f"loss={loss!r}" in repr(net)
    x, y = make_rows(net.sizes, loss.name)
    net.save(tmp_path / "net.safetensors")
    for other in (
        copy.deepcopy(net),
        pickle.loads(pickle.dumps(net)),
        chainrule.load(tmp_path / "net.safetensors"),
    ):
        assert other.loss == loss
        assert other.evaluate(x, y) == net.evaluate(x, y)


def test_a_loss_with_the_usual_settings_is_its_name() -> None:
    for name, loss in losses.LOSSES.items():
        assert Network([2, 2], loss=loss).loss == name
        assert repr(Network([2, 2], loss=loss)) == repr(Network([2, 2], loss=name))


def test_files_without_loss_parameters_are_read() -> None:
    tensors, settings = Network([2, 2], loss="huber", random_state=0)._get_state()
    settings = json.loads(json.dumps(settings))
    del settings["loss_parameters"]
    assert Network._from_state(tensors, settings).loss == "huber"


@pytest.mark.parametrize("loss", [losses.CrossEntropy(0.1), losses.Focal()], ids=repr)
def test_classes_need_no_rows_of_zero_and_one(loss: losses.Loss) -> None:
    net = Network([4, 5, 3], activation="tanh", loss=loss, random_state=0)
    x, classes = make_rows(net.sizes)[0], np.array([0, 2, 1, 1, 0, 2, 2])
    by_class, by_row = net.gradients(x, classes), net.gradients(x, np.eye(3)[classes])
    assert by_class.loss == pytest.approx(by_row.loss, rel=1e-14)
    for found, expected in zip(by_class.weights, by_row.weights, strict=True):
        assert_array_equal(found, expected)
    history = net.train(x, classes, optimizer=SGD(0.5), epochs=50)
    assert history.loss[-1] < history.loss[0]
    with pytest.raises(TypeError, match="class indices need an integer dtype"):
        net.gradients(x, classes.astype(float))


def test_robust_losses_find_the_middle_that_outliers_move() -> None:
    """A network without inputs worth the name: its bias is the mean, the median or something between."""
    y = np.array([0.0, 1.0, 2.0, 3.0, 1000.0])
    x = np.zeros((5, 1))
    fits = {}
    for loss in ("squared_error", "absolute_error", losses.Huber(1.0), "log_cosh"):
        net = Network([1, 1], loss=loss, random_state=0)
        for rate in (0.5, 0.05, 0.005):
            net.train(x, y, optimizer=SGD(rate), epochs=1000, batch_size=None)
        fits[net.loss] = float(net(x)[0, 0])
    assert fits["squared_error"] == pytest.approx(201.2)
    assert fits["absolute_error"] == pytest.approx(2.0, abs=0.01)
    assert fits["huber"] == pytest.approx(2.0, abs=1e-6)  # of 0, 1, 2, 3 and an outlier: -1 - 1 + 0 + 1 + 1
    assert 1.5 < fits["log_cosh"] < 2.5


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("gamma", 0.0, "y must be positive"),
        (losses.Tweedie(2.0), 0.0, "y must be positive"),
        ("tweedie", -1.0, "y must not be negative"),
        ("focal", 0.3, "y must have rows that sum to 1"),
        ("binary_focal", 2.0, r"y must lie in \[0, 1\]"),
    ],
)
def test_targets_that_a_loss_cannot_take(loss: str, y: float, message: str) -> None:
    net = Network([2, 2], loss=loss)
    with pytest.raises(ValueError, match=message):
        net.gradients(np.zeros((3, 2)), np.full((3, 2), y))


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        ("mae", ValueError, "unknown loss 'mae'; did you mean 'absolute_error'"),
        ("smooth_l1", ValueError, "did you mean 'huber'"),
        ("hubert", ValueError, "did you mean 'huber'"),
        (losses.Huber, TypeError, r"loss is <class .*Huber'>; expected a name, a loss or a function: Huber"),
        (3, TypeError, "loss is 3; expected a name"),
    ],
)
def test_what_is_no_loss(loss: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Network([2, 2], loss=loss)


def test_the_code_of_the_documentation_runs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "losses.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    exec("\n".join(blocks), {})
