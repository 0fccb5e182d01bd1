"""How a CSV file is written: its encoding, delimiter and names, found at its beginning."""

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.tables.errors import ParameterError, TableError
from chainrule.tables.names import are_numbers

DELIMITERS = (",", ";", "\t", "|")
#: So many lines decide.
LINES = 30
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
ADVICE = (
    "--encoding latin-1 reads it so (encoding='latin-1' in Python), or convert it, for example: "
    "iconv -f latin1 -t utf-8"
)


@dataclass(frozen=True)
class CsvOptions:
    """What was said of a CSV file, so that it is not guessed.

    Attributes
    ----------
    delimiter, encoding : str or None
    header : bool
        Whether the first line has the names.
    firm : bool
        Whether it was said of this file; else it was of a model's first file, and this one may say otherwise.
    """

    delimiter: str | None = None
    encoding: str | None = None
    header: bool = True
    firm: bool = True

    def __post_init__(self) -> None:
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}
            if self.delimiter.lower() not in named:
                raise ParameterError(f"got {self.delimiter!r}, expected one character, or tab", "delimiter")
            object.__setattr__(self, "delimiter", named[self.delimiter.lower()])
        if self.encoding is not None and not _is_encoding(self.encoding):
            raise ParameterError(
                f"got {self.encoding!r}, expected an encoding such as utf-8, latin-1, cp1252, utf-16",
                "encoding",
            )


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV file is written.

    Attributes
    ----------
    encoding, delimiter : str
    names : list of str
        As they stand in the file; "0", "1", ... where it has none.
    skip : int
        Lines before the first row.
    notes : list of str
        What was guessed beyond the usual.
    longest : int
        Bytes of the longest line seen.
    header : bool
        Whether the names stand in the file.
    quote : str
        What stands around texts that hold delimiters.
    escape : str, optional
        What stands before a quote within such a text, where that is not another quote.
    blanks : bool
        Whether blanks after a delimiter are none of the field.
    """

    encoding: str
    delimiter: str
    names: list[str]
    skip: int
    notes: list[str]
    longest: int
    header: bool = True
    quote: str = '"'
    escape: str | None = None
    blanks: bool = False


def find_format(title: str, start: bytes, options: CsvOptions) -> CsvFormat:
    r"""Find how a CSV file is written.

    Parameters
    ----------
    title : str
        The file's name, for messages.
    start : bytes
        Its beginning, with the whole line of names.
    options : CsvOptions
        What was said of it.

    Raises
    ------
    TableError
        For what is no text, or not in that encoding.

    Examples
    --------
    >>> found = find_format("a.csv", b"sep=;\n# made in May\na;b;\n1,5;2;\n", CsvOptions())
    >>> found.delimiter, found.names, found.skip
    (';', ['a', 'b', ''], 3)
    """
    said = options.encoding if options.firm or not _is_utf8(start) else None
    encoding = find_encoding(title, start, said)
    text = _decoded(title, start, encoding)
    lines = re.split(r"\r\n|\n|\r", text)
    skip, delimiter, notes = 0, options.delimiter, []
    while skip < len(lines) and (not lines[skip].strip() or _is_comment(lines, skip)):
        skip += 1
    marked = re.fullmatch(r'"?sep=(.)"?\s*', lines[skip], re.IGNORECASE) if skip < len(lines) else None
    if marked:
        delimiter = delimiter or marked[1]
        skip += 1
        while skip < len(lines) and (not lines[skip].strip() or lines[skip].startswith("#")):
            skip += 1
    title_line = _title_line(lines[skip : skip + LINES])
    if title_line and options.header:
        notes.append(f"the first line of {title} was passed over: {title_line.strip()[:60]!r}")
        skip += lines[skip:].index(title_line) + 1
        while not lines[skip].strip():
            skip += 1
    rows = [line for line in lines[skip : skip + LINES] if line.strip()]
    if delimiter and not options.firm and not any(delimiter in row for row in rows):
        delimiter = None
    delimiter = delimiter or find_delimiter(rows)
    quote = _quote(rows, delimiter)
    fields, n_lines = _first_record(lines[skip:], delimiter, quote)
    if not options.header:
        names = [str(k) for k in range(len(fields))]
    else:
        skip += n_lines
        names = [field.strip().strip('"').removeprefix("#").strip() if k == 0 and _hashed(field) else field
                 for k, field in enumerate(fields)]  # fmt: skip
        names = _with_row_names(names, rows[n_lines:], delimiter)
        if are_numbers(names):
            notes.append(
                f"all names of columns are numbers ({', '.join(names[:3])}, ...): if the first line of "
                f"{title} is a row, --no-header (header=False in Python) reads it as one"
            )
    longest = max((len(line.encode(errors="replace")) for line in lines), default=0)
    # In the first lines that came whole.
    escaped = any(re.search(rf'\\"(?![\r\n"{re.escape(delimiter)}]|$)', row) for row in rows[:-1])
    blanks = any(_blanks_matter(row, delimiter, quote) for row in rows)
    escape = "\\" if escaped and quote == '"' else None
    return CsvFormat(encoding, delimiter, names, skip, notes, longest, options.header, quote, escape, blanks)


def find_encoding(title: str, start: bytes, said: str | None = None) -> str:
    """Return the encoding of a text; TableError for what is none.

    Examples
    --------
    >>> find_encoding("a.csv", "a,b".encode("utf-16-le")), find_encoding("a.csv", b"a,b")
    ('utf-16-le', 'utf-8')
    """
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return encoding
    if said is not None:
        return said
    zeros = [start[k:2000:2].count(0) / max(len(start[k:2000:2]), 1) for k in (0, 1)]
    if len(start) >= 4 and max(zeros) > 0.6 and min(zeros) < 0.1:
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    if b"\0" in start:
        excel = start.startswith(b"PK\x03\x04")
        raise TableError(
            f"{title} is a binary file, expected CSV (text, may be gzip) or Parquet"
            + ("; if it is a sheet of Excel, save it as CSV first" if excel else "")
        )
    return "utf-8"


def find_delimiter(rows: Sequence[str]) -> str:
    """Return what separates the fields of most lines into as many as the first one has.

    Examples
    --------
    >>> find_delimiter(["a;b", "1,5;2", "2,5;3"]), find_delimiter(["x"]), find_delimiter(["a  b", " 1 25"])
    (';', ',', ' ')
    """
    if not rows:
        return ","
    best, best_score = "", (0.0, 0)
    for delimiter in (*DELIMITERS, " "):
        counts = [_count(row, delimiter) for row in rows]
        if not counts[0] or (delimiter == " " and not _only_blanks(rows, counts, best)):
            continue
        alike = sum(abs(n - counts[0]) <= 1 for n in counts) / len(counts)
        if (alike, counts[0]) > best_score:
            best, best_score = delimiter, (alike, counts[0])
    return best or ","


def _only_blanks(rows: Sequence[str], counts: Sequence[int], best: str) -> bool:
    """Whether blanks separate fields: as many in each row; nothing else does but a tab here and there."""
    aligned = best == "\t" and all("  " in row for row in rows)
    return len(set(counts)) == 1 and len(rows) > 1 and (not best or aligned)


def not_utf8(title: str, where: str) -> TableError:
    """Return the error of text that is not in UTF-8, with what to do."""
    return TableError(f"{title} is not UTF-8 text in {where}; {ADVICE}")


def _decoded(title: str, start: bytes, encoding: str) -> str:
    """Decode the beginning of a file, which may end within a character; the names must be right."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        return decoder.decode(start).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = start[: error.start].decode(encoding, "replace")
        if not re.search(r"[\r\n]", before.lstrip()):
            if encoding == "utf-8":
                raise not_utf8(title, "the names of its columns") from None
            raise TableError(f"{title} is not {encoding} text: {error.reason}") from None
        return start.decode(encoding, "replace").removeprefix("\ufeff")


def _is_utf8(start: bytes) -> bool:
    """Whether a text can only be UTF-8: it has other letters than English ones."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return not text.isascii()


def _is_comment(lines: Sequence[str], place: int) -> bool:
    """Whether a line before the rows is a comment: not the names, with # before the first of them."""
    if not lines[place].lstrip().startswith("#"):
        return False
    following = next((line for line in lines[place + 1 :] if line.strip()), "")
    if following.lstrip().startswith("#") or not following:
        return True
    counts = [
        (_outside_quotes(lines[place]).count(one), _outside_quotes(following).count(one))
        for one in DELIMITERS
    ]
    as_many = any(n == m > 0 for n, m in counts)
    return not (as_many and re.search(r"(?:^|[,;\t|])\s*-?\d", following))


def _title_line(lines: Sequence[str]) -> str:
    """Return a line before the names that is a title, or "": it has one field, all others have several."""
    rows = [line for line in lines if line.strip()]
    if len(rows) < 4:
        return ""
    title, names, *rest = rows
    counts = [{_outside_quotes(row).count(one) for row in (names, *rest)} for one in DELIMITERS]
    alike = [one for one, count in zip(DELIMITERS, counts, strict=True) if len(count) == 1 and count != {0}]
    titled = len(alike) == 1 and alike[0] not in _outside_quotes(title)
    return title if titled and not any(map(str.isdigit, names)) else ""


def _hashed(field: str) -> bool:
    return field.lstrip().startswith("#") and len(field.strip()) > 1


def _first_record(lines: Sequence[str], delimiter: str, quote: str) -> tuple[list[str], int]:
    """Return the fields of the first record, and how many lines it takes: quotes may hold line breaks."""
    if not lines:
        return [], 0
    csv.field_size_limit(2**31 - 1)
    text = io.StringIO("\n".join(map(plain_blanks, lines) if delimiter == " " else lines))
    reader = csv.reader(text, delimiter=delimiter, quotechar=quote, skipinitialspace=True)
    return next(reader, []), reader.line_num


def plain_blanks(line: str) -> str:
    """Return a line whose fields are separated by any number of blanks, some of them tabs."""
    return line.strip().replace("\t", " ") + "\n" * line.endswith(("\n", "\r"))


def _quote(rows: Sequence[str], delimiter: str) -> str:
    """Return the apostrophe where all names stand between two, else the usual quote."""
    names = [name.strip() for name in rows[0].split(delimiter)] if rows else []
    quoted = [len(name) > 2 and name[0] == name[-1] == "'" for name in names]
    return "'" if names and all(quoted) else '"'


def _blanks_matter(row: str, delimiter: str, quote: str) -> bool:
    """Whether a row has blanks before a quote, or several of them as one delimiter."""
    if delimiter == " ":
        return row != row.strip() or "  " in row or "\t" in row
    return bool(re.search(rf"{re.escape(delimiter)} +{quote}", row))


def _is_encoding(name: str) -> bool:
    """Whether a name is that of an encoding of text; Python has others, such as base64."""
    try:
        return bool("a".encode(name))
    except (LookupError, ValueError):
        return False


def _with_row_names(names: list[str], rows: Sequence[str], delimiter: str) -> list[str]:
    """Add a name for the column that has none: R's names of rows, or what ends every row with a delimiter."""
    counts = {_count(row, delimiter) + 1 for row in rows if not row.startswith("#")}
    if counts != {len(names) + 1}:
        return names
    at_end = all(row.rstrip("\r\n").endswith(delimiter) for row in rows if not row.startswith("#"))
    return [*names, ""] if at_end else ["", *names]


def _count(line: str, delimiter: str) -> int:
    """Return how many delimiters a line has outside of quotes; several blanks are one."""
    if delimiter == " ":
        return len(re.sub('"[^"]*"', "-", line).split()) - 1
    return _outside_quotes(line).count(delimiter)


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])
