"""Write golden_fixed.json: networks in integers, and what becomes of them bit by bit.

    python tests/data/make_golden_fixed.py

For those who build the arithmetic of docs/fixed_point.md, in a circuit or a program:
plain integers, explained in section 10 of the page, computed by tests/fixed_twin.py.
"""

import json
import sys
from itertools import count
from math import inf
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import fixed_networks
from fixed_twin import Twin, error_shift, first_register, plain

from ttfs import LIF

N_SAMPLES, BATCH_SIZE = 12, 4
REALS = {"tick": 1 / 16, "levels": 20.0, "time_scale": 0.25}
NAMES = "ticks", "u", "slope", "error"

# What is not the same in all of them; rate shifts move weights by a few bits a sample.
CASES = {
    "symmetric": {
        "seed": 1,
        "neuron": LIF(),
        "kernel": "table",
        "fraction": 9,
        "rate_shift": 9,
        "widths": (9, 7, 3),
        "drop": 26,
    },
    "random": {
        "seed": 2,
        "neuron": LIF(2.0),
        "kernel": "linear",
        "fraction": 0,
        "rate_shift": 15,
        "widths": (8, 6, 5, 3),
        "drop": 0,
    },
    "direct": {
        "seed": 3,
        "neuron": LIF(inf),
        "kernel": "table",
        "fraction": 4,
        "rate_shift": 13,
        "widths": (8, 6, 5, 3),
        "drop": 64,
    },
    "target": {
        "seed": 4,
        "neuron": LIF(3.7, 1.3),
        "kernel": "linear",
        "fraction": 7,
        "rate_shift": 11,
        "widths": (9, 7, 2),
        "is_floor": True,
        "drop": 0,
    },
}


def record(results):
    """Results of samples as lists by layer, sample and neuron."""
    layers = zip(*(states for states, _ in results), strict=True)
    recorded = {name: [] for name in NAMES}
    for layer in layers:
        for name in NAMES:
            recorded[name].append([getattr(state, name) for state in layer])
    recorded["decision"] = [decision for _, decision in results]
    return recorded


def make(feedback, seed, neuron, rate_shift, **choices):
    rng = np.random.default_rng(seed)
    choices = {"is_floor": False, "weight_bits": 6, "n_ticks": 40} | REALS | choices
    network = fixed_networks.random_network(
        rng, feedback=feedback, neurons=[neuron], kinds=["usual"], n_bias=1, **choices
    )
    network.push = 300
    registers = count()
    for k, layer in enumerate(network.layers):
        layer.rate_shift = rate_shift
        layer.decay, layer.rest = 16, 4
        is_from_output = (
            feedback in ("direct", "target") or k == len(choices["widths"]) - 3
        )
        layer.error_shift = error_shift(
            neuron, REALS["tick"], REALS["levels"], is_from_output
        )
        layer.lfsr[:] = [first_register(seed, next(registers)) for _ in layer.lfsr]
    network.lfsr[0] = first_register(seed, next(registers))
    ticks = fixed_networks.random_ticks(rng, network, N_SAMPLES)
    labels = fixed_networks.random_labels(rng, network, N_SAMPLES)
    batches = [
        slice(begin, begin + BATCH_SIZE) for begin in range(0, N_SAMPLES, BATCH_SIZE)
    ]
    integers, runs = plain(network), {}
    for name, parts in ("online", range(N_SAMPLES)), ("batches", batches):
        twin, results = Twin(network), []
        for part in parts:
            part = slice(part, part + 1) if name == "online" else part
            results += twin.learn(ticks[part], labels[part])
        runs[name] = record(results) | {"after": twin.state()}
    untrained = [Twin(network).infer(sample) for sample in ticks]
    inference = record(untrained)
    del inference["error"]
    return {
        "parameters": {
            "tau_mem": neuron.tau_mem if neuron.tau_mem < inf else None,
            "tau_syn": neuron.tau_syn,
            "kernel": choices["kernel"],
            **REALS,
            "seed": seed,
        },
        "network": vars(integers) | {"layers": [vars(x) for x in integers.layers]},
        "samples": {"ticks": ticks.tolist(), "labels": labels.tolist()},
        "inference": inference,
        **runs,
    }


def dumps(x, indent=0):
    """JSON with a line for each list of numbers."""
    parts = list(x.values()) if isinstance(x, dict) else x
    if not any(isinstance(part, dict | list) for part in parts):
        return json.dumps(x)
    margin = "\n" + " " * (indent + 1)
    names = [f'"{key}": ' for key in x] if isinstance(x, dict) else [""] * len(x)
    items = [
        name
        + (
            dumps(part, indent + 1)
            if isinstance(part, dict | list)
            else json.dumps(part)
        )
        for name, part in zip(names, parts, strict=True)
    ]
    opening, closing = "{}" if isinstance(x, dict) else "[]"
    return opening + margin + ("," + margin).join(items) + margin[:-1] + closing


if __name__ == "__main__":
    cases = {name: make(name, **choices) for name, choices in CASES.items()}
    path = Path(__file__).with_name("golden_fixed.json")
    path.write_text(dumps(cases) + "\n")
    for name, case in cases.items():
        for run in "online", "batches":
            fired = [
                np.mean(np.array(layer) < case["network"]["n_ticks"])
                for layer in case[run]["ticks"]
            ]
            errors = [np.mean(np.array(layer) != 0) for layer in case[run]["error"]]
            before = np.concatenate(
                [np.ravel(layer["weights"]) for layer in case["network"]["layers"]]
            )
            after = np.concatenate([np.ravel(w) for w in case[run]["after"]["weights"]])
            print(
                f"{name}, {run}: fire {np.round(fired, 2)}, errors "
                f"{np.round(errors, 2)}, {np.mean(before != after):.0%} of the weights "
                f"moved, by {np.abs(before - after).max()} at most"
            )
