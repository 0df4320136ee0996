"""
An adapter for a chip of your own
=================================

The classifier trains on any object with ``forward(times, network)``. This one drives a
chip with time constants of 6 microseconds, weights from -63 to 63 and time stamps from
a clock of 125 MHz, through two functions of its vendor's library.

The two are stubs: they stand in for the calls of a library that you have and we do not.
Behind them is an emulated back end instead of a chip, so that this file runs as it is.
To use it with hardware, replace the part "Stubs" and measure the constants.

    python examples/chip_adapter.py              serves the chip, and trains on it
    python examples/chip_adapter.py /tmp/chip    serves it until Ctrl-C, for others:
                                                 Remote("/tmp/chip")
"""

import os
import sys
import tempfile

import numpy as np

from ttfs import LIF, TTFSClassifier
from ttfs.datasets import make_yin_yang
from ttfs.substrates import (
    AnalogChip,
    Layer,
    Network,
    NetworkError,
    Remote,
    Server,
    serve,
)

# %%
# The chip. Constants of the first group are in its data sheet, those of the second
# depend on how it was calibrated.
CLOCK = 125e6  # Hz, of time stamps
MAX_WEIGHT = 63  # a weight is a sign and 6 bits
N_CIRCUITS = 512  # neurons, which send their number with each spike
FIRST_CIRCUIT = 128  # of ours; others may spike, and are not looked at

TAU = 6e-6  # s, of membranes and of synapses
WEIGHT_STEP = 1 / 30  # thresholds for each step of a weight
DURATION = 8 * TAU  # s, of a trial; later spikes are lost
PAUSE = 12 * TAU  # s, until membranes are at rest again


# %%
# Stubs: what the vendor's library would do.
def vendor_write_weights(layer, weights):
    """STUB. Write integers (n_rows, n_neurons) to the synapses of a layer."""
    EMULATED_BACK_END.write_weights(layer, weights)


def vendor_run(layers, rows, stamps, n_ticks):
    """STUB. Send spikes to rows of synapses at these clock ticks, for so many ticks.

    Returns the circuits that fired, and when.
    """
    return EMULATED_BACK_END.run(layers, rows, stamps, n_ticks)


class EmulatedBackEnd:
    """NOT HARDWARE: an emulated chip in place of a real one, behind the stubs."""

    def __init__(self):
        self.weights = {}
        self.chip = AnalogChip(
            threshold_spread=0.05, tau_mem_spread=0.1, tau_syn_spread=0.1
        )

    def write_weights(self, layer, weights):
        self.weights[layer] = np.array(weights)

    def run(self, layers, rows, stamps, n_ticks):
        slot = round((DURATION + PAUSE) * CLOCK)
        trials, ticks = np.divmod(stamps, slot)
        n_trials = trials.max(initial=-1) + 1
        tau = TAU * CLOCK
        network, times = [], None
        for k in sorted(self.weights):
            weights = self.weights[k] * WEIGHT_STEP
            n_rows = weights.shape[0]
            sent = np.full((n_trials, n_rows), np.inf)
            of_layer = layers == k
            sent[trials[of_layer], rows[of_layer]] = ticks[of_layer] / tau
            if k == 0:  # all its inputs are sent
                times, biases = sent, np.array([])
            else:  # some of its inputs are neurons
                n_before = self.weights[k - 1].shape[1]
                biases = sent[0, n_before:]
            network.append(Layer(weights, biases, LIF()))
        spikes = self.chip.forward(times, Network(tuple(network), DURATION / TAU))
        fired = np.hstack(spikes) * tau + slot * np.arange(n_trials)[:, None]
        _, circuits = np.nonzero(np.isfinite(fired))
        fired = fired[np.isfinite(fired)].astype(int)
        # A neuron of the chip goes on firing, and others do as well.
        again = fired + round(tau)
        stray = np.arange(0, n_ticks, slot)
        circuits = np.hstack([circuits + FIRST_CIRCUIT] * 2 + [np.zeros_like(stray)])
        return circuits, np.hstack([fired, again, stray])


EMULATED_BACK_END = EmulatedBackEnd()


# %%
# The adapter.
class VendorChip:
    """A chip behind the vendor's library, as a substrate."""

    max_neurons = N_CIRCUITS - FIRST_CIRCUIT

    def __repr__(self):
        return "VendorChip()"

    def __deepcopy__(self, memo):
        return self  # sklearn.clone: there is one chip

    def weight_limit(self, k):
        """Greatest weight of a synapse, in thresholds: training stays within."""
        return MAX_WEIGHT * WEIGHT_STEP

    def weight_step(self, k):
        """What weights are multiples of, in thresholds."""
        return WEIGHT_STEP

    def forward(self, times, network):
        """First spikes of every neuron; all samples are one run of the chip."""
        sizes = [layer.weights.shape[1] for layer in network.layers]
        self.check(network, sum(sizes))
        for k, layer in enumerate(network.layers):
            steps = layer.weights / (WEIGHT_STEP * layer.neuron.threshold)
            steps = np.rint(steps).astype(int).clip(-MAX_WEIGHT, MAX_WEIGHT)
            vendor_write_weights(k, steps)

        # A unit of the network's time is so many ticks of the clock; each sample is a
        # trial, in a slot of its own.
        ticks = TAU * CLOCK / network.layers[0].neuron.tau_syn
        slot = round((DURATION + PAUSE) * CLOCK)
        layers, rows, stamps = self.inputs(times, network, ticks, slot)
        circuits, fired = vendor_run(layers, rows, stamps, slot * len(times))

        # The first spike of each of our neurons in each trial.
        neurons = circuits - FIRST_CIRCUIT
        trials, fired = np.divmod(fired, slot)
        is_ours = (neurons >= 0) & (neurons < sum(sizes)) & (trials < len(times))
        is_ours &= fired < DURATION * CLOCK
        first = np.full((len(times), sum(sizes)), np.inf)
        np.minimum.at(
            first, (trials[is_ours], neurons[is_ours]), fired[is_ours] / ticks
        )
        return np.split(first, np.cumsum(sizes)[:-1], axis=1)

    def inputs(self, times, network, ticks, slot):
        """All spikes that are sent: layer, row of synapses and stamp of each."""
        parts = []
        for k, layer in enumerate(network.layers):
            n_in = layer.weights.shape[0] - len(layer.bias_times)
            sent = np.full((len(times), layer.weights.shape[0]), np.inf)
            if k == 0:
                sent[:, :n_in] = times
            sent[:, n_in:] = layer.bias_times
            trials, rows = np.nonzero(np.isfinite(sent))
            stamps = np.rint(sent[trials, rows] * ticks).astype(int)
            if np.any((stamps < 0) | (stamps >= DURATION * CLOCK)):
                raise ValueError(
                    f"an input spike is before 0 or after {DURATION / TAU:g} tau_syn"
                )
            parts.append((np.full(len(rows), k), rows, stamps + slot * trials))
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def check(self, network, n_neurons):
        if n_neurons > self.max_neurons:
            raise NetworkError(
                f"the network has {n_neurons} neurons, the chip {self.max_neurons}"
            )
        for k, layer in enumerate(network.layers):
            if layer.neuron.tau_mem != layer.neuron.tau_syn:
                raise NetworkError(
                    f"the chip is calibrated for tau_mem = tau_syn; layer {k} has "
                    f"{layer.neuron}"
                )


# %%
# Training on the chip: in another process as a rule, here in a thread. A server that is
# stopped and started again is waited for.
def train(path):
    X, y = make_yin_yang(1000, random_state=0)
    X_test, y_test = make_yin_yang(500, random_state=1)
    with Server(VendorChip(), path), Remote(path) as chip:
        clf = TTFSClassifier(
            (60,), substrate=chip, encoder="latency", max_iter=60, random_state=0
        )
        accuracy = clf.fit(X, y).score(X_test, y_test)
    print(f"accuracy, trained and tested on the chip  {accuracy:.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(VendorChip(), sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            train(os.path.join(folder, "chip"))
