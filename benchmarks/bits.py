"""Hashes of what training and prediction give, to see that no bit has changed.

    python benchmarks/bits.py --out before.json
    python benchmarks/bits.py --against before.json

Each configuration trains a small estimator and hashes its weights, loss curve, spike
times and predictions, on each instruction set of this machine. Two trees give the same
hashes only with the same compiler, NumPy and scikit-learn.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from sklearn.datasets import load_digits, load_iris
from sklearn.preprocessing import StandardScaler

from ttfs import SpikeTrains, TTFSClassifier, TTFSRegressor
from ttfs import core as _core
from ttfs.datasets import make_yin_yang
from ttfs.encoders import PopulationEncoder
from ttfs.parameters import (
    CrossEntropy,
    ExactGradient,
    FixedPoint,
    LocalRule,
    SquaredError,
)
from ttfs.substrates import AnalogChip, Clocked, Ideal

CONFIGURATIONS = {}


def configuration(function):
    """Register a function that yields fitted estimators and the data they predict."""
    CONFIGURATIONS[function.__name__] = function
    return function


def yin_yang(n_samples=400):
    return make_yin_yang(n_samples, random_state=7)


def digits(n_samples=400):
    X, y = load_digits(return_X_y=True)
    return X[:n_samples], y[:n_samples]


def fitted(data, hidden=(30,), **parameters):
    """A classifier after a few epochs, and its data."""
    X, y = data
    parameters = {"max_iter": 4, "random_state": 3, **parameters}
    return TTFSClassifier(hidden, **parameters).fit(X, y), X


@configuration
def float32():
    yield fitted(yin_yang())
    yield fitted(digits(), (100,))


@configuration
def float64():
    yield fitted(yin_yang(), arithmetic="float64")
    yield fitted(digits(), (41,), arithmetic="float64")


@configuration
def wide_panels():
    yield fitted(digits(300), (350,), batch_size=80, max_iter=2)


@configuration
def deep():
    yield fitted(digits(300), (50, 40, 33))
    yield fitted(yin_yang(300), ())


@configuration
def time_constants():
    yield fitted(yin_yang(), tau_mem=2.0)
    yield fitted(yin_yang(), (20, 20), tau_mem=[1.5, float("inf"), 0.7])


@configuration
def losses():
    yield fitted(yin_yang(), loss="squared_error")
    loss = SquaredError(shift_invariant=True, targets=(0.7, 1.4))
    yield fitted(yin_yang(), loss=loss)
    yield fitted(yin_yang(), time_scale=0.1, loss=CrossEntropy(early_firing=0.01))
    yield fitted(yin_yang(), read_out=None)


@configuration
def exact_gradient_and_optimizer():
    yield fitted(yin_yang(), gradient=ExactGradient(min_slope=0.0))
    gradient = ExactGradient(beta_1=0.8, beta_2=0.99, epsilon=1e-6, min_slope=0.5)
    yield fitted(yin_yang(), gradient=gradient)


@configuration
def axonal_delays():
    yield fitted(yin_yang(), delays="axonal")


@configuration
def synaptic_delays():
    yield fitted(yin_yang(), delays="synaptic")
    yield fitted(yin_yang(), (20, 10), delays="synaptic", arithmetic="float64")


@configuration
def local_rule():
    yield fitted(yin_yang(), gradient="local")
    rule = LocalRule(kernel="linear", feedback="random")
    yield fitted(yin_yang(), (20, 20), gradient=rule)
    yield fitted(yin_yang(), (20, 20), gradient=LocalRule(feedback="direct"))
    rule = LocalRule(feedback="target")
    yield fitted(yin_yang(), gradient=rule, loss="squared_error")


@configuration
def quantized():
    yield fitted(yin_yang(), arithmetic="fixed")
    yield fitted(digits(), arithmetic=FixedPoint(weight_bits=4, tick=1 / 32))


@configuration
def integers():
    fixed = {"arithmetic": "fixed", "gradient": "local"}
    yield fitted(yin_yang(), **fixed)
    rule = LocalRule(kernel="linear")
    yield fitted(digits(), arithmetic="fixed", gradient=rule)
    yield fitted(yin_yang(), **fixed, class_weight={0: 1, 1: 2, 2: 0.5})


@configuration
def integers_with_accumulators():
    for fixed, feedback, hidden in (
        (FixedPoint(accumulator_bits=16), "symmetric", (30,)),
        (FixedPoint(accumulator_bits=16, rounding="floor"), "random", (20, 20)),
        (FixedPoint(accumulator_bits=16), "direct", (20, 20)),
        (FixedPoint(accumulator_bits=16, weight_bits=5), "target", (20, 20)),
    ):
        rule = LocalRule(feedback=feedback)
        yield fitted(yin_yang(), hidden, arithmetic=fixed, gradient=rule)


@configuration
def substrates():
    data = yin_yang(200)
    yield fitted(data, substrate=Ideal(), max_iter=2)
    yield fitted(data, substrate=Clocked(step=0.01), max_iter=2)
    chip = AnalogChip.preset("delgrad", random_state=1)
    yield fitted(data, substrate=chip, max_iter=3)
    yield fitted(data, substrate=chip, max_iter=2, gradient="local")


@configuration
def early_stopping_on_a_substrate():
    chip = AnalogChip(
        weight_bits=5, weight_clip=1.5, threshold_spread=0.05, random_state=2
    )
    yield fitted(yin_yang(200), substrate=chip, max_iter=3, early_stopping=True)


@configuration
def population_code():
    X, y = load_iris(return_X_y=True)
    data = StandardScaler().fit_transform(X), y
    yield fitted(data, encoder="population")
    yield fitted(data, encoder=PopulationEncoder(n_fields=6))
    yield fitted(data, encoder="complement")
    yield fitted(data, encoder="latency")


@configuration
def spike_trains():
    rng = np.random.RandomState(0)
    n_samples, n_channels, n_events = 120, 12, 3000
    y = rng.randint(3, size=n_samples)
    samples = rng.randint(n_samples, size=n_events)
    channels = rng.randint(n_channels, size=n_events)
    times = rng.uniform(0, 2, n_events) + 0.3 * y[samples] * (channels % 3)
    trains = SpikeTrains(samples, channels, times, (n_samples, n_channels))
    yield fitted((trains, y))
    yield fitted((trains, y), arithmetic="fixed")


@configuration
def spike_times():
    X, y = yin_yang()
    X = np.where(X > 0.8, np.inf, 5 + X)
    yield fitted((X, y), encoder="spike_times")
    yield fitted((X, y), encoder="spike_times", arithmetic="fixed", gradient="local")


@configuration
def sparse():
    X, y = digits()
    yield fitted((csr_array(X), y))
    yield fitted((csr_array(X.astype(np.float32)), y), arithmetic="fixed")
    rng = np.random.RandomState(1)
    X = csr_array(
        rng.uniform(size=(200, 3000)) * (rng.uniform(size=(200, 3000)) < 0.01)
    )
    yield fitted((X, rng.randint(4, size=200)), (16,))


@configuration
def warm_start():
    for more in ({}, {"arithmetic": "fixed"}, {"delays": "axonal"}):
        clf, X = fitted(yin_yang(), warm_start=True, **more)
        yield clf.fit(*yin_yang()), X


@configuration
def partial_fit():
    X, y = yin_yang()
    for more in (
        {},
        {"gradient": "local"},
        {"arithmetic": "fixed"},
        {"arithmetic": "fixed", "gradient": "local"},
        {"substrate": AnalogChip.preset("delgrad", random_state=1)},
    ):
        clf = TTFSClassifier((20,), random_state=3, **more)
        for _ in range(3):
            clf.partial_fit(X[:200], y[:200], classes=[0, 1, 2])
        yield clf, X


@configuration
def early_stopping():
    stop = {"early_stopping": True, "max_iter": 12, "n_iter_no_change": 2}
    yield fitted(yin_yang(), **stop)
    yield fitted(yin_yang(), **stop, arithmetic="fixed", gradient="local")
    yield fitted(yin_yang(), **stop, delays="synaptic")


@configuration
def constant_rate():
    yield fitted(yin_yang(), learning_rate="constant", learning_rate_init=0.01, tol=1.0)
    yield fitted(yin_yang(), shuffle=False, batch_size=1, max_iter=2)


@configuration
def class_weight():
    yield fitted(yin_yang(), class_weight={0: 1, 1: 3, 2: 0.5})
    yield fitted(digits(), class_weight="balanced", arithmetic="fixed")


@configuration
def units():
    X, y = yin_yang()
    units = {"tau_syn": 3.0, "tau_mem": 4.5, "threshold": 0.25, "t_max": 8.0}
    yield fitted((X, y), **units)
    yield fitted((X, y), **units, arithmetic="fixed", gradient="local")


@configuration
def regression():
    X, y = yin_yang()
    targets = np.column_stack([X[:, 0] * X[:, 1], y])
    for more in ({}, {"arithmetic": "fixed"}, {"gradient": "local"}):
        reg = TTFSRegressor((30,), max_iter=4, random_state=3, **more)
        yield reg.fit(X, targets), X


def results(clf, X):
    """Everything of a fitted estimator that may be compared."""
    yield "coefs", clf.coefs_
    yield "delays", clf.delays_ or []
    yield "loss_curve", [np.array(clf.loss_curve_)]
    yield "validation_scores", [np.array(clf.validation_scores_ or [])]
    yield "spike_times", clf.spike_times(X)
    scores = [clf.decision_function(X)] if hasattr(clf, "decision_function") else []
    yield "predictions", [clf.predict(X), *scores]
    yield "activity", [clf.activity(X).n_spikes, clf.activity(X).n_events]


def hash_of(arrays):
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def record(names):
    """Hashes of the configurations with the instruction set of this process."""
    hashes = {}
    warnings.simplefilter("ignore")
    for name in names:
        for number, (clf, X) in enumerate(CONFIGURATIONS[name]()):
            for what, arrays in results(clf, X):
                hashes[f"{_core.simd()} {name} {number} {what}"] = hash_of(arrays)
    return hashes


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, help="write the hashes to this file")
    parser.add_argument("--against", type=Path, help="compare with this file")
    parser.add_argument("--only", nargs="+", choices=CONFIGURATIONS, metavar="NAME")
    parser.add_argument("--simd", nargs="+", default=_core.simd_available())
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = arguments.only or list(CONFIGURATIONS)
    if arguments.one:
        json.dump(record(names), sys.stdout)
        return
    hashes = {}
    for simd in arguments.simd:
        command = [sys.executable, __file__, "--one", "--only", *names]
        environment = {**os.environ, "TTFS_SIMD": simd}
        hashes.update(json.loads(subprocess.check_output(command, env=environment)))
    print(f"{len(hashes)} hashes, {len(names)} configurations, {arguments.simd}")
    if arguments.out:
        arguments.out.write_text(json.dumps(hashes, indent=1) + "\n")
    if arguments.against:
        expected = json.loads(arguments.against.read_text())
        common = [name for name in hashes if name in expected]
        changed = [name for name in common if hashes[name] != expected[name]]
        print(f"{len(common)} in both files, {len(changed)} differ")
        print("\n".join(changed))
        if changed or not common:
            sys.exit(1)


if __name__ == "__main__":
    main()
