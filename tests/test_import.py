"""`import chainrule` is almost free; names come when they are asked for."""

import graphlib
import importlib.metadata
import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import chainrule
from chainrule import _version

ROOT = Path(__file__).parents[1]
HEAVY = {"numpy", "scipy", "sklearn", "pyarrow", "pandas", "narwhals", "typer", "rich", "safetensors"}


def loaded_after(code: str) -> set[str]:
    """Modules that a fresh interpreter has loaded after the code, without those it starts with."""
    program = f"""
import sys
from pathlib import Path
before = set(sys.modules)
{code}
import json
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, check=True)
    return set(json.loads(done.stdout))


def test_import_loads_nothing_else():
    loaded = loaded_after("import chainrule")
    assert "chainrule" in loaded
    assert not [name for name in loaded if name.startswith("chainrule.")]
    assert not loaded & (HEAVY | {"typing", "importlib.metadata"})


def test_a_network_needs_no_more_than_numpy():
    code = """
import chainrule
net = chainrule.Network([2, 3, 1], random_state=0)
net.train([[0.0, 1.0]], [1.0], epochs=1)
net.gradients([0.0, 1.0], 1.0)
chainrule.gradcheck(net, [0.0, 1.0], 1.0)
"""
    loaded = loaded_after(code)
    assert "numpy" in loaded
    assert not loaded & (HEAVY - {"numpy"})


def test_optimizers_need_nothing():
    assert not loaded_after("from chainrule import SGD, Adam") & HEAVY


@pytest.mark.parametrize("name", chainrule.__all__)
def test_every_public_name(name):
    value = getattr(chainrule, name)
    assert value is not None
    assert getattr(chainrule, name) is value
    assert name in dir(chainrule)
    namespace: dict[str, object] = {}
    exec(f"from chainrule import {name}", namespace)
    assert namespace[name] is value


def test_public_names_in_the_type_checkers_eyes_are_the_same():
    packages = {"derive", "inputs", "losses", "reference", "stream"}
    assert set(chainrule._HOMES) | packages | {"__version__"} == set(chainrule.__all__)


def test_gradcheck_is_the_function():
    """A module of that name exists as well, whichever is imported first."""
    code = "import chainrule.reference.gradcheck, chainrule; assert callable(chainrule.gradcheck)"
    loaded_after(code)
    assert callable(chainrule.gradcheck)
    assert chainrule.gradcheck is chainrule.reference.gradcheck


def test_derive_is_a_package_that_can_be_called():
    """Whichever is imported first: `import chainrule.derive.steps` sets the attribute to the package."""
    loaded = loaded_after("import chainrule; chainrule.derive([2, 1])")
    assert "numpy" in loaded
    assert not loaded & (HEAVY - {"numpy"})
    loaded_after("import chainrule.derive.steps; assert len(chainrule.derive([2, 1]))")
    assert inspect.signature(chainrule.derive).parameters.keys() >= {
        "network",
        "x",
        "y",
        "language",
        "bias_sign",
    }


def test_unknown_names():
    with pytest.raises(AttributeError, match="module 'chainrule' has no attribute 'Netwrok'") as found:
        chainrule.Netwrok  # noqa: B018
    assert (found.value.name, found.value.obj) == ("Netwrok", chainrule)  # Python then says "Did you mean"
    with pytest.raises(ImportError, match="cannot import name 'derives'"):
        exec("from chainrule import derives")


def test_version_without_an_installation(monkeypatch, tmp_path):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(_version.metadata, "version", missing)
    tree = Path(__file__).parents[1]
    monkeypatch.setattr(_version, "__file__", str(tree / "src" / "chainrule" / "_version.py"))
    assert _version.version() == chainrule.__version__
    monkeypatch.setattr(_version, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    assert _version.version() == "0+unknown"


def test_version_of_an_installation(monkeypatch):
    monkeypatch.setattr(_version.metadata, "version", {"chainrule": "1.2.3"}.__getitem__)
    assert _version.version() == "1.2.3"


def hacking() -> str:
    return (ROOT / "HACKING.md").read_text(encoding="utf-8")


def test_the_picture_of_who_may_import_whom_is_the_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(one["layers"] for one in contracts["contracts"] if one["type"] == "layers")
    picture = hacking().split("<!-- layers -->\n```\n")[1].split("```")[0]
    assert picture.split("\n")[:-1] == layers


def test_nothing_imports_in_a_circle():
    """The contract looks at siblings; a module and the package that it is in can make a circle, too."""
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("chainrule", exclude_type_checking_imports=False, cache_dir=None)
    order = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    graphlib.TopologicalSorter(order).prepare()  # raises CycleError, which names the circle


def test_the_walks_lead_past_what_there_is():
    """In each step, a file is followed by names that it has."""
    walks = hacking().split("## Three walks\n")[1].split("\n## ")[0]
    folders = [ROOT / "src" / "chainrule", ROOT / "src" / "engine"]
    spans = re.findall(r"`([^`]+)`", walks)
    n_files, text = 0, None
    for span in spans:
        if re.fullmatch(r"[\w/*]+\.(py|hpp|cpp|inl)", span):
            found = [folder / span for folder in folders if (folder / span).exists()]
            assert found, span
            n_files, text = n_files + 1, found[0].read_text(encoding="utf-8")
        elif text is not None and re.fullmatch(r'"?\w+"?', span):
            assert re.search(rf"(?<!\w){span}(?!\w)", text), (span, "is not in the file before it")
    assert n_files > 30
