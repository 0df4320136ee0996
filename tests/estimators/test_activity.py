"""Counts of spikes and events against slow loops."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ttfs import SpikeTrains, TTFSClassifier, export
from ttfs.datasets import make_yin_yang
from ttfs.parameters import FixedPoint
from ttfs.substrates import AnalogChip, Ideal


def fitted(hidden=(12, 7), **parameters):
    X, y = make_yin_yang(90, random_state=0)
    clf = TTFSClassifier(hidden, max_iter=2, random_state=0, **parameters)
    return clf.fit(X, y), X[:20]


def slow_counts(clf, spikes, layers, t_max):
    """Counts by sample and layer: events, causal ones, spikes of biases, and events
    until the decision.

    `spikes` are lists of (channel, time) of each sample, and `layers` the spike times
    of neurons.
    """
    shape = len(spikes), len(layers)
    n_events, n_causal, n_biases, n_until = np.zeros((4, *shape), int)
    for i in range(shape[0]):
        decision = min(t_max, *layers[-1][i])
        inputs = list(spikes[i])
        for k, fired in enumerate(layers):
            n_in = clf.coefs_[k].shape[0] - len(clf.bias_times_[k])
            for b, time in enumerate(clf.bias_times_[k]):
                n_biases[i, k] += time < t_max
                inputs.append((n_in + b, time))
            for j in range(fired.shape[1]):
                for channel, time in inputs:
                    delay = 0.0
                    if clf.delays == "axonal":
                        delay = clf.delays_[k][channel]
                    elif clf.delays == "synaptic":
                        delay = clf.delays_[k][channel, j]
                    n_events[i, k] += time + delay < t_max
                    n_causal[i, k] += time + delay < min(fired[i, j], t_max)
                    is_before = time + delay < min(fired[i, j], decision)
                    n_until[i, k] += is_before and clf.coefs_[k][channel, j] != 0
            inputs = list(enumerate(fired[i]))
    return n_events, n_causal, n_biases, n_until


def assert_counts(clf, X, spikes, begin=0.0):
    """The activity on X equals that of a loop over its spikes, lists of pairs."""
    activity = clf.activity(X)
    layers = [times - begin for times in clf.spike_times(X)[1:]]
    t_max = clf.t_max_
    n_events, n_causal, n_biases, n_until = slow_counts(clf, spikes, layers, t_max)
    assert_array_equal(activity.n_events, n_events)
    assert_array_equal(activity.n_causal_events, n_causal)
    assert_array_equal(activity.n_bias_spikes, n_biases)
    assert_array_equal(activity.n_events_to_decision, n_until)
    n_inputs = [sum(time < t_max for _, time in sample) for sample in spikes]
    assert_array_equal(activity.n_spikes[:, 0], n_inputs)
    for k, fired in enumerate(layers):
        assert_array_equal(activity.n_spikes[:, k + 1], np.isfinite(fired).sum(axis=1))
    decisions = layers[-1].min(axis=1).clip(max=t_max)
    seen = [sum(t <= d for _, t in s) for s, d in zip(spikes, decisions, strict=True)]
    seen = [seen, *((times <= decisions[:, None]).sum(axis=1) for times in layers)]
    assert_array_equal(activity.n_spikes_to_decision, np.transpose(seen))
    assert_array_equal(activity.is_undecided, np.isinf(layers[-1]).all(axis=1))
    assert_allclose(activity.decision_times, decisions, rtol=1e-12)
    return activity


def prune(clf):
    """Make the smaller half of the weights of each layer 0."""
    clf.coefs_ = [np.where(abs(w) < np.median(abs(w)), 0, w) for w in clf.coefs_]


def as_pairs(times):
    """Spikes (channel, time) of each row of spike times."""
    return [[(c, t) for c, t in enumerate(row) if np.isfinite(t)] for row in times]


@pytest.mark.parametrize(
    "parameters",
    [
        {"arithmetic": "float64"},
        {"arithmetic": "float64", "hidden_layer_sizes": ()},
        {"arithmetic": "float64", "tau_mem": [2.0, np.inf, 0.7], "tau_syn": 0.5},
        {"arithmetic": "float64", "t_max": 0.7},  # before the biases
        {"arithmetic": "float64", "t_max": 0.7, "read_out": None},
        {"arithmetic": "float64", "read_out": None},
        {"arithmetic": "fixed"},
        {"arithmetic": FixedPoint(accumulator_bits=16), "gradient": "local"},
        {"arithmetic": "float64", "encoder": "population"},
    ],
    ids=str,
)
def test_counts_equal_those_of_a_slow_loop(parameters):
    hidden = parameters.pop("hidden_layer_sizes", (12, 7))
    clf, X = fitted(hidden, **parameters)
    activity = assert_counts(clf, X, as_pairs(clf.spike_times(X)[0]))
    assert activity.sizes == (clf.n_channels_in_, *hidden, 3)
    assert 0 < activity.n_causal_events.sum() < activity.n_events.sum()


@pytest.mark.parametrize(
    "parameters",
    [
        {"arithmetic": "float64"},
        {"arithmetic": "float64", "delays": "axonal"},
        {"arithmetic": "float64", "delays": "synaptic"},
        {"arithmetic": "float64", "substrate": Ideal()},
        {"arithmetic": "fixed"},
    ],
    ids=str,
)
def test_events_over_weights_of_0_do_not_count_until_the_decision(parameters):
    clf, X = fitted(**parameters)
    whole = clf.activity(X)
    prune(clf)
    pruned = assert_counts(clf, X, as_pairs(clf.spike_times(X)[0]))
    assert pruned.n_events_to_decision.sum() < 0.8 * whole.n_events_to_decision.sum()
    assert pruned.n_causal_events.sum() > 0.8 * whole.n_causal_events.sum()


def test_weights_that_a_substrate_rounds_to_0_are_no_synapses():
    chip = AnalogChip(weight_bits=4, weight_clip=2.0)
    clf, X = fitted(arithmetic="float64", substrate=chip)
    rounded = [np.count_nonzero(w == 0) for w in clf.coefs_]
    assert rounded == [0, 0, 0]
    activity = clf.activity(X)
    steps = [chip.weight_step(k) for k in range(3)]
    clf.coefs_ = [np.rint(w / s) * s for w, s in zip(clf.coefs_, steps, strict=True)]
    assert sum(np.count_nonzero(w == 0) for w in clf.coefs_) > 5
    as_rounded = assert_counts(clf, X, as_pairs(clf.spike_times(X)[0]))
    assert_array_equal(activity.n_events_to_decision, as_rounded.n_events_to_decision)


def test_spikes_at_the_decision_count_and_arrivals_do_not():
    # Without leak output 0 fires on the input at 0 alone, at ln 2; output 1 needs the
    # input at 1.
    X = SpikeTrains([0, 0, 1, 1], [0, 1, 0, 1], [0.0, 1.0, 0.0, 1.0], (2, 2))
    clf = TTFSClassifier((), arithmetic="float64", tau_mem=np.inf, read_out=None)
    clf.set_params(t_max=3.0, max_iter=1, random_state=0).fit(X, [0, 1])
    n_bias = len(clf.bias_times_[0])
    clf.coefs_ = [np.vstack([[[2.0, 0.5], [1.0, 1.0]], np.zeros((n_bias, 2))])]
    activity = clf.activity(X)
    assert_allclose(activity.decision_times, np.log(2))
    assert_array_equal(activity.n_spikes_to_decision, [[1, 1], [1, 1]])
    # The first input reaches both outputs; nothing else comes before the decision.
    assert_array_equal(activity.n_events_to_decision, [[2], [2]])
    # Output 0 has its decision, but output 1 goes on.
    assert_array_equal(activity.n_causal_events, [[3 + 2 * n_bias - 1]] * 2)


@pytest.mark.parametrize("delays", ["axonal", "synaptic"])
def test_delayed_spikes_count_when_they_arrive(delays):
    clf, X = fitted(arithmetic="float64", delays=delays)
    without = clf.activity(X)
    rng = np.random.RandomState(1)
    clf.delays_ = [rng.uniform(0, 3.0, d.shape) for d in clf.delays_]
    activity = assert_counts(clf, X, as_pairs(clf.spike_times(X)[0]))
    assert activity.n_events[:, 0].sum() < without.n_events[:, 0].sum()


def test_every_spike_of_a_channel_counts():
    rng = np.random.RandomState(0)
    n, shape = 200, (30, 4)
    samples, channels = rng.randint(30, size=n), rng.randint(4, size=n)
    samples[samples == 3] = 4  # has no spikes
    times = rng.uniform(5, 6, n)
    times[:5] = np.inf
    X = SpikeTrains(samples, channels, times, shape)
    y = np.arange(30) % 2
    clf = TTFSClassifier((8,), arithmetic="float64", max_iter=2, random_state=0)
    clf.fit(X, y)
    begin = times.min()
    spikes = [[] for _ in range(30)]
    for i, c, t in zip(*X.events(), strict=True):
        spikes[i].append((c, t - begin))
    activity = assert_counts(clf, X, spikes, begin)
    assert activity.n_spikes[3, 0] == 0
    assert activity.n_spikes[:, 0].sum() == n - 5
    # Those of the read-out are biases of the output layer.
    assert_array_equal(activity.n_bias_spikes[:, 0], 1)
    n_read_out = clf.network_.layers[-1].n_fixed
    assert n_read_out > 0
    assert_array_equal(activity.n_bias_spikes[:, 1], 1 + n_read_out)
    clf.set_params(read_out=None).fit(X, y)
    activity = assert_counts(clf, X, spikes, begin)
    assert_array_equal(activity.n_bias_spikes, 1)


@pytest.mark.parametrize("gradient", ["exact", "local"])
def test_events_of_integers_are_those_of_the_cost_sheet(gradient):
    clf, X = fitted(arithmetic="fixed", gradient=gradient)
    activity, sheet = clf.activity(X), export.cost_sheet(clf, X)
    n_causal = activity.n_causal_events.sum(axis=1)
    assert n_causal.max() == sheet.inference_max["synaptic events"]
    assert_allclose(n_causal.mean(), sheet.inference["synaptic events"])
    n_inputs = activity.n_spikes[:, :-1].sum(axis=1) + activity.n_bias_spikes.sum(
        axis=1
    )
    assert_allclose(n_inputs.mean(), sheet.inference["input spikes"])


def test_spikes_of_a_substrate_are_counted():
    clf, X = fitted(arithmetic="float64")
    ideal = clf.activity(X)
    clf.set_params(substrate=Ideal())
    for name in ("n_spikes", "n_bias_spikes", "n_events", "n_causal_events"):
        assert_array_equal(getattr(clf.activity(X), name), getattr(ideal, name))
    clf.set_params(substrate=AnalogChip(threshold_offset=0.3, dead_neurons=0.2))
    activity = assert_counts(clf, X, as_pairs(clf.spike_times(X)[0]))
    assert activity.n_spikes[:, 1].sum() < ideal.n_spikes[:, 1].sum()


def test_blocks_of_samples_do_not_matter():
    clf, _ = fitted()
    X, _ = make_yin_yang(1500, random_state=3)
    whole, part = clf.activity(X), clf.activity(X[1100:1110])
    names = ("n_spikes", "n_events", "n_causal_events", "decision_times")
    for name in (*names, "n_spikes_to_decision", "n_events_to_decision"):
        assert_array_equal(getattr(whole, name)[1100:1110], getattr(part, name))


@pytest.mark.parametrize("arithmetic", ["float32", "fixed"])
def test_silent_network(arithmetic):
    clf, X = fitted(arithmetic=arithmetic, read_out=None)
    clf.coefs_ = [np.minimum(weights, 0) for weights in clf.coefs_]
    activity = clf.activity(X, "brainscales2")
    assert activity.is_undecided.all()
    assert_array_equal(activity.n_spikes[:, 1:], 0)
    assert_array_equal(activity.decision_times, clf.t_max_)
    # A silent neuron takes all that comes; other layers have their biases alone.
    assert_array_equal(activity.n_events, activity.n_causal_events)
    assert_array_equal(activity.n_events[:, 1:], np.tile([7, 3], (len(X), 1)))
    assert_allclose(activity.latency, 6e-6 * clf.t_max_)
    assert "100 % without an output spike" in str(activity)


def test_bad_input():
    clf, X = fitted()
    with pytest.raises(ValueError, match="0 sample"):
        clf.activity(X[:0])
    with pytest.raises(
        ValueError, match="unknown cost_model 'abacus': choose from bra"
    ):
        clf.activity(X, "abacus")
    with pytest.raises(TypeError, match="the name of one, or None; got float"):
        clf.activity(X, 1e-12)


@pytest.mark.parametrize("kind", [{}, {"arithmetic": "fixed"}], ids=str)
def test_what_the_read_out_decides_is_counted(kind):
    X, y = make_yin_yang(300, random_state=0)
    clf = TTFSClassifier((20,), max_iter=20, weight_decay=0.1, random_state=0, **kind)
    first = clf.fit(X, y).spike_times(X)[-1].min(axis=1)
    is_late = clf.activity(X).is_read_out
    assert_array_equal(is_late, np.isfinite(first) & (first > clf.read_out_))
    assert 0 < is_late.mean() < 1
    clf.set_params(read_out=None).fit(X, y)
    assert not clf.activity(X).is_read_out.any()
