"""What the options are worth: default estimators and recipes on tables of the user's own folder.

``python -m benchmarks.recipes FOLDER [--only adult,mnist] [--seeds N] [--torch]`` takes from the folder what
is there of adult.parquet, california.parquet, letter.parquet (column to predict: ``target``) and mnist.npz
(x_train, y_train, x_test, y_test, or X, y, Xt, yt). A quarter of the rows is held out; MNIST has its own
test images.
``--torch`` trains the recipe of MNIST by PyTorch as well.
"""

import argparse
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.bf16 import mnist
from chainrule import MLPClassifier, MLPRegressor


@dataclass(frozen=True)
class Recipe:
    """An estimator, and the parameters in which a recipe differs from its defaults."""

    file: str
    estimator: Any
    parameters: dict[str, Any]


#: What all recipes have.
COMMON = {"solver": "adamw", "schedule": "onecycle"}

RECIPES = {
    "adult": Recipe(
        "adult.parquet",
        MLPClassifier,
        COMMON
        | {"hidden_layer_sizes": (128, 128), "dropout": 0.3, "alpha": 0.01}
        | {"learning_rate_init": 3e-3, "batch_size": 256, "max_iter": 15},
    ),
    "california": Recipe(
        "california.parquet",
        MLPRegressor,
        COMMON
        | {"hidden_layer_sizes": (256, 256), "activation": "gelu", "scale_targets": True, "alpha": 0.01}
        | {"learning_rate_init": 5e-3, "batch_size": 128, "max_iter": 60},
    ),
    "letter": Recipe(
        "letter.parquet",
        MLPClassifier,
        COMMON
        | {"hidden_layer_sizes": (256, 256), "dropout": 0.1, "label_smoothing": 0.1}
        | {"learning_rate_init": 5e-3, "batch_size": 128, "max_iter": 60},
    ),
    "mnist": Recipe(
        "mnist.npz",
        MLPClassifier,
        COMMON
        | {"hidden_layer_sizes": (512, 512), "dropout": 0.3, "alpha": 0.01}
        | {"learning_rate_init": 2e-3, "batch_size": 128, "max_iter": 20},
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description="Defaults and recipes.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help=f"of {', '.join(RECIPES)}, by commas")
    parser.add_argument("--seeds", type=int, default=1, help="of the fits, and of the rows held out")
    parser.add_argument("--torch", action="store_true", help="MNIST's recipe by PyTorch too")
    options = parser.parse_args(arguments)
    only = [name for name in options.only.split(",") if name] or list(RECIPES)
    table = Table("data", "measure", "default", "s", "recipe", "s")
    console = Console()
    for name in only:
        recipe = RECIPES[name]
        if not (options.folder / recipe.file).is_file():
            console.print(f"{name}: no {recipe.file} in {options.folder}, left out")
            continue
        for seed in range(options.seeds):
            parts = read(options.folder / recipe.file, seed)
            found = [fitted(recipe, parameters, parts, seed) for parameters in ({}, recipe.parameters)]
            measure = "R²" if recipe.estimator is MLPRegressor else "accuracy"
            cells = [text for score, seconds in found for text in (f"{score:.4f}", f"{seconds:.1f}")]
            table.add_row(f"{name}, seed {seed}", measure, *cells)
    console.print(table)
    if options.torch and "mnist" in only:
        for seed in range(options.seeds):
            parts = read(options.folder / "mnist.npz", seed)
            score, seconds = by_torch(RECIPES["mnist"].parameters, parts, seed)
            console.print(f"mnist's recipe by PyTorch, seed {seed}: accuracy {score:.4f}, {seconds:.1f} s")


def read(path: Path, seed: int) -> list[Any]:
    """Training and test rows in float32, standardized, categories one-hot; and their targets.

    The seed draws which rows are for the test, but for MNIST, which says itself.
    """
    if path.suffix == ".npz":
        return mnist(path)
    data = pd.read_parquet(path)
    y, x = data["target"].to_numpy(), data.drop(columns="target")
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=seed)
    numbers = make_column_selector(dtype_include="number")
    prepare = make_column_transformer(
        (StandardScaler(), numbers),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        sparse_threshold=0,
    ).fit(x_train)
    x_train, x_test = (prepare.transform(part).astype(np.float32) for part in (x_train, x_test))
    return [x_train, y_train, x_test, y_test]


def fitted(recipe: Recipe, parameters: dict[str, Any], parts: list[Any], seed: int) -> tuple[float, float]:
    """Score on the test rows, and the seconds that the fit took."""
    x_train, y_train, x_test, y_test = parts
    model = recipe.estimator(random_state=seed, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the recipes' epochs are counted
        begin = time.perf_counter()
        model.fit(x_train, y_train)
        seconds = time.perf_counter() - begin
    return float(model.score(x_test, y_test)), seconds


def by_torch(parameters: dict[str, Any], parts: list[Any], seed: int) -> tuple[float, float]:
    """MNIST's recipe in PyTorch: the same layers, dropout, loss, optimizer, schedule and batches."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    x, y, x_test, y_test = (torch.as_tensor(part) for part in parts)
    sizes = [x.shape[1], *parameters["hidden_layer_sizes"]]
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(parameters["dropout"])]
    net = nn.Sequential(*layers, nn.Linear(sizes[-1], 10))
    loss = nn.CrossEntropyLoss()
    rate, batch, epochs = parameters["learning_rate_init"], parameters["batch_size"], parameters["max_iter"]
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=parameters["alpha"], fused=True)
    n_steps = epochs * -(-len(x) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=n_steps, cycle_momentum=False)
    begin = time.perf_counter()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss(net(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
    seconds = time.perf_counter() - begin
    net.eval()
    with torch.no_grad():
        return float((net(x_test).argmax(1) == y_test).float().mean()), seconds


if __name__ == "__main__":
    main()
