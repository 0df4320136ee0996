"""The choice of an instruction set."""

import os
import subprocess
import sys

import numpy as np
import pytest
import twin
from numpy.testing import assert_allclose
from training import LOSSES, T_MAX, make_data, make_layers, trainers

from ttfs import LIF
from ttfs import core as _core


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_environment_chooses_the_instruction_set():
    code = "from ttfs import core; print(core.simd())"
    for name in _core.simd_available():
        result = run_python(code, TTFS_SIMD=name)
        assert (result.stdout.strip(), result.returncode) == (name, 0)
    best = run_python(code, TTFS_SIMD="")
    assert best.stdout.strip() == _core.simd_available()[-1]


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


def test_instruction_sets_agree():
    layers = make_layers(LIF(), (9, 70, 21, 3))
    times, labels, factors = make_data(24, 9, 3)
    order, rates = np.arange(24, dtype=np.uintp), np.full(3, 0.01)
    before = _core.simd()
    results = []
    for name in _core.simd_available():
        _core.use_simd(name)
        core, _ = trainers(layers, LOSSES["early"])
        spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
        core.epoch(spikes, labels, factors, order, 8, rates)
        results.append(core.weights())
    _core.use_simd(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert_allclose(a, b, rtol=0, atol=1e-11)
