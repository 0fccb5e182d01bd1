import datetime
import json

import numpy as np
import pyarrow as pa
import pytest

from chainrule.tables.class_target import ClassTarget
from chainrule.tables.errors import TableError, TableWarning
from chainrule.tables.targets import drop_unknown, fit_target, target_from_state, target_state
from chainrule.tables.tasks import infer_task


def column(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    ("values", "task", "reason"),
    [
        (["a", "b"], "classification", "its values are text"),
        ([True, False], "classification", "its values are true or false"),
        ([0, 1, 1], "classification", "whole numbers, at most 20 different"),
        ([0.0, 1.0], "classification", "whole numbers, at most 20 different"),
        (list(range(21)), "regression", "whole numbers, more than 20 different"),
        ([0.5, 1.0], "regression", "its values are numbers"),
        (pa.array([0.5, 1.0]).dictionary_encode(), "classification", "categories"),
    ],
)
def test_infer_task(values, task, reason):
    found, why = infer_task("y", column(values))
    assert found == task
    assert reason in why


def test_dates_are_no_target():
    with pytest.raises(TableError, match=r"'y' has values of type date32\[day\], expected numbers"):
        infer_task("y", column([datetime.date(2020, 1, 1)]))


@pytest.mark.parametrize(
    ("values", "classes", "kind"),
    [
        (["b", "a", "b"], ["a", "b"], "text"),
        ([" a", "b"], ["a", "b"], "text"),
        ([True, False], [False, True], "boolean"),
        ([7, 3, 7], [3, 7], "integer"),
        ([7.0, 3.0], [3, 7], "integer"),
        ([0.5, 0.25], [0.25, 0.5], "number"),
        ([2**60 + 1, 2**60], [2**60, 2**60 + 1], "integer"),
        (pa.array(["b", "a"]).dictionary_encode(), ["a", "b"], "text"),
    ],
)
def test_classes(values, classes, kind):
    target = fit_target("y", column(values), "classification")
    assert target.classes == classes
    assert target.kind == kind
    assert all(type(label) is type(expected) for label, expected in zip(target.classes, classes, strict=True))
    index = target.encode(column(values))
    assert index.dtype == np.int64
    stripped = [value.strip() if isinstance(value, str) else value for value in column(values).to_pylist()]
    assert target.decode(index).tolist() == stripped


def test_frequencies():
    assert fit_target("y", column(["a", "b", "b", "b"]), "classification").frequencies.tolist() == [
        0.25,
        0.75,
    ]


@pytest.mark.parametrize(
    ("trained", "given"),
    [([3, 7], [3.0, 7.0]), ([3, 7], ["3", "7"]), (["3", "7"], [3, 7]), ([False, True], ["FALSE", "True"])],
)
def test_labels_of_another_type(trained, given):
    target = fit_target("y", column(trained), "classification")
    assert target.encode(column(given)).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("trained", "given", "message"),
    [
        (
            ["a", "b"],
            ["a", "x", "x"],
            "'y' has 'x' in 2 rows, expected the classes .*: 'a', 'b'",
        ),
        ([1, 2], [3], "has 3 in 1 row"),
        ([1, 2], [1.5], "the value 1.5, expected whole numbers"),
        ([1, 2], ["one"], "the text 'one' in row 1, expected a number"),
        ([False, True], ["maybe"], "the value 'maybe', expected true or false"),
    ],
)
def test_labels_that_training_did_not_have(trained, given, message):
    target = fit_target("y", column(trained), "classification")
    with pytest.raises(TableError, match=message):
        target.encode(column(given))


def test_numbers():
    target = fit_target("y", column([10.0, 30.0]), "regression")
    assert target.encode(column([10, 40])).tolist() == [-1, 2]
    assert target.decode(np.array([-1, 2], dtype=np.float32)).tolist() == [10, 40]


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (["a", "a"], "classification", "one class only, 'a', expected at least two"),
        (
            [f"name {i}" for i in range(50)],
            "classification",
            "50 classes in 50 rows, .* right column",
        ),
        ([5.0, 5.0], "regression", "is 5 in every row, expected different values"),
        (["a", "b"], "regression", "the text 'a' in row 1, expected a number"),
        ([1.0, np.inf], "regression", "1 infinite value"),
        ([1.0, np.inf], "classification", "1 infinite value"),
        ([[1], [2]], "classification", "type list<.*>, expected numbers"),
    ],
)
def test_useless_targets(values, task, message):
    with pytest.raises(TableError, match=message):
        fit_target("y", column(values), task)


@pytest.mark.parametrize(
    "values",
    [
        [1.0, None, float("nan"), 2.0],
        ["a", "", None, "b"],
        pa.array(["a", None, None, "b"]).dictionary_encode(),
    ],
)
def test_rows_without_target_are_dropped_and_said(values):
    table = pa.table({"x": [1, 2, 3, 4], "y": values})
    with pytest.warns(TableWarning, match="2 rows of 4 without a value of 'y' dropped"):
        rows, numbers = drop_unknown(table, ["y"])
    assert rows["x"].to_pylist() == [1, 4]
    assert numbers.tolist() == [1, 4]


def test_no_target_at_all():
    table = pa.table({"y": pa.nulls(3)})
    with pytest.raises(TableError, match="'y' has no values"):
        drop_unknown(table, ["y"])


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"], "classification"),
        ([True, False], "classification"),
        ([1, 2], "classification"),
        ([0.1, 0.2], "classification"),
        ([0.1, 0.2], "regression"),
    ],
)
def test_state(values, task):
    target = fit_target("y", column(values), task)
    tensors, settings = target_state(target)
    again = target_from_state(tensors, json.loads(json.dumps(settings)))
    assert type(again) is type(target)
    assert again.encode(column(values)).tolist() == target.encode(column(values)).tolist()
    if isinstance(target, ClassTarget):
        assert again.classes == target.classes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ["a", 1]}, "not a list of text"),
        ({"classes": ["b", "a"]}, "2 classes are not in order"),
        ({"classes": ["a", "b", "c"]}, "3 classes are not in order, or have no frequencies"),
        ({"classes": ["a"]}, "not a list of text"),
    ],
)
def test_damaged_state(changes, message):
    tensors, settings = target_state(fit_target("y", column(["a", "b"]), "classification"))
    with pytest.raises(ValueError, match=message):
        target_from_state(tensors, settings | changes)
