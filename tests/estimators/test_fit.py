"""Calls of fit and partial_fit: schedules, early stopping, warm starts, interrupts."""

import os
import pickle
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from classifiers import assert_same_weights, small
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from ttfs.datasets import make_yin_yang
from ttfs.engines import base, recipe
from ttfs.engines.float import FloatTrainer

# -- Schedules ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch_size", "n_epochs"), [(15, 6), (1, 2), (75, 10), (150, 10)]
)
def test_automatic_number_of_epochs(iris, monkeypatch, batch_size, n_epochs):
    # 60 updates, of 10, 150, 2 and 1 batches: 6 epochs, or the least or most of them.
    few = replace(recipe.EXACT, n_updates=60, min_epochs=2, max_epochs=10)
    monkeypatch.setattr(recipe, "EXACT", few)
    clf = small(max_iter="auto", batch_size=batch_size).fit(*iris)
    assert clf.n_iter_ == n_epochs


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_learning_rates_follow_their_schedule(iris, monkeypatch):
    X, y = iris
    rates, epoch = [], FloatTrainer.epoch

    def record(self, spikes, targets, order, batch_size, batch_rates):
        assert len(batch_rates) == -(-len(order) // batch_size)
        rates.extend(batch_rates)
        return epoch(self, spikes, targets, order, batch_size, batch_rates)

    monkeypatch.setattr(FloatTrainer, "epoch", record)
    clf = small(learning_rate_init=0.01, batch_size=15, max_iter=4, warm_start=True)
    clf.fit(X, y).fit(X, y)  # the schedule starts anew
    progress = np.arange(40) / 40
    assert_allclose(rates, np.tile(0.005 * (1 + np.cos(np.pi * progress)), 2))
    rates.clear()
    clf.partial_fit(X, y)
    clf.set_params(learning_rate="constant").fit(X, y)
    assert_array_equal(rates, np.full(50, 0.01))


def test_constant_rate_warns_at_max_iter(iris):
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        small(learning_rate="constant", tol=0.0).fit(*iris)


def test_verbose_prints_one_line_for_each_epoch(iris, capsys):
    small(verbose=True).fit(*iris)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    for k, line in enumerate(lines):
        assert re.fullmatch(rf"Iteration {k + 1}, loss = \d+\.\d+", line)


# -- Warm starts -------------------------------------------------------------------


def test_warm_start_keeps_its_records():
    X, y = make_yin_yang(300, random_state=0)
    clf = small(warm_start=True, early_stopping=True, random_state=0)
    clf.fit(X, y)
    first = clf.best_validation_score_
    clf.fit(X, y)
    # Of five epochs in each call, the rate falls in the last two.
    assert clf.n_iter_ == len(clf.loss_curve_) == 10
    assert len(clf.validation_scores_) == 6
    assert clf.best_validation_score_ == max(clf.validation_scores_) >= first
    clf = small(random_state=0)
    for _ in range(3):
        clf.partial_fit(X, y, classes=[0, 1, 2])
    clf.partial_fit(X, (y + 1) % 3)
    assert clf.best_loss_ == min(clf.loss_curve_) < clf.loss_


def test_fit_forgets_the_random_state_of_earlier_calls(iris):
    X, y = iris
    one = small(random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    one.fit(X, y).partial_fit(X, y)
    two = small(random_state=0).fit(X, y).partial_fit(X, y)
    assert_array_equal(one.coefs_[0], two.coefs_[0])


# -- partial_fit -------------------------------------------------------------------


def test_partial_fit_learns_and_counts(iris):
    X, y = iris
    order = np.random.default_rng(0).permutation(150)
    scores = []
    for seed in range(2):
        clf = small(random_state=seed)
        for _ in range(30):
            clf.partial_fit(X[order[:75]], y[order[:75]], classes=[0, 1, 2])
            clf.partial_fit(X[order[75:]], y[order[75:]])
        assert clf.n_iter_ == 60
        assert clf.t_ == 60 * 75
        scores.append(clf.score(X, y))
    assert np.mean(scores) > 0.92


def differ_in_moments(X, y, **parameters):
    """Two classifiers with the same weights, whose moments follow different labels.

    Their last step was too small to move a weight.
    """
    clf = small(random_state=0, **parameters).partial_fit(X, y, classes=[0, 1, 2])
    pair = [pickle.loads(pickle.dumps(clf)) for _ in range(2)]
    for one, labels in zip(pair, (y, (y + 1) % 3), strict=True):
        one.set_params(learning_rate_init=1e-30).partial_fit(X, labels)
        one.set_params(learning_rate_init="auto")
        assert_same_weights(one, clf)
    return pair


def test_moments_last_from_one_partial_fit_to_the_next(iris):
    one, two = differ_in_moments(*iris)
    weights = [clf.partial_fit(*iris).coefs_[0] for clf in (one, two)]
    assert not np.array_equal(*weights)


def test_fit_drops_the_moments_of_partial_fit(iris):
    one, two = differ_in_moments(*iris, warm_start=True)
    for a, b in zip(one.fit(*iris).coefs_, two.fit(*iris).coefs_, strict=True):
        assert_array_equal(a, b)


# -- Interrupts --------------------------------------------------------------------


INTERRUPTED = """
import os, signal, sys, threading, time, types, warnings
import numpy as np
import ttfs.engines.float
from ttfs import TTFSClassifier
from ttfs import core as _core

sent = []

def interrupt():
    sent.append(time.process_time())
    os.kill(os.getpid(), signal.SIGINT)

def make(layers, *args, **kwargs):
    class Trainer(_core.precision(layers[0].weights).Trainer):
        def epoch(self, *args):
            threading.Timer(0.5, interrupt).start()
            return super().epoch(*args)

    return Trainer(layers, *args, **kwargs)

rng = np.random.default_rng(0)
X = rng.random((120_000, 20), dtype=np.float32)
y = (X[:, 0] > X[:, 1]).astype(int)
clf = TTFSClassifier((700, 700), max_iter=1, batch_size=200, random_state=0)
before = time.process_time()
clf.fit(X[:2000], y[:2000])
epoch = 60 * (time.process_time() - before)
clf.set_params(max_iter=3)
core = types.SimpleNamespace(**vars(_core) | {"Trainer": make})
ttfs.engines.float._core = core
signal.signal(signal.SIGINT, signal.default_int_handler)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    clf.fit(X, y)
waited = time.process_time() - sent[0]
assert clf.n_iter_ == 0 and clf.loss_ is None, clf.loss_curve_
assert any("interrupted in epoch 1" in str(w.message) for w in caught)
p = clf.predict_proba(X[:50])
assert np.isfinite(p).all()
print(waited / epoch)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_ctrl_c_stops_a_long_epoch_at_once():
    """Measured in the time of the processor, which other programs do not lengthen."""
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < 0.02  # epochs


def test_interrupt_before_training_gives_the_old_model_back(iris, monkeypatch):
    X, y = iris
    clf = small(random_state=0).fit(X, y)
    before = clf.predict_proba(X)

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(base, "initial_weights", interrupted)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert_array_equal(clf.predict_proba(X), before)
