"""Golden vectors of integers, tests/data/golden_fixed.json."""

import functools
import json
import re
import runpy
from math import inf
from operator import eq
from pathlib import Path

import bare_metal
import fixed_header
import fixed_networks
import fixed_twin
import pytest
from cases import first_of
from fixed_twin import Twin, as_plain

from ttfs import LIF, _fixed
from ttfs.fixed import build, tables
from ttfs.fixed.shifts import realise

GOLDEN = Path(__file__).parents[1] / "data/golden_fixed.json"


@functools.cache
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


@pytest.fixture(params=["twin", "header"])
def learner(request, case):
    network = as_plain(case["network"])
    if request.param == "twin":
        return Twin(network)
    library = request.getfixturevalue("library")
    return fixed_header.Header(network, library)


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


def check_core(case, run):
    core = fixed_networks.Core(fixed_networks.from_plain(as_plain(case["network"])))
    recorded = case["inference"]
    ticks, u, decisions = core.infer(case["samples"]["ticks"])
    assert [layer.tolist() for layer in ticks] == recorded["ticks"]
    assert [layer.tolist() for layer in u] == recorded["u"]
    assert decisions.tolist() == recorded["decision"]
    n_correct = sum(core.learn(*batch) for batch in batches_of(case, run))
    assert n_correct == sum(map(eq, case[run]["decision"], case["samples"]["labels"]))
    assert core.state() == case[run]["after"]


@pytest.mark.parametrize("name", _fixed.simd_available())
def test_golden_core(name):
    before = _fixed.simd()
    _fixed.use_simd(name)
    try:
        for case in golden().values():
            check_core(case, "online")
            check_core(case, "batches")
    finally:
        _fixed.use_simd(before)


# A network for each kind of layer; the header learns all of them by default.
PROGRAMS = first_of(
    ["read-out", "shifts", *sorted(golden().keys() - {"read-out", "shifts"})], 2
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_golden_program(name, tmp_path, compiler):
    case = golden()[name]
    program = fixed_header.build_program(tmp_path, compiler, as_plain(case))
    assert fixed_header.run([program]).stdout == "0 wrong\n"


@bare_metal.every_machine
def test_golden_program_on_a_microcontroller(case, machine, tmp_path):
    (tmp_path / "golden.h").write_text(fixed_header.golden_header(as_plain(case)))
    program = tmp_path / "golden"
    includes = f"-I{tmp_path}", f"-I{fixed_header.ROOT / 'include'}"
    bare_metal.build(
        bare_metal.MACHINES[machine],
        program,
        *bare_metal.WARNINGS,
        *includes,
        "-DTTFS_DEVICE_FLASH=",  # golden.h has its tables in memory
        source=fixed_header.ROOT / "tests/c/fixed_main.c",
    )
    output = bare_metal.run(bare_metal.MACHINES[machine], program)
    assert re.search(r"(\d+) wrong", output.text)[1] == "0"


def test_golden_tables(case):
    real, network = case["parameters"], case["network"]
    neuron = LIF(real["tau_mem"] or inf, real["tau_syn"])
    tick, seed = real["tick"], real["seed"]
    registers = []
    for layer in network["layers"]:
        shifts = layer.get("syn_shift", 0), layer.get("mem_shift", 0)
        if shifts != (0, 0):
            assert realise(neuron, tick) == (shifts, neuron)
        time_tables = tables.time_tables(
            neuron, tick, network["n_ticks"], real["kernel"], shifts
        )
        for name, table in time_tables.items():
            assert table.tolist() == layer[name]
        numbers = tables.layer_numbers(neuron, real["levels"], shifts)
        assert numbers["threshold"] == layer["threshold"]
        registers += layer["lfsr"]
    registers += network["lfsr"]
    expected = build.shift_registers(seed, 0, len(registers))
    assert registers == expected.tolist()
    softmax = tables.softmax_table(real["time_scale"], tick)
    assert softmax.tolist() == network["softmax"]
    assert tables.reciprocal_table().tolist() == network["reciprocal"]
    threshold = network["layers"][-1]["threshold"]
    delay = tables.silent_delay(neuron, threshold, tick)
    assert delay == network["silent_delay"]
