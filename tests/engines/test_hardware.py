"""A classifier on a substrate: chip in the loop, and deployment without training."""

import pickle
from copy import deepcopy

import numpy as np
import pytest
from classifiers import assert_same_model
from hardware import Failing, Given, Wrapped, make
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from ttfs import LIF, SpikeTrains, TTFSClassifier, TTFSRegressor
from ttfs.datasets import make_yin_yang
from ttfs.engines import recipe
from ttfs.parameters import CrossEntropy, LocalRule
from ttfs.substrates import AnalogChip, Clocked, Ideal, NetworkError, SubstrateError

CHIP = {
    "weight_bits": 4,
    "weight_clip": 0.8,
    "rows_per_input": 3,
    "threshold_spread": 0.1,
    "tau_mem_spread": 0.1,
    "spike_jitter": 0.01,
    "threshold_drift": 0.01,
}


@pytest.fixture(scope="module")
def data():
    return make_yin_yang(150, random_state=0)


# ------------------------------------------------------------------ the ideal one


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": (15, 10), "tau_mem": [1.0, 2.0, float("inf")]},
        {"gradient": "local"},
        {"gradient": LocalRule(feedback="random", kernel="linear")},
        {"loss": "shift_invariant", "tau_syn": 3.0, "threshold": 0.2},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"t_max": 0.9},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "substrate",
    [Ideal(), pytest.param(Wrapped(), marks=pytest.mark.slow)],  # as the protocol says
    ids=["own", "foreign"],
)
def test_ideal_substrate_trains_like_none(data, substrate, changes, monkeypatch):
    # A foreign one returns spikes, at which the gradient is taken.
    X, y = data
    X = X * (X > 0.6)  # absent features, of which input dropout deletes some
    # The defaults differ: a substrate has a softer decision and a weaker prior.
    monkeypatch.setattr(recipe, "ON_SUBSTRATE", recipe.EXACT)
    changes = {"arithmetic": "float64", **changes}
    a, b = (make(s, **changes).fit(X, y) for s in (None, substrate))
    for one, other in zip(a.coefs_, b.coefs_, strict=True):
        assert_allclose(one, other, rtol=1e-9, atol=1e-9)
    assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-9)
    assert a.validation_scores_ == b.validation_scores_
    assert_array_equal(a.predict(X), b.predict(X))


@pytest.mark.parametrize("substrate", [Ideal(), Wrapped()], ids=["own", "foreign"])
def test_float32_trains_like_none_to_its_precision(data, substrate, monkeypatch):
    monkeypatch.setattr(recipe, "ON_SUBSTRATE", recipe.EXACT)
    changes = {"max_iter": 2}
    a, b = (make(s, **changes).fit(*data) for s in (None, substrate))
    assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-5)
    for one, other in zip(a.coefs_, b.coefs_, strict=True):
        assert one.dtype == other.dtype == np.float32
        assert_allclose(one, other, rtol=0, atol=1e-4)


class Foreign:
    """A substrate behind the public protocol."""

    def __init__(self, substrate):
        self.forward = substrate.forward
        for name in ("weight_limit", "weight_step"):
            if hasattr(substrate, name):
                setattr(self, name, getattr(substrate, name))


def stepped(substrate_class):
    """A class of substrates whose weights are said to have steps."""

    class Stepped(substrate_class):
        def weight_step(self, k):
            return [0.3, 0.2, 0.1][k]

        def __repr__(self):
            return f"Stepped({super().__repr__()})"

    return Stepped


UNITS = {"tau_mem": [3.0, 5.0], "tau_syn": 3.0, "threshold": 0.2}
DEEP = {"hidden_layer_sizes": (15, 10), "arithmetic": "float64", "t_max": 1.2}
LOCAL = {"gradient": LocalRule(feedback="random"), "batch_size": 7}
STOPPED = {"early_stopping": True, "validation_fraction": 0.3}


@pytest.mark.parametrize(
    ("substrate", "changes"),
    [
        (AnalogChip(**CHIP), {}),
        (AnalogChip(**CHIP), LOCAL),
        (AnalogChip(**CHIP), {"estimator": TTFSRegressor}),
        (AnalogChip(duration=1.0, dead_neurons=0.1), UNITS),
        (AnalogChip(duration=1.0, dead_neurons=0.1), STOPPED),
        (Clocked(0.05), DEEP),
        (Clocked(0.05), {"estimator": TTFSRegressor, "early_stopping": True}),
        (stepped(Clocked)(0.05), DEEP),
        (stepped(Ideal)(), UNITS),
        (stepped(Ideal)(), LOCAL),
    ],
    ids=str,
)
def test_own_substrates_are_what_the_public_protocol_says(data, substrate, changes):
    X, y = data
    X = X * (X > 0.6)
    if changes.get("estimator") is TTFSRegressor:
        y = X[:, :2] + 1.0 * y[:, None]
    a, b = (make(s, **changes).fit(X, y) for s in (substrate, Foreign(substrate)))
    assert_same_model(a, b, X)
    for one, other in zip(a.spike_times(X), b.spike_times(X), strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize("make_chip", [Ideal, AnalogChip, Clocked])
def test_a_forward_of_its_own_is_asked(data, make_chip):
    class Changed(make_chip):
        def forward(self, times, network):
            self.n_calls = vars(self).get("n_calls", 0) + 1
            return super().forward(times, network)

    chip = make_chip()
    whole, n_calls = chip.forward, []
    chip.forward = lambda *request: (n_calls.append(1), whole(*request))[1]
    make(chip, max_iter=1).fit(*data)
    assert len(n_calls) == 8
    chip = Changed()
    make(chip, max_iter=1).fit(*data)
    assert chip.n_calls == 8


def test_a_forward_of_another_substrate_is_asked(data):
    class Delegating(Ideal):
        def __init__(self, substrate):
            self.forward = substrate.forward

    chip = AnalogChip(threshold_spread=0.1, spike_jitter=0.01)
    a, b = (make(s).fit(*data) for s in (chip, Delegating(chip)))
    assert_same_model(a, b, data[0])


@pytest.mark.parametrize(
    ("arithmetic", "hidden", "t_max", "read_out"),
    [
        ("float32", (), 0.8, "auto"),
        ("float32", (20,), 0.8, None),
        ("float32", (15, 10), 2.0, None),
        ("float64", (), 0.8, None),
        ("float64", (15, 10), 2.0, "auto"),
        ("float64", (20,), 2.0, None),
    ],
)
def test_ideal_substrate_predicts_like_none(data, arithmetic, hidden, t_max, read_out):
    X, y = data
    clf = make(
        hidden_layer_sizes=hidden,
        t_max=t_max,
        read_out=read_out,
        arithmetic=arithmetic,
    ).fit(X, y)
    expected = clf.spike_times(X), clf.decision_function(X), clf.predict(X)
    clf.set_params(substrate=Ideal())
    got = clf.spike_times(X), clf.decision_function(X), clf.predict(X)
    for a, b in zip(expected[0], got[0], strict=True):
        assert_array_equal(a, b)
    # Where all outputs, some and none fire.
    n_fired = np.isfinite(got[0][-1]).sum(axis=1)
    assert read_out or t_max > 1 or len(np.unique(n_fired)) > 1
    assert_allclose(got[1], expected[1], rtol=2e-6 if arithmetic == "float32" else 1e-9)
    fired = np.isfinite(got[0][-1])
    assert_array_equal(got[1][fired], expected[1][fired])
    assert_array_equal(got[2], expected[2])


# ------------------------------------------------------------------ what is asked


def test_what_the_substrate_is_asked(data):
    X, y = data
    chip = Wrapped()
    clf = make(chip, tau_mem=[2.0, 1.0], threshold=0.5).fit(X, y)
    assert [len(times) for times, _ in chip.requests] == 4 * (7 * [20] + [10])
    chip.requests.clear()
    clf.predict(X)
    ((times, network),) = chip.requests
    assert_array_equal(times, clf.set_params(substrate=None).spike_times(X)[0])
    assert network.t_max == clf.t_max_
    # The spikes of the read-out are biases of the output layer.
    assert len(clf.bias_times_[1]) > len(clf.bias_times_[0])
    for layer, weights, bias_times, tau_mem in zip(
        network.layers, clf.coefs_, clf.bias_times_, [2.0, 1.0], strict=True
    ):
        assert_array_equal(layer.weights, weights)
        assert_array_equal(layer.bias_times, bias_times)
        assert layer.neuron == LIF(tau_mem, 1.0, 0.5)
        assert layer.delays is None
        with pytest.raises(ValueError, match="read-only"):
            layer.weights[0, 0] = 1.0


def test_spike_times_are_sent_from_the_start_of_the_inputs():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(100.0, 101.0, (60, 5)), np.arange(60) % 2
    X[rng.random(X.shape) < 0.2] = np.nan
    chip = Wrapped()
    clf = make(chip, encoder="spike_times", arithmetic="float64").fit(X, y)
    chip.requests.clear()
    times = clf.spike_times(X)
    begin = np.nanmin(X)
    sent = chip.requests[0][0]
    assert_allclose(sent, np.where(np.isnan(X), np.inf, X - begin), rtol=1e-12)
    assert_allclose(times[0], np.where(np.isnan(X), np.inf, X), rtol=1e-12)
    assert np.isfinite(times[2]).any()
    assert np.all(times[2] >= begin)


def test_training_data_without_several_spikes_of_a_channel(data):
    X, y = np.round(data[0], 3) * (data[0] > 0.5), data[1]
    a, b = (make(Ideal()).fit(features, y) for features in (X, csr_array(X)))
    assert_same_model(a, b, X)
    samples, channels = np.nonzero(X)
    times = X[samples, channels]
    trains = SpikeTrains(samples, channels, times, X.shape)
    once = make(Ideal()).fit(trains, y)
    dense = make(Ideal(), encoder="spike_times").fit(np.where(X == 0, np.nan, X), y)
    assert_array_equal(once.predict_proba(trains), dense.predict_proba(trains))
    twice = SpikeTrains(
        np.append(samples, samples[-1]),
        np.append(channels, channels[-1]),
        np.append(times, 0.1),
        X.shape,
    )
    for function in (lambda: make(Ideal()).fit(twice, y), lambda: once.predict(twice)):
        with pytest.raises(ValueError, match="several spikes"):
            function()
    # Spikes of a channel in successive samples are not several in one.
    each = SpikeTrains([0, 1, 2], [1, 1, 1], [0.6, 0.7, 0.8], (3, X.shape[1]))
    assert once.predict(each).shape == (3,)
    assert once.set_params(substrate=None).predict(twice).shape == y.shape


# ------------------------------------------------------------------ measured spikes

# A network whose outputs may stay silent.
FOUR_HIDDEN = {
    "hidden_layer_sizes": (4,),
    "arithmetic": "float64",
    "read_out": None,
}


def test_silent_outputs_are_ordered_by_the_model_at_measured_spikes():
    X, y = np.random.default_rng(0).random((30, 3)), np.arange(30) % 3
    clf = make(t_max=2.0, **FOUR_HIDDEN).fit(X, y)
    clf.coefs_[1][:] = np.random.default_rng(1).uniform(-0.2, 0.5, (5, 3))
    hidden = np.array([0.3, np.inf, 1.1, 2.5])  # t_max is 2: the last one is silent
    at = np.linspace(0, 2, 20_001)
    inputs = np.array([0.3, np.inf, 1.1, np.inf, clf.bias_times_[1][0]])
    d = np.maximum(at[:, None] - inputs, 0)
    peaks = (d * np.exp(-d)) @ clf.coefs_[1]
    expected = 2.0 + 2.0 * (1.0 - peaks.max(axis=0))
    assert np.all(peaks.max(axis=0) < 1)
    clf.set_params(substrate=Given(hidden, 3 * [np.inf]))
    got = -clf.decision_function(X) * clf.time_scale_
    assert_allclose(got, np.tile(expected, (30, 1)), atol=1e-6)
    assert set(clf.predict(X)) == {expected.argmin()}
    # Where the model fires and the substrate does not, the highest peak is first.
    clf.coefs_[1] *= 6
    peaks = 6 * peaks.max(axis=0)
    assert np.sum(peaks > 1) == 2
    got = -clf.decision_function(X) * clf.time_scale_
    assert_allclose(got, np.tile(2.0 + 2.0 * (peaks.max() - peaks), (30, 1)), atol=1e-6)
    # Training sees the same times.
    clf.set_params(learning_rate_init=1e-12, weight_decay=0.0).partial_fit(X, y)
    proba = clf.predict_proba(X)
    assert_allclose(clf.loss_, -np.log(proba[np.arange(30), y]).mean(), rtol=1e-6)
    clf.coefs_[1] /= 6
    # A spike is earlier than any pseudo-time, and t_max is no spike.
    last = expected.argmax()
    output = np.full(3, 2.0)
    output[last] = 1.99
    clf.set_params(substrate=Given(hidden, output))
    got = -clf.decision_function(X) * clf.time_scale_
    expected[last] = 1.99
    assert_allclose(got, np.tile(expected, (30, 1)), atol=1e-6)
    assert set(clf.predict(X)) == {last}
    assert np.isinf(clf.spike_times(X)[1][:, [1, 3]]).all()


def test_silent_outputs_are_later_than_spikes_after_the_read_out():
    X, y = np.random.default_rng(0).random((30, 3)), np.arange(30) % 3
    clf = make(t_max=2.0, **FOUR_HIDDEN | {"read_out": 1.0}).fit(X, y)
    clf.set_params(substrate=Given(np.full(4, 0.3), [1.99, np.inf, np.inf]))
    assert set(clf.decision_function(X).argmax(axis=1)) == {0}


def test_dead_output_does_not_put_off_the_others():
    X, y = np.random.default_rng(0).random((30, 3)), np.arange(30) % 3
    clf = make(t_max=2.0, **FOUR_HIDDEN).fit(X, y)
    clf.coefs_[1][:] = np.array([50.0, 1.2, 0.5])
    d = np.maximum(np.linspace(0, 2, 20_001) - 0.3, 0)
    late = np.maximum(np.linspace(0, 2, 20_001) - clf.bias_times_[1][0], 0)
    peak = (4 * d * np.exp(-d) + late * np.exp(-late)).max()
    assert 1.2 * peak > 1
    clf.set_params(substrate=Given(np.full(4, 0.3), 3 * [np.inf]))
    got = -clf.decision_function(X) * clf.time_scale_
    # The peaks are lowered by one threshold, and not by 50 peaks.
    expected = 2.0 + 2.0 * np.maximum(2.0 - np.array([50, 1.2, 0.5]) * peak, 0)
    assert_allclose(got, np.tile(expected, (30, 1)), atol=1e-6)


def test_silent_outputs_of_a_regression_do_not_put_off_each_other():
    X, y = np.random.default_rng(0).random((30, 3)), np.random.RandomState(1).rand(30)
    reg = TTFSRegressor((4,), t_max=2.0, arithmetic="float64", random_state=0)
    # Smallest and greatest target at 0.85 and 0.45 of t_max.
    parts = np.column_stack([y, y**2, -y])
    parts = (parts - parts.min(axis=0)) / np.ptp(parts, axis=0)
    targets = 1.7 - 0.8 * parts
    reg.set_params(max_iter=1).fit(X, parts)
    reg.coefs_[1][:] = np.array([5.0, 1.2, 0.3])
    d = np.maximum(np.linspace(0, 2, 20_001) - 0.3, 0)
    late = np.maximum(np.linspace(0, 2, 20_001) - reg.bias_times_[1][0], 0)
    peaks = np.array([5, 1.2, 0.3]) * (4 * d * np.exp(-d) + late * np.exp(-late)).max()
    assert_array_equal(peaks > 1, [True, True, False])
    for outputs in ([np.inf, np.inf, np.inf], [1.1, np.inf, np.inf]):
        reg.set_params(substrate=Given(np.full(4, 0.3), outputs))
        times = np.where(np.isinf(outputs), 2 + 2 * np.maximum(1 - peaks, 0), outputs)
        again = deepcopy(reg).set_params(learning_rate_init=1e-12, weight_decay=0.0)
        loss = again.partial_fit(X, parts).loss_
        assert_allclose(loss, np.mean((times - targets) ** 2) / 2, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:training ended at a loss")
def test_dead_output_leaves_weights_finite():
    def dead_output(spikes):
        spikes[-1][:, 2] = np.inf
        return spikes

    X, y = make_yin_yang(300, random_state=0)
    clf = make(
        Failing(*range(100_000), how=dead_output),
        encoder="latency",
        max_iter=20,
        batch_size=10,
        learning_rate_init=0.05,
        time_scale=0.1,
        loss=CrossEntropy(early_firing=0.01),
    )
    clf.fit(X, y)
    assert max(np.abs(weights).max() for weights in clf.coefs_) < 100


def test_peaks_are_those_of_rounded_weights():
    X, y = np.random.default_rng(0).random((30, 3)), np.arange(30) % 3
    chip = Given(np.full(4, 0.3), 3 * [np.inf])
    clf = make(hidden_layer_sizes=(4,), threshold=2.0, read_out=None).fit(X, y)
    for weights in clf.coefs_:
        weights *= 0.5
    real = clf.set_params(substrate=chip).decision_function(X)
    chip.weight_step = lambda k: [0.3, 0.07][k]
    got = clf.decision_function(X)
    for k, weights in enumerate(clf.coefs_):
        step = 2.0 * chip.weight_step(k)
        weights[:] = np.rint(weights / step) * step
    del chip.weight_step
    assert_allclose(got, clf.decision_function(X), rtol=1e-5)
    assert np.abs(got - real).max() > 0.1


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("weight_step", [-1.0, np.nan, np.inf, None]),
        ("weight_limit", [0.0, -1.0, np.nan, None, "1V"]),
    ],
)
def test_weight_steps_and_limits_must_be_numbers(data, name, values):
    for value in values:
        chip = Wrapped()
        setattr(chip, name, lambda k, value=value: value)
        with pytest.raises(SubstrateError, match=rf"{name}\(0\) of Ideal"):
            make(chip).fit(*data)


def test_spikes_that_the_model_would_not_produce_learn_if_an_input_precedes():
    # Inputs at 0 and 1; outputs at 0.5, to which the second input is too late. The
    # weights are too small for any spike.
    X, y = np.tile([0.0, 1.0], (40, 1)), np.arange(40) % 2
    clf = make(
        None,
        hidden_layer_sizes=(),
        encoder="spike_times",
        warm_start=True,
        weight_decay=0.0,
    ).fit(X, y)
    clf.coefs_[0][:] = 0.01
    assert np.isinf(clf.spike_times(X)[1]).all()
    clf.set_params(substrate=Given([0.5, 0.6]), class_weight={0: 1.0, 1: 3.0})
    clf.fit(X, y)
    moved = clf.coefs_[0] - np.float32(0.01)
    assert np.all(np.abs(moved[0]) > 0.01)
    assert_array_equal(moved[1:], 0)  # the second input, and the bias
    # The loss asks the second class to be earlier: more weight.
    assert moved[0, 1] > 0 > moved[0, 0]


# ------------------------------------------------------------------ a chip


@pytest.fixture(scope="module")
def long_data():
    return make_yin_yang(600, random_state=0), make_yin_yang(600, random_state=1)


def test_training_in_the_loop_recovers_what_the_chip_takes(long_data):
    (X, y), test = long_data
    # Few epochs: the default time scale on a substrate is for long training.
    changes = {"max_iter": 10, "learning_rate_init": 0.02, "time_scale": 0.1}
    changes |= {"hidden_layer_sizes": (30,)}
    chip = AnalogChip(**CHIP)
    clf = make(**changes).fit(X, y)
    ideal = clf.score(*test)
    naive = clf.set_params(substrate=chip).score(*test)
    in_loop = make(chip, **changes).fit(X, y)
    assert ideal > 0.75
    assert naive < ideal - 0.15
    assert in_loop.score(*test) > ideal - 0.05
    for weights, limit in zip(in_loop.coefs_, [2.4, 0.8], strict=True):
        # Real weights, within the limit.
        assert np.abs(weights).max() <= limit
        assert len(np.unique(weights)) > 80
    assert_array_equal(in_loop.predict(X), in_loop.predict(X))
    rows = np.random.default_rng(0).permutation(len(X))[:100]
    assert_array_equal(in_loop.predict_proba(X)[rows], in_loop.predict_proba(X[rows]))


def test_weights_are_limited_wherever_they_come_from(data):
    X, y = data
    clf = make(warm_start=True, threshold=2.0).fit(X, y)
    assert max(np.abs(w).max() for w in clf.coefs_) > 1.2
    clf.set_params(substrate=AnalogChip(weight_clip=0.6), max_iter=1).fit(X, y)
    limit = np.nextafter(np.float32(1.2), np.float32(0))
    assert limit < 1.2 < float(np.float32(1.2))
    assert [np.abs(w).max() for w in clf.coefs_] == [limit, limit]
    clf.set_params(substrate=None, max_iter=10).fit(X, y)
    assert max(np.abs(w).max() for w in clf.coefs_) > 1.2
    chip = AnalogChip(weight_clip=0.5, rows_per_input=3)
    clf = make(chip, hidden_layer_sizes=(30,)).partial_fit(X, y, classes=[0, 1, 2])
    assert [np.abs(w).max() for w in clf.coefs_] == [1.5, 0.5]


def test_capacity_is_explained(data):
    with pytest.raises(NetworkError, match="the network has 23 neurons"):
        make(AnalogChip(max_neurons=22)).fit(*data)


def test_in_the_company_of_scikit_learn(data):
    (X, y), substrate = data, AnalogChip(**CHIP)
    clf = clone(make(substrate))
    assert clf.substrate is substrate
    scores = cross_val_score(clf, X, y, cv=2)
    with parallel_config("threading"):
        assert_array_equal(cross_val_score(clf, X, y, cv=2, n_jobs=2), scores)
    proba = clf.fit(X, y).predict_proba(X)
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), proba)
    assert_array_equal(clf.fit(X, y).predict_proba(X), proba)
    grid = {"substrate": [None, substrate, AnalogChip(weight_clip=0.5)]}
    search = GridSearchCV(make(), grid, cv=2).fit(X, y)
    assert search.cv_results_["mean_test_score"][1] == scores.mean()


def test_calibrate_measures_the_neurons_of_the_substrate():
    X, y = make_yin_yang(200, random_state=0)
    chip = AnalogChip(threshold_spread=0.1, random_state=4)
    clf = TTFSClassifier((12,), max_iter=2, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="substrate is None"):
        clf.calibrate(X)
    before = [w.copy() for w in clf.coefs_]
    calibration = clf.set_params(substrate=chip).calibrate(X, random_state=0)
    z = np.random.RandomState([4, 0]).standard_normal(15)
    wanted = np.split(1 + 0.1 * z, [12])
    for found, factor in zip(calibration.effective_threshold, wanted, strict=True):
        assert_allclose(found, factor, rtol=0.01)
    for a, b in zip(clf.coefs_, before, strict=True):
        assert_array_equal(a, b)


# ------------------------------------------------------------------ combinations


def test_a_network_that_no_substrate_can_be_is_refused_by_predictions(data):
    X, y = data
    for name, value in (("delays", "axonal"), ("arithmetic", "fixed")):
        clf = make(**{name: value}).fit(X, y).set_params(substrate=Ideal())
        with pytest.raises(ValueError, match=f"not supported with {name}='{value}'"):
            clf.predict(X)
