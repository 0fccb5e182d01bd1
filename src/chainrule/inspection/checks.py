"""What can be wrong with a training, one function each: it yields findings, or nothing where all is well."""

from collections.abc import Iterator

import numpy as np

from chainrule.inspection.examined import Examined
from chainrule.training.scales import Finding, scale_of, scale_of_targets

FEWEST_EPOCHS = 8  # to judge a curve by
FEWEST_ROWS = 20  # to judge units by
RECTIFIERS = {"relu", "relu6"}
SQUASHING = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "hardtanh": (-1.0, 1.0), "softsign": (-1.0, 1.0)}


def not_finite(seen: Examined) -> Iterator[Finding]:
    """Look for NaN or infinity in the parameters, or the outputs."""
    bad = [k for k, part in enumerate(seen.parts, 1) if not np.isfinite(part.weights).all()]
    if bad:
        message = f"the weights of layer {bad[0]} are not finite"
    elif not np.isfinite(seen.signals[-1]).all():
        message = "some outputs are not finite"
    else:
        return
    yield Finding(
        "not-finite", message, f"Train again with a lower learning rate{_rate(seen)}, on scaled inputs."
    )


def did_not_converge(seen: Examined) -> Iterator[Finding]:
    """Say how the loss curve ends, where that is not at rest."""
    course = seen.course
    if course is None or course.shape == "flat" or (course.shape == "falling" and seen.training.stopped):
        return
    code = course.shape if course.shape == "diverged" else f"loss-{course.shape}"
    yield Finding(code, str(course), course.advice(seen.training.limit, f"learning rate{_rate(seen)}"))


def overfits(seen: Examined) -> Iterator[Finding]:
    """Look for a validation loss that went up again while training went on."""
    curve = seen.training.validation_losses
    if len(curve) < FEWEST_EPOCHS or seen.training.kept_best:
        return
    best = int(np.argmin(curve))
    if best < 0.8 * len(curve) and curve[-1] > 1.1 * curve[best]:
        yield Finding(
            "overfitting",
            f"the validation loss was lowest in epoch {best + 1}, and is {curve[-1] / curve[best] - 1:.0%} "
            "above that now",
            "Stop early, which keeps the best epoch's parameters, or raise the penalty on the weights.",
        )


def inputs_not_scaled(seen: Examined) -> Iterator[Finding]:
    """Look for columns much larger, or all much smaller, than about 1."""
    x, codes = (
        seen.x,
        [c for columns, layers in seen.network.inputs if layers[0].takes_codes for c in columns],
    )
    if codes:  # have no scale
        x = x.copy()
        x[:, codes] = np.where(np.arange(len(x)) % 2, 1, -1)[:, None]
    yield from scale_of(x, seen.network.feature_names)


def targets_do_not_suit(seen: Examined) -> Iterator[Finding]:
    """Look for numbers that the outputs cannot reach, or reach only after long training."""
    if seen.y is None:
        return
    output = seen.parts[-1].activation
    low, high = SQUASHING.get(output, (-np.inf, np.inf))
    smallest, largest = float(seen.y.min()), float(seen.y.max())
    if smallest < low or largest > high:
        yield Finding(
            "targets-out-of-reach",
            f"targets go from {smallest:g} to {largest:g}, but a {output} output lies between {low:g} and "
            f"{high:g}",
            "Scale the targets, or use the identity as output activation.",
        )
    if output == "identity":
        yield from scale_of_targets(seen.y, own=seen.training.can_scale_targets)


def outputs_saturated(seen: Examined) -> Iterator[Finding]:
    """Look for outputs at their limits on the wrong side, where hardly any gradient comes back."""
    output, values = seen.parts[-1].activation, seen.signals[-1]
    low, high = {"softmax": (0.0, 1.0), **SQUASHING}.get(output, (None, None))
    if low is None or high is None or seen.y is None or not np.isfinite(values).all():
        return
    margin = 0.005 * (high - low)
    at_limit = (values < low + margin) | (values > high - margin)
    wrong = np.abs(values - seen.y) > 0.5 * (high - low)
    rows = np.any(at_limit & wrong, axis=1)
    if rows.mean() > 0.1:
        yield Finding(
            "outputs-saturated",
            f"the outputs are saturated: for {rows.mean():.0%} of the rows a {output} output is at its "
            "limit, and wrong",
            f"Lower the learning rate{_rate(seen)} and scale the inputs; on training rows this means that "
            "little gradient is left, on new rows that the network is too sure of itself.",
            layer=len(seen.parts),
        )


def dead_units(seen: Examined) -> Iterator[Finding]:
    """Look for layers with more than a quarter of units that are zero for every row."""
    for k, (part, signal) in enumerate(zip(seen.parts[:-1], seen.signals, strict=False), 1):
        if part.activation not in RECTIFIERS or len(signal) < FEWEST_ROWS:
            continue
        dead = int(np.sum(np.all(signal == 0, axis=0)))
        n = signal.shape[1]
        if dead == n or dead > 0.25 * n:
            which = f"all {n}" if dead == n else f"{dead} of {n}"
            yield Finding(
                "dead-units",
                f"{which} {part.activation} units of layer {k} are dead: they are zero for each of the "
                f"{len(signal):,} rows, and learn nothing",
                f"Lower the learning rate{_rate(seen)}, scale the inputs, or use leaky_relu, elu or gelu.",
                layer=k,
            )


def hidden_saturated(seen: Examined) -> Iterator[Finding]:
    """Look for layers where most units are at their limits for nearly every row."""
    for k, (part, signal) in enumerate(zip(seen.parts[:-1], seen.signals, strict=False), 1):
        if part.activation not in SQUASHING or part.alphas is not None or len(signal) < FEWEST_ROWS:
            continue
        low, high = SQUASHING[part.activation]
        margin = 0.005 * (high - low)
        stuck = np.mean((signal < low + margin) | (signal > high - margin), axis=0) > 0.95
        if stuck.mean() > 0.5:
            yield Finding(
                "hidden-saturated",
                f"{int(stuck.sum())} of {len(stuck)} {part.activation} units of layer {k} are saturated: at "
                "their limit for more than 95% of the rows, where f' is almost zero",
                f"Scale the inputs, and lower the learning rate{_rate(seen)}.",
                layer=k,
            )


CHECKS = (
    not_finite,
    did_not_converge,
    overfits,
    inputs_not_scaled,
    targets_do_not_suit,
    outputs_saturated,
    dead_units,
    hidden_saturated,
)


def _rate(seen: Examined) -> str:
    """Return the learning rate's name and value, where it is known."""
    return f" ({seen.training.rate})" if seen.training.rate else ""
