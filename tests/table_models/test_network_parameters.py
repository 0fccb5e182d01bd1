"""TableModel.fit with the estimators' own parameters."""

import numpy as np
import pytest

import chainrule
from chainrule import SGD
from chainrule.files.models import write_state
from chainrule.io import TableModel
from chainrule.losses import Tweedie
from chainrule.table_models.network_parameters import known_parameters
from chainrule.tables.errors import ParameterError, TableError

QUICK = {"hidden_layer_sizes": (8, 8), "epochs": 5, "learning_rate": 0.01}


def test_every_parameter_is_known_or_has_a_reason():
    from chainrule.table_models.network_parameters import DECIDED, OWN_NAMES

    own = set(chainrule.MLPClassifier().get_params()) | set(chainrule.MLPRegressor().get_params())
    assert own == set(known_parameters()) | set(DECIDED) | set(OWN_NAMES)


def test_parameters_reach_the_estimator(houses, tmp_path):
    model = TableModel.fit(
        houses(300), "dear", ignore=["price"], activation=["gelu", "prelu"], solver="adamw",
        schedule="cosine", dropout=0.1, layer_norm=True, residual=True, clip_norm=1.0, scoring="roc_auc",
        label_smoothing=0.05, max_time=60.0, tol=1e-3, **QUICK,
    )  # fmt: skip
    estimator = model.estimator
    assert estimator.norm_gains_[0].shape == (8,)
    assert estimator.slopes_[1].shape == (8,)
    assert list(model.history[0].scores) == ["loss", "roc_auc", "accuracy"]
    assert (estimator.solver, estimator.dropout, estimator.tol) == ("adamw", 0.1, 1e-3)
    model.save(tmp_path / "m")
    again = chainrule.load(tmp_path / "m")
    assert np.array_equal(again.predict_proba(houses(50)), model.predict_proba(houses(50)))


@pytest.mark.parametrize("solver", ["lbfgs", "rprop"])
def test_solvers_of_full_batches_take_all_rows(houses, solver):
    model = TableModel.fit(houses(300), "price", solver=solver, **QUICK)
    assert model.training["batch_size"] == model.training["rows"]["training"] == 240
    assert model.training["epochs"] == 5
    assert TableModel.fit(houses(300), "price", solver=SGD(0.1), **QUICK).training["batch_size"] == 16


@pytest.mark.parametrize("loss", ["poisson", "gamma", Tweedie(power=1.2)])
def test_losses_of_positive_numbers(houses, loss, tmp_path):
    """What is positive stays positive: the target is scaled, its mean is not taken away."""
    table = houses(300)
    table["price"] = np.abs(table["price"]) + 1
    model = TableModel.fit(table, "price", loss=loss, **QUICK | {"epochs": 40})
    assert model.target.shift == 0
    found = model.evaluate(table)
    assert found.measures["r2"] > 0.5
    assert abs(found.baseline["r2"]) < 0.02  # still that of the mean
    model.save(tmp_path / "m")
    assert np.array_equal(chainrule.load(tmp_path / "m").predict(table), model.predict(table))


@pytest.mark.parametrize(
    ("loss", "smallest"), [("poisson", -3.0), ("gamma", 0.0), (Tweedie(power=1.2), -3.0)]
)
def test_losses_of_positive_numbers_refuse_others_in_their_own_units(houses, loss, smallest):
    table = houses(60)
    table["price"] = np.abs(table["price"]) + 1
    table["price"][7] = smallest
    with pytest.raises(TableError, match=f"'price' has the value {smallest:g}, expected .* for loss="):
        TableModel.fit(table, "price", loss=loss, **QUICK)


def test_class_weights_by_label(houses):
    table = houses(300)
    plain = TableModel.fit(table, "dear", ignore=["price"], **QUICK)
    heavy = TableModel.fit(table, "dear", ignore=["price"], class_weight={"yes": 50.0}, **QUICK)
    assert heavy.predict_proba(table)[:, 1].mean() > plain.predict_proba(table)[:, 1].mean() + 0.2
    with pytest.raises(
        ParameterError, match="class_weight has 'ja', expected classes of 'dear': 'no', 'yes'"
    ):
        TableModel.fit(table, "dear", class_weight={"ja": 2.0}, **QUICK)


@pytest.mark.parametrize("name", ["norm_gains.0", "norm_shifts.0", "slopes.0"])
def test_what_layers_learn_must_be_finite(houses, name, tmp_path):
    model = TableModel.fit(houses(60), "price", activation="prelu", layer_norm=True, **QUICK)
    tensors, settings = model._get_state()
    tensors[f"estimator.{name}"][0] = np.nan
    with pytest.raises(ValueError, match=f"'estimator.{name}' has values that are not finite"):
        write_state("table", tensors, settings, tmp_path / "m")


def test_a_checkpoint_is_gone_on_from(houses, tmp_path):
    settings = QUICK | {"checkpoint": tmp_path / "run", "dropout": 0.2, "solver": "adamw"}
    whole = TableModel.fit(houses(300), "price", **settings | {"epochs": 9})
    TableModel.fit(houses(300), "price", **settings)
    halved = TableModel.fit(houses(300), "price", resume=True, **settings | {"epochs": 9})
    assert [epoch.number for epoch in halved.history] == [6, 7, 8, 9]
    assert halved.training == whole.training
    for a, b in zip(halved.estimator.coefs_, whole.estimator.coefs_, strict=True):
        assert np.array_equal(a, b)
    assert halved.estimator.checkpoint is None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"drop_out": 0.1}, "there is no parameter 'drop_out', .*; did you mean 'dropout'?"),
        ({"learning_rate_init": 0.1}, "'learning_rate_init' is called 'learning_rate' here"),
        ({"early_stopping": False}, "'early_stopping' cannot be set: rows are always watched"),
        ({"label_smoothing": 0.1}, "'label_smoothing' is no parameter for regression"),
        ({"dropout": 2.0}, r"'dropout' parameter of MLPRegressor must be a float in the range \[0.0, 1.0\)"),
        ({"solver": "adm"}, "Did you mean 'adam'?"),
        ({"scoring": "r3"}, "scoring has 'r3'"),
        ({"loss": "quantile", "quantiles": [0.1, 0.9]}, "one number a row, expected one quantile"),
        ({"solver": "lbfgs", "dropout": 0.5}, "does not go with solver='lbfgs'"),
    ],
)
def test_parameters_that_cannot_be(houses, parameters, message):
    with pytest.raises(ParameterError, match=message):
        TableModel.fit(houses(60), "price", **parameters)
