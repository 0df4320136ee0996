"""The encoder of integers: what it gives is what the real-valued pipeline gives."""

import itertools
import os
import re

import numpy as np
import pytest
from cases import in_turn
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from ttfs import TTFSClassifier, export
from ttfs._fixed import FixedCore
from ttfs.datasets import make_yin_yang
from ttfs.encoders import LatencyEncoder, PopulationEncoder, SpikeTimesEncoder
from ttfs.export.model import events_at, read_model
from ttfs.parameters import FixedPoint

# All bytes, and every third int16, first and last included.
ALL = {"int16": np.arange(-(2**15), 2**15, 3), "uint8": np.arange(256)}

# How many values may differ, where the time of a spike is in the middle of two ticks.
MAX_SHARE = 1e-3


def random_scalers(rng):
    """Scalers, none to three, with random parameters."""
    low = rng.uniform(-3, 1)
    kinds = [
        StandardScaler(with_mean=bool(rng.integers(2)), with_std=bool(rng.integers(2))),
        MinMaxScaler((low, low + rng.uniform(0.1, 5)), clip=bool(rng.integers(2))),
        MaxAbsScaler(),
        RobustScaler(
            with_centering=bool(rng.integers(2)),
            with_scaling=bool(rng.integers(2)),
            unit_variance=bool(rng.integers(2)),
            quantile_range=(10.0, 80.0),
        ),
    ]
    return [clone(kinds[k]) for k in rng.integers(4, size=rng.integers(4))]


def raw_data(rng, features, n=60):
    """Columns of many kinds: wide, narrow, skewed, sparse, of few values, constant."""
    limits = np.iinfo(features)
    low, high = np.sort(rng.integers(limits.min, limits.max + 1, 2))
    few = rng.integers(limits.min, limits.max - 1)
    signed = rng.integers(limits.min, limits.max + 1, n)
    columns = [
        rng.integers(limits.min, limits.max + 1, n),
        rng.integers(low, high + 1, n),
        np.minimum(rng.lognormal(2, 1.5, n), limits.max),
        few + rng.integers(0, 2, n),
        np.where(rng.random(n) < 0.6, 0, signed),
        np.where(rng.random(n) < 0.6, 0, np.minimum(signed, 0)),
        np.where(rng.random(n) < 0.6, 0, np.maximum(signed, 0)),
        np.full(n, few),
        rng.integers(low // 2, high // 2 + 1, n),
    ]
    return np.column_stack(columns).astype(features), rng.integers(0, 2, n)


def classifier(encoder="auto", **options):
    options = {"arithmetic": "fixed", "max_iter": 1, "random_state": 0} | options
    return TTFSClassifier((3,), encoder=encoder, **options)


def random_pipeline(rng, encoder):
    tick = rng.choice([1 / 64, 1 / 16, rng.uniform(1 / 200, 1 / 8)])
    clf = classifier(encoder, arithmetic=FixedPoint(tick=tick))
    return make_pipeline(*random_scalers(rng), clf)


def of_all_values(model, features):
    """Ticks of all raw values, by the integers and by the pipeline."""
    encoder = export.integer_encoder(model, features)
    raw = np.tile(ALL[features][:, None], encoder.n_features).astype(features)
    ticks = encoder.encode(raw)
    assert ticks.dtype == np.uint16
    return (
        encoder,
        ticks.astype(int),
        export.ticks(model, raw.astype(float)).astype(int),
    )


ENCODERS = {
    "auto": "auto",
    "latency": "latency",
    "complement": "complement",
    "whole range": LatencyEncoder(max_deviation=np.inf, window=2.3),
    "coarse levels": LatencyEncoder(levels=7),
    "fine levels": LatencyEncoder(levels=150),
    "very fine levels": LatencyEncoder(levels=4000),
    "levels of complements": LatencyEncoder(complement=True, levels=16),
}


@pytest.mark.parametrize(
    ("case", "seed"), in_turn(itertools.product(ENCODERS, ALL), range(4))
)
def test_every_value_has_its_tick(case, seed):
    name, features = case
    rng = np.random.default_rng([seed, len(name), len(features)])
    pipeline = random_pipeline(rng, ENCODERS[name])
    pipeline.fit(*raw_data(rng, features))
    encoder, ticks, real = of_all_values(pipeline, features)
    if encoder.times is None:
        assert np.abs(ticks - real).max() <= 1
    else:  # one level
        times = np.unique(encoder.times)
        places = [np.searchsorted(times, some) for some in (ticks, real)]
        assert_array_equal(times[places[1]], real)
        assert np.abs(places[0] - places[1]).max() <= 1
    # Levels finer than ticks are rounded once, not twice.
    assert (ticks != real).mean() <= (0.1 if name == "very fine levels" else MAX_SHARE)
    # Absent values are the same.
    assert_array_equal(ticks == encoder.n_ticks, real == encoder.n_ticks)


@pytest.mark.parametrize(
    ("case", "levels"), in_turn(itertools.product(ALL, [3, 4, 11]), [None, 12])
)
def test_every_value_has_its_fields(case, levels):
    features, n_fields = case
    rng = np.random.default_rng([n_fields, len(features)])
    pipeline = random_pipeline(rng, PopulationEncoder(n_fields, levels=levels))
    pipeline.fit(*raw_data(rng, features))
    encoder, ticks, real = of_all_values(pipeline, features)
    assert_array_equal(np.unique(real), encoder.times)
    places = [np.searchsorted(encoder.times, some) for some in (ticks, real)]
    # At the border of its reach a field has its last tick or none, which is no spike.
    assert np.abs(places[0] - places[1]).max() <= 1
    assert (ticks != real).mean() <= MAX_SHARE
    assert ((ticks == encoder.n_ticks) != (real == encoder.n_ticks)).mean() <= 1e-4


@pytest.mark.parametrize("seed", [0, 1])
def test_features_that_are_times(seed):
    rng = np.random.default_rng(seed)
    encoder = SpikeTimesEncoder(begin=0.1 * rng.normal(), duration=2.0)
    pipeline = make_pipeline(MinMaxScaler((0, 2)), *random_scalers(rng))
    pipeline = make_pipeline(pipeline, MinMaxScaler((0, 2)), classifier(encoder))
    X, y = raw_data(rng, "int16")
    _, ticks, real = of_all_values(pipeline.fit(X, y), "int16")
    assert np.abs(ticks - real).max() <= 1
    assert (ticks != real).mean() <= MAX_SHARE


def test_times_in_ticks_are_themselves():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 100, (50, 3))
    encoder = SpikeTimesEncoder(begin=0.0, duration=100.0)
    options = {"tau_syn": 50.0, "tau_mem": 100.0, "arithmetic": FixedPoint(tick=1.0)}
    clf = classifier(encoder, **options).fit(X, X[:, 0] > X[:, 1])
    integers = export.integer_encoder(clf, "uint8")
    assert len(integers.slope) == 1
    raw = np.tile(ALL["uint8"][:, None], 3)
    expected = np.minimum(raw, integers.n_ticks)
    assert_array_equal(integers.encode(raw), expected)


# -- Labels ------------------------------------------------------------------------


def agreement(pipeline, X, features):
    """How many samples have the label that the pipeline gives them."""
    model = read_model(pipeline[-1])
    ticks = export.integer_encoder(pipeline, features).encode(X)
    labels = FixedCore(model.network).labels(events_at(model.network, ticks))
    return (model.classes[labels.astype(int)] == pipeline.predict(X)).mean()


@pytest.mark.parametrize(
    ("scaler", "encoder"),
    in_turn([StandardScaler(), MinMaxScaler()], ["auto", "population"]),
)
def test_labels_of_yin_yang(scaler, encoder):
    def data(n, seed):
        X, y = make_yin_yang(n, random_state=seed)
        return np.round(60_000 * X - 30_000).astype(np.int16), y

    clf = TTFSClassifier(
        (30,), arithmetic="fixed", encoder=encoder, max_iter=5, random_state=0
    )
    pipeline = make_pipeline(scaler, clf).fit(*data(2000, 0))
    X, y = data(10_000, 1)
    assert pipeline.score(X, y) > 0.7
    assert agreement(pipeline, X, "int16") >= 0.999


@pytest.mark.slow  # as yin-yang
@pytest.mark.parametrize("scaler", [StandardScaler(), RobustScaler(), "passthrough"])
def test_labels_of_digits(scaler):
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.uint8)
    clf = TTFSClassifier((32,), arithmetic="fixed", max_iter=5, random_state=0)
    pipeline = make_pipeline(scaler, clf).fit(X[:1000], y[:1000])
    assert pipeline.score(X[1000:], y[1000:]) > 0.7
    assert agreement(pipeline, X, "uint8") >= 0.999


@pytest.mark.slow
def test_labels_of_mnist():
    folder = os.environ.get("TTFS_DATA")
    if not folder:
        pytest.skip("TTFS_DATA is not set")
    with np.load(os.path.join(folder, "mnist.npz")) as data:
        X, y = data["x_train"], data["y_train"].astype(int)
    X = X.reshape(len(X), -1)
    assert X.dtype == np.uint8
    clf = TTFSClassifier((32,), arithmetic="fixed", max_iter=2, random_state=0)
    pipeline = make_pipeline(MaxAbsScaler(), clf).fit(X[:3000], y[:3000])
    assert pipeline.score(X[3000:6000], y[3000:6000]) > 0.7
    assert agreement(pipeline, X[3000:6000], "uint8") >= 0.999


# -- Pipelines ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def data():
    return raw_data(np.random.default_rng(7), "int16")


def test_nested_and_empty_steps(data):
    X, y = data
    clf = classifier().fit(StandardScaler().fit_transform(X), y)
    scaler = StandardScaler().fit(X)
    plain = make_pipeline(scaler, clf)
    nested = make_pipeline(
        "passthrough", make_pipeline(make_pipeline(scaler, None), clf)
    )
    expected = export.integer_encoder(plain, "int16").encode(X)
    assert_array_equal(export.integer_encoder(nested, "int16").encode(X), expected)
    assert_array_equal(export.ticks(nested, X), export.ticks(plain, X))
    assert_array_equal(export.ticks(plain, X), export.ticks(clf, scaler.transform(X)))


def test_ticks_cost_and_json_of_a_pipeline(data, tmp_path):
    X, y = data
    pca = make_pipeline(PCA(3, random_state=0), classifier()).fit(X, y)
    reduced = pca[0].transform(X)
    assert_array_equal(export.ticks(pca, X), export.ticks(pca[-1], reduced))
    assert export.cost_sheet(pca, X) == export.cost_sheet(pca[-1], reduced)
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    with pytest.warns(UserWarning, match=r"not in it are the steps 'pca' \(PCA\)"):
        export.to_json(pca, paths[0])
    export.to_json(pca[-1], paths[1])
    assert paths[0].read_text() == paths[1].read_text()


def test_a_search_is_its_best_estimator(data, tmp_path):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), classifier())
    grid = {"ttfsclassifier__weight_decay": [0.5, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    inner = GridSearchCV(classifier(), {"weight_decay": [1.0]}, cv=2)
    for model, best in (
        (search, search.best_estimator_),
        (make_pipeline(StandardScaler(), inner).fit(X, y), None),
    ):
        if best is None:
            best = make_pipeline(model[0], model[1].best_estimator_)
        paths = [tmp_path / "search.c", tmp_path / "best.c"]
        for one, path in zip((model, best), paths, strict=True):
            export.to_c(one, path, features="int16", self_test=X[:5])
        assert paths[0].read_text() == paths[1].read_text()
        assert_array_equal(export.ticks(model, X), export.ticks(best, X))
        assert export.cost_sheet(model, X) == export.cost_sheet(best, X)
    with pytest.raises(TypeError, match="must be a TTFSClassifier, got GridSearchCV"):
        export.to_c(GridSearchCV(pipeline, grid), tmp_path / "search.c")


def test_names_of_features_do_not_matter(data):
    pd = pytest.importorskip("pandas")
    X, y = data
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])])
    pipeline = make_pipeline(StandardScaler(), classifier())
    named = clone(pipeline).set_output(transform="pandas").fit(frame, y)
    plain = pipeline.fit(X, y)
    expected = export.integer_encoder(plain, "int16").encode(X)
    assert_array_equal(export.integer_encoder(named, "int16").encode(X), expected)


def test_features_share_maps():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 17, (300, 40))
    X[:2] = [[0], [16]]
    encoder = export.integer_encoder(classifier().fit(X, X[:, 0] > 8), "uint8")
    assert len(encoder.slope) == 2
    assert encoder.map_of.shape == (80,)


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (PowerTransformer(), "'powertransformer', a PowerTransformer,"),
        (make_pipeline(MinMaxScaler(), PCA()), "'pipeline__pca', a PCA,"),
        (type("Mine", (StandardScaler,), {})(), "'mine', a Mine,"),
        (LatencyEncoder(), "'latencyencoder', a LatencyEncoder,"),
    ],
)
def test_steps_that_cannot_be_folded(step, name, data):
    X, y = data
    last = classifier("spike_times" if isinstance(step, LatencyEncoder) else "auto")
    pipeline = make_pipeline(step, last)
    message = f"the step {name} cannot be folded .*StandardScaler, MinMaxScaler, MaxAbs"
    with pytest.raises(TypeError, match=message):
        export.integer_encoder(pipeline.fit(X, y), "int16")


def test_models_that_have_no_integer_encoder(data):
    X, y = data
    clf = classifier()
    with pytest.raises(NotFittedError):
        export.integer_encoder(clf, "int16")
    clf.fit(X, y)
    with pytest.raises(NotFittedError):
        export.integer_encoder(make_pipeline(StandardScaler(), clf), "int16")
    with pytest.raises(ValueError, match="features must be 'uint8' or 'int16', got"):
        export.integer_encoder(clf, "float32")
    with pytest.raises(TypeError, match="clf must be a TTFSClassifier, got Standard"):
        export.integer_encoder(make_pipeline(clf, StandardScaler()), "int16")
    narrow = StandardScaler().fit(X[:, :2])
    with pytest.raises(ValueError, match=r"'standardscaler' has 2 features, but .* 9"):
        export.integer_encoder(make_pipeline(narrow, clf), "int16")
    many = classifier(PopulationEncoder(3000), arithmetic=FixedPoint(tick=1 / 100))
    with pytest.raises(ValueError, match="3000 receptive fields cannot be told apart"):
        export.integer_encoder(many.fit(X[:, :1], y), "int16")


def test_features_beyond_their_type():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (100, 3))
    X[:2, 1] = [-20, 300]
    encoder = LatencyEncoder(max_deviation=np.inf)
    message = (
        r"feature 1 went from -20 to 300 in training, .* raw values, 0 to 255; "
        'features="int16" holds them'
    )
    for scalers in [], [StandardScaler()], [MaxAbsScaler()]:
        pipeline = make_pipeline(*scalers, classifier(encoder)).fit(X, X[:, 0] > 100)
        with pytest.raises(ValueError, match=message):
            export.integer_encoder(pipeline, "uint8")
        export.integer_encoder(pipeline, "int16")


def test_fractions_are_not_raw_values():
    X, y = load_digits(return_X_y=True)
    message = r"feature \d+ went from 0 to 0\.\d+ in training, but raw values are int"
    for scalers in [], [StandardScaler()]:
        pipeline = make_pipeline(*scalers, classifier()).fit(X[:500] / 16, y[:500])
        for features in ALL:
            with pytest.raises(ValueError, match=message):
                export.integer_encoder(pipeline, features)


def test_the_least_integers_are_raw_values():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.random(200) < share for share in (0.05, 0.5, 0.7, 0.95)])
    X = 3 + X.astype(np.int16)
    for max_deviation in 0.3, 1.0, 2.0, np.inf:
        encoder = LatencyEncoder(max_deviation=max_deviation)
        for scalers in [], [StandardScaler()], [MinMaxScaler(clip=True)]:
            pipeline = make_pipeline(*scalers, classifier(encoder)).fit(X, X[:, 1])
            ticks = export.integer_encoder(pipeline, "uint8").encode(X)
            assert_array_equal(ticks, export.ticks(pipeline, X))


def test_types_of_numpy_are_types(data):
    clf = classifier().fit(*data)
    for features in np.int16, np.dtype("int16"):
        encoder = export.integer_encoder(clf, features)
        expected = export.integer_encoder(clf, "int16")
        assert encoder.features == "int16"
        assert_array_equal(encoder.encode(data[0]), expected.encode(data[0]))
    for features in np.float32, int, np.uint16, None, "byte string", 3:
        with pytest.raises(
            ValueError, match="features must be 'uint8' or 'int16', got"
        ):
            export.integer_encoder(clf, features)


def test_data_that_cannot_be_encoded(data):
    X, y = data
    encoder = export.integer_encoder(classifier().fit(X, y), "int16")
    with pytest.raises(TypeError, match="X must be integers, not float64"):
        encoder.encode(X.astype(float))
    with pytest.raises(ValueError, match=re.escape("must have shape (n_samples, 9)")):
        encoder.encode(X[:, :2])
    with pytest.raises(ValueError, match=r"range of int16.* but goes from .* to 32768"):
        encoder.encode(np.where(np.arange(9) == 3, 2**15, X.astype(int)))
    assert encoder.encode(X[:0]).shape == (0, encoder.n_channels)
    assert_array_equal(encoder.encode(X.astype(int).tolist()), encoder.encode(X))
    narrow = export.integer_encoder(classifier().fit(X % 200, y), "uint8")
    with pytest.raises(ValueError, match='from 0 to 1023; features="int16" holds them'):
        narrow.encode([[0] * 8 + [1023]])
