"""R2 of TTFSRegressor beside MLPRegressor and Ridge, all on scaled features.

Five folds of each seed, which also draws the data where they are generated. The window
of spike times, the learning rate and the weight decay were chosen on the seeds of
--validation.
"""

import time
import warnings
from dataclasses import dataclass

import numpy as np
from _common import mean_and_deviation, run, seeds, verdict
from sklearn.datasets import (
    load_diabetes,
    make_friedman1,
    make_friedman2,
    make_regression,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import TTFSRegressor


def waves(seed):
    """A wave of one Gaussian feature, a product of two, and one that is irrelevant."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(600, 4))
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=600)
    return X, y


@dataclass
class Row:
    """One data set."""

    name: str
    load: callable


ROWS = {
    "diabetes": Row("diabetes", lambda seed: load_diabetes(return_X_y=True)),
    "friedman1": Row(
        "make_friedman1(1000, noise=1)",
        lambda seed: make_friedman1(1000, noise=1, random_state=seed),
    ),
    "linear": Row(
        "make_regression(1000, 20, noise=10)",
        lambda seed: make_regression(1000, 20, noise=10, random_state=seed),
    ),
    "friedman2": Row(
        "make_friedman2(1000, noise=10)",
        lambda seed: make_friedman2(1000, noise=10, random_state=seed),
    ),
    "waves": Row("waves, 600 x 4", waves),
}

MODELS = {
    "TTFSRegressor": lambda seed: TTFSRegressor((100,), random_state=seed),
    "MLPRegressor": lambda seed: MLPRegressor(
        hidden_layer_sizes=(100,), max_iter=1000, random_state=seed
    ),
    "Ridge": lambda seed: Ridge(),
}


def folds(X, y, seed):
    """Five pairs of training and test data."""
    for train, test in KFold(5, shuffle=True, random_state=seed).split(X):
        yield X[train], y[train], X[test], y[test]


def report(row, n_seeds, is_validation):
    print(f"\n{row.name}")
    means = {}
    for name, make in MODELS.items():
        scores, seconds, silent = [], [], []
        for seed in seeds(n_seeds, is_validation):
            each = []
            for X, y, X_test, y_test in folds(*row.load(seed), seed):
                model = make_pipeline(StandardScaler(), make(seed))
                start = time.perf_counter()
                model.fit(X, y)
                seconds.append(time.perf_counter() - start)
                each.append(model.score(X_test, y_test))
                if name == "TTFSRegressor":
                    times = model[-1].spike_times(model[:-1].transform(X_test))[-1]
                    silent.append(np.mean(np.isinf(times)))
            scores.append(np.mean(each))
        means[name], deviation = mean_and_deviation(scores)
        print(
            f"  {name:14s} R2 {means[name]:.4f} ± {deviation:.4f}, fit "
            f"{np.mean(seconds):.2f} s"
            + (f", silent outputs {100 * np.mean(silent):.2f} %" if silent else ""),
            flush=True,
        )
    must = max(means["MLPRegressor"], means["Ridge"]) - 0.02
    verdict("R2", means["TTFSRegressor"] >= must, f"{must:.4f}")


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    run(__doc__, ROWS, report, n_seeds=5)
