"""A kind of layers that the package does not have, from one Python and one C file.

It is the proof that whoever needs a layer's geometry asks the layer: a banded one, in
which neuron j sees inputs j to j + width - 1, computes and learns like the full matrix
that it stands for, and trains in an estimator.
"""

import ctypes
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from ttfs import TTFSClassifier, _float64, core
from ttfs.model import LIF, Layer
from ttfs.model.geometry import Full, Geometry
from ttfs.substrates import Ideal

ROOT = Path(__file__).resolve().parents[2]
COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")


@dataclass(frozen=True)
class Banded(Geometry):
    """Neuron j sees the inputs j to j + width - 1."""

    width: int
    kind = "banded"

    @property
    def numbers(self):
        return (self.width,)

    def weight_shape(self, n_bias):
        return self.width + n_bias, self.n_out

    def inputs_of(self, neuron):
        return np.arange(neuron, neuron + self.width)

    def unrolled(self, weights):
        n_bias = len(weights) - self.width
        full = np.zeros((self.n_in + n_bias, self.n_out), weights.dtype)
        for j in range(self.n_out):
            full[self.inputs_of(j), j] = weights[: self.width, j]
        full[self.n_in :] = weights[self.width :]
        return full

    def folded(self, matrix):
        columns = [matrix[self.inputs_of(j), j] for j in range(self.n_out)]
        return np.concatenate([np.transpose(columns), matrix[self.n_in :]])


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory):
    """The functions of the kind, for the instruction set in use."""
    path = tmp_path_factory.mktemp("banded") / "banded.so"
    simd = f"-DSIMD=SIMD_{_float64.simd().upper()}"
    folders = [f"-I{ROOT / 'include'}", f"-I{ROOT / 'src'}"]
    flags = ["-std=c11", "-O0", "-w", "-fPIC", "-shared", "-ffp-contract=off"]
    source = ROOT / "tests/c/banded.c"
    command = [COMPILER, *flags, "-DREAL_BITS=64", simd, *folders, source, "-lm"]
    subprocess.run([*command, "-o", path], check=True)
    functions = ctypes.c_char.in_dll(ctypes.CDLL(str(path)), "banded_kind")
    _float64.add_layer_kind("banded", ctypes.addressof(functions))
    return functions


BIAS_TIMES = np.array([0.1, 0.8])
HIDDEN = Banded(n_in=9, n_out=5, width=5)
IN_ESTIMATOR = Banded(n_in=18, n_out=14, width=5)  # two channels for each feature


@pytest.fixture(scope="module")
def layers():
    """A banded layer, and the full output layer that sees it."""
    rng = np.random.default_rng(0)
    neuron = LIF(1.5, 1.0, 1.0)
    weights = rng.normal(0.9, 0.6, HIDDEN.weight_shape(2))
    hidden = Layer(weights, BIAS_TIMES, neuron, geometry=HIDDEN)
    weights = rng.normal(0.6, 0.5, (HIDDEN.n_out + 1, 3))
    return [hidden, Layer(weights, BIAS_TIMES[:1], neuron)]


@pytest.fixture(scope="module")
def spikes():
    """Spikes of 20 samples; a fifth of them are absent, some come at the same time."""
    rng = np.random.default_rng(1)
    times = rng.integers(0, 8, (20, HIDDEN.n_in)) / 5
    times[rng.random(times.shape) < 0.2] = np.inf
    return core.spikes_at(times, BIAS_TIMES, 6.0)


def unrolled(layers):
    """The same network with a full matrix in the place of each layer."""
    return [
        replace(layer, weights=layer.unrolled, geometry=Full(layer.n_in, layer.n_out))
        for layer in layers
    ]


def trained(layers, spikes):
    """A trainer after a step of Adam in which silent neurons, too, have a gradient."""
    trainer = core.Trainer(
        layers,
        6.0,
        2.0,
        units=[0.1] * len(layers),
        loss={
            "kind": "cross_entropy",
            "time_scale": 0.3,
            "early": 0.1,
            "early_scale": 1.0,
            "early_end": 0.0,
        },
        min_slope=0.0,
        silence_penalty=0.5,
        silence_tolerance=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        weight_decay=0.01,
    )
    labels = np.arange(len(spikes), dtype=np.uintp) % 3
    order = np.arange(len(spikes), dtype=np.uintp)
    loss = trainer.epoch(
        spikes, labels, np.ones(len(spikes)), order, len(spikes), np.array([0.1])
    )
    return trainer, loss


def test_spikes_and_decisions_are_those_of_the_full_matrix(layers, spikes):
    network = core.Simulator(layers, 6.0, 2.0)
    full = core.Simulator(unrolled(layers), 6.0, 2.0)
    times = network.spike_times(spikes)
    assert 0.2 < np.isfinite(times[0]).mean() < 1
    for mine, wanted in zip(times, full.spike_times(spikes), strict=True):
        assert_allclose(mine, wanted, rtol=0, atol=1e-10)
    assert_allclose(network.decisions(spikes), full.decisions(spikes), atol=1e-10)
    assert_array_equal(network.weights()[0], layers[0].weights)


@pytest.mark.parametrize("position", ["first", "second"])
def test_gradients_are_those_of_the_full_matrix_folded(layers, spikes, position):
    if position == "second":  # its gradients reach the inputs of a layer before it
        rng = np.random.default_rng(2)
        weights = rng.normal(0.5, 0.5, (HIDDEN.n_in + 2, HIDDEN.n_in))
        before = Layer(weights, BIAS_TIMES, layers[0].neuron)
        layers = [before, *layers]
    trainer, loss = trained(layers, spikes)
    wanted, full_loss = trained(unrolled(layers), spikes)
    assert loss == pytest.approx(full_loss, abs=1e-10)
    moments = zip(trainer.state()["moments"], wanted.state()["moments"], strict=True)
    for layer, ((mean, _), (full_mean, _)) in zip(layers, moments, strict=True):
        assert np.abs(mean).max() > 0
        assert_allclose(mean, layer.geometry.folded(full_mean), rtol=0, atol=1e-10)


def test_it_trains_in_an_estimator():
    rng = np.random.default_rng(3)
    y = np.arange(120) % 3
    X = rng.random((120, 9))
    X[np.arange(120), 3 * y] += 1.0
    classifier = TTFSClassifier(
        (IN_ESTIMATOR, 6), arithmetic="float64", max_iter=15, random_state=0
    )
    model = clone(classifier).fit(X, y)
    assert model.coefs_[0].shape == IN_ESTIMATOR.weight_shape(len(model.bias_times_[0]))
    assert (
        model.score(X, y)
        > 0.8
        > 0.5
        > clone(classifier).set_params(max_iter=1).fit(X, y).score(X, y)
    )
    again = clone(classifier).set_params(max_iter=10, warm_start=True).fit(X, y)
    again.set_params(max_iter=5).fit(X, y)
    assert again.coefs_[0].shape == model.coefs_[0].shape


def test_what_needs_full_layers_refuses_others(layers, spikes):
    X, y = np.random.default_rng(0).random((30, 9)), np.arange(30) % 3
    for parameters in (
        {"arithmetic": "fixed"},
        {"gradient": "local"},
        {"substrate": Ideal()},
        {"delays": "axonal"},
        {"max_spikes": 2},
    ):
        with pytest.raises(ValueError, match=r"Banded.* is not supported with"):
            TTFSClassifier((HIDDEN,), **parameters).fit(X, y)
    with pytest.raises(ValueError, match="stands where a layer has 8 inputs"):
        TTFSClassifier((8, HIDDEN)).fit(X, y)
    network = core.Simulator(layers, 6.0, 2.0)
    with pytest.raises(ValueError, match="full layers alone"):
        network.clocked(spikes, 0.1)
    delayed = replace(layers[0], delays=np.zeros(HIDDEN.weight_shape(2)))
    with pytest.raises(ValueError, match="cannot have delays"):
        core.Simulator([delayed], 6.0, 2.0)
    misshapen = replace(layers[0], weights=layers[0].weights[1:])
    with pytest.raises(ValueError, match="must have weights of shape"):
        core.Simulator([misshapen], 6.0, 2.0)


def test_a_kind_that_the_core_does_not_have_is_an_error(layers):
    class Unknown(Banded):
        kind = "unknown"

    layer = replace(layers[0], geometry=Unknown(9, 5, 5))
    with pytest.raises(ValueError, match="does not have: unknown"):
        core.Simulator([layer], 6.0, 2.0)
