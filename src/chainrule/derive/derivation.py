"""A derivation as data: a network's steps in order, and their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from chainrule._words import did_you_mean
from chainrule.derive.backward import backward_steps
from chainrule.derive.batch import batch_steps
from chainrule.derive.context import Context
from chainrule.derive.corrections import CORRECTIONS, Correction
from chainrule.derive.expression import Floats
from chainrule.derive.forward import forward_steps
from chainrule.derive.general import general_steps
from chainrule.derive.model import Model
from chainrule.derive.notation import Notation
from chainrule.derive.own_loss import RowLoss
from chainrule.derive.program import Numbers
from chainrule.derive.sample import given_arrays, model_input, read_masks
from chainrule.derive.steps import Step
from chainrule.derive.update import optimizer_of, update_steps
from chainrule.derive.words import Language


class DerivationData(Sequence[Step]):
    """The steps of a network's backpropagation, and their numbers: what verify and the renderers read.

    `Derivation`, which users have, is this with the ways to write it; its docstring tells the attributes.
    """

    def __init__(
        self, context: Context, steps: Sequence[Step], numbers: Numbers | None, language: Language
    ) -> None:
        self.context = context
        self.model: Model = context.model
        self.steps = tuple(steps)
        self.language: Language = language
        self.bias_sign = context.bias_sign
        self.n_samples = context.n_samples
        self.numbers = numbers
        self.corrections: tuple[Correction, ...] = CORRECTIONS if context.notation.seed else ()
        self._by_key = {step.key: step for step in self.steps}
        if len(self._by_key) != len(self.steps):
            raise AssertionError("two steps have the same key")
        if numbers is not None:
            numbers.run()
            if isinstance(self.model.loss, RowLoss):
                self.model.loss.check(
                    numbers.arrays[context.notation.yhat.key][:, 0, :], numbers.arrays["y"][:, 0, :]
                )
            _evaluate(self.steps, numbers, self.n_samples)

    @classmethod
    def build(
        cls,
        model: Model,
        x: Floats | None,
        y: Floats | None,
        masks: Sequence[Any] | None,
        language: Language,
        bias_sign: str,
        optimizer: Any = None,
    ) -> Self:
        """Derive a model with checked rows and targets, or with none."""
        n_columns = 0 if model.stage is None else model.n_columns
        notation = Notation(model.sizes, model.is_the_seeds and bias_sign == "-", n_columns)
        context = Context(model, notation, bias_sign, 0 if x is None else len(x))
        builders = (forward_steps, backward_steps, general_steps, batch_steps)
        steps = [step for build_steps in builders for step in build_steps(context)]
        context.optimizer = optimizer_of(model, context.n_samples) if optimizer is None else optimizer
        updates, settings = update_steps(context, context.optimizer)
        numbers = None if x is None or y is None else _numbers(context, x, y, masks, settings)
        return cls(context, [*steps, *updates], numbers, language)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: Any) -> Any:
        return self.steps[index]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def step(self, key: str) -> Step:
        """Return a step by its key, such as "delta.2" or "dW.1"; KeyError with a hint for another."""
        if key not in self._by_key:
            hint = did_you_mean(key, self._by_key)
            raise KeyError(f"no step {key!r}; {hint}{' ' * bool(hint)}keys: {', '.join(self._by_key)}")
        return self._by_key[key]

    def value(self, key: str) -> Floats:
        """Return the value of a symbol or of a step's left-hand side.

        Parameters
        ----------
        key : str
            Of a symbol ("W.2", "delta.1") or of a step.

        Returns
        -------
        ndarray
            (rows, columns) for a parameter or a single sample; (n_samples, columns) for rows of a batch, and
            (n_samples, rows, columns) for matrices that each row has for itself.

        Raises
        ------
        ValueError
            Where the derivation has no numbers.
        KeyError
            For a key that has no value.
        """
        if self.numbers is None:
            raise ValueError("this derivation has no numbers; give derive() a network and a sample x, y")
        target = self._by_key[key].target if key in self._by_key else key
        if target not in self.numbers.arrays:
            raise KeyError(f"{key!r} has no value; known: {', '.join(self.numbers.arrays)}")
        return shown(self.numbers.arrays[target])

    def __repr__(self) -> str:
        sample = f", {self.n_samples} rows" if self.n_samples else ""
        return f"<Derivation of {self.model.title}, {len(self.steps)} steps{sample}>"


def shown(array: Floats) -> Floats:
    """Return a value as it is shown: rows stacked as a matrix, one sample's value as its matrix."""
    if array.ndim == 3 and array.shape[0] == 1:
        return np.asarray(array[0])
    return np.asarray(array[:, 0, :] if array.ndim == 3 and array.shape[1] == 1 else array)


def _numbers(
    context: Context, x: Floats, y: Floats, masks: Sequence[Any] | None, settings: dict[str, float]
) -> Numbers:
    """Values of everything that is given."""
    arrays = given_arrays(context.model, context.bias_sign)
    arrays |= {model_input(context.model): x[:, None, :], "y": y[:, None, :]}
    for k, mask in enumerate(read_masks(context.model, masks, len(x)), start=1):
        if mask is not None:
            arrays[f"mask.{k}"] = mask[:, None, :]
    for key, start in settings.items():
        rows, columns = context.notation.symbols[key].shape
        arrays[key] = np.full((int(rows), int(columns)), start)
    return Numbers(context.definitions, arrays)


def _evaluate(steps: Sequence[Step], numbers: Numbers, n_samples: int) -> None:
    """Compute every step by its last form, in order."""
    for step in steps:
        if step.symbolic or step.target in numbers.arrays:
            continue
        value = step.forms[-1].expression.evaluate(numbers)
        numbers.arrays[step.target] = _whole(step, np.asarray(value), n_samples)


def _whole(step: Step, value: Floats, n_samples: int) -> Floats:
    """Spread a constant, such as f' = 1, over the rows and the shape of the step's left-hand side."""
    shape: tuple[Any, ...] = step.lhs.shape
    if step.part not in ("batch", "update"):
        shape = (n_samples, *shape)
    return np.array(np.broadcast_to(value, np.broadcast_shapes(value.shape, shape)))
