"""A model that preprocesses, taken apart: what comes before the network, and the network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from chainrule.export.description import Description, Meaning, describe
from chainrule.tables.preprocessing import Preprocessor


class Parts(NamedTuple):
    """A model's parts.

    Attributes
    ----------
    before : list of scikit-learn transformers, or Preprocessor
        What turns a row into the network's inputs; the empty list for nothing.
    network : Description
    """

    before: list[Any] | Preprocessor
    network: Description


def take_apart(model: Any) -> Parts:
    """Take apart a Network, an estimator, a TableModel, a Pipeline that ends in one; of a search the best.

    Raises TypeError for anything else, and as `describe`.
    """
    model = getattr(model, "best_estimator_", model)
    if hasattr(model, "preprocessor") and hasattr(model, "target"):
        return Parts(model.preprocessor, _with_target(describe(model.estimator), model.target))
    if hasattr(model, "steps"):
        *before, (_, last) = model.steps
        return Parts(
            [step for _, step in before if step is not None and step != "passthrough"], describe(last)
        )
    return Parts([], describe(model))


def _with_target(network: Description, target: Any) -> Description:
    """Give the outputs the meaning that a table's column has."""
    if hasattr(target, "classes"):
        meaning = replace(network.meaning, classes=list(target.classes))
    else:
        meaning = Meaning(scale=target.scale, mean=target.shift)
    return replace(network, meaning=meaning)
