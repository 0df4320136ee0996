"""Tables and numbers of a network in integers, computed once from real parameters.

Decimal arithmetic makes them the same on every platform, which the exponentials of a C
library need not be. From then on everything is an integer.
"""

from decimal import Decimal, localcontext
from functools import lru_cache

import numpy as np

from .decimals import DIGITS, floor, log2, nearest, snap
from .network import MAX_LEVELS, MAX_TICKS, N_SLOPES
from .shifts import NO_SHIFTS, gain

_MIN_THRESHOLD = 16  # units of the membrane
_MIN_ERROR_SHIFT = 5  # even a slope of 2^-4 then leaves a shift to the right
_ERROR_BITS = 2  # errors of hidden neurons have so many more than those of outputs


class _Kappa:
    """The response kappa of the membrane and its derivative; times are real numbers."""

    def __init__(self, neuron):
        self.mem, self.syn = Decimal(neuron.tau_mem), Decimal(neuron.tau_syn)
        # No peak counts as later than this, the same as in LIF.peak_delay.
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
        """The factors by which membrane and synaptic current decay within t."""
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
        """The derivative of kappa at t."""
        leak, decay = self.decays(t)
        if self.mem.is_infinite():
            return decay / self.syn
        if self.mem == self.syn:
            return (1 - t / self.syn) * decay / self.syn
        factor = self.mem / (self.mem - self.syn)
        return factor * (decay / self.syn - leak / self.mem)


@lru_cache(maxsize=64)
def time_tables(neuron, tick, n_ticks, kernel, shifts=NO_SHIFTS):
    """Tables (n_ticks + 1,) of a layer by elapsed ticks, section 2.

    They are fields of `FixedLayer` by name, read-only, since layers share them; those
    that `shifts`, see `shifts.realise`, replace are empty. `kernel` is that of the
    local rule, "table" or "linear".
    """
    with localcontext(prec=DIGITS):
        kappa = _Kappa(neuron)
        tick = Decimal(tick)
        times = [d * tick for d in range(n_ticks + 1)]
        tabulated = times if shifts == NO_SHIFTS else []
        decays = [kappa.decays(t) for t in tabulated]
        tables = {
            "decay_mem": [min(32767, floor(leak * 2**15)) for leak, _ in decays],
            "decay_syn": [min(32767, floor(decay * 2**15)) for _, decay in decays],
            "kappa": [min(32767, floor(kappa(t) * 2**15)) for t in tabulated],
        }
        peak, height, syn = kappa.peak, kappa.height, kappa.syn
        if kernel == "table":
            learned = [min(127, nearest(127 * kappa(t) / height)) for t in times]
            slopes = [nearest(127 * syn * kappa.slope(t)) for t in times]
        else:
            peaks = [t / peak for t in times]
            learned = [nearest(127 * max(0, min(x, (4 - x) / 3))) for x in peaks]
            rising = nearest(127 * syn * height / peak)
            falling = nearest(-127 * syn * height / (3 * peak))
            peaks = [snap(x) for x in peaks]
            slopes = [rising if x < 1 else falling if x < 4 else 0 for x in peaks]
        learned[0] = slopes[0] = 0
        tables["kernel"] = learned
        tables["kernel_slope"] = [max(-127, min(127, slope)) for slope in slopes]
    kernels = "kernel", "kernel_slope"
    return {
        name: _read_only(table, np.int8 if name in kernels else np.int16)
        for name, table in tables.items()
    }


def _read_only(values, dtype):
    array = np.array(values, dtype)
    array.flags.writeable = False
    return array


def layer_numbers(neuron, levels, shifts=NO_SHIFTS):
    """Numbers of a layer, section 2: fields of `FixedLayer` by name.

    `levels` are least bits of a weight in the unit threshold / (e kappa_p). Raises
    ValueError if the membrane is too fast for the threshold to be a large enough
    integer.
    """
    with localcontext(prec=DIGITS):
        kappa = _Kappa(neuron)
        e = Decimal(1).exp()
        levels = Decimal(levels)
        shift = floor(log2(MAX_LEVELS / levels))
        unit = e * kappa.height * gain(shifts)
        threshold = nearest(unit * levels * Decimal(2) ** shift)
        if threshold < _MIN_THRESHOLD:
            raise ValueError(
                f"tau_mem={neuron.tau_mem:g} is too short beside tau_syn="
                f"{neuron.tau_syn:g} for arithmetic='fixed': the threshold would be "
                f"{threshold} units of the membrane"
            )
        shortest = min(kappa.mem, kappa.syn)
        bounds = [
            nearest(factor * shortest / kappa.syn / 2)
            for factor in (
                threshold * Decimal(2) ** (m - Decimal("3.5")) for m in range(N_SLOPES)
            )
        ]
        return {
            "current_shift": shift,
            "threshold": threshold,
            "syn_shift": shifts[0],
            "mem_shift": shifts[1],
            "slope_syn": floor(2**14 * shortest / kappa.syn),
            "slope_mem": -floor(2**14 * shortest / kappa.mem),
            "slope_bounds": np.minimum(bounds, 32767).astype(np.int16),
        }


def error_shift(neuron, levels, *, is_from_output):
    """The shift of the errors of a hidden layer, and the gain that it leaves.

    `neuron` and `levels` are those of the layer that errors come from; the gain is that
    of errors in the unit of those that they are made from.
    """
    with localcontext(prec=DIGITS):
        scale = 127 * Decimal(1).exp() * _Kappa(neuron).height * Decimal(levels)
        shift = nearest(log2(scale)) - is_from_output * _ERROR_BITS
        shift = max(_MIN_ERROR_SHIFT, shift)
        return shift, float(scale / 2**shift)


@lru_cache(maxsize=64)
def softmax_table(time_scale, tick):
    """256 exp(-d tick / time_scale) for d = 0, 1, ..., up to the last that is not 0."""
    with localcontext(prec=DIGITS):
        entries, ratio = [], Decimal(tick) / Decimal(time_scale)
        while len(entries) < MAX_TICKS:
            entry = nearest(256 * (-len(entries) * ratio).exp())
            if entry == 0:
                break
            entries.append(entry)
    return _read_only(entries, np.uint16)


def reciprocal_table():
    """2^15 / (128 + m) for m = 0 ... 127."""
    m = np.arange(128, 256)
    return ((2**16 + m) // (2 * m)).astype(np.uint16)


def silent_delay(neuron, threshold, tick):
    """Ticks, in 2^-15, for each unit of membrane that a silent output missed."""
    with localcontext(prec=DIGITS):
        delay = Decimal(2**16) * Decimal(neuron.tau_syn) / Decimal(tick) / threshold
        return min(65535, nearest(delay))
