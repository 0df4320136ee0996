"""What an estimator records is what its other methods tell, and crosses thresholds."""

import numpy as np
import pytest
import reference
from classifiers import quick
from numpy.testing import assert_allclose, assert_array_equal

from ttfs import SpikeTrains, TTFSRegressor
from ttfs.substrates import AnalogChip

KINDS = {
    "plain": {},
    "no read-out": {"read_out": None},
    "two layers, axonal": {"hidden_layer_sizes": (8, 6), "delays": "axonal"},
    "synaptic": {"delays": "synaptic", "tau_mem": 2.0},
    "double": {"arithmetic": "float64", "threshold": 0.5, "tau_syn": 3.0},
    "integers": {"arithmetic": "fixed"},
    "chip": {"substrate": AnalogChip(weight_bits=6, weight_clip=4.0, random_state=0)},
    "first of several": {"max_spikes": 4, "read_out": None},
    "count": {"max_spikes": 4, "read_out": "count"},
    "peak": {"max_spikes": 4, "refractory": 0.1},
    "mean": {"read_out": "mean"},
    "several, axonal": {"max_spikes": 4, "read_out": "count", "delays": "axonal"},
}
IDEAL = [name for name in KINDS if name not in ("integers", "chip")]


@pytest.fixture(scope="module")
def fitted(iris):
    """Classifiers of all kinds that have seen iris, by their names."""
    return {name: quick(**kind).fit(*iris) for name, kind in KINDS.items()}


@pytest.mark.parametrize("name", KINDS)
def test_it_agrees_with_the_other_methods(name, fitted, iris):
    X, clf = iris[0][::7], fitted[name]
    recording, activity = clf.record(X), clf.activity(X)
    inputs, *layers = clf.spike_times(X)
    assert len(recording) == len(X)
    for mine, times in zip(recording.spikes, layers, strict=True):
        assert_array_equal(mine, times.reshape(mine.shape))
    assert_array_equal(clf.classes_[recording.outputs], clf.predict(X))
    assert_allclose(recording.decision_times, activity.decision_times)
    if recording.decides_by_first_spike:
        assert_array_equal(recording.is_decided, ~activity.is_undecided)
    else:
        assert not recording.is_decided.any()
    for sample, row in enumerate(inputs):
        times, channels = recording.input_spikes(sample)
        assert np.all(np.diff(times) >= 0)
        assert_array_equal(np.sort(channels), np.flatnonzero(np.isfinite(row)))
        assert_array_equal(times, row[channels])


@pytest.mark.parametrize("name", IDEAL)
def test_spikes_are_where_membranes_are_at_the_threshold(name, fitted, iris):
    clf, n_checked = fitted[name], 0
    recording = clf.record(iris[0][::29])
    threshold, n_layers = clf.network_.neuron.threshold, len(recording.spikes)
    tolerance = 1e-4 * threshold  # float32, and flat membranes
    for sample, number in np.ndindex(len(recording), n_layers):
        spikes = recording.spikes[number][sample]
        even = np.linspace(recording.start, recording.end, 50)
        at = np.concatenate([spikes[np.isfinite(spikes)], even])
        traces = recording.membrane_traces(sample, at, number)
        for j, times in enumerate(spikes):
            assert_allclose(traces[j][np.isin(at, times)], threshold, atol=tolerance)
            fires = number < n_layers - 1 or recording.decision in ("first", "count")
            if fires:
                until = times[0] if recording.max_spikes == 1 else times.max()
                assert traces[j][at <= until].max(initial=0) < threshold + tolerance
            n_checked += np.isfinite(times).sum()
    assert n_checked > 10


@pytest.mark.parametrize("name", ["integers", "chip"])
def test_weights_are_those_that_fire(name, fitted, iris):
    clf = fitted[name]
    recording = clf.record(iris[0][:1])
    for k, weights in enumerate(recording.network.weights):
        if name == "integers":
            assert_array_equal(weights, clf.coefs_[k] * clf.weight_steps_[k])
        else:
            step = clf.substrate.weight_step(clf.network_.layers)
            assert_allclose(weights, step * np.rint(clf.coefs_[k] / step), atol=1e-6)


def test_integers_fire_near_the_threshold(fitted, iris):
    clf = fitted["integers"]
    recording = clf.record(iris[0][::29])
    for sample, number in np.ndindex(len(recording), len(recording.spikes)):
        spikes = recording.spikes[number][sample, :, 0]
        for j in np.flatnonzero(np.isfinite(spikes)):
            at = spikes[j] + clf.tick_ * np.array([-1.5, 1.0])
            early, late = recording.membrane_traces(sample, at, number)[j]
            assert early < 1.05
            assert late > 0.95


def test_membranes_of_the_first_layer_in_50_digits(fitted, iris):
    clf = fitted["plain"]
    recording = clf.record(iris[0][60:61])
    times = np.append(clf.spike_times(iris[0][60:61])[0], clf.bias_times_[0])
    at, traces = 0.77, recording.membrane_traces(0, [0.77], layer=0)
    expected = [
        float(reference.potential(times, column, at, 1.0, 1.0))
        for column in clf.coefs_[0].T.astype(float)
    ]
    assert_allclose(traces[:, 0], expected, atol=1e-7)


def test_kinks_are_arrivals(fitted, iris):
    X = iris[0][:1]
    recording = fitted["synaptic"].record(X)
    channels = fitted["synaptic"].spike_times(X)[0]
    first = fitted["synaptic"].network_.layers[0]
    sent = np.append(channels, first.bias_times)[:, None] + first.delays
    expected = np.unique(sent[sent < recording.end])
    assert_allclose(recording.arrivals(0, 0), expected, atol=1e-6)
    plain = fitted["plain"].record(X)
    expected = np.append(
        fitted["plain"].spike_times(X)[1], plain.network.layers[1].bias_times
    )
    expected = np.unique(expected[expected < plain.end])
    assert_allclose(plain.arrivals(0, -1), expected, atol=1e-6)


def test_spike_times_are_on_the_axis_of_the_data():
    rng = np.random.default_rng(0)
    samples, channels = np.repeat(np.arange(20), 6), np.tile(np.arange(3), 40)
    times = 100 + rng.random(120)
    X = SpikeTrains(samples, channels, times, (20, 3))
    clf = quick().fit(X, np.arange(20) % 2)
    recording = clf.record(X[:2])
    found, _ = recording.input_spikes(1)
    assert_allclose(found, np.sort(times[samples == 1]), atol=1e-5)
    assert_array_equal(recording.spikes[0][:, :, 0], clf.spike_times(X[:2])[1])
    assert recording.start < 101 < recording.end
    for j, spike in enumerate(recording.spikes[0][0, :, 0]):
        if np.isfinite(spike):
            u = recording.membrane_traces(0, [spike], layer=0)[j, 0]
            assert abs(u - 1) < 1e-3


def test_a_regressor_decides_nothing(iris):
    X, y = iris
    recording = quick(TTFSRegressor).fit(X, y).record(X[:3])
    assert recording.outputs is None
    assert recording.membrane_traces(2, [1.0]).shape == (1, 1)


def test_errors(fitted, iris):
    recording = fitted["plain"].record(iris[0][:2])
    with pytest.raises(IndexError, match="sample must be a whole number below 2"):
        recording.membrane_traces(2, [0.0])
    with pytest.raises(IndexError, match="layer must be a whole number from -2 to 1"):
        recording.membrane_traces(0, [0.0], layer=2)
    with pytest.raises(IndexError, match="layer must be"):
        recording.arrivals(0, 0.5)
    with pytest.raises(ValueError, match="X has 3 features"):
        fitted["plain"].record(iris[0][:, :3])
