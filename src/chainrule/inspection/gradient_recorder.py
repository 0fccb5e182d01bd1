"""GradientRecorder: the norm of dE/dW of every layer, epoch by epoch [E6]."""

from typing import Any

import numpy as np

from chainrule._settings import whole_number
from chainrule.description import describe
from chainrule.description.layers import Floats
from chainrule.description.unwrapping import is_fitted, through, unwrap
from chainrule.network import Network


class GradientRecorder:
    """A callback that records ||dE/dW_k|| of the loss over given rows, for every layer k [E6].

    The rows are those that are given here, always the same, not the batches: what the epochs differ in is
    then the network alone. The norms are of the data's loss, without penalty.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        As the network sees them: scaled, for example, where it was trained on scaled rows. Some hundreds
        will do.
    y : array-like
        Their targets.
    model : Network or estimator, optional
        Needed with `Network.train`, whose record of an epoch does not name the network, and to record by
        hand; estimators take the recorder as one of their `callbacks` and need no model. The norms before
        training are then recorded as epoch 0 where there are parameters already.
    every : int, default=1
        Record every so many epochs.

    Attributes
    ----------
    epochs : list of int
        The epochs recorded.
    norms : list of list of float
        For each of them the Euclidean norms of dE/dW_1, ..., dE/dW_l.
    n_layers : int

    See Also
    --------
    GradientFlowDisplay : Draws what was recorded.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import GradientRecorder, Network
    >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> net = Network([1, 8, 8, 1], activation="tanh", random_state=0)
    >>> recorder = GradientRecorder(x, x**2, net)
    >>> history = net.train(x, x**2, epochs=3, callback=recorder)
    >>> recorder.epochs, np.shape(recorder.norms)
    ([0, 1, 2, 3], (4, 3))
    """

    def __init__(self, X: Any, y: Any, model: Any = None, *, every: int = 1) -> None:
        self.X, self.y = X, y
        self.model = None if model is None else unwrap(model)
        self.every = whole_number("every", every, 1)
        self.epochs: list[int] = []
        self.norms: list[list[float]] = []
        if self.model is not None and is_fitted(self.model):
            self.record(0)

    @property
    def n_layers(self) -> int:
        """The number of layers of weights; 0 as long as nothing was recorded."""
        return len(self.norms[0]) if self.norms else 0

    def __call__(self, record: Any) -> None:
        """Take the record of an epoch: what `Network.train` and the estimators call after each.

        Raises
        ------
        TypeError
            Where neither the record nor the recorder says which network it is.
        """
        if record.epoch % self.every == 0:
            self.record(record.epoch, getattr(record, "estimator", None))

    def record(self, epoch: int, model: Any = None) -> None:
        """Record the norms of now, as those after an epoch.

        Parameters
        ----------
        epoch : int
            Its number, to be shown.
        model : Network or estimator, optional
            By default the recorder's own.
        """
        model = self.model if model is None else model
        if model is None:
            raise TypeError("GradientRecorder does not know the network; give it as model=...")
        self.epochs.append(epoch)
        self.norms.append(gradient_norms(model, self.X, self.y))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.epochs)} epochs, {self.n_layers} layers)"


def gradient_norms(model: Any, X: Any, y: Any) -> list[float]:
    """Return ||dE/dW_k|| for every layer k, of the mean loss over the rows, without penalty [E3-E6].

    Examples
    --------
    >>> from chainrule import Network
    >>> net = Network([2, 1], random_state=0)
    >>> net.weights[0], net.biases[0] = [[0.5], [1.0]], [0.0]
    >>> gradient_norms(net, [[3.0, 4.0]], [[4.5]])
    [5.0]
    """
    return [float(np.linalg.norm(gradient)) for gradient in weight_gradients(model, X, y)]


def weight_gradients(model: Any, X: Any, y: Any) -> list[Floats]:
    """Return dE/dW_k for every layer k, of the mean loss over the rows, without penalty [E3-E6]."""
    model, X = through(model, X)
    if isinstance(model, Network):
        gradients: list[Floats] = model.gradients(X, y).weights
        return gradients
    from sklearn.utils.validation import check_is_fitted, validate_data

    check_is_fitted(model, "coefs_")
    bound = model._bind()
    X = validate_data(model, X, accept_sparse=["csr", "csc"], dtype=bound.dtype, order="C", reset=False)
    flat = np.empty_like(bound.flat)
    described = describe(model)
    targets = described.encode(np.asarray(y))
    if targets.ndim > 1:
        targets = np.ascontiguousarray(targets, dtype=bound.dtype)
    bound.model.gradients(bound.dataset(X, targets), flat)
    shapes = [layer.weights.shape for layer in described.layers]
    ends = np.cumsum([n_in * n_out for n_in, n_out in shapes])
    return [block.reshape(shape) for block, shape in zip(np.split(flat, ends)[:-1], shapes, strict=True)]
