"""How a table is read: what the command line says of its columns and holes."""

import argparse
import csv
import difflib
from dataclasses import dataclass

from ..terminal import cut

MISSING = ("error", "drop", "impute")
_N_NAMES = 8  # of columns in a message


class DataError(ValueError, argparse.ArgumentTypeError):
    """What the command line names cannot be used; the message is one line.

    All that reads arguments or files raises it.
    """


@dataclass(frozen=True)
class Reading:
    """What the command line says of the files, in texts as they were given.

    Columns are given by names or numbers. Without a target the last column has the
    labels; without `header` it is guessed whether the first line has the names of the
    columns.
    """

    target: str | None = None
    drop: tuple = ()
    categorical: tuple = ()  # even if their values are numbers
    missing: str = "error"  # one of `MISSING`
    header: bool | None = None

    @property
    def columns(self):
        """All columns that are named, as they were given."""
        target = () if self.target is None else (self.target,)
        return (*target, *self.drop, *self.categorical)


def split_names(text):
    """The names in a text such as ``age,"name, first"``, quoted as in a .csv file."""
    try:
        names = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise DataError(f"{text!r} is no list of columns: {error}") from error
    return [name.strip() for name in names if name.strip()]


def find_column(names, text, n_columns, option="--target"):
    """The index of a column that an option names.

    The text is one of the names, if columns have names, or a number: the first column
    is 1, the last one also -1. A name that looks like a number comes first.
    """
    found = [k for k, name in enumerate(names) if name == text]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = " or ".join(str(k + 1) for k in found)
        raise DataError(
            f"{option}: {len(found)} columns are called {cut(text)!r}: give the "
            f"number, {numbers}"
        )
    try:
        number = int(text)
    except ValueError:
        number = 0
    if 1 <= abs(number) <= n_columns:
        return number - 1 if number > 0 else n_columns + number
    choices = _choices(names, text)
    raise DataError(f"{option}: there is no column {cut(text)!r}: {choices}")


def _choices(names, text):
    """The names of columns that a user may have meant, for a message."""
    known = [name for name in names if name]
    if not known:
        return "the columns have no names, the first one is 1"
    close = difflib.get_close_matches(text, known, n=1)
    if close:
        return f"is it {close[0]!r}?"
    some = ", ".join(cut(name) for name in known[:_N_NAMES])
    more = f" and {len(known) - _N_NAMES} more" if len(known) > _N_NAMES else ""
    return f"choose from {some}{more}, or give a number"


def title(names, column):
    """A column for a message: its number, and its name where there is one."""
    name = names[column] if names else ""
    return f"column {column + 1}" + (f" ({cut(name)!r})" if name else "")


def option_name(names, column):
    """How the command line names a column: by number if the name would not do."""
    name = names[column] if names else ""
    is_plain = name and not set(name) & set(",\"'\n") and name == name.strip()
    return name if is_plain and names.count(name) == 1 else str(column + 1)
