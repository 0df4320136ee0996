"""Early stopping: a constant rate, then a fall in which all samples are learned."""

import pickle
from dataclasses import dataclass, field
from itertools import cycle

import numpy as np
import pytest
from classifiers import assert_same_model, small
from hardware import Failing, Wrapped
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from ttfs import TTFSClassifier, TTFSRegressor
from ttfs.datasets import make_yin_yang
from ttfs.engines.float import FloatTrainer
from ttfs.substrates import SubstrateError

RATE = 0.01
N, N_HELD_OUT, BATCH = 60, 15, 10


@pytest.fixture(scope="module")
def data():
    return make_yin_yang(N, random_state=0)


@dataclass
class Epoch:
    """What a trainer was asked for."""

    order: np.ndarray
    rates: np.ndarray
    weights: list = field(repr=False)


@pytest.fixture
def epochs(monkeypatch):
    """The epochs of trainers with real numbers, as they are done."""
    seen = []
    epoch = FloatTrainer.epoch

    def record(self, spikes, targets, order, batch_size, rates):
        assert len(rates) == -(-len(order) // batch_size)
        before = [weights.copy() for weights in self.core.weights()]
        seen.append(Epoch(order.copy(), rates.copy(), before))
        return epoch(self, spikes, targets, order, batch_size, rates)

    monkeypatch.setattr(FloatTrainer, "epoch", record)
    return seen


@pytest.fixture
def give_scores(monkeypatch):
    """Let validation scores be given ones, the last of them again and again."""

    def give(*scores):
        given = iter(scores)
        last = scores[-1:]
        for head in (TTFSClassifier, TTFSRegressor):
            monkeypatch.setattr(
                head, "_validation_score", lambda *args: next(given, *last)
            )

    return give


def stopping(**changes):
    """A classifier that stops early."""
    options = {"early_stopping": True, "validation_fraction": 0.25}
    options |= {"learning_rate_init": RATE, "batch_size": BATCH, "max_iter": 40}
    return small(**options | changes)


def held_out(y, seed=0):
    """The samples that a classifier with this seed watches."""
    return train_test_split(
        np.arange(N), test_size=N_HELD_OUT, stratify=y, random_state=seed
    )[1]


def assert_two_phases(epochs, y, fall, end):
    """A constant rate before an epoch, and a cosine over all samples after it."""
    others = np.setdiff1d(np.arange(N), held_out(y))
    assert len(epochs) == end
    for epoch in epochs[:fall]:
        assert_array_equal(np.sort(epoch.order), others)
        assert_array_equal(epoch.rates, np.full(5, RATE))  # of 45 samples
    for epoch in epochs[fall:]:
        assert_array_equal(np.sort(epoch.order), np.arange(N))
    falling = np.concatenate([np.empty(0), *(epoch.rates for epoch in epochs[fall:])])
    angle = np.arange(6 * (end - fall)) / max(6 * (end - fall), 1) * np.pi
    assert_allclose(falling, RATE * np.cos(angle / 2) ** 2, rtol=1e-12)


# -- Schedule ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_iter_no_change", "scores", "fall"),
    [
        (3, [0.5], 10),  # converged after five epochs, but a quarter of 40 is ten
        (9, [0.5], 11),
        (9, [0.5, 0.6, 0.4], 12),
        (5, np.linspace(0.1, 0.9, 100), 20),  # never converges: half of them
        (30, [0.5], 20),
    ],
)
def test_the_rate_falls_when_the_score_stops_improving(
    data, epochs, give_scores, n_iter_no_change, scores, fall
):
    X, y = data
    give_scores(*scores)
    clf = stopping(n_iter_no_change=n_iter_no_change).fit(X, y)
    assert_two_phases(epochs, y, fall, 2 * fall)
    assert clf.n_iter_ == len(clf.loss_curve_) == 2 * fall
    seen = [*scores, *[scores[-1]] * fall][:fall]
    assert clf.validation_scores_ == seen
    assert clf.best_validation_score_ == max(seen)
    assert clf.best_loss_ is None
    assert clf.t_ == 45 * fall + N * fall


@pytest.mark.parametrize(("tol", "fall"), [(0.0, 15), (0.05, 15), (0.2, 10)])
def test_an_improvement_exceeds_the_tolerance(data, epochs, give_scores, tol, fall):
    # They improve by 0.1 in each of the nine epochs after the first.
    give_scores(*np.linspace(0.0, 0.9, 10))
    stopping(n_iter_no_change=4, tol=tol).fit(*data)
    assert len(epochs) == 2 * fall


@pytest.mark.parametrize(
    ("max_iter", "fall", "end", "n_iter_no_change"),
    [(1, 1, 1, 1), (2, 1, 2, 10), (3, 2, 3, 1), (4, 2, 4, 1), (5, 3, 5, 10)],
)
def test_few_epochs(data, epochs, max_iter, fall, end, n_iter_no_change):
    X, y = data
    clf = stopping(max_iter=max_iter, n_iter_no_change=n_iter_no_change).fit(X, y)
    assert_two_phases(epochs, y, fall, end)
    assert len(clf.validation_scores_) == fall
    assert clf.best_validation_score_ == max(clf.validation_scores_)


def test_the_last_weights_are_kept(data, monkeypatch):
    learned = []
    epoch = FloatTrainer.epoch

    def record(self, *args):
        loss = epoch(self, *args)
        learned.append(self.learned())
        return loss

    monkeypatch.setattr(FloatTrainer, "epoch", record)
    clf = stopping().fit(*data)
    for kept, last in zip(clf.coefs_, learned[-1].weights, strict=True):
        assert_array_equal(kept, last)


@pytest.mark.parametrize("changes", [{}, {"shuffle": False}], ids=str)
def test_the_validation_score_is_that_of_held_out_samples(data, changes):
    X, y = data
    rows = held_out(y)
    clf = stopping(max_iter=2, **changes).fit(X, y)
    # One epoch at a constant rate on the others, from the same weights.
    one = clone(clf).set_params(learning_rate="constant", max_iter=1)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        one.fit(X, y)
    assert clf.validation_scores_ == one.validation_scores_
    assert one.score(X[rows], y[rows]) == clf.validation_scores_[0]


def test_a_constant_rate_never_falls_and_learns_no_held_out_sample(
    data, epochs, give_scores
):
    X, y = data
    give_scores(0.5, 0.7, 0.6)
    clf = stopping(learning_rate="constant", n_iter_no_change=5).fit(X, y)
    assert clf.n_iter_ == len(epochs) == len(clf.validation_scores_) == 8
    others = np.setdiff1d(np.arange(N), held_out(y))
    for epoch in epochs:
        assert_array_equal(np.sort(epoch.order), others)
        assert_array_equal(epoch.rates, np.full(5, RATE))
    # The weights after the second epoch are those before the third.
    for kept, best in zip(clf.coefs_, epochs[2].weights, strict=True):
        assert_array_equal(kept, best)


@pytest.mark.parametrize("n_samples", [40, 400])
def test_automatic_batches_and_epochs_count_all_samples(n_samples, give_scores):
    give_scores(0.5)
    X, y = make_yin_yang(n_samples, random_state=0)
    clf = small(early_stopping=True, n_iter_no_change=1).set_params(max_iter="auto")
    # In 10 of 60 parts, or batches of ten: 70 n ** 0.7 updates, of which a quarter come
    # before the fall.
    most = min(300, max(20, -(-70 * n_samples**0.7 // (n_samples // 10))))
    assert clf.fit(X, y).n_iter_ == 2 * (most // 4)


# -- Weights, regression, records --------------------------------------------------


def test_samples_are_drawn_by_their_weights_in_both_phases(data, epochs):
    X, y = data
    weights = np.where(np.arange(N) % 2, 3.0, 1.0)
    weights[:6] = 0.0
    stopping(max_iter=20).fit(X, y, weights)
    n_learned = N - 6
    # Samples of weight 0 are not there: the others have other numbers.
    kept, labels = weights[6:], y[6:]
    rows = train_test_split(
        np.arange(n_learned), test_size=14, stratify=labels, random_state=0
    )
    assert len(epochs) == 20
    for phase, samples in ((epochs[:10], rows[0]), (epochs[10:], np.arange(n_learned))):
        counts = np.zeros(n_learned)
        for epoch in phase:
            assert len(epoch.order) == len(samples)
            counts += np.bincount(epoch.order, minlength=n_learned)
        expected = np.zeros(n_learned)
        expected[samples] = 10 * len(samples) * kept[samples] / kept[samples].sum()
        assert_array_equal(counts[expected == 0], 0)
        # Draws of an epoch are within one of what is due to a sample.
        assert np.abs(counts - expected).max() < 10
        heavy = kept == 3
        assert counts[heavy].sum() == pytest.approx(expected[heavy].sum(), rel=0.05)


def test_regression_falls_too(data, epochs):
    X, _ = data
    reg = small(TTFSRegressor, early_stopping=True, validation_fraction=0.25)
    reg.set_params(learning_rate_init=RATE, batch_size=BATCH, max_iter=10)
    reg.fit(X, X[:, 0])
    assert [len(epoch.order) for epoch in epochs] == 5 * [45] + 5 * [60]
    assert len(reg.validation_scores_) == 5
    assert epochs[5].rates[0] == RATE > epochs[-1].rates[-1]


def test_lines_of_the_fall_have_no_score(data, capsys):
    stopping(max_iter=6, verbose=True).fit(*data)
    lines = capsys.readouterr().out.splitlines()
    assert ["validation score" in line for line in lines] == 3 * [True] + 3 * [False]


def test_a_warm_start_begins_with_a_constant_rate(data, epochs):
    X, y = data
    clf = stopping(max_iter=4, warm_start=True).fit(X, y).fit(X, y)
    assert_two_phases(epochs[:4], y, 2, 4)
    assert_two_phases(epochs[4:], y, 2, 4)
    assert (clf.n_iter_, len(clf.validation_scores_)) == (8, 4)


# -- Failures and interrupts -------------------------------------------------------

# An epoch asks for five batches and for the validation samples before the fall, for six
# batches in it; the rate falls after three epochs.
CALLS = {
    "first epoch": (3,),
    "validation": (6,),
    "last validation before the fall": (18,),
    "first batch of the fall": (19,),
    "fall": (27,),
    "last batch": (36,),
    "both phases": (2, 14, 17, 30),
}


@pytest.mark.parametrize(
    ("calls", "is_weighted"), [*zip(CALLS.values(), cycle([True, False]))], ids=CALLS
)
def test_a_failed_fit_goes_on_in_either_phase(data, calls, is_weighted):
    X, y = data
    weights = np.linspace(1, 2, N) if is_weighted else None
    options = {"max_iter": 6, "warm_start": True, "shuffle": not is_weighted}
    whole = stopping(substrate=Wrapped(), **options).fit(X, y, weights)
    assert len(whole.substrate.requests) == 36
    clf = stopping(substrate=Failing(*calls), **options)
    for _ in calls:
        with pytest.raises(SubstrateError, match="unplugged"):
            clf.fit(X, y, weights)
        clf = pickle.loads(pickle.dumps(clf))
    clf.fit(X, y, weights)
    assert_same_model(whole, clf, X, loss_rtol=1e-12)
    assert len(clf.validation_scores_) == 3
    # Another call is a new one.
    assert clf.fit(X, y, weights).n_iter_ == 12


@pytest.mark.parametrize("n", [1, 3, 4, 6])
def test_ctrl_c_keeps_a_model_in_either_phase(data, epochs, monkeypatch, n):
    X, y = data
    record = FloatTrainer.epoch

    def interrupted(self, spikes, targets, order, batch_size, rates):
        if len(epochs) == n - 1:
            record(self, spikes, targets, order[:20], batch_size, rates[:2])
            raise KeyboardInterrupt
        return record(self, spikes, targets, order, batch_size, rates)

    monkeypatch.setattr(FloatTrainer, "epoch", interrupted)
    with pytest.warns(UserWarning, match=f"interrupted in epoch {n}"):
        clf = stopping(max_iter=6).fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == n - 1
    assert len(clf.validation_scores_) == min(n - 1, 3)
    # It has learned since the last epoch began.
    assert np.any(clf.coefs_[0] != epochs[-1].weights[0])
    assert np.isfinite(clf.predict_proba(X)).all()
    monkeypatch.undo()
    assert clf.set_params(early_stopping=False).partial_fit(X, y).n_iter_ == n
