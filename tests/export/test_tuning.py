"""export.tune: rows of settings, held-out accuracy and the Pareto front."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import TTFSClassifier, export
from ttfs.datasets import make_yin_yang
from ttfs.parameters import FixedPoint

X, y = make_yin_yang(120, random_state=0)
CLF = TTFSClassifier((5,), max_iter=2, random_state=0)


def test_rows_are_the_grid():
    tuning = export.tune(
        CLF, X, y, bits=[4, 6], neurons=[4, (5, 3)], decays=["table", "shift"], cv=2
    )
    settings = [(row.decay, row.bits, row.neurons) for row in tuning.rows]
    assert settings == [
        (decay, bits, neurons)
        for decay in ("table", "shift")
        for bits in (4, 6)
        for neurons in ((4,), (5, 3))
    ]
    assert all(row.tick is None for row in tuning.rows)
    assert tuning.best == tuple(
        sorted((r for r in tuning.rows if r.is_best), key=lambda r: r.flash)
    )
    assert len(str(tuning).splitlines()) == 2 + 8
    assert sum(line.startswith("*") for line in str(tuning).splitlines()) == len(
        tuning.best
    )
    assert CLF.arithmetic == "float32"


def test_accuracy_and_cost_are_those_of_held_out_samples():
    cv = StratifiedKFold(3, shuffle=True, random_state=1)
    [row] = export.tune(CLF, X, y, ticks=[1 / 32], cv=cv).rows
    scores, costs = [], []
    for train, test in cv.split(X, y):
        clf = TTFSClassifier(
            (5,), arithmetic=FixedPoint(tick=1 / 32), max_iter=2, random_state=0
        ).fit(X[train], y[train])
        scores.append(clf.score(X[test], y[test]))
        costs.append(export.estimate(clf, X[test]).targets["m0+"])
    assert row.accuracy == pytest.approx(np.mean(scores))
    assert row.instructions == pytest.approx(np.mean([c.instructions for c in costs]))
    assert row.flash == round(np.mean([c.flash for c in costs]))
    assert row.is_best


def test_a_validation_part_and_jobs_and_an_avr():
    parts = (X[:80], y[:80]), (X[80:], y[80:])
    model = make_pipeline(StandardScaler(), CLF)
    found = []
    for n_jobs in (None, 2):
        options = {"neurons": [3, 6], "validation": parts[1], "n_jobs": n_jobs}
        with parallel_config("threading"):
            found.append(export.tune(model, *parts[0], target="avr", **options))
    assert found[0] == found[1]
    assert all(row.instructions is None for row in found[0].rows)
    clf = make_pipeline(
        StandardScaler(),
        TTFSClassifier((3,), arithmetic="fixed", max_iter=2, random_state=0),
    ).fit(*parts[0])
    assert found[0].rows[0].accuracy == clf.score(*parts[1])


def test_the_front_has_what_nothing_beats():
    tuning = export.tune(CLF, X, y, neurons=[2, 4, 8], bits=[3, 5], cv=2)
    goals = [(-r.accuracy, r.flash, r.instructions) for r in tuning.rows]
    for row, own in zip(tuning.rows, goals, strict=True):
        beaten = any(
            all(a <= b for a, b in zip(other, own, strict=True)) and other != own
            for other in goals
        )
        assert row.is_best != beaten


def test_wrong_parameters_are_refused():
    for parameters, error, message in (
        ({"bits": 4}, TypeError, "bits must be a sequence"),
        ({"bits": []}, ValueError, "bits must have a value"),
        ({"bits": [12]}, ValueError, "weight_bits"),
        ({"ticks": [-1.0]}, ValueError, "tick"),
        ({"decays": "shift"}, TypeError, "decays must be a sequence"),
        ({"decays": ["none"]}, ValueError, "decay"),
        ({"neurons": [0]}, ValueError, "neurons must be positive"),
        ({"neurons": [2.5]}, ValueError, "neurons must be positive"),
        ({"target": "z80"}, ValueError, "target must be one of"),
        ({"n_cost": 0}, ValueError, "n_cost must be a positive"),
        ({"validation": (X,)}, ValueError, r"tuple of \(X, y\)"),
        ({"validation": (X, y), "cv": 2}, ValueError, "exclude each other"),
        ({"ticks": [1 / 20], "decays": ["shift"]}, ValueError, r"shift.*: "),
    ):
        with pytest.raises(error, match=message):
            export.tune(CLF, X, y, **parameters)
    with pytest.raises(TypeError, match="TTFSClassifier"):
        export.tune(StandardScaler(), X, y)
