"""Model files: whatever is in them, a model that works or a ModelFileError."""

import contextlib
import functools
import json
import os
import struct
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator

import chainrule
from chainrule.files.errors import ModelFileError
from chainrule.files.models import load, save
from fuzz.mutation import mutated_bytes, mutated_json, pick, texts
from table_models import make_houses, make_models, signed

SCRATCH = tempfile.TemporaryDirectory(
    prefix="chainrule-fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None
)
FOLDER = Path(SCRATCH.name)
CORPUS = Path(__file__).parents[1] / "files" / "data"
DTYPES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "U32": 4,
    "U8": 1,
    "BOOL": 1,
    "F8_E4M3": 1,
}
VALUES = [0, -1, 1e-300, 1e300, -1e38, np.nan, np.inf, -np.inf, 2.0**63]
TABLE = make_houses(20)
# scikit-learn inspects the constructor again each time that it is asked, which would be a third of the time.
BaseEstimator._get_param_names = classmethod(functools.cache(BaseEstimator._get_param_names.__func__))


def models():
    """Yield models that have among them whatever a file can hold."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    labels = np.array(["a", "b", "c"])[rng.integers(0, 3, 30)]
    small = {"max_iter": 2, "hidden_layer_sizes": (3,), "random_state": np.random.RandomState(0)}
    yield from make_models().values()
    yield chainrule.MLPClassifier(**small, early_stopping=True, class_weight={"a": 2.0}).fit(x, labels)
    yield chainrule.MLPClassifier(**small).fit(x, rng.integers(0, 2, (30, 2)))
    yield chainrule.MLPClassifier(**small, schedule=chainrule.PlateauSchedule()).fit(x, labels == "a")
    yield chainrule.MLPRegressor("quantile", **small, quantiles=[0.2, 0.8], scale_targets=True).fit(x, y)
    yield chainrule.MLPRegressor(chainrule.losses.Huber(0.5), **small, solver=chainrule.Lion()).fit(x, y)
    yield chainrule.MLPRegressor(
        hidden_layer_sizes=(3, 3), max_iter=2, activation=["prelu", "relu"], layer_norm=True, dropout=0.2,
        residual=[False, True], solver="sgd", learning_rate="adaptive", learning_rate_factors=[1, 1, 0.5],
    ).fit(x, np.stack([y, y], 1))  # fmt: skip
    yield chainrule.MLPRegressor()


def files():
    """Return the bytes of the corpus."""
    found = [path.read_bytes() for path in sorted(CORPUS.glob("*.safetensors"))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in models():
            save(model, FOLDER / "model")
            found.append((FOLDER / "model").read_bytes())
    return found


def taken_apart(data):
    """Return header, our entry, and the bytes of the arrays by name."""
    n_header = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + n_header])
    entry = json.loads(header["__metadata__"]["chainrule"])
    body = data[8 + n_header :]
    arrays = {
        name: body[slice(*one["data_offsets"])] for name, one in header.items() if name != "__metadata__"
    }
    return header, entry, arrays


def mutated_arrays(rng, header, arrays):
    """Change, lose, add or exchange an array, and lay them out again."""
    name = pick(rng, list(arrays))
    other = pick(rng, list(arrays))
    one = header[name]
    match rng.integers(8):
        case 0:
            header.pop(name), arrays.pop(name)
        case 1:
            new = pick(
                rng, [f"{name}.0", "coefs.1", "coefs.7", "moments.0", "moments.9", "best", "slopes.0", "x"]
            )
            header[new], arrays[new] = dict(one), arrays[name]
        case 2:
            arrays[name], arrays[other] = arrays[other], arrays[name]
            header[name], header[other] = dict(header[other]), dict(one)
        case 3:
            one["dtype"] = pick(rng, list(DTYPES))
            arrays[name] = (arrays[name] * 8)[: int(np.prod(one["shape"])) * DTYPES[one["dtype"]]]
        case 4 if one["dtype"] in ("F32", "F64") and arrays[name]:
            values = np.frombuffer(arrays[name], {"F32": "<f4", "F64": "<f8"}[one["dtype"]]).copy()
            values[rng.integers(len(values))] = pick(rng, VALUES)
            arrays[name] = values.tobytes()
        case 5:
            one["shape"] = pick(
                rng,
                [one["shape"][::-1], [int(np.prod(one["shape"]))], [1, *one["shape"]], [*one["shape"], 1]],
            )
        case 6:
            n = int(rng.integers(0, 6))
            one["shape"] = [n, *one["shape"][1:]]
            size = DTYPES.get(one["dtype"], 8) * int(np.prod(one["shape"]))
            arrays[name] = (arrays[name] + bytes(8) * size)[:size]
        case 7:
            arrays[name] = rng.bytes(len(arrays[name]))


def put_together(rng, header, entry, arrays):
    """Return the bytes of a file with the checksum that belongs to it."""
    at, body = 0, b""
    for name, data in arrays.items():
        header[name]["data_offsets"] = [at, at + len(data)]
        at, body = at + len(data), body + data
    header["__metadata__"] = {"chainrule": texts(rng, entry)}
    if rng.integers(10) == 0:
        header = mutated_json(rng, header)
    text = texts(rng, header).encode()
    return signed(text, body)


def mutated(rng, data, *, kept=()):
    """Return a damaged or hostile file, some of whose settings are mostly as they were."""
    if rng.integers(8) == 0:
        return mutated_bytes(rng, data)
    header, entry, arrays = taken_apart(data)
    if rng.integers(2) and arrays:
        mutated_arrays(rng, header, arrays)
    if rng.integers(5):
        before = {name: json.dumps(entry["settings"][name]) for name in kept}
        entry["settings"] = mutated_json(rng, entry["settings"])
        if rng.integers(10):
            entry["settings"] |= {name: json.loads(text) for name, text in before.items()}
    if rng.integers(12) == 0:
        entry = mutated_json(rng, entry)
    if rng.integers(20) == 0:
        entry["kind"] = pick(rng, ["network", "classifier", "regressor", "table", "table_ensemble"])
    return put_together(rng, header, entry, arrays)


def use(rng, model):
    """Do with a model what anybody would, though not all of it each time."""
    if rng.integers(4) == 0:
        repr(model)
    if isinstance(model, chainrule.Network):
        model(np.zeros((2, model.sizes[0])))
    elif hasattr(model, "preprocessor"):
        with contextlib.suppress(chainrule.io.TableError):  # it may ask for other columns than there are
            model.predict(TABLE)
    elif hasattr(model, "coefs_"):
        model.predict(np.zeros((2, model.n_features_in_)))
    if rng.integers(2):
        save(model, FOLDER / "again")


FILES = files()


def case(rng):
    """Load one file, and use what comes."""
    path = FOLDER / "model"
    path.write_bytes(mutated(rng, pick(rng, FILES)))
    try:
        model = load(path)
    except ModelFileError as error:
        assert len(str(error)) < 2000, "a message of a reader's length"  # noqa: PT017
        return
    use(rng, model)


if __name__ == "__main__":
    sys.exit("see fuzzing.py")
