"""The engine's model behind an estimator: `coefs_` and `intercepts_` are views of its parameters."""

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule.estimators.keywords import names
from chainrule.estimators.losses import loss_of, reported_divisor
from chainrule.estimators.protocol import MLP
from chainrule.inputs import check_inputs, width
from chainrule.model.architecture import (
    Architecture,
    check_dtype,
    check_memory,
    check_parametric,
    hidden_activations,
)
from chainrule.model.custom_loss import CustomLoss
from chainrule.model.layers import LayerOptions
from chainrule.model.parameters import NAMES
from chainrule.model.rows import Rows, check_for_inputs
from chainrule.model.trainee import Trainee
from chainrule.reference import get_loss

Floats = NDArray[Any]

#: Attributes that shape the network or its loss: where one changes, the engine's model is another.
SHAPING = ("out_activation_", *names("shapes"))

#: What layers may learn beside weights and intercepts: names of the estimator's lists, in `flat`'s order.
VECTORS = tuple(f"{name}_" for name in NAMES[2:])


class BoundModel(Trainee):
    """A `Trainee`, and the arrays through which an estimator shows and changes its parameters.

    Parameters
    ----------
    architecture : Architecture
    options : tuple
        The estimator's parameters that shaped it, by which it is known again.
    **report
        As for `Trainee`.

    Attributes
    ----------
    coefs, intercepts : lists of ndarray
        Views of `flat`, of shapes (n_k, n_{k+1}) and (n_{k+1},), in scikit-learn's sign: net = x W + b.
    vectors : dict of str to list of ndarray or None
        Views too, one entry per layer, by the names of `VECTORS`; empty where no layer has any.
    """

    __slots__ = ("coefs", "intercepts", "options", "vectors")

    def __init__(self, architecture: Architecture, options: tuple[Any, ...], **report: Any) -> None:
        super().__init__(architecture, bias_sign=1, **report)
        self.options = options
        self.coefs, self.intercepts, *vectors = self.parts
        lists = dict(zip(VECTORS, vectors, strict=True))
        self.vectors = {name: arrays for name, arrays in lists.items() if any(a is not None for a in arrays)}

    @classmethod
    def made_for(cls, mlp: MLP, sizes: Sequence[int], dtype: Any) -> Self:
        """Make a model of these widths, input and output included; `out_activation_` must be known.

        Raises
        ------
        ValueError, TypeError, MemoryError
            For a network that no memory, or not this machine's, can hold; for options that do not fit the
            layers.
        """
        loss, dtype = loss_of(mlp), check_dtype(dtype)
        output = engine_name(mlp.out_activation_)
        # A user who sets another output activation still has a model that predicts.
        fits = output.partition("(")[0] in (*loss.output_activations, "ordered")
        divisor = reported_divisor(loss, sizes[-1]) if fits else float(sizes[-1])
        inputs = check_inputs(mlp.inputs, sizes[0])
        widths = (width(inputs, sizes[0]), *sizes[1:])
        layers = LayerOptions.of(widths, mlp.dropout, mlp.layer_norm, mlp.residual, mlp.parametric)
        hidden = hidden_names(mlp.activation, len(sizes) - 2)
        check_parametric(layers.parametric, hidden)
        loss = loss if fits else get_loss("squared_error")
        architecture = Architecture(tuple(sizes), (*hidden, output), loss, dtype, layers, inputs)
        check_memory(
            architecture.n_parameters,
            dtype,
            f"Layers of {list(sizes)} neurons",
            ". Reduce hidden_layer_sizes.",
        )
        # scikit-learn clips probabilities in the loss that it reports, and averages squared errors over the
        # outputs there, but not in the gradient that it follows.
        floor = float(np.finfo(dtype).eps)
        return cls(architecture, shape_of(mlp), probability_floor=floor, loss_divisor=divisor)

    @classmethod
    def of(cls, mlp: MLP, dtype: Any = None) -> Self:
        """Copy all that an estimator has learned, whoever made the arrays, into a new model."""
        sizes, own = measured(mlp)
        bound = cls.made_for(mlp, sizes, own if dtype is None else dtype)
        bound.read(mlp)
        return bound

    def read(self, mlp: MLP) -> None:
        """Copy the estimator's numbers, of these shapes."""
        pairs: list[Any] = [(self.coefs, mlp.coefs_), (self.intercepts, mlp.intercepts_)]
        pairs += [(views, getattr(mlp, name, ())) for name, views in self.vectors.items()]
        for views, arrays in pairs:
            for view, values in zip(views, arrays, strict=False):
                if view is not None and values is not None:
                    view[...] = values
        for own, given in zip(self.inputs, getattr(mlp, "inputs_", ()), strict=False):
            for name in own.arrays:
                setattr(own, name, given.arrays[name])

    def serves(self, mlp: MLP) -> bool:
        """Whether this is still the estimator's network: nobody replaced an array or an activation."""
        return (
            self.options == shape_of(mlp)
            and len(self.coefs) == len(mlp.coefs_) == len(mlp.intercepts_)
            and all(map(operator.is_, self.coefs, mlp.coefs_))
            and all(map(operator.is_, self.intercepts, mlp.intercepts_))
            and all(
                all(map(operator.is_, arrays, getattr(mlp, name, ())))
                for name, arrays in self.vectors.items()
            )
            and (not self.inputs or all(map(operator.is_, self.inputs, getattr(mlp, "inputs_", ()))))
        )

    def fits(self, mlp: MLP) -> bool:
        """Whether the estimator's numbers, whoever made them, are those of a network like this."""
        sizes, dtype = measured(mlp)
        return self.options == shape_of(mlp) and (sizes, dtype) == (self.model.sizes, self.dtype)

    def rows(self, x: Any, y: Any = None, sample_weight: Floats | None = None) -> Rows:
        """Return validated rows as the engine takes them: x (n_samples, n_features), an array or sparse.

        Raises
        ------
        ValueError
            For values that the dtype cannot hold.
        """
        loss = self.architecture.loss
        custom = loss if isinstance(loss, CustomLoss) and y is not None else None
        check_for_inputs(self.architecture, x, "X")
        if custom is not None:
            custom.check_weights(sample_weight)
        advice = "scale it, or fit with X in float64"
        return Rows(x, y, sample_weight, custom).cast(self.dtype, ("X", "y", "sample_weight"), advice)

    def dataset(self, x: Any, y: Any = None, sample_weight: Floats | None = None) -> _engine.Dataset:
        """Hand validated rows to the engine."""
        return self.rows(x, y, sample_weight).dataset(self.model)


def shape_of(mlp: MLP) -> tuple[Any, ...]:
    """Return the parameters that shape the network; compared on each prediction, so nothing is computed."""
    values = mlp.__dict__
    return tuple([values.get(name) for name in SHAPING])


def hidden_names(activation: Any, n_hidden: int) -> list[str]:
    """Return the engine's names of the hidden layers' activations, from one for all or a list."""
    if isinstance(activation, str):
        return hidden_activations(engine_name(activation), n_hidden)
    return hidden_activations([engine_name(one) for one in activation], n_hidden)


def engine_name(activation: str) -> str:
    """Translate scikit-learn's name of an activation into the engine's."""
    return "sigmoid" if activation == "logistic" else activation


def measured(mlp: MLP) -> tuple[list[int], np.dtype[Any]]:
    """Read the number of columns, the widths of the layers and the dtype off the weights, and check them."""
    coefs, intercepts = list(map(np.asarray, mlp.coefs_)), list(map(np.asarray, mlp.intercepts_))
    shapes = [coef.shape for coef in coefs]
    fits = (
        all(len(shape) == 2 for shape in shapes)
        and all(before[1] == after[0] for before, after in pairwise(shapes))
        and [intercept.shape for intercept in intercepts] == [shape[1:] for shape in shapes]
    )
    if not fits or not shapes:
        raise ValueError(
            "coefs_ and intercepts_ must have shapes (n_1, n_2), (n_2, n_3), ... and (n_2,), (n_3,), ..., "
            f"but have {shapes} and {[intercept.shape for intercept in intercepts]}."
        )
    n_columns = shapes[0][0]
    if mlp.inputs is not None:
        taken = [column for layer in mlp.inputs for column in getattr(layer, "taken", ())]
        n_columns = 1 + max(taken, default=0)
        expected = width(check_inputs(mlp.inputs, n_columns), n_columns)
        if shapes[0][0] != expected:
            raise ValueError(
                f"inputs give {expected} columns to the first layer, but coefs_[0] has {shapes[0][0]} rows."
            )
    single = np.result_type(*coefs, *intercepts) == np.float32
    return [n_columns, *(shape[1] for shape in shapes)], np.dtype(np.float32 if single else np.float64)
