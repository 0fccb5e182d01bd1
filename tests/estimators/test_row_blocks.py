"""`row_blocks` of the estimators: off, nothing changes; on, a fit is saved, cloned, pickled."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import chainrule
from chainrule import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore:.*hasn't converged")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
SETTINGS = {"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 6, "row_blocks": 8, "batch_size": 50}


def cases(**settings):
    y = X @ [1.0, -1.0, 0.5, 0.0]
    yield MLPRegressor(**(SETTINGS | settings)), y
    yield MLPClassifier(**(SETTINGS | settings)), np.where(y > 0.5, "a", np.where(y > 0, "b", "c"))


def test_one_block_is_the_default() -> None:
    for mlp, y in cases(row_blocks=1):
        default = clone(mlp).set_params(row_blocks=type(mlp)().row_blocks)
        assert_array_equal(mlp.fit(X, y).coefs_[0], default.fit(X, y).coefs_[0])


def test_blocks_are_another_order_of_the_same_rows() -> None:
    for mlp, y in cases(shuffle=False, solver="sgd", batch_size=300):
        one = clone(mlp).set_params(row_blocks=1).fit(X, y)
        mlp.fit(X, y)
        assert_allclose(mlp.coefs_[0], one.coefs_[0], rtol=1e-9)
        assert_allclose(mlp.loss_curve_, one.loss_curve_, rtol=1e-9)
        assert mlp.n_iter_ == 6
        assert mlp.t_ == one.t_


def test_bits_do_not_depend_on_threads() -> None:
    for mlp, y in cases(hidden_layer_sizes=(200, 200), dropout=0.2, layer_norm=True):
        one = clone(mlp).set_params(n_threads=1).fit(X, y)
        two = clone(mlp).set_params(n_threads=2).fit(X, y)
        assert_array_equal(one.coefs_[1], two.coefs_[1])


def test_it_is_saved_cloned_and_pickled(tmp_path) -> None:
    for mlp, y in cases():
        mlp.fit(X, y).save(tmp_path / "model")
        for other in (chainrule.load(tmp_path / "model"), pickle.loads(pickle.dumps(mlp))):
            assert other.row_blocks == 8
            assert_array_equal(other.predict(X), mlp.predict(X))
        assert_array_equal(clone(mlp).fit(X, y).coefs_[0], mlp.coefs_[0])


def test_early_stopping_and_weights_go_along() -> None:
    for mlp, y in cases(early_stopping=True):
        mlp.fit(X, y, sample_weight=np.linspace(0.1, 1, 300))
        assert len(mlp.validation_scores_) == mlp.n_iter_


def test_what_it_cannot_be_is_said() -> None:
    for mlp, y in cases():
        for value in (0, 5000, 1.5):
            with pytest.raises(ValueError, match="'row_blocks' parameter"):
                clone(mlp).set_params(row_blocks=value).fit(X, y)
        with pytest.raises(ValueError, match=r"row_blocks.*lbfgs"):
            clone(mlp).set_params(solver="lbfgs").fit(X, y)
        with pytest.raises(ValueError, match=r"row_blocks=8 .* batch_size=5 cannot give"):
            clone(mlp).set_params(batch_size=5).fit(X, y)
