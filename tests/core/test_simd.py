"""The choice of an instruction set."""

import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import twin
from cases import first_of
from numpy.testing import assert_allclose
from training import (
    LOSSES,
    PSEUDO_SLOPE,
    READ_OUT,
    T_MAX,
    delayed_layers,
    epoch,
    make_data,
    make_layers,
    read_out_of,
    trainers,
)

from ttfs import LIF, first_spike, first_spike_vjp, spike_trains, spike_trains_vjp
from ttfs import core as _core


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", first_of([*_core.simd_available(), ""]))
def test_environment_chooses_the_instruction_set(name):
    code = "from ttfs import core; print(core.simd())"
    result = run_python(code, TTFS_SIMD=name)
    chosen = name or _core.simd_available()[-1]
    assert (result.stdout.strip(), result.returncode) == (chosen, 0)


def test_unknown_instruction_set_in_the_environment_is_an_error():
    result = run_python("import ttfs", TTFS_SIMD="nonsense")
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError: unknown instruction set 'nonsense'")
    assert "baseline" in last


def test_instruction_set_must_be_known_and_there():
    before = _core.simd()
    with pytest.raises(ValueError, match="unknown instruction set 'nonsense'"):
        _core.use_simd("nonsense")
    for name in {"avx2", "avx512"} - set(_core.simd_available()):
        with pytest.raises(ValueError, match=f"does not have '{name}'"):
            _core.use_simd(name)
    assert _core.simd() == before
    assert "baseline" in _core.simd_available()
    _core.use_simd(None)
    assert _core.simd() == _core.simd_available()[-1]
    _core.use_simd(before)


def first_spikes(dtype):
    times, *_ = make_data(24, 9, 3, dtype)
    weights = make_layers(LIF(), (9, 70), dtype)[0].weights[:9]
    spikes = first_spike(times, weights)
    return spikes, *first_spike_vjp(times, weights, spikes, np.ones_like(spikes))


def trains(dtype):
    times = make_data(24, 18, 3, dtype)[0].reshape(24, 9, 2)
    weights = 2 * make_layers(LIF(), (9, 70), dtype)[0].weights[:9]
    spikes = spike_trains(times, weights, max_spikes=5)
    return spikes, *spike_trains_vjp(times, weights, spikes, np.ones_like(spikes))


def learn(dtype, kind="dense", **changes):
    """Weights and delays of a network after an epoch, and what it decides then."""
    if kind == "dense":
        layers = make_layers(LIF(), (9, 70, 21, 3), dtype)
    else:
        layers = delayed_layers(kind, LIF(), (9, 70, 21, 3), dtype)
    data = make_data(24, 9, 3, dtype)
    core, _ = trainers(read_out_of(layers), LOSSES["early"], **READ_OUT, **changes)
    epoch(core, layers, data, 8, rate=0.01)
    spikes = twin.spikes_of(data[0], layers[0].bias_times, T_MAX)
    delays = [] if kind == "dense" else core.delays()
    return *core.weights(), *delays, core.decisions(spikes)


def emulate(dtype):
    """Spikes of a chip whose neurons have time constants of their own."""
    (layer,) = make_layers(LIF(), (9, 70), dtype)
    own = _core.NeuronMismatch(
        tau_mem=np.linspace(0.7, 1.5, 70), tau_syn=np.linspace(1.2, 0.8, 70)
    )
    spikes = twin.spikes_of(make_data(24, 9, 3, dtype)[0], layer.bias_times, T_MAX)
    network = _core.Simulator([layer], T_MAX, PSEUDO_SLOPE)
    return network.emulate(spikes, [own], 0).times()


COMPUTATIONS = {
    "first spikes": first_spikes,
    "several spikes": trains,
    "chip": emulate,
    "exact": learn,
    "axonal": partial(learn, kind="axonal"),
    "synaptic": partial(learn, kind="synaptic"),
    "local": partial(learn, local={"kernel": "table", "feedback": "symmetric"}),
    "linear": partial(learn, local={"kernel": "linear", "feedback": "symmetric"}),
}


@pytest.mark.parametrize("compute", COMPUTATIONS.values(), ids=COMPUTATIONS)
@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-10), (np.float32, 1e-3)])
def test_instruction_sets_agree(compute, dtype, tol):
    before, results = _core.simd(), []
    for name in _core.simd_available():
        _core.use_simd(name)
        results.append(compute(dtype))
    _core.use_simd(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert_allclose(a, b, rtol=tol, atol=tol * np.abs(a[a < np.inf]).max())
