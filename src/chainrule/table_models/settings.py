"""What `TableModel.fit` is told of the training, checked before a table is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chainrule.table_models.ensembles import Show
from chainrule.table_models.network_parameters import check_parameter
from chainrule.table_models.presets import PLAIN_NETWORK, Preset, choose
from chainrule.table_models.training import Callback, check_memory
from chainrule.tables import checks
from chainrule.tables.errors import ParameterError, TrainingError
from chainrule.tables.tasks import TASKS, Task

#: Of the loss. With scikit-learn's 0.0001 patience hardly ends on a table that can be learned to loss zero,
#: and every epoch overfits more.
LEAST_IMPROVEMENT = 2e-4

#: Of one plain network, where nothing else is said.
USUAL = {
    "hidden_layer_sizes": (128, 128),
    "activation": "relu",
    "learning_rate": 1e-3,
    "l2": 1e-4,
    "epochs": 200,
    "patience": 20,
    "dtype": "float32",
}


@dataclass(frozen=True)
class FitSettings:
    """Settings as `TableModel.fit` documents them; `network` holds the estimator's own parameters.

    `show` is told how far an ensemble is.
    """

    task: Task | None
    network: dict[str, Any]
    batch_size: int | None
    validation_fraction: float | None
    test_fraction: float
    dtype: Literal["float32", "float64"]
    random_state: int
    callback: Callback | None
    resume: bool
    preset: Preset = PLAIN_NETWORK
    show: Show | None = None


def fit_settings(
    *,
    task: Any,
    preset: Any = None,
    time_budget: Any = None,
    n_folds: Any = None,
    hidden_layer_sizes: Any = None,
    activation: Any = None,
    learning_rate: Any = None,
    l2: Any = None,
    batch_size: Any = None,
    epochs: Any = None,
    patience: Any = None,
    validation_fraction: Any = None,
    test_fraction: Any,
    dtype: Any = None,
    random_state: Any,
    n_threads: Any = None,
    callback: Any = None,
    resume: Any = False,
    memory: Any = None,
    parameters: Mapping[str, Any],
) -> FitSettings:
    """Check the settings of a fit; None where nothing was said.

    Raises
    ------
    ParameterError
        For the first that is unknown or invalid; for hidden layers that do not fit into memory.
    """
    if task is not None:
        checks.one_of("task", task, TASKS)
    for name in parameters:
        check_parameter(name, task)
    said = {
        "hidden_layer_sizes": hidden_layer_sizes, "activation": activation, "learning_rate": learning_rate,
        "l2": l2, "batch_size": batch_size, "epochs": epochs, "patience": patience,
        "validation_fraction": validation_fraction, "dtype": dtype, "callback": callback,
        "resume": resume or None, "memory": memory,
    }  # fmt: skip
    chosen = choose(preset, time_budget, n_folds, said, parameters)
    said |= {name: value for name, value in USUAL.items() if said[name] is None}
    dtype = checks.one_of("dtype", said["dtype"], ["float32", "float64"])
    widths = checks.sizes("hidden_layer_sizes", said["hidden_layer_sizes"])
    if callback is not None and not callable(callback):
        raise ParameterError(f"got {callback!r}, expected a function of an Epoch", "callback")
    network = {
        "hidden_layer_sizes": widths,
        "activation": _activation(said["activation"], len(widths)),
        "alpha": checks.positive("l2", said["l2"], or_zero=True),
        "learning_rate_init": checks.positive("learning_rate", said["learning_rate"]),
        "n_threads": n_threads if n_threads is None else checks.whole("n_threads", n_threads),
        "max_iter": checks.whole("epochs", said["epochs"]),
        "patience": checks.whole("patience", said["patience"]),
        "tol": LEAST_IMPROVEMENT,
        **parameters,
    }
    try:
        check_memory([1, *widths, 1], dtype)
    except TrainingError as error:  # too wide for any table
        raise ParameterError(str(error), "hidden_layer_sizes") from None
    return FitSettings(
        task=task,
        network=network,
        batch_size=batch_size if batch_size is None else checks.whole("batch_size", batch_size),
        validation_fraction=(
            None if validation_fraction is None else checks.share("validation_fraction", validation_fraction)
        ),
        test_fraction=checks.share("test_fraction", test_fraction),
        dtype=dtype,
        random_state=checks.whole("random_state", random_state, least=0),
        callback=callback,
        resume=bool(resume),
        preset=chosen,
    )


def _activation(activation: Any, n_layers: int) -> str | list[str]:
    from chainrule import _engine

    known = [name for name in _engine.activations() if name not in ("softmax", "exp", "ordered")]
    known.append("logistic")  # scikit-learn's name for sigmoid
    if isinstance(activation, str):
        return str(checks.one_of("activation", activation, known))
    listed = [str(checks.one_of("activation", one, known)) for one in activation]
    if len(listed) != n_layers:
        raise ParameterError(
            f"got {len(listed)} names, expected one for all or one for each of {n_layers} hidden layers",
            "activation",
        )
    return listed


UNITS = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def memory_bytes(memory: Any) -> int:
    """Return a size such as "2GB" in bytes.

    Examples
    --------
    >>> memory_bytes("2GB"), memory_bytes("512 MiB"), memory_bytes(10**9)
    (2000000000, 536870912, 1000000000)
    """
    text = str(memory).strip().lower()
    unit = next((unit for unit in sorted(UNITS, key=len, reverse=True) if text.endswith(unit)), "")
    try:
        number = float(text.removesuffix(unit)) * UNITS.get(unit, 1)
    except ValueError:
        number = -1.0
    if not 0 < number < 2**63:
        raise ParameterError(f'got {memory!r}, expected a size such as "2GB"', "memory")
    return int(number)
