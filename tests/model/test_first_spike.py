"""What must hold for any layer, and what the border must refuse or accept."""

import numpy as np
import pytest
from cases import diagonal
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import ttfs

pytestmark = pytest.mark.usefixtures("every_simd")
RATIOS = (1.0, 2.0, np.inf, 0.3, 7.0, 1 + 1e-9)
DTYPES = (np.float64, np.float32)
# Fixed examples: a red test stays red.


@st.composite
def layers(draw, max_in=40, max_out=20):
    """(times, weights, neuron); numpy draws the numbers, hypothesis the cases."""
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    n_samples = draw(st.integers(1, 4))
    n_in = draw(st.integers(1, max_in))
    n_out = draw(st.integers(1, max_out))
    tau_syn = draw(st.sampled_from([1.0, 0.3, 20.0]))
    neuron = ttfs.LIF(
        draw(st.sampled_from(RATIOS)) * tau_syn,
        tau_syn,
        draw(st.sampled_from([1.0, 0.2, 5.0])),
    )
    window = draw(st.sampled_from([0.5, 3.0, 50.0]))
    times = window * rng.random_sample((n_samples, n_in))
    if draw(st.booleans()):
        # Ties.
        times = np.round(times * 4) / 4
    times = times * tau_syn
    times[rng.random_sample(times.shape) < draw(st.sampled_from([0, 0.3]))] = np.inf
    weights = 2 * rng.random_sample((n_in, n_out)) - draw(st.sampled_from([0.3, 0.8]))
    weights = weights * neuron.threshold * 8 / (1 + np.sqrt(n_in))
    return times, weights, neuron


def settled(times, weights, neuron):
    """Spikes, and which of them small changes of the membrane cannot move far."""
    low, high = (
        ttfs.first_spike(
            times,
            weights,
            ttfs.LIF(neuron.tau_mem, neuron.tau_syn, neuron.threshold * factor),
        )
        for factor in (1 - 1e-5, 1 + 1e-5)
    )
    with np.errstate(invalid="ignore"):
        near = high - low < 1e-2 * neuron.tau_syn
    return ttfs.first_spike(times, weights, neuron), near | (np.isinf(low + high))


def assert_same_spikes(got, expected, stable, neuron, rtol=1e-9):
    assert_array_equal(np.isinf(got)[stable], np.isinf(expected)[stable])
    hit = stable & np.isfinite(expected)
    assert_allclose(got[hit], expected[hit], rtol=1e-12, atol=rtol * neuron.tau_syn)


def grad_like(spikes):
    rng = np.random.RandomState(spikes.size)
    return (2 * rng.random_sample(spikes.shape) - 1).astype(spikes.dtype)


# ------------------------------------------------------------------ any layer


@given(layers(), st.randoms(use_true_random=False))
def test_order_of_inputs_does_not_matter(layer, random):
    times, weights, neuron = layer
    order = list(range(times.shape[1]))
    random.shuffle(order)
    spikes, stable = settled(times, weights, neuron)
    got = ttfs.first_spike(times[:, order], weights[order], neuron)
    assert_same_spikes(got, spikes, stable, neuron)


@given(layers(), st.floats(-100, 100))
def test_shift_of_inputs_shifts_spikes(layer, shift):
    times, weights, neuron = layer
    shift = shift * neuron.tau_syn
    spikes, stable = settled(times, weights, neuron)
    got = ttfs.first_spike(times + shift, weights, neuron)
    assert_same_spikes(got, spikes + shift, stable, neuron)


@given(layers(), st.floats(1e-3, 1e3))
def test_scale_of_time_scales_spikes(layer, scale):
    times, weights, neuron = layer
    spikes, stable = settled(times, weights, neuron)
    other = ttfs.LIF(neuron.tau_mem * scale, neuron.tau_syn * scale, neuron.threshold)
    got = ttfs.first_spike(times * scale, weights, other)
    assert_same_spikes(got, spikes * scale, stable, other)


@given(layers(), st.floats(1e-3, 1e3))
def test_scale_of_weights_and_threshold_changes_nothing(layer, scale):
    times, weights, neuron = layer
    spikes, stable = settled(times, weights, neuron)
    other = ttfs.LIF(neuron.tau_mem, neuron.tau_syn, neuron.threshold * scale)
    got = ttfs.first_spike(times, weights * scale, other)
    assert_same_spikes(got, spikes, stable, neuron)


@given(layers(), st.floats(0, 3), st.integers(0, 10**6))
def test_more_excitation_never_delays_a_spike(layer, more, where):
    times, weights, neuron = layer
    spikes, stable = settled(times, weights, neuron)
    stronger = weights.copy()
    stronger[where % len(weights)] += more * neuron.threshold
    got = ttfs.first_spike(times, stronger, neuron)
    assert (got <= spikes + 1e-9 * neuron.tau_syn)[stable].all()


@given(layers())
def test_spike_follows_an_input(layer):
    times, weights, neuron = layer
    spikes = ttfs.first_spike(times, weights, neuron)
    assert not np.isnan(spikes).any()
    fired = np.isfinite(spikes)
    assert (spikes >= times.min(axis=1, keepdims=True))[fired].all()


@given(layers(), st.sampled_from(DTYPES), st.integers(0, 30), st.integers(0, 9999))
def test_absent_inputs_leave_no_trace(layer, dtype, n_absent, seed):
    times, weights, neuron = layer
    times, weights = times.astype(dtype), weights.astype(dtype)
    rng = np.random.RandomState(seed)
    n_in = times.shape[1]
    place = np.sort(rng.permutation(n_in + n_absent)[:n_in])
    longer = np.full((len(times), n_in + n_absent), np.inf, dtype)
    longer[:, place] = times
    taller = (1e6 * rng.random_sample((n_in + n_absent, weights.shape[1]))).astype(
        dtype
    )
    taller[place] = weights
    spikes = ttfs.first_spike(times, weights, neuron)
    assert_array_equal(ttfs.first_spike(longer, taller, neuron), spikes)

    grad = grad_like(spikes)
    by_time, by_weight = ttfs.first_spike_vjp(times, weights, spikes, grad, neuron)
    more_time, more_weight = ttfs.first_spike_vjp(longer, taller, spikes, grad, neuron)
    assert_array_equal(more_time[:, place], by_time)
    assert_array_equal(more_weight[place], by_weight)
    absent = np.setdiff1d(np.arange(n_in + n_absent), place)
    assert not more_time[:, absent].any()
    assert not more_weight[absent].any()


@given(layers(), st.sampled_from(DTYPES), st.integers(1, 70), st.integers(0, 9999))
def test_bits_of_a_sample_do_not_depend_on_its_neighbours(layer, dtype, n, seed):
    times, weights, neuron = layer
    times, weights = times.astype(dtype), weights.astype(dtype)
    chosen = np.random.RandomState(seed).randint(0, len(times), n)
    alone = [ttfs.first_spike(row[None], weights, neuron) for row in times]
    spikes = ttfs.first_spike(times[chosen], weights, neuron)
    assert_array_equal(spikes, np.concatenate(alone)[chosen])

    grad = grad_like(spikes)
    by_time, by_weight = ttfs.first_spike_vjp(
        times[chosen], weights, spikes, grad, neuron
    )
    total = np.zeros(weights.shape)
    for k in range(n):
        one = slice(k, k + 1)
        single, part = ttfs.first_spike_vjp(
            times[chosen][one], weights, spikes[one], grad[one], neuron
        )
        assert_array_equal(single, by_time[one])
        total += part
    tolerance = 1e-13 if dtype is np.float64 else 1e-5
    scale = n * np.abs(total).max()
    assert_allclose(by_weight, total, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_batch_equals_its_parts(dtype):
    rng = np.random.RandomState(5)
    times = rng.random_sample((1000, 9)).astype(dtype)
    times[rng.random_sample(times.shape) < 0.3] = np.inf
    weights = rng.random_sample((9, 131)).astype(dtype)
    spikes = ttfs.first_spike(times, weights)
    grad = grad_like(spikes)
    by_time, by_weight = ttfs.first_spike_vjp(times, weights, spikes, grad)
    total = np.zeros(weights.shape)
    for begin in range(0, 1000, 90):
        part = slice(begin, begin + 90)
        assert_array_equal(ttfs.first_spike(times[part], weights), spikes[part])
        some_time, some_weight = ttfs.first_spike_vjp(
            times[part], weights, spikes[part], grad[part]
        )
        assert_array_equal(some_time, by_time[part])
        total += some_weight
    rtol = 1e-13 if dtype is np.float64 else 1e-5
    atol = rtol * np.abs(total).max()
    assert_allclose(by_weight, total, rtol=0, atol=atol)


@given(layers(max_out=70), st.sampled_from(DTYPES))
def test_neuron_does_not_depend_on_its_layer(layer, dtype):
    times, weights, neuron = layer
    times, weights = times.astype(dtype), weights.astype(dtype)
    spikes = ttfs.first_spike(times, weights, neuron)
    for j in {0, weights.shape[1] // 2, weights.shape[1] - 1}:
        alone = ttfs.first_spike(times, weights[:, j : j + 1], neuron)
        assert_array_equal(alone, spikes[:, j : j + 1])


@given(layers(), st.floats(-10, 10), st.floats(-10, 10))
def test_product_is_linear_in_grad_spikes(layer, p, q):
    times, weights, neuron = layer
    spikes = ttfs.first_spike(times, weights, neuron)
    assume(np.isfinite(spikes).any())
    a = grad_like(spikes)
    b = a[::-1, ::-1] ** 2
    both, first, second = (
        ttfs.first_spike_vjp(times, weights, spikes, grad, neuron)
        for grad in (p * a + q * b, a, b)
    )
    for k in range(2):
        # Opposite contributions cancel, so compare with their size.
        size = np.abs(p * first[k]) + np.abs(q * second[k])
        scale = 20 * (size.max() + np.abs(first[k]).max() + np.abs(second[k]).max())
        expected = p * first[k] + q * second[k]
        assert_allclose(both[k], expected, rtol=0, atol=1e-12 * scale)


@given(layers())
def test_float32_follows_float64(layer):
    times, weights, neuron = layer
    times, weights = times.astype(np.float32), weights.astype(np.float32)
    spikes, stable = settled(times.astype(float), weights.astype(float), neuron)
    got = ttfs.first_spike(times, weights, neuron)
    assert got.dtype == np.float32
    assert_array_equal(np.isinf(got)[stable], np.isinf(spikes)[stable])
    hit = stable & np.isfinite(spikes)
    # A spike that moves by 1e-2 when the threshold moves by 1e-5 ...
    assert_allclose(got[hit], spikes[hit], rtol=1e-5, atol=1e-2 * neuron.tau_syn)


# ------------------------------------------------------------------ empty layers


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(0, 3, 2), (4, 3, 0), (4, 0, 2), (0, 0, 0), (0, 3, 0), (4, 0, 0)]
)
def test_empty_arrays_give_empty_or_silent_results(shape, dtype):
    n_samples, n_in, n_out = shape
    times = np.ones((n_samples, n_in), dtype)
    weights = np.ones((n_in, n_out), dtype)
    spikes = ttfs.first_spike(times, weights)
    assert spikes.dtype == dtype
    assert_array_equal(spikes, np.full((n_samples, n_out), np.inf))
    grad = np.ones_like(spikes)
    by_time, by_weight = ttfs.first_spike_vjp(times, weights, spikes, grad)
    assert by_time.dtype == by_weight.dtype == dtype
    assert_array_equal(by_time, np.zeros((n_samples, n_in)))
    assert_array_equal(by_weight, np.zeros((n_in, n_out)))


def test_sample_without_any_input_is_silent():
    times = np.array([[np.inf, np.inf], [0.0, 0.0]])
    spikes = ttfs.first_spike(times, np.full((2, 3), 5.0))
    assert np.isinf(spikes[0]).all()
    assert np.isfinite(spikes[1]).all()


# ------------------------------------------------------------------ the border

TIMES = np.array([[0.0, 0.5, np.inf], [0.25, 0.0, 1.0]])
WEIGHTS = np.array([[1.5, 2.0], [2.5, 1.0], [0.5, 3.0]])
SPIKES = ttfs.first_spike(TIMES, WEIGHTS)
GRAD = np.array([[1.0, -2.0], [0.5, 3.0]])


def changed(array, value):
    array = array.copy()
    array[1, 1] = value
    return array


BAD_LAYERS = {
    "nan time": (changed(TIMES, np.nan), WEIGHTS),
    "time -inf": (changed(TIMES, -np.inf), WEIGHTS),
    "nan weight": (TIMES, changed(WEIGHTS, np.nan)),
    "inf weight": (TIMES, changed(WEIGHTS, np.inf)),
    "weight -inf": (TIMES, changed(WEIGHTS, -np.inf)),
    "more weights": (TIMES[:, :2], WEIGHTS),
    "more times": (TIMES, WEIGHTS[:2]),
    "times 1d": (TIMES[0], WEIGHTS),
    "times 3d": (TIMES[None], WEIGHTS),
    "times 0d": (1.0, WEIGHTS),
    "weights 1d": (TIMES, WEIGHTS[:, 0]),
    "weights 3d": (TIMES, WEIGHTS[None]),
}


@pytest.mark.parametrize(("case", "dtype"), diagonal(list(BAD_LAYERS), DTYPES))
def test_bad_layer_is_refused(case, dtype):
    times, weights = (np.asarray(a, dtype) for a in BAD_LAYERS[case])
    with pytest.raises(ValueError, match=r"."):
        ttfs.first_spike(times, weights)
    spikes, grad = SPIKES.astype(dtype), GRAD.astype(dtype)
    with pytest.raises(ValueError, match=r"."):
        ttfs.first_spike_vjp(times, weights, spikes, grad)


BAD_SPIKES = {
    "one sample": (SPIKES[:1], GRAD),
    "one neuron": (SPIKES[:, :1], GRAD[:, :1]),
    "more neurons": (np.hstack([SPIKES, SPIKES]), np.hstack([GRAD, GRAD])),
    "grad of one sample": (SPIKES, GRAD[:1]),
    "transposed grad of more": (SPIKES, np.ones((2, 3))),
    "spikes 1d": (SPIKES[0], GRAD),
    "grad 1d": (SPIKES, GRAD.ravel()),
    "nan spike": (changed(SPIKES, np.nan), GRAD),
    "nan grad": (SPIKES, changed(GRAD, np.nan)),
    "inf grad": (SPIKES, changed(GRAD, np.inf)),
}


@pytest.mark.parametrize("case", BAD_SPIKES)
def test_bad_spikes_are_refused(case):
    with pytest.raises(ValueError, match=r"."):
        ttfs.first_spike_vjp(TIMES, WEIGHTS, *BAD_SPIKES[case])


@pytest.mark.parametrize("min_slope", [-0.1, np.nan, np.inf])
def test_bad_min_slope_is_refused(min_slope):
    with pytest.raises(ValueError, match="min_slope"):
        ttfs.first_spike_vjp(TIMES, WEIGHTS, SPIKES, GRAD, min_slope=min_slope)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, bad) for name in ("tau_mem", "tau_syn", "threshold") for bad in (0, -1)]
    + [(name, np.nan) for name in ("tau_mem", "tau_syn", "threshold")]
    + [("tau_syn", np.inf), ("threshold", np.inf), ("tau_mem", -np.inf)],
)
def test_bad_neuron_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        ttfs.first_spike(TIMES, WEIGHTS, ttfs.LIF(**{name: value}))


# ------------------------------------------------------------------ odd buffers


def strided(a):
    out = np.full((2 * a.shape[0], 3 * a.shape[1]), 7, a.dtype)
    out[::2, ::3] = a
    return out[::2, ::3]


def reversed_view(a):
    return np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1]


def misaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)
    out = raw[1:].view(a.dtype).reshape(a.shape)
    out[...] = a
    assert not out.flags.aligned
    return out


def swapped(a):
    return a.astype(a.dtype.newbyteorder())


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


BUFFERS = (strided, np.asfortranarray, reversed_view, misaligned, swapped, read_only)


@pytest.mark.parametrize(("odd", "dtype"), diagonal(list(BUFFERS), DTYPES))
def test_odd_buffers_give_the_same_bits(odd, dtype):
    clean = [a.astype(dtype) for a in (TIMES, WEIGHTS, SPIKES, GRAD)]
    bent = [odd(a) for a in clean]
    got = ttfs.first_spike(*bent[:2])
    assert got.dtype == np.dtype(dtype)
    assert got.dtype.isnative
    assert_array_equal(got, ttfs.first_spike(*clean[:2]))
    pairs = zip(ttfs.first_spike_vjp(*bent), ttfs.first_spike_vjp(*clean), strict=True)
    for mine, theirs in pairs:
        assert mine.dtype == np.dtype(dtype)
        assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    "convert",
    [np.ndarray.tolist, np.float16, np.longdouble],
    ids=["lists", "float16", "longdouble"],
)
def test_other_inputs_are_taken_as_float64(convert):
    # Each number here is exact in any of them.
    exact = [TIMES, WEIGHTS, np.array([[1.5, 0.75], [np.inf, 2.0]]), GRAD]
    other = [convert(a) for a in exact]
    got = ttfs.first_spike(*other[:2])
    assert got.dtype == np.float64
    assert_array_equal(got, ttfs.first_spike(*exact[:2]))
    pairs = zip(ttfs.first_spike_vjp(*other), ttfs.first_spike_vjp(*exact), strict=True)
    for mine, theirs in pairs:
        assert mine.dtype == np.float64
        assert_array_equal(mine, theirs)


def test_integers_are_taken_as_float64():
    times, weights = np.array([[0, 1, 2]]), np.array([[2], [3], [-1]])
    got = ttfs.first_spike(times, weights)
    assert got.dtype == np.float64
    assert_array_equal(
        got, ttfs.first_spike(times.astype(float), weights.astype(float))
    )


def test_inputs_are_left_alone():
    arrays = [TIMES.copy(), WEIGHTS.copy(), SPIKES.copy(), GRAD.copy()]
    ttfs.first_spike(*arrays[:2])
    ttfs.first_spike_vjp(*arrays, min_slope=0.3)
    for mine, theirs in zip(arrays, (TIMES, WEIGHTS, SPIKES, GRAD), strict=True):
        assert_array_equal(mine, theirs)


def test_results_are_fresh_and_contiguous():
    results = (
        ttfs.first_spike(TIMES, WEIGHTS),
        *ttfs.first_spike_vjp(TIMES, WEIGHTS, SPIKES, GRAD),
    )
    for array in results:
        assert array.flags.c_contiguous
        assert array.flags.writeable
