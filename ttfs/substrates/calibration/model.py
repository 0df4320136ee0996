r"""What spike times tell about the parameters of a neuron.

A neuron that fires at t_s obeys u(t_s) = threshold, and inputs and weights are known.
With a = 1 / tau_mem and b = 1 / tau_syn, and m = (a + b) / 2, v = (b - a)^2 / 4,

.. math:: g(t) = \sum_{t_i < t} w_i f(t - t_i) - \psi = 0, \qquad
          f(d) = e^{-m d} \sinh(\sqrt v d) / \sqrt v

with psi = threshold tau_syn, since kappa = b f. So spike times tell psi, m and v,
smoothly and without a gap at equal time constants, and *nothing else*: exchange tau_mem
and tau_syn, and take threshold * tau_syn / tau_mem for the threshold, and no spike
moves. Of the two solutions the fit takes the one that is closer to nominal.

The fit looks for x, the log factors of (threshold, tau_mem, tau_syn) relative to the
nominal neuron. The data speak about phi = (log psi, m, v), relative to the nominal psi.
"""

from math import factorial

import numpy as np
from numpy.polynomial.polynomial import polyval

# Power series in x = v d^2 of cosh(sqrt(x)), of sinh(sqrt(x)) / sqrt(x), and of the
# derivative of the latter; what the series leave out is below 1e-14 up to x = 1.
_COSH = [1 / factorial(2 * k) for k in range(9)]
_SINHC = [1 / factorial(2 * k + 1) for k in range(9)]
_SLOPE = [k / factorial(2 * k + 1) for k in range(1, 9)]


def response(d, m, v):
    """f(d), f'(d), and the derivatives of f with respect to m and v >= 0."""
    x = v * d * d
    cosh, sinhc, slope = (
        polyval(np.minimum(x, 1), c, tensor=False) for c in (_COSH, _SINHC, _SLOPE)
    )
    decay = np.exp(-m * d)
    terms = [decay * cosh, decay * sinhc, decay * slope]
    large = x > 1
    if large.any():
        y = np.sqrt(x[large])
        up, down = (np.exp(sign * y - m * d[large]) / 2 for sign in (1, -1))
        cosh, sinhc = up + down, (up - down) / y
        for term, value in zip(
            terms, (cosh, sinhc, (cosh - sinhc) / (2 * y * y)), strict=True
        ):
            term[large] = value
    cosh, sinhc, slope = terms
    f = d * sinhc
    return f, cosh - m * f, -d * f, d**3 * slope


def phi_of(x, neuron):
    """(log psi, m, v) at x (n, 3), relative to nominal, and d phi / d x."""
    a = np.exp(-x[:, 1]) / neuron.tau_mem
    b = np.exp(-x[:, 2]) / neuron.tau_syn
    h = (b - a) / 2
    phi = np.stack([x[:, 0] + x[:, 2], (a + b) / 2, h * h], axis=1)
    jacobian = np.zeros((len(x), 3, 3))
    jacobian[:, 0, [0, 2]] = 1
    jacobian[:, 1, 1], jacobian[:, 1, 2] = -a / 2, -b / 2
    jacobian[:, 2, 1], jacobian[:, 2, 2] = h * a, -h * b
    return phi, jacobian


def exchanged(x, neuron):
    """Log factors of the other neuron that fires at the same times as the one at x.

    That neuron has tau_mem and tau_syn exchanged.
    """
    if np.isinf(neuron.tau_mem):
        return x
    ratio = np.log(neuron.tau_mem / neuron.tau_syn)
    return np.stack(
        [x[:, 0] + x[:, 2] - x[:, 1] - ratio, x[:, 2] - ratio, x[:, 1] + ratio], axis=1
    ).clip(-2, 2)
