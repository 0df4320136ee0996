"""What must hold for any layer of neurons that fire several times; tangent spikes."""

import functools

import numpy as np
import pytest
import reference
import trains_twin
from cases import diagonal
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import ttfs

pytestmark = pytest.mark.usefixtures("every_simd")
RATIOS = (1.0, 2.0, np.inf, 0.3, 7.0, 1 + 1e-9)
MAX_SPIKES = 6
# Fixed examples: a red test stays red.


@st.composite
def layers(draw, max_in=12, max_out=20):
    """Times of several spikes of each input, weights, neuron, refractory time.

    Numpy draws the numbers, hypothesis the cases.
    """
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    n_samples, n_in = draw(st.integers(1, 3)), draw(st.integers(1, max_in))
    n_out, repeats = draw(st.integers(1, max_out)), draw(st.integers(1, 4))
    tau_syn = draw(st.sampled_from([1.0, 0.3, 20.0]))
    neuron = ttfs.LIF(
        draw(st.sampled_from(RATIOS)) * tau_syn,
        tau_syn,
        draw(st.sampled_from([1.0, 0.2, 5.0])),
    )
    times = draw(st.sampled_from([0.5, 4.0, 30.0])) * rng.random_sample(
        (n_samples, n_in, repeats)
    )
    if draw(st.booleans()):
        times = np.round(times * 4) / 4  # ties
    times *= tau_syn
    times[rng.random_sample(times.shape) < draw(st.sampled_from([0, 0.3]))] = np.inf
    weights = 2 * rng.random_sample((n_in, n_out)) - draw(st.sampled_from([0.2, 0.6]))
    weights *= neuron.threshold * 8 / (1 + np.sqrt(n_in))
    refractory = draw(st.sampled_from([0.0, 0.2])) * tau_syn
    return times, weights, neuron, refractory


def trains(times, weights, neuron, refractory, **options):
    return ttfs.spike_trains(
        times, weights, neuron, max_spikes=MAX_SPIKES, refractory=refractory, **options
    )


def settled(times, weights, neuron, refractory):
    """Spikes, and which of them small changes of the membrane cannot move far.

    What follows a spike that they may move, or make, or take away, is not settled.
    """
    low, high = (
        trains(
            times,
            weights,
            ttfs.LIF(neuron.tau_mem, neuron.tau_syn, neuron.threshold * factor),
            refractory,
        )
        for factor in (1 - 1e-6, 1 + 1e-6)
    )
    with np.errstate(invalid="ignore"):
        near = np.abs(high - low) < 1e-3 * neuron.tau_syn
    stable = near | (np.isinf(low) & np.isinf(high))
    return trains(times, weights, neuron, refractory), np.logical_and.accumulate(
        stable, axis=2
    )


def assert_same(got, expected, stable, tau_syn):
    assert stable.mean() > 0.5 or stable.size < 100
    assert_array_equal(np.isinf(got)[stable], np.isinf(expected)[stable])
    hit = stable & np.isfinite(expected)
    assert_allclose(got[hit], expected[hit], rtol=1e-12, atol=1e-8 * tau_syn)


@given(layers(), st.randoms(use_true_random=False))
def test_order_of_inputs_and_of_their_spikes_does_not_matter(layer, random):
    times, weights, neuron, refractory = layer
    spikes, stable = settled(*layer)
    order = list(range(times.shape[1]))
    random.shuffle(order)
    got = trains(times[:, order, ::-1], weights[order], neuron, refractory)
    assert_same(got, spikes, stable, neuron.tau_syn)


@given(layers())
def test_an_input_may_be_split_in_two(layer):
    times, weights, neuron, refractory = layer
    spikes, stable = settled(*layer)
    parts = np.concatenate([0.25 * weights, 0.75 * weights])
    got = trains(np.concatenate([times, times], axis=1), parts, neuron, refractory)
    assert_same(got, spikes, stable, neuron.tau_syn)


@given(layers(), st.sampled_from([0.37, 3.3, 1e3]))
def test_time_has_no_unit(layer, factor):
    times, weights, neuron, refractory = layer
    spikes, stable = settled(*layer)
    scaled = ttfs.LIF(
        neuron.tau_mem * factor, neuron.tau_syn * factor, neuron.threshold
    )
    got = trains(times * factor, weights, scaled, refractory * factor)
    assert_same(got / factor, spikes, stable, neuron.tau_syn)


@given(layers(), st.sampled_from([0.37, 3.3, 1e3]))
def test_the_membrane_has_no_unit(layer, factor):
    times, weights, neuron, refractory = layer
    spikes, stable = settled(*layer)
    scaled = ttfs.LIF(neuron.tau_mem, neuron.tau_syn, neuron.threshold * factor)
    got = trains(times, weights * factor, scaled, refractory)
    assert_same(got, spikes, stable, neuron.tau_syn)


@given(layers(), st.sampled_from([-5.0, 0.7, 40.0]))
def test_a_shift_of_all_inputs_shifts_all_spikes(layer, shift):
    times, weights, neuron, refractory = layer
    spikes, stable = settled(*layer)
    shift *= neuron.tau_syn
    got = trains(times + shift, weights, neuron, refractory)
    assert_same(got - shift, spikes, stable, neuron.tau_syn)


@given(layers())
def test_neurons_and_samples_do_not_depend_on_each_other(layer):
    times, weights, neuron, refractory = layer
    together = trains(*layer)
    alone = trains(times[-1:], weights[:, -1:].copy(), neuron, refractory)
    assert_array_equal(alone[0, 0], together[-1, -1])


@given(layers())
def test_gradients_are_those_of_differences(layer):
    """A random direction in which times and weights move together."""
    times, weights, neuron, refractory = layer
    spikes, stable = settled(*layer)
    rng = np.random.RandomState(spikes.size)
    way_t = neuron.tau_syn * rng.normal(size=times.shape)
    way_w = neuron.threshold * rng.normal(size=weights.shape)
    step = 1e-7
    before, after = (
        trains(times + side * way_t, weights + side * way_w, neuron, refractory)
        for side in (-step, step)
    )
    is_there = np.isfinite(before + after + spikes) & stable
    before, now, after = (
        np.where(is_there, array, 0) for array in (before, spikes, after)
    )
    # Where an input passes a spike within the step, nothing is compared from there on.
    bend = np.abs(after - 2 * now + before)
    is_smooth = bend < 1e-3 * np.abs(after - before) + 1e-10 * neuron.tau_syn
    is_smooth = np.logical_and.accumulate(is_smooth, axis=2)
    grad = rng.uniform(-1, 1, spikes.shape) * (is_smooth & is_there)
    by_time, by_weight = ttfs.spike_trains_vjp(
        times, weights, spikes, grad, neuron, refractory=refractory
    )
    parts = by_time[np.isfinite(times)] * way_t[np.isfinite(times)], by_weight * way_w
    found = np.sum(grad * (after - before)) / (2 * step)
    scale = neuron.tau_syn + sum(np.abs(part).sum() for part in parts)
    assert abs(found - sum(part.sum() for part in parts)) <= 1e-4 * scale


@settings(max_examples=8)
@given(layers(max_in=4, max_out=2), st.sampled_from([0.37, 3.3]))
def test_spikes_and_gradients_are_those_of_the_twin(layer, factor):
    """The twin in another unit of time, with a shift, so that it is put to it too."""
    times, weights, neuron, refractory = layer
    spikes, stable = settled(*layer)
    scaled = ttfs.LIF(
        neuron.tau_mem * factor, neuron.tau_syn * factor, neuron.threshold
    )
    moved = (times + 2 * neuron.tau_syn) * factor, weights
    twin = trains_twin.spike_trains(*moved, scaled, MAX_SPIKES, refractory * factor)
    back = twin / factor - 2 * neuron.tau_syn
    assert_same(back, spikes, stable, neuron.tau_syn)

    grad = np.random.RandomState(spikes.size).uniform(-1, 1, twin.shape)
    expected = trains_twin.spike_trains_vjp(
        *moved, twin, grad, scaled, refractory * factor, min_slope=0.05
    )
    got = ttfs.spike_trains_vjp(
        *moved, twin, grad, scaled, refractory=refractory * factor, min_slope=0.05
    )
    for mine, theirs in zip(got, expected, strict=True):
        scale = max(np.abs(theirs).max(initial=0), 1e-300)
        assert_allclose(mine, theirs, rtol=0, atol=1e-9 * scale)


INPUTS = [0.0, 9.0]


def tangent_train(ratio, weight):
    """Spikes in 50 digits of a neuron with a strong input, and a later one."""
    weights = [6.0 if ratio < 1 else 4.3, weight]
    train = reference.spike_train(INPUTS, weights, ratio, 1.0, 1.0, 40)
    return weights, [float(t) for t, *_ in train]


@functools.cache
def tangent_weight(ratio):
    """The weight of the later input with which the last peak is the threshold."""
    n_before = len(tangent_train(ratio, 0.0)[1])
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        is_above = len(tangent_train(ratio, middle)[1]) > n_before
        low, high = (low, middle) if is_above else (middle, high)
    return high


@pytest.mark.parametrize(
    ("ratio", "margin"), diagonal([1.0, 2.0, 5.0, 0.3, np.inf], [1e-12, 1e-9, 1e-6])
)
def test_a_spike_that_is_nearly_tangent(ratio, margin):
    """A later peak just below the threshold, and just above: as with 50 digits."""
    numbers = []
    for side in (-margin, margin):
        weights, expected = tangent_train(ratio, tangent_weight(ratio) * (1 + side))
        got = ttfs.spike_trains(
            np.array([INPUTS]),
            np.array(weights)[:, np.newaxis],
            ttfs.LIF(ratio, 1.0, 1.0),
            max_spikes=40,
        )[0, 0]
        numbers.append(np.isfinite(got).sum())
        assert numbers[-1] == len(expected)
        # The time of a spike goes with the root of the margin; without leak, where the
        # threshold is reached in the end, with its logarithm.
        atol = 1e-14 / margin if np.isinf(ratio) else 1e-13 / np.sqrt(margin)
        assert_allclose(got[: len(expected)], expected, rtol=0, atol=atol)
    assert numbers[1] == numbers[0] + 1
