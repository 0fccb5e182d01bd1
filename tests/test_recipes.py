"""HACKING's recipes, followed in a copy of the tree: a dummy of each that can be added, built and tested."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "tests" / "recipes"

#: The recipe's heading in HACKING.md, the most source files it may take, and a word of the tests it is for.
KINDS = {
    "activation": ("How to add an activation", 8, "log_sigmoid"),
    "loss": ("How to add a loss", 9, "pseudo_huber"),
    "optimizer": ("How to add an optimizer", 7, "signum or Signum"),
    "learned_vector": ("How to add to what a hidden layer does", 10, "lifted"),
    "keyword": ("How to add a keyword of the estimators", 5, "target_loss or the_table"),
}
#: Where the tests are that walk over the registries.
TESTS = [
    "reference",
    "engine",
    "derive",
    "export",
    "network",
    "training",
    "estimators/test_optimizers.py",
    "estimators/test_target_loss.py",
    "test_parameters_table.py",
]


def edits_of(kind):
    """Its edits by file: (what to look for or None, text that follows its line, or replaces it)."""
    text = (RECIPES / f"{kind}.txt").read_text(encoding="utf-8")
    edits = {}
    for block in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        path, body = block.split("\n", 1)
        parts = re.split(r"^(?=@@ |~~ )", body, flags=re.MULTILINE)
        edits[path] = parts[1:] if len(parts) > 1 else body
    return edits


def changed(text, edit, path):
    """Insert the edit's lines behind the first line with its anchor, or replace the anchor."""
    first, _, lines = edit.partition("\n")
    mark, anchor = first[:2], first[3:]
    anchor, _, replacement = anchor.partition(" ~> ")
    assert anchor in text, f"{path} has no {anchor!r}"
    if mark == "~~":
        return text.replace(
            anchor, "\n".join([replacement, lines.removesuffix("\n")] if lines else [replacement]), 1
        )
    end = text.index("\n", text.index(anchor)) + 1
    return text[:end] + lines + text[end:]


def follow(kind, tree):
    for path, edits in edits_of(kind).items():
        place = tree / path
        if isinstance(edits, str):
            assert not place.exists()
            place.write_text(edits, encoding="utf-8")
            continue
        text = place.read_text(encoding="utf-8")
        for edit in edits:
            text = changed(text, edit, path)
        place.write_text(text, encoding="utf-8")


def named_by(heading):
    """The files and folders that a recipe of HACKING.md names, by their last parts."""
    text = (ROOT / "HACKING.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, f"HACKING.md has no recipe {heading!r}"
    return re.findall(r"`([\w./]+(?:/|\.(?:py|hpp|cpp|inl|md)))`", section[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_names_its_files_and_no_more_than_promised(kind):
    heading, most, _ = KINDS[kind]
    names = named_by(heading)
    edits = edits_of(kind)
    sources = [path for path in edits if path.startswith("src/")]
    assert len(sources) <= most
    for path, edit in edits.items():
        new = isinstance(edit, str)
        folder = f"{Path(path).parent.as_posix()}/"
        assert any(path.endswith(name) for name in names) or (
            new and any(folder.endswith(name) for name in names)
        ), f"HACKING's {heading!r} names {path} nowhere"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cmake", path=Path(sys.executable).parent), reason="no CMake")
def test_what_recipes_add_passes_the_tests_that_walk_over_the_registries(tmp_path):
    """All of it in one copy of the tree, built for the baseline; nothing but the recipes is needed for it."""
    copy = tmp_path / "chainrule"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "build", "dist", "*.so", "__pycache__"))
    for kind in KINDS:
        follow(kind, copy)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(copy / "src")}
    options = [
        f"-DPython_EXECUTABLE={sys.executable}",
        "-DCHAINRULE_BASELINE_ONLY=ON",
        "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG",
    ]
    generator = ["-G", "Ninja"] if shutil.which("ninja", path=path) else []
    words = " or ".join(word for _, _, word in KINDS.values())
    tests = [f"tests/{folder}" for folder in TESTS]
    for command in (
        ["cmake", "-S", ".", "-B", "build", *generator, *options],
        ["cmake", "--build", "build", "--parallel", "2"],
        ["cmake", "--install", "build", "--prefix", "src"],
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rp",
            "-p",
            "no:cacheprovider",
            "-m",
            "not slow",
            # The dummy's f' is expm1 of y, whose higher powers may be subnormal without fused multiply-add.
            "--deselect",
            "tests/engine/test_sure_networks.py::test_no_operation_of_a_step_underflows",
            "-k",
            words,
            *tests,
        ],
    ):
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
        told = re.sub(r"^PASSED .*\n", "", done.stdout, flags=re.MULTILINE) + done.stderr
        assert done.returncode == 0, told[-5000:]
    for kind, (_, _, word) in KINDS.items():
        passed = re.findall(rf"^PASSED .*(?:{word.replace(' or ', '|')})", done.stdout, re.MULTILINE)
        assert len(passed) >= 4, f"of {kind} only {passed}"
