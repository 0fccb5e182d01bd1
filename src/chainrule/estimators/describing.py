"""What a fitted estimator is, for exports, pictures and derivations."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.description import Description, Layer, Meaning, Training
from chainrule.estimators.advice import named_rate
from chainrule.estimators.losses import loss_of
from chainrule.estimators.optimizer import DECOUPLED, settings
from chainrule.model.inputs import as_blocks
from chainrule.reference import Loss

#: scikit-learn's kinds of targets, and what one output for each stands for.
KINDS = {"binary": "binary", "multiclass": "classes", "multilabel-indicator": "multilabel"}


def describe_estimator(mlp: Any) -> Description:
    """Describe a fitted estimator as it was trained; the layers may hold its own arrays."""
    check_is_fitted(mlp, "coefs_")
    bound = mlp._served()
    model, learned = bound.model, bound.parts
    layers = [
        Layer(W, -b, *others)
        for W, b, *others in zip(
            learned.weights,
            learned.biases,
            model.activations,
            learned.gains,
            learned.shifts,
            learned.slopes,
            model.residual,
            model.dropout,
            learned.alphas,
            strict=True,
        )
    ]
    names = getattr(mlp, "feature_names_in_", None)
    own_loss = callable(mlp.loss) and not isinstance(mlp.loss, Loss)
    return Description(
        layers,
        _meaning(mlp, model.sizes[-1]),
        None if names is None else [str(name) for name in names],
        mlp.loss if own_loss else loss_of(mlp),
        lambda y: _encode(mlp, y),
        None if mlp.solver == "lbfgs" else lambda n_samples: _optimizer(mlp, n_samples),
        training=_training(mlp),
        inputs=as_blocks(bound.inputs),
    )


def _training(mlp: Any) -> Training:
    n_epochs, loss, scores = (getattr(mlp, name, None) for name in ("n_iter_", "loss_", "validation_scores_"))
    lbfgs, name = mlp.solver == "lbfgs", type(mlp).__name__
    facts = [] if n_epochs is None else [f"{n_epochs:,} {'iterations' if lbfgs else 'epochs'}"]
    facts += [] if loss is None else [f"loss {loss:.4g}"]
    measured = {name: values for name, values in getattr(mlp, "evals_result_", {}).items() if name != "loss"}
    best = getattr(mlp, "best_iteration_", None)
    return Training(
        losses=list(getattr(mlp, "loss_curve_", None) or []),
        validation_losses=list(getattr(mlp, "validation_loss_curve_", None) or []),
        scores=measured or ({"score": list(scores)} if scores else {}),
        best_epoch=int(np.argmax(scores)) + 1 if best is None and scores else best,
        kept_best=bool(scores),  # only early stopping scores, and goes back to, the best epoch
        stopped=(n_epochs or 0) < mlp.max_iter,
        rate="" if lbfgs else named_rate(mlp),
        limit="max_iter",
        facts=facts,
        can_scale_targets=hasattr(mlp, "scale_targets"),
        why_no_losses=f"this {name} has no loss_curve_: solver={mlp.solver!r} records no epochs",
    )


def _meaning(mlp: Any, n_outputs: int) -> Meaning:
    labels = getattr(mlp, "_labels", None)
    if labels is not None:
        return Meaning(KINDS[labels.kind], np.asarray(labels.classes).tolist())  # type: ignore[arg-type]
    if not hasattr(mlp, "target_scale_"):
        return Meaning("numbers")
    n_each = n_outputs // len(mlp.target_scale_)  # several quantiles of each target
    scale, mean = (np.repeat(values, n_each) for values in (mlp.target_scale_, mlp.target_mean_))
    return Meaning("numbers", scale=scale, mean=mean)


def _encode(mlp: Any, y: Any) -> NDArray[Any]:
    """Turn y into what the network learns: class indices, booleans, or standardized numbers."""
    targets: NDArray[Any] = np.asarray(y)
    labels = getattr(mlp, "_labels", None)
    if labels is not None:
        encoded: NDArray[Any] = labels.encode(targets)
        return encoded
    targets = targets.reshape(len(targets), -1)
    if hasattr(mlp, "target_mean_"):
        targets = (targets - mlp.target_mean_) / mlp.target_scale_
    return targets


def _optimizer(mlp: Any, n_samples: int) -> Any:
    """Return the solver's optimizer; a name's penalty is alpha over the batch's rows, or alpha as decay."""
    if not isinstance(mlp.solver, str):
        return mlp.solver
    name, learning_rate, own = settings(mlp)
    alpha = float(mlp.alpha)
    own |= {"weight_decay": alpha} if name in DECOUPLED else {"l2": alpha / max(n_samples, 1)}
    own["nesterov"] = own.get("nesterov", False) and own.get("momentum", 0.0) > 0
    return SimpleNamespace(name=name, learning_rate=learning_rate, **own)
