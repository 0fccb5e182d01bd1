"""Text of thousands of values tells of the target nearly as much as who knows the effects could say."""

import pytest

from chainrule import TabularRegressor

from .many_categories import planted, r2


@pytest.mark.slow
@pytest.mark.parametrize(("n_rows", "n_values", "least"), [(20_000, 1_000, 0.94), (20_000, 4_000, 0.88)])
def test_half_of_the_variance_in_a_text_column(n_rows, n_values, least):
    X, y = planted(n_rows, n_values)
    n = n_rows * 4 // 5
    model = TabularRegressor("fast", random_state=0).fit(X[:n], y[:n])
    assert r2(y[n:], model.predict(X[n:])) > least
