"""scikit-learn's MLP estimators."""

from typing import Any

import sklearn
import sklearn.neural_network

from benchmarks.peers.base import Call, Evidence, Peer, Refused, Task
from benchmarks.peers.estimators import estimator_predict, few_epochs, fit_estimator
from benchmarks.problems import Problem, shown
from benchmarks.works import Fit

ACTIVATIONS = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}


class Training:
    """`fit` of a warm-started estimator: all epochs of a run are one call."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.mlp = make_estimator(problem)
        self.y = problem.y if problem.y.shape[1:] != (1,) else problem.y.ravel()

    def run(self, n: int) -> None:
        """Train for n epochs."""
        with few_epochs():
            self.mlp.set_params(max_iter=n).fit(self.problem.x, self.y)

    def warm_up(self, n: int) -> None:
        """Nothing to compile."""

    def evidence(self, orders: list[list[int]] | None) -> Evidence:
        """Train on the first rows in the given orders, one `partial_fit` per epoch."""
        self.mlp.set_params(shuffle=False)
        for order in orders or []:
            self.mlp.partial_fit(self.problem.x[order], self.y[order])
        self.mlp.set_params(shuffle=True)
        # It reports the mean over the outputs, of which the gradient is that of the sum.
        n_outputs = self.problem.work.sizes[-1] if self.problem.work.loss == "squared_error" else 1
        losses = [float(loss) * n_outputs for loss in self.mlp.loss_curve_[-len(orders or []) :]]
        return {"loss": losses, "change": self.problem.changes(self.mlp.coefs_, self.mlp.intercepts_)}


class ScikitLearn(Peer):
    """scikit-learn."""

    def versions(self) -> dict[str, str]:
        """Version; its products are NumPy's."""
        return {"scikit-learn": sklearn.__version__}

    def train(self, problem: Problem) -> Task:
        """Epochs by `fit`, warm-started."""
        return Training(problem)

    def predict(self, problem: Problem) -> Task:
        """Compute outputs by the estimator's `predict` or `predict_proba`."""
        mlp, x = make_estimator(problem), problem.x
        call = mlp.predict if problem.work.loss == "squared_error" else mlp.predict_proba
        return Call(lambda: call(x), lambda: {"output": shown(call(x))})

    def estimator_predict(self, problem: Problem) -> Task:
        """`MLPClassifier.predict`."""
        return estimator_predict(sklearn.neural_network, problem)

    def fit(self, fit: Fit, x: Any, y: Any) -> Task:
        """`fit` of scikit-learn's estimator."""
        return fit_estimator(sklearn.neural_network, fit, x, y)


def make_estimator(problem: Problem) -> Any:
    """Return an estimator with the first parameters, that never stops by itself.

    Raises
    ------
    Refused
        Where scikit-learn has no such network.
    """
    work = problem.work
    if work.activation not in ACTIVATIONS:
        raise Refused(f"has no {work.activation}")
    if work.loss == "squared_error" and work.output_activation != "identity":
        raise Refused(f"has no {work.output_activation} output with {work.loss.replace('_', ' ')}")
    regression = work.loss == "squared_error"
    make = sklearn.neural_network.MLPRegressor if regression else sklearn.neural_network.MLPClassifier
    mlp = make(
        hidden_layer_sizes=work.sizes[1:-1],
        activation=ACTIVATIONS[work.activation],
        solver=work.optimizer,
        alpha=0,
        batch_size=work.batch_size,
        learning_rate_init=work.learning_rate,
        momentum=0,
        nesterovs_momentum=False,
        tol=0,
        n_iter_no_change=10**9,
        warm_start=True,
        random_state=0,
    )
    n = work.batch_size if regression else max(work.batch_size, work.sizes[-1])
    targets = {} if regression else {"classes": range(work.sizes[-1])}
    y = problem.y if problem.y.shape[1:] != (1,) else problem.y.ravel()
    mlp.partial_fit(problem.x[:n], y[:n], **targets)  # makes the arrays, which get the numbers
    for made, given in zip(mlp.coefs_ + mlp.intercepts_, problem.weights + problem.biases, strict=True):
        made[...] = given
    del mlp._optimizer  # forget that step's moments
    return mlp
