"""When a table gets an ensemble of networks, and when one plain network."""

import pytest

from chainrule.io import ParameterError
from chainrule.table_models.presets import choose


@pytest.mark.parametrize(
    ("preset", "network", "parameters", "name", "because"),
    [
        (None, {}, {}, "default", ""),
        ("best", {}, {}, "best", ""),
        ("plain", {}, {}, "plain", ""),
        (None, {"epochs": 5}, {}, "plain", "epochs"),
        (None, {"epochs": None, "l2": 0.0}, {}, "plain", "l2"),
        (None, {}, {"dropout": 0.1}, "plain", "dropout"),
        (None, {}, {"scoring": "roc_auc"}, "plain", "scoring"),
        (None, {"memory": "2GB"}, {}, "plain", "memory"),
        (None, {}, {"class_weight": "balanced"}, "default", ""),
        ("fast", {}, {"class_weight": "balanced", "scoring": "roc_auc"}, "fast", ""),
        ("plain", {"epochs": 5}, {"dropout": 0.1}, "plain", ""),
    ],
)
def test_what_describes_one_network_asks_for_it(preset, network, parameters, name, because):
    chosen = choose(preset, None, None, network, parameters)
    assert (chosen.name, chosen.because) == (name, because)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"preset": "fsat"}, "did you mean 'fast'"),
        ({"preset": 3}, "expected one of fast, default, best, plain"),
        ({"preset": "best", "network": {"epochs": 3}}, "preset plain"),
        ({"preset": "best", "parameters": {"dropout": 0.1}}, "dropout"),
        ({"preset": "plain", "time_budget": 3}, "not for plain"),
        ({"preset": "plain", "n_folds": 3}, "not for plain"),
        ({"time_budget": 3, "network": {"epochs": 3}}, "epochs"),
        ({"time_budget": 0}, "positive"),
        ({"time_budget": "fast"}, "positive"),
        ({"n_folds": 1}, "at least 2"),
        ({"n_folds": -1}, "whole number"),
    ],
)
def test_settings_that_do_not_go_together(given, words):
    given = {"preset": None, "time_budget": None, "n_folds": None, "network": {}, "parameters": {}} | given
    with pytest.raises(ParameterError, match=words):
        choose(**given)
