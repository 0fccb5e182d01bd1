"""The compiled engine's interface. All arrays are C-contiguous and of the model's dtype."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
CSR = tuple[Floats, NDArray[Any], NDArray[Any]]
Input = tuple[str, Sequence[int], int, int, Sequence[float]]

class Place:
    """What one layer learns of one kind, and where the flat parameters have it; see `layout` and `learned`.

    name : one of `learned()`; or, where it is `of_input`, a name that its kind of input layer has for it.
    layer : from 0; the output layer is the last. Input layers are counted by themselves.
    shape : of a matrix (n_k, n_{k+1}), row-major, or of a vector (n_{k+1},).
    offset, size : ``flat[offset : offset + size].reshape(shape)`` are its numbers.
    subtracted : whether it changes sign with ``bias_sign``, as the bias, which E1 subtracts.
    penalized : whether l1, l2 and weight decay are about it.
    first : the value of its numbers in a new `Model`; weights and biases, 0, are to be drawn.
    """

    @property
    def name(self) -> str: ...
    @property
    def layer(self) -> int: ...
    @property
    def of_input(self) -> bool: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def offset(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def subtracted(self) -> bool: ...
    @property
    def penalized(self) -> bool: ...
    @property
    def first(self) -> float: ...

class Model:
    """A network's shape and its parameters.

    ``parameters`` is one flat array, owned by the model and written in place. ``layout`` says where it has
    what: W_1, ..., W_l (each row-major, n_k x n_{k+1}), then b_1, ..., b_l, then gain and shift of each
    normalized layer, then the slopes of each "prelu" layer, the alphas of each parametric layer, and what the
    input layers learn. At first gains, alphas and scales are 1, slopes 0.25, and all others 0.
    ``bias_sign`` is -1 for the equation E1 (net = x W - b) and +1 for scikit-learn's intercepts.
    ``activations`` has one name per layer, the output layer's last.
    ``probability_floor`` clips probabilities to [floor, 1 - floor] in the loss value only (scikit-learn's
    rule, floor = eps of the dtype); 0 computes cross-entropies from the net input, exactly.
    ``loss_divisor`` divides the reported data loss, not its gradient (scikit-learn: number of outputs).
    ``dropout`` (rates, E10, in training only), ``layer_norm`` (E8) and ``residual`` (E9) have one entry per
    layer of weights, the output layer's, 0, last; empty for none. So has ``parametric`` (E12).
    ``inputs`` are the input layers (E11, E13-E15), each (kind, columns of x, frequencies or bins or rows of
    the table, columns of x_1 that are learned for a column of x, edges of the bins): "numbers", "periodic",
    "piecewise_linear", "categories", and at last "scale". Then ``sizes`` begins with the number of columns of
    x, and ``n_1`` is the width of x_1.
    ``loss_parameters`` are the loss's settings (huber: delta; tweedie: power; focal, binary_focal: gamma;
    cross_entropy, binary_cross_entropy: label smoothing; quantile: the quantiles); empty for the usual ones.
    The output activation "ordered(3)" puts the outputs in order in groups of three, "ordered" the whole row.
    The loss "custom" is a function that comes with each Dataset.
    Raises ValueError for sizes < 1, more parameters than memory can index, unknown names, or a loss that
    does not go with the output activation.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activations: Sequence[str],
        loss: str,
        *,
        dtype: Literal["float32", "float64"] = "float64",
        bias_sign: int = -1,
        probability_floor: float = 0.0,
        loss_divisor: float = 1.0,
        dropout: Sequence[float] = (),
        layer_norm: Sequence[bool] = (),
        residual: Sequence[bool] = (),
        parametric: Sequence[bool] = (),
        inputs: Sequence[Input] = (),
        loss_parameters: Sequence[float] = (),
        isa: str | None = None,
    ) -> None: ...
    @property
    def sizes(self) -> list[int]: ...
    @property
    def activations(self) -> list[str]: ...
    @property
    def loss(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def isa(self) -> str: ...
    @property
    def bias_sign(self) -> int: ...
    @property
    def dropout(self) -> list[float]: ...
    @property
    def layer_norm(self) -> list[bool]: ...
    @property
    def residual(self) -> list[bool]: ...
    @property
    def parametric(self) -> list[bool]: ...
    @property
    def n_1(self) -> int: ...
    @property
    def layout(self) -> list[Place]: ...
    @property
    def parameters(self) -> Floats: ...
    def forward(self, x: Floats, n_threads: int = 0) -> Floats:
        """Map x (n_1,) or (n_samples, n_1) to (n_out,) or (n_samples, n_out), a new array.

        TypeError where x is not a C-contiguous array of the model's dtype; ValueError for a wrong width.
        """

    def predict(self, data: Dataset, n_threads: int = 0) -> Floats:
        """Compute the outputs for every row of the data (dense or CSR), shape (n_samples, n_out)."""

    def evaluate(self, data: Dataset, n_threads: int = 0) -> float:
        """Mean loss (weighted by sample_weight) over the rows of the data."""

    def gradients(
        self,
        data: Dataset,
        gradient: Floats,
        *,
        l2: float = 0.0,
        l2_over_rows: bool = False,
        n_threads: int = 0,
    ) -> float:
        """Write dE/dparameters (laid out as `parameters`, signs by bias_sign) and return the loss.

        The loss is the weighted mean over the rows plus l2/2 * sum ||W_k||^2, the penalty divided by the sum
        of the sample weights (or the number of rows) where `l2_over_rows`.
        """

    def input_gradients(self, data: Dataset, cotangents: Floats | None = None, n_threads: int = 0) -> Floats:
        """Differentiate each row's own loss by its input, (n_samples, n_1).

        With `cotangents` (n_samples, n_out), the sum over outputs of cotangents * yhat instead; no targets
        are needed then.
        """

    def jacobian(self, data: Dataset, n_threads: int = 0) -> Floats:
        """Differentiate every output by the row's input, (n_samples, n_out, n_1)."""

    def per_sample_gradients(self, data: Dataset, n_threads: int = 0) -> Floats:
        """dE/dparameters (n_samples, n_parameters) of each row's own loss, without weight or penalty."""

    def per_sample_gradient_norms(self, data: Dataset, n_threads: int = 0) -> Floats:
        """Euclidean norms (n_samples,) of the rows of `per_sample_gradients`, which are not computed."""

class Dataset:
    """Rows to train or predict on; keeps references to the arrays, copies nothing.

    x : (n_samples, n_1), or a CSR triple (data, indices int32/int64, indptr int32/int64).
    y : (n_samples, n_out) of the model's dtype, or int32/int64 class indices (n_samples,) for
        "cross_entropy" and "focal", or None to predict.
    sample_weight : (n_samples,) of the model's dtype, or None.
    batch_loss : in the place of y for the loss "custom": called with the predictions (n_rows, n_out) and
        which rows of the data they are, it returns value and gradient of the batch, weighted already;
        sample_weight then divides penalties alone.
    Raises TypeError/ValueError for wrong dtypes, shapes, or indices out of range.
    """

    def __init__(
        self,
        model: Model,
        x: Floats | CSR,
        y: NDArray[Any] | None = None,
        sample_weight: Floats | None = None,
        batch_loss: Callable[[Floats, NDArray[np.int64]], tuple[float, Floats]] | None = None,
    ) -> None: ...
    @property
    def n_samples(self) -> int: ...

class Stop:
    """Set by one thread to stop the `Trainer.epochs` in others: Python delivers Ctrl-C to the main thread."""

    def __init__(self) -> None: ...
    def set(self) -> None: ...
    def is_set(self) -> bool: ...

class Trainer:
    """Packed weights, optimizer state and workspace of one training run; reads and writes `model.parameters`.

    optimizer : one of `optimizers()`. Its settings are the fields of the classes in `chainrule.optimizers`;
    0 is off. Penalties are that of `Model.gradients`, per batch, and l1 sum |W_k| likewise. n_threads <= 0
    means OpenMP's own setting; fewer are used where a step has too little work. precision "bf16": products of
    bfloat16, sums in float32; ValueError where dtype, instruction set or processor cannot.
    learning_rate_factors: one per layer of weights, or per place of ``layout``, or none; what has 0 does not
    change. epsilon_factors, decay_factors: one per place, or none. TypeError for a
    setting of another name. dropout_seed: of the masks, see `dropout_mask`. row_blocks: that batches are made
    of, see `steps`; ValueError for more than one with "bf16", or with input layers.
    """

    def __init__(
        self,
        model: Model,
        optimizer: str,
        *,
        batch_size: int,
        dropout_seed: int = 0,
        precision: str = "full",
        learning_rate_factors: Sequence[float] = (),
        epsilon_factors: Sequence[float] = (),
        decay_factors: Sequence[float] = (),
        row_blocks: int = 1,
        n_threads: int = 0,
        **settings: float,
    ) -> None: ...
    learning_rate: float
    n_steps: int
    last_loss: float
    """Of the last step's batch, penalty included, before its update: part of rprop's memory."""
    dropout_seed: int
    @property
    def n_threads(self) -> int: ...
    @property
    def state(self) -> list[Floats]:
        """Copies of the optimizer's arrays, each laid out as `parameters`; settable."""
    @state.setter
    def state(self, value: Sequence[Floats]) -> None: ...
    def epoch(
        self,
        data: Dataset,
        order: NDArray[np.int64] | None = None,
        *,
        factors: NDArray[np.float64] | None = None,
    ) -> float:
        """One pass over the rows in this order, a permutation of 0 .. n_samples - 1, without the GIL.

        Returns the mean over the rows of each batch's loss (before its update, penalty included). `factors`
        has one for each step, which multiplies the learning rate; or, of shape (n_steps, 3), one each for
        the learning rate, the dropout rates and the weight decay. ValueError where a rate would not be
        below 1.
        """

    def epochs(
        self,
        data: Dataset,
        n_epochs: int,
        *,
        shuffle: bool = True,
        seed: int = 0,
        first_epoch: int = 0,
        factors: NDArray[np.float64] | None = None,
        stop: Stop | None = None,
    ) -> NDArray[np.float64]:
        """`n_epochs` passes, shuffled by `permutation(n_samples, seed, epoch)`; the losses (n_epochs,).

        KeyboardInterrupt after Ctrl-C (in the main thread) or once `stop` is set: within some tenths of a
        second, the parameters those after a whole step.
        """

    def steps(
        self,
        data: Dataset,
        order: NDArray[np.int64],
        bounds: NDArray[np.int64],
        *,
        factors: NDArray[np.float64] | None = None,
        stop: Stop | None = None,
        losses: NDArray[np.float64] | None = None,
        nodes: Sequence[tuple[int, int]] | None = None,
        exchange: Callable[[Floats, NDArray[np.float64]], object] | None = None,
    ) -> NDArray[np.float64]:
        """Take steps of blocks of rows; the loss of each before its update, penalty included (n_steps,).

        Block b of step i has the rows ``order[bounds[k] : bounds[k + 1]]``, k = i * row_blocks + b. The
        gradient's sum over each block's rows is taken apart, and the sums are added as
        (((0+1)+(2+3))+((4+5)+(6+7))); so are losses and sample weights. They are written into `losses` where
        it is given, which has those of the steps before where an error ends the call.

        With an `exchange`, `nodes` are the parts (begin, end) of the blocks whose rows are here; the others
        have none. In each step exchange(sums, numbers) is given one row for each node: the sums of
        the gradient, flat as `parameters`, biases in the engine's sign, and (loss, weight, rows).
        It writes those of all blocks into the first row of each. Where it raises, no weight has changed
        in that step, and `n_steps` tells how many were taken.
        """

def weighted_sum(
    models: Sequence[Model], weights: Sequence[float], x: Floats, n_threads: int = 0
) -> NDArray[np.float64]:
    """Sum the weighted outputs of several networks for rows x (n_samples, n_1), in float64, in their order.

    TypeError where x is not a C-contiguous array of the models' one dtype; ValueError for other widths.
    """

def permutation(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Give the order of the rows that `Trainer.epochs` uses: a function of (n, seed, epoch) alone."""

def dropout_mask(
    n_rows: int, n_units: int, rate: float, *, seed: int, step: int, layer: int, block: int | None = None
) -> Floats:
    """Give the factors of E10 of a `Trainer` with this `dropout_seed`, 0 or 1 / (1 - rate), in float64.

    `step` is the trainer's `n_steps` before the step, `layer` counts from 0; row r is the r-th of the batch
    or, where batches are made of blocks, of this block.
    """

def isa() -> str: ...
def available_isas() -> list[str]: ...
def max_threads() -> int: ...
def is_finite(x: Floats) -> bool:
    """Whether no number of a C-contiguous array of any shape is infinite or NaN."""

def learned() -> list[str]:
    """Name every kind of what layers learn, in the flat parameters' order, whether a model has it or not.

    "weights", "biases", "norm_gains", "norm_shifts", "slopes": the lists of `Network`, and names in files.
    """

def layout(
    sizes: Sequence[int],
    activations: Sequence[str],
    *,
    layer_norm: Sequence[bool] = (),
    parametric: Sequence[bool] = (),
    inputs: Sequence[Input] = (),
) -> list[Place]:
    """`Model.layout` of such a model, which is not made; raises as `Model`."""

def activations() -> list[str]: ...
def losses() -> list[str]: ...
def optimizers() -> list[str]: ...
def functions() -> list[str]: ...
def evaluate_function(name: str, x: Floats, isa: str | None = None) -> Floats:
    """One of the engine's vectorized functions (exp, log, tanh, ...) on a flat array, for tests."""
