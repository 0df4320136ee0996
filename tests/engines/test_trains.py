"""Networks whose neurons fire several times: gradients, read-outs, estimators."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import ttfs
from ttfs.datasets import make_yin_yang
from ttfs.engines import FitState, Learning, Specification, Structure, choose, recipe
from ttfs.engines.trains.events import of_spikes
from ttfs.engines.trains.layers import mean_kernel
from ttfs.model.geometry import geometries_of
from ttfs.parameters import CrossEntropy, ExactGradient

READ_OUTS = ("peak", "mean", "count", None)


def make_network(read_out, delays=None, tau_mem=1.5, hidden=(7, 6), sparsity=0.0):
    """Engine, network and input spikes in double precision."""
    structure = Structure(
        hidden_layer_sizes=hidden, tau_mem=(tau_mem,) * (len(hidden) + 1), tau_syn=0.7,
        threshold=1.3, delays=delays, t_max=8.0, read_out=read_out, encoder=None,
        arithmetic="float64", gradient=None, max_spikes=6, refractory=0.05,
    )  # fmt: skip
    learning = Learning(
        CrossEntropy(), ExactGradient(min_slope=0.0), None, 0.0, 1.0, "auto", sparsity
    )
    engine = choose(Specification(structure, None, learning))
    rng = np.random.RandomState(1)
    times = np.sort(rng.uniform(0, 6, (9, 5 * 4)), axis=1)
    inputs = rng.randint(0, 5, times.size).astype(np.uint32)
    begin = np.arange(9, dtype=np.uintp) * 20
    spikes = ttfs.core.Spikes(times.ravel(), inputs, begin, begin + 20, 6)
    geometries = geometries_of(5, [*hidden, 3])
    layers = engine.draw_layers(rng, geometries, spikes, np.array([0.4]), 8.0)
    if delays is not None:
        layers = [
            dataclasses.replace(layer, delays=rng.uniform(0, 0.2, layer.delays.shape))
            for layer in layers
        ]
    return engine, ttfs.model.Network(tuple(layers), 8.0), spikes


def trainer_of(engine, network):
    return engine.trainer(
        network, FitState(seed=1), batch_size=9, n_seen=9, may_drop=np.zeros(5, bool)
    )


@pytest.mark.parametrize("hidden", [(), (7,)], ids=str)
def test_outputs_see_each_spike_by_the_weights_of_its_input(hidden):
    """The peak is that of the sum of kappa over all spikes, on a fine grid."""
    engine, network, spikes = make_network("peak", hidden=hidden)
    runnable = engine.runnable(network)
    last, grid = network.layers[-1], np.linspace(0, 8, 4001)
    _, events = runnable.through_hidden(spikes)
    weights = last.weights[events.rows] / last.neuron.threshold
    membranes = np.array(
        [
            last.neuron.kappa(grid[:, None] - events.times[mine]) @ weights[mine]
            for mine in (events.samples == sample for sample in range(9))
        ]
    )
    # The peak of a membrane that is never above 0 is a local one.
    peaks = membranes.max(axis=1)
    is_up = peaks > 0.01
    assert is_up.mean() > 0.5
    assert_allclose(runnable.scores(spikes)[is_up], peaks[is_up], rtol=1e-2)


def cost_of_spikes(engine, network, spikes, price):
    """price (t* - t) / t_max, summed over hidden spikes before the decision t*."""
    *hidden, outputs = engine.runnable(network).spike_times(spikes)
    total = 0.0
    for s in range(len(outputs)):
        decision = network.t_max
        if engine.decides_by_first_spike:
            decision = min(decision, outputs[s].min())
        fired = np.concatenate([[], *(times[s].ravel() for times in hidden)])
        total += np.sum(decision - fired[fired < decision])
    return price * total / (network.t_max * len(outputs))


@pytest.mark.parametrize(
    ("read_out", "tau_mem", "hidden", "price"),
    [
        ("peak", 0.7, (7, 6), 0.3),
        ("peak", np.inf, (7, 6), 0.0),
        ("mean", 1.5, (), 0.3),
        ("mean", np.inf, (7, 6), 0.3),
        ("count", 1.5, (7, 6), 0.3),
        ("count", 0.7, (), 0.0),
        (None, 1.5, (7, 6), 0.3),
        (None, 0.7, (7, 6), 0.0),
        (None, np.inf, (), 0.3),
    ],
    ids=str,
)
def test_gradients_of_a_network_are_those_of_differences(
    read_out, tau_mem, hidden, price, monkeypatch
):
    monkeypatch.setattr(recipe, "SPIKE_COST", price)
    engine, network, spikes = make_network(
        read_out, "axonal", tau_mem, hidden, sparsity=0.5 if hidden else 0.0
    )
    trainer = trainer_of(engine, network)
    trainer.pull = None  # without the gradient that wakes silent neurons
    trainer._pull = lambda events, layer, times: 0
    labels = np.arange(9) % 3

    def loss(network):
        events = of_spikes(spikes).delayed(network.layers[0].delays, network.t_max)
        value, gradients = trainer.gradients(network, events, labels)
        return value + cost_of_spikes(engine, network, spikes, price), gradients

    _, gradients = loss(network)
    rng = np.random.RandomState(2)
    step = 1e-7
    for name, which in (("weights", 0), ("delays", 1)):
        n_good, n_all = 0, 6
        for _ in range(n_all):
            ways = [rng.normal(size=g[which].shape) for g in gradients]
            expected = sum(
                float((g[which] * way).sum())
                for g, way in zip(gradients, ways, strict=True)
            )
            sides = []
            for sign in (-1, 1):
                moved = [
                    getattr(layer, name) + sign * step * way
                    for layer, way in zip(network.layers, ways, strict=True)
                ]
                sides.append(loss(network.with_layers(**{name: moved}))[0])
            found = (sides[1] - sides[0]) / (2 * step)
            n_good += abs(found - expected) < 1e-5 * max(1, abs(expected))
        # A spike that appears or vanishes within the step makes a difference jump.
        assert n_good >= n_all - 1, name


def test_the_mean_kernel_is_the_integral_of_kappa():
    for tau_mem in (0.7, 0.7 * (1 + 1e-6), 1.4, 5.0, 0.1, np.inf):
        neuron = ttfs.LIF(tau_mem, 0.7, 1.0)
        grid = np.linspace(0, 3, 20_001)
        kappa = neuron.kappa(grid)
        expected = np.sum(0.5 * (kappa[1:] + kappa[:-1]) * np.diff(grid))
        assert_allclose(mean_kernel(neuron, 3.0), expected, rtol=1e-6)


@pytest.mark.parametrize("read_out", READ_OUTS)
def test_a_classifier_learns(read_out):
    X, y = make_yin_yang(300, random_state=0)
    clf = ttfs.TTFSClassifier(
        (20,), max_spikes=4, read_out=read_out, max_iter=15, random_state=0,
        learning_rate_init=0.05,
    ).fit(X, y)  # fmt: skip
    assert clf.loss_curve_[-1] < 0.75 * clf.loss_curve_[0]
    assert clf.score(X, y) > 0.7
    times = clf.spike_times(X[:50])
    assert times[1].shape == (50, 20, 4)
    assert np.isfinite(times[1][:, :, 1]).any()  # some fire more than once
    p = clf.predict_proba(X)
    assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert_array_equal(clf.classes_[p.argmax(axis=1)], clf.predict(X))


def test_partial_fit_goes_on_with_its_moments():
    X, y = make_yin_yang(200, random_state=0)
    clf = ttfs.TTFSClassifier((15,), max_spikes=3, random_state=0, batch_size=10)
    losses = []
    for _ in range(10):
        losses.append(clf.partial_fit(X, y, classes=[0, 1, 2]).loss_)
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"arithmetic": "fixed"}, "not supported with arithmetic='fixed'"),
        ({"gradient": "local"}, "not supported with gradient='local'"),
        ({"delays": "synaptic"}, "not supported with delays='synaptic'"),
        ({"loss": "squared_error"}, "not supported with loss=SquaredError"),
        ({"loss": CrossEntropy(early_firing=0.1)}, "not supported with early_firing"),
        ({"read_out": 1.5}, "not supported with read_out=1.5"),
        ({"substrate": ttfs.substrates.AnalogChip()}, "with a substrate"),
    ],
)
def test_what_does_not_go_together_is_refused(parameters, message):
    X, y = make_yin_yang(50, random_state=0)
    clf = ttfs.TTFSClassifier((5,), **({"max_spikes": 3} | parameters))
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y)
