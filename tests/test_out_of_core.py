"""Training on blocks of samples: what is learned, and in which order."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from classifiers import assert_same_model, quick, small
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import SpikeTrains, TTFSClassifier, TTFSRegressor
from ttfs.datasets import make_yin_yang
from ttfs.engines.float import FloatTrainer
from ttfs.out_of_core import fit_blocks

X, y = make_yin_yang(300, random_state=0)


def divided(*arrays, sizes=(100, 130, 70)):
    """Blocks of arrays."""
    ends = np.cumsum(sizes)
    return [
        tuple(array[end - size : end] for array in arrays)
        for size, end in zip(sizes, ends, strict=True)
    ]


def trains_of(X):
    """A spike at each of the values."""
    samples, channels = np.indices(X.shape)
    return SpikeTrains(samples.ravel(), channels.ravel(), X.ravel(), X.shape)


KINDS = {
    "array": lambda X: X,
    "sparse": lambda X: sp.csr_array(np.where(X > 0.4, X, 0)),
    "spike trains": trains_of,
    "frame": lambda X: pd.DataFrame(X, columns=list("abcd")),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_kind
def test_blocks_are_calls_of_partial_fit(kind):
    blocks = divided(kind(X), y)
    learned = fit_blocks(quick(), blocks, classes=[0, 1, 2], n_epochs=2, n_first=None)
    expected = quick()
    for _ in range(2):
        for block in blocks:
            expected.partial_fit(*block, classes=[0, 1, 2])
    assert_same_model(learned, expected, kind(X))


@every_kind
def test_the_first_call_sees_a_sample_of_all_blocks(kind):
    data = kind(X)
    learned = fit_blocks(quick(), divided(data, y), n_first=50, random_state=3)
    rows = np.argsort(np.random.RandomState(3).random_sample(300))[:50]
    sample = data.iloc[rows] if hasattr(data, "iloc") else data[rows]
    expected = quick().partial_fit(sample, y[rows], classes=[0, 1, 2])
    for block in divided(data, y):
        expected.partial_fit(*block)
    assert_same_model(learned, expected, data)


def test_how_samples_are_divided_does_not_change_the_first_ones():
    encoders = [
        fit_blocks(quick(), divided(X, y, sizes=sizes), n_first=9, random_state=1)
        for sizes in ((300,), (1, 299), (7, 0, 93, 200))
    ]
    channels = [clf.encoder_.channels_ for clf in encoders]
    for other in channels[1:]:
        assert_array_equal(other.low, channels[0].low)
        assert_array_equal(other.high, channels[0].high)


def test_ranges_of_few_samples_are_those_of_all():
    clf = fit_blocks(quick(), divided(X, y), random_state=0)
    expected = quick().fit(X, y).encoder_.channels_
    assert_array_equal(clf.encoder_.channels_.low, expected.low)
    assert_array_equal(clf.encoder_.channels_.high, expected.high)


def test_sorted_data_do_not_spoil_the_ranges():
    order = np.argsort(X[:, 0])
    blocks = divided(X[order], y[order])
    first = fit_blocks(quick(), blocks, classes=[0, 1, 2], n_first=None)
    assert first.encoder_.channels_.high[0] < 0.5  # which its docstring warns of
    sampled = fit_blocks(quick(), blocks, n_first=100, random_state=0)
    assert sampled.encoder_.channels_.high[0] > 0.9


def test_blocks_learn_as_well_as_all_data():
    def blocks():
        for seed in range(5):
            yield make_yin_yang(200, random_state=seed)

    test = make_yin_yang(1000, random_state=99)
    together = [np.concatenate(parts) for parts in zip(*blocks(), strict=True)]
    whole = TTFSClassifier((20,), max_iter=12, random_state=0).fit(*together)
    clf = TTFSClassifier((20,), random_state=0)
    fit_blocks(clf, blocks, n_epochs=9, random_state=0)
    for rate in (0.004, 0.002, 0.001):  # falls as it does in fit
        fit_blocks(clf.set_params(learning_rate_init=rate), blocks)
    assert clf.score(*test) > whole.score(*test) - 0.03 > 0.8


def test_fitted_estimators_go_on():
    blocks = divided(X, y)
    clf, expected = quick().fit(X, y), quick().fit(X, y)
    for block in blocks:
        expected.partial_fit(*block)
    assert fit_blocks(clf, iter(blocks)) is clf
    assert_same_model(clf, expected, X)
    again = quick().fit(X, y)
    for _ in range(3):
        fit_blocks(again, blocks)
    assert_same_model(again, fit_blocks(quick().fit(X, y), blocks, n_epochs=3), X)


def test_an_interrupt_ends_the_training(monkeypatch):
    """And not the block alone: what was learned before stays."""
    blocks = divided(X, y)
    clf, n_calls, epoch = quick().fit(X, y), [], FloatTrainer.epoch

    def interrupted(self, *args):
        n_calls.append(1)
        if len(n_calls) == 2:
            raise KeyboardInterrupt
        return epoch(self, *args)

    monkeypatch.setattr(FloatTrainer, "epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit_blocks(clf, blocks)
    assert len(n_calls) == 2
    monkeypatch.undo()
    assert_same_model(clf, quick().fit(X, y).partial_fit(*blocks[0]), X)


def test_weights_go_with_their_samples():
    weights = np.where(X[:, 0] < 0.5, 0.0, 2.0)
    blocks = divided(X, y, weights)
    clf = fit_blocks(small(), blocks, n_first=40, random_state=0)
    rows = np.argsort(np.random.RandomState(0).random_sample(300))[:40]
    expected = small()
    for a, b, w in [(X[rows], y[rows], weights[rows]), *blocks]:
        expected.partial_fit(a, b, classes=[0, 1, 2], sample_weight=w)
    assert_same_model(clf, expected, X)
    # Features of the first samples without weight are not among those of the ranges.
    assert clf.encoder_.channels_.low[0] >= 0.5


def test_labels_may_be_of_any_kind():
    names = np.array(["yin", "yang", "a dot"])[y]
    order = np.argsort(names)  # no block has all classes
    clf = fit_blocks(quick(), divided(X[order], names[order]), random_state=0)
    assert clf.classes_.tolist() == ["a dot", "yang", "yin"]
    assert set(clf.predict(X)) <= set(names)
    lists = [(X[:50].tolist(), names[:50].tolist())]
    fit_blocks(clf, lists)


def test_a_regressor_knows_the_range_of_all_targets():
    targets = np.column_stack([X[:, 0] ** 3, -X[:, 1]])
    blocks = divided(X, targets)
    reg = fit_blocks(quick(TTFSRegressor), blocks, n_first=2, random_state=0)
    expected = [targets.min(axis=0), targets.max(axis=0)]
    assert_array_equal(reg.target_range_, expected)
    single = fit_blocks(quick(TTFSRegressor), divided(X, X[:, 0]), n_first=2)
    assert_array_equal(single.target_range_, [[X[:, 0].min()], [X[:, 0].max()]])


def test_other_estimators_learn_too():
    sgd = fit_blocks(SGDClassifier(random_state=0), divided(X, y), n_epochs=3)
    assert sgd.classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("estimator", "blocks", "options", "error", "message"),
    [
        (LogisticRegression(), [(X, y)], {}, TypeError, "LogisticReg.* no partial_fit"),
        (make_pipeline(StandardScaler(), quick()), [(X, y)], {}, TypeError,
         "Pipeline has no partial_fit.*scale features themselves"),
        (quick(), [X], {}, TypeError, r"each block must be \(X, y\).*got ndarray"),
        (quick(), [(X,)], {}, TypeError, "each block must be"),
        (quick(), [(X, y[:9])], {}, ValueError, "inconsistent numbers of samples"),
        (quick(), [(X, y), (X, y[:9])], {}, ValueError, "block 1: .* inconsistent"),
        (quick(), [(X, y), (X, y), (X[:, :1], y)], {}, ValueError,
         f"block 2 has 1 features, but those before it {X.shape[1]}"),
        (quick(), [(X, y), 3], {}, TypeError, "got int for block 1"),
        (quick(), 3, {}, TypeError, "blocks must be an iterable of tuples.*got 3"),
        (quick(), lambda: None, {}, TypeError, "blocks must be an iterable.*got None"),
        (quick(), [], {}, ValueError, "blocks hold no samples"),
        (quick(), [(X[:0], y[:0])], {}, ValueError, "blocks hold no samples"),
        (quick().fit(X, y), lambda: [], {}, ValueError, "blocks hold no samples"),
        (quick(), iter([(X, y)]), {}, ValueError, "read once only"),
        (quick().fit(X, y), iter([(X, y)]), {"n_epochs": 2}, ValueError, "once only"),
        (quick(), [(X, y)], {"n_first": None}, ValueError, "classes must be passed"),
        (quick(), [(X, y)], {"n_epochs": 0}, ValueError, "n_epochs must be a positive"),
        (quick(), [(X, y)], {"n_first": 1.5}, ValueError, "n_first must be a positive"),
        (quick(), [(X, y)], {"classes": [0, 1]}, ValueError, "labels that are not in"),
        (quick(early_stopping=True), [(X, y)], {}, ValueError, "early_stopping"),
    ],
)  # fmt: skip
def test_mistakes(estimator, blocks, options, error, message):
    with pytest.raises(error, match=message):
        fit_blocks(estimator, blocks, **options)
