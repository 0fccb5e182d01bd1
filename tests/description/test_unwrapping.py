"""From wrappers to the model inside, and what the description of each kind of model says."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier, MLPRegressor, Network
from chainrule.description import Description, describe
from chainrule.description.unwrapping import through, unwrap
from chainrule.io import TableModel

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(5, 3, size=(60, 3))
y = X @ [1.0, -2.0, 0.5]


def test_wrappers_are_opened_and_rows_go_through_them():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(4,), max_iter=3)),
        {"mlpregressor__alpha": [0, 1]},
        cv=2,
    ).fit(X, y)
    model, rows = through(search, X)
    assert model is search.best_estimator_[-1]
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-12)
    assert unwrap(search) is model


def test_a_table_model_is_a_wrapper_and_describes_itself():
    table = {"a": X[:, 0], "b": X[:, 1], "word": RNG.choice(["x", "y"], 60), "y": 100 + y}
    model = TableModel.fit(table, "y", epochs=2)
    inner, rows = through(model, table)
    assert inner is model.estimator
    described = describe(model)
    assert rows.shape == (60, described.n_inputs)
    assert [column.name for column in described.columns] == model.columns
    outputs = rows
    for layer in described.layers:
        outputs = outputs @ layer.weights - layer.biases
        outputs = np.maximum(outputs, 0) if layer.activation == "relu" else outputs
    predictions = outputs * described.meaning.scale + described.meaning.mean
    np.testing.assert_allclose(predictions.ravel(), model.predict(table), rtol=1e-5)


def test_what_is_no_model():
    for model in (LinearRegression(), 3, "network"):
        with pytest.raises(TypeError, match="expected a Network, an MLPClassifier or MLPRegressor, or"):
            unwrap(model)
        with pytest.raises(TypeError, match=f"got {type(model).__name__}"):
            describe(model)
    with pytest.raises(ValueError, match="this Pipeline is not fitted yet"):
        unwrap(make_pipeline(StandardScaler(), GridSearchCV(MLPRegressor(), {})))


def test_a_description_stays_as_it_is():
    described = describe(Network([2, 3, 1], random_state=0))
    assert describe(described) is described
    assert isinstance(described, Description)


def test_scikit_learns_own_is_described():
    theirs = TheirRegressor(hidden_layer_sizes=(4,), activation="logistic", max_iter=3, random_state=0).fit(
        X, y
    )
    described = describe(theirs)
    assert [layer.activation for layer in described.layers] == ["sigmoid", "identity"]
    hidden = 1 / (1 + np.exp(-(X @ described.layers[0].weights - described.layers[0].biases)))
    output = hidden @ described.layers[1].weights + described.layers[1].intercepts
    np.testing.assert_allclose(output.ravel(), theirs.predict(X), rtol=1e-12)


def test_targets_as_the_network_learns_them():
    labels = np.array(["b", "a", "c"])[RNG.integers(0, 3, 60)]
    described = describe(MLPClassifier((3,), max_iter=2).fit(X, labels))
    assert described.encode(["c", "a"]).tolist() == [2, 0]
    assert (described.meaning.kind, described.meaning.classes) == ("classes", ["a", "b", "c"])
    assert described.loss.name == "cross_entropy"
    scaled = MLPRegressor(hidden_layer_sizes=(3,), scale_targets=True, max_iter=2).fit(X, y)
    described = describe(scaled)
    np.testing.assert_allclose(described.encode(y).std(), 1)
    own = described.in_own_units()
    assert not own.meaning.scaled
    assert own.in_own_units() is own
    h = np.maximum(X @ own.layers[0].weights - own.layers[0].biases, 0)
    np.testing.assert_allclose((h @ own.layers[1].weights - own.layers[1].biases)[:, 0], scaled.predict(X))


def test_a_function_as_loss_is_the_loss():
    def loss(predictions, targets):
        return 0.5 * float(np.mean((predictions - targets) ** 2)), (predictions - targets) / len(targets)

    assert describe(Network([3, 1], loss=loss)).loss is loss
    assert describe(MLPRegressor(hidden_layer_sizes=(3,), loss=loss, max_iter=2).fit(X, y)).loss is loss


def test_the_optimizer_of_a_step():
    fitted = MLPRegressor(hidden_layer_sizes=(3,), alpha=0.5, learning_rate_init=0.01, max_iter=2).fit(X, y)
    optimizer = describe(fitted).optimizer(10)
    assert (optimizer.name, optimizer.learning_rate, optimizer.l2) == ("adam", 0.01, 0.05)
    assert describe(MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs").fit(X, y)).optimizer is None
    assert describe(Network([3, 1])).optimizer is None
