"""The optimizer's formula beyond the first update: what it remembers is 0 there, and any sign of it right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule.derive.derivation import DerivationData
from chainrule.derive.drawing import at, draw_numbers
from chainrule.derive.expression import Floats
from chainrule.derive.references import trained
from chainrule.derive.sample import model_input
from chainrule.derive.update import ENTRIES

N_UPDATES = 3


def later_updates(derivation: DerivationData) -> dict[str, tuple[Floats, Floats]]:
    """Return the parameters after some updates, by the formulas and by the engine, from drawn numbers.

    Parameters
    ----------
    derivation : DerivationData
        With numbers, of which settings and memory of the optimizer are taken.

    Returns
    -------
    dict
        By the keys of the updated symbols; empty for formulas of the first update alone.
    """
    numbers, optimizer = derivation.numbers, derivation.context.optimizer
    entry = ENTRIES.get(optimizer.name)
    if numbers is None or entry is None or entry.first_only:
        return {}
    drawn = draw_numbers(derivation, derivation.n_samples, seed=1, masked=False)
    if drawn is None:
        return {}
    model, given = (
        replace(drawn[0], description=None),
        drawn[1],
    )  # in float64: roundings grow from step to step
    symbols = derivation.context.notation.symbols
    computed = {step.target for step in derivation.steps}
    given |= {
        key: numbers.arrays[key]
        for key, symbol in symbols.items()
        if symbol.role in ("setting", "moment") and key in numbers.arrays and key not in computed
    }
    steps = [step for step in derivation.steps if not step.symbolic]
    there = at(derivation, model, given, steps)
    each = getattr(model.loss, "outputs_per_target", 1)
    x, y = given[model_input(model)][:, 0, :], given["y"][:, 0, ::each]
    theirs, origins = trained(there, x, y, n_steps=N_UPDATES)
    for _ in range(N_UPDATES - 1):
        there = at(derivation, model, _carried(there, given, origins), steps)
    return {key: (there.value(key), np.asarray(value, dtype=np.float64)) for key, value in theirs.items()}


def _carried(before: DerivationData, given: dict[str, Floats], origins: dict[str, str]) -> dict[str, Floats]:
    """Return what is given to the next update: new parameters, new memory, and its number."""
    assert before.numbers is not None
    arrays = before.numbers.arrays
    after = {key: arrays[key] for key in given}
    after |= {origin: arrays[key] for key, origin in origins.items()}
    for key, value in arrays.items():
        letter, new, parameter = key.partition(".new.")
        if new and f"{letter}.{parameter}" in given:
            after[f"{letter}.{parameter}"] = value
    if "setting.t" in given:
        after["setting.t"] = arrays["setting.t"] + 1
    return after
