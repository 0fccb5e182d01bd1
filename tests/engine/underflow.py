"""Whether an operation of this thread had a subnormal result: the flag that processors keep of it."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

FE_UNDERFLOW = {"x86_64": 0x10, "AMD64": 0x10, "aarch64": 0x8, "arm64": 0x8}.get(platform.machine())


@contextmanager
def underflows() -> Iterator[Callable[[], bool]]:
    """Clear the flag; what is yielded tells, inside or afterwards, whether it has been set since."""
    try:
        libm = ctypes.CDLL(None)
        clear, test = libm.feclearexcept, libm.fetestexcept
    except (OSError, AttributeError):
        pytest.skip("the C library does not tell")
    if FE_UNDERFLOW is None:
        pytest.skip(f"the flag's number on {platform.machine()} is not known here")
    clear(FE_UNDERFLOW)
    yield lambda: bool(test(FE_UNDERFLOW))
