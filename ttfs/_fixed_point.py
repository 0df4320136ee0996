"""Networks in integers: what a model of docs/fixed_point.md consists of.

The tables are computed here, once, from real parameters; from then on everything is an
integer. Decimal arithmetic makes the tables the same on every platform, which the
exponentials of a C library need not be.
"""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, localcontext
from functools import lru_cache

import numpy as np

N_SLOPES = 10  # bounds between the powers of two of a slope
MOST_SAMPLES = 2048  # of a batch, TTFS_FIXED_MOST_SAMPLES
MOST_NEURONS = 65_504  # of a layer, and its inputs
MOST_TICKS = 16_384
FEEDBACKS = ("symmetric", "random", "direct", "target")

MOST_LEVELS = 2048  # fx16 that `levels` least bits of a weight make, at most
_LEAST_THRESHOLD = 16  # of the membrane
_LEAST_ERROR_SHIFT = 5  # with s = -4 it still is a shift to the right
_ERROR_BITS = 2  # that errors of hidden neurons have more than those of outputs


@dataclass
class FixedLayer:
    """Integers of a layer, named as in include/ttfs_fixed.h.

    Weights are accumulators (n_in, n_out), biases last: `FixedLayer.integers` gives the
    weights themselves, the upper bits.
    """

    weights: np.ndarray  # int16 (n_in, n_out)
    bias_ticks: np.ndarray  # uint16 (n_bias,)
    fraction: int
    current_shift: int
    threshold: int
    decay_mem: np.ndarray  # int16 (n_ticks + 1,)
    decay_syn: np.ndarray  # int16 (n_ticks + 1,)
    rise: np.ndarray  # int16 (n_ticks + 1,)
    slope_mem: int
    slope_syn: int
    slope_bounds: np.ndarray  # int16 (N_SLOPES,)
    # For learning only:
    kernel: np.ndarray  # int8 (n_ticks + 1,)
    kernel_slope: np.ndarray  # int8 (n_ticks + 1,)
    most: int  # greatest stored weight
    rest: int
    decay: int
    rate_shift: int
    error_shift: int
    feedback: np.ndarray | None  # int16
    lfsr: np.ndarray  # uint16 (n_out,)
    silence: np.ndarray  # uint8 (n_out,)

    def integers(self):
        """The weights: the upper bits of the accumulators, rounded."""
        half = (1 << self.fraction) >> 1
        return ((self.weights.astype(np.int32) + half) >> self.fraction).astype(
            np.int16
        )


@dataclass
class FixedNetwork:
    """Integers of a network, named as in include/ttfs_fixed.h."""

    layers: list[FixedLayer]
    n_ticks: int
    silent_delay: int
    # For learning only:
    softmax: np.ndarray  # uint16 (n_softmax,)
    reciprocal: np.ndarray  # uint16 (128,)
    gain: int
    push: int
    feedback: str  # one of FEEDBACKS
    is_floor: bool
    drop: int  # 256 times the probability
    may_drop: np.ndarray  # uint8 (n_in of the first layer,)
    lfsr: np.ndarray  # uint16 (1,)


# -- Tables ------------------------------------------------------------------------


_DIGITS = 40
_EXACT = Decimal("1e-25")  # nearer to a fraction than this is that fraction


def _snap(x):
    """What is exact on paper, free of rounding errors: ties are ties."""
    return x.quantize(_EXACT)


def _floor(x):
    return int(_snap(x).to_integral_value(ROUND_FLOOR))


def _nearest(x):
    """Rounded to nearest, halves up."""
    return _floor(x + Decimal("0.5"))


def _log2(x):
    return x.ln() / Decimal(2).ln()


class _Kappa:
    """kappa and its derivative, in decimal arithmetic; times are real."""

    def __init__(self, neuron):
        self.mem, self.syn = Decimal(neuron.tau_mem), Decimal(neuron.tau_syn)
        # As in the limit of LIF.peak_delay: nothing peaks later than this.
        latest = 2 * self.syn
        if self.mem.is_infinite():
            self.peak = latest
        elif self.mem == self.syn:
            self.peak = self.syn
        else:
            rates = 1 / self.syn - 1 / self.mem
            self.peak = min(latest, (self.mem / self.syn).ln() / rates)
        self.height = self(self.peak)

    def decays(self, t):
        leak = Decimal(1) if self.mem.is_infinite() else (-t / self.mem).exp()
        return leak, (-t / self.syn).exp()

    def __call__(self, t):
        leak, decay = self.decays(t)
        if self.mem.is_infinite():
            return 1 - decay
        if self.mem == self.syn:
            return t / self.syn * decay
        return self.mem / (self.mem - self.syn) * (leak - decay)

    def slope(self, t):
        leak, decay = self.decays(t)
        if self.mem.is_infinite():
            return decay / self.syn
        if self.mem == self.syn:
            return (1 - t / self.syn) * decay / self.syn
        factor = self.mem / (self.mem - self.syn)
        return factor * (decay / self.syn - leak / self.mem)


@lru_cache(maxsize=64)
def _tables(neuron, tick, n_ticks, kernel):
    """Tables of a layer by elapsed ticks, and its kappa; section 2."""
    with localcontext() as context:
        context.prec = _DIGITS
        kappa = _Kappa(neuron)
        tick = Decimal(tick)
        times = [d * tick for d in range(n_ticks + 1)]
        decays = [kappa.decays(t) for t in times]
        tables = {
            "decay_mem": [min(32767, _floor(leak * 2**15)) for leak, _ in decays],
            "decay_syn": [min(32767, _floor(decay * 2**15)) for _, decay in decays],
            "rise": [min(32767, _floor(kappa(t) * 2**15)) for t in times],
        }
        peak, height, syn = kappa.peak, kappa.height, kappa.syn
        if kernel == "table":
            learned = [min(127, _nearest(127 * kappa(t) / height)) for t in times]
            slopes = [_nearest(127 * syn * kappa.slope(t)) for t in times]
        else:
            peaks = [t / peak for t in times]
            learned = [_nearest(127 * max(0, min(x, (4 - x) / 3))) for x in peaks]
            rising = _nearest(127 * syn * height / peak)
            falling = _nearest(-127 * syn * height / (3 * peak))
            peaks = [_snap(x) for x in peaks]
            slopes = [rising if x < 1 else falling if x < 4 else 0 for x in peaks]
        learned[0] = slopes[0] = 0
        tables["kernel"] = learned
        tables["kernel_slope"] = [max(-127, min(127, slope)) for slope in slopes]
    dtypes = {"kernel": np.int8, "kernel_slope": np.int8}
    arrays = {
        name: np.array(table, dtypes.get(name, np.int16))
        for name, table in tables.items()
    }
    for array in arrays.values():
        array.flags.writeable = False
    return arrays, kappa


@lru_cache(maxsize=64)
def softmax_table(time_scale, tick):
    """256 exp(-d tick / time_scale), up to the last entry that is not 0."""
    with localcontext() as context:
        context.prec = _DIGITS
        entries, ratio = [], Decimal(tick) / Decimal(time_scale)
        while len(entries) < MOST_TICKS:
            entry = _nearest(256 * (-len(entries) * ratio).exp())
            if entry == 0:
                break
            entries.append(entry)
    table = np.array(entries, np.uint16)
    table.flags.writeable = False
    return table


def reciprocal_table():
    """2^15 / (128 + m)."""
    m = np.arange(128, 256)
    return ((2**16 + m) // (2 * m)).astype(np.uint16)


def n_ticks_of(time, tick):
    """Ticks of a time, rounded to nearest."""
    return np.floor(np.asarray(time, float) / tick + 0.5)


def shift_registers(seed, first, n):
    """The initial states of n registers, from number `first` on."""
    numbers = np.arange(first, first + n, dtype=np.int64)
    return (1 + (seed + 40501 * (numbers + 1)) % 65535).astype(np.uint16)


def fixed_layer(
    weights,
    bias_times,
    neuron,
    *,
    levels,
    errors_from,
    is_from_output,
    n_ticks,
    tick,
    kernel,
    weight_bits,
    fraction,
    rest=0,
    feedback=None,
):
    """A layer of section 2.

    Parameters
    ----------
    weights : ndarray of shape (n_in + n_bias, n_out)
        Real, in least bits of a weight.
    bias_times : ndarray of shape (n_bias,)
        In the unit of `tick`.
    neuron : LIF
    levels : float
        Least bits of a weight in the unit threshold / (e kappa_p).
    errors_from : tuple of (LIF, float) or None
        Neuron and levels of the layer that errors come from; None for the output.
    is_from_output : bool
        Whether that is the output layer.

    Returns
    -------
    layer : FixedLayer
    error_gain : float
        Errors of the layer, in the unit of those that they come from.
    """
    arrays, kappa = _tables(neuron, float(tick), n_ticks, kernel)
    with localcontext() as context:
        context.prec = _DIGITS
        e = Decimal(1).exp()
        levels = Decimal(levels)
        shift = _floor(_log2(MOST_LEVELS / levels))
        threshold = _nearest(e * kappa.height * levels * Decimal(2) ** shift)
        if threshold < _LEAST_THRESHOLD:
            raise ValueError(
                f"tau_mem={neuron.tau_mem:g} is too short beside tau_syn="
                f"{neuron.tau_syn:g} for arithmetic='fixed': the threshold would be "
                f"{threshold} units of the membrane"
            )
        shortest = min(kappa.mem, kappa.syn)
        bounds = [
            _nearest(
                threshold
                * Decimal(2) ** (m - Decimal("3.5"))
                * shortest
                / kappa.syn
                / 2
            )
            for m in range(N_SLOPES)
        ]
        slope_syn = _floor(2**14 * shortest / kappa.syn)
        slope_mem = -_floor(2**14 * shortest / kappa.mem)
        error_shift, error_gain = 0, 1.0
        if errors_from is not None:
            after = _Kappa(errors_from[0])
            scale = 127 * e * after.height * Decimal(errors_from[1])
            error_shift = _nearest(_log2(scale)) - is_from_output * _ERROR_BITS
            error_shift = max(_LEAST_ERROR_SHIFT, error_shift)
            error_gain = float(scale / 2**error_shift)
    most = (2**weight_bits - 1) << fraction
    stored = np.clip(np.rint(np.asarray(weights) * 2**fraction), -most, most)
    n_out = stored.shape[1]
    layer = FixedLayer(
        weights=stored.astype(np.int16),
        bias_ticks=np.minimum(n_ticks_of(bias_times, tick), n_ticks).astype(np.uint16),
        fraction=fraction,
        current_shift=shift,
        threshold=threshold,
        slope_mem=slope_mem,
        slope_syn=slope_syn,
        slope_bounds=np.minimum(bounds, 32767).astype(np.int16),
        most=most,
        rest=int(rest),
        decay=0,
        rate_shift=16,
        error_shift=error_shift,
        feedback=feedback,
        lfsr=np.ones(n_out, np.uint16),
        silence=np.zeros(n_out, np.uint8),
        **arrays,
    )
    return layer, error_gain


def silent_delay(neuron, threshold, tick):
    """Ticks for each unit of membrane that a silent output missed, Q0.15."""
    with localcontext() as context:
        context.prec = _DIGITS
        delay = Decimal(2**16) * Decimal(neuron.tau_syn) / Decimal(tick) / threshold
        return min(65535, _nearest(delay))
