"""One place decides which engine computes, and refuses what does not go together."""

import itertools
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from classifiers import small
from kinds import EXACT, FLOAT_LOCAL, LOCAL
from numpy.testing import assert_array_equal

from ttfs.engines import Learning, Specification, Structure, TargetTimes, choose, recipe
from ttfs.engines.float import FloatEngine
from ttfs.engines.hardware import HardwareEngine
from ttfs.engines.integer import IntegerEngine
from ttfs.engines.quantized import QuantizedEngine
from ttfs.parameters import (
    CrossEntropy,
    ExactGradient,
    FixedPoint,
    LocalRule,
    SquaredError,
)
from ttfs.substrates import Ideal

STRUCTURE = Structure(
    hidden_layer_sizes=(5,),
    tau_mem=(1.0, 2.0),
    tau_syn=1.0,
    threshold=1.0,
    delays=None,
    t_max=None,
    read_out="auto",
    encoder="LatencyEncoder()",
    arithmetic="float32",
    gradient=None,
)
LEARNING = Learning(
    loss=CrossEntropy(),
    optimizer=ExactGradient(),
    time_scale=None,
    input_dropout=0.2,
    weight_decay=1.5,
    learning_rate_init="auto",
)

PRECISIONS = "float32", "float64", FixedPoint(), FixedPoint(4, accumulator_bits=12)
RULES = None, LocalRule(), LocalRule(kernel="linear", feedback="target")
SUBSTRATES = None, Ideal()
DELAYS = None, "axonal", "synaptic"
LOSSES = (
    CrossEntropy(),
    CrossEntropy(early_firing=0.1),
    SquaredError(),
    SquaredError(shift_invariant=True),
    TargetTimes(),
)


every_precision = pytest.mark.parametrize("arithmetic", PRECISIONS, ids=str)


def specification(*, substrate=None, learning=None, **structure):
    """A Specification that differs from that of all defaults in what is given."""
    return Specification(replace(STRUCTURE, **structure), substrate, learning)


def expected_of(arithmetic, rule, substrate, delays):
    """The engine's class, or what the error says."""
    is_fixed, is_local = isinstance(arithmetic, FixedPoint), rule is not None
    if delays is not None and (is_local or is_fixed or substrate is not None):
        return f"not supported with delays='{delays}'|delays='{delays}' is not supp"
    if is_fixed and substrate is not None:
        return r"substrate=Ideal\(\) is not supported with arithmetic='fixed'"
    if is_fixed:
        return IntegerEngine if is_local else QuantizedEngine
    return FloatEngine if substrate is None else HardwareEngine


@every_precision
def test_table_of_engines(arithmetic):
    options = itertools.product(RULES, SUBSTRATES, DELAYS, [False, True])
    for rule, substrate, delays, learns in options:
        learning = None
        if learns:
            optimizer = None if rule else ExactGradient()
            learning = replace(LEARNING, optimizer=optimizer)
        asked = specification(
            arithmetic=arithmetic,
            gradient=rule,
            substrate=substrate,
            delays=delays,
            learning=learning,
        )
        expected = expected_of(arithmetic, rule, substrate, delays)
        if isinstance(expected, str):
            with pytest.raises(ValueError, match=expected):
                choose(asked)
            continue
        engine = choose(asked)
        assert type(engine) is expected
        assert engine.is_local == (rule is not None)
        assert engine.dtype == ("float64" if arithmetic == "float64" else "float32")


@every_precision
def test_table_of_losses(arithmetic):
    is_fixed = isinstance(arithmetic, FixedPoint)
    for rule, loss in itertools.product(RULES, LOSSES):
        asked = specification(
            arithmetic=arithmetic, gradient=rule, learning=replace(LEARNING, loss=loss)
        )
        if is_fixed and rule and loss == TargetTimes():
            message = "learns classes alone"
        elif is_fixed and rule and loss != CrossEntropy():
            message = "loss='cross_entropy' without early_firing"
        elif rule and rule.feedback == "target" and loss == TargetTimes():
            message = "feedback='target' needs classes"
        else:
            assert choose(asked).learning.loss is loss
            continue
        with pytest.raises(ValueError, match=message):
            choose(asked)
        # The network can be used all the same.
        choose(replace(asked, learning=None))


@every_precision
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_table_of_recipes(arithmetic, rule):
    for read_out in (None, "auto", 1.0):
        check_recipe(arithmetic, rule, read_out, is_regression=False)
        check_recipe(arithmetic, rule, read_out, is_regression=True)


def check_recipe(arithmetic, rule, read_out, *, is_regression):
    """Engines learn by the recipe that is documented for what is asked."""
    is_coarse = arithmetic == FixedPoint()
    reads_out = read_out is not None
    if rule is None and not is_regression:
        expected = recipe.EXACT if reads_out else recipe.NO_READ_OUT
    elif rule is None:
        expected = recipe.REGRESSION
    elif is_regression:
        expected = recipe.LOCAL_REGRESSION
    else:
        expected = recipe.LOCAL_COARSE if is_coarse else recipe.LOCAL
        if rule.feedback in recipe.FEEDBACKS:
            expected = replace(expected, **recipe.FEEDBACKS[rule.feedback])
    asked = specification(arithmetic=arithmetic, gradient=rule, read_out=read_out)
    chosen = recipe.choose_recipe(
        asked.structure,
        is_regression=is_regression,
        has_read_out=reads_out,
        has_substrate=False,
    )
    assert chosen == expected
    on_substrate = recipe.choose_recipe(
        asked.structure,
        is_regression=is_regression,
        has_read_out=reads_out,
        has_substrate=True,
    )
    is_softer = expected is recipe.EXACT
    assert on_substrate == (recipe.ON_SUBSTRATE if is_softer else expected)
    loss = TargetTimes() if is_regression else CrossEntropy()
    asked = replace(asked, learning=replace(LEARNING, loss=loss))
    try:
        engine = choose(asked)
    except ValueError:  # these do not go together: see test_table_of_losses
        return
    assert engine.recipe == expected


@pytest.mark.parametrize(
    ("substrate", "message"),
    [
        (Ideal, r"not the class Ideal: use .*Ideal\(\)"),
        ("ideal", r"have a method forward\(times, network\), got .ideal."),
        (np.zeros, "have a method forward"),
    ],
    ids=["class", "str", "function"],
)
def test_substrates_that_are_none(substrate, message):
    with pytest.raises(TypeError, match=message):
        choose(specification(substrate=substrate))


def test_a_specification_is_frozen():
    asked = specification(learning=LEARNING)
    for part, name in (
        (asked, "substrate"),
        (asked.structure, "arithmetic"),
        (asked.learning, "loss"),
    ):
        with pytest.raises(FrozenInstanceError):
            setattr(part, name, None)


# -- By way of estimators ----------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (EXACT | {"delays": "axonal"}, "delays='axonal' .* arithmetic='fixed'"),
        (LOCAL | {"delays": "synaptic"}, "delays='synaptic' is not supported"),
        (FLOAT_LOCAL | {"delays": "axonal"}, "delays='axonal' .* gradient='local'"),
        (LOCAL | {"loss": "squared_error"}, "loss='cross_entropy'"),
        (LOCAL | {"loss": "shift_invariant"}, "loss='cross_entropy'"),
        (LOCAL | {"loss": CrossEntropy(early_firing=0.1)}, "without early_firing"),
        (EXACT | {"substrate": Ideal()}, r"substrate=Ideal\(\) is not"),
        (
            {"delays": "synaptic", "substrate": Ideal()},
            r"substrate=Ideal\(\) is not supported with delays='synaptic'",
        ),
    ],
    ids=str,
)
def test_estimators_refuse_the_same(iris, parameters, message):
    clf = small(t_max=2.0, **parameters)
    with pytest.raises(ValueError, match=message):
        clf.fit(*iris)
    with pytest.raises(ValueError, match=message):
        clf.partial_fit(*iris, classes=[0, 1, 2])
    assert not hasattr(clf, "network_")


@pytest.mark.parametrize(
    ("kind", "engine"),
    [
        ({}, FloatEngine),
        (FLOAT_LOCAL, FloatEngine),
        ({"substrate": Ideal()}, HardwareEngine),
        (EXACT, QuantizedEngine),
        (LOCAL, IntegerEngine),
    ],
    ids=str,
)
def test_engine_of_an_estimator(iris, kind, engine):
    clf = small(max_iter=1, **kind).fit(*iris)
    assert type(clf.engine_) is engine
    assert clf.engine_.time_scale(clf.network_, len(iris[0])) == clf.time_scale_


def test_engine_of_an_estimator_that_is_not_fitted():
    assert not hasattr(small(), "engine_")


# Changes of a network whose integers learn, and what there was before.
CHANGES = [
    ({"gradient": "exact"}, r"LocalRule\(kernel='table', feedback='symmetric'\)"),
    ({"arithmetic": "float32"}, r"FixedPoint\(weight_bits=6, .*\)"),
    ({"arithmetic__weight_bits": 5}, r"FixedPoint\(weight_bits=6, .*\)"),
    ({"arithmetic__accumulator_bits": 16}, ".*accumulator_bits=None"),
    ({"arithmetic__tick": 1 / 32}, ".*tick=None"),
    ({"arithmetic__rounding": "floor"}, ".*rounding='stochastic'"),
    ({"gradient__kernel": "linear"}, ".*kernel='table'"),
    ({"gradient__feedback": "direct"}, ".*feedback='symmetric'"),
    ({"hidden_layer_sizes": (13,)}, r"\(12,\)"),
    ({"tau_mem": 2.0}, r"\(1.0, 1.0\)"),
    ({"tau_mem": [1.0, 3.0]}, r"\(1.0, 1.0\)"),
    ({"threshold": 2.0}, "1.0"),
    ({"t_max": 3.0}, "None"),
    ({"read_out": 1.0}, "'auto'"),
    ({"read_out": None}, "'auto'"),
    ({"encoder": "latency"}, ".*LatencyEncoder.*complement='auto'"),
    ({"encoder": "spike_times"}, ".*LatencyEncoder.*complement='auto'"),
]


@pytest.mark.parametrize(
    ("start", "change", "then"),
    [
        *((LOCAL, change, then) for change, then in CHANGES),
        ({}, {"arithmetic": "float64"}, "'float32'"),
        ({}, {"delays": "axonal"}, "None"),
        ({"max_spikes": 3}, {"max_spikes": 4}, "3"),
        ({"max_spikes": 3}, {"refractory": 0.2}, r"0\.0"),
    ],
    ids=str,
)
def test_network_cannot_change_under_its_weights(iris, start, change, then):
    (name,) = change
    name = name.partition("__")[0]
    clf = small(warm_start=True, **start).fit(*iris)
    before = clf.predict_proba(iris[0])
    clf.set_params(**change)
    with pytest.raises(ValueError, match=f"{name} was {then}.* warm_start=False"):
        clf.fit(*iris)
    with pytest.raises(ValueError, match=f"{name} was {then}.* warm_start=False"):
        clf.partial_fit(*iris)
    with pytest.raises(ValueError, match=f"{name} was {then}.* warm_start=False"):
        _ = clf.engine_
    assert_array_equal(clf.predict_proba(iris[0]), before)


def test_a_shorthand_is_the_object_that_it_stands_for(iris):
    clf = small(warm_start=True, **LOCAL).fit(*iris)
    clf.set_params(arithmetic=FixedPoint(), gradient=LocalRule()).fit(*iris)
    assert clf.n_iter_ == 10


def test_the_exact_gradient_is_called_by_its_name(iris):
    clf = small(warm_start=True, **LOCAL).fit(*iris).set_params(gradient="exact")
    with pytest.raises(ValueError, match=r"gradient was LocalRule.* is 'exact' now"):
        clf.fit(*iris)
    clf = small(warm_start=True).fit(*iris).set_params(gradient=LocalRule())
    with pytest.raises(ValueError, match=r"gradient was 'exact' when .* is LocalRule"):
        clf.fit(*iris)
    # How the exact gradient is followed is no part of the network.
    clf.set_params(gradient=ExactGradient(min_slope=0.1)).fit(*iris)
