"""Arrays at the boundary: brought to the network's dtype, refused where they are no finite real numbers."""

import contextlib
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine

Floats = NDArray[Any]


def as_array(values: Any, name: str) -> NDArray[Any]:
    """Anything array-like as an array of real numbers, not copied where it is one.

    Raises
    ------
    TypeError
        For text, complex numbers, dates, masked values and what NumPy cannot read as one array.
    """
    if values is None:
        raise TypeError(f"{name} is None; expected an array of numbers")
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":  # a table of mixed columns, say
            array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"{name} cannot be read as an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        hint = "; text must be encoded as numbers first" if array.dtype.kind in "US" else ""
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers{hint}")
    ma = sys.modules.get("numpy.ma")  # NumPy loads it late, and who has such an array has loaded it
    if ma is not None and ma.is_masked(values):
        raise TypeError(f"{name} is a masked array with masked values; fill them in or leave their rows out")
    return array


def as_floats(
    values: Any,
    dtype: np.dtype[Any],
    name: str,
    advice: str = "scale it, or make the network with dtype='float64'",
    *,
    in_order: bool = True,
) -> Floats:
    """Anything array-like as an aligned C-contiguous array of the dtype, not copied where it is one.

    `advice` is for values that the dtype cannot hold. Their place is named where rows are `in_order`, the
    user's.

    Raises
    ------
    TypeError
        As `as_array`.
    ValueError
        Where a finite value overflows the dtype.
    """
    if type(values) is np.ndarray and values.dtype == dtype and values.flags.carray:
        return values
    array = as_array(values, name)
    narrows = array.dtype.kind == "f" and array.dtype.itemsize > dtype.itemsize
    with np.errstate(over="ignore") if narrows else contextlib.nullcontext():
        floats = np.asarray(array, dtype=dtype, order="C")
    if not floats.flags.aligned:
        floats = floats.copy()
    if narrows and not _engine.is_finite(floats):
        too_large = np.isfinite(array) & ~np.isfinite(floats)
        if too_large.any():
            place = _place(too_large) if in_order else ""
            raise ValueError(
                f"{name} has {array[too_large].flat[0]:g}{place}, too large for {dtype}; {advice}"
            )
    return floats


def check_finite(array: Floats, name: str, advice: str) -> None:
    """Raise ValueError that says where a number is not finite, and what to do."""
    if not _engine.is_finite(array):
        bad = ~np.isfinite(array)
        raise ValueError(f"{name} has {array[bad].flat[0]}{_place(bad)}; {advice}")


def _place(marked: NDArray[np.bool_]) -> str:
    """Where the first marked element is: " in row 3, column 2", counted from 0."""
    index = np.unravel_index(int(np.argmax(marked)), marked.shape)
    names = ["row", "column"] if marked.ndim == 2 else ["element"] * marked.ndim
    return (
        " in " + ", ".join(f"{name} {int(i)}" for name, i in zip(names, index, strict=True)) if index else ""
    )
