"""A fit on a cluster has the bits of the local one, wherever the rows are."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask.distributed import Client
from numpy.testing import assert_array_equal

from chainrule import MLPClassifier, MLPRegressor
from chainrule.dask import DaskMLPClassifier, DaskMLPRegressor
from chainrule.inputs import Numbers, Periodic, Scale
from chainrule.optimizers import AdamW
from chainrule.training.schedules import CosineSchedule

from .conftest import local_cluster

# What Dask itself warns of is not ours, nor how few epochs tests take.
pytestmark = pytest.mark.filterwarnings("ignore")

RNG = np.random.default_rng(0)
N = 600
X = RNG.normal(size=(N, 5))
NUMBERS = X[:, 0] - X[:, 1] ** 2 + 0.1 * RNG.normal(size=N)
LABELS = np.where(X[:, 0] > 0.5, "high", np.where(X[:, 1] > 0, "middle", "low"))
WEIGHT = RNG.integers(0, 3, size=N).astype(float)
CHUNKS = (50, 0, 300, 1, 199, 50)


def dealt(client, *arrays, chunks=CHUNKS):
    """Arrays in uneven partitions, some of them empty, each on a worker drawn at random."""
    workers = list(client.scheduler_info()["workers"])
    made = []
    for array in arrays:
        shapes = (chunks, (array.shape[1],)) if array.ndim == 2 else (chunks,)
        lazy = da.from_array(array, chunks=shapes)
        parts = list(lazy.to_delayed().ravel())
        to = [workers[k] for k in RNG.integers(0, len(workers), size=len(parts))]
        kept = [client.persist(part, workers=[worker]) for part, worker in zip(parts, to, strict=True)]
        arrays = [
            da.from_delayed(part, (size, *array.shape[1:]), dtype=array.dtype)
            for part, size in zip(kept, chunks, strict=True)
        ]
        made.append(da.concatenate(arrays))
    return made


def assert_same(dask_model, local):
    for name in ("coefs_", "intercepts_"):
        for got, expected in zip(getattr(dask_model, name), getattr(local, name), strict=True):
            assert got.dtype == expected.dtype
            assert_array_equal(got, expected)
    for got, expected in zip(getattr(dask_model, "alphas_", ()), getattr(local, "alphas_", ()), strict=True):
        assert_array_equal(got, expected)
    for got, expected in zip(getattr(dask_model, "inputs_", ()), getattr(local, "inputs_", ()), strict=True):
        assert all(map(np.array_equal, got.arrays.values(), expected.arrays.values()))
    assert dask_model.loss_curve_ == local.loss_curve_
    assert dask_model.n_iter_ == local.n_iter_
    assert dask_model.evals_result_ == local.evals_result_


BASE = {"hidden_layer_sizes": (12, 8), "max_iter": 3, "batch_size": 64, "random_state": 0, "row_blocks": 8}


@pytest.mark.parametrize(
    "settings",
    [
        {"dropout": 0.2, "layer_norm": True, "clip_norm": 1.0},
        {
            "solver": "sgd",
            "learning_rate": "adaptive",
            "class_weight": {"low": 2.0, "middle": 1.0, "high": 0.5},
        },
        {"solver": AdamW(), "schedule": CosineSchedule(), "row_blocks": 5, "shuffle": False},
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_classifier(client, settings, weighted):
    weight = WEIGHT if weighted else None
    x, y = X.astype(np.float32), LABELS
    settings = BASE | settings
    dx, dy, dw = dealt(client, x, y, WEIGHT)
    got = DaskMLPClassifier(**settings, client=client).fit(dx, dy, dw if weighted else None)
    local = MLPClassifier(**settings).fit(x, y, weight)
    assert_same(got, local)
    assert_array_equal(got.classes_, local.classes_)
    assert got.coefs_[0].dtype == np.float32


@pytest.mark.parametrize(
    "settings",
    [
        {"l1": 0.01},
        {"loss": "huber", "activation": "tanh", "hidden_layer_sizes": (9, 9), "residual": True},
        {
            "parametric": True,
            "activation": "mish",
            "inputs": [Periodic([0, 1], 4, 2), Numbers([2, 3, 4]), Scale()],
        },
    ],
)
def test_regressor(client, settings):
    settings = BASE | settings
    dx, dy = dealt(client, X, NUMBERS)
    got = DaskMLPRegressor(**settings, client=client).fit(dx, dy)
    assert_same(got, MLPRegressor(**settings).fit(X, NUMBERS))


def test_frames_leave_their_names(client):
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["e"] = np.arange(N) % 7
    target = pd.Series(LABELS, name="size")
    got = DaskMLPClassifier(**BASE, client=client).fit(
        dd.from_pandas(frame, npartitions=5), dd.from_pandas(target, npartitions=5)
    )
    local = MLPClassifier(**BASE).fit(frame, target)
    assert_same(got, local)
    assert_array_equal(got.feature_names_in_, local.feature_names_in_)


def test_several_targets_and_what_is_in_memory(client):
    y = np.column_stack([NUMBERS, -NUMBERS])
    got = DaskMLPRegressor(**BASE, client=client).fit(X, y)
    local = MLPRegressor(**BASE).fit(X, y)
    assert_same(got, local)
    (dx,) = dealt(client, X)
    assert_same(DaskMLPRegressor(**BASE, client=client).fit(dx, y), local)
    assert_same(
        DaskMLPRegressor(**BASE, client=client).fit(pd.DataFrame(X).to_numpy(), pd.DataFrame(y)), local
    )


def test_rows_to_watch_stop_the_fit(client):
    settings = BASE | {"max_iter": 30, "early_stopping": True, "n_iter_no_change": 2, "tol": 0.02}
    dx, dy = dealt(client, X, LABELS)
    watched = dd.from_pandas(pd.Series(LABELS[:100]), npartitions=2).to_dask_array(lengths=True)
    got = DaskMLPClassifier(**settings, client=client).fit(
        dx, dy, X_val=da.from_array(X[:100], chunks=(30, 5)), y_val=watched
    )
    local = MLPClassifier(**settings).fit(X, LABELS, X_val=X[:100], y_val=LABELS[:100])
    assert local.stop_reason_ == "no_improvement"
    assert_same(got, local)
    assert got.best_iteration_ == local.best_iteration_


def test_rows_set_aside_do_not_depend_on_partitions(client):
    settings = BASE | {"max_iter": 6, "early_stopping": True, "scoring": "accuracy"}
    fits = [
        DaskMLPClassifier(**settings, client=client).fit(*dealt(client, X, LABELS, chunks=chunks))
        for chunks in (CHUNKS, (N,))
    ]
    assert_same(*fits)
    assert len(fits[0].validation_scores_) == 6


def test_one_class_is_missing_on_a_worker(client):
    order = np.argsort(LABELS, kind="stable")
    dx, dy = dealt(client, X[order], LABELS[order], chunks=(300, 300))
    got = DaskMLPClassifier(**BASE, client=client).fit(dx, dy)
    assert_same(got, MLPClassifier(**BASE).fit(X[order], LABELS[order]))


def test_a_checkpoint_goes_on_on_a_cluster_or_here(client, tmp_path):
    dx, dy = dealt(client, X, NUMBERS)
    whole = MLPRegressor(**BASE | {"max_iter": 4}).fit(X, NUMBERS)
    settings = BASE | {"checkpoint": tmp_path / "fit.chainrule"}
    DaskMLPRegressor(**settings | {"max_iter": 2}, client=client).fit(dx, dy)
    got = DaskMLPRegressor(**settings | {"max_iter": 4}, client=client).fit(dx, dy, resume=True)
    assert_same(got, whole)


def test_a_warm_start_goes_on(client):
    settings = BASE | {"warm_start": True, "keep_optimizer": True}
    dx, dy = dealt(client, X, NUMBERS)
    got, local = DaskMLPRegressor(**settings, client=client), MLPRegressor(**settings)
    for _ in range(2):
        got.fit(dx, dy)
        local.fit(X, NUMBERS)
    assert_same(got, local)


def drawn(rng):
    """A configuration at random: (estimator's name, settings, dtype, weighted, chunks)."""
    classifier = bool(rng.integers(2))
    n_blocks = int(rng.integers(2, 17))
    settings = {
        "hidden_layer_sizes": tuple(rng.integers(1, 40, size=rng.integers(1, 4)).tolist()),
        "activation": str(rng.choice(["relu", "tanh", "gelu", "logistic"])),
        "solver": str(rng.choice(["adam", "sgd", "adamw", "rmsprop", "nadam", "lion"])),
        "batch_size": int(rng.integers(n_blocks, 200)),
        "alpha": float(rng.choice([0, 0.001, 1.0])),
        "row_blocks": n_blocks,
        "max_iter": int(rng.integers(1, 4)),
        "shuffle": bool(rng.integers(4)),
        "random_state": int(rng.integers(100)),
    }
    for name, values in {
        "dropout": [0.3],
        "layer_norm": [True],
        "clip_norm": [0.5],
        "clip_value": [0.1],
        "l1": [0.01],
        "max_norm": [1.0],
        "schedule": [CosineSchedule()],
    }.items():
        if rng.integers(3) == 0:
            settings[name] = values[int(rng.integers(len(values)))]
    chunks = rng.multinomial(N, rng.dirichlet(np.ones(int(rng.integers(1, 9)))))
    dtype = str(rng.choice(["float32", "float64"]))
    return classifier, settings, dtype, bool(rng.integers(2)), tuple(map(int, chunks))


@pytest.mark.slow
@pytest.mark.parametrize("n_workers", [1, 2, 4])
def test_drawn_configurations(n_workers):
    rng = np.random.default_rng(n_workers)
    with local_cluster(n_workers) as cluster, Client(cluster, set_as_default=False) as client:
        for _ in range(20):
            classifier, settings, dtype, weighted, chunks = drawn(rng)
            x, y = X.astype(dtype), LABELS if classifier else NUMBERS.astype(dtype)
            arrays = dealt(client, x, y, *([WEIGHT] if weighted else []), chunks=chunks)
            on_dask, here = (
                (DaskMLPClassifier, MLPClassifier) if classifier else (DaskMLPRegressor, MLPRegressor)
            )
            got = on_dask(**settings, client=client).fit(*arrays)
            local = here(**settings).fit(x, y, WEIGHT if weighted else None)
            assert_same(got, local)


def test_dask_itself_is_what_is_imported():
    assert hasattr(dask, "delayed")
