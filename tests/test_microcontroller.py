"""benchmarks/microcontroller.py: what it counts, and its rows on little data."""

import json
import sys
from pathlib import Path

import _mcu_measure
import _mcu_networks
import bare_metal
import microcontroller
import numpy as np
import pytest
from _mcu_program import Program

README = Path(microcontroller.__file__).with_name("README.md")

# In each round: a multiplication, two words that are pushed and popped, and a branch,
# which is not taken in the last round.
ARM = """
    __asm volatile(".syntax unified\\n"
                   "movs r3, %0\\n"
                   "1: muls r3, r3, r3\\n"
                   "push {r4, r5}\\n"
                   "pop {r4, r5}\\n"
                   "movs r3, #2\\n"
                   "subs %0, #1\\n"
                   "bne 1b"
                   : "+l"(rounds) : : "r3", "cc", "memory");
"""
RISCV = """
    __asm volatile("1: mul t0, t0, t0\\n"
                   "sw t0, -4(sp)\\n"
                   "c.mv t1, t0\\n"
                   "lw t0, -4(sp)\\n"
                   "addi %0, %0, -1\\n"
                   "bnez %0, 1b"
                   : "+r"(rounds) : : "t0", "t1", "memory");
"""
ADAPTER = """
#include <stdint.h>
typedef int16_t input_t;
#define N_INPUTS 1
static int model_run(input_t *x, int label)
{{
    int rounds = *x;
    {}
    return label;
}}
static void model_show(void) {{}}
static void model_end(void) {{}}
"""


@pytest.fixture
def bench(tmp_path):
    bench = _mcu_measure.Bench(tmp_path)
    if not {"m0+", "rv32"} <= set(bench.machines):
        pytest.skip("needs compilers and emulators of Cortex-M and RV32")
    return bench


def counted(bench, folder, name, code, rounds):
    adapter = folder / "adapter.h"
    adapter.write_text(ADAPTER.format(code))
    labels = np.array([1, 2])
    samples = np.full((2, 1), rounds, np.int16)
    program = Program(
        "rounds", 0.0, adapter, {}, samples, labels, lambda n: [[1], [2]][:n]
    )
    return bench.measure(program, name, "-Os")


@pytest.mark.slow  # a cross-compiler and an emulator
@pytest.mark.parametrize(
    ("name", "code", "each"),
    [
        (
            "m0+",
            ARM,
            # of the manual: muls 1 or 32, push and pop 1 + 2 each, movs 1, subs 1,
            # bne 2
            {"instructions": 6, "multiplications": 1, "cycles": 11, "cycles_32": 42},
        ),
        ("rv32", RISCV, {"instructions": 6, "multiplications": 1}),
    ],
)
def test_counts_are_those_of_the_manual(bench, tmp_path, name, code, each):
    few, many = (counted(bench, tmp_path, name, code, n) for n in (5, 105))
    for key, number in each.items():
        assert many[key] - few[key] == 100 * number
    assert many["flash"] == few["flash"] > 0
    assert many["wrong"] == few["wrong"] == 0


@pytest.mark.slow  # a cross-compiler and an emulator
def test_an_answer_that_is_not_expected_is_wrong(bench, tmp_path):
    program = Program(
        "label",
        0.0,
        tmp_path / "adapter.h",
        {},
        np.zeros((3, 1), np.int16),
        np.array([1, 2, 3]),
        lambda n: [[1], [1], [3]],
    )
    program.adapter.write_text(ADAPTER.format("(void)rounds;"))
    assert bench.measure(program, "m0+", "-Os")["wrong"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--bits"]], ids=str)
def test_a_network(bench, tmp_path, more, monkeypatch, capsys):
    bits = {name: (20, 10) for name in microcontroller.BITS}
    monkeypatch.setattr(microcontroller, "BITS", bits)
    monkeypatch.setattr(microcontroller, "TARGETS", (("m0+", "-Os"), ("rv32", "-Os")))
    path = tmp_path / "found.json"
    command = ["microcontroller.py", "--quick", "--only", "4-30-3", "--json", path]
    monkeypatch.setattr(sys, "argv", list(map(str, command)) + more)
    microcontroller.main()
    assert "4-30-3, Yin-Yang" in capsys.readouterr().out
    rows = json.loads(path.read_text())
    assert {row["title"] for row in rows} >= {"ttfs, table"}
    assert {row["learns"] for row in rows} == {False, True}


def test_targets_are_machines():
    names = [name for name, _ in (*microcontroller.TARGETS, *microcontroller.AVR)]
    assert {*names, *microcontroller.BITS} <= set(bare_metal.MACHINES)


def test_the_page_names_every_network():
    text = README.read_text(encoding="utf-8")
    for name in _mcu_networks.NETWORKS:
        assert f"`{name}`" in text
