import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.tables.errors import TableError
from chainrule.tables.reading import Reading
from chainrule.tables.values import mean_and_scale, to_numbers, to_text


def column(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    "values",
    [
        column([1, None, 3]),
        column([1.0, float("nan"), 3.0]),
        column([1, None, 3], pa.uint8()),
        column([1, None, 3], pa.decimal128(5, 2)),
        column([1, None, 3], pa.float16()),
        column(["1", "", " 3.0 "]),
        column([1, None, 3]).dictionary_encode(),
        pa.chunked_array([[1, None], [3]]),
    ],
)
def test_numbers(values):
    assert np.array_equal(to_numbers("x", values), [1, np.nan, 3], equal_nan=True)


def test_booleans_and_nothing_as_numbers():
    assert to_numbers("x", column([True, False])).tolist() == [1, 0]
    assert np.isnan(to_numbers("x", column([None, None]))).all()


def test_what_has_too_many_microseconds_for_whole_numbers():
    seconds = 49 * 10**15
    assert to_numbers("x", column([seconds], pa.duration("s"))).tolist() == [seconds]
    days = to_numbers("x", column([seconds], pa.timestamp("ms", "Europe/Berlin")), "date")
    assert days.tolist() == [seconds / 86_400_000]


def test_durations_count_seconds():
    values = column([datetime.timedelta(minutes=1, milliseconds=1), None])
    times = column([datetime.time(0, 0, 1)])
    durations = Reading("number", durations="hours")
    assert np.array_equal(to_numbers("x", values), [60.001, np.nan], equal_nan=True)
    assert to_numbers("x", column(["1:00:00"]), reading=durations).tolist() == [3600]
    assert to_numbers("x", times, reading=durations).tolist() == [1]
    for strange, reading in ((values, Reading("number")), (times, None)):
        with pytest.raises(TableError, match=r"has values of type (duration|time).*, expected numbers"):
            to_numbers("x", strange, reading=reading)


@pytest.mark.parametrize(
    ("values", "days"),
    [
        (column([datetime.date(1970, 1, 2), datetime.date(1969, 12, 31)]), [1, -1]),
        (column([datetime.datetime(1970, 1, 1, 12), None]), [0.5, np.nan]),
        (column([datetime.datetime(1970, 1, 1, 12)], pa.timestamp("s")), [0.5]),
        (column([datetime.datetime(1970, 1, 1, 12)], pa.timestamp("ns", "Europe/Berlin")), [0.5]),
        (column([datetime.time(6)]), [0.25]),
        (column([datetime.timedelta(days=2)]), [2]),  # of models that count them in days
        (column(["1970-01-03", "1970-01-01 06:00:00"]), [2, 0.25]),
    ],
)
def test_dates_count_days(values, days):
    assert np.array_equal(to_numbers("x", values, "date"), days, equal_nan=True)


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (
            column(["1", "2", "three", "four"]),
            "number",
            "'x' has the text 'three' in row 3, expected a number",
        ),
        (column(["2020-01-01", "soon"]), "date", "'x' has the text 'soon' in row 2, expected a date such as"),
        (column([datetime.date(2020, 1, 1)]), "number", r"type date32\[day\], expected numbers"),
        (column([1.5, 2.5]), "date", "type double, expected dates"),
        (column([20240131, 7]), "date", "'x' has the text '7' in row 2, expected a date such as"),
        (column([[1], [2]]), "number", "type list<.*>, expected numbers"),
        (column([1.0, np.inf, -np.inf]), "number", "2 infinite values, the first in row 2; expected finite"),
        (column(["1", "inf"]), "number", "1 infinite value, the first in row 2"),
    ],
)
def test_no_numbers(values, kind, message):
    with pytest.raises(TableError, match=message):
        to_numbers("x", values, kind)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (column([" a ", "", None, "  "]), ["a", None, None, None]),
        (column(["a", "b"], pa.string_view()), ["a", "b"]),
        (column(["a", None]).dictionary_encode(), ["a", None]),
        (column([1, 2]), ["1", "2"]),
        (column([True, None]), ["true", None]),
    ],
)
def test_text(values, text):
    assert to_text("x", values).to_pylist() == text
    assert to_text("x", values).type == pa.large_string()


@pytest.mark.parametrize("values", [[True, False], [1, 0], ["True", "FALSE"], ["1", "0"]])
def test_booleans_have_one_spelling(values):
    assert to_text("x", column(values), boolean=True).to_pylist() == ["true", "false"]


def test_no_text():
    with pytest.raises(TableError, match="'x' has values of type list"):
        to_text("x", column([[1]]))


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite, min_size=1))
def test_mean_and_scale_of_any_finite_numbers(values):
    numbers = np.array(values)
    mean, scale = mean_and_scale(numbers)
    assert np.isfinite(mean)
    assert np.isfinite(scale)
    assert scale >= 0
    assert (scale == 0) or numbers.min() < numbers.max()


@given(st.lists(st.floats(-1e6, 1e6), min_size=2))
def test_mean_and_scale(values):
    numbers = np.array(values)
    mean, scale = mean_and_scale(numbers)
    tolerance = 1e-12 * (1 + np.abs(numbers).max())
    assert mean == pytest.approx(numbers.mean(), abs=tolerance)
    assert scale == pytest.approx(numbers.std(), abs=tolerance)


def test_rounding_is_no_scale():
    assert mean_and_scale(np.array([0.1 + 0.2, 0.3, 0.3]))[1] == 0
    assert mean_and_scale(np.array([1e9, 1e9 + 1]))[1] == 0.5


def test_large_integers():
    assert to_numbers("x", column([2**63 - 1, 2**53 + 1])).tolist() == [2.0**63, 2.0**53]
    assert to_numbers("x", column([2**64 - 1], pa.uint64())).tolist() == [2.0**64]
