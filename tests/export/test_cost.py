"""Costs of models equal what the twin counts, and what their objects hold."""

import re
import shutil
from collections import Counter

import fixed_twin
import numpy as np
import pytest
from exported import LEARNING, MODELS, any_compiler, make, shell, spike_trains
from fixed_networks import Core, random_labels, random_network, random_ticks
from numpy.testing import assert_allclose, assert_array_equal

from ttfs import TTFSClassifier, _fixed, export
from ttfs.export.model import read_learner, read_model


def counted(monkeypatch, *names):
    """Calls of the twin's functions from now on."""
    calls = Counter()

    def counting(name, function):
        def call(*args):
            calls[name] += 1
            return function(*args)

        return call

    for name in names:
        call = counting(name, getattr(fixed_twin, name))
        monkeypatch.setattr(fixed_twin, name, call)
    return calls


@pytest.mark.parametrize("name", MODELS)
def test_costs_of_inference_are_those_of_the_twin(name, monkeypatch):
    clf, data = make(name)
    X, _ = data(4, seed=9)
    sheet = export.cost_sheet(clf, X)
    assert (sheet.learning, sheet.n_samples) == (None, 4)
    assert sheet.sizes == (clf.n_channels_in_, *(w.shape[1] for w in clf.coefs_))
    network = read_model(clf).network
    twin = fixed_twin.Twin(network)
    calls = counted(monkeypatch, "mac", "multiply", "weight", "tick_by_shifts")
    tick_by_shifts = fixed_twin.tick_by_shifts

    def counting_leaks(layer, *state):
        calls["leak"] += layer.mem_shift > 0
        return tick_by_shifts(layer, *state)

    monkeypatch.setattr(fixed_twin, "tick_by_shifts", counting_leaks)
    expected = []
    for ticks in export.ticks(clf, X):
        calls.clear()
        states, _ = twin.infer(ticks)
        fired = [np.array(state.ticks) < network.n_ticks for state in states]
        spikes = sum(map(np.sum, fired))
        # With tables U and u take one mac each, a spike's slope one more; I takes the
        # multiplies. With shifts the slope takes the only mac; it is part of learning.
        shifted = calls["tick_by_shifts"]
        n_slopes = 0 if network.layers[0].syn_shift else spikes
        calls["mac"] -= spikes - n_slopes
        state_updates = calls["multiply"] - n_slopes
        by_tables = calls["mac"] - n_slopes - state_updates
        channels = np.count_nonzero(ticks < network.n_ticks)
        n_biases = sum(len(layer.bias_ticks) for layer in network.layers)
        inputs = channels + sum(map(np.sum, fired[:-1])) + n_biases
        expected.append(
            {
                "input spikes": inputs,
                "synaptic events": calls["weight"],
                "membrane updates": by_tables + shifted,
                "state updates": state_updates,
                "spikes": spikes,
                "look-ups": 2 * by_tables + 3 * state_updates + n_slopes,
                "multiplies": 2 * calls["mac"] + calls["multiply"],
                "adds": calls["mac"] + calls["weight"] + 2 * shifted + calls["leak"],
                "shifts": shifted + calls["leak"],
            }
        )
    assert_counts(sheet.inference, expected)
    assert sheet.inference_max == {
        key: max(n[key] for n in expected) for key in expected[0]
    }


@pytest.mark.parametrize("name", MODELS)
def test_costs_end_with_the_decision(name):
    clf, data = make(name)
    X, _ = data(6, seed=9)
    sheet = export.cost_sheet(clf, X)
    network = read_model(clf).network
    core = Core(network)
    keys = "input spikes", "synaptic events", "membrane updates", "spikes"
    expected = []
    for ticks in export.ticks(clf, X).tolist():
        before, n = ticks, dict.fromkeys(keys, 0)
        layers = [layer[0].tolist() for layer in core.infer([ticks])[0]]
        end = min(layers[-1])  # the number of ticks where no output fires
        for layer, fired in zip(network.layers, layers, strict=True):
            inputs = [t for t in [*before, *layer.bias_ticks] if t < network.n_ticks]
            n["input spikes"] += sum(t < end for t in inputs)
            for t in fired:
                last = min(t, end)
                n["synaptic events"] += sum(s < last for s in inputs)
                last = min(last, network.n_ticks - 1)
                n["membrane updates"] += max(0, last - min(inputs, default=last))
                n["spikes"] += t <= end and t < network.n_ticks
            before = fired
        expected.append(n)
    assert_counts({key: sheet.to_decision[key] for key in keys}, expected)
    for key, count in sheet.inference.items():
        assert sheet.to_decision[key] <= count


def assert_counts(counts, expected):
    assert list(counts) == list(expected[0])
    for key, count in counts.items():
        assert_allclose(count, np.mean([n[key] for n in expected]), 1e-12, err_msg=key)


def slow_step(network, states, spikes, label):
    """Operations of a step besides its forward pass, one by one."""
    n, end = Counter(), network.n_ticks

    def add(**counts):
        n.update(counts)

    for k, (layer, state) in enumerate(zip(network.layers, states, strict=True)):
        rounding = int(layer.fraction > 0)
        is_output = k == len(states) - 1
        for j, t in enumerate(state.ticks):
            if layer.syn_shift and t < end:
                add(multiplies=2, adds=1)
            if is_output:
                add(errors=1, look_ups=1, multiplies=1, adds=5)
                add(multiplies=int(t < end or j == label))
                add(multiplies=int(t == end), adds=2 * (t == end))
                is_late = t > network.read_out
                add(multiplies=int(is_late), adds=2 * is_late)
            else:
                add(adds=1)
                if t < end:
                    add(errors=1, adds=1)
            for t_i, i in spikes[k]:
                add(adds=rounding * (t_i < t))
                is_fixed = i >= len(layer.weights) - layer.n_fixed
                if any(state.error) and not is_fixed:
                    add(moves=1, multiplies=1, adds=3 + rounding)
                    add(random=int(not network.is_floor))
                    add(adds=int(not network.is_floor))
                    if t_i < t:
                        add(eligibilities=1, look_ups=1, multiplies=1)
            if not is_output and t < end:
                after = states[k + 1]
                if network.feedback == "target":
                    add(multiplies=1)
                elif network.feedback == "direct":
                    n_classes = len(states[-1].error) * any(states[-1].error)
                    add(multiplies=n_classes, adds=n_classes)
                else:
                    is_read = network.feedback == "symmetric"
                    is_rounded = is_read and network.layers[k + 1].fraction > 0
                    for t_j, c_j in zip(after.ticks, after.error, strict=True):
                        if c_j != 0 and t < t_j:
                            add(look_ups=1, multiplies=2, adds=1 + is_rounded)
    add(look_ups=1)  # reciprocal
    return n


@pytest.mark.parametrize("name", LEARNING)
def test_costs_of_learning_are_those_of_the_twin(name, monkeypatch):
    clf, data = make(name)
    X, y = data(5, seed=10)
    labels = np.searchsorted(clf.classes_, y)
    sheet = export.cost_sheet(clf, X, y)
    network = read_learner(clf)
    twin = fixed_twin.Twin(network)
    seen = []
    monkeypatch.setattr(fixed_twin, "update", lambda *args: None)  # weights stay
    monkeypatch.setattr(
        fixed_twin.Sums, "add", lambda sums, state, spikes: seen.append(spikes)
    )
    steps = counted(monkeypatch, "step")
    expected = []
    for ticks, label in zip(export.ticks(clf, X), labels, strict=True):
        seen.clear()
        steps.clear()
        [(states, _)] = twin.learn([ticks], [label])
        n = slow_step(network, states, seen, label)
        n["random"] += steps["step"] // 8
        expected.append(n)
    keys = "errors eligibilities moves random look_ups multiplies adds".split()
    counts = dict(zip(keys, sheet.learning.values(), strict=True))
    assert_counts(counts, [{key: n[key] for key in keys} for n in expected])


@pytest.mark.parametrize(
    "seed",
    [*range(6), *(pytest.param(k, marks=pytest.mark.slow) for k in range(6, 20))],
)
def test_errors_are_those_of_the_twin(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    network = random_network(rng)
    ticks, labels = random_ticks(rng, network, 6), random_labels(rng, network, 6)
    events, core = Core(network)._events(ticks), _fixed.FixedCore(network)
    left, times, errors = core.errors(events, labels.astype(np.uintp))
    twin, seen = fixed_twin.Twin(network), []
    monkeypatch.setattr(fixed_twin, "update", lambda *args: None)
    drop_inputs = twin.drop_inputs
    monkeypatch.setattr(
        twin, "drop_inputs", lambda spikes: seen.append(drop_inputs(spikes)) or seen[-1]
    )
    for s in range(6):
        [(states, _)] = twin.learn([ticks[s]], [labels[s]])
        assert [layer[s].tolist() for layer in times] == [x.ticks for x in states]
        assert [layer[s].tolist() for layer in errors] == [x.error for x in states]
        rows = slice(int(left.begin[s]), int(left.end[s]))
        assert left.pairs[rows].tolist() == [list(spike) for spike in seen[s]]
    # Weights and their registers stay, the others go on.
    now = core.network()
    for layer, old, after in zip(
        now.layers, network.layers, twin.network.layers, strict=True
    ):
        assert_array_equal(layer.weights, old.weights)
        assert_array_equal(layer.lfsr, old.lfsr)
        assert layer.silence.tolist() == after.silence
    assert now.lfsr.tolist() == twin.network.lfsr


def test_errors_of_wrong_labels():
    network = random_network(np.random.default_rng(0))
    events, core = Core(network)._events([]), _fixed.FixedCore(network)
    left, times, errors = core.errors(events, np.zeros(0, np.uintp))
    assert len(left) == len(times[0]) == len(errors[-1]) == 0
    ticks = random_ticks(np.random.default_rng(1), network, 2)
    events = Core(network)._events(ticks)
    with pytest.raises(ValueError, match="one entry per sample"):
        core.errors(events, np.zeros(1, np.uintp))
    n_classes = len(network.layers[-1].lfsr)
    with pytest.raises(ValueError, match="labels"):
        core.errors(events, np.full(2, n_classes, np.uintp))


@pytest.mark.skipif(not shutil.which("nm"), reason="needs nm")
@pytest.mark.parametrize("name", ["random", "direct", "exact"])
def test_bytes_are_those_of_the_object(name, tmp_path):
    clf, data = make(name)
    sheet = export.cost_sheet(clf, data(5)[0])
    sizes = [w.size for w in clf.coefs_]
    assert sheet.weight_bytes == {
        "alone, 8 bits": sum(sizes),
        "accumulators, 16 bits": 2 * sum(sizes),
    }
    if name == "exact":
        assert sheet.learning_bytes is None
    for learn in [False] if name == "exact" else [False, True]:
        source, built = tmp_path / "model.c", tmp_path / "model.o"
        export.to_c(clf, source, learn=learn)
        shell(any_compiler(), "-O0", "-c", source, "-o", built)
        rows = re.findall(r"^\w+ (\w+) [bBdDrR] (\w+)$", shell("nm", "-S", built), re.M)
        size = {name.removeprefix("ttfs_model_"): int(n, 16) for n, name in rows}
        structs = {"layers", "net", "bounds", "lines", "states", "work", "parts"}
        n_bytes = sheet.learning_bytes if learn else sheet.inference_bytes
        assert n_bytes["total"] == sum(size[name] for name in size.keys() - structs)
        groups = "weights", "tables", "work", "feedback weights", "registers"
        assert n_bytes["total"] == sum(n_bytes.get(group, 0) for group in groups)
        assert n_bytes["weights"] == sum(
            n for name, n in size.items() if name.startswith("weights_")
        )
        if learn:
            rows = sum(len(w) for w in clf.coefs_)
            assert n_bytes["sums, for batches only"] == 4 * sum(sizes) + rows


def test_cost_sheet_is_a_table():
    clf, data = make("symmetric")
    X, y = data(5)
    text = str(export.cost_sheet(clf, X, y))
    assert "network 8-24-3, 5 samples" in text
    assert re.search(r"synaptic events +\d+\.\d +\d+\.\d +\d+\n", text)
    assert re.search(r"random numbers +\d+\.\d\n", text)
    assert re.search(r"sums, for batches only +\d,\d+\n", text)
    without = str(export.cost_sheet(clf, X))
    assert "random numbers" not in without
    assert "bytes for learning" in without


def test_cost_sheet_of_many_samples():
    clf, data = make("direct")
    X, y = data(1100)
    sheet = export.cost_sheet(clf, X, y)
    parts = [export.cost_sheet(clf, X[rows]) for rows in (slice(600), slice(600, None))]
    assert sheet.n_samples == 1100
    for key, count in sheet.inference.items():
        means = [part.inference[key] for part in parts]
        assert_allclose(count, np.average(means, weights=[600, 500]), 1e-12)
        assert sheet.inference_max[key] == max(
            part.inference_max[key] for part in parts
        )
    # Deleted spikes have no part in learning.
    assert sheet.learning["eligibilities"] < sheet.inference["synaptic events"]


def test_cost_sheet_of_wrong_data():
    clf, data = make("symmetric")
    X, y = data(5)
    with pytest.raises(ValueError, match=r"not in classes_: array\(\[7\]\)"):
        export.cost_sheet(clf, X, [0, 1, 7, 7, 0])
    with pytest.raises(ValueError, match="X has 5 samples, but y has 4"):
        export.cost_sheet(clf, X, y[:4])
    with pytest.raises(ValueError, match="gradient='local', not 'exact'"):
        export.cost_sheet(make("exact")[0], X, y)


def test_cost_sheet_of_spike_trains():
    X, y = spike_trains(30, several=True)
    clf = TTFSClassifier(
        (5,), arithmetic="fixed", gradient="local", max_iter=1, random_state=0
    ).fit(X, y)
    sheet = export.cost_sheet(clf, X)
    assert sheet.inference_max["input spikes"] >= 3 + 1 + 1
    with pytest.raises(ValueError, match="several spikes in a sample"):
        export.cost_sheet(clf, X, y)
