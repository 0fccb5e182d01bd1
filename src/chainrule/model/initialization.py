"""First weights and biases by a scheme of this registry. What else is learned begins as the engine has it."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.model.inputs import as_blocks
from chainrule.model.trainee import Trainee
from chainrule.reference import get_activation
from chainrule.reference.activations import Activation, Parametric, PReLU
from chainrule.reference.first_values import data_driven_values
from chainrule.reference.inputs import stage

Floats = NDArray[Any]
Shape = tuple[int, int]
Initializer = Callable[[np.random.Generator, Shape], Floats]


def _uniform(generator: np.random.Generator, shape: Shape, variance: float) -> Floats:
    bound = np.sqrt(3 * variance)
    return generator.uniform(-bound, bound, shape)


def _normal(generator: np.random.Generator, shape: Shape, variance: float) -> Floats:
    return generator.normal(0.0, np.sqrt(variance), shape)


def glorot_uniform(generator: np.random.Generator, shape: Shape) -> Floats:
    """Variance 2 / (n_in + n_out). Source: Glorot and Bengio, AISTATS 2010, equation 16."""
    return _uniform(generator, shape, 2 / sum(shape))


def glorot_normal(generator: np.random.Generator, shape: Shape) -> Floats:
    """Variance 2 / (n_in + n_out). Source: Glorot and Bengio, AISTATS 2010, equation 12."""
    return _normal(generator, shape, 2 / sum(shape))


def he_uniform(generator: np.random.Generator, shape: Shape) -> Floats:
    """Variance 2 / n_in, for rectifiers. Source: He et al., ICCV 2015, section 2.2."""
    return _uniform(generator, shape, 2 / shape[0])


def he_normal(generator: np.random.Generator, shape: Shape) -> Floats:
    """Variance 2 / n_in, for rectifiers. Source: He et al., ICCV 2015, section 2.2."""
    return _normal(generator, shape, 2 / shape[0])


def lecun_uniform(generator: np.random.Generator, shape: Shape) -> Floats:
    """Variance 1 / n_in. Source: LeCun et al., Efficient BackProp (1998), section 4.6."""
    return _uniform(generator, shape, 1 / shape[0])


def lecun_normal(generator: np.random.Generator, shape: Shape) -> Floats:
    """Variance 1 / n_in; for selu. Source: LeCun et al. 1998; Klambauer et al., NIPS 2017."""
    return _normal(generator, shape, 1 / shape[0])


def orthogonal(generator: np.random.Generator, shape: Shape) -> Floats:
    """Orthonormal rows or columns, whichever are fewer, uniformly distributed.

    Q of a normal matrix, its columns' signs those of R's diagonal. Source: Saxe, McClelland and Ganguli,
    ICLR 2014; the signs: Mezzadri, Notices of the AMS 54 (2007).
    """
    tall = generator.normal(size=(max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return q if shape[0] >= shape[1] else q.T


#: Every scheme by its name.
INITIALIZERS: dict[str, Initializer] = {
    scheme.__name__: scheme
    for scheme in (
        glorot_uniform,
        glorot_normal,
        he_uniform,
        he_normal,
        lecun_uniform,
        lecun_normal,
        orthogonal,
    )
}


def get_initializer(name: Any) -> Initializer | None:
    """Look up a scheme; None stays None. TypeError or ValueError for what is no name of one."""
    if name is None:
        return None
    if not isinstance(name, str):
        raise TypeError(f"initializer is {name!r}; expected None or one of: {', '.join(INITIALIZERS)}")
    if name not in INITIALIZERS:
        meant = own_name(name)
        close = [
            *get_close_matches(meant, INITIALIZERS, 1),
            *(k for k in INITIALIZERS if k.startswith(meant)),
        ]
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"unknown initializer {name!r}; {hint}known: {', '.join(INITIALIZERS)}")
    return INITIALIZERS[name]


def own_name(name: str) -> str:
    """Return a name with PyTorch's words for a scheme replaced by ours.

    Examples
    --------
    >>> own_name("kaiming_normal"), own_name("xavier_uniform_")
    ('he_normal', 'glorot_uniform_')
    """
    return name.lower().replace("kaiming", "he").replace("xavier", "glorot")


def initialize(
    weights: Sequence[Floats],
    biases: Sequence[Floats],
    activations: Sequence[str],
    generator: np.random.Generator,
    scheme: Initializer | None = None,
) -> None:
    """Draw first weights and biases, in float64, layer by layer, so that both dtypes start alike.

    Without a scheme, weights and then biases are uniform in +-sqrt(6 / (n_in + n_out)), for sigmoid layers in
    +-sqrt(2 / (n_in + n_out)). With one, biases are 0.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
    (2010), equation 16; scikit-learn's bounds, which for sigmoid have a third of the variance.
    """
    for W, b, activation in zip(weights, biases, activations, strict=True):
        if scheme is not None:
            W[...], b[...] = scheme(generator, (W.shape[0], W.shape[1])), 0.0
            continue
        bound = np.sqrt((2.0 if activation == "sigmoid" else 6.0) / sum(W.shape))
        W[...] = generator.uniform(-bound, bound, W.shape)
        b[...] = generator.uniform(-bound, bound, b.shape)


def initialize_from_rows(
    trainee: Trainee, x: Floats, generator: np.random.Generator
) -> tuple[list[Floats], list[Floats]]:
    """Draw weights and biases so that every net has deviation 1 over rows x, and is 0 among them.

    Each column of W ~ N(0, 1) is divided by the deviation of its net; each bias is a random point in the hull
    of five rows' nets ("he+5"). Layer by layer, in float64.

    Source: as of `chainrule.reference.first_values`, which computes them.
    """
    architecture, parts = trainee.architecture, trainee.parts
    if any(architecture.layers.layer_norm) or any(architecture.layers.residual):
        raise ValueError(
            "first values from rows are for layers without layer_norm and residual, whose nets have a scale"
            " of their own; use an initializer"
        )
    x = x.astype(np.float64)
    blocks = as_blocks(trainee.inputs)
    first = stage.forward(blocks, x)[0] if blocks else x
    shapes = [W.shape for W in parts.weights]
    drawn = [generator.normal(size=shape) for shape in shapes]
    rows = [generator.integers(0, len(x), (5, n_out)) for _, n_out in shapes]
    shares = [generator.exponential(size=(5, n_out)) for _, n_out in shapes]
    hidden: list[Activation] = []
    for name, slopes, alphas in zip(architecture.activations, parts.slopes, parts.alphas, strict=True):
        f = get_activation("identity" if len(hidden) == len(shapes) - 1 else name)
        f = f if slopes is None else PReLU(slopes)
        hidden.append(f if alphas is None else Parametric(f, alphas))
    return data_driven_values(first, drawn, rows, shares, hidden)
