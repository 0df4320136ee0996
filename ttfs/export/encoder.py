"""Raw integers as ticks, in integers: scalers and an encoder as one table of maps."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline

from .._typing import FeatureType
from ..estimators import TTFSClassifier
from .c_arrays import attributes
from .encoder_rules import rule_of
from .model import read_model
from .scalers import Scaling, split

# Other slopes that are tried where the nearest one does not give all codes.
_SLOPES_TRIED = (0, 1, -1, 2, -2)

# Values that are encoded at a time.
_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class IntegerEncoder:
    """How raw integers become ticks, in integers; made by :func:`integer_encoder`.

    A feature x has a code on each of its channels: ``below`` if x < ``low``, ``above``
    if x > ``high``, ``silent`` if x is ``absent``, else ``offset + x slope``, modulo
    2^32, without its last ``shift`` bits. These numbers are those of a *map*; channels
    share maps.

    A code is a tick, or, where there are ``times``, the place of one among them. With
    receptive fields a feature has one code, a place among their centres, which are
    2^``field_bits`` apart from 0 on: field k spikes at ``times[j]``, where j is the
    number of ``reach`` that are less than the distance of the code from the centre.

    Parameters
    ----------
    features : {"uint8", "int16"}
        The type of raw values.
    n_features, n_channels : int
        Numbers of features and of channels.
    n_ticks : int
        Number of ticks; a channel with this tick has no spike.
    shift : int
        Bits of a code behind the point, 16 to 31.
    slope, offset : ndarray of shape (n_maps,), uint32
        The line of a map.
    low, high : ndarray of shape (n_maps,), int16
        The first and the last raw value on the line.
    below, above : ndarray of shape (n_maps,), uint16
        The codes of other values.
    absent : ndarray of shape (n_maps,), int16, or None
        The value between `low` and `high` that has no spike; another one where all
        have. None: all have.
    silent : int
        The code that has no spike.
    map_of : ndarray of shape (n_codes,), uint16
        The map of each code: those of all features, then those of complements.
    complemented : ndarray of uint16
        The features that have a second channel.
    times : ndarray of uint16, or None
        Ticks, the last of which is `n_ticks`.
    n_fields : int
        Receptive fields of each feature, or 0.
    field_bits : int
        Bits of a place among receptive fields behind the point.
    reach : ndarray of uint16
        Distances from the centre of a receptive field up to which it has each of the
        ticks `times`, ascending.

    See Also
    --------
    to_c : Writes the same in C.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ttfs import TTFSClassifier, export
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = TTFSClassifier((10,), arithmetic="fixed", max_iter=1).fit(X, y)
    >>> encoder = export.integer_encoder(clf, "uint8")
    >>> ticks = encoder.encode(X.astype("uint8"))
    >>> ticks.shape == (len(X), encoder.n_channels)
    True
    >>> bool((ticks == export.ticks(clf, X)).mean() > 0.999)
    True
    """

    features: str
    n_features: int
    n_channels: int
    n_ticks: int
    shift: int
    slope: np.ndarray
    offset: np.ndarray
    low: np.ndarray
    high: np.ndarray
    below: np.ndarray
    above: np.ndarray
    absent: np.ndarray | None
    silent: int
    map_of: np.ndarray
    complemented: np.ndarray
    times: np.ndarray | None
    n_fields: int
    field_bits: int
    reach: np.ndarray

    def encode(self, X: ArrayLike) -> NDArray[np.uint16]:
        """Ticks of the channels, what ``ttfs_model_encode`` gives in C, bit for bit.

        Parameters
        ----------
        X : array-like of int of shape (n_samples, n_features)
            Raw values, in the range of their type, `features`.

        Returns
        -------
        ticks : ndarray of shape (n_samples, n_channels), uint16
            Ticks from the start of the inputs; `n_ticks` where there is no spike.

        Raises
        ------
        TypeError
            If `X` is not of integers.
        ValueError
            If `X` has another shape, or values beyond the range of `features`.
        """
        X = self.checked(X, "X")
        out = np.empty((len(X), self.n_channels), np.uint16)
        step = max(1, _BLOCK // self.n_channels)
        for begin in range(0, len(X), step):
            rows = slice(begin, begin + step)
            out[rows] = self._ticks(X[rows].astype(np.int16))
        return out

    def checked(self, X: ArrayLike, name: str) -> NDArray[np.integer]:
        """Raw values as an array; errors call them `name`, and are those of `encode`.

        Parameters
        ----------
        X : array-like of int of shape (n_samples, n_features)
            Raw values.
        name : str
            Whose argument they are.

        Returns
        -------
        X : ndarray of int of shape (n_samples, n_features)
            The same.
        """
        X = np.asarray(X)
        if X.dtype.kind not in "iu":
            raise TypeError(f"{name} must be integers, not {X.dtype}")
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(
                f"{name} must have shape (n_samples, {self.n_features}), got {X.shape}"
            )
        limits = np.iinfo(self.features)
        if X.size and not limits.min <= X.min() <= X.max() <= limits.max:
            raise ValueError(
                f"{name} must be in the range of {self.features}, {limits.min} to "
                f"{limits.max}, but goes from {X.min()} to {X.max()}"
                f"{_other_type(X.min(), X.max())}"
            )
        return X

    def _ticks(self, X):
        """Ticks of int16 samples."""
        x = np.hstack([X, X[:, self.complemented]])
        codes = self.codes(x, self.map_of)
        if not self.n_fields:
            return codes if self.times is None else self.times[codes]
        centres = np.arange(self.n_fields) << self.field_bits
        distances = np.abs(codes[:, :, None] - centres)
        ticks = self.times[np.searchsorted(self.reach, distances)]
        return ticks.reshape(len(X), self.n_channels)

    def codes(
        self, x: NDArray[np.int16], maps: NDArray[np.integer]
    ) -> NDArray[np.uint16]:
        """Codes of raw values by maps.

        Parameters
        ----------
        x : ndarray, int16
            Raw values.
        maps : ndarray of int
            The number of the map of each value, in a shape that broadcasts with `x`.

        Returns
        -------
        codes : ndarray, uint16
            The code of each value.
        """
        low, high = self.low[maps], self.high[maps]
        line = self.offset[maps] + x.astype(np.uint32) * self.slope[maps]
        out = (line >> self.shift).astype(np.uint16)
        if self.absent is not None:
            out = np.where(x == self.absent[maps], np.uint16(self.silent), out)
        out = np.where(x < low, self.below[maps], out)
        return np.where(x > high, self.above[maps], out)


def integer_encoder(
    model: TTFSClassifier | Pipeline, features: FeatureType
) -> IntegerEncoder:
    """The scalers and the encoder of a model in integers.

    Where the ticks differ from those of the real-valued pipeline, it is by one: where
    a spike is in the middle between two ticks, within what the integers resolve. With
    `levels` of the encoder it is by one level. A receptive field at the very border of
    its reach may have its last tick or none.

    Parameters
    ----------
    model : TTFSClassifier or Pipeline
        A fitted classifier with arithmetic="fixed" and an encoder of this package, or a
        pipeline of any number of StandardScaler, MinMaxScaler, MaxAbsScaler and
        RobustScaler and such a classifier. It was fitted to raw integers.
    features : {"uint8", "int16"} or NumPy type
        The type of the raw values, by its name or as that of NumPy.

    Returns
    -------
    encoder : IntegerEncoder

    Raises
    ------
    NotFittedError
        If the classifier or a scaler is not fitted.
    TypeError
        If a step of the pipeline, or the encoder, is another one.
    ValueError
        If the range of a feature in training is beyond that of the type, or less than
        one, as that of fractions; if receptive fields are too many for the ticks; or
        if `features` is something else.

    See Also
    --------
    to_c : Writes the encoder with the model.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from ttfs import TTFSClassifier, export
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> X = np.round(1000 * X).astype(np.int16)
    >>> clf = TTFSClassifier((20,), arithmetic="fixed", max_iter=1)
    >>> pipeline = make_pipeline(StandardScaler(), clf).fit(X, y)
    >>> encoder = export.integer_encoder(pipeline, "int16")
    >>> differences = encoder.encode(X).astype(int) - export.ticks(pipeline, X)
    >>> bool(np.abs(differences).max() <= 1)
    True
    """
    features = _type_name(features)
    steps, clf = split(model)
    model = read_model(clf)
    code = model.code
    scaling = Scaling.of(steps, code.n_features)
    rule = rule_of(model)
    # That of integers is one, or what a cut leaves of it; the rest is for rounding.
    least_range = 0.9 * min(1.0, getattr(clf.encoder_, "max_deviation", 1.0))
    limits = np.iinfo(features)
    raw = np.arange(limits.min, limits.max + 1)

    # Features with the same numbers have the same map, which is made once.
    maps, keys = {}, []
    both = [(i, False) for i in range(code.n_features)]
    both += [(i, True) for i in code.complemented.tolist()]
    for i, is_complement in both:
        numbers = [*scaling.operands[:, i], is_complement, *rule.numbers(i)]
        key = np.array(numbers, float).tobytes()
        keys.append(key)
        if key not in maps:
            maps[key] = _map_of(rule, scaling, i, is_complement, raw, least_range)
    # So have different numbers sometimes.
    table = np.array([maps[key] for key in keys], np.int64)
    table, map_of = np.unique(table, axis=0, return_inverse=True)
    slope, offset, low, high, below, above, absent, has_absent = table.T
    return IntegerEncoder(
        features=features,
        n_features=code.n_features,
        n_channels=code.n_channels,
        slope=slope.astype(np.uint32),
        offset=offset.astype(np.uint32),
        low=low.astype(np.int16),
        high=high.astype(np.int16),
        below=below.astype(np.uint16),
        above=above.astype(np.uint16),
        absent=absent.astype(np.int16) if has_absent.any() else None,
        map_of=map_of.ravel().astype(np.uint16),
        complemented=code.complemented.astype(np.uint16),
        **attributes(rule, "n_ticks shift silent times n_fields field_bits reach"),
    )


# -- Maps ----------------------------------------------------------------------------


def _map_of(rule, scaling, i, is_complement, raw, least_range):
    """The map of feature i, or of its complement.

    `raw` are all raw values, ascending; `least_range` is the least range of a feature
    of integers in training. Returned are slope, offset, low, high, below, above,
    absent, and whether there is such.
    """
    z = scaling.of_feature(raw.astype(float), i)
    low, high = rule.range_of(i)
    if rule.code.kind != "spike_times":
        if rule.code.scale[i] == 0:
            return 0, 0, 0, -1, rule.silent, rule.silent, 0, False
        _check_range(z, low, high, scaling.gain(i), i, raw, least_range)

    # Ends of the line, where clipping by a scaler or by the encoder begins.
    first, last = max(low, z[0]), min(high, z[-1])
    begin = int(np.searchsorted(z, first, side="right"))
    end = int(np.searchsorted(z, last, side="left"))
    z = np.concatenate([[first], z[begin:end], [max(first, last)]])
    is_absent = rule.is_absent(z, i, is_complement)
    codes = np.where(is_absent, rule.silent, rule.of(z, i, is_complement))
    below, above, codes = codes[0], codes[-1], codes[1:-1].astype(np.int64)
    if begin >= end:
        begin = min(begin, len(raw) - 1)
        return 0, 0, raw[begin], raw[begin] - 1, below, above, 0, False
    n = end - begin
    # No two values of a line are the same: one is absent, or none.
    has_absent = bool(is_absent[1:-1].any())
    absent = raw[begin + int(np.argmax(is_absent[1:-1]))] if has_absent else raw[0]
    rate = scaling.gain(i) * rule.rate(i) if n > 1 else 0.0
    rate = rate if rule.is_rising or is_complement else -rate
    kept = np.flatnonzero(~is_absent[1:-1])
    slope, offset = _line(kept, codes[kept], n, rate, rule.shift)
    offset -= slope * int(raw[begin])
    ends = raw[begin], raw[end - 1]
    return slope % 2**32, offset % 2**32, *ends, below, above, absent, has_absent


def _check_range(z, low, high, gain, i, raw, least_range):
    """Raise if training data had raw values that their type does not hold."""
    if not np.isfinite(z).all():
        raise ValueError(f"scalers make values of feature {i} infinite")
    least, greatest = (float(raw[0] + (end - z[0]) / gain) for end in (low, high))
    trained = f"feature {i} went from {least:.6g} to {greatest:.6g} in training"
    if low < z[0] - gain / 2 or high > z[-1] + gain / 2:
        raise ValueError(
            f"{trained}, beyond the range of raw values, {raw[0]} to {raw[-1]}"
            f"{_other_type(least, greatest)}"
        )
    if (high - low) / gain < least_range:
        raise ValueError(
            f"{trained}, but raw values are integers; fit to these, with a scaler in a "
            "pipeline"
        )


def _other_type(least, greatest):
    """What an error about a range says if the wider type holds it, or nothing."""
    limits = np.iinfo("int16")
    is_held = limits.min <= least <= greatest <= limits.max
    return '; features="int16" holds them' if is_held else ""


def _type_name(features):
    """The name of a type of raw values, which may be one of NumPy."""
    with suppress(TypeError):
        name = np.dtype(features).name
        if name in ("uint8", "int16"):
            return name
    raise ValueError(f"features must be 'uint8' or 'int16', got {features!r}")


def _line(places, codes, n, rate, shift):
    """Slope and offset of a line of integers through codes at places from 0 to n - 1.

    `rate` is the change of codes from place to place. The codes are floor((offset +
    place * slope) / 2^shift) if there is such a line with a slope near the rate, else
    next to them. The numerator is within 32 bits.
    """
    # The ends of runs of a code bound the offset; what is between them does not.
    changes = np.diff(codes) != 0
    is_end = np.append(True, changes) | np.append(changes, True)
    places, codes = places[is_end], codes[is_end]
    lines = []
    for change in _SLOPES_TRIED:
        slope = round(rate * 2**shift) + change
        least = (codes << shift) - places * slope
        lower, upper = int(least.max()), int(least.min()) + (1 << shift) - 1
        ends = sorted((0, (n - 1) * slope))
        offset = min(max((lower + upper) // 2, -ends[0]), 2**32 - 1 - ends[1])
        lines.append((upper - lower, slope, offset))
        if upper >= lower or n == 1:
            break
    _, slope, offset = max(lines, key=lambda line: line[0])
    return slope, offset
