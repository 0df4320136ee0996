"""Slow, obvious witnesses for spike times and their derivatives.

The first half computes with 50 decimal digits and no approximation: every float given
is taken as the exact binary number it is. One neuron at a time.

The second half holds closed forms in float64 for three ratios of the time constants,
after Göltz et al. (2021) for the first two: Lambert W for equal time constants, a
quadratic for tau_mem = 2 tau_syn, a logarithm for a membrane without leak. Each tries
every causal prefix of the sorted inputs and keeps the first consistent answer.
"""

from typing import NamedTuple

import mpmath
import numpy as np
from mpmath import mp, mpf
from scipy.special import lambertw

DIGITS = 50


# --------------------------------------------------------------- 50 digits, any ratio


class Spike(NamedTuple):
    """Outcome of one neuron, as mpmath numbers.

    ``u_max`` is the supremum of the membrane over all times, as if a spike did not
    reset it. ``margin`` is the distance from the threshold to the nearest of the local
    maxima that decide the first crossing: all those before it and the next one after
    it. Arithmetic whose error exceeds the margin may decide differently.
    """

    time: mpf
    slope: mpf
    u_max: mpf
    margin: mpf


class _Membrane:
    """Propagator of the two differential equations between inputs."""

    def __init__(self, tau_mem, tau_syn):
        self.rate_mem = mpf(0) if tau_mem == mpmath.inf else 1 / mpf(tau_mem)
        self.rate_syn = 1 / mpf(tau_syn)
        self.gap = self.rate_syn - self.rate_mem

    def decay(self, d):
        return mp.exp(-self.rate_mem * d), mp.exp(-self.rate_syn * d)

    def kappa(self, d):
        """Response to a unit input a time d ago, and its derivative."""
        mem, syn = self.decay(d)
        if self.gap:
            value = self.rate_syn / self.gap * (mem - syn)
        else:
            value = self.rate_syn * d * syn
        return value, self.rate_syn * syn - self.rate_mem * value

    def after(self, u, current, d):
        """Membrane and current a time d after they were u and current."""
        mem, syn = self.decay(d)
        if self.gap:
            value = self.rate_syn / self.gap * (mem - syn)
        else:
            value = self.rate_syn * d * syn
        return u * mem + current * value, current * syn

    def slope(self, u, current):
        return self.rate_syn * current - self.rate_mem * u

    def limit(self, u, current):
        return mpf(0) if self.rate_mem else u + current

    def time_of_maximum(self, u, current):
        """Time from here to the maximum of a rising membrane; inf if it has none."""
        if not self.rate_mem or current <= 0:
            return mp.inf
        if not self.gap:
            return (1 - u / current) / self.rate_syn
        ratio = self.rate_syn * current
        rest = self.rate_mem * (u * self.gap / self.rate_syn + current)
        # A quotient that is not positive means that the slope never changes its sign.
        if ratio / rest <= 0:
            return mp.inf
        d = mp.log(ratio / rest) / self.gap
        return d if d > 0 else mp.inf


def _digits(tau_mem, tau_syn):
    near_one = abs(tau_mem - tau_syn) < 1e-2 * tau_syn
    # Divided differences lose as many digits as the ratio has zeros after its one,
    # once in kappa and once more in the logarithm: at most 16 each.
    return DIGITS + (45 if near_one else 15)


def _present(times, weights):
    pairs = [(float(t), float(w)) for t, w in zip(times, weights, strict=True)]
    return sorted(pair for pair in pairs if pair[0] != np.inf)


def _intervals(times, weights, membrane):
    """(start, length, u, current) from each input to the next; the last is endless."""
    pairs = _present(times, weights)
    u = current = mpf(0)
    for k, (time, weight) in enumerate(pairs):
        current += mpf(weight)
        if k + 1 == len(pairs):
            yield mpf(time), mp.inf, u, current
        elif pairs[k + 1][0] > time:
            length = mpf(pairs[k + 1][0]) - mpf(time)
            yield mpf(time), length, u, current
            u, current = membrane.after(u, current, length)


def _scan(times, weights, membrane, threshold):
    """Local maxima [(time, u)] of the membrane and the first crossing or None."""
    maxima = []
    crossing = None
    rising_to = None
    for start, length, u, current in _intervals(times, weights, membrane):
        if membrane.slope(u, current) <= 0:
            # A falling membrane stays below where it starts, or below zero.
            if rising_to is not None:
                maxima.append(rising_to)
            rising_to = None
            continue
        to_maximum = min(membrane.time_of_maximum(u, current), length)
        if to_maximum == mp.inf:
            top = membrane.limit(u, current)
        else:
            top, _ = membrane.after(u, current, to_maximum)
        rising_to = (start + to_maximum, top)
        if to_maximum < length or (length == mp.inf and not membrane.rate_mem):
            maxima.append(rising_to)
            rising_to = None
        reached = top >= threshold if to_maximum < mp.inf else top > threshold
        if crossing is None and reached:
            d, slope = _newton(membrane, u, current, to_maximum, threshold)
            crossing = (start + d, slope)
    return maxima, crossing


def _newton(membrane, u, current, to_maximum, threshold):
    """Newton's method from the left end: u is concave where it rises to a threshold."""
    d = mpf(0)
    accuracy = mpf(10) ** -(DIGITS - 2) / membrane.rate_syn
    for _ in range(1000):
        u_now, current_now = membrane.after(u, current, d)
        slope = membrane.slope(u_now, current_now)
        if slope <= 0:
            break
        step = (threshold - u_now) / slope
        if d + step >= to_maximum:
            step = to_maximum - d
        d += step
        if abs(step) <= accuracy:
            break
    _, current_now = membrane.after(u, current, d)
    return d, membrane.slope(threshold, current_now)


def first_spike(times, weights, tau_mem, tau_syn, threshold):
    """First spike of one neuron as a `Spike`; a silent one has time inf and slope 0."""
    with mp.workdps(_digits(tau_mem, tau_syn)):
        membrane = _Membrane(tau_mem, tau_syn)
        threshold = mpf(threshold)
        maxima, crossing = _scan(times, weights, membrane, threshold)
        u_max = max([mpf(0)] + [top for _, top in maxima])
        time, slope = crossing or (mp.inf, mpf(0))
        margin = mp.inf
        for when, top in maxima:
            margin = min(margin, abs(top - threshold))
            if when >= time:
                break
        return Spike(time, slope, u_max, margin)


def spike_train(
    times,
    weights,
    tau_mem,
    tau_syn,
    threshold,
    max_spikes,
    refractory=0.0,
    t_max=mp.inf,
):
    """Up to max_spikes spikes of one neuron: a list of (time, slope, margin).

    Times and weights may be mpmath numbers. After a spike the membrane is 0 for the
    refractory time; the current goes on. The margin is the distance from the threshold
    to the nearest local maximum since the spike before, see `Spike`.
    """
    with mp.workdps(_digits(float(tau_mem), float(tau_syn))):
        membrane = _Membrane(tau_mem, tau_syn)
        threshold, refractory = mpf(threshold), mpf(refractory)
        events = sorted(
            (t, w) for t, w in zip(times, weights, strict=True) if t < mp.inf
        )
        spikes = []
        now, u, current, n = mpf(0), mpf(0), mpf(0), 0
        margin = mp.inf
        while n < len(events) and len(spikes) < max_spikes:
            time, weight = mpf(events[n][0]), mpf(events[n][1])
            if n:
                u, current = membrane.after(u, current, time - now)
            now, current, n = time, current + weight, n + 1
            while len(spikes) < max_spikes:
                length = events[n][0] - now if n < len(events) else mp.inf
                if membrane.slope(u, current) <= 0:
                    break
                to_maximum = min(membrane.time_of_maximum(u, current), length)
                if to_maximum == mp.inf:
                    top = membrane.limit(u, current)
                else:
                    top, _ = membrane.after(u, current, to_maximum)
                if to_maximum < length or length == mp.inf:
                    margin = min(margin, abs(top - threshold))
                if top < threshold or (to_maximum == mp.inf and top == threshold):
                    break
                d, slope = _newton(membrane, u, current, to_maximum, threshold)
                if now + d >= t_max:
                    return spikes
                spikes.append((now + d, slope, margin))
                margin = mp.inf
                _, current = membrane.after(u, current, d)
                now, u = now + d, mpf(0)
                # The membrane stays at 0 while the current decays and inputs arrive.
                end = now + refractory
                while n < len(events) and events[n][0] < end:
                    current *= membrane.decay(events[n][0] - now)[1]
                    now, current = mpf(events[n][0]), current + mpf(events[n][1])
                    n += 1
                current *= membrane.decay(end - now)[1]
                now = end
        return spikes


def potential(times, weights, t, tau_mem, tau_syn):
    """Membrane at time t, straight from its definition as a sum over inputs."""
    with mp.workdps(_digits(tau_mem, tau_syn)):
        total = mpf(0)
        for time, weight in _present(times, weights):
            d = t - mpf(time)
            if d <= 0:
                break
            syn = mp.exp(-d / mpf(tau_syn))
            if tau_mem == tau_syn:
                kappa = d / mpf(tau_syn) * syn
            elif tau_mem == np.inf:
                kappa = 1 - syn
            else:
                factor = mpf(tau_mem) / (mpf(tau_mem) - mpf(tau_syn))
                kappa = factor * (mp.exp(-d / mpf(tau_mem)) - syn)
            total += mpf(weight) * kappa
        return total


def membrane_with_resets(
    times, weights, at, tau_mem, tau_syn, spikes=(), refractory=0.0
):
    """Membrane of one neuron at time `at`, by a walk from event to event.

    Membrane and current are carried from each input, reset and end of a refractory time
    to the next one. A reset at `at` itself has not happened yet.
    """
    with mp.workdps(_digits(float(tau_mem), float(tau_syn))):
        membrane = _Membrane(tau_mem, tau_syn)
        at = mpf(at)
        # Of what happens at the same time, the end of a refractory time comes last.
        events = [(mpf(t), 0, mpf(w)) for t, w in _present(times, weights) if t < at]
        for spike in spikes:
            if spike < at:
                end = mpf(spike) + mpf(refractory)
                events += [(mpf(spike), 1, None)]
                events += [(end, 2, None)] if end < at else []
        u = current = mpf(0)
        now, is_held = None, False
        for time, kind, weight in [*sorted(events), (at, 3, None)]:
            if now is not None:
                u, current = membrane.after(u, current, time - now)
            u = mpf(0) if is_held or kind == 1 else u
            current += weight if kind == 0 else 0
            is_held = kind == 1 or (is_held and kind != 2)
            now = time
        return u


def local_maxima(times, weights, tau_mem, tau_syn):
    """Local maxima [(time, u)] of the membrane of a neuron that never fires."""
    with mp.workdps(_digits(tau_mem, tau_syn)):
        return _scan(times, weights, _Membrane(tau_mem, tau_syn), mp.inf)[0]


class Derivatives(NamedTuple):
    """Derivatives of one spike time, float64, and the slope of the membrane there."""

    times: np.ndarray
    weights: np.ndarray
    slope: float


def vjp(times, weights, spike, tau_mem, tau_syn, threshold, min_slope=0.0):
    """Derivatives of the spike time of one neuron at the given time."""
    by_time = np.zeros(len(times))
    by_weight = np.zeros(len(times))
    if spike == np.inf:
        return Derivatives(by_time, by_weight, 0.0)
    with mp.workdps(_digits(tau_mem, tau_syn)):
        membrane = _Membrane(tau_mem, tau_syn)
        causal = [i for i, t in enumerate(times) if t < spike]
        now = mpf(float(spike))
        kernel = [membrane.kappa(now - mpf(float(times[i]))) for i in causal]
        weight = [mpf(float(weights[i])) for i in causal]
        slope = mp.fsum(w * k[1] for w, k in zip(weight, kernel, strict=True))
        divisor = slope
        if min_slope > 0:
            floor = mpf(min_slope) * mpf(threshold) * membrane.rate_syn
            divisor = max(slope, floor)
        for i, w, (value, derivative) in zip(causal, weight, kernel, strict=True):
            by_time[i] = float(w * derivative / divisor)
            by_weight[i] = float(-value / divisor)
        return Derivatives(by_time, by_weight, float(slope))


# -------------------------------------------------------- closed forms in float64


def _first_consistent(times, candidates):
    """The first prefix of each neuron whose own answer falls before the next input."""
    following = np.append(times[1:], np.inf)[:, None]
    # NaN marks a prefix that never reaches the threshold and compares false.
    valid = (candidates > times[:, None]) & (candidates <= following)
    fires = valid.any(axis=0)
    prefix = np.where(fires, valid.argmax(axis=0), 0)
    spikes = np.where(fires, candidates[prefix, np.arange(prefix.size)], np.inf)
    return spikes, np.where(fires, prefix, -1), prefix


def _lambert(x, w, threshold):
    """Equal time constants, x = t / tau: (a x - b) exp(-x) = threshold."""
    a = np.cumsum(w * np.exp(x), axis=0)
    b = np.cumsum(w * x * np.exp(x), axis=0)
    z = -threshold / a * np.exp(b / a)
    z = np.where((a > 0) & (z >= -np.exp(-1)), z, np.nan)
    # The principal branch is the crossing on the way up.
    return b / a - lambertw(z).real, (a, b)


def _lambert_partials(x, w, threshold, a, b):
    z = -threshold / a * np.exp(b / a)
    lam = lambertw(z).real
    by_a = -b / a**2 + lam / (1 + lam) * (1 / a + b / a**2)
    by_b = 1 / (a * (1 + lam))
    e = np.exp(x)
    return (by_a + by_b * x) * e, (by_a + by_b * (1 + x)) * w * e


def _quadratic(x, w, threshold):
    """tau_mem = 2 tau_syn, y = exp(-t / tau_mem): 2 (a y - b y^2) = threshold."""
    a = np.cumsum(w * np.exp(x / 2), axis=0)
    b = np.cumsum(w * np.exp(x), axis=0)
    root = a**2 - 2 * b * threshold
    root = np.sqrt(np.where((b > 0) & (root >= 0), root, np.nan))
    # The larger y is the earlier time.
    y = (a + root) / (2 * b)
    return -2 * np.log(np.where(y > 0, y, np.nan)), (a, b)


def _quadratic_partials(x, w, threshold, a, b):
    root = np.sqrt(a**2 - 2 * b * threshold)
    by_a = -2 / root
    by_b = 2 / b + 2 * threshold / (root * (a + root))
    e, half = np.exp(x), np.exp(x / 2)
    return by_a * half + by_b * e, w * (by_a * half / 2 + by_b * e)


def _logarithm(x, w, threshold):
    """No leak, x = t / tau_syn: a - b exp(-x) = threshold."""
    a = np.cumsum(w, axis=0)
    b = np.cumsum(w * np.exp(x), axis=0)
    y = np.where((a > threshold) & (b > 0), b / (a - threshold), np.nan)
    return np.log(y), (a, b)


def _logarithm_partials(x, w, threshold, a, b):
    by_a = -1 / (a - threshold)
    by_b = 1 / b
    e = np.exp(x)
    return by_a + by_b * e, w * by_b * e


CLOSED_FORMS = {
    "equal": (1.0, _lambert, _lambert_partials),
    "double": (2.0, _quadratic, _quadratic_partials),
    "nonleaky": (np.inf, _logarithm, _logarithm_partials),
}


def _solve(regime, times, weights, tau_syn, threshold):
    """Spikes of one sample, sorted inputs, last causal input and sums per neuron."""
    _, candidates_of, _ = CLOSED_FORMS[regime]
    order = np.argsort(times)
    order = order[times[order] < np.inf]
    if order.size == 0:
        return np.full(weights.shape[1], np.inf), order, None, None, None
    x = (times[order] - times[order[0]]) / tau_syn
    with np.errstate(all="ignore"):
        candidates, sums = candidates_of(x[:, None], weights[order], threshold)
    relative, last, prefix = _first_consistent(x, candidates)
    sums = [s[prefix, np.arange(prefix.size)] for s in sums]
    return times[order[0]] + tau_syn * relative, order, x, last, sums


def closed_form_first_spike(regime, times, weights, tau_syn, threshold):
    """Spike times (n_samples, n_out) of a layer."""
    return np.array(
        [_solve(regime, row, weights, tau_syn, threshold)[0] for row in times]
    ).reshape(len(times), weights.shape[1])


def closed_form_vjp(regime, times, weights, grad_spikes, tau_syn, threshold):
    """Gradients of times and weights at the layer's own spikes."""
    grad_times = np.zeros(times.shape)
    grad_weights = np.zeros(weights.shape)
    partials_of = CLOSED_FORMS[regime][2]
    for sample, row in enumerate(times):
        _, order, x, last, sums = _solve(regime, row, weights, tau_syn, threshold)
        for j in range(weights.shape[1] if order.size else 0):
            if last[j] < 0:
                continue
            causal = order[: last[j] + 1]
            w = weights[causal, j]
            a, b = sums[0][j], sums[1][j]
            by_weight, by_time = partials_of(x[: causal.size], w, threshold, a, b)
            grad_weights[causal, j] += grad_spikes[sample, j] * tau_syn * by_weight
            grad_times[sample, causal] += grad_spikes[sample, j] * by_time
    return grad_times, grad_weights
