"""Model files: safetensors with one versioned JSON entry in the header. No pickle: opening one runs no code.

docs/file-format.md describes the format. Each kind of model knows its own state (`_get_state`,
`_from_state`); this file knows the envelope.
"""

import contextlib
import hashlib
import importlib
import json
import os
import reprlib
import stat
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.files import header as bounded
from chainrule.files.atomic import atomic_path
from chainrule.files.errors import ModelFileError

Tensors = dict[str, NDArray[Any]]

FORMAT = "chainrule"
VERSION = 1  # of the file; raised when an older chainrule could no longer read it
ENTRY = "chainrule"  # the name of our entry in the safetensors header's metadata
ZEROS = "0" * 64  # stand for the checksum's digits while the checksum is computed
OLD_KEYS = {"format", "version", "kind", "settings"}
MAX_ARRAYS = 2**16


class Kind(NamedTuple):
    """A kind of model: where its class is, and how the names of arrays that must be finite begin."""

    module: str
    name: str
    finite: tuple[str, ...]


FITTED = ("coefs", "intercepts", "norm_", "slopes", "alphas", "target_")
KINDS = {
    "network": Kind(
        "chainrule.network", "Network", ("weights", "biases", "norm_", "slopes", "alphas", "inputs")
    ),
    "classifier": Kind("chainrule.estimators", "MLPClassifier", FITTED),
    "regressor": Kind("chainrule.estimators", "MLPRegressor", FITTED),
    "table": Kind(
        "chainrule.table_models.table_model",
        "TableModel",
        (*(f"estimator.{name}" for name in FITTED), "preprocessing", "target."),
    ),
    "table_ensemble": Kind(
        "chainrule.table_models.table_model",
        "TableModel",
        ("estimator.members.", "estimator.preparation.center", "preprocessing", "target."),
    ),
    "tabular_classifier": Kind(
        "chainrule.tabular.classifier", "TabularClassifier", ("members.", "preparation.center")
    ),
    "tabular_regressor": Kind(
        "chainrule.tabular.regressor", "TabularRegressor", ("members.", "preparation.center")
    ),
    "tabular_checkpoint": Kind("chainrule.tabular.checkpoint", "Unfinished", ("networks.",)),
}


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Save a model as one file, which appears whole or not at all.

    Parameters
    ----------
    model : Network, MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor or TableModel
        The model.
    path : str or path-like
        File to write. An existing file is replaced only when the new one is complete and on the disk.

    Raises
    ------
    TypeError
        For anything else than these models, or settings that JSON cannot hold.
    ValueError
        Where a parameter is not finite: such a model predicts nothing. Where a file's header cannot hold
        all names.
    OSError
        Where the file cannot be written, with its name.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from chainrule import MLPRegressor
    >>> X = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> model = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", random_state=0).fit(X, X[:, 0])
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     save(model, f"{directory}/line.safetensors")
    ...     same = load(f"{directory}/line.safetensors")
    >>> bool((same.predict(X) == model.predict(X)).all())
    True
    """
    kind = _kind_of(model)
    tensors, settings = model._get_state()
    write_state(kind, tensors, settings, path)


def write_state(kind: str, tensors: Tensors, settings: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write what a model's `_get_state` gives, atomically; raises as `save`."""
    from safetensors.numpy import save as to_bytes

    tensors = {name: _plain(name, values) for name, values in tensors.items()}
    bad = _bad_parameter(kind, tensors)
    if bad:
        raise ValueError(f"{bad}, so the model was not saved; expected finite float32 or float64")
    # The checksum stands before everything that a user can name: the first zeros are its own.
    ours = {"format": FORMAT, "version": VERSION, "checksum": ZEROS, "kind": kind, "settings": settings}
    data = to_bytes(tensors, {ENTRY: json.dumps(ours, allow_nan=False, ensure_ascii=False)})
    start = 8 + int.from_bytes(data[:8], "little")
    try:
        bounded.check_bounds(data[8:start].decode())
    except ValueError as error:
        raise ValueError(f"the header of {os.fspath(path)} would be too large: {error}") from None
    digits = hashlib.sha256(data).hexdigest()
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(data[:start].replace(ZEROS.encode(), digits.encode(), 1))
        file.write(memoryview(data)[start:])


def load(path: str | os.PathLike[str]) -> Any:
    """Load a model that `save` wrote.

    Parameters
    ----------
    path : str or path-like
        A model file.

    Returns
    -------
    Network, MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor or TableModel
        What was saved.

    Raises
    ------
    ModelFileError
        A ValueError: the file is no model of ours, is damaged, or was written by a newer version.
    OSError
        Where the file cannot be read.
    """
    kind, tensors, settings = read_state(path)
    home = KINDS[kind]
    model_class = getattr(importlib.import_module(home.module), home.name)
    with checking(path, kind):
        return model_class._from_state(tensors, settings)


@contextlib.contextmanager
def checking(path: str | os.PathLike[str], kind: str) -> Iterator[None]:
    """Raise what the reader of a state finds wrong with it as one ModelFileError.

    Parameters
    ----------
    path : str or path-like
        The file that the state is from.
    kind : str
        Kind of model.

    Raises
    ------
    ModelFileError
        For the errors of looking up and checking what a damaged file may lack or have in another form. Other
        errors are the program's own.
    """
    try:
        yield
    except ModelFileError:
        raise
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
        what = f"has no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise ModelFileError(
            f"{os.fspath(path)} is damaged: its {kind} could not be put together: {_short(what)}"
        ) from error


def _short(message: str) -> str:
    """Return a message that may quote a whole file, as a reader wants it."""
    return message if len(message) < 400 else f"{message[:300]} ..."


def read_state(path: str | os.PathLike[str]) -> tuple[str, Tensors, dict[str, Any]]:
    """Read a model file's kind, tensors and settings without making a model of them; raises as `load`."""
    name = os.fspath(path)
    header, data = _read(name)
    kind, settings = _check_header(header, data, name)
    tensors = _tensors(data, name)
    bad = _bad_parameter(kind, tensors)
    if bad:
        raise ModelFileError(f"{name} is damaged: {bad}, expected finite float32 or float64 numbers")
    return kind, tensors, settings


def is_model_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file exists and is a model of ours, of any version."""
    try:
        header, _ = _read(os.fspath(path), header_only=True)
    except (OSError, ModelFileError):
        return False
    return ENTRY in _metadata(header)


def _kind_of(model: Any) -> str:
    if isinstance(getattr(model, "_kind", None), str):  # a class of several kinds says which
        return str(model._kind)
    for cls in type(model).__mro__:
        for kind, home in KINDS.items():
            if cls.__name__ == home.name and cls.__module__.startswith(home.module):
                return kind
    known = ", ".join(home.name for home in KINDS.values())
    raise TypeError(f"cannot save a {type(model).__name__}, expected one of {known}")


def _plain(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Return the array as safetensors takes it: row by row, little-endian."""
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"cannot save {name!r}: expected numbers, got dtype {values.dtype}")
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).reshape(values.shape)


def _bad_parameter(kind: str, tensors: Tensors) -> str:
    for name, values in tensors.items():
        if name.startswith(KINDS[kind].finite):
            if values.dtype not in (np.float32, np.float64):
                return f"{name!r} has dtype {values.dtype}"
            if not np.isfinite(values).all():
                return f"{name!r} has values that are not finite"
    return ""


def _open(path: str, flags: int) -> int:
    """Open a regular file. A pipe would wait for somebody to write, and looking at a device can change it."""
    irregular = ModelFileError(f"{path} is not a regular file, expected a model file")
    if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):  # `open` itself refuses folders
        raise irregular
    return os.open(path, flags | os.O_NONBLOCK)  # it may have been replaced meanwhile


def _read(name: str, *, header_only: bool = False) -> tuple[dict[str, Any], bytes]:
    """Return the safetensors header and the bytes of the whole file, of the size that the header states."""
    with open(name, "rb", opener=_open) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        n_header = int.from_bytes(start, "little")
        foreign = ModelFileError(
            f"{name} is not a model file, expected a safetensors file written by chainrule"
            + (" (this one is empty)" if not start else "")
        )
        if len(start) < 8 or n_header < 2 or file.read(1) != b"{":
            raise foreign
        if 8 + n_header > size:
            raise ModelFileError(
                f"{name} is truncated or damaged: its header ends after {size - 8:,} of {n_header:,} bytes"
            )
        if n_header > bounded.MAX_BYTES:
            raise ModelFileError(
                f"{name} has a header of {n_header:,} bytes, expected a model file, whose header has at most "
                f"{bounded.MAX_BYTES:,}"
            )
        text = b"{" + file.read(n_header - 1)
        try:
            header = bounded.parse(text.decode())
            arrays = [entry for key, entry in header.items() if key != "__metadata__"]
            missing = 8 + n_header + max((entry["data_offsets"][1] for entry in arrays), default=0) - size
        except (ValueError, LookupError, TypeError) as error:
            raise ModelFileError(f"{name} is damaged: its header cannot be read") from error
        if len(arrays) > MAX_ARRAYS:
            raise ModelFileError(f"{name} has {len(arrays):,} arrays, expected at most {MAX_ARRAYS:,}")
        if missing:
            state = "truncated" if missing > 0 else "damaged"
            raise ModelFileError(
                f"{name} is {state}: it has {size:,} bytes, expected {size + missing:,}; copy it again"
            )
        if header_only:
            return header, b""
        data = start + text + file.read(size - 8 - n_header)
        if len(data) < size:
            raise ModelFileError(f"{name} became shorter while it was read; copy it again")
        return header, data


def _metadata(header: dict[str, Any]) -> dict[str, Any]:
    metadata = header.get("__metadata__")
    return metadata if isinstance(metadata, dict) and isinstance(metadata.get(ENTRY), str) else {}


def _check_header(header: dict[str, Any], data: bytes, name: str) -> tuple[str, dict[str, Any]]:
    """Return kind and settings of a file that has the bytes with which it was written."""
    metadata = _metadata(header)
    if ENTRY not in metadata:
        raise ModelFileError(
            f"{name} is a safetensors file, but not of chainrule: its header has no {ENTRY!r} entry"
        )
    try:
        ours = bounded.parse(metadata[ENTRY])
        file_format, version = ours["format"], ours["version"]
    except (ValueError, LookupError, TypeError) as error:
        raise ModelFileError(
            f"{name} is damaged: the {ENTRY!r} entry of its header cannot be read"
        ) from error
    if file_format != FORMAT or not isinstance(version, int) or version < 1:
        raise ModelFileError(
            f"{name} has format {reprlib.repr(file_format)}, version {reprlib.repr(version)}; expected "
            f"{FORMAT!r}, {VERSION}"
        )
    if version > VERSION:
        raise ModelFileError(
            f"{name} was written by a newer chainrule (file version {reprlib.repr(version)}, this one reads "
            f"up to {VERSION}); upgrade chainrule to read it"
        )
    # Files of the first release have no checksum, and nothing else that is new either.
    if ours.keys() > OLD_KEYS and not _is_whole(data, ours.get("checksum")):
        raise ModelFileError(
            f"{name} is damaged: its bytes are not those that were written, as its checksum shows; copy it "
            "again"
        )
    kind, settings = ours.get("kind"), ours.get("settings")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ModelFileError(
            f"{name} holds an unknown kind of model: {reprlib.repr(kind)}, expected one of {', '.join(KINDS)}"
        )
    if not isinstance(settings, dict):
        raise ModelFileError(f"{name} is damaged: its settings are no dictionary")
    return kind, settings


def _is_whole(data: bytes, digits: Any) -> bool:
    """Whether the SHA-256 of a file, with zeros for its own digits, is what they say."""
    if not isinstance(digits, str) or len(digits) != len(ZEROS) or not digits.isascii():
        return False
    start = 8 + int.from_bytes(data[:8], "little")
    found = hashlib.sha256(data[:start].replace(digits.encode(), ZEROS.encode(), 1))
    found.update(memoryview(data)[start:])
    return found.hexdigest() == digits


def _tensors(data: bytes, name: str) -> Tensors:
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        tensors: Tensors = from_bytes(data)
    except (SafetensorError, ValueError, LookupError, TypeError) as error:
        what = f"an array has the type {error}" if isinstance(error, KeyError) else str(error)
        raise ModelFileError(f"{name} is damaged: {_short(what)}") from None
    for tensor_name, values in tensors.items():
        if values.dtype.kind not in "biuf":
            raise ModelFileError(
                f"{name} is damaged: {tensor_name!r} has dtype {values.dtype}, expected numbers"
            )
    # Arrays over the file's bytes are read-only; a model's parameters are there to be written.
    return {tensor_name: values.copy() for tensor_name, values in tensors.items()}
