"""The read-out: a first spike decides every sample."""

import pickle

import numpy as np
import pytest
from classifiers import small
from kinds import ACCUMULATORS, EXACT, FLOAT_LOCAL, LOCAL, parametrize
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from ttfs import SpikeTrains, TTFSClassifier, TTFSRegressor
from ttfs.datasets import make_yin_yang
from ttfs.parameters import CrossEntropy, SquaredError
from ttfs.substrates import AnalogChip, Clocked, Ideal

DATA = {
    "iris": load_iris(return_X_y=True),
    "wine": load_wine(return_X_y=True),
    "yin-yang": make_yin_yang(400, random_state=0),
}
CHIP = AnalogChip.preset("delgrad")
ENGINES = {
    "float32": {},
    "float64": {"arithmetic": "float64"},
    "local": FLOAT_LOCAL,
    "axonal": {"delays": "axonal"},
    "synaptic": {"delays": "synaptic"},
    "fixed": EXACT,
    "fixed, local": LOCAL,
    "accumulators": ACCUMULATORS,
    "ideal": {"substrate": Ideal()},
    "chip": {"substrate": CHIP},
    "clocked": {"substrate": Clocked(0.01)},
}

SLOW = {"float64", "local", "axonal", "accumulators", "ideal", "clocked"}
every_engine = parametrize("engine", ENGINES, SLOW)


def n_fixed(clf):
    """The number of the read-out's spikes."""
    return clf.network_.layers[-1].n_fixed


def of_read_out(clf):
    """Copies of the weights, and of the delays, of the read-out."""
    last = -n_fixed(clf)
    weights = clf.coefs_[-1][last:].copy()
    return weights, None if clf.delays_ is None else clf.delays_[-1][last:].copy()


def decided_by_first_spikes(clf, X):
    """Whether there is a first spike in each sample, which it is that decides."""
    output = clf.spike_times(X)[-1]
    fired = np.isfinite(output).any(axis=1)
    chosen = output[
        np.arange(len(output)), np.searchsorted(clf.classes_, clf.predict(X))
    ]
    assert_array_equal(chosen[fired], output.min(axis=1)[fired])
    return fired


# -- Every sample has an output spike ----------------------------------------------


@pytest.mark.parametrize(
    ("data", "engine"),
    [
        ("wine", "float32"),
        ("yin-yang", "local"),
        ("yin-yang", "fixed"),
        ("wine", "fixed, local"),
        ("iris", "chip"),
    ],
)
def test_every_sample_ends_with_an_output_spike(data, engine):
    X, y = DATA[data]
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    scaler = MinMaxScaler(clip=True).fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    clf = TTFSClassifier(max_iter=40, random_state=0, **ENGINES[engine])
    clf.fit(X, y)
    for samples in (X, X_test):
        assert decided_by_first_spikes(clf, samples).all()
        assert not clf.activity(samples).is_undecided.any()
    assert clf.score(X_test, y_test) > 0.8


def test_defaults_of_all_parameters():
    X, y = DATA["wine"]
    model = make_pipeline(MinMaxScaler(), TTFSClassifier(random_state=0)).fit(X, y)
    clf, scaled = model[-1], model[:-1].transform(X)
    assert decided_by_first_spikes(clf, scaled).all()
    assert 0 < clf.read_out_ < clf.t_max_


@every_engine
def test_a_network_that_has_learned_nothing_is_decided_too(iris, engine):
    X, y = iris
    clf = small(max_iter=1, learning_rate_init=1e-9, **engine).fit(X, y)
    assert decided_by_first_spikes(clf, X).all()


# -- Whether and when --------------------------------------------------------------


@every_engine
def test_a_network_without_it(iris, engine):
    X, y = iris
    clf = small(read_out=None, **engine).fit(X, y)
    assert clf.read_out_ is None
    assert n_fixed(clf) == 0
    assert len(clf.bias_times_[0]) == len(clf.bias_times_[1])
    assert clf.coefs_[1].shape[0] == 12 + len(clf.bias_times_[1])
    assert clf.network_.stretch == 1


@every_engine
def test_a_time_of_its_own(iris, engine):
    (X, y), read_out = iris, 1.25
    clf = small(read_out=read_out, **engine).fit(X, y)
    assert clf.read_out_ == read_out
    n = n_fixed(clf)
    assert n > 0
    assert_array_equal(clf.bias_times_[-1][-n:], read_out)
    assert len(clf.bias_times_[-1]) == len(clf.bias_times_[0]) + n
    assert clf.coefs_[-1].shape == (12 + len(clf.bias_times_[-1]), 3)
    assert clf.t_max_ > read_out
    assert decided_by_first_spikes(clf, X).all()


def test_in_integers_it_is_at_a_tick(iris):
    clf = small(read_out=1.03, **EXACT).fit(*iris)
    assert clf.read_out_ == np.rint(1.03 / clf.tick_) * clf.tick_
    assert_array_equal(clf.bias_times_[-1][-n_fixed(clf) :], clf.read_out_)


def test_its_rows_have_one_weight(iris):
    weights, _ = of_read_out(small(**ENGINES["float64"]).fit(*iris))
    assert weights.min() == weights.max() > 0
    clf = small(**ENGINES["chip"]).fit(*iris)
    weights, _ = of_read_out(clf)
    limit, step = CHIP.weight_limit(1), CHIP.weight_step(1)
    assert weights.max() <= limit
    # Multiples of the step, whose sum is rounded.
    assert_allclose(weights / step, np.rint(weights / step), rtol=1e-5)
    assert weights.max() - weights.min() < 1.01 * step
    assert_allclose(weights[:, 0].sum(), 8.0, atol=0.51 * step)
    # Weaker synapses are more.
    weak = small(substrate=AnalogChip(weight_clip=0.25)).fit(*iris)
    assert of_read_out(weak)[0].max() <= 0.25
    assert n_fixed(weak) > n_fixed(clf)
    assert_allclose(of_read_out(weak)[0].sum(), weights.sum(), rtol=1e-3)


@pytest.mark.parametrize(
    "chip",
    [
        AnalogChip(weight_bits=6, weight_clip=0.2),
        AnalogChip(weight_bits=2, weight_clip=8.0),
        AnalogChip(weight_bits=1, weight_clip=3.0),
    ],
    ids=repr,
)
def test_it_fits_the_weights_of_a_substrate_that_comes_later(iris, chip):
    X, y = iris
    clf = small(warm_start=True).fit(X, y)
    clf.set_params(substrate=chip).fit(X, y)
    step = chip.weight_step(1)
    rounded = np.rint(of_read_out(clf)[0] / step) * step
    assert np.abs(rounded).max() <= chip.weight_limit(1) * (1 + 1e-6)
    assert_allclose(rounded.sum(axis=0), 8.0, atol=0.51 * step)
    assert decided_by_first_spikes(clf, X).all()
    clf.partial_fit(X, y)
    clf.set_params(substrate=None).partial_fit(X, y)
    assert decided_by_first_spikes(clf, X).all()
    # Moments of a read-out of another size are no moments of this one.
    online = small().partial_fit(X, y, classes=[0, 1, 2])
    assert online.set_params(substrate=chip).partial_fit(X, y).n_iter_ == 2


def test_weights_that_are_too_small_for_it(iris):
    chip = AnalogChip(weight_clip=1e-4)
    with pytest.raises(ValueError, match=r"too small for a read-out.*read_out=None"):
        small(substrate=chip).fit(*iris)


def test_long_inputs_do_not_ask_for_early_spikes_without_bound():
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 50, (60, 8)), axis=1)
    y = np.arange(60) % 2
    times[y == 1, :4] -= 5.0
    clf = small(encoder="spike_times").fit(times, y)
    assert clf.read_out_ > 40
    assert clf.loss_ < 10


@every_engine
def test_a_short_experiment_has_a_read_out_within_it(iris, engine):
    X, y = iris
    for t_max in (0.25, 0.75):
        clf = small(t_max=t_max, **engine).fit(X, y)
        assert clf.t_max_ == t_max
        assert 0 < clf.read_out_ < t_max
        fired = decided_by_first_spikes(clf, X)
        assert fired.all() or t_max == 0.25  # in which there is little time to fire


def test_a_long_experiment_does_not_put_it_off(iris):
    default = small().fit(*iris)
    assert small(t_max=50.0).fit(*iris).read_out_ == default.read_out_


@pytest.mark.parametrize(
    "loss",
    ["squared_error", "shift_invariant", SquaredError(targets=(0.7, 1.4))],
    ids=str,
)
def test_squared_errors_have_none_unless_asked(iris, loss):
    clf = small(loss=loss).fit(*iris)
    assert clf.read_out_ is None
    assert n_fixed(clf) == 0
    clf.set_params(read_out=1.3).fit(*iris)
    assert clf.read_out_ == 1.3
    assert decided_by_first_spikes(clf, iris[0]).all()


def test_a_regressor_has_none(iris):
    X, y = iris
    reg = small(TTFSRegressor).fit(X, y)
    assert reg.network_.read_out == np.inf
    assert n_fixed(reg) == 0
    assert "read_out" not in reg.get_params()
    assert not hasattr(reg, "read_out_")


@pytest.mark.parametrize("read_out", [0, -1.0, np.nan, np.inf, "late"], ids=str)
def test_what_is_no_time(iris, read_out):
    clf = small(read_out=read_out)
    for method in (clf.fit, clf.partial_fit):
        with pytest.raises(ValueError, match="read_out"):
            method(*iris)
    assert not hasattr(clf, "coefs_")


@pytest.mark.parametrize(("read_out", "engine"), [(1.0, {}), (1.5, EXACT)], ids=str)
def test_it_is_before_the_end(iris, read_out, engine):
    clf = small(read_out=read_out, t_max=1.0, **engine)
    with pytest.raises(ValueError, match=r"between 0 and t_max=1, .* read_out=None"):
        clf.fit(*iris)
    assert not hasattr(clf, "coefs_")


def test_so_late_that_there_is_no_end(iris):
    with pytest.raises(ValueError, match=r"read_out=1e.06 must .* 10000 tau_syn"):
        small(read_out=1e6).fit(*iris)


def test_it_cannot_change_under_the_weights(iris):
    clf = small(warm_start=True).fit(*iris)
    for read_out in (None, clf.read_out_):
        clf.set_params(read_out=read_out)
        with pytest.raises(ValueError, match="read_out was 'auto'"):
            clf.fit(*iris)


@pytest.mark.parametrize("read_out", ["auto", 1.25])
def test_it_stays_when_the_loss_changes(iris, read_out):
    losses = ["cross_entropy", "squared_error"]
    for one, other in (losses, losses[::-1]):
        clf = small(loss=one, read_out=read_out, warm_start=True).fit(*iris)
        before = clf.read_out_
        assert (before is None) == (one == "squared_error" and read_out == "auto")
        clf.set_params(loss=other).fit(*iris)
        assert clf.read_out_ == before
        assert clf.n_iter_ == 10


def test_spike_trains_are_read_out_after_their_start():
    rng = np.random.default_rng(0)
    samples, channels = rng.integers(60, size=400), rng.integers(5, size=400)
    times = 100.0 + rng.random(400)
    X = SpikeTrains(samples, channels, times, (60, 5))
    for engine in ({}, EXACT, LOCAL):
        clf = small(**engine).fit(X, np.arange(60) % 3)
        assert decided_by_first_spikes(clf, X).all()
        assert 0 < clf.read_out_ < clf.t_max_ < 50
        output = clf.spike_times(X)[-1]
        assert np.all(output > times.min())
        # All outputs fire, if only after the read-out.
        assert np.any(output > times.min() + clf.read_out_)


# -- Its weights are not trained ---------------------------------------------------


@every_engine
def test_its_weights_stay(iris, engine):
    X, y = iris
    # Decay and steps of weights that would be seen.
    parameters = {"weight_decay": 5.0, "learning_rate_init": 0.05, **engine}
    untrained = {"learning_rate_init": 1e-9, "max_iter": 1}
    start = small(**parameters | untrained).fit(X, y)

    def check(clf, start=start):
        expected, no_delays = of_read_out(start)
        assert np.all(expected > 0)
        weights, delays = of_read_out(clf)
        assert_array_equal(weights, expected)
        assert_array_equal(clf.bias_times_[-1], start.bias_times_[-1])
        assert (delays is None) == (no_delays is None)
        if delays is not None:
            assert_array_equal(delays, 0)
            assert clf.delays_[-1].max() > 0

    clf = small(warm_start=True, max_iter=8, **parameters).fit(X, y)
    check(clf)
    rest = slice(None, -n_fixed(clf))
    moved = np.abs(clf.coefs_[-1][rest].astype(float) - start.coefs_[-1][rest])
    assert moved.max() > (1 if clf.coefs_[-1].dtype == np.int16 else 0.01)
    check(clf.fit(X, y))
    check(clf.partial_fit(X, y))
    online = clone(clf).partial_fit(X, y, classes=[0, 1, 2])
    check(online)
    check(pickle.loads(pickle.dumps(clf)).fit(X, y))
    # Integers have the unit of a network that was drawn for fewer samples.
    stopped = clone(clf).set_params(early_stopping=True)
    check(clone(stopped).fit(X, y), clone(stopped).set_params(**untrained).fit(X, y))


# -- Order -------------------------------------------------------------------------


@every_engine
def test_the_order_of_first_spikes_is_that_of_decisions(engine):
    X, y = DATA["yin-yang"]
    clf = small(max_iter=1, learning_rate_init=1e-9, read_out=2.5, **engine).fit(X, y)
    # In the middle of the first spikes, so that there are some on either side. Nothing
    # is learned, so those before it stay.
    first = clf.spike_times(X)[-1].min(axis=1)
    assert np.median(first) < 2
    clf.set_params(read_out=float(np.median(first))).fit(X, y)
    output, scores = clf.spike_times(X)[-1], clf.decision_function(X)
    assert decided_by_first_spikes(clf, X).all()
    first = output.min(axis=1)
    before = first < clf.read_out_
    assert 0.3 < before.mean() < 0.8
    if clf.coefs_[0].dtype == np.int16:  # of a tick, the membrane decides
        slack = clf.tick_
        chosen = output[np.arange(len(X)), scores.argmax(axis=1)]
        assert_array_equal(chosen, first)
    else:
        slack = 1e-6
        assert_array_equal(scores.argmax(axis=1), output.argmin(axis=1))
    assert_array_equal(clf.predict(X), scores.argmax(axis=1))
    # Spikes before the read-out are decisions as they are, others are stretched.
    times = -scores * clf.time_scale_
    early = output <= clf.read_out_
    assert_allclose(times[early], output[early], rtol=0, atol=slack)
    late = np.isfinite(output) & ~early
    after = clf.network_.stretch * (output[late] - clf.read_out_)
    assert_allclose(times[late] - clf.read_out_, after, rtol=1e-4, atol=slack)


def test_outputs_fire_in_the_order_of_their_membranes(iris):
    X, y = iris
    clf = small(max_iter=30, arithmetic="float64").fit(X, y)
    n = n_fixed(clf)
    read = clf.spike_times(X)
    # Membranes at the read-out: what no output has fired before it.
    late = np.all(read[-1] > clf.read_out_, axis=1)
    assert late.sum() > 10
    bias_times = clf.bias_times_[-1]
    inputs = np.hstack([read[-2], np.tile(bias_times, (len(X), 1))])
    d = np.maximum(clf.read_out_ - inputs, 0)
    u = (d * np.exp(-d)) @ clf.coefs_[-1]
    gaps = np.sort(u, axis=1)
    clear = late & (gaps[:, -1] - gaps[:, -2] > 0.2)
    assert clear.sum() > 5
    assert_array_equal(clf.predict(X)[clear], u.argmax(axis=1)[clear])
    assert_array_equal(d[:, -n:], 0)


@pytest.mark.parametrize("tau_mem", [0.5, 2.0, np.inf])
def test_a_read_out_decides_whatever_the_leak(tau_mem):
    # Without leak a kernel peaks late: weights in its unit would lift too slowly.
    X, y = make_yin_yang(600, random_state=0)
    clf = small(
        hidden_layer_sizes=(40,), tau_mem=tau_mem, encoder="latency", max_iter=25
    ).fit(X[:300], y[:300])
    assert np.mean(clf.activity(X[300:]).is_undecided) < 0.01


# -- Early firing ------------------------------------------------------------------


def test_early_firing_of_a_label_that_is_inhibited_does_not_overflow(iris):
    X, y = iris
    clf = small(loss=CrossEntropy(early_firing=0.1), warm_start=True).fit(X, y)
    inhibited = clf.coefs_[-1].copy()
    inhibited[: -n_fixed(clf)] = -1000.0
    clf.coefs_[-1][:] = inhibited
    clf.fit(X, y)
    assert np.all(np.isfinite(clf.loss_curve_))
    assert all(np.isfinite(weights).all() for weights in clf.coefs_)
