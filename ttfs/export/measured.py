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
SIZES = {
    ("encoder", "lines"): {
        "m0+": Sizes(109, 0, 1, 0, 40),
        "m4f": Sizes(134, 0, 4, 0, 20),
        "rv32": Sizes(157, 0, 4, 0, 8),
        "avr": Sizes(350, 0, 1, 0, 21),
    },
    ("encoder", "fields"): {
        "m0+": Sizes(234, 0, 1, 0, 60),
        "m4f": Sizes(217, 0, 4, 0, 48),
        "rv32": Sizes(264, 0, 4, 0, 36),
        "avr": Sizes(418, 0, 1, 0, 23),
    },
    ("table", "infers"): {
        "m0+": Sizes(2284, 116, 25, 36, 264),
        "m4f": Sizes(2565, 127, 34, 34, 276),
        "rv32": Sizes(2919, 70, 34, 34, 284),
        "avr": Sizes(4657, 54, 19, 52, 109),
    },
    ("table", "learns"): {
        "m0+": Sizes(3577, 271, 27, 43, 360),
        "m4f": Sizes(4342, 217, 50, 39, 364),
        "rv32": Sizes(4618, 157, 50, 38, 348),
        "avr": Sizes(7548, 343, 51, 83, 170),
    },
    ("shift", "infers"): {
        "m0+": Sizes(1610, 33, 23, 32, 144),
        "m4f": Sizes(1822, 36, 24, 32, 144),
        "rv32": Sizes(2041, 28, 24, 32, 184),
        "avr": Sizes(2872, 5, 15, 50, 59),
    },
    ("shift", "learns"): {
        "m0+": Sizes(2688, 212, 25, 39, 200),
        "m4f": Sizes(3273, 202, 41, 37, 200),
        "rv32": Sizes(3398, 157, 41, 36, 196),
        "avr": Sizes(5684, 325, 47, 81, 122),
    },
}
# fmt: off
COSTS = {
    ("encoder", "lines"): {
        "calls": (0, 13.6, 12.3, 5.04, 22.6, 0.381, 3.51, 0),
        "codes": (27.3, 38.9, 68.9, 22.9, 30.8, 26.5, 37.6, 139),
    },
    ("encoder", "fields"): {
        "calls": (229, 511, 507, 6.08, 22.1, 19.6, 31.3, 0),
        "codes": (121, 201, 232, 49.3, 63.4, 59.6, 85.9, 201),
        "fields": (100, 131, 131, 67, 82, 76.5, 95, 183),
    },
    ("table", "infers"): {
        "calls": (1990, 2630, 6990, 1660, 2140, 1800, 2150, 16700),
        "channels": (18.2, 28.2, 0, 5.21, 13.2, 8.38, 18.1, 0),
        "ranges of ticks": (0, 0, 0, 9.76, 11.1, 11.6, 11.9, 0),
        "neurons": (51.4, 86.3, 156, 25.6, 43.6, 23.3, 44, 0),
        "input spikes": (3.37, 1.58, 0, 0, 0, 0, 0, 0),
        "windows": (184, 357, 464, 126, 268, 190, 280, 105),
        "spikes": (417, 666, 0, 291, 483, 297, 516, 736),
        "moves": (60.4, 82.2, 205, 48.9, 63.4, 36.5, 46.7, 709),
        "searches": (231, 299, 952, 203, 258, 189, 226, 1800),
        "synaptic events": (0, 0, 0, 1.69, 2.34, 1.42, 1.96, 0),
    },
    ("table", "learns"): {
        "calls": (0, 0, 0, 29.4, 334, 0, 0, 0),
        "ranges of ticks": (67.5, 86.3, 47, 44.9, 62.7, 56.2, 73.7, 0),
        "neurons": (0, 261, 1340, 278, 248, 22.5, 207, 2400),
        "input spikes": (51, 76.7, 59.5, 46.4, 79.3, 25.2, 43, 0),
        "windows": (220, 379, 564, 150, 231, 264, 360, 1150),
        "spikes": (426, 487, 171, 56.4, 261, 417, 468, 97.4),
        "moves": (0, 0, 89.9, 0.395, 0, 0.48, 2.12, 257),
        "searches": (304, 387, 454, 297, 423, 126, 122, 1490),
        "synaptic events": (21.5, 32.8, 49.7, 13.7, 18.1, 15.5, 21.5, 35),
        "draws": (51, 76.7, 59.5, 46.4, 79.3, 25.2, 43, 0),
        "errors": (55, 0, 0, 0, 0, 0, 0, 0),
        "products": (217, 327, 431, 156, 230, 136, 198, 1400),
        "eligibilities": (0, 0, 11, 0, 0, 0, 0, 84.9),
        "weight moves": (26.8, 35.6, 27.7, 19.3, 26.7, 16.3, 20.1, 121),
    },
    ("shift", "infers"): {
        "calls": (0, 0, 0, 0, 0, 0, 0, 7980),
        "channels": (22.8, 34.9, 34.6, 16.8, 24.9, 19.6, 27.5, 39.8),
        "ranges of ticks": (12.6, 15.5, 14.5, 9.47, 12.7, 11.1, 12.8, 103),
        "input spikes": (28.5, 42.5, 42.1, 18, 27.9, 24.9, 36.6, 0),
        "windows": (3.24, 13, 20.3, 0, 0, 0, 0, 0),
        "spikes": (193, 299, 328, 151, 221, 158, 228, 568),
        "ticks": (74.6, 116, 115, 58.5, 105, 56.5, 80.5, 83.5),
        "steps": (17.6, 22.5, 22.6, 16.7, 21.3, 14.6, 19.4, 113),
        "rows": (3.96, 5.34, 5.37, 2.63, 3.33, 2.97, 3.65, 0),
        "synaptic events": (0, 0, 0, 0, 0, 0, 0, 44.2),
    },
    ("shift", "learns"): {
        "calls": (0, 0, 0, 860, 3520, 0, 0, 0),
        "channels": (159, 207, 205, 112, 153, 102, 129, 268),
        "input spikes": (4.81, 32.8, 72.4, 0, 0, 15, 34.6, 0),
        "ticks": (89, 144, 146, 55.6, 92.2, 61.4, 84.5, 264),
        "steps": (14.1, 19.4, 21, 13.9, 18.7, 11.1, 15.7, 45),
        "synaptic events": (22.9, 35.5, 52.6, 13.4, 20.5, 14.2, 20.3, 0),
        "draws": (4.81, 32.8, 72.4, 0, 0, 15, 34.6, 0),
        "products": (130, 213, 342, 79.1, 117, 86.3, 135, 743),
        "weight moves": (33.3, 44.9, 42.5, 24.7, 33.9, 21, 26.2, 203),
    },
}
# fmt: on
