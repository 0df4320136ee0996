"""Write golden_fixed.json: networks in integers, and what becomes of them bit by bit.

    python tests/data/make_golden_fixed.py

For those who build the arithmetic of docs/spec/fixed_point.md, in a circuit or a
program: plain integers, explained in section 10 of the page, computed by
tests/twins/fixed_twin.py. That every branch which section 10 lists was taken is
asserted here.
"""

import json
import sys
from collections import Counter
from contextlib import contextmanager
from itertools import count
from math import inf
from pathlib import Path
from unittest import mock

import numpy as np

sys.path += [str(Path(__file__).parents[1] / name) for name in ("support", "twins")]

import fixed_networks
import fixed_twin
from fixed_twin import Plain, Twin, error_shift, first_register, plain

from ttfs import LIF

N_SAMPLES = 12
USUAL = {
    "tick": 1 / 16,
    "levels": 20.0,
    "time_scale": 0.25,
    "weight_bits": 6,
    "n_ticks": 40,
    "is_floor": False,
    "kinds": ["usual"],
    "stretch": 1,
    "n_fixed": 0,
}
REALS = "kernel", "tick", "levels", "time_scale"
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
    # Strong inputs, slow spikes at the peak of a membrane and steep ones.
    "8 bits": {
        "feedback": "random",
        "seed": 5,
        "neuron": LIF(0.2),
        "kernel": "table",
        "tick": 1 / 20,
        "levels": 33.0,
        "weight_bits": 8,
        "fraction": 7,
        "rate_shift": (30, 18, 0),
        "decay": (32767, 16, 16),
        "batch_size": 7,
        "widths": (8, 7, 7, 3),
        "kinds": ["any"],
        "is_extreme": True,
        "drop": 0,
    },
    # A tick of 3 tau_syn, so that a membrane leaps from below the threshold to the end.
    "2 bits": {
        "feedback": "symmetric",
        "seed": 6,
        "neuron": LIF(inf),
        "kernel": "table",
        "tick": 3.0,
        "levels": 1.0,
        "time_scale": 8.0,
        "weight_bits": 2,
        "fraction": 13,
        "rate_shift": (17, 12),
        "batch_size": 5,
        "n_ticks": 12,
        "widths": (9, 7, 3),
        "kinds": ["extreme"],
        "is_extreme": True,
        "drop": 0,
    },
    # Read-outs of several spikes, with others in the same tick; outputs that fire
    # before, at and after it, or never.
    "read-out": {
        "feedback": "symmetric",
        "seed": 7,
        "neuron": LIF(),
        "kernel": "table",
        "fraction": 9,
        "rate_shift": 9,
        "widths": (9, 7, 4),
        "read_out": 20,
        "stretch": 16,
        "n_fixed": 3,
        "drop": 0,
    },
    # Its weights are those of the only layer, whose other inputs may be deleted.
    "read-out of inputs": {
        "feedback": "symmetric",
        "seed": 18,
        "neuron": LIF(2.0),
        "kernel": "linear",
        "time_scale": 4.0,
        "fraction": 0,
        "rate_shift": 13,
        "widths": (9, 5),
        "read_out": 20,
        "stretch": 11,
        "n_fixed": 2,
        "drop": 64,
    },
    # Hidden neurons learn from the spikes of a window alone.
    "target in a window": {
        "feedback": "target",
        "seed": 12,
        "neuron": LIF(),
        "kernel": "table",
        "fraction": 9,
        "rate_shift": 9,
        "widths": (9, 8, 7, 3),
        "window": (8, 16),
        "drop": 0,
    },
    # The shift kernel with a usual neuron, and a read-out.
    "shifts": {
        "feedback": "symmetric",
        "decay_by": "shift",
        "seed": 9,
        "neuron": LIF(2.0),
        "kernel": "table",
        "fraction": 9,
        "rate_shift": 9,
        "widths": (9, 7, 4),
        "read_out": 20,
        "stretch": 16,
        "n_fixed": 3,
        "drop": 26,
    },
    # The shift kernel without leak, whose membranes saturate.
    "shifts without leak": {
        "feedback": "random",
        "decay_by": "shift",
        "seed": 10,
        "neuron": LIF(inf, 0.09),
        "kernel": "table",
        "weight_bits": 8,
        "levels": 16.0,
        "fraction": 0,
        "rate_shift": 15,
        "widths": (12, 8, 6, 3),
        "kinds": ["any"],
        "drop": 0,
    },
    # The shift kernel with a membrane that is faster than the synapse.
    "shifts of a slow synapse": {
        "feedback": "direct",
        "decay_by": "shift",
        "seed": 24,
        "neuron": LIF(0.25, 0.5),
        "kernel": "linear",
        "fraction": 4,
        "rate_shift": 13,
        "widths": (9, 6, 3),
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


def go_to_extremes(network, ticks, labels):
    """What random samples and weights hardly ever do."""
    first, end = network.layers[0], network.n_ticks
    network.push = 8191
    for layer in network.layers:
        layer.silence[:] = 254
        if layer.feedback is not None:
            # Sums saturate at one end, and return from it.
            n_sources = layer.feedback.shape[1]
            sign = np.where(np.arange(n_sources) <= n_sources // 2, 1, -1)
            layer.feedback[:] = 2047 * sign
            layer.feedback[1::2] *= -1
        # Along the first neurons: a single input, which leads to a spike at the peak.
        current = layer.kappa.max() * 2.0 ** (layer.current_shift - 15)
        w = np.ceil(layer.threshold / current)
        layer.weights[:, 0] = 0
        layer.weights[0, 0] = min(layer.max_stored, w * 2**layer.fraction)
    # The second neuron is only inhibited, the next two are driven.
    first.weights[:, 1] = -first.max_stored
    first.weights[:, 2:4] = first.max_stored
    first.weights[0, 2:4] = first.max_stored // 3 * 2
    first.bias_ticks[:] = end
    alone = [(0, end), (end - 2, end - 2), (0, end - 2), (0, 0)]
    at_the_ends = [(end, end), (end - 1, end - 1), (0, end - 1)]
    for sample, (t, t_others) in zip(ticks, [*alone, *at_the_ends], strict=False):
        sample[0], sample[1:] = t, t_others
    labels[:2] = 1, 0


# -- Branches ----------------------------------------------------------------------

WHEN = "before", "at", "after", "never"

# Results of limits of the twin, with the functions where they bind; and others.
BRANCHES = [
    *(("sat16", "spike_by_tables", current) for current in (-32768, 32767)),
    *(("sat16", "spike_by_shifts", current) for current in (-32768, 32767)),
    ("sat16", "tick_by_shifts", -32768),
    *(("shifts", s, m) for s, m in ((4, 5), (1, 0), (3, 2))),
    *(("sat16", "mac", u) for u in (-32768, 32767)),
    *(("sat32", "fed_back", x) for x in (-(2**31), 2**31 - 1)),
    *(("clip", "output_errors", c) for c in (-8191, 8191)),
    *(("clip", "hidden_errors", c) for c in (-8191, 8191)),
    *(("clip", "update", dW) for dW in (-32767, 32767)),
    *(("clip", "update", W) for W in (-255 * 2**7, 255 * 2**7)),
    *(("s", s) for s in (-4, 6)),
    *(("weights moved, L", L) for L in (0, 18, 30)),
    *(("weight_bits", bits) for bits in (2, 8)),
    *(("input at", where) for where in ("first tick", "last tick")),
    *(("membrane", how) for how in ("only inhibited", "not computed")),
    *(("window", when) for when in ("before", "first", "last", "behind", "after")),
    *(("batch", size) for size in (1, 4, 5, 7)),
    *((whose, when) for whose in ("output", "label") for when in WHEN),
    *(("late with an error", whose) for whose in ("label", "other")),
    *(("at the read-out", what) for what in ("fixed", "bias", "neuron", "input")),
]


@contextmanager
def counted(taken):
    """Count where limits of the twin bind."""

    def watch(limit):
        def watched(x, *m):
            y = limit(x, *m)
            if y != x:
                caller = sys._getframe(1).f_code.co_name
                taken[limit.__name__, caller, y] += 1
            return y

        return watched

    names = {name for name, *_ in BRANCHES} & {"sat16", "sat32", "clip"}
    watches = {name: watch(getattr(fixed_twin, name)) for name in names}
    with mock.patch.multiple(fixed_twin, **watches):
        yield


def count_others(case, taken):
    """Count the other branches of a case."""
    network, samples = case["network"], np.array(case["samples"]["ticks"])
    end = network["n_ticks"]
    taken["input at", "first tick"] += np.sum(samples == 0)
    taken["input at", "last tick"] += np.sum(samples == end - 1)
    u = np.array(case["inference"]["u"][0])
    only_inhibited = np.max(network["layers"][0]["weights"], axis=0) < 0
    taken["membrane", "only inhibited"] += np.sum(u[:, only_inhibited] > -32768)
    taken["membrane", "not computed"] += np.sum((u == -32768).all(axis=1))
    for run, size in ("online", 1), ("batches", case["batch_size"]):
        taken["batch", size] += len(samples) // size
        for k, layer in enumerate(network["layers"]):
            taken["shifts", layer.get("syn_shift"), layer.get("mem_shift")] += 1
            if k < len(network["layers"]) - 1 and network["learn_until"] < end:
                begin, behind = network["learn_from"], network["learn_until"]
                t = np.array(case[run]["ticks"][k])
                taken["window", "before"] += np.sum(t < begin)
                taken["window", "first"] += np.sum(t == begin)
                taken["window", "last"] += np.sum(t == behind - 1)
                taken["window", "behind"] += np.sum(t == behind)
                taken["window", "after"] += np.sum((t > behind) & (t < end))
            bits = (layer["max_stored"] >> layer["fraction"]).bit_length()
            taken["weight_bits", bits] += 1
            after = case[run]["after"]["weights"][k]
            moved = np.not_equal(layer["weights"], after)
            taken["weights moved, L", layer["rate_shift"]] += np.sum(moved)
            for sample in zip(
                case[run]["ticks"][k], case[run]["slope"][k], strict=True
            ):
                for t, v in zip(*sample, strict=True):
                    taken["s", fixed_twin.log_slope(Plain(layer), v)] += t < end


def count_read_out(case, taken):
    """Count what happens around the read-out of a case."""
    network = case["network"]
    read_out, end = network["read_out"], network["n_ticks"]
    if read_out == end:
        return
    *before, output = network["layers"]
    n_bias = len(output["bias_ticks"]) - output["n_fixed"]
    biases = np.array(output["bias_ticks"]) == read_out
    taken["at the read-out", "fixed"] += np.sum(biases[n_bias:])
    taken["at the read-out", "bias"] += np.sum(biases[:n_bias])
    for run in "online", "batches":
        inputs = case[run]["ticks"][-2] if before else case["samples"]["ticks"]
        what = "neuron" if before else "input"
        taken["at the read-out", what] += np.sum(np.array(inputs) == read_out)
        for ticks, errors, y in zip(
            case[run]["ticks"][-1],
            case[run]["error"][-1],
            case["samples"]["labels"],
            strict=True,
        ):
            for k, (t, c) in enumerate(zip(ticks, errors, strict=True)):
                when = WHEN[3 if t == end else 1 + (t > read_out) - (t < read_out)]
                taken["output", when] += 1
                taken["label", when] += k == y
                is_learned = when == "after" and c != 0
                whose = "label" if k == y else "other"
                taken["late with an error", whose] += is_learned
        after = case[run]["after"]["weights"][-1]
        assert after[-output["n_fixed"] :] == output["weights"][-output["n_fixed"] :]


def make(
    feedback,
    seed,
    neuron,
    rate_shift,
    batch_size=4,
    decay=16,
    is_extreme=False,
    decay_by="table",
    **choices,
):
    rng = np.random.default_rng(seed)
    choices = USUAL | choices
    n_ticks = choices["n_ticks"]
    choices = {"read_out": n_ticks, "window": (0, n_ticks)} | choices
    network = fixed_networks.random_network(
        rng, feedback=feedback, neurons=[neuron], n_bias=1, decay=decay_by, **choices
    )
    if decay_by == "shift":
        _, neuron = fixed_networks.realise(neuron, choices["tick"])
    network.push = 300
    registers = count()
    n_layers = len(network.layers)
    for k, layer in enumerate(network.layers):
        layer.rate_shift = int(np.broadcast_to(rate_shift, n_layers)[k])
        layer.decay = int(np.broadcast_to(decay, n_layers)[k])
        layer.rest = min(4, layer.max_stored >> layer.fraction)
        is_from_output = feedback in ("direct", "target") or k == n_layers - 2
        layer.error_shift = error_shift(
            neuron, choices["tick"], choices["levels"], is_from_output
        )
        layer.lfsr[:] = [first_register(seed, next(registers)) for _ in layer.lfsr]
    network.lfsr[0] = first_register(seed, next(registers))
    if choices["n_fixed"]:
        # The bias that learns joins the read-out; one output is only inhibited.
        output = network.layers[-1]
        output.bias_ticks[0] = network.read_out
        output.weights[: -output.n_fixed, 0] = -output.max_stored
    ticks = fixed_networks.random_ticks(rng, network, N_SAMPLES)
    labels = fixed_networks.random_labels(rng, network, N_SAMPLES)
    if is_extreme:
        go_to_extremes(network, ticks, labels)
    batches = [
        slice(begin, begin + batch_size) for begin in range(0, N_SAMPLES, batch_size)
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
            **{name: choices[name] for name in REALS},
            "seed": seed,
        },
        "network": vars(integers) | {"layers": list(map(described, integers.layers))},
        "samples": {"ticks": ticks.tolist(), "labels": labels.tolist()},
        "batch_size": batch_size,
        "inference": inference,
        **runs,
    }


def described(layer):
    """The fields of a layer, without the shifts of one that has none."""
    fields = vars(layer)
    if layer.syn_shift == 0:
        del fields["syn_shift"], fields["mem_shift"]
    return fields


def dumps(cases):
    """JSON with a line for each case."""
    lines = (f"{json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def golden():
    """The cases, of which each branch was taken by one at least."""
    taken, cases = Counter(), {}
    for name, choices in CASES.items():
        with counted(taken):
            cases[name] = make(**({"feedback": name} | choices))
        count_others(cases[name], taken)
        count_read_out(cases[name], taken)
    missing = [branch for branch in BRANCHES if not taken[branch]]
    assert not missing, missing
    return cases


if __name__ == "__main__":
    cases = golden()
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
