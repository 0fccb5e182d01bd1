"""What a fit that went wrong adds to scikit-learn's own messages: what the loss did, and what to do."""

from chainrule.estimators.protocol import MLP
from chainrule.estimators.target_scale import TargetScale
from chainrule.model.rows import Rows
from chainrule.training.course import course
from chainrule.training.scales import scale_of, scale_of_targets

#: To look at, of the rows.
MOST_ROWS = 5000

#: Scores that are 0 for the best constant.
CONSTANT_HAS_0 = ("r2", "d2_pinball_score")


def about_the_curve(mlp: MLP) -> str:
    """Return one or two sentences, after a space, about the loss curve of the last fit; "" without one.

    Examples
    --------
    >>> from chainrule import MLPRegressor
    >>> reg = MLPRegressor()
    >>> reg.loss_curve_, reg.n_iter_ = [0.95**epoch for epoch in range(50)], 50
    >>> about_the_curve(reg)
    ' The loss was still falling, by 33.7% over the last 12 epochs. Raise max_iter (now 50), or the learning \
rate (learning_rate_init=0.001).'
    """
    losses = getattr(mlp, "loss_curve_", [])[-mlp.n_iter_ :] if mlp.solver != "lbfgs" else []
    if not losses:
        return ""
    seen = course(losses)
    words = str(seen)
    advice = seen.advice("max_iter", f"learning rate ({named_rate(mlp)})")
    return f" {words[0].upper()}{words[1:]}. {advice}".rstrip()


def learned_nothing(mlp: MLP, rows: Rows) -> bool:
    """Whether a fit from the start, which stopped by itself, ended hardly better than it began.

    Its loss hardly fell, or its best score is that of a constant: R^2, or D^2 for quantiles, of 0 or less.
    """
    went_on = len(mlp.loss_curve_) > mlp.n_iter_
    if went_on or not (rows.y != rows.y[:1]).any():  # or there is nothing to learn
        return False
    if course(mlp.loss_curve_).shape in ("stuck", "rising"):
        return True
    score = mlp.best_validation_score_
    comparable = mlp.scoring is None and mlp._own_metric in CONSTANT_HAS_0
    return comparable and score is not None and score <= 0


def what_to_try(mlp: MLP, rows: Rows) -> str:
    """Return, after a space, what to do about a fit that learned nothing."""
    words = str(course(mlp.loss_curve_))
    return (
        f" {words[0].upper()}{words[1:]}. Scale inputs and targets, and try another learning rate"
        f" ({named_rate(mlp)}).{about_the_rows(mlp, rows)}"
    )


def about_the_rows(mlp: MLP, rows: Rows) -> str:
    """Return what `diagnose` says of the scale of inputs and targets, after a space; "" where all is well."""
    some = slice(None, None, 1 + len(rows.y) // MOST_ROWS)
    names = getattr(mlp, "feature_names_in_", None)
    # Scaling would fill a sparse matrix.
    findings = [] if hasattr(rows.x, "tocsr") else list(scale_of(rows.x[some], names))
    if TargetScale.used_by(mlp) is None and mlp.out_activation_ == "identity":
        findings += scale_of_targets(rows.y[some], own=hasattr(mlp, "scale_targets"))
    return "".join(f" {finding}" for finding in findings)


def named_rate(mlp: MLP) -> str:
    """Return the parameter that sets the learning rate, with its value.

    Examples
    --------
    >>> from chainrule import SGD, MLPRegressor
    >>> named_rate(MLPRegressor()), named_rate(MLPRegressor(solver=SGD(0.1)))
    ('learning_rate_init=0.001', 'solver=SGD(learning_rate=0.1)')
    """
    if isinstance(mlp.solver, str):
        return f"learning_rate_init={mlp.learning_rate_init:g}"
    return f"solver={type(mlp.solver).__name__}(learning_rate={mlp.solver.learning_rate:g})"
