import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import chainrule
from chainrule import Network

ROOT = Path(__file__).parents[2]


def test_evaluate(run, in_process, model, price_model, table):
    done = run("evaluate", model.name, table.name).succeeds()
    found = chainrule.load(model).evaluate(table)
    assert "classification of 'dear', rows (120)" in done.out
    assert re.search(
        rf"accuracy +{found.measures['accuracy']:.4f} +{found.baseline['accuracy']:.4f}\n", done.out
    )
    done = in_process("evaluate", price_model.name, table.name).succeeds()
    assert re.search(r"R² +0\.9\d{3} +-0\.0\d{3}\n", done.out)
    assert "mean of the training rows" in done.out


def test_info(run):
    done = run("info").succeeds()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"chainrule +{re.escape(version)}\n", done.out)
    assert re.search(r"Instruction set +(\w+) \(available: .*\b\1\b.*\)\n", done.out)
    assert re.search(r"Threads +[1-9]", done.out)
    assert "scikit-learn" in done.out
    assert "NumPy" in done.out


def test_info_about_a_model(in_process, model, tmp_path):
    done = in_process("info", model.name).succeeds()
    for words in (
        "classification of 'dear'",
        "False, True",
        "rooms (number), heating (text)",
        "3-8-1",
        "30 epochs",
    ):
        assert words in done.out, done
    Network([3, 5, 4, 3], random_state=0).save(tmp_path / "net")
    done = in_process("info", "net").succeeds()
    assert "3-5-4-3" in done.out


def test_gradcheck(run):
    assert "passed: 59 parameters" in run("gradcheck", "3-5-4-3").succeeds().out


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy", "binary_focal", "poisson", "tweedie"])
def test_gradcheck_of_several_losses(in_process, loss):
    done = in_process("gradcheck", "3-5-4-3", "--activation", "tanh", "--loss", loss).succeeds()
    assert "passed: 59 parameters" in done.out


def test_gradcheck_fails_with_code_1(monkeypatch, capsys):
    from chainrule.cli.run import run

    exact = Network.gradients

    def wrong(net, *arguments, **options):
        gradients = exact(net, *arguments, **options)
        gradients.weights[0][0] *= 1.001
        return gradients

    monkeypatch.setattr(Network, "gradients", wrong)
    assert run(["gradcheck", "3-5-3"]) == 1
    assert "W_1" in capsys.readouterr().out


def test_help(run):
    done = run("--help").succeeds()
    for name in ("fit", "predict", "evaluate", "info", "gradcheck", "--version"):
        assert name in done.out
    assert run().succeeds().out.strip() == done.out.strip()


def test_help_loads_no_arrays(environment):
    """The help comes at once: what computes is loaded by the command that needs it."""
    code = (
        "import sys; from chainrule.cli.run import run; run(['fit', '--help']);"
        "print(sorted({'numpy', 'sklearn', 'pyarrow', 'safetensors', 'narwhals'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(run):
    assert run("--version").succeeds().out == f"chainrule {chainrule.__version__}\n"
