"""Networks that have become sure of their rows beside new ones."""

import pytest

import chainrule
from benchmarks import sure


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SIZES": (4, 5, 1), "N_SAMPLES": 40, "BATCH_SIZE": 20, "ROUNDS": 1}.items():
        monkeypatch.setattr(sure, name, value)


def test_every_activation_and_dtype_has_a_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sure, "LIMIT", float("inf"))
    assert sure.main(["--epochs", "2"]) == 0
    shown = capsys.readouterr().out
    for name in sure.HIDDEN:
        assert shown.count(f" {name} ") == 2


def test_a_slow_one_is_told_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sure, "LIMIT", 0.0)
    assert sure.main(["--epochs", "2", "--activations", "relu", "--dtypes", "float32"]) == 1
    assert "relu, float32: a sure network takes" in capsys.readouterr().out


def test_the_new_network_is_new_and_the_sure_one_goes_on() -> None:
    new, trained, x, y = sure.networks("tanh", "float64", 7, 1)
    seen: list[chainrule.Network] = []
    sure.best(seen.append, new, trained)
    assert seen[1] is trained
    first, last = (net.evaluate(x, y) for net in seen)
    assert last < first
