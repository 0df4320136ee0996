"""Integers that learn by the local rule: what users see, and what the twin does."""

import pickle

import numpy as np
import pytest
from classifiers import assert_same_weights, small
from fixed_twin import Twin
from kinds import ACCUMULATORS, EXACT, LOCAL, every_integer, with_absent
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

import ttfs.engines.integer
import ttfs.engines.recipe
from ttfs import TTFSClassifier
from ttfs.datasets import make_yin_yang
from ttfs.fixed.quantized import QuantizedNetwork
from ttfs.fixed.simulation import n_ticks_of
from ttfs.parameters import FixedPoint, LocalRule


def assert_same_state(one, two):
    """Weights, accumulators, registers and silence."""
    assert_same_weights(one, two)
    one, two = one.network_.integers, two.network_.integers
    for a, b in zip(one.layers, two.layers, strict=True):
        for name in ("weights", "lfsr", "silence"):
            assert_array_equal(getattr(a, name), getattr(b, name))
    assert_array_equal(one.lfsr, two.lfsr)


# -- What is learned ---------------------------------------------------------------


def changes(X, y, weight_decay=0.0, **parameters):
    """The moves by a batch of the real weights that integers stand for."""
    weights = []
    for rate in (1e-12, 0.01):
        clf = TTFSClassifier(
            (60,),
            t_max=3.0,
            time_scale=0.1,
            input_dropout=0.0,
            weight_decay=weight_decay,
            batch_size=len(X),
            max_iter=1,
            learning_rate_init=rate,
            random_state=0,
            **{"gradient": "local"} | parameters,
        ).fit(X, y)
        assert np.isfinite(clf.spike_times(X)[-1]).all()
        network = clf.network_
        if isinstance(network, QuantizedNetwork):
            layers = zip(network.integers.layers, network.steps, strict=True)
            weights.append([a.weights * step / 2.0**a.fraction for a, step in layers])
        else:
            weights.append([w.astype(float) for w in network.weights])
    return [after - before for before, after in zip(*weights, strict=True)]


@pytest.fixture
def every_neuron_spikes(monkeypatch):
    """Initial weights with which no neuron is silent."""
    monkeypatch.setattr(ttfs.engines.recipe, "DRIVE", 10.0)
    monkeypatch.setattr(ttfs.engines.recipe, "SPREAD", 2.0)


DIRECT = {"gradient": LocalRule(feedback="direct")}


@pytest.mark.usefixtures("every_neuron_spikes")  # because silent ones learn differently
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"gradient": LocalRule(kernel="linear")},
        {"gradient": LocalRule(feedback="random")},
        DIRECT,
        {"gradient": LocalRule(feedback="target")},
        {"tau_mem": 2.0, "arithmetic": FixedPoint(4, accumulator_bits=13)},
        {"tau_mem": [0.5, float("inf")]},
    ],
    ids=str,
)
def test_integers_learn_what_real_numbers_learn(yin_yang, parameters):
    arithmetic = {"arithmetic": FixedPoint(accumulator_bits=16)}
    real = changes(*yin_yang, **parameters | {"arithmetic": "float32"})
    integers = changes(*yin_yang, **arithmetic | parameters)
    ratios = []
    for a, b in zip(real, integers, strict=True):
        ratios.append(np.sum(a * b) / np.sum(a * a))
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.85
    # Rates are exact in the last layer, powers of two before.
    assert_allclose(ratios[1], 1, atol=0.15)
    if parameters is not DIRECT:
        # There, integers see errors times the slopes of the outputs.
        assert abs(np.log2(ratios[0])) < 0.6


@pytest.mark.usefixtures("every_neuron_spikes")
@pytest.mark.parametrize("tau_mem", [1.0, 2.0, np.inf])
def test_integers_learn_by_shifts_what_they_learn_by_tables(tau_mem):
    """The same rule, whose kernels are those of nearly the same neuron."""
    X, y = make_yin_yang(300, random_state=0)
    moved = [
        changes(
            X,
            y,
            tau_mem=tau_mem,
            arithmetic=FixedPoint(8, accumulator_bits=16, tick=1 / 64, decay=decay),
        )
        for decay in ("table", "shift")
    ]
    for by_tables, by_shifts in zip(*moved, strict=True):
        same = np.corrcoef(by_tables.ravel(), by_shifts.ravel())[0, 1]
        assert same > 0.9
        assert np.std(by_shifts) == pytest.approx(np.std(by_tables), rel=0.2)


@pytest.mark.parametrize("bits", [10, 16])
def test_weights_of_integers_decay_like_real_numbers(yin_yang, bits):
    kinds = {}, {"arithmetic": FixedPoint(accumulator_bits=bits)}
    decays = []
    for kind in kinds:
        without, decayed = (changes(*yin_yang, decay, **kind) for decay in (0, 50.0))
        decays.append([b - a for a, b in zip(without, decayed, strict=True)])
    for a, b in zip(*decays, strict=True):
        assert_allclose(np.sum(a * b) / np.sum(a * a), 1, atol=0.2)


@every_integer
@pytest.mark.parametrize(
    "change", [{"time_scale": 0.5}, {"input_dropout": 0.7}], ids=str
)
def test_parameters_of_learning_may_change(kind, change):
    X, y = with_absent()
    clf = small(warm_start=True, **kind).fit(X, y)
    changed = pickle.loads(pickle.dumps(clf)).set_params(**change)
    clf.partial_fit(X, y), changed.partial_fit(X, y)
    assert any(
        not np.array_equal(a, b)
        for a, b in zip(clf.coefs_, changed.coefs_, strict=True)
    )
    assert changed.loss_ != clf.loss_


@pytest.mark.slow
@pytest.mark.parametrize("kind", [LOCAL, ACCUMULATORS], ids=["6 bits", "16 bits"])
def test_learning_goes_on_after_fit(kind):
    X, y = make_yin_yang(1500, random_state=0)
    more, labels = make_yin_yang(500, random_state=2)
    clf = TTFSClassifier((60,), random_state=0, **kind).fit(X, y)
    before = clf.score(X, y)
    for k in range(len(more)):
        clf.partial_fit(more[k : k + 1], labels[k : k + 1])
    assert clf.score(X, y) > before - 0.06


def test_a_coarse_tick_leaves_a_graded_error(iris):
    clf = TTFSClassifier(
        (5,), arithmetic=FixedPoint(tick=0.5), gradient="local", max_iter=1
    ).fit(*iris)
    assert clf.time_scale_ == 0.25
    assert len(clf.network_.integers.softmax) > 2


# -- Weights of classes ------------------------------------------------------------


def test_class_weights_of_zero_are_an_error(iris):
    clf = TTFSClassifier((5,), class_weight={0: 0, 1: 0, 2: 0}, **LOCAL)
    with pytest.raises(ValueError, match="not all 0"):
        clf.fit(*iris)


# -- Weights -----------------------------------------------------------------------


def arrays_of(x):
    """All arrays that can be reached from an object."""
    if isinstance(x, np.ndarray):
        yield x
    elif isinstance(x, dict):
        for value in x.values():
            yield from arrays_of(value)
    elif isinstance(x, list | tuple):
        for value in x:
            yield from arrays_of(value)
    elif hasattr(x, "__dict__"):
        yield from arrays_of(vars(x))


@pytest.mark.parametrize(
    ("method", "hidden"), [("fit", (7,)), ("partial_fit", (7, 5)), ("partial_fit", ())]
)
def test_there_are_no_other_weights_than_small_integers(iris, method, hidden):
    X, y = iris
    clf = small(hidden_layer_sizes=hidden, **LOCAL | {"arithmetic": FixedPoint(5)})
    clf.partial_fit(X, y, classes=[0, 1, 2])
    getattr(clf, method)(X, y)
    shapes = {weights.shape for weights in clf.coefs_}
    shapes |= {shape[::-1] for shape in shapes}
    sizes = {n_in * n_out for n_in, n_out in shapes}
    found = [a for a in arrays_of(clf) if a.shape in shapes or a.size in sizes]
    assert len(found) >= 2 * len(clf.coefs_)
    for array in found:
        assert array.dtype == np.int16
        assert np.abs(array).max() <= 31
    assert clf.network_.real_weights is None
    for layer, weights in zip(clf.network_.integers.layers, clf.coefs_, strict=True):
        assert_array_equal(layer.weights, weights)


def test_accumulators_are_the_weights_with_more_bits(iris):
    clf = small(**ACCUMULATORS).fit(*iris)
    for layer, weights in zip(clf.network_.integers.layers, clf.coefs_, strict=True):
        assert layer.weights.dtype == np.int16
        assert_array_equal((layer.weights.astype(int) + 256) >> 9, weights)
        assert np.any(layer.weights % 512)


# -- One sample after the other ----------------------------------------------------


def online(**parameters):
    """A classifier that learns online, at a constant rate."""
    defaults = {
        "batch_size": 1,
        "shuffle": False,
        "learning_rate": "constant",
        "learning_rate_init": 0.05,
        "max_iter": 1,
    }
    return small(**LOCAL | defaults | parameters)


WIDE = FixedPoint(accumulator_bits=12)
SHIFTS = FixedPoint(accumulator_bits=12, decay="shift")


@pytest.mark.parametrize(
    ("arithmetic", "feedback"),
    [
        (FixedPoint(), "symmetric"),
        (WIDE, "random"),
        (WIDE, "target"),
        (SHIFTS, "symmetric"),
        (SHIFTS, "direct"),
    ],
    ids=str,
)
def test_fit_and_partial_fit_of_single_samples_are_the_twin(arithmetic, feedback):
    X, y = with_absent()
    start = online(
        hidden_layer_sizes=(6, 5),
        arithmetic=arithmetic,
        gradient=LocalRule(feedback=feedback),
        weight_decay=0.0,
        warm_start=True,
    ).partial_fit(X, y, classes=[0, 1, 2])
    integers = start.network_.integers
    assert integers.drop == 51  # 0.2 of 256
    assert np.any(integers.may_drop)
    X, y = X[:25], y[:25]

    # The same model by way of scikit-learn's methods
    whole, single, at_once = (pickle.loads(pickle.dumps(start)) for _ in range(3))
    with pytest.warns(ConvergenceWarning):
        whole.fit(X, y)
    for k in range(len(y)):
        single.partial_fit(X[k : k + 1], y[k : k + 1])
    at_once.partial_fit(X, y)
    assert_same_state(whole, single)
    assert_same_state(whole, at_once)
    assert single.t_ == whole.t_ == at_once.t_ == 90 + 25
    assert (integers.layers[0].syn_shift > 0) == (arithmetic.decay == "shift")

    # and by the specification
    device = start.engine_.for_device(start.network_)
    assert not any(layer.decay for layer in device.layers)
    twin = Twin(device)
    ticks = start.spike_times(X)[0] / start.tick_
    ticks = np.minimum(np.floor(ticks + 0.5), integers.n_ticks).astype(int)
    for sample, label in zip(ticks, y, strict=True):
        twin.learn([sample.tolist()], [int(label)])
    state = twin.state()
    learned = whole.network_.integers
    for k, layer in enumerate(learned.layers):
        assert layer.weights.tolist() == state["weights"][k]
        assert layer.lfsr.tolist() == state["lfsr"][k]
        assert layer.silence.tolist() == state["silence"][k]
        assert np.any(layer.weights != integers.layers[k].weights)
    assert learned.lfsr.tolist() == state["lfsr"][-1]
    # It infers the same, too.
    for sample, label in zip(ticks, whole.predict(X), strict=True):
        assert twin.infer(sample.tolist())[1] == label


def test_batches_and_weight_decay_are_the_twin(iris):
    X, y = iris
    order = np.random.default_rng(0).permutation(150)
    X, y = X[order], y[order]
    start = online(
        arithmetic=FixedPoint(accumulator_bits=14), batch_size=8, weight_decay=2000.0
    ).partial_fit(X, y, classes=[0, 1, 2])
    X, y = X[:30], y[:30]  # the last batch has six
    network = start.network_
    twin = Twin(network.integers)
    trainer = start.engine_.trainer(
        network, None, batch_size=8, n_seen=1, may_drop=start.encoder_.may_drop_
    )
    (gain,), (shifts,), (decays,) = trainer.rates(np.array([0.05]))
    assert np.all(decays > 0)
    twin.network.gain = int(gain)
    for layer, shift, decay in zip(twin.network.layers, shifts, decays, strict=True):
        layer.rate_shift, layer.decay = int(shift), int(decay)
    ticks = n_ticks_of(start.spike_times(X)[0], start.tick_)
    ticks = np.minimum(ticks, network.integers.n_ticks).astype(int)
    for k in range(0, 30, 8):
        twin.learn(ticks[k : k + 8].tolist(), y[k : k + 8].tolist())
    start.partial_fit(X, y)
    weights = [layer.weights.tolist() for layer in start.network_.integers.layers]
    assert weights == twin.state()["weights"]


def test_engine_does_not_change_the_network_of_an_estimator(iris):
    clf = small(**ACCUMULATORS).fit(*iris)
    before = pickle.dumps(clf.network_)
    device = clf.engine_.for_device(clf.network_)
    assert device.gain > 0
    assert pickle.dumps(clf.network_) == before


@every_integer
def test_warm_start_continues_the_registers(iris, kind):
    X, y = iris
    clf = small(warm_start=True, **kind).fit(X, y)
    before = clf.network_.integers.layers
    anew = small(**kind).partial_fit(X, y, classes=[0, 1, 2])
    clf.fit(X, y)
    for a, b, c in zip(
        before,
        clf.network_.integers.layers,
        anew.network_.integers.layers,
        strict=True,
    ):
        assert np.all(a.lfsr != b.lfsr)
        assert not np.array_equal(b.lfsr, c.lfsr)


def test_batches_of_the_local_rule_are_limited():
    X, y = make_yin_yang(2100, random_state=0)
    clf = small(hidden_layer_sizes=(3,), max_iter=1, **LOCAL)
    assert clf.set_params(batch_size=2048).fit(X, y).n_iter_ == 1
    with pytest.raises(ValueError, match=r"batch_size=2049 .* at most 2048"):
        clf.set_params(batch_size=2049).fit(X, y)
    # It is the number of samples in a batch that counts.
    with pytest.warns(UserWarning, match="batch_size=9000"):
        clf.set_params(batch_size=9000).fit(X[:60], y[:60])
    assert clf.set_params(**EXACT, gradient="exact", batch_size=2049).fit(X, y)
