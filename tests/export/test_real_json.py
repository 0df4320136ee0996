"""JSON of models in real numbers: nothing is lost, and nothing wrong is read."""

import json
import pickle
from dataclasses import fields
from datetime import date

import numpy as np
import pytest
from classifiers import quick
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import LIF, SpikeTrains, TTFSClassifier, TTFSRegressor, export
from ttfs.datasets import make_yin_yang
from ttfs.encoders import LatencyEncoder, PopulationEncoder, SpikeTimesEncoder
from ttfs.encoders.base import Channels
from ttfs.estimators.history import History
from ttfs.model import Layer
from ttfs.model.geometry import Full
from ttfs.parameters import CrossEntropy, ExactGradient, LocalRule
from ttfs.substrates import Ideal

X, y = make_yin_yang(60, random_state=0)
INF = float("inf")

PARAMETERS = {
    "default": {},
    "float64": {"arithmetic": "float64"},
    "no leak": {"tau_mem": INF},
    "time constants": {"tau_mem": (0.7, 2), "tau_syn": np.float32(0.3)},
    "two layers": {"hidden_layer_sizes": np.array([4, 5])},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "axonal": {"delays": "axonal"},
    "synaptic": {"delays": "synaptic", "arithmetic": "float64"},
    "several spikes": {"max_spikes": 3, "read_out": "count", "refractory": 0.1},
    "peak": {"read_out": "peak"},
    "no read-out": {"read_out": None, "t_max": 2},
    "population": {"encoder": PopulationEncoder(5, levels=9)},
    "complement": {"encoder": LatencyEncoder(complement=True, silent_time=3.0)},
    "spike times": {"encoder": SpikeTimesEncoder(may_drop=[True] * 4)},
    "local": {"gradient": "local"},
    "random feedback": {"gradient": LocalRule(feedback="random")},
    "target feedback": {"gradient": LocalRule(feedback="target")},
    "objects": {
        "gradient": ExactGradient(min_slope=0.2),
        "loss": CrossEntropy(early_firing=0.1),
    },
    "class weights": {"class_weight": {0: 1, 1: 2.5, 2: 1}},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "pruned": {"sparsity": 0.5},
}
every_model = pytest.mark.parametrize("params", PARAMETERS.values(), ids=PARAMETERS)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.json"


def stored(model, path):
    """The model after a file."""
    export.to_json(model, path)
    return export.from_json(path)


def assert_same(a, b):
    """Raise unless values are equal, bit for bit, in type too."""
    if isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert a.flags.c_contiguous == b.flags.c_contiguous
        assert a.tobytes() == b.tobytes() or a.tolist() == b.tolist()
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    elif isinstance(a, float):
        assert isinstance(b, float)
        assert a == b
    elif hasattr(a, "__dict__") and type(a).__module__.startswith("ttfs"):
        assert type(a) is type(b)
        assert vars(a).keys() == vars(b).keys()
        for name in vars(a):
            assert_same(vars(a)[name], vars(b)[name])
    else:
        assert a == b


ATTRIBUTES = (
    *("network_", "encoder_", "n_features_in_", "t_max_", "loss_curve_", "best_loss_"),
    *("validation_scores_", "best_validation_score_", "n_iter_", "t_"),
    "validation_loss_curve_",
)


def test_layers_that_are_not_full_are_refused(path):
    class Banded(Full):
        kind = "banded"

    model = quick().fit(X, y)
    model.network_.layers[1].geometry = Banded(3, 3)
    with pytest.raises(ValueError, match=r"full layers only, not .*Banded"):
        export.to_json(model, path)


@every_model
def test_nothing_is_lost(params, path):
    model = quick(**params).fit(X, y)
    again = stored(model, path)
    for name in ATTRIBUTES:
        assert_same(getattr(model, name), getattr(again, name))
    assert_same(model.spike_times(X), again.spike_times(X))
    assert_same(model.predict_proba(X), again.predict_proba(X))
    assert_same(model.predict(X), again.predict(X))
    assert_same(model.classes_, again.classes_)
    assert (model.time_scale_, model.read_out_) == (again.time_scale_, again.read_out_)
    text = path.read_text()
    export.to_json(again, path)
    assert path.read_text() == text


def test_files_have_all_fields(path):
    """A field that is new in one of these classes has an entry in files."""
    export.to_json(quick().fit(X, y), path)
    data = json.loads(path.read_text())
    # What stands there in other words: the encoder's class, the neuron's numbers, and
    # the shape of the weights of a full layer.
    named = {"kind", "neuron", "geometry"}
    for cls, part in (
        (Channels, data["encoder"]),
        (History, data["training"]),
        (Layer, data["layers"][0]),
        (LIF, data["layers"][0]),
    ):
        assert {field.name for field in fields(cls)} - named <= set(part)


def test_what_was_loaded_is_an_estimator_like_others(path):
    model = quick(delays="axonal").fit(X, y)
    again = stored(model, path)
    assert_same(clone(again).fit(X, y).coefs_, model.coefs_)
    assert_same(pickle.loads(pickle.dumps(again)).predict(X), model.predict(X))
    again.partial_fit(X, y)
    assert again.n_iter_ == model.n_iter_ + 1
    assert not np.array_equal(again.coefs_[0], model.coefs_[0])
    again.set_params(warm_start=True).fit(X, y)
    assert again.n_iter_ == 2 * model.n_iter_ + 1


@pytest.mark.parametrize("targets", [X[:, 0], X[:, :2] * 1e30], ids=["one", "two"])
def test_regressors(targets, path):
    model = quick(TTFSRegressor, delays="axonal").fit(X, targets)
    again = stored(model, path)
    assert_same(model.predict(X), again.predict(X))
    assert_same(model.target_range_, again.target_range_)
    again.partial_fit(X, targets)


LABELS = {
    "strings": np.array(["yin", "yang\u2603", "dot"]),
    "objects": np.array(["b", "a", "c"], dtype=object),
    "wide": np.array(["a", "b", "c"], dtype="U40"),
    "small": np.array([3, -1, 5], dtype=np.int8),
    "large": np.array([2**64 - 1, 0, 7], dtype=np.uint64),
    "big-endian": np.array([3, 1, 2], dtype=">i4"),
    "floats": np.array([1.0, -2.0, 3.0]),
    "single": np.array([1.0, -2.0, 3.0], dtype=np.float32),
}


def test_labels(path):
    for labels in LABELS.values():
        model = quick().fit(X, labels[y])
        again = stored(model, path)
        assert again.classes_.dtype == model.classes_.dtype.newbyteorder("=")
        assert_array_equal(model.predict(X), again.predict(X))


def test_two_classes_that_are_true_and_false(path):
    model = quick().fit(X, y == 1)
    again = stored(model, path)
    assert again.classes_.dtype == bool
    assert_same(model.decision_function(X), again.decision_function(X))


def test_names_of_features(path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "ä", "d"])
    model = quick().fit(frame, y)
    again = stored(model, path)
    assert_array_equal(again.feature_names_in_, model.feature_names_in_)
    assert_array_equal(
        again.encoder_.get_feature_names_out(), model.encoder_.get_feature_names_out()
    )
    assert_same(again.predict(frame), model.predict(frame))
    with pytest.raises(ValueError, match="feature names"):
        again.predict(frame[["d", "a", "b", "ä"]])


def test_features_with_absent_zeros_and_extreme_ranges(path):
    sparse, labels = make_classification(50, 6, random_state=0)
    sparse[np.abs(sparse) < 1] = 0
    sparse[:, 1] *= 1e300
    sparse[:, 2] *= 1e-300
    sparse[:, 3] = 5.0
    model = quick().fit(sparse, labels)
    assert np.isnan(model.encoder_.channels_.absent).any()
    again = stored(model, path)
    assert_same(model.encoder_.channels_, again.encoder_.channels_)
    assert_same(model.spike_times(sparse), again.spike_times(sparse))


def test_spike_trains(path):
    rng = np.random.default_rng(0)
    at = rng.integers(0, 20, 99), rng.integers(0, 3, 99)
    trains = SpikeTrains(*at, rng.uniform(-1, 3, 99), (20, 3))
    model = quick(max_spikes=2).fit(trains, np.arange(20) % 2)
    assert_same(model.spike_times(trains), stored(model, path).spike_times(trains))


def test_of_a_pipeline_the_last_step_is_stored(path):
    model = make_pipeline("passthrough", StandardScaler(), quick()).fit(X, y)
    message = r"JSON file holds .* steps 'standardscaler' \(StandardScaler\), which"
    with pytest.warns(UserWarning, match=message):
        again = stored(model, path)
    assert_same(again.predict(model[:-1].transform(X)), model.predict(X))
    alone = make_pipeline("passthrough", model[-1])  # warns of nothing
    assert_same(stored(alone, path).predict(X), alone.predict(X))


def test_numbers_are_short_and_exact(path):
    model = quick(arithmetic="float64").fit(X, y)
    weights = model.coefs_
    weights[0][0, :3] = 0.1, -0.0, 1 / 3
    model.coefs_ = weights
    export.to_json(model, path)
    row = path.read_text().partition('"weights": [')[2].split()[:3]
    assert row == ["[0.1,", "-0.0,", "0.3333333333333333,"]


# -- What cannot be written ------------------------------------------------------------


def test_models_that_cannot_be_written(path):
    for params, changed, match in (
        ({"substrate": Ideal()}, {}, "substrate=None"),
        ({"random_state": np.random.RandomState(0)}, {}, "parameter random_state="),
        ({}, {"tau_mem": 2.0}, "tau_mem was .* when the weights were drawn"),
    ):
        model = quick(**params).fit(X, y).set_params(**changed)
        with pytest.raises(ValueError, match=match):
            export.to_json(model, path)
        assert not path.exists()


def test_what_is_no_model_cannot_be_written(path):
    with pytest.raises(TypeError, match="TTFSRegressor is needed, got list"):
        export.to_json([], path)
    with pytest.raises(NotFittedError):
        export.to_json(TTFSClassifier(), path)
    model = quick().fit(X, y)
    model.classes_ = np.array([date(2000, 1, k) for k in (1, 2, 3)])
    with pytest.raises(ValueError, match="strings or numbers, got date"):
        export.to_json(model, path)


# -- What cannot be read ---------------------------------------------------------------


@pytest.fixture(scope="module")
def model():
    return quick(delays="axonal", tau_mem=(INF, 1.0)).fit(X, y)


def read(data, path):
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return export.from_json(path)


def test_other_files_are_refused(path):
    for text, match in (
        ("", "not valid JSON"),
        ("[1, 2]", "no format and version"),
        ("{}", "no format and version"),
        ('{"format": NaN}', "NaN is no number"),
        ('{"format": 1, "format": 2}', "two entries of one name"),
        ('{"format": "ttfs-fixed", "version": 5}', "integers.*pickle or skops"),
        ('{"format": "other", "version": 1}', "unknown format 'other'"),
        ('{"format": "ttfs-real", "version": 2}', "version 2 .* reads version 1"),
        ('{"format": "ttfs-real", "version": true}', "version True"),
        ("[" * 100_000, "not valid JSON"),
    ):
        with pytest.raises(ValueError, match=match):
            read(text, path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="cannot be loaded: 'utf-8' codec"):
        export.from_json(path)


def test_integers_are_written_for_others(path):
    export.to_json(quick(arithmetic="fixed").fit(X, y), path)
    with pytest.raises(ValueError, match="is a model in integers"):
        export.from_json(path)


CHANGES = {
    "estimator": (
        "os.system",
        r"model.json' cannot be loaded: model.estimator must be one of",
    ),
    "parameters.tau_syn": (-1.0, "tau_syn"),
    "parameters.tau_syn ": (2.0, "tau_mem|neurons of layer 0"),
    "parameters.nonsense": (1, "nonsense"),
    "parameters.delays": (None, "has not the delays|layers.*delays"),
    "parameters.arithmetic": ("fixed", "not supported|real numbers are needed"),
    "parameters.hidden_layer_sizes": (7, "hidden_layer_sizes"),
    "parameters.encoder": (
        {"object": "Remote", "parameters": {}},
        "object must be one",
    ),
    "parameters.loss": (
        {"object": "CrossEntropy", "parameters": {"early_firing": -1}},
        "early_firing",
    ),
    "targets.classes": ([0, 1, 1], "labels of int64, sorted"),
    "targets.classes ": ([0, 1], "a list of 3"),
    "targets.dtype": ("datetime64[s]", "a type of numbers or strings"),
    "layers.0.weights": ([[1.0]], "numbers of shape"),
    "layers.0.delays": ([-1.0] * 9, "not negative"),
    "layers.0.bias_times": ([1e301], "finite and below"),
    "layers.0.tau_mem": ("nan", "finite number"),
    "layers.0.n_fixed": (2, "integer from 0 to 1"),
    "layers.1.n_in": (3, "layers.1..delays must"),
    "encoder.n_channels": (9, "encoder.n_channels|may_drop"),
    "encoder.complemented": ([0, 1, 2, 9], "increasing numbers of 4 features"),
    "encoder.low": ([0, 0, 0, True], "encoder.low must be numbers"),
    "encoder.scale": ([1.0, 1.0, 1.0, -1.0], "not negative"),
    "t_max": (0, "positive"),
    "time_scale": ("inf", "finite number"),
    "training.was_fit": (1, "true or false"),
}


def test_wrong_entries_are_named(model, path):
    export.to_json(model, path)
    text = path.read_text()
    for place, (value, match) in CHANGES.items():
        *outer, name = place.strip().split(".")
        entry = data = json.loads(text)
        for key in outer:
            entry = entry[int(key) if key.isdigit() else key]
        entry[name] = value
        with pytest.raises(ValueError, match=match):
            read(data, path)


def places(data, at=()):
    """The place of each entry; of lists only that of the first one."""
    if isinstance(data, dict):
        items = list(data.items())
    else:
        items = list(enumerate(data[:1])) if isinstance(data, list) else []
    for key, value in items:
        yield (*at, key)
        yield from places(value, (*at, key))


@pytest.mark.parametrize(
    "wrong",
    [
        *("missing", -7),
        *(pytest.param(x, marks=pytest.mark.slow) for x in (None, "x", [[1]])),
    ],
    ids=str,
)
def test_any_wrong_entry_is_an_error_or_a_model(wrong, model, path):
    """No entry makes another exception than a ValueError."""
    export.to_json(model, path)
    text, n_refused = path.read_text(), 0
    for place in list(places(json.loads(text))):
        data = json.loads(text)
        entry = data
        for key in place[:-1]:
            entry = entry[key]
        if wrong == "missing":
            del entry[place[-1]]
        else:
            entry[place[-1]] = wrong
        try:
            again = read(data, path)
        except ValueError:
            n_refused += 1
        else:
            assert np.isfinite(again.predict_proba(X)).all()
    assert n_refused > 60
