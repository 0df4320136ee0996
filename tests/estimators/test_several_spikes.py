"""Estimators whose neurons fire several times: what they measure, take and refuse."""

import copy
import tracemalloc
import warnings

import numpy as np
import pytest
from classifiers import assert_same_weights
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits

import ttfs
from ttfs import SpikeTrains, TTFSClassifier
from ttfs.datasets import make_yin_yang
from ttfs.export import cost_sheet, estimate, to_c, tune

X, y = make_yin_yang(120, random_state=0)
READ_OUTS = ("peak", "mean", "count", None)


def quick(**parameters):
    """A small classifier of several spikes."""
    defaults = {"max_spikes": 3, "max_iter": 3, "random_state": 0, "t_max": 4.0}
    return TTFSClassifier((12, 8), **(defaults | parameters))


def rhythms(n_samples=60, n_channels=6):
    """Spike trains of unequal lengths; the first sample has no spike."""
    rng = np.random.RandomState(0)
    n_spikes = rng.randint(5, 40, n_samples)
    n_spikes[0] = 0
    samples = np.repeat(np.arange(n_samples), n_spikes)
    labels = np.arange(n_samples) % 2
    times = rng.uniform(0, 3, len(samples)) + labels[samples]
    channels = rng.randint(0, n_channels, len(samples))
    return SpikeTrains(samples, channels, times, shape=(n_samples, n_channels)), labels


# --------------------------------------------------------------------------- learning


@pytest.mark.parametrize(
    "read_out", [pytest.param("mean", marks=pytest.mark.slow), None]
)
def test_sparsity_saves_spikes_and_events(read_out):
    trains, labels = rhythms(60)
    spikes, events, scores = [], [], []
    for sparsity in (0.0, 0.9):
        clf = TTFSClassifier(
            (20,), max_spikes=5, read_out=read_out, max_iter=40, t_max=5.0,
            sparsity=sparsity, random_state=0,
        ).fit(trains, labels)  # fmt: skip
        activity = clf.activity(trains)
        spikes.append(activity.n_spikes_to_decision[:, 1].mean())
        events.append(activity.n_events_to_decision.sum(axis=1).mean())
        scores.append(clf.score(trains, labels))
    assert spikes[1] < 0.8 * spikes[0]
    assert events[1] < 0.3 * events[0]
    assert min(scores) > 0.75


def test_a_small_network_learns_to_count():
    """Some outputs fire in no sample at first: they learn by their peaks."""
    points, labels = make_yin_yang(600, random_state=0)
    clf = TTFSClassifier(
        (8,), max_spikes=3, read_out="count", max_iter=10, random_state=2
    ).fit(points, labels)
    assert clf.score(points, labels) > 0.5  # 0.32 if silent outputs do not learn


def test_silent_outputs_score_by_their_peaks_below_those_that_fire():
    clf = quick(read_out="count", arithmetic="float64", time_scale=1.0).fit(X, y)
    *_, hidden, fired = clf.spike_times(X)
    scores = clf.decision_function(X)
    is_silent = np.isinf(fired[:, :, 0])
    assert is_silent.any()
    layer = clf.network_.layers[-1]
    biases = np.broadcast_to(layer.bias_times, (len(X), len(layer.bias_times)))
    inputs = np.concatenate([hidden.reshape(len(X), -1), biases], axis=1)
    weights = np.concatenate([np.repeat(layer.weights[:8], 3, 0), layer.weights[8:]])
    grid = np.linspace(0, clf.t_max_, 4001)
    for s, j in zip(*np.nonzero(is_silent), strict=True):
        at = np.concatenate([grid, inputs[s][inputs[s] < clf.t_max_]])  # kinks too
        since = np.maximum(at[:, np.newaxis] - inputs[s], 0)
        u = layer.neuron.kappa(since) @ weights[:, j]
        assert_allclose(scores[s, j], u.max() / layer.neuron.threshold - 1, atol=1e-4)
    left = np.where(np.isinf(fired), 0, 1 - fired / clf.t_max_).sum(axis=2)
    assert_allclose(scores[~is_silent], left[~is_silent], rtol=1e-9)


# ------------------------------------------------------------------ spikes and energy


@pytest.mark.parametrize("read_out", READ_OUTS)
def test_spike_times_have_an_axis_of_spikes(read_out):
    clf = quick(read_out=read_out).fit(X, y)
    channels, first, second, output = clf.spike_times(X)
    assert channels.shape == (120, clf.n_channels_in_)
    assert first.shape == (120, 12, 3)
    assert second.shape == (120, 8, 3)
    assert output.shape == (120, 3, 3)
    with np.errstate(invalid="ignore"):
        assert not (np.diff(first, axis=2) < 0).any()
    assert np.isfinite(first[:, :, 1]).any()
    if read_out in ("peak", "mean"):
        assert np.isinf(output).all()
    elif read_out is None:
        assert np.isinf(output[:, :, 1:]).all()
        assert np.isfinite(output[:, :, 0]).any()
    else:
        assert np.isfinite(output[:, :, 1]).any()


def test_one_spike_with_a_membrane_read_out_keeps_the_shapes_of_one_spike():
    clf = quick(max_spikes=1, read_out="mean").fit(X, y)
    assert [times.shape for times in clf.spike_times(X)[1:]] == [
        (120, 12),
        (120, 8),
        (120, 3),
    ]


def test_the_layers_of_spike_times_are_those_of_spike_trains():
    """The whole network, layer by layer with the public function."""
    clf = quick(arithmetic="float64", read_out="count", refractory=0.1).fit(X, y)
    fired = clf.spike_times(X)
    spikes, t_max = clf.encode(X), clf.t_max_
    n_biases = [len(times) for times in clf.bias_times_]
    inputs = np.full((len(X), clf.n_channels_in_ + n_biases[0], 1), np.inf)
    for i in range(len(X)):
        mine = slice(int(spikes.begin[i]), int(spikes.end[i]))
        inputs[i, spikes.inputs[mine], 0] = spikes.times[mine]
    for k, layer in enumerate(clf.network_.layers):
        expected = ttfs.spike_trains(
            inputs, layer.weights, layer.neuron, max_spikes=3, refractory=0.1,
            t_max=t_max,
        )  # fmt: skip
        assert_allclose(fired[k + 1], expected, rtol=0, atol=1e-12)
        if k + 1 == len(clf.network_.layers):
            break
        biases = np.full((len(X), n_biases[k + 1], 3), np.inf)
        biases[:, :, 0] = clf.bias_times_[k + 1]
        inputs = np.concatenate([fired[k + 1], biases], axis=1)


@pytest.mark.parametrize("read_out", READ_OUTS)
def test_activity_counts_every_spike(read_out):
    clf = quick(read_out=read_out, delays="axonal").fit(X, y)
    for weights in clf.coefs_:
        weights[::3, ::2] = 0  # synapses that do not exist
    fired = clf.spike_times(X)
    activity = clf.activity(X, "brainscales2")
    t_max, n_layers = clf.t_max_, len(clf.coefs_)
    end = np.full(len(X), t_max)
    if read_out is None:
        end = np.minimum(fired[-1].min(axis=(1, 2)), t_max)
    spikes = clf.encode(X)
    for k in range(1, n_layers + 1):
        assert_array_equal(
            activity.n_spikes[:, k], np.isfinite(fired[k]).sum(axis=(1, 2))
        )
        until = fired[k] <= np.where(end < t_max, end, np.inf)[:, None, None]
        assert_array_equal(
            activity.n_spikes_to_decision[:, k],
            (until & np.isfinite(fired[k])).sum(axis=(1, 2)),
        )
    for i in range(0, len(X), 17):
        mine = slice(int(spikes.begin[i]), int(spikes.end[i]))
        sent = list(zip(spikes.inputs[mine], spikes.times[mine], strict=True))
        for k, layer in enumerate(clf.network_.layers):
            if k > 0:
                sent = [
                    (j, t) for j in range(fired[k].shape[1]) for t in fired[k][i, j]
                ]
                sent += [
                    (fired[k].shape[1] + b, t) for b, t in enumerate(layer.bias_times)
                ]
            n_all, n_until, n_causal = 0, 0, 0
            for row, t in sent:
                arrival = np.float32(t) + layer.delays[row]
                if arrival < t_max:
                    n_all += layer.n_out
                    n_causal += (arrival < fired[k + 1][i, :, -1]).sum()
                if arrival < end[i]:
                    n_until += np.count_nonzero(layer.weights[row])
            assert activity.n_events[i, k] == n_all
            assert activity.n_events_to_decision[i, k] == n_until
            assert activity.n_causal_events[i, k] == n_causal
    assert_allclose(activity.decision_times, end, rtol=1e-6)
    if read_out is not None:
        assert not activity.is_undecided.any()
    assert not activity.is_read_out.any()
    assert np.all(activity.energy > 0)
    assert "hidden 2" in str(activity)


def test_more_spikes_cost_more_events():
    few = quick(max_spikes=1, read_out="peak").fit(X, y)
    many = quick(max_spikes=8, read_out="peak").fit(X, y)
    many.coefs_ = few.coefs_
    one, several = few.activity(X), many.activity(X)
    assert np.all(several.n_spikes >= one.n_spikes)
    assert several.n_events_to_decision.sum() > one.n_events_to_decision.sum()


@pytest.mark.parametrize("read_out", ["peak", "count"])
def test_spikes_that_are_allowed_and_do_not_fire_change_and_cost_nothing(read_out):
    trains, labels = rhythms(40)
    fits = []
    for max_spikes in (60, 30_000):
        clf = quick(max_spikes=max_spikes, read_out=read_out)
        tracemalloc.start()
        clf.fit(trains, labels).predict(trains)
        activity = clf.activity(trains)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        fits.append((clf, activity))
    (few, of_few), (many, of_many) = fits
    n_spikes = np.isfinite(few.spike_times(trains)[1]).sum(axis=2)
    assert 1 < n_spikes.max() < 60
    assert_same_weights(few, many)
    assert_array_equal(few.predict_proba(trains), many.predict_proba(trains))
    assert_array_equal(of_few.n_spikes, of_many.n_spikes)
    assert_array_equal(of_few.n_events_to_decision, of_many.n_events_to_decision)
    assert peak < 0.1 * (40 * 12 * 30_000 * 4)  # one array with all that is allowed
    assert many.spike_times(trains[:1])[1].shape == (1, 12, 30_000)


@pytest.mark.parametrize("read_out", ["count", None])
def test_the_bits_of_a_sample_do_not_depend_on_how_often_others_fire(read_out):
    trains, labels = rhythms()
    clf = quick(max_spikes=20, read_out=read_out, max_iter=5).fit(trains, labels)
    n_spikes = np.isfinite(np.concatenate(clf.spike_times(trains)[1:], axis=1)).sum(2)
    assert np.ptp(n_spikes.max(axis=1)) > 8
    together = clf.predict_proba(trains)
    for k in range(8):
        assert_array_equal(clf.predict_proba(trains[k : k + 1])[0], together[k])


def test_first_spikes_that_decide_have_a_score_and_curves():
    clf = quick(read_out=None, max_iter=20).fit(X, y)
    first = clf.spike_times(X)[-1][:, :, 0]
    is_right = (first.argmin(axis=1) == y) & np.isfinite(first).any(axis=1)
    assert clf.first_spike_score(X, y) == is_right.mean() > 0.1
    curves = clf.anytime(X, y)
    activity = clf.activity(X)
    assert_allclose(curves.accuracy[-1], is_right.mean())
    assert_allclose(
        curves.n_spikes[-1], activity.n_spikes_to_decision[:, 1:].sum(axis=1).mean()
    )
    assert_allclose(
        curves.n_events[-1], activity.n_events_to_decision.sum(axis=1).mean()
    )
    # Decisions are times, as without several spikes.
    scores = -clf.time_scale_ * clf.decision_function(X)
    fired = np.isfinite(first)
    assert_allclose(scores[fired], first[fired], rtol=1e-6)
    assert scores[~fired].min(initial=np.inf) > clf.t_max_


@pytest.mark.parametrize("read_out", ["auto", "mean", "count"])
def test_first_spikes_that_do_not_decide_have_no_score(read_out):
    clf = quick(read_out=read_out).fit(X, y)
    for method in (clf.anytime, clf.first_spike_score):
        with pytest.raises(ValueError, match="decides at the end of the experiment"):
            method(X, y)


# ----------------------------------------------------------------------- what is taken


@pytest.mark.parametrize("read_out", READ_OUTS)
def test_spike_trains_of_unequal_lengths(read_out):
    trains, labels = rhythms()
    clf = quick(read_out=read_out, t_max=5.0, max_iter=25).fit(trains, labels)
    assert clf.score(trains, labels) > 0.6
    p = clf.predict_proba(trains)
    assert np.isfinite(p).all()
    alone = clf.predict_proba(trains[:1])  # the sample without a spike
    assert_allclose(alone, p[:1], rtol=1e-5)
    assert clf.activity(trains).n_spikes[0, 0] == 0


def test_both_precisions():
    single, double = quick().fit(X, y), quick(arithmetic="float64").fit(X, y)
    assert single.coefs_[0].dtype == np.float32
    assert double.coefs_[0].dtype == np.float64
    assert double.spike_times(X)[1].dtype == np.float64
    double.coefs_ = [w.astype(np.float64) for w in single.coefs_]
    ours, theirs = single.decision_function(X), double.decision_function(X)
    # A spike that one precision has and the other has not is rare.
    assert np.mean(np.abs(ours - theirs) < 1e-3) > 0.95


def test_partial_fit_does_not_change_what_was_given_away():
    clf = quick().partial_fit(X, y, classes=[0, 1, 2])
    network, before = clf.network_, copy.deepcopy(clf.coefs_)
    other = copy.deepcopy(clf)
    clf.partial_fit(X, y)
    for a, b in zip(network.weights, before, strict=True):
        assert_array_equal(a, b)
    other.partial_fit(X, y)
    assert_same_weights(other, clf)


@pytest.mark.parametrize("read_out", ["mean", None])
def test_bits_do_not_depend_on_threads(read_out, monkeypatch):
    """With networks and batches so large that threads share them."""
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    rng = np.random.RandomState(0)
    many, labels = rng.uniform(size=(160, 60)), rng.randint(0, 5, 160)
    fits = []
    for n_threads in (1, 2, 4):
        clf = TTFSClassifier(
            (100, 60), max_spikes=3, read_out=read_out, max_iter=1, batch_size=80,
            random_state=0,
        )  # fmt: skip
        with threadpool_limits(n_threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fits.append(clf.fit(many, labels))
    for other in fits[1:]:
        for a, b in zip(fits[0].coefs_, other.coefs_, strict=True):
            assert_array_equal(a, b)


# -------------------------------------------------------------------- what is refused


def test_exports_refuse_several_spikes():
    clf = quick().fit(X, y)
    for export in (
        lambda: to_c(clf, "unused"),
        lambda: cost_sheet(clf, X),
        lambda: estimate(clf, X),
    ):
        with pytest.raises(ValueError, match="max_spikes=3 cannot be exported"):
            export()


def test_tuning_refuses_several_spikes():
    with pytest.raises(ValueError, match="max_spikes=3 is not supported with arith"):
        tune(quick(arithmetic="fixed"), X, y)


def test_a_fitted_network_refuses_a_substrate():
    clf = quick().fit(X, y).set_params(substrate=ttfs.substrates.Ideal())
    for method in (clf.predict, clf.spike_times, clf.activity, clf.calibrate):
        with pytest.raises(ValueError, match="not supported with a substrate"):
            method(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_spikes": 0}, "'max_spikes' parameter"),
        ({"max_spikes": 2.5}, "'max_spikes' parameter"),
        ({"refractory": -1.0}, "'refractory' parameter"),
        ({"refractory": np.inf}, "'refractory' parameter|refractory must be finite"),
        ({"read_out": "spikes"}, "'read_out' parameter"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        quick(**parameters).fit(X, y)
