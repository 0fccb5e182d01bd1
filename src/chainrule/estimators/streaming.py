"""Estimators on rows that are read while they train."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier

from chainrule._words import listed
from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.data import weigh_classes
from chainrule.estimators.protocol import MLP
from chainrule.estimators.rows import learned
from chainrule.model.arrays import Floats, as_floats
from chainrule.model.rows import Rows
from chainrule.stream import StreamError
from chainrule.stream.held_out import EVERY_ROW, MOST_HELD_OUT, HeldOut
from chainrule.stream.rows import StreamedRows
from chainrule.stream.source import StreamSource
from chainrule.stream.targets import MOST_LABELS
from chainrule.training.source import Source


class Stream:
    """A fit's rows: some that stand for all of them, and the source that reads them.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
    rows : ParquetRows
    y, sample_weight : None
        The rows have columns for them.
    incremental : bool
        Whether it is a `partial_fit`, which takes arrays.

    Attributes
    ----------
    X : pyarrow.Table or ndarray
        Some rows.
    y : ndarray
        Their targets; every label is among them.
    """

    def __init__(
        self, mlp: MLP, rows: StreamedRows, y: Any, sample_weight: Any, *, incremental: bool
    ) -> None:
        import pyarrow as pa

        if incremental:
            raise TypeError("partial_fit takes arrays, got ParquetRows; fit(rows, None) reads them all")
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise TypeError(
                    f"{name} is given beside ParquetRows, which have a column for it; expected None"
                )
        if mlp.solver == "lbfgs":
            raise ValueError(
                "solver='lbfgs' takes all rows at once, so ParquetRows are not for it; use 'adam'"
            )
        self.mlp, self.rows = mlp, rows
        self.held_out = EVERY_ROW
        self.summary = rows.summary()
        sample = rows.sample()
        x, self.y = sample.x, sample.y
        if is_classifier(mlp):
            if not rows.single:
                raise StreamError(f"targets {rows.targets} are several; a classifier of ParquetRows has one")
            if self.summary.labels is None:
                raise StreamError(
                    f"target {rows.targets[0]!r} has more than {MOST_LABELS} labels; is it a number?"
                )
            # sorted as numbers or as text, whichever they are
            labels = np.array(
                sorted(self.summary.labels), dtype=None if self.y.dtype.kind in "US" else self.y.dtype
            )
            self.y = np.concatenate([self.y, labels])
            x = np.concatenate([x, np.repeat(x[:1], len(labels), axis=0)])
        named = rows.named
        self.X = pa.table({name: x[:, k] for k, name in enumerate(rows.columns)}) if named else x

    def learn_target_scale(self, *, first: bool) -> None:
        """Set the estimator's units of targets, where it has them, to those of all rows."""
        if first and hasattr(self.mlp, "target_mean_"):
            mean = self.summary.mean
            assert mean is not None
            scale = np.sqrt(self.summary.variance)
            constant = scale <= 10 * np.finfo(np.float64).eps * np.abs(mean)
            self.mlp.target_mean_, self.mlp.target_scale_ = mean, np.where(constant, 1.0, scale)

    def set_aside(self, random_state: np.random.RandomState) -> Rows:
        """Draw the rows to watch, and return them; they are not trained on."""
        fraction = min(self.mlp.validation_fraction, MOST_HELD_OUT / self.rows.n_rows)
        self.held_out = HeldOut(fraction, int(random_state.randint(2**31)))
        x, y, weight = self.rows.held_out(self.held_out)
        if len(x) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return Rows(x, Encoding(self.mlp, None, self.rows.targets[0]).targets(y), weight)

    def source(self, bound: BoundModel, random_state: np.random.RandomState, batch_rows: Any) -> Source:
        """Return the source of the rows; `batch_rows` says how many a step has, of so many rows."""
        mlp = self.mlp
        encoding = Encoding(mlp, self._class_weights(), self.rows.targets[0])
        batch_size = batch_rows(mlp, sum(self.rows.sizes(self.held_out)))
        options: dict[str, Any] = {
            "shuffle": bool(mlp.shuffle),
            "n_blocks": int(mlp.row_blocks),
            "seed": int(random_state.randint(2**31)),
            "first_epoch": mlp.n_iter_,
            "held_out": self.held_out,
        }
        own = self.rows.own_source(mlp, encoding, batch_size, **options)
        return own or StreamSource(bound, self.rows, partial(encoding, bound), batch_size, **options)

    def _class_weights(self) -> Any:
        """Return weights by label, "balanced" as those of all rows; None for none."""
        given = getattr(self.mlp, "class_weight", None)
        if not (isinstance(given, str) and given == "balanced"):
            return given
        labels = {label: weight for label, weight in (self.summary.labels or {}).items() if weight > 0}
        return {label: self.summary.weight / (len(labels) * weight) for label, weight in labels.items()}


class Encoding:
    """From rows, targets and weights as they were read to what the engine takes.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
        Whose labels and units of targets are known.
    class_weights : dict or None
        By label.
    target : str
        Its name.
    """

    def __init__(self, mlp: MLP, class_weights: Any, target: str) -> None:
        self.mlp, self.class_weights, self.target = mlp, class_weights, target

    def __call__(
        self, bound: BoundModel, x: NDArray[Any], y: NDArray[Any], weight: NDArray[np.float64] | None
    ) -> Rows:
        """Encode some rows."""
        rows = Rows(x, self.targets(y), weight)
        if self.class_weights is not None:
            assert self.mlp._labels is not None
            rows = weigh_classes(self.mlp._labels, self.class_weights, rows)
        return learned(self.mlp, bound, rows)

    def targets(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets as the network learns them, but for their units."""
        mlp: Any = self.mlp
        if not is_classifier(mlp):
            targets: NDArray[Any] = mlp._encode(y, repr(self.target))
            return targets
        if not mlp._labels.knows(y):
            raise StreamError(f"target {self.target!r} has labels that were not there before")
        encoded: NDArray[Any] = mlp._labels.encode(y)
        return encoded


def streamed_outputs(mlp: MLP, rows: StreamedRows, bound: BoundModel) -> Floats:
    """Run rows forward while they are read; (n_samples, n_outputs)."""
    known = list(getattr(mlp, "feature_names_in_", rows.columns))
    if rows.columns != known or len(known) != mlp.n_features_in_:
        raise ValueError(f"the rows have the columns {listed(rows.columns)}; expected {listed(known)}")
    parts = [
        bound.model.forward(as_floats(values.x, bound.dtype, "X"), bound.threads) for values in rows.batches()
    ]
    return np.concatenate(parts)
