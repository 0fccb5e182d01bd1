"""What goes wrong in training only."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.training.history import History


class DivergenceError(FloatingPointError):
    """Loss or parameters became NaN or infinite while training.

    Attributes
    ----------
    epoch : int
        The epoch, within the call of `train`, in which it happened, from 1.
    loss : list of float
        The losses up to that epoch, its own included where it was computed.
    """

    def __init__(self, message: str, epoch: int, loss: list[float]) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.loss = loss

    def __reduce__(self) -> tuple[type, tuple[str, int, list[float]]]:
        return type(self), (str(self), self.epoch, self.loss)


class TrainingErrors(ExceptionGroup[Exception]):
    """Some networks of `train_many` failed; the others are trained.

    Attributes
    ----------
    exceptions : tuple of Exception
        One per network that failed, in the order of the jobs; a note on each says which job it was.
    results : list of History or Exception
        One per job, in their order: what `return_exceptions=True` would have returned.
    """

    results: "list[History | Exception]"
