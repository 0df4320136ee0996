"""Encoders as scikit-learn transformers, and in pipelines."""

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cases import in_turn
from classifiers import assert_same_model, quick
from encoding import X, classes_of, make_encoder_of, random_features
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from ttfs import SpikeTrains, TTFSClassifier
from ttfs.encoders import (
    SHORTHANDS,
    LatencyEncoder,
    PopulationEncoder,
    SpikeTimesEncoder,
    make_encoder,
)

ENCODERS = {
    "auto": LatencyEncoder(),
    "latency": LatencyEncoder(complement=False),
    "complement": LatencyEncoder(complement=True),
    "population": PopulationEncoder(),
    "spike_times": SpikeTimesEncoder(),
}


@pytest.mark.parametrize(
    "encoder",
    [
        *(LatencyEncoder(), PopulationEncoder(7), SpikeTimesEncoder()),
        pytest.param(LatencyEncoder(complement=True), marks=pytest.mark.slow),
        pytest.param(LatencyEncoder(silent_time=2.0), marks=pytest.mark.slow),
    ],
    ids=repr,
)
def test_scikit_learn_checks(encoder):
    check_estimator(encoder, on_skip=None)


# ------------------------------------------------------------------ transform


@pytest.mark.parametrize(("kind", "dtype"), in_turn(ENCODERS, [np.float32, np.float64]))
def test_times_are_those_that_an_estimator_sees(kind, dtype):
    X = random_features(0, 40, 9, 0.6).astype(dtype)
    y = classes_of(X, 1)
    encoder = clone(ENCODERS[kind]).fit(X)
    times = encoder.transform(X)
    assert times.dtype == np.float64
    assert times.shape == (40, encoder.n_channels_)
    spikes = encoder.spikes(X, np.empty(0), np.inf)
    assert_array_equal(times, spikes.dense())
    clf = quick(encoder=kind, arithmetic="float64", t_max=9.0).fit(X, y)
    assert_array_equal(clf.spike_times(X)[0], times + encoder.begin_)
    assert_array_equal(encoder.transform(X[:3]), times[:3])


def test_silent_channels_have_the_time_that_is_asked_for():
    times = LatencyEncoder().fit_transform(X)
    assert np.isinf(times).any()
    for encoder in (LatencyEncoder(silent_time=3.0), LatencyEncoder(silent_time=1.0)):
        finite = encoder.fit_transform(X)
        assert_array_equal(finite, np.minimum(times, encoder.silent_time))
    # Other estimators take these.
    X_iris, y = load_iris(return_X_y=True)
    pipe = make_pipeline(
        PopulationEncoder(6, silent_time=1.5), LogisticRegression(max_iter=1000)
    )
    assert pipe.fit(X_iris, y).score(X_iris, y) > 0.9


@pytest.mark.parametrize("encoder", [LatencyEncoder, PopulationEncoder])
def test_silent_time_is_not_before_the_last_spike(encoder):
    with pytest.raises(ValueError, match=r"silent_time=1\.5 must not be before.*, 2"):
        encoder(window=2.0, silent_time=1.5).fit(X)
    assert encoder(window=2.0, silent_time=2.0).fit(X).end_ == 2.0


def test_spikes_from_silent_time_on_are_left_out():
    encoder = SpikeTimesEncoder(silent_time=2.0).fit([[0.5, 1.0], [1.5, 1.0]])
    assert encoder.end_ == 1.0
    assert_array_equal(encoder.transform([[9.0, 2.0]]), [[2.0, 1.5]])
    with pytest.raises(ValueError, match=r"silent_time=0\.5 must not be before"):
        SpikeTimesEncoder(silent_time=0.5).fit([[0.5, 1.0], [1.5, 1.0]])


def test_first_spikes_of_trains():
    trains = SpikeTrains([0, 0, 0, 2], [1, 0, 1, 1], [0.9, 0.3, 0.1, 0.5], (3, 2))
    encoder = SpikeTimesEncoder(begin=0.0).fit(trains)
    inf = np.inf
    assert_array_equal(encoder.transform(trains), [[0.3, 0.1], [inf, inf], [inf, 0.5]])
    assert (encoder.n_features_in_, encoder.begin_, encoder.end_) == (2, 0.0, 0.9)
    for other in (LatencyEncoder(), PopulationEncoder()):
        with pytest.raises(TypeError, match=r"Encoder encodes features; spike trains"):
            other.fit(trains)
    with pytest.raises(ValueError, match="0 samples"):
        encoder.transform(trains[:0])
    with pytest.raises(ValueError, match="expecting 2 features"):
        encoder.transform(SpikeTrains([0], [0], [0.1], (1, 3)))


def test_sparse_data():
    X = random_features(2, 40, 12, 0.3)
    dense = LatencyEncoder().fit(X)
    for container in (sp.csr_array, sp.csc_matrix, sp.coo_array):
        encoder = LatencyEncoder().fit(container(X))
        assert_array_equal(encoder.transform(container(X)), dense.transform(X))
        assert_array_equal(encoder.transform(X), dense.transform(X))
    for encoder in (LatencyEncoder(complement=True), PopulationEncoder()):
        with pytest.raises(TypeError, match=r"Encoder\(.*has spikes for every zero"):
            encoder.fit(sp.csr_array(X))
    # What is not stored is no spike among spike times.
    times = SpikeTimesEncoder(begin=0.0).fit_transform(sp.csr_array(np.abs(X)))
    assert_array_equal(times, np.where(X == 0, np.inf, np.abs(X)))


def test_not_fitted():
    for encoder in ENCODERS.values():
        for call in (encoder.transform, encoder.get_feature_names_out):
            with pytest.raises(NotFittedError):
                call(X)
        assert not hasattr(encoder, "n_channels_")


def test_mistakes():
    for encoder, name in (
        (LatencyEncoder(complement="always"), "complement"),
        (LatencyEncoder(window=0.0), "window"),
        (LatencyEncoder(window=np.inf), "window"),
        (LatencyEncoder(silent_time=np.nan), "silent_time"),
        *((LatencyEncoder(levels=n), "levels") for n in (1, 0, "a", 2.5, 2**24 + 1)),
        (PopulationEncoder(levels=1), "levels"),
        (LatencyEncoder(silent_time=None), "silent_time"),
        (PopulationEncoder(2), "n_fields"),
        (PopulationEncoder(4.0), "n_fields"),
        (SpikeTimesEncoder(begin=np.inf), "begin"),
        (SpikeTimesEncoder(duration=-1.0), "duration"),
        (SpikeTimesEncoder(may_drop="never"), "may_drop"),
        (SpikeTimesEncoder(may_drop=[True, False]), "may_drop must be"),
        (SpikeTimesEncoder(may_drop=[1, 0, 1]), "may_drop must be"),
    ):
        with pytest.raises(ValueError, match=name):
            encoder.fit(X)


# ------------------------------------------------------------------ names


def test_names_of_channels():
    encoders = {
        "auto": ["x0", "x1", "x2", "x1_complement"],
        "latency": ["x0", "x1", "x2"],
        "complement": ["x0", "x1", "x2", "x0_complement", "x1_complement"],
        "population": [f"x{i}_field{k}" for i in range(3) for k in range(4)],
        "spike_times": ["x0", "x1", "x2"],
    }
    for kind, names in encoders.items():
        encoder = clone(ENCODERS[kind]).fit(X)
        assert encoder.get_feature_names_out().tolist() == names
        assert len(names) == encoder.n_channels_ == encoder.transform(X).shape[1]
        others = [name.replace("x", "in") for name in names]
        out = encoder.get_feature_names_out(["in0", "in1", "in2"])
        assert out.tolist() == others
        with pytest.raises(ValueError, match="length equal to number of features"):
            encoder.get_feature_names_out(["in0"])


def test_data_frames():
    frame = pd.DataFrame(X, columns=["mass", "height", "age"], index=[5, 6, 7])
    encoder = LatencyEncoder().set_output(transform="pandas")
    out = encoder.fit_transform(frame)
    assert out.columns.tolist() == ["mass", "height", "age", "height_complement"]
    assert out.index.tolist() == [5, 6, 7]
    assert_array_equal(out.to_numpy(), LatencyEncoder().fit_transform(X))
    assert_array_equal(encoder.feature_names_in_, frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(frame[["age", "mass", "height"]])
    # Without names again.
    assert encoder.fit(X).get_feature_names_out().tolist()[0] == "x0"
    columns = ColumnTransformer(
        [("a", PopulationEncoder(3), ["mass"]), ("b", LatencyEncoder(), ["height"])]
    ).fit(frame)
    assert columns.get_feature_names_out().tolist() == [
        *(f"a__mass_field{k}" for k in range(3)),
        "b__height",
        "b__height_complement",
    ]


# ------------------------------------------------------------------ pipelines


def data_sets():
    yield "iris", load_iris(return_X_y=True)
    yield "breast cancer", load_breast_cancer(return_X_y=True)
    yield "digits", load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    yield "both signs", (rng.normal(size=(120, 7)), rng.integers(0, 3, 120))
    X = random_features(5, 150, 30, 0.4)
    yield "constants and zeros", (X, classes_of(X, 6))


DATA_SETS = {name: (X[::4], y[::4]) for name, (X, y) in data_sets()}
SPARSE = {
    "counts": np.random.default_rng(1).poisson(0.3, (90, 40)).astype(float),
    "few": random_features(7, 90, 40, 0.1),
    "not positive": -np.abs(random_features(8, 90, 40, 0.1)),
}


def assert_same_models(one, two, X, X_two):
    """Two estimators do the same, each with its own form of the features."""
    assert_same_model(one, two)
    assert_array_equal(one.predict_proba(X), two.predict_proba(X_two))
    for a, b in zip(one.spike_times(X), two.spike_times(X_two), strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("case", "dtype", "arithmetic"),
    in_turn(
        itertools.product(["auto", "latency", "complement"], DATA_SETS),
        [np.float32, np.float64],
        ["float32", "float64", "fixed"],
    ),
)
def test_pipeline_has_the_bits_of_the_estimator(case, dtype, arithmetic):
    kind, name = case
    X, y = DATA_SETS[name]
    X, X_test = X[::2].astype(dtype), 1.5 * X[1::2].astype(dtype)
    y = y[::2]
    parameters = {"arithmetic": arithmetic, "max_iter": 2}
    clf = quick(encoder=kind, **parameters).fit(X, y)
    encoder = clone(ENCODERS[kind])
    pipe = make_pipeline(encoder, quick(encoder="spike_times", **parameters)).fit(X, y)
    for rows in (X, X_test):
        assert_same_models(clf, pipe[-1], rows, pipe[:-1].transform(rows))
        assert_array_equal(clf.predict(rows), pipe.predict(rows))
        assert_array_equal(clf.predict_proba(rows), pipe.predict_proba(rows))
    assert_array_equal(encoder.may_drop_, clf.encoder_.may_drop_)


@pytest.mark.parametrize(
    ("name", "dtype", "arithmetic"),
    in_turn(DATA_SETS, [np.float32, np.float64], ["float32", "float64"]),
)
def test_pipeline_with_a_population_code(name, dtype, arithmetic):
    X, y = DATA_SETS[name]
    X = X.astype(dtype)
    told = SpikeTimesEncoder(begin=0.0, duration=1.0, may_drop=False)
    clf = quick(encoder="population", arithmetic=arithmetic).fit(X, y)
    pipe = make_pipeline(
        PopulationEncoder(), quick(encoder=told, arithmetic=arithmetic)
    ).fit(X, y)
    assert_same_models(clf, pipe[-1], X, pipe[:-1].transform(X))
    # Without dropout, nothing has to be said of it.
    told = SpikeTimesEncoder(begin=0.0, duration=1.0)
    parameters = {"arithmetic": arithmetic, "input_dropout": 0.0}
    pipe = make_pipeline(PopulationEncoder(), quick(encoder=told, **parameters))
    pipe.fit(X, y)
    assert_same_models(clf, pipe[-1], X, pipe[:-1].transform(X))


@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize("kind", ["auto", "latency"])
def test_pipeline_where_zeros_are_absent_in_all_features(kind, name):
    X = SPARSE[name]
    y = classes_of(X, 2)
    clf = quick(encoder=kind).fit(X, y)
    # No spike may be at 0, or at the end of the window, which has to be told.
    told = SpikeTimesEncoder(begin=0.0, duration=1.0)
    for form in (X, sp.csr_array(X)):
        pipe = make_pipeline(clone(ENCODERS[kind]), quick(encoder=told)).fit(form, y)
        assert_same_models(clf, pipe[-1], form, pipe[:-1].transform(form))
    # With t_max, and a time of the read-out or none, the end needs not be told; the
    # beginning, where the greatest values are absent zeros.
    if name == "not positive":
        return
    for read_out in (1.25, None):
        horizon = {"t_max": 2.0, "read_out": read_out}
        clf = quick(encoder=kind, **horizon).fit(X, y)
        plain = quick(encoder="spike_times", **horizon)
        pipe = make_pipeline(clone(ENCODERS[kind]), plain).fit(X, y)
        assert_same_models(clf, pipe[-1], X, pipe[:-1].transform(X))


def test_dropout_where_complements_change_the_rule_for_absent_spikes():
    # At least half of all features are 0, but not half of all channels are silent.
    rng = np.random.default_rng(0)
    X = rng.random((100, 4)) + 0.1
    for column, n_zeros in ((1, 90), (2, 90), (3, 30)):
        X[rng.permutation(100)[:n_zeros], column] = 0.0
    y = classes_of(X, 1)
    encoder = LatencyEncoder().fit(X)
    assert encoder.may_drop_.tolist() == [False, True, True, True, False]
    plain = SpikeTimesEncoder().fit(encoder.transform(X))
    assert plain.may_drop_.tolist() == [False, True, True, False, False]
    clf = quick().fit(X, y)
    told = SpikeTimesEncoder(may_drop=encoder.may_drop_)
    pipe = make_pipeline(LatencyEncoder(), quick(encoder=told)).fit(X, y)
    assert_same_models(clf, pipe[-1], X, pipe[:-1].transform(X))


def test_channels_without_complements_drop_the_same_spikes():
    for seed in range(60):
        density = [0.1, 0.4, 0.5, 0.6, 0.9][seed % 5]
        X = random_features(seed, 12, 2 + seed % 7, density, integers=seed % 2 == 0)
        for kind in ("latency", "complement"):
            encoder = clone(ENCODERS[kind]).fit(X)
            times = encoder.transform(X)
            by_times = SpikeTimesEncoder().fit(times).may_drop_
            spikes = np.isfinite(times).any(axis=0)
            assert_array_equal(by_times[spikes], encoder.may_drop_[spikes])


# ------------------------------------------------------------------ in an estimator


def test_shorthands_are_encoders():
    assert SHORTHANDS.keys() == ENCODERS.keys()
    for kind, encoder in ENCODERS.items():
        made = make_encoder(kind, 2.0)
        assert type(made) is type(encoder)
        expected = encoder.get_params() | (
            {} if kind == "spike_times" else {"window": 2.0}
        )
        assert made.get_params() == expected
        assert made is not SHORTHANDS[kind]
        assert made.fit(X).channels_.kind == kind
        assert made.can_spike
    assert not make_encoder_of("latency").fit(np.ones((3, 2))).can_spike


def test_an_encoder_is_cloned_and_given_the_window():
    own, given = LatencyEncoder(window=0.5), LatencyEncoder()
    assert make_encoder(own, 2.0).fit(X).end_ == 0.5
    assert make_encoder(given, 2.0).fit(X).end_ == 2.0
    assert given.window is None
    assert not hasattr(given, "channels_")
    with pytest.raises(ValueError, match="n_fields"):
        make_encoder(PopulationEncoder(2), 2.0)
    trains = SpikeTrains([0], [0], [0.5], (1, 1))
    assert isinstance(make_encoder("auto", 2.0, trains), SpikeTimesEncoder)
    assert isinstance(make_encoder(LatencyEncoder(), 2.0, trains), LatencyEncoder)


@pytest.mark.parametrize("kind", ENCODERS)
def test_an_encoder_object_has_the_bits_of_its_shorthand(kind):
    X, y = DATA_SETS["iris"]
    by_name = quick(encoder=kind, tau_syn=2.0).fit(X, y)
    by_object = quick(encoder=clone(ENCODERS[kind]), tau_syn=2.0).fit(X, y)
    assert_same_models(by_name, by_object, X, X)
    assert_same_models(by_name, pickle.loads(pickle.dumps(by_object)), X, X)


def test_names_reach_the_encoder_of_an_estimator():
    X, y = load_iris(return_X_y=True, as_frame=True)
    clf = quick(encoder=PopulationEncoder(3)).fit(X, y)
    names = clf.encoder_.get_feature_names_out()
    assert names[:2].tolist() == [f"{X.columns[0]}_field{k}" for k in range(2)]
    assert len(names) == clf.n_channels_in_ == 12


def test_errors_of_an_estimator_name_its_encoder():
    matrix, y = sp.csr_array(X), [0, 1, 0]
    with pytest.raises(TypeError, match=r"encoder=PopulationEncoder\(\) has spikes"):
        TTFSClassifier(encoder=PopulationEncoder()).fit(matrix, y)
    trains = SpikeTrains([0, 1, 2], [0, 0, 0], [0.5, 0.1, 0.2], (3, 1))
    with pytest.raises(TypeError, match=r"TTFSClassifier has encoder=LatencyEncoder"):
        TTFSClassifier(encoder=LatencyEncoder()).fit(trains, y)
