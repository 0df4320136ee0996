"""Models that are exported, and the programs that run them."""

import subprocess
from copy import deepcopy
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from fixed_header import COMPILERS, ROOT, run
from fixed_networks import Core

from ttfs import SpikeTrains, TTFSClassifier, export
from ttfs._fixed import FixedCore
from ttfs.datasets import make_yin_yang
from ttfs.encoders import LatencyEncoder
from ttfs.export.c_source import CModel
from ttfs.export.model import input_events, read_learner, read_model
from ttfs.parameters import FixedPoint, LocalRule

# Compilers take longer than what they compile, so they do not optimize.
FLAGS = ["-std=c99", "-O0", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion"]


def sparse_data(n, seed=0):
    """Samples whose features are mostly 0, so that input dropout acts."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    X = rng.random((n, 16)) * (rng.random((n, 16)) < 0.3)
    X[np.arange(n), 4 * y] += 1
    return X, np.array(["a", "b*/", "é??/*", "d"])[y]


def yin_yang(n, seed=0):
    return make_yin_yang(n, random_state=seed)


LEARNING = {
    "symmetric": (
        yin_yang,
        {"hidden_layer_sizes": (24,), "arithmetic": FixedPoint(accumulator_bits=16)},
    ),
    "random": (
        yin_yang,
        {
            "hidden_layer_sizes": (20, 11),
            "gradient": LocalRule(feedback="random"),
            "read_out": None,
            "tau_mem": [2.0, 1.0, float("inf")],
        },
    ),
    "direct": (
        sparse_data,
        {
            "hidden_layer_sizes": (17, 9),
            "arithmetic": FixedPoint(accumulator_bits=12),
            "gradient": LocalRule(kernel="linear", feedback="direct"),
            "input_dropout": 0.4,
        },
    ),
    "target": (
        sparse_data,
        {
            "hidden_layer_sizes": (20,),
            "arithmetic": FixedPoint(rounding="floor"),
            "gradient": LocalRule(feedback="target"),
            "encoder": "population",
        },
    ),
    "early read-out": (
        yin_yang,
        {
            "hidden_layer_sizes": (20,),
            "arithmetic": FixedPoint(accumulator_bits=14),
            "read_out": 0.84,
        },
    ),
    "shifts": (
        yin_yang,
        {
            "hidden_layer_sizes": (24,),
            "arithmetic": FixedPoint(accumulator_bits=16, decay="shift"),
            "tau_mem": [1.0, float("inf")],
        },
    ),
    "no hidden layer": (
        sparse_data,
        {
            "hidden_layer_sizes": (),
            "arithmetic": FixedPoint(8),
            "learning_rate_init": 0.02,
        },
    ),
}
EXACT = {
    "coarse shifts": (
        yin_yang,
        {
            "hidden_layer_sizes": (24,),
            "arithmetic": FixedPoint(8, tick=1 / 8, decay="shift"),
            "tau_mem": 2.0,
            "gradient": "exact",
        },
    ),
    "four at once": (
        yin_yang,
        {
            "hidden_layer_sizes": (22, 14),
            "arithmetic": FixedPoint(tick=1 / 16, decay="shift"),
            "gradient": "exact",
        },
    ),
    "exact": (yin_yang, {"hidden_layer_sizes": (24,), "gradient": "exact"}),
    "8 bits": (
        sparse_data,
        {
            "hidden_layer_sizes": (20,),
            "arithmetic": FixedPoint(8),
            "gradient": "exact",
            "encoder": LatencyEncoder(levels=9),
        },
    ),
}
MODELS = LEARNING | EXACT


def make(name):
    """A model that has learned a little, and its kind of data."""
    clf, data = fitted(name)
    return deepcopy(clf), data


@cache
def fitted(name):
    data, parameters = MODELS[name]
    defaults = {"arithmetic": "fixed", "gradient": "local"}
    clf = TTFSClassifier(max_iter=2, random_state=3, **defaults | parameters)
    return clf.fit(*data(400)), data


def any_compiler():
    if not COMPILERS:
        pytest.skip("needs a C compiler")
    return COMPILERS[0]


def shell(*command):
    """What a command prints; it must succeed."""
    done = run(command)
    assert done.returncode == 0, done.stdout
    return done.stdout


def build(folder, clf, *flags, learn=False, compiler=None, **options):
    """The program of tests/c/export_main.c."""
    model = folder / "model.c"
    export.to_c(clf, model, learn=learn, **options)
    return compile_main(model, *flags, learn=learn, compiler=compiler)


def build_network(folder, network, *flags, learn=False):
    """The same for any network in integers."""
    first, last = network.layers[0], network.layers[-1]
    code = SimpleNamespace(n_channels=len(first.weights) - len(first.bias_ticks))
    model = SimpleNamespace(code=code, classes=range(last.weights.shape[1]))
    c = CModel(model, network, learn, "ttfs_model", None)
    source = folder / "model.c"
    source.write_text("\n".join([c.macros(), c.declarations(), c.code()]))
    more = ["-include", "stdint.h", *flags]
    return compile_main(source, *more, learn=learn)


def compile_main(model, *flags, learn=False, compiler=None):
    """The program of tests/c/export_main.c for an exported file."""
    compiler = compiler or any_compiler()
    program = model.with_suffix("")
    command = [compiler, *FLAGS, *flags, f'-DMODEL="{model}"', *["-DLEARN"] * learn]
    shell(*command, ROOT / "tests/c/export_main.c", "-o", program)
    return program


def play(program, labels, ticks, emulator=()):
    """Rows of numbers that the program prints for samples, in an emulator if given."""
    samples = np.column_stack([labels, ticks.astype(np.int16)]).astype(np.int16)
    command = [*emulator, program]
    done = subprocess.run(command, input=samples.tobytes(), capture_output=True)
    assert done.returncode == 0, done.stdout[-100:].decode() + done.stderr.decode()
    assert not done.stderr
    return [list(map(int, line.split())) for line in done.stdout.splitlines()]


def outputs(clf, X):
    """What the estimator's integers do with samples, as the program prints it."""
    ticks, u = FixedCore(read_model(clf).network).run(input_events(clf, X))
    network = read_model(clf).network
    decisions = np.searchsorted(clf.classes_, clf.predict(X))
    return output_rows(network, export.ticks(clf, X), decisions, ticks[-1], u[-1])


def output_rows(network, ticks, decisions, output_ticks, output_u):
    """Rows of the program: decision, ticks, what the outputs did, and the margin."""
    both = np.stack([output_ticks.astype(int), output_u], axis=-1)
    late = loss_times(network, output_ticks.astype(int), output_u.astype(int))
    samples = np.arange(len(ticks))
    late -= late[samples, decisions][:, None]
    late[samples, decisions] = 2**32 - 1
    flat = both.reshape(len(ticks), -1)
    return np.column_stack([decisions, ticks, flat, late.min(axis=1)]).tolist()


def for_inference(network):
    """The network with the integer weights alone."""
    layers = [
        replace(
            layer,
            weights=layer.integers(),
            max_stored=layer.max_stored >> layer.fraction,
            fraction=0,
        )
        for layer in network.layers
    ]
    return replace(network, layers=layers)


def check_inference(network, ticks, program):
    """Insist that a program infers as the library; return which samples are silent."""
    output_ticks, output_u, decisions = Core(network).infer(ticks.tolist())
    outputs = output_ticks[-1], output_u[-1]
    expected = output_rows(network, ticks, decisions.astype(int), *outputs)
    assert play(program, np.full(len(ticks), -1), ticks)[: len(ticks)] == expected
    return (outputs[0] == network.n_ticks).all(axis=1)


def loss_times(network, ticks, u):
    """Times of output neurons in the loss, section 5 of the specification."""
    late = ticks - network.read_out
    times = np.where(late > 0, network.read_out + late * network.stretch, ticks)
    missed = (network.layers[-1].threshold - u) * network.silent_delay >> 15
    return times + np.where(ticks == network.n_ticks, missed, 0)


def online(clf, X, y):
    """partial_fit of one sample at a time."""
    for k in range(len(X)):
        clf.partial_fit(X[k : k + 1], y[k : k + 1])
    fixed = read_learner(clf)
    rows = [
        [*layer.weights.ravel().tolist(), *layer.lfsr.tolist(), *layer.silence.tolist()]
        for layer in fixed.layers
    ]
    return [*rows, fixed.lfsr.tolist()]


def check_learning(name, program, n_samples):
    """Insist that an exported model learns what its estimator learns, online."""
    clf, data = make(name)
    X, y = data(n_samples + 50, seed=2)
    labels = np.searchsorted(clf.classes_, y)
    labels[n_samples:] = -1
    ticks = export.ticks(clf, X)
    before = [w.copy() for w in clf.coefs_]
    learned = online(clf, X[:n_samples], y[:n_samples])
    rows = play(program, labels, ticks)
    assert rows[len(X) :] == learned
    assert rows[n_samples : len(X)] == outputs(clf, X[n_samples:])
    assert any((w != b).any() for w, b in zip(clf.coefs_, before, strict=True))
    left = np.array([row[1 : 1 + ticks.shape[1]] for row in rows[:n_samples]])
    assert (left != ticks[:n_samples]).any() == (name in ("direct", "no hidden layer"))


def spike_trains(n, several):
    """Samples of 3 channels; the second one spikes twice with `several`."""
    rng = np.random.default_rng(0)
    samples = np.repeat(np.arange(n), 3)
    channels = np.tile([0, 1, 1 if several else 2], n)
    times = rng.random(3 * n) + 10
    return SpikeTrains(samples, channels, times, (n, 3)), np.arange(n) % 2
