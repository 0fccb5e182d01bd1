"""scikit-learn's MLP estimators."""

from typing import Any

import sklearn
import sklearn.neural_network

from benchmarks.peers.base import Call, Evidence, Peer, Task
from benchmarks.peers.estimators import (
    PartialFits,
    estimator_predict,
    few_epochs,
    fit_estimator,
    make_estimator,
)
from benchmarks.problems import Problem, shown
from benchmarks.works import Fit


class Training:
    """`fit` of a warm-started estimator: all epochs of a run are one call."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.mlp = make_estimator(sklearn.neural_network, problem)
        del self.mlp._optimizer  # forget its moments
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


class TrainingByCalls(Training):
    """The same, each epoch a call."""

    def run(self, n: int) -> None:
        """Train for n epochs."""
        for _ in range(n):
            super().run(1)


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
        mlp, x = make_estimator(sklearn.neural_network, problem), problem.x
        call = mlp.predict if problem.work.loss == "squared_error" else mlp.predict_proba
        return Call(lambda: call(x), lambda: {"output": shown(call(x))})

    def estimator_predict(self, problem: Problem) -> Task:
        """`MLPClassifier.predict`."""
        return estimator_predict(sklearn.neural_network, problem)

    def assigned_predict(self, problem: Problem) -> Task:
        """`MLPClassifier.predict`, `coefs_` assigned before."""
        return estimator_predict(sklearn.neural_network, problem, assigned=True)

    def train_call(self, problem: Problem) -> Task:
        """Train an epoch by `fit`, warm-started."""
        return TrainingByCalls(problem)

    def partial_fit(self, problem: Problem) -> Task:
        """`MLPClassifier.partial_fit`."""
        task = PartialFits(sklearn.neural_network, problem)
        del task.mlp._optimizer
        return task

    def fit(self, fit: Fit, x: Any, y: Any) -> Task:
        """`fit` of scikit-learn's estimator."""
        return fit_estimator(sklearn.neural_network, fit, x, y)
