"""CSV files as they come."""

import csv
import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule.io import ParameterError, TableError, TableModel, TableWarning
from chainrule.tables import csv_file
from chainrule.tables.csv_format import CsvFormat, CsvOptions
from chainrule.tables.tables import open_table


@pytest.fixture
def read(tmp_path):
    def read(content, **options):
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        source = open_table(path, CsvOptions(**options))
        return source.read(source.names).to_pydict()

    return read


SAME = {
    "two delimiters at line ends": "a;b;;\n1;2;;\n3;4;;\n",
    "a delimiter at line ends of rows": "a,b\n1,2,\n3,4,\n",
    "sep= first": "sep=;\na;b\n1;2\n3;4\n",
    "sep= in quotes": '"sep=;"\r\na;b\r\n1;2\r\n3;4\r\n',
    "comments": "# made in May\n#\na,b\n1,2\n# half, of, it\n3,4\n# the end\n",
    "names in a comment": "# made in May\n#a,b\n1,2\n3,4\n",
    "a title": "Report of May\na,b\n1,2\n3,4\n",
    "names of rows": '"a","b"\n"x",1,2\n"y",3,4\n',
    "pipes": "a|b\n1|2\n3|4\n",
    "blanks": "a b\n1 2\n3 4\n",
    "tabs": "a\tb\n1\t2\n3\t4\n",
    "blanks that align": "  a   b\n  1   2  \n\n 3   4\n",
    "blanks and a tab": "  a  b\n  1\t 2\n  3  4\n",
    "a blank line after a title": "Report of May\n\n\na,b\n1,2\n3,4\n",
    "apostrophes": "'a','b'\n'1','2'\n3,4\n",
    "blanks before quotes": 'a, "b"\n1, "2"\n3, "4"\n',
    "a sum at the end": "a,b\n1,2\n3,4\nTotal: 6\n",
    "a source at the end": "a,b\n1,2\n3,4\n\nSource: Bureau, 2020, p. 3\nRead in May\n",
    "half of a line at the end": "a,b\n1,2\n3,4\n5",
    "empty fields at the end of a line": "a,b\n1,2\n3,4,,\n",
    "a comment that is not UTF-8": b"a,b\n1,2\n# Gr\xf6\xdfe\n3,4\n",
    "a sum at the end, UTF-16": "a;b\n1;2\n3;4\nSumme\n".encode("utf-16"),
    "a sum at the end, gzip": gzip.compress(b"a,b\n1,2\n3,4\nTotal: 6\n"),
    "blank lines before": "\n\n  \na,b\n1,2\n3,4\n",
    "carriage returns": "a,b\r1,2\r3,4\r",
    "UTF-16": "a,b\n1,2\n3,4\n".encode("utf-16"),
    "UTF-16 without a mark": "a,b\n1,2\n3,4\n".encode("utf-16-le"),
    "UTF-16, the other way": "a;b\n1;2\n3;4\n".encode("utf-16-be"),
    "UTF-32": "a,b\n1,2\n3,4\n".encode("utf-32"),
    "UTF-8 with a mark": "\ufeffa,b\n1,2\n3,4\n",
    "blanks around names": " a, b\n1,2\n3,4\n",
}


@pytest.mark.parametrize("content", SAME.values(), ids=SAME)
@pytest.mark.filterwarnings("ignore:the last:chainrule.io.TableWarning")
def test_the_same_table(read, content):
    assert read(content) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_a_line_of_names_of_megabytes(read):
    names = [f"gene{k:030d}" for k in range(60_000)]
    found = read(",".join(names) + "\n" + (",".join(["1"] * 60_000) + "\n") * 3)
    assert list(found) == names
    assert found[names[-1]] == ["1"] * 3


def test_latin_1(read):
    for content in ("Gr\u00f6\u00dfe,y\n1,2\n", "x,y\nGr\u00f6\u00dfe,2\n"):
        data = content.encode("latin-1")
        with pytest.raises(TableError, match=r"is not UTF-8 text in .*; --encoding latin-1 reads it so"):
            read(data)
        found = read(data, encoding="latin-1")
        assert "Gr\u00f6\u00dfe" in (*found, *found.get("x", []))
    with pytest.raises(ParameterError, match="expected an encoding such as"):
        CsvOptions(encoding="latin-99")


def test_what_was_said(read):
    assert read("a,b;c\n1,2;3\n", delimiter=",") == {"a": ["1"], "b;c": ["2;3"]}
    assert read("a\tb,c\n1\t2\n", delimiter="tab") == {"a": ["1"], "b,c": ["2"]}
    assert read("1,2\n3,4\n", header=False) == {"0": ["1", "3"], "1": ["2", "4"]}


def test_names_that_are_numbers_are_warned_about(tmp_path):
    rows = "".join(f"{k % 7},{k % 5}.5\n" for k in range(60))
    (tmp_path / "t.csv").write_text(rows)
    with pytest.warns(TableWarning, match="all names of columns are numbers .* --no-header"):
        TableModel.fit(tmp_path / "t.csv", "0.5", epochs=1)
    model = TableModel.fit(tmp_path / "t.csv", "1", header=False, epochs=1)
    assert model.columns == ["0"]
    assert len(model.predict(tmp_path / "t.csv")) == 60  # as it was fitted


def test_a_model_knows_how_its_files_are_written(tmp_path):
    import chainrule

    words = ["gr\u00fcn", "blau"] * 30
    lines = ["farbe~y", *(f"{word}~{k}.5" for k, word in enumerate(words))]
    (tmp_path / "t.csv").write_bytes("\n".join(lines).encode("latin-1"))
    model = TableModel.fit(tmp_path / "t.csv", "y", delimiter="~", encoding="latin-1", epochs=1)
    model.save(tmp_path / "m")
    (tmp_path / "other.csv").write_text("\n".join(lines).replace("~", ","))  # usual after all
    for one in (model, chainrule.load(tmp_path / "m")):
        assert np.array_equal(one.predict(tmp_path / "t.csv"), model.predict({"farbe": words}))
        assert np.array_equal(one.predict(tmp_path / "other.csv"), model.predict({"farbe": words}))


def test_a_sheet_of_excel(read):
    with pytest.raises(TableError, match=r"binary file.* save it as CSV"):
        read(b"PK\x03\x04" + bytes(100))


def test_json(read):
    rows = {"a": [1, 2], "b": ["x", None]}
    assert read('[{"a": 1, "b": "x"}, {"a": 2, "b": null}]') == rows
    assert read('{"a": 1, "b": "x"}\n{"a": 2}\n') == rows
    assert read('{"a": [1, 2], "b": ["x", null]}') == rows
    assert read('{"a": {"0": 1, "1": 2},\n "b": {"0": "x", "1": null}}') == rows
    assert read('{"a": "x\u2028y"}\n{"a": 2}\n')["a"] == ["x\u2028y", "2"]
    with pytest.raises(TableError, match="could not be read as JSON in line 2: "):
        read('{"a": 1}\n{"a":\n')
    with pytest.raises(TableError, match="could not be read as JSON"):
        read('[{"a": 1,')


ROWS = "".join(f"{k},{k % 7}.5,{k}.5\n" for k in range(90))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n3\n4,5\n", "line 3 of .*t.csv has 1 field, expected 2 as in the line of names: '3'"),
        ("a,b\n1,2\n3,4,5\n6,7\n", "line 3 .* has 3 fields, .*; a text with ',' in it must stand between qu"),
        ('a,b\n1,2\n"3,4\n5,6\n7,8\n', "line 3 .*'3,4'; a quote that is opened .* closed 2 lines later"),
        ('a,b\n"x\ny",2\n3\n4,5\n', "line 4 of .*'3'"),
        ("# made in May\n\na,b\n1,2\n3\n4,5\n", "line 5 of .*'3'"),
        ("a,b\n1,2\n" + "3\n" * 6, "line 3 of .* has 1 field"),
        (b"a,b\n1,2\n\xff\n4,5\n", r"line 3 of .* has 1 field"),
        (b"a,b\n1,\xff\n3\n", "not UTF-8 text in column 'b'"),
        ("a,b\n1,2\n3" + "x" * 9000 + "\n4,5\n", r"line 3 of .*x\.\.\.'"),
    ],
)
def test_a_line_that_is_no_row(read, content, message):
    with pytest.raises(TableError, match=message) as caught:
        read(content)
    assert len(str(caught.value)) < 300


def test_lines_that_are_left_out_are_told_of(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"id,x,y\n{ROWS}Total: 300\n")
    with pytest.warns(
        TableWarning, match="the last line of .* was left out, .* not have 3 fields: 'Total: 300'"
    ):
        model = TableModel.fit(path, "y", epochs=1)
    assert any("was left out" in note for note in model.notes)
    with pytest.warns(TableWarning, match="was left out"):
        assert len(model.predict(path)) == 90


def test_rows_between_two_quotes_that_do_not_belong_together(tmp_path):
    path = tmp_path / "t.csv"
    lines = [f"{k},{chr(34) * (k in (20, 60))}w{k % 3},{k}.5" for k in range(90)]
    path.write_text("\n".join(["x,word,y", *lines]))
    with pytest.warns(
        TableWarning, match=r"'word' in row 21 holds 39 lines that look like rows; is a quote \""
    ):
        TableModel.fit(path, "y", epochs=1)


def test_quotes_after_backslashes(read):
    found = read('a,b\n1,"say \\"a, b\\" twice"\n2,x\n')
    assert found == {"a": ["1", "2"], "b": ['say "a, b" twice', "x"]}
    assert read('a,b\n"C:\\dir\\","x"\n1,2\n') == {"a": ["C:\\dir\\", "1"], "b": ["x", "2"]}


@pytest.mark.parametrize("encoding", ["base64", "rot13", "zlib", "hex", "latin-99", "\0", ""])
def test_no_encoding(encoding):
    with pytest.raises(ParameterError, match="expected an encoding such as"):
        CsvOptions(encoding=encoding)


def test_a_delimiter_that_is_not_found_out(tmp_path):
    (tmp_path / "t.csv").write_text("a:y\n1:2\n3:4\n")
    with pytest.raises(TableError, match=r"expected one of 'a:y'; --delimiter \(delimiter= in Python\) says"):
        TableModel.fit(tmp_path / "t.csv", "y")


TEXTS = st.text(st.sampled_from('ab1.,;\t| "\n#-ä'), max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=2, max_size=8), st.sampled_from(",;\t|"))
def test_lines_read_one_by_one_are_the_same_table(tmp_path, rows, delimiter):
    path = str(tmp_path / "t.csv")
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC).writerows(
            [("a", "b", "c"), *rows]
        )
    form = CsvFormat("utf-8", delimiter, ["a", "b", "c"], 1, [], 1)
    whole = csv_file._read("t", path, form, [0, 1, 2], zipped=False)
    lines, note = csv_file._read_lines("t", path, form, [0, 1, 2], zipped=False)
    assert note == ""
    assert whole.to_pydict() == lines.to_pydict()
    assert [tuple(row.values()) for row in lines.to_pylist()] == rows
