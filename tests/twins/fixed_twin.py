"""docs/spec/fixed_point.md in plain Python integers, slow and obvious.

Written from the page, whose sections are cited as [n] and whose names are kept, and not
from include/ttfs_fixed.h. Integers have no width here: where the page says that 32 bits
suffice, `int32` checks it.

A network is a `ttfs.fixed.network.FixedNetwork`, or anything with its attributes; the
twin works on lists, and `Twin.state` gives back what learning changes. A sample is the
list of the ticks of its input channels, `n_ticks` where there is no spike.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from operator import eq

import mpmath as mp

DIGITS = 60

# -- Numbers [1] -------------------------------------------------------------------


def int32(x):
    """x, which the page claims to fit 32 bits."""
    assert -(2**31) <= x < 2**31, x
    return x


def int16(x):
    """x, which the page claims to fit 16 bits."""
    assert -(2**15) <= x < 2**15, x
    return x


def sat16(x):
    return max(-(2**15), min(2**15 - 1, x))


def sat32(x):
    return max(-(2**31), min(2**31 - 1, x))


def clip(x, m):
    return max(-m, min(m, x))


def multiply(a, b):
    return int32(a * b) >> 15


def mac(a, x, b, y):
    return sat16(int32(int32(a * x) + int32(b * y)) >> 15)


def rounded(x, n):
    assert n > 0, n
    return sat32(int32(x) + 2 ** (n - 1)) >> n


def step(register):
    return (register >> 1) ^ (0xB400 if register % 2 else 0)


def first_register(seed, n):
    return 1 + (seed + 40501 * (n + 1)) % 65535


# -- Tables [2] --------------------------------------------------------------------


def real(x):
    """A number with DIGITS digits; a ratio is rounded once."""
    if isinstance(x, Fraction):
        return mp.mpf(x.numerator) / x.denominator
    return mp.mpf(x)


def floor(x):
    return math.floor(x) if isinstance(x, Fraction) else int(mp.floor(x))


def nearest(x):
    return floor(x + Fraction(1, 2) if isinstance(x, Fraction) else x + mp.mpf("0.5"))


def floor_log2(x):
    """floor(log2(x)) of a ratio x >= 1."""
    return math.floor(x).bit_length() - 1


def realised(tau, tick, greatest):
    """The shift of a time constant, at most the greatest, and what it realises [3b]."""
    if math.isinf(tau):
        return 0, tau
    with mp.workdps(DIGITS):
        per_tau = real(Fraction(tau) / Fraction(tick))
        shift = max(1, min(greatest, nearest(mp.log(per_tau, 2))))
        return shift, float(-real(tick) / mp.log(1 - mp.mpf(2) ** -shift))


def realise(neuron, tick):
    """s and m of a neuron, and the time constants τm and τs that they realise."""
    s, tau_syn = realised(neuron.tau_syn, tick, 8)
    m, tau_mem = realised(neuron.tau_mem, tick, 15)
    return (s, m), (tau_mem, tau_syn)


def shift_gain(syn_shift, mem_shift):
    """c, by which a membrane of shifts is higher than κ."""
    if mem_shift == 0:
        return mp.mpf(1)
    kept_syn, kept_mem = 1 - mp.mpf(2) ** -syn_shift, 1 - mp.mpf(2) ** -mem_shift
    if kept_syn == kept_mem:
        return 2**-syn_shift / (kept_syn * mp.log(1 / kept_syn))
    shares = 1 - mp.log(kept_mem) / mp.log(kept_syn)
    return mp.mpf(2) ** -syn_shift / (kept_mem - kept_syn) * shares


class Kappa:
    """κ, with times in ticks. Ratios stay exact as long as they are ratios."""

    def __init__(self, neuron, tick):
        self.syn = Fraction(neuron.tau_syn) / Fraction(tick)
        leaky = math.isfinite(neuron.tau_mem)
        self.mem = Fraction(neuron.tau_mem) / Fraction(tick) if leaky else None
        # τ / τs and τ / τm, where τ is the lesser
        shortest = min(self.syn, self.mem) if leaky else self.syn
        self.syn_share = shortest / self.syn
        self.mem_share = shortest / self.mem if leaky else Fraction(0)
        with mp.workdps(DIGITS):
            self.peak = 2 * self.syn
            if self.mem == self.syn:
                self.peak = self.syn
            elif leaky:
                # κ' = 0: d (1/τs - 1/τm) = log(τm / τs)
                peak = mp.log(real(self.mem / self.syn))
                peak /= real(1 / self.syn - 1 / self.mem)
                if peak < real(self.peak):
                    self.peak = peak
            self.height = self.value(self.peak)

    def decay_mem(self, d):
        return mp.exp(-real(d) / real(self.mem)) if self.mem else mp.mpf(1)

    def decay_syn(self, d):
        return mp.exp(-real(d) / real(self.syn))

    def value(self, d):
        if self.mem is None:
            return 1 - self.decay_syn(d)
        if self.mem == self.syn:
            return real(d) / real(self.syn) * self.decay_syn(d)
        factor = real(self.mem / (self.mem - self.syn))
        return factor * (self.decay_mem(d) - self.decay_syn(d))

    def slope(self, d):
        """τs κ'(d)."""
        if self.mem is None:
            return self.decay_syn(d)
        if self.mem == self.syn:
            return (1 - real(d) / real(self.syn)) * self.decay_syn(d)
        factor = real(self.mem / (self.mem - self.syn))
        leak = real(self.syn / self.mem) * self.decay_mem(d)
        return factor * (self.decay_syn(d) - leak)


def time_tables(neuron, tick, n_ticks, kernel, has_shifts=False):
    """The tables of a layer by elapsed ticks, as lists; those that shifts replace are
    empty."""
    kappa = Kappa(neuron, tick)
    ticks = [Fraction(d) for d in range(n_ticks + 1)]
    peak, height = kappa.peak, kappa.height
    with mp.workdps(DIGITS):
        tables = {
            "decay_mem": [min(32767, floor(2**15 * kappa.decay_mem(d))) for d in ticks],
            "decay_syn": [min(32767, floor(2**15 * kappa.decay_syn(d))) for d in ticks],
            "kappa": [min(32767, floor(2**15 * kappa.value(d))) for d in ticks],
        }
        if kernel == "table":
            values = [min(127, nearest(127 * kappa.value(d) / height)) for d in ticks]
            slopes = [nearest(127 * kappa.slope(d)) for d in ticks]
        else:
            if not isinstance(peak, Fraction):
                ticks = [real(d) for d in ticks]
            values = [
                nearest(127 * max(0 * d, min(d / peak, (4 * peak - d) / (3 * peak))))
                for d in ticks
            ]
            steepness = 127 * real(kappa.syn) * height / real(peak)
            up, down = nearest(steepness), nearest(-steepness / 3)
            slopes = [up if d < peak else down if d < 4 * peak else 0 for d in ticks]
        slopes = [clip(slope, 127) for slope in slopes]
    if has_shifts:
        tables = {name: [] for name in tables}
    tables["kernel"] = [0, *values[1:]]
    tables["kernel_slope"] = [0, *slopes[1:]]
    return tables


def layer_numbers(neuron, tick, levels, shifts=(0, 0)):
    """The other numbers of a layer that its neurons decide.

    shifts : those of current and membrane, for neurons that they have realised
    """
    kappa = Kappa(neuron, tick)
    with mp.workdps(DIGITS):
        unit = mp.e * kappa.height * real(levels)
        if shifts[0]:
            unit *= shift_gain(*shifts)
        shift = floor_log2(2048 / Fraction(levels))
        threshold = nearest(unit * mp.mpf(2) ** shift)
        half_slope = threshold * real(kappa.syn_share) / 2
        bounds = [nearest(half_slope * mp.mpf(2) ** (m - 3.5)) for m in range(10)]
    return {
        "current_shift": shift,
        "threshold": threshold,
        "syn_shift": shifts[0],
        "mem_shift": shifts[1],
        "slope_syn": floor(2**14 * kappa.syn_share),
        "slope_mem": -floor(2**14 * kappa.mem_share),
        "slope_bounds": [min(32767, bound) for bound in bounds],
    }


def error_shift(source, tick, source_levels, is_from_output):
    """h, where errors come from neurons `source`."""
    kappa = Kappa(source, tick)
    with mp.workdps(DIGITS):
        scale = 127 * mp.e * kappa.height * real(source_levels)
        return max(5, nearest(mp.log(scale, 2)) - (2 if is_from_output else 0))


def softmax_table(time_scale, tick):
    table = []
    with mp.workdps(DIGITS):
        ratio = real(Fraction(tick) / Fraction(time_scale))
        while entry := nearest(256 * mp.exp(-len(table) * ratio)):
            table.append(entry)
    return table


def reciprocal_table():
    return [nearest(Fraction(2**15, 128 + m)) for m in range(128)]


def silent_delay(neuron, tick, threshold):
    delay = 2**16 * Fraction(neuron.tau_syn) / (Fraction(tick) * threshold)
    return min(65535, nearest(delay))


# -- The network -------------------------------------------------------------------


class Plain:
    def __init__(self, attributes):
        vars(self).update(attributes)


def as_plain(x):
    """Dictionaries of JSON in `x` as objects with attributes."""
    if isinstance(x, dict):
        if "kappa" in x:  # a layer, which without shifts does not name them
            x = {"syn_shift": 0, "mem_shift": 0} | x
        return Plain({name: as_plain(value) for name, value in x.items()})
    if isinstance(x, list):
        return [as_plain(item) for item in x]
    return x


def plain(x):
    """x with lists and integers of Python in place of arrays and their scalars."""
    if hasattr(x, "__dict__"):
        return Plain({name: plain(value) for name, value in vars(x).items()})
    if isinstance(x, list):
        return [plain(item) for item in x]
    return x.tolist() if hasattr(x, "tolist") else x


def n_out(layer):
    return len(layer.lfsr)


def n_before(layer):
    """Inputs of a layer that are not biases."""
    return len(layer.weights) - len(layer.bias_ticks)


def weight(layer, i, j):
    """w, the upper bits of the accumulator W [1]."""
    if layer.fraction == 0:
        return layer.weights[i][j]
    half = 2 ** (layer.fraction - 1)
    return (layer.weights[i][j] + half) >> layer.fraction


# -- Inference [3] -----------------------------------------------------------------


@dataclass
class State:
    """What a layer did with a sample; a list of numbers by neuron each.

    ticks : time of the spike, n_ticks without
    u : membrane at the spike, or the greatest
    slope : v of section 4, 0 without a spike
    error : c of sections 5 and 6
    """

    ticks: list
    u: list
    slope: list
    error: list | None = None


def sorted_spikes(ticks, n_ticks):
    return sorted((t, i) for i, t in enumerate(ticks) if t < n_ticks)


def input_spikes(layer, n_ticks, ticks):
    """The input spikes of a layer as (tick, input), in order; biases come last."""
    return sorted_spikes([*ticks, *layer.bias_ticks], n_ticks)


def first_spike(layer, n_ticks, spikes, j):
    """Time, membrane and slope of neuron j [3, 3b, 4]."""
    by = spike_by_shifts if layer.syn_shift else spike_by_tables
    return by(layer, n_ticks, spikes, j)


def tick_by_shifts(layer, membrane, current):
    """U and I after a tick [3b]."""
    d = current >> layer.syn_shift
    leak = membrane >> layer.mem_shift if layer.mem_shift else 0
    return sat16(membrane - leak + d), int16(current - d)


def spike_by_shifts(layer, n_ticks, spikes, j):
    membrane = current = 0
    greatest = -32768
    begin = spikes[0][0] if spikes else n_ticks
    for t in range(begin, n_ticks - 1):
        for _, i in (spike for spike in spikes if spike[0] == t):
            current = sat16(current + weight(layer, i, j) * 2**layer.current_shift)
        membrane, current = tick_by_shifts(layer, membrane, current)
        if membrane >= layer.threshold:
            v = mac(layer.slope_syn, current, layer.slope_mem, membrane)
            return t + 1, membrane, v
        greatest = max(greatest, membrane)
    return n_ticks, greatest, 0


def spike_by_tables(layer, n_ticks, spikes, j):
    membrane = current = 0
    greatest = -32768
    groups = [(t, list(group)) for t, group in groupby(spikes, lambda spike: spike[0])]
    times = [t for t, _ in groups] + [n_ticks]
    for (t0, group), end in zip(groups, times[1:], strict=True):
        for _, i in group:
            current = sat16(current + weight(layer, i, j) * 2**layer.current_shift)
        for t in range(t0 + 1, min(end, n_ticks - 1) + 1):
            d = t - t0
            u = mac(layer.decay_mem[d], membrane, layer.kappa[d], current)
            if u >= layer.threshold:
                current = multiply(layer.decay_syn[d], current)
                return t, u, mac(layer.slope_syn, current, layer.slope_mem, u)
            greatest = max(greatest, u)
        d = end - t0
        membrane = mac(layer.decay_mem[d], membrane, layer.kappa[d], current)
        current = multiply(layer.decay_syn[d], current)
    return n_ticks, greatest, 0


def run_layer(layer, n_ticks, spikes):
    neurons = [first_spike(layer, n_ticks, spikes, j) for j in range(n_out(layer))]
    return State(*map(list, zip(*neurons, strict=True)))


def decide(state):
    """The output neuron that decides."""
    return min(range(len(state.u)), key=lambda k: (state.ticks[k], -state.u[k], k))


# -- Errors [4, 5, 6] --------------------------------------------------------------


def log_slope(layer, v):
    return -4 + sum(v >= bound for bound in layer.slope_bounds)


def stretched(network, t):
    """D(t): the time of the loss [5]."""
    if t <= network.read_out:
        return t
    return network.read_out + int32((t - network.read_out) * network.stretch)


def output_errors(network, state, label):
    """c of the output layer [5]."""
    layer, end = network.layers[-1], network.n_ticks
    times = []
    for t, u in zip(state.ticks, state.u, strict=True):
        time = stretched(network, t)
        if t == end:
            time += (layer.threshold - u) * network.silent_delay >> 15
        times.append(int32(time))
    late = [t - min(times) for t in times]
    table = network.softmax
    e = [table[d] if d < len(table) else 0 for d in late]
    S = int32(sum(e))
    n = 0
    while S >> n >= 256:
        n += 1
    R = network.reciprocal[(S >> n) - 128]
    errors = []
    for k, v in enumerate(state.slope):
        p = min(256, rounded(e[k] * R, 7 + n))
        delta = (256 if k == label else 0) - p
        if state.ticks[k] == end and k != label:
            errors.append(0)
            continue
        is_late = state.ticks[k] > network.read_out or state.ticks[k] == end
        s = 0 if is_late else log_slope(layer, v)
        errors.append(clip(rounded(delta * network.gain, 5 + s), 8191))
    return errors


def fed_back(network, k, states, label, i):
    """x of neuron i of hidden layer k [6]."""
    layer, after, kind = network.layers[k], network.layers[k + 1], network.feedback
    if kind == "target":
        return layer.feedback[i][label] * network.gain
    x = 0
    if kind == "direct":
        for c, b in zip(states[-1].error, layer.feedback[i], strict=True):
            x = sat32(x + int32(c * b))
        return x
    t_i = states[k].ticks[i]
    for j, (t_j, c) in enumerate(
        zip(states[k + 1].ticks, states[k + 1].error, strict=True)
    ):
        if t_i < t_j:
            b = weight(after, i, j) if kind == "symmetric" else layer.feedback[i][j]
            x = sat32(x + int32(c * b * after.kernel_slope[t_j - t_i]))
    return x


def hidden_errors(network, k, states, label):
    """c of hidden layer k; counts silence [6]."""
    layer, state = network.layers[k], states[k]
    errors = []
    for i, (t, v) in enumerate(zip(state.ticks, state.slope, strict=True)):
        if t < network.n_ticks:
            layer.silence[i] = max(0, layer.silence[i] - 1)
            if not network.learn_from <= t < network.learn_until:
                errors.append(0)
                continue
            x = fed_back(network, k, states, label, i)
            c = rounded(x, layer.error_shift + log_slope(layer, v))
            errors.append(clip(c, 8191))
        else:
            layer.silence[i] = min(255, layer.silence[i] + 3)
            errors.append(network.push if layer.silence[i] > 60 else 0)
    return errors


# -- Learning [7] ------------------------------------------------------------------


class Sums:
    """G of a layer: the rows that are marked, by input."""

    def __init__(self, layer):
        self.layer = layer
        self.rows = {}

    def add(self, state, spikes):
        if not any(state.error):
            return
        for t_i, i in spikes:
            if i >= len(self.layer.weights) - self.layer.n_fixed:
                continue
            row = self.rows.setdefault(i, [0] * n_out(self.layer))
            for j, (t_j, c) in enumerate(zip(state.ticks, state.error, strict=True)):
                if t_i < t_j:
                    row[j] = int32(row[j] + c * self.layer.kernel[t_j - t_i])


def update(layer, sums, is_floor):
    """Move the weights of the marked rows."""
    L = layer.rate_shift
    for i in sorted(sums.rows):
        for j, G in enumerate(sums.rows[i]):
            r = 0
            if not is_floor:
                layer.lfsr[j] = step(layer.lfsr[j])
                r = layer.lfsr[j] << (L - 16) if L > 16 else layer.lfsr[j] >> (16 - L)
            G = sat32(G - int32(layer.decay * (weight(layer, i, j) - layer.rest)))
            dW = clip(sat32(G + r) >> L, 32767)
            layer.weights[i][j] = clip(layer.weights[i][j] + dW, layer.max_stored)


class Twin:
    """A network that infers and learns; the one it is made from stays as it is."""

    def __init__(self, network):
        self.network = plain(network)
        for layer in self.network.layers:
            assert layer.max_stored % 2**layer.fraction == 0
            assert all(abs(W) <= layer.max_stored for row in layer.weights for W in row)

    def _run(self, spikes):
        """States of the layers, and the spikes that each of them saw."""
        network, states, seen = self.network, [], [spikes]
        for k, layer in enumerate(network.layers):
            if k > 0:
                ticks = states[-1].ticks
                seen.append(input_spikes(layer, network.n_ticks, ticks))
            states.append(run_layer(layer, network.n_ticks, seen[-1]))
        return states, seen

    def infer(self, ticks):
        """The states of the layers, and the neuron that decides."""
        first, end = self.network.layers[0], self.network.n_ticks
        states, _ = self._run(input_spikes(first, end, plain(ticks)))
        return states, decide(states[-1])

    def drop_inputs(self, spikes):
        """The input spikes that are not deleted."""
        network, left = self.network, []
        if network.drop == 0:
            return spikes
        for t, i in spikes:
            if network.may_drop[i]:
                for _ in range(8):
                    network.lfsr[0] = step(network.lfsr[0])
                if network.lfsr[0] % 256 < network.drop:
                    continue
            left.append((t, i))
        return left

    def learn(self, batch, labels):
        """Learn from a batch: lists of ticks of input channels, and their labels.

        Returns the states of the layers and the decision, for each sample.
        """
        network = self.network
        layers = network.layers
        assert len(batch) <= 2048
        sums = [Sums(layer) for layer in layers]
        results = []
        for ticks, label in zip(plain(batch), plain(labels), strict=True):
            spikes = self.drop_inputs(input_spikes(layers[0], network.n_ticks, ticks))
            states, seen = self._run(spikes)
            states[-1].error = output_errors(network, states[-1], label)
            for k in reversed(range(len(layers) - 1)):
                states[k].error = hidden_errors(network, k, states, label)
            for G, state, spikes in zip(sums, states, seen, strict=True):
                G.add(state, spikes)
            results.append((states, decide(states[-1])))
        for layer, G in zip(layers, sums, strict=True):
            update(layer, G, network.is_floor)
        return results

    def state(self):
        """What learning changes, as lists."""
        layers = self.network.layers
        return {
            "weights": [[list(row) for row in layer.weights] for layer in layers],
            "lfsr": [*(list(layer.lfsr) for layer in layers), list(self.network.lfsr)],
            "silence": [list(layer.silence) for layer in layers],
        }


# -- To compare with ---------------------------------------------------------------


@dataclass
class Lesson:
    """What the twin learned: batches (ticks, labels), and after each of them what it
    returned and its state."""

    network: object
    batches: list
    results: list
    after: list

    @classmethod
    def of(cls, network, batches):
        twin, results, after = Twin(network), [], []
        for ticks, labels in batches:
            results.append(twin.learn(ticks, labels))
            after.append(twin.state())
        return cls(network, batches, results, after)

    def replay(self, learner):
        """Insist that something with the methods of a `Twin` gets the same bits."""
        for (ticks, labels), results, after in self._steps():
            assert learner.learn(ticks, labels) == results
            assert learner.state() == after

    def replay_states(self, learner):
        """The same for one that only returns how many samples it decided rightly."""
        for (ticks, labels), results, after in self._steps():
            decisions = [decision for _, decision in results]
            assert learner.learn(ticks, labels) == sum(map(eq, decisions, labels))
            assert learner.state() == after

    def _steps(self):
        return zip(self.batches, self.results, self.after, strict=True)
