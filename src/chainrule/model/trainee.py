"""`Trainee`: a network as training sees it, whoever owns it."""

from typing import Any

import numpy as np

from chainrule import _engine, _threads
from chainrule.model.architecture import Architecture
from chainrule.model.arrays import Floats, check_finite
from chainrule.model.inputs import LearnedInput
from chainrule.model.parameters import NAMES, Parameters
from chainrule.model.rows import Rows


class Trainee:
    """The engine's model of a network, its numbers, and what one training leaves for the next.

    `Network` has one, and the estimators have one. It is all that `chainrule.training` is given.

    Parameters
    ----------
    architecture : Architecture
        Sizes, activations, loss, dtype and options of the layers.
    **report
        Of the engine's `Model`: the sign of biases, and how it reports the loss.

    Attributes
    ----------
    model : _engine.Model
        With first gains, slopes, alphas and the like; everything else is 0.
    flat : ndarray of shape (n_parameters,)
        All parameters. Writing into it changes the network.
    parts : Parameters
        Views of `flat`, layer by layer.
    inputs : list of LearnedInput
        Views of `flat`, one entry per input layer.
    n_threads : int
        Threads that the user asked for; 0 leaves the number to OpenMP.
    seed : int
        Of the shuffles of `Network.train`.
    n_epochs : int
        Epochs trained so far: each one of a network's life has a shuffle of its own.
    state : object or None
        The optimizer's state after the last training, from which another one may go on.
    """

    __slots__ = ("architecture", "flat", "inputs", "model", "n_epochs", "n_threads", "parts", "seed", "state")

    def __init__(self, architecture: Architecture, **report: Any) -> None:
        self.architecture = architecture
        self.model = _engine.Model(
            architecture.sizes,
            architecture.activations,
            architecture.loss.name,
            dtype=architecture.dtype_name,
            loss_parameters=architecture.loss.parameters,
            inputs=architecture.engine_inputs,
            **architecture.layers._asdict(),
            **report,
        )
        self.flat: Floats = self.model.parameters
        self.parts: Parameters = architecture.split(self.flat)
        self.inputs: list[LearnedInput] = architecture.split_inputs(self.flat)
        self.n_threads = 0
        self.seed = 0
        self.n_epochs = 0
        self.state: Any = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the parameters: float32 or float64."""
        return self.architecture.dtype

    @property
    def threads(self) -> int:
        """Threads for the next native call: other trainings of this process take their share."""
        return _threads.share(self.n_threads)

    def arrays(self, form: str = "{}[{}]") -> dict[str, Floats]:
        """Return every array of parameters by its name in `Network`: "weights[0]", "inputs[0].scale"."""
        layers = {
            form.format(name, k): array
            for name in NAMES
            for k, array in enumerate(self.parts.named(name))
            if array is not None
        }
        return layers | {
            f"{form.format('inputs', i)}.{name}": array
            for i, layer in enumerate(self.inputs)
            for name, array in layer.arrays.items()
        }

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as None: an engine's model stays with its owner, whose copy makes its own."""
        return type(None), ()

    def check_finite(self, rows: Rows) -> None:
        """Raise ValueError that names the first of x, y and the parameters with NaN or infinity."""
        rows.check_finite()
        if _engine.is_finite(self.flat):
            return
        for name, array in self.arrays().items():
            check_finite(array, name, "set finite parameters first")
