"""Calls with arrays as careless and hostile programs make them: an answer or a clean error."""

import contextlib
import warnings

import numpy as np
import scipy.sparse

import chainrule
from fuzz.mutation import pick

DTYPES = ["f8", "f4", "f2", "i8", "i4", "u1", "?", "c16", "O", "U3", ">f8", "M8[s]", "longdouble"]
EXPECTED = (ValueError, TypeError, IndexError, OverflowError, FloatingPointError, MemoryError)


def rows(rng, n, width):
    """Return rows of some shape and kind, mostly right."""
    shape = [n, width]
    if rng.integers(8) == 0:
        shape[rng.integers(2)] = int(rng.integers(0, 40))
    if rng.integers(6) == 0:
        return csr(rng, *shape)
    x = rng.normal(size=shape)
    match rng.integers(12):
        case 0:
            with contextlib.suppress(TypeError, ValueError):
                x = x.astype(pick(rng, DTYPES))
        case 1:
            x = np.asfortranarray(x)
        case 2:
            x = np.repeat(x, 2, axis=0)[::-2]
        case 3:
            x.flags.writeable = False
        case 4:
            x = np.lib.stride_tricks.as_strided(x[:1], shape, (0, 8)) if x.size else x
        case 5:
            raw = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.float64).reshape(shape)  # unaligned
            raw[...] = x
            x = raw
        case 6 if x.size:
            x.flat[rng.integers(x.size)] = pick(rng, [np.nan, np.inf, 1e308, -1e308, 1e-320])
        case 7:
            x = pick(
                rng,
                [x[0] if len(x) else x, x[None], x.tolist(), None, 3.0, "x", [], [[1], [1, 2]], x.ravel()],
            )
    return x


def csr(rng, n, width):
    """Return a sparse matrix whose parts may not fit each other."""
    x = scipy.sparse.random_array((n, width), density=0.4, rng=rng, dtype=np.float64)
    x = pick(rng, [scipy.sparse.csr_matrix, scipy.sparse.csr_array, scipy.sparse.csc_array])(x)
    values = [-1, -(2**31), 2**31 - 1, 10**6, 0, 1, width, n, 3]
    for _ in range(int(rng.integers(3))):
        match rng.integers(6):
            case 0 if x.indices.size:
                x.indices[rng.integers(x.indices.size)] = pick(rng, values)
            case 1:
                x.indptr[rng.integers(x.indptr.size)] = pick(rng, values)
            case 2:
                x.data = x.data[: rng.integers(x.data.size + 1)]
            case 3:
                x.indices = x.indices[: rng.integers(x.indices.size + 1)]
            case 4:
                x.indptr = x.indptr[: rng.integers(x.indptr.size + 1)]
            case 5:
                with contextlib.suppress(TypeError, ValueError):
                    name = pick(rng, ["data", "indices", "indptr"])
                    setattr(x, name, getattr(x, name).astype(pick(rng, DTYPES)))
    return x


def of_network(rng):
    """Call one method of a network."""
    sizes = [int(size) for size in rng.integers(1, 6, rng.integers(2, 5))]
    loss = pick(rng, ["squared_error", "huber", "cross_entropy", "poisson", "binary_cross_entropy"])
    net = chainrule.Network(sizes, loss=loss, dtype=pick(rng, ["float32", "float64"]), random_state=0)
    n = int(rng.integers(1, 20))
    x = rows(rng, n, sizes[0])
    y = rows(rng, n, sizes[-1]) if rng.integers(4) else rng.integers(-1, 6, n)
    weight = pick(rng, [None, np.ones(n), np.zeros(n), -np.ones(n), np.ones(n + 1), np.ones((n, 1)), "a"])
    match rng.integers(7):
        case 0:
            net(x)
        case 1:
            net.gradients(x, y, sample_weight=weight)
        case 2:
            net.train(x, y, epochs=2, batch_size=int(rng.integers(1, 8)), sample_weight=weight)
        case 3:
            net.jacobian(x)
        case 4:
            net.input_gradients(x, y)
        case 5:
            net.per_sample_gradient_norms(x, y)
        case 6:
            net.train(x, y, epochs=2, X_val=rows(rng, n, sizes[0]), y_val=y)


def of_estimator(rng):
    """Fit an estimator, and predict other rows."""
    n, width = int(rng.integers(1, 30)), int(rng.integers(1, 5))
    x = rows(rng, n, width)
    parameters = {
        "hidden_layer_sizes": (3,),
        "max_iter": 2,
        "solver": pick(rng, ["adam", "sgd", "lbfgs", "rprop"]),
    }
    if rng.integers(2):
        model, y = chainrule.MLPClassifier(**parameters), pick(rng, [rng.integers(0, 3, n), rows(rng, n, 2)])
    else:
        model, y = chainrule.MLPRegressor(**parameters), pick(rng, [rng.normal(size=n), rows(rng, n, 2)])
    model.fit(x, y, sample_weight=pick(rng, [None, None, np.ones(n), np.zeros(n), np.full(n, 1e300)]))
    model.predict(rows(rng, 3, width))
    if parameters["solver"] != "lbfgs":
        model.partial_fit(rows(rng, n, width), y)


def case(rng):
    """Make one call."""
    try:
        pick(rng, [of_network, of_estimator])(rng)
    except EXPECTED as error:
        assert str(error), "an error says what is wrong"  # noqa: PT017
        assert "bad_cast" not in str(error)  # noqa: PT017


with warnings.catch_warnings():  # modules are loaded when first needed, for which no case is to be blamed
    warnings.simplefilter("ignore")
    chainrule.MLPClassifier(max_iter=2, early_stopping=True).fit(np.eye(20), np.arange(20) % 2)
    chainrule.MLPRegressor(max_iter=2, solver="lbfgs").fit(scipy.sparse.eye_array(9).tocsr(), np.arange(9))
    chainrule.Network([2, 2], random_state=0).train(np.eye(2), np.eye(2), epochs=1)
