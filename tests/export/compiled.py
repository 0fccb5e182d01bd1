"""Compile what `export_c` writes with the system's compiler, and call it."""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
CC = os.environ.get("CC") or shutil.which("cc") or "cc"
_numbers = itertools.count()


def compile_shared(*sources: Path) -> ctypes.CDLL:
    library = sources[0].with_name(f"compiled{next(_numbers)}.so")
    command = [CC, *FLAGS, "-shared", "-fPIC", *map(str, sources), "-o", str(library), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


def call(
    library: ctypes.CDLL, name: str, x: np.ndarray, n_out: int, out: str
) -> tuple[np.ndarray, list[int]]:
    """Outputs (n_samples, n_out) and returned numbers of `name` for rows x of the dtype that it takes."""
    function = getattr(library, name)
    results = np.full((len(x), n_out), np.nan, out)
    returned = [
        function(row.ctypes.data_as(ctypes.c_void_p), result.ctypes.data_as(ctypes.c_void_p))
        for row, result in zip(np.ascontiguousarray(x), results, strict=True)
    ]
    return results, returned


def strings(library: ctypes.CDLL, name: str, n: int) -> list[str]:
    return [text.decode("utf-8") for text in (ctypes.c_char_p * n).in_dll(library, name)]


def structure(fields: list[tuple[str, Any]]) -> type[ctypes.Structure]:
    return type("Row", (ctypes.Structure,), {"_fields_": fields})
