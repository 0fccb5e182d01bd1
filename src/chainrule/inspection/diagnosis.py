"""diagnose: look at a trained network and say what went wrong, and what to do."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from chainrule.inspection.checks import CHECKS
from chainrule.inspection.examined import Examined
from chainrule.inspection.html import card
from chainrule.training.scales import Finding


class TrainingWarning(ConvergenceWarning):  # type: ignore[misc]  # scikit-learn has no types
    """Something about a training that `diagnose` found, and what to do."""


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found; text when printed, HTML in a notebook.

    Attributes
    ----------
    findings : tuple of Finding
        In the order in which to look into them; empty where all is well.
    summary : str
        What was looked at.

    Examples
    --------
    >>> print(Diagnosis((), "Network 3-5-1, 8 rows"))
    Network 3-5-1, 8 rows: nothing to complain about.
    """

    findings: tuple[Finding, ...]
    summary: str

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def codes(self) -> list[str]:
        """The findings' names."""
        return [finding.code for finding in self.findings]

    def warn(self) -> None:
        """Emit each finding as a `TrainingWarning`, which is a `ConvergenceWarning`."""
        for finding in self.findings:
            warnings.warn(f"{finding} [{finding.code}]", TrainingWarning, stacklevel=2)

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __str__(self) -> str:
        if self.ok:
            return f"{self.summary}: nothing to complain about."
        lines = [f"{self.summary}:"]
        for i, finding in enumerate(self.findings, 1):
            lines += [f"{i}. {finding.message[0].upper()}{finding.message[1:]}. [{finding.code}]"]
            lines += [f"   {finding.advice}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if self.ok:
            return card(f"<b>{escape(self.summary)}</b>: nothing to complain about.", "")
        items = "".join(
            f'<li style="margin:.35em 0">{escape(finding.message[0].upper() + finding.message[1:])}. '
            f'<code style="opacity:.7">{finding.code}</code><br><b>{escape(finding.advice)}</b></li>'
            for finding in self.findings
        )
        return card(
            f"<b>{escape(self.summary)}</b>", f'<ol style="font-size:13px;padding-left:1.6em">{items}</ol>'
        )


def diagnose(model: Any, X: Any, y: Any = None, *, history: Any = None) -> Diagnosis:
    """Look at a trained network and say what went wrong, and what to do about it.

    Looked for are: numbers that are not finite; how the loss curve ends (still falling, oscillating, rising,
    stuck); a validation loss that rose again; inputs and targets that are not scaled or out of reach;
    outputs at their limits and wrong; dead rectified units; saturated hidden units. It costs one forward
    pass over at most 5,000 rows.

    Parameters
    ----------
    model : Network or fitted estimator
        Or a pipeline, search or `TableModel` around one.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Rows, best those of the training: as `model.predict` takes them.
    y : array-like, optional
        Their targets. Without them the outputs are not judged.
    history : History, optional
        What `Network.train` returned; estimators keep their own curve.

    Returns
    -------
    Diagnosis
        The findings, each with advice.

    Raises
    ------
    NotFittedError
        For an estimator that has not been fitted.
    TypeError, ValueError
        For what is no model of ours, or rows that do not fit it.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from chainrule import Network, diagnose
    >>> X, y = load_wine(return_X_y=True)
    >>> net = Network([13, 20, 3], activation="gelu", loss="cross_entropy", random_state=0)
    >>> print(diagnose(net, X))  # doctest: +ELLIPSIS
    Network 13-20-3, 178 rows:
    1. 2 of 13 columns are not scaled: column 12 has a root mean square of 810, where about 1 suits... \
[inputs-not-scaled]
       Put sklearn.preprocessing.StandardScaler before the network.
    """
    seen = Examined.of(model, X, y, history)
    findings = tuple(finding for check in CHECKS for finding in check(seen))
    network = "-".join(map(str, seen.network.sizes))
    return Diagnosis(findings, f"{type(seen.model).__name__} {network}, {len(seen.x):,} rows")
