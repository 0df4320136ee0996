"""Networks that fire on a substrate, for the estimator: inference and training.

They take the place of `_core.Network` and `_core.Trainer`, and have their methods. The
substrate is asked for spike times and nothing else; what its neurons are like, only it
knows. Gradients, and the order of silent outputs, are those of the nominal model at the
spikes that were measured [1]_.

.. [1] J. Göltz, L. Kriener et al., "Fast and energy-efficient neuromorphic deep
   learning with first-spike times", Nature Machine Intelligence 3, 823-835 (2021).
"""

import copy
from dataclasses import dataclass, replace

import numpy as np

from ttfs import _core
from ttfs._spikes import blocks
from ttfs.substrates._base import Network, SubstrateError
from ttfs.substrates._measure import measure, name_of, weight_steps

# A substrate on which no neuron fires in so many samples in a row, although they have
# input spikes, is taken for dead.
DEAD_AFTER = 100

_BLOCK = 1024  # samples of a request, at most, outside training


def within(layers, limits):
    """Layers with weights of at most these magnitudes."""
    return [
        replace(layer, weights=np.clip(layer.weights, -limit, limit))
        for layer, limit in zip(layers, limits, strict=True)
    ]


class Measured:
    """A network on a substrate.

    Parameters
    ----------
    substrate : Substrate
    layers : list of Layer
        Without delays.
    t_max : float
    pseudo_slope : float
        Of silent outputs, see `_core.Network`.
    steps : list of float, optional
        Of the weights of each layer. Default: what the substrate says.
    """

    def __init__(self, substrate, layers, t_max, pseudo_slope, steps=None):
        self.substrate, self.t_max = substrate, t_max
        self.steps = weight_steps(substrate, layers) if steps is None else steps
        self.layers, self.pseudo_slope = layers, pseudo_slope
        self.n_channels = len(layers[0].weights) - len(layers[0].bias_times)

    def with_weights(self, weights):
        layers = [
            replace(layer, weights=w)
            for layer, w in zip(self.layers, weights, strict=True)
        ]
        return Measured(
            self.substrate, layers, self.t_max, self.pseudo_slope, self.steps
        )

    def rounded(self, k):
        """The weights of layer k that the substrate is taken to have."""
        weights, step = self.layers[k].weights, self.steps[k]
        return np.rint(weights / step) * weights.dtype.type(step) if step else weights

    def spike_times(self, spikes):
        """Spike times (n_samples, n_out) of each layer; +inf = silent."""
        times = spikes.dense(self.n_channels)
        layers = tuple(
            replace(layer, weights=_read_only(layer.weights)) for layer in self.layers
        )
        return measure(self.substrate, times, Network(layers, self.t_max))

    def decisions(self, spikes):
        """Decision times (n_samples, n_outputs), float64.

        Those of silent neurons are pseudo-times, later than any spike: the peaks are
        those of the nominal membrane at the spikes that were measured before it.
        """
        measured = self.spike_times(spikes)
        return self._decided(spikes, measured, np.isinf(measured[-1]).any(axis=1))

    def labels(self, spikes):
        """The number (n_samples,) of the output neuron that decides first."""
        measured = self.spike_times(spikes)
        # A spike is earlier than any pseudo-time.
        decisions = self._decided(spikes, measured, np.isinf(measured[-1]).all(axis=1))
        return decisions.argmin(axis=1).astype(np.uintp)

    def _decided(self, spikes, measured, needs_peaks):
        """Decision times; pseudo-times in the rows that need them, else +inf."""
        times = measured[-1].astype(float)
        rows = np.flatnonzero(needs_peaks)
        if len(rows):
            peaks = self._peaks(spikes, measured, rows).astype(float)
            missed = np.maximum(self.layers[-1].neuron.threshold - peaks, 0)
            pseudo = self.t_max + self.pseudo_slope * missed
            times[rows] = np.where(np.isinf(times[rows]), pseudo, times[rows])
        return times

    def peaks(self, spikes, measured):
        """u_peak (n_samples, n_outputs) of silent outputs; 0 elsewhere."""
        peaks = np.zeros_like(measured[-1])
        rows = np.flatnonzero(np.isinf(measured[-1]).any(axis=1))
        if len(rows):
            peaks[rows] = self._peaks(spikes, measured, rows)
        return peaks

    def _peaks(self, spikes, measured, rows):
        """u_peak of the nominal outputs, at the spikes measured before them.

        Where the substrate is silent and the model is not, u_peak may pass the
        threshold. The peaks of such a sample are lowered by what the highest has too
        much, so that their order counts, in pseudo-times that follow all spikes.
        """
        layer, at = self.layers[-1], measured[-1][rows]
        inputs = self._inputs(spikes, measured, rows)
        events = _core.Events(inputs, layer.neuron, self.t_max)
        u_peak, _ = events.peak(np.ascontiguousarray(self.rounded(-1)), at)
        highest = np.max(u_peak, axis=1, where=np.isinf(at), initial=-np.inf)
        excess = np.maximum(highest - u_peak.dtype.type(layer.neuron.threshold), 0)
        return u_peak - excess[:, None]

    def _inputs(self, spikes, measured, rows):
        """Times at which the inputs of the last layer spike, biases included."""
        if len(self.layers) == 1:
            return spikes.dense()[rows]
        hidden, bias_times = measured[-2][rows], self.layers[-1].bias_times
        biases = np.tile(np.asarray(bias_times, hidden.dtype), (len(rows), 1))
        return np.hstack([hidden, biases])


@dataclass
class Run:
    """A call of `fit`, which may be interrupted and go on.

    Parameters
    ----------
    schedule : tuple, optional
        What must be the same for it to go on.
    rng_before : RandomState, optional
        At the beginning of the call.
    state : dict, optional
        Of `_core.Trainer`.
    """

    schedule: tuple | None = None
    rng_before: np.random.RandomState | None = None
    state: dict | None = None
    seed: int = 0  # of input dropout
    order: np.ndarray | None = None
    epoch: int = 0
    is_in_epoch: bool = False
    n_done: int = 0  # batches of the epoch
    total: float = 0.0  # sum of losses in them
    best: dict | None = None  # attributes that early stopping keeps
    record: float = -np.inf  # best score, and epochs without a better one
    n_worse: int = 0
    # Where it was interrupted:
    rng: np.random.RandomState | None = None
    learned: dict | None = None

    @property
    def is_new(self):
        return self.order is None

    def begin(self, n_samples, rng):
        self.order = np.arange(n_samples, dtype=np.uintp)
        if rng is not None:
            self.seed = int(rng.randint(2**32, dtype=np.uint64))

    def begin_epoch(self, epoch, rng):
        """Shuffle the samples, unless that was done before an interruption."""
        if not self.is_in_epoch and rng is not None:
            rng.shuffle(self.order)
        self.epoch, self.is_in_epoch = epoch, True

    def end_epoch(self, score, *, is_better):
        self.is_in_epoch, self.n_done, self.total = False, 0, 0.0
        self.n_worse = 0 if is_better else self.n_worse + 1
        self.record = max(self.record, score)

    def interrupt(self, rng, state, learned):
        self.rng, self.state, self.learned = copy.deepcopy(rng), state, learned

    def again(self):
        """A copy that goes on, while this one stays as it is."""
        return replace(self, order=self.order.copy(), rng=copy.deepcopy(self.rng))


class MeasuredTrainer:
    """Weights that learn by the gradient of the model from spikes of a substrate.

    Where the weights of the substrate have steps, the gradient is that of the rounded
    weights, and moves the real ones (straight-through).

    Parameters
    ----------
    network : Measured
    trainer : _core.Trainer
    run : Run
        Where an epoch begins: after `n_done` batches.
    n_silent : int
        Samples before these in which no neuron fired.
    """

    def __init__(self, network, trainer, run, n_silent):
        self.network, self.trainer, self.run = network, trainer, run
        self.n_silent, self.n_updates = n_silent, 0
        self._before_silence = None  # weights, state, n_updates
        self._is_dead = False

    def epoch(self, spikes, labels, factors, order, batch_size, rates):
        run = self.run
        for k in range(run.n_done, len(rates)):
            some, rate = order[k * batch_size : (k + 1) * batch_size], rates[k : k + 1]
            loss = self.trainer.epoch(
                spikes, labels, factors, some, batch_size, rate, forward=self._forward
            )
            run.n_done, run.total = k + 1, run.total + loss * len(some)
            self.n_updates += 1
        return run.total / len(order)

    def _forward(self, spikes, weights):
        """Spikes and peaks, and the weights that are taken to have fired."""
        network = self.network.with_weights(weights)
        times = network.spike_times(spikes)
        if any(np.isfinite(layer).any() for layer in times):
            self.n_silent, self._before_silence = 0, None
        else:
            self._note_silence(spikes, weights)
        peaks = network.peaks(spikes, times)
        if not any(network.steps):
            return times, peaks
        return times, peaks, [network.rounded(k) for k in range(len(weights))]

    def _note_silence(self, spikes, weights):
        if self._before_silence is None:
            self._before_silence = weights, self.trainer.state(), self.n_updates
        inputs = spikes.dense(self.network.n_channels)
        self.n_silent += int(np.isfinite(inputs).any(axis=1).sum())
        n_silent = self.n_silent
        if n_silent < DEAD_AFTER:
            return
        self._is_dead, self.n_silent = True, 0
        self.n_updates = self._before_silence[2]
        raise SubstrateError(
            f"{name_of(self.network.substrate)} is dead, or its weights are too small: "
            f"no neuron has fired before t_max in {n_silent} samples in a row, though "
            "their channels have"
        )

    def labels(self, spikes):
        network = self.network.with_weights(self.weights())
        parts = [
            network.labels(
                _core.Spikes(
                    spikes.times,
                    spikes.inputs,
                    spikes.begin[rows],
                    spikes.end[rows],
                    spikes.n_in,
                )
            )
            for rows in blocks(len(spikes), _BLOCK)
        ]
        return np.concatenate(parts)

    def weights(self):
        return self._before_silence[0] if self._is_dead else self.trainer.weights()

    def state(self):
        return self._before_silence[1] if self._is_dead else self.trainer.state()


def _read_only(array):
    view = array.view()
    view.flags.writeable = False
    return view
