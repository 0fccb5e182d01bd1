"""Rows that would end the process, or that the engine cannot read as they are: refused, or copied."""

import numpy as np
import pytest
import scipy.sparse as sp

from chainrule import MLPClassifier, Network

N, N_FEATURES = 6, 3
Y = np.arange(N) % 2


def raw(kind, shape, **arrays):
    """A sparse matrix with these arrays, which SciPy's constructor would refuse."""
    matrix = kind(shape)
    for name, values in arrays.items():
        setattr(matrix, name, values)
    return matrix


def indices(*values):
    return np.array(values, dtype=np.int32)


def csr(indptr, columns=(0, 1), n_values=2):
    return raw(
        sp.csr_matrix,
        (N, N_FEATURES),
        data=np.ones(n_values),
        indices=indices(*columns),
        indptr=indices(*indptr),
    )


MALFORMED = {
    "indptr falls": csr([0, 0, 0, 0, 0, 1_000_000, 0]),
    "indptr is negative": csr([0, 0, 0, 0, -5, 0, 2]),
    "indptr goes beyond the values": csr([0, 1, 1, 1, 1, 2, 1_000_000]),
    "indptr does not begin with 0": csr([1, 1, 1, 1, 1, 2, 2]),
    "indptr is short": csr([0, 1, 2]),
    "indptr wraps around": csr([0, 2_000_000_000, -2_000_000_000, 0, 0, 1, 2]),
    "fewer indices than values": csr([0, 1, 1, 1, 1, 2, 3], [0, 1], 3),
    "a column out of range": csr([0, 1, 1, 1, 1, 2, 2], [0, 1_000_000_000]),
    "a negative column": csr([0, 1, 1, 1, 1, 2, 2], [0, -1_000_000_000]),
    "a row of CSC out of range": raw(
        sp.csc_matrix,
        (N, N_FEATURES),
        data=np.ones(2),
        indices=indices(0, 1_000_000_000),
        indptr=indices(0, 1, 2, 2),
    ),
    "indptr of CSC": raw(
        sp.csc_matrix, (N, N_FEATURES), data=np.ones(2), indices=indices(0, 1), indptr=indices(0, 9, 2, 2)
    ),
}
#: Forms that the estimators have converted by scikit-learn.
OTHER_FORMS = {
    "a row of COO out of range": raw(
        sp.coo_matrix, (N, N_FEATURES), data=np.ones(2), row=indices(0, 10**9), col=indices(0, 1)
    ),
    "a column of BSR out of range": raw(
        sp.bsr_matrix,
        (N, N_FEATURES),
        data=np.ones((2, 1, 1)),
        indices=indices(0, 10**9),
        indptr=indices(0, 1, 1, 1, 1, 1, 2),
    ),
}


NETWORK_ENTRANCES = {
    "train": lambda net, x: net.train(x, Y, epochs=1),
    "train, watched": lambda net, x: net.train(np.ones((N, N_FEATURES)), Y, validation=(x, Y), epochs=1),
    "call": lambda net, x: net(x),
    "gradients": lambda net, x: net.gradients(x, Y),
    "evaluate": lambda net, x: net.evaluate(x, Y),
    "jacobian": lambda net, x: net.jacobian(x),
    "input_gradients": lambda net, x: net.input_gradients(x, Y),
}


@pytest.mark.parametrize("entrance", NETWORK_ENTRANCES)
@pytest.mark.parametrize("name", MALFORMED | OTHER_FORMS)
def test_a_network_refuses_malformed_sparse_rows(name, entrance):
    net = Network([N_FEATURES, 4, 1], random_state=0)
    with pytest.raises(ValueError, match=r"malformed sparse|column index .* is out of range"):
        NETWORK_ENTRANCES[entrance](net, (MALFORMED | OTHER_FORMS)[name])


def test_room_for_more_values_is_no_harm():
    x = sp.csr_matrix(np.eye(N, N_FEATURES))
    net, expected = Network([N_FEATURES, 4, 1], random_state=0), None
    expected = net(x)
    x.data, x.indices = np.append(x.data, [7.0, 8.0]), np.append(x.indices, indices(99, 99))
    assert (net(x) == expected).all()
    net.train(x, Y, sample_weight=Y, epochs=1)


def squared_error(predictions, targets):
    difference = predictions - targets.reshape(-1, 1)
    return (difference**2).mean() / 2, difference / len(difference)


@pytest.mark.parametrize("by", ["callback", "loss", "gradients"])
def test_index_arrays_may_change_while_training(by):
    def spoil(predictions, targets=None):
        for one in (x, watched):
            one.indices[:] = 1_000_000_000
            one.indptr[1:] = 1_000_000_000
        return None if targets is None else squared_error(predictions, targets)

    x, watched = (sp.csr_matrix(np.eye(N, N_FEATURES)) for _ in range(2))
    net, same = (
        Network([N_FEATURES, 4, 1], random_state=0, loss=loss)
        for loss in (squared_error if by == "callback" else spoil, squared_error)
    )
    if by == "gradients":
        expected = same.gradients(x.copy(), Y / 1.0)
        assert (net.gradients(x, Y / 1.0).weights[0] == expected.weights[0]).all()
        return
    same.train(x.copy(), Y / 1.0, epochs=3, validation=(watched.copy(), Y / 1.0))
    callback = spoil if by == "callback" else None
    net.train(x, Y / 1.0, epochs=3, callback=callback, validation=(watched, Y / 1.0))
    assert (net.weights[0] == same.weights[0]).all()


def unaligned(array):
    spaced = np.zeros(array.nbytes + 1, dtype=np.uint8)[1:].view(array.dtype).reshape(array.shape)
    spaced[...] = array
    assert not spaced.flags.aligned
    return spaced


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_unaligned_arrays_are_copied(dtype):
    x = np.random.default_rng(0).normal(size=(N, N_FEATURES)).astype(dtype)
    y, weight = unaligned(x[:, :1].copy()), unaligned(np.arange(1, N + 1).astype(dtype))
    net = Network([N_FEATURES, 4, 1], dtype=dtype, random_state=0)
    assert (net(unaligned(x)) == net(x)).all()
    assert net.gradients(unaligned(x), y, weight).loss == net.gradients(x, y.copy(), weight.copy()).loss
    net.train(unaligned(x), y, sample_weight=weight, epochs=1)
    classes = unaligned(np.arange(N) % 2)
    Network([N_FEATURES, 2], loss="cross_entropy", dtype=dtype).train(unaligned(x), classes, epochs=1)


@pytest.mark.parametrize("name", MALFORMED | OTHER_FORMS)
def test_malformed_targets(name):
    """Sparse indicators of several labels, which scikit-learn makes dense."""
    x, y = np.ones((N, 2)), sp.csr_matrix(np.eye(N_FEATURES)[[0, 1, 2, 0, 1, 2]])
    bad = (MALFORMED | OTHER_FORMS)[name]
    for call in (
        lambda classifier: classifier.fit(x, bad),
        lambda classifier: classifier.fit(x, y, X_val=x, y_val=bad),
        lambda classifier: classifier.partial_fit(x, bad, classes=range(N_FEATURES)),
    ):
        with pytest.raises(ValueError, match=r"y is a malformed sparse matrix|[sS]parse"):
            call(MLPClassifier(max_iter=1))
