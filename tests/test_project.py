"""The project as a whole: one version, clean files, a complete archive, kernels that share no code."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

import chainrule
from chainrule._engine import _core

ROOT = Path(__file__).parents[1]
NOT_OURS = {"build", "dist", "generated", "__pycache__"}  # directories; so is everything hidden


def our_files():
    for path in sorted(ROOT.rglob("*")):
        folders = path.relative_to(ROOT).parts[:-1]
        hidden = any(folder.startswith(".") and folder != ".ci" for folder in folders)
        if path.is_file() and not hidden and not NOT_OURS & set(folders) and path.suffix != ".so":
            yield path


def version():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_one_version_everywhere():
    assert chainrule.__version__ == version()
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[?([0-9.]+)", changelog, flags=re.MULTILINE)[0] == version()


def test_installed_version():
    try:
        installed = importlib.metadata.version("chainrule")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("chainrule is on the path, not installed")
    assert installed == version()


def test_engine_is_the_compiled_one():
    """Python code named _core beside the module would be imported wherever the engine is not built."""
    assert Path(_core.__file__).suffix in {".so", ".pyd"}


def test_no_leftovers():
    words = ["<<<<<<< ", ">>>>>>> ", "FIXME", "XXX"]
    found = []
    for path in our_files():
        data = path.read_bytes()
        assert len(data) < 500_000, f"{path} is {len(data)} bytes: too large for the repository"
        if path != Path(__file__) and b"\0" not in data:
            text = data.decode("utf-8")
            found += [f"{path.relative_to(ROOT)}: {word}" for word in words if word in text]
    assert not found


def test_source_archive_holds_what_a_build_needs(tmp_path):
    backend = pytest.importorskip("scikit_build_core.build")
    code = f"import {backend.__name__} as backend; backend.build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    ours = {path.relative_to(ROOT).as_posix() for path in our_files()}
    needed = {name for name in ours if name.startswith("src/")}
    assert needed | {"CMakeLists.txt", "pyproject.toml", "README.md", "LICENSE"} <= names
    assert names <= ours | {"PKG-INFO"}


def built_kernels():
    """Object files of the newest ordinary build, {instruction set: path}."""
    folders = [
        p for p in ROOT.glob("build/*/CMakeFiles/engine.dir/src/engine/isa") if "sanitize" not in str(p)
    ]
    newest = max(folders, key=lambda p: max(f.stat().st_mtime for f in p.iterdir()), default=None)
    return {path.name.split(".")[0]: path for path in newest.glob("*.o")} if newest else {}


def test_kernels_share_no_code_with_each_other():
    """No weak symbol in an instruction set's object file.

    Of weak copies the linker keeps any one, so the baseline build could end up running AVX-512 code.
    """
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("nm (binutils) is not installed")
    kernels = built_kernels()
    if not kernels:
        pytest.skip("no object files under build/: the package was not built in this directory")
    for isa, path in kernels.items():
        listing = subprocess.run([nm, "-C", str(path)], capture_output=True, text=True, check=True).stdout
        found = [line[17:].split(maxsplit=1) for line in listing.splitlines()]  # after 16 digits of address
        shared = [name for kind, name in found if kind in "WVu"]
        assert not shared, f"{path.name} defines weak symbols: {shared[:5]}"
        called = [name for kind, name in found if kind == "U" and "::" in name]
        assert not called, f"{path.name} calls code outside the kernels: {called[:5]}"
        exported = [name for kind, name in found if kind.isupper() and kind != "U"]
        assert exported, f"{path.name} exports nothing"
        assert all(isa in name for name in exported), f"{path.name} exports more than its kernels: {exported}"
