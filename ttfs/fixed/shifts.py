"""Decays by shifts: which shift a time constant is, and what the shift realises.

Section 3b of docs/spec/fixed_point.md. In each tick a part 2^-k is lost, so that the
time constant is -tick / ln(1 - 2^-k).
"""

from decimal import Decimal, localcontext
from math import isinf

from ..model import LIF
from .decimals import DIGITS, log2, nearest
from .network import MAX_MEM_SHIFT, MAX_SYN_SHIFT

NO_SHIFTS = 0, 0  # of current and membrane: tables decay

_DEFAULT_SHIFT = 5
_MAX_DEVIATION = 0.1  # of a realised time constant from the one that was asked for


def _rate(shift):
    """The inverse of the time constant of a shift, per tick."""
    return -(1 - Decimal(2) ** -shift).ln()


def default_tick(tau_syn):
    """The tick in which `tau_syn` is a shift of 5, about `tau_syn` / 31.5."""
    with localcontext(prec=DIGITS):
        return float(Decimal(tau_syn) * _rate(_DEFAULT_SHIFT))


def _realised(name, tau, tick, longest):
    """The shift, at most `longest`, next to a time constant; what the shift realises.

    `name` is what the user calls the time constant.
    """
    with localcontext(prec=DIGITS):
        per_tau = Decimal(tau) / Decimal(tick)
        shift = max(1, min(longest, nearest(log2(per_tau))))
        realised = float(Decimal(tick) / _rate(shift))
    if abs(realised - tau) > _MAX_DEVIATION * tau:
        nearest_ticks, tick_of = float(1 / _rate(shift)), float(_rate(shift)) * tau
        # A tick for tau_mem might not do for tau_syn.
        other = f"tick={tick_of:.4g}" if name == "tau_syn" else "another tick"
        raise ValueError(
            f"{name}={tau:g} is {float(per_tau):.4g} ticks of {tick:.4g}, and the "
            f"nearest that decay='shift' can have is {nearest_ticks:.4g}: use "
            f"{name}={realised:.4g} or {other}"
        )
    return shift, realised


def realise(neuron, tick):
    """The shifts (syn, mem) of a neuron, and the neuron that they realise.

    Raises ValueError if a time constant differs by more than a tenth from all that
    shifts realise.
    """
    syn_shift, tau_syn = _realised("tau_syn", neuron.tau_syn, tick, MAX_SYN_SHIFT)
    mem_shift, tau_mem = 0, neuron.tau_mem
    if not isinf(tau_mem):
        mem_shift, tau_mem = _realised("tau_mem", tau_mem, tick, MAX_MEM_SHIFT)
    return (syn_shift, mem_shift), LIF(tau_mem, tau_syn, neuron.threshold)


def gain(shifts):
    """c, the membrane of shifts over kappa of the time constants, a Decimal.

    1 where tables decay. The context of the caller decides the precision.
    """
    syn_shift, mem_shift = shifts
    if syn_shift == 0 or mem_shift == 0:
        return Decimal(1)
    syn, mem = Decimal(2) ** -syn_shift, Decimal(2) ** -mem_shift
    if syn == mem:
        return syn / (1 - syn) / _rate(syn_shift)
    return syn / (syn - mem) * (1 - _rate(mem_shift) / _rate(syn_shift))
