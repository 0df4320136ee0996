"""Integers that fire: what users see of arithmetic="fixed".

The arithmetic itself is tested in tests/fixed.
"""

import numpy as np
import pytest
from classifiers import assert_same_weights, small
from kinds import EXACT, LOCAL, every_fixed
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone

from ttfs import TTFSClassifier
from ttfs.datasets import make_yin_yang
from ttfs.fixed.build import layer_levels
from ttfs.fixed.quantized import QuantizedNetwork
from ttfs.parameters import FixedPoint

# -- Learning ----------------------------------------------------------------------


@pytest.mark.slow
def test_training_knows_that_weights_are_rounded():
    """At few bits it beats rounding the weights of a network that does not know."""
    X, y = make_yin_yang(1000, random_state=0)
    X_test, y_test = make_yin_yang(1000, random_state=1)
    aware, after = [], []
    for seed in range(3):
        real = TTFSClassifier((40,), max_iter=60, random_state=seed).fit(X, y)
        clf = clone(real).set_params(arithmetic=FixedPoint(3)).fit(X, y)
        aware.append(clf.score(X_test, y_test))
        clf.coefs_ = [
            np.clip(np.rint(weights / step), -7, 7).astype(np.int16)
            for weights, step in zip(real.coefs_, clf.weight_steps_, strict=True)
        ]
        after.append(clf.score(X_test, y_test))
    assert np.mean(aware) > np.mean(after) + 0.05


def test_many_bits_are_as_good_as_real_numbers(iris):
    """The spikes of 8 bits and short ticks are nearly those of the real model."""
    X, y = iris
    start = {"learning_rate_init": 1e-12, "max_iter": 1, "t_max": 2.0}
    # The same weights are drawn; the networks in integers decide how long they are.
    real = small(**start).fit(X, y)
    clf = small(arithmetic=FixedPoint(8, tick=1e-3), **start).fit(X, y)
    for weights, integers, step, layer in zip(
        real.coefs_, clf.coefs_, clf.weight_steps_, clf.network_.layers, strict=True
    ):
        limit = 255.49 * step
        expected = np.clip(weights, -limit, limit)
        n, close = len(weights) - layer.n_fixed, {"rtol": 0, "atol": 0.51 * step}
        assert_allclose(step * integers[:n], expected[:n], **close)
        # The read-out has the right weight as a whole.
        sums = [rows[n:].sum(axis=0) for rows in (step * integers, expected)]
        assert_allclose(*sums, **close)
    expected, times = real.spike_times(X)[1], clf.spike_times(X)[1]
    assert np.mean(np.isfinite(times) == np.isfinite(expected)) > 0.97
    both = np.isfinite(times) & np.isfinite(expected)
    assert both.mean() > 0.5
    assert np.median(np.abs(times[both] - expected[both])) < 5e-3


# -- Shifts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "tau_mem"), [(EXACT, 1.0), (EXACT, np.inf), (LOCAL, 2.0)], ids=str
)
def test_decay_by_shifts_learns(iris, kind, tau_mem):
    X, y = iris
    clf = small(tau_mem=tau_mem, **kind).set_params(arithmetic__decay="shift")
    clf.set_params(max_iter=20).fit(X, y)
    assert clf.score(X, y) > 0.9
    assert clf.tick_ == pytest.approx(-np.log(1 - 2**-5))
    m = {1.0: 5, 2.0: 6, np.inf: 0}[tau_mem]
    layers = clf.network_.integers.layers
    assert [(layer.syn_shift, layer.mem_shift) for layer in layers] == [(5, m)] * 2
    # The real model is that of the time constants which the shifts realise.
    for layer in clf.network_.layers:
        assert layer.neuron.tau_syn == pytest.approx(1.0, rel=1e-12)
        assert layer.neuron.tau_mem == pytest.approx(tau_mem, rel=0.02)
    for times in clf.spike_times(X):
        ticks = times[np.isfinite(times)] / clf.tick_
        assert_allclose(ticks, np.rint(ticks), atol=1e-4)


@every_fixed
def test_decay_by_shifts_goes_on_learning(iris, kind):
    X, y = iris
    clf = small(**kind).set_params(arithmetic__decay="shift", arithmetic__tick=1 / 16)
    clf.partial_fit(X, y, classes=[0, 1, 2])
    before = [weights.copy() for weights in clf.coefs_]
    for _ in range(20):
        clf.partial_fit(X, y)
    assert any(np.any(a != b) for a, b in zip(before, clf.coefs_, strict=True))
    assert all(layer.syn_shift == 4 for layer in clf.network_.integers.layers)
    clf.set_params(arithmetic__decay="table")
    with pytest.raises(ValueError, match="arithmetic was"):
        clf.partial_fit(X, y)


def test_many_shifts_are_nearly_the_real_model(iris):
    X, y = iris
    start = {"learning_rate_init": 1e-12, "max_iter": 1, "t_max": 2.0}
    fixed = FixedPoint(8, tick=1 / 256, decay="shift")
    clf = small(arithmetic=fixed, **start).fit(X, y)
    tau = clf.network_.layers[0].neuron.tau_syn
    assert tau == pytest.approx(1 - 1 / 512, rel=1e-4)
    real = small(tau_mem=tau, tau_syn=tau, **start).fit(X, y)
    real.coefs_ = [
        weights * np.float32(step)
        for weights, step in zip(clf.coefs_, clf.weight_steps_, strict=True)
    ]
    expected, times = real.spike_times(X)[1], clf.spike_times(X)[1]
    both = np.isfinite(times) & np.isfinite(expected)
    assert both.mean() > 0.5
    assert np.mean(np.isfinite(times) == np.isfinite(expected)) > 0.9
    # A membrane is up to 256 of about 2000 units too high, once it is high.
    assert np.median(np.abs(times[both] - expected[both])) < 0.05


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"tau_mem": 1.5}, r"tau_mem=1\.5 is .* use tau_mem=2\.016 or another tick"),
        ({"tau_mem": [1.0, 0.3]}, r"tau_mem=0\.3 is .* use"),
        ({"tau_mem": 1e9}, r"tau_mem=1e\+09 is .* use"),
        ({"arithmetic__tick": 0.2}, r"tau_syn=1 .* tau_syn=0\.6952 or tick=0\.2877"),
    ],
    ids=str,
)
def test_time_constants_that_shifts_cannot_have_are_explained(
    iris, parameters, message
):
    clf = small(**EXACT).set_params(arithmetic__decay="shift", **parameters)
    with pytest.raises(ValueError, match=message):
        clf.fit(*iris)
    assert not hasattr(clf, "coefs_")


# -- Weights -----------------------------------------------------------------------


@pytest.mark.parametrize("n_bits", [2, 5, 8])
@every_fixed
def test_weights_are_small_integers(iris, kind, n_bits):
    # At a high rate and without decay, so that they reach their limits.
    clf = small(learning_rate_init=0.3, weight_decay=0.0, max_iter=20, **kind)
    clf.set_params(arithmetic__weight_bits=n_bits).fit(*iris)
    max_weight = 2**n_bits - 1
    for weights in clf.coefs_:
        assert weights.dtype == np.int16
        assert np.abs(weights).max() <= max_weight
    reached = max(np.abs(weights).max() for weights in clf.coefs_)
    assert reached == max_weight if kind is EXACT else reached > max_weight / 3
    assert len(clf.weight_steps_) == 2
    assert min(clf.weight_steps_) > 0


def test_real_weights_round_to_those_that_fire(iris):
    network = small(**EXACT).fit(*iris).network_
    assert isinstance(network, QuantizedNetwork)
    for real, weights, step in zip(
        network.real_weights, network.weights, network.steps, strict=True
    ):
        rounded = np.clip(np.rint(real * np.float32(1 / step)), -63, 63)
        assert_array_equal(rounded, weights)
    for layer, weights in zip(
        network.for_inference().layers, network.weights, strict=True
    ):
        assert_array_equal(layer.weights, weights)
        assert (layer.fraction, layer.max_stored) == (0, 63)


@every_fixed
def test_a_range_of_four_has_four_times_the_steps(iris, kind):
    one = small(**kind).fit(*iris)
    other = small(**kind).set_params(arithmetic__weight_range=4.0).fit(*iris)
    steps = np.array(other.weight_steps_) / one.weight_steps_
    assert_allclose(steps, 4.0)  # there is no limit of `levels` in between
    assert all(np.abs(weights).max() <= 63 for weights in other.network_.weights)
    assert other.score(*iris) > 0.8


# -- Predictions -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "time_scale"),
    [(EXACT, None), (EXACT, 0.002), (LOCAL, None), (LOCAL, 3.0)],
    ids=str,
)
def test_decisions_agree_with_each_other(kind, time_scale):
    X, y = make_yin_yang(800, random_state=0)
    choices = {"time_scale": time_scale, "t_max": 1.0, "read_out": None}
    clf = small(max_iter=1, **choices, **kind)
    clf.set_params(arithmetic__tick=1 / 16, learning_rate_init=1e-9, weight_decay=0.0)
    clf.fit(X[:300], y[:300])
    scores, p = clf.decision_function(X), clf.predict_proba(X)
    output = clf.spike_times(X)[-1]
    # The cases that matter are there.
    first = output.min(axis=1, keepdims=True)
    assert np.any((output == first).sum(axis=1) > 1)  # ties
    silent = np.isinf(output).all(axis=1)
    assert np.any(silent)
    assert not np.all(silent)
    assert_allclose(p.sum(axis=1), 1.0)
    assert_allclose(np.exp(clf.predict_log_proba(X)), p, atol=1e-12)
    assert_array_equal(clf.predict(X), scores.argmax(axis=1))
    assert_array_equal(clf.predict(X), p.argmax(axis=1))
    # The first spike wins; silent outputs are behind all spikes.
    chosen = output[np.arange(800), clf.predict(X)]
    assert_array_equal(chosen, first[:, 0])
    times = -scores * clf.time_scale_
    fired = np.isfinite(output)
    assert np.all(output[fired] - times[fired] < clf.tick_)
    assert np.all(output[fired] - times[fired] > -1e-6)
    assert times[~fired].min() >= clf.t_max_


@pytest.mark.parametrize(("kind", "tau"), [(EXACT, 1.0), (LOCAL, 5.0)], ids=str)
def test_silent_outputs_are_late_by_what_they_missed(iris, kind, tau):
    X, y = iris
    clf = small(max_iter=1, tau_mem=tau, tau_syn=tau, read_out=None, **kind).fit(X, y)
    clf.coefs_ = [np.zeros_like(weights) for weights in clf.coefs_]
    times = -clf.decision_function(X) * clf.time_scale_
    # Two tau_syn for each threshold.
    assert_allclose(times, clf.t_max_ + 2 * tau, rtol=1e-3)


@pytest.mark.parametrize(
    ("kind", "tick"), [(EXACT, None), (EXACT, 0.0123), (LOCAL, 1 / 8)], ids=str
)
def test_times_are_on_the_grid(iris, kind, tick):
    X, y = iris
    clf = small(t_max=1.777, **kind).set_params(arithmetic__tick=tick).fit(X, y)
    assert clf.tick_ == (tick or 1 / 64)
    n_ticks = clf.t_max_ / clf.tick_
    assert n_ticks == np.rint(n_ticks)
    assert abs(clf.t_max_ - 1.777) <= clf.tick_ / 2
    for bias_times in clf.bias_times_:
        assert_allclose(bias_times / clf.tick_, np.rint(bias_times / clf.tick_))
    for times in clf.spike_times(X):
        ticks = times[np.isfinite(times)] / clf.tick_
        assert ticks.size
        assert_allclose(ticks, np.rint(ticks), atol=1e-4)
        assert 0 <= ticks.min()
        assert ticks.max() < n_ticks - 0.5


@every_fixed
def test_encode_gives_the_spikes_on_the_grid_and_the_biases(iris, kind):
    X, y = iris
    clf = small(t_max=1.777, **kind).fit(X, y)
    spikes = clf.encode(X)
    assert_array_equal(spikes.dense(clf.n_channels_in_), clf.spike_times(X)[0])
    everything = spikes.dense()
    assert everything.shape == (150, clf.n_channels_in_ + len(clf.bias_times_[0]))
    biases = everything[:, clf.n_channels_in_ :]
    assert_array_equal(biases, np.tile(clf.bias_times_[0].astype("f4"), (150, 1)))
    for begin, end in zip(spikes.begin, spikes.end, strict=True):
        assert np.all(np.diff(spikes.times[begin:end]) >= 0)


def test_default_tick_is_a_fraction_of_tau_syn(iris):
    for tau in (1.0, 0.25):
        clf = small(tau_syn=tau, **EXACT).fit(*iris)
        assert clf.tick_ == tau / 64


# -- Limits ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"arithmetic__tick": 1e-6}, "tick=1e-06 divides .* needs 2 to 16384"),
        ({"arithmetic__tick": 5.0}, "tick=5 divides .* needs 2 to 16384"),
        (
            {"arithmetic__tick": 1.4, "gradient": "local"},
            "tick=1.4 divides .* into 1 ticks",
        ),
        ({"hidden_layer_sizes": (65_505,), "gradient": "local"}, "65504 neurons"),
        ({"hidden_layer_sizes": (4, 65_505)}, "65504 neurons"),
    ],
    ids=str,
)
def test_sizes_that_integers_cannot_have_are_explained(iris, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(t_max=2.0, **EXACT | parameters).fit(*iris)


def test_the_greatest_number_of_ticks(iris):
    clf = small(max_iter=1, **EXACT).fit(*iris)
    end = 16384 * clf.tick_
    assert clf.engine_.end_of_experiment(end) == end
    with pytest.raises(ValueError, match="into 16385 ticks"):
        clf.engine_.end_of_experiment(end + clf.tick_)


def test_channels_of_integers_are_limited():
    X = csr_array(([1.0, 1.0], ([0, 1], [0, 65_504])), shape=(2, 65_505))
    with pytest.raises(ValueError, match="at most 65504 neurons in a layer"):
        small(encoder="latency", **EXACT).fit(X, [0, 1])
    X = csr_array(([1.0, 1.0], ([0, 1], [0, 65_503])), shape=(2, 65_504))
    clf = small(hidden_layer_sizes=(), max_iter=1, encoder="latency", **LOCAL)
    n_read_out = clf.fit(X, [0, 1]).network_.layers[0].n_fixed
    assert n_read_out > 0
    assert clf.coefs_[0].shape == (65_505 + n_read_out, 2)
    clf.set_params(read_out=None)
    assert clf.fit(X, [0, 1]).coefs_[0].shape == (65_505, 2)


@pytest.mark.parametrize(("kind", "n_bits"), [(EXACT, 8), (LOCAL, 2)], ids=str)
def test_very_many_active_inputs(kind, n_bits):
    rng = np.random.default_rng(0)
    X, y = rng.uniform(1, 2, (12, 9000)), np.arange(12) % 2
    clf = small(hidden_layer_sizes=(3,), max_iter=1, **kind)
    clf.set_params(arithmetic__weight_bits=n_bits).fit(X, y)
    assert clf.predict_proba(X).shape == (12, 2)


@pytest.mark.parametrize("tau_mem", [1e-4, 1e-3])
def test_a_threshold_of_few_units_is_an_error(iris, tau_mem):
    with pytest.raises(ValueError, match=r"tau_mem=.* is too short"):
        TTFSClassifier(tau_mem=tau_mem, arithmetic="fixed").fit(*iris)


def test_accumulators_and_rounding_are_only_for_the_local_rule(iris):
    plain = small(**EXACT).fit(*iris)
    other = small(arithmetic=FixedPoint(accumulator_bits=16, rounding="floor"))
    assert_same_weights(plain, other.fit(*iris))
    assert_array_equal(plain.predict_proba(iris[0]), other.predict_proba(iris[0]))


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("n_features", [1, 40])
def test_read_out_has_its_weight_in_few_bits_too(bits, n_features):
    X, y = np.random.default_rng(0).random((60, n_features)), np.arange(60) % 2
    clf = TTFSClassifier((), arithmetic=FixedPoint(bits), max_iter=1, random_state=0)
    network = clf.fit(X, y).network_
    layer = network.integers.layers[-1]
    (levels,) = layer_levels(network.layers, 2**bits - 1)
    rows = layer.integers()[-layer.n_fixed :]
    assert np.ptp(rows) <= 1
    assert np.abs(rows).max() <= 2**bits - 1
    assert_allclose(rows.sum(axis=0), 8 * levels, atol=0.5 + 1e-9)
    assert_array_equal(layer.bias_ticks[-layer.n_fixed :], network.integers.read_out)
