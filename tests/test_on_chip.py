"""TTFSClassifier with arithmetic="fixed" and with gradient="local".

The arithmetic itself is tested in tests/fixed; this is what its users see.
"""

import pickle

import numpy as np
import pytest
import ttfs._classifier
from fixed_twin import Twin
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from ttfs import SpikeTrains, TTFSClassifier, _core, _fixed
from ttfs.datasets import make_yin_yang
from ttfs.fixed.ticks import n_ticks_of

FLOAT_LOCAL = {"gradient": "local"}
EXACT = {"arithmetic": "fixed"}
LOCAL = {"arithmetic": "fixed", "gradient": "local"}
ACCUMULATORS = LOCAL | {"accumulator_bits": 16}
FIXED = {"exact": EXACT, "local": LOCAL, "accumulators": ACCUMULATORS}
KINDS = FIXED | {"float-local": FLOAT_LOCAL}

every_fixed = pytest.mark.parametrize("kind", FIXED.values(), ids=FIXED)
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def yin_yang():
    return make_yin_yang(600, random_state=0)


@pytest.fixture(params=_fixed.simd_available())
def every_simd(request):
    before = _fixed.simd()
    _fixed.use_simd(request.param)
    yield request.param
    _fixed.use_simd(before)


def small(**parameters):
    """A classifier that trains in a fraction of a second."""
    defaults = {"hidden_layer_sizes": (12,), "max_iter": 5, "random_state": 0}
    return TTFSClassifier(**defaults | parameters)


def with_absent(seed=0, n_samples=90):
    """Three classes of samples with features that are often absent."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n_samples)
    X = rng.uniform(0.3, 0.7, (n_samples, 9))
    X[rng.random(X.shape) < 0.6] = 0.0
    X[np.arange(n_samples), y] = 1.0
    return X, y


def assert_same_weights(one, two):
    for a, b in zip(one.coefs_, two.coefs_, strict=True):
        assert_array_equal(a, b)


def assert_same_state(one, two):
    """Weights, accumulators, registers and silence."""
    assert_same_weights(one, two)
    for a, b in zip(one._fixed.layers, two._fixed.layers, strict=True):
        for name in ("weights", "lfsr", "silence"):
            assert_array_equal(getattr(a, name), getattr(b, name))
    assert_array_equal(one._fixed.lfsr, two._fixed.lfsr)


# -- Learning ----------------------------------------------------------------------


def slow(parameters):
    """Learning rates for short training with the local rule."""
    is_coarse = "arithmetic" in parameters and "accumulator_bits" not in parameters
    is_local = parameters.get("gradient") == "local"
    return {"learning_rate_init": 0.04} if is_local and not is_coarse else {}


def yin_yang_accuracy(n_seeds=2, n_samples=600, **parameters):
    """Mean accuracy on other samples."""
    X, y = make_yin_yang(n_samples, random_state=0)
    X_test, y_test = make_yin_yang(500, random_state=1)
    defaults = {"hidden_layer_sizes": (40,), "max_iter": 40} | slow(parameters)
    scores = [
        TTFSClassifier(**defaults | parameters, random_state=seed)
        .fit(X, y)
        .score(X_test, y_test)
        for seed in range(n_seeds)
    ]
    return np.mean(scores)


@pytest.mark.parametrize("arithmetic", ["float32", "float64", "fixed"])
@pytest.mark.parametrize("gradient", ["exact", "local"])
def test_gradients_and_arithmetics_learn_yin_yang(gradient, arithmetic):
    score = yin_yang_accuracy(
        n_samples=2000, gradient=gradient, arithmetic=arithmetic, max_iter=60
    )
    assert score > 0.9


@every_kind
def test_default_learns_digits(kind):
    X, y = load_digits(return_X_y=True)  # ten classes, absent pixels
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    clf = TTFSClassifier((60,), max_iter=30, random_state=0, **kind).fit(X, y)
    assert clf.score(X_test, y_test) > 0.93
    # A sparse matrix is the same.
    assert_array_equal(clf.predict(csr_array(X_test)), clf.predict(X_test))


@pytest.mark.parametrize(
    ("parameters", "least"),
    [
        (ACCUMULATORS, 0.8),
        (LOCAL | {"feedback": "random"}, 0.72),
        (LOCAL | {"feedback": "direct"}, 0.62),
        (LOCAL | {"feedback": "target"}, 0.5),
        (ACCUMULATORS | {"feedback": "random"}, 0.75),
        (ACCUMULATORS | {"feedback": "direct"}, 0.75),
        (ACCUMULATORS | {"feedback": "target"}, 0.75),
        (FLOAT_LOCAL | {"feedback": "random"}, 0.75),
        (FLOAT_LOCAL | {"feedback": "direct"}, 0.75),
        (FLOAT_LOCAL | {"feedback": "target"}, 0.75),
        (LOCAL | {"kernel": "linear"}, 0.7),
        (ACCUMULATORS | {"kernel": "linear"}, 0.75),
        (FLOAT_LOCAL | {"kernel": "linear"}, 0.75),
        (ACCUMULATORS | {"rounding": "floor"}, 0.75),
        *((EXACT | {"weight_bits": n}, least) for n, least in [(2, 0.6), (3, 0.78)]),
        *((EXACT | {"weight_bits": n}, 0.8) for n in (4, 8)),
        *((LOCAL | {"weight_bits": n}, least) for n, least in [(2, 0.6), (3, 0.7)]),
        *((LOCAL | {"weight_bits": n}, 0.75) for n in (4, 5, 7, 8)),
        *((LOCAL | {"accumulator_bits": n}, 0.75) for n in (8, 10, 12)),
        (LOCAL | {"weight_bits": 2, "accumulator_bits": 4}, 0.6),
        (LOCAL | {"weight_bits": 8, "accumulator_bits": 16}, 0.75),
        (EXACT | {"accumulator_bits": 16}, 0.8),
        *((LOCAL | {"tick": tick}, 0.78) for tick in (1 / 16, 0.0123, 1e-3)),
        (EXACT | {"tick": 1 / 16}, 0.8),
    ],
    ids=str,
)
def test_options_learn_yin_yang(parameters, least):
    assert yin_yang_accuracy(**parameters) > least


@pytest.mark.parametrize(
    "parameters",
    [
        {"hidden_layer_sizes": (30, 30), "learning_rate_init": 0.02},
        {"hidden_layer_sizes": ()},
        {"tau_mem": 2.0},
        {"tau_mem": 0.5},
        {"tau_mem": 20.0},
        {"tau_mem": float("inf")},
        {"tau_mem": [0.5, float("inf")]},
        {"tau_mem": 1e-3, "tau_syn": 1e-3},
        {"tau_mem": 300.0, "tau_syn": 100.0, "threshold": 50.0},
        {"encoder": "latency"},
        {"encoder": "complement"},
        {"encoder": "population"},
    ],
    ids=str,
)
@every_kind
def test_networks_and_encoders_learn_iris(iris, kind, parameters):
    X, y = iris
    defaults = {"hidden_layer_sizes": (40,), "max_iter": 200, "random_state": 0}
    clf = TTFSClassifier(**defaults | slow(kind) | kind | parameters).fit(X, y)
    assert clf.score(X, y) > 0.85


@pytest.mark.parametrize("kind", [EXACT, FLOAT_LOCAL], ids=["exact", "float-local"])
@pytest.mark.parametrize("loss", ["squared_error", "shift_invariant"])
def test_losses_learn_yin_yang(kind, loss):
    assert yin_yang_accuracy(loss=loss, max_iter=60, **kind) > 0.78


@every_fixed
def test_spike_times_and_spike_trains(kind):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 60)
    X = rng.uniform(0.0, 1.0, (120, 6))
    X[np.arange(120), y] = -0.5  # channel y fires first
    X[rng.random(X.shape) < 0.1] = np.inf
    clf = small(encoder="spike_times", max_iter=40, **kind).fit(X, y)
    assert clf.score(X, y) > 0.8
    samples, channels = np.nonzero(np.isfinite(X))
    trains = SpikeTrains(samples, channels, X[samples, channels], (120, 6))
    again = clone(clf).fit(trains, y)
    assert_same_weights(clf, again)
    assert_array_equal(clf.predict_proba(X), again.predict_proba(trains))


@every_fixed
def test_many_classes_with_names(kind):
    rng = np.random.default_rng(0)
    names = np.array([f"class {k:02}" for k in range(14)])
    y = np.repeat(np.arange(14), 15)
    X = rng.uniform(size=(14, 6))[y] + rng.normal(0, 0.03, (210, 6))
    clf = small(hidden_layer_sizes=(60,), max_iter=80, **kind).fit(X, names[y])
    assert_array_equal(clf.classes_, names)
    assert clf.score(X, names[y]) > 0.8
    assert clf.decision_function(X).shape == (210, 14)


@every_kind
def test_class_weight_moves_decisions(iris, kind):
    X, y = iris
    X, y = X[50:, :2], y[50:]  # two classes that overlap
    # The rates of short training, so that only the weights make a difference.
    clf = small(max_iter=30, **slow(kind) | kind)
    shares = [
        np.mean(clf.set_params(class_weight=weight).fit(X, y).predict(X))
        for weight in ({1: 10.0, 2: 1.0}, None, {1: 1.0, 2: 10.0})
    ]
    assert shares[0] < shares[1] - 0.1
    assert shares[1] + 0.1 < shares[2]


@pytest.mark.parametrize("kind", [LOCAL, ACCUMULATORS], ids=["local", "accumulators"])
def test_class_weight_is_how_often_samples_are_seen(iris, kind, monkeypatch):
    X, y = iris
    X, y = X[:120], y[:120]  # 50, 50 and 20 of the classes
    orders = []

    class Core:
        def __init__(self, core):
            self.core = core

        def __getattr__(self, name):
            return getattr(self.core, name)

        def train(self, events, labels, order, *args):
            orders.append(order)
            return self.core.train(events, labels, order, *args)

    class Trainer(ttfs._classifier.LocalTrainer):
        def __init__(self, *args, **parameters):
            super().__init__(*args, **parameters)
            self.core = Core(self.core)

    monkeypatch.setattr(ttfs._classifier, "LocalTrainer", Trainer)
    clf = small(max_iter=20, **kind).fit(X, y)
    plain = clf.coefs_
    for order in orders:
        assert_array_equal(np.sort(order), np.arange(120))
    orders.clear()
    balanced = clf.set_params(class_weight="balanced").fit(X, y)
    seen = np.mean([np.bincount(y[order]) for order in orders], axis=0)
    assert_allclose(seen, 40, atol=0.5)
    assert balanced.t_ == 20 * 120
    # All samples of a class have their turn.
    counts = np.bincount(np.concatenate(orders), minlength=120)
    assert counts.min() > 8
    weights = {0: 120 / 150, 1: 120 / 150, 2: 120 / 60}
    again = clone(clf).set_params(class_weight=weights).fit(X, y)
    assert_same_weights(balanced, again)
    # Only ratios count.
    same = clone(clf).set_params(class_weight={0: 0.7, 1: 0.7, 2: 0.7}).fit(X, y)
    for a, b in zip(same.coefs_, plain, strict=True):
        assert_array_equal(a, b)
    none = clone(clf).set_params(class_weight={0: 0.0, 1: 1.0, 2: 1.0})
    orders.clear()
    none.fit(X, y)
    assert 0 not in y[np.concatenate(orders)]


def test_training_knows_that_weights_are_rounded():
    """At few bits it beats rounding the weights of a network that does not know."""
    X, y = make_yin_yang(1000, random_state=0)
    X_test, y_test = make_yin_yang(1000, random_state=1)
    aware, after = [], []
    for seed in range(3):
        real = TTFSClassifier((40,), max_iter=60, random_state=seed).fit(X, y)
        clf = clone(real).set_params(arithmetic="fixed", weight_bits=3).fit(X, y)
        aware.append(clf.score(X_test, y_test))
        clf.coefs_ = [
            np.clip(np.rint(weights / step), -7, 7).astype(np.int16)
            for weights, step in zip(real.coefs_, clf.weight_steps_, strict=True)
        ]
        after.append(clf.score(X_test, y_test))
    assert np.mean(aware) > np.mean(after) + 0.05


def test_many_bits_are_as_good_as_real_numbers(iris):
    """The spikes of 8 bits and short ticks are nearly those of the real model."""
    X, y = iris
    start = {"learning_rate_init": 1e-12, "max_iter": 1}
    # The same weights are drawn; the networks in integers decide how long they are.
    real = small(t_max=2.0, **start).fit(X, y)
    clf = small(t_max=2.0, weight_bits=8, tick=1e-3, **EXACT, **start).fit(X, y)
    for weights, integers, step in zip(
        real.coefs_, clf.coefs_, clf.weight_steps_, strict=True
    ):
        most = 255.49 * step
        expected = np.clip(weights, -most, most)
        assert_allclose(step * integers, expected, rtol=0, atol=0.51 * step)
    expected, times = real.spike_times(X)[1], clf.spike_times(X)[1]
    assert np.mean(np.isfinite(times) == np.isfinite(expected)) > 0.97
    both = np.isfinite(times) & np.isfinite(expected)
    assert both.mean() > 0.5
    assert np.median(np.abs(times[both] - expected[both])) < 5e-3


def changes(X, y, weight_decay=0.0, **parameters):
    """By how much a batch moves the real weights that integers stand for."""
    weights = []
    for rate in (1e-12, 0.01):
        clf = TTFSClassifier(
            (60,),
            gradient="local",
            t_max=3.0,
            time_scale=0.1,
            input_dropout=0.0,
            weight_decay=weight_decay,
            batch_size=len(X),
            max_iter=1,
            learning_rate_init=rate,
            random_state=0,
            **parameters,
        ).fit(X, y)
        assert np.isfinite(clf.spike_times(X)[-1]).all()
        if clf._fixed is None:
            weights.append([w.astype(float) for w in clf.coefs_])
        else:
            layers = zip(clf._fixed.layers, clf.weight_steps_, strict=True)
            weights.append([a.weights * step / 2.0**a.fraction for a, step in layers])
    return [after - before for before, after in zip(*weights, strict=True)]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"kernel": "linear"},
        {"feedback": "random"},
        {"feedback": "direct"},
        {"feedback": "target"},
        {"tau_mem": 2.0},
        {"tau_mem": [0.5, float("inf")]},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "bits",
    [{"accumulator_bits": 16}, {"accumulator_bits": 13, "weight_bits": 4}],
    ids=str,
)
def test_integers_learn_what_real_numbers_learn(
    yin_yang, monkeypatch, parameters, bits
):
    # All neurons spike, because silent ones learn differently.
    monkeypatch.setattr(ttfs._classifier, "_DRIVE", 10.0)
    monkeypatch.setattr(ttfs._classifier, "_SPREAD", 2.0)
    real = changes(*yin_yang, **parameters)
    integers = changes(*yin_yang, arithmetic="fixed", **parameters, **bits)
    ratios = []
    for a, b in zip(real, integers, strict=True):
        ratios.append(np.sum(a * b) / np.sum(a * a))
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.85
    # Rates are exact in the last layer, powers of two before.
    assert_allclose(ratios[1], 1, atol=0.15)
    if parameters != {"feedback": "direct"}:
        # There, integers see errors times the slopes of the outputs.
        assert abs(np.log2(ratios[0])) < 0.6


@pytest.mark.parametrize("bits", [10, 16])
def test_weights_of_integers_decay_like_real_numbers(yin_yang, monkeypatch, bits):
    monkeypatch.setattr(ttfs._classifier, "_DRIVE", 10.0)
    monkeypatch.setattr(ttfs._classifier, "_SPREAD", 2.0)
    kinds = {}, {"arithmetic": "fixed", "accumulator_bits": bits}
    decays = []
    for kind in kinds:
        without, decayed = (changes(*yin_yang, decay, **kind) for decay in (0, 50.0))
        decays.append([b - a for a, b in zip(without, decayed, strict=True)])
    for a, b in zip(*decays, strict=True):
        assert_allclose(np.sum(a * b) / np.sum(a * a), 1, atol=0.2)


# -- Weights -----------------------------------------------------------------------


@pytest.mark.parametrize("n_bits", range(2, 9))
@every_fixed
def test_weights_are_small_integers(iris, kind, n_bits):
    # At a high rate, so that they reach their limits.
    clf = small(weight_bits=n_bits, learning_rate_init=0.1, max_iter=20, **kind)
    clf.fit(*iris)
    most = 2**n_bits - 1
    for weights in clf.coefs_:
        assert weights.dtype == np.int16
        assert np.abs(weights).max() <= most
    reached = max(np.abs(weights).max() for weights in clf.coefs_)
    assert reached == most if kind is EXACT else reached > most / 3
    assert len(clf.weight_steps_) == 2
    assert min(clf.weight_steps_) > 0


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


@pytest.mark.parametrize("hidden", [(), (7,), (7, 5)], ids=str)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_there_are_no_other_weights_than_small_integers(iris, method, hidden):
    X, y = iris
    clf = small(hidden_layer_sizes=hidden, weight_bits=5, **LOCAL)
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
    assert clf._optimizer is None
    for layer, weights in zip(clf._fixed.layers, clf.coefs_, strict=True):
        assert_array_equal(layer.weights, weights)


def test_accumulators_are_the_weights_with_more_bits(iris):
    clf = small(**ACCUMULATORS).fit(*iris)
    for layer, weights in zip(clf._fixed.layers, clf.coefs_, strict=True):
        assert layer.weights.dtype == np.int16
        assert_array_equal((layer.weights.astype(int) + 256) >> 9, weights)
        assert np.any(layer.weights % 512)


@every_fixed
def test_unit_of_time_and_weight_is_the_users_choice(iris, kind):
    X, y = iris
    one = small(epsilon=1e-15, **kind)
    other = clone(one).set_params(tau_mem=4.0, tau_syn=4.0, threshold=8.0)
    one.fit(X, y), other.fit(X, y)
    assert (other.tick_, other.t_max_) == (4 * one.tick_, 4 * one.t_max_)
    assert_allclose(other.weight_steps_, 8 * np.array(one.weight_steps_))
    same = [np.mean(a == b) for a, b in zip(one.coefs_, other.coefs_, strict=True)]
    assert min(same) > (0.95 if kind is EXACT else 0.999)


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


@pytest.mark.parametrize("feedback", ["symmetric", "random", "direct", "target"])
@pytest.mark.parametrize("bits", [None, 12])
def test_fit_and_partial_fit_of_single_samples_are_the_twin(bits, feedback):
    X, y = with_absent()
    start = online(
        hidden_layer_sizes=(6, 5),
        accumulator_bits=bits,
        feedback=feedback,
        weight_decay=0.0,
        warm_start=True,
    ).partial_fit(X, y, classes=[0, 1, 2])
    assert start._fixed.drop == 51  # 0.2 of 256
    assert np.any(start._fixed.may_drop)
    X, y = X[:40], y[:40]

    # The same model by way of scikit-learn's methods
    whole, single, at_once = (pickle.loads(pickle.dumps(start)) for _ in range(3))
    with pytest.warns(ConvergenceWarning):
        whole.fit(X, y)
    for k in range(len(y)):
        single.partial_fit(X[k : k + 1], y[k : k + 1])
    at_once.partial_fit(X, y)
    assert_same_state(whole, single)
    assert_same_state(whole, at_once)
    assert single.t_ == whole.t_ == at_once.t_ == 90 + 40

    # and by the specification
    twin = Twin(start._fixed)
    gains, shifts, decays = start._trainer(None, 1).rates(np.array([0.05]))
    assert not np.any(decays)
    twin.network.gain = int(gains[0])
    for layer, shift in zip(twin.network.layers, shifts[0], strict=True):
        layer.rate_shift = int(shift)
    ticks = start.spike_times(X)[0] / start.tick_
    ticks = np.minimum(np.floor(ticks + 0.5), start._fixed.n_ticks).astype(int)
    for sample, label in zip(ticks, y, strict=True):
        twin.learn([sample.tolist()], [int(label)])
    state = twin.state()
    for k, layer in enumerate(whole._fixed.layers):
        assert layer.weights.tolist() == state["weights"][k]
        assert layer.lfsr.tolist() == state["lfsr"][k]
        assert layer.silence.tolist() == state["silence"][k]
        assert np.any(layer.weights != start._fixed.layers[k].weights)
    assert whole._fixed.lfsr.tolist() == state["lfsr"][-1]
    # It infers the same, too.
    for sample, label in zip(ticks, whole.predict(X), strict=True):
        assert twin.infer(sample.tolist())[1] == label


def test_batches_and_weight_decay_are_the_twin(iris):
    X, y = iris
    order = np.random.default_rng(0).permutation(150)
    X, y = X[order], y[order]
    start = online(accumulator_bits=14, batch_size=8, weight_decay=2000.0)
    start.partial_fit(X, y, classes=[0, 1, 2])
    X, y = X[:30], y[:30]  # the last batch has six
    twin = Twin(start._fixed)
    gains, shifts, decays = start._trainer(None, 8).rates(np.array([0.05]))
    assert np.all(decays > 0)
    twin.network.gain = int(gains[0])
    for layer, shift, decay in zip(
        twin.network.layers, shifts[0], decays[0], strict=True
    ):
        layer.rate_shift, layer.decay = int(shift), int(decay)
    ticks = n_ticks_of(start.spike_times(X)[0], start.tick_)
    ticks = np.minimum(ticks, start._fixed.n_ticks).astype(int)
    for k in range(0, 30, 8):
        twin.learn(ticks[k : k + 8].tolist(), y[k : k + 8].tolist())
    start.partial_fit(X, y)
    weights = [layer.weights.tolist() for layer in start._fixed.layers]
    assert weights == twin.state()["weights"]


# -- Reproducibility ---------------------------------------------------------------


@every_kind
def test_same_seed_same_bits_for_any_number_of_threads(kind, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    X, y = load_digits(return_X_y=True)
    results = []
    for n_threads in (1, 2, 4):
        with threadpool_limits(n_threads):
            assert _core.n_threads() == n_threads
            clf = small(hidden_layer_sizes=(70, 33), max_iter=1, **kind).fit(X, y)
            results.append([*clf.coefs_, clf.predict(X), clf.predict_proba(X)])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert_array_equal(a, b)


@pytest.fixture(scope="module")
def on_first_simd(yin_yang):
    """What is computed on one of the instruction sets."""
    return {}


@every_fixed
def test_same_bits_on_every_instruction_set(yin_yang, kind, every_simd, on_first_simd):
    X, y = yin_yang
    clf = small(hidden_layer_sizes=(37,), **kind).fit(X, y)
    results = [*clf.coefs_, *clf.spike_times(X), clf.predict_proba(X), clf.predict(X)]
    assert clf._network.core.simd == every_simd
    first = on_first_simd.setdefault(str(kind), results)
    for a, b in zip(first, results, strict=True):
        assert_array_equal(a, b)


@every_kind
def test_other_seed_other_weights(iris, kind):
    one, two, again = (
        small(**kind | {"random_state": k}).fit(*iris) for k in (0, 1, 0)
    )
    assert not np.array_equal(one.coefs_[0], two.coefs_[0])
    assert_same_weights(one, again)
    assert one.loss_curve_ == again.loss_curve_


@every_kind
def test_pickle_and_clone(iris, kind):
    X, y = iris
    clf = small(**kind).partial_fit(X[::2], y[::2], classes=[0, 1, 2])
    again = pickle.loads(pickle.dumps(clf))
    assert_array_equal(clf.predict_proba(X), again.predict_proba(X))
    for _ in range(3):
        clf.partial_fit(X[1::2], y[1::2])
        again.partial_fit(X[1::2], y[1::2])
    assert_same_weights(clf, again)
    assert clf.loss_curve_ == again.loss_curve_
    fresh = clone(clf)
    assert not hasattr(fresh, "coefs_")
    assert fresh.get_params() == clf.get_params()


# -- Schedules ---------------------------------------------------------------------


@every_kind
def test_warm_start_continues(yin_yang, kind):
    X, y = yin_yang
    clf = small(warm_start=True, max_iter=10, **kind).fit(X, y)
    first, losses = clf.coefs_[0].copy(), list(clf.loss_curve_)
    clf.fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 20
    assert clf.loss_curve_[:10] == losses
    assert clf.loss_curve_[10] < losses[0]
    assert not np.array_equal(first, clf.coefs_[0])


@every_kind
def test_warm_start_goes_on_where_it_was(yin_yang, kind):
    """At a rate of next to nothing the model stays, and its loss with it."""
    X, y = yin_yang
    clf = small(warm_start=True, max_iter=20, weight_decay=0.0, **kind).fit(X, y)
    before = clf.predict_proba(X)
    clf.set_params(learning_rate_init=1e-9, max_iter=1).fit(X, y)
    assert np.mean(np.abs(clf.predict_proba(X) - before)) < 0.02


@pytest.mark.parametrize("kind", [LOCAL, ACCUMULATORS], ids=["local", "accumulators"])
def test_warm_start_continues_the_registers(iris, kind):
    X, y = iris
    clf = small(warm_start=True, **kind).fit(X, y)
    before = pickle.loads(pickle.dumps(clf._fixed))
    anew = small(**kind).partial_fit(X, y, classes=[0, 1, 2])
    clf.fit(X, y)
    for a, b, c in zip(
        before.layers, clf._fixed.layers, anew._fixed.layers, strict=True
    ):
        assert np.all(a.lfsr != b.lfsr)
        assert not np.array_equal(b.lfsr, c.lfsr)


@pytest.mark.parametrize(
    "change",
    [
        {"gradient": "exact"},
        {"arithmetic": "float32"},
        {"weight_bits": 5},
        {"accumulator_bits": 16},
        {"tick": 1 / 32},
        {"kernel": "linear"},
        {"feedback": "direct"},
        {"rounding": "floor"},
    ],
    ids=str,
)
def test_network_cannot_change_under_its_weights(iris, change):
    (name,) = change
    clf = small(warm_start=True, **LOCAL).fit(*iris)
    before = clf.predict_proba(iris[0])
    clf.set_params(**change)
    with pytest.raises(ValueError, match=f"{name} was .* warm_start=False"):
        clf.fit(*iris)
    with pytest.raises(ValueError, match=f"{name} was"):
        clf.partial_fit(*iris)
    assert_array_equal(clf.predict_proba(iris[0]), before)


@every_kind
@pytest.mark.parametrize("tol", [0.0, 0.05])
def test_early_stopping_restores_the_best(yin_yang, kind, tol):
    X, y = yin_yang
    clf = small(
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=30,
        max_iter=30,
        tol=tol,
        **kind,
    ).fit(X, y)
    _, X_val, _, y_val = train_test_split(
        X, y, test_size=180, stratify=y, random_state=np.random.RandomState(0)
    )
    assert clf.best_validation_score_ == max(clf.validation_scores_)
    assert min(clf.validation_scores_) < clf.best_validation_score_
    assert clf.score(X_val, y_val) == clf.best_validation_score_
    if kind is not FLOAT_LOCAL:
        for layer, weights in zip(clf._fixed.layers, clf.coefs_, strict=True):
            if kind is not EXACT:
                assert_array_equal(layer.integers(), weights)
    # What is restored is what is continued.
    clf.set_params(warm_start=True, learning_rate_init=1e-9, max_iter=1).fit(X, y)
    assert clf.validation_scores_[-1] > clf.best_validation_score_ - 0.03


@every_kind
def test_constant_rate_stops_when_the_loss_stalls(iris, kind):
    clf = small(
        learning_rate="constant", tol=100.0, max_iter=50, n_iter_no_change=3, **kind
    )
    assert clf.fit(*iris).n_iter_ == 5


def interrupt_in_epoch(monkeypatch, n):
    """Raise KeyboardInterrupt in the middle of epoch n."""
    for module, name in (
        (ttfs._classifier, "LocalTrainer"),
        (ttfs._classifier, "QuantizedTrainer"),
    ):
        trainer = getattr(module, name)

        class Interrupted(trainer):
            n_epochs = 0

            def epoch(self, spikes, labels, factors, order, batch_size, rates):
                self.n_epochs += 1
                if self.n_epochs == n:
                    order, rates = order[: 3 * batch_size], rates[:3]
                args = spikes, labels, factors, order, batch_size, rates
                loss = super().epoch(*args)
                if self.n_epochs == n:
                    raise KeyboardInterrupt
                return loss

        monkeypatch.setattr(module, name, Interrupted)


@every_fixed
def test_interrupt_keeps_the_model(iris, monkeypatch, kind):
    X, y = iris
    batches = {"batch_size": 10, "learning_rate": "constant", "max_iter": 40}
    with monkeypatch.context() as patch:
        interrupt_in_epoch(patch, 3)
        with pytest.warns(UserWarning, match="interrupted in epoch 3"):
            clf = small(**kind, **batches).fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 2
    with pytest.warns(ConvergenceWarning):
        two = small(**kind, **batches | {"max_iter": 2}).fit(X, y)
    assert two.loss_curve_ == clf.loss_curve_
    # The steps of the third epoch count too.
    assert not np.array_equal(two.coefs_[0], clf.coefs_[0])
    assert np.isfinite(clf.predict_proba(X)).all()
    assert clf.partial_fit(X, y).n_iter_ == 3


@every_kind
def test_a_call_that_fails_leaves_the_model_as_it_was(iris, kind):
    X, y = iris
    clf = small(warm_start=True, **kind).fit(X, y)
    before, state = clf.predict_proba(X), pickle.dumps(vars(clf))
    bad = X.copy()
    bad[0, 0] = np.nan
    for call in (
        lambda: clf.fit(bad, y),
        lambda: clf.fit(X[:, :2], y),
        lambda: clf.fit(X[:50], y[:50]),
        lambda: clf.partial_fit(X, y + 5),
        lambda: clf.set_params(tick=1e-9).fit(X, y),
        lambda: clf.set_params(t_max=1e9, warm_start=False).fit(X, y),
    ):
        with pytest.raises(ValueError, match=r".+"):
            call()
        assert_array_equal(clf.predict_proba(X), before)
        assert clf.n_iter_ == len(clf.loss_curve_) == 5
    clf.set_params(tick=None, t_max=None, warm_start=True)
    assert pickle.dumps(vars(clf)) == state


# -- Parameters that may change ----------------------------------------------------


@pytest.mark.parametrize("kind", [LOCAL, ACCUMULATORS], ids=["local", "accumulators"])
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


# -- Predictions -------------------------------------------------------------------


@every_fixed
@pytest.mark.parametrize("time_scale", [None, 0.002, 3.0])
def test_decisions_agree_with_each_other(kind, time_scale):
    X, y = make_yin_yang(1500, random_state=0)
    clf = small(time_scale=time_scale, max_iter=1, tick=1 / 16, t_max=1.0, **kind)
    clf.set_params(learning_rate_init=1e-9, weight_decay=0.0).fit(X[:300], y[:300])
    scores, p = clf.decision_function(X), clf.predict_proba(X)
    output = clf.spike_times(X)[-1]
    # The cases that matter are there.
    first = output.min(axis=1, keepdims=True)
    assert np.any((output == first).sum(axis=1) > 1)  # ties
    silent = np.isinf(output).all(axis=1)
    assert np.any(silent)
    assert not np.all(silent)
    assert_allclose(p.sum(axis=1), 1.0)
    assert_allclose(np.exp(clf.predict_log_proba(X)), p, atol=1e-12)
    assert_array_equal(clf.predict(X), scores.argmax(axis=1))
    assert_array_equal(clf.predict(X), p.argmax(axis=1))
    # The first spike wins; silent outputs are behind all spikes.
    chosen = output[np.arange(1500), clf.predict(X)]
    assert_array_equal(chosen, first[:, 0])
    times = -scores * clf.time_scale_
    fired = np.isfinite(output)
    assert np.all(output[fired] - times[fired] < clf.tick_)
    assert np.all(output[fired] - times[fired] > -1e-6)
    assert times[~fired].min() >= clf.t_max_


@every_fixed
@pytest.mark.parametrize("tau", [1.0, 5.0])
def test_silent_outputs_are_late_by_what_they_missed(iris, kind, tau):
    X, y = iris
    clf = small(max_iter=1, tau_mem=tau, tau_syn=tau, **kind).fit(X, y)
    clf.coefs_ = [np.zeros_like(weights) for weights in clf.coefs_]
    times = -clf.decision_function(X) * clf.time_scale_
    # Two tau_syn for each threshold.
    assert_allclose(times, clf.t_max_ + 2 * tau, rtol=1e-3)


@every_fixed
def test_binary_decision_function_is_positive_for_the_second_class(iris, kind):
    X, y = iris
    clf = small(tick=1 / 8, **kind).fit(X[:100], np.array(["no", "yes"])[y[:100]])
    scores = clf.decision_function(X)
    assert scores.shape == (150,)
    assert_array_equal(clf.predict(X), np.where(scores > 0, "yes", "no"))
    p = clf.predict_proba(X)
    assert_array_equal(clf.predict(X), clf.classes_[p.argmax(axis=1)])
    assert_allclose(scores, np.log(p[:, 1]) - np.log(p[:, 0]), rtol=1e-9, atol=1e-9)


@every_fixed
@pytest.mark.parametrize("tick", [None, 0.0123, 1 / 8])
def test_times_are_on_the_grid(iris, kind, tick):
    X, y = iris
    clf = small(tick=tick, t_max=1.777, **kind).fit(X, y)
    assert clf.tick_ == tick or 1 / 64
    n_ticks = clf.t_max_ / clf.tick_
    assert n_ticks == np.rint(n_ticks)
    assert abs(clf.t_max_ - 1.777) <= clf.tick_ / 2
    for bias_times in clf.bias_times_:
        assert_allclose(bias_times / clf.tick_, np.rint(bias_times / clf.tick_))
    for times in clf.spike_times(X):
        ticks = times[np.isfinite(times)] / clf.tick_
        assert ticks.size
        assert_allclose(ticks, np.rint(ticks), atol=1e-4)
        assert 0 <= ticks.min()
        assert ticks.max() < n_ticks - 0.5


def test_default_tick_is_a_fraction_of_tau_syn(iris):
    for tau in (1.0, 0.25):
        clf = small(tau_syn=tau, **EXACT).fit(*iris)
        assert clf.tick_ == tau / 64


@every_fixed
def test_prediction_does_not_depend_on_the_rest_of_the_batch(iris, kind):
    X, y = iris
    clf = small(**kind).fit(X, y)
    whole = clf.predict_proba(X)
    assert_array_equal(whole[37:38], clf.predict_proba(X[37:38]))
    assert_array_equal(whole[::-1], clf.predict_proba(X[::-1]))
    assert_array_equal(clf.predict(np.tile(X, (9, 1)))[-150:], clf.predict(X))


@every_fixed
def test_parameters_set_after_fit_do_not_change_predictions(iris, kind):
    X, y = iris
    clf = small(**kind).fit(X, y)
    before, times = clf.predict(X), clf.spike_times(X)
    clf.set_params(tau_mem=50.0, t_max=0.5, encoder="latency", time_scale=7.0)
    clf.set_params(tick=0.25, weight_bits=2, arithmetic="float64", gradient="exact")
    assert_array_equal(clf.predict(X), before)
    for a, b in zip(clf.spike_times(X), times, strict=True):
        assert_array_equal(a, b)


# -- Mistakes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameter",
    [
        {"gradient": "surrogate"},
        {"weight_bits": 1},
        {"weight_bits": 9},
        {"weight_bits": 6.0},
        {"accumulator_bits": 3},
        {"accumulator_bits": 17},
        {"tick": 0.0},
        {"tick": "short"},
        {"kernel": "alpha"},
        {"feedback": "none"},
        {"rounding": "nearest"},
        {"learning_rate_init": "fast"},
    ],
    ids=str,
)
def test_invalid_parameters_are_named(iris, parameter):
    (name,) = parameter
    with pytest.raises(ValueError, match=f"'{name}'"):
        small(**LOCAL | parameter).fit(*iris)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (EXACT | {"delays": "axonal"}, "delays='axonal' .* arithmetic='fixed'"),
        (LOCAL | {"delays": "synaptic"}, "delays='synaptic' is not supported"),
        (FLOAT_LOCAL | {"delays": "axonal"}, "delays='axonal' .* gradient='local'"),
        (LOCAL | {"loss": "squared_error"}, "loss='cross_entropy'"),
        (LOCAL | {"loss": "shift_invariant"}, "loss='cross_entropy'"),
        (LOCAL | {"early_firing": 0.1}, "early_firing=0"),
        (LOCAL | {"accumulator_bits": 7}, "at least weight_bits . 2 = 8"),
        (EXACT | {"weight_bits": 8, "accumulator_bits": 9}, "at least .* 10"),
        (EXACT | {"tick": 1e-6}, "tick=1e-06 divides .* needs 2 to 16384"),
        (EXACT | {"tick": 5.0}, "tick=5 divides .* needs 2 to 16384"),
        (LOCAL | {"tick": 1.4}, "tick=1.4 divides .* into 1 ticks"),
        (LOCAL | {"hidden_layer_sizes": (65_505,)}, "65504 neurons"),
        (EXACT | {"hidden_layer_sizes": (4, 65_505)}, "65504 neurons"),
    ],
    ids=str,
)
def test_impossible_parameters_are_explained(iris, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(t_max=2.0, **parameters).fit(*iris)


@pytest.mark.parametrize("weight", ["balanced", {0: 1, 1: 1, 2: 2}], ids=str)
def test_partial_fit_has_no_class_weight_on_chip(iris, weight):
    clf = small(class_weight=weight, **LOCAL)
    with pytest.raises(ValueError, match="partial_fit does not support class_weight"):
        clf.partial_fit(*iris, classes=[0, 1, 2])


def test_channels_of_integers_are_limited():
    X = csr_array(([1.0, 1.0], ([0, 1], [0, 65_504])), shape=(2, 65_505))
    with pytest.raises(ValueError, match="at most 65504 neurons in a layer"):
        small(encoder="latency", **EXACT).fit(X, [0, 1])
    X = csr_array(([1.0, 1.0], ([0, 1], [0, 65_503])), shape=(2, 65_504))
    clf = small(hidden_layer_sizes=(), max_iter=1, encoder="latency", **LOCAL)
    assert clf.fit(X, [0, 1]).coefs_[0].shape == (65_505, 2)


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


@pytest.mark.parametrize(
    "parameters",
    [
        {"tick": 1 / 4000},
        {"tau_mem": 0.01},
        {"input_dropout": 0.999},
        {"time_scale": 1e-9},
        {"time_scale": 1e9},
        {"learning_rate_init": 1e-12},
        {"learning_rate_init": 1e12},
        {"weight_decay": 1e9},
        {"batch_size": 1},
        {"threshold": 1e-6},
        {"tau_mem": 1e-6, "tau_syn": 1e-6},
        {"tau_syn": 1e6, "tau_mem": 1e6},
        {"t_max": 200.0},
        {"t_max": 0.05},
    ],
    ids=str,
)
@every_fixed
def test_extremes_are_no_errors(iris, kind, parameters):
    clf = small(max_iter=2, **kind).set_params(**parameters).fit(*iris)
    assert np.isfinite(clf.predict_proba(iris[0])).all()


@every_fixed
@pytest.mark.parametrize("n_bits", [2, 8])
def test_very_many_active_inputs(kind, n_bits):
    rng = np.random.default_rng(0)
    X, y = rng.uniform(1, 2, (12, 9000)), np.arange(12) % 2
    clf = small(hidden_layer_sizes=(3,), weight_bits=n_bits, max_iter=1, **kind)
    assert clf.fit(X, y).predict_proba(X).shape == (12, 2)


@pytest.mark.parametrize("tau_mem", [1e-4, 1e-3])
def test_a_threshold_of_few_units_is_an_error(iris, tau_mem):
    with pytest.raises(ValueError, match=r"tau_mem=.* is too short"):
        TTFSClassifier(tau_mem=tau_mem, arithmetic="fixed").fit(*iris)


@pytest.mark.parametrize("arithmetic", ["float32", "fixed"])
def test_one_sample_has_no_range(iris, arithmetic):
    X, y = iris
    clf = TTFSClassifier((5,), arithmetic=arithmetic, gradient="local")
    with pytest.raises(ValueError, match="none of them varies"):
        clf.partial_fit(X[:1], y[:1], classes=[0, 1, 2])
    assert not hasattr(clf, "coefs_")


def test_class_weights_of_zero_are_an_error(iris):
    clf = TTFSClassifier((5,), class_weight={0: 0, 1: 0, 2: 0}, **LOCAL)
    with pytest.raises(ValueError, match="not all 0"):
        clf.fit(*iris)


def test_a_coarse_tick_leaves_a_graded_error(iris):
    clf = TTFSClassifier((5,), tick=0.5, max_iter=1, **LOCAL).fit(*iris)
    assert clf.time_scale_ == 0.25
    assert len(clf._fixed.softmax) > 2


@pytest.mark.parametrize("kind", [LOCAL, ACCUMULATORS], ids=["6 bits", "16 bits"])
def test_learning_goes_on_after_fit(kind):
    X, y = make_yin_yang(1500, random_state=0)
    more, labels = make_yin_yang(500, random_state=2)
    clf = TTFSClassifier((60,), random_state=0, **kind).fit(X, y)
    before = clf.score(X, y)
    for k in range(len(more)):
        clf.partial_fit(more[k : k + 1], labels[k : k + 1])
    assert clf.score(X, y) > before - 0.06
