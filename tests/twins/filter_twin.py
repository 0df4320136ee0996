"""Bands of Butterworth filters, from their poles and by difference equations.

A filter of second order has the poles exp(+-3 pi i / 4) in the s plane. A low-pass of
the corner W has them times W; a band-pass from W1 to W2 has, for each p, the roots of
s^2 - p (W2 - W1) s + W1 W2. The bilinear transform z = (2 + s) / (2 - s) makes poles of
difference equations of them, where a frequency of f cycles for each value of the signal
is W = 2 tan(pi f).
"""

import numpy as np

POLE = np.exp(0.75j * np.pi)


def warped(frequency):
    """W of a frequency [cycles / value]."""
    return 2 * np.tan(np.pi * frequency)


def section(values, pole, zeros, gain):
    """y[n] = x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2], times a gain.

    a and b are the polynomials with the zeros, and with the pole and its conjugate.
    """
    z = (2 + pole) / (2 - pole)
    a1, a2 = -2 * z.real, abs(z) ** 2
    b1, b2 = -sum(zeros), np.prod(zeros)
    out = np.zeros(len(values))
    for n in range(len(values)):
        out[n] = values[n]
        if n > 0:
            out[n] += b1 * values[n - 1] - a1 * out[n - 1]
        if n > 1:
            out[n] += b2 * values[n - 2] - a2 * out[n - 2]
    return gain * out


def bandpass(values, low, high):
    """A signal (n_times,) between two frequencies, from rest."""
    w1, w2 = warped(low), warped(high)
    for pole in np.roots([1, -POLE * (w2 - w1), w1 * w2]):
        # Each section has zeros at s = 0 and infinity, and the gain of (W2 - W1) s.
        gain = 2 * (w2 - w1) / abs(2 - pole) ** 2
        values = section(values, pole, (1, -1), gain)
    return values


def lowpass(values, corner):
    """A signal (n_times,) below a frequency, from rest."""
    w = warped(corner)
    return section(values, w * POLE, (-1, -1), w**2 / abs(2 - w * POLE) ** 2)


def gain(frequency, low, high):
    """|H| of a band-pass at a frequency: that of Butterworth, at W."""
    w, w1, w2 = warped(frequency), warped(low), warped(high)
    return 1 / np.sqrt(1 + ((w**2 - w1 * w2) / (w * (w2 - w1))) ** 4)
