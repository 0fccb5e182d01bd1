import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import chainrule

# Warnings are errors in the commands too.
COMMAND = [sys.executable, "-W", "error", "-m", "chainrule"]
# The package under test, from any directory; no colours between the words.
SOURCE = str(Path(chainrule.__file__).parents[1])
ENVIRONMENT = os.environ | {"PYTHONPATH": SOURCE, "NO_COLOR": "1", "COLUMNS": "100"}


class Done:
    """A finished command."""

    def __init__(self, arguments, done):
        self.arguments = arguments
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def __repr__(self):
        return f"chainrule {' '.join(self.arguments)} -> {self.code}\n{self.out}\n{self.err}"

    def fails(self, code, *words, after=""):
        """One line on standard error that has all the words; elsewhere nothing, or what was said before."""
        lines = self.err.splitlines()
        assert self.code == code, self
        assert len(lines) == 1, self
        assert lines[0].startswith("error: "), self
        assert all(word in lines[0] for word in words), self
        assert self.out.startswith(after) if after else self.out == "", self

    def succeeds(self):
        assert self.code == 0, self
        assert "Traceback" not in self.err, self
        return self


def make_table(n=120, seed=0):
    """Rooms, heating and price of made-up houses; "dear" follows from the price."""
    rng = np.random.default_rng(seed)
    rooms, heating = rng.integers(1, 9, n), rng.choice(["gas", "oil"], n)
    price = 50.0 * rooms + 40.5 * (heating == "gas")
    return pa.table(
        {"rooms": rooms, "heating": heating.tolist(), "price": price, "dear": (price > 250).tolist()}
    )


@pytest.fixture(scope="session")
def environment():
    return ENVIRONMENT


@pytest.fixture(scope="session")
def start():
    """Return a function that starts a command."""

    def start(*arguments, directory, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        command = [*COMMAND, *map(str, arguments)]
        return subprocess.Popen(command, cwd=directory, env=ENVIRONMENT, stdin=subprocess.DEVNULL, **options)

    return start


@pytest.fixture
def run(start, tmp_path):
    """Return a function that runs a command in the test's own directory, in a process of its own."""

    def run(*arguments):
        process = start(*arguments, directory=tmp_path)
        out, err = process.communicate(timeout=120)
        return Done(
            [str(argument) for argument in arguments],
            subprocess.CompletedProcess(process.args, process.returncode, out, err),
        )

    return run


@pytest.fixture(scope="session")
def houses():
    return make_table


@pytest.fixture
def table(tmp_path):
    """Write houses.csv."""
    path = tmp_path / "houses.csv"
    pyarrow.csv.write_csv(make_table(), path)
    return path


@pytest.fixture(scope="session")
def fitted(tmp_path_factory):
    """Bytes of a classifier of "dear" and of a regressor of "price", made once."""
    from chainrule.io import TableModel

    directory = tmp_path_factory.mktemp("models")
    settings = {"hidden_layer_sizes": (8,), "epochs": 30, "learning_rate": 0.01}
    TableModel.fit(make_table(), "dear", ignore=["price"], **settings).save(directory / "dear")
    TableModel.fit(make_table(), "price", ignore=["dear"], **settings).save(directory / "price")
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture
def model(fitted, tmp_path):
    """Write dear.safetensors, a classifier."""
    path = tmp_path / "dear.safetensors"
    path.write_bytes(fitted["dear"])
    return path


@pytest.fixture
def price_model(fitted, tmp_path):
    """Write price.safetensors, a regressor."""
    path = tmp_path / "price.safetensors"
    path.write_bytes(fitted["price"])
    return path


@pytest.fixture
def in_process(tmp_path, monkeypatch, capfdbinary):
    """Like `run`, in this process: each command has a test by `run`, further ones need no second import."""
    from chainrule.cli.run import run as run_here

    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "COLUMNS"):
        monkeypatch.setenv(name, ENVIRONMENT[name])

    def run(*arguments):
        capfdbinary.readouterr()
        arguments = [str(argument) for argument in arguments]
        code = run_here(arguments)
        out, err = (text.decode() for text in capfdbinary.readouterr())
        return Done(arguments, subprocess.CompletedProcess(arguments, code, out, err))

    return run
