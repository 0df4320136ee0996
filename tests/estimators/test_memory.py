"""Memory of an estimator with many features: the most that a process has held."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ttfs import TTFSClassifier
from ttfs.encoders import base

# What each process prints: bytes of coefs_, and the growth of the process's memory from
# the data on, which is at its greatest in the statement that is asked for.
PROGRAM = """
import numpy as np
from scipy.sparse import random_array
from ttfs import TTFSClassifier

def status(name):
    with open("/proc/self/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if name in line)

def measured(function, X):
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak begins anew
    before = status("VmRSS")
    function(X)
    return status("VmHWM") - before

rng = np.random.RandomState(0)
small = TTFSClassifier((2,), max_iter=1).fit(rng.uniform(size=(4, 2)), [0, 1, 0, 1])
X = {data}
y = np.arange(10) % 2
model = TTFSClassifier({hidden}, max_iter=2, random_state=0)
fit = measured(lambda X: model.fit(X, y), X)
predict = measured(model.predict, X)
print(sum(weights.nbytes for weights in model.coefs_), fit, predict)
"""
DENSE = "rng.random_sample((10, 30_000)).astype(np.float32)"
DOUBLE = "rng.random_sample((10, 30_000))"
SPARSE = "random_array((10, 30_000), density=1e-3, format='csr', random_state=rng)"


def measure(**values):
    """Bytes of coefs_, of fit and of predict, in a process of its own."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the system does not say how much memory has been used")
    program = PROGRAM.format(**values)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    if "clear_refs" in done.stderr:
        pytest.skip("the system does not let a process measure itself")
    assert done.returncode == 0, done.stderr
    return map(int, done.stdout.split())


slow = pytest.mark.slow  # each is a process that loads the package and trains


@pytest.mark.parametrize(
    "data", [DENSE, pytest.param(DOUBLE, marks=slow), pytest.param(SPARSE, marks=slow)]
)
def test_wide_rows(data, monkeypatch):
    # Of 30,000 features all vary, which makes 60,000 channels where zeros spike. The
    # spikes of the samples take 5 MB, and the numbers of a channel that are no weights
    # 100 bytes; with moments and a copy training has four times coefs_.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    coefs, fit, predict = measure(data=data, hidden=(100,))
    assert fit < 4 * coefs + 40e6
    assert predict < 2 * coefs + 20e6


@slow
def test_narrow_network(monkeypatch):
    # 10 neurons fill a part of a vector only, and lists of spikes count.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    coefs, fit, _ = measure(data=DENSE, hidden=(10,))
    assert fit < 4 * coefs + 90e6


def test_blocks_of_wide_rows(monkeypatch):
    # Predictions of rows that are encoded two at a time are those of each row.
    monkeypatch.setattr(base, "_N_VALUES", 100)
    X = np.random.RandomState(0).uniform(size=(7, 50))
    model = TTFSClassifier((20,), max_iter=1, random_state=0).fit(X, np.arange(7) % 2)
    blocks = model.encoder_.blocks(X, 1024)
    assert [rows.stop - rows.start for rows in blocks] == [2, 2, 2, 1]
    together = model.decision_function(X)
    alone = [model.decision_function(x[np.newaxis])[0] for x in X]
    np.testing.assert_array_equal(together, alone)
