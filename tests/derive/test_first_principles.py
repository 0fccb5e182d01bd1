"""Pages with steps of real derivations in the text, the same ones in both languages."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["first-principles.md", "first-principles.zh-CN.md"]
TABULAR = ["tabular-derivation.md", "tabular-derivation.zh-CN.md"]
INSERTED = r"^```\{(derive-\w+)\} (.*)\n((?::\w+:\n)*)```$|\{derive-number\}`([^`]+)`"


def read(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def html():
    sys.path.insert(0, str(ROOT / "docs" / "_ext"))
    yield pytest.importorskip("derive_html")
    sys.path.remove(str(ROOT / "docs" / "_ext"))


@pytest.mark.parametrize(("pages", "least"), [(PAGES, 25), (TABULAR, 18)])
def test_both_languages_insert_the_same(pages, least):
    english, chinese = (re.findall(INSERTED, read(name), flags=re.MULTILINE) for name in pages)
    assert len(english) > least
    assert english == chinese
    sections = [len(re.findall(r"^## ", read(name), flags=re.MULTILINE)) for name in pages]
    assert sections[0] == sections[1]


@pytest.mark.parametrize("name", TABULAR)
def test_code_runs(name, capsys):
    (code,) = re.findall(r"^```python\n(.*?)^```", read(name), flags=re.MULTILINE | re.DOTALL)
    exec(compile(code, name, "exec"), {})
    assert "Member(" in capsys.readouterr().out


@pytest.mark.parametrize("name", PAGES)
def test_names_of_the_engine_are_the_engines(name):
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "engine").rglob("*.[hi]*"))
    named = re.findall(r"`([a-z]+_[a-z_]+)`", read(name))
    assert len(named) >= 4
    assert not [function for function in named if f" {function}(" not in sources]


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.5, "−0.5000"), (2.98303e-7, "2.983·10⁻⁷"), (12345.678, "1.235·10⁴"), (1234.2, "1234")],
)
def test_numbers(html, value, text):
    assert html.number(value) == text


def test_numbers_of_a_step_are_the_librarys(html):
    from derivations import derivation

    text = html.step(derivation("seed"), "delta.2", "en", numbers=True)
    cells = re.findall(r"<mtd><mn>([^<]*)</mn></mtd>", text)
    assert cells == [html.number(value) for value in derivation("seed").value("delta.2")[0]]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of Sphinx and its parts
def test_pages_are_built(tmp_path):
    application = pytest.importorskip("sphinx.application")
    pytest.importorskip("myst_parser")
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    pages = [*PAGES, *TABULAR]
    for name in pages:  # links lead to pages that are not there
        (source / name).write_text(re.sub(r"\]\(layers\.md\)", "]", read(name)), encoding="utf-8")
    (source / "index.md").write_text("# x\n\n```{toctree}\n" + "\n".join(n[:-3] for n in pages) + "\n```\n")
    settings = {"extensions": ["myst_parser", "first_principles"], "root_doc": "index"}
    settings["html_static_path"] = [str(ROOT / "docs" / "static")]
    sys.path.insert(0, str(ROOT / "docs" / "_ext"))
    try:
        app = application.Sphinx(
            source, None, out, tmp_path / "trees", "html", settings, status=None, warningiserror=True
        )
        app.build()
    finally:
        sys.path.remove(str(ROOT / "docs" / "_ext"))
    for name in pages:
        text = (out / f"{name[:-3]}.html").read_text(encoding="utf-8")
        inserted = re.findall(r"^```\{derive-step\}", read(name), flags=re.MULTILINE)
        assert text.count('data-step="') == len(inserted)
        assert text.count("<math") > 2 * len(inserted)
        (address,) = re.findall(r'href="(explorers/[^"]+)"', text)
        assert (out / address).stat().st_size > 60_000
