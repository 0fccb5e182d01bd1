"""CSV files as they come."""

import numpy as np
import pytest

from chainrule.io import ParameterError, TableError, TableModel, TableWarning
from chainrule.tables.csv_format import CsvOptions
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
    with pytest.raises(TableError, match="could not be read as JSON"):
        read('[{"a": 1,')
