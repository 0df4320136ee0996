"""Is the fixed-point arithmetic the same bit for bit, wherever it is written?

    python benchmarks/fixed_exactness.py [--operations N] [--steps N]

Compares include/ttfs_fixed.h, compiled by each compiler that there is, and the core on
each instruction set of this processor with the twin in plain Python: single operations
on random and extreme numbers, and whole steps of training of random networks. Exported
programs are compared with their estimators. Needs the extra `test` and a C compiler.
"""

import argparse
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path += [
    str(Path(__file__).parents[1] / "tests" / name) for name in ("support", "twins")
]

import exported
import fixed_header
import fixed_networks

from ttfs import _fixed

N_BATCHES = 5  # of a network
N_LEARN = 1_000  # samples that an exported program learns


def builds():
    """Compilers and flags."""
    for compiler in fixed_header.COMPILERS:
        for flags in [], ["-O0"], ["-O3"], ["-mgeneral-regs-only"]:
            if flags != ["-mgeneral-regs-only"] or platform.machine() == "x86_64":
                yield compiler, flags


def lessons(n_steps, seed):
    """What the twin learns in random networks, a batch in each step."""
    for n in range(-(-n_steps // N_BATCHES)):
        rng = np.random.default_rng([seed, n])
        kind = "random_network" if n % 4 else "random_wide_network"
        network = getattr(fixed_networks, kind)(rng)
        yield fixed_networks.random_lesson(rng, network, N_BATCHES)


def n_spikes(lesson):
    """First spikes, or silences, that were computed."""
    states = [states for results in lesson.results for states, _ in results]
    return sum(len(state.ticks) for sample in states for state in sample)


def main(operations=1_200_000, steps=1_200, seed=0):
    """Print what was compared; an AssertionError tells of a difference."""
    taught = list(lessons(steps, seed))
    n_steps = sum(len(lesson.batches) for lesson in taught)
    n_samples = sum(len(labels) for x in taught for _, labels in x.batches)
    n_neurons = sum(map(n_spikes, taught))
    print(
        f"{len(taught)} networks, {n_steps} steps of training, {n_samples} samples, "
        f"{n_neurons} first spikes or silences"
    )
    for compiler, flags in builds():
        with tempfile.TemporaryDirectory() as folder:
            path = fixed_header.build(folder, compiler, *flags)
            library = fixed_header.Library(path)
        rng = np.random.default_rng(seed)
        n = fixed_header.check_operations(rng, library, -(-operations // 6))
        for lesson in taught:
            lesson.replay(fixed_header.Header(lesson.network, library))
        name = " ".join([compiler, *flags])
        print(f"header, {name}: {n} operations, {n_steps} steps: equal bit for bit")
    before = _fixed.simd()
    for simd in _fixed.simd_available():
        _fixed.use_simd(simd)
        for lesson in taught:
            lesson.replay_states(fixed_networks.Core(lesson.network))
        print(f"core, {simd}: {n_steps} steps: equal bit for bit")
    _fixed.use_simd(before)
    for name in exported.LEARNING:
        with tempfile.TemporaryDirectory() as folder:
            clf, _ = exported.make(name)
            program = exported.build(Path(folder), clf, "-O2", learn=True)
            exported.check_learning(name, program, N_LEARN)
    print(
        f"{len(exported.LEARNING)} exported programs equal their estimators: "
        f"{N_LEARN} samples learned by each, weights and outputs"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=1_200_000)
    parser.add_argument("--steps", type=int, default=1_200)
    main(**vars(parser.parse_args()))
