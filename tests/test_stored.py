"""Models that are stored: their version and format, and what skops may load."""

import copy
import importlib
import io
import pickle
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
from classifiers import quick
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

import ttfs
from ttfs import ModelVersionWarning, TTFSClassifier, TTFSRegressor, _stored
from ttfs.baselines import RateClassifier
from ttfs.datasets import make_yin_yang
from ttfs.encoders import (
    FilterBank,
    LatencyEncoder,
    LevelCrossingEncoder,
    PopulationEncoder,
)
from ttfs.parameters import (
    CrossEntropy,
    ExactGradient,
    FixedPoint,
    LocalRule,
    Parameters,
    SquaredError,
)
from ttfs.substrates import AnalogChip, Clocked, Ideal, SubstrateError

X, y = make_yin_yang(60, random_state=0)


def stored():
    """A fitted model of each class that has a version."""
    encoder = LatencyEncoder(silent_time=2.0)
    relu = MLPClassifier((5,), tol=1e9, n_iter_no_change=1, random_state=0)
    return {
        "classifier": quick().fit(X, y),
        "regressor": quick(TTFSRegressor).fit(X, X[:, 0]),
        "encoder": encoder.fit(X),
        "rate code": RateClassifier(ann=relu).fit(X, y),
        "pipeline": make_pipeline(encoder, quick()).fit(X, y),
    }


every_model = pytest.mark.parametrize("model", stored().values(), ids=stored())

# -- Versions ----------------------------------------------------------------------


@every_model
def test_copies_and_pickles_of_this_version_say_nothing(model):
    with warnings.catch_warnings(action="error"):
        for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert "_ttfs_version" not in vars(again)
            if hasattr(model, "predict"):
                assert_array_equal(again.predict(X), model.predict(X))
        clone(model)


def test_integers_without_shifts_decay_by_tables():
    """What was stored before there were shifts has no fields of them."""
    parameters = {"arithmetic": FixedPoint(4), "gradient": "local"}
    model = quick(**parameters).fit(X, y)
    old = pickle.loads(pickle.dumps(model))
    for parameter in old.arithmetic, old._fitted_structure.arithmetic:
        vars(parameter).pop("decay", None)
    for layer in old.network_.integers.layers:
        del layer.syn_shift, layer.mem_shift
    old = pickle.loads(pickle.dumps(old))
    assert not any("syn_shift" in vars(x) for x in old.network_.integers.layers)
    assert "decay" not in vars(old.arithmetic)
    assert_array_equal(old.predict(X), model.predict(X))
    for again in (model, old):
        again.partial_fit(X, y)
    for a, b in zip(old.coefs_, model.coefs_, strict=True):
        assert_array_equal(a, b)
    assert old.get_params()["arithmetic__decay"] == "table"


def test_models_from_before_several_spikes_have_one():
    model = quick().fit(X, y)
    old = pickle.loads(pickle.dumps(model))
    for holder in old, old._fitted_structure:
        for name in "max_spikes", "refractory":
            del vars(holder)[name]
    old = pickle.loads(pickle.dumps(old))
    assert_array_equal(old.predict(X), model.predict(X))
    assert old.get_params() == model.get_params()
    for again in (model, old):
        again.partial_fit(X, y)
    assert_array_equal(old.coefs_[0], model.coefs_[0])


@every_model
def test_another_version_warns(model):
    data = pickle.dumps(model)
    version = ttfs.__version__.encode()
    other = b"9" + version[1:]  # as long as the version is
    assert version in data
    with pytest.warns(ModelVersionWarning, match=f"by ttfs {other.decode()} and is"):
        again = pickle.loads(data.replace(version, other))
    assert set(vars(again)) == set(vars(model))


@every_model
@pytest.mark.parametrize(
    ("change", "advice"), [(1, "install a newer version"), (-1, "fit it again")]
)
def test_another_format_is_an_error(model, change, advice, monkeypatch):
    other = _stored.FORMAT + change
    with monkeypatch.context() as patch:
        patch.setattr(_stored, "FORMAT", other)
        patch.setattr(_stored, "__version__", "7.0")
        data = pickle.dumps(model)
    with pytest.raises(ValueError, match=rf"ttfs 7\.0 in format {other}, .*: {advice}"):
        pickle.loads(data)


def test_a_model_without_a_version_is_older():
    state = vars(quick().fit(X, y)).copy()
    clf = TTFSClassifier.__new__(TTFSClassifier)
    with pytest.raises(ValueError, match="an unknown version in format 0"):
        clf.__setstate__(state)


# -- skops -------------------------------------------------------------------------


class Failing(Ideal):
    """A substrate that fails after some calls."""

    def __init__(self, n_calls):
        self.n_calls = n_calls

    def forward(self, times, network):
        self.n_calls -= 1
        if self.n_calls < 0:
            raise RuntimeError("out of order")
        return super().forward(times, network)


def interrupted():
    """A model whose fit was interrupted: it stores where to go on."""
    clf = quick(substrate=Failing(2), batch_size=20)
    with pytest.raises(SubstrateError):
        clf.fit(X, y)
    return clf.set_params(substrate=Ideal(), warm_start=True)


CHIP = AnalogChip(weight_bits=6, weight_clip=2.0)
MODELS = {
    **stored(),
    "not fitted": TTFSClassifier(),
    "RandomState": quick().set_params(random_state=np.random.RandomState(1)),
    "fixed": quick(arithmetic="fixed"),
    "local": quick(
        arithmetic=FixedPoint(4, accumulator_bits=12),
        gradient=LocalRule(feedback="random"),
    ),
    "exact": quick(gradient=ExactGradient(), loss=SquaredError()),
    "delays": quick(loss=CrossEntropy(), delays="axonal", early_stopping=True),
    "population": quick(encoder=PopulationEncoder()),
    "spike times": quick(encoder="spike_times"),
    "several spikes": quick(max_spikes=3, delays="axonal"),
    "signals": make_pipeline(
        FilterBank(n_bands=2, decimation=1), LevelCrossingEncoder(), quick(max_spikes=3)
    ),
    "clocked": quick(substrate=Clocked()),
    "chip": quick(substrate=CHIP),
    "compensated": quick(
        substrate=quick(substrate=CHIP)
        .fit(X, y)
        .calibrate(X, n_trials=4)
        .compensate(CHIP)
    ),
    "interrupted": interrupted(),
}


@pytest.mark.skipif(
    find_spec("skops") is None, reason="skops is not installed: pip install .[store]"
)
@pytest.mark.parametrize("name", MODELS)
def test_skops_loads_the_types_that_are_trusted(name):
    import skops.io

    model = copy.deepcopy(MODELS[name])
    if name not in (*stored(), "not fitted", "interrupted"):
        model.fit(data_of(name), y)
    again = skops.io.loads(skops.io.dumps(model), trusted=ttfs.TRUSTED_TYPES)
    assert set(vars(again)) == set(vars(model))
    if name == "not fitted" or not hasattr(model, "predict"):
        return
    assert_array_equal(again.predict(data_of(name)), model.predict(data_of(name)))
    if name == "interrupted":
        assert_array_equal(again.fit(X, y).coefs_[0], model.fit(X, y).coefs_[0])


def data_of(name):
    """What a model of this name is fitted on."""
    if name != "signals":
        return X
    return np.sin(np.arange(50) * X[:, :1, np.newaxis])


class TypesOf(pickle.Pickler):
    """Collects the types of this package of all objects that a model consists of."""

    def __init__(self, model):
        super().__init__(io.BytesIO())
        self.types = set()
        self.dump(model)

    def persistent_id(self, value):
        cls = type(value)
        if cls.__module__.startswith("ttfs."):
            self.types.add(f"{cls.__module__}.{cls.__qualname__}")


@pytest.mark.parametrize("name", MODELS)
def test_all_types_of_a_model_are_trusted(name):
    """Holds without skops too, which is often not installed."""
    model = copy.deepcopy(MODELS[name])
    if name not in (*stored(), "not fitted", "interrupted"):
        model.fit(data_of(name), y)
    types = TypesOf(model).types
    assert types
    assert types <= set(ttfs.TRUSTED_TYPES)


def test_the_trusted_types_are_there():
    assert sorted(set(ttfs.TRUSTED_TYPES)) == sorted(ttfs.TRUSTED_TYPES)
    for path in ttfs.TRUSTED_TYPES:
        module, name = path.rsplit(".", 1)
        assert isinstance(getattr(importlib.import_module(module), name), type)
    for cls in Parameters.__subclasses__():
        assert f"{cls.__module__}.{cls.__qualname__}" in ttfs.TRUSTED_TYPES
    # A connection is not trusted: its address may be a command.
    assert not any("Remote" in name for name in ttfs.TRUSTED_TYPES)
