"""Results as tables on standard output."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.table_models.evaluation import Evaluation
    from chainrule.table_models.table_model import TableModel
    from chainrule.tables.preprocessing import Preprocessor

NAMES = {
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "roc_auc": "ROC AUC",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
}

#: Parameters that the report says in other places, or that are the same in every TableModel.
USUAL = {
    "solver", "learning_rate_init", "batch_size", "hidden_layer_sizes", "activation", "max_iter", "patience",
    "random_state", "tol", "early_stopping", "alpha",
}  # fmt: skip


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and what is to be said of them."""
    table = _table(show_header=False)
    table.add_column(style="bold", no_wrap=True, min_width=8)
    table.add_column(overflow="fold")
    for name, fact in facts:
        table.add_row(name, fact)
    _show(table)


def print_evaluation(evaluation: "Evaluation", rows: str, task: str) -> None:
    """Print measures beside those of the simplest prediction, of several targets for each."""
    if evaluation.targets:
        for k, (name, one) in enumerate(evaluation.targets.items()):
            if k:
                print()
            print_evaluation(one, f"{name!r}: {rows}", task)
        return
    simplest = "most frequent class" if task == "classification" else "mean of the training rows"
    table = _table()
    table.add_column(f"{rows} ({evaluation.n_samples:,})")
    table.add_column("network", justify="right")
    table.add_column(simplest, justify="right")
    for name, value in evaluation.measures.items():
        table.add_row(NAMES[name], number(value), number(evaluation.baseline[name]))
    _show(table)


def number(value: float) -> str:
    """Return a measure with four digits that matter.

    Examples
    --------
    >>> number(0.95712), number(12345.6), number(-0.00001), number(float("nan"))
    ('0.9571', '12,346', '-0.0000', 'not defined')
    """
    if value != value:
        return "not defined"
    if abs(value) >= 1e9:
        return f"{value:.4g}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4f}" if abs(value) < 10 else f"{value:,.2f}"


def network_text(model: "TableModel") -> str:
    """Describe the network in one line."""
    from chainrule.description import describe

    estimator = model.estimator
    sizes = "-".join(map(str, model.sizes))
    output = {"logistic": "sigmoid"}.get(estimator.out_activation_, estimator.out_activation_)
    dtype = estimator.coefs_[0].dtype.name
    activation = estimator.activation
    activation = activation if isinstance(activation, str) else "-".join(activation)
    return f"{sizes}, {activation}, {output} output; {describe(estimator).n_parameters:,} parameters, {dtype}"


def steps_text(model: "TableModel") -> str:
    """Describe in one line by what steps a model was trained, and what was set beside the options."""
    estimator = model.estimator
    usual = type(estimator)().get_params()
    given = estimator.get_params()
    if isinstance(given.get("class_weight"), dict) and model.classes is not None:
        given["class_weight"] = {model.classes[k]: weight for k, weight in given["class_weight"].items()}
    further = [
        f"{name}={value!r}"
        for name, value in given.items()
        if name not in USUAL and (type(value), value) != (type(usual[name]), usual[name])
    ]
    solver = estimator.solver
    if solver == "lbfgs":
        steps = "all rows, lbfgs"
    else:
        named = isinstance(solver, str)
        steps = f"batches of {model.training['batch_size']}, {solver}"
        steps += f", learning rate {estimator.learning_rate_init:g}" if named else ""
    return f"{steps}{''.join(f', {one}' for one in further)}"


def columns_text(preprocessor: "Preprocessor") -> str:
    """Describe in one line how the columns are used."""
    from chainrule._words import counted

    kinds = [column.kind for column in preprocessor.columns]
    uses = {
        "number": "standardised",
        "date": "in days, standardised",
        "text": "one-hot",
        "boolean": "one-hot",
    }
    parts = [f"{counted(kinds.count(kind), kind)} ({use})" for kind, use in uses.items() if kind in kinds]
    with_missing = sum(column.missing for column in preprocessor.columns)
    text = f"{', '.join(parts)}: {counted(len(preprocessor.feature_names), 'feature')}"
    return text + (f"; {counted(with_missing, 'column')} with missing values" if with_missing else "")


def left_out_text(preprocessor: "Preprocessor") -> str:
    """List the columns that are not used, with the reasons."""
    left_out = list(preprocessor.left_out.items())
    text = "; ".join(f"{name!r} {reason}" for name, reason in left_out[:6])
    return text + (f"; and {len(left_out) - 6:,} more" if len(left_out) > 6 else "")


def _table(**options: Any) -> Any:
    from rich.table import Table

    return Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), **options)


def _show(table: Any) -> None:
    """Print a table: to a terminal as wide as it is, to other programs without wrapping."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 10_000
    with console.capture() as capture:
        console.print(table)
    print("\n".join(line.rstrip() for line in capture.get().splitlines()))
