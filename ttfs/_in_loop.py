"""Networks that fire on a substrate, for the estimator: inference and training.

They take the place of `_core.Network` and `_core.Trainer`, and have their methods. The
substrate is asked for spike times and nothing else; what its neurons are like, only it
knows. Gradients, and the order of silent outputs, are those of the nominal model at the
spikes that were measured [1]_.

.. [1] J. Göltz, L. Kriener et al., "Fast and energy-efficient neuromorphic deep
   learning with first-spike times", Nature Machine Intelligence 3, 823-835 (2021).
"""

import copy
import warnings
from dataclasses import dataclass, replace

import numpy as np

from ttfs import _core
from ttfs._spikes import blocks
from ttfs.substrates.checks import measure, name_of, weight_limits, weight_steps
from ttfs.substrates.protocol import Network, SubstrateError

# A silent layer in which, with strong weights, no neuron of the substrate fires either
# in so many samples, is dead.
DEAD_AFTER = 100
_STRONG = 10.0  # weight [threshold]

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
            replace(
                layer,
                weights=_read_only(layer.weights),
                bias_times=_read_only(layer.bias_times),
            )
            for layer in self.layers
        )
        return measure(self.substrate, _read_only(times), Network(layers, self.t_max))

    def check_alive(self, spikes, measured):
        """Raise SubstrateError if a layer is dead: silent, however it is driven.

        Whether a silent layer is dead is only asked if the model is not silent at what
        the layer sees. Then its weights are made strong, in a request of their own.
        """
        silent = [k for k, times in enumerate(measured) if np.isinf(times).all()]
        if not any(self._fires(k, spikes, measured).any() for k in silent):
            return
        limits = weight_limits(self.substrate, self.layers)
        weights = [layer.weights for layer in self.layers]
        for k in silent:
            strong = min(_STRONG * self.layers[k].neuron.threshold, limits[k])
            weights[k] = np.full_like(weights[k], strong)
        driven = self.with_weights(weights)
        some = _samples(spikes, np.resize(np.arange(len(spikes)), 2 * DEAD_AFTER))
        measured = driven.spike_times(some)
        for k in silent:
            if np.isfinite(measured[k]).any():
                continue
            n_samples = driven._fires(k, some, measured, 2.0).sum()
            if n_samples >= DEAD_AFTER:
                raise SubstrateError(
                    f"layer {k} of {name_of(self.substrate)} is dead: none of its "
                    f"neurons has fired before t_max in {n_samples} samples with "
                    f"weights of {weights[k][0, 0]:.3g}, though the model does"
                )

    def _fires(self, k, spikes, measured, threshold=1.0):
        """In which samples (n_samples,) a neuron of layer k of the model fires at what
        the layer sees, with a threshold so many times as high."""
        layer = self.layers[k]
        if k > 0:
            spikes = _core.spikes_at(measured[k - 1], layer.bias_times)
        layer = replace(
            layer, weights=self.rounded(k) / layer.weights.dtype.type(threshold)
        )
        (times,) = _core.Network([layer], self.t_max, 0.0).spike_times(spikes)
        return np.isfinite(times).any(axis=1)

    def decisions(self, spikes):
        """Decision times (n_samples, n_outputs), float64.

        Those of silent neurons are pseudo-times, later than any spike: the peaks are
        those of the nominal membrane at the spikes that were measured before it.
        """
        measured = self._heard(spikes)
        return self._decided(spikes, measured, np.isinf(measured[-1]).any(axis=1))

    def labels(self, spikes):
        """The number (n_samples,) of the output neuron that decides first."""
        measured = self._heard(spikes)
        # A spike is earlier than any pseudo-time.
        decisions = self._decided(spikes, measured, np.isinf(measured[-1]).all(axis=1))
        return decisions.argmin(axis=1).astype(np.uintp)

    def _heard(self, spikes):
        """Spike times of a substrate that is alive."""
        measured = self.spike_times(spikes)
        if len(spikes) and np.isinf(measured[-1]).all():
            self.check_alive(spikes, measured)
            if len(spikes) >= DEAD_AFTER:
                warnings.warn(
                    f"no output neuron of {name_of(self.substrate)} has fired before "
                    f"t_max in {len(spikes)} samples: the model decides",
                    stacklevel=4,
                )
        return measured

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
        much, so that their order counts, in pseudo-times that follow all spikes; but by
        a threshold at most, or a dead neuron, whose weights grow, would put off others.
        """
        layer, at = self.layers[-1], measured[-1][rows]
        inputs = self._inputs(spikes, measured, rows)
        events = _core.Events(inputs, layer.neuron, self.t_max)
        u_peak, _ = events.peak(np.ascontiguousarray(self.rounded(-1)), at)
        highest = np.max(u_peak, axis=1, where=np.isinf(at), initial=-np.inf)
        threshold = u_peak.dtype.type(layer.neuron.threshold)
        excess = np.clip(highest - threshold, 0, threshold)
        return np.minimum(u_peak - excess[:, None], threshold)

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

    Notes
    -----
    Nothing is learned from a dead substrate: the weights move after a check.
    """

    def __init__(self, network, trainer, run):
        self.network, self.trainer, self.run = network, trainer, run
        self.n_updates = 0

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
        network.check_alive(spikes, times)
        peaks = network.peaks(spikes, times)
        if not any(network.steps):
            return times, peaks
        return times, peaks, [network.rounded(k) for k in range(len(weights))]

    def labels(self, spikes):
        network = self.network.with_weights(self.weights())
        parts = [
            network.labels(_samples(spikes, rows))
            for rows in blocks(len(spikes), _BLOCK)
        ]
        return np.concatenate(parts)

    def weights(self):
        return self.trainer.weights()

    def state(self):
        return self.trainer.state()


def _samples(spikes, rows):
    """Some samples of the spikes."""
    return _core.Spikes(
        spikes.times,
        spikes.inputs,
        spikes.begin[rows],
        spikes.end[rows],
        spikes.n_in,
    )


def _read_only(array):
    view = array.view()
    view.flags.writeable = False
    return view
