"""The documentation: complete, its code runs. That it builds without a warning is `make docs`."""

import importlib
import re
import runpy
from pathlib import Path

import pytest

import chainrule

ROOT = Path(__file__).parents[1]
GUIDE = sorted((ROOT / "docs" / "guide").glob("*.md"))
WITH_CODE = [path for path in GUIDE if "```python" in path.read_text(encoding="utf-8")]
EXAMPLES = sorted((ROOT / "examples" / "gallery").glob("plot_*.py"))


def test_every_public_name_is_in_the_reference():
    listed = set(
        re.findall(r"^   ([\w.]+)$", (ROOT / "docs" / "api.rst").read_text(encoding="utf-8"), re.MULTILINE)
    )
    missing = [
        name
        for name in chainrule.__all__
        if name not in listed
        and not name.startswith("_")
        and not any(one.startswith(f"{name}.") for one in listed)
    ]
    assert not missing


PACKAGES = (
    "dask derive estimators export inspection io losses network optimizers reference reference.inputs stream"
    " tabular training training.schedules"
)


@pytest.mark.parametrize("package", PACKAGES.split())
def test_every_public_name_of_a_package_is_in_the_reference(package):
    """Under this package or the one that it comes from; registries and checks are inner."""
    text = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    listed = set(re.findall(r"^   (?:[\w.]+\.)?(\w+)$", text, re.MULTILINE))
    if package == "dask":
        pytest.importorskip("distributed")
    names = importlib.import_module(f"chainrule.{package}").__all__
    inner = {"ACTIVATIONS", "INPUT_LAYERS", "LOSSES", "OPTIMIZERS", "SCHEDULES", "Plateau"}
    assert {name for name in names if not name.startswith("check_")} - inner - listed == set()


def test_every_page_of_the_guide_is_in_its_table_and_its_menu():
    index = (ROOT / "docs" / "guide" / "index.md").read_text(encoding="utf-8")
    table, menu = index.split("```{toctree}")
    for path in GUIDE:
        if path.name != "index.md":
            assert f"({path.name})" in table
            assert f"\n{path.stem}\n" in menu


@pytest.mark.parametrize("path", WITH_CODE, ids=lambda path: path.stem)
def test_code_in_the_guide_runs(path, tmp_path, monkeypatch):
    """All blocks of a page, one after the other; what needs matplotlib draws in memory."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    blocks = re.findall(
        r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    (tmp_path / "page.py").write_text("\n".join(blocks), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("page.py", run_name="__main__")
    pyplot.close("all")


def test_the_gallery_has_pages_with_pictures():
    """sphinx-gallery takes a docstring with a title; each example shows something."""
    assert len(EXAMPLES) >= 8
    for path in EXAMPLES:
        text = path.read_text(encoding="utf-8")
        assert re.match(r'"""\n.+\n=+\n\n', text), path.name
        assert "plt.show()" in text or "diagnose(" in text, path.name
        assert "sklearn.datasets import load_" in text, path.name
