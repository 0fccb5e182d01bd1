"""A model that preprocesses, taken apart: what comes before the network, and the network."""

from typing import Any, NamedTuple

import numpy as np

from chainrule.description import Description, describe
from chainrule.description.unwrapping import best_of, is_ours, steps_of


class Parts(NamedTuple):
    """A model's parts.

    Attributes
    ----------
    before : list of scikit-learn transformers
        What turns a row into the network's inputs; a table's columns are in the description.
    network : Description
    """

    before: list[Any]
    network: Description


def take_apart(model: Any) -> Parts:
    """Take apart a Network, an estimator, a TableModel, a Pipeline that ends in one; of a search the best.

    Raises as `exportable`.
    """
    before, last = steps_of(best_of(model))
    return Parts(before, exportable(last))


def exportable(model: Any) -> Description:
    """Describe a model of ours as exports write it: numbers in the target's own units, if they can be.

    Raises
    ------
    TypeError
        For anything else; a description will do.
    ValueError
        For parameters that are not finite.
    sklearn.exceptions.NotFittedError
        For an estimator before `fit`.
    """
    if not (is_ours(model) or isinstance(model, Description)):
        raise TypeError(
            f"a {type(model).__name__} cannot be exported; expected a Network, MLPClassifier, MLPRegressor, "
            "TableModel, or a scikit-learn Pipeline that ends in one of our estimators"
        )
    described = describe(model)
    if described.columns is None:  # a table's numbers are scaled in float64, whatever the network computes in
        described = described.in_own_units()
    for k, layer in enumerate(described.layers, start=1):
        for name, array in layer.arrays.items():
            if not np.isfinite(array).all():
                raise ValueError(f"{name} of layer {k} are not finite; train the model again")
    for i, (_, layers) in enumerate(described.inputs):
        for one in layers:
            if not all(np.isfinite(getattr(one, name)).all() for name in one.learned):
                raise ValueError(f"numbers of inputs[{i}] are not finite; train the model again")
    return described
