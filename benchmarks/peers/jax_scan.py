"""JAX: all epochs of a run in one jitted lax.scan, the gather of shuffled rows inside, buffers donated."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np

from benchmarks.peers.base import Call, Evidence, Peer, Refused, Task
from benchmarks.problems import Problem, shown

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda net: net,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "gelu": functools.partial(jax.nn.gelu, approximate=False),
}
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
UNROLL = 2  # steps in the loop's body: a fifth faster than one where a step takes a microsecond, never slower


class Training:
    """Steps as one scan over the rows' indices.

    NumPy draws the shuffles, several times as fast as jax.random does on a CPU, and the step's learning
    rates, in double precision.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.x, self.y = arrays(problem)
        given = parameters(problem)
        self.state = (given, jax.tree.map(jnp.zeros_like, given), jax.tree.map(jnp.zeros_like, given))
        self.rng = np.random.default_rng(0)
        self.n_steps = 0
        loss = loss_function(problem)

        def step(x: Any, y: Any, state: Any, now: Any) -> tuple[Any, Any]:
            given, means, squares = state
            rows, rate = now
            x, y = (a.at[rows].get(mode="promise_in_bounds") for a in (x, y))
            value, gradient = jax.value_and_grad(loss)(given, x, y)
            if problem.work.optimizer == "sgd":
                given = jax.tree.map(lambda p, g: p - rate * g, given, gradient)
            else:
                means = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, means, gradient)
                squares = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, squares, gradient)
                given = jax.tree.map(
                    lambda p, m, v: p - rate * m / (jnp.sqrt(v) + EPSILON), given, means, squares
                )
            return (given, means, squares), value

        @functools.partial(jax.jit, donate_argnums=0)
        def steps(state: Any, x: Any, y: Any, rows: Any, rates: Any) -> tuple[Any, Any]:
            return jax.lax.scan(functools.partial(step, x, y), state, (rows, rates), unroll=UNROLL)

        self.steps = steps

    def epochs(self, orders: list[Any]) -> Any:
        """Pass over the rows in given orders; return the loss of every step."""
        work = self.problem.work
        rows = np.concatenate(orders).astype(np.int32).reshape(-1, work.batch_size)
        rates = np.full(len(rows), work.learning_rate)
        if work.optimizer == "adam":
            t = np.arange(self.n_steps + 1, self.n_steps + 1 + len(rows))
            rates *= np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        self.n_steps += len(rows)
        self.state, losses = self.steps(self.state, self.x, self.y, rows, rates.astype(self.problem.dtype))
        return jax.block_until_ready(losses)

    def run(self, n: int) -> None:
        """Train for n epochs."""
        self.epochs([self.rng.permutation(len(self.x)) for _ in range(n)])

    def warm_up(self, n: int) -> None:
        """Compile the scan of n epochs."""
        self.run(n)

    def evidence(self, orders: list[list[int]] | None) -> Evidence:
        """Train on the first rows in the given orders."""
        losses = np.asarray(self.epochs(orders or []), dtype=np.float64).reshape(len(orders or []), -1)
        weights, biases = self.state[0]
        return {"loss": losses.mean(axis=1).tolist(), "change": self.problem.changes(weights, biases)}


class Jax(Peer):
    """JAX on the CPU."""

    def __init__(self, n_threads: int) -> None:
        super().__init__(n_threads)
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", True)

    def versions(self) -> dict[str, str]:
        """Versions of JAX and of the compiler behind it."""
        return {"JAX": jax.__version__, "jaxlib": jaxlib.__version__}

    def train(self, problem: Problem) -> Task:
        """Epochs as one scan."""
        return Training(problem)

    def predict(self, problem: Problem) -> Task:
        """Compute outputs by a jitted function of arrays that JAX has already."""
        network, given, x = network_function(problem), parameters(problem), arrays(problem)[0]
        x = x[0] if problem.work.n_samples == 1 else x
        if problem.work.loss == "cross_entropy":
            function = jax.jit(lambda given, x: jax.nn.softmax(network(given, x)))
        else:
            function = jax.jit(network)
        return Call(
            lambda: function(given, x).block_until_ready(), lambda: {"output": shown(function(given, x))}
        )

    def gradient(self, problem: Problem) -> Task:
        """Loss and gradient by a jitted function."""
        given, (x, y) = parameters(problem), arrays(problem)
        function = jax.jit(jax.value_and_grad(loss_function(problem)))

        def evidence() -> Evidence:
            loss, (weights, biases) = function(given, x, y)
            flat = np.concatenate([np.asarray(g).ravel() for g in weights + biases])
            return {"loss": [float(loss)], "gradient": shown(flat)}

        return Call(lambda: jax.block_until_ready(function(given, x, y)), evidence)


def arrays(problem: Problem) -> tuple[Any, Any]:
    """Rows and targets; classes as one-hot rows, whose gradient needs no scatter.

    Raises
    ------
    Refused
        For sparse rows.
    """
    if problem.work.density < 1:
        raise Refused("dense rows only")
    y = problem.y
    if problem.work.loss == "cross_entropy":
        y = np.eye(problem.work.sizes[-1], dtype=problem.dtype)[y]
    return jnp.asarray(problem.x), jnp.asarray(y)


def parameters(problem: Problem) -> tuple[list[Any], list[Any]]:
    """Copy the first parameters: weights, biases."""
    return tuple([jnp.array(a, copy=True) for a in part] for part in (problem.weights, problem.biases))


def network_function(problem: Problem) -> Callable[[Any, Any], Any]:
    """Return the network as a function of parameters and rows; before softmax, where that is the output."""
    work = problem.work
    hidden = ACTIVATIONS[work.activation]
    output = ACTIVATIONS["identity" if work.output_activation == "softmax" else work.output_activation]

    def network(given: Any, x: Any) -> Any:
        *layers, (weights, bias) = zip(*given, strict=True)
        for hidden_weights, hidden_bias in layers:
            x = hidden(x @ hidden_weights + hidden_bias)
        return output(x @ weights + bias)

    return network


def loss_function(problem: Problem) -> Callable[[Any, Any, Any], Any]:
    """Return the mean over the rows of each row's loss, as a function of parameters, rows and targets."""
    network = network_function(problem)

    def cross_entropy(given: Any, x: Any, y: Any) -> Any:
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(network(given, x)), axis=-1))

    def squared_error(given: Any, x: Any, y: Any) -> Any:
        return 0.5 * jnp.mean(jnp.sum(jnp.square(network(given, x) - y), axis=-1))

    return cross_entropy if problem.work.loss == "cross_entropy" else squared_error
