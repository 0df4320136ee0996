"""Random neurons for the tests, drawn so that any numpy gives the same bits.

The stream of RandomState is frozen. Only its uniform draws are used, and only exactly
rounded arithmetic after them: normal deviates, logarithms and exponentials differ in
their last bits between platforms. One seed per neuron, so that golden results can be
stored without their inputs.
"""

import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

DATA = Path(__file__).parents[1] / "data"
REGIMES = ("equal", "double", "general", "nonleaky")
# Neurons of a group share their parameters, so that they can form a layer.
GROUP = 16
SIZES = (5, 6, 7, 8, 10, 12, 16, 20, 25, 32, 40, 50, 64, 80, 100, 128, 200, 400, 800)
SMALL = (1, 2, 3, 5, 6, 8, 10, 12, 16, 20)

TAU_SYN = (1.0, 1.0, 0.5, 2.0, 0.01, 0.007, 6.25, 10.0)
THRESHOLD = (1.0, 1.0, 0.3, 2.6, 24.0)
APART = (0.01, 0.03, 0.1, 0.25, 0.5, 0.7, 0.9, 1.1, 1.5, 3.0, 5.0, 12.0, 40.0, 100.0)
NEAR_ONE = tuple(1 + s * d for d in (1e-3, 1e-6, 1e-9, 1e-12) for s in (-1, 1))


class Neuron(NamedTuple):
    tau_mem: float
    tau_syn: float
    threshold: float
    # Float32 can represent the inputs and follow the membrane.
    single: bool
    times: np.ndarray
    weights: np.ndarray

    @property
    def parameters(self):
        return self.tau_mem, self.tau_syn, self.threshold

    def scaled(self, scale):
        """Same neuron, weights times scale, in float32 where it is meant for it."""
        weights = self.weights * scale
        if self.single:
            weights = weights.astype(np.float32).astype(np.float64)
        return self._replace(weights=weights)


def _choose(rng, options):
    return options[rng.randint(len(options))]


def _draw_parameters(regime, group):
    rng = np.random.RandomState(1000 * REGIMES.index(regime) + 900_000_000 + group)
    tau_syn = _choose(rng, TAU_SYN)
    threshold = _choose(rng, THRESHOLD)
    near_one = rng.random_sample() < 0.45
    ratio = _choose(rng, NEAR_ONE if near_one else APART)
    ratio = {"equal": 1.0, "double": 2.0, "general": ratio, "nonleaky": np.inf}[regime]
    return ratio * tau_syn, tau_syn, threshold, group % 9 < 4


def _draw_times(rng, n_in, single, unit):
    layout = rng.randint(5)
    if layout < 2:
        times = _choose(rng, (0.5, 1.0, 2.0, 5.0)) * rng.random_sample(n_in)
    elif layout == 2:
        # Many ties.
        times = rng.randint(0, 25, n_in) / 8.0
    else:
        spread = _choose(rng, (5.0, 30.0) if single else (30.0, 1e3, 1e4))
        if layout == 3:
            times = spread * rng.random_sample(n_in)
        else:
            # Bursts, without which a long spread leaves every input alone.
            n_bursts = 1 + rng.randint(5)
            bursts = spread * rng.random_sample(n_bursts)
            times = bursts[rng.randint(0, n_bursts, n_in)] + rng.random_sample(n_in)
    offset = _choose(rng, (0.0, 0.0, 10.0, -3.0) if single else (0.0, 0.1, 1e3, -1e3))
    times = (times + offset) * unit
    if single:
        times = times.astype(np.float32).astype(np.float64)
    if rng.random_sample() < 0.3:
        times[rng.random_sample(n_in) < 0.3] = np.inf
    return times


def draw(regime, index, sizes=SIZES):
    """Neuron number ``index`` of a regime, its weights not yet scaled."""
    tau_mem, tau_syn, threshold, single = _draw_parameters(regime, index // GROUP)
    rng = np.random.RandomState(10_000_000 * (1 + REGIMES.index(regime)) + index)
    choice = rng.random_sample()
    n_in = sizes[int(len(sizes) * choice * choice)]
    # Times that are long for a fast membrane, or short for a slow one.
    unit = tau_syn
    if rng.random_sample() < 0.5 and tau_mem < np.inf:
        unit = min(tau_mem, tau_syn) if rng.random_sample() < 0.7 else tau_mem
    if single:
        unit = tau_syn
    times = _draw_times(rng, n_in, single, unit)
    # Nearly normal: the sum of three uniforms.
    weights = rng.random_sample((3, n_in)).sum(axis=0) - 1.5
    weights = weights + _choose(rng, (-0.1, 0.0, 0.1, 0.3, 0.6))
    if single:
        weights = weights.astype(np.float32).astype(np.float64)
    return Neuron(tau_mem, tau_syn, threshold, single, times, weights)


def choose_scale(neuron, maxima, index):
    """Factor for the weights that puts a chosen local maximum near the threshold.

    About a quarter of the neurons graze the threshold, not always with their highest
    maximum; most others cross it clearly, the rest stay below.
    """
    rng = np.random.RandomState(800_000_000 + index)
    tops = [float(top) for _, top in maxima]
    # A maximum below an earlier one decides nothing. What is left of earlier inputs
    # after many time constants would ask for huge weights that cancel each other.
    min_height = (1e-2 if neuron.single else 1e-4) * min(
        1, neuron.tau_mem / neuron.tau_syn
    )
    records = [top for k, top in enumerate(tops) if top > max([min_height, *tops[:k]])]
    if not records:
        return neuron.threshold
    kind, amount = rng.random_sample(2)
    if kind < 0.25:
        distance = 10.0 ** -(2 + rng.randint(7))
        sign = 1 if amount < 0.6 else -1
        return neuron.threshold / _choose(rng, records) * (1 + sign * distance)
    height = 1 + 4 * amount * amount if kind < 0.95 else 0.2 + 0.75 * amount
    return neuron.threshold / records[-1] * height


def checksum(neurons):
    """Tells whether a drawn set differs in a single bit."""
    digest = hashlib.sha256()
    for neuron in neurons:
        for values in (neuron.parameters, neuron.times, neuron.weights):
            digest.update(np.asarray(values, dtype="<f8").tobytes())
    return digest.hexdigest()


@functools.cache
def load_golden(regime, n_neurons=None):
    """The first scaled neurons of a regime, or all, and the columns stored for them."""
    with np.load(DATA / f"golden_{regime}.npz") as data:
        columns = {name: data[name] for name in data.files}
    golden = {name: x[:n_neurons] if x.ndim else x for name, x in columns.items()}
    scales = enumerate(golden["scale"])
    return [draw(regime, index).scaled(scale) for index, scale in scales], golden
