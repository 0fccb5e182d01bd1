"""Model files: safetensors with one versioned JSON entry in the header. No pickle: opening one runs no code.

docs/file-format.md describes the format. Each kind of model knows its own state (`_get_state`,
`_from_state`); this file knows the envelope.
"""

import importlib
import json
import os
import stat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.files.atomic import atomic_path
from chainrule.files.errors import ModelFileError

Tensors = dict[str, NDArray[Any]]

FORMAT = "chainrule"
VERSION = 1  # of the file; raised when an older chainrule could no longer read it
ENTRY = "chainrule"  # the name of our entry in the safetensors header's metadata
MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit


class Kind(NamedTuple):
    """A kind of model: where its class is, and how the names of arrays that must be finite begin."""

    module: str
    name: str
    finite: tuple[str, ...]


FITTED = ("coefs", "intercepts", "norm_", "slopes", "target_")
KINDS = {
    "network": Kind("chainrule.network", "Network", ("weights", "biases", "norm_", "slopes")),
    "classifier": Kind("chainrule.estimators", "MLPClassifier", FITTED),
    "regressor": Kind("chainrule.estimators", "MLPRegressor", FITTED),
    "table": Kind(
        "chainrule.tables.table_model",
        "TableModel",
        (*(f"estimator.{name}" for name in FITTED), "preprocessing", "target."),
    ),
}


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Save a model as one file, which appears whole or not at all.

    Parameters
    ----------
    model : Network, MLPClassifier, MLPRegressor or TableModel
        The model.
    path : str or path-like
        File to write. An existing file is replaced only when the new one is complete and on the disk.

    Raises
    ------
    TypeError
        For anything else than these models, or settings that JSON cannot hold.
    ValueError
        Where a parameter is not finite: such a model predicts nothing.
    OSError
        Where the file cannot be written.

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
    header = {"format": FORMAT, "version": VERSION, "kind": kind, "settings": settings}
    data = to_bytes(tensors, {ENTRY: json.dumps(header, allow_nan=False, ensure_ascii=False)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def load(path: str | os.PathLike[str]) -> Any:
    """Load a model that `save` wrote.

    Parameters
    ----------
    path : str or path-like
        A model file.

    Returns
    -------
    Network, MLPClassifier, MLPRegressor or TableModel
        What was saved.

    Raises
    ------
    ModelFileError
        A ValueError: the file is no model of ours, is damaged, or was written by a newer version.
    OSError
        Where the file cannot be read.
    """
    name = os.fspath(path)
    kind, tensors, settings = read_state(path)
    home = KINDS[kind]
    model_class = getattr(importlib.import_module(home.module), home.name)
    try:
        return model_class._from_state(tensors, settings)
    # Settings of a damaged file can be anything, so their reader can fail in any of the ways of a lookup.
    except (
        ArithmeticError,
        AttributeError,
        AssertionError,
        LookupError,
        MemoryError,
        TypeError,
        ValueError,
    ) as error:
        what = f"has no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise ModelFileError(f"{name} is damaged: its {kind} could not be put together: {what}") from error


def read_state(path: str | os.PathLike[str]) -> tuple[str, Tensors, dict[str, Any]]:
    """Read a model file's kind, tensors and settings without making a model of them; raises as `load`."""
    name = os.fspath(path)
    header, data = _read(Path(path), name)
    kind, settings = _check_header(header, name)
    tensors = _tensors(data, name)
    bad = _bad_parameter(kind, tensors)
    if bad:
        raise ModelFileError(f"{name} is damaged: {bad}, expected finite float32 or float64 numbers")
    return kind, tensors, settings


def is_model_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file exists and is a model of ours, of any version."""
    try:
        header, _ = _read(Path(path), os.fspath(path), header_only=True)
    except (OSError, ModelFileError):
        return False
    return ENTRY in header.get("__metadata__", {})


def _kind_of(model: Any) -> str:
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


def _read(path: Path, name: str, *, header_only: bool = False) -> tuple[dict[str, Any], bytes]:
    """Return the safetensors header and the bytes of the whole file, of the size that the header states."""
    with open(path, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ModelFileError(f"{name} is not a regular file, expected a model file")
        start = file.read(8)
        n_header = int.from_bytes(start, "little")
        foreign = ModelFileError(
            f"{name} is not a model file, expected a safetensors file written by chainrule"
            + (" (this one is empty)" if not start else "")
        )
        if len(start) < 8 or not 2 <= n_header <= MAX_HEADER_BYTES:
            raise foreign
        text = file.read(n_header)
        if not text.startswith(b"{"):
            raise foreign
        if len(text) < n_header:
            raise ModelFileError(
                f"{name} is truncated or damaged: its header ends after {len(text):,} of {n_header:,} bytes"
            )
        try:
            header = json.loads(text)
            ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
            n_expected = 8 + n_header + max(ends, default=0)
        except (ValueError, LookupError, TypeError, RecursionError):
            raise ModelFileError(f"{name} is damaged: its header cannot be read") from None
        if found.st_size != n_expected:
            state = "truncated" if found.st_size < n_expected else "damaged"
            raise ModelFileError(
                f"{name} is {state}: it has {found.st_size:,} bytes, expected {n_expected:,}; copy it again"
            )
        return header, b"" if header_only else start + text + file.read()


def _check_header(header: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """Return kind and settings."""
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or ENTRY not in metadata:
        raise ModelFileError(
            f"{name} is a safetensors file, but not of chainrule: its header has no {ENTRY!r} entry"
        )
    try:
        ours = json.loads(metadata[ENTRY])
        file_format, version = ours["format"], ours["version"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ModelFileError(f"{name} is damaged: the {ENTRY!r} entry of its header cannot be read") from None
    if file_format != FORMAT or not isinstance(version, int) or version < 1:
        raise ModelFileError(
            f"{name} has format {file_format!r}, version {version!r}; expected {FORMAT!r}, {VERSION}"
        )
    if version > VERSION:
        raise ModelFileError(
            f"{name} was written by a newer chainrule (file version {version}, this one reads up to "
            f"{VERSION}); upgrade with: pip install --upgrade chainrule"
        )
    kind, settings = ours.get("kind"), ours.get("settings")
    if kind not in KINDS:
        raise ModelFileError(
            f"{name} holds an unknown kind of model: {kind!r}, expected one of {', '.join(KINDS)}"
        )
    if not isinstance(settings, dict):
        raise ModelFileError(f"{name} is damaged: its settings are no dictionary")
    return kind, settings


def _tensors(data: bytes, name: str) -> Tensors:
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        tensors: Tensors = from_bytes(data)
    except (SafetensorError, ValueError, LookupError, TypeError) as error:
        raise ModelFileError(f"{name} is damaged: {error}") from None
    for tensor_name, values in tensors.items():
        if values.dtype.kind not in "biuf":
            raise ModelFileError(
                f"{name} is damaged: {tensor_name!r} has dtype {values.dtype}, expected numbers"
            )
    # Arrays over the file's bytes are read-only; a model's parameters are there to be written.
    return {tensor_name: values.copy() for tensor_name, values in tensors.items()}
