import contextlib
import hashlib
import json
import os
import pickle
import re
import socket
import struct
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

from chainrule import MLPRegressor
from chainrule.files.errors import ModelFileError
from chainrule.files.models import KINDS, is_model_file, load, save
from table_models import columns_of

X = np.linspace(-1, 1, 30).reshape(10, 3)
ANSWER = {
    "network": lambda model, table: model(X),
    "classifier": lambda model, table: model.predict_proba(X),
    "regressor": lambda model, table: model.predict(X),
    "table": lambda model, table: model.predict_proba(table),
    "table_ensemble": lambda model, table: model.predict_proba(table),
    "tabular_classifier": lambda model, table: model.predict_proba(columns_of(table)),
    "tabular_regressor": lambda model, table: model.predict(columns_of(table)),
}


@pytest.fixture(params=[kind for kind in KINDS if not kind.endswith("checkpoint")])
def kind(request):
    return request.param


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def saved(models, kind, path):
    save(models[kind], path)
    return path


def test_comes_back_the_same(models, kind, saved, table):
    again = load(saved)
    assert type(again) is type(models[kind])
    assert np.array_equal(ANSWER[kind](again, table), ANSWER[kind](models[kind], table))


def test_every_model_has_save(models, kind, path, table):
    models[kind].save(path)
    assert np.array_equal(ANSWER[kind](load(path), table), ANSWER[kind](models[kind], table))


def test_same_model_same_bytes(models, kind, saved, tmp_path):
    save(load(saved), tmp_path / "again")
    assert saved.read_bytes() == (tmp_path / "again").read_bytes()


def test_header(parts, kind, saved):
    header, _ = parts.read(saved)
    assert list(header["__metadata__"]) == ["chainrule"]
    ours = json.loads(header["__metadata__"]["chainrule"])
    assert ours["format"] == "chainrule"
    assert ours["version"] == 1
    assert ours["kind"] == kind
    assert is_model_file(saved)


def test_parameters_can_be_written_after_loading(models, path):
    save(models["network"], path)
    net = load(path)
    before = net(X)
    net.weights[0][:] *= 2
    assert not np.array_equal(net(X), before)


def test_every_truncation_is_an_error(saved):
    data = saved.read_bytes()
    for length in [*range(16), *range(16, len(data), 97), len(data) - 1]:
        saved.write_bytes(data[:length])
        with pytest.raises(ModelFileError, match=r"not a model file|truncated|damaged"):
            load(saved)
        assert not is_model_file(saved) or length == len(data)


def test_longer_than_it_says(saved):
    saved.write_bytes(saved.read_bytes() + b"\0")
    with pytest.raises(ModelFileError, match="is damaged: it has"):
        load(saved)


def test_every_flipped_bit_is_found(saved):
    data = saved.read_bytes()
    rng = np.random.default_rng(0)
    for bit in rng.integers(0, 8 * len(data), 300):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        saved.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            load(saved)


def test_damage_to_the_arrays_is_named(saved):
    data = saved.read_bytes()
    saved.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelFileError, match=r"is damaged: its bytes are not those .* checksum"):
        load(saved)


def test_checksum_is_what_the_documentation_says(saved):
    data = saved.read_bytes()
    digits = re.search(rb'checksum\\": \\"([0-9a-f]{64})', data)[1]
    assert hashlib.sha256(data.replace(digits, b"0" * 64)).hexdigest().encode() == digits


def test_files_without_a_checksum_load(parts, models, kind, saved, table):
    header, arrays = parts.read(saved)
    ours = json.loads(header["__metadata__"]["chainrule"])
    del ours["checksum"]
    header["__metadata__"]["chainrule"] = json.dumps(ours)
    parts.write(saved, header, arrays)
    assert np.array_equal(ANSWER[kind](load(saved), table), ANSWER[kind](models[kind], table))


def test_damaged_header_never_escapes(parts, saved):
    """Whatever one wrong byte of the header does, the file loads or the error is a ModelFileError.

    The checksum is that of the damaged file, as an enemy would compute it.
    """
    data = saved.read_bytes()
    (n_header,) = struct.unpack("<Q", data[:8])
    rng = np.random.default_rng(0)
    n_loaded = 0
    for position in rng.integers(8, 8 + n_header, 150):
        damaged = bytearray(data)
        damaged[position] = rng.choice(list(b'0129{}[]",:.-eatx \xff'))
        saved.write_bytes(parts.signed(bytes(damaged[8 : 8 + n_header]), data[8 + n_header :]))
        with contextlib.suppress(ModelFileError):
            load(saved)
            n_loaded += 1
    assert 0 < n_loaded < 120


def test_wrong_shapes(parts, models, kind, saved):
    """Every array is given a shape that does not fit the others."""
    header, arrays = parts.read(saved)
    for name in [n for n in header if n != "__metadata__" and "moments" not in n]:
        shape = header[name]["shape"]
        if 0 in shape:
            continue
        wrong = json.loads(json.dumps(header))
        wrong[name]["shape"] = [1, *shape] if len(shape) < 2 else [shape[0] * shape[1]]
        parts.write(saved, wrong, arrays)
        with pytest.raises(ModelFileError, match="damaged"):
            load(saved)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_parameters_must_be_finite(parts, models, kind, saved, bad):
    header, arrays = parts.read(saved)
    name = next(name for name in header if name.startswith(KINDS[kind].finite))
    start, _ = header[name]["data_offsets"]
    values = np.array([bad], {"F32": "<f4", "F64": "<f8"}[header[name]["dtype"]]).tobytes()
    parts.write(saved, header, arrays[:start] + values + arrays[start + len(values) :])
    with pytest.raises(ModelFileError, match=f"{name}' has values that are not finite"):
        load(saved)


def test_model_with_nan_is_not_saved(path):
    from chainrule import Network

    net = Network([2, 1], random_state=0)
    save(net, path)
    before = path.read_bytes()
    net.weights[0][0] = np.nan
    with pytest.raises(ValueError, match=r"not finite, so the model was not saved"):
        save(net, path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def envelope(parts, saved, **changes):
    header, arrays = parts.read(saved)
    ours = json.loads(header["__metadata__"]["chainrule"]) | changes
    header["__metadata__"]["chainrule"] = json.dumps(ours)
    parts.write(saved, header, arrays)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, r"newer chainrule \(file version 2, this one reads up to 1\); upgrade"),
        ({"version": "1"}, r"version '1'; expected 'chainrule', 1"),
        ({"format": "other"}, "format 'other'"),
        ({"kind": "tree"}, "unknown kind of model: 'tree', expected one of network"),
        ({"kind": ["network"]}, r"unknown kind of model: \['network'\], expected one of network"),
        ({"kind": "a" * 10_000}, r"unknown kind of model: 'aaa.{,60}, expected one of network"),
        ({"checksum": None}, "as its checksum shows"),
        ({"settings": [1]}, "settings are no dictionary"),
        ({"settings": {}}, "could not be put together"),
    ],
)
def test_envelope(parts, models, path, changes, message):
    save(models["network"], path)
    envelope(parts, path, **changes)
    with pytest.raises(ModelFileError, match=message):
        load(path)


@pytest.mark.filterwarnings("ignore")
def test_settings_of_other_forms(parts, models, kind, saved, tmp_path):
    """Any part of the settings, two deep, may be of any form: a model, or a ModelFileError."""
    settings = json.loads(parts.read(saved)[0]["__metadata__"]["chainrule"])["settings"]
    other, n_refused = tmp_path / "other", 0
    for name, value in settings.items():
        places = [(name, None), *((name, key) for key in (value if isinstance(value, dict) else ()))]
        for outer, inner in places:
            for odd in ("x", -1, None, [], {}, [[1]], {"dtype": "<U99999999", "values": ["a"]}):
                changed = settings | {outer: odd if inner is None else settings[outer] | {inner: odd}}
                other.write_bytes(saved.read_bytes())
                envelope(parts, other, settings=changed)
                try:
                    save(load(other), tmp_path / "again")
                except ModelFileError:
                    n_refused += 1
    assert n_refused > len(settings)


def test_kind_that_does_not_fit_the_arrays(parts, models, path):
    save(models["network"], path)
    envelope(parts, path, kind="table")
    with pytest.raises(ModelFileError, match="its table could not be put together"):
        load(path)


def test_not_ours(path):
    save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(ModelFileError, match="a safetensors file, but not of chainrule"):
        load(path)
    assert not is_model_file(path)


def test_numbers_of_a_type_we_never_write(parts, models, path):
    save(models["network"], path)
    header, arrays = parts.read(path)
    for entry in header.values():
        if "dtype" in entry:
            entry["dtype"] = {"F64": "I64", "F32": "I32"}[entry["dtype"]]
    parts.write(path, header, arrays)
    with pytest.raises(ModelFileError, match=r"has dtype int64, expected finite float32 or float64"):
        load(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"rooms,price\n1,2\n", pickle.dumps([1, 2]), b"PAR1" + bytes(100), bytes(1000), b"\xff" * 1000],
)
def test_wrong_files(path, content):
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"not a model file, expected a safetensors file"):
        load(path)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 100_000,
        '{"a":' + "[" * 100 + "]" * 100 + "}",
        '{"__metadata__": {}, "__metadata__": {}}',
        '{"a": {"data_offsets": [0, NaN]}}',
        '{"a": {"data_offsets": [0, 1e999]}}',
        '{"a": {"data_offsets": [0, "1"]}}',
        '{"a": {"data_offsets": 0}}',
        '{"a": null}',
        '{"a": [0, 1]}',
        '{"\\ud800": {"data_offsets": [0, 0]}}',
        '{"a": ' + "1" * 10_000 + "}",
        '{"a": ',
        "{}{}",
    ],
)
def test_headers_that_cannot_be_read(path, text):
    path.write_bytes(struct.pack("<Q", len(text)) + text.encode())
    with pytest.raises(ModelFileError, match="header cannot be read"):
        load(path)
    assert not is_model_file(path)


@pytest.mark.parametrize("metadata", [None, 1, "chainrule", [], {}, {"chainrule": None}, {"chainrule": {}}])
def test_metadata_of_other_forms(path, metadata):
    text = json.dumps({"__metadata__": metadata}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ModelFileError, match="a safetensors file, but not of chainrule"):
        load(path)
    assert not is_model_file(path)


@pytest.mark.parametrize("entry", ["", "null", "[]", "1", '"a"', "{", '{"format": 1}', "[" * 100_000])
def test_entries_that_cannot_be_read(path, entry):
    text = json.dumps({"__metadata__": {"chainrule": entry}}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ModelFileError, match="entry of its header cannot be read"):
        load(path)


def test_header_too_large_to_be_read(path):
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", 60_000_000) + b'{"')
        file.truncate(60_000_008)
    with pytest.raises(ModelFileError, match=r"a header of 60,000,000 bytes, expected .* at most 33,554,432"):
        load(path)


def test_header_of_too_many_values(path):
    entry = '{"settings": [' + "[]," * 2**20 + "0]}"
    text = json.dumps({"__metadata__": {"chainrule": entry}}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ModelFileError, match="header cannot be read") as raised:
        load(path)
    assert "more than 2,097,152" in str(raised.value.__cause__)


def test_too_many_arrays(path):
    header = {f"a{k}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for k in range(70_000)}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ModelFileError, match="70,000 arrays, expected at most 65,536"):
        load(path)


def test_names_that_no_header_can_hold(path, monkeypatch):
    model = MLPRegressor((2,), max_iter=1, solver="lbfgs")
    monkeypatch.setattr("chainrule.files.header.MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"the header of .* would be too large: it has .* more than 1,000"):
        save(model, path)
    assert not path.exists()


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        load(tmp_path / "missing")
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        load(tmp_path)


@pytest.mark.parametrize("what", ["device", "pipe", "socket", "link"])
def test_files_that_are_none(tmp_path, monkeypatch, what):
    """None of them is read from, which could wait forever."""
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    path = {"device": "/dev/null"}.get(what, "model")
    with socket.socket(socket.AF_UNIX) as server:
        if what == "pipe":
            os.mkfifo(path)
        elif what == "socket":
            server.bind(path)
        elif what == "link":
            os.symlink("/dev/zero", path)
        with pytest.raises(ModelFileError, match=f"{path} is not a regular file"):
            load(path)
        assert not is_model_file(path)
        if what == "pipe":
            with pytest.raises(OSError, match="Not a regular file"):
                save(MLPRegressor(), path)


def test_file_that_becomes_shorter_while_it_is_read(saved, monkeypatch):
    look = os.fstat

    def look_and_truncate(handle):
        found = look(handle)
        if found.st_size > 100:
            os.truncate(saved, found.st_size - 10)
        return found

    monkeypatch.setattr(os, "fstat", look_and_truncate)
    with pytest.raises(ModelFileError, match=r"became shorter while it was read|truncated"):
        load(saved)


def test_files_that_cannot_be_written(models, tmp_path):
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        save(models["network"], tmp_path)
    with pytest.raises(FileNotFoundError, match="missing"):
        save(models["network"], tmp_path / "missing" / "model")


def test_other_objects(path):
    with pytest.raises(TypeError, match="cannot save a SimpleNamespace, expected one of Network, MLP"):
        save(SimpleNamespace(), path)
    assert not path.exists()


def test_subclasses_are_saved_as_what_they_are_of(path):
    from chainrule import Network

    class Mine(Network):
        pass

    save(Mine([2, 1], random_state=0), path)
    assert type(load(path)) is Network
