"""chainrule, by its public interface."""

from typing import Any

import numpy as np

import chainrule
from benchmarks.peers.base import Call, Evidence, Peer, Task
from benchmarks.peers.estimators import PartialFits, estimator_predict, fit_estimator
from benchmarks.problems import Problem, shown
from benchmarks.works import Fit
from chainrule import _engine

EPOCHS_SHOWN = 2
ROWS_SHOWN = 64


class Training:
    """`Network.train`: all epochs of a run are one call."""

    def __init__(self, problem: Problem) -> None:
        work = problem.work
        self.problem = problem
        self.net = make_network(problem)
        make = chainrule.Adam if work.optimizer == "adam" else chainrule.SGD
        self.settings = {"optimizer": make(work.learning_rate), "batch_size": work.batch_size}

    def run(self, n: int) -> None:
        """Train for n epochs."""
        self.net.train(self.problem.x, self.problem.y, epochs=n, **self.settings)

    def warm_up(self, n: int) -> None:
        """Nothing to compile."""

    def evidence(self, orders: list[list[int]] | None) -> Evidence:
        """Train on the first rows, and show the orders in which they were taken."""
        n_rows = rows_shown(self.problem)
        seed = self.net._trainee.seed
        epochs = range(self.net._trainee.n_epochs, self.net._trainee.n_epochs + EPOCHS_SHOWN)
        x, y = self.problem.x[:n_rows], self.problem.y[:n_rows]
        history = self.net.train(x, y, epochs=EPOCHS_SHOWN, **self.settings)
        change = self.problem.changes(self.net.weights, [-bias for bias in self.net.biases])
        taken = np.concatenate([_engine.permutation(n_rows, seed, epoch) for epoch in epochs])
        return {"loss": history.loss, "change": change, "order": taken.tolist()}


class TrainingByCalls(Training):
    """The same, each epoch a call."""

    def run(self, n: int) -> None:
        """Train for n epochs."""
        for _ in range(n):
            super().run(1)


class Chainrule(Peer):
    """chainrule's Network and estimators."""

    def versions(self) -> dict[str, str]:
        """Version, and the instruction set in use."""
        return {"chainrule": chainrule.__version__, "chainrule's instruction set": _engine.isa()}

    def train(self, problem: Problem) -> Task:
        """Epochs by `Network.train`."""
        return Training(problem)

    def predict(self, problem: Problem) -> Task:
        """Compute outputs by calling the network; one row is an array of one dimension."""
        net = make_network(problem)
        x = problem.x[0] if problem.work.n_samples == 1 else problem.x
        return Call(lambda: net(x), lambda: {"output": shown(net(x))})

    def gradient(self, problem: Problem) -> Task:
        """Loss and gradient by `Network.gradients`, which checks and allocates."""
        net, x, y = make_network(problem), problem.x, problem.y

        def evidence() -> Evidence:
            result = net.gradients(x, y)
            parts = [*result.weights, *(-bias for bias in result.biases)]
            return {"loss": [result.loss], "gradient": shown(np.concatenate([g.ravel() for g in parts]))}

        return Call(lambda: net.gradients(x, y), evidence)

    def engine_gradient(self, problem: Problem) -> Task:
        """Loss and gradient by the engine's own call, with rows and memory handed over once."""
        model = make_network(problem)._trainee.model
        flat, data = np.empty_like(model.parameters), _engine.Dataset(model, problem.x, problem.y)

        def evidence() -> Evidence:
            loss = model.gradients(data, flat)
            signs = np.where(np.arange(flat.size) < problem.work.n_weights, 1, -1)
            return {"loss": [loss], "gradient": shown(flat * signs)}

        return Call(lambda: model.gradients(data, flat), evidence)

    def estimator_predict(self, problem: Problem) -> Task:
        """`MLPClassifier.predict`."""
        return estimator_predict(chainrule, problem)

    def assigned_predict(self, problem: Problem) -> Task:
        """`MLPClassifier.predict`, `coefs_` assigned before."""
        return estimator_predict(chainrule, problem, assigned=True)

    def train_call(self, problem: Problem) -> Task:
        """Train an epoch by `Network.train`."""
        return TrainingByCalls(problem)

    def partial_fit(self, problem: Problem) -> Task:
        """`MLPClassifier.partial_fit`."""
        task = PartialFits(chainrule, problem)
        task.mlp._optimizer = None
        return task

    def fit(self, fit: Fit, x: Any, y: Any) -> Task:
        """`fit` of chainrule's estimator."""
        return fit_estimator(chainrule, fit, x, y)


def make_network(problem: Problem) -> chainrule.Network:
    """Return the network with the first parameters; its biases are subtracted, so their sign changes."""
    work = problem.work
    net = chainrule.Network(
        list(work.sizes),
        activation=work.activation,
        output_activation=work.output_activation,
        loss=work.loss,
        dtype=problem.dtype,
        random_state=0,
    )
    net.weights = problem.weights
    net.biases = [-bias for bias in problem.biases]
    return net


def rows_shown(problem: Problem) -> int:
    """Rows of the epochs that are shown: two batches at least, and some more of small ones."""
    batch_size = problem.work.batch_size
    return min(batch_size * max(2, ROWS_SHOWN // batch_size), problem.work.n_samples)
