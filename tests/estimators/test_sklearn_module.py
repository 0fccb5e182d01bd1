"""scikit-learn's own test module for its multi-layer perceptrons, run on ours.

Its source is loaded from the installed scikit-learn with our classes in the place of theirs; its tests
appear here under their own names.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.neural_network import MLPClassifier as TheirClassifier

from chainrule.estimators import MLPClassifier, MLPRegressor

#: A warning that scikit-learn does not have: random targets teach nothing.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer. stopped after .* taught next to nothing"
)

#: Tests that are about scikit-learn's private methods and not about what a user sees.
PRIVATE = {
    "test_gradient": "calls _loss_grad_lbfgs with scikit-learn's work arrays; our gradients are checked by "
    "complex step in tests/network and against scikit-learn's fits in test_same_numbers.py",
}


def load_their_module():
    path = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"
    spec = importlib.util.spec_from_file_location("their_test_mlp", path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sklearn.neural_network, "MLPClassifier", MLPClassifier)
        patch.setattr(sklearn.neural_network, "MLPRegressor", MLPRegressor)
        spec.loader.exec_module(module)
    return module


their_module = load_their_module()
their_tests = {name: test for name, test in vars(their_module).items() if name.startswith("test_")}
globals().update({name: test for name, test in their_tests.items() if name not in PRIVATE})


@pytest.fixture
def global_random_seed():
    """The seed that scikit-learn's conftest gives its tests."""
    return 42


@pytest.fixture(autouse=True)
def their_conditions():
    """scikit-learn's tests draw from NumPy's global generator and allow their own warnings."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    yield
    np.random.set_state(state)  # noqa: NPY002


def test_our_classes_were_in_place():
    assert their_module.MLPClassifier is MLPClassifier
    assert their_module.MLPRegressor is MLPRegressor
    assert sklearn.neural_network.MLPClassifier is TheirClassifier
    assert len(their_tests) > 40
    assert set(PRIVATE) <= set(their_tests)
