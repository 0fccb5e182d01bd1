"""Who includes whom in src/engine: only downward, in the picture that HACKING.md shows."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "src" / "engine"
FOLDERS = ("bindings", "kernels", "isa")  # one place each


def layers():
    """The picture's lines, top down: the units on each, `name` for name.hpp and name.cpp, `folder/`."""
    text = (ROOT / "HACKING.md").read_text(encoding="utf-8")
    picture = re.search(r"<!-- includes -->\n```\n(.*?)```", text, re.DOTALL)
    assert picture, "HACKING.md has no picture of the engine's includes"
    return [re.split(r"\s{3,}", line)[0].split() for line in picture[1].splitlines()]


def unit_of(path):
    folder, *below = path.parts
    return f"{folder}/" if below and folder in FOLDERS else path.with_suffix("").as_posix()


def problems(engine):
    """What a tree of sources has against the picture."""
    level = {unit: i for i, line in enumerate(reversed(layers())) for unit in line}
    sources = sorted(p for p in engine.rglob("*") if p.suffix in {".cpp", ".hpp", ".inl"})
    units = {unit_of(p.relative_to(engine)) for p in sources}
    yield from (f"{unit} has no place in HACKING's picture" for unit in sorted(units - set(level)))
    yield from (f"{unit} is in HACKING's picture alone" for unit in sorted(set(level) - units))
    graph = {}
    for path in sources:
        source = path.relative_to(engine)
        found = graph.setdefault(source, [])
        for name in re.findall(
            r'^\s*#\s*include\s+"([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            target = (path.parent / name).resolve()
            if not target.is_file():
                yield f"{source} includes {name}, which does not stand there"
                continue
            found.append(target.relative_to(engine.resolve()))
            above, below = unit_of(source), unit_of(found[-1])
            if above != below and level.get(above, 0) <= level.get(below, 0):
                yield f"{source} includes {found[-1]}, which is not below it"
    yield from circles(graph)


def circles(graph):
    done = set()

    def walk(path, way):
        if path in way:
            yield "a circle: " + " -> ".join(map(str, [*way[way.index(path) :], path]))
        elif path not in done:
            done.add(path)
            for target in graph.get(path, ()):
                yield from walk(target, [*way, path])

    for path in graph:
        yield from walk(path, [])


def test_every_include_goes_down():
    assert list(problems(ENGINE)) == []


@pytest.mark.parametrize(
    ("file", "line", "problem"),
    [
        ("engine.hpp", '#include "shape.hpp"', "engine.hpp includes shape.hpp, which is not below it"),
        ("shape.cpp", '#  include "network.hpp"', "shape.cpp includes network.hpp, which is not below it"),
        ("kernels/simd.inl", '#include "../workspace.hpp"', "kernels/simd.inl includes workspace.hpp, which"),
        ("registry.hpp", '#include "layout.hpp"', "registry.hpp includes layout.hpp, which is not below it"),
        ("bindings/arrays.hpp", '#include "model.hpp"', "a circle: bindings/"),
        ("team.hpp", '#include "tean.hpp"', "team.hpp includes tean.hpp, which does not stand there"),
        ("further.hpp", "", "further has no place in HACKING's picture"),
    ],
)
def test_what_does_not_is_found(tmp_path, file, line, problem):
    engine = tmp_path / "engine"
    shutil.copytree(ENGINE, engine)
    with (engine / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    assert any(found.startswith(problem) for found in problems(engine))


def test_a_place_that_is_empty_is_found(tmp_path):
    engine = tmp_path / "engine"
    shutil.copytree(ENGINE, engine)
    (engine / "team.hpp").rename(engine / "crew.hpp")
    assert "team is in HACKING's picture alone" in list(problems(engine))
