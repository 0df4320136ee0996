"""From the columns of a file to features and labels."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..terminal import cut
from .columns import Mixed, Values, labels_of
from .reading import DataError, find_column, option_name, title

# A column of more different texts is no feature: one-hot channels of it would be few
# samples each. Names and other identifiers differ in most of the rows, too.
_MAX_CATEGORIES = 100
_MANY, _MOST = 10, 0.5
_N_REASONS = 3  # in a message
_N_TITLES = 8  # of columns in a note


@dataclass(frozen=True)
class Table:
    """Features and labels of n samples as a file has them, with holes."""

    # Features (n, n_features): numbers, or numbers of categories; NaN is no value.
    X: np.ndarray
    y: np.ndarray  # labels, any value where there is none
    is_unlabelled: np.ndarray
    place: Callable  # of (row) or (row, feature): where something is in the file
    names: tuple = ()  # of the features, empty where they have none
    categories: dict | None = None  # names, by the number of a feature
    notes: tuple = ()  # lines that say how the file was read
    labels: str = ""  # the column of the labels, for messages


def make_table(
    columns, names, reading, row_name, *, has_decimal_commas=False, notes=()
):
    """Make a table of the columns of a file, which are used up.

    `names` is empty where the columns have none; ``row_name(row)`` is the name of a row
    in messages, such as "line 3".
    """
    n_columns = len(columns)
    target = n_columns - 1
    if reading.target is not None:
        target = find_column(names, reading.target, n_columns)
    dropped, categorical = (
        {find_column(names, text, n_columns, option) for text in texts}
        for option, texts in (
            ("--drop", reading.drop),
            ("--categorical", reading.categorical),
        )
    )
    if target in dropped:
        raise DataError(f"{title(names, target)} is the target and cannot be dropped")
    kept = [k for k in range(n_columns) if k != target and k not in dropped]
    if not kept:
        raise DataError(f"no features are left beside {title(names, target)}")
    n_samples = len(columns[target])
    if n_samples == 0:
        raise DataError("there are no samples")
    y, is_unlabelled = labels_of(columns[target])
    if is_unlabelled.all():
        hint = ""
        if reading.target is None:
            hint = (
                "; if each line ends in a delimiter, or the labels are elsewhere: "
                "--target -2 --drop -1"
            )
        raise DataError(f"{title(names, target)}, that of the labels, is empty{hint}")
    X, notes = np.empty((n_samples, len(kept))), list(notes)
    categories, refused, with_commas, numeric = {}, [], [], []

    def place(row, feature=None):
        where = row_name(row)
        return where if feature is None else f"{where}, {title(names, kept[feature])}"

    for k, column in enumerate(kept):
        try:
            values = Values(columns[column], column in categorical, has_decimal_commas)
        except Mixed as error:
            option = shlex.quote(option_name(names, column))
            units = ""
            if names and error.row == 0:
                units = "; if the line has units or other names, remove it"
            raise DataError(
                f"{place(error.row, k)}: {cut(error.text)!r} is not a finite number, "
                f"and others of the column are; leave it out (--drop {option}) or let "
                f"its values be categories (--categorical {option}){units}"
            ) from None
        X[:, k] = values.values
        columns[column] = None
        is_infinite = np.isinf(X[:, k])
        if is_infinite.any():
            row = int(np.argmax(is_infinite))
            raise DataError(f"{place(row, k)}: {X[row, k]} is not a finite number")
        reason = _why_no_feature(values, column in categorical)
        if reason:
            refused.append((column, reason))
        if values.categories is not None:
            categories[k] = values.categories
        if values.numeric_text and not reason and column not in categorical:
            example = cut(values.numeric_text, 30)
            numeric.append(f"{title(names, column)}, such as {example!r}")
        if values.has_commas:
            with_commas.append(title(names, column))
        if n_samples > _MANY and (np.diff(X[:, k]) == 1).all():
            notes.append(f"{title(names, column)} numbers the rows, to no purpose")
    if refused:
        raise DataError(_refusal(refused, names))
    if with_commas:
        notes.append(f"decimal commas are read in {', '.join(with_commas)}")
    if numeric:
        notes.append(
            f"taken for categories, although they look like numbers: "
            f"{'; '.join(numeric)}"
        )
    if categories:
        n_categories = sum(map(len, categories.values()))
        texts = _shortened([title(names, kept[k]) for k in categories], _N_TITLES)
        notes.append(
            f"{len(categories)} of {len(kept)} features are categories, and become "
            f"{n_categories} features that are 0 or 1: {', '.join(texts)}"
        )
    kept_names = tuple(names[k] for k in kept) if names else ()
    labels = title(names, target)
    return Table(
        X, y, is_unlabelled, place, kept_names, categories, tuple(notes), labels
    )


def _shortened(texts, n, what=""):
    """The first n of some texts, and how many more there are."""
    return (
        texts if len(texts) <= n else [*texts[:n], f"and {len(texts) - n} more{what}"]
    )


def _why_no_feature(values, is_categorical):
    """Why a column cannot be a feature, or None; a user may insist on categories."""
    n_present = values.n_present
    if n_present == 0:
        return "has no values"
    if values.categories is None:
        return None
    example = cut(values.categories[0], 30)
    if values.is_date:
        return f"has dates or times, such as {example!r}, which are no features"
    n_categories = len(values.categories)
    most = _MAX_CATEGORIES if is_categorical else max(_MANY, _MOST * n_present)
    if n_categories > min(most, _MAX_CATEGORIES):
        like_numbers = " (make numbers of them?)" if values.numeric_text else ""
        return (
            f"has {n_categories} different texts in {n_present} rows, such as "
            f"{example!r}{like_numbers}, too many for one-hot features"
        )
    return None


def _refusal(refused, names):
    """The message about columns that cannot be features."""
    reasons = [f"{title(names, column)} {reason}" for column, reason in refused]
    reasons = _shortened(reasons, _N_REASONS, " columns")
    option = shlex.quote(",".join(option_name(names, column) for column, _ in refused))
    return f"{'; '.join(reasons)}: leave out with --drop {option}"
