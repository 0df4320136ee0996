"""Features, and the encoders and classifiers that tests give them to."""

import numpy as np
import scipy.sparse as sp
from hypothesis import settings
from numpy.testing import assert_array_equal

from ttfs import SpikeTrains
from ttfs.encoders import make_encoder

# Fixed examples: a red test stays red.
relaxed = settings(max_examples=40, derandomize=True, deadline=None, database=None)

NO_BIAS = np.empty(0)
X = np.array([[0.0, 10.0, 7.0], [0.0, 20.0, 7.0], [4.0, 15.0, 7.0]])


def make_encoder_of(kind, window=1.0, n_fields=4):
    """An encoder that is not fitted, by its shorthand."""
    encoder = make_encoder(kind, window)
    return encoder.set_params(n_fields=n_fields) if kind == "population" else encoder


def times_of(encoder, X):
    """Spike times (n_samples, n_channels) by the C core; +inf = absent."""
    return encoder.spikes(np.asarray(X), NO_BIAS, np.inf).dense()


def parts(spikes):
    """Times and inputs of all samples, one after the other, and where each begins."""
    rows = [slice(*row) for row in zip(spikes.begin, spikes.end, strict=True)]
    times = np.concatenate([spikes.times[:0], *(spikes.times[row] for row in rows)])
    inputs = np.concatenate([spikes.inputs[:0], *(spikes.inputs[row] for row in rows)])
    ends = np.cumsum(spikes.end - spikes.begin, dtype=np.uintp)
    offsets = np.insert(ends, 0, 0)
    assert offsets[-1] == spikes.n_spikes
    return times, inputs, offsets


def assert_same_spikes(one, two):
    for a, b in zip(parts(one), parts(two), strict=True):
        assert a.dtype == b.dtype
        assert_array_equal(a, b)
    assert (one.n_samples, one.n_in, one.max_spikes) == (
        two.n_samples,
        two.n_in,
        two.max_spikes,
    )


def random_features(seed, n_samples, n_features, density, integers=False):
    """Signed values, with columns that are constant, empty, full, and never 0."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    if integers:
        X = np.round(3 * X)
    X[rng.random(X.shape) > density] = 0.0
    for column, value in ((0, 0.0), (1, 2.5), (2, rng.random(n_samples) + 1)):
        if n_features > 4:
            X[:, column] = value
    if n_features > 4:
        X[:, 3] = np.abs(X[:, 3])
    if n_samples > 2:
        X[1] = 0.0
    return X


def forms(X):
    """X as CSR of all kinds: clean ones, and what they may look like."""
    clean = sp.csr_array(X)
    yield clean
    yield sp.csr_matrix(X)
    for kind in (np.int32, np.int64):
        yield sp.csr_array(
            (clean.data, clean.indices.astype(kind), clean.indptr.astype(kind)),
            shape=X.shape,
        )
    # Explicit zeros.
    rows, columns = np.indices(X.shape)
    full = (X.ravel(), (rows.ravel(), columns.ravel()))
    yield sp.csr_array(sp.coo_array(full, shape=X.shape))
    yield sp.csc_array(X).tocsr()


# Spikes of 3 samples and 2 channels: samples, channels and times.
EVENTS = [0, 0, 0, 2], [1, 0, 1, 1], [0.9, 0.3, 0.1, 0.5]
SHAPE = 3, 2


def random_trains(seed, shape, n_spikes, dtype=np.float64, *, grid=32):
    """Spikes at times on a grid, in [0, 2), with ties within and between channels."""
    rng = np.random.default_rng(seed)
    samples, channels = (rng.integers(0, n, n_spikes) for n in shape)
    times = rng.integers(0, 2 * grid, n_spikes) / grid
    return SpikeTrains(samples, channels, times.astype(dtype), shape)


def classes_of(X, seed):
    return np.random.default_rng(seed).integers(0, 3, len(X))


def sparse_forms(X):
    for container in (
        sp.csr_array,
        sp.csr_matrix,
        sp.csc_array,
        sp.csc_matrix,
        sp.coo_array,
        sp.coo_matrix,
    ):
        yield container(X)
    # Duplicates, unsorted, with explicit zeros.
    rows, columns = np.nonzero(X)
    order = np.random.default_rng(0).permutation(2 * len(rows) + 1)
    rows = np.concatenate([rows, rows, [0]])[order]
    columns = np.concatenate([columns, columns, [0]])[order]
    values = np.concatenate([X[X != 0] / 2, X[X != 0] / 2, [0.0]])[order]
    by_row = np.argsort(rows, kind="stable")
    ends = np.bincount(rows, minlength=len(X)).cumsum()
    indptr = np.concatenate([[0], ends])
    yield sp.csr_array((values[by_row], columns[by_row], indptr), shape=X.shape)
