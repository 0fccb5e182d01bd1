"""What each column of a table is worth to a model, and how much its predictions move with it.

Importance is that of permutation: how much worse a measure gets where one column's values are dealt out
anew among the rows. Sensitivity is in the predictions' own units: for numbers the mean of |dŷ/dx| times the
column's spread, for categories the mean change where a row gets another row's value. Both are of the user's
columns, whatever features a network makes of them.

Source: L. Breiman, Random forests, Machine Learning 45, 2001; A. Fisher, C. Rudin and F. Dominici, All models
are wrong, but many are useful, JMLR 20, 2019.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule._words import counted, did_you_mean, listed
from chainrule.files.atomic import atomic_path
from chainrule.inspection.pictures import COLORS, axes_grid
from chainrule.table_models.ensembles import outputs_of_inputs
from chainrule.table_models.evaluation import Evaluation
from chainrule.tables.columns import NumberColumn
from chainrule.tables.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

#: Of more rows so many are drawn.
MOST_ROWS = 10_000
#: Rows whose derivatives are taken.
DERIVED_ROWS = 1_000
#: Measures that get better as they fall.
ERRORS = ("log_loss", "rmse", "mae")
#: Columns in a picture.
MOST_BARS = 30


@dataclass(frozen=True)
class Importance:
    """What one column is worth.

    Attributes
    ----------
    column : str
    mean, deviation : float
        By how much the measure gets worse without the column's order, over the repeats.
    sensitivity : float
        How much predictions move with the column: in the target's units; of classes the share of the
        probability; of several targets in their standard deviations.
    """

    column: str
    mean: float
    deviation: float
    sensitivity: float


@dataclass(frozen=True)
class Explanation:
    """What the columns of a table are worth to a model.

    Attributes
    ----------
    importances : list of Importance
        The greatest first.
    metric : str
        What was measured.
    value : float
        That, with all columns as they are.
    n_samples, n_repeats : int
        Rows that were asked, and how often each column was permuted.
    """

    importances: list[Importance]
    metric: str
    value: float
    n_samples: int
    n_repeats: int

    def __str__(self) -> str:
        rows = [
            [one.column, f"{one.mean:.4f}", f"± {one.deviation:.4f}", f"{one.sensitivity:.4g}"]
            for one in self.importances
        ]
        head = ["column", f"{self.metric} lost", "", "sensitivity"]
        widths = [max(len(row[k]) for row in [head, *rows]) for k in range(4)]
        lines = [
            "  ".join(cell.ljust(width) if k == 0 else cell.rjust(width) for k, (cell, width) in pairs)
            for pairs in (enumerate(zip(row, widths, strict=True)) for row in [head, *rows])
        ]
        found = f"{self.metric} {self.value:.4f} on {counted(self.n_samples, 'row')}"
        return "\n".join([f"{found}, {counted(self.n_repeats, 'repeat')}", "", *lines])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the importances as bars, with their deviations.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            By default those of a new figure.

        Returns
        -------
        matplotlib Axes
        """
        shown = self.importances[:MOST_BARS][::-1]
        size = (6.4, 1.2 + 0.28 * len(shown))
        ax = axes_grid("Explanation.plot", ax, 1, size=size)[0]
        means, deviations = [one.mean for one in shown], [one.deviation for one in shown]
        ax.barh([_short(one.column) for one in shown], means, xerr=deviations, color=COLORS[0], height=0.7)
        ax.axvline(0, color="0.3", linewidth=0.8)
        ax.set_xlabel(f"{self.metric} lost where the column is permuted")
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def save(self, path: Any) -> None:
        """Write the picture: .svg, .png or .pdf, or .html, a page with picture and table.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        ParameterError
            For another ending.
        ImportError
            Where matplotlib is not installed.
        """
        path = Path(path)
        check_ending(path)
        ending = path.suffix.lower().removeprefix(".")
        figure: Any = self.plot().figure
        import matplotlib.pyplot as plt

        try:
            with atomic_path(path) as temporary:
                if ending == "html":
                    temporary.write_text(self._page(figure), encoding="utf-8")
                else:
                    figure.savefig(temporary, format=ending)
        finally:
            plt.close(figure)

    def _page(self, figure: Any) -> str:
        import html
        import io

        picture = io.StringIO()
        figure.savefig(picture, format="svg")
        svg = picture.getvalue()
        return (
            '<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>Columns</title>\n'
            '<body style="font-family: sans-serif; max-width: 60em; margin: 2em auto">\n'
            f"{svg[svg.index('<svg') :]}\n<pre>{html.escape(str(self))}</pre>\n</body></html>\n"
        )


def check_ending(path: Path) -> None:
    """Raise ParameterError for a picture's file of an unknown kind."""
    if path.suffix.lower() not in (".svg", ".png", ".pdf", ".html"):
        raise ParameterError(f"{path} has none of the endings .svg, .png, .pdf, .html", "out")


def explain(
    model: Any,
    X: Any,
    measure: Callable[[Any], Evaluation],
    *,
    metric: str | None,
    target: str | None,
    n_repeats: int,
    seed: int,
) -> Explanation:
    """Find out what the columns are worth.

    Parameters
    ----------
    model : TableModel
    X : ndarray or pyarrow.Table
        Rows as its estimator takes them.
    measure : callable
        Evaluates what the model gives for those rows.
    metric, target, n_repeats, seed
        As `TableModel.explain` has them.
    """
    names = model.target.names
    if target is not None and target not in names:
        hint = did_you_mean(target, names)
        raise ParameterError(
            f"the model predicts {listed(names)}, not {target!r}" + (f"; {hint}" if hint else ""), "target"
        )
    one = len(names) > 1 and target is not None
    output = names.index(target) if one and target is not None else None

    def value(given: Floats) -> float:
        found = measure(given)
        measures = found.targets[target].measures if one and target is not None else found.measures
        if wanted not in measures:
            raise ParameterError(f"got {wanted!r}, expected one of {', '.join(measures)}", "metric")
        return measures[wanted]

    wanted = metric or ("accuracy" if model.task == "classification" else "r2")
    sign = -1.0 if wanted in ERRORS else 1.0
    generator = np.random.default_rng(seed)
    rows = _Rows.of(model, X)
    given = rows.given(rows.features)
    start, outputs, slopes = value(given), _outputs(model, given, output), _slopes(model, X, output)
    importances = []
    for column, places in rows.places.items():
        lost, moved = [], []
        for _ in range(n_repeats):
            permuted = rows.features.copy()
            permuted[:, places] = rows.features[generator.permutation(len(X))[:, None], places]
            given = rows.given(permuted)
            lost.append(sign * (start - value(given)))
            moved.append(_distance(model, _outputs(model, given, output) - outputs))
        sensitivity = slopes[column] if column in slopes else float(np.mean(moved))
        importances.append(Importance(column, float(np.mean(lost)), float(np.std(lost)), sensitivity))
    importances.sort(key=lambda one: (-one.mean, -one.sensitivity))
    return Explanation(importances, wanted, start, len(X), n_repeats)


class _Rows(NamedTuple):
    """Rows as networks take them: made once, since what a column makes of them moves with its values.

    Attributes
    ----------
    features : ndarray of shape (n_samples, n_features)
    places : dict of str to list of int
        Which features are a column's.
    given : callable
        Returns probabilities or numbers for features, as `TableModel._outputs` for rows.
    """

    features: NDArray[Any]
    places: dict[str, list[int]]
    given: Callable[[NDArray[Any]], Floats]

    @classmethod
    def of(cls, model: Any, X: Any) -> "_Rows":
        if not model.members:
            blocks = zip(model.preprocessor.columns, model.preprocessor.blocks(), strict=True)
            places = {column.name: list(range(block.start, block.stop)) for column, block in blocks}
            return cls(X, places, model._outputs)
        estimator = model.estimator
        found = estimator._input_places()
        places = {name: found.get(name, []) for name in model.columns}
        n_outputs = model.target.n_outputs
        inputs = estimator.member_inputs(X)
        return cls(inputs, places, lambda rows: outputs_of_inputs(estimator, rows, n_outputs))


def _outputs(model: Any, given: Floats, output: int | None) -> Floats:
    """Return probabilities, or numbers in their own units, as a matrix."""
    outputs = model.target.decode(given) if model.task == "regression" else given
    outputs = outputs.reshape(len(outputs), -1)
    chosen: Floats = outputs if output is None else outputs[:, [output]]
    return chosen


def _distance(model: Any, change: Floats) -> float:
    """Return how far predictions moved: half the sum over classes, the mean over targets."""
    size = np.abs(change)
    if model.task == "classification":
        return float(size.sum(axis=1).mean() / 2)
    units = 1.0 if size.shape[1] == 1 else _spreads_of_targets(model)
    return float((size / units).mean())


def _spreads_of_targets(model: Any) -> Floats:
    """Return the standard deviations of several targets."""
    return np.asarray(model.estimator._target.scale if model.members else model.target.scale)


def _slopes(model: Any, X: Any, output: int | None) -> dict[str, float]:
    """Return mean |dŷ/dx| times the spread of x, of each column of numbers or dates."""
    step = -(-len(X) // DERIVED_ROWS)
    rows = X.take(pa.array(np.arange(0, len(X), step))) if isinstance(X, pa.Table) else X[::step]
    slopes: dict[str, float] = {}
    columns = [column for column in model.preprocessor.columns if isinstance(column, NumberColumn)]
    if isinstance(X, pa.Table):
        jacobian, factors = _of_ensemble(model, rows)
        spreads = {one.name: _spread(X[one.name]) for one in columns}
    else:
        jacobian = model.estimator.jacobian(rows)
        firsts = {
            column.name: block.start
            for column, block in zip(model.preprocessor.columns, model.preprocessor.blocks(), strict=True)
        }
        factors = {one.name: (firsts[one.name], np.ones(len(rows))) for one in columns}
        spreads = {one.name: float(X[:, firsts[one.name]].std()) for one in columns}
        if model.task == "regression":
            jacobian = jacobian * np.reshape(model.target.scale, (1, -1, 1))
    if output is not None:
        jacobian = jacobian[:, [output]]
    for one in columns:
        if one.name in factors:
            place, factor = factors[one.name]
            change = jacobian[:, :, place].astype(np.float64) * factor[:, None] * spreads[one.name]
            slopes[one.name] = _distance(model, change)
    return slopes


def _of_ensemble(model: Any, rows: pa.Table) -> tuple[Floats, dict[str, tuple[int, Floats]]]:
    """Return the averaged outputs' derivatives by the members' inputs, and those inputs' by the columns."""
    estimator = model.estimator
    inputs = estimator.member_inputs(rows)
    jacobian: Any = 0.0
    for member in estimator.members_:
        jacobian = jacobian + member.weight * member.network.jacobian(inputs).astype(np.float64)
    if model.task == "regression":
        jacobian = jacobian * np.reshape(estimator._target.scale, (1, -1, 1))
    preparation, factors = estimator.preparation_, {}
    for k, column in enumerate(preparation.numbers):
        # Its input is z / sqrt(1 + (z/3)^2) of z = (x - center) factor.
        numbers = np.asarray(column.numbers([rows[name] for name in rows.column_names]))
        center, factor = preparation.center[k], preparation.factor[k]
        z = np.where(np.isnan(numbers), 0.0, numbers - center) * factor
        slope = factor * (1 + (z / 3) ** 2) ** -1.5
        factors[column.name] = (k, np.where(np.isnan(numbers), 0.0, slope))
    return jacobian, factors


def _spread(values: pa.ChunkedArray) -> float:
    from chainrule.tables.values import is_date, to_numbers

    numbers = to_numbers("", values, "date" if is_date(values.type) else "number")
    known = numbers[~np.isnan(numbers)]
    return float(known.std()) if known.size else 0.0


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}\u2026"
