"""The project's texts: their code runs, their links lead somewhere, the two READMEs agree."""

import io
import os
import random
import re
import subprocess
import sys
import tokenize
import tomllib
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import chainrule

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.zh-CN.md"]
DOCS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.glob("docs/**/*.md")
    if "generated" not in path.relative_to(ROOT).parts
)
TEXTS = [*READMES, "HACKING.md", "CHANGELOG.md", *DOCS]
COMMAND = f'"{sys.executable}" -W error -m chainrule '


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def code_blocks(name, language):
    return re.findall(rf"^```{language}\n(.*?)^```", read(name), flags=re.DOTALL | re.MULTILINE)


def run(command, directory):
    """Run a shell command in a directory, with the chainrule that is being tested."""
    environment = {**os.environ, "PYTHONPATH": str(Path(chainrule.__file__).parents[1])}
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, shell=True, check=False
    )


def test_python_in_the_readme_runs(tmp_path):
    blocks = code_blocks("README.md", "python")
    assert len(blocks) >= 2
    (tmp_path / "readme.py").write_text("\n".join(blocks), encoding="utf-8")
    done = run(f'"{sys.executable}" -W error readme.py', tmp_path)
    assert done.returncode == 0, done.stderr


def write_houses(directory):
    """houses.csv, with prices, and new.csv, without: the tables that the README speaks of."""
    rng = random.Random(0)
    houses = [(rng.randint(30, 200), rng.choice(["north", "south"])) for _ in range(300)]
    rows = [(area, side, 1000 * area + 20_000 * (side == "south")) for area, side in houses]
    for name, n_columns in (("houses.csv", 3), ("new.csv", 2)):
        lines = [("area", "side", "price"), *rows]
        text = "\n".join(",".join(map(str, line[:n_columns])) for line in lines)
        (directory / name).write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_commands_in_the_readme_run(tmp_path):
    """Every `chainrule ...` line of the shell blocks, in order, beside two tables, one in Parquet too."""
    write_houses(tmp_path)
    houses = pa.csv.read_csv(tmp_path / "houses.csv")
    (tmp_path / "houses").mkdir()
    for part, first in enumerate((0, houses.num_rows // 2)):
        pq.write_table(houses.slice(first, houses.num_rows // 2), tmp_path / "houses" / f"{part}.parquet")
    (tmp_path / "new").mkdir()
    pa.csv.write_csv(houses.slice(0, 9), tmp_path / "new" / "some.csv")
    lines = [line for block in code_blocks("README.md", "sh") for line in block.splitlines()]
    commands = [line.removeprefix("chainrule ") for line in lines if line.startswith("chainrule ")]
    assert len(commands) >= 4
    for command in commands:
        done = run(COMMAND + command, tmp_path)
        assert done.returncode == 0, f"chainrule {command}\n{done.stdout}\n{done.stderr}"
    predictions = (tmp_path / "predictions.csv").read_text(encoding="utf-8")
    assert len(predictions.splitlines()) == 301


def without_comments(code):
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return [token.string for token in tokens if token.type not in (tokenize.COMMENT, tokenize.NL)]


def test_both_readmes_show_the_same_code():
    english, chinese = ([without_comments(code) for code in code_blocks(name, "python")] for name in READMES)
    assert english
    assert english == chinese
    english, chinese = (re.sub(r" *#.*", "", "".join(code_blocks(name, "sh"))) for name in READMES)
    assert english
    assert english == chinese


def test_both_readmes_have_the_same_sections():
    english, chinese = (re.findall(r"^(#+) ", read(name), flags=re.MULTILINE) for name in READMES)
    assert len(english) > 3
    assert english == chinese


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(name))
    here = (ROOT / name).parent
    assert not [t for t in targets if not t.startswith(("http://", "https://")) and not (here / t).exists()]


@pytest.mark.parametrize("name", TEXTS)
def test_named_files_exist(name):
    """What looks like a path of ours in backticks; `<name>` and `*` stand for anything."""
    named = re.findall(r"`((?:src|tests|docs|examples|benchmarks|\.ci)/[^`\s]*)`", read(name))
    assert not [n for n in named if not list(ROOT.glob(re.sub(r"<\w+>", "*", n).rstrip("/")))]


def test_make_commands_exist():
    known = set(re.findall(r"^([a-z]+):", read("Makefile"), flags=re.MULTILINE))
    used = {name for text in TEXTS for name in re.findall(r"`make ([a-z]+)", read(text))}
    assert used
    assert used <= known


def test_every_requirement_has_its_reason():
    """docs/dependencies.md says why, for each library that pyproject.toml asks for."""
    pyproject = tomllib.loads(read("pyproject.toml"))
    project = pyproject["project"]
    groups = [pyproject["build-system"]["requires"], project["dependencies"]]
    groups += project["optional-dependencies"].values()
    names = {re.match(r"[\w-]+", requirement)[0] for group in groups for requirement in group}
    assert names
    explained = read("docs/dependencies.md")
    assert not [name for name in sorted(names) if f"`{name}`" not in explained]
