"""Costs of exported functions on microcontrollers, as they were measured.

Below its dataclass the tables of this file are written by
``python benchmarks/microcontroller.py --fit``: networks of 3 data sets, 5 to 257 inputs
and 15 to 140 neurons, were exported, compiled by GCC and run in QEMU and simavr. Costs
of operations are those with the least squared relative errors, none below 0. An
operation that always comes with another one may share its cost with it: the sums are
what was measured.
"""

from typing import NamedTuple


class Sizes(NamedTuple):
    """Bytes of a program besides its arrays; those of a layer come for each layer."""

    flash: int
    flash_of_layer: int
    ram: int
    ram_of_layer: int
    stack: int


TARGETS = {
    "m0+": "Cortex-M0+ -Os",
    "m4f": "Cortex-M4F -O2",
    "rv32": "RV32IMC -Os",
    "avr": "AVR -Os",
}
# What the numbers of an operation are, from left to right.
COLUMNS = (
    ("m0+", "instructions"),
    ("m0+", "cycles"),
    ("m0+", "cycles_32"),
    ("m4f", "instructions"),
    ("m4f", "cycles"),
    ("rv32", "instructions"),
    ("rv32", "cycles"),
    ("avr", "cycles"),
)
# By the kernel and what the file does; and by the kind of an encoder of raw features.
SIZES = {}
COSTS = {}
