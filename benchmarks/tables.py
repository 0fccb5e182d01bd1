"""Whole tables: the tabular estimators beside LightGBM, CatBoost and pytabkit's RealMLP.

``python -m benchmarks.tables [--data FOLDER] [--only a,b] [--models a,b] [--seeds N] [--rows N]`` takes every
Parquet file of the folder (column to predict: ``target``) and the tables that come with scikit-learn. A fifth
of the rows is held out (``random_state`` is the seed). What is in the file of ``--out`` already is not
measured again, so a sitting that was ended goes on. ``--ablation`` takes the estimators with single pieces
changed.
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder

import chainrule
from chainrule.tabular.plan import Plan, zero_epochs

BUNDLED = ("breast_cancer", "diabetes", "digits", "iris", "wine")
#: Beside which the others are compared.
BASE = "default"


class Table(NamedTuple):
    """A table in two parts."""

    name: str
    classifies: bool
    x: Any
    y: Any
    x_test: Any
    y_test: Any
    seed: int


def load(name: str, folder: Path | None, seed: int, n_rows: int | None) -> Table:
    """Read a table and hold out a fifth of its rows; at most n_rows train."""
    if name in BUNDLED:
        data = getattr(datasets, f"load_{name}")(as_frame=True)
        x, y = data.data, data.target
        classifies = name != "diabetes"
    else:
        assert folder is not None
        x = pd.read_parquet(folder / f"{name}.parquet")
        y = x.pop("target")
        classifies = not pd.api.types.is_float_dtype(y)
    if classifies:
        y = pd.Series(LabelEncoder().fit_transform(y), index=x.index)
    x, x_test, y, y_test = train_test_split(
        x, y, test_size=0.2, random_state=seed, stratify=y if classifies else None
    )
    if n_rows and len(x) > n_rows:
        x, _, y, _ = train_test_split(
            x, y, train_size=n_rows, random_state=seed, stratify=y if classifies else None
        )
    return Table(name, classifies, x, y.to_numpy(), x_test, y_test.to_numpy(), seed)


# The models: each takes a table and returns one that is fitted to its first part.


def ours(
    preset: str = "default", changes: dict[str, Any] | None = None, plan: Plan | None = None, **settings: Any
):
    """Fit a tabular estimator, if wished with other settings of its members, or another plan."""

    def fit(table: Table) -> Any:
        base: Any = chainrule.TabularClassifier if table.classifies else chainrule.TabularRegressor

        class Changed(base):  # type: ignore[misc]
            def _first_recipe(self) -> Any:
                recipe = super()._first_recipe()
                return replace(recipe, **{k: v for k, v in (changes or {}).items() if hasattr(recipe, k)})

            def _plan(self, n_rows: int, *, split: bool) -> Plan:
                return super()._plan(n_rows, split=split) if plan is None else plan

        Changed.__name__ = base.__name__
        Changed.__init__ = base.__init__  # scikit-learn reads its parameters
        model = Changed(preset, random_state=table.seed, n_jobs=settings.pop("n_jobs", 1), **settings)
        return model.fit(table.x, table.y)

    return fit


def as_categories(x: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with text as categories."""
    text = [name for name in x if not pd.api.types.is_numeric_dtype(x[name])]
    return x.astype(dict.fromkeys(text, "category"))


class Framed:
    """A model that takes frames in a form of its own."""

    def __init__(self, model: Any, form: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        self.model, self.form = model, form

    def predict(self, x: pd.DataFrame) -> Any:
        """As its predict."""
        return self.model.predict(self.form(x))

    def predict_proba(self, x: pd.DataFrame) -> Any:
        """As its predict_proba."""
        return self.model.predict_proba(self.form(x))


def lightgbm(*, stops: bool) -> Callable[[Table], Any]:
    """LightGBM with its defaults, or a rate of 0.05 and early stopping on a fifth of the rows."""

    def fit(table: Table) -> Framed:
        import lightgbm as lgb

        kind = lgb.LGBMClassifier if table.classifies else lgb.LGBMRegressor
        x = as_categories(table.x)
        kinds = {name: x[name].dtype for name in x if x[name].dtype == "category"}

        def form(frame: pd.DataFrame) -> pd.DataFrame:
            return frame.astype(kinds)

        if not stops:
            model = kind(random_state=table.seed, n_jobs=1, verbose=-1).fit(x, table.y)
            return Framed(model, form)
        x, x_val, y, y_val = train_test_split(
            x, table.y, test_size=0.2, random_state=table.seed, stratify=table.y if table.classifies else None
        )
        model = kind(n_estimators=2000, learning_rate=0.05, random_state=table.seed, n_jobs=1, verbose=-1)
        model.fit(x, y, eval_set=[(x_val, y_val)], callbacks=[lgb.early_stopping(50, verbose=False)])
        return Framed(model, form)

    return fit


def catboost(table: Table) -> Framed:
    """CatBoost with its defaults."""
    import catboost as cb

    text = [name for name in table.x if not pd.api.types.is_numeric_dtype(table.x[name])]

    def form(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(**{name: frame[name].astype(str) for name in text})

    kind = cb.CatBoostClassifier if table.classifies else cb.CatBoostRegressor
    model = kind(
        random_seed=table.seed, thread_count=1, verbose=0, cat_features=text, allow_writing_files=False
    )
    return Framed(model.fit(form(table.x), table.y), form)


def pytabkit(name: str) -> Callable[[Table], Any]:
    """Fit a RealMLP of pytabkit, on one thread as all others."""

    def fit(table: Table) -> Any:
        import pytabkit as ptk

        kind = getattr(ptk, f"{name}_{'Classifier' if table.classifies else 'Regressor'}")
        model = kind(device="cpu", random_state=table.seed, n_threads=1, val_fraction=0.2)
        return Framed(model.fit(as_categories(table.x), table.y), as_categories)

    return fit


def boosting(table: Table) -> Framed:
    """Fit scikit-learn's histogram gradient boosting."""
    from sklearn import ensemble

    kind = (
        ensemble.HistGradientBoostingClassifier
        if table.classifies
        else ensemble.HistGradientBoostingRegressor
    )
    model = kind(random_state=table.seed, categorical_features="from_dtype")
    return Framed(model.fit(as_categories(table.x), table.y), as_categories)


def simplest(table: Table) -> Any:
    """Predict the mean, or how frequent classes are."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return (DummyClassifier() if table.classifies else DummyRegressor()).fit(table.x, table.y)


MODELS: dict[str, Callable[[Table], Any]] = {
    "fast": ours("fast"),
    "default": ours("default"),
    "best-60s": ours("best", time_budget=60.0, n_jobs=None),
    "realmlp-td": ours(recipe="realmlp-td"),
    "realmlp-td-s": ours(recipe="realmlp-td-s"),
    "LightGBM": lightgbm(stops=False),
    "LightGBM-stops": lightgbm(stops=True),
    "CatBoost": catboost,
    "HistGradientBoosting": boosting,
    "pytabkit-TD": pytabkit("RealMLP_TD"),
    "pytabkit-TD-S": pytabkit("RealMLP_TD_S"),
    "simplest": simplest,
}


def epochs(n_members: int, n_epochs: int, *, last: int = 256, n_folds: int = 0) -> Plan:
    """Return the plan of some members that are trained until an epoch of `last`, and looked at there."""
    zeros = tuple(zero for zero in zero_epochs(last) if zero <= n_epochs)
    return Plan(n_members, n_folds, last, zeros, (n_epochs,))


#: Single pieces changed, of one network trained for 51 of 256 epochs, and of how many there are.
ABLATION: dict[str, Callable[[Table], Any]] = {
    "one": ours("fast"),
    "no waves": ours("fast", {"sigma": None}),
    "sigma 1": ours("fast", {"sigma": 1.0}),
    "sigma 5": ours("fast", {"sigma": 5.0}),
    "no strengths": ours("fast", {"parametric": False}),
    "no dropout": ours("fast", {"dropout": 0.0}),
    "no decay": ours("fast", {"weight_decay": 0.0}),
    "no smoothing": ours("fast", {"label_smoothing": 0.0}),
    "lecun_normal": ours("fast", {"first_values": "lecun_normal"}),
    "relu": ours("fast", {"activation": "relu"}),
    "one to epoch 17": ours("fast", plan=epochs(1, 17)),
    "one to epoch 119": ours("fast", plan=epochs(1, 119)),
    "one of 51 epochs": ours("fast", plan=epochs(1, 51, last=51)),
    "two": ours("default", n_members=2),
    "four": ours("default"),
    "four to epoch 17": ours("default", plan=epochs(4, 17)),
    "eight": ours("default", n_members=8),
    "eight to epoch 17": ours("default", plan=epochs(8, 17)),
    "four of one split": ours("default", plan=epochs(4, 51)),
    "four folds": ours("default", n_members=1, n_folds=4),
}


def measure(name: str, model: str, table: Table) -> dict[str, Any]:
    """Fit a model and measure it on the rows held out."""
    fit = (MODELS | ABLATION)[model]
    wall, processor = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = fit(table)
        seconds = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
        predicted = np.asarray(fitted.predict(table.x_test)).ravel()
        if table.classifies:
            probabilities = np.clip(fitted.predict_proba(table.x_test), 1e-7, 1)
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            scores = {
                "error": float(np.mean(predicted != table.y_test)),
                "log_loss": float(log_loss(table.y_test, probabilities, labels=np.unique(table.y))),
            }
        else:
            scores = {"error": float(np.sqrt(np.mean((predicted - table.y_test) ** 2)))}
    row = {"table": name, "seed": table.seed, "model": model, "rows": len(table.y), **scores, **seconds}
    if looks := getattr(fitted, "looks_", None):
        row["members"] = len(fitted.members_)
        row["chosen_by"] = looks[-1].score
    return row


def report(rows: Sequence[dict[str, Any]], names: Sequence[str], base: str) -> str:
    """Draw what is known: means over the seeds, and geometric means of ratios to the base."""
    cells: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        cells[row["table"], row["model"]].append(row)
    tables = list(dict.fromkeys(row["table"] for row in rows))
    models = [name for name in names if any((table, name) in cells for table in tables)]

    def mean(table: str, model: str, what: str) -> float:
        known = [row[what] for row in cells.get((table, model), []) if what in row]
        return float(np.mean(known)) if known else float("nan")

    header = ["model", *tables, "error beside", "log-loss beside", "tables won", "processor beside"]
    lines = [header, ["---", *["---:"] * (len(header) - 1)]]
    for model in models:
        line = [model]
        for table in tables:
            value = mean(table, model, "error")
            line.append("–" if np.isnan(value) else f"{value:.4g}")
        for what in ("error", "log_loss"):
            both = [
                (mean(table, model, what), mean(table, base, what))
                for table in tables
                if mean(table, base, what) > 0 and mean(table, model, what) > 0
            ]
            line.append(f"{np.exp(np.mean([np.log(a / b) for a, b in both])):.3f}" if both else "–")
            if what == "error":
                won, n = sum(a < b for a, b in both), len(both)
        line.append(f"{won} of {n}")
        times = [
            mean(table, model, "processor") / mean(table, base, "processor")
            for table in tables
            if mean(table, model, "processor") > 0 and mean(table, base, "processor") > 0
        ]
        line.append(f"{np.exp(np.mean(np.log(times))):.3g}" if times else "–")
        lines.append(line)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sitting, each fit in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--data", type=Path, metavar="FOLDER", help="Parquet files whose column `target` is to be predicted")
    add("--only", metavar="TABLES", help="some of the tables, by commas")
    add("--models", metavar="NAMES", help=f"some of: {', '.join(MODELS)}")
    add("--ablation", action="store_true", help="single pieces changed, instead of other libraries")
    add("--seeds", type=int, default=1)
    add("--rows", type=int, help="at most so many train")
    add("--base", help="what the others are compared with")
    add("--out", type=Path, default=Path("build/tables.jsonl"), metavar="FILE")
    add("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        name, model, seed = options.one
        print(json.dumps(measure(name, model, load(name, options.data, int(seed), options.rows))))
        return 0
    known = ABLATION if options.ablation else MODELS
    models = options.models.split(",") if options.models else list(known)
    names = sorted(path.stem for path in options.data.glob("*.parquet")) if options.data else []
    names = [*names, *BUNDLED]
    if options.only:
        names = options.only.split(",")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    lines = options.out.read_text().splitlines() if options.out.exists() else []
    rows = [json.loads(line) for line in lines]
    done = {(row["table"], row["seed"], row["model"]) for row in rows}
    for seed in range(options.seeds):
        for name in names:
            for model in models:
                if (name, seed, model) in done:
                    continue
                command = [sys.executable, "-m", "benchmarks.tables", "--one", name, model, str(seed)]
                for option in ("data", "rows"):
                    if value := getattr(options, option):
                        command += [f"--{option}", str(value)]
                process = subprocess.run(command, capture_output=True, text=True, check=False)
                if process.returncode:
                    print(f"{name}, seed {seed}, {model}: {process.stderr.strip().splitlines()[-1:]}")
                    continue
                row = json.loads(process.stdout.splitlines()[-1])
                rows.append(row)
                with options.out.open("a") as file:
                    print(json.dumps(row), file=file)
                print(
                    f"{name}, seed {seed}, {model}: {row['error']:.4g}, {row['processor']:.1f} s", flush=True
                )
    base = options.base or ("one" if options.ablation else BASE)
    print("\n" + report([row for row in rows if row["table"] in names], models, base))
    return 0


if __name__ == "__main__":
    sys.exit(main())
