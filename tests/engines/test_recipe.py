"""The laws of the recipes: decay, batches, epochs and time scale by the data."""

import itertools
import math

import numpy as np
import pytest
from classifiers import small
from kinds import EXACT as FIXED
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from ttfs import TTFSClassifier, TTFSRegressor
from ttfs.engines import recipe
from ttfs.engines.float import FloatEngine
from ttfs.substrates import Ideal

SIZES = [8, 30, 31, 100, 299, 300, 301, 1_000, 20_000, 10**6]


@pytest.fixture
def decays(monkeypatch):
    """What engines say of weight decay: lists of one number for each layer."""
    asked = []
    decay = FloatEngine.weight_decay

    def record(self, network, batch_size, n_seen):
        asked.append(decay(self, network, batch_size, n_seen))
        return asked[-1]

    monkeypatch.setattr(FloatEngine, "weight_decay", record)
    return asked


def some(n_samples, n_features=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 1.0, (n_samples, n_features)), np.arange(n_samples) % 2


# -- Weight decay ------------------------------------------------------------------


PRIORS = {"EXACT": (30, 300), "ON_SUBSTRATE": (10, 10), "REGRESSION": (15, 5)}


def expected_decays(n_samples, n_inputs, n_active, prior=(30, 300)):
    """The documented law; with fewer than 15 inputs it is less."""
    hidden, output = (n * min(n_inputs, 15) ** 2 / 225 for n in prior)
    hidden = hidden / n_samples + hidden * n_active / n_samples**2
    return [hidden if hidden < 1 else 1.0, min(output / n_samples, 1.0)]


@pytest.mark.parametrize("which", PRIORS)
def test_decay_is_a_prior_of_so_many_samples(which):
    decays, actives = getattr(recipe, which).decays, (1, 10, 1_000, 10**6)
    for sizes in itertools.product(SIZES, (1, 5, 14, 15, 1_000), actives):
        expected = expected_decays(*sizes, PRIORS[which])
        assert_allclose(decays(*sizes), expected, err_msg=str(sizes))
        # More samples never have more of it.
        more = decays(sizes[0] + 1, *sizes[1:])
        assert all(np.array(more) <= expected), sizes


@pytest.mark.parametrize(
    ("n_samples", "n_hidden", "n_features"), [(8, 1, 20), (60, 0, 3), (400, 2, 20)]
)
@pytest.mark.parametrize(
    ("kind", "prior"),
    [({}, (30, 300)), (FIXED, (30, 300)), ({"substrate": Ideal()}, (10, 10))],
    ids=["float", "fixed", "chip"],
)
def test_layers_have_their_decays(decays, n_samples, n_hidden, n_features, kind, prior):
    X, y = some(n_samples, n_features)
    for strength in (1.0, 40.0):
        clf = small(hidden_layer_sizes=n_hidden * (5,), max_iter=1, **kind)
        clf.set_params(weight_decay=strength).fit(X, y)
        layer = clf.network_.layers[0]
        n_inputs = 2 * n_features  # and complements
        hidden, output = expected_decays(n_samples, n_inputs, layer.n_active, prior)
        assert_allclose(decays[-1], strength * np.array([hidden] * n_hidden + [output]))


def test_sparse_data_have_the_decay_of_dense_ones(decays):
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 1.0, (400, 60)) * (rng.random((400, 60)) < 0.1)
    X[:, 0] = y = np.arange(400) % 2
    clfs = [small(max_iter=2).fit(data, y) for data in (X, csr_array(X))]
    # The inputs that spike count, not the features: about six of sixty and a bias.
    n_active = clfs[0].network_.layers[0].n_active
    assert 5 < n_active < 9
    assert_array_equal(decays[0], decays[1])
    assert_allclose(decays[0], [0.075 * (1 + n_active / 400), 0.75])
    for one, other in zip(clfs[0].coefs_, clfs[1].coefs_, strict=True):
        assert_array_equal(one, other)


def test_partial_fit_counts_all_samples_that_it_has_seen(decays):
    X, y = some(500, 20)
    clf = small()
    for n_seen in (500, 1000, 1500):
        clf.partial_fit(X, y, classes=[0, 1])
        assert_allclose(decays[-1][1], 300 / n_seen)


@pytest.mark.parametrize("batch_size", [10, 40])
def test_the_local_rule_decays_by_the_batch(decays, batch_size):
    X, y = some(100)
    clf = small(gradient="local", weight_decay=2.0, batch_size=batch_size)
    clf.fit(X, y)
    assert_allclose(decays[-1], [9e-6 * batch_size] * 2)


def test_held_out_samples_count(decays):
    X, y = some(400, 20)
    small(early_stopping=True, validation_fraction=0.5).fit(X, y)
    assert_allclose(decays[-1][1], 0.75)


def test_layers_move_to_rest_at_their_own_pace():
    """At next to no rate but a huge decay, what is left is exp(-rate * decay)."""
    X, y = some(1000, 20)
    left = []
    for strength in (0.0, 1e6):
        clf = TTFSClassifier((5,), max_iter=1, batch_size=1000, random_state=0)
        clf.set_params(weight_decay=strength, learning_rate_init=1e-5).fit(X, y)
        left.append([weights.astype(np.float64) for weights in clf.coefs_])
    layers = clf.network_.layers
    hidden = 0.03 * (1 + layers[0].n_active / 1000)
    for before, after, layer, prior in zip(*left, layers, (hidden, 0.3), strict=True):
        n = len(before) - layer.n_fixed
        ratio = np.diff(after[:n], axis=1) / np.diff(before[:n], axis=1)
        assert np.median(ratio) == pytest.approx(np.exp(-10 * prior), rel=0.02)


# -- Batches, epochs, time scale ---------------------------------------------------


def batch_of(n_samples):
    return min(n_samples, 10 if n_samples < 660 else min(n_samples // 60, 50))


def test_batches_and_epochs_follow_the_number_of_samples():
    batches_and_epochs = {}
    for n_samples in [*SIZES, 599, 600, 660, 2_999, 3_000, 30_000]:
        batch_size = recipe.EXACT.batch_size(n_samples)
        assert batch_size == batch_of(n_samples)
        n_epochs = recipe.EXACT.n_epochs(n_samples, batch_size)
        n_batches = math.ceil(n_samples / batch_size)
        wanted = min(70 * math.exp(0.7 * math.log(n_samples)), 100_000) / n_batches
        assert n_epochs == min(300, max(20, math.ceil(wanted - 1e-9)))
        batches_and_epochs[n_samples] = batch_size, n_epochs
    assert batches_and_epochs[8] == (8, 300)
    assert batches_and_epochs[100] == (10, 176)
    assert batches_and_epochs[1_000] == (16, 140)
    assert batches_and_epochs[3_000] == (50, 300)
    assert batches_and_epochs[30_000] == (50, 159)
    assert batches_and_epochs[10**6] == (50, 20)


def test_more_samples_never_have_fewer_updates():
    previous = 0
    for n_samples in np.unique(np.geomspace(8, 10**6, 400).astype(int)):
        batch_size = recipe.EXACT.batch_size(n_samples)
        n_batches = math.ceil(n_samples / batch_size)
        n_updates = n_batches * recipe.EXACT.n_epochs(n_samples, batch_size)
        # Whole epochs and batches are rounded.
        assert n_updates > 0.95 * previous - n_batches
        previous = n_updates


@pytest.mark.parametrize("which", ["LOCAL", "LOCAL_REGRESSION"])
def test_the_local_rule_has_as_many_updates_for_all_data(which):
    rule = getattr(recipe, which)
    for n_samples in SIZES:
        batch_size = rule.batch_size(n_samples)
        n_batches = math.ceil(n_samples / batch_size)
        expected = min(500, max(40, math.ceil(15_000 / n_batches)))
        assert rule.n_epochs(n_samples, batch_size) == expected, n_samples


def test_several_spikes_have_500_updates_at_least():
    rule, sizes = recipe.SEVERAL, (15, 40, 5, 270, 8_000)
    n_epochs = [rule.n_epochs(n, rule.batch_size(n)) for n in sizes]
    # 500 updates of few samples, but 300 epochs at most; 15 N^0.7 of more
    assert n_epochs == [250, 125, 300, 28, 51]


@pytest.mark.parametrize(
    ("head", "n_updates"), [(TTFSClassifier, 70), (TTFSRegressor, 100)]
)
def test_a_fit_has_these_epochs(head, n_updates):
    X, y = some(80)
    model = small(head, max_iter="auto", hidden_layer_sizes=(3,)).fit(X, y)
    assert model.n_iter_ == math.ceil(n_updates * 80**0.7 / 8)


def test_time_scale_falls_with_many_samples():
    scale = recipe.EXACT.time_scale_of
    assert_allclose([scale(5, 8), scale(5, 2_000)], 0.1)
    assert_allclose(scale(5, 32_000), 0.05)  # 16 times as many, to the power of -1/4
    assert_allclose(scale(5, 10**9), 0.02, rtol=0.06)
    # 0.0015 for each active input
    assert_allclose([scale(100, 100), scale(100, 32_000)], 0.15)
    assert_allclose(scale(1_000, 100), 0.2)
    for which, expected in (
        ("ON_SUBSTRATE", 0.2),
        ("NO_READ_OUT", 0.2),
        ("LOCAL", 0.03),
    ):
        rule = getattr(recipe, which)
        scales = {rule.time_scale_of(n, m) for n in (5, 500) for m in (8, 10**6)}
        assert scales == {expected}


def test_the_time_scale_of_a_fit():
    X, y = some(4_000)
    clf = small(max_iter=1, hidden_layer_sizes=(3,)).fit(X, y)
    assert clf.time_scale_ == pytest.approx(0.1 / 2**0.25)
