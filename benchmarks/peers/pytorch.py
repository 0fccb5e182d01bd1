"""PyTorch: eager with autograd and its own optimizers, and compiled as one function per step."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.peers.base import Call, Evidence, Peer, Refused, Task
from benchmarks.problems import Problem, shown

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda net: net,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": functional.gelu,
}
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Training:
    """Eager steps: autograd, then torch.optim.Adam(fused=True), or SGD's one line in place.

    Rows are shuffled by one gather per epoch, which costs an eager step less than a gather of its own.
    """

    def __init__(self, problem: Problem) -> None:
        work = problem.work
        self.problem = problem
        self.x, self.y = tensors(problem)
        self.parameters = parameters(problem)
        self.loss = loss_function(problem)
        self.rate = work.learning_rate
        self.n_steps = 0
        self.prepare()

    def prepare(self) -> None:
        """Have autograd follow the parameters, and make the optimizer."""
        for parameter in self.parameters:
            parameter.requires_grad_()
        self.adam = None
        if self.problem.work.optimizer == "adam":
            self.adam = torch.optim.Adam(
                self.parameters, lr=self.rate, betas=(BETA_1, BETA_2), eps=EPSILON, fused=True
            )

    def step(self, x: Any, y: Any) -> Any:
        """One batch; returns its loss."""
        loss = self.loss(self.parameters, x, y)
        if self.adam is None:
            gradients = torch.autograd.grad(loss, self.parameters)
            with torch.no_grad():
                for parameter, gradient in zip(self.parameters, gradients, strict=True):
                    parameter.add_(gradient, alpha=-self.rate)
        else:
            # PyTorch adds epsilon after the correction of sqrt(v), scikit-learn and chainrule before it.
            self.n_steps += 1
            self.adam.param_groups[0]["eps"] = EPSILON / math.sqrt(1 - BETA_2**self.n_steps)
            loss.backward()
            self.adam.step()
            self.adam.zero_grad()
        return loss.detach()

    def epoch(self, order: Any) -> float:
        """One pass over the rows in an order; returns the mean of the losses."""
        size = self.problem.work.batch_size
        batches = zip(self.x[order].split(size), self.y[order].split(size), strict=True)
        return float(torch.stack([self.step(x, y) for x, y in batches]).mean())

    def run(self, n: int) -> None:
        """Train for n epochs."""
        for _ in range(n):
            self.epoch(torch.randperm(len(self.x)))

    def warm_up(self, n: int) -> None:
        """Nothing: the first epoch of all has done it."""

    def evidence(self, orders: list[list[int]] | None) -> Evidence:
        """Train on the first rows in the given orders."""
        losses = [self.epoch(torch.tensor(order)) for order in orders or []]
        arrays = [parameter.detach().numpy() for parameter in self.parameters]
        n = len(self.problem.weights)
        return {"loss": losses, "change": self.problem.changes(arrays[:n], arrays[n:])}


class CompiledTraining(Training):
    """Gradient and optimizer compiled together: several times as fast as compiling the loss alone."""

    def prepare(self) -> None:
        """Write the step as one function, and compile it."""
        torch._dynamo.reset()
        gradients_and_loss = torch.func.grad_and_value(self.loss)
        means = [torch.zeros_like(parameter) for parameter in self.parameters]
        squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.state = (self.parameters, means, squares)

        def sgd(state: Any, x: Any, y: Any, rate: Any) -> Any:
            gradients, loss = gradients_and_loss(state[0], x, y)
            for parameter, gradient in zip(state[0], gradients, strict=True):
                parameter.sub_(rate * gradient)
            return loss

        def adam(state: Any, x: Any, y: Any, rate: Any) -> Any:
            gradients, loss = gradients_and_loss(state[0], x, y)
            for parameter, m, v, gradient in zip(*state, gradients, strict=True):
                m.mul_(BETA_1).add_(gradient, alpha=1 - BETA_1)
                v.mul_(BETA_2).addcmul_(gradient, gradient, value=1 - BETA_2)
                parameter.sub_(rate * m / (v.sqrt() + EPSILON))
            return loss

        self.compiled = torch.compile(sgd if self.problem.work.optimizer == "sgd" else adam, fullgraph=True)

    def step(self, x: Any, y: Any) -> Any:
        """One batch; returns its loss."""
        self.n_steps += 1
        rate = self.rate
        if self.problem.work.optimizer == "adam":
            rate *= math.sqrt(1 - BETA_2**self.n_steps) / (1 - BETA_1**self.n_steps)
        return self.compiled(self.state, x, y, torch.tensor(rate, dtype=x.dtype))


class PyTorch(Peer):
    """PyTorch, eager."""

    training: type[Training] = Training

    def __init__(self, n_threads: int) -> None:
        super().__init__(n_threads)
        torch.set_num_threads(n_threads)

    def versions(self) -> dict[str, str]:
        """Version, and whether its products are MKL's."""
        return {"PyTorch": torch.__version__, "PyTorch's MKL": str(torch.backends.mkl.is_available())}

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Leave a function as it is."""
        return function

    def train(self, problem: Problem) -> Task:
        """Epochs of steps."""
        return self.training(problem)

    def predict(self, problem: Problem) -> Task:
        """Compute outputs in inference mode."""
        network, given, x = network_function(problem), parameters(problem), tensors(problem)[0]
        if problem.work.loss == "cross_entropy":
            function = self.compile(lambda given, x: torch.softmax(network(given, x), -1))
        else:
            function = self.compile(network)

        @torch.inference_mode()
        def run() -> Any:
            return function(given, x)

        return Call(run, lambda: {"output": shown(run())})

    def train_call(self, problem: Problem) -> Task:
        """Train as ever: no call takes more than a step."""
        return self.train(problem)

    def partial_fit(self, problem: Problem) -> Task:
        """Train an epoch of one batch."""
        return self.train(problem)

    def gradient(self, problem: Problem) -> Task:
        """Loss and gradient by autograd."""
        loss, given, (x, y) = loss_function(problem), parameters(problem), tensors(problem)
        for parameter in given:
            parameter.requires_grad_()

        def run() -> tuple[Any, Any]:
            value = loss(given, x, y)
            return value, torch.autograd.grad(value, given)

        return Call(run, lambda: gradient_evidence(*run()))


class CompiledPyTorch(PyTorch):
    """PyTorch, compiled."""

    training = CompiledTraining

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile a function, for shapes as they come."""
        torch._dynamo.reset()
        return torch.compile(function, fullgraph=True)

    def gradient(self, problem: Problem) -> Task:
        """Loss and gradient as one compiled function."""
        given, (x, y) = parameters(problem), tensors(problem)
        function = self.compile(torch.func.grad_and_value(loss_function(problem)))
        return Call(lambda: function(given, x, y), lambda: gradient_evidence(*function(given, x, y)[::-1]))


def gradient_evidence(loss: Any, gradients: Any) -> Evidence:
    """Show a loss and its derivatives."""
    flat = np.concatenate([gradient.numpy().ravel() for gradient in gradients])
    return {"loss": [float(loss)], "gradient": shown(flat)}


def tensors(problem: Problem) -> tuple[Any, Any]:
    """Rows and targets.

    Raises
    ------
    Refused
        For sparse rows.
    """
    if problem.work.density < 1:
        raise Refused("dense rows only")
    return torch.from_numpy(problem.x), torch.from_numpy(problem.y)


def parameters(problem: Problem) -> list[Any]:
    """Copy the first parameters, W_1, ..., W_l, b_1, ..., b_l."""
    return [torch.from_numpy(array.copy()) for array in problem.weights + problem.biases]


def network_function(problem: Problem) -> Callable[[Any, Any], Any]:
    """Return the network as a function of parameters and rows; before softmax, where that is the output."""
    n_layers = len(problem.weights)
    work = problem.work
    hidden = ACTIVATIONS[work.activation]
    output = ACTIVATIONS["identity" if work.output_activation == "softmax" else work.output_activation]

    def network(given: Any, x: Any) -> Any:
        for k in range(n_layers - 1):
            x = hidden(torch.addmm(given[n_layers + k], x, given[k]))
        return output(torch.addmm(given[-1], x, given[n_layers - 1]))

    return network


def loss_function(problem: Problem) -> Callable[[Any, Any, Any], Any]:
    """Return the mean over the rows of each row's loss, as a function of parameters, rows and targets."""
    network = network_function(problem)
    if problem.work.loss == "cross_entropy":
        return lambda given, x, y: functional.cross_entropy(network(given, x), y)
    half = 0.5 * problem.work.sizes[-1]
    return lambda given, x, y: half * functional.mse_loss(network(given, x), y)
