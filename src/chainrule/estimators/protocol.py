"""What the helpers of an estimator may know of it: the attributes that they read and write, and its methods.

They import this file, never the class that calls them.
"""

from abc import ABC, abstractmethod
from os import PathLike
from typing import Any, ClassVar

from numpy.typing import NDArray

from chainrule.estimators.labels import Labels
from chainrule.model.inputs import LearnedInput
from chainrule.model.rows import Rows
from chainrule.model.trainee import Trainee
from chainrule.training.state import OptimizerState

Floats = NDArray[Any]


class MLP(ABC):
    """A classifier or a regressor."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]]
    _not_saved: ClassVar[tuple[str, ...]] = ()  # parameters that no file holds, such as connections

    # The constructor's parameters, which nobody changes: `keywords.py` says what they may be. Those of one of
    # the two estimators alone are looked up by getattr.
    hidden_layer_sizes: Any
    activation: Any
    solver: Any
    alpha: float
    batch_size: int | str
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    loss: Any
    dropout: Any
    layer_norm: Any
    residual: Any
    parametric: Any
    inputs: Any
    initializer: str | None
    shuffle: bool
    random_state: Any
    tol: float
    verbose: bool | int | str
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    n_threads: int | None
    scoring: Any
    patience: float | None
    callbacks: Any
    max_time: float | None
    checkpoint: str | PathLike[str] | None
    checkpoint_every: int | str
    keep_optimizer: bool
    schedule: Any
    learning_rate_factors: Any
    precision: str
    row_blocks: int

    # The network. `_use` writes it.
    coefs_: list[Floats]
    intercepts_: list[Floats]
    inputs_: list[LearnedInput]  # where there are input layers
    out_activation_: str
    n_layers_: int
    n_outputs_: int
    _bound: Trainee | None = None
    _stand_in: Trainee | None = None  # where the user put arrays of their own in place of the network's

    # What it was fitted to.
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    target_mean_: Floats
    target_scale_: Floats
    classes_: NDArray[Any]
    _labels: Labels | None = None

    # The course of the fit, which `stopping.py`, `quasi_newton.py` and `watching.py` write.
    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    evals_result_: dict[str, list[float]]
    validation_loss_curve_: list[float] | None
    best_iteration_: int | None
    stop_reason_: str | None
    _no_improvement_count: int
    _best: Floats | None = None  # parameters by early stopping's score, while training
    _optimizer: OptimizerState | None = None

    # scikit-learn's own methods, and its protocol of callbacks while fitting.
    get_params: Any
    set_params: Any
    set_callbacks: Any
    _init_callback_context: Any
    _callback_data: dict[str, Any]

    @property
    @abstractmethod
    def _own_metric(self) -> str:
        """Name of what `score` measures."""

    @abstractmethod
    def _check_data(self, X: Any, y: Any, *, reset: bool, incremental: bool) -> tuple[Any, NDArray[Any]]:
        """Validate X and y; return X and targets (n_samples, n_outputs) or class indices (n_samples,)."""

    @abstractmethod
    def _check_validation(self, X_val: Any, y_val: Any) -> tuple[Any, NDArray[Any]]:
        """Validate rows to watch like those of `_check_data`, which came before."""

    @abstractmethod
    def _decode_targets(self, targets: NDArray[Any]) -> Any:
        """Turn what `_check_data` returned back into y, for scorers."""

    def _weigh_classes(self, rows: Rows) -> Rows:
        """Return the rows with their weights in the training loss."""
        return rows

    @abstractmethod
    def _output_layer(self, targets: NDArray[Any]) -> tuple[int, str]:
        """Return the number of outputs and the name of their activation."""

    @abstractmethod
    def _score_outputs(self, outputs: Floats, targets: NDArray[Any], sample_weight: Floats | None) -> float:
        """Score the outputs of a validation set."""

    @abstractmethod
    def _in_own_units(self, outputs: Floats) -> Floats:
        """Return the network's outputs in the units of y."""

    @abstractmethod
    def _served(self) -> Any:
        """Return the engine's model of `coefs_` and `intercepts_` as they are now."""

    @abstractmethod
    def _outputs(self, X: Any) -> Floats:
        """Run the rows X forward; (n_samples, n_outputs)."""

    @abstractmethod
    def _use(self, bound: Any) -> Any:
        """Show a model's parameters as `coefs_` and `intercepts_`."""

    @abstractmethod
    def _bind(self, dtype: Any = None) -> Any:
        """Make `coefs_` and `intercepts_` views of an engine model, keeping their values."""
