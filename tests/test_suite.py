"""The suite of data sets of the benchmarks: sets, halves, and what is printed."""

import json
from collections import Counter

import numpy as np
import pytest
import suite
from scipy.sparse import csr_array, issparse
from suite_data import SETS, DataSet, flipped, halves, one_hot

HALVES = halves()
JUDGE = """
breast-cancer cars clusters diabetes friedman2 hastie hundred-products iris irrelevant
labour linear-outliers lognormal monk-1 monk-2 moons noise-10 parity penguins
rare-inside recidivism shells student text-counts text-short text-tfidf
tiny-breast-cancer tiny-wine wide-100x1000-few wide-100x1000-many wide-40x2000
zero-inflated
""".split()
GENERATED = [
    name for name, data in SETS.items() if data.kind not in ("tables", "large")
]


def test_every_kind_has_sets_in_both_halves():
    kinds = {half: Counter() for half in ("choose", "judge")}
    for name, half in HALVES.items():
        kinds[half][SETS[name].kind] += 1
    choose, judge = kinds.values()
    assert choose.keys() == judge.keys() == set(suite.KINDS) - {"large"}
    assert all(abs(choose[kind] - judge[kind]) <= 1 for kind in choose)


def test_the_halves_are_those_of_before_any_tuning():
    """Another name or another set would move sets from one half to the other."""
    judge = sorted(name for name, half in HALVES.items() if half == "judge")
    assert judge == JUDGE


@pytest.mark.slow
@pytest.mark.parametrize("name", GENERATED)
def test_a_seed_draws_the_same_set_and_every_class_is_learned(name):
    data = SETS[name]
    first, again, other = (next(iter(data.splits(seed))) for seed in (3, 3, 4))
    for part, part_again in zip(first, again, strict=True):
        assert (abs(part - part_again) > 0).sum() == 0
    X, y, X_test, y_test = first
    assert X.shape[1] == X_test.shape[1]
    assert np.isfinite(X.data if issparse(X) else X).all()
    assert issparse(X) == (data.kind == "text")
    if not data.is_regression:
        assert set(y_test) <= set(y)
    assert X.shape != other[0].shape or (abs(X - other[0]) > 0).sum() > 0


def test_one_hot_and_wrong_labels():
    np.testing.assert_array_equal(
        one_hot([["a", "b"], [2, 1]]), [[1, 0, 0, 1], [0, 1, 1, 0]]
    )
    y = np.repeat([2, 5, 7], 1000)
    [(_, y_wrong, _, y_test)] = flipped([(y, y, y, y)], 0.2, 0)
    assert 0.17 < np.mean(y != y_wrong) < 0.23
    assert set(y_wrong) == {2, 5, 7}
    np.testing.assert_array_equal(y_test, y)


def run(capsys, *arguments):
    suite.main([*arguments, "--seeds", "1"])
    captured = capsys.readouterr()
    return captured.out, captured.err


@pytest.mark.slow
def test_the_suite_prints_a_table_and_keeps_results(capsys, tmp_path):
    """A run that finds its results prints the same and measures nothing."""
    path = tmp_path / "results.jsonl"
    models = "--models", "ttfs", "mlp", "logistic", "--results", str(path)
    arguments = "--only", "circles", "friedman1", *models, "--set", "max_iter=3"
    out, err = run(capsys, *arguments, "--early-stopping")
    assert "| circles | radial |" in out
    assert "mean ranks" in out
    assert "early_stopping=True" in out
    assert len(err.splitlines()) == len(path.read_text().splitlines()) == 8
    assert run(capsys, *arguments, "--early-stopping") == (out, "")
    out, err = run(capsys, *arguments, "--label", "another")
    assert len(err.splitlines()) == 2
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(entries) == 10
    assert entries[-1]["version"] == "another max_iter=3"


def test_text_has_linear_svc_and_sparse_parts_reach_every_model(monkeypatch, capsys):
    rng = np.random.RandomState(0)
    X = rng.poisson(0.5, size=(60, 8)).astype(float)
    y = (X[:, 0] > X[:, 1]).astype(int)
    sparse = csr_array(X)
    parts = sparse[:40], y[:40], sparse[40:], y[40:]
    few = DataSet("text-short", "text", lambda seed: [parts])
    monkeypatch.setitem(suite.SETS, "text-short", few)
    out, err = run(capsys, "--only", "text-short", "--set", "max_iter=2")
    assert len(err.splitlines()) == 5
    assert "against the best of LinearSVC" in out
