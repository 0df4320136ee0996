"""Layers against closed forms: Lambert W, quadratic, logarithm."""

import numpy as np
import pytest
from cases import diagonal
from numpy.testing import assert_allclose, assert_array_equal
from reference import (
    CLOSED_FORMS,
    closed_form_first_spike,
    closed_form_vjp,
    first_spike,
    vjp,
)

import ttfs

pytestmark = pytest.mark.usefixtures("every_simd")
SHAPES = [(1, 1, 1), (3, 10, 5), (20, 40, 33), (4, 300, 17)]


def random_layer(regime, shape, seed):
    """Times, weights and neuron; about two thirds fire, some after their last input."""
    n_samples, n_in, n_out = shape
    rng = np.random.RandomState(seed)
    tau_syn, threshold = 0.25 + 2 * rng.random_sample(2)
    # Up to ten time constants: the closed forms hold exp(t / tau) in plain sums.
    window = (1 + 9 * rng.random_sample()) * tau_syn
    times = window * (rng.random_sample((n_samples, n_in)) - 0.5)
    times[rng.random_sample(times.shape) < 0.2] = np.inf
    weights = rng.random_sample((3, n_in, n_out)).sum(axis=0) - 1.4
    neuron = ttfs.LIF(CLOSED_FORMS[regime][0] * tau_syn, tau_syn, threshold)
    return times, weights * threshold * 6 / np.sqrt(n_in), neuron


def slopes(times, weights, spikes, neuron):
    """Slope of the membrane at each spike, by its derivative alone."""
    d = np.where(np.isfinite(spikes), spikes, 0)[:, None, :] - times[:, :, None]
    d = np.where(d > 0, d, 0) / neuron.tau_syn
    ratio = neuron.tau_syn / neuron.tau_mem
    if ratio == 1:
        kernel = (1 - d) * np.exp(-d)
    else:
        kernel = (np.exp(-d) - ratio * np.exp(-ratio * d)) / (1 - ratio)
    kernel[d == 0] = 0
    return (weights * kernel).sum(axis=1) / neuron.tau_syn


@pytest.mark.parametrize(("shape", "regime"), diagonal(SHAPES, list(CLOSED_FORMS)))
def test_first_spike_equals_closed_form(regime, shape):
    fired = []
    for seed in range(5):
        times, weights, neuron = random_layer(regime, shape, seed)
        expected = closed_form_first_spike(
            regime, times, weights, neuron.tau_syn, neuron.threshold
        )
        got = ttfs.first_spike(times, weights, neuron)
        assert got.shape == expected.shape
        assert_array_equal(np.isfinite(got), np.isfinite(expected))
        hit = np.isfinite(expected)
        fired.append(hit.mean())
        steep = slopes(times, weights, expected, neuron)[hit]
        factor = np.maximum(1, neuron.threshold / (neuron.tau_syn * steep))
        error = np.abs(got - np.where(hit, expected, 0))[hit]
        assert (error <= 1e-10 * neuron.tau_syn * factor).all()
    if shape[0] > 1:
        assert 0.2 < np.mean(fired) < 1


@pytest.mark.parametrize(("shape", "regime"), diagonal(SHAPES, list(CLOSED_FORMS)))
def test_vjp_equals_closed_form(regime, shape):
    for seed in range(5):
        times, weights, neuron = random_layer(regime, shape, seed)
        spikes = ttfs.first_spike(times, weights, neuron)
        steep = slopes(times, weights, spikes, neuron)
        grad = np.random.RandomState(seed).random_sample(spikes.shape) - 0.5
        # Both sides divide by a rounded slope.
        grad[steep * neuron.tau_syn < 0.01 * neuron.threshold] = 0
        got = ttfs.first_spike_vjp(times, weights, spikes, grad, neuron)
        expected = closed_form_vjp(
            regime, times, weights, grad, neuron.tau_syn, neuron.threshold
        )
        for mine, theirs in zip(got, expected, strict=True):
            scale = np.abs(theirs).max()
            assert_allclose(mine, theirs, rtol=0, atol=1e-8 * scale)


@pytest.mark.parametrize("regime", CLOSED_FORMS)
def test_closed_forms_agree_with_fifty_digits(regime):
    times, weights, neuron = random_layer(regime, (4, 12, 6), 11)
    taus = neuron.tau_mem, neuron.tau_syn
    spikes = closed_form_first_spike(
        regime, times, weights, neuron.tau_syn, neuron.threshold
    )
    grad = np.zeros(spikes.shape)
    for i, j in np.ndindex(*spikes.shape):
        exact = first_spike(times[i], weights[:, j], *taus, neuron.threshold)
        assert_allclose(spikes[i, j], float(exact.time), rtol=1e-11)
        if exact.slope < 0.01:
            continue
        grad[:] = 0
        grad[i, j] = 1
        by_time, by_weight = closed_form_vjp(
            regime, times, weights, grad, neuron.tau_syn, neuron.threshold
        )
        right = vjp(times[i], weights[:, j], spikes[i, j], *taus, neuron.threshold)
        scale = np.abs(right.times).max(), np.abs(right.weights).max()
        assert_allclose(by_time[i], right.times, rtol=0, atol=1e-10 * scale[0])
        assert_allclose(by_weight[:, j], right.weights, rtol=0, atol=1e-10 * scale[1])


@pytest.mark.parametrize(
    ("ratio", "weight", "expected"),
    [
        # d exp(-d) = 1 / e has its only solution at 1.
        (1.0, np.nextafter(np.e, 3), 1.0),
        # 2 (y - y^2) w = 1 with w = 2 is tangent at y = 1/2, t = 2 ln 2.
        (2.0, 2.0, 2 * np.log(2)),
        # 2 (1 - exp(-t)) = 1
        (np.inf, 2.0, np.log(2)),
    ],
    ids=list(CLOSED_FORMS),
)
def test_one_input_fires_at_the_known_time(ratio, weight, expected):
    got = ttfs.first_spike([[0.0]], [[weight]], ttfs.LIF(ratio, 1.0, 1.0))
    # A tangent point is known to the square root of the rounding error.
    assert_allclose(got, [[expected]], rtol=1e-15 if ratio == np.inf else 1e-7)


@pytest.mark.parametrize(
    ("ratio", "weight"),
    [(1.0, 2.718), (2.0, 1.9999), (np.inf, 1.0), (0.5, 3.9999), (1.0, -5.0)],
)
def test_one_input_too_weak_stays_silent(ratio, weight):
    got = ttfs.first_spike([[0.0]], [[weight]], ttfs.LIF(ratio, 1.0, 1.0))
    assert_array_equal(got, [[np.inf]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_threshold_that_is_only_a_limit_is_not_reached(dtype):
    # Without leak the membrane tends to the weight and never gets there; rounded, it
    # does. The second input crosses at once, but not before it comes.
    neuron = ttfs.LIF(np.inf, 1.0, 24.0)
    times = np.array([[0, np.inf, 1], [0, 100, 1]], dtype)
    weights = np.array([[24, 16], [8, 1], [0, 8]], dtype)
    got = ttfs.first_spike(times, weights, neuron)
    assert_array_equal(np.isinf(got), [[True, True], [False, False]])
    assert_allclose(got[1], [100, 100], rtol=1e-6)


def mostafa(z, w):
    """z_out of a neuron without leak and the derivatives by w and z; inf, 0 if silent.

    As published: z = exp(t / tau_syn), threshold 1; the causal set is the first prefix
    of the sorted inputs with sum w > 1 and z_out before the next z [1]_.

    .. [1] H. Mostafa, "Supervised learning based on temporal coding in spiking neural
       networks", IEEE Transactions on Neural Networks and Learning Systems 29,
       3227-3235 (2018).
    """
    by_w, by_z = np.zeros((2, len(z)))
    order = np.argsort(z)
    for n in range(1, len(z) + 1):
        causal = order[:n]
        after = z[order[n]] if n < len(z) else np.inf
        total = w[causal].sum()
        if total <= 1:
            continue
        z_out = (w[causal] * z[causal]).sum() / (total - 1)
        if z_out < after:
            by_w[causal] = (z[causal] - z_out) / (total - 1)
            by_z[causal] = w[causal] / (total - 1)
            return z_out, by_w, by_z
    return np.inf, by_w, by_z


@pytest.mark.parametrize("tau_syn", [1.0, 0.4])
def test_no_leak_is_the_neuron_of_mostafa(tau_syn):
    rng = np.random.RandomState(3)
    neuron = ttfs.LIF(np.inf, tau_syn, 1.0)
    t = tau_syn * rng.uniform(0, np.log(6), (6, 12))
    w = rng.normal(0.15, 0.4, (12, 30))
    spikes = ttfs.first_spike(t, w, neuron)
    z = np.exp(t / tau_syn)
    for i, j in np.ndindex(*spikes.shape):
        z_out, by_w, by_z = mostafa(z[i], w[:, j])
        assert_allclose(np.exp(spikes[i, j] / tau_syn), z_out, rtol=1e-11)
        if np.isinf(z_out):
            continue
        one = np.zeros((1, 30))
        one[0, j] = 1.0
        by_times, by_weights = ttfs.first_spike_vjp(
            t[i : i + 1], w, spikes[i : i + 1], one, neuron
        )
        # t = tau_syn ln z: dt_out = tau_syn dz_out / z_out, dz = z dt / tau_syn.
        scale = np.abs(by_w).max() / z_out
        assert_allclose(
            by_weights[:, j], tau_syn * by_w / z_out, atol=1e-9 * tau_syn * scale
        )
        assert_allclose(by_times[0], by_z * z[i] / z_out, atol=1e-9 * scale)
    assert 0.2 < np.isfinite(spikes).mean() < 1
