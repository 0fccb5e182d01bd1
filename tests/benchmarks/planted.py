"""Peers that are not what they should be, for the processes of the tests."""

import os

from benchmarks.peers.scikit_learn import ScikitLearn


class WrongRate(ScikitLearn):
    """Learns a tenth faster than it should."""

    def train(self, problem):
        task = super().train(problem)
        task.mlp.learning_rate_init *= 1.1
        return task


class WrongOrder(ScikitLearn):
    """Takes the rows as they lie."""

    def train(self, problem):
        task = super().train(problem)
        follow = task.evidence
        task.evidence = lambda orders: follow([sorted(order) for order in orders])
        return task


class WrongOutput(ScikitLearn):
    """Rounds what it predicts."""

    def predict(self, problem):
        task = super().predict(problem)
        shown = task.evidence
        task.evidence = lambda orders: {"output": [round(y, 2) for y in shown(orders)["output"]]}
        return task


class Dying(ScikitLearn):
    """Ends its process in the middle of a work."""

    def train(self, problem):
        os.write(2, b"goodbye")
        os._exit(3)


class Talkative(ScikitLearn):
    """Prints where only answers belong."""

    def train(self, problem):
        print("{not an answer}", flush=True)
        os.write(1, b"nor this")
        return super().train(problem)


class Absent(ScikitLearn):
    """Needs a library that is not installed."""

    def __init__(self, n_threads):
        import a_library_that_nobody_has  # noqa: F401
