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

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wdouble-promotion", "-Werror"]
FLAGS = ["-std=c99", "-O2", *STRICT, "-Wmissing-prototypes", "-Wstrict-prototypes"]
CC = os.environ.get("CC") or shutil.which("cc") or "cc"
CXX = os.environ.get("CXX") or shutil.which("c++") or "c++"
_numbers = itertools.count()


def compile_shared(*sources: Path) -> ctypes.CDLL:
    library = sources[0].with_name(f"compiled{next(_numbers)}.so")
    check_constants(*sources)
    succeeds(CXX, "-x", "c++", *STRICT, "-fsyntax-only", *sources)
    succeeds(CC, *FLAGS, "-shared", "-fPIC", *sources, "-o", library, "-lm")
    return ctypes.CDLL(str(library))


def succeeds(*command: str | Path) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def check_constants(*sources: Path) -> None:
    """A file that says nothing of double must not compute in it, either: 0.5 would be one."""
    texts = {source: source.read_text(encoding="utf-8") for source in sources}
    single = [one for one, text in texts.items() if "double" not in text and '#include "' not in text]
    version = subprocess.run([CC, "--version"], capture_output=True, text=True, check=False).stdout
    if single and "Free Software Foundation" in version:  # other compilers do not know the flag
        succeeds(CC, "-std=c99", "-Werror", "-Wunsuffixed-float-constants", "-fsyntax-only", *single)


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
