"""The parameter `sparsity`: pruned weights, and fewer hidden spikes."""

import numpy as np
import pytest
from classifiers import assert_same_weights, small
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from ttfs.datasets import make_yin_yang
from ttfs.substrates import Ideal


def zeros_of(clf):
    """The share of zeros of each layer."""
    return [float(np.mean(weights == 0)) for weights in clf.coefs_]


@pytest.fixture(scope="module")
def yin_yang():
    return make_yin_yang(400, random_state=0)


WAYS = {
    "float32": {},
    "float64": {"arithmetic": "float64"},
    "two hidden layers": {"hidden_layer_sizes": (12, 9)},
    "axonal": {"delays": "axonal"},
    "synaptic": {"delays": "synaptic"},
    "squared error": {"loss": "squared_error"},
    "early stopping": {"early_stopping": True, "max_iter": 12},
    "best epoch": {
        "early_stopping": True,
        "learning_rate": "constant",
        "max_iter": 12,
        "n_iter_no_change": 1,
        "tol": 1.0,
    },
    "substrate": {"substrate": Ideal()},
    "several spikes": {"max_spikes": 3, "hidden_layer_sizes": (12, 9)},
    "several spikes, first": {"max_spikes": 3, "read_out": None},
    "mean membrane": {"read_out": "mean", "delays": "axonal"},
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("parameters", WAYS.values(), ids=WAYS.keys())
def test_the_share_of_pruned_weights_is_the_sparsity(iris, parameters):
    clf = small(sparsity=0.6, **parameters).fit(*iris)
    *hidden, output = clf.coefs_
    for weights in hidden:
        assert np.sum(weights == 0) == int(0.6 * weights.size)
    assert np.all(output != 0)


def test_weights_of_integers_that_are_pruned_are_0(iris):
    clf = small(sparsity=0.6, arithmetic="fixed").fit(*iris)
    real = clf.network_.real_weights[0]
    assert np.sum(real == 0) == int(0.6 * real.size)
    assert np.all(clf.coefs_[0][real == 0] == 0)


@pytest.mark.parametrize("max_iter", [1, 2, 3, 10])
def test_pruning_ends_in_time(iris, max_iter):
    clf = small(sparsity=0.5, max_iter=max_iter).fit(*iris)
    weights = clf.coefs_[0]
    assert np.sum(weights == 0) == int(0.5 * weights.size)


def test_pruned_shares_rise_by_a_cubic_law_until_half_of_the_epochs(iris):
    shares = []
    clf = small(sparsity=0.5, max_iter=10)
    clf.fit(
        *iris, callback=lambda record: shares.append(zeros_of(record.snapshot())[0])
    )
    left = 1 - np.arange(1, 11).clip(max=5) / 5
    n_weights = clf.coefs_[0].size
    assert_allclose(shares, 0.5 * (1 - left**3), atol=1.01 / n_weights)


def test_pruning_takes_the_smallest_weights(iris, monkeypatch):
    # After the last epoch of pruning there is one at a rate of about 0.
    dense = small(max_iter=1, learning_rate_init=1e-9).fit(*iris).coefs_[0]
    clf = small(max_iter=1, learning_rate_init=1e-9, sparsity=0.5).fit(*iris)
    is_out = clf.coefs_[0] == 0
    assert np.abs(dense[is_out]).max() < np.abs(dense[~is_out]).min()


def test_no_sparsity_has_the_same_bits(iris):
    assert_same_weights(small().fit(*iris), small(sparsity=0.0).fit(*iris))


def test_sparsity_saves_spikes_and_events(yin_yang):
    clfs = [
        small(hidden_layer_sizes=(60,), max_iter=40, sparsity=value).fit(*yin_yang)
        for value in (0.0, 0.8)
    ]
    X, y = make_yin_yang(400, random_state=1)
    spikes, events = np.transpose(
        [
            (
                activity.n_spikes_to_decision[:, 1].mean(),
                activity.n_events_to_decision.sum(axis=1).mean(),
            )
            for activity in (clf.activity(X) for clf in clfs)
        ]
    )
    assert spikes[1] < 0.8 * spikes[0]
    assert events[1] < 0.8 * events[0]
    assert clfs[1].first_spike_score(X, y) > 0.8


def test_warm_start_goes_on_from_what_is_pruned(iris):
    clf = small(sparsity=0.4, warm_start=True).fit(*iris)
    is_out = clf.coefs_[0] == 0
    clf.fit(*iris)
    assert_array_equal(clf.coefs_[0] == 0, is_out)
    clf.set_params(sparsity=0.7).fit(*iris)
    assert np.all(clf.coefs_[0][is_out] == 0)
    assert np.sum(clf.coefs_[0] == 0) == int(0.7 * is_out.size)
    # Less sparsity brings nothing back, and without it weights are free again.
    clf.set_params(sparsity=0.1).fit(*iris)
    assert np.sum(clf.coefs_[0] == 0) == int(0.7 * is_out.size)
    clf.set_params(sparsity=0.0).fit(*iris)
    assert np.all(clf.coefs_[0] != 0)


def test_zeros_of_the_user_are_kept(iris):
    clf = small(sparsity=0.3, warm_start=True).fit(*iris)
    weights = [np.array(w) for w in clf.coefs_]
    weights[0][2] = 0
    clf.coefs_ = weights
    clf.fit(*iris)
    assert np.all(clf.coefs_[0][2] == 0)


def test_partial_fit_prunes_step_by_step(iris):
    X, y = iris
    clf, shares = small(sparsity=0.5), []
    for _ in range(25):
        clf.partial_fit(X, y, classes=[0, 1, 2])
        shares.append(zeros_of(clf)[0])
    assert 0 < shares[0] < 0.2
    assert np.all(np.diff(shares) >= 0)
    assert 0.48 < shares[-1] <= 0.5


def test_too_few_weights_per_neuron_are_warned_of(iris, recwarn):
    clf = small(hidden_layer_sizes=(20,), max_iter=1, sparsity=0.9)
    n_in = len(clf.fit(*iris).coefs_[0])
    assert n_in == 9  # so that 18 weights are left
    (warning,) = recwarn
    assert "leaves 18 of 180 weights to the 20 neurons of hidden layer 1" in str(
        warning.message
    )
    assert warning.filename == __file__
    clf.set_params(sparsity=0.88).fit(*iris)
    assert len(recwarn) == 1  # 22 are left


def test_what_does_not_go_with_sparsity_is_refused(iris):
    for parameters, message in (
        ({"gradient": "local"}, "sparsity=0.5 is not supported with gradient='local'"),
        ({"hidden_layer_sizes": ()}, "hidden_layer_sizes is empty"),
        ({"sparsity": 1.0}, "The 'sparsity' parameter"),
        ({"sparsity": -0.1}, "The 'sparsity' parameter"),
        ({"sparsity": "much"}, "The 'sparsity' parameter"),
    ):
        clf = small(**{"sparsity": 0.5} | parameters)
        with pytest.raises(ValueError, match=message):
            clf.fit(*iris)
    assert clone(small(sparsity=0.5)).sparsity == 0.5
