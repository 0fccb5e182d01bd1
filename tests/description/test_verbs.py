"""The methods that models have but others do: where they live, and what users see of them."""

import inspect
from importlib import import_module

import pytest

import chainrule
from chainrule.description.verbs import HOMES, verb
from chainrule.io import TableModel

MODELS = [chainrule.Network, chainrule.MLPClassifier, chainrule.MLPRegressor, TableModel]
METHODS = ["save", "to_onnx", "export_c"]


@pytest.mark.parametrize("name", HOMES)
def test_every_verb_has_its_home(name):
    module, function = HOMES[name]
    assert verb(name) is getattr(import_module(module), function)
    assert verb(name).__module__ == module  # where it is written, not where it is handed on


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", METHODS)
def test_every_model_has_the_methods(model, name):
    method = getattr(model, name)
    assert inspect.getdoc(method)
    ours, done = inspect.signature(method).parameters, inspect.signature(verb(name)).parameters
    assert set(ours) - {"self"} <= set(done)
    for parameter in set(ours) - {"self"}:
        assert ours[parameter].default == done[parameter].default
        assert ours[parameter].kind == done[parameter].kind
        assert f"{parameter} : " in inspect.getdoc(method)


@pytest.mark.parametrize("model", MODELS)
def test_networks_alone_become_modules_of_pytorch(model):
    assert hasattr(model, "to_torch") == (model is not TableModel)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_says_what_it_is(model):
    assert callable(model._describe)
