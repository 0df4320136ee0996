"""Accuracy of TTFSClassifier with default parameters: mean over seeds.

    python benchmarks/accuracy.py

Yin-Yang with its published training and test sets and 120 hidden neurons, and
scikit-learn's bundled tables, 5-fold cross-validated. Parameters were chosen on the
Yin-Yang validation set (seed 41) and by cross-validation; the Yin-Yang test set is used
here alone.
"""

import time

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from threadpoolctl import threadpool_limits

from ttfs import TTFSClassifier
from ttfs.datasets import make_yin_yang

TABLES = {
    "iris": (load_iris, StandardScaler),
    "wine": (load_wine, StandardScaler),
    "breast_cancer": (load_breast_cancer, StandardScaler),
    "digits": (load_digits, MinMaxScaler),
}


def yin_yang(seed):
    X, y = make_yin_yang(5000, random_state=42)
    X_test, y_test = make_yin_yang(1000, random_state=40)
    start = time.perf_counter()
    clf = TTFSClassifier((120,), random_state=seed).fit(X, y)
    seconds = time.perf_counter() - start
    return clf.score(X_test, y_test), seconds


def table(name, seed):
    load, scaler = TABLES[name]
    X, y = load(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    model = make_pipeline(scaler(), TTFSClassifier(random_state=seed))
    start = time.perf_counter()
    score = np.mean(cross_val_score(model, X, y, cv=folds))
    return score, (time.perf_counter() - start) / 5


def report(name, results):
    scores, seconds = np.transpose(results)
    each = " ".join(f"{100 * score:.1f}" for score in scores)
    print(
        f"{name:14}  {100 * scores.mean():5.2f} ± {100 * scores.std():4.2f}  "
        f"({each})  longest fit {max(seconds):.1f} s",
        flush=True,
    )


def main():
    with threadpool_limits(1):
        report("yin_yang", [yin_yang(seed) for seed in range(5)])
        for name in TABLES:
            report(name, [table(name, seed) for seed in range(3)])


if __name__ == "__main__":
    main()
