"""scikit-learn's own messages stay, and go on with what the loss did and what to do."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as TheirClassifier

from chainrule import MLPClassifier, MLPRegressor

X, y = load_iris(return_X_y=True)


def warned(make, **parameters):
    with pytest.warns(ConvergenceWarning) as caught:
        make((8,), random_state=0, **parameters).fit(X, y)
    assert len(caught) == 1
    return str(caught[0].message)


def test_the_message_begins_as_scikit_learns():
    ours, theirs = (warned(make, max_iter=40) for make in (MLPClassifier, TheirClassifier))
    assert ours.startswith(theirs)
    assert "The loss was still falling, by" in ours
    assert ours.endswith("Raise max_iter (now 40), or the learning rate (learning_rate_init=0.001).")


def test_shapes_of_curves():
    assert "There were only 3 epochs. Raise max_iter (now 3)." in warned(MLPClassifier, max_iter=3)
    swinging = {"solver": "sgd", "activation": "tanh", "batch_size": 10, "learning_rate_init": 0.9}
    message = warned(MLPClassifier, n_iter_no_change=1000, max_iter=100, **swinging)
    assert "The loss was oscillating" in message
    assert "Lower the learning rate (learning_rate_init=0.9), or take larger batches." in message


def test_a_second_fit_is_judged_by_its_own_epochs():
    clf = MLPClassifier((8,), warm_start=True, max_iter=40, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"\(now 40\)"):
        clf.fit(X, y)
    clf.max_iter = 3
    with pytest.warns(ConvergenceWarning, match="There were only 3 epochs"):
        clf.fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_divergence_names_epoch_and_learning_rate():
    clf = MLPClassifier((8,), "identity", solver="sgd", learning_rate_init=1e30, max_iter=30, random_state=0)
    with pytest.raises(ValueError, match=r"non-finite.*no longer finite in epoch \d+\. Lower.*=1e\+30"):
        clf.fit(X.astype(np.float32), y)


def test_rows_that_are_not_scaled():
    """Where a fit did not come to its end, the likeliest reason is said, as `diagnose` says it."""
    clf, reg = (make(max_iter=20, patience=20) for make in (MLPClassifier, MLPRegressor))
    rows = X * [1, 1, 500, 1]
    with pytest.warns(ConvergenceWarning, match=r"A column is not scaled: column 2 .* Put .*StandardScaler"):
        clf.fit(rows, y)
    with pytest.warns(ConvergenceWarning, match=r"The inputs are small: .*StandardScaler before.*\.$"):
        reg.fit(X / 1000, y)
    with pytest.warns(ConvergenceWarning, match=r"The targets are not scaled: .* Set scale_targets=True"):
        reg.fit(X, 100 + y)
    with pytest.warns(ConvergenceWarning) as caught:
        reg.set_params(scale_targets=True).fit(scipy.sparse.csr_array(rows), 100 + y)
    assert "scaled" not in str(caught[0].message)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_divergence_names_what_is_not_scaled():
    reg = MLPRegressor("squared_error", (8,), "identity", solver="sgd", max_iter=30, random_state=0)
    with pytest.raises(ValueError, match=r"non-finite.* 4 of 4 columns are not scaled.* The targets are not"):
        reg.fit(1e6 * X, 1e9 * y)
