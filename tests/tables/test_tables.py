import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chainrule.tables.errors import TableError
from chainrule.tables.tables import open_table, read_table, write_csv, write_table


def as_table(data):
    source = open_table(data)
    return source.read(source.names)


@pytest.fixture
def csv(tmp_path):
    def write(content):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_types_are_inferred(csv):
    table = read_table(csv("i,x,text,yes,day\n1,1.5,a,true,2020-01-31\n2,2,b,false,2021-02-28\n"))
    assert [str(field.type) for field in table.schema] == ["int64", "double", "string", "bool", "date32[day]"]


@pytest.mark.parametrize("word", ["", "NA", "null", "NaN", "?"])
def test_missing_words(csv, word):
    table = read_table(csv(f"x,text\n1,a\n{word},{word}\n"))
    assert table.to_pydict() == {"x": [1, None], "text": ["a", None]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters(csv, delimiter):
    table = read_table(csv(f'"a,b;c\td"{delimiter}x\n1{delimiter}2\n'))
    assert table.to_pydict() == {"a,b;c\td": [1], "x": [2]}


def test_text_columns_stay_text(csv):
    table = read_table(csv("zip,x\n01234,1\n56789,2\n"), text=["zip", "not there"])
    assert table.to_pydict() == {"zip": ["01234", "56789"], "x": [1, 2]}


@pytest.mark.parametrize(
    "content",
    ["\ufeffa,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\n\n1,2\n\n", "a,b\n1,2", "a, b\n1, 2\n".replace(", b", ",b")],
)
def test_spellings_of_the_same_table(csv, content):
    assert read_table(csv(content)).to_pydict() == {"a": [1], "b": [2]}


def test_line_breaks_in_quotes(csv):
    assert read_table(csv('a,b\n"x\ny",2\n')).to_pydict() == {"a": ["x\ny"], "b": [2]}


def test_blank_line_of_one_column_is_a_missing_value(csv):
    assert read_table(csv("a\n1\n\n3\n")).to_pydict() == {"a": [1, None, 3]}


def test_content_decides_not_the_name(tmp_path):
    path = tmp_path / "table"
    pq.write_table(pa.table({"a": [1]}), path)
    assert read_table(path).to_pydict() == {"a": [1]}
    path.write_text("a\n2\n")
    assert read_table(path).to_pydict() == {"a": [2]}


@pytest.mark.parametrize("name", ["table.csv.gz", "table.csv"])
def test_gzip(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert read_table(path).to_pydict() == {"a": [1], "b": [2]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty, expected a table with a line of column names"),
        ("a,b\n", r"has no rows \(columns: 'a', 'b'\), expected at least one"),
        ("\n\n", "is empty"),
        ("a,b,a\n1,2,3\n", "the column name 'a' more than once"),
        ("a,b\n1,2\n3\n4,5\n", "line 3 of .* has 1 field, expected 2"),
        (
            b"a,b\n\xe9,2\n",
            "not UTF-8 text in column 'a'; --encoding latin-1 reads it so .*, for example: iconv",
        ),
        (b"\xe9,b\n1,2\n", "not UTF-8 text in the names of its columns; --encoding latin-1 .*iconv"),
        (b"\x7fELF\0\0\0\1" * 50, "is a binary file, expected CSV"),
        (b"PAR1" + bytes(50), "could not be read as a table"),
        (gzip.compress(bytes(200), mtime=0), "is a binary file, expected CSV"),
        (b"\x1f\x8b" + b"\0garbage" * 30, "is a binary file, expected CSV"),
    ],
)
def test_no_table(csv, content, message):
    with pytest.raises(TableError, match=message):
        read_table(csv(content))


def test_truncated_gzip(tmp_path):
    path = tmp_path / "table.csv.gz"
    text = "a,b\n" + "\n".join(f"{i},{i * i % 97}" for i in range(5000))
    path.write_bytes(gzip.compress(text.encode())[:-2000])
    with pytest.raises(TableError, match="could not be read as a table"):
        read_table(path)


def test_unreadable(tmp_path):
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        read_table(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"missing\.csv"):
        read_table(tmp_path / "missing.csv")


def test_files_that_can_be_read_only_once():
    with pytest.raises(TableError, match="/dev/null is not a regular file"):
        read_table("/dev/null")


def test_row_numbers_of_pandas_are_no_column(tmp_path):
    pd.DataFrame({"x": [1, 2]}, index=[7, 8]).to_parquet(tmp_path / "table")
    assert read_table(tmp_path / "table").column_names == ["x"]


def test_data_frames():
    expected = {"x": [1.5, None], "text": ["a", "b"]}
    frame = pd.DataFrame({"x": [1.5, np.nan], "text": ["a", "b"]}, index=[7, 8])
    assert as_table(frame).to_pydict() == expected
    assert as_table(pa.table(expected)).to_pydict() == expected
    assert as_table(expected).to_pydict() == expected


def test_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"x": [1.5, None], "text": ["a", "b"]})
    assert as_table(frame).to_pydict() == {"x": [1.5, None], "text": ["a", "b"]}
    assert as_table(frame.lazy()).to_pydict() == as_table(frame).to_pydict()


def test_paths_are_tables(csv):
    path = csv("a\n1\n")
    assert as_table(path).to_pydict() == as_table(str(path)).to_pydict() == {"a": ["1"]}


def test_what_is_no_table():
    with pytest.raises(TypeError, match=r"expected a DataFrame.*got ndarray; an array needs column names"):
        as_table(np.zeros((2, 2)))
    with pytest.raises(TypeError, match="got NoneType"):
        as_table(None)
    with pytest.raises(TableError, match="the columns have different lengths: 'a' 2, 'b' 1"):
        as_table({"a": [1, 2], "b": [1]})
    with pytest.raises(TableError, match=r"column 'a' has the value '\[1\]' of type list, expected numbers"):
        as_table({"a": [1, [1]]})
    with pytest.raises(TableError, match="column 'a' has 2 dimensions"):
        as_table({"a": np.zeros((2, 2))})


@pytest.mark.parametrize("ending", ["csv", "parquet", "CSV"])
def test_written_tables_come_back(tmp_path, ending):
    table = pa.table({"label, or so": ['a"b', "c,d", None], "p": [0.1, 1e-300, 3.0]})
    path = tmp_path / f"out.{ending}"
    write_table(table, path)
    assert read_table(path).to_pydict() == table.to_pydict()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_csv_quotes_text():
    out = io.BytesIO()
    write_csv([pa.table({"label": ['a"b', "c,d"], "p": [1, 2]})], out)
    assert out.getvalue() == b'"label","p"\n"a""b",1\n"c,d",2\n'


def test_other_endings(tmp_path):
    with pytest.raises(TableError, match=r"out\.xlsx, expected a name that ends in \.csv or \.parquet"):
        write_table(pa.table({"a": [1]}), tmp_path / "out.xlsx")
    assert not list(Path(tmp_path).iterdir())
