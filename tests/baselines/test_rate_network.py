"""The C core of the rate code against its slow twin, and what it refuses."""

from itertools import pairwise

import numpy as np
import pytest
import rate_twin
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

from ttfs import _baselines

MOMENTS = [1, 2, 5, 17]


def make_layers(sizes, rng):
    """Random layers in which a third of the weights are 0."""
    weights = [
        rng.normal(0.15, 0.6, shape) * (rng.random(shape) > 0.33)
        for shape in pairwise(sizes)
    ]
    biases = [rng.normal(0, 0.2, n) for n in sizes[1:]]
    return (
        [w.astype(np.float32) for w in weights],
        [b.astype(np.float32) for b in biases],
    )


def make_inputs(shape, rng):
    """Inputs of both signs, some 0, some that saturate."""
    x = rng.normal(0, 0.7, shape) * (rng.random(shape) > 0.3)
    return x.astype(np.float32)


@pytest.mark.parametrize(
    ("sizes", "initial", "input_spikes", "output_spikes"),
    [
        ((5, 3), 0.0, True, True),
        ((5, 3), 0.5, False, False),
        ((9, 13, 4), 0.5, True, False),
        ((9, 13, 4), 0.0, False, True),
        ((7, 6, 11, 2), 0.0, True, False),
        ((7, 6, 11, 2), 0.5, False, True),
        ((1, 3, 1), 0.5, True, True),
        ((1, 3, 1), 0.0, False, False),
    ],
)
def test_bits_are_those_of_the_twin(sizes, initial, input_spikes, output_spikes):
    rng = np.random.default_rng(sum(sizes))
    weights, biases = make_layers(sizes, rng)
    x = make_inputs((6, sizes[0]), rng)
    network = _baselines.RateNetwork(
        weights, biases, initial, input_spikes, output_spikes
    )
    counts, membranes, n_spikes, n_events, by_neuron = network.run(x, MOMENTS)
    rows = [m - 1 for m in MOMENTS]
    for n in range(len(x)):
        trains, v = rate_twin.run(
            weights,
            biases,
            initial,
            x[n],
            MOMENTS[-1],
            input_spikes=input_spikes,
            output_spikes=output_spikes,
        )
        expected_spikes, expected_events = rate_twin.count(weights, trains)
        assert_array_equal(counts[n], trains[-1].cumsum(axis=0)[rows])
        assert_array_equal(membranes[n], v[rows])
        assert_array_equal(n_spikes[n], expected_spikes[rows])
        assert_array_equal(n_events[n], expected_events[rows])
        assert_array_equal(by_neuron[n], np.hstack([t.sum(0) for t in trains[1:]]))
    if len(sizes) > 2:
        assert n_spikes[:, -1, 1:-1].all(axis=1).any()


def test_bits_do_not_depend_on_threads_or_neighbours(monkeypatch):
    rng = np.random.default_rng(0)
    weights, biases = make_layers((50, 70, 8), rng)
    network = _baselines.RateNetwork(weights, biases, 0.5, True, True)
    x = make_inputs((300, 50), rng)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    results = []
    for n_threads in (1, 2, 3, 4):
        with threadpool_limits(n_threads):
            results.append(network.run(x, [10, 40]))
    results.append(
        [
            np.concatenate(parts)
            for parts in zip(
                network.run(x[:7], [10, 40]), network.run(x[7:], [10, 40]), strict=True
            )
        ]
    )
    for arrays in results[1:]:
        for array, expected in zip(arrays, results[0], strict=True):
            assert_array_equal(array, expected)


def test_earlier_moments_change_nothing():
    rng = np.random.default_rng(1)
    weights, biases = make_layers((6, 9, 3), rng)
    network = _baselines.RateNetwork(weights, biases, 0.0, False, True)
    x = make_inputs((5, 6), rng)
    many, last = network.run(x, range(1, 31)), network.run(x, [30])
    for array, expected in zip(many[:4], last[:4], strict=True):
        assert_array_equal(array[:, -1:], expected)
    assert_array_equal(many[4], last[4])
    for array in (many[0], many[2], many[3]):  # counts grow
        assert (np.diff(array, axis=1) >= 0).all()


def layers(*shapes):
    weights = [np.zeros(shape, np.float32) for shape in shapes]
    return weights, [np.zeros(n, np.float32) for _, n in shapes]


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([], [], "one bias array"),
        (layers((2, 3))[0], [], "one bias array"),
        (layers((2, 3))[0], layers((2, 4))[1], "do not have biases"),
        (*layers((2, 3), (4, 2)), "inputs that enter it"),
        (*layers((0, 3)), "do not have biases"),
    ],
)
def test_layers_that_do_not_fit_are_refused(weights, biases, message):
    with pytest.raises(ValueError, match=message):
        _baselines.RateNetwork(weights, biases, 0.0, False, True)


def test_layers_of_another_precision_are_refused():
    weights, biases = layers((2, 3))
    with pytest.raises(ValueError, match="dtype"):
        _baselines.RateNetwork([weights[0].astype(float)], biases, 0.0, False, True)


@pytest.mark.parametrize(
    ("shape", "moments", "message"),
    [
        ((2, 3), [1], "2 columns"),
        ((0, 2), [1], "at least one sample"),
        ((1, 2), [], "one or more integers"),
        ((1, 2), [1.5], "one or more integers"),
        ((1, 2), [[1]], "one or more integers"),
        ((1, 2), [0, 1], "ascending"),
        ((1, 2), [2, 2], "ascending"),
        ((1, 2), [1, 2**31], "ascending"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(shape, moments, message):
    network = _baselines.RateNetwork(*layers((2, 3)), 0.0, False, True)
    with pytest.raises(ValueError, match=message):
        network.run(np.zeros(shape, np.float32), moments)
