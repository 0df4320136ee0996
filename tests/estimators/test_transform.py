"""`transform`: spike times of the last hidden layer; labels that are several."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from classifiers import small
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline, make_union

from ttfs import SpikeTrains, TTFSClassifier, TTFSRegressor
from ttfs.datasets import make_yin_yang
from ttfs.substrates import AnalogChip, Ideal


@pytest.fixture(scope="module")
def data():
    return make_yin_yang(80, random_state=0)


# -- Features ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"arithmetic": "fixed"},
        {"arithmetic": "fixed", "gradient": "local"},
        {"delays": "synaptic", "t_max": 1.2},
        {"substrate": Ideal()},
        {"hidden_layer_sizes": (9, 7)},
        {"max_spikes": 3},
    ],
    ids=str,
)
def test_features_are_first_spike_times_of_the_last_hidden_layer(data, options):
    X, y = data
    clf = small(**options).fit(X, y)
    fired = clf.spike_times(X)[-2]
    if fired.ndim == 3:
        fired = fired.min(axis=2)
    expected = np.where(np.isinf(fired), clf.t_max_, fired.astype(float))
    times = clf.transform(X)
    assert times.dtype == np.float64
    assert_array_equal(times, expected)
    assert (times <= clf.t_max_).all()
    assert times.std() > 0


def test_silent_neurons_are_at_the_end(data):
    X, y = data
    clf = small().fit(X, y)
    weights = [w.copy() for w in clf.coefs_]
    weights[0][:, 3] = -1.0
    clf.coefs_ = weights
    assert_array_equal(clf.transform(X)[:, 3], np.full(len(X), clf.t_max_))


def test_times_are_counted_from_the_start_of_the_inputs():
    rng = np.random.RandomState(0)
    events = np.repeat(np.arange(10), 4), np.tile(np.arange(4), 10), 5 + rng.rand(40)
    trains, y = SpikeTrains(*events, (10, 4)), np.arange(10) % 2
    clf = small().fit(trains, y)
    fired = clf.spike_times(trains)[-2] - clf.encoder_.begin_
    times = clf.transform(trains)
    np.testing.assert_allclose(times, np.minimum(fired, clf.t_max_), atol=1e-6)
    assert times.min() < clf.t_max_ < 5


def test_sparse_data_and_blocks_give_the_same(data, monkeypatch):
    X, y = data
    clf = small().fit(X, y)
    times = clf.transform(X)
    assert_array_equal(clf.transform(csr_array(X)), times)
    monkeypatch.setattr("ttfs.estimators.measures._BLOCK", 7)
    assert_array_equal(clf.transform(X), times)


def test_a_regressor_transforms_too(data):
    X, _ = data
    reg = small(TTFSRegressor).fit(X, X[:, 0])
    fired = reg.spike_times(X)[-2].astype(float)
    assert_array_equal(reg.transform(X), np.minimum(fired, reg.t_max_))
    assert list(reg.get_feature_names_out())[-1] == "ttfsregressor11"


# -- Pipelines and frames ----------------------------------------------------------


def test_a_pipeline_reads_the_hidden_layer(data):
    X, y = data
    pipeline = make_pipeline(small(), LogisticRegression()).fit(X, y)
    times = small().fit(X, y).transform(X)
    alone = LogisticRegression().fit(times, y)
    assert_array_equal(pipeline.predict_proba(X), alone.predict_proba(times))
    assert_array_equal(
        pipeline[:-1].get_feature_names_out(), [f"ttfsclassifier{k}" for k in range(12)]
    )
    union = make_union(small(), small(TTFSRegressor))
    assert make_pipeline(union, Ridge()).fit(X, y).predict(X).shape == (80,)
    assert union.transform(X).shape == (80, 24)


def test_frames(data):
    X, y = data
    X = pd.DataFrame(X, columns=list("abcd"), index=np.arange(80) * 2)
    clf = small().set_output(transform="pandas").fit(X, y)
    frame = clf.transform(X)
    assert list(frame.columns) == list(clf.get_feature_names_out())
    assert_array_equal(frame.index, X.index)
    assert_array_equal(
        frame, clone(clf).set_output(transform="default").fit_transform(X, y)
    )
    # Labels and probabilities stay arrays.
    assert type(clf.predict(X)) is type(clf.predict_proba(X)) is np.ndarray
    with pytest.raises(ValueError, match="input_features is not equal"):
        clf.get_feature_names_out(["a", "b"])


def test_estimators_stay_what_they_are(data):
    assert is_classifier(TTFSClassifier())
    assert is_regressor(TTFSRegressor())
    # There is no importance of features that a selection could take by mistake.
    select = SelectFromModel(small()).fit(*data)
    with pytest.raises((AttributeError, ValueError), match="coef_"):
        select.transform(data[0])


@pytest.mark.parametrize("method", ["transform", "get_feature_names_out"])
def test_without_a_hidden_layer_there_are_no_features(data, method):
    X, y = data
    arguments = (X,) if method == "transform" else ()
    with pytest.raises(NotFittedError):
        getattr(TTFSClassifier(()), method)(*arguments)
    clf = small(hidden_layer_sizes=()).fit(X, y)
    with pytest.raises(ValueError, match="was fitted without hidden layers"):
        getattr(clf, method)(*arguments)
    assert "TTFSClassifier" in clf._repr_html_()
    assert clf.set_output(transform="pandas").predict(X).shape == (80,)


def test_a_chip_transforms(data):
    X, y = data
    clf = small().fit(X, y)
    ideal = clf.transform(X)
    clf.set_params(substrate=AnalogChip(spike_jitter=0.1, random_state=0))
    assert clf.transform(X).shape == ideal.shape
    assert np.abs(clf.transform(X) - ideal).max() > 0.01


# -- Several labels ----------------------------------------------------------------


def labels_of(y):
    """An indicator matrix of two labels that are not exclusive."""
    return np.column_stack([y != 0, y != 1]).astype(int)


@pytest.mark.parametrize(
    "kind", [np.asarray, np.ndarray.tolist, csr_array, pd.DataFrame]
)
def test_several_labels_are_refused_with_a_hint(data, kind):
    X, y = data
    wrapper = re.escape("MultiOutputClassifier(TTFSClassifier())")
    clf = small()
    with pytest.raises(ValueError, match=wrapper):
        clf.fit(X, kind(labels_of(y)))
    with pytest.raises(ValueError, match=wrapper):
        clf.partial_fit(X, kind(labels_of(y)), classes=[0, 1])
    assert not hasattr(clf, "network_")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a column is one label
        clf.fit(X, y[:, np.newaxis])


def test_lists_of_labels_are_refused_with_a_hint(data):
    X, y = data
    ragged = [[0], [1, 2]] * (len(y) // 2)
    several = np.empty(len(ragged), object)
    several[:] = ragged
    for labels in (ragged, several):
        with pytest.raises(ValueError, match=r"lists of labels.*MultiLabelBinarizer"):
            small().fit(X[: len(ragged)], labels)


@pytest.mark.parametrize("wrapper", [MultiOutputClassifier, OneVsRestClassifier])
def test_the_wrappers_take_several_labels(data, wrapper):
    X, y = data
    labels = labels_of(y)
    wrapped = wrapper(TTFSClassifier((20,), max_iter=60, random_state=0)).fit(X, labels)
    assert wrapped.predict(X).shape == labels.shape
    assert np.mean(wrapped.predict(X) == labels) > 0.8
    alone = TTFSClassifier((20,), max_iter=60, random_state=0).fit(X, labels[:, 1])
    assert_array_equal(wrapped.predict(X)[:, 1], alone.predict(X))
