"""Graphs of NIR: what they do, that nothing is lost, and what is refused."""

import json

import nir_twin
import numpy as np
import pytest
from classifiers import quick, small
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import SpikeTrains, TTFSClassifier, TTFSRegressor, interchange
from ttfs.datasets import make_yin_yang
from ttfs.encoders import LatencyEncoder, PopulationEncoder
from ttfs.interchange import from_nir, input_times, to_nir
from ttfs.substrates import Ideal

nir = pytest.importorskip("nir")

X, y = make_yin_yang(200, random_state=0)
X_test, _ = make_yin_yang(12, random_state=1)
INF = float("inf")
STEP = 1 / 1024

PARAMETERS = {
    "default": {},
    "float64": {"arithmetic": "float64", "read_out": None},
    "no leak": {"tau_mem": INF},
    "units": {"tau_mem": (2.0, 0.5), "tau_syn": 0.7, "threshold": 1.3},
    "axonal": {"delays": "axonal"},
    "two layers": {"hidden_layer_sizes": (8, 6), "arithmetic": "float64"},
    "several spikes": {"max_spikes": 3, "read_out": "count", "delays": "axonal"},
    "several, first": {"max_spikes": 2, "read_out": None},
    "peak": {"max_spikes": 2, "read_out": "peak"},
    "mean without leak": {"read_out": "mean", "tau_mem": INF},
    "no hidden layer": {"hidden_layer_sizes": (), "read_out": "peak"},
    "population": {"encoder": PopulationEncoder(4)},
}
every_model = pytest.mark.parametrize("params", PARAMETERS.values(), ids=PARAMETERS)


def through_file(graph, tmp_path):
    """The graph after a file."""
    nir.write(tmp_path / "graph.nir", graph)
    return nir.read(tmp_path / "graph.nir")


def assert_same(a, b, data):
    """Raise unless two estimators do the same, bit for bit."""
    assert type(a) is type(b)
    for one, other in zip(a.spike_times(data), b.spike_times(data), strict=True):
        assert one.dtype == other.dtype
        assert_array_equal(one, other)
    assert_array_equal(a.predict(data), b.predict(data))
    for name in ("coefs_", "bias_times_", "delays_"):
        for one, other in zip(
            getattr(a, name) or [], getattr(b, name) or [], strict=True
        ):
            assert one.dtype == other.dtype
            assert_array_equal(one, other)
    assert repr(a) == repr(b)
    if isinstance(a, TTFSClassifier):
        assert_array_equal(a.predict_proba(data), b.predict_proba(data))


@every_model
def test_nothing_is_lost_in_a_file(params, tmp_path):
    clf = quick(**params).fit(X, y)
    for dt in (None, 1e-3):
        graph = through_file(to_nir(clf, dt=dt), tmp_path)
        again = from_nir(graph)
        assert_same(clf, again, X_test)
    assert_same(again, from_nir(through_file(to_nir(again), tmp_path)), X_test)
    again.partial_fit(X, y)


def test_other_data_and_estimators(tmp_path):
    labels = np.array(["dot", "yang", "yin"])[y]
    clf = make_pipeline(StandardScaler(), quick()).fit(X, labels)
    message = r"graph holds .* steps 'standardscaler' \(StandardScaler\), which"
    with pytest.warns(UserWarning, match=message):
        graph = to_nir(clf)
    assert_same(clf[-1], from_nir(through_file(graph, tmp_path)), X_test)
    reg = quick(TTFSRegressor, delays="axonal").fit(X, X[:, :2])
    graph = through_file(to_nir(reg), tmp_path)
    assert graph.metadata["decision"] == "times"
    assert_same(reg, from_nir(graph), X_test)
    rng = np.random.default_rng(0)
    at = rng.integers(0, 30, 200), rng.integers(0, 4, 200)
    trains = SpikeTrains(*at, rng.uniform(0, 2, 200), (30, 4))
    clf = quick(max_spikes=2).fit(trains, np.arange(30) % 2)
    assert_same(clf, from_nir(through_file(to_nir(clf), tmp_path)), trains)
    with pytest.raises(ValueError, match="fire more than once"):
        input_times(clf, trains)


# -- What a graph does -----------------------------------------------------------------


def spikes_before(clf, k, times):
    """Spikes (samples, rows, spikes) that reach layer k, biases last, with delays."""
    times = times.reshape(*times.shape[:2], -1)
    biases = np.full((len(clf.bias_times_[k]), times.shape[2]), INF)
    biases[:, 0] = clf.bias_times_[k]
    times = np.concatenate([times, np.tile(biases, (len(times), 1, 1))], axis=1)
    return times if clf.delays_ is None else times + clf.delays_[k][:, None]


def error_of_membrane(clf, k, arriving, errors, until):
    """How far off a membrane (neurons) of layer k may be in steps, at most.

    A membrane is a sum of kernels of the slope 1 / tau_syn at most. An Euler step moves
    each of them by a step at most, and its spike by the error (rows, spikes) it has.
    """
    moved = np.where(arriving < until, errors + STEP, 0).sum(axis=1)
    return moved @ np.abs(clf.coefs_[k]).astype(float) / clf.tau_syn


def bounds(clf, k, exact, arriving, errors):
    """How far from the exact first spikes (samples, neurons) of layer k steps may be.

    The error of the membrane over its slope is that of the spike, which the twin rounds
    to the middle of a step.
    """
    recording = clf.record(X_test)
    found = np.full(exact.shape, INF)
    for s, j in zip(*np.nonzero(np.isfinite(exact)), strict=True):
        at = exact[s, j] - np.array([2e-5, 1e-5])
        slope = np.diff(recording.membrane_traces(s, at, k)[j])[0] / 1e-5
        error = error_of_membrane(clf, k, arriving[s], errors[s], exact[s, j])[j]
        found[s, j] = STEP / 2 + error / slope
    return found


def assert_nearly_fire(clf, k, samples, neurons, arriving, errors):
    """Raise unless silent neurons are so near to the threshold that steps may cross."""
    recording, end = clf.record(X_test), clf.t_max_
    for s, j in zip(samples, neurons, strict=True):
        at = np.linspace(0, end, 4001)
        peak = recording.membrane_traces(s, at, k)[j].max()
        error = error_of_membrane(clf, k, arriving[s], errors[s], end)[j]
        assert clf.threshold - error < peak < clf.threshold


# The others differ from these in what is tested without an integration.
INTEGRATED = "units", "axonal", "several spikes", "peak", "mean without leak"


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(
            params, id=name, marks=[pytest.mark.slow] * (name not in INTEGRATED)
        )
        for name, params in PARAMETERS.items()
    ],
)
def test_graphs_do_by_the_equations_of_nir_what_networks_do(params):
    """Spikes of an integration in steps are those of ttfs, as far as steps can tell."""
    clf = small(**{"hidden_layer_sizes": (10,), "max_iter": 15} | params).fit(X, y)
    graph = to_nir(clf)
    rule = graph.metadata["max_spikes"]
    outputs = nir_twin.run(
        graph,
        input_times(clf, X_test),
        step=STEP,
        t_max=graph.metadata["t_max"],
        max_spikes=rule if rule > 1 else INF,
    )
    inputs, *times = clf.spike_times(X_test)
    if graph.metadata["decision"] in ("peak", "mean"):
        times.pop()
        membranes = outputs["output"]
        scores = membranes.mean(0) if clf.read_out == "mean" else membranes.max(0)
        assert_array_equal(scores.argmax(axis=1), clf.predict(X_test))
    elif clf.read_out != "count":
        first = nir_twin.spike_times(outputs["output"], 1, STEP)[:, :, 0]
        # Two outputs that fire in one step, or nearly so, may be in any order.
        ahead = np.diff(np.partition(np.minimum(first, 1e9), 1, axis=1)[:, :2])[:, 0]
        is_clear = ahead >= 2 * STEP
        assert is_clear.any()
        same = first.argmin(axis=1) == clf.predict(X_test)
        assert same[is_clear].all()
    # The twin rounds times of inputs to steps, and delays too.
    rounded = STEP / 2 * (1 if clf.delays_ is None else 2)
    before, error = inputs, np.zeros((*inputs.shape, 1))
    for k, exact in enumerate(times):
        arriving = spikes_before(clf, k, before)
        errors = np.full(arriving.shape, rounded)
        errors[:, : error.shape[1]] += error
        before, exact = exact, exact.reshape(*exact.shape[:2], -1)
        found = nir_twin.spike_times(outputs[f"neurons_{k}"], exact.shape[2] + 1, STEP)
        # Neurons that fire at most so often do so without a rule: by their reset.
        assert np.isinf(found[:, :, -1]).all()
        found = found[:, :, :-1]
        fired = np.isfinite(exact)
        not_in_steps = fired[:, :, 0] & np.isinf(found[:, :, 0])
        assert not not_in_steps.any()
        only_in_steps = ~fired[:, :, 0] & np.isfinite(found[:, :, 0])
        assert np.mean(only_in_steps) < 0.05
        assert_nearly_fire(clf, k, *np.nonzero(only_in_steps), arriving, errors)
        assert np.mean(fired == np.isfinite(found)) > 0.98
        both = fired & np.isfinite(found)
        assert k > 0 or both.sum() > 30
        error = np.zeros(exact.shape)
        error[both] = np.abs(found[both] - exact[both])
        assert np.median(error[both]) < 1.5 * STEP
        bound = bounds(clf, k, exact[:, :, 0], arriving, errors)
        assert (error[:, :, 0] <= bound).all()
        assert np.median(bound[both[:, :, 0]]) < 20 * STEP


def test_spikes_of_one_step_are_pulses():
    """With dt a spike of height 1 that lasts dt does what an impulse does without."""
    clf = quick().fit(X, y)
    plain, pulsed = to_nir(clf), to_nir(clf, dt=STEP)
    times = [
        nir_twin.run(
            graph, input_times(clf, X_test), step=STEP, t_max=clf.t_max_, **how
        )
        for graph, how in ((plain, {}), (pulsed, {"height": 1.0}))
    ]
    for name in ("neurons_0", "output"):
        one, other = (nir_twin.spike_times(x[name], 1, STEP) for x in times)
        assert_allclose(one, other, atol=STEP)
    for k in (0, 1):
        one, other = (graph.nodes[f"neurons_{k}"] for graph in (plain, pulsed))
        assert_allclose(one.r * one.w_in, one.tau_mem)
        assert_allclose(other.r * other.w_in * STEP, other.tau_mem)
        assert_allclose(other.r, other.tau_mem / STEP)  # as snnTorch asks for


def test_what_a_graph_says():
    clf = quick(delays="axonal").fit(X, y)
    graph = to_nir(clf)
    assert set(graph.nodes) == {
        *("input", "output", "neurons_0", "neurons_1"),
        *("delays_0", "weights_0", "delays_1", "weights_1"),
        *("delays_of_biases_1", "weights_of_biases_1"),
    }
    about = graph.nodes["input"].metadata
    assert about["n_channels"] == clf.n_channels_in_
    assert_array_equal(about["bias_times"], np.concatenate(clf.bias_times_))
    times = input_times(clf, X_test)
    assert_array_equal(times[:, : clf.n_channels_in_], clf.spike_times(X_test)[0])
    assert_array_equal(times[0, clf.n_channels_in_ :], about["bias_times"])
    assert graph.metadata["t_max"] == clf.t_max_
    assert graph.metadata["decision"] == "first"
    model = json.loads(graph.metadata["ttfs"])
    assert_array_equal(model["encoder"]["low"], clf.encoder_.channels_.low)


def test_weights_that_were_changed_in_nodes_count(tmp_path):
    clf = quick().fit(X, y)
    graph = to_nir(clf)
    graph.nodes["weights_1"].weight[:] = 0.25
    again = from_nir(through_file(graph, tmp_path))
    n_hidden = clf.coefs_[1].shape[0] - len(clf.bias_times_[1])
    assert (again.coefs_[1][:n_hidden] == 0.25).all()
    assert_array_equal(again.coefs_[1][n_hidden:], clf.coefs_[1][n_hidden:])


def test_what_nir_cannot_express():
    for params, match in (
        ({"delays": "synaptic"}, "cannot express delays='synaptic'"),
        ({"max_spikes": 2, "refractory": 0.1}, "cannot express refractory=0.1"),
        ({"arithmetic": "fixed"}, "computes in integers"),
        ({"substrate": Ideal()}, "substrate=None"),
        ({"tau_mem": 0.02, "t_max": 3.0}, "is too short a part of t_max=3"),
    ):
        clf = quick(**params).fit(X, y)
        with pytest.raises(ValueError, match=match):
            to_nir(clf)


def test_arguments_are_checked():
    clf = quick().fit(X, y)
    with pytest.raises(ValueError, match="dt must be None or a positive number"):
        to_nir(clf, dt=0)
    with pytest.raises(TypeError, match="TTFSRegressor is needed, got list"):
        to_nir([])
    with pytest.raises(TypeError, match=r"must be a nir.NIRGraph, got dict"):
        from_nir({})
    graph = to_nir(clf)
    with pytest.raises(ValueError, match="says itself what other arguments"):
        from_nir(graph, t_max=2.0)
    graph.metadata["ttfs"] = graph.metadata["ttfs"].replace(
        '"version": 1', '"version": 9'
    )
    with pytest.raises(ValueError, match="version 9"):
        from_nir(graph)
    graph.metadata["ttfs"] = "{}"
    with pytest.raises(ValueError, match="not those of to_nir"):
        from_nir(graph)


# -- Graphs from elsewhere -------------------------------------------------------------


def neurons(n, **changes):
    """A CubaLIF with the units of ttfs."""
    values = {"tau_mem": 1.0, "tau_syn": 1.0, "r": 1.0, "v_leak": 0.0, "w_in": 1.0}
    values |= {"v_threshold": 1.0, "v_reset": 0.0}
    return nir.CubaLIF(**{k: np.full(n, v) for k, v in (values | changes).items()})


RNG = np.random.default_rng(3)
W0, W1 = RNG.uniform(0.5, 2, (6, 4)), RNG.uniform(0.5, 2, (2, 6))
TIMES = RNG.uniform(0, 1, (10, 4))


def chain(*nodes):
    return nir.NIRGraph.from_list(*nodes)


def assert_does_as_its_graph(clf, graph, *, step=2 * STEP, t_max=3.0, height=None):
    """Raise unless first spikes are those of the twin."""
    outputs = nir_twin.run(graph, TIMES, step=step, t_max=t_max, height=height)
    outputs = outputs["output"]
    found = nir_twin.spike_times(outputs, 1, step)[:, :, 0]
    exact = clf.spike_times(TIMES)[-1].reshape(found.shape)
    assert np.isfinite(exact).mean() > 0.3
    both = np.isfinite(exact) & np.isfinite(found)
    assert np.mean(np.isfinite(exact) == np.isfinite(found)) > 0.9
    assert np.median(np.abs(exact - found)[both]) < 2 * step


def test_a_plain_chain():
    once = {"v_reset": -1e4}
    graph = chain(
        nir.Linear(W0), neurons(6, **once), nir.Linear(W1), neurons(2, **once)
    )
    clf = from_nir(graph, t_max=3.0)
    assert_array_equal(clf.coefs_[0], W0.T)
    assert clf.classes_.tolist() == [0, 1]
    assert_does_as_its_graph(clf, graph)
    again = from_nir(graph, t_max=3.0, classes=["a", "b"], arithmetic="float32")
    assert again.coefs_[0].dtype == np.float32
    assert_array_equal(again.predict(TIMES), np.array(["a", "b"])[clf.predict(TIMES)])
    labels = (TIMES[:, 0] < TIMES[:, 1]).astype(int)
    before = clf.coefs_[0].copy()
    clf.partial_fit(TIMES, labels)
    assert not np.array_equal(clf.coefs_[0], before)
    assert_same(clf, from_nir(to_nir(clf)), TIMES)


@pytest.mark.parametrize(
    "changes",
    [
        {"r": 2.0, "w_in": 0.7, "tau_syn": 0.5, "tau_mem": 2.0},
        {"v_threshold": np.array([0.5, 0.7, 0.9, 1.1, 1.3, 1.5])},
        {"r": np.array([0.5, 1, 1, 2, 1, 1]), "tau_mem": 0.7, "tau_syn": 0.7},
    ],
    ids=["scales", "thresholds", "resistances"],
)
def test_neurons_of_other_scales(changes):
    syn = {"tau_syn": changes.get("tau_syn", 1.0), "v_reset": -1e5}
    graph = chain(
        nir.Linear(W0),
        neurons(6, v_reset=-1e5, **changes),
        nir.Linear(W1),
        neurons(2, **syn),
    )
    clf = from_nir(graph, t_max=3.0)
    assert_does_as_its_graph(clf, graph)


def test_synapses_before_membranes():
    full = {"r": np.ones(6), "v_threshold": np.ones(6), "v_reset": np.full(6, -1e5)}
    tau = {"tau": np.ones(6)}
    leak = {"v_leak": np.zeros(6)}
    for membrane in (nir.IF(**full), nir.LIF(tau=2 * np.ones(6), **leak, **full)):
        synapse = nir.LI(r=np.full(6, 1.5), **tau, **leak)
        out = neurons(2, v_reset=-1e5)
        graph = chain(nir.Linear(W0), synapse, membrane, nir.Linear(W1), out)
        clf = from_nir(graph, t_max=3.0)
        assert clf.tau_mem[0] == (INF if isinstance(membrane, nir.IF) else 2.0)
        assert_does_as_its_graph(clf, graph)


def test_several_spikes_delays_scales_and_subgraphs():
    inner = chain(nir.Scale(np.array([1.0, 2.0, 1.0, 0.5])), nir.Linear(W0), neurons(6))
    delay = nir.Delay(np.array([0.0, 0.25, 0.5, 0.125]))
    graph = nir.NIRGraph(
        {
            "in": nir.Input({"input": np.array([4])}),
            "delay": delay,
            "inner": inner,
            "w": nir.Linear(W1),
            "n": neurons(2),
            "out": nir.Output({"output": np.array([2])}),
        },
        [("in", "delay"), ("delay", "inner"), ("inner", "w"), ("w", "n"), ("n", "out")],
        type_check=False,
    )
    clf = from_nir(graph, t_max=3.0, max_spikes=50, read_out="count")
    assert_array_equal(clf.delays_[0], delay.delay)
    assert_allclose(clf.coefs_[0], (W0 * [1.0, 2.0, 1.0, 0.5]).T)
    flat = chain(
        delay,
        nir.Linear(W0 * [1.0, 2.0, 1.0, 0.5]),
        neurons(6),
        nir.Linear(W1),
        neurons(2),
    )
    outputs = nir_twin.run(flat, TIMES, step=STEP, t_max=3.0)["output"]
    counts = np.isfinite(clf.spike_times(TIMES)[-1]).sum(axis=2)
    assert counts.max() > 1
    assert np.mean(np.abs((outputs > 0).sum(axis=0) - counts) <= 1) > 0.9


def test_membranes_that_decide():
    li = {k: np.full(2, v) for k, v in (("tau_mem", 1.0), ("tau_syn", 1.0), ("r", 1.0))}
    last = nir.CubaLI(**li, v_leak=np.zeros(2))
    graph = chain(nir.Linear(W0), neurons(6, v_reset=-1e4), nir.Linear(W1), last)
    outputs = nir_twin.run(graph, TIMES, step=STEP, t_max=3.0)["output"]
    for read_out, scores in ((None, outputs.max(0)), ("mean", outputs.mean(0))):
        clf = from_nir(graph, t_max=3.0, read_out=read_out)
        assert clf.read_out == (read_out or "peak")
        assert_array_equal(clf.predict(TIMES), scores.argmax(axis=1))
    with pytest.raises(
        ValueError, match=r"read_out='count', but outputs .* do not fire"
    ):
        from_nir(graph, t_max=3.0, read_out="count")


def test_a_bias_of_an_affine_node_is_a_spike_in_each_step():
    step = 1 / 64
    bias = np.array([0.02, 0.0, 0.01, 0.0, -0.01, 0.0])
    unit = {"r": 1 / step, "w_in": 1.0, "v_reset": -1e5}
    graph = chain(
        nir.Affine(W0, bias), neurons(6, **unit), nir.Linear(W1), neurons(2, **unit)
    )
    clf = from_nir(graph, t_max=3.0, dt=step)
    assert_array_equal(clf.bias_times_[0], np.arange(192) * step)
    assert_allclose(clf.coefs_[0][4:], np.tile(bias, (192, 1)))
    with pytest.raises(ValueError, match="constant current; with dt"):
        from_nir(graph, t_max=3.0)
    assert_does_as_its_graph(clf, graph, step=step, height=1.0)
    silent = chain(nir.Affine(W0, 0 * bias), neurons(6), nir.Linear(W1), neurons(2))
    assert from_nir(silent, t_max=3.0).bias_times_[0].size == 0


def test_features_through_an_encoder():
    graph = chain(nir.Linear(W0), neurons(6), nir.Linear(W1), neurons(2))
    encoder = LatencyEncoder(complement=False).fit(TIMES)
    clf = from_nir(graph, t_max=3.0, encoder=encoder)
    plain = from_nir(graph, t_max=3.0)
    assert_array_equal(clf.predict(TIMES), plain.predict(encoder.transform(TIMES)))
    wide = LatencyEncoder(complement=True).fit(TIMES)
    with pytest.raises(ValueError, match="encoder has 8 channels, but the network 4"):
        from_nir(graph, t_max=3.0, encoder=wide)


def refused_graphs():
    """Graphs that are no networks of ttfs, and why."""
    last = nir.Linear(W1), neurons(2)
    lif = {k: np.ones(6) for k in ("tau", "r", "v_threshold")} | {"v_leak": np.zeros(6)}
    first = nir.Linear(W0)
    yield chain(first, nir.LIF(**lif), *last), "move the membrane itself"
    yield chain(first, neurons(6, v_leak=0.1), *last), "v_leak must be 0"
    different = neurons(6, tau_mem=np.array([1.0, 1, 1, 1, 1, 2]))
    yield chain(first, different, *last), "must have the same tau_mem"
    other = neurons(6, tau_syn=2.0, tau_mem=2.0)
    yield chain(first, other, *last), "the same tau_syn"
    yield chain(first, neurons(6, v_threshold=-1.0), *last), "positive"
    late = chain(first, nir.Delay(np.ones(6)), neurons(6), *last)
    yield late, "is delayed, before its weights|a Delay follows it"
    back = chain(nir.Delay(np.full(4, -1.0)), first, neurons(6), *last)
    yield back, "delays must be finite and not negative"
    yield chain(first), "Linear is not a layer of neurons"
    hard = chain(first, nir.Threshold(np.ones(6)), nir.Linear(W1), neurons(2))
    yield hard, "Threshold.*have a membrane"
    yield chain(nir.Linear(W0[:1]), neurons(1)), "at least 2"
    twice = {"in": nir.Input({"input": np.array([4])}), "w": first, "n": neurons(6)}
    twice |= {"v": nir.Linear(W1), "m": neurons(2), "x": nir.Linear(W0[:2])}
    twice |= {"out": nir.Output({"output": np.array([2])}), "r": nir.Linear(np.eye(6))}
    edges = [("in", "w"), ("w", "n"), ("n", "v"), ("v", "m"), ("m", "out")]
    skip = nir.NIRGraph(twice, [*edges, ("in", "x"), ("x", "m")], type_check=False)
    yield skip, "an input of the graph reaches it that is no bias"
    flat = {k: nir.Flatten({"input": np.array([2])}, 0, -1) for k in ("f", "g")}
    flat |= {k: twice[k] for k in ("in", "out")}
    idle = nir.NIRGraph(flat, [("f", "g"), ("g", "f"), ("f", "out")], type_check=False)
    yield idle, "it is recurrent"
    loop = nir.NIRGraph(twice, [*edges, ("n", "r"), ("r", "n")], type_check=False)
    yield loop, "it is recurrent"


def test_graphs_that_are_refused():
    for graph, match in refused_graphs():
        with pytest.raises(ValueError, match=match):
            from_nir(graph, t_max=3.0)


def test_graphs_from_elsewhere_need_to_be_completed():
    graph = chain(nir.Linear(W0), neurons(6), nir.Linear(W1), neurons(2, v_reset=0.5))
    for t_max in (None, -1.0, INF):
        with pytest.raises(ValueError, match="t_max must be the end of the experiment"):
            from_nir(graph, t_max=t_max)
    with pytest.raises(
        ValueError, match="v_reset must be 0 where neurons fire several"
    ):
        from_nir(graph, t_max=3.0, max_spikes=2)
    with pytest.raises(ValueError, match="arithmetic must be one of"):
        from_nir(graph, t_max=3.0, arithmetic="fixed")
    with pytest.raises(TypeError, match=r"encoder must be one of ttfs\.encoders"):
        from_nir(graph, t_max=3.0, encoder=StandardScaler())
    one = chain(nir.Linear(W0), neurons(6))
    with pytest.raises(ValueError, match="The 'max_spikes' parameter of TTFSClass"):
        from_nir(one, t_max=3.0, max_spikes=0)
    with pytest.raises(ValueError, match="as many different classes"):
        from_nir(graph, t_max=3.0, classes=["b", "a"])
    assert interchange.__all__ == ["from_nir", "input_times", "to_nir"]
