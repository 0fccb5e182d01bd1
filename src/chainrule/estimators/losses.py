"""The loss that an estimator's parameters mean, as the engine takes it."""

from chainrule.estimators.protocol import MLP
from chainrule.model.architecture import as_loss
from chainrule.model.custom_loss import CustomLoss
from chainrule.reference.losses import (
    LOSSES,
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Loss,
    Quantile,
    get_loss,
)

#: The names that each estimator takes; others are the other's.
CLASSIFIER_LOSSES = ["log_loss", "focal"]
REGRESSOR_LOSSES = [
    name for name, loss in LOSSES.items() if not ({"softmax", "sigmoid"} >= set(loss.allowed))
]

#: scikit-learn's mean over outputs, in the loss that is reported.
AVERAGED = ("squared_error", "absolute_error", "huber", "log_cosh", "quantile")


def loss_of(mlp: MLP) -> Loss:
    """Return the loss with its settings; for a classifier that of its output activation.

    Raises
    ------
    TypeError, ValueError
        For settings out of range, or that belong to another loss.
    """
    loss, quantiles = mlp.loss, getattr(mlp, "quantiles", None)
    if quantiles is not None and loss != "quantile":
        raise ValueError(f"quantiles={quantiles!r} needs loss='quantile', not loss={loss!r}.")
    if loss is None:  # a function that a file could not hold
        return CustomLoss()
    if not isinstance(loss, str | Loss):
        return CustomLoss(loss)
    if hasattr(mlp, "label_smoothing"):
        return _of_classifier(loss, mlp.label_smoothing, mlp.out_activation_)
    if loss == "quantile":
        return Quantile(0.5 if quantiles is None else quantiles)
    return get_loss(loss)


def _of_classifier(loss: str | Loss, smoothing: float, output: str) -> Loss:
    several = output == "softmax"
    if isinstance(loss, Focal | BinaryFocal) or loss == "focal":
        if smoothing:
            raise ValueError(f"label_smoothing={smoothing!r} needs loss='log_loss', not loss={loss!r}.")
        gamma = 2.0 if isinstance(loss, str) else loss.gamma
        return Focal(gamma) if several else BinaryFocal(gamma)
    if loss != "log_loss":
        known = ", ".join(map(repr, CLASSIFIER_LOSSES))
        raise ValueError(f"loss={loss!r} is none of a classifier's: {known}, chainrule.losses.Focal(gamma).")
    return CrossEntropy(smoothing) if several else BinaryCrossEntropy(smoothing)


def check_loss(mlp: MLP) -> None:
    """Refuse a regressor's loss that is for classes, and a function that cannot be called with a batch."""
    if not isinstance(mlp.loss, str | Loss):
        as_loss(mlp.loss)
    if hasattr(mlp, "label_smoothing"):
        return
    if isinstance(mlp.loss, Loss) and mlp.loss.name not in REGRESSOR_LOSSES:
        known = ", ".join(map(repr, REGRESSOR_LOSSES))
        raise ValueError(f"loss={mlp.loss!r} is none of a regressor's: {known}, or one of their classes.")
    loss_of(mlp)


def output_activation(loss: Loss) -> str:
    """Return the name of a regressor's output activation, which belongs to its loss."""
    n = loss.outputs_per_target
    return f"ordered({n})" if n > 1 else loss.default_output_activation if loss.name in LOSSES else "identity"


def reported_divisor(loss: Loss, n_outputs: int) -> float:
    """Return by what the loss of a row, a sum over outputs, is divided in what is reported."""
    return float(n_outputs) if loss.name in AVERAGED else 1.0
