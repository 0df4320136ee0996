"""Interrupts (Ctrl-C) at any moment cost no trained model and no parameter."""

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ttfs import TTFSClassifier, estimators
from ttfs.datasets import make_yin_yang
from ttfs.engines.float import FloatTrainer

FOLDER = str(Path(estimators.__file__).parent)


class Interrupter:
    """Raises KeyboardInterrupt before the n-th line of code in the estimators' files.

    Lines count from the moment at which `is_armed` is set.
    """

    def __init__(self, n, *, is_armed=True):
        self.n, self.is_armed = n, is_armed
        self.n_lines = 0

    def trace(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(FOLDER):
            return None
        if event == "line" and self.is_armed:
            self.n_lines += 1
            if self.n_lines == self.n:
                raise KeyboardInterrupt
        return self.trace

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)


def assert_whole(clf, before):
    """The estimator has its parameters, and the weights of one of some models."""
    assert clf.get_params() == before[0].get_params()
    assert any(
        all(np.array_equal(a, b) for a, b in zip(clf.coefs_, m.coefs_, strict=True))
        for m in before
    )
    assert len(clf.loss_curve_) == clf.n_iter_


@pytest.mark.filterwarnings("ignore:training interrupted")
@pytest.mark.parametrize("apart", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_an_interrupt_at_any_line_leaves_the_old_model_or_the_new_one(apart):
    X, y = make_yin_yang(60, random_state=0)
    old = TTFSClassifier((5,), max_iter=1, random_state=0).fit(X, y)
    new = TTFSClassifier((5,), max_iter=1, random_state=0).fit(X, 2 - y)
    untrained = TTFSClassifier((5,), max_iter=1, random_state=0).set_params(
        learning_rate_init=1e-30
    )
    untrained.fit(X, 2 - y).set_params(learning_rate_init="auto")
    clf = TTFSClassifier((5,), max_iter=1, random_state=0).fit(X, y)
    with Interrupter(0) as counter:
        clf.fit(X, y)
    n_lines = counter.n_lines
    assert n_lines > 100
    n_interrupted, lines = 0, range(1, n_lines + 1, apart)
    for n in lines:
        try:
            with Interrupter(n):
                clf.fit(X, 2 - y)
        except KeyboardInterrupt:
            n_interrupted += 1
        # An epoch that is interrupted has learned, or not yet, and does not count.
        models = [old, new] if clf.n_iter_ else [untrained, new]
        assert_whole(clf, models)
    assert n_interrupted > 0.7 * len(lines)


def test_a_second_interrupt_while_a_failed_fit_ends_costs_nothing(monkeypatch):
    X, y = make_yin_yang(60, random_state=0)
    clf = TTFSClassifier((5,), max_iter=1, random_state=0).fit(X, y)
    before, parameters = clf.predict_proba(X), clf.get_params()
    current = []

    def fail(self, *arguments):
        for interrupter in current:
            interrupter.is_armed = True
        raise ValueError("failed")

    monkeypatch.setattr(FloatTrainer, "epoch", fail)
    for n in range(1, 20):
        interrupter = Interrupter(n, is_armed=False)
        current[:] = [interrupter]
        with interrupter, pytest.raises((KeyboardInterrupt, ValueError)):
            clf.fit(X, 2 - y)
        assert clf.get_params() == parameters
        assert_array_equal(clf.predict_proba(X), before)
