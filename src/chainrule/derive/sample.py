"""A sample as a network sees it: rows, targets and masks checked, an estimator's labels and units undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.derive.expression import Floats
from chainrule.derive.model import Model
from chainrule.reference.validation import check_target

MOST_NUMBERS = 20_000_000  # of the largest step: rows times the widest Jacobian or weight matrix


def read_sample(model: Model, x: Any, y: Any) -> tuple[Floats | None, Floats | None]:
    """Return rows (n_samples, n_1) and targets (n_samples, n_outputs), checked; None for none."""
    if x is None and y is None:
        return None, None
    if x is None or y is None:
        raise TypeError(f"got {'y' if x is None else 'x'} alone; a sample is x and y")
    if not model.has_numbers:
        raise TypeError("sizes have no weights to compute with; give a network, or leave x and y out")
    try:
        rows = np.asarray(x.toarray() if hasattr(x, "toarray") else x, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"x cannot be read as an array of numbers: {error}") from None
    single = rows.ndim == 1
    if rows.ndim not in (1, 2) or rows.shape[-1] != model.n_columns or rows.size == 0:
        raise ValueError(
            f"x has shape {rows.shape}; expected (n_samples, {model.n_columns}) or ({model.n_columns},)"
        )
    if not np.isfinite(rows).all():
        raise ValueError("x has values that are not finite; give a row without missing values")
    rows = rows.reshape(-1, model.n_columns).astype(model.dtype).astype(np.float64)
    widest = max(max(la.n_in, la.n_out) * la.n_out for la in model.layers)
    if len(rows) * widest > MOST_NUMBERS:
        raise ValueError(
            f"x has {len(rows)} rows, which makes a step of {len(rows) * widest:,} numbers for this network;"
            f" give at most {max(1, MOST_NUMBERS // widest)}"
        )
    output = np.zeros((len(rows), model.sizes[-1]))
    targets: Floats = check_target(_learned_target(model, y, len(rows)), model.loss, output, single)
    if not np.isfinite(targets).all():
        raise ValueError("y has values that are not finite; give a row without missing values")
    return rows, targets


def as_members_see(given: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Return rows of a table, and their targets, as the networks of an ensemble take them.

    Of anything else, and of what a table's model holds, which gives `network_rows`, x and y as they are.
    """
    if x is None or y is None or not getattr(given, "members_", None):
        return x, y
    return given.member_inputs(x), given.member_targets(x, y)


def read_masks(model: Model, masks: Sequence[Any] | None, n_samples: int) -> list[Floats | None]:
    """Return each layer's mask (n_samples, n_units), 1 everywhere by default; None without dropout.

    Raises
    ------
    TypeError, ValueError
        For anything but a list of masks that fit the layers, None for a layer without dropout.
    """
    if masks is None:
        masks = []
    elif isinstance(masks, str | bytes) or not isinstance(masks, Sequence):
        raise TypeError(f"masks is a {type(masks).__name__}; expected a list with one mask for each layer")
    if len(masks) > len(model.layers):
        raise ValueError(f"got {len(masks)} masks for {len(model.layers)} layers")
    found: list[Floats | None] = []
    for k, layer in enumerate(model.layers):
        given, shape = masks[k] if k < len(masks) else None, (n_samples, layer.n_out)
        if not layer.dropout:
            if given is not None:
                raise ValueError(f"masks[{k}] is for layer {k + 1}, which has no dropout; expected None")
            found.append(None)
            continue
        mask = np.ones(shape) if given is None else np.asarray(given, dtype=np.float64)
        if mask.shape not in (shape, shape[1:]):
            raise ValueError(f"masks[{k}] has shape {mask.shape}; expected {shape} or {shape[1:]}")
        found.append(np.broadcast_to(mask, shape))
    return found


def given_arrays(model: Model, bias_sign: str) -> dict[str, Floats]:
    """Return a model's parameters by the keys of their symbols, biases in the sign that is written."""
    sign = 1.0 if bias_sign == "-" else -1.0
    arrays: dict[str, Floats] = {}
    for k, layer in enumerate(model.layers, start=1):
        assert layer.weight is not None
        assert layer.bias is not None
        arrays |= {f"W.{k}": layer.weight, f"b.{k}": sign * layer.bias}
        vectors = {"gain": layer.gain, "shift": layer.shift, "slope": layer.slopes, "alpha": layer.alphas}
        arrays |= {f"{kind}.{k}": value for kind, value in vectors.items() if value is not None}
    return arrays if model.stage is None else arrays | model.stage.given()


def model_input(model: Model) -> str:
    """Return the key of what the data are: x_1, or x_0 before input layers."""
    return "x.1" if model.stage is None else "x.0"


def _learned_target(model: Model, y: Any, n_rows: int) -> Any:
    """Return y as an estimator's network learns it: places of labels among the classes, standardized numbers.

    Rows of a network's targets, one for each output, are what they are.
    """
    if model.description is None:
        return y
    meaning = model.description.meaning
    if meaning.kind in ("binary", "classes"):
        labels = np.asarray(y)
        if labels.shape not in {(), (n_rows,), (n_rows, 1)}:
            return y
        place = _places(np.asarray(meaning.classes), labels)
        if meaning.kind == "binary":
            return (place == 1).astype(float)
        return place[:, 0] if place.ndim == 2 else place
    if meaning.scaled:
        each = getattr(model.loss, "outputs_per_target", 1)
        mean, scale = (np.atleast_1d(value)[::each] for value in (meaning.mean, meaning.scale))
        return (np.asarray(y, dtype=np.float64) - mean) / scale
    return y


def _places(classes: Any, labels: Any) -> Any:
    """Return where labels stand among the classes, in the labels' shape."""
    unknown = np.setdiff1d(labels, classes)
    if unknown.size:
        raise ValueError(f"y has classes that fit did not see: {unknown}; expected some of {classes}")
    return np.searchsorted(classes, labels)
