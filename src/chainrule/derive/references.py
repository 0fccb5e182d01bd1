"""The same numbers from elsewhere: the reference's equations, and the engine."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from chainrule import reference
from chainrule.derive.derivation import DerivationData
from chainrule.derive.expression import Floats
from chainrule.derive.model import Layer, Model
from chainrule.derive.own_loss import RowLoss
from chainrule.derive.program import Numbers
from chainrule.derive.sample import model_input
from chainrule.derive.update import ENTRIES
from chainrule.reference import equations
from chainrule.reference.activations import Parametric, PReLU

Found = dict[str, Floats]
#: Optimizers whose memory enters an update too little to be seen in the parameters, and its letter.
SHOWN_LATER = {"lion": "m"}
#: Vectors of layers, and what a Network calls their lists.
VECTORS = {"gain": "norm_gains", "shift": "norm_shifts", "slope": "slopes", "alpha": "alphas"}


class _Parts:
    """A model's lists as the reference takes them, from layer `start` on; from 0 on with the input layers."""

    def __init__(self, model: Model, numbers: Numbers, start: int = 0) -> None:
        self.layers = model.layers[max(start - 1, 0) :]
        self.weights = [_given(layer.weight) for layer in self.layers]
        self.biases = [_given(layer.bias)[0] for layer in self.layers]
        self.activations = [_with_learned(layer) for layer in self.layers]
        masks = [numbers.arrays.get(f"mask.{k}") for k in range(max(start, 1), len(model.layers) + 1)]
        self.options: dict[str, Any] = {
            "norms": [_norm(layer) for layer in self.layers],
            "residual": [layer.residual for layer in self.layers],
            "masks": [None if mask is None else mask[:, 0, :] for mask in masks],
        }
        if start == 0:
            self.options["inputs"] = None if model.stage is None else model.stage.blocks()

    def backward(self, x: Floats, y: Floats, loss: Any) -> tuple[Any, Any]:
        """Run the reference forward and backward."""
        stored = reference.forward(self.weights, self.biases, x, self.activations, **self.options)
        return stored, reference.backward(stored, y, loss)

    def of_row(self, i: int) -> _Parts:
        """Return the same for one row of the batch: its own masks."""
        row = object.__new__(_Parts)
        row.__dict__ |= self.__dict__
        masks = [None if mask is None else mask[i : i + 1] for mask in self.options["masks"]]
        row.options = self.options | {"masks": masks}
        return row


def from_the_reference(derivation: DerivationData) -> Found:
    """Return the reference's numbers by the key of the symbol, per row as a derivation has them."""
    model, numbers = derivation.model, _numbers(derivation)
    x, y = _sample(model, numbers)
    parts, sign = _Parts(model, numbers), _sign(derivation)
    stored, batch = parts.backward(x, y, model.loss)
    n_rows, last, expanded = len(x), len(model.layers), numbers.arrays["y"][:, 0, :]
    found: Found = {
        "E": equations.row_errors(model.loss, parts.activations[-1], stored.net[-1], stored.x[-1], expanded)
    }
    found["E"] = found["E"][:, None, None]
    found["batch.E"] = np.reshape(batch.loss, (1, 1))
    single = [parts.of_row(i).backward(x[i : i + 1], y[i : i + 1], model.loss)[1] for i in range(n_rows)]
    for k in range(1, last + 1):
        i, f = k - 1, parts.activations[k - 1]
        found[f"net.{k}"], found[f"z.{k}"] = stored.net[i][:, None, :], stored.z[i][:, None, :]
        found[f"h.{k}"], found[f"x.{k + 1}"] = stored.y[i][:, None, :], stored.x[k][:, None, :]
        found[f"delta.{k}"] = n_rows * batch.deltas[i][:, None, :]
        found[f"dW.{k}"] = np.stack([g.weights[i] for g in single])
        found[f"db.{k}"] = sign * np.stack([g.biases[i][None, :] for g in single])
        found[f"batch.dW.{k}"], found[f"batch.db.{k}"] = batch.weights[i], sign * batch.biases[i][None, :]
        for kind in VECTORS:
            if getattr(batch, f"{kind}s")[i] is not None:
                found[f"d{kind}.{k}"] = np.stack([getattr(g, f"{kind}s")[i][None, :] for g in single])
                found[f"batch.d{kind}.{k}"] = getattr(batch, f"{kind}s")[i][None, :]
        width = stored.y[i].shape[1]
        rows = np.broadcast_to(np.eye(width)[:, None, :], (width, n_rows, width))
        jacobian = np.stack([f.backward(row, stored.kept(i)) for row in rows], axis=1)
        taken = f"z.{k}" if model.layers[i].normalized else f"net.{k}"
        given = f"h.{k}" if model.layers[i].dropout or model.layers[i].residual else f"x.{k + 1}"
        found[f"jacobian.{given}/{taken}"] = jacobian
        found[f"prime.{k}"] = np.diagonal(jacobian, axis1=-2, axis2=-1)[:, None, :]
        rest, at = _Parts(model, numbers, k), stored.x[i]
        found[f"dx.{k}"] = n_rows * rest.backward(at, y, model.loss)[1].x[:, None, :]
    found[f"dx.{last + 1}"] = model.loss.gradient(stored.x[-1], expanded)[:, None, :]
    for k, layer in enumerate(model.layers, start=1):
        if layer.dropout:
            mask = numbers.arrays[f"mask.{k}"]
            found[f"dh.{k}"] = equations.dropout_gradient(found[f"dx.{k + 1}"], mask)
        if layer.normalized:
            came = found.get(f"dh.{k}", found[f"dx.{k + 1}"])[:, 0, :]
            dz = -equations.hidden_bias_gradient(came, parts.activations[k - 1], stored.kept(k - 1))
            found[f"dz.{k}"] = dz[:, None, :]
    if model.stage is not None:
        found["x.1"] = stored.x[0][:, None, :]
        found["dx.0"] = n_rows * batch.x[:, None, :]
        found |= _batch_and_rows(
            [_of_blocks(model, g.inputs) for g in single], _of_blocks(model, batch.inputs)
        )
    return found


def _batch_and_rows(rows: list[Found], batch: Found) -> Found:
    """Return gradients by their symbols' keys: of the batch, and of each row."""
    found = {f"batch.d{key}": value for key, value in batch.items()}
    return found | {f"d{key}": np.stack([row[key] for row in rows]) for key in batch}


def _of_blocks(model: Model, gradients: Any) -> Found:
    """Return the reference's gradients by what input layers learn, by the keys of the symbols."""
    assert model.stage is not None
    found: Found = {}
    scale = []
    for piece, (own, *after) in zip(model.stage.pieces, gradients, strict=True):
        found |= {piece.key(name): np.reshape(own[name], array.shape) for name, array in piece.arrays.items()}
        scale += [one["scale"] for one in after]
    return found | ({"scale.0": np.concatenate(scale)[None, :]} if scale else {})


def _of_layers(model: Model, inputs: Any) -> Found:
    """Return what a Network's input layers learn, or gradients by it; they are a layer for each piece."""
    if model.stage is None:
        return {}
    found: Found = {}
    for piece, one in zip(model.stage.pieces, inputs, strict=False):
        found |= {
            piece.key(name): np.reshape(one.arrays[name], array.shape) for name, array in piece.arrays.items()
        }
    return found if model.stage.scale is None else found | {"scale.0": inputs[-1].arrays["scale"][None, :]}


def from_the_engine(derivation: DerivationData) -> Found:
    """Return the engine's numbers by the key of the symbol; without masks, since it predicts with none."""
    model, numbers = derivation.model, _numbers(derivation)
    masks = [value for key, value in numbers.arrays.items() if key.startswith("mask.")]
    if any((mask != 1).any() for mask in masks):
        return {}
    network = as_network(model)
    x, y = _sample(model, numbers)
    sign, found = _sign(derivation), {}
    batch = network.gradients(x, y)
    rows = [network.gradients(x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    found["batch.E"], found["E"] = (
        np.reshape(batch.loss, (1, 1)),
        np.reshape([row.loss for row in rows], (-1, 1, 1)),
    )
    last = len(model.layers)
    for i in range(last):
        found[f"batch.dW.{i + 1}"] = batch.weights[i]
        found[f"batch.db.{i + 1}"] = sign * batch.biases[i][None, :]
        found[f"dW.{i + 1}"] = np.stack([row.weights[i] for row in rows])
        found[f"delta.{i + 1}"] = -np.stack([row.biases[i][None, :] for row in rows])
        found[f"db.{i + 1}"] = -sign * found[f"delta.{i + 1}"]
        for kind in VECTORS:
            if (one := getattr(batch, f"{kind}s", [None] * last)[i]) is not None:
                found[f"batch.d{kind}.{i + 1}"] = one[None, :]
                found[f"d{kind}.{i + 1}"] = np.stack([getattr(row, f"{kind}s")[i][None, :] for row in rows])
    found |= _batch_and_rows([_of_layers(model, row.inputs) for row in rows], _of_layers(model, batch.inputs))
    if not isinstance(model.loss, RowLoss):
        found[f"d{model_input(model)}"] = network.input_gradients(x, y)[:, None, :]
    found[f"x.{last + 1}"] = network(x)[:, None, :]
    found |= _hidden_outputs(model, x)
    found |= trained(derivation, x, y, n_steps=1)[0]
    return {key: np.asarray(value, dtype=np.float64) for key, value in found.items()}


def as_network(model: Model) -> Any:
    """Build the engine's network of a model's numbers, without dropout: it would draw masks of its own."""
    from chainrule.network import Network

    *hidden, output = model.layers
    loss = model.loss
    network = Network(
        [model.n_columns, *model.sizes[1:]],
        activation=[
            layer.activation.sigma.name if isinstance(layer.activation, Parametric) else layer.activation.name
            for layer in hidden
        ],
        output_activation=output.activation.name,
        loss=loss.function if isinstance(loss, RowLoss) else loss.name if loss == type(loss)() else loss,
        dtype=model.dtype,
        layer_norm=[layer.normalized for layer in hidden],
        residual=[layer.residual for layer in hidden],
        parametric=[layer.learns == "alpha" for layer in hidden],
        inputs=None if model.stage is None else model.stage.settings(),
    )
    for k, layer in enumerate(model.layers):
        network.weights[k], network.biases[k] = layer.weight, _given(layer.bias)[0]
        vectors = (layer.gain, layer.shift, layer.slopes, layer.alphas)
        for name, vector in zip(VECTORS.values(), vectors, strict=True):
            if vector is not None:
                getattr(network, name)[k] = vector[0]
    if model.stage is not None:
        for piece, one in zip(model.stage.pieces, network.inputs, strict=False):
            for name, array in piece.arrays.items():
                setattr(one, name, array.reshape(one.arrays[name].shape))
        if model.stage.scale is not None:
            network.inputs[-1].scale = model.stage.scale[0]
    return network


def _hidden_outputs(model: Model, x: Floats) -> Found:
    """Run the first layers alone, as networks of their own, where the last can be an output layer."""
    found = {}
    loss = reference.get_loss("squared_error")
    for k, last in enumerate(model.layers[:-1], start=1):
        if not (last.normalized or last.residual or last.dropout or last.learns):
            first = replace(model, layers=model.layers[:k], loss=loss)
            found[f"x.{k + 1}"] = as_network(first)(x)[:, None, :]
    return found


def trained(derivation: DerivationData, x: Floats, y: Floats, n_steps: int) -> tuple[Found, dict[str, str]]:
    """Train the engine's network for some steps, all rows in each; nothing by an optimizer without formula.

    Returns
    -------
    found : dict
        The parameters by the keys of the symbols that an update gives.
    origins : dict
        The key of what each of them was before.
    """
    optimizer = _of_the_engine(derivation.context.optimizer)
    if optimizer is None:
        return {}, {}
    ours = as_network(derivation.model)
    factors = getattr(derivation.context.optimizer, "learning_rate_factors", None)
    options = {"learning_rate_factors": factors} if factors else {}
    ours.train(x, y, optimizer=optimizer, epochs=n_steps, batch_size=None, shuffle=False, **options)
    last = "bounded.new" if optimizer.max_norm else "new"
    found: Found = {}
    origins: dict[str, str] = {}
    for k, (W, b) in enumerate(zip(ours.weights, ours.biases, strict=True), start=1):
        found[f"{last}.W.{k}"], found[f"new.b.{k}"] = W, _sign(derivation) * b[None, :]
        origins |= {f"{last}.W.{k}": f"W.{k}", f"new.b.{k}": f"b.{k}"}
    for kind, name in VECTORS.items():
        for k, vector in enumerate(getattr(ours, name), start=1):
            if vector is not None:
                found[f"new.{kind}.{k}"], origins[f"new.{kind}.{k}"] = vector[None, :], f"{kind}.{k}"
    for key, value in _of_layers(derivation.model, ours.inputs).items():
        found[f"new.{key}"], origins[f"new.{key}"] = value, key
    if optimizer.name in SHOWN_LATER:
        found |= _memory(derivation, ours, SHOWN_LATER[optimizer.name])
    return found, origins


def _memory(derivation: DerivationData, trained: Any, letter: str) -> Found:
    """Return what an optimizer remembers first, a mean of gradients, of weights and biases."""
    trainee = trained._trainee
    mean = trainee.architecture.split(trainee.state.__getstate__()["moments"][0])
    found: Found = {f"{letter}.new.W.{k}": W for k, W in enumerate(mean.weights, start=1)}
    signed = [_sign(derivation) * b[None, :] for b in mean.biases]
    return found | {f"{letter}.new.b.{k}": b for k, b in enumerate(signed, start=1)}


def _of_the_engine(optimizer: Any) -> Any:
    """Return the engine's optimizer: itself, or that of a name and settings; None for one without formula."""
    from chainrule.optimizers import OPTIMIZERS, Optimizer

    if optimizer.name not in ENTRIES:
        return None
    if isinstance(optimizer, Optimizer):
        return optimizer
    kind = OPTIMIZERS[optimizer.name]
    known = [field.name for field in fields(kind) if hasattr(optimizer, field.name)]
    return kind(**{name: getattr(optimizer, name) for name in known})


def _with_learned(layer: Layer) -> Any:
    """Return a layer's activation with what it has learned."""
    f = layer.activation
    if isinstance(f, Parametric):
        return Parametric(f.sigma, _given(layer.alphas)[0])
    return PReLU(layer.slopes[0]) if layer.slopes is not None else f


def _norm(layer: Layer) -> Any:
    if not layer.normalized:
        return None
    return reference.Norm(_given(layer.gain)[0], _given(layer.shift)[0])


def _given(array: Floats | None) -> Floats:
    if array is None:
        raise ValueError("this derivation has no numbers; give derive() a network and a sample x, y")
    return array


def _sample(model: Model, numbers: Numbers) -> tuple[Floats, Floats]:
    """Return rows and targets as a network takes them: each target once, however many outputs it has."""
    each = getattr(model.loss, "outputs_per_target", 1)
    return numbers.arrays[model_input(model)][:, 0, :], numbers.arrays["y"][:, 0, ::each]


def _numbers(derivation: DerivationData) -> Numbers:
    if derivation.numbers is None:
        raise ValueError("this derivation has no numbers; give derive() a network and a sample x, y")
    return derivation.numbers


def _sign(derivation: DerivationData) -> float:
    return 1.0 if derivation.bias_sign == "-" else -1.0
