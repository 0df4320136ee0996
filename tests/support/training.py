"""Networks, data and trainers for tests of the core: each trainer with its twin."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import twin
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits

from ttfs import LIF
from ttfs import core as _core
from ttfs.model import Layer
from ttfs.model.initial_weights import initial_weights, weight_unit

NEURONS = {
    "equal": LIF(),
    "double": LIF(2.0, 1.0),
    "long membrane": LIF(7.0, 1.5, 1.3),
    "short membrane": LIF(0.4, 1.0, 0.5),
    "almost equal": LIF(1.0 + 1e-9, 1.0),
    "nonleaky": LIF(np.inf, 1.0),
}
LOSSES = {
    "cross-entropy": {"kind": "cross_entropy", "time_scale": 0.3},
    "early": {
        "kind": "cross_entropy",
        "time_scale": 0.3,
        "early": 0.2,
        "early_scale": 1.5,
    },
    "squared error": {
        "kind": "squared_error",
        "target_label": 0.8,
        "target_other": 1.4,
    },
    "shift-invariant": {
        "kind": "shift_invariant",
        "target_label": 0.8,
        "target_other": 1.4,
    },
}
DTYPES = [np.float64, np.float32]
T_MAX = 2.5
PSEUDO_SLOPE = 2.0
# Of networks with a read-out. Early, and not on the grid of times.
READ_OUT = {"read_out": 1.56, "stretch": 5.0}
READ_OUT_LOSSES = {
    name: loss | ({"early_end": READ_OUT["read_out"]} if "early" in loss else {})
    for name, loss in LOSSES.items()
}
TRAINING = {
    "min_slope": 0.3,
    "silence_penalty": 0.1,
    "silence_tolerance": 0.15,
    "beta_1": 0.9,
    "beta_2": 0.99,
    # So large that rounding of tiny gradients does not grow.
    "epsilon": 1e-3,
    "weight_decay": 0.1,
}


def make_layers(neuron, sizes, dtype=np.float64, *, drive=3.0, spread=3.0, seed=0):
    """Layers with a bias at 0.1, one at 0.6, and one that comes too late."""
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        weights = initial_weights(
            rng, n_in + 3, n_out, n_in + 2, neuron, drive=drive, spread=spread
        )
        bias_times = np.array([0.1, 0.6, T_MAX])
        layers.append(Layer(weights.astype(dtype), bias_times, neuron))
    return layers


def read_out_of(layers, weight=2.0):
    """The layers with a read-out: two biases that do not learn, of so many units.

    Two of the other biases of hidden layers do not learn either, the last of which
    comes too late.
    """
    *hidden, last = layers
    dtype, time = last.weights.dtype, READ_OUT["read_out"]
    rows = np.full((2, last.n_out), weight / 2 * weight_unit(last.neuron), dtype)
    delays = last.delays
    if delays is not None:
        delays = np.concatenate([delays, np.zeros((2, *delays.shape[1:]), dtype)])
    last = replace(
        last,
        weights=np.concatenate([last.weights, rows]),
        bias_times=np.append(last.bias_times, [time, time]),
        delays=delays,
        n_fixed=2,
    )
    return [*(replace(layer, n_fixed=2) for layer in hidden), last]


def make_data(n_samples, n_in, n_classes, dtype=np.float64, seed=1):
    """Times on a grid, with ties; some absent, some at and after the horizon."""
    rng = np.random.default_rng(seed)
    times = rng.integers(0, 64, (n_samples, n_in)) / 32.0
    times[rng.random(times.shape) < 0.15] = np.inf
    times[rng.random(times.shape) < 0.03] = T_MAX
    times[rng.random(times.shape) < 0.03] = T_MAX + 1.0
    labels = rng.integers(0, n_classes, n_samples).astype(np.uintp)
    factors = rng.uniform(0.5, 2.0, n_samples)
    return times.astype(dtype), labels, factors


def units_of(layers):
    return [weight_unit(layer.neuron) * (1.0 + k) for k, layer in enumerate(layers)]


def trainers(layers, loss, **changes):
    """The trainer of the core, and its twin on weights of its own."""
    parameters = TRAINING | changes
    units = units_of(layers)
    if any(layer.delays is not None for layer in layers):
        parameters["delay_units"] = [0.7 + k for k in range(len(layers))]
    core = _core.Trainer(
        layers, T_MAX, PSEUDO_SLOPE, units=units, loss=loss, **parameters
    )
    slow = twin.Trainer(
        copy.deepcopy(layers), T_MAX, PSEUDO_SLOPE, units, loss, **parameters
    )
    return core, slow


def delayed_layers(kind, neuron, sizes, dtype=np.float64):
    """Layers with delays on a grid: some 0, some past t_max."""
    layers = make_layers(neuron, sizes, dtype)
    rng = np.random.default_rng(2)
    for layer in layers:
        shape = layer.weights.shape[: 1 if kind == "axonal" else 2]
        delays = rng.integers(-4, 16, shape).clip(0) / 32.0
        delays[rng.random(shape) < 0.05] = 2.0
        layer.delays = delays.astype(dtype)
    return layers


def assert_weights_close(core, slow, layers, rtol):
    """The weights agree, relative to what training has moved them by."""
    for k, weights in enumerate(core.weights()):
        moved = np.abs(slow.layers[k].weights - layers[k].weights).max()
        assert moved > 0
        expected = slow.layers[k].weights
        assert_allclose(weights, expected, rtol=0, atol=rtol * moved)


def assert_delays_close(core, slow, layers, rtol):
    """The delays agree, relative to what training has moved them by."""
    for k, delays in enumerate(core.delays()):
        assert delays.shape == layers[k].delays.shape
        assert delays.min() >= 0
        moved = np.abs(slow.layers[k].delays - layers[k].delays).max()
        assert moved > 0
        assert_allclose(delays, slow.layers[k].delays, rtol=0, atol=rtol * moved)


def run_both(core, slow, data, batch_size, n_epochs=2, rate=0.02, measures=None):
    """Train both; measures are what fires in their place, one for each."""
    times, labels, factors = data
    ours, theirs = measures or (None, None)
    spikes = twin.spikes_of(times, slow.layers[0].bias_times, T_MAX)
    rng = np.random.default_rng(5)
    n_batches = -(-len(times) // batch_size)
    for _ in range(n_epochs):
        order = rng.permutation(len(times)).astype(np.uintp)
        rates = rng.uniform(0.5, 1.0, n_batches) * rate
        got = core.epoch(spikes, labels, factors, order, batch_size, rates, ours)
        expected = slow.epoch(times, labels, factors, order, batch_size, rates, theirs)
        assert_allclose(got, expected, rtol=1e-10 if core_is_double(core) else 1e-4)


def core_is_double(core):
    return core.weights()[0].dtype == np.float64


def assert_single_trains_like_double(single, loss, rate=0.01, rtol=2e-3, **changes):
    """An epoch of float32 layers against the twin in float64; the core comes back."""
    layers = [
        replace(
            layer,
            weights=layer.weights.astype(float),
            delays=None if layer.delays is None else layer.delays.astype(float),
        )
        for layer in single
    ]
    core, (_, slow) = (
        trainers(single, loss, **changes)[0],
        trainers(layers, loss, **changes),
    )
    times, labels, factors = make_data(24, 9, 3)
    got = epoch(core, single, (times.astype(np.float32), labels, factors), 8, rate)
    rates = np.full(3, rate)
    expected = slow.epoch(times, labels, factors, np.arange(24), 8, rates)
    assert_allclose(got, expected, rtol=1e-4)
    assert_weights_close(core, slow, layers, rtol)
    if layers[0].delays is not None:
        assert_delays_close(core, slow, layers, rtol)
        assert all(delays.dtype == np.float32 for delays in core.delays())
    return core


def all_arrays(core, spikes):
    """What a trainer has learned, its state, and what it makes of spikes."""
    state = core.state()
    pairs = [*state["moments"], *state["delay_moments"], *state["steps"]]
    learned = [array for array in core.weights() + core.delays() if array is not None]
    fired = [*core.spike_times(spikes), core.decisions(spikes), core.labels(spikes)]
    return [*learned, *itertools.chain(*filter(None, pairs)), *fired]


def assert_same_with_threads(monkeypatch, compute):
    """Arrays that are computed have the same bits with one thread and with several."""
    # OMP_NUM_THREADS lifts the limit to the CPUs that are there.
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    results = []
    for n_threads in (1, 2, 3, 4):
        with threadpool_limits(n_threads):
            assert _core.n_threads() == n_threads
            results.append(compute())
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert_array_equal(a, b)


def n_like_differences(grad, values, places, run, step=1e-6, rtol=1e-4, atol=1e-6):
    """In how many places a gradient by values is that of central differences.

    `run` gives the loss for the present values, and arrays that tell on which side of
    its jumps it is: a place between two sides is left out, at all others they agree.
    """
    n_compared = 0
    for at in map(tuple, places):
        kept, losses, sides = values[at], [], []
        for sign in (1, -1):
            values[at] = kept + sign * step
            loss, side = run()
            losses.append(loss)
            sides.append(side)
        values[at] = kept
        if all(map(np.array_equal, *sides)):
            n_compared += 1
            expected = (losses[0] - losses[1]) / (2 * step)
            assert_allclose(grad[at], expected, rtol=rtol, atol=atol)
    return n_compared


def simulate(layers, change=list):
    """A forward that is the network itself, perhaps with weights that are changed."""

    def forward(spikes, trainer):
        now = [
            Layer(w, layer.bias_times, layer.neuron)
            for w, layer in zip(change(trainer.weights()), layers, strict=True)
        ]
        return _core.Simulator(now, T_MAX, PSEUDO_SLOPE).spike_times(spikes)

    return forward


def draw_spikes(layers, seed, *, with_peaks=False):
    """A forward that knows no network: times on the grid of the inputs.

    Some are before all inputs, some at t_max and after it, some infinite.
    """
    rng = np.random.default_rng(seed)

    def forward(spikes, trainer):
        times = []
        for w in trainer.weights():
            at = rng.integers(-8, 80, (len(spikes), w.shape[1])) / 32.0
            at[rng.random(at.shape) < 0.15] = np.inf
            at[rng.random(at.shape) < 0.05] = T_MAX
            at[rng.random(at.shape) < 0.05] = 1e9
            times.append(at)
        peaks = rng.uniform(-1.0, 1.5, times[-1].shape)
        peaks[times[-1] < T_MAX] = np.nan  # nobody looks at them
        return (times, peaks) if with_peaks else times

    return forward


def epoch(core, layers, data, batch_size, rate=0.02, **keywords):
    """One epoch in the order of the samples."""
    times, labels, factors = data
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    order = np.arange(len(times), dtype=np.uintp)
    rates = np.full(-(-len(times) // batch_size), rate)
    return core.epoch(spikes, labels, factors, order, batch_size, rates, **keywords)
