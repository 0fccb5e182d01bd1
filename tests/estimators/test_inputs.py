"""`inputs` and `parametric` of the estimators: as on `Network`; off, nothing changes."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone

import chainrule
from chainrule import MLPClassifier, MLPRegressor, inputs
from chainrule.description import describe

rng = np.random.default_rng(0)
X = np.column_stack([rng.normal(size=(120, 3)), rng.integers(0, 4, 120)])
Y = {
    MLPClassifier: np.where(np.sin(3 * X[:, 0]) + (X[:, 3] == 2) > 0.3, "yes", "no"),
    MLPRegressor: np.sin(3 * X[:, 0]) + (X[:, 3] == 2),
}
LAYERS = [
    inputs.Periodic([0], 4, 2, sigma=0.5),
    inputs.Numbers([1, 0]),
    inputs.PiecewiseLinear(2, [-1.0, 0.0, 1.0], 2),
    inputs.Categories(3, 4, 2),
    inputs.Scale(),
]
SETTINGS = {"hidden_layer_sizes": (6, 5), "activation": "mish", "max_iter": 4, "tol": 0.0, "random_state": 0}
KINDS = [MLPClassifier, MLPRegressor]
pytestmark = pytest.mark.filterwarnings("ignore:.*(reached|converge)")


def fitted(kind, **settings):
    settings = {**SETTINGS, "inputs": LAYERS, "parametric": True, **settings}
    return kind(**settings).fit(X, Y[kind])


def bits(model):
    """All that is learned, as bytes."""
    lists = [model.coefs_, model.intercepts_, model.alphas_[:-1]]
    arrays = [array for one in lists for array in one]
    arrays += [array for layer in model.inputs_ for array in layer.arrays.values()]
    return b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_learned_and_shown(kind):
    first, later = fitted(kind, max_iter=1), fitted(kind, max_iter=8)
    assert first.coefs_[0].shape == (9, 6)
    assert [list(layer.arrays) for layer in later.inputs_] == [
        ["frequency", "phase", "weight", "bias"], [], ["rise", "weight", "bias"], ["table"], ["scale"]
    ]  # fmt: skip
    for one, other in zip(first.inputs_, later.inputs_, strict=True):
        for name in one.arrays:
            assert (one.arrays[name] != other.arrays[name]).any(), name
    assert (first.alphas_[0] != later.alphas_[0]).any()
    assert later.loss_curve_[-1] < later.loss_curve_[0]
    assert later.n_features_in_ == 4


@pytest.mark.parametrize("kind", KINDS)
def test_off_there_is_nothing_of_it(kind):
    plain = kind(**SETTINGS).fit(X, Y[kind])
    said = kind(**SETTINGS, inputs=None, parametric=False).fit(X, Y[kind])
    assert all(map(np.array_equal, plain.coefs_, said.coefs_))
    assert not hasattr(plain, "inputs_")
    assert not hasattr(plain, "alphas_")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_gradients_are_those_of_a_network(kind, solver):
    model = fitted(kind, solver=solver)
    described = describe(model)
    settings = {"activation": "mish", "parametric": True, "inputs": LAYERS, "loss": described.loss}
    net = chainrule.Network([4, 6, 5, 1], **settings)
    net.weights[:], net.biases[:] = model.coefs_, [-b for b in model.intercepts_]
    net.alphas[0], net.alphas[1] = model.alphas_[:2]
    for mine, theirs in zip(net.inputs, model.inputs_, strict=True):
        for name, array in theirs.arrays.items():
            setattr(mine, name, array)
    y = described.encode(Y[kind][:7]).astype(float)
    expected = net.per_sample_gradients(X[:7], y)
    found = model.per_sample_gradients(X[:7], Y[kind][:7])
    assert all(map(np.allclose, found.weights, expected.weights))
    for one, other in zip(found.inputs, expected.inputs, strict=True):
        assert all(np.allclose(one.arrays[name], other.arrays[name]) for name in one.arrays)
    outputs = model.predict_proba(X)[:, 1:] if kind is MLPClassifier else model.predict(X)[:, None]
    assert np.allclose(net(X), outputs, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_cloned_and_pickled(kind, tmp_path):
    model = fitted(kind)
    model.save(tmp_path / "m")
    for again in (chainrule.load(tmp_path / "m"), pickle.loads(pickle.dumps(model))):
        assert again.inputs == LAYERS
        assert again.parametric is True
        assert bits(again) == bits(model)
        assert np.array_equal(again.predict(X), model.predict(X))
        again.set_params(warm_start=True).fit(X, Y[kind])
        assert bits(again) != bits(model)
    assert bits(clone(model).fit(X, Y[kind])) == bits(model)


@pytest.mark.parametrize("kind", KINDS)
def test_resumed_to_the_same_bits(kind, tmp_path):
    whole = fitted(kind, max_iter=6)
    checkpoint = {"checkpoint": tmp_path / "c"}
    fitted(kind, max_iter=3, **checkpoint)
    resumed = kind(**{**SETTINGS, "max_iter": 6}, inputs=LAYERS, parametric=True, **checkpoint)
    assert bits(resumed.fit(X, Y[kind], resume=True)) == bits(whole)


def test_what_a_user_changes_counts():
    model = fitted(MLPRegressor)
    before = model.predict(X)
    model.inputs_[-1].scale[:] = 0
    assert np.ptp(model.predict(X)) == 0
    model.inputs_[-1].scale[:] = 1
    assert not np.array_equal(model.predict(X), before)
    own = [array.copy() for array in model.coefs_]
    model.coefs_ = own  # a stand-in, which has the input layers too
    bound = model.predict(X)
    assert np.ptp(bound) > 0


def test_validation_and_early_stopping_restore_all_of_it():
    settings = {"early_stopping": True, "max_iter": 30, "n_iter_no_change": 15, "learning_rate_init": 0.03}
    model = fitted(MLPRegressor, **settings)
    again = fitted(MLPRegressor, **settings)
    assert bits(model) == bits(again)
    part = MLPRegressor(**SETTINGS, inputs=LAYERS).partial_fit(X[:60], Y[MLPRegressor][:60])
    assert part.partial_fit(X[60:], Y[MLPRegressor][60:]).inputs_[0].frequency.shape == (1, 4)


def test_derived_and_exported(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = fitted(MLPRegressor)
    derivation = chainrule.derive(model, X[:2], Y[MLPRegressor][:2])
    assert {"E11", "E12", "E13", "E14", "E15"} <= {step.equation for step in derivation}
    assert derivation.verify()
    model.to_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (outputs,) = session.run(None, {session.get_inputs()[0].name: X.astype(np.float64)})
    assert np.allclose(outputs.ravel(), model.predict(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "rows", "message"),
    [
        ({"inputs": [inputs.Numbers([0])]}, X, "no input layer takes column 1"),
        ({"inputs": [inputs.Numbers([0, 1, 2, 3, 4])]}, X, "takes column 4"),
        ({"inputs": []}, X, r"inputs is \[\]; expected at least one input layer"),
        ({"inputs": "periodic"}, X, "The 'inputs' parameter of MLPRegressor must be"),
        ({"activation": "prelu"}, X, "'prelu' has a parameter of its own"),
        ({"parametric": [True]}, X, "parametric"),
        ({}, X + 0.5, "column 3 of X, which inputs.3. takes, has"),
        ({}, scipy.sparse.csr_array(X), "X is sparse; a network with input layers takes dense rows"),
    ],
)
def test_careless_input(settings, rows, message):
    model = MLPRegressor(**{**SETTINGS, "inputs": LAYERS, "parametric": True, **settings})
    with pytest.raises(ValueError, match=message):
        model.fit(rows, Y[MLPRegressor])


def test_codes_are_looked_at_when_predicting_too():
    model = fitted(MLPRegressor)
    assert np.isfinite(model.predict([[0.0, 0.0, 0.0, -1.0]])).all()  # not seen in training
    for rows in (X + 0.5, (X + 0.5).astype(np.float32)):
        with pytest.raises(ValueError, match="where category codes are expected"):
            model.predict(rows)
    with pytest.raises(ValueError, match=r"inputs give 2 columns .* coefs_\[0\] has 9 rows"):
        model.set_params(inputs=LAYERS[1:2]).predict(X)  # of another network
