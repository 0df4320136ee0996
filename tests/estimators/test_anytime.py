"""Accuracy, spikes and events by the moment at which one stops, against slow loops."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ttfs import SpikeTrains, TTFSClassifier
from ttfs.datasets import make_yin_yang
from ttfs.energy import Anytime
from ttfs.substrates import AnalogChip


def fitted(**parameters):
    X, y = make_yin_yang(120, random_state=0)
    clf = TTFSClassifier((12, 7), max_iter=4, random_state=0, **parameters)
    return clf.fit(X, y), X[:20], y[:20]


def slow_curves(clf, X, y, moments):
    """Shares of samples right and decided, spikes and events, of each moment."""
    channels, *layers = clf.spike_times(X)
    labels, t_max = clf.predict(X), clf.t_max_
    curves = np.zeros((len(moments), 4))
    for m, moment in enumerate(moments):
        for i in range(len(X)):
            first = layers[-1][i].min()
            if first < t_max and first <= moment:
                curves[m, 0] += labels[i] == y[i]
                curves[m, 1] += 1
            inputs = channels[i]
            for k, fired in enumerate(layers):
                last = min(first, t_max)
                curves[m, 2] += sum(
                    t < t_max and t <= min(moment, first) for t in fired[i]
                )
                sent = [*inputs, *clf.bias_times_[k]]
                for c, j in np.ndindex(*clf.coefs_[k].shape):
                    delay = 0.0
                    if clf.delays == "axonal":
                        delay = clf.delays_[k][c]
                    elif clf.delays == "synaptic":
                        delay = clf.delays_[k][c, j]
                    at = sent[c] + delay
                    is_event = at <= moment and at < min(last, fired[i, j])
                    curves[m, 3] += is_event and clf.coefs_[k][c, j] != 0
                inputs = fired[i]
    return (curves / len(X)).T


@pytest.mark.parametrize(
    "parameters",
    [
        {"arithmetic": "float64"},
        {"arithmetic": "float64", "t_max": 1.6, "read_out": None},  # some undecided
        {"arithmetic": "float64", "delays": "axonal"},
        {"arithmetic": "float64", "delays": "synaptic"},
        {"arithmetic": "fixed"},
        {"arithmetic": "fixed", "gradient": "local"},
        {"arithmetic": "float64", "gradient": "local"},
        {"arithmetic": "float64", "substrate": AnalogChip(threshold_offset=0.2)},
    ],
    ids=str,
)
def test_curves_equal_those_of_a_slow_loop(parameters):
    clf, X, y = fitted(**parameters)
    clf.coefs_ = [np.where(abs(w) < np.median(abs(w)) / 2, 0, w) for w in clf.coefs_]
    # Moments at which something happens are among them.
    first = np.unique(clf.spike_times(X)[-1].min(axis=1))[:20:5]
    moments = np.union1d(np.linspace(-0.5, clf.t_max_, 6), first)
    curve = clf.anytime(X, y, times=moments[moments <= clf.t_max_])
    assert curve.unit == "time"
    expected = slow_curves(clf, X, y, curve.times)
    for name, values in zip(
        ("accuracy", "decided", "n_spikes", "n_events"), expected, strict=True
    ):
        assert_allclose(getattr(curve, name), values, rtol=1e-12, err_msg=name)
    assert 0 < curve.decided[-1]


@pytest.mark.parametrize(
    "parameters", [{"read_out": None}, {"arithmetic": "fixed"}], ids=str
)
def test_the_last_moment_is_what_the_others_measure(parameters):
    clf, _, _ = fitted(**parameters)
    X, y = make_yin_yang(1100, random_state=1)  # in two blocks
    curve, activity = clf.anytime(X, y), clf.activity(X)
    assert len(curve.times) == 50
    assert_allclose(curve.times[[0, -1]], [clf.t_max_ / 50, clf.t_max_])
    assert curve.accuracy[-1] == pytest.approx(clf.first_spike_score(X, y), rel=1e-12)
    assert_allclose(curve.decided[-1], 1 - activity.is_undecided.mean())
    n_spikes = activity.n_spikes_to_decision[:, 1:].sum(axis=1)
    assert_allclose(curve.n_spikes[-1], n_spikes.mean())
    n_events = activity.n_events_to_decision.sum(axis=1)
    assert_allclose(curve.n_events[-1], n_events.mean())
    for name in ("accuracy", "decided", "n_spikes", "n_events"):
        assert (np.diff(getattr(curve, name)) >= 0).all()
    assert (curve.accuracy <= curve.decided).all()


def test_several_spikes_of_a_channel_and_names_of_classes():
    rng = np.random.RandomState(0)
    samples, channels = rng.randint(30, size=200), rng.randint(4, size=200)
    X = SpikeTrains(samples, channels, rng.uniform(5, 6, 200), (30, 4))
    y = np.array(["a", "b"])[np.arange(30) % 2]
    clf = TTFSClassifier((8,), max_iter=2, random_state=0).fit(X, y)
    curve, activity = clf.anytime(X, y, [0.2, clf.t_max_]), clf.activity(X)
    assert_allclose(curve.n_events[1], activity.n_events_to_decision.sum() / 30)
    assert 0 < curve.n_events[0] < curve.n_events[1]
    assert curve.accuracy[1] == clf.first_spike_score(X, y)


def test_summary_and_table():
    curve = Anytime(*np.array([[1, 2], [0, 0.5], [0, 1], [3, 4], [5, 6]]), unit="step")
    assert curve.summary() == {
        "step": [1, 2],
        "accuracy": [0, 0.5],
        "decided": [0, 1],
        "spikes": [3, 4],
        "events": [5, 6],
    }
    head, *rows = str(curve).splitlines()
    assert head.split() == list(curve.summary())
    assert rows[1].split() == ["2", "0.5000", "1.0000", "4.0", "6.0"]


def test_bad_input():
    clf, X, y = fitted()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.anytime(X, y[1:])
    for times in ([1.0, 1.0], [1.0, 0.5], np.array([2, 1], np.uint8)):
        with pytest.raises(ValueError, match="times must increase; got"):
            clf.anytime(X, y, times=times)
    for times in ([], [[0.5]], 0.5, [np.nan], [np.inf], ["a"]):
        with pytest.raises(ValueError, match="times must be one or more finite num"):
            clf.anytime(X, y, times=times)
    with pytest.raises(ValueError, match=r"times and decided .* got \(2,\) and \(1,\)"):
        Anytime(np.arange(2), np.ones(2), np.ones(1), np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="times must increase"):
        Anytime(*np.ones((5, 2)))
    with pytest.raises(ValueError, match="unit must be 'time' or 'step', got 'ms'"):
        Anytime(*np.ones((5, 1)), unit="ms")
