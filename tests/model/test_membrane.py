"""Membranes against 50 digits, small steps in time, and spike times."""

import numpy as np
import pytest
import reference
from cases import first_of
from numpy.testing import assert_allclose, assert_array_equal

import ttfs

RATIOS = {"equal": 1.0, "double": 2.0, "nonleaky": np.inf}
RATIOS |= {"fast": 0.25, "near": 1 + 1e-9, "slow": 5.0, "far": 100.0}
TAU_SYN, THRESHOLD = 0.8, 1.2
N_SAMPLES, N_IN, N_REPEATS, N_OUT = 2, 8, 3, 2
AT = np.array([-1.0, 0.4, 2.2, 3.7, 4.4, 9.0])


@pytest.fixture(params=first_of(RATIOS, 5))
def layer(request):
    """Times (samples, inputs, repeats), weights and neuron of a busy layer."""
    rng = np.random.RandomState(5)
    neuron = ttfs.LIF(RATIOS[request.param] * TAU_SYN, TAU_SYN, THRESHOLD)
    times = 6 * rng.random_sample((N_SAMPLES, N_IN, N_REPEATS))
    times[rng.random_sample(times.shape) < 0.2] = np.inf
    weights = 2.4 * rng.random_sample((N_IN, N_OUT)) - 0.4
    return times, weights / min(1.0, RATIOS[request.param]) ** 0.75, neuron


def in_50_digits(times, weights, neuron, at, spikes=None, **options):
    """The membranes (samples, neurons, times) of the reference."""
    out = np.empty((len(times), weights.shape[1], len(at)))
    for sample, j, k in np.ndindex(out.shape):
        fired = () if spikes is None else spikes[sample, j][spikes[sample, j] < np.inf]
        out[sample, j, k] = reference.membrane_with_resets(
            times[sample].ravel(),
            np.repeat(weights[:, j], times.shape[2]),
            at[k],
            neuron.tau_mem,
            neuron.tau_syn,
            fired,
            **options,
        )
    return out


def test_without_resets_as_in_50_digits(layer):
    times, weights, neuron = layer
    traces = ttfs.membrane_traces(times, weights, neuron, at=AT)
    assert traces.dtype == np.float64
    assert_allclose(traces, in_50_digits(times, weights, neuron, AT), atol=1e-13)


@pytest.mark.parametrize("refractory", first_of([0.3, 0.0]))
def test_resets_are_as_in_50_digits(layer, refractory):
    times, weights, neuron = layer
    spikes = ttfs.spike_trains(
        times, weights, neuron, max_spikes=20, refractory=refractory
    )
    assert np.isfinite(spikes).sum() > 15
    # Also at spikes, right after them, and within and after refractory times.
    fired = spikes[0, 0][np.isfinite(spikes[0, 0])][:1]
    at = np.concatenate([AT, fired, fired + 1e-9, fired + 0.15, fired + 0.3])
    options = {"refractory": refractory}
    traces = ttfs.membrane_traces(
        times, weights, neuron, at=at, spikes=spikes, **options
    )
    expected = in_50_digits(times, weights, neuron, at, spikes, **options)
    assert_allclose(traces, expected, atol=1e-12)


def test_membranes_are_solutions_of_the_differential_equations():
    neuron = ttfs.LIF(2.0, 0.7, 1.0)
    times, weights = np.array([[0.2, 0.9, 0.5]]), np.array([[3.0], [2.0], [-1.0]])
    spikes = ttfs.spike_trains(times, weights, neuron, max_spikes=5, refractory=0.1)
    step, fired = 1e-4, list(spikes[0, 0][np.isfinite(spikes[0, 0])])
    assert len(fired) > 1
    grid = step * np.arange(30_001)
    u = current = held_until = 0.0
    expected = []
    for t in grid:
        expected.append(u)
        du = -u / neuron.tau_mem + current / neuron.tau_syn
        u = 0.0 if t < held_until else u + step * du
        current -= step * current / neuron.tau_syn
        current += weights[(times[0] >= t) & (times[0] < t + step), 0].sum()
        if fired and fired[0] < t + step:
            held_until, u = fired.pop(0) + 0.1, 0.0
    traces = ttfs.membrane_traces(
        times, weights, neuron, at=grid, spikes=spikes, refractory=0.1
    )[0, 0]
    # Within a step of a reset, or of a start, one may be ahead of the other.
    jumps = np.abs(np.diff(traces)) > 0.5
    assert jumps.sum() == np.isfinite(spikes).sum()
    is_near = np.convolve(np.append(jumps, False), np.ones(5), "same") > 0
    assert_allclose(traces[~is_near], np.array(expected)[~is_near], atol=2e-3)


@pytest.mark.parametrize("dtype", first_of([np.float32, np.float64]))
def test_first_spikes_are_first_crossings(layer, dtype):
    times, weights, neuron = layer
    times, weights = times[:, :, 0].astype(dtype), (2 * weights).astype(dtype)
    spikes = ttfs.first_spike(times, weights, neuron)
    assert np.isfinite(spikes).any()
    for sample, j in zip(*np.nonzero(np.isfinite(spikes)), strict=True):
        before = np.linspace(0, spikes[sample, j], 200, dtype=np.float64)
        traces = ttfs.membrane_traces(times, weights, neuron, at=before)[sample, j]
        tolerance = 1e-5 if dtype == np.float32 else 1e-12
        assert abs(traces[-1] - THRESHOLD) < tolerance
        assert traces[:-1].max() < THRESHOLD


def test_trains_are_at_the_threshold_at_each_spike_and_at_0_after_it(layer):
    times, weights, neuron = layer
    spikes = ttfs.spike_trains(times, weights, neuron, max_spikes=20)
    for sample, j in np.ndindex(spikes.shape[:2]):
        fired = spikes[sample, j][np.isfinite(spikes[sample, j])]
        at = np.concatenate([fired, np.nextafter(fired, np.inf)])
        trace = ttfs.membrane_traces(times, weights, neuron, at=at, spikes=spikes)
        before, after = np.split(trace[sample, j], 2)
        assert_allclose(before, THRESHOLD, atol=1e-11)
        assert_allclose(after, 0, atol=1e-11)


def test_biases_are_inputs_and_delays_shift_them(layer):
    times, weights, neuron = layer
    times = times[:, :, :1]
    n_rows = N_IN + 2
    rng = np.random.RandomState(1)
    weights = np.concatenate([weights, rng.normal(size=(2, N_OUT))])
    bias_times, delays = np.array([0.1, 0.7]), rng.random_sample((n_rows, N_OUT))
    biases = np.broadcast_to(bias_times[:, None], (N_SAMPLES, 2, 1))
    whole = np.concatenate([times, biases], axis=1)

    def traces(**options):
        return ttfs.membrane_traces(
            times, weights, neuron, at=AT, bias_times=bias_times, **options
        )

    assert_allclose(traces(), in_50_digits(whole, weights, neuron, AT), atol=1e-13)
    axonal = traces(delays=delays[:, 0])
    expected = in_50_digits(whole + delays[:, :1], weights, neuron, AT)
    assert_allclose(axonal, expected, atol=1e-13)
    synaptic = traces(delays=delays)
    for j in range(N_OUT):
        alone = in_50_digits(
            whole + delays[:, j, None], weights[:, j : j + 1], neuron, AT
        )
        assert_allclose(synaptic[:, j : j + 1], alone, atol=1e-13)


def test_no_inputs_and_no_times():
    assert_array_equal(ttfs.membrane_traces([[np.inf]], [[1.0]], at=[1.0]), [[[0.0]]])
    assert ttfs.membrane_traces([[0.0]], [[1.0, 2.0]], at=[]).shape == (1, 2, 0)
    assert ttfs.membrane_traces(np.ones((0, 1)), [[1.0]], at=[1.0]).shape == (0, 1, 1)
    assert_array_equal(
        ttfs.membrane_traces(np.ones((1, 1, 0)), [[1.0]], at=[1.0]), [[[0.0]]]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"times": [[0.0, np.nan]]}, "times must be finite"),
        ({"times": [0.0, 1.0]}, "times must be an array of shape"),
        ({"times": [[0.0]]}, "times has 1 inputs"),
        ({"weights": [[1.0], [np.inf]]}, "weights must be finite"),
        ({"weights": [1.0, 1.0]}, "weights must be a 2-d array"),
        ({"at": [np.inf]}, "at must be finite"),
        ({"at": 1.0}, "at must be finite times in one dimension"),
        ({"at": ["a"]}, "at must be finite"),
        ({"bias_times": [[0.0]]}, "bias_times must have one dimension"),
        ({"bias_times": [0.0]}, "bias_times has 1"),
        ({"delays": [0.0]}, "delays must have shape"),
        ({"delays": [0.0, np.nan]}, "delays must be finite"),
        ({"spikes": [[0.5]]}, "spikes must have shape"),
        ({"spikes": [[[np.nan]]]}, "spikes must be finite"),
        ({"refractory": -1.0}, "refractory must be finite and at least 0"),
        ({"refractory": np.inf}, "refractory must be finite"),
    ],
)
def test_errors(options, message):
    valid = {"times": [[0.0, 0.5]], "weights": [[1.0], [1.0]], "at": [1.0]}
    with pytest.raises(ValueError, match=message):
        ttfs.membrane_traces(**{**valid, **options})


def test_wrong_types():
    with pytest.raises(TypeError, match=r"neuron must be a ttfs\.LIF"):
        ttfs.membrane_traces([[0.0]], [[1.0]], 1.0, at=[1.0])
    with pytest.raises(TypeError, match="refractory must be a real number"):
        ttfs.membrane_traces([[0.0]], [[1.0]], at=[1.0], refractory="a")
