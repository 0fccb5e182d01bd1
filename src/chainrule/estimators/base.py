"""What classifier and regressor share: parameters, the course of a fit, forward, pickling, saving."""

import copy
from abc import ABC
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from chainrule import _threads
from chainrule.description import Description
from chainrule.description.leaving import LeavingNetwork
from chainrule.description.verbs import verb
from chainrule.estimators import state
from chainrule.estimators.advice import about_the_curve, about_the_rows
from chainrule.estimators.bound_model import VECTORS, BoundModel
from chainrule.estimators.callbacks import as_task, check_callbacks
from chainrule.estimators.checkpoint import Checkpoint, interval
from chainrule.estimators.data import validated_features, validation_rows
from chainrule.estimators.describing import describe_estimator
from chainrule.estimators.elsewhere import OtherNames, hinted
from chainrule.estimators.initialization import initialize
from chainrule.estimators.keywords import constraints
from chainrule.estimators.losses import check_loss
from chainrule.estimators.metrics import scorers
from chainrule.estimators.options import check_together, hidden_sizes, hint, is_stochastic
from chainrule.estimators.protocol import MLP
from chainrule.estimators.quasi_newton import fit_quasi_newton
from chainrule.estimators.rows import ready
from chainrule.estimators.stopping import fit_stochastic
from chainrule.estimators.streaming import Stream, streamed_outputs
from chainrule.estimators.target_scale import TargetScale, learn_target_scale
from chainrule.model.arrays import as_floats
from chainrule.model.rows import Rows, check_for_inputs
from chainrule.stream.rows import StreamedRows


class BaseMLP(OtherNames, LeavingNetwork, CallbackSupportMixin, BaseEstimator, MLP, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """Base of `MLPClassifier` and `MLPRegressor`; see there for parameters and attributes.

    A subclass stores its parameters, reads targets (`_check_data`), names the output activation, and scores
    a validation set, as `protocol.py` lists it. Everything between is here and in the two solvers' files.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = constraints({})
    _losses: ClassVar[list[str]]
    _bound: BoundModel | None
    _stand_in: BoundModel | None

    def _store(self, parameters: dict[str, Any]) -> None:
        """Keep a constructor's arguments under their own names, untouched: scikit-learn's rule."""
        for name, value in parameters.items():
            if name != "self":
                setattr(self, name, value)

    # Fitting.

    @hinted
    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        *,
        resume: bool = False,
    ) -> Self:
        """Fit the network to rows X and targets y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or ParquetRows
            Rows are samples. float32 input is trained in float32, everything else in float64.
            `chainrule.stream.ParquetRows` are read while the network trains.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels for a classifier (an indicator matrix for several labels per row), numbers for
            a regressor; None for `ParquetRows`, which have them.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the loss.
        X_val, y_val, sample_weight_val : default=None
            Rows to watch, of the same forms. They are measured after each epoch (`evals_result_`), and
            `early_stopping` decides on them instead of setting rows aside.
        resume : bool, default=False
            Whether to go on from the file that `checkpoint` names, with the bits of a fit that was never
            interrupted. Where there is no such file yet, the fit begins at the beginning.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            For parameters out of range, for input that is not finite numbers of matching shapes, and
            where training ended in weights that are not finite.
        """
        with as_task(self, X, y, sample_weight, self.max_iter):
            return self._fit(
                X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=False, resume=resume
            )

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        watched: tuple[Any, Any, Any] = (None, None, None),
        *,
        incremental: bool,
        resume: bool = False,
    ) -> Self:
        fitted = hasattr(self, "coefs_")
        if not incremental:
            self._check_params()
        if self.early_stopping and incremental and watched[0] is None:
            raise ValueError(
                "partial_fit does not support early_stopping=True without rows to watch: "
                "pass X_val and y_val."
            )
        if resume and self.checkpoint is None:
            raise ValueError("fit(resume=True) needs to know the file to go on from: set checkpoint=path.")
        stream = None
        if isinstance(X, StreamedRows):
            stream = Stream(self, X, y, sample_weight, incremental=incremental)
            X, y = stream.X, stream.y
        sizes = hidden_sizes(self.hidden_layer_sizes)
        first = not fitted or not (self.warm_start or incremental)
        X, targets = self._check_data(X, y, reset=first, incremental=incremental)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        n_outputs, out_activation = self._output_layer(targets)
        random_state = check_random_state(self.random_state)
        if first:
            self.out_activation_ = out_activation
            initialize(self, [X.shape[1], *sizes, n_outputs], X.dtype.name, random_state)
        bound = self._bind()
        if bound.model.sizes[1:-1] != sizes:
            known = tuple(bound.model.sizes[1:-1])
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r}, but this {type(self).__name__} was fitted "
                f"with {known}. {'Call fit' if incremental else 'Set warm_start=False'} to start again, or "
                f"set_params(hidden_layer_sizes={known}) to go on."
            )
        if n_outputs != bound.model.sizes[-1]:
            raise ValueError(
                f"y has {n_outputs} outputs, but this {type(self).__name__} was fitted with "
                f"{bound.model.sizes[-1]}. Call fit with warm_start=False to start again."
            )
        if out_activation != self.out_activation_:
            raise ValueError(
                f"loss={self.loss!r} has {out_activation!r} outputs, but this {type(self).__name__} was "
                f"fitted with {self.out_activation_!r} ones. Call fit with warm_start=False to start again."
            )
        self.n_outputs_ = n_outputs
        learn_target_scale(self, targets, sample_weight, first=first)
        if stream is not None:
            stream.learn_target_scale(first=first)
        rows = Rows(X, targets, sample_weight)
        validation = validation_rows(self, *watched)
        checkpoint = None
        if self.checkpoint is not None and not incremental:
            checkpoint = Checkpoint(self, [rows] if validation is None else [rows, validation], random_state)
            if resume:
                random_state = checkpoint.resume(random_state)
                bound = self._bind()
        with _threads.training():
            if is_stochastic(self):
                fit_stochastic(
                    self,
                    bound,
                    rows,
                    validation,
                    random_state,
                    checkpoint,
                    incremental=incremental,
                    stream=stream,
                )
            else:
                bound = fit_quasi_newton(self, bound, rows, validation)
        if not np.isfinite(bound.flat).all():
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and "
                f"need to be preprocessed.{about_the_curve(self)}{about_the_rows(self, rows)}"
            )
        return self

    def _check_params(self) -> None:
        if not get_config()["skip_parameter_validation"]:
            self._validate_params()

    def _check_stochastic(self) -> bool:
        if not is_stochastic(self):
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    def _validate_params(self) -> None:
        try:
            super()._validate_params()
        except ValueError as error:
            message = str(error)
            raise type(error)(message + hint(message, self.get_params(deep=False), self._losses)) from None
        scorers(self.scoring)
        check_callbacks(self.callbacks)
        interval(self.checkpoint_every)
        check_together(self)
        check_loss(self)

    def _bind(self, dtype: Any = None) -> BoundModel:
        """Make `coefs_` and `intercepts_` views of an engine model, keeping their values."""
        bound = self._bound
        if bound is None or not bound.serves(self) or dtype not in (None, bound.dtype):
            bound = BoundModel.of(self, dtype)
        return self._use(bound)

    def _use(self, bound: BoundModel) -> BoundModel:
        """Show a model's parameters as `coefs_` and `intercepts_`."""
        self._bound, self._stand_in = bound, None
        bound.n_threads = int(self.n_threads or 0)
        self.coefs_ = list(bound.coefs)
        self.intercepts_ = list(bound.intercepts)
        for name in VECTORS:
            if name in bound.vectors:
                setattr(self, name, list(bound.vectors[name]))
            else:
                self.__dict__.pop(name, None)
        if bound.inputs:
            self.inputs_ = list(bound.inputs)
        else:
            self.__dict__.pop("inputs_", None)
        return bound

    def _served(self) -> BoundModel:
        """Return the engine's model of `coefs_` and `intercepts_` as they are now."""
        bound = self._bound
        if bound is None or not bound.serves(self):
            # The user put arrays of their own in place. They stay theirs, so they are read every time.
            check_is_fitted(self)
            bound = self._stand_in
            if bound is None or not bound.fits(self):
                bound = self._stand_in = BoundModel.of(self)
            else:
                bound.read(self)
        bound.n_threads = int(self.n_threads or 0)
        return bound

    # Predicting.

    def _outputs(self, X: Any) -> NDArray[Any]:
        """Run the rows X forward; (n_samples, n_outputs)."""
        bound = self._served()
        if isinstance(X, StreamedRows):
            return streamed_outputs(self, X, bound)
        if not ready(self, X, bound.dtype):
            X = validated_features(self, X, bound.dtype)
            if hasattr(X, "tocsr"):
                return bound.model.predict(bound.dataset(X), bound.threads)
            X = as_floats(X, bound.dtype, "X")
        if bound.inputs:
            check_for_inputs(bound.architecture, X, "X")
        return bound.model.forward(X, bound.threads)

    def _in_own_units(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return the network's outputs in the units of y."""
        scale = TargetScale.used_by(self)
        return outputs if scale is None else scale.restore(outputs)

    # Leaving and entering.

    def __getstate__(self) -> dict[str, Any]:
        # An engine model cannot be pickled; its parameters can, as coefs_ and intercepts_. The optimizer
        # is copied so that even a shallow copy (copy.copy) trains on its own.
        models = ("_bound", "_stand_in")
        kept = {name: value for name, value in super().__getstate__().items() if name not in models}
        if "_optimizer" in kept:
            kept["_optimizer"] = copy.copy(kept["_optimizer"])
        return kept

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        super().__setstate__(pickled)
        if hasattr(self, "coefs_"):
            self._bind()

    def _get_state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return state.get_state(self)

    @classmethod
    def _from_state(cls, tensors: dict[str, NDArray[Any]], settings: dict[str, Any]) -> Self:
        mlp = cls()
        state.set_state(mlp, tensors, settings)
        return mlp

    def _html_repr(self) -> str:
        html: str = verb("estimator_html")(self, super()._html_repr())
        return html

    def _describe(self) -> Description:
        return describe_estimator(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
