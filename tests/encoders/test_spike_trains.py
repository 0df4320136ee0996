"""Channels with several spikes: the container, the core, and the classifier."""

import copy
import itertools
import pickle
from collections import Counter

import numpy as np
import pytest
import scipy.sparse as sp
import twin
from cases import in_turn
from classifiers import quick
from encoding import EVENTS, SHAPE, random_trains, relaxed
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import shuffle
from threadpoolctl import threadpool_limits
from training import LOSSES, PSEUDO_SLOPE, T_MAX, TRAINING

from ttfs import LIF, SpikeTrains
from ttfs import core as _core
from ttfs.encoders import LatencyEncoder, SpikeTimesEncoder
from ttfs.model import Layer
from ttfs.model.initial_weights import initial_weights, weight_unit

every_simd = pytest.mark.usefixtures("every_simd")


def of_dense(times):
    """SpikeTrains of an array of spike times, one for each channel."""
    samples, channels = np.indices(times.shape)
    return SpikeTrains(samples.ravel(), channels.ravel(), times.ravel(), times.shape)


def first_spikes(trains):
    out = np.full(trains.shape, np.inf, trains.dtype)
    samples, channels, times = trains.events()
    np.minimum.at(out, (samples, channels), times)
    return out


# ------------------------------------------------------------------ the container


def test_events_come_back_by_sample_channel_and_time():
    trains = SpikeTrains(*EVENTS, SHAPE)
    samples, channels, times = trains.events()
    assert_array_equal(samples, [0, 0, 0, 2])
    assert_array_equal(channels, [0, 1, 1, 1])
    assert_array_equal(times, [0.3, 0.1, 0.9, 0.5])
    assert samples.dtype.kind == channels.dtype.kind == "i"
    assert trains.shape == (3, 2)
    assert (len(trains), trains.n_spikes, trains.dtype) == (3, 4, np.float64)
    # What a caller does to them changes nothing.
    for array in trains.events():
        array[:] = 1
    assert trains == SpikeTrains(*EVENTS, SHAPE)


def test_the_arrays_of_the_caller_are_copied():
    arrays = [np.array(part) for part in EVENTS]
    trains = SpikeTrains(*arrays, SHAPE)
    for array in arrays:
        array[:] = 0
    assert trains == SpikeTrains(*EVENTS, SHAPE)


def test_nan_and_inf_are_dropped():
    samples, channels, times = EVENTS
    for absent in np.nan, np.inf:
        trains = SpikeTrains([*samples, 1], [*channels, 0], [*times, absent], SHAPE)
        assert trains == SpikeTrains(*EVENTS, SHAPE)


def test_dtype_is_that_of_the_times():
    for dtype, kept in (">f4", "f4"), ("f4", "f4"), ("f8", "f8"), ("i8", "f8"):
        trains = SpikeTrains([0, 0], [0, 1], np.array([1, 2], dtype), (1, 2))
        assert trains.dtype == np.dtype(kept)
        assert trains.dtype.isnative
        assert trains[:0].dtype == trains.events()[2].dtype == trains.dtype


def test_no_events():
    trains = SpikeTrains([], [], [], (2, 3))
    assert (trains.shape, trains.n_spikes) == ((2, 3), 0)
    assert [part.tolist() for part in trains.events()] == [[], [], []]
    nothing = SpikeTrains([], [], [], (0, 3))
    assert (len(nothing), nothing.shape) == (0, (0, 3))
    assert trains[[]] == trains[:0] == nothing


@relaxed
@given(st.data())
def test_round_trips(data):
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 5)))
    event = st.tuples(
        st.integers(0, shape[0] - 1),
        st.integers(0, shape[1] - 1),
        st.floats(-100, 100) | st.sampled_from([0.0, 0.5, np.nan, np.inf]),
    )
    events = data.draw(st.lists(event, max_size=30))
    columns = [list(column) for column in zip(*events, strict=True)] or [[], [], []]
    trains = SpikeTrains(*columns, shape)
    kept = sorted(event for event in events if np.isfinite(event[2]))
    assert list(zip(*(part.tolist() for part in trains.events()), strict=True)) == kept
    assert trains.n_spikes == len(kept)
    # The order of the events does not matter, nor does what is dropped.
    again = data.draw(st.permutations(kept))
    columns = [list(column) for column in zip(*again, strict=True)] or [[], [], []]
    for other in (
        SpikeTrains(*columns, shape),
        SpikeTrains(*trains.events(), trains.shape),
        pickle.loads(pickle.dumps(trains)),
        copy.deepcopy(trains),
        trains[:],
    ):
        assert trains == other
    # Any selection of samples is that of the events.
    rows = data.draw(st.lists(st.integers(-shape[0], shape[0] - 1), max_size=9))
    chosen = trains[rows]
    assert chosen.shape == (len(rows), shape[1])
    expected = Counter(
        (place, channel, time)
        for place, row in enumerate(rows)
        for sample, channel, time in kept
        if sample == row % shape[0]
    )
    assert Counter(zip(*(p.tolist() for p in chosen.events()), strict=True)) == expected


SELECTIONS = (
    (1, [1]),
    (-1, [9]),
    (np.int64(3), [3]),
    (slice(2, 5), [2, 3, 4]),
    (slice(None, None, -3), [9, 6, 3, 0]),
    (slice(20, 30), []),
    ([4, 1, 1], [4, 1, 1]),
    (np.array([-1, 0], np.int32), [9, 0]),
    (range(3), [0, 1, 2]),
    (np.arange(10) % 4 == 1, [1, 5, 9]),
    ([True] + 9 * [False], [0]),
    ((slice(0, 2), ...), [0, 1]),
    (([7, 2], ...), [7, 2]),
    (([7, 2], slice(None)), [7, 2]),
)


def test_selecting_samples():
    trains = random_trains(0, (10, 3), 60)
    samples, channels, times = trains.events()
    for key, rows in SELECTIONS:
        chosen = trains[key]
        assert isinstance(chosen, SpikeTrains)
        assert chosen.shape == (len(rows), 3)
        assert chosen.dtype == trains.dtype
        parts = [(k, samples == row) for k, row in enumerate(rows)]
        expected = SpikeTrains(
            np.concatenate([[], *(np.full(m.sum(), k) for k, m in parts)]).astype(int),
            np.concatenate([[], *(channels[m] for _, m in parts)]).astype(int),
            np.concatenate([[], *(times[m] for _, m in parts)]),
            (len(rows), 3),
        )
        assert chosen == expected


def test_what_does_not_select_samples_is_an_error():
    trains = random_trains(0, (10, 3), 60)
    for key in (
        *(10, -11, [0, 10], "a", 1.5, [True], None, (0, 0, 0), [[0], [1]]),
        *((0, 3), (0, [3]), ([0], [1]), (slice(None), []), ([0], np.ones(3, bool))),
    ):
        with pytest.raises(IndexError):
            trains[key]


def test_iterates_over_samples():
    trains = random_trains(0, (4, 3), 30)
    assert [len(one) for one in trains] == [1, 1, 1, 1]
    assert sum(one.n_spikes for one in trains) == 30
    assert list(trains)[2] == trains[2]


def test_equality():
    trains = SpikeTrains(*EVENTS, SHAPE)
    samples, channels, times = EVENTS
    assert trains != SpikeTrains(samples, channels, times, (4, 2))
    assert trains != SpikeTrains(samples, channels, times, (3, 3))
    assert trains != SpikeTrains([0, 0, 0, 1], channels, times, SHAPE)
    assert trains != SpikeTrains(samples, [1, 0, 1, 0], times, SHAPE)
    assert trains != SpikeTrains(samples, channels, [0.9, 0.3, 0.1, 0.6], SHAPE)
    assert trains != SpikeTrains(samples[:3], channels[:3], times[:3], SHAPE)
    assert trains != "trains"
    assert (trains == trains.events()) is False
    assert SpikeTrains([0], [0], np.ones(1), (1, 1)) == SpikeTrains(
        [0], [0], np.ones(1, np.float32), (1, 1)
    )
    with pytest.raises(TypeError, match="unhashable"):
        hash(trains)


def test_repr():
    trains = SpikeTrains(*EVENTS, SHAPE)
    assert repr(trains) == "SpikeTrains(shape=(3, 2), n_spikes=4, dtype=float64)"


def test_mistakes():
    names = "samples", "channels", "times"
    arguments = dict(zip(names, EVENTS, strict=True)) | {"shape": SHAPE}
    for changes, error, message in (
        ({"samples": [0, 0, 0, 3]}, ValueError, r"samples must be in \[0, 3\)"),
        ({"samples": [0, 0, 0, -1]}, ValueError, r"samples must be in \[0, 3\)"),
        ({"channels": [0, 0, 0, 2]}, ValueError, r"channels must be in \[0, 2\)"),
        ({"channels": [0, 0, 0, -1]}, ValueError, r"range from -1 to 0"),
        ({"samples": [0.0, 0, 0, 2]}, TypeError, "samples must be integers"),
        ({"channels": [True] * 4}, TypeError, "channels must be integers, not bool"),
        ({"channels": list("abcd")}, TypeError, "channels must be integers"),
        ({"samples": [0, 0, 0]}, ValueError, "equally long"),
        ({"channels": [0]}, ValueError, "equally long"),
        ({"times": [0.5]}, ValueError, "equally long"),
        ({"times": 0.5}, ValueError, "1-d"),
        ({"samples": [[0, 0, 0, 2]]}, ValueError, "1-d"),
        ({"times": [[0.9], [0.3], [0.1], [0.5]]}, ValueError, "1-d"),
        ({"times": [0, 0, 0, -np.inf]}, ValueError, "times must be finite, or NaN"),
        ({"times": [0, 0, 0, 1e30]}, ValueError, "times must be below 1e"),
        ({"times": [0, 0, 0, 1j]}, ValueError, "times must hold real numbers"),
        ({"times": list("abcd")}, ValueError, "times must hold real numbers"),
        ({"shape": 3}, ValueError, "shape must be two integers"),
        ({"shape": (3,)}, ValueError, "shape must be two integers"),
        ({"shape": (3, 2, 1)}, ValueError, "shape must be two integers"),
        ({"shape": (3, 2.0)}, ValueError, "shape must be two integers"),
        ({"shape": None}, ValueError, "shape must be two integers"),
        ({"shape": (-1, 2)}, ValueError, "at least 0 samples"),
        ({"shape": (3, 0)}, ValueError, "1 to 2"),
        ({"shape": (3, 2**31)}, ValueError, "1 to 2"),
    ):
        with pytest.raises(error, match=message):
            SpikeTrains(**arguments | changes)


# ------------------------------------------------------------------ the core

LOSS = LOSSES["early"]
NEURONS = {
    "fast": LIF(0.2, 0.15),  # its time is rebased within a sample
    "equal": LIF(),
    "double": LIF(2.0, 1.0),
    "nonleaky": LIF(np.inf, 0.7),
}


def make_layers(neuron, sizes, n_active, dtype=np.float64, seed=0):
    """Layers with biases at 0.1 and 0.6, and one that comes too late."""
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        weights = initial_weights(
            rng, n_in + 3, n_out, n_active, neuron, drive=3.0, spread=3.0
        )
        bias_times = np.array([0.1, 0.6, T_MAX])
        layers.append(Layer(weights.astype(dtype), bias_times, neuron))
        n_active = n_out
    return layers


def spikes_of(trains, bias_times):
    """`core.Spikes` of trains and biases, on the axis of the trains."""
    encoder = twin.AsTheyAre(trains.shape[1])
    return _core.encode(encoder, trains._csr(), bias_times.astype(trains.dtype), T_MAX)


def make_labels(n_samples, n_classes):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, n_classes, n_samples).astype(np.uintp)
    return labels, rng.uniform(0.5, 2.0, n_samples)


def trainers(layers, n_slots, **changes):
    """The trainer of the core, and its twin on weights of its own."""
    units = [weight_unit(layer.neuron) for layer in layers]
    parameters = TRAINING | changes
    core = _core.Trainer(
        layers, T_MAX, PSEUDO_SLOPE, units=units, loss=LOSS, **parameters
    )
    slow = twin.Trainer(
        copy.deepcopy(layers),
        T_MAX,
        PSEUDO_SLOPE,
        units,
        LOSS,
        **parameters,
        n_slots=n_slots,
    )
    return core, slow


@every_simd
@relaxed
@given(
    st.integers(0, 10**6),
    st.integers(1, 20),
    st.integers(1, 9),
    st.sampled_from([0, 3, 40, 400]),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([0.0, 1024.0, -7.0]),
)
def test_core_sorts_spike_trains(
    seed, n_samples, n_channels, n_spikes, dtype, spike_dtype, offset
):
    trains = random_trains(seed, (n_samples, n_channels), n_spikes, dtype)
    samples, channels, times = trains.events()
    moved = SpikeTrains(samples, channels, times + dtype(offset), trains.shape)
    encoder = SpikeTimesEncoder().fit(moved)
    if n_spikes:
        assert encoder.begin_ == times.min() + offset
        assert encoder.end_ == np.ptp(times)
    bias_times = np.array([0.25, 0.0, 9.0], spike_dtype)
    spikes = encoder.spikes(moved, bias_times, 1.5)
    assert (len(spikes), spikes.n_in) == (n_samples, n_channels + 3)
    times = times - times.min(initial=np.inf)
    n_kept = []
    for s in range(n_samples):
        mine = samples == s
        all_times = np.append(times[mine], bias_times).astype(spike_dtype)
        inputs = np.append(channels[mine], n_channels + np.arange(3))
        kept = all_times < 1.5
        order = np.lexsort((inputs[kept], all_times[kept]))
        rows = slice(int(spikes.begin[s]), int(spikes.end[s]))
        assert_array_equal(spikes.times[rows], all_times[kept][order])
        assert_array_equal(spikes.inputs[rows], inputs[kept][order])
        n_kept.append(kept.sum())
    assert (spikes.max_spikes, spikes.n_spikes) == (max(n_kept), sum(n_kept))
    first = np.where(first_spikes(moved) - offset < np.inf, first_spikes(moved), np.inf)
    first = (first - encoder.begin_).astype(spike_dtype)
    expected = np.where(first < 1.5, first, np.inf)
    assert_array_equal(spikes.dense(n_channels), expected)


def test_indices_repeat_only_among_spike_times():
    trains = random_trains(0, (4, 3), 40)
    matrix = trains._csr()
    assert matrix.nnz == 40
    latency = LatencyEncoder(complement=False).fit(np.arange(12.0).reshape(4, 3))
    with pytest.raises(ValueError, match="must ascend"):
        latency.spikes(matrix, np.empty(0), T_MAX)
    matrix.indices[:2] = 2, 1
    with pytest.raises(ValueError, match="must ascend"):
        _core.encode(twin.AsTheyAre(3), matrix, np.empty(0), T_MAX)


def test_number_of_spikes_is_limited():
    # Their numbers must be exact in float32.
    n = 2**24
    times, inputs = np.zeros(n, np.float32), np.zeros(n, np.uint32)
    begin = np.zeros(1, np.uintp)
    with pytest.raises(ValueError, match="fewer than 16777216 spikes"):
        _core.Spikes(times, inputs, begin, begin + n, 1)
    assert _core.Spikes(times, inputs, begin, begin + n - 1, 1).max_spikes == n - 1


@every_simd
@pytest.mark.parametrize(("name", "dtype"), in_turn(NEURONS, [np.float32, np.float64]))
def test_network_takes_a_spike_as_an_input_of_its_own(name, dtype):
    neuron = NEURONS[name]
    # 200 samples: more than are worked on at a time; lists longer than the layer.
    trains = random_trains(0, (200, 5), 200 * 12, dtype)
    slow_times = twin.one_spike_each(trains, 12)
    n_fired = []
    for factor in (0.2, 1.0):
        layers = make_layers(neuron, (5, 70, 3), 12, dtype)
        layers[0].weights *= dtype(factor)
        spikes = spikes_of(trains, layers[0].bias_times)
        assert spikes.max_spikes > spikes.n_in
        rows = twin.slot_rows(8, 3, 12)
        first = Layer(layers[0].weights[rows], layers[0].bias_times, neuron)
        passes = twin.forward([first, layers[1]], slow_times, T_MAX)
        network = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)
        for got, did in zip(network.spike_times(spikes), passes, strict=True):
            assert_array_equal(got, did.spikes)
        expected = twin.decision_times(passes[-1], T_MAX, PSEUDO_SLOPE)
        rtol = 1e-13 if dtype == np.float64 else 1e-6
        decisions = network.decisions(spikes)
        assert_allclose(decisions, expected, rtol=rtol)
        assert_array_equal(network.labels(spikes), decisions.argmin(axis=1))
        n_fired.append(passes[-1].fired.mean())
    assert 0 < np.mean(n_fired) < 1


@every_simd
@pytest.mark.parametrize(
    ("case", "name"),
    in_turn(itertools.product([0, 0.4], [(5, 21, 70, 3), (2, 3), (1, 4, 2)]), NEURONS),
)
def test_epoch_equals_its_twin(case, name):
    (dropout, sizes), neuron = case, NEURONS[name]
    n_samples, n_channels = 23, sizes[0]
    trains = random_trains(2, (n_samples, n_channels), n_samples * 14)
    samples, channels, times = trains.events()
    # Channel 0 falls silent, and its row of weights falls behind.
    times = np.where((samples >= 12) & (channels == 0), np.inf, times)
    trains = SpikeTrains(samples, channels, times, trains.shape)
    n_slots = np.unique(n_channels * samples + channels, return_counts=True)[1].max()
    layers = make_layers(neuron, sizes, 14)
    may_drop = np.ones(n_channels, bool)
    core, slow = trainers(layers, n_slots, dropout=dropout, may_drop=may_drop)
    slow_times = twin.one_spike_each(trains, n_slots)
    spikes = spikes_of(trains, layers[0].bias_times)
    assert spikes.max_spikes > spikes.n_in
    labels, factors = make_labels(n_samples, sizes[-1])
    for _ in range(2):  # batches of 5, the last of 3
        order = np.arange(n_samples, dtype=np.uintp)
        rates = np.linspace(0.01, 0.02, 5)
        got = core.epoch(spikes, labels, factors, order, 5, rates)
        expected = slow.epoch(slow_times, labels, factors, order, 5, rates)
        assert_allclose(got, expected, rtol=1e-10)
    for weights, trained, layer in zip(
        core.weights(), slow.layers, layers, strict=True
    ):
        moved = np.abs(trained.weights - layer.weights).max()
        assert moved > 0
        assert_allclose(weights, trained.weights, rtol=0, atol=1e-10 * moved)
    last = core.state()["steps"][0][1]
    assert_array_equal(last, slow.optimizers[0].touched)
    assert len(set(last[:n_channels])) == min(2, n_channels)


@every_simd
@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS.keys())
def test_gradient_agrees_with_finite_differences(neuron):
    trains = random_trains(3, (9, 3), 9 * 10, grid=1000)
    layers = make_layers(neuron, (3, 12, 3), 10)
    spikes = spikes_of(trains, layers[0].bias_times)
    assert spikes.max_spikes > spikes.n_in
    labels, factors = make_labels(9, 3)

    def loss():
        network = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)
        values, _ = _core.loss(network.decisions(spikes), labels, factors / 9, **LOSS)
        return values.sum()

    # Without decay the first moment is the gradient.
    none = {
        "min_slope": 0.0,
        "silence_penalty": 0.0,
        "weight_decay": 0.0,
        "beta_1": 0.0,
    }
    core, _ = trainers(layers, 1, **none)
    order = np.arange(9, dtype=np.uintp)
    value = core.epoch(spikes, labels, factors, order, 9, np.array([0.01]))
    assert_allclose(value, loss(), rtol=1e-12)
    for layer, (gradient, _) in zip(layers, core.state()["moments"], strict=True):
        expected = np.empty_like(gradient)
        for at in np.ndindex(gradient.shape):
            weight, h = layer.weights[at], 1e-5
            steps = []
            for step in (-2 * h, -h, h, 2 * h):
                layer.weights[at] = weight + step
                steps.append(loss())
            layer.weights[at] = weight
            expected[at] = (8 * (steps[2] - steps[1]) - steps[3] + steps[0]) / (12 * h)
        assert np.abs(expected).max() > 0.01
        atol = 1e-6 * np.abs(expected).max()
        assert_allclose(gradient, expected, rtol=1e-5, atol=atol)


@every_simd
def test_bits_do_not_depend_on_threads(monkeypatch):
    trains = random_trains(4, (300, 12), 300 * 60, np.float32)
    layers = make_layers(LIF(), (12, 130, 4), 60, np.float32)
    labels, factors = make_labels(300, 4)
    order = np.arange(300, dtype=np.uintp)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    results = []
    for n_threads in (1, 3):
        with threadpool_limits(n_threads):
            spikes = spikes_of(trains, layers[0].bias_times)
            core, _ = trainers(layers, 1)
            loss = core.epoch(spikes, labels, factors, order, 150, np.full(2, 0.01))
            results.append([loss, *core.weights(), core.decisions(spikes)])
    for a, b in zip(*results, strict=True):
        assert_array_equal(a, b)


# ------------------------------------------------------------------ the classifier


def rhythms(n_samples, seed):
    """Two classes that differ only in the middle one of three spikes.

    First and last spikes of each channel are drawn from the same distributions. The
    middle spike is early in the even channels and late in the odd ones, or vice versa.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n_samples)
    shape = n_samples, 10
    first, last = rng.uniform(0.0, 0.3, shape), rng.uniform(1.4, 1.7, shape)
    early = np.arange(10) % 2 == y[:, None]
    middle = np.where(early, rng.uniform(0.4, 0.7, shape), rng.uniform(1.0, 1.3, shape))
    times = np.stack([first, middle, last], axis=2)
    samples, channels, _ = np.indices(times.shape)
    trains = SpikeTrains(samples.ravel(), channels.ravel(), times.ravel(), shape)
    return trains, np.array(["a", "b"])[y], times


@pytest.fixture(scope="module")
def data():
    X, y, _ = rhythms(150, 0)
    return X, y


@pytest.mark.filterwarnings("ignore:training ended at a loss")
def test_rhythms_that_no_latency_code_separates():
    X, y, times = rhythms(300, 0)
    X_test, y_test, times_test = rhythms(300, 1)
    clf = quick(hidden_layer_sizes=(20,), max_iter=40, encoder="spike_times")
    assert clf.fit(X, y).score(X_test, y_test) > 0.97
    # First spikes alone, or last spikes alone, are at chance: 0.5 +- 0.03, 3 sigma.
    for which in (0, 2):
        clf.fit(times[:, :, which], y)
        assert abs(clf.score(times_test[:, :, which], y_test) - 0.5) < 0.09


@every_simd
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_spike_for_each_channel_is_an_array_of_spike_times(dtype):
    rng = np.random.default_rng(0)
    times = rng.uniform(-3.0, -1.0, (60, 6)).astype(dtype)
    times[rng.random(times.shape) < 0.3] = np.inf
    y = np.arange(60) % 3
    trains = of_dense(times)
    rows, columns, stored = trains.events()
    matrix = sp.csr_array((stored, (rows, columns)), shape=times.shape)
    dense = quick(encoder="spike_times").fit(times, y)
    for encoder in ("auto", "spike_times"):
        clf = quick(encoder=encoder).fit(trains, y)
        for a, b in zip(clf.coefs_, dense.coefs_, strict=True):
            assert_array_equal(a, b)
        assert clf.t_max_ == dense.t_max_
        for model in (clf, dense):
            for form in (trains, times, matrix):
                assert_array_equal(
                    model.predict_proba(form), dense.predict_proba(times)
                )
                assert_array_equal(model.predict(form), dense.predict(times))
                assert model.score(form, y) == dense.score(times, y)
                for a, b in zip(
                    model.spike_times(form), dense.spike_times(times), strict=True
                ):
                    assert_array_equal(a, b)


def test_all_methods_take_spike_trains(data):
    X, y = data
    clf = quick(hidden_layer_sizes=(12, 8), max_iter=10).fit(X, y)
    assert (clf.n_features_in_, clf.n_channels_in_) == (10, 10)
    times = clf.spike_times(X)
    assert [part.shape for part in times] == [(150, 10), (150, 12), (150, 8), (150, 2)]
    assert_allclose(times[0], first_spikes(X), atol=1e-6)
    p = clf.predict_proba(X)
    assert_allclose(p.sum(axis=1), 1)
    assert_allclose(np.exp(clf.predict_log_proba(X)), p)
    assert_array_equal(clf.predict(X), clf.classes_[p.argmax(axis=1)])
    assert_array_equal(clf.decision_function(X) > 0, clf.predict(X) == "b")
    assert clf.score(X, y) == np.mean(clf.predict(X) == y)
    assert_array_equal(clf.predict_proba(X[40:43]), p[40:43])
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), p)


def test_initial_weights_are_for_the_number_of_spikes(data):
    # Of 30 and a bias, not of the 10 channels.
    X, y = data
    clf = quick(hidden_layer_sizes=(500,), learning_rate_init=1e-9).fit(X, y)
    assert_allclose(clf.coefs_[0].mean(), 6.0 / 31, rtol=0.05)
    assert_allclose(clf.coefs_[0].std(), 2.5 / np.sqrt(31), rtol=0.05)
    assert np.isfinite(clf.spike_times(X)[1]).mean() > 0.7


def test_spikes_after_the_end_have_no_effect(data):
    X, y = data
    clf = quick(t_max=1.0).fit(X, y)
    samples, channels, times = X.events()
    kept = times < clf.encoder_.begin_ + 1.0
    before = SpikeTrains(samples[kept], channels[kept], times[kept], X.shape)
    assert 0 < before.n_spikes < X.n_spikes
    assert_array_equal(clf.predict_proba(before), clf.predict_proba(X))


@pytest.mark.parametrize("offset", [-1024.0, 1048576.0])
def test_offset_costs_nothing(offset):
    X = random_trains(0, (60, 5), 600)  # exact with the offset
    samples, channels, times = X.events()
    moved = SpikeTrains(samples, channels, times + offset, X.shape)
    y = np.arange(60) % 2
    one, two = quick().fit(X, y), quick().fit(moved, y)
    assert_array_equal(one.predict_proba(X), two.predict_proba(moved))
    for a, b in zip(one.spike_times(X), two.spike_times(moved), strict=True):
        assert_allclose(a + offset, b, rtol=1e-12)


def test_samples_and_channels_without_spikes():
    X = SpikeTrains([0, 0, 2, 3], [0, 0, 3, 0], [0.1, 0.2, 0.4, 0.3], (6, 5))
    clf = quick().fit(X, [0, 0, 1, 0, 1, 1])
    assert clf.predict_proba(X).shape == (6, 2)
    assert_array_equal(clf.predict_proba(X[1]), clf.predict_proba(X[4]))
    empty = SpikeTrains([], [], [], (4, 5))
    assert clf.predict(empty).shape == (4,)
    assert quick().fit(empty, [0, 1, 0, 1]).predict(X).shape == (6,)


def test_cross_validation_and_its_kin(data):
    X, y = data
    clf = quick(max_iter=20)
    scores = cross_val_score(clf, X, y, cv=3)
    assert scores.mean() > 0.9
    by_hand = [
        clf.fit(X[train], y[train]).score(X[test], y[test])
        for train, test in StratifiedKFold(3).split(X, y)
    ]
    assert_array_equal(scores, by_hand)
    moved, order = shuffle(X, np.arange(150), random_state=0)
    assert moved == X[order]
    pipe = make_pipeline(FunctionTransformer(), clf)
    assert_array_equal(cross_val_score(pipe, X, y, cv=3), scores)


def test_early_stopping_warm_start_and_partial_fit(data):
    X, y = data
    clf = quick(early_stopping=True, max_iter=10).fit(X, y)
    assert clf.n_iter_ == 10
    assert len(clf.validation_scores_) == 5
    clf = quick(warm_start=True).fit(X, y).fit(X, y)
    assert clf.n_iter_ == 4
    clf = quick()
    for rows in (slice(0, 75), slice(75, None)):
        clf.partial_fit(X[rows], y[rows], classes=["a", "b"])
    assert (clf.n_iter_, clf.t_) == (2, 150)
    balanced = quick(class_weight="balanced").fit(X[:100], y[:100])
    assert balanced.predict(X[100:]).shape == (50,)


def test_other_encoders_refuse_spike_trains(data):
    X, y = data
    for encoder in "latency", "complement":
        clf, match = quick(encoder=encoder), f"encoder='{encoder}'; spike trains need"
        with pytest.raises(TypeError, match=match):
            clf.fit(X, y)
        with pytest.raises(TypeError, match=match):
            clf.partial_fit(X, y, classes=["a", "b"])


def test_a_model_of_features_refuses_spike_trains(data):
    X, y = data
    features = np.random.default_rng(0).normal(size=X.shape)
    clf = quick(warm_start=True).fit(features, y)
    before = clf.predict_proba(features)
    for call in (
        lambda: clf.predict(X),
        lambda: clf.spike_times(X),
        lambda: clf.score(X, y),
        lambda: clf.partial_fit(X, y),
        lambda: clf.fit(X, y),
    ):
        with pytest.raises(TypeError, match="was fitted with features"):
            call()
    assert_array_equal(clf.predict_proba(features), before)


def test_a_model_of_spike_trains_is_checked_like_any_other(data):
    X, y = data
    with pytest.raises(NotFittedError):
        quick().predict(X)
    clf = quick(warm_start=True).fit(X, y)
    few = SpikeTrains([0], [0], [0.5], (150, 9))
    for call in (lambda: clf.predict(few), lambda: clf.fit(few, y)):
        with pytest.raises(ValueError, match="X has 9 features, but TTFSClassifier is"):
            call()
    with pytest.raises(ValueError, match="0 samples"):
        clf.predict(X[:0])
    with pytest.raises(ValueError, match="0 samples"):
        quick().fit(X[:0], [])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        quick().fit(X, y[:-1])
    with pytest.raises(ValueError, match="requires y to be passed"):
        quick().fit(X, None)
    with pytest.raises(ValueError, match="NaN"):
        quick().fit(X, np.full(150, np.nan))
    with pytest.raises(ValueError, match="only one class"):
        quick().fit(X, np.zeros(150))
    with pytest.warns(DataConversionWarning, match="column-vector"):
        quick().fit(X, y[:, None])
    # Spike times in an array are spike times here too.
    dense = first_spikes(X)
    dense[0, 0] = np.nan
    assert clf.predict(dense).shape == (150,)
    dense[0, 0] = -np.inf
    with pytest.raises(ValueError, match="where there is no spike"):
        clf.predict(dense)
