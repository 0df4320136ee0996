"""The table of benchmarks/signals.py: what its models see, and what it counts."""

import json
import sys

import numpy as np
import pytest
import signals as benchmark
from numpy.testing import assert_allclose, assert_array_equal


def little_data(name, split):
    """Two classes of signals of unequal lengths: where a step is."""
    n_samples = 12 if split == "train" else 8
    X = []
    for k in range(n_samples):
        t = np.linspace(0, 1, 10 + k % 3)
        X.append(np.stack([t > 0.3 + 0.4 * (k % 2), np.sin(5 * t)]).astype(float))
    return X, np.array(["left", "right"] * (n_samples // 2))


def test_signals_are_resampled_on_straight_lines():
    training = [np.zeros((1, 5)), np.zeros((1, 3))]
    resampled = benchmark.Resampled(training)([np.array([[0.0, 4.0, 2.0]])])
    assert_allclose(resampled, [[[0, 2, 4, 3, 2]]])
    long = benchmark.Resampled([np.zeros((1, 1000))])
    assert long([np.zeros((2, 7))]).shape == (1, 2, benchmark.MAX_POINTS)


def test_activity_is_what_the_layers_did():
    X, y = little_data("any", "train")
    model = benchmark.our_model("several", 0)
    model[-1].set_params(max_iter=3)
    model.fit(X, y)
    trains = model[0].transform(X)
    _, hidden, outputs = model[-1].spike_times(trains)
    n_spikes, n_events, decision = benchmark.activity(model, X)
    n_hidden = np.isfinite(hidden).sum() / len(X)
    assert np.isinf(outputs).all()  # they have a membrane alone
    assert n_spikes == pytest.approx(n_hidden)
    n_biases = len(model[-1].bias_times_[0])
    n_inputs = trains.n_spikes / len(X)
    expected = (n_inputs + n_biases) * 100 + (n_hidden + n_biases) * 2
    assert n_events == pytest.approx(expected)
    assert decision == pytest.approx(model[-1].network_.t_max)


@pytest.mark.slow  # trains eight models
def test_the_command_prints_and_keeps_its_rows(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(benchmark, "signals", little_data)
    path = tmp_path / "out.json"
    rows = ["several", "one", "MLP", "1-NN"]
    arguments = ["--only", "GunPoint", "--seeds", "2", "--rows", *rows]
    benchmark.main([*arguments, "--out", str(path)])
    kept = json.loads(path.read_text())
    assert [(e["row"], e["seed"]) for e in kept] == [
        (r, s) for r in rows for s in (0, 1)
    ]
    accuracies = np.array([e["accuracy"] for e in kept]).reshape(4, 2)
    assert_array_equal(accuracies[3], accuracies[3, 0])  # it draws nothing
    assert accuracies[:2].mean() > 80
    printed = capsys.readouterr().out
    assert f"| several | {accuracies[0].mean():.1f}" in printed
    gain = accuracies[0].mean() - accuracies[1].mean()
    assert f"(several) - (one): {gain:+.2f}" in printed


def test_without_aeon_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "aeon", None)
    with pytest.raises(SystemExit, match="aeon"):
        benchmark.signals("GunPoint", "train")
