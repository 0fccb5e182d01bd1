"""A user's own loss: a function of a batch's predictions and targets that gives value and gradient."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from chainrule.model.arrays import Floats
from chainrule.reference import Loss
from chainrule.reference.losses.distances import NOT_HIDDEN

EXPECTED = "expected (value, gradient): a number, and its derivative by the predictions, of shape"


def _no_function(*_: Any) -> NoReturn:
    raise ValueError(
        "this network's loss is a Python function, which its file cannot hold; set it first:"
        " net.loss = function"
    )


@dataclass(frozen=True, eq=False)
class CustomLoss(Loss):
    """A Python function in a loss's place; `Network` documents what it is given and returns.

    Attributes
    ----------
    function : callable
        (predictions, targets) or (predictions, targets, sample_weight) -> (value, gradient).
    """

    name: ClassVar[str] = "custom"
    allowed: ClassVar[tuple[str, ...]] = NOT_HIDDEN
    takes_classes: ClassVar[bool] = True
    function: Callable[..., Any] = _no_function

    @property
    def parameters(self) -> tuple[float, ...]:
        """None: the engine calls the function."""
        return ()

    @property
    def known(self) -> bool:
        """Whether there is a function: a file cannot hold one."""
        return self.function is not _no_function

    def value(self, *_: Any) -> NoReturn:
        """Raise TypeError: the function's value is that of a whole batch."""
        raise TypeError("a loss that is a Python function is one number for a batch, not one for each row")

    def gradient(self, *_: Any) -> NoReturn:
        """Raise TypeError, as `value` does."""
        self.value()

    def takes(self, n_arguments: int) -> bool:
        """Whether the function can be called with so many arguments: the third is the weights of the rows."""
        try:
            inspect.signature(self.function).bind(*[None] * n_arguments)
        except TypeError:
            return False
        except ValueError:  # some functions written in C have no signature
            return n_arguments == 2
        return True

    def check_weights(self, sample_weight: Any) -> None:
        """Raise ValueError where there are weights that the function does not take."""
        if sample_weight is not None and not self.takes(3):
            raise ValueError(
                "sample_weight is given, but the loss function takes no weights; give it a third argument:"
                " loss(predictions, targets, sample_weight)"
            )


@dataclass(frozen=True)
class BatchLoss:
    """The function together with the targets and weights of a data set: what the engine calls for a batch."""

    loss: CustomLoss
    targets: NDArray[Any]
    sample_weight: Floats | None

    def __call__(self, predictions: Floats, rows: NDArray[np.int64]) -> tuple[float, Floats]:
        """Call the function for some rows.

        Parameters
        ----------
        predictions : ndarray, shape (n_rows, n_outputs)
            The outputs for these rows.
        rows : ndarray, shape (n_rows,)
            Which rows of the data they are.

        Returns
        -------
        tuple of float and ndarray
            The value and, C-contiguous and of the predictions' dtype and shape, its derivative by them.

        Raises
        ------
        TypeError, ValueError
            Where the function returned something else, or no finite numbers for finite predictions.
        """
        arguments: list[Any] = [predictions, self.targets[rows]]
        if self.sample_weight is not None:
            arguments.append(self.sample_weight[rows])
        elif not self.loss.takes(2):
            arguments.append(None)
        # Before the function may write into them. Beyond the root of what the dtype holds, squares overflow.
        sound = bool((np.abs(predictions) < np.sqrt(np.finfo(predictions.dtype).max)).all())
        shape, dtype = predictions.shape, predictions.dtype
        value, gradient = self._parts(self.loss.function(*arguments), shape)
        if sound:
            for what, numbers in (("value", np.asarray(value)), ("gradient", gradient)):
                if not np.isfinite(numbers).all():
                    bad = numbers[~np.isfinite(numbers)].flat[0]
                    raise ValueError(
                        f"the loss function returned a {what} with {bad} for predictions that are all finite;"
                        " guard its logarithms and divisions"
                    )
        return value, np.ascontiguousarray(gradient, dtype=dtype)

    @staticmethod
    def _parts(returned: Any, shape: tuple[int, ...]) -> tuple[float, Floats]:
        """Value and gradient as what they must be."""
        expected = f"{EXPECTED} {shape}"
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            kind = (
                f"{len(returned)} things"
                if isinstance(returned, tuple | list)
                else f"a {type(returned).__name__}"
            )
            raise TypeError(f"the loss function returned {kind}; {expected}")
        try:
            value, gradient = (np.asarray(part, dtype=np.float64) for part in returned)
        except (TypeError, ValueError, RuntimeError) as error:  # the last, torch's, says to detach
            raise TypeError(f"the loss function returned no real numbers ({error}); {expected}") from None
        if value.size != 1:
            raise ValueError(f"the loss function returned a value of shape {value.shape}; {expected}")
        if gradient.shape != shape and not (shape[1] == 1 and gradient.shape == shape[:1]):
            raise ValueError(f"the loss function returned a gradient of shape {gradient.shape}; {expected}")
        return float(value.reshape(())), gradient.reshape(shape)
