"""Files that were saved before load after, predict the same, and go on to the same end.

Those in `data` were made by chainrule 0.1.0 (commit b70dc89), by running this file with a folder as its
argument. They are not to be made again: they stand for the files that users have.
"""

import contextlib
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule
from chainrule import _engine
from chainrule.io import TableModel

DATA = Path(__file__).parent / "data"
#: Bits where the instruction set has a fused multiply-add, as that of the files had; rounding elsewhere.
EXACT = _engine.isa() != "baseline"


class Killed(BaseException):
    """What no handler of ours catches, as if the process ended there."""


def kill_at_6(record):
    if record.epoch == 6:
        raise Killed


def network(x, y):
    net = chainrule.Network(
        [4, 6, 6, 6, 2], activation=["prelu", "tanh", "silu"], dropout=[0.1, 0.0, 0.2], layer_norm=True,
        residual=True, loss=chainrule.losses.Huber(0.7), dtype="float32", random_state=0,
    )  # fmt: skip
    net.train(x, np.stack([y, y**2], axis=1), epochs=3, batch_size=10)
    return net


def classifier(x, labels):
    return chainrule.MLPClassifier(
        (6, 5), activation=["prelu", "logistic"], layer_norm=[True, False], loss="focal",
        class_weight="balanced", schedule=chainrule.CosineSchedule(warmup=0.2), max_iter=5, random_state=1,
    ).fit(x, labels)  # fmt: skip


def regressor(x, y):
    return chainrule.MLPRegressor(
        "quantile", (6,), quantiles=[0.1, 0.5, 0.9], scale_targets=True, solver=chainrule.Lion(3e-3, l2=1e-3),
        early_stopping=True, max_iter=5, random_state=1, alpha=0.1,
    ).fit(x, 1e3 + 50 * y)  # fmt: skip


def table(columns):
    return TableModel.fit(columns, "y", hidden_layer_sizes=(5,), epochs=4)


CLASSIFIER_RUN = {
    "hidden_layer_sizes": (5,), "batch_size": 16, "max_iter": 14, "random_state": 3, "early_stopping": True,
    "scoring": ["accuracy", "loss"], "patience": 30, "tol": 0.0, "dropout": 0.2, "alpha": 0.01,
}  # fmt: skip
REGRESSOR_RUN = {
    "hidden_layer_sizes": (5,), "batch_size": 16, "max_iter": 14, "random_state": 3, "solver": "nadam",
    "schedule": chainrule.PlateauSchedule(0.5, patience=1), "clip_norm": 0.5, "scale_targets": True,
}  # fmt: skip


def columns_of(x, y):
    return {
        "a": x[:, 0],
        "b": x[:, 1],
        "kind": np.array(["red", "green", "blue"])[np.arange(len(x)) % 3],
        "y": y,
    }


def main(folder):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 4))
    y = x[:, 0] + np.maximum(x[:, 1], 0)
    labels = np.array(["a", "b", "c"])[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)]
    found = {"x": x, "y": y, "labels": labels}
    for name, model in {
        "network": network(x, y), "classifier": classifier(x, labels), "regressor": regressor(x, y),
        "table": table(columns_of(x, y)),
    }.items():  # fmt: skip
        model.save(folder / f"{name}.safetensors")
        if name == "network":
            found[name] = model(x[:20].astype(np.float32))
        elif name == "classifier":
            found[name] = model.predict_proba(x[:20])
        else:
            found[name] = np.asarray(model.predict(columns_of(x, y) if name == "table" else x))[:20]
    for name, kind, parameters, targets in [
        ("classifier_run", chainrule.MLPClassifier, CLASSIFIER_RUN, labels),
        ("regressor_run", chainrule.MLPRegressor, REGRESSOR_RUN, y),
    ]:
        path = folder / f"{name}.safetensors"
        with contextlib.suppress(Killed):
            kind(**parameters, checkpoint=path, callbacks=kill_at_6).fit(x, targets)
        whole = kind(**parameters).fit(x, targets)
        found[f"{name}_losses"] = whole.loss_curve_
        found[name] = (
            whole.predict_proba(x[:20]) if kind is chainrule.MLPClassifier else whole.predict(x[:20])
        )
    np.savez_compressed(folder / "before.npz", **found)


@pytest.fixture(scope="module")
def before():
    with np.load(DATA / "before.npz") as stored:
        return dict(stored)


def same(found, expected, rtol=0.0):
    assert found.dtype == expected.dtype
    tolerance = rtol if EXACT else max(rtol, 1e-4)
    assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_a_network(before):
    net = chainrule.load(DATA / "network.safetensors")
    assert net.activations == ["prelu", "tanh", "silu", "identity"]
    assert (net.dropout, net.layer_norm) == ([0.1, 0.0, 0.2, 0.0], [True, True, True, False])
    assert net.residual == [False, True, True, False]
    assert net.loss == chainrule.losses.Huber(0.7)
    same(net(before["x"][:20].astype(np.float32)), before["network"])


def test_a_classifier(before):
    mlp = chainrule.load(DATA / "classifier.safetensors")
    assert mlp.get_params()["schedule"] == chainrule.CosineSchedule(warmup=0.2)
    assert list(mlp.classes_) == ["a", "b", "c"]
    same(mlp.predict_proba(before["x"][:20]), before["classifier"])


def test_a_regressor(before):
    mlp = chainrule.load(DATA / "regressor.safetensors")
    assert mlp.get_params()["solver"] == chainrule.Lion(3e-3, l2=1e-3)
    same(mlp.predict(before["x"])[:20], before["regressor"])


def test_a_model_of_a_table(before):
    model = chainrule.load(DATA / "table.safetensors")
    assert model.columns == ["a", "b", "kind"]
    same(np.asarray(model.predict(columns_of(before["x"], before["y"])))[:20], before["table"])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["classifier_run", "regressor_run"])
def test_an_interrupted_fit_goes_on_to_the_same_end(name, before, tmp_path):
    path = tmp_path / "run.safetensors"
    shutil.copy(DATA / f"{name}.safetensors", path)
    if name == "classifier_run":
        mlp = chainrule.MLPClassifier(**CLASSIFIER_RUN, checkpoint=path)
        found = mlp.fit(before["x"], before["labels"], resume=True).predict_proba(before["x"][:20])
    else:
        mlp = chainrule.MLPRegressor(**REGRESSOR_RUN, checkpoint=path)
        found = mlp.fit(before["x"], before["y"], resume=True).predict(before["x"][:20])
    # NumPy's sums (means of targets, scores) have an order that depends on the processor.
    same(np.array(mlp.loss_curve_), before[f"{name}_losses"], rtol=1e-9)
    same(found, before[name], rtol=1e-9)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
