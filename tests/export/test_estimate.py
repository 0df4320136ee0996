"""Estimates of costs: bytes of arrays, counted operations, and the sums of costs."""

import numpy as np
import pytest
from cases import in_turn
from exported import LEARNING, MODELS, make
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import TTFSClassifier, _fixed, export
from ttfs.datasets import make_yin_yang
from ttfs.export.c_arrays import model_code
from ttfs.export.estimates import array_bytes, kind_of, operations_of
from ttfs.export.measured import COLUMNS, COSTS, SIZES, TARGETS
from ttfs.export.model import events_at, read_learner, read_model
from ttfs.export.operations import inference_operations


def slow_operations(network, ticks, states, *, to_end):
    """Some of the operations of a sample, neuron by neuron."""
    n_ticks = network.n_ticks
    end = n_ticks - 1 if to_end else min([*states[-1], n_ticks - 1])
    n = dict.fromkeys(("windows", "moves", "synaptic events", "spikes", "steps"), 0)
    before = list(ticks)
    for layer, fired in zip(network.layers, states, strict=True):
        spikes = [t for t in [*before, *layer.bias_ticks] if t < n_ticks]
        n["windows"] += len({t for t in spikes if t < end})
        for t_j in fired:
            until = min(t_j, end)
            n["moves"] += len({t for t in spikes if t < until})
            n["synaptic events"] += sum(t < until for t in spikes)
            n["spikes"] += t_j <= end
            n["steps"] += max(0, end - min(spikes, default=n_ticks))
        before = fired
    return n


@pytest.mark.parametrize(("name", "to_end"), in_turn(MODELS, [False, True]))
def test_operations_are_counted(name, to_end):
    clf, data = make(name)
    X, _ = data(6, seed=3)
    network = read_model(clf).network
    at = export.ticks(clf, X)
    events = events_at(network, at)
    ticks, _ = _fixed.FixedCore(network).run(events)
    counts = inference_operations(network, events, ticks, learn=False, to_end=to_end)
    for s in range(6):
        fired = [layer[s].astype(int).tolist() for layer in ticks]
        slow = slow_operations(network, at[s].tolist(), fired, to_end=to_end)
        assert {key: counts[key][s] for key in slow} == slow
    # A search is of a neuron in a window, or at the end; a spike is found by one.
    if not network.layers[0].syn_shift:
        n_neurons = sum(layer.weights.shape[1] for layer in network.layers)
        assert (counts["searches"] <= counts["moves"] + n_neurons).all()
        assert (counts["searches"] >= 0.9 * counts["spikes"] - n_neurons).all()


@pytest.mark.parametrize("name", LEARNING)
def test_estimates_are_sums_of_costs(name):
    clf, data = make(name)
    X, y = data(8, seed=4)
    for labels in (None, y):
        found = export.estimate(clf, X, labels)
        learn = labels is not None
        network = read_learner(clf) if learn else read_model(clf).network
        numbers = None if labels is None else np.searchsorted(clf.classes_, labels)
        operations = operations_of(
            network,
            events_at(network, export.ticks(clf, X)),
            None if numbers is None else numbers.astype(np.uintp),
        )
        kind = kind_of(network, learn=learn)
        flash, ram = array_bytes(model_code(network, learn=learn)[0], learn=learn)
        assert (found.learn, found.n_samples) == (learn, 8)
        assert list(found.targets) == list(TARGETS)
        for target, cost in found.targets.items():
            sizes, n_layers = SIZES[kind][target], len(network.layers)
            assert cost.flash == flash + sizes.flash + n_layers * sizes.flash_of_layer
            n_bytes = ram + 2 * clf.n_channels_in_ + sizes.ram
            assert cost.ram == n_bytes + n_layers * sizes.ram_of_layer
            assert cost.stack == sizes.stack
            column = COLUMNS.index((target, "cycles"))
            cycles = sum(
                costs[column] * operations[key].mean()
                for key, costs in COSTS[kind].items()
            )
            assert cost.cycles == pytest.approx(cycles, rel=1e-9)
        assert found.targets["avr"].instructions is None
        small = found.targets["m0+"]
        assert small.instructions < small.cycles <= small.cycles_32


def test_raw_features_of_a_pipeline():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 200, (60, 5)), np.arange(60) % 3
    clf = TTFSClassifier((6,), arithmetic="fixed", max_iter=1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), clf).fit(X, y)
    of_ticks = export.estimate(pipeline, X)
    of_features = export.estimate(pipeline, X, features="int16")
    assert (of_ticks.features, of_features.features) == (None, "int16")
    for target in TARGETS:
        before, after = of_ticks.targets[target], of_features.targets[target]
        assert after.flash > before.flash
        assert 2 * 5 <= after.ram - before.ram <= 2 * 5 + 4
        assert after.cycles > before.cycles
    lines = str(of_features).splitlines()
    assert lines[0].endswith("an inference from int16, estimated")
    assert [line.split("-O")[0].strip() for line in lines[2:]] == [
        title.split("-O")[0].strip() for title in TARGETS.values()
    ]


def test_wrong_arguments_are_refused():
    X, y = make_yin_yang(60, random_state=0)
    clf = TTFSClassifier((6,), max_iter=1)
    with pytest.raises(ValueError, match="arithmetic='fixed'"):
        export.estimate(clf.fit(X, y), X)
    clf = TTFSClassifier((6,), arithmetic="fixed", max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="gradient='local'"):
        export.estimate(clf, X, y)
    with pytest.raises(TypeError, match="TTFSClassifier"):
        export.estimate(StandardScaler(), X)
