"""`derive` and what its result can be written as: the one file that knows the renderers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chainrule.derive.derivation import DerivationData
from chainrule.derive.model import as_model
from chainrule.derive.sample import as_members_see, read_sample
from chainrule.derive.update import check_optimizer
from chainrule.derive.words import LANGUAGES, Language

if TYPE_CHECKING:
    from chainrule.derive.verify import VerificationReport


class Derivation(DerivationData):
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
        Slips of the document that derives this very network (3-5-4-3, sigmoids, squared error); empty for
        other networks.
    """

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
        from chainrule.derive.render.document import to_text

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
        from chainrule.derive.verify import DerivationError, verify

        report = verify(self, tolerance)
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
        from chainrule.derive.render.latex_document import to_latex

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
        from chainrule.derive.render.markdown import to_markdown

        return to_markdown(self, language or self.language, numbers=numbers, math=math)

    def to_python(self) -> str:
        """Write the source of `gradients(x, y, weights, biases)` for exactly this network.

        It imports NumPy and nothing else, and returns (loss, weight_gradients, bias_gradients) of the mean
        over the rows. Networks with more in their layers take and return more; its docstring says what.

        Examples
        --------
        >>> import numpy as np
        >>> scope = {}
        >>> exec(derive([2, 1]).to_python(), scope)
        >>> loss, (dW,), (db,) = scope["gradients"]([1.0, 2.0], [1.0], [np.ones((2, 1))], [np.zeros(1)])
        >>> float(loss), dW.tolist(), db.tolist()
        (2.0, [[2.0], [4.0]], [-2.0])
        """
        from chainrule.derive.render.python import to_python

        return to_python(self)

    def _repr_html_(self) -> str:
        from chainrule.derive.render.notebook import to_html_fragment

        return to_html_fragment(self, self.language)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as what JSON can hold: structure, symbols, steps in every form, values."""
        from chainrule.derive.render.data import to_dict

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
        from chainrule.derive.page import write

        return write(self, path)

    def __str__(self) -> str:
        return self.to_text()


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
        What to derive. Sizes such as [3, 5, 4, 3] give formulas and shapes without numbers. Of an ensemble of
        networks it is the member of the best score, and the derivation says so.
    x : array-like, shape (n_1,) or (n_samples, n_1), optional
        The sample; of a tabular estimator, rows as it was fitted with. One row walks through every step; a
        batch also shows where the sum over rows enters.
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
    rows, targets = read_sample(model, *as_members_see(network, x, y))
    if optimizer is not None:
        check_optimizer(optimizer)
    return Derivation.build(model, rows, targets, masks, language, bias_sign, optimizer)
