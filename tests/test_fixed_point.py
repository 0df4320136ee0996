"""The arithmetic of docs/fixed_point.md: its numbers, its twin, its header."""

import json
import pickle
import platform
import re
import runpy
import sys
from ctypes import CDLL, c_int8
from dataclasses import replace
from math import e, inf
from operator import eq
from pathlib import Path
from shutil import which

import fixed_header
import fixed_networks
import fixed_twin
import numpy as np
import pytest
from fixed_twin import Plain, Twin

import ttfs
from ttfs import LIF, _fixed, _fixed_point

GOLDEN = Path(__file__).parent / "data/golden_fixed.json"

# -- Numbers -----------------------------------------------------------------------


def test_shift_register_visits_every_state_but_0():
    register, visited = 1, set()
    while register not in visited:
        visited.add(register)
        register = fixed_twin.step(register)
    assert register == 1
    assert visited == set(range(1, 65536))


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**31])
def test_first_states_of_registers(seed):
    states = [fixed_twin.first_register(seed, n) for n in range(2000)]
    assert min(states) >= 1
    assert max(states) <= 65535
    assert len(set(states)) == len(states)
    assert _fixed_point.shift_registers(seed, 0, 2000).tolist() == states
    assert _fixed_point.shift_registers(seed, 70, 9).tolist() == states[70:79]


def moved(changes, L, *, is_floor, register=1):
    """What one synapse after another, all of a neuron, makes of its change."""
    layer = Plain(
        {
            "weights": [[0] for _ in changes],
            "fraction": 0,
            "most": 32767,
            "rest": 0,
            "decay": 0,
            "rate_shift": L,
            "lfsr": [register],
        }
    )
    sums = fixed_twin.Sums(layer)
    sums.rows = {i: [G] for i, G in enumerate(changes)}
    fixed_twin.update(layer, sums, is_floor)
    return np.ravel(layer.weights)


@pytest.mark.parametrize("L", [3, 16, 20])
@pytest.mark.parametrize("steps", [-2.3, 0.4])
def test_stochastic_rounding_is_unbiased(steps, L):
    # Over the period of a register, which has all numbers but 0.
    G = round(steps * 2**L)
    mean = moved([G] * 65535, L, is_floor=False).mean()
    assert abs(mean - G / 2**L) <= 1 / 65535


def test_floor_is_biased():
    G = np.random.default_rng(0).integers(-5000, 5000, 4000)
    steps = moved(G.tolist(), 8, is_floor=True)
    np.testing.assert_array_equal(steps, np.floor(G / 2**8))
    assert np.mean(steps - G / 2**8) == pytest.approx(-0.5, abs=0.03)


# -- Tables ------------------------------------------------------------------------

REGIMES = {
    "equal": LIF(),
    "equal, not exact in binary": LIF(0.1, 0.1),
    "double": LIF(2.0),
    "general": LIF(3.7, 1.3),
    "slow synapse": LIF(0.5),
    "nearly equal": LIF(1 + 1e-9),
    "slow membrane": LIF(100.0),  # the peak is later than 2 tau_syn
    "no leak": LIF(inf, 0.3),
    "ties": LIF(127.0, 127.0),
}


@pytest.mark.parametrize("per_tau", [8, 50])
@pytest.mark.parametrize("neuron", REGIMES.values(), ids=REGIMES)
def test_tables(neuron, per_tau):
    tick = neuron.tau_syn / per_tau
    for kernel in "table", "linear":
        expected = fixed_twin.time_tables(neuron, tick, 4 * per_tau, kernel)
        got, _ = _fixed_point._tables(neuron, tick, 4 * per_tau, kernel)
        for name, table in expected.items():
            assert got[name].tolist() == table, name


@pytest.mark.parametrize("levels", [1.0, 16.0, 37.3, 255.0])
@pytest.mark.parametrize("neuron", REGIMES.values(), ids=REGIMES)
def test_numbers_of_a_layer(neuron, levels):
    tick = neuron.tau_syn / 32
    for is_from_output in False, True:
        layer, _ = _fixed_point.fixed_layer(
            np.zeros((1, 1)),
            np.zeros(0),
            neuron,
            levels=levels,
            errors_from=(neuron, levels),
            is_from_output=is_from_output,
            n_ticks=4,
            tick=tick,
            kernel="table",
            weight_bits=6,
            fraction=0,
        )
        expected = fixed_twin.layer_numbers(neuron, tick, levels)
        assert {name: np.ravel(getattr(layer, name)).tolist() for name in expected} == {
            name: np.ravel(number).tolist() for name, number in expected.items()
        }
        shift = fixed_twin.error_shift(neuron, tick, levels, is_from_output)
        assert layer.error_shift == shift
        delay = fixed_twin.silent_delay(neuron, tick, layer.threshold)
        assert _fixed_point.silent_delay(neuron, layer.threshold, tick) == delay


def test_tables_of_the_loss():
    for time_scale, tick in (0.05, 1 / 32), (0.1, 0.1 / 3), (2.0, 0.01):
        expected = fixed_twin.softmax_table(time_scale, tick)
        assert _fixed_point.softmax_table(time_scale, tick).tolist() == expected
        assert expected[0] == 256
        assert expected[-1] == 1
    reciprocal = fixed_twin.reciprocal_table()
    assert _fixed_point.reciprocal_table().tolist() == reciprocal


# -- The twin against real numbers -------------------------------------------------


def first_above(u, height):
    """The first tick with u >= height, n_ticks without."""
    return np.vstack([u >= height, np.full(u.shape[1], True)]).argmax(axis=0)


@pytest.mark.parametrize("neuron", REGIMES.values(), ids=REGIMES)
def test_spikes_are_those_of_real_numbers(neuron):
    per_tau, n_in, n_out, levels = 16, 30, 40, 24.0
    tick, n_ticks = neuron.tau_syn / per_tau, 5 * per_tau
    rng = np.random.default_rng(3)
    mean, spread = e * levels * np.array([1.5, 2]) / n_in
    w = np.clip(np.rint(rng.normal(mean, spread, (n_in, n_out))), -63, 63)
    layer = Plain(
        {
            "weights": w.astype(int).tolist(),
            "bias_ticks": [],
            "fraction": 0,
            "lfsr": [1] * n_out,
            **fixed_twin.time_tables(neuron, tick, n_ticks, "table"),
            **fixed_twin.layer_numbers(neuron, tick, levels),
        }
    )
    unit = neuron.threshold / (e * float(fixed_twin.Kappa(neuron, tick).height))
    weights = w * unit / levels
    end = np.arange(n_ticks) * tick
    late, same = [], []
    for _ in range(3):
        ticks = rng.integers(0, 2 * per_tau, n_in)
        spikes = fixed_twin.input_spikes(layer, n_ticks, ticks.tolist())
        state = fixed_twin.run_layer(layer, n_ticks, spikes)
        got = np.array(state.ticks)

        # The membrane is off by less than two units for each tick with inputs.
        elapsed = end[:, None] - ticks * tick
        kappa = np.where(elapsed > 0, neuron.kappa(np.maximum(elapsed, 0)), 0)
        u = kappa @ weights / neuron.threshold * layer.threshold
        allowed = 2 * (1 + len(set(ticks.tolist())))
        assert (first_above(u, layer.threshold - allowed) <= got).all()
        assert (first_above(u, layer.threshold + allowed) >= got).all()
        fired = got < n_ticks
        error = np.array(state.u) - u[got * fired, range(n_out)]
        assert (np.abs(error[fired]) < allowed).all()

        exact = np.ceil(
            ttfs.first_spike(ticks[None] * tick, weights, neuron)[0] / tick - 1e-9
        )
        both = fired & (exact < n_ticks)
        late += (got - exact)[both].tolist()
        same += (fired == (exact < n_ticks)).tolist()
    assert len(late) > 50
    assert np.mean(np.abs(late) > 1) < 0.05
    assert np.mean(late) < 0.3
    assert np.mean(same) > 0.97


# -- The header against the twin ---------------------------------------------------

needs_compiler = pytest.mark.skipif(
    not fixed_header.COMPILERS, reason="needs a C compiler"
)
N_NETWORKS = 120


@pytest.fixture(scope="module")
def lessons():
    """Networks, batches, and what the twin makes of them."""
    made = []
    for seed in range(N_NETWORKS):
        rng = np.random.default_rng(seed)
        network = fixed_networks.random_network(rng)
        made.append(fixed_networks.random_lesson(rng, network, n_batches=4))
    return made


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
            ends += np.sum(np.abs(after) == layer.most)
        dropped += lesson.after[-1]["lfsr"][-1] != network.lfsr.tolist()
    assert len(labels) >= 1000
    for fired in hidden, outputs, labels:
        assert 0.2 < np.mean(fired) < 0.8
    assert min(ends, saturated) > 100
    assert dropped > 30
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


@needs_compiler
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
        tmp_path, compiler, "-std=c11", INTEGERS, source="src/fixed_baseline.c"
    )
    # Loads only if no function that stands in for floating point is missing.
    CDLL(str(path))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    path = fixed_header.build(folder, fixed_header.COMPILERS[0])
    return fixed_header.Library(path)


@needs_compiler
def test_operations(library):
    rng = np.random.default_rng(0)
    assert fixed_header.check_operations(rng, library, 5000) >= 30_000


@needs_compiler
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
    second.weights[:] = second.most * rng.choice([-1, 1, 1, 1], second.weights.shape)
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


@needs_compiler
def test_weights_of_8_bits(tmp_path):
    flags = "-DTTFS_FIXED_WEIGHT=int8_t"
    path = fixed_header.build(tmp_path, fixed_header.COMPILERS[0], flags)
    library = fixed_header.Library(path, c_int8)
    for weight_bits in range(2, 8):
        rng = np.random.default_rng(weight_bits)
        network = fixed_networks.random_network(
            rng, weight_bits=weight_bits, fraction=7 - weight_bits
        )
        lesson = fixed_networks.random_lesson(rng, network, n_batches=4)
        lesson.replay(fixed_header.Header(network, library))


@needs_compiler
@pytest.mark.parametrize("seed", range(40))
def test_learning_without_sums_is_a_batch_of_one(library, seed):
    rng = np.random.default_rng(1000 + seed)
    network = fixed_networks.random_network(rng)
    twin, header = Twin(network), fixed_header.Header(network, library)
    samples = fixed_networks.random_ticks(rng, network, 5)
    labels = fixed_networks.random_labels(rng, network, 5)
    for ticks, label in zip(samples, labels, strict=True):
        assert header.learn_online(ticks, label) == twin.learn([ticks], [label])
        assert header.state() == twin.state()
        assert header.infer(ticks) == twin.infer(ticks)


@needs_compiler
def test_header_under_sanitizers(lessons, tmp_path):
    compiler = fixed_header.COMPILERS[0]
    runtime = fixed_header.run([compiler, "-print-file-name=libasan.so"]).stdout.strip()
    if not Path(runtime).is_absolute():
        pytest.skip("needs the address sanitizer of gcc")
    path = fixed_header.build(tmp_path, compiler, *fixed_header.SANITIZE)
    stored = tmp_path / "lessons.pickle"
    chosen = [replace(x, network=fixed_twin.plain(x.network)) for x in lessons[:60]]
    stored.write_bytes(pickle.dumps(chosen))
    command = [sys.executable, fixed_header.__file__, path, stored]
    result = fixed_header.run(
        command, LD_PRELOAD=runtime, ASAN_OPTIONS="detect_leaks=0"
    )
    assert result.returncode == 0, result.stdout
    assert "60 networks agree" in result.stdout


# -- The core against the twin -----------------------------------------------------


@pytest.fixture(params=_fixed.simd_available())
def simd(request):
    before = _fixed.simd()
    _fixed.use_simd(request.param)
    yield request.param
    _fixed.use_simd(before)


@pytest.fixture(scope="module")
def wide_lessons():
    made = []
    for seed in range(16):
        rng = np.random.default_rng([seed, 1])
        network = fixed_networks.random_wide_network(rng)
        made.append(fixed_networks.random_lesson(rng, network, n_batches=3))
    return made


def test_core_equals_twin(lessons, wide_lessons, simd):
    for lesson in lessons + wide_lessons:
        core = fixed_networks.Core(lesson.network)
        ticks, _ = lesson.batches[0]
        spikes, u, decisions = core.infer(ticks)
        twin = Twin(lesson.network)
        for n, sample in enumerate(ticks):
            states, decision = twin.infer(sample)
            assert decisions[n] == decision
            for k, state in enumerate(states):
                assert spikes[k][n].tolist() == state.ticks
                assert u[k][n].tolist() == state.u
        lesson.replay_states(core)


# -- Golden vectors ----------------------------------------------------------------


def golden():
    return json.loads(GOLDEN.read_text())


def results_of(run):
    """Results of samples from lists by layer, sample and neuron."""
    names = "ticks", "u", "slope", "error"
    layers = [
        [
            fixed_twin.State(*sample)
            for sample in zip(*(run[name][k] for name in names), strict=True)
        ]
        for k in range(len(run["ticks"]))
    ]
    samples = [list(states) for states in zip(*layers, strict=True)]
    return list(zip(samples, run["decision"], strict=True))


def batches_of(case, run):
    """Ticks and labels of the batches of a run."""
    ticks, labels = case["samples"]["ticks"], case["samples"]["labels"]
    size = 1 if run == "online" else case["batch_size"]
    for begin in range(0, len(labels), size):
        yield ticks[begin : begin + size], labels[begin : begin + size]


def test_golden_vectors_are_those_of_the_generator():
    generator = runpy.run_path(str(GOLDEN.with_name("make_golden_fixed.py")))
    # Not compared by pytest, whose account of a difference would take minutes.
    is_same = generator["dumps"](generator["golden"]()) + "\n" == GOLDEN.read_text()
    assert is_same


@pytest.fixture(params=golden())
def case(request):
    return golden()[request.param]


@pytest.fixture(params=["twin", pytest.param("header", marks=needs_compiler)])
def learner(request, case):
    network = as_plain(case["network"])
    if request.param == "twin":
        return Twin(network)
    library = request.getfixturevalue("library")
    return fixed_header.Header(network, library)


def as_plain(x):
    if isinstance(x, dict):
        return Plain({name: as_plain(value) for name, value in x.items()})
    if isinstance(x, list):
        return [as_plain(item) for item in x]
    return x


def test_golden_inference(case, learner):
    recorded = case["inference"]
    for n, ticks in enumerate(case["samples"]["ticks"]):
        states, decision = learner.infer(ticks)
        assert decision == recorded["decision"][n]
        for k, state in enumerate(states):
            for name in "ticks", "u", "slope":
                assert getattr(state, name) == recorded[name][k][n]


@pytest.mark.parametrize("run", ["online", "batches"])
def test_golden_learning(case, learner, run):
    results = []
    for ticks, labels in batches_of(case, run):
        results += learner.learn(ticks, labels)
    assert results == results_of(case[run])
    assert learner.state() == case[run]["after"]


@pytest.mark.parametrize("run", ["online", "batches"])
def test_golden_core(case, simd, run):
    network = as_plain(case["network"])
    core = fixed_networks.Core(fixed_networks.from_plain(network))
    recorded = case["inference"]
    ticks, u, decisions = core.infer(case["samples"]["ticks"])
    assert [layer.tolist() for layer in ticks] == recorded["ticks"]
    assert [layer.tolist() for layer in u] == recorded["u"]
    assert decisions.tolist() == recorded["decision"]
    n_correct = sum(core.learn(*batch) for batch in batches_of(case, run))
    assert n_correct == sum(map(eq, case[run]["decision"], case["samples"]["labels"]))
    assert core.state() == case[run]["after"]


@needs_compiler
def test_golden_program(case, tmp_path):
    compiler = fixed_header.COMPILERS[0]
    program = fixed_header.build_program(tmp_path, compiler, as_plain(case))
    assert fixed_header.run([program]).stdout == "0 wrong\n"


@pytest.mark.skipif(
    not (which("avr-gcc") and which("simavr")), reason="needs avr-gcc and simavr"
)
def test_golden_program_on_a_microcontroller(case, tmp_path):
    chip = "atmega2560"
    program = fixed_header.build_program(
        tmp_path, "avr-gcc", as_plain(case), f"-mmcu={chip}"
    )
    result = fixed_header.run(["simavr", "-m", chip, "-f", "16000000", program])
    assert re.search(r"(\d+) wrong", result.stdout)[1] == "0"


def test_golden_tables(case):
    real, network = case["parameters"], case["network"]
    neuron = LIF(real["tau_mem"] or inf, real["tau_syn"])
    tick, seed = real["tick"], real["seed"]
    registers = []
    for layer in network["layers"]:
        tables, _ = _fixed_point._tables(
            neuron, tick, network["n_ticks"], real["kernel"]
        )
        for name, table in tables.items():
            assert table.tolist() == layer[name]
        registers += layer["lfsr"]
    registers += network["lfsr"]
    expected = _fixed_point.shift_registers(seed, 0, len(registers))
    assert registers == expected.tolist()
    softmax = _fixed_point.softmax_table(real["time_scale"], tick)
    assert softmax.tolist() == network["softmax"]
    assert _fixed_point.reciprocal_table().tolist() == network["reciprocal"]
    threshold = network["layers"][-1]["threshold"]
    delay = _fixed_point.silent_delay(neuron, threshold, tick)
    assert delay == network["silent_delay"]
