"""What a network is, apart from its numbers: sizes, activations, loss, dtype, checked once."""

import functools
import math
import os
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeVar

import numpy as np

from chainrule import _engine
from chainrule._settings import whole_number
from chainrule.inputs import InputLayer, check_inputs, width
from chainrule.model.arrays import Floats
from chainrule.model.custom_loss import CustomLoss
from chainrule.model.inputs import LearnedInput, split_inputs
from chainrule.model.layers import LayerOptions
from chainrule.model.parameters import Parameters, slices
from chainrule.reference import LOSSES, Loss, get_activation, get_loss
from chainrule.reference.activations import Ordered

Named = TypeVar("Named")
DTYPES = ("float32", "float64")

#: What other libraries call them, where spelling alone gives no suggestion.
OTHER_NAMES = {
    "bce": "binary_cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "l1": "absolute_error",
    "l2": "squared_error",
    "linear": "identity",
    "log_loss": "cross_entropy",
    "logistic": "sigmoid",
    "mae": "absolute_error",
    "mse": "squared_error",
    "nll": "cross_entropy",
    "pinball": "quantile",
    "smooth_l1": "huber",
    "sparse_categorical_crossentropy": "cross_entropy",
    "swish": "silu",
}


@dataclass(frozen=True)
class Architecture:
    """A network without its numbers. Every instance is one that the engine can build.

    Attributes
    ----------
    sizes : tuple of int
        n_1, ..., n_{l+1}: widths of the layers of neurons, input and output included.
    activations : tuple of str
        One per layer of weights, the output layer's last.
    loss : Loss
        The loss with its settings.
    dtype : numpy.dtype
        float32 or float64.
    layers : LayerOptions
        What hidden layers have beside weights, biases and activation.
    inputs : tuple of InputLayer
        What stands before the first product; none: x_1 is the data.
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    loss: Loss
    dtype: np.dtype[Any]
    layers: LayerOptions
    inputs: tuple[InputLayer, ...] = ()

    @classmethod
    def of(
        cls,
        sizes: Any,
        activation: Any,
        output_activation: Any,
        loss: Any,
        dtype: Any,
        *,
        dropout: Any = 0.0,
        layer_norm: Any = False,
        residual: Any = False,
        parametric: Any = False,
        inputs: Any = None,
    ) -> Self:
        """Check everything that `Network` is given; its docstring says what raises what."""
        sizes = check_sizes(sizes)
        loss = as_loss(loss)
        hint = " (the output layer's is output_activation)"
        hidden = hidden_activations(activation, len(sizes) - 2, hint)
        if output_activation is None:
            output_activation = loss.default_output_activation
        output = named(get_activation, output_activation, "output_activation")
        if output.label == "ordered" and 1 < loss.outputs_per_target < sizes[-1]:
            output = Ordered(loss.outputs_per_target)
        problem = loss.output_problem(output, sizes[-1])
        if problem:
            raise ValueError(f"loss {loss.name!r} {problem}")
        given = check_inputs(inputs, sizes[0])
        widths = (width(given, sizes[0]), *sizes[1:])
        layers = LayerOptions.of(widths, dropout, layer_norm, residual, parametric)
        check_parametric(layers.parametric, hidden)
        checked = cls(sizes, (*hidden, output.label), loss, check_dtype(dtype), layers, given)
        check_memory(checked.n_parameters, checked.dtype, f"sizes {list(sizes)}", "; use smaller sizes")
        return checked

    @functools.cached_property
    def n_parameters(self) -> int:
        """The number of weights and biases, and of all else that is learned; no array may hold so many."""
        # Of layers of one unit, because the engine refuses what cannot be built, and messages have its size.
        narrow = _engine.layout(
            [1] * len(self.sizes),
            (*self.activations[:-1], "identity"),
            layer_norm=self.layers.layer_norm,
            parametric=self.layers.parametric,
        )
        ends = [(place.layer + 2 - len(place.shape), place.layer + 2) for place in narrow]
        shapes = [shape for layer in self.inputs for shape in layer.shapes(self.widths[0]).values()]
        return sum(math.prod(self.widths[begin:end]) for begin, end in ends) + sum(map(math.prod, shapes))

    @functools.cached_property
    def widths(self) -> tuple[int, ...]:
        """Of x_1, and of the layers behind it: rows and columns of the weights."""
        return (width(self.inputs, self.sizes[0]), *self.sizes[1:])

    @property
    def engine_inputs(self) -> list[Any]:
        """The input layers as the engine takes them."""
        return [layer.engine for layer in self.inputs]

    @functools.cached_property
    def places(self) -> list[_engine.Place]:
        """Where a flat array has what is learned."""
        return _engine.layout(
            self.sizes,
            self.activations,
            layer_norm=self.layers.layer_norm,
            parametric=self.layers.parametric,
            inputs=self.engine_inputs,
        )

    @functools.cached_property
    def _places(self) -> Parameters:
        return slices(self.places, len(self.activations))

    def split_inputs(self, flat: Floats) -> list[LearnedInput]:
        """View a flat array as what the input layers have learned."""
        return split_inputs(flat, self.inputs, self.places) if self.inputs else []

    def split(self, flat: Floats) -> Parameters:
        """View a flat array as this network's parameters, but for those of input layers.

        Axes before the last stay in front: rows of flat gradients become (n_samples, n_k, n_{k+1}).
        """
        front, places = flat.shape[:-1], self._places
        kinds: list[Any] = [[p and flat[..., p[0]].reshape(front + p[1]) for p in kind] for kind in places]
        return Parameters(*kinds)

    @property
    def shown_loss(self) -> Any:
        """The loss's name, or the loss where its settings are not the default ones, or the function."""
        if isinstance(self.loss, CustomLoss):
            return self.loss.function if self.loss.known else self.loss.name
        return self.loss.name if self.loss == LOSSES.get(self.loss.name) else self.loss

    @property
    def loss_settings(self) -> dict[str, Any]:
        """The loss's settings, for a file."""
        return {} if isinstance(self.loss, CustomLoss) else asdict(self.loss)

    @property
    def dtype_name(self) -> Literal["float32", "float64"]:
        """The dtype as the engine names it."""
        return "float32" if self.dtype.itemsize == 4 else "float64"


def check_sizes(sizes: Any) -> tuple[int, ...]:
    """At least two whole numbers of at least 1."""
    if isinstance(sizes, str | bytes | Set | Mapping) or not isinstance(sizes, Iterable):
        raise TypeError(
            f"sizes is {sizes!r}; expected a list of whole numbers, inputs first and outputs last, such as"
            " [3, 5, 1]"
        )
    checked = tuple(whole_number(f"sizes[{k}]", size, 1) for k, size in enumerate(sizes))
    if len(checked) < 2:
        raise ValueError(
            f"sizes is {list(checked)}; expected at least the number of inputs and the number of outputs,"
            " such as [3, 1]"
        )
    return checked


def named(look_up: Callable[[str], Named], name: Any, what: str) -> Named:
    """Look up an activation or a loss by its name."""
    if not isinstance(name, str):
        raise TypeError(f"{what} is {name!r}; expected a name")
    if name in OTHER_NAMES:
        raise ValueError(f"unknown {what} {name!r}; did you mean {OTHER_NAMES[name]!r}?")
    return look_up(name)


def as_loss(loss: Any) -> Loss:
    """Return the loss of that name, a `Loss` as it is, or a function as a `CustomLoss`."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, type):
        raise TypeError(f"loss is {loss!r}; expected a name, a loss or a function: {loss.__name__}(...)")
    if callable(loss):
        custom = CustomLoss(loss)
        if not (custom.takes(2) or custom.takes(3)):
            raise TypeError(
                f"loss is {loss!r}; expected a function of (predictions, targets) or (predictions, targets,"
                " sample_weight) that returns (value, gradient)"
            )
        return custom
    return named(get_loss, loss, "loss")


def saved_loss(name: str, settings: dict[str, Any]) -> Loss:
    """Return the loss that a file names; that of a function has none yet."""
    return CustomLoss() if name == CustomLoss.name else type(get_loss(name))(**settings)


def hidden_activations(activation: Any, n_hidden: int, hint: str = "") -> list[str]:
    """One name per hidden layer, from one name for all or a list; `hint` ends a message."""
    if isinstance(activation, str):
        n_names = max(n_hidden, 1)  # the name is checked even where no layer uses it
        checked = [named(get_activation, activation, "activation")] * n_names
    elif isinstance(activation, Iterable):
        checked = [named(get_activation, name, f"activation[{k}]") for k, name in enumerate(activation)]
        if len(checked) != n_hidden:
            raise ValueError(
                f"activation is a list of {len(checked)} for {n_hidden} hidden layers; expected one name"
                f" for all or a list with one per hidden layer{hint}"
            )
    else:
        raise TypeError(f"activation is {activation!r}; expected a name or a list of names")
    for one in checked:
        if one.output_only:
            raise ValueError(
                f"activation {one.name!r} is for the output layer only; give it as output_activation"
            )
    return [one.name for one in checked][:n_hidden]


def check_parametric(parametric: tuple[bool, ...], activations: list[str]) -> None:
    """Refuse E12 around an activation that learns something itself."""
    for k, activation in enumerate(activations):
        if parametric[k] and get_activation(activation).hidden_only:
            raise ValueError(
                f"activation {activation!r} has a parameter of its own, so that layer {k + 1} cannot be"
                " parametric; expected one such as 'mish' or 'selu', or parametric=False"
            )


def check_dtype(dtype: Any) -> np.dtype[Any]:
    """Float32 or float64, from a name, a type or a dtype."""
    try:
        checked: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError):
        checked = np.dtype(object)
    if dtype is None or checked.name not in DTYPES or not checked.isnative:
        raise ValueError(f"dtype is {dtype!r}; expected 'float32' or 'float64'")
    return checked


def check_memory(n_parameters: int, dtype: np.dtype[Any], owner: str, advice: str) -> None:
    """Refuse what cannot be built before the operating system promises memory that it does not have.

    Parameters
    ----------
    n_parameters, dtype
        Of the network.
    owner, advice : str
        How the message begins and ends: whose parameters they are, and what to do.

    Raises
    ------
    ValueError
        For more parameters than an array can have.
    MemoryError
        For more than the machine's memory.
    """
    n_bytes = n_parameters * dtype.itemsize
    message = f"{owner} have {n_parameters:,} parameters, {n_bytes / 1e9:,.1f} GB in {dtype.name}"
    if n_bytes > np.iinfo(np.intp).max:
        raise ValueError(f"{message}: more than memory can address{advice}")
    installed = installed_memory()
    if installed is not None and n_bytes > installed:
        raise MemoryError(f"{message}, but this machine has {installed / 1e9:,.1f} GB of memory{advice}")


@functools.cache
def installed_memory() -> int | None:
    """Return the machine's memory in bytes, or None where it does not say."""
    try:
        n_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    return n_bytes if n_bytes > 0 else None
