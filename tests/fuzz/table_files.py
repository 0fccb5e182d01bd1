"""CSV as people and programs write it, and damaged Parquet: a table and a model, or a TableError."""

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq

from chainrule.io import ParameterError, TableError, TableModel, TrainingError, read_table
from fuzz.model_files import FOLDER
from fuzz.mutation import mutated_bytes, pick
from table_models import make_houses

CELLS = [
    "", " ", "NA", "n/a", "-", ".", "?", "null", "NaN", "inf", "-inf", "Total", "1", "0", "-1",
    "007", "1.5", "1,5", "1.234,56", "1,234.56", "1 234", "1'234", "€ 3", "$4.50", "5%", "5 %",
    "12 kg", "1e3", "1e999", "-0", "0x10", "9" * 30, "9" * 400, "1_000", "½", "１２", "true", "FALSE",
    "yes", "2024-01-31", "31.01.2024", "01/31/24", "2024-01-31T12:00:00Z", "12:30", "2024-13-45",
    "0000-00-00", "a", "ü", "重み", "a b", '"', "'", '"a;b"', '"a\nb"', '"a""b"', "=1+1", "\\", "\t",
    "\x00", "\ufeff", "\u202e", "#", "a" * 5000, "None", "NULL", "(3)", "3-", "+3", "--3",
]  # fmt: skip
NAMES = [
    "a", "b", "y", "y", "", " ", "1", "2.5", "a;b", "重み", "a" * 300, "index", "Unnamed: 0", '"',
    "label", "a\u0301", "á", "\x00",
]  # fmt: skip
BEFORE = [
    "", "", "", "\ufeff", "sep=;\n", "# a comment\n", "\n\n", "a title\n", "\x1a", "\x00",
]  # fmt: skip


def csv(rng):
    """Return the bytes of a CSV file of some dialect, more or less."""
    width, n = int(rng.integers(1, 6)), int(rng.integers(0, 40))
    delimiter, end = (
        pick(rng, [",", ";", "\t", "|", " ", ":"]),
        pick(rng, ["\n", "\r\n", "\r", ";\n", "\n\n"]),
    )
    kinds = [pick(rng, CELLS) for _ in range(width)]
    lines = [delimiter.join(pick(rng, NAMES) for _ in range(width))] if rng.integers(8) else []
    for k in range(n):
        cells = [f"{k * j + 0.5}" if rng.integers(4) else kinds[j] for j in range(width)]
        if rng.integers(10) == 0:
            cells[rng.integers(width)] = pick(rng, CELLS)
        if rng.integers(30) == 0:
            cells = cells[:-1] if rng.integers(2) else [*cells, ""]
        lines.append(delimiter.join(cells))
    text = pick(rng, BEFORE) + end.join(lines) + pick(rng, ["", end])
    data = text.encode(pick(rng, ["utf-8"] * 6 + ["utf-16"]))
    if rng.integers(3) == 0:
        data = mutated_bytes(rng, data)
    return gzip.compress(data) if rng.integers(12) == 0 else data


def parquet_bytes():
    """Return the bytes of a Parquet file with a column of each usual type."""
    buffer = io.BytesIO()
    pq.write_table(pa.table(make_houses(30)), buffer)
    return buffer.getvalue()


PARQUET = parquet_bytes()


def parquet(rng):
    """Return a Parquet file whose end, which describes it, is often whole."""
    at = len(PARQUET) * 2 // 3
    return mutated_bytes(rng, PARQUET[:at]) + PARQUET[at:] if rng.integers(2) else mutated_bytes(rng, PARQUET)


def case(rng):
    """Read a table, train on one column of it, and predict the table."""
    path = FOLDER / "table"
    path.write_bytes(csv(rng) if rng.integers(6) else parquet(rng))
    try:
        table = read_table(path)
        target = pick(rng, table.column_names)
        source = path if rng.integers(2) else table
        model = TableModel.fit(source, target, hidden_layer_sizes=2, epochs=1)
        assert len(model.predict(source)) == table.num_rows
    except (TableError, ParameterError, TrainingError) as error:
        assert 0 < len(str(error)) < 3000, f"a message of {len(str(error)):,} characters"  # noqa: PT017
