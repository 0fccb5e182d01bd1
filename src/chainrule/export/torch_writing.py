"""`to_torch`: a network as PyTorch modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.description import EPSILON, Description, Layer
from chainrule.export.parts import exportable

if TYPE_CHECKING:
    import torch

MISSING = "this needs PyTorch, which is not installed: see https://pytorch.org/get-started"


def to_torch(model: Any) -> torch.nn.Sequential:
    """Build a `torch.nn.Sequential` with a copy of a model's numbers, in evaluation mode.

    Parameters
    ----------
    model : Network, MLPClassifier or MLPRegressor
        A Network gives its outputs, a regressor its predictions (n_samples, n_outputs), a classifier
        *logits*: the output layer's net, whose softmax (one column: sigmoid) are the probabilities. PyTorch's
        CrossEntropyLoss and BCEWithLogitsLoss take them.

    Returns
    -------
    torch.nn.Sequential
        Linear, LayerNorm, activations, Dropout; a residual layer is one `Residual` module with those in it.
        Input layers are one `SideBySide` before them. These modules are in `chainrule.export.torch_layers`.

    Raises
    ------
    ImportError
        Where PyTorch is not installed.
    TypeError
        For other models.
    ValueError
        For parameters that are not finite.

    Examples
    --------
    >>> from chainrule import Network
    >>> to_torch(Network([3, 4, 1], activation="tanh", random_state=0))  # doctest: +SKIP
    Sequential(
      (0): Linear(in_features=3, out_features=4, bias=True)
      (1): Tanh()
      (2): Linear(in_features=4, out_features=1, bias=True)
    )
    """
    network = exportable(model)
    if network.columns is not None:
        raise TypeError(
            f"a {type(model).__name__} reads a table's columns, which PyTorch's modules cannot; give its "
            "network, model.estimator"
        )
    try:
        from torch import nn
    except ImportError:
        raise ImportError(MISSING) from None
    from chainrule.export.torch_layers import Residual

    modules: list[Any] = [_inputs(network)] if network.inputs else []
    for k, layer in enumerate(network.layers, start=1):
        logits = k == len(network.layers) and network.meaning.classifies
        parts = _layer(layer, activated=not logits)
        modules += [Residual(*parts)] if layer.residual else parts
    if network.meaning.scaled:
        modules.append(_own_units(network))
    return nn.Sequential(*modules).eval()


def _own_units(network: Description) -> Any:
    """Output * scale + mean as a Linear with a diagonal matrix."""
    import torch
    from torch import nn

    n, dtype = network.n_outputs, network.dtype
    scale, mean = (np.broadcast_to(v, n).astype(dtype) for v in (network.meaning.scale, network.meaning.mean))
    linear = nn.Linear(n, n)
    linear.weight, linear.bias = (nn.Parameter(torch.tensor(values)) for values in (np.diag(scale), mean))
    return linear


def _inputs(network: Description) -> Any:
    """Put what stands before the first layer side by side [E11, E13-E15]."""
    import torch
    from torch import nn

    from chainrule.export import torch_layers

    blocks = []
    for columns, layers in network.inputs:
        parts: list[Any] = [torch_layers.Columns(list(columns))]
        for layer in layers:
            arrays = {name: torch.tensor(array) for name, array in layer.arrays.items()}
            if layer.name == "categories":
                parts.append(torch_layers.Categories.from_pretrained(arrays["table"], freeze=False))
            elif layer.name != "numbers":
                parts.append(getattr(torch_layers, type(layer).__name__)(**arrays))
        blocks.append(nn.Sequential(*parts))
    return torch_layers.SideBySide(*blocks)


def _layer(layer: Layer, *, activated: bool) -> list[Any]:
    import torch
    from torch import nn

    from chainrule.export.torch_layers import Ordered, Parametric

    def copy(values: Any) -> Any:
        return nn.Parameter(torch.tensor(values))

    n_in, n_out = layer.weights.shape
    dtype = torch.float32 if layer.weights.dtype.itemsize == 4 else torch.float64
    linear = nn.Linear(n_in, n_out, dtype=dtype)
    linear.weight, linear.bias = copy(layer.weights.T.copy()), copy(layer.intercepts)
    parts: list[Any] = [linear]
    if layer.gain is not None:
        norm = nn.LayerNorm(n_out, eps=EPSILON, dtype=dtype)
        norm.weight, norm.bias = copy(layer.gain), copy(layer.shift)
        parts.append(norm)
    if layer.slopes is not None:
        parts.append(nn.PReLU(n_out, dtype=dtype))
        parts[-1].weight = copy(layer.slopes)
    elif layer.group:
        parts.append(Ordered(layer.group))
    elif layer.alphas is not None:
        parts.append(Parametric(modules()[layer.activation](), torch.tensor(layer.alphas)))
    elif activated and layer.activation != "identity":
        parts.append(modules()[layer.activation]())
    if layer.dropout:
        parts.append(nn.Dropout(layer.dropout))
    return parts


def modules() -> dict[str, Callable[[], Any]]:
    """Return PyTorch's modules by the names that activations have here."""
    from torch import nn

    from chainrule.export.torch_layers import Exp

    return {
        "identity": nn.Identity,
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "leaky_relu": nn.LeakyReLU,
        "elu": nn.ELU,
        "selu": nn.SELU,
        "softplus": lambda: nn.Softplus(threshold=50),  # its default, 20, rounds at 2e-9
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "mish": nn.Mish,
        "softsign": nn.Softsign,
        "hardtanh": nn.Hardtanh,
        "relu6": nn.ReLU6,
        "exp": Exp,
        "softmax": lambda: nn.Softmax(dim=-1),
    }
