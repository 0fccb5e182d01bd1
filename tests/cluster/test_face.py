"""The estimators as users meet them: signatures, pickles, files, lazy predictions, what is refused."""

import inspect
import pickle

import dask
import dask.array as da
import dask.bag as db
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score

import chainrule
from chainrule import MLPClassifier, MLPRegressor
from chainrule.dask import DaskMLPClassifier, DaskMLPRegressor

# What Dask itself warns of is not ours, nor how few epochs tests take.
pytestmark = pytest.mark.filterwarnings("ignore")

RNG = np.random.default_rng(2)
FRAME = pd.DataFrame(RNG.normal(size=(120, 3)), columns=["a", "b", "c"])
NUMBER = pd.Series(FRAME.a - FRAME.b, name="number")
LABEL = pd.Series(np.where(NUMBER > 0, "yes", "no"), name="label")
WEIGHT = pd.Series(RNG.integers(0, 3, size=120).astype(float), name="weight")
SETTINGS = {"hidden_layer_sizes": (8,), "max_iter": 2, "batch_size": 40, "random_state": 0}
PAIRS = [(DaskMLPClassifier, MLPClassifier), (DaskMLPRegressor, MLPRegressor)]


def frames(*values, npartitions=3):
    return [dd.from_pandas(value, npartitions=npartitions) for value in values]


def of_parts(parts, meta=None):
    """A data frame of these partitions, whatever they are."""
    return dd.from_delayed([dask.delayed(part) for part in parts], meta=meta, verify_meta=False)


@pytest.fixture(scope="module")
def fitted(cluster):
    from dask.distributed import Client

    with Client(cluster, set_as_default=False) as client:
        x, label, number = frames(FRAME, LABEL, NUMBER)
        clf = DaskMLPClassifier(**SETTINGS, client=client).fit(x, label)
        reg = DaskMLPRegressor(**SETTINGS, client=client).fit(x, number)
        yield clf, reg


@pytest.mark.parametrize(("on_dask", "local"), PAIRS)
def test_signatures_are_the_local_ones(on_dask, local):
    ours, theirs = inspect.signature(on_dask).parameters, inspect.signature(local).parameters
    assert [*theirs, "client", "min_workers"] == list(ours)
    for name, parameter in theirs.items():
        assert ours[name].kind == parameter.kind
        assert ours[name].default == (8 if name == "row_blocks" else parameter.default)
    assert (ours["client"].default, ours["min_workers"].default) == (None, 1)
    for method in ("fit", "predict", "predict_proba", "predict_log_proba", "score"):
        if hasattr(local, method):
            got, wanted = (inspect.signature(getattr(cls, method)) for cls in (on_dask, local))
            assert list(got.parameters) == list(wanted.parameters)
            for name, parameter in wanted.parameters.items():
                assert (got.parameters[name].kind, got.parameters[name].default) == (
                    parameter.kind,
                    parameter.default,
                )
    for name in ("client", "min_workers"):
        assert f"{name} : " in on_dask.__doc__


def test_pickles_and_copies(fitted, client):
    for model in fitted:
        own = model.client
        for kept in (own, None):
            twin = pickle.loads(pickle.dumps(model.set_params(client=kept)))
            assert twin.client is None
            assert_array_equal(twin.predict(FRAME), model.predict(FRAME))
        model.set_params(client=client)
        fresh = clone(model)
        assert fresh.client is client
        assert type(fresh) is type(model)
        assert not hasattr(fresh, "coefs_")
        model.set_params(client=own)


def test_to_local(fitted):
    for model, (_, local) in zip(fitted, PAIRS, strict=True):
        plain = model.to_local()
        assert type(plain) is local
        assert_array_equal(plain.predict(FRAME), model.predict(FRAME))
        assert plain.loss_curve_ == model.loss_curve_
        assert plain.row_blocks == 8
        plain.coefs_[0][:] = 0
        assert model.coefs_[0].any()
    assert type(DaskMLPClassifier(alpha=0.5).to_local()) is MLPClassifier


def test_a_file_has_the_local_estimator(fitted, tmp_path):
    for model, (_, local) in zip(fitted, PAIRS, strict=True):
        model.save(tmp_path / "model")
        loaded = chainrule.load(tmp_path / "model")
        assert type(loaded) is local
        assert_array_equal(loaded.predict(FRAME), model.predict(FRAME))


def test_predictions_of_collections_are_lazy(fitted):
    clf, reg = fitted
    (x,) = frames(FRAME)
    array = da.from_array(FRAME.to_numpy(), chunks=((50, 0, 70), (2, 1)))
    for rows in (x, array):
        for model, method in (
            (clf, "predict"),
            (clf, "predict_proba"),
            (clf, "predict_log_proba"),
            (reg, "predict"),
        ):
            lazy = getattr(model, method)(rows)
            assert isinstance(lazy, da.Array)
            expected = getattr(model.to_local(), method)(FRAME)
            assert lazy.dtype == expected.dtype
            assert lazy.ndim == expected.ndim
            assert_allclose(lazy.compute(), expected, rtol=1e-12) if expected.dtype.kind == "f" else (
                assert_array_equal(lazy.compute(), expected)
            )
    assert reg.predict(array).shape == (120,)


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_are_scikit_learn_s(fitted, weighted):
    clf, reg = fitted
    x, label, number, weight = frames(FRAME, LABEL, NUMBER, WEIGHT)
    w = WEIGHT if weighted else None
    lazy = weight if weighted else None
    assert clf.score(x, label, lazy) == pytest.approx(
        accuracy_score(LABEL, clf.predict(FRAME), sample_weight=w)
    )
    assert reg.score(x, number, lazy) == pytest.approx(r2_score(NUMBER, reg.predict(FRAME), sample_weight=w))
    assert clf.score(FRAME, LABEL, w) == pytest.approx(clf.score(x, label, lazy))


BAD = [
    (
        lambda p: p[["b", "a", "c"]],
        "partition 1 has the columns in another order: 'b', 'a', 'c'; expected 'a', 'b'",
    ),
    (lambda p: p.astype({"b": "float32"}), "partition 1: column 'b' is float32; expected float64"),
    (lambda p: p.assign(b="x"), "partition 1: column 'b' is .*; expected float64"),
    (lambda p: p.drop(columns="b"), "partition 1 has no column 'b'; expected 'a', 'b'"),
    (lambda p: p.assign(d=1.0), "partition 1 has the column 'd' more; expected 'a', 'b'"),
    (lambda p: p.iloc[:7], "partition 1 has 7 rows of X and 40 of y"),
    (lambda p: p.where(p.b < p.b.max()), "partition 1: column 'a' is nan in its row .*Fill missing"),
]


@pytest.mark.parametrize(("spoil", "message"), BAD)
def test_a_partition_that_is_not_like_the_others_is_named(client, spoil, message):
    parts = [FRAME.iloc[:40], FRAME.iloc[40:80], FRAME.iloc[80:]]
    parts[1] = spoil(parts[1])
    y = of_parts([NUMBER.iloc[:40], NUMBER.iloc[40:80], NUMBER.iloc[80:]], NUMBER.iloc[:0])
    reg = DaskMLPRegressor(**SETTINGS, client=client)
    with pytest.raises(ValueError, match=message):
        reg.fit(of_parts(parts, FRAME.iloc[:0]), y)
    assert not hasattr(reg, "coefs_")


def test_an_array_s_partition_that_is_not_like_the_others_is_named(client):
    values = FRAME.to_numpy()

    def array(part):
        later = [da.from_delayed(dask.delayed(one), (60, 3), dtype=float) for one in (values[:60], part)]
        return da.concatenate(later)

    reg = DaskMLPRegressor(**SETTINGS, client=client)
    y = da.from_array(NUMBER.to_numpy(), chunks=60)
    for part, message in (
        (values[60:, :2], r"partition 1 has the shape \(60, 2\); expected 3 columns"),
        (values[60:].astype("float32"), "partition 1 is float32; expected float64"),
    ):
        with pytest.raises(ValueError, match=message):
            reg.fit(array(part), y)


def test_what_a_cluster_cannot_do_is_refused(client):
    x, label = frames(FRAME, LABEL)
    for settings, error, message in [
        ({"solver": "lbfgs"}, ValueError, "solver='lbfgs' takes all rows at once"),
        ({"row_blocks": 1}, ValueError, "row_blocks=1 is one block"),
        ({"row_blocks": 0}, ValueError, "row_blocks"),
        ({"loss": print}, ValueError, "a loss that is a Python function"),
        ({"scoring": "accuracy"}, ValueError, "pass X_val and y_val"),
        ({"precision": "bf16"}, ValueError, "row_blocks are for precision 'full'|bfloat16|bf16"),
        ({"min_workers": 0}, ValueError, "min_workers"),
        ({"client": "tcp://nowhere"}, ValueError, "client"),
        ({"row_blocks": 200}, ValueError, "row_blocks=200 takes rows of each block"),
    ]:
        clf = DaskMLPClassifier(**{**SETTINGS, "client": client, **settings})
        with pytest.raises(error, match=message):
            clf.fit(x, label)
    clf = DaskMLPClassifier(**SETTINGS, client=client)
    with pytest.raises(ValueError, match="3 partitions and y 2"):
        clf.fit(x, frames(LABEL, npartitions=2)[0])
    array = da.from_array(FRAME.to_numpy(), chunks=(40, 3))
    with pytest.raises(ValueError, match="X has 120 rows, and y or sample_weight 2"):
        clf.fit(array, [1, 2])
    with pytest.raises(TypeError, match="X is Bag; expected a Dask array or DataFrame"):
        clf.fit(db.from_sequence([1, 2]), label)
    with pytest.raises(ValueError, match="X has no rows"):
        clf.fit(x[x.a > 100], label[x.a > 100])
    with pytest.raises(ValueError, match=r"column 'b' is .*; expected numbers"):
        clf.fit(frames(FRAME.assign(b="x"))[0], label)
    with pytest.raises(TypeError, match="sparse"):
        clf.fit(csr_array(FRAME.to_numpy()), LABEL)
    with pytest.raises(ValueError, match=r"'label' is (nan|None|<NA>) in its row"):
        clf.fit(x, frames(LABEL.where(LABEL == "yes"))[0])


def test_without_a_client_there_is_a_cluster_for_as_long(capsys):
    clf = DaskMLPClassifier(**SETTINGS).fit(FRAME.to_numpy(), LABEL.to_numpy())
    assert "there is no Dask client, so this runs on LocalCluster" in capsys.readouterr().err
    local = MLPClassifier(**SETTINGS, row_blocks=8).fit(FRAME.to_numpy(), LABEL.to_numpy())
    assert_array_equal(clf.coefs_[0], local.coefs_[0])
