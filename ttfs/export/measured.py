"""Costs of exported functions on microcontrollers, as they were measured.

Below its dataclass the tables of this file are written by
``python benchmarks/microcontroller.py --fit``: networks of 6 data sets, 5 to 257 inputs
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


def on_targets(*sizes):
    """The Sizes on the processors of TARGETS, in their order."""
    return dict(zip(TARGETS, (Sizes(*numbers) for numbers in sizes), strict=True))


# fmt: off
# By the kernel and what the file does; and by the kind of an encoder of raw features.
SIZES = {
    ("encoder", "lines"): on_targets((111, 0, 1, 0, 40), (136, 0, 4, 0, 24),
        (162, 0, 4, 0, 8), (344, 0, 1, 0, 21)),
    ("encoder", "fields"): on_targets((234, 0, 1, 0, 60), (217, 0, 4, 0, 48),
        (264, 0, 4, 0, 36), (418, 0, 1, 0, 23)),
    ("encoder", "tables"): on_targets((92, 0, 1, 0, 40), (90, 0, 3, 0, 12),
        (144, 0, 3, 0, 8), (143, 0, 0, 0, 8)),
    ("table", "infers"): on_targets((2317, 105, 25, 36, 264), (2616, 110, 37, 33, 276),
        (2919, 70, 37, 33, 284), (4664, 52, 19, 52, 109)),
    ("table", "learns"): on_targets((3589, 266, 28, 43, 360), (4352, 213, 55, 37, 364),
        (4587, 167, 55, 37, 348), (7523, 352, 51, 83, 170)),
    ("shift", "infers"): on_targets((1658, 17, 23, 32, 144), (1862, 23, 26, 32, 144),
        (2074, 17, 26, 32, 184), (2873, 4, 15, 50, 59)),
    ("shift", "learns"): on_targets((2728, 199, 26, 39, 200), (3289, 197, 46, 35, 200),
        (3400, 157, 45, 35, 196), (5647, 338, 47, 81, 122)),
}
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
        "calls": (1440, 2040, 6730, 935, 1050, 1350, 1300, 11000),
        "ranges of ticks": (23, 34.9, 27.3, 17.5, 27.6, 22.7, 32.7, 11.8),
        "neurons": (70.8, 97, 0, 40.5, 69, 36.2, 71.4, 0),
        "input spikes": (1.16, 1.73, 0, 0, 0, 0, 0, 0),
        "windows": (340, 550, 386, 281, 508, 311, 494, 1110),
        "spikes": (382, 590, 409, 291, 458, 274, 454, 1180),
        "moves": (48.1, 66.1, 211, 40.1, 49.7, 27.9, 33, 662),
        "search steps": (49.5, 71.6, 244, 41.3, 52.7, 40.8, 48, 380),
        "synaptic events": (5.07, 7.19, 4.25, 5.12, 7.42, 5.19, 7.34, 20.1),
    },
    ("table", "learns"): {
        "calls": (0, 141, 1180, 0, 0, 0, 0, 5660),
        "ranges of ticks": (45.9, 64.4, 29.2, 33.3, 41.3, 44.2, 55.4, 0),
        "input spikes": (0, 0, 0, 0, 3.43, 0, 5.19, 0),
        "windows": (385, 604, 692, 304, 511, 350, 504, 1250),
        "spikes": (0, 0, 1570, 0, 0, 0, 312, 0),
        "moves": (27.7, 36.9, 140, 25.9, 33.3, 14.5, 17.9, 566),
        "synaptic events": (13.1, 2.24, 20.2, 7.97, 11.1, 4.02, 0, 0),
        "draws": (0, 0, 0, 0, 3.43, 0, 5.19, 0),
        "errors": (654, 953, 226, 504, 722, 492, 366, 3300),
        "products": (33.7, 53.3, 117, 16.5, 15.8, 40.5, 61.3, 347),
        "eligibilities": (0.0987, 20.1, 23, 0, 0, 7.39, 16.8, 25.3),
        "weight moves": (43.2, 59.5, 55.9, 31.5, 45.2, 24.8, 32.1, 202),
    },
    ("shift", "infers"): {
        "calls": (2030, 2770, 2740, 1200, 1730, 1650, 2360, 12700),
        "channels": (20.5, 32.4, 32.1, 15.4, 23.6, 18.9, 26.7, 18),
        "ranges of ticks": (11.6, 16.4, 15.8, 8.3, 12.6, 9.99, 13.5, 46.2),
        "neurons": (0, 0, 0, 0, 0, 0, 0, 168),
        "windows": (168, 245, 250, 123, 167, 120, 164, 137),
        "spikes": (201, 305, 334, 157, 224, 159, 225, 587),
        "ticks": (23.4, 45.9, 45, 27.7, 62.4, 15.8, 24.1, 0),
        "steps": (16.2, 20.6, 20.6, 15.4, 19.5, 13.7, 18, 102),
        "rows": (3.8, 5.21, 5.24, 2.52, 3.27, 2.94, 3.69, 0),
        "synaptic events": (0, 0, 0, 0, 0, 0, 0, 40.5),
    },
    ("shift", "learns"): {
        "calls": (8810, 13800, 19600, 6720, 9970, 6170, 9670, 67800),
        "spikes": (0, 0, 0, 1.05, 0, 98.2, 93.9, 512),
        "ticks": (51.5, 86.9, 68.1, 30, 63.7, 35.2, 44.6, 0),
        "steps": (12.6, 17.4, 18.2, 12.8, 17.1, 9.71, 14.1, 39.5),
        "synaptic events": (33, 53.8, 80.3, 19.5, 30.1, 20.8, 31.3, 22.8),
        "inputs": (122, 167, 162, 85, 120, 81.8, 109, 45.3),
        "errors": (63.8, 85.9, 198, 55.4, 85.2, 0, 0, 0),
        "products": (54, 76.2, 144, 37, 41.7, 47.5, 66.9, 768),
        "weight moves": (33.3, 45.3, 42.7, 24.2, 33.8, 20, 25.4, 190),
    },
}
