"""What happens when a substrate fails, or is dead, while a classifier uses it."""

import pickle

import numpy as np
import pytest
from classifiers import assert_same_model, assert_same_weights
from hardware import Failing, Given, Wrapped, make
from numpy.testing import assert_array_equal
from sklearn.base import clone

from ttfs import TTFSRegressor
from ttfs.datasets import make_yin_yang
from ttfs.engines.hardware import DEAD_AFTER
from ttfs.substrates import AnalogChip, Ideal, SubstrateError


@pytest.fixture(scope="module")
def data():
    return make_yin_yang(150, random_state=0)


def silent(spikes):
    """No neuron fires."""
    return [np.full_like(layer, np.inf) for layer in spikes]


def silent_outputs(spikes):
    """No output neuron fires."""
    return [*spikes[:-1], np.full_like(spikes[-1], np.inf)]


# ------------------------------------------------------------------ failures


def no_array(spikes):
    return [spikes[0], [["a"] * 3] * len(spikes[1])]


FAILURES = {
    "raises": (None, "failed: OSError: unplugged"),
    "nothing": (lambda spikes: None, "returned NoneType, not a list"),
    "array": (lambda spikes: spikes[0], "returned ndarray, not a list"),
    "layers": (lambda spikes: spikes[:1], "spike times of 1 layers, not 2"),
    "samples": (
        lambda spikes: [layer[1:] for layer in spikes],
        r"shape \(\d+, 20\) for layer 0, not \(\d+, 20\)",
    ),
    "neurons": (
        lambda spikes: [spikes[0], spikes[1][:, 1:]],
        r"shape \(\d+, 2\) for layer 1, not \(\d+, 3\)",
    ),
    "nan": (lambda spikes: [spikes[0], spikes[1] * np.nan], "NaN for layer 1"),
    "-inf": (lambda spikes: [-silent(spikes)[0], spikes[1]], "a spike at -inf"),
    "early": (lambda spikes: [spikes[0], spikes[1] - 1e30], "a spike at -1e[+]30"),
    "complex": (lambda spikes: [spikes[0] * 1j, spikes[1]], "complex64 for layer 0"),
    "text": (no_array, "returned <U1 for layer 1"),
    "ragged": (
        lambda spikes: [[[1.0], [1.0, 2.0]], spikes[1]],
        "layer 0, which is no array: .* inhomogeneous",
    ),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(("how", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_failures_are_clear_and_the_model_stays(data, how, message):
    X, y = data
    chip = Failing(10, 17, how=how)
    clf = make(chip)
    with pytest.raises(SubstrateError, match=message) as caught:
        clf.fit(X, y)
    assert str(caught.value).startswith("Ideal() ")
    assert "in epoch 2" in caught.value.__notes__[0]
    assert isinstance(caught.value.__cause__, OSError) == (how is None)
    # Eight batches and one more.
    assert clf.n_iter_ == len(clf.loss_curve_) == 1
    assert (clf.loss_, clf.t_) == (clf.loss_curve_[0], 150)
    last = chip.requests[-1][1].layers
    for weights, sent in zip(clf.coefs_, last, strict=True):
        assert_array_equal(weights, sent.weights)
    proba = clf.predict_proba(X)
    assert_array_equal(clf.set_params(substrate=None).predict_proba(X), proba)
    clf.set_params(substrate=Failing(1, how=how))
    with pytest.raises(SubstrateError, match=message):
        clf.predict(X)


def test_failure_before_anything_was_learned(data):
    X, y = data
    clf = make(Failing(1))
    with pytest.raises(SubstrateError, match="unplugged"):
        clf.fit(X, y)
    with pytest.raises(SubstrateError, match="unplugged"):
        make(Failing(1)).partial_fit(X, y, classes=[0, 1, 2])
    assert not hasattr(clf, "coefs_")
    assert not hasattr(clf, "n_features_in_")
    clf = make().fit(X, y)
    before = vars(clf).copy()
    clf.set_params(substrate=Failing(1))
    with pytest.raises(SubstrateError, match="unplugged"):
        clf.fit(X[:90], y[:90])
    assert set(vars(clf)) == set(before)
    before["substrate"] = clf.substrate
    assert all(vars(clf)[name] is value for name, value in before.items())


def fit_until_done(clf, X, y):
    """Call fit again after each failure; returns how many there were."""
    for n_failures in range(100):
        try:
            clf.fit(X, y)
        except SubstrateError:
            continue
        return n_failures
    return None


EARLY = {"early_stopping": True, "validation_fraction": 0.2}
CONSTANT = {"learning_rate": "constant", "tol": 10.0, "n_iter_no_change": 2}


@pytest.mark.parametrize(
    ("changes", "seed", "calls", "n_failures"),
    [
        ({}, 0, (2,), 1),
        ({}, 0, (8,), 1),
        ({}, None, (9,), 1),
        ({}, None, (10,), 1),
        (EARLY, 0, (7, 14), 2),
        (EARLY, None, (5, 6, 19, 23), 4),
        (CONSTANT, 0, (9,), 1),
        (CONSTANT, None, (7, 14), 2),
        ({"gradient": "local", "shuffle": False}, 0, (5, 6, 19, 23), 4),
        ({"sparsity": 0.6}, 0, (7, 14), 2),
        ({"estimator": TTFSRegressor}, 0, (7, 14), 2),
    ],
    ids=str,
)
def test_interrupted_fit_ends_as_if_nothing_had_happened(
    data, changes, seed, calls, n_failures
):
    X, y = data
    X = X * (X > 0.6)  # input dropout
    clfs = [
        make(chip, warm_start=True, random_state=seed, **changes)
        for chip in (Wrapped(), Failing(*calls))
    ]
    failures = []
    for clf in clfs:
        np.random.seed(1)
        failures.append(fit_until_done(clf, X, y))
        np.random.random(5)
    assert failures == [0, n_failures]
    assert_same_model(*clfs, X, loss_rtol=1e-12)
    # The next schedule is a new one.
    for clf in clfs:
        np.random.seed(2)
        clf.fit(X, y)
    assert_same_model(*clfs, X, loss_rtol=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        {"max_iter": 5},
        {"batch_size": 30},
        {"learning_rate_init": 0.01},
        {"substrate": None},
    ],
    ids=str,
)
def test_another_schedule_starts_anew(data, change):
    X, y = data
    clf = make(Failing(20), warm_start=True)
    with pytest.raises(SubstrateError):
        clf.fit(X, y)
    assert clf.n_iter_ == 2
    clf.set_params(**change).fit(X, y)
    assert clf.n_iter_ == 2 + clf.max_iter
    clf = make(Failing(20), warm_start=True)
    with pytest.raises(SubstrateError):
        clf.fit(X, y)
    clf.fit(X[:140], y[:140])
    assert clf.n_iter_ == 2 + 4


def test_interrupted_run_survives_pickling_and_failures_at_once(data):
    X, y = data
    whole = make(Wrapped()).fit(X, y)
    clf = make(Failing(20), warm_start=True)
    with pytest.raises(SubstrateError):
        clf.fit(X, y)
    clf.set_params(substrate=Failing(1))
    for _ in range(2):
        with pytest.raises(SubstrateError):
            clf.fit(X, y)
        clf.substrate = Failing(1)

    def leave(spikes):
        raise SystemExit

    clf.set_params(substrate=Failing(5, how=leave))
    with pytest.raises(SystemExit):
        clf.fit(X, y)
    clf = pickle.loads(pickle.dumps(clf.set_params(substrate=Wrapped())))
    assert_same_model(clf.fit(X, y), whole, X, loss_rtol=1e-12)
    # Without warm_start everything starts anew.
    clf = make(Failing(20))
    with pytest.raises(SubstrateError):
        clf.fit(X, y)
    assert_same_model(clf.fit(X, y), whole, X, loss_rtol=1e-12)


def test_early_stopping_at_a_constant_rate_keeps_the_best_so_far(data):
    X, y = data
    changes = {"early_stopping": True, "validation_fraction": 0.2, "max_iter": 6}
    changes["learning_rate"] = "constant"
    chip = Failing(35)
    clf = make(chip, **changes)
    with pytest.raises(SubstrateError):
        clf.fit(X, y)
    assert clf.n_iter_ == len(clf.validation_scores_) == 4
    best = int(np.argmax(clf.validation_scores_))
    # Each epoch has six batches and the validation data, on the weights after it.
    _, network = chip.requests[7 * best + 6]
    for weights, sent in zip(clf.coefs_, network.layers, strict=True):
        assert_array_equal(weights, sent.weights)


def test_partial_fit_keeps_what_it_learned(data):
    X, y = data
    changes = {"weight_decay": 0.0, "shuffle": False, "encoder": "complement"}
    a, b = make(Wrapped(), **changes), make(Failing(12), **changes)
    for clf in (a, b):
        clf.partial_fit(X, y, classes=[0, 1, 2])  # eight batches
    with pytest.raises(SubstrateError, match="unplugged") as caught:
        b.partial_fit(X, y)
    assert "warm_start" not in caught.value.__notes__[0]
    a.partial_fit(X[:60], y[:60])
    assert (a.n_iter_, b.n_iter_) == (2, 1)
    for _ in range(2):
        assert_same_weights(a, b)
        for clf in (a, b):
            clf.partial_fit(X[60:], y[60:])  # with the moments of before


def test_ctrl_c_keeps_what_was_learned(data):
    X, y = data

    def interrupted(spikes):
        raise KeyboardInterrupt

    chip = Failing(10, how=interrupted)
    clf = make(chip)
    with pytest.warns(UserWarning, match="interrupted in epoch 2"):
        clf.fit(X, y)
    assert clf.n_iter_ == 1
    assert_array_equal(clf.coefs_[0], chip.requests[-1][1].layers[0].weights)


def test_substrates_cannot_write(data):
    class Writing(Ideal):
        def forward(self, times, network):
            layer = network.layers[0]
            for array in (times, layer.weights, layer.bias_times):
                with pytest.raises(ValueError, match="read-only"):
                    array[:] = 0
            return super().forward(times, network)

    assert_same_model(make(Writing()).fit(*data), make(Wrapped()).fit(*data), data[0])


# ------------------------------------------------------------------ dead chips


@pytest.mark.parametrize(
    ("batch_size", "how", "dead"),
    [(7, silent, 0), (20, silent_outputs, 1), (150, silent_outputs, 1)],
)
def test_dead_chip_is_noticed_and_teaches_nothing(data, how, dead, batch_size):
    X, y = data
    changes = {"batch_size": batch_size, "warm_start": True, "max_iter": 14}
    last = 1 + 12 * (150 // batch_size)
    chip = Failing(*range(last, 1000), how=how)
    clf = make(chip, **changes)
    with pytest.raises(SubstrateError, match=f"layer {dead} of .* is dead: .* model"):
        clf.fit(X, y)
    assert len(chip.requests) == last + 1  # which ask about more samples at once
    silent_request = chip.requests[last - 1][1]
    for weights, sent in zip(clf.coefs_, silent_request.layers, strict=True):
        assert_array_equal(weights, sent.weights)
    assert_same_model(
        clf.set_params(substrate=Wrapped()).fit(X, y),
        make(Wrapped(), **changes).fit(X, y),
        X,
    )


def test_dead_from_the_beginning(data):
    X, y = data
    for n in (150, 30):  # of a few samples each is asked about several times
        chip = Failing(*range(100), how=silent)
        clf = make(chip)
        with pytest.raises(SubstrateError, match="is dead"):
            clf.fit(X[:n], y[:n])
        assert not hasattr(clf, "coefs_")
        assert len(chip.requests[-1][0]) >= DEAD_AFTER


def test_silence_of_the_model_is_no_failure(data):
    X, y = data
    chip = Failing()
    clf = make(chip, weight_decay=0.0).fit(X, y)
    clf.coefs_[1][:] = 0.01
    assert not np.isfinite(clf.spike_times(X)[-1]).any()
    n_before = len(chip.requests)
    clf.partial_fit(X, y)
    assert len(chip.requests) == n_before + 8  # nothing is asked besides


def test_dead_chip_keeps_the_moments(data):
    X, y = data
    changes = {"weight_decay": 0.0, "shuffle": False, "encoder": "complement"}
    a = make(Wrapped(), **changes)
    b = make(Failing(*range(10, 99), how=silent), **changes)
    for clf in (a, b):
        clf.partial_fit(X, y, classes=[0, 1, 2])  # eight batches
    a.partial_fit(X[:20], y[:20])
    with pytest.raises(SubstrateError, match="is dead"):
        b.partial_fit(X, y)
    b.set_params(substrate=Wrapped())
    for _ in range(2):
        assert_same_weights(a, b)
        for clf in (a, b):
            clf.partial_fit(X[20:], y[20:])


def test_dead_chip_is_noticed_by_online_learning(data):
    X, y = data
    clf = make(Failing(*range(21, 999), how=silent), batch_size=1)
    clf.partial_fit(X[:20], y[:20], classes=[0, 1, 2])
    expected = [w.copy() for w in clf.coefs_]
    for k in range(5):
        with pytest.raises(SubstrateError, match="is dead"):
            clf.partial_fit(X[[k]], y[[k]])
    for weights, before in zip(clf.coefs_, expected, strict=True):
        assert_array_equal(weights, before)


def test_dead_chip_is_noticed_by_inference(data):
    X, y = data
    clf = make().fit(X, y)
    for chip, layer in (
        (AnalogChip(dead_neurons=1.0), 0),
        (Failing(*range(99), how=silent_outputs), 1),
    ):
        clf.set_params(substrate=chip)
        for method in (clf.predict, clf.predict_proba):
            for n in (1, 150):
                with pytest.raises(
                    SubstrateError, match=f"layer {layer} of .* is dead"
                ):
                    method(X[:n])


def test_warning_of_silent_outputs(data):
    X, y = data
    clf = make().fit(X, y)
    clf.set_params(substrate=Given(np.full(20, 0.5), 3 * [np.inf]))
    with pytest.warns(UserWarning, match="no output neuron of .* in 150 samples"):
        clf.predict(X)
    assert clf.activity(X).is_undecided.all()


def test_some_silence_is_no_failure(data):
    X, y = data
    # A batch of each epoch is silent, and other samples are not.
    clf = make(Failing(*range(5, 100, 9), how=silent)).fit(X, y)
    assert clf.n_iter_ == 4
    # Samples in which no channel spikes say nothing about the chip, unless the outputs
    # are read out.
    X = np.where(X > 2, X, np.nan)
    X[0] = 0.5
    clf = make(Failing(*range(1, 99), how=silent), encoder="spike_times")
    with pytest.raises(SubstrateError, match=r"layer 1 of .* is dead"):
        clone(clf).partial_fit(X, y, classes=[0, 1, 2])
    clf.set_params(read_out=None)
    assert clf.partial_fit(X, y, classes=[0, 1, 2]).n_iter_ == 1


@pytest.mark.filterwarnings("ignore:training ended at a loss")
def test_chips_that_can_be_trained_are_not_taken_for_dead(data):
    X, y = data
    for chip in (
        AnalogChip(threshold_offset=0.5, threshold_spread=0.3, tau_mem_spread=0.4),
        AnalogChip(dead_neurons=0.5, dead_synapses=0.3),
        AnalogChip(weight_bits=2, weight_clip=0.5),
    ):
        assert make(chip, max_iter=15).fit(X, y).n_iter_ == 15
