"""Parameters that are objects, the shorthands of them, and what scikit-learn does."""

import inspect
import pickle
from copy import deepcopy
from dataclasses import FrozenInstanceError, fields
from typing import get_args

import numpy as np
import pytest
from classifiers import assert_same_model, quick
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

from ttfs import TTFSClassifier, _typing, parameters
from ttfs.encoders import (
    SHORTHANDS,
    LatencyEncoder,
    PopulationEncoder,
    SpikeTimesEncoder,
)
from ttfs.parameters import (
    CrossEntropy,
    ExactGradient,
    FixedPoint,
    LocalRule,
    SquaredError,
)

# Newer versions of scikit-learn show attributes, and list those that are there.
DIR_IS_ASKED = "__dir__" in vars(BaseEstimator)

X, y = load_iris(return_X_y=True)
LOCAL = {"arithmetic": "fixed", "gradient": "local"}
OBJECTS = [
    FixedPoint(
        4,
        weight_range=2.0,
        accumulator_bits=12,
        tick=1 / 32,
        rounding="floor",
        decay="shift",
    ),
    ExactGradient(min_slope=0.1, beta_1=0.5, beta_2=0.9, epsilon=1e-6),
    LocalRule(kernel="linear", feedback="random"),
    CrossEntropy(early_firing=0.25),
    SquaredError(targets=(0.7, 1.4), shift_invariant=True),
]
# Parameters of an estimator that take each of them.
HOSTS = {
    FixedPoint: "arithmetic",
    ExactGradient: "gradient",
    LocalRule: "gradient",
    CrossEntropy: "loss",
    SquaredError: "loss",
}

every_object = pytest.mark.parametrize("value", OBJECTS, ids=lambda x: type(x).__name__)


def differ(one, two):
    return any(
        not np.array_equal(a, b) for a, b in zip(one.coefs_, two.coefs_, strict=True)
    )


# -- Shorthands --------------------------------------------------------------------


def test_types_name_every_shorthand():
    losses = set(parameters.SHORTHANDS["loss"])
    assert set(get_args(_typing.LossName)) == losses
    assert set(get_args(_typing.GradientName)) == set(parameters.SHORTHANDS["gradient"])
    assert set(get_args(_typing.EncoderName)) == set(SHORTHANDS)


def test_an_estimator_has_at_most_31_parameters():
    signature = inspect.signature(TTFSClassifier)
    assert len(signature.parameters) <= 31
    # No default is an object that has parameters.
    for parameter in signature.parameters.values():
        assert not hasattr(parameter.default, "get_params")


@pytest.mark.parametrize(
    ("shorthand", "value", "others"),
    [
        ({"arithmetic": "fixed"}, FixedPoint(), {}),
        ({"arithmetic": "fixed"}, FixedPoint(), {"gradient": "local"}),
        ({"gradient": "exact"}, ExactGradient(), {}),
        ({"gradient": "exact"}, ExactGradient(), {"arithmetic": "fixed"}),
        ({"gradient": "local"}, LocalRule(), {}),
        ({"gradient": "local"}, LocalRule(), {"arithmetic": "fixed"}),
        ({"loss": "cross_entropy"}, CrossEntropy(), {}),
        ({"loss": "cross_entropy"}, CrossEntropy(), LOCAL),
        ({"loss": "squared_error"}, SquaredError(), {}),
        ({"loss": "shift_invariant"}, SquaredError(shift_invariant=True), {}),
        ({"encoder": "auto"}, LatencyEncoder(), {}),
        ({"encoder": "latency"}, LatencyEncoder(complement=False), {}),
        ({"encoder": "complement"}, LatencyEncoder(complement=True), {}),
        ({"encoder": "population"}, PopulationEncoder(), {}),
        ({"encoder": "spike_times"}, SpikeTimesEncoder(), {}),
    ],
    ids=str,
)
def test_a_shorthand_has_the_bits_of_its_object(shorthand, value, others):
    (name,) = shorthand
    by_name = quick(**shorthand, **others).fit(X, y)
    by_object = quick(**{name: value}, **others).fit(X, y)
    assert_same_model(by_name, by_object, X)
    # They may take each other's place.
    by_name.set_params(warm_start=True, **{name: value}).fit(X, y)
    by_object.set_params(warm_start=True, **shorthand).fit(X, y)
    assert_same_model(by_name, by_object, X)
    by_name.partial_fit(X, y)


@pytest.mark.parametrize(
    ("start", "change", "expected"),
    [
        (
            {"arithmetic": "fixed"},
            {"arithmetic__weight_bits": 4},
            {"arithmetic": FixedPoint(4)},
        ),
        (
            {},
            {"arithmetic": "fixed", "arithmetic__tick": 1 / 16},
            {"arithmetic": FixedPoint(tick=1 / 16)},
        ),
        (
            {"arithmetic": FixedPoint(4, tick=1 / 16)},
            {"arithmetic__tick": None, "arithmetic__accumulator_bits": 9},
            {"arithmetic": FixedPoint(4, accumulator_bits=9)},
        ),
        (
            {},
            {"gradient__min_slope": 0.1, "gradient__beta_1": 0.8},
            {"gradient": ExactGradient(min_slope=0.1, beta_1=0.8)},
        ),
        (
            {"gradient": "local"},
            {"gradient__kernel": "linear"},
            {"gradient": LocalRule(kernel="linear")},
        ),
        (
            {"gradient": ExactGradient(min_slope=0.0)},
            {"gradient__feedback": "random", "gradient": "local"},
            {"gradient": LocalRule(feedback="random")},
        ),
        ({}, {"loss__early_firing": 0.5}, {"loss": CrossEntropy(early_firing=0.5)}),
        (
            {"loss": "squared_error"},
            {"loss__targets": (0.5, 1.0)},
            {"loss": SquaredError(targets=(0.5, 1.0))},
        ),
        (
            {"loss": "shift_invariant"},
            {"loss__targets": (0.5, 1.0)},
            {"loss": SquaredError(targets=(0.5, 1.0), shift_invariant=True)},
        ),
    ],
    ids=str,
)
def test_set_params_promotes_a_shorthand(start, change, expected):
    clf = quick(**start).set_params(**change)
    (name,) = expected
    assert getattr(clf, name) == expected[name]
    assert_same_model(clf.fit(X, y), quick(**expected).fit(X, y), X)


def test_set_params_promotes_the_shorthand_of_an_encoder():
    clf = quick(encoder="population").set_params(encoder__n_fields=6)
    assert repr(clf.encoder) == "PopulationEncoder(n_fields=6)"
    assert_same_model(clf.fit(X, y), quick(encoder=PopulationEncoder(6)).fit(X, y), X)
    assert clf.n_channels_in_ == 24
    # The shorthand is as it was.
    assert quick(encoder="population").fit(X, y).n_channels_in_ == 16
    clf.set_params(encoder="latency", encoder__window=0.5).fit(X, y)
    assert clf.encoder_.end_ == 0.5


def test_set_params_changes_no_object_but_the_estimator():
    encoder, fixed = PopulationEncoder(6), FixedPoint(4)
    clf = quick(encoder=encoder, arithmetic=fixed)
    clf.set_params(encoder__n_fields=3, arithmetic__weight_bits=8)
    assert (clf.encoder.n_fields, clf.arithmetic.weight_bits) == (3, 8)
    assert (encoder.n_fields, fixed.weight_bits) == (6, 4)


@pytest.mark.parametrize(
    ("start", "change", "message"),
    [
        (
            {"arithmetic": "fixed"},
            {"arithmetic__bits": 4},
            r"'bits' for FixedPoint\(.*Valid parameters are: \['weight_bits', 'w",
        ),
        (
            {"arithmetic": FixedPoint(4)},
            {"arithmetic__weight__bits": 4},
            r"'weight__bits' for FixedPoint\(weight_bits=4.*Valid .*'weight_bits'",
        ),
        (
            {},
            {"arithmetic__weight_bits": 4},
            "'weight_bits' for arithmetic='float32', which has .* unlike 'fixed'",
        ),
        (
            {"arithmetic": FixedPoint},
            {"arithmetic__weight_bits": 4},
            "'weight_bits' for arithmetic=<class .*, which has no parameters",
        ),
        ({}, {"gradient__kernel": "table"}, r"'kernel' for ExactGrad.*'min_slope'"),
        (
            {"gradient": "local"},
            {"gradient__min_slope": 0.0},
            r"'min_slope' for LocalRule.*\['kernel', 'feedback'\]",
        ),
        ({}, {"loss__targets": (1, 2)}, r"'targets' for CrossEntropy.*early_firing"),
        ({}, {"encoder__n_fields": 4}, r"'n_fields' for .*LatencyEnc.*'complement'"),
        ({}, {"encoder": "phase", "encoder__n": 4}, "'n' for encoder='phase', .*'auto"),
        ({}, {"weights__bits": 4}, r"'weights' for estimator .*'arithmetic'"),
    ],
    ids=str,
)
def test_wrong_names_are_told_the_right_ones(start, change, message):
    clf = quick(**start)
    before = clf.get_params()
    with pytest.raises(ValueError, match=f"Invalid parameter {message}"):
        clf.set_params(**change)
    before.update({name: x for name, x in change.items() if "__" not in name})
    assert repr(clf.get_params()) == repr(before)


# -- Objects -----------------------------------------------------------------------


def test_each_class_is_public_and_in_an_estimator():
    assert {cls.__name__ for cls in HOSTS} == set(parameters.__all__)
    assert {type(value) for value in OBJECTS} == set(HOSTS)


@every_object
def test_objects_are_frozen(value):
    for name in value.get_params():
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, getattr(value, name))
    with pytest.raises(FrozenInstanceError):
        value.other = 1


@every_object
def test_objects_are_values(value):
    cls = type(value)
    assert cls(**value.get_params()) == value
    assert value != cls()
    for copy in (clone(value), deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert copy == value
        assert type(copy) is cls
        assert hash(copy) == hash(value)
    assert eval(repr(value), vars(parameters)) == value
    for name, changed in value.get_params().items():
        assert cls().with_params(**{name: changed}) != cls()
    with pytest.raises(ValueError, match=r"Invalid parameter 'x' for .*\. Valid para"):
        value.with_params(x=1)


@pytest.mark.parametrize(
    "targets",
    [
        np.array([0.75, 1.5]),
        np.array([0.75, 1.5], np.float32),
        [0.75, 1.5],
        [np.float64(0.75), np.array(1.5)],
        (np.array(0.75), np.longdouble(1.5)),
        pytest.param("Series", id="Series"),
    ],
    ids=repr,
)
def test_targets_in_any_form_are_the_same_value(targets):
    if isinstance(targets, str):
        targets = pytest.importorskip("pandas").Series([0.75, 1.5])
    targets = deepcopy(targets)
    value, plain = SquaredError(targets=targets), SquaredError(targets=(0.75, 1.5))
    assert value == plain
    assert hash(value) == hash(plain)
    assert value != SquaredError(targets=(0.75, 1.25))
    assert value.with_params(targets=targets) == plain
    for copy in (clone(value), deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert copy == value
    clf = quick(loss=value)
    assert clone(clf).get_params() == clf.get_params()
    assert clf.set_params(loss__targets=targets).loss == plain
    # It is the same value after the array was changed.
    if isinstance(targets, np.ndarray):
        targets[0] = 0.0
        assert value == plain


@pytest.mark.parametrize("cls", HOSTS)
def test_arrays_of_no_dimensions_are_numbers(cls):
    # The first parameter is tried, whatever it is.
    name, default = next(iter(cls().get_params().items()))
    value = cls(**{name: np.array(default)})
    assert value == cls()
    assert hash(value) == hash(cls())
    assert clone(value) == value
    value.validate()


@pytest.mark.parametrize("cls", HOSTS)
def test_only_the_number_of_bits_is_positional(cls):
    kinds = {name: p.kind for name, p in inspect.signature(cls).parameters.items()}
    keyword_only = inspect.Parameter.KEYWORD_ONLY
    positional = [name for name, kind in kinds.items() if kind is not keyword_only]
    assert positional == (["weight_bits"] if cls is FixedPoint else [])
    with pytest.raises(TypeError, match="positional"):
        cls(*[3] * (len(positional) + 1))


@pytest.mark.parametrize(
    ("parameters", "value"),
    [
        *(({}, value) for value in map(FixedPoint, (2, 5, 8))),
        ({}, FixedPoint(tick=1 / 32)),
        ({}, FixedPoint(decay="shift")),
        ({"gradient": "local"}, FixedPoint(rounding="floor")),
        ({"gradient": "local"}, FixedPoint(accumulator_bits=12)),
        ({}, ExactGradient(min_slope=2.0)),
        ({}, ExactGradient(beta_1=0.5)),
        ({}, ExactGradient(beta_2=0.9)),
        ({}, ExactGradient(epsilon=1e-3)),
        ({}, LocalRule(kernel="linear")),
        ({}, LocalRule(feedback="random")),
        ({}, LocalRule(feedback="direct")),
        ({}, LocalRule(feedback="target")),
        ({"arithmetic": "fixed"}, LocalRule(kernel="linear")),
        ({"arithmetic": "fixed"}, LocalRule(feedback="target")),
        ({}, CrossEntropy(early_firing=0.5)),
        ({}, SquaredError(targets=(0.5, 1.5))),
        ({}, SquaredError(shift_invariant=True)),
    ],
    ids=str,
)
def test_each_parameter_makes_a_difference(parameters, value):
    name = HOSTS[type(value)]
    plain = quick(**{name: type(value)()}, **parameters).fit(X, y)
    assert differ(plain, quick(**{name: value}, **parameters).fit(X, y))


def test_targets_have_the_unit_of_the_time_constants():
    default = quick(loss="squared_error", tau_mem=2.0, tau_syn=2.0).fit(X, y)
    told = quick(loss=SquaredError(targets=[1.6, 2.4]), tau_mem=2.0, tau_syn=2.0)
    assert_same_model(default, told.fit(X, y), X)


INVALID = [
    *((FixedPoint(n), "weight_bits") for n in (1, 9, 6.0, "6", None)),
    *((FixedPoint(accumulator_bits=n), "accumulator_bits") for n in (3, 7, 17)),
    (FixedPoint(8, accumulator_bits=9), "accumulator_bits"),
    *((FixedPoint(tick=x), "tick") for x in (0.0, -1.0, np.inf, np.nan, "1")),
    (FixedPoint(rounding="nearest"), "rounding"),
    (FixedPoint(decay="euler"), "decay"),
    *((ExactGradient(min_slope=x), "min_slope") for x in (-0.1, np.nan, None)),
    *((ExactGradient(beta_1=x), "beta_1") for x in (-0.1, 1.0)),
    *((ExactGradient(beta_2=x), "beta_2") for x in (-0.1, 1.0)),
    *((ExactGradient(epsilon=x), "epsilon") for x in (0.0, np.inf)),
    (LocalRule(kernel="alpha"), "kernel"),
    (LocalRule(feedback="nothing"), "feedback"),
    *((CrossEntropy(early_firing=x), "early_firing") for x in (-1.0, np.inf, "a")),
    *((SquaredError(targets=x), "targets") for x in (1.0, (1.0,), (1.0, np.inf))),
    *((SquaredError(targets=x), "targets") for x in ("ab", [1, 2, 3], (1, None))),
    (SquaredError(shift_invariant=2), "shift_invariant"),
]


@pytest.mark.parametrize("cls", HOSTS)
def test_invalid_values_name_the_parameter_and_the_object(cls):
    fitted = quick().fit(X, y)
    before = fitted.predict_proba(X)
    for value, name in INVALID:
        if type(value) is not cls:
            continue
        message = f"'{name}' parameter of {cls.__name__} must be"
        clf = quick(**{HOSTS[cls]: value})
        with pytest.raises(InvalidParameterError, match=message):
            clf.fit(X, y)
        with pytest.raises(InvalidParameterError, match=message):
            clf.partial_fit(X, y, classes=[0, 1, 2])
        assert not hasattr(clf, "network_")
        # A model that is there stays as it was.
        clf = deepcopy(fitted).set_params(**{HOSTS[cls]: value}, warm_start=True)
        for learn in clf.fit, clf.partial_fit:
            with pytest.raises(InvalidParameterError, match=message):
                learn(X, y)
            assert_array_equal(clf.predict_proba(X), before)


@pytest.mark.parametrize(
    ("parameters", "name", "owner"),
    [
        ({"arithmetic": "double"}, "arithmetic", TTFSClassifier),
        ({"arithmetic": LocalRule()}, "arithmetic", TTFSClassifier),
        ({"arithmetic": FixedPoint}, "arithmetic", TTFSClassifier),
        ({"gradient": "surrogate"}, "gradient", TTFSClassifier),
        ({"gradient": FixedPoint()}, "gradient", TTFSClassifier),
        ({"loss": "hinge"}, "loss", TTFSClassifier),
        ({"loss": LocalRule()}, "loss", TTFSClassifier),
        ({"encoder": "phase"}, "encoder", TTFSClassifier),
        ({"encoder": StandardScaler()}, "encoder", TTFSClassifier),
        ({"encoder": PopulationEncoder}, "encoder", TTFSClassifier),
        ({"encoder": PopulationEncoder(2)}, "n_fields", PopulationEncoder),
        ({"encoder": LatencyEncoder(window=0.0)}, "window", LatencyEncoder),
        ({"encoder": LatencyEncoder(levels=1)}, "levels", LatencyEncoder),
        (LOCAL | {"learning_rate_init": "fast"}, "learning_rate_init", TTFSClassifier),
    ],
    ids=str,
)
def test_values_of_other_kinds_are_named(parameters, name, owner):
    message = f"'{name}' parameter of {owner.__name__} must be"
    with pytest.raises(InvalidParameterError, match=message):
        quick(**parameters).fit(X, y)
    # Nor does an estimator break that is fitted already.
    clf = quick().fit(X, y).set_params(**parameters)
    assert clf.predict(X).shape == y.shape
    assert not hasattr(clf, "engine_")
    with pytest.raises(ValueError, match=message if owner is TTFSClassifier else "was"):
        _ = clf.engine_


# -- What scikit-learn does with them ----------------------------------------------


@pytest.fixture
def clf():
    return quick(
        arithmetic=FixedPoint(4),
        gradient=LocalRule(kernel="linear"),
        loss=CrossEntropy(),
        encoder=PopulationEncoder(3),
    )


def test_get_params(clf):
    flat, deep = clf.get_params(deep=False), clf.get_params()
    assert set(flat) == set(inspect.signature(TTFSClassifier).parameters)
    assert flat["arithmetic"] == FixedPoint(4)
    nested = {name: value for name, value in deep.items() if "__" in name}
    assert deep == flat | nested
    assert nested == {
        "arithmetic__weight_bits": 4,
        "arithmetic__weight_range": 1.0,
        "arithmetic__accumulator_bits": None,
        "arithmetic__tick": None,
        "arithmetic__rounding": "stochastic",
        "arithmetic__decay": "table",
        "gradient__kernel": "linear",
        "gradient__feedback": "symmetric",
        "loss__early_firing": "auto",
        "encoder__n_fields": 3,
        "encoder__max_deviation": 2.0,
        "encoder__window": None,
        "encoder__levels": None,
        "encoder__silent_time": np.inf,
    }
    # They can all be set, and shorthands have none.
    assert repr(quick().set_params(**deep)) == repr(clf)
    assert not any("__" in name for name in quick().get_params())


def test_clone(clf):
    for value in (clf, clf.fit(X, y)):
        fresh = clone(value)
        assert not hasattr(fresh, "network_")
        assert repr(fresh.get_params()) == repr(clf.get_params())
        assert fresh.encoder is not clf.encoder
    assert_same_model(fresh.fit(X, y), clf, X)


def test_pickle(clf):
    again = pickle.loads(pickle.dumps(clf.fit(X, y)))
    assert repr(again.get_params()) == repr(clf.get_params())
    assert_same_model(again, clf, X)
    clf.partial_fit(X, y), again.partial_fit(X, y)
    assert_same_model(again, clf, X)


def test_repr(clf):
    assert "gradient=LocalRule(kernel='linear', feedback='symmetric')" in repr(clf)
    assert "FixedPoint(weight_bits=4," in repr(clf)
    assert "encoder=PopulationEncoder(n_fields=3)" in repr(clf)
    # Defaults are not shown, unless they are asked for.
    assert repr(TTFSClassifier()) == "TTFSClassifier()"
    assert repr(quick(arithmetic="float32")) == repr(quick())
    with config_context(print_changed_only=False):
        assert "arithmetic='float32'" in repr(quick())
        assert "gradient=LocalRule(" in repr(clf)


def test_html(clf):
    before = clf._repr_html_()
    for text in ("FixedPoint(weight_bits=4", "LocalRule(", "PopulationEncoder"):
        assert text in before
    clf.fit(X, y)
    assert not DIR_IS_ASKED or "coefs_" in clf._repr_html_()
    # Parameters that no longer go with the weights are shown too.
    clf.set_params(arithmetic__weight_bits=5, delays="axonal")
    assert "FixedPoint(weight_bits=5" in clf._repr_html_()
    assert "PopulationEncoder" in make_pipeline(StandardScaler(), clf)._repr_html_()


@pytest.mark.skipif(not DIR_IS_ASKED, reason="scikit-learn lists all properties")
def test_attributes_of_an_estimator_can_be_listed(clf):
    assert "network_" not in dir(clf)
    names = {"network_", "engine_", "coefs_", "tick_", "weight_steps_"}
    assert names <= set(dir(clf.fit(X, y)))
    clf.set_params(arithmetic="float32")
    assert set(dir(clf)) & names == names - {"engine_"}
    assert set(dir(quick().fit(X, y))) & names == {"network_", "engine_", "coefs_"}


def grid(estimator, **choices):
    return GridSearchCV(estimator, choices, cv=3, error_score="raise").fit(X, y)


@pytest.mark.filterwarnings("ignore:training ended at a loss")
def test_grid_of_bits():
    clf = quick(arithmetic="fixed", max_iter=60)
    search = grid(clf, arithmetic__weight_bits=[2, 6])
    n_bits = search.best_params_["arithmetic__weight_bits"]
    assert search.best_estimator_.arithmetic == FixedPoint(n_bits)
    assert list(search.cv_results_["param_arithmetic__weight_bits"]) == [2, 6]
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] != scores[1]


def test_grid_of_rules():
    rules = ["exact", LocalRule(), LocalRule(kernel="linear")]
    search = grid(quick(max_iter=10), gradient=rules)
    assert list(search.cv_results_["param_gradient"]) == rules
    assert search.best_params_["gradient"] in rules
    assert len(set(search.cv_results_["mean_test_score"])) > 1


def test_grid_of_objects_and_their_parameters():
    search = grid(
        quick(gradient="local"),
        arithmetic=["float64", FixedPoint(), FixedPoint(accumulator_bits=16)],
        gradient__kernel=["table", "linear"],
        loss=["cross_entropy", CrossEntropy()],
    )
    assert len(search.cv_results_["params"]) == 12
    scores = search.cv_results_["mean_test_score"].reshape(3, 2, 2)
    assert_array_equal(scores[..., 0], scores[..., 1])


def test_grid_of_encoders():
    encoders = ["auto", PopulationEncoder(3), PopulationEncoder(6)]
    search = grid(quick(max_iter=5), encoder=encoders)
    assert len(search.cv_results_["params"]) == 3
    search = grid(quick(encoder=PopulationEncoder()), encoder__n_fields=[3, 5])
    n_fields = search.best_params_["encoder__n_fields"]
    assert search.best_estimator_.n_channels_in_ == 4 * n_fields


def test_grid_in_a_pipeline():
    pipe = make_pipeline(StandardScaler(), quick(arithmetic="fixed"))
    search = grid(
        pipe,
        ttfsclassifier__arithmetic__weight_bits=[3, 6],
        ttfsclassifier__gradient=["exact", LocalRule()],
        ttfsclassifier__encoder=["latency", PopulationEncoder(3)],
    )
    assert len(search.cv_results_["params"]) == 8
    best = search.best_estimator_[-1]
    assert best.arithmetic in (FixedPoint(3), FixedPoint(6))
    pipe.set_params(ttfsclassifier__encoder__window=0.5)
    assert pipe[-1].encoder.window == 0.5


# -- After fit ---------------------------------------------------------------------


def test_an_encoder_that_changes_does_not_change_a_fitted_estimator():
    encoder = PopulationEncoder(3)
    clf = quick(encoder=encoder).fit(X, y)
    before = clf.predict_proba(X)
    assert not hasattr(encoder, "channels_")
    encoder.fit(10 * X)
    assert_array_equal(clf.predict_proba(X), before)
    clf.partial_fit(X, y)
    before = clf.predict_proba(X)
    encoder.set_params(n_fields=5, window=3.0).fit(X[:, :2])
    assert clf.encoder_.n_fields == 3
    assert clf.n_channels_in_ == 12
    assert_array_equal(clf.predict_proba(X), before)
    # The next fit is asked for another network, which is not this one.
    with pytest.raises(ValueError, match=r"encoder was .*n_fields=3.* is .*n_fields=5"):
        clf.partial_fit(X, y)
    assert clf.fit(X, y).n_channels_in_ == 20


def test_a_fitted_encoder_is_cloned():
    encoder = PopulationEncoder(3).fit(10 * X)
    high = encoder.channels_.high.copy()
    clf = quick(encoder=encoder).fit(X, y)
    assert_same_model(clf, quick(encoder=PopulationEncoder(3)).fit(X, y), X)
    assert_array_equal(encoder.channels_.high, high)
    assert (clf.encoder_.channels_.high < high).all()


def test_parameters_of_learning_may_change_between_calls():
    clf = quick(warm_start=True).fit(X, y)
    before = clf.predict_proba(X)
    clf.set_params(gradient=ExactGradient(min_slope=0.1), loss="squared_error")
    assert_array_equal(clf.predict_proba(X), before)
    clf.fit(X, y)
    clf.set_params(loss__targets=(0.5, 1.5), gradient__beta_1=0.5).partial_fit(X, y)
    assert clf.n_iter_ == 5


@pytest.mark.parametrize("value", [FixedPoint(), *OBJECTS], ids=str)
def test_parameters_are_those_of_the_dataclass(value):
    assert list(value.get_params()) == [
        field.name for field in fields(value) if field.name != "_"
    ]
