"""Neurons that fire several times, against 50 digits, a twin and differences."""

import functools

import numpy as np
import pytest
import reference
import trains_twin
from cases import diagonal, first_of
from mpmath import mp, mpf
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from threadpoolctl import threadpool_limits

import ttfs

pytestmark = pytest.mark.usefixtures("every_simd")
RATIOS = {"equal": 1.0, "double": 2.0, "nonleaky": np.inf}
RATIOS |= {"fast": 0.25, "near": 1 + 1e-9, "slow": 5.0, "far": 100.0}
TAU_SYN, THRESHOLD, MAX_SPIKES = 0.8, 1.2, 20
N_SAMPLES, N_IN, N_REPEATS, N_OUT = 2, 12, 3, 5
# Differences of 50 digits are dear.
ALL_INPUTS = pytest.param(slice(None), marks=pytest.mark.slow, id="all")


def make_layer(name, dtype=np.float64, span=6.0):
    """Times (samples, inputs, repeats), weights and neuron of a busy layer."""
    rng = np.random.RandomState(3)
    neuron = ttfs.LIF(RATIOS[name] * TAU_SYN, TAU_SYN, THRESHOLD)
    times = span * rng.random_sample((N_SAMPLES, N_IN, N_REPEATS))
    times[rng.random_sample(times.shape) < 0.2] = np.inf
    weights = 2.4 * rng.random_sample((N_IN, N_OUT)) - 0.4
    weights /= min(1.0, RATIOS[name]) ** 0.75
    return times.astype(dtype), weights.astype(dtype), neuron


@pytest.fixture(params=first_of(RATIOS, 5))
def layer(request):
    return make_layer(request.param)


def flat_inputs(times, weights, sample, neuron):
    """The input spikes of one neuron in one sample, and their weights."""
    repeats = times.shape[2]
    return times[sample].ravel(), np.repeat(weights[:, neuron], repeats)


def in_50_digits(times, weights, neuron, sample, j, **options):
    t, w = flat_inputs(times, weights, sample, j)
    return reference.spike_train(
        t.tolist(),
        w.tolist(),
        neuron.tau_mem,
        neuron.tau_syn,
        neuron.threshold,
        MAX_SPIKES,
        **options,
    )


@pytest.mark.parametrize(
    ("layer", "refractory"), diagonal(list(RATIOS), [0.0, 0.3]), indirect=["layer"]
)
def test_spikes_are_those_of_50_digits(layer, refractory):
    times, weights, neuron = layer
    spikes = ttfs.spike_trains(
        times, weights, neuron, max_spikes=MAX_SPIKES, refractory=refractory
    )
    n_spikes = np.isfinite(spikes).sum(axis=2)
    assert n_spikes.max() > 5  # the layer is busy
    for s in range(N_SAMPLES):
        for j in range(N_OUT):
            expected = in_50_digits(times, weights, neuron, s, j, refractory=refractory)
            assert n_spikes[s, j] == len(expected)
            got = spikes[s, j, : len(expected)]
            assert_allclose(got, [float(t) for t, *_ in expected], rtol=0, atol=1e-11)


@functools.cache
def random_layer_in_twin(name, refractory):
    """A random layer, its spikes by the twin, and gradients of them with a floor."""
    rng = np.random.RandomState(11)
    neuron = ttfs.LIF(RATIOS[name] * TAU_SYN, TAU_SYN, THRESHOLD)
    times = 5 * rng.random_sample((2, 6, 2))
    times[0, 0, 0] = np.inf
    weights = rng.normal(1.2, 1.6, (6, 3)) / min(1.0, RATIOS[name]) ** 0.75
    layer, options = (times, weights), (neuron, refractory)
    spikes = trains_twin.spike_trains(*layer, neuron, 8, refractory, 4.5)
    grad = rng.uniform(-1, 1, spikes.shape)
    gradients = {
        min_slope: trains_twin.spike_trains_vjp(
            *layer, spikes, grad, *options, min_slope
        )
        for min_slope in (0.0, 0.7)
    }
    return layer, neuron, spikes, grad, gradients


@pytest.mark.parametrize(("name", "refractory"), diagonal(list(RATIOS), [0.3, 0.0]))
def test_spikes_and_gradients_are_those_of_the_twin(name, refractory):
    layer, neuron, expected, grad, gradients = random_layer_in_twin(name, refractory)
    options = {"refractory": refractory, "t_max": 4.5}
    spikes = ttfs.spike_trains(*layer, neuron, max_spikes=8, **options)
    assert np.isfinite(expected[:, :, 2]).any()
    assert_allclose(spikes, expected, rtol=0, atol=1e-12)
    for min_slope, theirs in gradients.items():
        mine = ttfs.spike_trains_vjp(
            *layer, expected, grad, neuron, min_slope=min_slope, **options
        )
        for got, want in zip(mine, theirs, strict=True):
            scale = np.abs(want).max()
            assert_allclose(got, want, rtol=0, atol=1e-12 * scale)
    # The floor is above the slopes of some spikes.
    assert np.any(gradients[0.0][1] != gradients[0.7][1])


@pytest.mark.parametrize("name", RATIOS)
def test_gradients_are_those_of_a_reset_by_subtraction(name):
    """The equations of a kernel that each spike subtracts, backward in spikes."""
    (times, weights), neuron, spikes, grad, _ = random_layer_in_twin(name, 0.0)
    by_time, by_weight = np.zeros(times.shape), np.zeros(weights.shape)
    for s, j, one in trains_twin.neurons(times, weights, neuron, 0.0):
        mine = one.gradient_by_subtraction(spikes[s, j], grad[s, j])
        by_time[s] += mine[0].reshape(times.shape[1:])
        by_weight[:, j] += mine[1].reshape(times.shape[1:]).sum(axis=1)
    got = ttfs.spike_trains_vjp(times, weights, spikes, grad, neuron)
    for found, want in zip(got, (by_time, by_weight), strict=True):
        assert_allclose(found, want, rtol=0, atol=1e-12 * np.abs(want).max())


def test_single_precision_follows_double(layer):
    times, weights, neuron = layer
    times, weights = times.astype(np.float32), weights.astype(np.float32)
    single = ttfs.spike_trains(times, weights, neuron, max_spikes=MAX_SPIKES)
    double = ttfs.spike_trains(
        times.astype(float), weights.astype(float), neuron, max_spikes=MAX_SPIKES
    )
    assert single.dtype == np.float32
    assert_array_equal(np.isfinite(single), np.isfinite(double))
    there = np.isfinite(single)
    assert_allclose(single[there], double[there], rtol=0, atol=2e-4)


def test_the_first_spike_is_that_of_first_spike(layer):
    times, weights, neuron = layer
    once = times[:, :, 0]
    first = ttfs.first_spike(once, weights, neuron)
    assert np.isfinite(first).any()
    for max_spikes in (1, 7):
        spikes = ttfs.spike_trains(once, weights, neuron, max_spikes=max_spikes)
        assert_allclose(spikes[:, :, 0], first, rtol=0, atol=1e-12)


def test_max_spikes_cuts_the_list_and_nothing_else(layer):
    times, weights, neuron = layer
    many = ttfs.spike_trains(times, weights, neuron, max_spikes=MAX_SPIKES)
    few = ttfs.spike_trains(times, weights, neuron, max_spikes=3)
    assert_array_equal(few, many[:, :, :3])


def test_a_neuron_that_fires_more_often_than_all_others_loses_no_spike():
    """In one of several blocks of samples, against each sample on its own."""
    times = np.full((600, 1, 12), np.inf)
    times[:, 0, :2] = [0.0, 1.0]
    times[300, 0] = np.arange(12)
    layer = np.ones((1, 1)), ttfs.LIF(1.0, 1.0, 0.2)
    spikes = ttfs.spike_trains(times, *layer, max_spikes=500)
    n_spikes = np.isfinite(spikes).sum(axis=(1, 2))
    assert 32 < n_spikes[300] < 500
    others = np.delete(spikes, 300, axis=0)
    few = ttfs.spike_trains(times[:1], *layer, max_spikes=8)
    assert 2 < np.isfinite(few).sum() < 8
    assert_array_equal(others[:, :, :8], np.tile(few, (599, 1, 1)))
    twin = trains_twin.spike_trains(times[300:301], *layer, 500)
    assert_allclose(spikes[300:301], twin, rtol=0, atol=1e-9)


def test_t_max_ends_the_experiment(layer):
    times, weights, neuron = layer
    t_max = 3.0
    all_of_them = ttfs.spike_trains(times, weights, neuron, max_spikes=MAX_SPIKES)
    early = ttfs.spike_trains(
        times, weights, neuron, max_spikes=MAX_SPIKES, t_max=t_max
    )
    expected = np.where(all_of_them < t_max, all_of_them, np.inf)
    assert_allclose(early, expected, rtol=0, atol=1e-12)


def test_spikes_are_a_refractory_time_apart(layer):
    times, weights, neuron = layer
    spikes = ttfs.spike_trains(
        times, weights, neuron, max_spikes=MAX_SPIKES, refractory=0.4
    )
    with np.errstate(invalid="ignore"):
        apart = np.diff(spikes, axis=2)
    assert np.nanmin(apart) > 0.4


def test_the_membrane_is_at_the_threshold_at_each_spike(layer):
    """The equation of the docstring, summed up term by term."""
    times, weights, neuron = layer
    spikes = ttfs.spike_trains(times, weights, neuron, max_spikes=MAX_SPIKES)
    for s in range(N_SAMPLES):
        for j in range(N_OUT):
            t_in, w = flat_inputs(times, weights, s, j)
            mine = spikes[s, j][np.isfinite(spikes[s, j])]
            for n, t in enumerate(mine):
                causal = t_in < t
                u = np.sum(w[causal] * neuron.kappa(t - t_in[causal]))
                u -= neuron.threshold * np.sum(np.exp(-(t - mine[:n]) / neuron.tau_mem))
                assert_allclose(u, neuron.threshold, rtol=0, atol=1e-8)


# ------------------------------------------------------------------------- gradients


def gradients(times, weights, neuron, grad, **options):
    spikes = ttfs.spike_trains(times, weights, neuron, max_spikes=MAX_SPIKES, **options)
    return ttfs.spike_trains_vjp(times, weights, spikes, grad, neuron, **options)


def reference_gradient(times, weights, neuron, grad, j, refractory, inputs):
    """dL/dw of inputs of neuron j in sample 0, and dL/dt of their spikes.

    Differences of 50-digit spike times, of a step so small that they have 20 digits.
    """
    t, w = flat_inputs(times, weights, 0, j)
    step = mpf(10) ** -22

    def loss(t, w):
        train = reference.spike_train(
            t,
            w,
            neuron.tau_mem,
            neuron.tau_syn,
            neuron.threshold,
            MAX_SPIKES,
            refractory=refractory,
        )
        return sum(mpf(float(g)) * s[0] for g, s in zip(grad, train, strict=False))

    t, w = t.tolist(), w.tolist()
    base = loss(t, w)
    by_time, by_weight = np.zeros(len(t)), np.zeros(len(t))
    for i in np.arange(len(t)).reshape(times.shape[1:])[inputs].ravel():
        if t[i] == np.inf:
            continue
        moved = [*t[:i], mpf(t[i]) + step, *t[i + 1 :]]
        by_time[i] = float((loss(moved, w) - base) / step)
        moved = [*w[:i], mpf(w[i]) + step, *w[i + 1 :]]
        by_weight[i] = float((loss(t, moved) - base) / step)
    return by_time.reshape(times.shape[1:]), by_weight.reshape(times.shape[1:]).sum(1)


@pytest.mark.parametrize("inputs", [slice(0, None, 5), ALL_INPUTS])
@pytest.mark.parametrize(
    ("layer", "refractory"), diagonal(list(RATIOS), [0.3, 0.0]), indirect=["layer"]
)
def test_gradients_are_those_of_50_digits(layer, refractory, inputs):
    times, weights, neuron = layer
    times = times[:1]
    spikes = ttfs.spike_trains(
        times, weights, neuron, max_spikes=MAX_SPIKES, refractory=refractory
    )
    grad = np.random.RandomState(5).uniform(-1, 1, spikes.shape)
    # One neuron in which no spike is tangent, so that derivatives are moderate.
    j = next(
        j
        for j in range(N_OUT)
        if np.isfinite(spikes[0, j]).sum() > 2
        and all(
            float(slope) * TAU_SYN > 0.1 * THRESHOLD and margin > 1e-3
            for _, slope, margin in in_50_digits(
                times, weights, neuron, 0, j, refractory=refractory
            )
        )
    )
    grad[0, [i for i in range(N_OUT) if i != j]] = 0
    with mp.workdps(60):
        by_time, by_weight = reference_gradient(
            times, weights, neuron, grad[0, j], j, refractory, inputs
        )
    got_time, got_weight = gradients(
        times, weights, neuron, grad, refractory=refractory
    )
    scale = max(1, np.abs(by_time).max(), np.abs(by_weight).max())
    for got, expected in ((got_time[0], by_time), (got_weight[:, j], by_weight)):
        assert_allclose(got[inputs], expected[inputs], rtol=0, atol=1e-10 * scale)


@pytest.mark.parametrize(
    ("name", "margin"), diagonal([n for n in RATIOS if n != "nonleaky"], [1e-6, 1e-9])
)
def test_gradients_of_nearly_tangent_spikes_are_those_of_50_digits(name, margin):
    """The first spike is at a peak that is `margin` thresholds above the threshold."""
    atol = 1e-8 if margin == 1e-6 else 1e-6
    neuron = ttfs.LIF(RATIOS[name] * TAU_SYN, TAU_SYN, THRESHOLD)
    times = np.array([[[0.0], [0.1], [9.0]]])

    def membrane(t):
        return neuron.kappa(t) + neuron.kappa(t - 0.1)

    peak = minimize_scalar(
        lambda t: -membrane(t), bounds=(0.1, 9.0), options={"xatol": 1e-8}
    )
    tangent = THRESHOLD * (1 + margin) / -peak.fun
    weights = np.array([[tangent], [tangent], [4 * tangent]])
    spikes = ttfs.spike_trains(times, weights, neuron, max_spikes=MAX_SPIKES)
    train = in_50_digits(times, weights, neuron, 0, 0)
    assert len(train) == np.isfinite(spikes).sum() >= 2
    assert_allclose(float(train[0][2]), margin * THRESHOLD, rtol=1e-3)
    grad = np.random.RandomState(5).uniform(-1, 1, spikes.shape)
    with mp.workdps(60):
        expected = reference_gradient(
            times, weights, neuron, grad[0, 0], 0, 0.0, slice(None)
        )
    by_time, by_weight = ttfs.spike_trains_vjp(times, weights, spikes, grad, neuron)
    for got, want in zip((by_time[0], by_weight[:, 0]), expected, strict=True):
        assert_allclose(got, want, rtol=0, atol=atol * np.abs(want).max())
    assert np.abs(by_weight).max() > 0.01 / np.sqrt(margin)  # it is nearly tangent


def test_gradients_in_single_precision_are_those_in_double(layer):
    times, weights, neuron = (
        each.astype(np.float32) if isinstance(each, np.ndarray) else each
        for each in layer
    )
    spikes = ttfs.spike_trains(times, weights, neuron, max_spikes=MAX_SPIKES)
    grad = np.random.RandomState(5).uniform(-1, 1, spikes.shape).astype(np.float32)
    options = {"neuron": neuron, "min_slope": 0.1}
    single = ttfs.spike_trains_vjp(times, weights, spikes, grad, **options)
    double = ttfs.spike_trains_vjp(
        *(each.astype(np.float64) for each in (times, weights, spikes, grad)), **options
    )
    for got, want in zip(single, double, strict=True):
        assert got.dtype == np.float32
        assert_allclose(got, want, rtol=0, atol=1e-4 * np.abs(want).max())


def test_spikes_move_with_their_inputs(layer):
    """A common shift of all inputs shifts every spike: gradients of times add up."""
    times, weights, neuron = layer
    spikes = ttfs.spike_trains(times, weights, neuron, max_spikes=MAX_SPIKES)
    grad = np.random.RandomState(5).uniform(-1, 1, spikes.shape)
    by_time, _ = ttfs.spike_trains_vjp(
        times, weights, spikes, grad, neuron, min_slope=0.0
    )
    expected = np.where(np.isfinite(spikes), grad, 0).sum(axis=(1, 2))
    scale = np.abs(by_time).max()
    assert_allclose(by_time.sum(axis=(1, 2)), expected, rtol=0, atol=1e-10 * scale)


def test_one_spike_has_the_gradient_of_first_spike(layer):
    times, weights, neuron = layer
    once = times[:, :, 0]
    first = ttfs.first_spike(once, weights, neuron)
    grad = np.random.RandomState(5).uniform(-1, 1, first.shape)
    expected = ttfs.first_spike_vjp(once, weights, first, grad, neuron)
    got = ttfs.spike_trains_vjp(
        once, weights, first[:, :, None], grad[:, :, None], neuron
    )
    for mine, theirs in zip(got, expected, strict=True):
        scale = max(1, np.abs(theirs).max())
        assert_allclose(mine, theirs, rtol=0, atol=1e-11 * scale)


@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS)
def test_an_input_at_the_time_of_a_spike_is_not_causal(ratio):
    """Nor is it where a neuron beside, in the same vector, fires after it."""
    times, weights = np.array([[0.0, 0.1]]), np.ones((2, 2))
    spikes = np.array([[[0.1], [0.2]]])
    by_time, by_weight = ttfs.spike_trains_vjp(
        times, weights, spikes, np.ones(spikes.shape), ttfs.LIF(ratio, 1.0, 1.0)
    )
    assert by_weight[1, 0] == 0
    assert np.all(by_weight[[0, 0, 1], [0, 1, 1]] != 0)
    alone = ttfs.spike_trains_vjp(
        times,
        weights[:, 1:],
        spikes[:, 1:],
        np.ones((1, 1, 1)),
        ttfs.LIF(ratio, 1.0, 1.0),
    )
    assert by_time[0, 1] == alone[0][0, 1]


def test_the_floor_of_slopes_bounds_gradients():
    times, neuron = np.array([[0.0, 0.1]]), ttfs.LIF()
    weights = np.array([[1.363], [1.363]])  # the peak is just above the threshold
    spikes = ttfs.spike_trains(times, weights, neuron, max_spikes=2)
    assert np.isfinite(spikes).sum() == 1
    grad = np.ones_like(spikes)
    _, exact = ttfs.spike_trains_vjp(times, weights, spikes, grad, neuron)
    _, floored = ttfs.spike_trains_vjp(
        times, weights, spikes, grad, neuron, min_slope=0.5
    )
    assert np.abs(floored).max() < 0.8 < 5 < np.abs(exact).max()


def test_long_trains_keep_their_precision():
    """Thousands of input spikes over hundreds of time constants, in both precisions."""
    rng = np.random.RandomState(0)
    times = np.sort(rng.uniform(0, 500, (1, 10, 200)), axis=2)
    weights = rng.uniform(0, 1.0, (10, 3))
    neuron = ttfs.LIF(2.0, 1.0, 1.0)
    spikes = ttfs.spike_trains(times, weights, neuron, max_spikes=1000)
    n_spikes = np.isfinite(spikes).sum()
    assert n_spikes > 300
    t_in, w = flat_inputs(times, weights, 0, 0)
    expected = reference.spike_train(t_in.tolist(), w.tolist(), 2.0, 1.0, 1.0, 1000)
    got = spikes[0, 0, : len(expected)]
    assert_allclose(got, [float(t) for t, *_ in expected], rtol=0, atol=1e-9)
    single = ttfs.spike_trains(
        times.astype(np.float32), weights.astype(np.float32), neuron, max_spikes=1000
    )
    assert abs(np.isfinite(single).sum() - n_spikes) <= 2


def test_samples_do_not_depend_on_each_other_or_on_threads(monkeypatch):
    # It lifts the limit to the CPUs that are there.
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    times, weights, neuron = make_layer("slow")
    many, wide = np.tile(times, (300, 1, 1)), np.tile(weights, (1, 30))
    alone = ttfs.spike_trains(times, wide, neuron, max_spikes=4)
    gradients = []
    for n_threads in (1, 2, 4):
        with threadpool_limits(n_threads):
            assert ttfs.core.n_threads() == n_threads
            together = ttfs.spike_trains(many, wide, neuron, max_spikes=4)
            gradients.append(
                ttfs.spike_trains_vjp(
                    many, wide, together, np.ones_like(together), neuron
                )
            )
        assert_array_equal(together, np.tile(alone, (300, 1, 1)))
    for others in gradients[1:]:
        for one, other in zip(gradients[0], others, strict=True):
            assert_array_equal(one, other)


# --------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"times": np.zeros(3)}, "times must be an array of shape"),
        ({"times": np.full((2, 12), np.nan)}, "times must be finite"),
        ({"times": np.zeros((2, 5))}, "times has 5 inputs, but weights has 12"),
        ({"weights": np.full((12, 5), np.inf)}, "weights must be finite"),
        ({"max_spikes": 0}, "max_spikes must be at least 1"),
        ({"refractory": -1.0}, "refractory must be finite and at least 0"),
        ({"refractory": np.inf}, "refractory must be finite and at least 0"),
        ({"t_max": np.nan}, "t_max must be finite"),
    ],
)
def test_bad_input_is_refused(change, message):
    times, weights, neuron = make_layer("equal")
    values = {"times": times, "weights": weights, "neuron": neuron, "max_spikes": 2}
    with pytest.raises(ValueError, match=message):
        ttfs.spike_trains(**(values | change))


def test_types_are_checked():
    times, weights, neuron = make_layer("equal")
    with pytest.raises(TypeError, match="must be an integer"):
        ttfs.spike_trains(times, weights, neuron, max_spikes=2.5)
    with pytest.raises(TypeError, match="neuron must be a"):
        ttfs.spike_trains(times, weights, "lif", max_spikes=2)
    with pytest.raises(TypeError, match="refractory must be a real number"):
        ttfs.spike_trains(times, weights, neuron, max_spikes=2, refractory="1")


@pytest.mark.parametrize(
    ("spikes", "grad", "message"),
    [
        (np.zeros((2, 5)), np.zeros((2, 5)), "spikes must have shape"),
        (np.zeros((2, 5, 2)), np.zeros((2, 5, 3)), "grad_spikes must have shape"),
        (np.full((2, 5, 2), np.nan), np.zeros((2, 5, 2)), "spikes must be finite"),
        (np.zeros((2, 5, 2)), np.full((2, 5, 2), np.nan), "grad_spikes must be finite"),
        (np.tile([2.0, 1.0], (2, 5, 1)), np.zeros((2, 5, 2)), "ascending order"),
        (np.tile([2.0, 2.0], (2, 5, 1)), np.zeros((2, 5, 2)), "at the same time"),
    ],
)
def test_bad_spikes_are_refused(spikes, grad, message):
    times, weights, neuron = make_layer("equal")
    with pytest.raises(ValueError, match=message):
        ttfs.spike_trains_vjp(times, weights, spikes, grad, neuron)


def test_spikes_closer_than_the_refractory_time_are_refused():
    times, weights, neuron = make_layer("equal")
    spikes = np.tile([2.0, 2.2, np.inf], (2, 5, 1))
    grad = np.zeros_like(spikes)
    ttfs.spike_trains_vjp(times, weights, spikes, grad, neuron, refractory=0.2)
    with pytest.raises(ValueError, match=r"closer than refractory=0\.21: 0\.2"):
        ttfs.spike_trains_vjp(times, weights, spikes, grad, neuron, refractory=0.21)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounded_spikes_of_strong_inputs_are_accepted(dtype):
    """They are refractory apart but for rounding, or at the same time by rounding."""
    times = np.full((1, 1), 40.0, dtype)
    weights = np.full((1, 1), 100 / np.finfo(dtype).eps, dtype)
    for refractory in (0.0, 0.1):
        options = {"refractory": refractory}
        spikes = ttfs.spike_trains(times, weights, max_spikes=9, **options)
        assert np.isfinite(spikes).all()
        for precision in (dtype, np.float64):  # the spikes still have that of dtype
            ttfs.spike_trains_vjp(
                times.astype(precision),
                weights,
                spikes,
                np.ones_like(spikes),
                **options,
            )
    assert np.ptp(ttfs.spike_trains(times, weights, max_spikes=9)) == 0


def test_empty_arrays():
    empty = ttfs.spike_trains(np.empty((0, 3)), np.ones((3, 2)), max_spikes=2)
    assert empty.shape == (0, 2, 2)
    silent = ttfs.spike_trains(np.full((4, 3), np.inf), np.ones((3, 2)), max_spikes=2)
    assert np.isinf(silent).all()
    by_time, by_weight = ttfs.spike_trains_vjp(
        np.full((4, 3), np.inf), np.ones((3, 2)), silent, np.ones_like(silent)
    )
    assert not by_time.any()
    assert not by_weight.any()
