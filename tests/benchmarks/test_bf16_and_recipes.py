"""The two scripts beside the sitting: bfloat16 beside float32, and defaults beside recipes."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chainrule
from benchmarks import bf16, recipes
from benchmarks.works import classes


def available() -> bool:
    net = chainrule.Network([1, 1], dtype="float32", random_state=0)
    try:
        net.train(np.zeros((1, 1)), np.zeros(1), epochs=1, precision="bf16")
    except ValueError:
        return False
    return True


@pytest.mark.skipif(not available(), reason="this processor has no AVX512_BF16")
def test_bf16(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bf16, "TRAINING", [classes("tiny", (400, 300, 10), 32, 2)])
    for name, value in {"ROUNDS": 1, "SECONDS": 0.0, "EPOCHS": 1, "SEEDS": 1}.items():
        monkeypatch.setattr(bf16, name, value)
    bf16.main(["--threads", "1"])
    shown = capsys.readouterr().out
    assert "400-300-10" in shown
    assert "Accuracy on digits" in shown


def test_mnist_archives(tmp_path: Path) -> None:
    x, y = np.full((3, 2, 2), 255, dtype=np.uint8), np.arange(3, dtype=np.uint8)
    np.savez(tmp_path / "keras.npz", x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    np.savez(tmp_path / "brief.npz", X=x, y=y, Xt=x[:1], yt=y[:1])
    for name in ("keras.npz", "brief.npz"):
        x_train, y_train, x_test, y_test = bf16.mnist(tmp_path / name)
        assert x_train.shape == (3, 4)
        assert x_train.max() == 1
        assert y_train.tolist() == [0, 1, 2]
        assert (len(x_test), y_test.tolist()) == (1, [0])


def test_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"age": rng.normal(size=200), "sex": rng.choice(["a", "b"], 200)})
    data.assign(target=np.where(data["age"] > 0, "yes", "no")).to_parquet(tmp_path / "adult.parquet")
    short = recipes.RECIPES["adult"].parameters | {"max_iter": 2, "batch_size": 50}
    monkeypatch.setitem(
        recipes.RECIPES,
        "adult",
        recipes.Recipe("adult.parquet", recipes.RECIPES["adult"].estimator, short),
    )
    recipes.main([str(tmp_path), "--only", "adult,california"])
    shown = capsys.readouterr().out
    assert "adult, seed 0" in shown
    assert "no california.parquet" in shown


def test_the_guide_has_the_same_recipes() -> None:
    page = Path(__file__).parents[2] / "docs" / "guide" / "recipes.md"
    code = re.search(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    assert code is not None
    shown: dict[str, object] = {}
    exec(code[1], shown)
    for name, recipe in recipes.RECIPES.items():
        assert repr(shown[name]) == repr(recipe.estimator(**recipe.parameters))
