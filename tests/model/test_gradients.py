"""The vector-Jacobian product of first spikes against 50 digits and differences."""

import neurons
import numpy as np
import pytest
import reference
from cases import diagonal, first_of
from numpy.testing import assert_allclose, assert_array_equal

import ttfs

pytestmark = pytest.mark.usefixtures("every_simd")
RATIOS = {"equal": 1.0, "double": 2.0, "nonleaky": np.inf}
RATIOS |= {"fast": 0.25, "near": 1 + 1e-9, "slow": 5.0}
N_SAMPLES, N_IN, N_OUT = 5, 24, 7
DTYPES = {"double": np.float64, "single": np.float32}


@pytest.fixture(params=first_of(RATIOS, 5))
def layer(request):
    """Times, weights, neuron and spikes of a layer in which most neurons fire."""
    rng = np.random.RandomState(7)
    tau_syn = 0.8
    neuron = ttfs.LIF(RATIOS[request.param] * tau_syn, tau_syn, 1.2)
    times = 1.5 * rng.random_sample((N_SAMPLES, N_IN))
    times[rng.random_sample(times.shape) < 0.2] = np.inf
    weights = 1.2 * rng.random_sample((N_IN, N_OUT)) - 0.15
    # A membrane that leaks fast reaches less.
    weights /= min(1.0, RATIOS[request.param]) ** 0.75
    weights[:, -1] *= -1
    spikes = ttfs.first_spike(times, weights, neuron)
    assert np.isfinite(spikes[:, :-1]).mean() > 0.9
    assert np.isinf(spikes[:, -1]).all()
    return times, weights, neuron, spikes


def grad_like(spikes, seed=0):
    rng = np.random.RandomState(seed)
    return (2 * rng.random_sample(spikes.shape) - 1).astype(spikes.dtype)


# ------------------------------------------------------------------ 50-digit witness


def check_stored_neurons(regime, dtype, rtol, n_neurons):
    drawn, golden = neurons.load_golden(regime, 4 * n_neurons)
    tested = 0
    worst = []
    for k, neuron in enumerate(drawn):
        if tested == n_neurons:
            break
        normalised = golden["slope"][k] * neuron.tau_syn / neuron.threshold
        if not normalised > 0.01 or (dtype is np.float32 and not neuron.single):
            continue
        tested += 1
        spike = dtype(golden["time"][k])
        by_time, by_weight = ttfs.first_spike_vjp(
            neuron.times[None].astype(dtype),
            neuron.weights[:, None].astype(dtype),
            np.array([[spike]], dtype=dtype),
            np.array([[-1.5]], dtype=dtype),
            ttfs.LIF(*neuron.parameters),
        )
        assert by_time.dtype == by_weight.dtype == dtype
        expected = reference.vjp(
            neuron.times, neuron.weights, float(spike), *neuron.parameters
        )
        for name, got, right in (
            ("times", by_time[0], -1.5 * expected.times),
            ("weights", by_weight[:, 0], -1.5 * expected.weights),
        ):
            error = np.abs(got - right).max() / np.abs(right).max()
            if not error <= rtol:
                worst.append(
                    f"neuron {k}: {neuron.parameters}, {neuron.times.size} inputs, "
                    f"{name}: error {error:.2g}, slope {normalised:.2g}"
                )
    assert tested == n_neurons
    assert not worst, f"{len(worst)} of {tested}\n" + "\n".join(worst[:10])


@pytest.mark.parametrize("n_neurons", first_of([40, 250]))
@pytest.mark.parametrize("regime", neurons.REGIMES)
def test_double_agrees_with_reference(regime, n_neurons):
    check_stored_neurons(regime, np.float64, 1e-8, n_neurons)


@pytest.mark.parametrize("n_neurons", first_of([25, 150]))
@pytest.mark.parametrize("regime", neurons.REGIMES)
def test_single_agrees_with_reference(regime, n_neurons):
    check_stored_neurons(regime, np.float32, 1e-3, n_neurons)


def test_layer_sums_over_neurons_and_samples_as_reference(layer):
    times, weights, neuron, spikes = layer
    grad = grad_like(spikes)
    by_time = np.zeros(times.shape)
    by_weight = np.zeros(weights.shape)
    taus = neuron.tau_mem, neuron.tau_syn
    for i in range(N_SAMPLES):
        for j in range(N_OUT):
            each = reference.vjp(
                times[i], weights[:, j], spikes[i, j], *taus, neuron.threshold
            )
            by_time[i] += grad[i, j] * each.times
            by_weight[:, j] += grad[i, j] * each.weights
    got_time, got_weight = ttfs.first_spike_vjp(times, weights, spikes, grad, neuron)
    assert_allclose(got_time, by_time, rtol=0, atol=1e-10 * np.abs(by_time).max())
    assert_allclose(got_weight, by_weight, rtol=0, atol=1e-10 * np.abs(by_weight).max())


# ------------------------------------------------------------------ finite differences


def central_difference(function, x, where, h=2e-4):
    """Fourth order, one component."""

    def shifted(k):
        moved = x.copy()
        moved[where] += k * h
        return function(moved)

    near = shifted(1) - shifted(-1)
    far = shifted(2) - shifted(-2)
    return (8 * near - far) / (12 * h)


def test_central_differences_of_first_spike_agree(layer):
    times, weights, neuron, spikes = layer
    grad = grad_like(spikes)
    # Differences need a spike that does not jump or meet an input within the step.
    fired = np.isfinite(spikes)
    gap = np.abs(np.where(fired, spikes, 99)[:, :, None] - times[:, None, :]).min(-1)
    slope = [
        [
            reference.vjp(
                times[i],
                weights[:, j],
                spikes[i, j],
                neuron.tau_mem,
                neuron.tau_syn,
                neuron.threshold,
            ).slope
            for j in range(N_OUT)
        ]
        for i in range(N_SAMPLES)
    ]
    smooth = fired & (gap > 2e-3) & (np.array(slope) > 0.3)
    assert smooth.sum() > 15
    grad[~smooth] = 0

    def loss(times, weights):
        found = ttfs.first_spike(times, weights, neuron)
        return (grad * np.where(smooth, found, 0)).sum()

    by_time, by_weight = ttfs.first_spike_vjp(times, weights, spikes, grad, neuron)
    scale = np.abs(by_time).max(), np.abs(by_weight).max()
    for where in np.argwhere(np.isfinite(times))[::5]:
        where = tuple(where)
        expected = central_difference(lambda t: loss(t, weights), times, where)
        assert_allclose(by_time[where], expected, rtol=0, atol=1e-7 * scale[0])
    for where in np.argwhere(np.isfinite(weights))[::7]:
        where = tuple(where)
        expected = central_difference(lambda w: loss(times, w), weights, where)
        assert_allclose(by_weight[where], expected, rtol=0, atol=1e-7 * scale[1])


# ------------------------------------------------------------------ identities


def test_product_is_linear_in_grad_spikes(layer):
    times, weights, neuron, spikes = layer
    a, b = grad_like(spikes, 1), grad_like(spikes, 2)

    def pull(grad):
        return ttfs.first_spike_vjp(times, weights, spikes, grad, neuron)

    for both, first, second in zip(pull(2 * a - 3 * b), pull(a), pull(b), strict=True):
        scale = np.abs(first).max() + np.abs(second).max()
        assert_allclose(both, 2 * first - 3 * second, rtol=0, atol=1e-12 * scale)


def test_grad_weights_is_the_sum_over_samples(layer):
    times, weights, neuron, spikes = layer
    grad = grad_like(spikes)
    by_time, by_weight = ttfs.first_spike_vjp(times, weights, spikes, grad, neuron)
    total = np.zeros(weights.shape)
    for i in range(N_SAMPLES):
        one = slice(i, i + 1)
        single = ttfs.first_spike_vjp(
            times[one], weights, spikes[one], grad[one], neuron
        )
        assert_array_equal(single[0], by_time[one])
        total += single[1]
    assert_allclose(by_weight, total, rtol=0, atol=1e-13 * np.abs(total).max())


def test_shift_of_all_inputs_shifts_the_spike(layer):
    # t_k(t + c) = t_k(t) + c, so the derivatives by the inputs sum to one.
    times, weights, neuron, spikes = layer
    for j in range(N_OUT - 1):
        grad = np.zeros(spikes.shape)
        grad[:, j] = np.isfinite(spikes[:, j])
        by_time, _ = ttfs.first_spike_vjp(times, weights, spikes, grad, neuron)
        assert_allclose(by_time.sum(axis=1), grad[:, j], rtol=1e-10)


def test_silent_neurons_have_no_gradient(layer):
    times, weights, neuron, spikes = layer
    grad = np.where(np.isinf(spikes), 1.0, 0.0)
    for min_slope in 0.0, 0.3:
        by_time, by_weight = ttfs.first_spike_vjp(
            times, weights, spikes, grad, neuron, min_slope=min_slope
        )
        assert not by_time.any()
        assert not by_weight.any()


def test_absent_and_later_inputs_have_no_gradient(layer):
    times, weights, neuron, spikes = layer
    grad = np.zeros(spikes.shape)
    grad[:, 0] = 1
    by_time, by_weight = ttfs.first_spike_vjp(times, weights, spikes, grad, neuron)
    causal = times < np.where(np.isfinite(spikes[:, :1]), spikes[:, :1], -np.inf)
    assert not by_time[~causal].any()
    assert by_time[causal].any()
    assert not by_weight[~causal.any(axis=0)].any()


# ------------------------------------------------------------------ measured spikes


@pytest.mark.parametrize(("ratio", "dtype"), diagonal(RATIOS, DTYPES))
def test_input_at_the_time_of_the_spike_is_not_causal(ratio, dtype):
    times = np.array([[0.0, 0.5]], dtype)
    weights = np.ones((2, 1), dtype)
    spikes = np.array([[0.5]], dtype)
    by_time, by_weight = ttfs.first_spike_vjp(
        times, weights, spikes, np.ones((1, 1), dtype), ttfs.LIF(ratio, 1.0, 1.0)
    )
    assert by_time[0, 0] != 0
    assert by_weight[0, 0] != 0
    assert by_time[0, 1] == 0
    assert by_weight[1, 0] == 0


def measured(ratio, dtype, seed=3):
    """A layer with spikes that are no crossings of its own membrane."""
    rng = np.random.RandomState(seed)
    times = (2 * rng.random_sample((4, 12))).astype(dtype)
    weights = (rng.random_sample((12, 6)) - 0.4).astype(dtype)
    spikes = (0.3 + 4 * rng.random_sample((4, 6))).astype(dtype)
    return times, weights, spikes, ttfs.LIF(0.7 * ratio, 0.7, 1.3)


@pytest.mark.parametrize(("ratio", "dtype"), diagonal(RATIOS, DTYPES))
def test_min_slope_floors_the_slope_at_measured_spikes(ratio, dtype):
    rtol = 1e-10 if dtype is np.float64 else 1e-4
    times, weights, spikes, neuron = measured(ratio, dtype)
    grad = grad_like(spikes)
    min_slope = 0.25
    floor = min_slope * neuron.threshold / neuron.tau_syn
    kinds = set()
    for i in range(4):
        for j in range(6):
            expected = reference.vjp(
                times[i],
                weights[:, j],
                spikes[i, j],
                neuron.tau_mem,
                neuron.tau_syn,
                neuron.threshold,
                min_slope=min_slope,
            )
            kinds.add((expected.slope < 0, expected.slope < floor))
            one = np.zeros_like(grad)
            one[i, j] = grad[i, j]
            by_time, by_weight = ttfs.first_spike_vjp(
                times, weights, spikes, one, neuron, min_slope=min_slope
            )
            for got, right in (
                (by_time[i], grad[i, j] * expected.times),
                (by_weight[:, j], grad[i, j] * expected.weights),
            ):
                assert_allclose(got, right, rtol=0, atol=rtol * np.abs(right).max())
    # Above the floor, below it, and (with a leak) falling.
    leaky = {(True, True)} if np.isfinite(ratio) else set()
    assert kinds >= {(False, False), (False, True)} | leaky


@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS)
def test_without_floor_the_slope_keeps_its_sign(ratio):
    times, weights, spikes, neuron = measured(ratio, np.float64, seed=4)
    grad = np.ones(spikes.shape)
    total = np.zeros(times.shape)
    for i, j in np.ndindex(*spikes.shape):
        total[i] += reference.vjp(
            times[i],
            weights[:, j],
            spikes[i, j],
            neuron.tau_mem,
            neuron.tau_syn,
            neuron.threshold,
        ).times
    by_time, _ = ttfs.first_spike_vjp(times, weights, spikes, grad, neuron)
    assert_allclose(by_time, total, rtol=0, atol=1e-9 * np.abs(total).max())


@pytest.mark.parametrize("min_slope", [0.0, 0.3])
def test_spike_preceded_by_no_input_gives_zero(min_slope):
    times = np.array([[1.0, 2.0, np.inf]])
    weights = np.array([[0.5], [1.0], [2.0]])
    for spike in -4.0, 0.5, 1.0:
        by_time, by_weight = ttfs.first_spike_vjp(
            times, weights, np.array([[spike]]), np.ones((1, 1)), min_slope=min_slope
        )
        assert not by_time.any()
        assert not by_weight.any()


@pytest.mark.parametrize(("ratio", "dtype"), diagonal(RATIOS, DTYPES))
def test_slope_of_zero_gives_finite_numbers(ratio, dtype):
    # Zero weights have slope zero everywhere; equal time constants with one input
    # have it at the maximum, one time constant after the input.
    times = np.zeros((1, 1), dtype)
    one = np.ones((1, 1), dtype)
    for weight, spike in (0.0, 1.0), (1.0, 1.0), (1e-30, 2.0):
        by_time, by_weight = ttfs.first_spike_vjp(
            times, weight * one, spike * one, one, ttfs.LIF(ratio, 1.0, 1.0)
        )
        assert np.isfinite(by_time).all()
        assert np.isfinite(by_weight).all()


@pytest.mark.parametrize(
    ("dtype", "weight"), [(np.float64, 1e-320), (np.float32, 1e-42)], ids=["f8", "f4"]
)
def test_slope_too_small_to_divide_by_gives_finite_numbers(dtype, weight):
    one = np.ones((1, 1), dtype)
    for min_slope in 0.0, 0.3:
        by_time, by_weight = ttfs.first_spike_vjp(
            0 * one, dtype(weight) * one, 2 * one, one, min_slope=min_slope
        )
        assert np.isfinite(by_time).all()
        assert np.isfinite(by_weight).all()


def test_floor_lets_a_spike_without_slope_learn():
    one = np.ones((1, 1))
    _, by_weight = ttfs.first_spike_vjp(
        np.zeros((1, 1)), one, one, one, ttfs.LIF(), min_slope=0.5
    )
    # - kappa(1) / (0.5 threshold / tau_syn)
    assert_allclose(by_weight, -2 * np.exp(-1), rtol=1e-14)
