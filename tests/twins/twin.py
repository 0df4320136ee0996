"""Training and encoding, slow and readable: what the C core must do.

Layers are `core.LayerBatch`, which other tests compare with 50 digits and with finite
differences; all else is NumPy, from the equations.
"""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ttfs import core as _core
from ttfs.model.first_spike import over_slope

# ------------------------------------------------------------------ encoding


def encode(encoder, X):
    """Spike times (n_samples, n_channels) of dense features, float64; +inf = absent.

    The ranges and the rule for absent zeros are those that `encoder` has learned.
    """
    X = np.asarray(X, dtype=np.float64)
    if encoder.kind == "spike_times":
        return X - encoder.begin
    clipped = np.minimum(np.maximum(X, encoder.low), encoder.high)
    value = np.minimum((clipped / 2 - encoder.low / 2) * encoder.scale, 1.0)
    times = at_parts(encoder, 1.0 - value)
    times[encoder.zero_is_absent & (clipped == 0)] = np.inf
    times[:, encoder.scale == 0] = np.inf
    if encoder.kind == "population":
        return encode_population(encoder, value)
    return np.hstack([times, at_parts(encoder, value[:, encoder.complemented])])


def at_parts(encoder, parts):
    """Times at parts of the window, the nearest of equally spaced ones if asked for."""
    if encoder.levels is None:
        return encoder.window * parts
    last = encoder.levels - 1
    grid = [k * (encoder.window / last) for k in range(last)] + [encoder.window]
    times = np.full(parts.shape, np.inf)
    is_spike = parts < np.inf
    times[is_spike] = np.array(grid)[np.floor(parts[is_spike] * last + 0.5).astype(int)]
    return times


def encode_population(encoder, value):
    """Spike times of receptive fields from values (n_samples, n_features) in [0, 1].

    The centres are those of Bohte et al. (2002): (2 i - 3) / (2 (m - 2)) with i from 1.
    """
    m = encoder.n_receptive_fields
    times = np.full((*value.shape, m), np.inf)
    for s, j in np.ndindex(value.shape):
        if encoder.scale[j] == 0:
            continue
        for i in range(1, m + 1):
            # z is a distance in units of that of two centres.
            z = 1.5 * (value[s, j] * (m - 2) + 0.5 - (i - 1))
            activity = math.exp(-z * z / 2)
            if activity >= 0.1:
                times[s, j, i - 1] = 1.0 - activity
    return at_parts(encoder, times.reshape(len(value), -1))


def sort(times, bias_times, t_max, dtype):
    """Spikes as (times, inputs, offsets), sorted by time, then by number."""
    times = times.astype(dtype)
    biases = np.broadcast_to(bias_times, (len(times), len(bias_times)))
    times = np.hstack([times, biases.astype(dtype)])
    all_times, all_inputs, offsets = [], [], [0]
    for row in times:
        order = np.lexsort((np.arange(len(row)), row))
        order = order[row[order] < dtype(t_max)]
        all_times.append(row[order])
        all_inputs.append(order.astype(np.uint32))
        offsets.append(offsets[-1] + len(order))
    none = [np.empty(0, dtype)], [np.empty(0, np.uint32)]
    return (
        np.concatenate(all_times or none[0]),
        np.concatenate(all_inputs or none[1]),
        np.array(offsets, np.uintp),
    )


@dataclass
class AsTheyAre:
    """An encoder of spike times that changes nothing."""

    n_features: int
    kind: str = "spike_times"
    begin: float = 0.0
    window: float = 1.0

    @property
    def n_channels(self):
        return self.n_features


def spikes_of(times, bias_times, t_max):
    """`core.Spikes` of times (n_samples, n_in) and of biases."""
    bias_times = np.asarray(bias_times, times.dtype)
    return _core.encode(AsTheyAre(times.shape[1]), times, bias_times, t_max)


def one_spike_each(trains, n_slots):
    """Times (n_samples, n_channels * n_slots): a channel's spikes in its own slots.

    A channel with several spikes is as many inputs with one spike and equal weights.
    """
    times = np.full((*trains.shape, n_slots), np.inf, trains.dtype)
    used = np.zeros(trains.shape, int)
    for s, i, t in zip(*trains.events(), strict=True):
        times[s, i, used[s, i]] = t
        used[s, i] += 1
    return times.reshape(len(trains), -1)


def slot_rows(n_in, n_bias, n_slots):
    """The row of weights of each input, when all but the biases have several slots."""
    channels = np.repeat(np.arange(n_in - n_bias), n_slots)
    return np.concatenate([channels, np.arange(n_in - n_bias, n_in)])


def sum_rows(values, rows):
    """Sum over the inputs that share a row."""
    out = np.zeros((rows.max() + 1, *values.shape[1:]), values.dtype)
    np.add.at(out, rows, values)
    return out


# ------------------------------------------------------------------ passes


class Neurons:
    """`core.LayerBatch` of a layer, or of each neuron where arrivals differ.

    All neurons share arrivals (n_samples, n_in, 1), or each has its own, (n_samples,
    n_in, n_out).
    """

    def __init__(self, arrivals, neuron, t_max):
        self.events = [
            _core.LayerBatch(np.ascontiguousarray(times), neuron, t_max)
            for times in np.moveaxis(arrivals, 2, 0)
        ]

    def each(self, method, *arrays):
        """Results of a method for the columns of arrays that belong to each list."""
        n = arrays[0].shape[1]
        width = n if len(self.events) == 1 else 1
        return [
            getattr(events, method)(
                *(np.ascontiguousarray(a[:, j : j + width]) for a in arrays)
            )
            for events, j in zip(self.events, range(0, n, width), strict=True)
        ]

    def first_spike(self, weights):
        return np.hstack(self.each("first_spike", weights))

    def peak(self, weights, spikes):
        parts = self.each("peak", weights, spikes)
        return tuple(map(np.hstack, zip(*parts, strict=True)))

    def slope(self, weights, at):
        return np.hstack(self.each("slope", weights, at))

    def grad_weights(self, at, c, n_in):
        grad = np.zeros((n_in, at.shape[1]), at.dtype)
        width = at.shape[1] // len(self.events)
        for j, events in enumerate(self.events):
            columns = slice(j * width, j * width + width)
            part = np.zeros((n_in, width), at.dtype)
            events.grad_weights(
                *(np.ascontiguousarray(a[:, columns]) for a in (at, c)), part
            )
            grad[:, columns] = part
        return grad

    def grad_arrivals(self, weights, at, c, kink):
        """The gradient by the times of arrival, in the shape of the arrivals."""
        return np.stack(self.each("grad_times", weights, at, c, kink), axis=2)


@dataclass
class LayerPass:
    """What a layer did with a batch: arrays of shape (n_samples, n_out)."""

    layer: object
    times: np.ndarray  # of the inputs, biases included
    arrivals: np.ndarray  # (n_samples, n_in, n_out), or 1 for n_out
    t_max: float
    events: Neurons
    spikes: np.ndarray  # +inf = silent

    @property
    def fired(self):
        return self.spikes < np.inf

    @property
    def active(self):
        """Inputs (n_in,) that arrive; those that spike, if neurons differ in that."""
        shared = self.arrivals.shape[2] == 1
        times = self.arrivals[:, :, 0] if shared else self.times
        return np.any(times < self.t_max, axis=0)

    @cached_property
    def _peak(self):
        return self.events.peak(self.layer.weights, self.spikes)

    @property
    def u_peak(self):
        """Peak of the membrane of silent neurons; the threshold where one fired."""
        return self._peak[0]

    @property
    def t_peak(self):
        """Time of that peak; the spike time where the neuron fired."""
        return self._peak[1]


def with_biases(layer, times):
    """Append the bias channels to times (n_samples, n_in)."""
    biases = np.broadcast_to(layer.bias_times, (len(times), len(layer.bias_times)))
    return np.hstack([times, biases]).astype(layer.weights.dtype, order="C")


def forward(layers, times, t_max, measured=None):
    """Pass times (n_samples, n_in) through all layers; one LayerPass for each.

    Spike times of all layers may have been measured.
    """
    passes = []
    for k, layer in enumerate(layers):
        inputs = with_biases(layer, times)
        arrivals = inputs[:, :, None]
        if layer.delays is not None:
            arrivals = arrivals + matrix_of(layer.delays)
        events = Neurons(arrivals, layer.neuron, t_max)
        if measured is None:
            times = events.first_spike(layer.weights)
        else:
            times = np.where(measured[k] < t_max, measured[k], np.inf)
            times = times.astype(layer.weights.dtype)
        passes.append(LayerPass(layer, inputs, arrivals, t_max, events, times))
    return passes


def decision_times(
    last, t_max, pseudo_slope, u_peak=None, *, read_out=np.inf, stretch=1.0
):
    """Decision times of the output layer, float64.

    After the read-out, which is in the precision of the weights, time goes on stretch
    times as fast. A silent neuron decides pseudo_slope (threshold - u_peak) after t_max
    would: later than any spike, and the later the further it stayed below threshold.
    u_peak may have been measured.
    """
    u_peak = (last.u_peak if u_peak is None else u_peak).astype(np.float64)
    missing = np.maximum(last.layer.neuron.threshold - u_peak, 0)
    times = np.where(last.fired, last.spikes, t_max).astype(np.float64)
    read_out = np.float64(last.spikes.dtype.type(read_out))
    late = times > read_out
    times[late] = read_out + stretch * (times[late] - read_out)
    return times + np.where(last.fired, 0, pseudo_slope * missing)


def grad_spikes(last, grad, *, read_out, stretch):
    """The gradient by spike times, from that by decision times.

    That of silent neurons, which have no spike time, stays.
    """
    late = last.fired & (last.spikes > last.spikes.dtype.type(read_out))
    return np.where(late, stretch * grad, grad).astype(grad.dtype)


def lowered_peaks(last):
    """Peaks of the output layer at measured spikes: silent ones that pass the threshold
    lower those of the sample by what the highest has too much, by a threshold at most.
    """
    threshold = last.layer.neuron.threshold
    highest = np.where(last.fired, -np.inf, last.u_peak).max(axis=1, keepdims=True)
    return last.u_peak - np.clip(highest - threshold, 0, threshold)


def spike_cost_gradients(passes, spike_cost, spike_scale, t_max):
    """The cost of hidden spikes before the decision, and its gradients.

    A hidden spike at t costs spike_cost (1 - exp(-(t* - t) / spike_scale)) if it comes
    before t*, the first output spike, or t_max; the mean over the batch is taken.

    Returns
    -------
    cost : float
    by_layer : list of ndarray of shape (n_samples, n_out)
        The gradient by spike times, of the hidden layers and of the outputs.
    """
    outputs = passes[-1].spikes
    n_samples = len(outputs)
    decision = np.minimum(outputs.min(axis=1), t_max)
    cost, by_layer = 0.0, []
    for did in passes[:-1]:
        counts = did.spikes < decision[:, None]
        ages = decision[:, None] - np.where(counts, did.spikes, decision[:, None])
        late = np.exp(-ages / spike_scale)
        cost += spike_cost / n_samples * np.sum(1 - late)
        pushes = np.where(counts, spike_cost / spike_scale / n_samples * late, 0)
        by_layer.append(-pushes)
    is_first = np.arange(outputs.shape[1]) == outputs.argmin(axis=1)[:, None]
    total = -sum((pushes.sum(axis=1) for pushes in by_layer), np.zeros(n_samples))
    by_layer.append(np.where(is_first & passes[-1].fired, total[:, None], 0))
    return cost, by_layer


def backward(
    passes,
    grad_times,
    *,
    pseudo_slope,
    min_slope,
    silence_penalty,
    silence_tolerance,
    more_grads=None,
):
    """Gradients of the weights, and of the delays, of all layers.

    Parameters
    ----------
    passes : list of LayerPass
        Results of forward() before the weights change.
    grad_times : ndarray of shape (n_samples, n_outputs)
        Gradient by spike times; that of silent neurons by decision_times().
    pseudo_slope : float
        Slope of the pseudo-times, the same as for decision_times().
    min_slope : float
        Floor of u' at a spike, in threshold units per time.
    silence_penalty, silence_tolerance : float
        See `silence_gradient`.
    more_grads : list of ndarray of shape (n_samples, n_out), optional
        Gradient by the spike times of each layer of what is not in grad_times.
    """
    grads, delay_grads = [None] * len(passes), [None] * len(passes)
    for k in reversed(range(len(passes))):
        did = passes[k]
        layer = did.layer
        slope = did.events.slope(layer.weights, did.t_peak)
        by_spikes = grad_times + (0 if more_grads is None else more_grads[k])
        c = over_slope(by_spikes.astype(grad_times.dtype), slope, min_slope)
        if k == len(passes) - 1:
            silent = pseudo_slope * grad_times
        else:
            silent = silence_gradient(did.fired, silence_penalty, silence_tolerance)
        c = np.where(did.fired, c, silent).astype(c.dtype)
        grads[k] = did.events.grad_weights(did.t_peak, c, len(layer.weights))
        n_bias = len(layer.bias_times)
        kink = np.where(did.fired, 0, -c * slope).astype(c.dtype)
        grad = did.events.grad_arrivals(layer.weights, did.t_peak, c, kink)
        if layer.delays is not None:
            delay_grads[k] = grad.sum(axis=0).reshape(layer.delays.shape)
        grad_times = np.ascontiguousarray(grad.sum(axis=2)[:, : -n_bias or None])
    return grads, delay_grads


def power_of_two(x):
    """2^s with s next to log2(x), from 2^-4 to 2^6."""
    return 2.0 ** np.clip(np.floor(np.log2(np.maximum(x, 1e-9)) + 0.5), -4, 6)


def kernel_and_slope(neuron, kind, d):
    """The kernel of a local rule and its derivative; 0 where d is not positive."""
    shorter, longer = sorted([neuron.tau_mem, neuron.tau_syn])
    after = d > 0
    d = np.where(after, d, 0.0)
    if kind == "table":
        k = neuron.kappa(d)
        slope = np.exp(-d / longer) / neuron.tau_syn - k / shorter
        return k, np.where(after, slope, 0.0)
    peak = min(neuron.peak_delay, 2 * neuron.tau_syn)
    height = neuron.kappa(peak)
    k = height * np.minimum(d / peak, np.maximum(0, (4 * peak - d) / (3 * peak)))
    slope = np.where(d <= peak, height / peak, -height / (3 * peak))
    return k, np.where(after & (d <= 4 * peak), slope, 0.0)


def local_backward(
    passes,
    grad_times,
    projected,
    *,
    local,
    pseudo_slope,
    silence_penalty,
    silence_tolerance,
    read_out=np.inf,
    power=power_of_two,
):
    """Gradients of the weights of all layers by the simplified local rule.

    As `backward`, but by decision times. `projected` (n_samples, n_outputs) is what
    direct feedback and that of targets project; power(u') is what takes the place of
    u', in threshold/tau_syn, and 1 where an output fires after the read-out.
    """
    grads = [None] * len(passes)
    for k in reversed(range(len(passes))):
        did = passes[k]
        weights, neuron = did.layer.weights, did.layer.neuron
        unit = neuron.threshold / neuron.tau_syn
        powers = power(did.events.slope(weights, did.t_peak) / unit)
        if k < len(passes) - 1:
            start, end = local.get("window", (-np.inf, np.inf))
            start, end = did.spikes.dtype.type(start), did.spikes.dtype.type(end)
            is_in_window = (start <= did.spikes) & (did.spikes < end)
            grad_times = np.where(is_in_window, grad_times, 0)
        else:
            is_late = did.spikes > did.spikes.dtype.type(read_out)
            powers = np.where(is_late, 1.0, powers)
        c = grad_times / (unit * powers)
        if k == len(passes) - 1:
            silent = pseudo_slope * grad_times
        else:
            silent = silence_gradient(did.fired, silence_penalty, silence_tolerance)
        c = np.where(did.fired, c, silent)
        d = did.t_peak[:, None, :] - did.times[:, :, None]
        value, slope = kernel_and_slope(neuron, local["kernel"], d)
        grads[k] = -np.einsum("sj,sij->ij", c, value)
        if k == 0:
            break
        if local["feedback"] in ("direct", "target"):
            grad_times = projected @ local["feedback_weights"][k].T
            continue
        if local["feedback"] == "random":
            weights = local["feedback_weights"][k]
        grad_times = np.einsum("sj,ij,sij->si", c, weights, slope)
        grad_times = grad_times[:, : passes[k - 1].spikes.shape[1]]
    return grads


def silence_gradient(fired, strength, silence_tolerance):
    """Pull back hidden neurons that are silent too often.

    The term is strength (threshold - u_peak), averaged over the batch, for neurons
    that are silent in more than a fraction `silence_tolerance` of it.
    """
    rare = np.sum(~fired, axis=0) > silence_tolerance * len(fired)
    return np.where(~fired & rare, strength / len(fired), 0.0)


def n_kinks(passes, silence_penalty, silence_tolerance):
    """Silent neurons, with a gradient, whose peak is a kink at the time of an input."""
    n = 0
    for did in passes:
        pulled = ~did.fired
        if did is not passes[-1]:
            pulled &= (
                silence_gradient(did.fired, silence_penalty, silence_tolerance) > 0
            )
        meets = (did.t_peak[:, None, :] == did.arrivals).any(axis=1)
        n += np.sum(pulled & meets)
    return n


# ------------------------------------------------------------------ training


def mix(x):
    """The bijection of 64-bit numbers of SplitMix64 (Steele, Lea, Flood 2014)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> shift)) * factor % 2**64
    return x ^ (x >> 31)


def draw(key, n):
    """Number n of the random sequence of a key."""
    return mix((key + (n + 1) * 0x9E3779B97F4A7C15) % 2**64)


def drop_inputs(layer, times, t_max, dropout, may_drop, key):
    """Input times of a first layer without the spikes that a batch leaves out.

    Spike k of sample s, in the order of time, goes where a number of 32 bits is below
    dropout. Delays come later.
    """
    inputs = with_biases(layer, times)
    times = times.copy()
    for s in range(len(times)):
        order = np.argsort(inputs[s], kind="stable")
        order = order[inputs[s][order] < t_max]
        for k, i in enumerate(order):
            is_input = i < len(may_drop) and may_drop[i]
            if is_input and draw(draw(key, s), k) >> 32 < dropout * 2**32:
                times[s, i] = np.inf
    return times


class Adam:
    """Adam with decoupled weight decay, lazy for rows that take no part in a batch.

    A row whose input has no event in the batch is left alone. When it has one again its
    moments and its weights decay for the steps between too, at the present rate.
    They decay to `rest`, and a step leaves them within `limit`. With `keeps_zeros`
    those that are 0 stay 0.
    """

    def __init__(
        self,
        shape,
        unit,
        *,
        beta_1,
        beta_2,
        epsilon,
        weight_decay,
        rest=0.0,
        limit=np.inf,
        keeps_zeros=False,
    ):
        self.unit = unit
        self.betas = beta_1, beta_2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.rest = rest
        self.limit = limit
        self.keeps_zeros = keeps_zeros
        self.n_steps = 0
        self.touched = np.zeros(shape[0], int)
        self.m, self.v = np.zeros(shape), np.zeros(shape)

    def step(self, weights, grad, active, learning_rate):
        """Update the active rows of weights in place."""
        rate = learning_rate * self.unit
        g = grad[active].astype(np.float64)
        self.n_steps += 1
        n = self.n_steps
        steps = (n - self.touched[active])[:, None]
        self.touched[active] = n
        keep = np.exp(-learning_rate * self.weight_decay)
        decayed = self.rest + (weights[active] - self.rest) * keep**steps
        moved = decayed - rate * self.move(g, active, steps)
        if self.keeps_zeros:
            moved = np.where(weights[active] == 0, 0, moved)
        weights[active] = np.clip(moved, -self.limit, self.limit)

    def move(self, g, active, steps):
        """What the learning rate is multiplied with."""
        b1, b2 = self.betas
        n = self.n_steps
        self.m[active] = b1**steps * self.m[active] + (1 - b1) * g
        self.v[active] = b2**steps * self.v[active] + (1 - b2) * g**2
        m = self.m[active] / (1 - b1**n)
        root = np.sqrt(self.v[active] / (1 - b2**n))
        return m / (root + self.epsilon)


class Descent(Adam):
    """Steepest descent, with weight decay as above."""

    def move(self, g, active, steps):
        return g


def matrix_of(delays):
    """A view with one row for each input."""
    return delays.reshape(len(delays), -1)


@dataclass
class Trainer:
    """The same parameters as `core.Trainer`; the weights are updated in place.

    Times of the first layer are those of `one_spike_each`, with n_slots each.
    """

    layers: list
    t_max: float
    pseudo_slope: float
    units: list
    loss: dict
    min_slope: float
    silence_penalty: float
    silence_tolerance: float
    beta_1: float
    beta_2: float
    epsilon: float
    weight_decay: float | list
    delay_units: list | None = None
    rests: list | None = None
    limits: list | None = None
    local: dict | None = None
    spike_cost: float = 0.0
    spike_scale: float = 1.0
    keeps_zeros: bool = False
    dropout: float = 0.0
    may_drop: np.ndarray | None = None
    seed: int = 0
    read_out: float = np.inf
    stretch: float = 1.0
    n_slots: int = 1
    optimizers: list = field(init=False)
    delay_optimizers: list = field(init=False)
    # What the batches had: the tests ask for it.
    n_kinks: int = 0
    n_pulled: int = 0

    def __post_init__(self):
        squared = self.loss["kind"] != "cross_entropy"
        tau_syn = self.layers[-1].neuron.tau_syn
        loss_unit = tau_syn**2 if squared else 1.0
        self.optimizers = [
            (Descent if self.local else Adam)(
                layer.weights.shape,
                unit,
                beta_1=self.beta_1,
                beta_2=self.beta_2,
                epsilon=self.epsilon * loss_unit / layer.neuron.threshold,
                weight_decay=decay,
                rest=rest,
                limit=limit,
                keeps_zeros=self.keeps_zeros,
            )
            for layer, unit, decay, rest, limit in zip(
                self.layers,
                self.units,
                np.broadcast_to(self.weight_decay, len(self.layers)),
                self.rests or [0.0] * len(self.layers),
                self.limits or [np.inf] * len(self.layers),
                strict=True,
            )
        ]
        self.delay_optimizers = [
            Adam(
                matrix_of(layer.delays).shape,
                unit,
                beta_1=self.beta_1,
                beta_2=self.beta_2,
                epsilon=self.epsilon * loss_unit / layer.neuron.tau_syn,
                weight_decay=0.0,
            )
            for layer, unit in zip(self.layers, self.delay_units or [], strict=False)
            if layer.delays is not None
        ]

    def weights(self):
        """Copies of the weights of each layer."""
        return [layer.weights.copy() for layer in self.layers]

    def step(self, times, labels, factors, learning_rate, measure=None):
        """One update of the weights; returns the loss summed over the batch.

        measure is what `core.Trainer.epoch` takes as forward.
        """
        n_samples = len(labels)
        first = self.layers[0]
        rows = slot_rows(len(first.weights), len(first.bias_times), self.n_slots)
        first = replace(
            first,
            weights=first.weights[rows],
            delays=None if first.delays is None else first.delays[rows],
        )
        if self.dropout > 0:
            may_drop = np.repeat(self.may_drop, self.n_slots)
            key = draw(self.seed, self.optimizers[0].n_steps)
            times = drop_inputs(first, times, self.t_max, self.dropout, may_drop, key)
        measured, u_peak = None, None
        if measure is not None:
            spikes = spikes_of(times, first.bias_times, self.t_max)
            measured = measure(spikes, self)
            if isinstance(measured, tuple):
                measured, u_peak = measured
        passes = forward([first, *self.layers[1:]], times, self.t_max, measured)
        if measure is not None and u_peak is None:
            u_peak = lowered_peaks(passes[-1])
        late = {"read_out": self.read_out, "stretch": self.stretch}
        decisions = decision_times(
            passes[-1], self.t_max, self.pseudo_slope, u_peak, **late
        )
        decisions = decisions.astype(self.layers[0].weights.dtype)
        loss, by_decisions = _core.loss(
            decisions, labels, factors / n_samples, **self.loss
        )
        silent = {
            "pseudo_slope": self.pseudo_slope,
            "silence_penalty": self.silence_penalty,
            "silence_tolerance": self.silence_tolerance,
        }
        if self.local:
            projected = by_decisions
            if self.local["feedback"] == "target":
                projected = np.zeros_like(by_decisions)
                unit = self.layers[-1].neuron.tau_syn
                if self.loss["kind"] == "cross_entropy":
                    unit = 1 / self.loss.get("time_scale", 1.0)
                target = factors / n_samples * unit
                projected[np.arange(n_samples), labels] = target
            grads = local_backward(
                passes,
                by_decisions,
                projected,
                local=self.local,
                read_out=self.read_out,
                **silent,
            )
            # The rate is that of the sum of losses.
            grads = [n_samples * g for g in grads]
            delay_grads = [None] * len(grads)
        else:
            grad = grad_spikes(passes[-1], by_decisions, **late)
            _, more_grads = spike_cost_gradients(
                passes, self.spike_cost, self.spike_scale, self.t_max
            )
            grads, delay_grads = backward(
                passes, grad, min_slope=self.min_slope, more_grads=more_grads, **silent
            )
        self.n_kinks += n_kinks(passes, self.silence_penalty, self.silence_tolerance)
        for did in passes[:-1]:
            pull = silence_gradient(
                did.fired, self.silence_penalty, self.silence_tolerance
            )
            self.n_pulled += np.count_nonzero(pull)
        actives = [did.active for did in passes]
        grads[0], actives[0] = sum_rows(grads[0], rows), sum_rows(actives[0], rows)
        if delay_grads[0] is not None:
            delay_grads[0] = sum_rows(delay_grads[0], rows)
        for layer, active in zip(self.layers, actives, strict=True):
            active[len(active) - layer.n_fixed :] = False
        for layer, optimizer, g, active in zip(
            self.layers, self.optimizers, grads, actives, strict=True
        ):
            optimizer.step(layer.weights, g, active, learning_rate)
        with_delays = [
            (layer.delays, g, active)
            for layer, g, active in zip(self.layers, delay_grads, actives, strict=True)
            if g is not None
        ]
        for optimizer, (delays, g, active) in zip(
            self.delay_optimizers, with_delays, strict=True
        ):
            optimizer.step(matrix_of(delays), matrix_of(g), active, learning_rate)
            np.maximum(delays, 0, out=delays)
        return n_samples * float(loss.sum())

    def epoch(self, times, labels, factors, order, batch_size, rates, measure=None):
        """Steps over all samples in the given order; returns the mean loss."""
        loss = 0.0
        for k, begin in enumerate(range(0, len(order), batch_size)):
            batch = order[begin : begin + batch_size]
            loss += self.step(
                times[batch], labels[batch], factors[batch], rates[k], measure
            )
        return loss / len(order)
