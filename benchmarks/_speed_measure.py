"""What the rows of speed.py share: data, models, times of pairs, and processes."""

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import _common
import numpy as np
from _common import clock
from scipy.sparse import csr_array, load_npz, save_npz
from sklearn.neural_network import MLPClassifier

from ttfs import TTFSClassifier

# -- Measuring ---------------------------------------------------------------------


def ratio(above, below):
    """Median of the ratios of pairs."""
    return float(np.median(np.divide(above, below)))


def predictions(models, X, n):
    """Seconds of predicting X n times with each model in turn: one list for each."""
    seconds = [[] for _ in models]
    for _ in range(n):
        for series, model in zip(seconds, models, strict=True):
            series.append(clock(model.predict, X))
    return seconds


def seconds_per_epoch(make, X, y, epochs, timer=time.perf_counter):
    """The seconds of an epoch, as the difference of two fits, and the longer fit."""
    few, many = epochs
    long = make(many)
    seconds = clock(long.fit, X, y, timer=timer)
    seconds -= clock(make(few).fit, X, y, timer=timer)
    return seconds / (many - few), long


def spiking(hidden, batch_size, seed, **parameters):
    def make(n_epochs):
        return TTFSClassifier(
            (hidden,),
            batch_size=batch_size,
            input_dropout=0.0,
            max_iter=n_epochs,
            random_state=seed,
            **({"encoder": "latency"} | parameters),
        )

    return make


def perceptron(hidden, batch_size, seed):
    def make(n_epochs):
        return MLPClassifier(
            (hidden,),
            batch_size=batch_size,
            alpha=0,
            tol=0,
            n_iter_no_change=10_000,
            max_iter=n_epochs,
            random_state=seed,
        )

    return make


# -- Data --------------------------------------------------------------------------


@cache
def mnist(n_train, load=_common.mnist):
    """MNIST: as many training images as wanted, and the whole test set."""
    X, y, X_test, y_test = load(is_validation=False)
    return X[:n_train], y[:n_train], X_test, y_test


def mnist_16(n_train):
    return mnist(n_train, _common.mnist_16)


def yin_yang():
    X, y, X_test, y_test = _common.yin_yang(is_validation=False)
    return X.astype(np.float32), y, X_test.astype(np.float32), y_test


def text(n_samples, n_features=50_000, n_stored=60, n_classes=20):
    """Word counts: common words follow Zipf's law, a third are those of the class."""
    rng = np.random.default_rng(0)
    y = rng.integers(n_classes, size=n_samples)
    topics = rng.integers(n_features, size=(n_classes, 300))
    size = n_samples, 4 * n_stored
    words = (n_features ** rng.random(size)).astype(np.int64) - 1
    is_topic = rng.random(size) < 1 / 3
    words[is_topic] = topics[y[:, None], rng.integers(300, size=size)][is_topic]
    indices = np.empty((n_samples, n_stored), np.int32)
    for s in range(n_samples):
        _, first = np.unique(words[s], return_index=True)
        indices[s] = np.sort(words[s, np.sort(first)[:n_stored]])
    values = rng.uniform(0.1, 1, indices.size).astype(np.float32)
    rows = np.arange(n_samples + 1) * n_stored
    shape = n_samples, n_features
    return csr_array((values, indices.ravel(), rows), shape=shape), y


def split_text(X, y):
    """A tenth of the samples is the test set."""
    n_test = X.shape[0] // 10
    return X[n_test:], y[n_test:], X[:n_test], y[:n_test]


def save(folder, X, y):
    """Write data for processes of their own, in a folder that is there."""
    if isinstance(X, np.ndarray):
        np.save(f"{folder}/X.npy", X)
    else:
        save_npz(f"{folder}/X.npz", X)
    np.save(f"{folder}/y.npy", np.asarray(y, np.int64))


def load(folder):
    path = Path(folder) / "X.npy"
    X = np.load(path) if path.exists() else load_npz(path.with_suffix(".npz"))
    return X, np.load(f"{folder}/y.npy")


# -- Processes of their own --------------------------------------------------------


def start(name, n_threads, variables=None, /, **arguments):
    """A process of speed.py that runs child_NAME(**arguments).

    `variables` are changes of its environment; None stands for one that is not set.
    """
    changes = {"OMP_NUM_THREADS": str(n_threads)} | (variables or {})
    variables = (os.environ | changes).items()
    program = Path(__file__).with_name("speed.py")
    return subprocess.Popen(
        [sys.executable, program, "--child", name, json.dumps(arguments)],
        env={key: value for key, value in variables if value is not None},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def result(process):
    """The last line that it prints."""
    lines = process.communicate()[0].splitlines()
    if process.returncode:
        raise RuntimeError("a process that was started has failed")
    return json.loads(lines[-1])
