"""`derive`: the backpropagation of a given network, written out, with its numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .backward import backward_steps
from .batch import batch_steps
from .context import Context
from .corrections import CORRECTIONS, Correction
from .expression import Floats
from .forward import forward_steps
from .general import general_steps
from .model import Model, as_model
from .notation import Notation
from .own_loss import RowLoss
from .program import Numbers
from .sample import given_arrays, read_masks, read_sample
from .steps import Step
from .update import check_optimizer, optimizer_of, update_steps
from .words import LANGUAGES, Language

if TYPE_CHECKING:
    from .verify import VerificationReport


class Derivation(Sequence[Step]):
    """The steps of a network's backpropagation, in order, and their numbers.

    Made by `derive`. A sequence of `Step`; `step("delta.2")` finds one by its key.

    Attributes
    ----------
    model : Model
        The network.
    steps : tuple of Step
        From the definition to one update of the optimizer.
    language : {"en", "zh"}
        In which it is written where nothing else is said.
    bias_sign : {"-", "+"}
        Whether net = x W - b, or x W + b.
    n_samples : int
        Rows of the sample; 0 for a derivation without numbers.
    corrections : tuple of Correction
        Slips of the seed document that are mended; empty for other networks.
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

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: Any) -> Any:
        return self.steps[index]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def step(self, key: str) -> Step:
        """Return a step by its key, such as "delta.2" or "dW.1"; KeyError with a hint for another."""
        if key not in self._by_key:
            from difflib import get_close_matches

            close = get_close_matches(key, self._by_key, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise KeyError(f"no step {key!r}; {hint}keys: {', '.join(self._by_key)}")
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

    def to_text(self, *, language: Language | None = None, width: int = 100, numbers: bool = True) -> str:
        """Write everything as aligned Unicode text.

        Parameters
        ----------
        language : {"en", "zh"}, optional
            By default the derivation's.
        width : int
            Columns of the terminal.
        numbers : bool
            Whether to print the values.
        """
        from .render.document import to_text

        return to_text(self, language or self.language, width, numbers)

    def verify(self, tolerance: float = 1e-10, *, raise_on_failure: bool = True) -> VerificationReport:
        """Compute the number of every step again: as written, by the reference, the engine, the complex step.

        Every form of a step is evaluated as it stands, matrix by matrix, diagonal Jacobians as matrices and
        each fraction ∂·/∂· by the complex step through the definitions. A derivation without numbers is
        verified with parameters and a sample drawn at random.

        Parameters
        ----------
        tolerance : float
            Largest difference over the largest magnitude that passes; more where terms cancel (64 roundings
            of their magnitude), and 1e-3 for an engine that computes in float32.
        raise_on_failure : bool
            Whether a wrong step raises; without, look at the report.

        Returns
        -------
        VerificationReport
            True where every step passed; printed as a table.

        Raises
        ------
        DerivationError
            An ArithmeticError that names the wrong steps; its `report` is the table.

        Examples
        --------
        >>> import chainrule
        >>> net = chainrule.Network([2, 3, 1], activation="tanh", random_state=0)
        >>> report = chainrule.derive(net, [0.5, -1.0], [2.0]).verify()
        >>> report.passed, max(report.largest.values()) < 1e-13
        (True, True)
        """
        from .drawing import with_numbers
        from .verify import DerivationError, verify

        report = verify(with_numbers(self), tolerance, drawn=self.numbers is None)
        if raise_on_failure and not report:
            wrong = ", ".join(step.key for step in report.steps if not step.passed)
            raise DerivationError(f"the derivation is wrong in: {wrong}\n{report}", report)
        return report

    def to_latex(
        self, *, language: Language | None = None, document: bool = True, numbers: bool = True
    ) -> str:
        r"""Write everything as LaTeX.

        Parameters
        ----------
        language : {"en", "zh"}, optional
            By default the derivation's.
        document : bool
            Whether to write a document, to be compiled with XeLaTeX; else a fragment for ``\input``, which
            needs the packages amsmath and graphicx.
        numbers : bool
            Whether to print the values.
        """
        from .render.latex_document import to_latex

        return to_latex(self, language or self.language, document=document, numbers=numbers)

    def to_markdown(
        self,
        *,
        language: Language | None = None,
        numbers: bool = True,
        math: Literal["fenced", "dollars"] = "fenced",
    ) -> str:
        """Write everything as Markdown with formulas in LaTeX.

        Parameters
        ----------
        language : {"en", "zh"}, optional
            By default the derivation's.
        numbers : bool
            Whether to print the values.
        math : {"fenced", "dollars"}
            Formulas in fences that say "math", for GitHub and GitLab, or between $$, for Jupyter, MyST and
            Pandoc.

        Raises
        ------
        ValueError
            For another value of `math`.
        """
        if math not in ("fenced", "dollars"):
            raise ValueError(f"math is {math!r}; expected 'fenced' or 'dollars'")
        from .render.markdown import to_markdown

        return to_markdown(self, language or self.language, numbers=numbers, math=math)

    def to_python(self) -> str:
        """Write the source of `gradients(x, y, weights, biases)` for exactly this network.

        It imports NumPy and nothing else, and returns (loss, weight_gradients, bias_gradients) of the mean
        over the rows. Networks with more in their layers take and return more; its docstring says what.

        Examples
        --------
        >>> scope = {}
        >>> exec(derive([2, 1]).to_python(), scope)
        >>> loss, (dW,), (db,) = scope["gradients"]([1.0, 2.0], [1.0], [np.ones((2, 1))], [np.zeros(1)])
        >>> float(loss), dW.tolist(), db.tolist()
        (2.0, [[2.0], [4.0]], [-2.0])
        """
        from .render.python import to_python

        return to_python(self)

    def _repr_html_(self) -> str:
        from .render.notebook import to_html_fragment

        return to_html_fragment(self, self.language)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as what JSON can hold: structure, symbols, steps in every form, values."""
        from .data import to_dict

        return to_dict(self)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the explorer: one page, which opens from disk, in which the sample walks through every step.

        Parameters
        ----------
        path : str or path-like
            The file to write, such as "derivation.html"; it appears whole or not at all.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OSError
            Where the file cannot be written.
        """
        from .page import write

        return write(self, path)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.model.sizes))
        sample = f", {self.n_samples} rows" if self.n_samples else ""
        return f"<Derivation of {sizes}, {len(self.steps)} steps{sample}>"


def derive(
    network: Any,
    x: Any = None,
    y: Any = None,
    *,
    language: Language = "en",
    bias_sign: str = "-",
    activation: Any = None,
    output_activation: Any = None,
    loss: Any = None,
    masks: Sequence[Any] | None = None,
    optimizer: Any = None,
) -> Derivation:
    """Derive the backpropagation of a network, step by step, with the numbers of a sample.

    Parameters
    ----------
    network : Network, fitted estimator (ours or scikit-learn's), or list of sizes
        What to derive. Sizes such as [3, 5, 4, 3] give formulas and shapes without numbers.
    x : array-like, shape (n_1,) or (n_samples, n_1), optional
        The sample. One row walks through every step; a batch also shows where the sum over rows enters.
    y : array-like, optional
        Its targets, as `Network.gradients` takes them; for an estimator, in the labels and units that it was
        fitted with.
    language : {"en", "zh"}
        Of the words; formulas have none.
    bias_sign : {"-", "+"}
        "-" writes net = x W - b, as the seed and the engine do; "+" writes x W + b, with b of the other sign.
    activation, output_activation, loss : str, Activation or Loss, optional
        With a list of sizes; by default "relu", the loss's own and "squared_error".
    masks : sequence of array-like or None, optional
        Per layer, the multipliers of dropout (E10), shape (n_samples, n_units), None for a layer without; by
        default 1 everywhere, as when the network predicts.
    optimizer : SGD, Adam, ..., optional
        Whose first update ends the derivation; by default an estimator's own, else ``SGD(0.1)``.

    Returns
    -------
    Derivation
        A sequence of steps with `to_text`, `to_latex`, `to_markdown`, `to_html`, `to_python`, `to_dict` and
        `verify`.

    Raises
    ------
    TypeError, ValueError
        For anything that is no network, arrays that do not fit it, and settings that are not known.

    Examples
    --------
    >>> derivation = derive([3, 5, 4, 3], activation="sigmoid", output_activation="sigmoid")
    >>> derivation.step("delta.2").equation
    'E5'
    >>> [correction.ours for correction in derivation.corrections][1]
    'hidden₁ B'
    """
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}; expected 'en' or 'zh'")
    if bias_sign not in ("-", "+"):
        raise ValueError(f"bias_sign is {bias_sign!r}; expected '-' or '+'")
    model = as_model(network, activation, output_activation, loss)
    rows, targets = read_sample(model, x, y)
    if optimizer is not None:
        check_optimizer(optimizer)
    return build(model, rows, targets, masks, language, bias_sign, optimizer)


def build(
    model: Model,
    x: Floats | None,
    y: Floats | None,
    masks: Sequence[Any] | None,
    language: Language,
    bias_sign: str,
    optimizer: Any = None,
) -> Derivation:
    """Derive a model with checked rows and targets, or with none."""
    notation = Notation(model.sizes, seed=model.is_the_seeds and bias_sign == "-")
    context = Context(model, notation, bias_sign, 0 if x is None else len(x))
    builders = (forward_steps, backward_steps, general_steps, batch_steps)
    steps = [step for build_steps in builders for step in build_steps(context)]
    context.optimizer = optimizer_of(model, context.n_samples) if optimizer is None else optimizer
    updates, settings = update_steps(context, context.optimizer)
    numbers = None if x is None or y is None else _numbers(context, x, y, masks, settings)
    return Derivation(context, [*steps, *updates], numbers, language)


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
    arrays |= {"x.1": x[:, None, :], "y": y[:, None, :]}
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
