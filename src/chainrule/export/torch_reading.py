"""`from_torch`: a Sequential of PyTorch becomes a Network with the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import inputs
from chainrule.description import EPSILON
from chainrule.export.torch_writing import MISSING

if TYPE_CHECKING:
    import torch

    from chainrule.network import Network

Floats = NDArray[Any]

#: The loss that goes with an output activation, where none is named.
LOSSES = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy", "exp": "poisson"}

#: Settings of PyTorch's modules that an activation of ours has.
SETTINGS: dict[str, dict[str, Any]] = {
    "LeakyReLU": {"negative_slope": 0.01},
    "ELU": {"alpha": 1.0},
    "Softplus": {"beta": 1.0},
    "GELU": {"approximate": "none"},
    "Hardtanh": {"min_val": -1.0, "max_val": 1.0},
}


#: What a Network calls the vectors of its layers.
VECTORS = {"norm_gains": "gain", "norm_shifts": "shift", "slopes": "slopes", "alphas": "alphas"}


@dataclass
class _Layer:
    weights: Floats
    biases: Floats
    activation: str | None = None
    gain: Floats | None = None
    shift: Floats | None = None
    slopes: Floats | None = None
    alphas: Floats | None = None
    dropout: float = 0.0
    residual: bool = False


class _Input(NamedTuple):
    settings: inputs.InputLayer
    arrays: dict[str, Floats]


def from_torch(
    module: torch.nn.Module,
    *,
    loss: Any = None,
    output_activation: str | None = None,
    random_state: Any = None,
    n_threads: int | None = None,
) -> Network:
    """Make a Network of a `torch.nn.Sequential`, with a copy of its numbers.

    Parameters
    ----------
    module : torch.nn.Sequential or torch.nn.Linear
        Linear modules, each followed by at most one LayerNorm, one activation and one Dropout, in this order;
        Sequentials in it, Identity and Flatten are looked through; `Residual`, `Parametric` and, before
        the first Linear, `SideBySide` are those that `to_torch` makes.
    loss : str or Loss, optional
        Of the Network; by default that of its output activation: "cross_entropy" for softmax,
        "binary_cross_entropy" for sigmoid, "poisson" for exp, else "squared_error".
    output_activation : str, optional
        What to put behind a last Linear, for a model that gives logits: "softmax" or "sigmoid", say. With
        ``loss="cross_entropy"`` softmax is put there without being named.
    random_state, n_threads
        As for `Network`.

    Returns
    -------
    Network
        In float32 or float64, as the module.

    Raises
    ------
    ImportError
        Where PyTorch is not installed.
    TypeError
        For modules that a Network does not have.
    ValueError
        For modules in an order, or with settings, that a Network does not have.

    Examples
    --------
    >>> from torch import nn  # doctest: +SKIP
    >>> module = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))  # doctest: +SKIP
    >>> net = from_torch(module, loss="cross_entropy")  # doctest: +SKIP
    >>> net.sizes, net.activations, net.dtype.name  # doctest: +SKIP
    ([3, 8, 2], ['relu', 'softmax'], 'float32')
    """
    try:
        from torch import nn
    except ImportError:
        raise ImportError(MISSING) from None
    if not isinstance(module, nn.Sequential | nn.Linear):
        raise TypeError(f"from_torch takes a torch.nn.Sequential, not a {type(module).__name__}")
    before, layers = _read(module if isinstance(module, nn.Sequential) else nn.Sequential(module))
    return _build(before, layers, loss, output_activation, random_state, n_threads)


def _read(module: Any) -> tuple[list[_Input], list[_Layer]]:
    """Read the layers one by one, each with what follows its Linear."""
    from torch import nn

    from chainrule.export.torch_layers import SideBySide

    before: list[_Input] = []
    layers: list[_Layer] = []
    residual: int | None = None
    for name, part, inside in _flat(module, ""):
        where = f"{type(part).__name__} ({name})"
        if isinstance(part, nn.Linear):
            if residual is not None and inside == residual:
                raise ValueError(f"{where} is the second Linear of a Residual; a Network's has one")
            bias = _array(part.bias) if part.bias is not None else np.zeros(part.out_features)
            weights = _array(part.weight).T
            layers.append(_Layer(weights, bias.astype(weights.dtype), residual=inside is not None))
            residual = inside
            continue
        if isinstance(part, SideBySide) and not layers and not before:
            before = _read_inputs(part, where)
            continue
        if not layers:
            raise ValueError(f"{where} stands before the first Linear; a Network begins with a product")
        _follow(layers[-1], part, where)
    if not layers:
        raise ValueError("the module has no Linear; a Network has at least one")
    return before, layers


def _read_inputs(module: Any, where: str) -> list[_Input]:
    """Read what stands before the first Linear [E11, E13-E15]; E11 is the last and for all of x_1."""
    from chainrule.export import torch_layers

    found: list[_Input] = []
    scales: list[Floats] = []
    for block in module.values():
        first, *parts = block
        columns = first.columns.tolist()
        if parts and isinstance(parts[-1], torch_layers.Scale):
            scales.append(_array(parts.pop().scale))
        kind = type(parts[0]).__name__ if parts else "Numbers"
        found.append(_READ_INPUTS[kind](columns, *parts))
    if scales and len(scales) < len(found):
        raise ValueError(f"{where} scales some of its blocks; a Network's Scale takes all of them")
    if scales:
        found.append(_Input(inputs.Scale(), {"scale": np.concatenate(scales)}))
    return found


def _periodic(columns: list[int], part: Any) -> _Input:
    _, n_frequencies, n_outputs = part.weight.shape
    return _learned(inputs.Periodic(columns, n_frequencies, n_outputs), part)


def _piecewise_linear(columns: list[int], part: Any) -> _Input:
    edges = _array(part.edges).tolist()
    return _learned(inputs.PiecewiseLinear(columns[0], edges, part.rise.shape[1]), part)


def _categories(columns: list[int], part: Any) -> _Input:
    settings = inputs.Categories(columns[0], part.num_embeddings - 1, part.embedding_dim)
    return _Input(settings, {"table": _array(part.weight)})


def _learned(settings: inputs.InputLayer, part: Any) -> _Input:
    return _Input(settings, {name: _array(getattr(part, name)) for name in settings.shapes(0)})


_READ_INPUTS: dict[str, Callable[..., _Input]] = {
    "Numbers": lambda columns: _Input(inputs.Numbers(columns), {}),
    "Periodic": _periodic,
    "PiecewiseLinear": _piecewise_linear,
    "Categories": _categories,
}


def _flat(module: Any, prefix: str, inside: int | None = None) -> Iterator[tuple[str, Any, int | None]]:
    """Yield the modules that compute, with their names and the Residual in which they are."""
    from torch import nn

    from chainrule.export.torch_layers import Residual

    for name, part in module.named_children():
        path = f"{prefix}{name}"
        if isinstance(part, nn.Sequential):
            if isinstance(part, Residual) and inside is not None:
                raise ValueError(f"Residual ({path}) is inside another; a Network's skips one layer")
            yield from _flat(part, f"{path}.", id(part) if isinstance(part, Residual) else inside)
        elif not isinstance(part, nn.Identity | nn.Flatten):
            yield path, part, inside


def _follow(layer: _Layer, part: Any, where: str) -> None:
    """Add what follows a Linear to its layer."""
    from torch import nn

    from chainrule.export.torch_layers import Parametric

    n = layer.weights.shape[1]
    if isinstance(part, nn.LayerNorm):
        if layer.gain is not None or layer.activation or layer.dropout:
            raise ValueError(f"{where} does not follow a Linear; a Network normalizes net, before f")
        if part.eps != EPSILON or tuple(part.normalized_shape) != (n,):
            raise ValueError(f"{where} must have eps=1e-5 and the width of its layer, {n}")
        layer.gain = _array(part.weight) if part.weight is not None else np.ones(n, layer.weights.dtype)
        layer.shift = _array(part.bias) if part.bias is not None else np.zeros(n, layer.weights.dtype)
    elif isinstance(part, nn.Dropout):
        layer.dropout = 1 - (1 - layer.dropout) * (1 - part.p)
    else:
        f = part.f if isinstance(part, Parametric) else part
        name = _activation(f, where)
        if layer.activation or layer.dropout:
            raise ValueError(
                f"{where} follows an activation or Dropout; a Network has one activation a layer"
            )
        layer.activation = name
        if f is not part:
            layer.alphas = _array(part.alpha)
        if name == "prelu":
            layer.slopes = np.broadcast_to(_array(part.weight), n).copy()


def _activation(part: Any, where: str) -> str:
    from torch import nn

    from chainrule.export.torch_layers import Ordered
    from chainrule.export.torch_writing import modules

    if type(part) is nn.PReLU:
        return "prelu"
    if isinstance(part, Ordered):
        return f"ordered({part.size})"
    for name, make in modules().items():
        if type(make()) is type(part):
            for setting, value in SETTINGS.get(type(part).__name__, {}).items():
                if getattr(part, setting) != value:
                    found = getattr(part, setting)
                    raise ValueError(f"{where} has {setting}={found!r}; a Network's {name} has {value!r}")
            return name
    raise TypeError(
        f"{where} is no module that a Network has; expected Linear, LayerNorm, Dropout, an activation"
        f" ({', '.join(modules())}, prelu), or a Sequential of them"
    )


def _build(
    before: list[_Input],
    layers: list[_Layer],
    loss: Any,
    output: str | None,
    random_state: Any,
    n_threads: int | None,
) -> Network:
    from chainrule.network import Network

    *hidden, last = layers
    learned = (last.gain, last.slopes, last.alphas)
    if last.dropout or last.residual or any(vector is not None for vector in learned):
        raise ValueError(
            "the last layer has LayerNorm, Dropout, PReLU, Parametric or Residual; a Network's output layer"
            " has none"
        )
    if last.activation and output not in (None, last.activation):
        raise ValueError(
            f"the module ends with {last.activation}; output_activation={output!r} would be a second"
        )
    output = last.activation or output
    if loss is None:
        loss = LOSSES.get(output or "", "squared_error")
        output = output or "identity"
    options: dict[str, Any] = {
        "dropout": [layer.dropout for layer in hidden],
        "layer_norm": [layer.gain is not None for layer in hidden],
        "residual": [layer.residual for layer in hidden],
        "parametric": [layer.alphas is not None for layer in hidden],
    }
    columns = [column for one in before for column in one.settings.taken]
    if before:
        options["inputs"] = [one.settings for one in before]
    n_columns = 1 + max(columns) if before else layers[0].weights.shape[0]
    net = Network(
        [n_columns, *(layer.weights.shape[1] for layer in layers)],
        activation=[layer.activation or "identity" for layer in hidden],
        output_activation=output,
        loss=loss,
        dtype=layers[0].weights.dtype,
        random_state=random_state,
        n_threads=n_threads,
        **{name: values for name, values in options.items() if any(values)},
    )
    for layer, one in zip(net.inputs, before, strict=True):
        for name, array in one.arrays.items():
            setattr(layer, name, array)
    net.weights, net.biases = [layer.weights for layer in layers], [-layer.biases for layer in layers]
    for name, field in VECTORS.items():
        vectors = [getattr(layer, field) for layer in layers]
        if any(vector is not None for vector in vectors):
            setattr(net, name, vectors)
    return net


def _array(tensor: Any) -> Floats:
    values: Floats = tensor.detach().cpu().numpy().copy()
    if values.dtype.name not in ("float32", "float64"):
        raise TypeError(f"the module computes in {values.dtype}; call .float() or .double() first")
    return values
