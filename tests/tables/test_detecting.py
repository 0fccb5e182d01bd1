"""What a column of text means."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from chainrule.tables.detecting import detect, detect_all
from chainrule.tables.found import Choice
from chainrule.tables.reading import Reading


def column(values):
    return pa.chunked_array([pa.array(list(values), pa.large_string())])


def read(values, **choice):
    """Return kind and values of a column."""
    values = column(values)
    found = detect(values, Choice(**choice))
    return found.reading.kind, found.reading.apply("x", values).to_pylist()


def notes(values, **choice):
    return " / ".join(detect(column(values), Choice(**choice)).notes)


NUMBERS = [
    (["1", "2"], [1, 2]),
    (["1.5", "2", "NA"], [1.5, 2, None]),
    ([" 1 ", "2 "], [1, 2]),
    (["0,5", "1,25", " 3,0"], [0.5, 1.25, 3]),
    (["1.234,5", "12,25", "1.234"], [1234.5, 12.25, 1234]),
    (["1,234.5", "12.25", "1,234"], [1234.5, 12.25, 1234]),
    (["1,234,567", "1,234"], [1234567, 1234]),
    (["12,34,567.5", "1,00,000"], [1234567.5, 100000]),
    (["1 234,5", "12\u00a0345", "1\u202f234"], [1234.5, 12345, 1234]),
    (["1'234.50", "1\u2019234"], [1234.5, 1234]),
    (["$5", "$1,234.50", "-$3", "$ -4"], [5, 1234.5, -3, -4]),
    (["5 \u20ac", "6,50 EUR", "\u20ac 7"], [5, 6.5, 7]),
    (["5 %", "6.5%"], [5, 6.5]),
    (["5 %", "0.05", "7%", "0.5"], [0.05, 0.05, 0.07, 0.5]),
    (["5 %", "5", "7%", "1"], [5, 5, 7, 1]),
    (["1.234", "56", "7.890", "12.345", "1.000", "999", "2.500"], [1234, 56, 7890, 12345, 1000, 999, 2500]),
    (["1,234", "56", "7,890", "12,345", "1,000", "999", "2,500"], [1234, 56, 7890, 12345, 1000, 999, 2500]),
    (["1.234", "56", "7.890", "12.345", "1.25", "999", "2.500"], [1.234, 56, 7.89, 12.345, 1.25, 999, 2.5]),
    (["1.234", "5678", "7.890", "12.345", "1.000", "999"], [1.234, 5678, 7.89, 12.345, 1, 999]),
    (["5 kg", "6 KG", "7"], [5, 6, 7]),
    (["1 year", "2 years"], [1, 2]),
    (["(5)", "7", "(1,234.5)"], [-5, 7, -1234.5]),
    (["5-", "7"], [-5, 7]),
    (["5,-", "7,50"], [5, 7.5]),
    (["\u22125", "\u20137", "3"], [-5, -7, 3]),
    (["1e5", "2E-3", "1,5e3"], [1e5, 2e-3, 1500]),
    (["+5", "-7"], [5, -7]),
    ([".5", "5."], [0.5, 5]),
    (["1.2M", "300k", "7"], [1.2e6, 3e5, 7]),
    (["3/5", "4/5"], [3, 4]),
    (["1.5 Mio. \u20ac", "20 Tsd. \u20ac"], [1.5e6, 2e4]),
    (["\uff11\uff12", "\uff13"], [12, 3]),
    (["\u0661\u0662", "\u0661\u066c\u0662\u0663\u0664\u066b\u0665"], [12, 1234.5]),
    (["\u06f1\u06f2", "-\u06f3"], [12, -3]),
    (["\u0967\u0968", "\u0969"], [12, 3]),
    (["1\u00bd", "3 \u00bc", "\u00be", "-\u00bd", "2"], [1.5, 3.25, 0.75, -0.5, 2]),
    (["5.5\u00b2", "6"], [5.5, 6]),
    (["5\u00b75", "6\u00b725"], [5.5, 6.25]),
    (["5 \u20ac", "2m \u20ac", "3 Mio"], [5, 2e6, 3e6]),
    (["1.5D+03", "2.5d-01"], [1500, 0.25]),
    (["1.5\u00d710^3", "2 x 10^-1", "3\u00d710\u2074", "4\u00b710\u207b\u00b2"], [1500, 0.2, 30000, 0.04]),
    (['="1.5"', '="2"'], [1.5, 2]),
    (['"1.5"', '"2"'], [1.5, 2]),
    (["\u200b1.5", "\u200e2", "3\ufeff"], [1.5, 2, 3]),
]


@pytest.mark.parametrize(("texts", "numbers"), NUMBERS, ids=[texts[0] for texts, _ in NUMBERS])
def test_numbers_as_people_write_them(texts, numbers):
    kind, found = read(texts)
    assert kind == "number"
    assert found == pytest.approx(numbers)


@pytest.mark.parametrize(
    "texts",
    [
        ["007", "008"],
        ["01234", "56789", "34567"],
        ["+4915112345678", "+4915112345679"],
        ["192.168.1.1", "10.0.0.1"],
        ["1.2.3", "1.10.0"],
        ["A1", "A2"],
        ["R101", "R102"],
        ["1st", "2nd", "3rd"],
        ["5 kg", "500 g", "6 kg"],
        ["$5", "\u20ac6"],
        ["18-25", "26-30"],
        ["1,2,3", "4,5,6"],
        ["555-1234", "555-4321"],
        ["a", "b", "1"],
        ["12:30 or so", "x"],
        ['="007"', '="008"'],
        ["0a1f", "1e5c", "2b3d", "0001"],
        ["1e5", "2e7", "1a3", "44b"],
        ["0x1F", "0x2A"],
        ["12AB34XY", "7QW8", "33Z1K"],
        ["2y", "6m", "18m"],
        ["1.80 m", "175 cm"],
        ["1;2", "3;4"],
        ["16:9", "4:3"],
        ["5'3\"", "6'1\""],
    ],
)
def test_no_numbers(texts):
    assert read(texts) == ("text", texts)


@pytest.mark.parametrize(
    "word", ["-", ".", "n/a", "N.A.", "Total", "?", "none", "\u2014", "#DIV/0!", "3+", "k. A."]
)
@pytest.mark.parametrize("number", ["{}", "{},5", "{} kg"])
def test_an_odd_word_is_missing_and_named(word, number):
    texts = [number.format(i) for i in range(299)]
    texts.insert(16, word)
    kind, found = read(texts)
    assert kind == "number"
    assert found[16] is None
    assert found.count(None) == 1
    if word not in ("n/a", "?"):  # those mean a missing value everywhere
        assert f"299 of 300 values are numbers; {word!r} in row 17 counts as missing" in notes(texts)


def test_many_odd_words_are_counted():
    texts = [f"w{i}" if i % 20 == 0 else str(i) for i in range(4000)]
    found = detect(column(texts))
    assert found.reading.lenient
    assert (
        "3,800 of 4,000 values are numbers; 'w0' in row 1, 'w20' in row 21, 'w40' in row 41, 197 more"
        in str(found.notes)
    )


def test_nearly_numbers_are_text_and_said():
    assert notes([*map(str, range(60)), *["many"] * 40]) == (
        "is taken as text: 60 of 100 values are numbers, others such as 'many' in row 61 are not; "
        "--number (number= in Python) counts those as missing"
    )


def test_units_and_codes_are_said():
    assert "is read without the unit 'kg'" in notes(["5 kg", "6 kg"])
    assert "has numbers of several units ('5 kg', '500 g'), taken as text" in notes(["5 kg", "500 g", "6 kg"])
    assert "has codes such as '007', taken as text" in notes(["007", "008"])
    assert "is read with 'k' as 1,000" in notes(["5k", "600"])


def test_marks_that_are_open():
    """A number such as 1,234 is read by the column, then by the table, then with a point."""
    assert read(["1,234", "5,678"])[1] == [1234, 5678]
    assert "is read with a decimal point: '1,234' is 1234" in notes(["1,234", "5,678"])
    assert read(["1,234", "5678"])[1] == [1.234, 5678]
    assert read(["1,234", "0,5"])[1] == [1.234, 0.5]
    assert read(["1,234", "5,678"], mark=",")[1] == [1.234, 5.678]
    assert read(["1.234", "5.678"], mark=",")[1] == [1234, 5678]
    around = {"a": column(["0,5", "0,25"]), "b": column(["1.234", "2.345"]), "c": column(["1,234", "2,345"])}
    found = detect_all(around, {})
    assert found["b"].values.to_pylist() == [1234, 2345]
    assert found["c"].values.to_pylist() == [1.234, 2.345]


DURATIONS = [
    (["25:01:15", "01:02:03"], [90075, 3723]),
    (["01:02:03", "03:12:45.5"], [3723, 11565.5]),
    (["08:15", "23:59", "-"], [29700, 86340, None]),
    (["1:30", "75:12"], [5400, 270720]),
    (["58:30", "1:02:15"], [3510, 3735]),
    (["3:45.2", "4:01,9"], [225.2, 241.9]),
    (["-1:00:00", "\u22120:30:00"], [-3600, -1800]),
    (["PT1H30M", "PT45M", "P1DT2H", "-PT0.5S", "P1W"], [5400, 2700, 93600, -0.5, 604800]),
    (["1 days 02:03:04.5", "-1 days +23:00:00", "0 days"], [93784.5, -3600, 0]),
    (["1 day, 2:03:04", "-1 day, 23:00:00", "2:03:04"], [93784, -3600, 7384]),
    (["1.02:03:04", "-1.02:03:04"], [93784, -93784]),
    (["1h 30m", "45m", "2h", "1h30"], [5400, 2700, 7200, 5400]),
    (["90 min", "2 Hours", "2 h, 5 min and 3 s"], [5400, 7200, 7503]),
    (["5 s", "500 ms"], [5, 0.5]),
    (["2 weeks", "3 days", "1 Tag"], [1209600, 259200, 86400]),
]


@pytest.mark.parametrize(("texts", "seconds"), DURATIONS, ids=[texts[0] for texts, _ in DURATIONS])
def test_durations_are_read_in_seconds(texts, seconds):
    kind, found = read(texts)
    assert kind == "number"
    assert found == pytest.approx(seconds)
    reading = detect(column(texts)).reading
    assert Reading.from_state(reading.to_state()) == reading
    assert "is read in seconds" in notes(texts)


def test_durations_are_said_and_read_the_same_in_other_rows():
    assert notes(["25:01:15", "01:02:03"]) == "is read in seconds: '25:01:15' is 90075"
    assert notes(["58:30", "1:02:15", "1:05:00", "soon"]) == (
        "is read in seconds: '58:30' is 3510 / 3 of 4 values are durations; 'soon' in row 4 counts as missing"
    )
    reading = detect(column(["58:30", "1:02:15"])).reading
    assert reading.apply("x", column(["10:30"])).to_pylist() == [630]
    with pytest.raises(
        ValueError, match="column 'x' has the text '630' in row 2, expected a duration such as"
    ):
        reading.apply("x", column(["10:30", "630"]))
    assert read(["25:01:15", "01:02:03"], kind="text")[0] == "text"
    assert read(["25:01:15", "1:00", "soon", "x y"], kind="number")[1] == [90075, 3600, None, None]


def test_a_unit_of_time_alone_is_a_unit():
    assert read(["90 min", "5 min"]) == ("number", [90, 5])
    assert "is read without the unit 'min'" in notes(["90 min", "5 min"])


def test_codes_are_no_numbers_of_several_units():
    for texts in (["0a1f", "1e5c", "2b3d"], [f"{i}X{i % 7}{'ABCDEFG'[i % 7]}{i * 31}" for i in range(99)]):
        assert notes(texts) == f"has codes such as {texts[0 if texts[0] == '0a1f' else 1]!r}, taken as text"
    assert read(["12", "15d", "20", "bad", *map(str, range(30, 50))])[0] == "number"


DATES = [
    (["2024-01-31", "2024-2-1"], ["2024-01-31", "2024-02-01"]),
    (["31.12.2024", "1.1.2024"], ["2024-12-31", "2024-01-01"]),
    (["31.12.24", "1.1.99"], ["2024-12-31", "1999-01-01"]),
    (["31/12/2024", "1/2/2024"], ["2024-12-31", "2024-02-01"]),
    (["12/31/2024", "1/2/2024"], ["2024-12-31", "2024-01-02"]),
    (["3/4/2024", "5/6/2024"], ["2024-03-04", "2024-05-06"]),
    (["3.4.2024", "5.6.2024"], ["2024-04-03", "2024-06-05"]),
    (["2024/12/31", "2024/01/02"], ["2024-12-31", "2024-01-02"]),
    (["31 Dec 2024", "1 January 2024"], ["2024-12-31", "2024-01-01"]),
    (["Dec 31, 2024", "Jan. 1, 2024"], ["2024-12-31", "2024-01-01"]),
    (["31. Dezember 2024", "1. M\u00e4rz 2024"], ["2024-12-31", "2024-03-01"]),
    (["31-Dec-24", "01-Jan-25"], ["2024-12-31", "2025-01-01"]),
    (["20240131", "20231231", "19991231", "NA"], ["2024-01-31", "2023-12-31", "1999-12-31", None]),
    (["2024-03", "2024-04"], ["2024-03-01", "2024-04-01"]),
    (["2024M3", "2024m12"], ["2024-03-01", "2024-12-01"]),
    (["2011Q2", "2011Q3"], ["2011-04-01", "2011-07-01"]),
    (["2011-Q2", "2011 q4"], ["2011-04-01", "2011-10-01"]),
    (["Q1 2011", "Q2/2011"], ["2011-01-01", "2011-04-01"]),
    (["2Q11", "3Q2011"], ["2011-04-01", "2011-07-01"]),
    (["2024-W02", "2024W15", "2020-W53-7"], ["2024-01-08", "2024-04-08", "2021-01-03"]),
    (["2024\u5e741\u670831\u65e5", "2024\u5e742\u67081\u65e5"], ["2024-01-31", "2024-02-01"]),
]


@pytest.mark.parametrize(("texts", "days"), DATES, ids=[texts[0] for texts, _ in DATES])
def test_dates(texts, days):
    expected = [None if day is None else datetime.date.fromisoformat(day) for day in days]
    assert read(texts) == ("date", expected)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-31T12:30:45", "2024-01-31T12:30:45"),
        ("2024-01-31 12:30:45.125", "2024-01-31T12:30:45.125"),
        ("2024-01-31T12:30:45Z", "2024-01-31T12:30:45"),
        ("2024-01-31T12:30+02:00", "2024-01-31T10:30"),
        ("2024-01-31 12:30:45-0500", "2024-01-31T17:30:45"),
        ("20240131T123045Z", "2024-01-31T12:30:45"),
        ("20240131T1230+0200", "2024-01-31T10:30"),
        ("٢٠٢٤-٠١-٣١ ١٢:٣٠", "2024-01-31T12:30"),
        ("31.1.2024 12:30", "2024-01-31T12:30"),
        ("1/31/2024 5:30 PM", "2024-01-31T17:30"),
        ("1/31/2024, 12:05 a.m.", "2024-01-31T00:05"),
        ("Wed Jan 31 10:00:00 2024", "2024-01-31T10:00"),
        ("31/Jan/2024:10:00:00 +0100", "2024-01-31T09:00"),
        ("Wed, 31 Jan 2024 10:00:00 GMT", "2024-01-31T10:00"),
    ],
)
def test_moments(text, moment):
    kind, (found,) = read([text])
    assert kind == "date"
    assert np.datetime64(found) == np.datetime64(moment)


def test_dates_that_are_none():
    assert read(["30.2.2024", "2024-13-01", "soon"])[0] == "text"
    assert read([*["31.12.2024"] * 20, "never"])[1][-1] is None
    assert "20 of 21 values are dates; 'never' in row 21 counts as missing" in notes(
        [*["31.12.2024"] * 20, "never"]
    )
    assert "is read with the month first: '3/4/2024' is 2024-03-04" in notes(["3/4/2024", "5/6/2024"])
    assert read(["3/4/2024", "5/6/2024"], day_first=True)[1][0] == datetime.date(2024, 4, 3)
    found = detect_all({"a": column(["13/4/2024"]), "b": column(["3/4/2024"])}, {})
    assert found["b"].values.to_pylist() == [datetime.date(2024, 4, 3)]


def test_dates_whose_reading_is_said():
    assert notes(["20240131", "20231231", "19991231"]) == "is read as dates: '20240131' is 2024-01-31"
    assert notes(["31.12.68", "1.1.99"]) == "is read with years of two digits: '31.12.68' is 2068-12-31"
    assert notes(["2011Q2", "2011Q3"]) == "is read as dates: '2011Q2' is 2011-04-01"
    assert read(["2024-W54", "2023-W53", "2011Q5"])[0] == "text"
    for texts in (["20240131", "20231231"], ["20240131", "20231231", "20230229"], ["20240131"] * 9):
        assert read(texts)[0] == "number"
    assert read(["20240131", "20231231", "19991231"], kind="number")[0] == "number"


def test_long_words_are_shown_by_both_ends():
    for word in ("a" * 5000, "0" + "7" * 5000, "1" * 5000 + ",5"):
        assert 0 < len(notes([*["1,5"] * 20, word])) < 400
        assert len(notes([word] * 20)) < 400


def test_a_mark_that_nothing_decides_is_said():
    assert notes(["1.234", "5.678"]) == "is read with a decimal point: '1.234' is 1.234"
    assert notes(["1,234", "5,678"]) == "is read with a decimal point: '1,234' is 1234"
    assert notes(["1.234", "5.67"]) == notes(["1.234", "0.678"]) == notes(["5", "6"]) == ""
    assert notes(["1.234", "5.678"], mark=".") == ""


def test_units_that_some_values_lack():
    assert "is read without the unit 'kg', which 2 of 4 values do not have" in notes(
        ["5 kg", "6 kg", "7", "8"]
    )
    assert notes(["5 kg", "6 kg", "7 kg"]) == "is read without the unit 'kg'"
    assert "is read with '%' as 0.01" in notes(["5 %", "0.05", "7%", "0.5"])


def test_times_of_the_day():
    assert read(["08:15", "5:30:15 pm"])[1] == [datetime.time(8, 15), datetime.time(17, 30, 15)]


def test_booleans_and_words():
    assert read(["true", "False", "NA"]) == ("boolean", [True, False, None])
    assert read([" a", "NA", ""]) == ("text", ["a", None, None])
    assert read(["yes", "no"]) == ("text", ["yes", "no"])


def test_what_was_said_is_not_guessed():
    assert read(["1", "2"], kind="text") == ("text", ["1", "2"])
    assert read(["NA", ""], kind="text") == ("text", ["NA", None])
    assert read(["007", "8 kg", "many", "5 g"], kind="number") == ("number", [7, 8, None, 5])
    assert read(["9999", "1", "9999.0", "x"], missing=("9999", "x")) == ("number", [None, 1, None, None])


def test_the_reading_is_kept():
    """What was decided is applied to other rows, whatever they look like."""
    reading = detect(column(["0,5", "1,25", "2", "Total"])).reading
    assert Reading.from_state(reading.to_state()) == reading
    assert reading.apply("x", column(["1,234", "-", "Total"])).to_pylist() == [1.234, None, None]
    with pytest.raises(ValueError, match="column 'x' has the text 'many' in row 2, expected a number"):
        reading.apply("x", column(["1", "many"]))
    with pytest.raises(ValueError, match="cannot be read as"):
        Reading.from_state({"kind": "number", "mark": ";"})
