"""Files of tabular estimators with settings of another form: an error, or a model that can be saved."""

import numpy as np
import pytest

from chainrule import TabularClassifier, TabularRegressor
from chainrule.files import models
from chainrule.files.errors import ModelFileError


def numbers(value, path=()):
    """Yield the paths of all numbers in nested lists and dictionaries."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from numbers(inner, (*path, i))
    elif isinstance(value, int | float):
        yield path


def put(value, path, new):
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


@pytest.mark.parametrize("word", ["nan", [], True])
def test_what_is_no_number_never_becomes_one(word, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    fitted = [
        TabularClassifier("fast", random_state=0, class_weight={0: 1.0, 1: 2.0}).fit(x, (x[:, 0] > 0) * 1),
        TabularRegressor("fast", random_state=0).fit(x, x[:, 0]),
    ]
    path = tmp_path / "model"
    for model in fitted:
        model.save(path)
        kind, tensors, settings = models.read_state(path)
        assert len(list(numbers(settings))) > 50
        for place in numbers(settings):
            _, tensors, settings = models.read_state(path)
            put(settings, place, word)
            models.write_state(kind, tensors, settings, tmp_path / "odd")
            try:
                odd = models.load(tmp_path / "odd")
            except ModelFileError:
                continue
            odd.save(tmp_path / "again")


def test_what_a_model_needs_is_there_and_fits(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 2))
    TabularClassifier("fast", random_state=0).fit(x, (x[:, 0] > 0) * 1).save(tmp_path / "model")
    kind, tensors, settings = models.read_state(tmp_path / "model")
    assert settings["fitted"].keys() == {"n_watched_", "temperature_", "n_features_in_"}
    odd = [
        {name: one for name, one in settings["fitted"].items() if name != gone} for gone in settings["fitted"]
    ]
    odd += [settings["fitted"] | {"n_features_in_": 3}, settings["fitted"] | {"temperature_": 0.0}]
    changes = [{"fitted": one} for one in odd] + [{"feature_names": ["a"]}]
    for change in changes:
        models.write_state(kind, tensors, settings | change, tmp_path / "odd")
        with pytest.raises(ModelFileError):
            models.load(tmp_path / "odd")
