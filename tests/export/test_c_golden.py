"""Exported code plays the golden vectors, and networks whose membranes saturate."""

import json
from math import inf

import numpy as np
import pytest
from exported import build_network, check_inference, for_inference, output_rows, play
from fixed_header import ROOT
from fixed_networks import Core, from_plain, random_network
from fixed_twin import Plain

from ttfs import LIF

GOLDEN = json.loads((ROOT / "tests/data/golden_fixed.json").read_text())
LEAST = -(2**15)

cases = pytest.mark.parametrize("case", GOLDEN.values(), ids=GOLDEN)


def network_of(case):
    layers = [Plain({"syn_shift": 0, "mem_shift": 0} | x) for x in case["layers"]]
    return from_plain(Plain(case | {"layers": layers}))


def expected_rows(network, ticks, recorded):
    """What the program prints of recorded results."""
    last = (np.array(recorded[name][-1]) for name in ("ticks", "u"))
    return output_rows(network, ticks, np.array(recorded["decision"]), *last)


@cases
def test_golden_vectors(case, tmp_path):
    network = network_of(case["network"])
    ticks = np.array(case["samples"]["ticks"], np.uint16)
    program = build_network(tmp_path, network, learn=True)
    n = len(ticks)
    labels = [-1] * n + case["samples"]["labels"]
    rows = play(program, labels, np.vstack([ticks, ticks]))
    assert rows[:n] == expected_rows(network, ticks, case["inference"])
    rows, expected = rows[n:], expected_rows(network, ticks, case["online"])
    # Input spikes may have been deleted, and there is no margin.
    skip = 1 + ticks.shape[1]
    assert [row[0] for row in rows[:n]] == [row[0] for row in expected]
    assert [row[skip:-1] for row in rows[:n]] == [row[skip:-1] for row in expected]
    after = case["online"]["after"]
    layers = zip(after["weights"], after["lfsr"], after["silence"], strict=False)
    learned = [[*np.ravel(w).tolist(), *r, *s] for w, r, s in layers]
    assert rows[n:] == [*learned, after["lfsr"][-1]]


# -- Membranes that saturate -------------------------------------------------------


def least_membranes(layer, inputs, spikes, n_ticks):
    """The least u of neurons up to their spikes, before it is limited to 16 bits.

    With shifts the neurons have no leak.
    """
    inputs = np.append(inputs, layer.bias_ticks)
    weights = layer.weights.astype(int) << layer.current_shift
    u = i = np.zeros(len(spikes), int)
    least = u.copy()
    now = np.unique(inputs[inputs < n_ticks])
    if layer.syn_shift:
        now = np.arange(n_ticks)
    for t, following in zip(now, [*now[1:], n_ticks - 1], strict=True):
        for w in weights[inputs == t]:
            i = np.clip(i + w, LEAST, -LEAST - 1)
        if layer.syn_shift:
            moved = i >> layer.syn_shift
            u, i = u + moved, i - moved
        else:
            d = following - t
            u = int(layer.decay_mem[d]) * u + int(layer.kappa[d]) * i >> 15
            i = int(layer.decay_syn[d]) * i >> 15
        least = np.where(following <= spikes, np.minimum(least, u), least)
        u = np.clip(u, LEAST, -LEAST - 1)
    return least


ONE_BY_ONE = ["-U__BYTE_ORDER__"]  # not four at once, which is for shifts alone


@pytest.mark.parametrize(
    ("decay", "flags"),
    [("table", []), ("shift", []), ("shift", ONE_BY_ONE)],
    ids=["table", "shift", "one by one"],
)
def test_membranes_that_saturate(decay, flags, tmp_path):
    """Inhibition first, far beyond 16 bits; then hidden neurons fire all the same."""
    rng = np.random.default_rng(0)
    network = for_inference(
        random_network(
            rng,
            widths=(150, 30, 4),
            n_ticks=70,
            tick=1 / 8,
            levels=8.0,
            weight_bits=6,
            fraction=0,
            n_bias=0,
            read_out=70,
            neurons=[LIF(inf)],
            decay=decay,
        )
    )
    first, last = network.layers
    weights = rng.integers(40, 64, first.weights.shape)
    weights[:60, 10:] *= -1
    first.weights[:] = weights
    last.weights[:] = -rng.integers(40, 64, last.weights.shape)
    last.weights[10:, 2:] *= -1  # they recover
    ticks = np.empty((50, 150), np.uint16)
    ticks[:, :60] = rng.integers(0, 20, (50, 60))
    ticks[:, 60:] = rng.integers(20, 70, (50, 90))
    fired, _, _ = Core(network).infer(ticks.tolist())
    for layer, before, after, is_last in zip(
        network.layers, (ticks, fired[0]), fired, (False, True), strict=True
    ):
        least = [
            least_membranes(layer, *sample, network.n_ticks)
            for sample in zip(before, after, strict=True)
        ]
        saturates = np.array(least) < LEAST
        assert (saturates & (after < network.n_ticks)).any() or is_last
        assert (saturates & (after == network.n_ticks)).any() or not is_last
    check_inference(network, ticks, build_network(tmp_path, network, *flags))


def test_membranes_below_0_rise_after_the_peak_of_the_kernel(tmp_path):
    """Inhibition leaks away: u goes on rising where the kernel falls already."""
    rng = np.random.default_rng(0)
    network = for_inference(
        random_network(
            rng,
            widths=(40, 30, 4),
            n_ticks=100,
            tick=1 / 8,
            levels=8.0,
            weight_bits=6,
            fraction=0,
            n_bias=0,
            read_out=100,
            neurons=[LIF(1.0)],
        )
    )
    first, last = network.layers
    first.weights[:20] = -rng.integers(1, 20, (20, 30))
    first.weights[20:] = rng.integers(0, 14, (20, 30))
    last.weights[:] = rng.integers(-20, 40, last.weights.shape)
    ticks = np.empty((50, 40), np.uint16)
    ticks[:, :20] = rng.integers(0, 10, (50, 20))
    ticks[:, 20:] = rng.integers(10, 30, (50, 1))
    fired = Core(network).infer(ticks.tolist())[0][0]
    since = fired - ticks[:, 20:21].astype(int)  # the excitation
    assert ((since > first.kappa.argmax()) & (fired < network.n_ticks)).any()
    check_inference(network, ticks, build_network(tmp_path, network))
