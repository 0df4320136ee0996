"""Features that are spike times."""

import numpy as np
import pytest
import scipy.sparse as sp
from classifiers import quick
from encoding import make_encoder_of, times_of
from numpy.testing import assert_array_equal

from ttfs.encoders import SpikeTimesEncoder

pytestmark = pytest.mark.usefixtures("every_simd")


def test_spike_times_are_counted_from_the_first():
    times = np.array([[0.5, np.inf], [2.5, 1.0]])
    encoder = make_encoder_of("spike_times", window=1.0).fit(times)
    assert_array_equal(times_of(encoder, times), [[0.0, np.inf], [2.0, 0.5]])
    assert (encoder.begin_, encoder.end_) == (0.5, 2.0)


def test_stored_zero_is_a_spike_and_what_is_not_stored_is_none():
    inf = np.inf
    times = np.array([[0.0, inf, 0.5], [inf, 0.25, 0.0], [1.0, inf, inf]] * 10)
    y = np.tile([0, 1, 2], 10)
    rows, columns = np.nonzero(np.isfinite(times))
    stored = times[rows, columns]
    assert (stored == 0).any()
    coo = sp.coo_array((stored, (rows, columns)), shape=times.shape)
    matrix = sp.csr_array(coo)
    dense = quick(encoder="spike_times").fit(times, y)
    assert_array_equal(dense.spike_times(times)[0], times)
    for form in (matrix, coo, sp.csc_array(coo), sp.csr_matrix(matrix)):
        sparse = quick(encoder="spike_times").fit(form, y)
        assert_array_equal(sparse.coefs_[0], dense.coefs_[0])
        assert_array_equal(sparse.spike_times(form)[0], times)
        assert_array_equal(sparse.predict_proba(form), dense.predict_proba(times))
    # Stored +inf and NaN are absent as well.
    times[0, 0] = inf
    for absent in (inf, np.nan):
        matrix.data[0] = absent
        assert_array_equal(dense.spike_times(matrix)[0], times)
        again = quick(encoder="spike_times").fit(matrix, y)
        assert_array_equal(again.coefs_[0], dense.fit(times, y).coefs_[0])
    matrix.data[0] = -inf
    with pytest.raises(ValueError, match="where there is no spike"):
        dense.predict(matrix)


def test_offset_of_sparse_spike_times():
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 64, (30, 6)) / 64.0
    rows, columns = np.nonzero(rng.random((30, 6)) < 0.6)
    y = np.arange(30) % 2
    models = []
    for offset in (0.0, 1024.0, -512.0):
        data = stored[rows, columns] + offset
        matrix = sp.csr_array(sp.coo_array((data, (rows, columns)), shape=(30, 6)))
        models.append(quick(encoder="spike_times").fit(matrix, y).predict_proba(matrix))
    for other in models[1:]:
        assert_array_equal(models[0], other)


def test_an_array_of_channels_is_the_same_parameter_in_any_form():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(30, 2)), np.arange(30) % 2
    may_drop = [True, False]
    clf = quick(encoder=SpikeTimesEncoder(may_drop=may_drop), warm_start=True)
    clf.fit(X, y)
    for same in (np.array([True, False]), (True, False)):
        clf.set_params(encoder=SpikeTimesEncoder(may_drop=same)).fit(X, y)
    may_drop[1] = True
    with pytest.raises(ValueError, match=r"encoder was .*False.* is .*True\)"):
        clf.set_params(encoder=SpikeTimesEncoder(may_drop=may_drop)).fit(X, y)
