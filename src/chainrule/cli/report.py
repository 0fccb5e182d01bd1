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

#: Networks of an ensemble that are listed.
MOST_MEMBERS = 8

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
    columns = {"network": evaluation.measures, simplest: evaluation.baseline}
    if evaluation.single is not None:
        single = {"best network alone": evaluation.single}
        columns = {"ensemble": evaluation.measures} | single | {simplest: evaluation.baseline}
    table = _table()
    table.add_column(f"{rows} ({evaluation.n_samples:,})")
    for name in columns:
        table.add_column(name, justify="right")
    for name in evaluation.measures:
        table.add_row(NAMES[name], *(number(measures[name]) for measures in columns.values()))
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


def ensemble_facts(model: "TableModel") -> list[tuple[str, str]]:
    """Say which networks an ensemble has, and how good each is alone."""
    from chainrule._words import counted

    members = model.members
    n_parameters = sum(one.network.n_parameters for one in members)
    facts = [("Ensemble", f"{counted(len(members), 'network')}, {n_parameters:,} parameters, float32")]
    for member in members[:MOST_MEMBERS]:
        recipe = member.recipe
        hidden = "-".join(map(str, recipe.hidden))
        waves = "" if recipe.sigma is None else f", waves of scale {recipe.sigma:.2g}"
        facts.append(
            (
                "",
                f"weight {member.weight:.2f}: {hidden} {recipe.activation}{waves}, epoch {member.epoch},"
                f" {model.metric} {number(abs(member.score))} alone",
            )
        )
    if len(members) > MOST_MEMBERS:
        facts.append(("", f"and {len(members) - MOST_MEMBERS} more"))
    training = model.training
    rows, seconds = training["rows"]["training"], training["seconds"]
    facts.append(
        ("Training", f"preset {training['preset']}, {rows:,} rows to train and choose, {seconds:.1f} s")
    )
    return facts


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


def columns_text(preprocessor: "Preprocessor", *, plain: bool = True) -> str:
    """Describe in one line how the columns are used, by a plain network or by an ensemble."""
    from chainrule._words import counted

    kinds = [column.kind for column in preprocessor.columns]
    uses = {
        "number": "standardised",
        "date": "in days, standardised",
        "text": "one-hot",
        "boolean": "one-hot",
    }
    parts = [
        counted(kinds.count(kind), kind) + (f" ({use})" if plain else "")
        for kind, use in uses.items()
        if kind in kinds
    ]
    with_missing = sum(column.missing for column in preprocessor.columns)
    text = ", ".join(parts)
    text += f": {counted(len(preprocessor.feature_names), 'feature')}" if plain else ""
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
