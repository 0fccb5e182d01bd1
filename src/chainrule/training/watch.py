"""What is looked at between epochs: the loss of rows set aside, and the best parameters."""

from chainrule import _engine
from chainrule.model.arrays import Floats
from chainrule.model.rows import Rows
from chainrule.model.trainee import Trainee


class Watch:
    """Measures the rows set aside, and remembers the best parameters.

    Parameters
    ----------
    trainee : Trainee
    rows : Rows or None
        To be measured, as the engine takes them.

    Attributes
    ----------
    best : ndarray of shape (n_parameters,), or None
        What `keep` remembered last.
    """

    best: Floats | None = None

    def __init__(self, trainee: Trainee, rows: Rows | None) -> None:
        self.trainee = trainee
        self.data: _engine.Dataset | None = None if rows is None else rows.dataset(trainee.model)

    def loss(self) -> float:
        """Return the loss of the rows without penalty."""
        assert self.data is not None
        return float(self.trainee.model.evaluate(self.data, self.trainee.threads))

    def keep(self) -> None:
        """Remember the parameters as they are now."""
        self.best = self.trainee.flat.copy()

    def put_back(self) -> None:
        """Give the network the parameters that were remembered, if any were."""
        if self.best is not None:
            self.trainee.flat[:] = self.best
