"""E16: members of an ensemble that share the weights of a layer (BatchEnsemble).

Member m has a factor for each input and for each output of the layer, and a bias of its own:

    u = x o r_m,   z = u W,   net = z o s_m - b_m,

as if its weights were diag(r_m) W diag(s_m). Rows are samples, member by member: the first n_samples /
n_members rows are the first member's. So all members' rows go through one product, forward and back, and what
follows net (E2, E8-E10, E12, the loss) sees rows as ever. The loss of a batch is the mean over all of them.

Source: Y. Wen, D. Tran and J. Ba, BatchEnsemble: an alternative approach to efficient ensemble and lifelong
learning, ICLR 2020 (arXiv:2002.06715), section 3; for tables: Y. Gorishniy, A. Kotelnikov and A. Babenko,
TabM, ICLR 2025 (arXiv:2410.24210).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from array_api_compat import array_namespace

from chainrule.reference.functions import Array
from chainrule.reference.validation import parameter


class Members(NamedTuple):
    """The factors of the members that share a layer's weights (E16), or the derivatives by them.

    Attributes
    ----------
    input_factor : array, shape (n_members, n_k)
        r. First values 1, or -1 and 1 at random, which make members differ.
    output_factor : array, shape (n_members, n_{k+1})
        s. First values as those of r.
    """

    input_factor: Array
    output_factor: Array


def member_net_input(x: Array, weight: Array, bias: Array, members: Members) -> Array:
    """E16: net = ((x o r) W) o s - b, shape (n_samples, n_{k+1}); b has shape (n_members, n_{k+1}).

    Examples
    --------
    >>> import numpy as np
    >>> two = Members(np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[1.0], [2.0]]))
    >>> x, W, b = np.array([[3.0, 1.0], [3.0, 1.0]]), np.array([[1.0], [1.0]]), np.array([[0.0], [0.5]])
    >>> member_net_input(x, W, b, two).tolist()  # one row for each member
    [[4.0], [3.5]]
    """
    (r, s), W, b = members, weight, bias
    n_members = r.shape[0]
    u = _rows(_by_member(x, n_members) * r[:, None, :])
    z = u @ W
    return _rows(_by_member(z, n_members) * s[:, None, :] - b[:, None, :])  # E16


def member_gradients(
    bias_gradient: Array, x: Array, weight: Array, members: Members
) -> tuple[Array, Array, Array, Members]:
    """E16 backward, from dE/db = -delta, a row per sample.

    ds = sum delta o z, gamma = delta o s, dW = u^T gamma (one product over all members' rows),
    q = gamma W^T, dr = sum q o x, dx = q o r; the sums are over a member's rows.

    Returns
    -------
    x, weight, bias : array
        dE/dx, dE/dW and the members' dE/db, in the shapes of x, W and b.
    members : Members
        dE/dr and dE/ds.
    """
    xp, (r, s), W = array_namespace(x), members, weight
    n_members = r.shape[0]
    xs, db = _by_member(x, n_members), _by_member(bias_gradient, n_members)
    u, delta = _rows(xs * r[:, None, :]), -db
    z = _by_member(u @ W, n_members)
    gamma = _rows(delta * s[:, None, :])
    q = _by_member(gamma @ W.T, n_members)
    factors = Members(xp.sum(q * xs, axis=1), xp.sum(delta * z, axis=1))
    return _rows(q * r[:, None, :]), u.T @ gamma, xp.sum(db, axis=1), factors  # E16


def check_members(
    members: Sequence[Any], weights: Sequence[Array], biases: Sequence[Array]
) -> list[Members | None]:
    """Check that factors have the layers' widths, for as many members as layers have biases."""
    checked: list[Members | None] = []
    for k, (one, W, b) in enumerate(zip(members, weights, biases, strict=True)):
        if one is None:
            checked.append(None)
            continue
        if not (isinstance(one, tuple) and len(one) == 2):
            raise TypeError(
                f"members[{k}] is {one!r}; expected Members(input_factor, output_factor), or None"
            )
        r = parameter(one[0], f"members[{k}].input_factor", W, (b.shape[0], W.shape[0]))
        s = parameter(one[1], f"members[{k}].output_factor", W, (b.shape[0], W.shape[1]))
        checked.append(Members(r, s))
    numbers = sorted({one.input_factor.shape[0] for one in checked if one})
    if len(numbers) > 1:
        raise ValueError(f"members has layers of {numbers} members; expected the same number in all of them")
    return checked


def check_rows(members: Sequence[Members | None], n_samples: int) -> None:
    """Raise ValueError unless every member has as many rows."""
    n_members = next((one.input_factor.shape[0] for one in members if one), 1)
    if n_samples % n_members:
        raise ValueError(
            f"x has {n_samples} rows for {n_members} members; expected a multiple: the rows of the first"
            " member, then as many of the second, and so on"
        )


def _by_member(rows: Array, n_members: int) -> Array:
    """View rows as (n_members, rows of each, n_columns)."""
    return array_namespace(rows).reshape(rows, (n_members, -1, rows.shape[1]))


def _rows(by_member: Array) -> Array:
    """View them as rows again, member by member."""
    return array_namespace(by_member).reshape(by_member, (-1, by_member.shape[2]))
