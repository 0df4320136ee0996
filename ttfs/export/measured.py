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
        "m0+": Sizes(111, 0, 1, 0, 40),
        "m4f": Sizes(136, 0, 4, 0, 24),
        "rv32": Sizes(162, 0, 4, 0, 8),
        "avr": Sizes(344, 0, 1, 0, 21),
    },
    ("encoder", "fields"): {
        "m0+": Sizes(234, 0, 1, 0, 60),
        "m4f": Sizes(217, 0, 4, 0, 48),
        "rv32": Sizes(264, 0, 4, 0, 36),
        "avr": Sizes(418, 0, 1, 0, 23),
    },
    ("encoder", "tables"): {
        "m0+": Sizes(92, 0, 1, 0, 40),
        "m4f": Sizes(90, 0, 3, 0, 12),
        "rv32": Sizes(144, 0, 3, 0, 8),
        "avr": Sizes(143, 0, 0, 0, 8),
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
        "calls": (1.02, 19.3, 18.9, 6.23, 24.8, 3.45, 7.67, 0),
        "codes": (27.8, 39.7, 69.8, 23.1, 31.1, 27.2, 38.3, 139),
    },
    ("encoder", "fields"): {
        "calls": (229, 511, 507, 6.08, 22.1, 19.6, 31.3, 0),
        "codes": (121, 201, 232, 49.3, 63.4, 59.6, 85.9, 201),
        "fields": (100, 131, 131, 67, 82, 76.5, 95, 183),
    },
    ("encoder", "tables"): {
        "calls": (18, 51, 51, 11, 24.1, 22, 30, 0),
        "codes": (18, 26, 57, 11, 16, 20, 26, 24.6),
    },
    ("table", "infers"): {
        "calls": (2460, 3320, 7050, 1930, 2560, 2060, 2550, 15600),
        "channels": (0, 10.1, 0, 0, 0, 0, 7.07, 0),
        "ranges of ticks": (19.8, 21.3, 13.6, 16.9, 26.7, 21.5, 25.6, 0),
        "input spikes": (25.2, 29.3, 0, 10.2, 17.7, 11.3, 14.6, 0),
        "windows": (66, 184, 264, 51.4, 160, 119, 185, 0),
        "spikes": (515, 796, 578, 386, 592, 384, 597, 2000),
        "moves": (65.6, 90.9, 228, 52.2, 67.9, 39.4, 50.4, 732),
        "search steps": (61, 85.2, 224, 46.4, 63.8, 43.5, 59.3, 298),
        "synaptic events": (0.846, 0.884, 0, 2.37, 3.41, 2.12, 3.22, 0),
    },
    ("table", "learns"): {
        "calls": (0, 0, 0, 29.4, 334, 0, 0, 1080),
        "ranges of ticks": (67.5, 86.3, 57.2, 44.9, 62.7, 56.2, 75.1, 0),
        "neurons": (0, 261, 827, 278, 248, 22.5, 140, 2180),
        "input spikes": (51, 76.7, 70.5, 46.4, 79.3, 25.2, 44, 0),
        "windows": (220, 379, 525, 150, 231, 264, 356, 1000),
        "spikes": (426, 487, 508, 56.4, 261, 417, 511, 0),
        "moves": (0, 0, 94.3, 0.395, 0, 0.48, 2.36, 279),
        "searches": (304, 387, 406, 297, 423, 126, 121, 1200),
        "search steps": (0, 0, 39.4, 0, 0, 0, 4.32, 107),
        "synaptic events": (21.5, 32.8, 57.7, 13.7, 18.1, 15.5, 21.3, 92.1),
        "draws": (51, 76.7, 70.5, 46.4, 79.3, 25.2, 44, 0),
        "errors": (55, 0, 0, 0, 0, 0, 0, 0),
        "products": (217, 327, 448, 156, 230, 136, 200, 1450),
        "weight moves": (26.8, 35.6, 28.5, 19.3, 26.7, 16.3, 20.2, 135),
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
