"""Exported models that take raw features, and the programs that run them."""

import subprocess
from functools import cache

import numpy as np
from exported import FLAGS, any_compiler, shell
from fixed_header import ROOT
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from ttfs import TTFSClassifier, export
from ttfs._fixed import FixedCore
from ttfs.datasets import make_yin_yang
from ttfs.encoders import LatencyEncoder, PopulationEncoder, SpikeTimesEncoder
from ttfs.export.model import events_at, read_model


def digits(n, seed=0):
    """Small images."""
    X, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(seed).permutation(len(X))[:n]
    return X[rows].astype(np.uint8), y[rows]


def wide(n, seed=0):
    """Features of the whole range of int16, some of them often 0."""
    X, y = make_yin_yang(n, random_state=seed)
    rng = np.random.default_rng(seed)
    signs = np.where(rng.random((n, 2)) < 0.6, 0, X[:, :2] - 0.5)
    X = np.column_stack([X - 0.5, signs, np.zeros(n)])
    return np.round(65_000 * X).astype(np.int16), y


def bytes_of_all_kinds(n, seed=0):
    """Features of the whole range of uint8, each with a range of its own."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 256, (n, 12)) * np.linspace(0.5, 1, 12)
    return X.astype(np.uint8), (X[:, 0] > X[:, 5]).astype(int)


def times(n, seed=0):
    """Features that are times in milliseconds."""
    X, y = make_yin_yang(n, random_state=seed)
    return np.round(X * 1000).astype(np.int16), y


SLOW = {"tau_syn": 500.0, "tau_mem": 1000.0}
# Kind of code, data, scalers, and what the classifier has.
MODELS = {
    "lines": ("lines", wide, [StandardScaler()], {"gradient": "local"}),
    "absent": ("lines", wide, [], {}),
    "levels": ("lines", wide, [RobustScaler()], {"encoder": LatencyEncoder(levels=11)}),
    "bytes": ("lines", bytes_of_all_kinds, [], {}),
    "times": ("lines", times, [], SLOW | {"encoder": SpikeTimesEncoder()}),
    "tables": ("tables", digits, [MinMaxScaler()], {"gradient": "local"}),
    "tables of levels": (
        "tables",
        digits,
        [StandardScaler()],
        {"encoder": LatencyEncoder(complement=True, levels=7)},
    ),
    "fields": ("fields", wide, [StandardScaler()], {"encoder": "population"}),
    "fields of levels": (
        "fields",
        bytes_of_all_kinds,
        [MinMaxScaler((-1, 1))],
        {"encoder": PopulationEncoder(7, levels=20)},
    ),
}
KINDS = "absent", "tables", "fields of levels"  # one of each function


@cache
def make(name):
    """A fitted pipeline, raw features of many values, and the kind of its code."""
    kind, data, scalers, options = MODELS[name]
    options = {"arithmetic": "fixed", "max_iter": 5, "random_state": 0} | options
    X, y = data(300)
    pipeline = make_pipeline(*scalers, TTFSClassifier((6,), **options)).fit(X, y)
    limits = np.iinfo(X.dtype)
    values = np.linspace(limits.min, limits.max, 700).round().astype(int)
    more = np.tile(values[:, None], X.shape[1])
    return pipeline, np.vstack([X, more]).astype(X.dtype), kind


def build(folder, pipeline, X, *flags, compiler=None, **options):
    """The program of tests/c/features_main.c."""
    compiler = compiler or any_compiler()
    model, program = folder / "model.c", folder / "model"
    export.to_c(pipeline, model, features=X.dtype.name, **options)
    command = [compiler, *FLAGS, *flags, f'-DMODEL="{model}"', f"-DFEATURE={X.dtype}_t"]
    shell(*command, ROOT / "tests/c/features_main.c", "-o", program)
    return program


def play(program, X, emulator=()):
    """Classes and ticks that the program prints for samples."""
    command = [*emulator, program]
    done = subprocess.run(command, input=X.tobytes(), capture_output=True)
    assert done.returncode == 0, done.stdout[-100:].decode() + done.stderr.decode()
    assert not done.stderr
    rows = np.array([line.split() for line in done.stdout.splitlines()], int)
    return rows[:, 0], rows[:, 1:]


def check(pipeline, X, program, emulator=()):
    """Insist that a program encodes and classifies as the integers here."""
    check_results(pipeline, X, *play(program, X, emulator))


def check_results(pipeline, X, classes, ticks):
    """The same for what a program has printed."""
    expected = export.integer_encoder(pipeline, X.dtype.name).encode(X)
    assert_array_equal(ticks, expected)
    network = read_model(pipeline[-1]).network
    assert_array_equal(classes, FixedCore(network).labels(events_at(network, expected)))
    assert len(np.unique(classes)) > 1
