"""The gallery: examples run without a warning, and say what their figures are."""

import ast
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))
QUICK = "plot_spike_trains", "plot_yin_yang"

pytestmark = pytest.mark.skipif(not EXAMPLES, reason="not in a clone")


def name_of(path):
    return path.stem


# ------------------------------------------------------------- what the texts claim
#
# Each function gets the variables with which an example ended. Tolerances are about
# what another seed, processor or version of a package changes.


def plot_yin_yang(x):
    assert 0.96 < x["accuracy"] < 0.99
    assert x["share_by_read_out"] > 0.5  # "most points need it"
    assert x["first"] < x["clf"].read_out_
    assert x["winner"] == "yang"
    # "nearly all errors are at borders": the class is another one within 0.1
    grid, decisions = x["grid"][:, :2], x["decisions"].ravel()
    is_inside = np.isfinite(decisions)
    for point in x["X_test"][x["is_wrong"], :2]:
        near = is_inside & (np.abs(grid - point).max(axis=1) < 0.1)
        assert len(np.unique(decisions[near])) > 1


def plot_digits_grid_search(x):
    by_size = x["means"].mean(axis=(0, 2))
    assert by_size[1] > by_size[0] + 1
    assert abs(by_size[2] - by_size[1]) < 1
    assert abs(x["means"][0].mean() - x["means"][1].mean()) < 1  # of the scaler
    assert x["spikes"][1] > 1.3 * x["spikes"][0]
    assert x["events"][1] > 1.3 * x["events"][0]
    assert 0.95 < x["best_accuracy"] < x["default_accuracy"] + 0.003
    assert 120 < x["default"].n_iter_ < 180


def plot_when_better(x):
    better = dict(zip(x["sets"], x["is_better"].mean(axis=1), strict=True))
    surer = dict(zip(x["sets"], x["gained"].mean(axis=1), strict=True))
    assert better["spheres"] > 10
    assert better["heavy tails"] > 1
    assert better["few rows"] > 3
    assert abs(better["linear"]) < 1.5
    assert -2.5 < better["two of six"] <= 0
    assert better["sign of a product"] < -4
    assert all(surer[name] > 0 for name in ("spheres", "heavy tails", "few rows"))
    assert surer["two of six"] < -1.5  # "far more certain": some times the log-loss
    best = x["accuracies"].mean(axis=2).argmax(axis=1)
    names = np.array(list(x["models"]))[best]
    assert np.isin(names[[1, 5]], "boosted trees").all()
    assert names[3] == "logistic regression"


def plot_sparsity(x):
    sparse, narrow = x["sparse"].mean(axis=1), x["narrow"].mean(axis=1)
    assert sparse[-1, 2] < 0.25 * sparse[0, 2]  # a fifth of the events
    assert 0 < sparse[0, 0] - sparse[-1, 0] < 2
    of_20 = narrow[x["widths"].index(20)]
    assert abs(of_20[0] - sparse[-1, 0]) < 1
    assert of_20[2] < 1.2 * sparse[-1, 2]
    assert of_20[1] < 0.35 * sparse[-1, 1]


def plot_sparse_text(x):
    spiking, dense, linear = x["accuracies"].mean(axis=2)
    for other in (dense, linear):
        assert (0.5 < (other - spiking)[2:]).all()
        assert ((other - spiking)[2:] < 6).all()
    assert (np.abs(linear - dense)[2:] < 1.5).all()
    dense, few, events = x["costs"].values()
    assert events < few < dense / 20


def plot_spike_trains(x):
    assert x["all_spikes"] > 0.95
    assert x["first_spikes"] < 0.45
    assert x["by_bins"][0] < 0.45
    assert x["by_bins"][x["n_bins"].index(8)] > x["all_spikes"]


def plot_several_spikes(x):
    assert x["accuracies"][-1] > x["accuracies"][0] + 0.15
    assert x["by_hand_accuracy"] > x["accuracies"][-1]


def plot_integers(x):
    for gradient, rows in x["by_bits"].items():
        two, _, four, six, eight = rows.mean(axis=1)
        assert x["real"][gradient] - two > 4
        assert x["real"][gradient] - four < 2.5
        assert abs(eight - six) < 1.5
    assert 0 < x["real"]["exact"] - x["real"]["local"] < 2.5
    assert np.all(np.diff(x["by_tick"].mean(axis=1)) < 0.5)
    assert x["by_tick"][-1].mean() < x["by_tick"][0].mean() - 5
    assert np.abs(x["clf"].coefs_[0]).max() == 15


def plot_microcontroller(x):
    assert x["differences"] == {"input ticks": 0, "output ticks": 0, "classes": 0}
    of_equal, *others = x["shares"]
    assert 10 < of_equal < 45
    assert max(others) < 10
    assert x["groups"]["0"].mean() < 0.2
    shift, table = x["costs"]["shift"], x["costs"]["table"]
    assert (shift[:, 1:] < table[:, 1:]).all()
    assert shift[x["sizes"].index(32), 1] > 14  # a perceptron takes that


def plot_chip_in_the_loop(x):
    ideal, naive, calibrated, in_the_loop = x["accuracies"].mean(axis=0)
    assert ideal - naive > 15
    assert calibrated - naive > 0.6 * (ideal - naive)
    assert calibrated < in_the_loop < ideal
    assert ideal - in_the_loop < 3
    assert np.ptp(x["accuracies"][:, 1]) > 5  # "a great difference"


def plot_regression(x):
    assert x["error"] < 0.15
    beyond = x["prediction"][x["grid"] >= 1]
    np.testing.assert_allclose(beyond, beyond[0])  # "it does not extrapolate"
    mean = x["scores"].mean(axis=2)
    assert (mean[:, 0] > mean[:, 1]).all()
    assert (mean[:, 0] > mean[:, 2]).all()
    assert (mean[1:, 3] > mean[1:, 0]).all()


# --------------------------------------------------------------------------- the tests


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_an_example_is_a_page(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    title, line, blank, *text = ast.get_docstring(tree).splitlines()
    assert line == "=" * len(title)
    assert not blank
    assert text
    assert path.stem in globals(), "no test of what it claims"


def run(path, monkeypatch):
    """The variables with which an example ends; its figures are drawn, and closed."""
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    monkeypatch.setattr(plt, "show", lambda: None)
    try:
        variables = runpy.run_path(str(path))
        figures = [plt.figure(number) for number in plt.get_fignums()]
        assert figures
        for figure in figures:
            figure.canvas.draw()
            assert any(
                ax.get_xlabel() or ax.get_ylabel() or ax.images for ax in figure.axes
            )
    finally:
        plt.close("all")
    return variables


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path, id=path.stem, marks=[] if path.stem in QUICK else pytest.mark.gallery
        )
        for path in EXAMPLES
    ],
)
def test_an_example_is_true(path, monkeypatch):
    if path.stem == "plot_microcontroller" and not shutil.which("cc"):
        pytest.skip("needs a C compiler")
    globals()[path.stem](run(path, monkeypatch))
