"""Models of tables whose networks are trained by the workers: those of a local fit."""

import inspect
import os
import pickle
import signal
import threading
import time

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask.distributed import Client
from numpy.testing import assert_array_equal
from sklearn.base import clone

import chainrule
from chainrule import TabularClassifier, TabularRegressor
from chainrule.dask import DaskTabularClassifier, DaskTabularRegressor

from .conftest import local_cluster

# What Dask itself warns of is not ours.
pytestmark = pytest.mark.filterwarnings("ignore")

RNG = np.random.default_rng(3)
TABLE = pd.DataFrame(RNG.normal(size=(90, 3)), columns=["a", "b", "c"])
TABLE["kind"] = RNG.choice(["x", "y"], 90)
LABEL = pd.Series(np.where(TABLE.a > 0, "yes", "no"), name="label")
SETTINGS = {"preset": "fast", "n_members": 2, "random_state": 0}
PAIRS = [(DaskTabularClassifier, TabularClassifier), (DaskTabularRegressor, TabularRegressor)]


@pytest.mark.parametrize(("on_dask", "local"), PAIRS)
def test_signatures_are_the_local_ones(on_dask, local):
    ours, theirs = inspect.signature(on_dask).parameters, inspect.signature(local).parameters
    assert [*theirs, "client", "min_workers"] == list(ours)
    assert all(ours[name].default == parameter.default for name, parameter in theirs.items())
    for method in ("fit", "predict", "predict_proba", "score"):
        if hasattr(local, method):
            got, wanted = (inspect.signature(getattr(cls, method)) for cls in (on_dask, local))
            assert list(got.parameters) == list(wanted.parameters)
    assert clone(on_dask(preset="fast", min_workers=3)).min_workers == 3


def test_the_model_is_that_of_a_local_fit(client, tmp_path):
    x = dd.from_pandas(TABLE, npartitions=3)
    settings = SETTINGS | {"n_folds": 2}
    got = DaskTabularClassifier(**settings, client=client).fit(x, dd.from_pandas(LABEL, npartitions=3))
    local = TabularClassifier(**settings).fit(TABLE, LABEL)
    expected = local.predict_proba(TABLE)
    assert_array_equal(got.predict_proba(TABLE), expected)
    lazy = got.predict_proba(x)
    assert isinstance(lazy, da.Array)
    assert lazy.compute().shape == expected.shape
    assert_array_equal(got.predict(x).compute(), local.predict(TABLE))
    twin = pickle.loads(pickle.dumps(got))
    assert twin.client is None
    plain = twin.to_local()
    assert type(plain) is TabularClassifier
    assert_array_equal(plain.predict_proba(TABLE), expected)
    got.save(tmp_path / "model")
    loaded = chainrule.load(tmp_path / "model")
    assert type(loaded) is TabularClassifier
    assert_array_equal(loaded.predict_proba(TABLE), expected)


def test_numbers(client):
    got = DaskTabularRegressor(**SETTINGS, client=client).fit(TABLE, TABLE.a)
    assert_array_equal(got.predict(TABLE), TabularRegressor(**SETTINGS).fit(TABLE, TABLE.a).predict(TABLE))


def test_settings_that_cannot_be(client):
    with pytest.raises(ValueError, match="min_workers"):
        DaskTabularClassifier(client=client, min_workers=0).fit(TABLE, LABEL)
    with pytest.raises(TypeError, match="client is str"):
        DaskTabularClassifier(client="tcp://nowhere").fit(TABLE, LABEL)


@pytest.mark.slow
def test_a_worker_dies():
    settings = SETTINGS | {"n_folds": 4}
    with local_cluster(2) as cluster, Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        victim = next(iter(client.run(os.getpid).values()))

        def kill():
            time.sleep(2)
            os.kill(victim, signal.SIGKILL)

        thread = threading.Thread(target=kill)
        thread.start()
        got = DaskTabularClassifier(**settings, client=client).fit(TABLE, LABEL)
        thread.join()
    expected = TabularClassifier(**settings).fit(TABLE, LABEL)
    assert_array_equal(got.predict_proba(TABLE), expected.predict_proba(TABLE))
