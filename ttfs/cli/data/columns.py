"""Columns of a table as they are read, and what their values turn out to be."""

import re

import numpy as np

from .reading import DataError

# Texts that stand for no value, in lower case. Those in the second line do so where all
# other values of the column are numbers.
MISSING_TEXTS = frozenset(("", "na", "nan", "n/a", "#n/a", "<na>", "nat", "null", "?"))
MISSING_NUMBERS = frozenset(("none", "-", "."))

_TRUTH = {"false": 0.0, "true": 1.0}
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]+\d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}(:\d{2}.*)?"
)
_NUMERIC = re.compile(r"[-+$€£]?\.?\d")
_NEARLY_ALL = 0.9
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")


def number(text):
    """The number that a text stands for, or None."""
    try:
        # Python takes 1_000 for a number; in a file it is a text.
        return None if "_" in text else float(text)
    except ValueError:
        return None


def is_missing(text):
    """Whether a text stands for no value."""
    return text.strip().lower() in MISSING_TEXTS


class Column:
    """The values of a column: numbers, and codes of texts that are no numbers.

    A column is made of blocks of cells, so that a file need not be in memory as texts.
    The file may say that the values are dates or times.
    """

    def __init__(self, is_date=False):
        self.is_date = is_date
        self._index = {}
        self._blocks = []
        self._length = 0

    def __len__(self):
        return self._length

    @property
    def texts(self):
        return list(self._index)

    def append(self, cells):
        """Add a block of cells, which are texts."""
        try:
            if "_" in "".join(cells):
                raise ValueError("not all of them are numbers")
            numbers = np.fromiter(map(float, cells), np.float64, len(cells))
            codes = None
        except ValueError:
            numbers, codes = self._split(cells)
        self._blocks.append((numbers, codes))
        self._length += len(numbers)

    def append_numbers(self, numbers):
        """Add a block of numbers, in which NaN stands for no value."""
        numbers = np.asarray(numbers, dtype=np.float64)
        self._blocks.append((numbers, None))
        self._length += len(numbers)

    def _split(self, cells):
        """Numbers, NaN for texts; and codes of texts, -1 for numbers."""
        numbers = np.full(len(cells), np.nan)
        codes = np.full(len(cells), -1, dtype=np.int32)
        index = self._index
        for k, cell in enumerate(cells):
            text = cell.strip()
            code = index.get(text)
            if code is None:
                value = number(text)
                if value is not None:
                    numbers[k] = value
                    continue
                code = index[text] = len(index)
            codes[k] = code
        return numbers, codes

    def finish(self):
        """Numbers and codes of the whole column: see `_split`."""
        numbers = [block for block, _ in self._blocks]
        codes = [
            np.full(len(block), -1, dtype=np.int32) if held is None else held
            for block, held in self._blocks
        ]
        self._blocks = []
        return np.concatenate(numbers), np.concatenate(codes)


class Values:
    """What the values of a column are, all of them categories if it is categorical.

    `values` are numbers, or numbers of `categories`, if they are not None; NaN where
    there is no value. `is_date` says whether categories look like dates or times,
    `has_commas` whether a comma stands for the decimal point; `numeric_text` is a text
    such as "5.1%", if nearly all begin like numbers, or None.
    """

    def __init__(self, column, is_categorical=False, has_decimal_commas=False):
        numbers, codes = column.finish()
        texts = column.texts
        present = [text for text in texts if text.lower() not in MISSING_TEXTS]
        self.numeric_text = None
        n_numbers = np.count_nonzero(~np.isnan(numbers))
        self.categories = None
        self.is_date = column.is_date and not is_categorical
        self.has_commas = False
        if n_numbers and not is_categorical:
            present = [t for t in present if t.lower() not in MISSING_NUMBERS]
        if has_decimal_commas and present and not is_categorical:
            self.has_commas = all(map(_DECIMAL_COMMA.fullmatch, present))
        if is_categorical:
            self.values, self.categories = _categories(numbers, codes, texts, present)
        elif not present:
            self.values = numbers
        elif self.has_commas:
            self.values = _replace(
                numbers, codes, texts, {t: float(t.replace(",", ".")) for t in present}
            )
        elif n_numbers:
            raise Mixed(present[0], int(np.argmax(codes == texts.index(present[0]))))
        elif all(text.lower() in _TRUTH for text in present):
            truth = {text: _TRUTH[text.lower()] for text in present}
            self.values = _replace(numbers, codes, texts, truth)
        else:
            self.values, self.categories = _categories(numbers, codes, texts, present)
            self.is_date |= all(map(_DATE.fullmatch, present))
            numeric = [text for text in present if _NUMERIC.match(text)]
            if len(numeric) >= _NEARLY_ALL * len(present):
                self.numeric_text = numeric[0]

    @property
    def n_present(self):
        """How many values there are."""
        return np.count_nonzero(~np.isnan(self.values))


class Mixed(DataError):
    """A text among numbers, and its row."""

    def __init__(self, text, row):
        super().__init__(text)
        self.text, self.row = text, row


def _replace(numbers, codes, texts, meanings):
    """Numbers in which texts have the values that they mean; others have none."""
    of_code = np.array([*(meanings.get(text, np.nan) for text in texts), np.nan])
    return np.where(codes < 0, numbers, of_code[codes])


def _categories(numbers, codes, texts, present):
    """Numbers of categories, and their names in sorted order, numbers first."""
    found = np.unique(numbers[~np.isnan(numbers)])
    names = [number_text(value) for value in found]
    place = {text: len(names) + k for k, text in enumerate(sorted(present))}
    values = np.searchsorted(found, numbers).astype(np.float64)
    values[np.isnan(numbers)] = np.nan
    return _replace(values, codes, texts, place), [*names, *sorted(present)]


def number_text(value):
    """A number as a text, as one would write it."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def labels_of(column):
    """Labels, and where there are none (ndarray of bool).

    Labels that are numbers are compared as such: 1 and 1.0 are one class. Where only
    some are numbers, all are texts.
    """
    is_text = any(text.lower() not in MISSING_TEXTS for text in column.texts)
    values = Values(column, is_categorical=is_text)
    is_missing = np.isnan(values.values)
    if values.categories is None:
        return values.values, is_missing
    names = np.array([*values.categories, ""])
    places = np.where(is_missing, len(names) - 1, values.values).astype(int)
    return names[places], is_missing
