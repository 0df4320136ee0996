"""What the studies share: statistics, results that are kept, tasks."""

import json

import numpy as np
import pytest

pytest.importorskip("threadpoolctl")

import _studies as studies

VALUES = [91.0, 94.0, 92.5, 95.5]
OTHERS = [90.0, 91.0, 92.0, 93.5]


def test_half_width_covers_as_often_as_it_says():
    """The interval of normal samples holds the mean in 95 % of them."""
    rng = np.random.default_rng(0)
    samples = rng.normal(3.0, 2.0, (4000, 5))
    is_inside = [abs(np.mean(x) - 3.0) < studies.half_width(x) for x in samples]
    # Four deviations of a share of 4000.
    assert np.mean(is_inside) == pytest.approx(0.95, abs=4 * np.sqrt(0.0475 / 4000))


def test_half_width_of_one_value_is_unknown():
    assert np.isnan(studies.half_width([1.0]))


def test_difference_takes_pairs():
    """By hand: differences 1, 3, 0.5, 2; their deviation is 1.1087, t = 2.932."""
    text = studies.difference(VALUES, OTHERS)
    assert text.split()[0] == "+1.6"
    assert "±  1.8" in text  # 3.1824 * 1.1087 / 2
    assert "p = 0.061" in text


def test_difference_without_variation_has_no_interval():
    assert studies.difference([2.0, 3.0], [1.0, 2.0]).strip() == "+1.0"


def test_results_are_measured_once(tmp_path):
    calls = []

    def measure(seed, what):
        calls.append((seed, what))
        return {"accuracy": seed + len(what)}

    path = tmp_path / "results.json"
    for _ in range(2):  # the second reads the file
        results = studies.Results(path)
        assert results.all(measure, [1, 2], "ab") == {"accuracy": [3, 4]}
    assert calls == [(1, "ab"), (2, "ab")]
    assert len(json.loads(path.read_text())) == 2
    studies.Results(None).all(measure, [1], "ab")
    assert len(calls) == 3


def test_inputs_end_with_the_experiment():
    """Of a task with distractors among the pattern, too, nearly all spikes count."""
    for task in (
        studies.Task(n_distractors=5, lead=-4.0),
        studies.Task(width=(0.5,) * 5 + (4.0,) * 5, window=0.0, lead=0.0),
    ):
        X, _, _, _ = task.load(0)
        _, _, times = X.events()
        assert np.mean(times > task.end) < 0.001
        assert task.encoder().fit(X).end_ == task.end


def test_gain_scales_the_first_weights():
    X, y, _, _ = studies.Task().load(0)
    options = {
        "hidden_layer_sizes": (5,),
        "max_iter": 1,
        "learning_rate_init": 1e-12,
        "random_state": 0,
    }
    plain, low = (studies.fit(X, y, gain=gain, **options) for gain in (1.0, 0.25))
    np.testing.assert_allclose(low.coefs_[0], 0.25 * plain.coefs_[0], rtol=1e-5)
    np.testing.assert_allclose(low.coefs_[1], plain.coefs_[1], rtol=1e-5)
