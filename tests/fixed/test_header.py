"""The header include/ttfs_fixed.h equals the twin, on every compiler that is here."""

import os
import pickle
import platform
import sys
from ctypes import CDLL, c_int8
from dataclasses import replace
from pathlib import Path

import fixed_header
import fixed_networks
import fixed_twin
import numpy as np
import pytest
from fixed_twin import Twin


def test_lessons_reach_the_corners(lessons):
    hidden, outputs, labels = [], [], []
    ends, dropped, saturated = 0, 0, 0
    for lesson in lessons:
        network = lesson.network
        for (_, label), results in zip(lesson.batches, lesson.results, strict=True):
            for (states, _), y in zip(results, label, strict=True):
                for state in states[:-1]:
                    hidden += [t < network.n_ticks for t in state.ticks]
                    saturated += sum(abs(c) == 8191 for c in state.error)
                outputs += [t < network.n_ticks for t in states[-1].ticks]
                labels.append(states[-1].ticks[y] < network.n_ticks)
        for layer, after in zip(
            network.layers, lesson.after[-1]["weights"], strict=True
        ):
            ends += np.sum(np.abs(after) == layer.max_stored)
        dropped += lesson.after[-1]["lfsr"][-1] != network.lfsr.tolist()
    assert len(labels) >= 400
    for fired in hidden, outputs, labels:
        assert 0.2 < np.mean(fired) < 0.8
    assert min(ends, saturated) > 40
    assert dropped > 10
    assert {lesson.network.feedback for lesson in lessons} == set(
        fixed_networks.FEEDBACKS
    )


INTEGERS = "-mgeneral-regs-only"  # neither vector nor floating-point registers
IS_X86 = platform.machine() == "x86_64"
BUILDS = {compiler: (compiler, []) for compiler in fixed_header.COMPILERS}
if IS_X86:
    BUILDS |= {
        f"{compiler}, no vector and no floating-point registers": (compiler, [INTEGERS])
        for compiler in fixed_header.COMPILERS
    }


@pytest.mark.parametrize(("compiler", "flags"), BUILDS.values(), ids=BUILDS)
def test_header_equals_twin(lessons, tmp_path, compiler, flags):
    path = fixed_header.build(tmp_path, compiler, *flags)
    library = fixed_header.Library(path)
    for lesson in lessons:
        lesson.replay(fixed_header.Header(lesson.network, library))


@pytest.mark.skipif(not IS_X86, reason="needs an x86-64")
@pytest.mark.parametrize("compiler", fixed_header.COMPILERS)
def test_baseline_has_no_floats(tmp_path, compiler):
    path = fixed_header.build(
        tmp_path, compiler, "-std=c11", INTEGERS, source="src/fixed/build/baseline.c"
    )
    # Loads only if no function that stands in for floating point is missing.
    CDLL(str(path))


def test_operations(library):
    rng = np.random.default_rng(0)
    assert fixed_header.check_operations(rng, library, 5000) >= 30_000


@pytest.mark.parametrize("feedback", ["random", "symmetric"])
def test_errors_of_hidden_neurons_saturate(library, feedback):
    rng = np.random.default_rng(0)
    network = fixed_networks.random_network(
        rng, widths=(12, 20, 40, 3), weight_bits=8, feedback=feedback, kinds=["usual"]
    )
    first, second, _ = network.layers
    # Large errors with weights of both signs, in neurons that never fire.
    network.push = 8191
    second.silence[:] = 254
    second.threshold = 32767
    second.kernel_slope = np.full_like(second.kernel_slope, 127)
    second.weights[:] = second.max_stored * rng.choice(
        [-1, 1, 1, 1], second.weights.shape
    )
    second.current_shift = 0
    if feedback == "random":
        first.feedback[:] = 255 * rng.choice([-1, 1, 1, 1], first.feedback.shape)
    first.error_shift = 20
    lesson = fixed_networks.random_lesson(rng, network, n_batches=4)
    errors = [
        c
        for results in lesson.results
        for states, _ in results
        for c in states[0].error
    ]
    # A sum that ends at the limit would be a power of two after the shift.
    assert max(errors) >= 2**31 >> 20
    assert len(set(errors)) > 10
    lesson.replay(fixed_header.Header(network, library))


def test_weights_of_8_bits(tmp_path, compiler):
    flags = "-DTTFS_FIXED_WEIGHT=int8_t"
    path = fixed_header.build(tmp_path, compiler, flags)
    library = fixed_header.Library(path, c_int8)
    for weight_bits in range(2, 8):
        rng = np.random.default_rng(weight_bits)
        network = fixed_networks.random_network(
            rng, weight_bits=weight_bits, fraction=7 - weight_bits
        )
        lesson = fixed_networks.random_lesson(rng, network, n_batches=4)
        lesson.replay(fixed_header.Header(network, library))


def test_learning_without_sums_is_a_batch_of_one(library):
    for seed in range(20):
        rng = np.random.default_rng(1000 + seed)
        network = fixed_networks.random_network(rng)
        twin, header = Twin(network), fixed_header.Header(network, library)
        samples = fixed_networks.random_ticks(rng, network, 5)
        labels = fixed_networks.random_labels(rng, network, 5)
        for ticks, label in zip(samples, labels, strict=True):
            assert header.learn_online(ticks, label) == twin.learn([ticks], [label])
            assert header.state() == twin.state()
            assert header.infer(ticks) == twin.infer(ticks)


def test_header_under_sanitizers(lessons, tmp_path, compiler):
    runtime = fixed_header.run([compiler, "-print-file-name=libasan.so"]).stdout.strip()
    if not Path(runtime).is_absolute():
        pytest.skip("needs the address sanitizer of gcc")
    path = fixed_header.build(tmp_path, compiler, *fixed_header.SANITIZE)
    stored = tmp_path / "lessons.pickle"
    chosen = [replace(x, network=fixed_twin.plain(x.network)) for x in lessons[:30]]
    stored.write_bytes(pickle.dumps(chosen))
    command = [sys.executable, fixed_header.__file__, path, stored]
    result = fixed_header.run(
        command,
        LD_PRELOAD=runtime,
        ASAN_OPTIONS="detect_leaks=0",
        PYTHONPATH=os.pathsep.join(sys.path),
    )
    assert result.returncode == 0, result.stdout
    assert "30 networks agree" in result.stdout
