"""Tables in text files: .csv and .tsv, compressed or not."""

import codecs
import csv
import gzip
import io
import itertools
import zlib
from array import array

from ..terminal import one_line
from .columns import MISSING_NUMBERS, Column, is_missing, number
from .reading import DataError, find_column
from .table import make_table

_BLOCK = 8192  # rows that are in memory as texts
_SAMPLE = 1 << 16  # characters in which the delimiter is looked for
_DELIMITERS = ",;\t|"
_UTF16 = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE


def read_text(path, suffix, reading):
    """The table of a text file; its suffix, such as ".csv.gz", says what it is."""
    try:
        with open(path, "rb") as raw:
            file = gzip.open(raw) if suffix.endswith(".gz") else raw
            with _decoded(file) as text:
                return _read(text, suffix, reading)
    except (UnicodeError, csv.Error, EOFError, gzip.BadGzipFile, zlib.error) as error:
        hint = ""
        if isinstance(error, UnicodeError):
            hint = "; it must be UTF-8 text: convert it first if it is, say, Latin-1"
        message = f"not a readable {suffix} file ({one_line(error)}){hint}"
        raise DataError(message) from error


def _decoded(file):
    """A file as text: UTF-8, or UTF-16 if it begins so, as of spreadsheets."""
    is_utf16 = file.peek(2)[:2] in _UTF16
    return io.TextIOWrapper(file, "utf-16" if is_utf16 else "utf-8-sig", newline="")


def _read(file, suffix, reading):
    """The table of an open file."""
    start = file.read(_SAMPLE)
    file.seek(0)
    delimiter = "\t" if suffix.startswith((".tsv", ".tab")) else _delimiter(start)
    reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True)
    # Lines that are empty, or have nothing but delimiters, are no rows.
    rows = ((reader.line_num, cells) for cells in reader if any(cells))
    block = list(itertools.islice(rows, _BLOCK))
    if not block:
        raise DataError("the file is empty")
    width = len(block[0][1])
    begins_with_comment = block[0][1][0].startswith("#")
    if begins_with_comment and width != len(block[-1][1]):
        raise DataError(
            f"line {block[0][0]} begins with '#': comments are no part of a table, "
            "remove them"
        )
    if width < 2:
        raise DataError(
            "at least two columns are needed, separated by commas, semicolons, tabs or "
            "vertical bars: features and a label"
        )
    names, notes = [], ()
    has_commas = delimiter != ","
    has_header, is_sure = _has_header(
        [cells for _, cells in block], reading, has_commas
    )
    if has_header:
        names = [" ".join(cell.split()) for cell in block.pop(0)[1]]
        if block and len(block[0][1]) == width + 1:
            # As R writes it: the names of the rows are a column without a name.
            names.insert(0, "")
            width += 1
    if not is_sure:
        what = "names of columns" if has_header else "data"
        notes = (
            f"the first line is taken for {what}; if it is not: "
            f"--{'no-' if has_header else ''}header",
        )
    columns = [Column() for _ in range(width)]
    lines = array("q")
    while block:
        for line, cells in block:
            if len(cells) != width:
                raise DataError(f"line {line} has {len(cells)} columns, not {width}")
            lines.append(line)
        cells_of_columns = zip(*(cells for _, cells in block), strict=True)
        for column, cells in zip(columns, cells_of_columns, strict=True):
            column.append(cells)
        block = list(itertools.islice(rows, _BLOCK))

    def row_name(row):
        is_doubtful = row == 0 and not has_header and reading.header is None
        hint = " (if it names the columns: --header)" if is_doubtful else ""
        return f"line {lines[row]}{hint}"

    return make_table(
        columns,
        names,
        reading,
        row_name,
        has_decimal_commas=has_commas,
        notes=notes,
    )


def _delimiter(start):
    """The delimiter of a table that starts so: it parts lines alike, into numbers."""
    lines = start.splitlines()
    if len(start) >= _SAMPLE:
        lines = lines[:-1] or lines  # the last line may be cut off

    def merit(delimiter):
        try:
            rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            return False, 0.0, 0
        widths = {len(row) for row in rows}
        cells = [cell for row in rows for cell in row]
        if delimiter != ",":
            cells = [cell.replace(",", ".", 1) for cell in cells]
        n_numbers = sum(number(cell) is not None for cell in cells)
        is_even = len(widths) == 1 and widths != {1}
        return is_even, n_numbers / max(1, len(cells)), max(widths, default=0)

    return max(_DELIMITERS, key=merit)


def _has_header(rows, reading, has_decimal_commas):
    """Whether the first row has the names of the columns, and whether that is sure."""
    first, below = [cell.strip() for cell in rows[0]], rows[1:]
    if reading.header is not None:
        return reading.header, True
    if any(text in first and number(text) is None for text in reading.columns):
        return True, True

    def is_number(text):
        text = text.replace(",", ".", 1) if has_decimal_commas else text
        return number(text) is not None

    # As R writes it, the names of the rows are one column more than there are names.
    shift = 1 if below and len(below[0]) == len(first) + 1 else 0
    columns = [
        [row[k].strip() for row in below if k < len(row)]
        for k in range(shift, len(first) + shift)
    ]
    is_above_numbers = [
        not (is_number(name) or is_missing(name) or name.lower() in MISSING_NUMBERS)
        and any(not is_missing(text) for text in column)
        and all(is_number(text) or is_missing(text) for text in column)
        for name, column in zip(first, columns, strict=True)
    ]
    if any(map(is_number, first)):
        return _may_numbers_be_names(first, columns, is_above_numbers, reading)
    if any(is_above_numbers):
        return True, True
    # Only texts: names of columns are not among the values of their columns.
    recurs = any(
        name in column
        for name, column in zip(first, columns, strict=True)
        if not is_missing(name)
    )
    return not recurs, not below


def _may_numbers_be_names(first, columns, is_above_numbers, reading):
    """Whether a first row with numbers has the names of the columns.

    It has names if one of its texts stands above a column of numbers, or if its numbers
    are whole. But a text above texts that are labels must be one that no other row has,
    while the other labels recur: else the row is one of them.
    """
    try:
        target = find_column([], reading.target or "-1", len(first))
    except DataError:
        target = len(first) - 1  # an unknown name is an error later
    name, labels = first[target], columns[target]
    if is_above_numbers[target]:
        return True, False
    if number(name) is not None or is_missing(name):
        has_header = any(is_above_numbers)
        return has_header, not has_header
    are_whole = all(cell.isdecimal() for cell in first if number(cell) is not None)
    has_header = (
        (are_whole or any(is_above_numbers))
        and name not in labels
        and 2 <= len(set(labels)) <= len(labels) / 2
    )
    return has_header, not has_header
