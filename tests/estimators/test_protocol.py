"""What may touch what: helpers of the estimators what `protocol.py` names, training nothing private."""

import ast
from pathlib import Path

import pytest

import chainrule

SOURCES = Path(chainrule.__file__).parent
HELPERS = sorted(
    path
    for path in (SOURCES / "estimators").glob("*.py")
    if path.stem not in ("__init__", "base", "classifier", "regressor", "protocol", "derivatives")
)
TRAINING = sorted((SOURCES / "training").rglob("*.py"))


def declared():
    tree = ast.parse((SOURCES / "estimators" / "protocol.py").read_text(encoding="utf-8"))
    (mlp,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {node.target.id for node in mlp.body if isinstance(node, ast.AnnAssign)}


def targets(tree):
    for node in ast.walk(tree):
        for target in [*getattr(node, "targets", []), getattr(node, "target", None)]:
            yield from target.elts if isinstance(target, ast.Tuple) else [target]


@pytest.mark.parametrize("path", HELPERS, ids=lambda path: path.stem)
def test_helpers_write_what_the_protocol_names(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    written = {
        target.attr
        for target in targets(tree)
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) in ("mlp", "self.mlp")
    }
    assert written <= declared()


def test_helpers_write_something():
    assert any("mlp.loss_ = " in path.read_text(encoding="utf-8") for path in HELPERS)


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_training_reads_nothing_private(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    private = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        # `last` is another state, of the same class.
        and ast.unparse(node.value) not in ("self", "super()", "last")
    ]
    assert not private
