"""Tables and small models of each kind, for the tests of several rooms."""

import hashlib
import json
import re
import struct
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from chainrule import MLPClassifier, MLPRegressor, Network, TabularClassifier, TabularRegressor
from chainrule.io import TableModel


def make_houses(n=120, seed=0):
    """A table with numbers, text, booleans, dates and missing values, and a price that follows from them."""
    rng = np.random.default_rng(seed)
    rooms = rng.integers(1, 9, n).astype(float)
    heating = rng.choice(["gas", "oil", "wood"], n)
    garden = rng.integers(0, 2, n).astype(bool)
    price = 50 * rooms + 40 * (heating == "gas") + 20 * garden
    rooms[::10] = np.nan
    return {
        "rooms": rooms,
        "heating": heating.tolist(),
        "garden": garden,
        "sold": np.datetime64("2020-01-01") + rng.integers(0, 2000, n),
        "price": price,
        "dear": np.where(price > 250, "yes", "no").tolist(),
    }


def make_models():
    x = np.linspace(-1, 1, 60).reshape(20, 3)
    table = {"epochs": 2, "hidden_layer_sizes": (4,)}
    fit = {"hidden_layer_sizes": (4,), "solver": "lbfgs", "max_iter": 5, "max_fun": 5, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # five steps do not converge
        return {
            "network": Network([3, 4, 2], random_state=0),
            "classifier": MLPClassifier(**fit).fit(x, np.arange(20) % 3),
            "regressor": MLPRegressor(**fit).fit(x, x[:, 0]),
            "table": TableModel.fit(make_houses(), "dear", ignore=["price"], **table),
            "table_ensemble": make_ensemble(),
            "tabular_classifier": make_tabular(TabularClassifier, "dear"),
            "tabular_regressor": make_tabular(TabularRegressor, "price"),
        }


def columns_of(houses):
    """What a price is predicted from, as a table of pyarrow."""
    return pa.table({name: values for name, values in houses.items() if name not in ("price", "dear")})


def make_tabular(cls, target):
    """A fitted model of one member, whose network is exchanged for a small one."""
    houses = make_houses()
    return with_small_network(
        cls("fast", time_budget=0.01, random_state=0).fit(columns_of(houses), houses[target])
    )


def make_ensemble():
    """The same of a model that knows its table's columns."""
    model = TableModel.fit(make_houses(), "dear", ignore=["price"], time_budget=0.01, preset="fast")
    with_small_network(model.estimator)
    return model


def with_small_network(model):
    first = model.members_[0]
    sizes = [first.network.sizes[0], 3, first.network.sizes[-1]]
    network = Network(sizes, loss=first.network.loss, dtype="float32", random_state=0)
    model.members_ = [replace(first, network=network, weight=1.0)]
    return model


def read_parts(path):
    """Return the safetensors header as a dictionary, and the bytes of the arrays."""
    data = path.read_bytes()
    (n_header,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + n_header]), data[8 + n_header :]


def write_parts(path, header, arrays):
    """Put a file together, with the checksum that it then has."""
    path.write_bytes(signed(json.dumps(header).encode(), arrays))


def signed(text, arrays):
    """Return the file of a header's text, with the right checksum in place of the one in there."""
    found = re.search(rb'"checksum\\?": ?\\?"([0-9a-f]{64})', text)
    if found is None:
        return struct.pack("<Q", len(text)) + text + arrays
    before, after = text[: found.start(1)], text[found.end(1) :]
    data = struct.pack("<Q", len(text)) + before + b"0" * 64 + after + arrays
    return data.replace(b"0" * 64, hashlib.sha256(data).hexdigest().encode(), 1)


@pytest.fixture(scope="session")
def houses():
    return make_houses


@pytest.fixture
def table():
    return make_houses()


@pytest.fixture(scope="session")
def models():
    """One small model of each kind."""
    return make_models()


@pytest.fixture(scope="session")
def parts():
    """Functions that take a model file apart and put it together."""
    return SimpleNamespace(read=read_parts, write=write_parts, signed=signed)
