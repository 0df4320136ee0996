"""Counts of spikes and events against slow loops, and what they cost."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from ttfs import SpikeTrains, TTFSClassifier, export
from ttfs.datasets import make_yin_yang
from ttfs.energy import COST_MODELS, Activity, CostModel
from ttfs.parameters import FixedPoint
from ttfs.substrates import AnalogChip, Ideal


def fitted(hidden=(12, 7), **parameters):
    X, y = make_yin_yang(90, random_state=0)
    clf = TTFSClassifier(hidden, max_iter=2, random_state=0, **parameters)
    return clf.fit(X, y), X[:20]


def slow_counts(clf, spikes, layers, t_max):
    """Counts by sample and layer: events, causal ones, and spikes of biases.

    `spikes` are lists of (channel, time) of each sample, and `layers` the spike times
    of neurons.
    """
    shape = len(spikes), len(layers)
    n_events, n_causal, n_biases = np.zeros((3, *shape), int)
    for i in range(shape[0]):
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
            inputs = list(enumerate(fired[i]))
    return n_events, n_causal, n_biases


def assert_counts(clf, X, spikes, begin=0.0):
    """The activity on X equals that of a loop over its spikes, lists of pairs."""
    activity = clf.activity(X)
    layers = [times - begin for times in clf.spike_times(X)[1:]]
    t_max = clf.t_max_
    n_events, n_causal, n_biases = slow_counts(clf, spikes, layers, t_max)
    assert_array_equal(activity.n_events, n_events)
    assert_array_equal(activity.n_causal_events, n_causal)
    assert_array_equal(activity.n_bias_spikes, n_biases)
    n_inputs = [sum(time < t_max for _, time in sample) for sample in spikes]
    assert_array_equal(activity.n_spikes[:, 0], n_inputs)
    for k, fired in enumerate(layers):
        assert_array_equal(activity.n_spikes[:, k + 1], np.isfinite(fired).sum(axis=1))
    assert_array_equal(activity.is_undecided, np.isinf(layers[-1]).all(axis=1))
    assert_allclose(
        activity.decision_times, layers[-1].min(axis=1).clip(max=t_max), rtol=1e-12
    )
    return activity


def as_pairs(times):
    """Spikes (channel, time) of each row of spike times."""
    return [[(c, t) for c, t in enumerate(row) if np.isfinite(t)] for row in times]


# ----------------------------------------------------------------------------- counts


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


def test_sparse_data_have_the_same_activity_as_dense():
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(60, 10)) * (rng.uniform(size=(60, 10)) < 0.3)
    clf = TTFSClassifier((9,), max_iter=2, random_state=0).fit(X, np.arange(60) % 3)
    dense, sparse = clf.activity(X), clf.activity(csr_array(X))
    assert_array_equal(dense.n_spikes, sparse.n_spikes)
    assert_array_equal(dense.n_causal_events, sparse.n_causal_events)
    assert_array_equal(dense.n_spikes[:, 0], np.count_nonzero(X, axis=1))


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
    for name in ("n_spikes", "n_events", "n_causal_events", "decision_times"):
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


# ------------------------------------------------------------------------------- cost


def activity_of(sizes=(4, 5, 2), n_samples=3, **changes):
    n_layers = len(sizes) - 1
    rng = np.random.RandomState(0)
    n_events = rng.randint(50, 90, (n_samples, n_layers))
    counts = {
        "n_spikes": rng.randint(1, 4, (n_samples, n_layers + 1)),
        "n_bias_spikes": np.ones((n_samples, n_layers), int),
        "n_events": n_events,
        "n_causal_events": n_events - 20,
        "decision_times": np.array([1.0, 3.0, 6.0])[:n_samples],
        "is_undecided": np.array([False, False, True])[:n_samples],
        "is_read_out": np.array([False, True, False])[:n_samples],
        "t_max": 6.0,
        "tau_syn": 2.0,
    }
    return Activity(sizes, **(counts | changes))


def test_energy_is_the_sum_of_its_parts():
    activity = activity_of()
    n_events = activity.n_events.sum(axis=1)
    n_spikes = activity.n_spikes.sum(axis=1) + 2
    assert_allclose(CostModel("a", event_energy=3.0).energy(activity), 3 * n_events)
    causal = CostModel("a", event_energy=3.0, is_causal=True)
    assert_allclose(causal.energy(activity), 3 * (n_events - 40))
    assert_allclose(CostModel("a", spike_energy=2.0).energy(activity), 2 * n_spikes)
    assert_allclose(CostModel("a", inference_energy=2.0).energy(activity), 2)
    # 7 neurons, 8 steps of each of 3 tau_syn
    clocked = CostModel("a", update_energy=0.5, steps=8)
    assert_allclose(clocked.energy(activity), 0.5 * 7 * 24)
    # 3 tau_syn of 10 s
    powered = CostModel("a", power=0.1, tau_syn=10.0)
    assert_allclose(powered.energy(activity), 3.0)
    parts = dict(
        event_energy=3.0,
        spike_energy=2.0,
        inference_energy=2.0,
        update_energy=0.5,
        steps=8,
        power=0.1,
        tau_syn=10.0,
    )
    assert_allclose(
        CostModel("all", **parts).energy(activity),
        3 * n_events + 2 * n_spikes + 2 + 84 + 3,
    )


def test_latency_and_duration():
    activity = activity_of()
    model = CostModel("a", tau_syn=10.0, fixed_latency=1.0)
    assert_allclose(model.latency(activity), [6, 16, 31])
    assert_allclose(model.duration(activity), 31)
    early = replace(model, stops_early=True, min_duration=12.0, power=2.0)
    assert_allclose(early.duration(activity), [12, 16, 31])
    assert_allclose(early.energy(activity), [24, 32, 62])
    noisy = activity_of(decision_times=np.array([-1.0, 0.0, 6.0]))
    assert_allclose(model.latency(noisy), [1, 1, 31])
    hasty = CostModel("a", tau_syn=10.0, power=2.0, stops_early=True)
    assert_allclose(hasty.energy(noisy), [0, 0, 60])
    hasty = CostModel("a", update_energy=0.5, steps=8, stops_early=True)
    assert_allclose(hasty.energy(noisy), [0, 0, 84])
    timeless = CostModel("a", min_duration=2.0, power=0.5)
    assert np.isnan(timeless.latency(activity)).all()
    assert_allclose(timeless.energy(activity), 1.0)
    assert np.isnan(CostModel("a").duration(activity)).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"event_energy": -1.0}, "event_energy must be a finite number.*got -1.0"),
        ({"tau_syn": np.inf}, "tau_syn must be a finite"),
        ({"spike_energy": None}, "spike_energy must be a finite"),
        ({"power": "1 W"}, "power must be a finite number, not negative; got '1 W'"),
        ({"power": 1.0}, "power=1 needs a time"),
        ({"update_energy": 1.0}, "update_energy=1 needs steps"),
    ],
    ids=str,
)
def test_bad_cost_models(parameters, message):
    with pytest.raises(ValueError, match=message):
        CostModel("bad", **parameters)


def test_published_rate_and_energy_of_brainscales2():
    """The model has power and time alone: 20,800 images per second at 8.4 µJ."""
    model = COST_MODELS["brainscales2"]
    activity = activity_of((256, 246, 10), t_max=2.0, tau_syn=1.0)
    assert_allclose(model.energy(activity), 8.4e-6, rtol=1e-9)
    assert_allclose(1 / model.duration(activity), 20_800)
    # A long experiment takes longer: 10 tau_syn of 6 µs.
    slow = activity_of((256, 246, 10), t_max=10.0, tau_syn=1.0)
    assert_allclose(model.energy(slow), 8.4e-6 * 20_800 * 60e-6)


@pytest.mark.parametrize("name", COST_MODELS)
def test_presets_have_a_source_and_give_an_energy(name):
    model = COST_MODELS[name]
    assert model.name == name
    assert "(20" in model.source
    activity = activity_of(cost_model=model)
    assert (activity.energy > 0).all()
    assert name in str(activity)


def test_summary_and_table():
    activity = activity_of(cost_model=COST_MODELS["cmos45-float32"])
    means = activity.summary()
    assert means["hidden spikes"] == activity.n_spikes[:, 1].mean()
    assert means["dense events"] == 4 * 5 + 5 * 2
    assert_allclose(means["decision time"], 10 / 3 / 2)
    assert_allclose(means["undecided"], 1 / 3)
    assert_allclose(means["decided by the read-out"], 1 / 3)
    assert "33.3 % by the read-out, 33.3 % without an output spike" in str(activity)
    assert_allclose(means["energy"], 0.9e-12 * means["causal events"])
    assert_allclose(activity.dense_energy, 30 * 4.6e-12)
    lines = str(activity).splitlines()
    assert lines[0] == "network 4-5-2, 3 samples, means (until: until the decision)"
    assert [line.split()[0] for line in lines[2:5]] == ["input", "hidden", "output"]
    assert lines[-1].endswith("dense: 138 pJ")
    assert replace(activity, cost_model=None).energy is None
    assert "energy" not in replace(activity, cost_model=None).summary()


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
