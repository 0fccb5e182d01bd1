"""`Network`: sizes, parameters, forward, gradients, train."""

import dataclasses
import functools
import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np

from chainrule import _engine, _threads
from chainrule._settings import real_number, whole_number
from chainrule.description.leaving import LeavingNetwork
from chainrule.description.verbs import verb
from chainrule.inputs import from_settings
from chainrule.model.architecture import Architecture, as_loss, saved_loss
from chainrule.model.arrays import Floats, as_floats
from chainrule.model.custom_loss import CustomLoss
from chainrule.model.initialization import get_initializer, initialize, initialize_from_rows
from chainrule.model.inputs import LearnedInput
from chainrule.model.layers import LayerOptions
from chainrule.model.parameters import NAMES, ParameterList, as_generator
from chainrule.model.rows import Rows, as_features, as_rows
from chainrule.model.trainee import Trainee
from chainrule.network.derivatives import Derivatives
from chainrule.network.describing import describe_network
from chainrule.network.elsewhere import hinted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from chainrule.description import Description
    from chainrule.inputs import InputLayer
    from chainrule.optimizers import LBFGS, Optimizer
    from chainrule.reference import Loss
    from chainrule.training import EpochRecord, History
    from chainrule.training.schedules import Schedule

MOST_THREADS = 1024
if TYPE_CHECKING:
    Factors = Iterable[float] | Mapping[str, float | Iterable[float]]


class Gradients(NamedTuple):
    """Loss of a batch and its exact derivatives by every parameter.

    Attributes
    ----------
    loss : float
        The loss, penalty included.
    weights : list of ndarray
        dE/dW_k, of shapes (n_k, n_{k+1}).
    biases : list of ndarray
        dE/db_k, of shapes (n_{k+1},), for biases that are subtracted: minus the mean delta.
    gains, shifts, slopes, alphas : list of ndarray or None
        By the vectors of normalized [E8], of "prelu" and of parametric [E12] layers, of shapes (n_{k+1},),
        one entry per layer, None where it has none.
    inputs : list of LearnedInput
        By what the input layers have learned [E11, E13-E15]: ``gradients.inputs[0].frequency``.
    """

    loss: float
    weights: list[Floats]
    biases: list[Floats]
    gains: list[Floats | None]
    shifts: list[Floats | None]
    slopes: list[Floats | None]
    alphas: list[Floats | None]
    inputs: list[LearnedInput]


class Network(Derivatives, LeavingNetwork):
    """A feed-forward network: layer k computes f_k(x W_k - b_k) [E1, E2].

    Parameters
    ----------
    sizes : list of int
        Widths of the layers of neurons: n_1 inputs, hidden layers, n_{l+1} outputs. At least two, each >= 1.
        With `inputs`, the first is the number of columns of x.
    activation : str or list of str
        Of the hidden layers, one name for all or one for each: "identity", "sigmoid", "tanh", "relu",
        "leaky_relu", "elu", "selu", "softplus", "gelu", "silu", "mish", "softsign", "hardtanh", "relu6",
        "prelu" (one learned slope per unit).
    output_activation : str, optional
        Of the output layer: one of those, "softmax" or "exp". By default the one that belongs to the loss.
    loss : str, Loss or callable
        A name, or an instance of `chainrule.losses` with settings of its own, such as ``Huber(delta=2.0)``.
        "squared_error" (1/2 ||yhat - y||^2), "absolute_error", "huber", "log_cosh": any output activation, by
        default "identity". "cross_entropy", "focal": "softmax". "binary_cross_entropy", "binary_focal":
        "sigmoid"; each output a class of its own. "poisson", "gamma", "tweedie": "exp" by default, or
        "softplus" ("poisson" also "sigmoid"). "quantile": several quantiles are "ordered", so that they
        cannot cross; `sizes` ends with their number for each target. A batch has the mean over its rows of
        each row's sum over outputs.
        Or a function of your own, ``loss(predictions, targets)``, called once a step: it gets NumPy arrays
        (n_rows, n_outputs) and y's rows (class indices as int64), and returns the value of the batch and its
        derivative by the predictions. With weights: ``loss(predictions, targets, sample_weight)``.
    dropout : float or list of float
        Part of a hidden layer's outputs that each training step sets to 0, one rate for all hidden layers or
        one for each; the others are divided by 1 - rate, so that nothing changes for prediction [E10].
    layer_norm : bool or list of bool
        Whether a hidden layer's net input is normalized over the row's units, then scaled by a learned gain
        and moved by a learned shift, before its activation [E8].
    residual : bool or list of bool
        Whether a hidden layer adds its input to its output [E9]. True: all that are as wide as their input.
    parametric : bool or list of bool
        Whether a hidden layer's activation sigma has a learned strength, one per neuron:
        net + alpha (sigma(net) - net), alpha 1 at first [E12]. Not with "prelu".
    inputs : list of InputLayer, optional
        What stands between the columns of x and the first layer of weights, of `chainrule.inputs`: embeddings
        of numbers and categories, a learned scale [E11, E13-E15]. Rows are then dense.
    initializer : str, optional
        Of the weights: "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform",
        "lecun_normal" or "orthogonal"; biases are 0 then. By default as in the notes.
    dtype : {"float64", "float32"}
        Of the parameters and of all arithmetic.
    random_state : int, SeedSequence, Generator or None
        Seeds the first parameters and the shuffles of `train`: the same seed gives the same bits.
        None draws a new seed from the operating system.
    n_threads : int, optional
        Threads to use at most; by default OpenMP's own setting (OMP_NUM_THREADS). No bit of a result
        depends on it.

    Raises
    ------
    TypeError, ValueError
        For sizes that are no whole numbers >= 1, unknown names (with a suggestion), output-only activations
        in hidden layers, a loss that does not go with the output activation, rates outside [0, 1), or a
        residual connection where a layer is not as wide as its input.
    MemoryError
        Where the parameters alone exceed the machine's memory.

    Notes
    -----
    First parameters are uniform in +-sqrt(6 / (n_k + n_{k+1})), those of sigmoid layers in
    +-sqrt(2 / (n_k + n_{k+1})) (Glorot and Bengio 2010, equation 16, with scikit-learn's bounds). Gains and
    alphas are 1, shifts 0, slopes of "prelu" 0.25; those of input layers stand with them.

    A hidden layer computes, in this order: net = x W - b, its normalization, the activation, dropout (in
    training), and the sum with its input. Formulas and sources: docs/numerics.md.

    Examples
    --------
    >>> import numpy as np
    >>> net = Network([2, 8, 1], activation="tanh", random_state=0)
    >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> y = np.array([0.0, 1.0, 1.0, 0.0])
    >>> history = net.train(x, y, epochs=2000, batch_size=4)
    >>> net(x).round(1).ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    __slots__ = ("__weakref__", "_forward", "_trainee", *(f"_{name}" for name in NAMES))

    _weights: ParameterList
    _biases: ParameterList
    _norm_gains: ParameterList
    _norm_shifts: ParameterList
    _slopes: ParameterList
    _alphas: ParameterList

    def __init__(
        self,
        sizes: "Sequence[int]",
        *,
        activation: "str | Iterable[str]" = "relu",
        output_activation: str | None = None,
        loss: "str | Loss | Callable[..., tuple[float, Any]]" = "squared_error",
        dropout: "float | Iterable[float]" = 0.0,
        layer_norm: "bool | Iterable[bool]" = False,
        residual: "bool | Iterable[bool]" = False,
        parametric: "bool | Iterable[bool]" = False,
        inputs: "Iterable[InputLayer] | None" = None,
        initializer: str | None = None,
        dtype: Any = "float64",
        random_state: Any = None,
        n_threads: int | None = None,
    ) -> None:
        architecture = Architecture.of(
            sizes,
            activation,
            output_activation,
            loss,
            dtype,
            dropout=dropout,
            layer_norm=layer_norm,
            residual=residual,
            parametric=parametric,
            inputs=inputs,
        )
        scheme = get_initializer(initializer)
        generator = as_generator(random_state)
        self._build(architecture, n_threads)
        initialize(self._weights, self._biases, architecture.activations, generator, scheme)
        for layer in self._trainee.inputs:
            for name, values in layer.layer.first_values(generator).items():
                layer.arrays[name][...] = values
        self._trainee.seed = int(generator.integers(2**63))

    def _build(self, architecture: Architecture, n_threads: int | None) -> None:
        """Everything but the numbers."""
        self._trainee = Trainee(architecture)
        for name in NAMES:
            setattr(self, f"_{name}", ParameterList(self._trainee.parts.named(name), name))
        self.n_threads = n_threads

    def __call__(self, x: Any) -> Floats:
        """Compute the outputs yhat for rows x [E1, E2].

        An array of the network's dtype goes to the engine as it is, in microseconds; everything else is
        converted first. Values are not checked: NaN in a row gives NaN in its outputs.

        Parameters
        ----------
        x : array-like or sparse matrix, shape (n_samples, n_1) or (n_1,)
            Rows are samples.

        Returns
        -------
        outputs : ndarray of shape (n_samples, n_{l+1}) or (n_{l+1},)
            A new array. A row has the same bits alone and in any batch.

        Raises
        ------
        TypeError
            For anything that is no array of real numbers.
        ValueError
            For another number of columns.

        Examples
        --------
        >>> net = Network([3, 4, 2], random_state=0)
        >>> net([1.0, 2.0, 3.0]).shape, net([[1.0, 2.0, 3.0]] * 5).shape
        ((2,), (5, 2))
        """
        try:
            return self._forward(x)
        except TypeError:
            if hasattr(x, "tocsr"):
                model = self._trainee.model
                rows = Rows(as_features(self._trainee.architecture, x)[0])
                return model.predict(rows.dataset(model), self._trainee.n_threads)
            return self._forward(as_floats(x, self.dtype, "x"))

    def initialize_from(self, x: Any, random_state: Any = None) -> None:
        """Draw weights and biases anew, so that they suit these rows; input layers stay as they are.

        Every net then has deviation 1 over the rows, and is 0 somewhere among them: each column of
        W ~ N(0, 1) is divided by the deviation of its net, each bias is a random point in the hull of five
        rows' nets ("he+5").

        Parameters
        ----------
        x : array-like, shape (n_samples, n_1)
            Training rows, or some of them: dense, at least two.
        random_state : int, SeedSequence, Generator or None
            Seeds the draw.

        Raises
        ------
        ValueError
            As for `gradients`, and for networks with layer_norm or residual.

        Notes
        -----
        Source: `chainrule.reference.first_values`.

        Examples
        --------
        >>> import numpy as np
        >>> net = Network([2, 50, 1], random_state=0)
        >>> x = np.array([[1000.0, 0.0], [1001.0, 0.5], [1003.0, 0.1]])
        >>> net.initialize_from(x, random_state=0)
        >>> (x @ net.weights[0]).std(axis=0).round(6).tolist() == [1.0] * 50
        True
        """
        features, n_samples, _ = as_features(self._architecture, x)
        if not isinstance(features, np.ndarray) or n_samples < 2:
            raise ValueError("first values from rows need dense rows, at least two")
        Rows(features).check_finite()
        generator = as_generator(random_state)
        self._weights[:], self._biases[:] = initialize_from_rows(self._trainee, features, generator)

    def gradients(self, x: Any, y: Any, sample_weight: Any = None, l2: float = 0.0) -> Gradients:
        """Loss of a batch and its exact derivatives by every weight and bias [E3-E7].

        Parameters
        ----------
        x : array-like or sparse matrix, shape (n_samples, n_1) or (n_1,)
            Rows are samples. Another dtype, or an array that is not C-contiguous, is converted (copied).
        y : array-like
            Targets (n_samples, n_{l+1}); (n_{l+1},) for a single row x; (n_samples,) where there is one
            output or, of an integer dtype, as class indices for "cross_entropy".
        sample_weight : array-like, shape (n_samples,), optional
            Weights of the rows in the mean, whose denominator is their sum.
        l2 : float
            Factor of the penalty l2/2 sum ||W_k||^2 that is added to the mean; biases are not penalized.

        Returns
        -------
        gradients : Gradients
            `loss`, and `weights`, `biases` and, where layers have them, `gains`, `shifts`, `slopes`, `alphas`
            and `inputs`: derivatives of that loss, of the parameters' shapes and dtype. Without dropout.

        Raises
        ------
        TypeError
            For anything that is no array of real numbers, and class indices that are no integers.
        ValueError
            For shapes that do not fit, targets that the loss cannot take, and numbers that are not finite.

        Examples
        --------
        >>> net = Network([2, 1], random_state=0)
        >>> net.weights[0] = [[0.5], [1.0]]
        >>> net.biases[0] = [0.0]
        >>> g = net.gradients([[2.0, 1.0]], [[1.0]])
        >>> g.loss, g.weights[0].tolist(), g.biases[0].tolist()
        (0.5, [[2.0], [1.0]], [-1.0])
        """
        trainee = self._trainee
        rows = as_rows(trainee.architecture, x, y, sample_weight)
        flat = np.empty_like(trainee.flat)
        penalty = real_number("l2", l2, "[0, inf)")
        data = rows.dataset(trainee.model)
        loss = trainee.model.gradients(data, flat, l2=penalty, n_threads=trainee.n_threads)
        # Looked at afterwards: NaN or infinity anywhere would be in these.
        if not (math.isfinite(loss) and _engine.is_finite(flat)):
            trainee.check_finite(rows)
        return Gradients(loss, *trainee.architecture.split(flat), trainee.architecture.split_inputs(flat))

    def evaluate(self, x: Any, y: Any, sample_weight: Any = None) -> float:
        """Loss of a batch, without its derivatives and without a penalty [E1-E3].

        Parameters and errors are those of `gradients`.

        Examples
        --------
        >>> net = Network([1, 1], random_state=0)
        >>> net.evaluate([[1.0], [2.0]], net([[1.0], [2.0]]))
        0.0
        """
        trainee = self._trainee
        rows = as_rows(trainee.architecture, x, y, sample_weight)
        trainee.check_finite(rows)
        return trainee.model.evaluate(rows.dataset(trainee.model), trainee.n_threads)

    @hinted
    def train(
        self,
        x: Any,
        y: Any = None,
        *,
        optimizer: "Optimizer | LBFGS | None" = None,
        epochs: int = 100,
        batch_size: int | Literal["auto"] | None = "auto",
        shuffle: bool = True,
        sample_weight: Any = None,
        callback: "Callable[[EpochRecord], object] | None" = None,
        resume: bool = False,
        precision: str = "full",
        schedule: "Schedule | str | Callable[[float], float] | None" = None,
        schedule_epochs: int | None = None,
        learning_rate_factors: "Factors | None" = None,
        validation: "tuple[Any, ...] | None" = None,
        patience: int | None = None,
        min_improvement: float = 0.0,
        max_time: float | None = None,
        row_blocks: int = 1,
        epsilon_factors: "Factors | None" = None,
        decay_factors: "Factors | None" = None,
        dropout_schedule: "Schedule | str | Callable[[float], float] | None" = None,
        decay_schedule: "Schedule | str | Callable[[float], float] | None" = None,
    ) -> "History":
        """Train in place: an epoch takes all rows once, in batches, and steps against each batch's gradient.

        Parameters
        ----------
        x : array-like or sparse matrix, shape (n_samples, n_1) or (n_1,), or ParquetRows
            Rows are samples. Another dtype, or an array that is not C-contiguous, is converted (copied).
            `chainrule.stream.ParquetRows` are read while the network trains.
        y : array-like
            Targets, as for `gradients`; None for `ParquetRows`, which have them.
        optimizer : Optimizer, optional
            `SGD`, `Adam` (the default), `AdamW`, `RMSprop`, `Adagrad`, `Nadam`, `Lion`, `Rprop` or `LBFGS`.
            Penalties and bounds (l1, l2, clip_value, clip_norm, max_norm) are among its settings.
        epochs : int
            Passes over the rows.
        batch_size : int, "auto" or None
            Rows per step, the last batch of an epoch may have fewer; None takes all rows in one batch. "auto"
            is 32, and all rows for `Rprop` and `LBFGS`.
        shuffle : bool
            Whether each epoch takes the rows in an order of its own, given by `random_state` and the number
            of epochs that this network was trained for.
        sample_weight : array-like, shape (n_samples,), optional
            Weights of the rows in each batch's mean. Rows of weight 0 are left out before batches are made.
        callback : callable, optional
            Called after each epoch with an `EpochRecord`; training stops where it returns True. Parameters
            may be read and written meanwhile. Without one, many epochs are one call into native code. If it
            has a method `rows_pass`, that is given the `Pace` of an epoch that is streamed, window by window.
        resume : bool
            Go on with the optimizer's memory of the last call of `train` (by default it starts anew), as if
            that call had not ended.
        precision : {"full", "bf16"}
            Of the products in training. "bf16" rounds their factors to bfloat16 (8 bits of precision, the
            range of float32) and sums in float32; parameters and optimizer stay float32, and so does all
            that is not training. Needs dtype="float32" and a processor with AVX512_BF16. The first layer's
            products of sparse rows stay float32.
        schedule : str, Schedule or callable, optional
            How the learning rate changes, step by step: "constant", "step", "exponential", "cosine",
            "onecycle", "inverse_time", "coslog4", "flat_cosine", "plateau", or what these stand for with
            other settings, such as ``chainrule.CosineSchedule(warmup=0.1)``; or a function from the part of
            the training that is done, in [0, 1], to what the learning rate is multiplied with.
        schedule_epochs : int, optional
            How many epochs the schedule is made for, from the first epoch of a training that is continued by
            `resume`: by default those already made and those of this call.
        learning_rate_factors : list of float or dict, optional
            One per layer of weights; multiplies its learning rate. A layer with 0 is frozen. Or by what is
            learned: a dict from "weights", "biases", "norm_gains", "norm_shifts", "slopes", "alphas" or
            "inputs" to one number or to a list, one per layer of weights or per input layer, as in
            ``{"weights": [0.3, 0.06], "biases": 0.1, "inputs": [0.1, 6]}``; 1 for the others.
        validation : tuple, optional
            (x, y) or (x, y, sample_weight): rows whose loss, without penalty, is measured after each epoch.
        patience : int, optional
            Stop after so many epochs in a row without improvement of the validation loss, or of the training
            loss where there is no `validation`; the network then has the parameters of its best epoch.
        min_improvement : float
            By how much a loss must be below the best one so far to count as an improvement.
        max_time : float, optional
            Seconds: no further epoch is begun after them.
        row_blocks : int
            Blocks of neighboring rows, each with an order of its own, of which every batch takes its share.
            Each block's gradient is summed apart, and the sums are added in a fixed tree,
            (((0+1)+(2+3))+((4+5)+(6+7))): a step then does not depend on who holds which block. Batches
            are as large as each other. 1 gives the bits of earlier versions. Not with "bf16" and `LBFGS`.
        epsilon_factors, decay_factors : list of float or dict, optional
            As `learning_rate_factors`, of the optimizer's epsilon, and of `AdamW`'s and `Lion`'s decoupled
            weight decay: a step then begins with theta (1 - rate decay rate_factor decay_factor). A list of
            decay factors is about the weights; what is not named is decayed with 1 if it is weights, else not
            at all. Both together give a network the neural tangent parametrization:
            `chainrule.reference.rates.ntp_factors`.
        dropout_schedule, decay_schedule : str, Schedule or callable, optional
            As `schedule`, for what the dropout rates and the decoupled weight decay are multiplied with in
            each step: "flat_cosine", say.

        Returns
        -------
        history : History
            `.loss`, one value per epoch: the mean over its rows of each batch's loss before its step, penalty
            included; `.learning_rate`, that of each epoch's last step; `.validation_loss`, `.best_epoch`;
            `.seconds`, `.n_steps`, `.stopped` and `.reason`.

        Raises
        ------
        TypeError, ValueError
            As for `gradients`, and for settings out of range.
        DivergenceError
            A FloatingPointError: loss or parameters became NaN or infinite. It says in which epoch, what to
            do, and to which earlier epoch's values the parameters have been set back.
        KeyboardInterrupt
            Ctrl-C is heard in native code too. The parameters are those after the last whole step.

        Notes
        -----
        Memory beside the data, none of which grows with the rows: for each parameter a packed copy, the
        optimizer's `memory` (SGD none, with momentum one number, Adam two), one more number for `clip_norm`
        and for Rprop's backtracking, and a copy to go back to; and one batch of activations. Memory and
        packed copy are kept for `resume` until the next call.

        Examples
        --------
        >>> import numpy as np
        >>> from chainrule import SGD
        >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
        >>> net = Network([1, 16, 1], activation="tanh", random_state=0)
        >>> history = net.train(x, x**2, optimizer=SGD(0.1, momentum=0.9), epochs=200)
        >>> len(history.loss), history.loss[-1] < 0.01 * history.loss[0]
        (200, True)
        """
        own = locals()
        for name in ("self", "x", "y", "sample_weight"):
            del own[name]
        with _threads.loading():  # by those who train
            from chainrule.stream.rows import StreamedRows
            from chainrule.training.loop import train
            from chainrule.training.settings import Settings

        if isinstance(x, StreamedRows):
            from chainrule.network.streaming import train_stream

            return train_stream(self._trainee, x, y, sample_weight, Settings.checked(**own))
        rows = as_rows(self._trainee.architecture, x, y, sample_weight)
        settings = Settings.checked(**own)
        return train(self._trainee, rows, settings)

    @property
    def weights(self) -> ParameterList:
        """W_1, ..., W_l, of shapes (n_k, n_{k+1}): write into them to change the network.

        Assigning a list copies its numbers into place, after all shapes are checked.
        """
        return self._weights

    @weights.setter
    def weights(self, values: "Iterable[Any]") -> None:
        self._weights[:] = values

    @property
    def biases(self) -> ParameterList:
        """b_1, ..., b_l, of shapes (n_{k+1},), subtracted: net_k = x_k W_k - b_k. Writable as `weights`."""
        return self._biases

    @biases.setter
    def biases(self, values: "Iterable[Any]") -> None:
        self._biases[:] = values

    @property
    def norm_gains(self) -> ParameterList:
        """Gains of normalized layers [E8], shapes (n_{k+1},), None for others. Writable as `weights`."""
        return self._norm_gains

    @norm_gains.setter
    def norm_gains(self, values: "Iterable[Any]") -> None:
        self._norm_gains[:] = values

    @property
    def norm_shifts(self) -> ParameterList:
        """Shifts of normalized layers [E8], shapes (n_{k+1},), None for others. Writable as `weights`."""
        return self._norm_shifts

    @norm_shifts.setter
    def norm_shifts(self, values: "Iterable[Any]") -> None:
        self._norm_shifts[:] = values

    @property
    def slopes(self) -> ParameterList:
        """Slopes of "prelu" layers, shapes (n_{k+1},), None for others. Writable as `weights`."""
        return self._slopes

    @slopes.setter
    def slopes(self, values: "Iterable[Any]") -> None:
        self._slopes[:] = values

    @property
    def alphas(self) -> ParameterList:
        """Alphas of parametric layers [E12], shapes (n_{k+1},), None for others. Writable as `weights`."""
        return self._alphas

    @alphas.setter
    def alphas(self, values: "Iterable[Any]") -> None:
        self._alphas[:] = values

    @property
    def inputs(self) -> tuple[LearnedInput, ...]:
        """The input layers, with what they have learned as attributes: ``net.inputs[0].frequency``.

        These are views; assigning to an attribute copies numbers into place.
        """
        return tuple(self._trainee.inputs)

    @property
    def n_threads(self) -> int | None:
        """Threads to use at most; None for OpenMP's own setting. May be set."""
        return self._trainee.n_threads or None

    @n_threads.setter
    def n_threads(self, n_threads: int | None) -> None:
        # 0 is the engine's word for OpenMP's own setting.
        n = 0 if n_threads is None else min(whole_number("n_threads", n_threads, 1), MOST_THREADS)
        forward = self._trainee.model.forward  # looked up once: a call on one row is short
        self._forward = functools.partial(forward, n_threads=n) if n else forward
        self._trainee.n_threads = n

    @property
    def _architecture(self) -> Architecture:
        return self._trainee.architecture

    @property
    def sizes(self) -> list[int]:
        """n_1, ..., n_{l+1}: widths of the layers of neurons."""
        return list(self._architecture.sizes)

    @property
    def activations(self) -> list[str]:
        """One name per layer of weights, the output layer's last."""
        return list(self._architecture.activations)

    @property
    def dropout(self) -> list[float]:
        """One rate per layer of weights [E10]; the output layer's, last, is 0."""
        return list(self._architecture.layers.dropout)

    @property
    def layer_norm(self) -> list[bool]:
        """Which layers of weights are normalized [E8]; the output layer, last, is not."""
        return list(self._architecture.layers.layer_norm)

    @property
    def residual(self) -> list[bool]:
        """Which layers of weights add their input to their output [E9]; the output layer, last, does not."""
        return list(self._architecture.layers.residual)

    @property
    def parametric(self) -> list[bool]:
        """Which layers of weights have a parametric activation [E12]; the output layer, last, has none."""
        return list(self._architecture.layers.parametric)

    @property
    def loss(self) -> Any:
        """The loss's name, or the `Loss` where its settings are its own, or the function.

        A function may be set: a file holds none. Other losses are fixed. `evaluate` computes the value.
        """
        return self._architecture.shown_loss

    @loss.setter
    def loss(self, loss: Any) -> None:
        new = as_loss(loss) if callable(loss) else None
        if not (isinstance(new, CustomLoss) and isinstance(self._architecture.loss, CustomLoss)):
            raise AttributeError(
                f"the loss of a network is fixed, here {self.loss!r}; make another Network and copy the"
                " weights and biases (only a function may take another function's place)"
            )
        self._trainee.architecture = dataclasses.replace(self._architecture, loss=new)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the parameters: float32 or float64."""
        return self._architecture.dtype

    @property
    def n_parameters(self) -> int:
        """The number of weights and biases, and of all else that is learned."""
        return self._architecture.n_parameters

    def __repr__(self) -> str:
        *hidden, output = self.activations
        activation: str | list[str] = hidden[0] if len(set(hidden)) == 1 else hidden
        shown = f"activation={activation!r}, " if hidden else ""
        for name, values in self._architecture.layers._asdict().items():
            if any(values):
                one = values[:-1] if len(set(values[:-1])) > 1 else values[0]
                shown += f"{name}={list(one) if isinstance(one, tuple) else one!r}, "
        if self._architecture.inputs:
            shown += f"inputs={list(self._architecture.inputs)}, "
        return (
            f"{type(self).__name__}({self.sizes}, {shown}output_activation={output!r}, loss={self.loss!r},"
            f" dtype={self.dtype.name!r})"
        )

    def _repr_html_(self) -> str:
        shown: str = verb("network_html")(self)
        return shown

    def _describe(self) -> "Description":
        trainee = self._trainee
        rate = None if trainee.state is None else trainee.state.optimizer.learning_rate
        return describe_network(trainee.architecture, trainee.parts, trainee.inputs, rate)

    def _get_state(self) -> tuple[dict[str, Floats], dict[str, Any]]:
        """Parameters, and settings that JSON can hold; not the optimizer's memory."""
        inputs = self._architecture.inputs
        settings = {
            "sizes": self.sizes,
            "activations": self.activations,
            "loss": self._architecture.loss.name,
            "loss_parameters": self._architecture.loss_settings,
            "dtype": self.dtype.name,
            "dropout": self.dropout[:-1],
            "layer_norm": self.layer_norm[:-1],
            "residual": self.residual[:-1],
            **({"parametric": self.parametric[:-1]} if any(self.parametric) else {}),
            **({"inputs": [one.settings() for one in inputs]} if inputs else {}),
            "shuffle_seed": self._trainee.seed,
            "n_epochs": self._trainee.n_epochs,
        }
        return self._trainee.arrays("{}.{}"), settings

    @classmethod
    def _from_state(cls, tensors: dict[str, Floats], settings: dict[str, Any]) -> Self:
        """Undo `_get_state`; KeyError, TypeError or ValueError where something is missing or does not fit."""
        *hidden, output = settings["activations"]
        loss = saved_loss(settings["loss"], settings.get("loss_parameters", {}))
        network = cls.__new__(cls)
        options = {
            name: settings[name] for name in LayerOptions._fields if name in settings
        }  # not in old files
        if "inputs" in settings:
            options["inputs"] = [from_settings(one) for one in settings["inputs"]]
        architecture = Architecture.of(settings["sizes"], hidden, output, loss, settings["dtype"], **options)
        shapes = [tensors[f"weights.{k}"].shape for k in range(len(hidden) + 1)]
        if shapes != list(pairwise(architecture.widths)):  # before memory is taken for these sizes
            raise ValueError(f"weights of shapes {shapes} do not fit layers of {architecture.sizes} neurons")
        for i, layer in enumerate(architecture.inputs):
            for name, shape in layer.shapes(architecture.widths[0]).items():
                found = tensors[f"inputs.{i}.{name}"].shape
                if found != shape:
                    raise ValueError(f"inputs.{i}.{name} of shape {found} does not fit; expected {shape}")
        network._build(architecture, None)
        for name in network._trainee.arrays("{}.{}"):
            parameters, k, *array = name.split(".")
            if array:
                setattr(network.inputs[int(k)], array[0], tensors[name])
            else:
                getattr(network, parameters)[int(k)] = tensors[name]
        network._trainee.seed = whole_number("shuffle_seed", settings["shuffle_seed"], 0)
        network._trainee.n_epochs = whole_number("n_epochs", settings["n_epochs"], 0)
        return network

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as parameters and settings: a copy shares nothing with its original."""
        return type(self)._from_state, self._get_state(), (self.n_threads, self._architecture.loss)

    def __setstate__(self, state: tuple[int | None, "Loss"]) -> None:
        self.n_threads, loss = state
        # The function of a custom one.
        self._trainee.architecture = dataclasses.replace(self._architecture, loss=loss)
