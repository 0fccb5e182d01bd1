"""What is measured: networks with their batches and optimizers, and fits of whole estimators."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Work:
    """A network, the rows that it meets, and what is done with them.

    Attributes
    ----------
    name : str
        Unique over all sections.
    task : str
        "train" (a step is one batch), or one call of "predict", "gradient", "engine_gradient",
        "estimator_predict", "assigned_predict", "train_call" or "partial_fit" for all rows.
    sizes : tuple of int
        Widths of the layers of neurons.
    activation, output_activation, loss : str
        By chainrule's names.
    batch_size : int
        Rows of a batch.
    n_batches : int
        Batches of an epoch.
    optimizer : {"sgd", "adam"}
        Without momentum or penalty; Adam with its usual betas and epsilon 1e-8.
    learning_rate : float
        Of the optimizer.
    density : float
        Share of the inputs that are not zero; below 1 they are a CSR matrix.
    target : float or None
        Ratio to the best peer that chainrule is meant to reach.
    """

    name: str
    sizes: tuple[int, ...]
    activation: str
    batch_size: int
    n_batches: int = 1
    loss: str = "squared_error"
    output_activation: str = "identity"
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    density: float = 1.0
    task: str = "train"
    target: float | None = None

    @property
    def n_samples(self) -> int:
        """Rows of the data set."""
        return self.batch_size * self.n_batches

    @property
    def n_weights(self) -> int:
        """Weights of all layers, without biases."""
        return sum(n_in * n_out for n_in, n_out in pairwise(self.sizes))

    @property
    def flops(self) -> float:
        """Floating-point operations of the products of one step or call; nothing else is counted.

        Forward 2 n_in n_out per row and layer, the gradient of the weights as many again, and as many for
        what is propagated back, which the first layer does not need. Of sparse inputs, stored values count.
        """
        first, *others = (2.0 * n_in * n_out for n_in, n_out in pairwise(self.sizes))
        first *= self.density
        forward = first + sum(others)
        both = forward if "predict" in self.task else 2 * forward + sum(others)
        return both * (self.n_samples if self.task == "train_call" else self.batch_size)

    @property
    def network(self) -> str:
        """The network in one word, equal widths in a row counted: 28-3x256-1."""
        parts: list[list[int]] = []
        for size in self.sizes:
            if parts and parts[-1][0] == size:
                parts[-1][1] += 1
            else:
                parts.append([size, 1])
        return "-".join(f"{n}x{size}" if n > 2 else "-".join([str(size)] * n) for size, n in parts)

    @property
    def activations(self) -> str:
        """Activations in a few words."""
        return (
            self.activation
            if self.output_activation in ("identity", "softmax")
            else (f"{self.activation}, {self.output_activation} output")
        )


@dataclass(frozen=True)
class Fit:
    """An estimator that is fitted from beginning to end, by scikit-learn's rules and parameters."""

    name: str
    estimator: str
    data: str
    parameters: dict[str, Any]
    task: str = "fit"


def classes(name: str, sizes: tuple[int, ...], batch_size: int, n_batches: int, **others: Any) -> Work:
    """Return the work of a classifier with relu and softmax."""
    settings = {"activation": "relu", "loss": "cross_entropy", "output_activation": "softmax"} | others
    return Work(name, sizes, batch_size=batch_size, n_batches=n_batches, **settings)


SEED = Work(
    "seed",
    (3, 5, 4, 3),
    "sigmoid",
    batch_size=1,
    n_batches=2000,
    output_activation="sigmoid",
    optimizer="sgd",
    learning_rate=0.1,
    target=10,
)
TABLE = Work("table", (28, 256, 256, 256, 1), "relu", batch_size=256, n_batches=64, target=1.25)

#: The table of targets.
TRAINING = [
    SEED,
    replace(SEED, name="seed32", batch_size=32, n_batches=128, target=15),
    Work("small", (8, 64, 64, 1), "tanh", batch_size=64, n_batches=128, target=3),
    classes("digits", (64, 100, 10), 200, 9, target=4),
    TABLE,
    classes("mnist", (784, 512, 512, 10), 128, 64, target=1.5),
    classes("wide", (784, 2048, 2048, 2048, 10), 1024, 4, target=1.1),
]

#: Further shapes, with ``--all``.
FURTHER = [
    replace(SEED, name="seed-linear", output_activation="identity", target=None),
    classes("odd", (37, 101, 300, 101, 7), 100, 64),
    Work("deep", (32,) * 21 + (1,), "tanh", batch_size=64, n_batches=64),
    Work("one-wide", (100, 16384, 10), "relu", batch_size=256, n_batches=8),
    replace(TABLE, name="batch16", batch_size=16, n_batches=256, target=None),
    replace(TABLE, name="batch4096", batch_size=4096, n_batches=4, target=None),
    replace(TABLE, name="tanh", activation="tanh", target=None),
    replace(TABLE, name="gelu", activation="gelu", target=None),
    classes("sparse", (20_000, 100, 20), 200, 16, density=0.002),
]

SMALL_ROW = Work("row-small", (8, 64, 64, 1), "tanh", batch_size=1, task="predict")
PREDICTION = [
    SMALL_ROW,
    replace(SMALL_ROW, name="row-256", sizes=(28, 256, 256, 256, 1), activation="relu"),
    replace(TABLE, name="rows-table", task="predict", batch_size=8192, n_batches=1, target=None),
    classes("rows-mnist", (784, 512, 512, 10), 8192, 1, task="predict"),
    classes("rows-wide", (784, 2048, 2048, 2048, 10), 1024, 1, task="predict"),
    classes("row-estimator", (64, 100, 10), 1, 1, task="estimator_predict", target=5),
]

#: SimpleChains.jl's example: 24 inputs, 8 tanh, 2 outputs, 200 rows.
GRADIENT = [
    Work("gradient-network", (24, 8, 2), "tanh", batch_size=200, task="gradient"),
    Work("gradient-engine", (24, 8, 2), "tanh", batch_size=200, task="engine_gradient"),
]

#: One call after the other, as in online learning: what a call costs beside its steps.
CALLS = [
    replace(SEED, name="call-step", n_batches=1, task="train_call", target=None),
    replace(SEED, name="call-seed", task="train_call", target=None),
    replace(SEED, name="call-seed32", batch_size=32, task="train_call", target=None),
    classes("call-wide", (784, 2048, 2048, 10), 256, 4, task="train_call"),
    classes("call-partial", (64, 100, 10), 200, 1, task="partial_fit"),
    classes("row-assigned", (64, 100, 10), 1, 1, task="assigned_predict"),
]

FITS = [
    Fit("fit-digits", "MLPClassifier", "digits", {"random_state": 0}),
    Fit("fit-table", "MLPRegressor", "table", {"random_state": 0}),
]

#: Sections in the order in which they are measured and shown.
SECTIONS: dict[str, list[Any]] = {
    "training": TRAINING,
    "further": FURTHER,
    "prediction": PREDICTION,
    "gradient": GRADIENT,
    "calls": CALLS,
    "fit": FITS,
    "memory": [],
}


def names() -> Iterator[str]:
    """Every name that ``--only`` takes: works, and sections."""
    yield from SECTIONS
    for works in SECTIONS.values():
        yield from (work.name for work in works)


def selected(only: list[str], everything: bool) -> dict[str, list[Any]]:
    """Sections with the works to measure: those named, or the usual ones, or everything."""
    if only:
        chosen = {
            section: [work for work in works if {work.name, section} & set(only)]
            for section, works in SECTIONS.items()
        }
        return {section: works for section, works in chosen.items() if works or section in only}
    return {section: works for section, works in SECTIONS.items() if everything or section != "further"}
