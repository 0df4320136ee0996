"""Spikes that are made from arrays: checked, copied, and read-only from then on."""

import numpy as np
import pytest
from classifiers import quick
from numpy.testing import assert_array_equal

from ttfs import core as _core
from ttfs.datasets import make_yin_yang

SPIKES = {
    "times": np.array([-1.0, 0.5, 0.5, 9.0, 0.0]),  # 9.0 is in a gap
    "inputs": np.array([2, 0, 1, 9, 1], np.uint32),
    "begin": np.array([0, 4], np.uintp),
    "end": np.array([3, 5], np.uintp),
    "n_in": 3,
}
ARRAYS = "times", "inputs", "begin", "end"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_in": 2}, r"outside \[0, 2\)"),
        ({"n_in": -1}, r"outside \[0, -1\)"),
        ({"begin": np.array([0, 3], np.uintp)}, r"outside \[0, 3\)"),
        ({"times": np.array([0.5, -1.0, 0.5, 9.0, 0.0])}, "sorted"),
        ({"times": np.array([-1.0, np.nan, 0.5, 9.0, 0.0])}, "finite"),
        ({"times": np.array([-1.0, 0.5, np.inf, 9.0, 0.0])}, "finite"),
        ({"times": np.array([-np.inf, 0.5, 0.5, 9.0, 0.0])}, "finite"),
        ({"end": np.array([3, 6], np.uintp)}, "out of range"),
        ({"begin": np.zeros(1, np.uintp)}, "same length"),
    ],
)
def test_bad_spikes(change, message, dtype):
    spikes = SPIKES | change
    spikes["times"] = spikes["times"].astype(dtype)
    with pytest.raises(ValueError, match=message):
        _core.Spikes(**spikes)


def test_arrays_are_copies_that_cannot_be_changed():
    given = {name: np.array(SPIKES[name]) for name in ARRAYS}
    spikes = _core.Spikes(**given, n_in=3)
    for name in ARRAYS:
        given[name][:] = 77
        assert_array_equal(getattr(spikes, name), SPIKES[name])
        with pytest.raises(ValueError, match="read-only"):
            getattr(spikes, name)[:] = 0


@pytest.mark.parametrize("arithmetic", ["float32", "float64", "fixed"])
def test_encoded_spikes_cannot_be_changed(arithmetic):
    X, y = make_yin_yang(40, random_state=0)
    spikes = quick(arithmetic=arithmetic).fit(X, y).encode(X)
    for name in ARRAYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(spikes, name)[:] = 0


def test_spikes_of_some_samples():
    spikes = _core.Spikes(**SPIKES)
    some = spikes.samples(np.array([1, 0, 1]))
    assert len(some) == 3
    assert some.n_spikes == 5
    assert_array_equal(some.dense(), spikes.dense()[[1, 0, 1]])
    assert_array_equal(spikes.samples(slice(1, 2)).dense(), spikes.dense()[1:])
    with pytest.raises(IndexError):
        spikes.samples(np.array([2]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n_kept", "expected"), [(0, [0, 2, 4]), (1, [0, 2, 4, 6]), (3, [0, 2, 4, 5, 6])]
)
def test_narrowed_spikes_have_no_inputs_that_never_spike(n_kept, expected, dtype):
    inputs = np.array([4, 0, 2, 9, 2], np.uint32)  # 9 is in a gap
    arrays = {**SPIKES, "times": SPIKES["times"].astype(dtype), "inputs": inputs}
    spikes = _core.Spikes(**arrays | {"n_in": 7})
    numbers, narrowed = spikes.narrowed(n_kept)
    assert numbers.tolist() == expected
    assert narrowed.n_in == len(expected)
    assert (narrowed.n_spikes, len(narrowed)) == (4, 2)
    assert_array_equal(narrowed.dense(), spikes.dense()[:, expected])
    assert spikes.inputs.tolist() == inputs.tolist()
    for n in (-1, 8):
        with pytest.raises(ValueError, match=r"n_kept must be in \[0, 7\]"):
            spikes.narrowed(n)
