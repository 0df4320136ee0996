"""S4NN: spike times and learning against a slow twin and by hand; the estimator."""

import itertools
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import coo_array, csc_matrix, csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from ttfs._baselines import StepNetwork, StepSpikes

from tests.twins.s4nn_twin import Twin
from ttfs import TRUSTED_TYPES
from ttfs.baselines import RateClassifier, S4NNClassifier
from ttfs.baselines.step_code import StepCode

# 15 steps, so that many neurons fire in the same one.
N_STEPS = 15


def random_network(sizes, rng):
    """Weights with which neurons fire in any step, or not at all."""
    return [
        (360 * rng.uniform(-1, 2, (n_in, n_out)) / n_in).astype(np.float32)
        for n_in, n_out in itertools.pairwise(sizes)
    ]


def random_steps(n_samples, n_in, rng):
    """Steps of inputs, some of which have no spike; one sample has none at all."""
    steps = rng.randint(0, N_STEPS + 3, (n_samples, n_in)).astype(np.int32)
    steps[n_samples // 2] = N_STEPS
    return steps


def step_network(weights):
    return StepNetwork([w.astype(np.float32) for w in weights], N_STEPS, 100.0)


def learn(network, spikes, labels, rates, *, order=(0,), decay=0.0, gamma=3.0):
    """The number of right answers, the loss, and how often each neuron has fired."""
    n_fired = np.zeros(network.n_neurons, np.uintp)
    labels, order = np.array(labels, np.uint32), np.array(order, np.uintp)
    rates = np.asarray(rates, float)
    return *network.learn(spikes, labels, order, rates, decay, gamma, n_fired), n_fired


def twin_of(weights, **options):
    return Twin([w.astype(float) for w in weights], N_STEPS, **options)


# -- The core ----------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(8, 3), (12, 9, 3), (10, 9, 17, 11, 4)])
def test_spikes_are_those_of_the_twin(sizes):
    rng = np.random.RandomState(0)
    weights, steps = random_network(sizes, rng), random_steps(80, sizes[0], rng)
    twin = twin_of(weights)
    expected = [twin.run(np.minimum(row, N_STEPS)) for row in steps]
    assert min(twin.margins) > 1e-4  # so that single precision fires alike

    spikes = StepSpikes([steps[:30], steps[30:]], sizes[0], N_STEPS)
    times, membranes = step_network(weights).run(spikes)
    assert_array_equal(times, [np.concatenate(t[1:]) for t, _ in expected])
    assert_allclose(membranes, [m for _, m in expected], rtol=1e-5, atol=1e-3)
    outputs = times[:, -sizes[-1] :]
    n_first = (outputs == outputs.min(axis=1, keepdims=True)).sum(axis=1)
    assert (n_first == 1).any()
    assert (n_first > 1).any()
    assert (times == N_STEPS).any()
    assert (times < N_STEPS).any()


@pytest.mark.parametrize(
    ("sizes", "weight_decay"),  # 0.5: weights are rescaled
    [((8, 3), 0.5), ((12, 9, 3), 0.0), ((10, 9, 17, 11, 4), 0.01), ((12, 9, 3), 0.5)],
)
def test_learning_is_that_of_the_twin(sizes, weight_decay):
    rng = np.random.RandomState(1)
    weights, steps = random_network(sizes, rng), random_steps(40, sizes[0], rng)
    labels, order = rng.randint(sizes[-1], size=40), rng.permutation(40)
    rates = rng.uniform(0.5, 1.0, len(weights))
    twin = twin_of(weights, rates=rates, weight_decay=weight_decay, gamma=2.0)
    network = step_network(weights)
    spikes = StepSpikes([steps], sizes[0], N_STEPS)
    inputs = np.minimum(steps, N_STEPS)

    runs = [(twin.run(inputs[i])[0], twin.learn(inputs[i], labels[i])) for i in order]
    n_correct, loss, n_fired = learn(
        network, spikes, labels, rates, order=order, decay=weight_decay, gamma=2.0
    )
    assert min(twin.margins) > 1e-4
    for found, expected in zip(network.weights, twin.weights, strict=True):
        # Sums of 40 updates of about 1 in single precision.
        assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert_allclose(loss, sum(loss for _, loss in runs), rtol=1e-6)
    times = [np.concatenate(times[1:]) for times, _ in runs]
    assert_array_equal(n_fired, (np.array(times) < N_STEPS).sum(axis=0))
    outputs = [
        (times[-1], labels[i]) for (times, _), i in zip(runs, order, strict=True)
    ]
    assert n_correct == sum(t[y] == t.min() < N_STEPS for t, y in outputs)


def test_one_sample_by_hand():
    # Input 0 in step 0, input 1 in step 4. Neuron 0 has V = 120 from step 0 on and
    # fires at 1; neuron 1 has 60, 120 and fires at 5. Output 0 has 110 from step 1 on
    # and fires at 2; output 1 has 50, 130 and fires at 6.
    weights = [np.array([[120, 60], [10, 60]]), np.array([[110, 50], [20, 80]])]
    network = step_network(weights)
    spikes = StepSpikes([np.array([[0, 4]], np.int32)], 2, N_STEPS)
    times, membranes = network.run(spikes)
    assert_array_equal(times, [[1, 5, 2, 6]])
    assert_allclose(membranes, [[110, 50]])  # in step 1, which output 0 answers

    # The label is output 1: T = (2 + 3, 2), d = (3, -4) / 15, normalised (0.6, -0.8).
    # Neuron 0 spikes before both outputs, neuron 1 before output 1 only.
    assert learn(network, spikes, [1], [0.5, 1.0], decay=0.01)[0] == 0
    output = 0.99 * np.array([[110 - 0.6, 50 + 0.8], [20, 80 + 0.8]])
    assert_allclose(network.weights[1], output, rtol=1e-6)
    # Errors of the neurons, with the new weights; input 0 spikes before both neurons,
    # input 1 before neuron 1 only.
    d = np.array([0.6 * output[0, 0] - 0.8 * output[0, 1], -0.8 * output[1, 1]])
    d /= np.hypot(*d)
    hidden = 0.995 * (weights[0] - 0.5 * d * [[1, 1], [0, 1]])
    assert_allclose(network.weights[0], hidden, rtol=1e-6)


@pytest.mark.parametrize(
    ("times", "label", "expected"),
    [
        ([15, 15, 15], 1, [15, 12, 15]),  # nothing fires
        ([4, 9, 15], 0, [4, 9, 15]),  # right, by a margin: nothing to learn
        ([4, 6, 7], 0, [4, 7, 7]),  # right, but 6 is too close
        ([4, 4, 15], 1, [7, 4, 15]),  # a tie
        ([4, 9, 15], 2, [7, 9, 4]),  # the label is silent
        ([13, 15, 15], 2, [15, 15, 13]),  # no target is later than the end
    ],
)
def test_targets(times, label, expected):
    twin = Twin([], N_STEPS)
    assert_array_equal(twin.targets(np.array(times), label), expected)

    # One input in step 0, whose weights are above the threshold for the neurons that
    # are in the place of hidden ones: output j fires at times[j].
    chain = np.zeros((15, 3), np.float32)
    for j, time in enumerate(times):
        if time < N_STEPS:
            chain[time - 1, j] = 101.0
    steps = np.arange(15, dtype=np.int32)[np.newaxis]
    network = step_network([chain])
    spikes = StepSpikes([steps], 15, N_STEPS)
    assert_array_equal(network.run(spikes)[0], [times])
    _, loss, _ = learn(network, spikes, [label], [0.1])
    d = (np.array(expected) - times) / N_STEPS
    assert_allclose(loss, (d**2).sum() / 2, rtol=1e-6)
    norm = np.sqrt((d**2).sum())
    unit = d / norm if norm > 0 else d
    has_arrived = np.arange(15)[:, np.newaxis] < np.array(times)
    assert_allclose(network.weights[0], chain - 0.1 * unit * has_arrived, rtol=1e-6)


def test_spikes_are_sorted_by_step_and_input():
    steps = np.array([[3, 1, 9, 1], [9, 9, 9, 9], [0, 2, 0, 8]], np.int32)
    spikes = StepSpikes([steps[:2], steps[2:]], 4, 9)
    assert_array_equal(spikes.begin, [0, 3, 3, 7])
    assert_array_equal(spikes.inputs[:7], [1, 3, 0, 0, 2, 1, 3])
    assert_array_equal(spikes.steps[:7], [1, 1, 3, 0, 0, 2, 8])
    assert len(spikes) == 3


def good_learning():
    rng = np.random.RandomState(0)
    weights = random_network((4, 3, 2), rng)
    return {
        "spikes": StepSpikes([random_steps(5, 4, rng)], 4, N_STEPS),
        "labels": np.zeros(5, np.uint32),
        "order": np.arange(5, dtype=np.uintp),
        "rates": np.full(2, 0.2),
        "weight_decay": 0.0,
        "gamma": 3.0,
        "n_fired": np.zeros(5, np.uintp),
    }, weights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(4, np.uint32)}, "4 labels do not fit 5 samples"),
        ({"labels": np.full(5, 2, np.uint32)}, "labels must be below 2"),
        ({"order": np.array([5], np.uintp)}, "order must be below 5"),
        ({"rates": np.full(3, 0.2)}, "rates must be 2 positive"),
        ({"rates": np.array([0.2, 0.0])}, "rates must be 2 positive"),
        ({"rates": np.array([0.2, np.nan])}, "rates must be 2 positive"),
        ({"weight_decay": 5.0}, "less than 1 / rate"),
        ({"weight_decay": -1.0}, "less than 1 / rate"),
        ({"gamma": 0.0}, "gamma must be positive"),
        ({"n_fired": np.zeros(4, np.uintp)}, "n_fired must have shape"),
        (
            {"spikes": StepSpikes([np.zeros((5, 3), np.int32)], 3, N_STEPS)},
            "do not fit",
        ),
        ({"spikes": StepSpikes([np.zeros((5, 4), np.int32)], 4, 9)}, "do not fit"),
    ],
)
def test_bad_arguments_do_not_reach_the_core(change, message):
    arguments, weights = good_learning()
    network = step_network(weights)
    with pytest.raises(ValueError, match=message):
        network.learn(**{**arguments, **change})
    for found, before in zip(network.weights, weights, strict=True):
        assert_array_equal(found, before)


def test_bad_networks_and_spikes_are_refused():
    one = np.ones((4, 3), np.float32)
    for weights, n_steps, threshold in [
        ([], 9, 1.0),
        ([one, one], 9, 1.0),
        ([one[:0]], 9, 1.0),
        ([one], 0, 1.0),
        ([one], 65_536, 1.0),
        ([one], 9, 0.0),
    ]:
        with pytest.raises(ValueError, match="must"):
            StepNetwork(weights, n_steps, threshold)
    with pytest.raises(ValueError, match="negative"):
        StepSpikes([np.array([[-1]], np.int32)], 1, 9)
    with pytest.raises(ValueError, match="steps must have shape"):
        StepSpikes([np.array([[1]], np.int32)], 2, 9)
    arguments, weights = good_learning()
    for w in weights:
        w.flags.writeable = False
    network = StepNetwork(weights, N_STEPS, 100.0)
    network.run(arguments["spikes"])
    with pytest.raises(ValueError, match="writeable"):
        network.learn(**arguments)


# -- Features ----------------------------------------------------------------------


def test_the_code_of_images_is_the_published_one():
    grey = np.arange(256)
    X = np.repeat(grey[:, np.newaxis], 2, axis=1)
    X[:200, 1] = 0
    for scaled in (X.astype(float), (X / 255).astype(np.float32)):
        code = StepCode.learn(scaled, "auto", "auto")
        assert not code.complement
        assert code.n_steps == 256
        steps = code.steps(scaled)
        assert_array_equal(steps[:, 0], (255 - grey) * 256 // 255)
        assert (steps[X == 0] == 256).all()  # black has no spike


def test_features_of_a_table_have_complements():
    X = np.array([[-1.0, 5, 3], [0.0, 9, 3], [1.0, 7, 3]])
    code = StepCode.learn(X, "auto", 10)
    assert code.complement
    assert_array_equal(
        code.steps(X),
        [[10, 10, 10, 0, 0, 10], [5, 0, 10, 5, 10, 10], [0, 5, 10, 10, 5, 10]],
    )
    far = code.steps([[9.0, -9, 3], [-1e308, 1e308, 1e308]])  # clipped
    assert_array_equal(far, [[0, 10, 10, 10, 0, 10], [10, 0, 10, 0, 10, 10]])


@pytest.mark.parametrize(
    ("n_values", "encoder", "n_steps"),
    [(17, "latency", 17), (3, "latency", 16), (1000, "latency", 256)],
)
def test_there_are_as_many_steps_as_values(n_values, encoder, n_steps):
    X = np.arange(n_values, dtype=float)[:, np.newaxis] * [1, 1]
    assert StepCode.learn(X, encoder, "auto").n_steps == n_steps
    # Here they are counted for each feature.
    apart = X + np.array([0, 0.5])
    assert StepCode.learn(apart, "complement", "auto").n_steps == n_steps
    if n_values == 17:
        assert StepCode.learn(apart, encoder, "auto").n_steps == 34


def test_initial_weights_are_the_published_ones_for_150_active_inputs():
    rng = np.random.RandomState(0)
    X = np.zeros((300, 784))
    for row in X:
        row[rng.choice(784, 150, replace=False)] = rng.randint(1, 256, 150)
    clf = S4NNClassifier(max_iter=1, learning_rate_init=1e-9, random_state=0)
    clf.fit(X, np.arange(300) % 10)
    assert_allclose(clf.init_ranges_, [[0, 5], [0, 48]], rtol=1e-12)
    for weights, (low, high) in zip(clf.coefs_, clf.init_ranges_, strict=True):
        assert low <= weights.min() < weights.max() <= high
        assert_allclose(weights.mean(), high / 2, rtol=0.05)


# -- The estimator -----------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:1000], y[:1000], X[1000:], y[1000:]


@pytest.fixture(scope="module")
def fitted(digits):
    X, y, *_ = digits
    return S4NNClassifier((200,), max_iter=30, random_state=0).fit(X, y)


def test_digits_are_learned(fitted, digits):
    assert fitted.score(*digits[2:]) > 0.85
    assert fitted.n_steps_ == 17  # grey levels
    assert len(fitted.loss_curve_) == fitted.n_iter_ == 30
    assert fitted.loss_ < fitted.loss_curve_[0] / 5


def test_several_hidden_layers_learn(digits):
    X, y, X_test, y_test = digits
    clf = S4NNClassifier((60, 60), max_iter=10, learning_rate_init=0.2, random_state=0)
    assert clf.fit(X, y).score(X_test, y_test) > 0.3  # the rule is no good at depth
    frozen = clf.set_params(learning_rate_init=1e-6).fit(X, y)
    assert frozen.score(X_test, y_test) < 0.2
    assert clf.n_layers_ == 4


def with_weights(weights, n_steps=10):
    """An estimator of two features and three classes, "a", "b", "c"."""
    X = np.array([[0.0, 0], [1, 0], [0, 1]])
    clf = S4NNClassifier((), n_steps=n_steps, encoder="latency", max_iter=1)
    clf.fit(X, ["a", "b", "c"])
    clf.coefs_ = [np.asarray(weights, np.float32)]
    return clf


def test_ties_are_decided_by_membranes_and_counted_in_three_ways():
    # Input 0 alone: "a" and "b" fire in the same step, "b" with the higher membrane;
    # input 1 alone: "c" fires first; neither: nothing fires.
    clf = with_weights([[110, 120, 0], [0, 0, 130]])
    X = [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    assert_array_equal(clf.predict(X)[:2], ["b", "c"])
    counts = {
        ("b", "c", "a"): (2 / 3, 1 / 3),
        ("a", "c", "a"): (1 / 3, 1 / 3),
        ("c", "a", "a"): (0, 0),
    }
    for y, (first_spike, strict) in counts.items():
        assert clf.first_spike_score(X, y) == pytest.approx(first_spike)
        assert clf.strict_score(X, y) == pytest.approx(strict)
    # The authors take any of the first outputs; three equal membranes are a tie too.
    assert clf.published_score(X, ["b", "c", "a"]) == 1
    assert clf.published_score(X, ["a", "c", "b"]) == 1
    assert clf.published_score(X, ["c", "c", "b"]) == pytest.approx(2 / 3)
    weights = [2.0, 1.0, 0.0]
    assert clf.published_score(X, ["c", "c", "b"], weights) == pytest.approx(1 / 3)


def test_silent_outputs_are_decided_by_membranes():
    clf = with_weights([[10, 90, 20], [-30, -20, -10]])
    assert_array_equal(clf.predict([[1.0, 0.0], [0.0, 1.0]]), ["b", "c"])
    assert clf.published_score([[1.0, 0.0]], ["b"]) == 1
    assert clf.first_spike_score([[1.0, 0.0]], ["b"]) == 0


def test_a_membrane_at_the_threshold_does_not_fire():
    clf = with_weights([[100, 0, 0], [0, np.nextafter(np.float32(100), 101), 0]])
    times = clf.spike_times([[1.0, 1.0]])[1]
    assert_array_equal(times, [[np.inf, 1, np.inf]])


def test_an_earlier_spike_wins_over_any_membrane():
    # "a" fires in the first step, "b" with a huge membrane one step later.
    clf = with_weights([[101, 0, 0], [0, 1e6, 0]])
    X = [[1.0, 0.85]]
    assert_array_equal(np.diff(clf.spike_times(X)[1][:, :2]), [[1]])
    assert_array_equal(clf.predict(X), ["a"])


def test_probabilities_and_decisions_agree_with_predictions(fitted, digits):
    X = digits[2]
    predicted = fitted.predict(X)
    scores, p = fitted.decision_function(X), fitted.predict_proba(X)
    assert_array_equal(fitted.classes_[scores.argmax(axis=1)], predicted)
    assert_array_equal(fitted.classes_[p.argmax(axis=1)], predicted)
    assert_allclose(p.sum(axis=1), 1)
    assert_allclose(np.exp(fitted.predict_log_proba(X)), p)
    outputs = np.minimum(fitted.spike_times(X)[-1], 17)
    assert ((outputs - 1 < -scores) & (-scores < outputs)).all()


def test_samples_do_not_depend_on_each_other(fitted, digits):
    X = digits[2][:50]
    rows = [fitted.decision_function(x[np.newaxis]) for x in X]
    assert_array_equal(np.concatenate(rows), fitted.decision_function(X))
    # As many as are divided among threads.
    many = np.tile(X, (100, 1))
    assert_array_equal(
        fitted.decision_function(many), np.tile(np.concatenate(rows), (100, 1))
    )


def test_the_same_seed_gives_the_same_bits(digits):
    X, y, *_ = digits
    make = S4NNClassifier((20,), max_iter=3, random_state=3)
    first, second = make.fit(X, y).coefs_, make.fit(X, y).coefs_
    other = make.set_params(random_state=4).fit(X, y).coefs_
    for a, b, c in zip(first, second, other, strict=True):
        assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_dead_neurons_are_drawn_again(digits):
    X, y, *_ = digits
    clf = S4NNClassifier((30,), max_iter=1, shuffle=False, random_state=0)
    clf.set_params(learning_rate_init=1e-9)
    # With initial weights below 0 all hidden neurons are dead; with the second draw
    # they are too, but have other weights.
    ranges = [[-2.0, -1.0], [0.0, 48.0]]
    once = clf.set_params(init_ranges=ranges).fit(X, y)
    assert not np.isfinite(once.spike_times(X)[1]).any()
    first = once.coefs_
    second = clf.set_params(max_iter=2).fit(X, y).coefs_
    assert (first[0] != second[0]).mean() > 0.99
    assert (second[0] <= -1).all()
    assert (second[0] >= -2).all()
    assert_allclose(first[1], second[1], rtol=1e-5)
    # Neurons that fire stay as they are.
    clf.set_params(init_ranges="auto")
    living = [clf.set_params(max_iter=n).fit(X, y).coefs_[0] for n in (1, 2)]
    assert np.isfinite(clf.spike_times(X)[1]).any(axis=0).all()
    assert_allclose(*living, rtol=1e-5)


def test_partial_fit_learns_as_fit_does(digits):
    X, y, *_ = digits
    make = S4NNClassifier((20,), max_iter=2, learning_rate="constant", shuffle=False)
    make.set_params(random_state=0)
    at_once = make.fit(X, y)
    expected, losses = at_once.coefs_, at_once.loss_curve_
    parts = S4NNClassifier(**make.get_params())
    for _ in range(2):
        parts.partial_fit(X, y, classes=np.arange(10))
    for a, b in zip(expected, parts.coefs_, strict=True):
        assert_array_equal(a, b)
    assert parts.loss_curve_ == losses


def test_early_stopping_keeps_the_best_epoch(digits):
    X, y, *_ = digits
    clf = S4NNClassifier((30,), early_stopping=True, n_iter_no_change=3)
    clf.set_params(learning_rate="constant", random_state=0).fit(X, y)
    scores = clf.validation_scores_
    assert clf.best_validation_score_ == max(scores)
    assert len(scores) == clf.n_iter_ < 100
    # With `max_iter` at the best epoch the best weights are the last ones.
    best = int(np.argmax(scores)) + 1
    shorter = S4NNClassifier(**clf.get_params()).set_params(max_iter=best).fit(X, y)
    for a, b in zip(clf.coefs_, shorter.coefs_, strict=True):
        assert_array_equal(a, b)


def test_an_interrupt_keeps_what_was_learned(digits, monkeypatch):
    X, y, *_ = digits
    expected = S4NNClassifier((10,), max_iter=2, learning_rate="constant")
    expected.set_params(random_state=0).fit(X, y)
    clf = S4NNClassifier((10,), max_iter=5, learning_rate="constant", random_state=0)
    draw_again = S4NNClassifier._draw_again  # what an epoch begins with

    def interrupted(self, dead):
        if self.n_iter_ == 2:
            raise KeyboardInterrupt
        draw_again(self, dead)

    monkeypatch.setattr(S4NNClassifier, "_draw_again", interrupted)
    with pytest.warns(UserWarning, match="interrupted in epoch 3"):
        clf.fit(X, y)
    for a, b in zip(clf.coefs_, expected.coefs_, strict=True):
        assert_array_equal(a, b)


def test_a_failure_changes_nothing(digits):
    X, y, *_ = digits
    clf = S4NNClassifier((10,), max_iter=1, random_state=0).fit(X, y)
    before = pickle.dumps(clf.coefs_)
    for change in ({"init_ranges": [[0, 1]]}, {"hidden_layer_sizes": (3.5,)}):
        with pytest.raises(ValueError, match=next(iter(change))):
            S4NNClassifier.fit(clf.set_params(**change), X, y)
        clf.set_params(init_ranges="auto", hidden_layer_sizes=(10,))
    with pytest.raises(ValueError, match="not in classes"):
        clf.partial_fit(X[:2], [0, 11])
    assert pickle.dumps(clf.coefs_) == before
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict(X), clf.predict(X))
    assert "ttfs.baselines.s4nn.S4NNClassifier" in TRUSTED_TYPES


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_steps": 0}, "n_steps"),
        ({"n_steps": 70_000}, "n_steps"),
        ({"threshold": -1}, "threshold"),
        ({"encoder": "population"}, "encoder"),
        ({"gamma": 0}, "gamma"),
        ({"init_ranges": [[0, 1], [1, 0]]}, "lower ends first"),
        ({"init_ranges": [[0, 1], [1, np.nan]]}, "finite"),
        ({"weight_decay": 10.0, "learning_rate_init": 1.0}, "must be less than 1"),
        ({"early_stopping": True, "validation_fraction": 0.999}, "cannot split"),
        ({"learning_rate_init": 1e300}, "not finite|must be less"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_bad_parameters(params, message, digits):
    with pytest.raises(ValueError, match=message):
        S4NNClassifier((10,), max_iter=1).set_params(**params).fit(*digits[:2])


# -- Counts ------------------------------------------------------------------------


def counted(times, weights):
    """Causal events, and those until the decision, of one sample, in plain loops."""
    decision = times[-1].min()
    causal, until = [], []
    for sent, received, w in zip(times[:-1], times[1:], weights, strict=True):
        pairs = [
            (s, r)
            for i, s in enumerate(sent)
            for j, r in enumerate(received)
            if np.isfinite(s) and w[i, j] != 0 and s < r
        ]
        causal.append(len(pairs))
        until.append(sum(s < decision for s, _ in pairs))
    return causal, until


@pytest.fixture(scope="module")
def sparse(digits):
    """A network of two hidden layers, a third of whose weights are 0."""
    X, y, *_ = digits
    clf = S4NNClassifier((15, 12), n_steps=20, max_iter=10, random_state=0).fit(X, y)
    rng = np.random.RandomState(0)
    for weights in clf.coefs_:
        weights[rng.uniform(size=weights.shape) < 1 / 3] = 0
    return clf


def test_activity_is_that_of_plain_loops(sparse, digits):
    X = digits[2][:40]
    activity = sparse.activity(X, "loihi")
    times = sparse.spike_times(X)
    assert activity.sizes == (64, 15, 12, 10)
    assert (activity.n_events_to_decision < activity.n_causal_events).any()
    for i in range(40):
        mine = [t[i] for t in times]
        causal, until = counted(mine, sparse.coefs_)
        assert_array_equal(activity.n_causal_events[i], causal)
        assert_array_equal(activity.n_events_to_decision[i], until)
        fired = [np.isfinite(t).sum() for t in mine]
        assert_array_equal(activity.n_spikes[i], fired)
        assert_array_equal(activity.n_events[i], np.multiply(fired[:-1], (15, 12, 10)))
        decision = min(mine[-1].min(), 20)
        assert activity.decision_times[i] == decision
        assert activity.is_undecided[i] == np.isinf(mine[-1]).all()
        spikes = [(np.isfinite(t) & (t <= decision)).sum() for t in mine]
        assert_array_equal(activity.n_spikes_to_decision[i], spikes)
    assert activity.step == 1
    assert activity.t_max == 20
    assert (activity.energy > 0).all()
    assert "steps" in str(activity)


def test_decisions_at_any_time_are_those_of_plain_loops(sparse, digits):
    X, y = digits[2][:40], digits[3][:40]
    moments = [1, 2, 5.5, 9, 19]
    curve = sparse.anytime(X, y, times=moments)
    times, predicted = sparse.spike_times(X), sparse.predict(X)
    first = times[-1].min(axis=1)
    assert curve.unit == "step"
    for k, moment in enumerate(moments):
        is_decided = first <= moment
        assert_allclose(curve.decided[k], is_decided.mean())
        assert_allclose(curve.accuracy[k], (is_decided & (predicted == y)).mean())
        n_spikes = n_events = 0
        for i in range(40):
            mine = [t[i] for t in times]
            end = min(moment, first[i])
            n_spikes += sum((t <= end).sum() for t in mine[1:])
            for sent, received, w in zip(
                mine[:-1], mine[1:], sparse.coefs_, strict=True
            ):
                is_event = (sent[:, None] < np.minimum(received, end)) & (w != 0)
                n_events += is_event.sum()
        assert_allclose(curve.n_spikes[k], n_spikes / 40)
        assert_allclose(curve.n_events[k], n_events / 40)
    assert curve.accuracy[-1] == sparse.first_spike_score(X, y)


def test_default_moments_end_with_what_is_known_in_the_end(fitted, digits):
    X, y = digits[2:]
    curve = fitted.anytime(X, y)
    assert_array_equal(curve.times, np.arange(1, 18))
    assert curve.accuracy[-1] == pytest.approx(fitted.first_spike_score(X, y))
    until = fitted.activity(X).n_events_to_decision.sum(axis=1).mean()
    assert curve.n_events[-1] == pytest.approx(until)


@pytest.mark.parametrize(
    ("make", "encoder"),
    [(csr_array, "complement"), (csc_matrix, "latency"), (coo_array, "complement")],
)
def test_sparse_matrices_give_the_same(digits, monkeypatch, make, encoder):
    X, y, X_test, y_test = digits
    X = X[:200] - 3 * (X[:200] > 12)  # numbers of values differ between features
    monkeypatch.setattr("ttfs.baselines.step_code._MAX_VALUES", 1000)  # several blocks
    clf = S4NNClassifier((15,), encoder=encoder, max_iter=2, random_state=0)
    expected = clone(clf).fit(X, y[:200])
    found = clf.fit(make(X), y[:200])
    assert found.n_steps_ == expected.n_steps_
    assert_array_equal(found.feature_range_, expected.feature_range_)
    for a, b in zip(found.coefs_, expected.coefs_, strict=True):
        assert_array_equal(a, b)
    some = make(X_test[:50])
    assert_array_equal(
        found.decision_function(some), expected.decision_function(X_test[:50])
    )
    curve, other = found.anytime(some, y_test[:50]), expected.anytime(some, y_test[:50])
    assert_array_equal(curve.n_events, other.n_events)
    for clf, data in ((found, make(X)), (expected, X)):
        clf.partial_fit(data, y[:200])
    assert_array_equal(found.coefs_[0], expected.coefs_[0])


def test_auto_sees_the_same_in_sparse_matrices(digits):
    for X in (digits[0], digits[0] + 1, np.where(digits[0] > 0, digits[0], -1.0)):
        codes = [StepCode.learn(data, "auto", "auto") for data in (X, csr_array(X))]
        assert codes[0].complement == codes[1].complement
        assert codes[0].n_steps == codes[1].n_steps


def test_duplicates_in_a_sparse_matrix_are_summed(digits):
    X, y = digits[0][:100], digits[1][:100]
    rows, columns = np.nonzero(X)
    halves = np.tile(X[rows, columns] / 2, 2)
    ends = np.append(0, np.cumsum(2 * np.bincount(rows, minlength=100)))
    order = np.argsort(np.tile(rows, 2), kind="stable")
    twice = csr_array((halves[order], np.tile(columns, 2)[order], ends), X.shape)
    n_stored = twice.nnz
    clf = S4NNClassifier((5,), max_iter=1, random_state=0)
    expected = clone(clf).fit(X, y)
    assert_array_equal(clf.fit(twice, y).coefs_[0], expected.coefs_[0])
    assert twice.nnz == n_stored  # the data of the caller are as before


@pytest.mark.filterwarnings("ignore:.*hasn't converged yet")
@pytest.mark.parametrize("estimator", [S4NNClassifier, RateClassifier])
def test_indices_of_a_sparse_matrix_are_checked(estimator, digits):
    X, y = digits[0][:100], digits[1][:100]
    clf = estimator((5,), max_iter=1).fit(X, y)
    bad = csr_array(X)
    bad.indices[3] = 64
    for method in (clf.predict, clf.activity):
        with pytest.raises(ValueError, match="indices"):
            method(bad)
    with pytest.raises(ValueError, match="indices"):
        clf.fit(bad, y)


def test_bad_moments_and_labels_are_refused(fitted, digits):
    X, y = digits[2:]
    for times in ([], [2, 1], [[1, 2]]):
        with pytest.raises(ValueError, match=r"times must (be one or more|increase)"):
            fitted.anytime(X, y, times=times)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        fitted.anytime(X, y[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        fitted.strict_score(X, y[:-1])
    with pytest.raises(ValueError, match="unknown cost_model"):
        fitted.activity(X, "abacus")
