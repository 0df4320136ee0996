"""Predictions for few samples, for which a network leaves out inputs without spikes."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from classifiers import quick
from numpy.testing import assert_array_equal
from sklearn.utils.validation import validate_data

from ttfs import SpikeTrains, TTFSClassifier, TTFSRegressor
from ttfs.encoders.checks import is_valid
from ttfs.parameters import FixedPoint, LocalRule
from ttfs.substrates import AnalogChip, Ideal

N_FEATURES = 60


def features(dtype=np.float64):
    """Features of which a tenth is not zero, and three classes."""
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = rng.uniform(0.2, 1, (90, N_FEATURES)) * (rng.random((90, N_FEATURES)) < 0.1)
    X[np.arange(90), y] = 1
    X[5] = 0  # the biases alone spike
    return X.astype(dtype), y


def trains():
    """Spike trains in which a channel may spike several times."""
    rng = np.random.default_rng(0)
    samples, channels = rng.integers(90, size=900), rng.integers(N_FEATURES, size=900)
    times = rng.uniform(0, 1, 900)
    return SpikeTrains(samples, channels, times, (90, N_FEATURES)), np.arange(90) % 3


def fitted(X, y, estimator=TTFSClassifier, /, **parameters):
    return quick(estimator, random_state=1, **parameters).fit(X, y)


MODELS = [
    {"encoder": "latency"},
    {"encoder": "latency", "hidden_layer_sizes": (9, 8)},
    {"encoder": "latency", "hidden_layer_sizes": (103,)},  # more than a panel
    {"encoder": "latency", "hidden_layer_sizes": ()},
    {"encoder": "latency", "tau_syn": 4.0, "tau_mem": 6.0, "threshold": 0.1},
    {"encoder": "latency", "arithmetic": "float64", "read_out": None},
    {"encoder": "latency", "delays": "axonal"},
    {"encoder": "latency", "delays": "synaptic", "arithmetic": "float64"},
    {"encoder": "latency", "gradient": LocalRule(feedback="random")},
    {"encoder": "latency", "arithmetic": FixedPoint()},
    {"encoder": "latency", "arithmetic": FixedPoint(), "gradient": "local"},
    {"encoder": "latency", "substrate": AnalogChip(random_state=0)},
    {"encoder": "population"},  # most inputs spike
]


@pytest.mark.parametrize("parameters", MODELS, ids=str)
def test_a_row_has_the_same_bits_alone(parameters):
    X, y = features(np.float32)
    clf = fitted(X, y, **parameters)
    assert_alone(clf, X)
    if parameters["encoder"] == "latency":
        assert_alone(clf, sp.csr_array(X))


@pytest.mark.parametrize("arithmetic", ["float32", "fixed"])
def test_many_rows_of_few_inputs_have_the_bits_of_the_whole_network(arithmetic):
    rng = np.random.default_rng(0)
    X = sp.random_array((90, 2000), density=0.002, format="csr", rng=rng)
    clf = fitted(X, np.arange(90) % 3, encoder="latency", arithmetic=arithmetic)
    engine, spikes = clf.engine_, clf.encode(X)
    assert spikes.n_spikes < spikes.n_in / 2
    once, passed = engine.runnable_once(clf.network_, spikes)
    assert passed.n_spikes == spikes.n_spikes
    if arithmetic == "fixed":
        assert passed.n_in < spikes.n_in / 2
    else:
        assert once.for_few
        assert passed is spikes
    whole = engine.runnable(clf.network_).decisions(spikes)
    assert_array_equal(once.decisions(passed), whole)
    assert_array_equal(clf.predict(X), whole.argmin(axis=1))


def test_integers_of_which_most_inputs_spike_stay_whole():
    X, y = features()
    clf = fitted(X, y, encoder="latency", arithmetic="fixed")
    spikes = clf.encode(np.ones((1, N_FEATURES)))
    _, same = clf.engine_.runnable_once(clf.network_, spikes)
    assert same is spikes


def test_weights_are_copied_for_many_spikes_only():
    X, y = features()
    clf = fitted(X, y, encoder="latency")
    for n_samples, are_few in ((1, True), (100, False)):
        spikes = clf.encode(np.ones((n_samples, N_FEATURES)))
        once, _ = clf.engine_.runnable_once(clf.network_, spikes)
        assert once.for_few == are_few
        for found, weights in zip(once.weights(), clf.coefs_, strict=True):
            assert_array_equal(found[: len(weights)], weights)
            assert not np.shares_memory(found, weights)
        if are_few:
            with pytest.raises(ValueError, match="few spikes"):
                once.clocked(spikes, 0.01)


@pytest.mark.parametrize("arithmetic", ["float32", "float64", "fixed"])
def test_spike_trains_have_the_same_bits_alone(arithmetic):
    X, y = trains()
    assert_alone(fitted(X, y, encoder="spike_times", arithmetic=arithmetic), X)


def test_a_regressor_has_the_same_bits_for_one_row():
    X, _ = features()
    reg = fitted(X, X[:, :2].sum(axis=1), TTFSRegressor, encoder="latency")
    together = reg.predict(X)
    for k in range(8):
        assert_array_equal(reg.predict(X[k : k + 1]), together[k : k + 1])


def assert_alone(clf, X):
    """Rows that are predicted one by one, and all at once."""
    labels, decisions = clf.predict(X), clf.decision_function(X)
    for k in range(8):
        assert_array_equal(clf.predict(X[k : k + 1]), labels[k : k + 1])
        assert_array_equal(clf.decision_function(X[k : k + 1]), decisions[k : k + 1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_edits_in_place_are_seen_by_the_next_prediction(dtype):
    X, y = features()
    clf = fitted(X, y, encoder="latency", arithmetic=dtype)
    for rows in (X[:1], X):
        before = clf.decision_function(rows)
        kept = clf.coefs_[0].copy()
        clf.coefs_[0][...] *= 0.5
        # Where the biases alone spike, no output may hear of it.
        changes = np.any(clf.decision_function(rows) != before, axis=1)
        assert np.all(changes | ~rows.any(axis=1))
        clf.coefs_[0][...] = kept
        assert_array_equal(clf.decision_function(rows), before)
        clf.coefs_[-1][:, [0, 1]] = clf.coefs_[-1][:, [1, 0]]
        assert_array_equal(clf.decision_function(rows), before[:, [1, 0, 2]])
        clf.coefs_[-1][:, [0, 1]] = clf.coefs_[-1][:, [1, 0]]


def test_edits_of_delays_are_seen_by_the_next_prediction():
    X, y = features()
    clf = fitted(X, y, encoder="latency", delays="axonal")
    before = clf.decision_function(X[:1])
    clf.delays_[0][...] += 0.125
    assert np.any(clf.decision_function(X[:1]) != before)


def test_a_prediction_leaves_no_trace():
    X, y = features()
    clf = fitted(X, y, encoder="latency")
    stored = pickle.dumps(clf)
    expected = clf.decision_function(X[:1])
    assert pickle.dumps(clf) == stored
    assert_array_equal(pickle.loads(stored).decision_function(X[:1]), expected)


def test_what_passes_without_a_check_is_what_scikit_learn_would_return():
    X, y = features()
    clf = fitted(X, y, encoder="latency")
    frame = pytest.importorskip("pandas").DataFrame(X, columns=map(str, range(60)))
    named = fitted(frame, y, encoder="latency")
    for array in (X, X[:1], X[3:5], X.astype(np.float32), np.full_like(X, 1e308)):
        if is_valid(array, clf):
            out = validate_data(
                clf, array, reset=False, dtype=[np.float64, np.float32], order="C"
            )
            assert out is array
    assert is_valid(X, clf)
    for other in (
        *(X[:0], X[0], X[:, 1:], X[None], X[:, ::-1], np.asfortranarray(X)),
        *(X.astype(np.float16), X.astype(int), X.astype(">f8"), X.astype(object)),
        *(X.tolist(), sp.csr_array(X), frame, np.ma.masked_array(X)),
    ):
        assert not is_valid(other, clf)
    assert not is_valid(X, named)
    with pytest.warns(UserWarning, match="valid feature names"):
        named.predict(X[:1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_finite_is_refused_as_scikit_learn_refuses_it(bad, dtype):
    X, y = features(dtype)
    clf = fitted(X, y, encoder="latency")
    X = np.tile(X, (15, 1))  # more than a block of samples
    for place in ((0, 0), (1100, 7), (-1, -1)):
        other = X.copy()
        other[place] = bad
        for estimator, methods in (
            (clf, ["predict", "decision_function", "encode", "spike_times"]),
            (clf.encoder_, ["transform"]),
        ):
            with pytest.raises(ValueError, match="contains") as expected:
                validate_data(
                    estimator, other, reset=False, dtype=[np.float64, np.float32]
                )
            for method in methods:
                with pytest.raises(ValueError, match="contains") as raised:
                    getattr(estimator, method)(other)
                assert str(raised.value) == str(expected.value)
    with pytest.raises(ValueError, match="60 features"):
        clf.predict(X[:1, 1:])


class Counting(Ideal):
    """A substrate that counts the samples that it is asked for."""

    n_samples = 0

    def forward(self, times, network):
        self.n_samples += len(times)
        return super().forward(times, network)


def test_a_substrate_is_not_asked_before_all_numbers_are_known_to_be_finite():
    X, y = features(np.float64)
    substrate = Counting()
    clf = fitted(X, y, encoder="latency", substrate=substrate)
    X = np.tile(X, (15, 1))
    substrate.n_samples = 0
    clf.predict(X)
    assert substrate.n_samples == len(X)
    X[-1, -1] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        clf.predict(X)
    assert substrate.n_samples == len(X)
