"""What goes wrong in training only."""


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
