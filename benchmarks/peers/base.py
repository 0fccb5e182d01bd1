"""What a peer is: a library that prepares tasks, each of which can be repeated and shows what it computed."""

from collections.abc import Callable
from typing import Any, Protocol

from benchmarks.problems import Problem
from benchmarks.works import Fit

#: Names and numbers that must agree with chainrule's: "loss", "change", "output", "gradient", ...
Evidence = dict[str, list[float]]


class Refused(Exception):  # an answer, not an error
    """The library cannot do this work; the message says why."""


class Task(Protocol):
    """A piece of work, prepared: arrays in the library's own form, compiled where it compiles."""

    def run(self, n: int) -> None:
        """Do it n times (epochs, or calls), and return when the results are there."""

    def warm_up(self, n: int) -> None:
        """Do what only the first call of ``run(n)`` has to do, such as compiling."""

    def evidence(self, orders: list[list[int]] | None) -> Evidence:
        """Show what is computed, from the first parameters on; called once, before anything is timed.

        `orders` are the epochs' orders of the first rows, as chainrule drew them (training only).
        """


class Call:
    """A task that is one function call.

    Parameters
    ----------
    function : callable
        Without arguments; returns when its result is there.
    evidence : callable
        Gives what `Task.evidence` returns.
    """

    def __init__(self, function: Callable[[], Any], evidence: Callable[[], Evidence]) -> None:
        self._function = function
        self._evidence = evidence

    def run(self, n: int) -> None:
        """Call the function n times."""
        function = self._function
        for _ in range(n):
            function()

    def warm_up(self, n: int) -> None:
        """Nothing: the first call of all has done it."""

    def evidence(self, orders: list[list[int]] | None) -> Evidence:
        """Show the result."""
        return self._evidence()


class Peer:
    """A library in a process of its own. Methods are named after tasks; those not overridden refuse.

    Parameters
    ----------
    n_threads : int
        Threads to use; the process' environment has asked for as many.
    """

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads

    def versions(self) -> dict[str, str]:
        """Versions of the library and of what computes for it."""
        raise NotImplementedError

    def train(self, problem: Problem) -> Task:
        """Train epochs over shuffled rows."""
        raise Refused("does not train")

    def predict(self, problem: Problem) -> Task:
        """Compute the outputs of all rows; arrays in and out are the library's own."""
        raise Refused("has no such call")

    def gradient(self, problem: Problem) -> Task:
        """Compute loss and gradient of all rows by the public interface."""
        raise Refused("has no such call")

    def engine_gradient(self, problem: Problem) -> Task:
        """Compute loss and gradient of all rows, with rows and memory handed over once."""
        return self.gradient(problem)

    def estimator_predict(self, problem: Problem) -> Task:
        """Predict the classes of all rows by scikit-learn's interface, after one epoch on the digits."""
        raise Refused("has no such interface")

    def assigned_predict(self, problem: Problem) -> Task:
        """Assign `coefs_`, then the same."""
        raise Refused("has no such interface")

    def train_call(self, problem: Problem) -> Task:
        """Train one epoch over shuffled rows by each call."""
        raise Refused("has no such call")

    def partial_fit(self, problem: Problem) -> Task:
        """Train one step on all rows by each call, through scikit-learn's interface where there is one."""
        raise Refused("has no such call")

    def fit(self, fit: Fit, x: Any, y: Any) -> Task:
        """Fit a whole estimator by scikit-learn's interface."""
        raise Refused("has no such interface")
