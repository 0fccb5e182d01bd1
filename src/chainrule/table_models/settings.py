"""What `TableModel.fit` is told of the training, checked before a table is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chainrule.table_models.network_parameters import check_parameter
from chainrule.table_models.training import Callback, check_memory
from chainrule.tables import checks
from chainrule.tables.errors import ParameterError, TrainingError
from chainrule.tables.tasks import TASKS, Task

#: Of the loss. With scikit-learn's 0.0001 patience hardly ends on a table that can be learned to loss zero,
#: and every epoch overfits more.
LEAST_IMPROVEMENT = 2e-4


@dataclass(frozen=True)
class FitSettings:
    """Settings as `TableModel.fit` documents them; `network` holds the estimator's own parameters."""

    task: Task | None
    network: dict[str, Any]
    batch_size: int | None
    validation_fraction: float | None
    test_fraction: float
    dtype: Literal["float32", "float64"]
    random_state: int
    callback: Callback | None
    resume: bool


def fit_settings(
    *,
    task: Any,
    hidden_layer_sizes: Any,
    activation: Any,
    learning_rate: Any,
    l2: Any,
    batch_size: Any,
    epochs: Any,
    patience: Any,
    validation_fraction: Any,
    test_fraction: Any,
    dtype: Any,
    random_state: Any,
    n_threads: Any,
    callback: Any,
    resume: Any,
    parameters: Mapping[str, Any],
) -> FitSettings:
    """Check the settings of a fit.

    Raises
    ------
    ParameterError
        For the first that is unknown or invalid; for hidden layers that do not fit into memory.
    """
    if task is not None:
        checks.one_of("task", task, TASKS)
    for name in parameters:
        check_parameter(name, task)
    checks.one_of("dtype", dtype, ["float32", "float64"])
    widths = checks.sizes("hidden_layer_sizes", hidden_layer_sizes)
    if callback is not None and not callable(callback):
        raise ParameterError(f"got {callback!r}, expected a function of an Epoch", "callback")
    network = {
        "hidden_layer_sizes": widths,
        "activation": _activation(activation, len(widths)),
        "alpha": checks.positive("l2", l2, or_zero=True),
        "learning_rate_init": checks.positive("learning_rate", learning_rate),
        "n_threads": n_threads if n_threads is None else checks.whole("n_threads", n_threads),
        "max_iter": checks.whole("epochs", epochs),
        "patience": checks.whole("patience", patience),
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
