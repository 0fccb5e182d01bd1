"""net(x) is E1 and E2 of the reference, for one row and for many, from anything that holds numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from chainrule import Network, reference

from .networks import DTYPES, HIDDEN, make_rows, relative_difference

TOLERANCE = {"float64": 1e-13, "float32": 1e-5}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", HIDDEN)
def test_outputs_are_the_references(activation: str, dtype: str) -> None:
    net = Network([4, 19, 6, 3], activation=activation, dtype=dtype, random_state=0)
    x = make_rows(net.sizes)[0].astype(dtype)
    expected = reference.predict(net.weights, net.biases, x, net.activations)
    given = net(x)
    assert given.dtype == net.dtype
    assert relative_difference(given, expected) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [[3, 2], [8, 64, 64, 1], [5, 7, 37, 101, 3], [300, 1]])
def test_a_row_has_the_same_bits_alone_and_in_a_batch(sizes: list[int], dtype: str) -> None:
    net = Network(sizes, activation="gelu", dtype=dtype, random_state=0)
    x = make_rows(sizes, n_samples=33)[0].astype(dtype)
    batch = net(x)
    assert batch.shape == (33, sizes[-1])
    for i in range(33):
        row = net(x[i])
        assert row.shape == (sizes[-1],)
        assert_array_equal(row, batch[i])
        assert_array_equal(net(x[i : i + 1]), batch[i : i + 1])


def test_parameters_are_read_at_each_call() -> None:
    net = Network([2, 1], random_state=0)
    net.weights[0][:] = [[1.0], [2.0]]
    net.biases[0][:] = 0.5
    assert_array_equal(net(np.array([3.0, 4.0])), [10.5])
    net.biases[0][0] = 1.0
    assert_array_equal(net(np.array([3.0, 4.0])), [10.0])


def test_whatever_holds_numbers() -> None:
    net = Network([3, 5, 2], random_state=0)
    x = np.arange(12.0).reshape(4, 3)
    wide = np.zeros((4, 6))
    wide[:, ::2] = x
    expected = net(x)
    same = [
        x.tolist(),
        tuple(map(tuple, x)),
        x.astype(int),
        x.astype(np.float32),
        x.astype(np.float16),
        x.astype(">f8"),
        x.astype(object),
        np.asfortranarray(x),
        wide[:, ::2],
        x[::-1][::-1],
        pd.DataFrame(x),
        pd.DataFrame({"a": [0, 3, 6, 9], "b": [1.0, 4.0, 7.0, 10.0], "c": [2, 5, 8, 11]}),
        sparse.csr_matrix(x),
        sparse.csr_array(x.astype(np.float32)),
        sparse.csc_matrix(x),
        sparse.coo_array(x),
        memoryview(x),
    ]
    for values in same:
        assert_array_equal(net(values), expected, err_msg=str(type(values)))
    assert_array_equal(net([9, 10, 11]), expected[3])
    assert_array_equal(net(x > 5), net((x > 5).astype(float)))


def test_sparse_rows_in_disorder() -> None:
    """Columns out of order and named twice: they add up, and the caller's matrix stays as it is."""
    net = Network([3, 4, 2], random_state=0)
    data, indices, indptr = np.array([1.0, 2.0, 4.0, 8.0]), np.array([2, 0, 2, 1]), np.array([0, 3, 4])
    rows = sparse.csr_matrix((data.copy(), indices.copy(), indptr.copy()), shape=(2, 3))
    assert_array_equal(net(rows), net([[2.0, 0.0, 5.0], [0.0, 8.0, 0.0]]))
    assert_array_equal(rows.data, data)
    assert_array_equal(rows.indices, indices)


def test_results_are_new_and_inputs_are_not_written() -> None:
    net = Network([3, 2], random_state=0)
    x = np.ones((4, 3))
    x.flags.writeable = False
    first = net(x)
    first[:] = 7.0
    assert not (net(x) == 7.0).any()
    assert_array_equal(x, np.ones((4, 3)))


def test_no_rows() -> None:
    net = Network([3, 4, 2], loss="cross_entropy")
    for x in (np.zeros((0, 3)), sparse.csr_matrix((0, 3))):
        assert net(x).shape == (0, 2)


@pytest.mark.parametrize("activation", HIDDEN)
def test_nan_in_a_row_is_nan_in_its_outputs(activation: str) -> None:
    net = Network([4, 20, 20, 2], activation=activation, random_state=0)
    x = make_rows(net.sizes)[0]
    x[3, 1] = np.nan
    given = net(x)
    assert np.isnan(given[3]).all()
    assert np.isnan(net(x[3])).all()
    assert np.isfinite(np.delete(given, 3, axis=0)).all()


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones((4, 2)), ValueError, r"x has shape \(4, 2\), expected \(3,\) or \(n_samples, 3\)"),
        (np.ones(4), ValueError, r"x has shape \(4,\), expected \(3,\) or \(n_samples, 3\)"),
        ([[1, 2]], ValueError, r"x has shape \(1, 2\), expected"),
        (np.ones((1, 4, 3)), ValueError, r"x has shape \(1, 4, 3\), expected"),
        (5.0, ValueError, r"x has shape \(\), expected"),
        ([], ValueError, r"x has shape \(0,\), expected"),
        (sparse.csr_matrix(np.ones((4, 2))), ValueError, r"x has shape \(4, 2\); expected \(n_samples, 3\)"),
        (None, TypeError, "x is None; expected an array of numbers"),
        ("abc", TypeError, "x has dtype <U3; expected real numbers; text must be encoded"),
        ([["a", "b", "c"]], TypeError, "text must be encoded as numbers first"),
        ([[1, 2, 3], [1]], TypeError, "x cannot be read as an array of numbers"),
        (np.ones((4, 3)) + 1j, TypeError, "x has dtype complex128; expected real numbers"),
        (np.array([[1, "x", 2]], dtype=object), TypeError, "could not convert string to float: 'x'"),
        (np.array([["2020-01-01"] * 3], "M8[D]"), TypeError, "dtype datetime64"),
        ({"a": 1}, TypeError, "x cannot be read as an array of numbers"),
        ([[10**400, 1, 2]], TypeError, "x cannot be read as an array of numbers"),
    ],
)
def test_what_is_no_row(x: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Network([3, 4, 2])(x)


def test_too_large_for_float32() -> None:
    net = Network([3, 2], dtype="float32")
    with pytest.raises(
        ValueError, match=r"x has 1e\+300 in row 1, column 2, too large for float32; scale it"
    ):
        net([[1.0, 2.0, 3.0], [1.0, 2.0, 1e300]])
    with pytest.raises(ValueError, match=r"the stored values of x has .*too large for float32"):
        net(sparse.csr_matrix([[1.0, 2.0, 1e300]]))
