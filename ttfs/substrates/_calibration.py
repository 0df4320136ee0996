r"""Parameters of the neurons of a chip, estimated from spike times alone.

A neuron that fires at t_s obeys u(t_s) = threshold, and inputs and weights are known.
With a = 1 / tau_mem and b = 1 / tau_syn, and m = (a + b) / 2, v = (b - a)^2 / 4,

.. math:: g(t) = \sum_{t_i < t} w_i f(t - t_i) - \psi = 0, \qquad
          f(d) = e^{-m d} \sinh(\sqrt v d) / \sqrt v

with psi = threshold tau_syn, since kappa = b f. So spike times tell psi, m and v,
smoothly and without a gap at equal time constants, and *nothing else*: exchange tau_mem
and tau_syn, and take threshold * tau_syn / tau_mem for the threshold, and no spike
moves. Of the two solutions the one that is closer to nominal is taken.

The fit is a Gauss-Newton iteration on the times by which spikes miss the model,
g / g'. Each pass over the spikes of a neuron gives a quadratic form in
phi = (log psi, m, v); its minimum in the parameters x = log factors of (threshold,
tau_mem, tau_syn), together with a prior, is found for all neurons at once.
"""

from dataclasses import dataclass, replace
from math import factorial
from numbers import Integral

import numpy as np
from numpy.polynomial.polynomial import polyval
from sklearn.utils import check_random_state

from ttfs.substrates._base import Network, NetworkError, Shared, check_request
from ttfs.substrates._measure import measure, weight_limits, weight_steps

from ..model import LIF, first_spike
from ..model.initial_weights import initial_weights

# What neurons are excited with. Stretched inputs tell most about time constants.
_STRETCHES = 1.0, 2.0, 3.0  # of the input times
_DRIVES = 3.0, 4.0, 6.0  # of the weights, see initial_weights()
_SPREAD = 2.5
_PASSES = 15  # over the data, at most
_STEPS = 40  # of the minimisation after each
_SETTLED = 0.2  # a step that is none, see _pass
_MARGIN = 0.2  # by which spikes of the model may miss the measured ones, in tau_syn
_LEAST_SLOPE = 0.2  # in thresholds per tau_syn: times near a tangent say little
_LEAST_NOISE = 1e-6  # of spike times, in tau_syn: their precision
_OUTLIER = 4.0  # residuals that hardly count, in deviations


# Power series in x = v d^2 of cosh(sqrt(x)), of sinh(sqrt(x)) / sqrt(x), and of the
# derivative of that; their rest is below 1e-14 up to x = 1.
_COSH = [1 / factorial(2 * k) for k in range(9)]
_SINHC = [1 / factorial(2 * k + 1) for k in range(9)]
_SLOPE = [k / factorial(2 * k + 1) for k in range(1, 9)]


def _response(d, m, v):
    """f(d), f'(d), and the derivatives of f with respect to m and v; v >= 0."""
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


def _phi(x, neuron):
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


class _Spikes:
    """The spikes of a neuron, and the inputs that may have caused them.

    Residuals are spike times less those of the model, which are followed by a step of
    Newton's method in each pass: derivatives at measured times would depend on their
    noise, and the estimates be biased.

    Parameters
    ----------
    times : ndarray of shape (n, n_in)
        Input spikes of all trials.
    weights : ndarray of shape (n_trials, n_in)
    fired : ndarray of shape (n,)
        Spikes of the neuron; +inf = silent.
    trials : ndarray of int of shape (n,)
        The trial of each.
    margin : float
        By how much the model's spikes may be away from the measured ones.
    """

    def __init__(self, times, weights, fired, trials, margin):
        # Others have no cause.
        explained = np.isfinite(fired) & (times.min(axis=1) < fired)
        times, self.trials = times[explained], trials[explained]
        self.measured = fired[explained]
        before = times < self.measured[:, np.newaxis] + margin
        self.spikes, inputs = np.nonzero(before)
        counts = before.sum(axis=1)
        self.starts = np.cumsum(counts) - counts
        self.times = times[self.spikes, inputs]
        self.weights = weights[self.trials[self.spikes], inputs]
        self.margin = margin
        self.model = self.measured.copy()

    def __len__(self):
        return len(self.measured)

    def sums(self, m, v):
        """Sums over the inputs of f, f', df/dm, df/dv at the model's spikes."""
        delays = self.model[self.spikes] - self.times
        terms = np.stack(_response(np.maximum(delays, 0), m, v))
        terms *= np.where(delays > 0, self.weights, 0.0)
        return np.add.reduceat(terms, self.starts, axis=1)


def _form(spikes, phi, psi, neuron):
    """The data's quadratic form in phi, at phi, and the noise of spike times.

    Half the squared residuals, in units of their variance, are about
    d @ form @ d / 2 + gradient @ d with d the step from phi. `between` is what the
    gradients of trials have in common, more than independent spikes would.
    """
    f, slope, df_dm, df_dv = spikes.sums(phi[1], phi[2])
    psi = psi * np.exp(phi[0])
    least = _LEAST_SLOPE * psi / neuron.tau_syn
    steepness = np.clip(slope / least - 1, 0, 1)  # others say little, and move far
    slope = np.maximum(slope, least)
    spikes.model = np.clip(
        spikes.model - (f - psi) / slope,
        spikes.measured - spikes.margin,
        spikes.measured + spikes.margin,
    )
    r = spikes.measured - spikes.model
    noise = max(1.4826 * np.median(np.abs(r)), _LEAST_NOISE * neuron.tau_syn)
    jacobian = np.stack([np.full_like(f, -psi), df_dm, df_dv], axis=1) / slope[:, None]
    weight = steepness / (noise * (1 + (r / (_OUTLIER * noise)) ** 2)) ** 2
    scores = jacobian * (weight * r)[:, None]
    form = (jacobian * weight[:, None]).T @ jacobian
    gradient = scores.sum(axis=0)
    n_trials = spikes.trials.max() + 1
    of_trials = np.zeros((n_trials, 3))
    np.add.at(of_trials, spikes.trials, scores - gradient / len(f))
    return form, gradient, of_trials.T @ of_trials, noise


def _objective(x, neuron, phi, form, gradient, prior):
    step = _phi(x, neuron)[0] - phi
    data = np.einsum("ni,nij,nj->n", step, form, step) / 2
    return data + (gradient * step).sum(axis=1) + (x**2).sum(axis=1) / (2 * prior**2)


def _minimise(x, *problem):
    """Minima of _objective from x (n, 3), by Levenberg and Marquardt; and values."""
    neuron, phi, form, gradient, prior = problem
    damping = np.full(len(x), 1e-3)
    value = _objective(x, *problem)
    for _ in range(_STEPS):
        at, jacobian = _phi(x, neuron)
        transposed = jacobian.transpose(0, 2, 1)
        slope = form @ (at - phi)[..., None] + gradient[..., None]
        slope = (transposed @ slope)[..., 0] + x / prior**2
        hessian = transposed @ form @ jacobian + np.eye(3) / prior**2
        diagonal = np.einsum("nii->ni", hessian)
        damped = hessian + (damping[:, None] * diagonal)[..., None] * np.eye(3)
        step = -np.linalg.solve(damped, slope[..., None])[..., 0]
        new = np.clip(x + step, -2, 2)
        new_value = _objective(new, *problem)
        better = new_value < value
        x = np.where(better[:, None], new, x)
        value = np.where(better, new_value, value)
        damping = np.where(better, damping / 5, damping * 4).clip(1e-12, 1e12)
    return x, value


def _exchanged(x, neuron):
    """The parameters that give the same spikes: tau_mem and tau_syn exchanged."""
    if np.isinf(neuron.tau_mem):
        return x
    ratio = np.log(neuron.tau_mem / neuron.tau_syn)
    return np.stack(
        [x[:, 0] + x[:, 2] - x[:, 1] - ratio, x[:, 2] - ratio, x[:, 1] + ratio], axis=1
    ).clip(-2, 2)


def _fit(spikes, neuron, prior):
    """Log factors x (n, 3), their standard errors, and the noise of spike times."""
    n = len(spikes)
    half = 0.5 * prior if np.isfinite(neuron.tau_mem) else 0.0
    x = np.tile([0.0, half, -half], (n, 1))  # off the saddle at equal time constants
    error, noise = np.empty((n, 3)), np.empty(n)
    moving = np.arange(n)
    for _ in range(_PASSES):
        x[moving], error[moving], noise[moving], step = _pass(
            [spikes[j] for j in moving], x[moving], neuron, prior
        )
        moving = moving[step > _SETTLED]
        if len(moving) == 0:
            break
    return x, error, noise


def _pass(spikes, x, neuron, prior):
    """One pass over the spikes of neurons: new x, standard errors, noise, step.

    The step is that of phi, in standard deviations of what the data say.
    """
    phi, jacobian = _phi(x, neuron)
    psi = neuron.threshold * neuron.tau_syn
    parts = [_form(s, p, psi, neuron) for s, p in zip(spikes, phi, strict=True)]
    form, gradient, between, noise = map(np.array, zip(*parts, strict=True))
    # Rounded weights are errors that the spikes of a trial have in common: these count
    # as fewer spikes.
    covariance = _covariance(jacobian, form, prior)
    common = _trace(covariance, jacobian, between)
    excess = common / np.maximum(_trace(covariance, jacobian, form), 1e-300)
    excess = np.maximum(excess, 1.0)
    form, gradient = form / excess[:, None, None], gradient / excess[:, None]
    problem = neuron, phi, form, gradient, prior
    one, value_one = _minimise(x, *problem)
    two, value_two = _minimise(_exchanged(one, neuron), *problem)
    swaps = (value_two < value_one)[:, None]
    best, other = np.where(swaps, two, one), np.where(swaps, one, two)
    variance = np.einsum("nii->ni", _covariance(_phi(best, neuron)[1], form, prior))
    # The other solution counts, where it is about as likely.
    odds = np.exp(-np.abs(value_one - value_two))[:, None]
    variance = variance + odds / (1 + odds) * (other - best) ** 2
    step = _phi(best, neuron)[0] - phi
    step = np.sqrt(np.einsum("ni,nij,nj->n", step, form, step))
    return best, np.sqrt(variance), noise, step


def _covariance(jacobian, form, prior):
    """Of x, from that of the data and the prior."""
    hessian = jacobian.transpose(0, 2, 1) @ form @ jacobian
    return np.linalg.inv(hessian + np.eye(3) / prior**2)


def _trace(covariance, jacobian, form):
    """Trace of the covariance of x times a form in phi."""
    return np.einsum(
        "nij,nji->n", covariance, jacobian.transpose(0, 2, 1) @ form @ jacobian
    )


def _effective(spikes, neuron, prior):
    """Log of the threshold at which nominal time constants fit best, and its error.

    The weighted median of u / threshold at the spikes: times count, so that weights are
    1 / u'^2.
    """
    (phi,), _ = _phi(np.zeros((1, 3)), neuron)
    spikes.model = spikes.measured
    f, slope, *_ = spikes.sums(phi[1], phi[2])
    psi = neuron.threshold * neuron.tau_syn
    counts = (slope > _LEAST_SLOPE * psi / neuron.tau_syn) & (f > 0)
    if not counts.any():
        return 0.0, np.inf
    value, weight = np.log(f[counts] / psi), slope[counts] ** -2.0
    center = _weighted_median(value, weight)
    deviation = 1.4826 * _weighted_median(np.abs(value - center), weight)
    # pi / 2: of a median; weights that differ count as fewer.
    variance = np.pi / 2 * deviation**2 * (weight**2).sum() / weight.sum() ** 2
    return center / (1 + variance / prior**2), np.sqrt(variance)


def _weighted_median(values, weights):
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return values[order][np.searchsorted(below, below[-1] / 2)]


# -- Measurement -------------------------------------------------------------------


def _excitation(rng, layer, n_active, drive, limit, step):
    """Random weights with which most neurons fire, as the substrate can have them."""
    n_active += len(layer.bias_times)
    weights = initial_weights(
        rng, *layer.weights.shape, n_active, layer.neuron, drive=drive, spread=_SPREAD
    )
    weights = np.clip(weights, -limit, limit)
    if step > 0:
        weights = np.rint(weights / step) * step
    return replace(layer, weights=weights.astype(layer.weights.dtype))


def _trials(substrate, times, network, n_trials, n_samples, rng):
    """Inputs (n, n_in), weights (n_trials, n_in, n_out) and spikes of each layer.

    And the time t_max (n_trials,) from which spikes were not seen.
    """
    begin = times[np.isfinite(times)].min(initial=0.0)
    n_active = [np.isfinite(times).sum(axis=1).mean()]
    n_active += [layer.weights.shape[1] for layer in network.layers[:-1]]
    limits = weight_limits(substrate, network.layers)
    steps = weight_steps(substrate, network.layers)
    trials = []
    for r in range(n_trials):
        stretch = _STRETCHES[r % len(_STRETCHES)]
        drive = _DRIVES[r // len(_STRETCHES) % len(_DRIVES)]
        layers = tuple(
            _excitation(rng, layer, n, drive, limit, step)
            for layer, n, limit, step in zip(
                network.layers, n_active, limits, steps, strict=True
            )
        )
        rows = rng.permutation(len(times))[:n_samples]
        inputs = begin + stretch * (times[rows] - begin)
        t_max = begin + stretch * (network.t_max - begin)
        inputs = inputs.astype(times.dtype)
        spikes = measure(substrate, inputs, Network(layers, t_max))
        n_active[1:] = [np.isfinite(s).sum(axis=1).mean() for s in spikes[:-1]]
        spikes = [layer.astype(float) for layer in spikes]
        seen = [inputs.astype(float), *spikes[:-1]]
        trials.append(
            [
                (
                    np.hstack([s, np.tile(layer.bias_times, (len(s), 1))]),
                    layer.weights.astype(float),
                    fired,
                    t_max,
                )
                for s, layer, fired in zip(seen, layers, spikes, strict=True)
            ]
        )
    return [
        (np.vstack(inputs), np.stack(weights), np.vstack(fired), t_max)
        for inputs, weights, fired, t_max in (
            zip(*layer, strict=True) for layer in zip(*trials, strict=True)
        )
    ]


def _calibrate_layer(inputs, weights, fired, t_max, neuron, prior, min_spikes):
    """The fields of Calibration for one layer."""
    n_trials, _, n_out = weights.shape
    trials = np.repeat(np.arange(n_trials), len(inputs) // n_trials)
    expected = np.zeros(n_out, int)
    for r in range(n_trials):
        nominal = first_spike(inputs[trials == r], weights[r], neuron)
        expected += (nominal < t_max[r]).sum(axis=0)
    spikes = [
        _Spikes(inputs, weights[:, :, j], fired[:, j], trials, _MARGIN * neuron.tau_syn)
        for j in range(n_out)
    ]
    n_spikes = np.array([len(s) for s in spikes], int)
    x, error = np.zeros((n_out, 4)), np.full((n_out, 4), np.inf)
    jitter = np.full(n_out, np.nan)
    fits = np.flatnonzero(n_spikes >= min_spikes)
    if len(fits):
        spikes = [spikes[j] for j in fits]
        x[fits, :3], error[fits, :3], noise = _fit(spikes, neuron, prior)
        jitter[fits] = noise / neuron.tau_syn
        x[fits, 3], error[fits, 3] = np.transpose(
            [_effective(s, neuron, prior) for s in spikes]
        )
    factors = np.exp(x)
    return (
        *factors.T,
        *(factors * error).T,
        jitter,
        n_spikes,
        (n_spikes == 0) & (expected >= min_spikes),
    )


@dataclass(frozen=True, eq=False)
class Calibration:
    """What neurons of a chip are like; made by :func:`calibrate`.

    All fields but the first are lists of arrays of shape (n_out,), one for each layer;
    ``print`` shows a report. Parameters are factors of the nominal ones: 1 where too
    few spikes were seen, with an infinite error.

    Parameters
    ----------
    nominal : tuple of LIF
        The nominal neuron of each layer.
    threshold, tau_mem, tau_syn : list of ndarray
        Factors of the parameters.
    effective_threshold : list of ndarray
        Factor of the threshold with which a neuron with nominal time constants would
        spike at the measured times, as nearly as it can. It stands for all that the
        neuron is too slow or too quick, and is known better than the others.
    threshold_error, tau_mem_error, tau_syn_error, effective_threshold_error : list
        Standard errors of the factors.
    jitter : list of ndarray
        Deviation of spike times from the fitted model, in `tau_syn`: noise, and all
        that is not in the model.
    n_spikes : list of ndarray of int
        Spikes that were seen.
    is_dead : list of ndarray of bool
        Neurons that never fired, and should have before t_max. If experiments on the
        chip are shorter than that, late neurons look dead.
    """

    nominal: tuple
    threshold: list
    tau_mem: list
    tau_syn: list
    effective_threshold: list
    threshold_error: list
    tau_mem_error: list
    tau_syn_error: list
    effective_threshold_error: list
    jitter: list
    n_spikes: list
    is_dead: list

    def neurons(self, k):
        """The neurons of a layer, in absolute units.

        Parameters
        ----------
        k : int
            The layer.

        Returns
        -------
        neurons : list of LIF
        """
        nominal = self.nominal[k]
        return [
            LIF(nominal.tau_mem * a, nominal.tau_syn * b, nominal.threshold * c)
            for a, b, c in zip(
                self.tau_mem[k], self.tau_syn[k], self.threshold[k], strict=True
            )
        ]

    def compensate(self, substrate):
        """A substrate whose neurons have about the nominal effective threshold.

        Parameters
        ----------
        substrate : Substrate
            The chip that was calibrated.

        Returns
        -------
        substrate : Calibrated
            Passes everything on, and the weights of each neuron times its
            `effective_threshold`.
        """
        return Calibrated(substrate, self)

    def __str__(self):
        names = [f"hidden {k}" for k in range(1, len(self.nominal))] + ["output"]
        fields = "effective_threshold", "threshold", "tau_mem", "tau_syn"
        titles = ["neurons", "dead", "few", "spikes", "jitter", *fields]
        widths = [max(len(title), 13) for title in titles]
        widths[:5] = 8, 6, 6, 8, 8
        lines = [_row("layer", titles, widths)]
        for k, name in enumerate(names):
            is_fitted = np.isfinite(self.threshold_error[k])
            cells = [
                len(is_fitted),
                self.is_dead[k].sum(),
                (~is_fitted & ~self.is_dead[k]).sum(),
                f"{self.n_spikes[k].mean():.0f}",
            ]
            if is_fitted.any():
                cells.append(f"{np.median(self.jitter[k][is_fitted]):.4f}")
                factors = [getattr(self, field)[k][is_fitted] for field in fields]
                cells += [f"{f.mean():.3f} ± {f.std():.3f}" for f in factors]
            lines.append(_row(name, cells, widths))
            if is_fitted.any():
                errors = [getattr(self, f"{f}_error")[k][is_fitted] for f in fields]
                cells = [""] * 5 + [f"({np.median(e):.4f})" for e in errors]
                lines.append(_row("", cells, widths))
        lines.append("mean ± spread of the neurons' factors (median standard error)")
        worst = sorted(
            (-abs(np.log(factor)), k, j)
            for k, layer in enumerate(self.effective_threshold)
            for j, factor in enumerate(layer)
        )[:3]
        described = [
            f"{names[k]} neuron {j}: {self.effective_threshold[k][j]:.3f}"
            for _, k, j in worst
        ]
        return "\n".join(
            [*lines, f"farthest effective thresholds: {', '.join(described)}"]
        )


def _row(name, cells, widths):
    cells = zip(cells, widths, strict=False)
    return (name.ljust(9) + "".join(f"{cell:>{w + 2}}" for cell, w in cells)).rstrip()


class Calibrated(Shared):
    """A substrate with the thresholds of its neurons compensated by their weights.

    Made by :meth:`Calibration.compensate`. All else is passed on to the substrate,
    which rounds and limits the weights that it gets.

    Parameters
    ----------
    substrate : Substrate
        The chip.
    calibration : Calibration
        Of its neurons.
    """

    def __init__(self, substrate, calibration):
        self.substrate = substrate
        self.calibration = calibration

    def __getattr__(self, name):
        if name.startswith("_") or name == "substrate":
            raise AttributeError(name)
        return getattr(self.substrate, name)

    def __repr__(self):
        return f"Calibrated({self.substrate!r})"

    def weight_limit(self, k):
        """Greatest weight of layer k for all of its neurons, in thresholds."""
        if not hasattr(self.substrate, "weight_limit"):
            return np.inf
        factors = self.calibration.effective_threshold[k]
        return self.substrate.weight_limit(k) / factors.max()

    def weight_step(self, k):
        """0, for any number: the steps of neurons differ, by their factors."""
        return 0.0

    def forward(self, times, network):
        """Spike times of every layer, see :meth:`Substrate.forward`."""
        factors = self.calibration.effective_threshold
        sizes = [layer.weights.shape[1] for layer in network.layers]
        if sizes != [len(layer) for layer in factors]:
            raise NetworkError(
                f"the network has layers of {sizes} neurons, but those of "
                f"{[len(layer) for layer in factors]} were calibrated"
            )
        layers = tuple(
            replace(layer, weights=layer.weights * factor.astype(layer.weights.dtype))
            for layer, factor in zip(network.layers, factors, strict=True)
        )
        return self.substrate.forward(times, Network(layers, network.t_max))


def calibrate(
    substrate,
    times,
    network,
    *,
    n_trials=12,
    n_samples=64,
    prior=0.2,
    min_spikes=20,
    random_state=0,
):
    r"""Estimate the neurons of a substrate from spike times alone.

    The substrate runs `n_trials` random networks of the same shape on some of the
    inputs, as they are and stretched in time. Each neuron's threshold and time
    constants are then those with which the model

    .. math:: u(t) = \sum_{t_i < t} w_i \kappa(t - t_i)

    reaches the threshold at the measured times.

    Parameters
    ----------
    substrate : Substrate
        The chip. What it says of its weights is used: methods ``weight_limit(k)`` and
        ``weight_step(k)`` as those of :class:`AnalogChip`; without them its rounding
        counts as noise.
    times : ndarray of shape (n_samples, n_in)
        Typical spike times of the input channels, from the start of the inputs; +inf =
        no spike. ``clf.spike_times(X)[0]`` of a classifier of features.
    network : Network
        The shape of the network, biases, nominal neurons and t_max. Weights have no
        effect. Inputs that are stretched up to 3 times also take up to 3 times t_max.
    n_trials : int, default=12
        Number of random networks.
    n_samples : int, default=64
        Inputs of each trial, at most.
    prior : float, default=0.2
        Spread of parameters that is expected, relative to nominal: estimates are pulled
        to nominal as far as the data leave them open by less than that.
    min_spikes : int, default=20
        Neurons with fewer spikes are taken as nominal.
    random_state : int or RandomState, default=0
        For the trials.

    Returns
    -------
    calibration : Calibration
        Factors of each neuron, with standard errors; ``print`` shows a report.

    Raises
    ------
    ValueError
        If the arrays do not fit, there is no sample, a parameter is out of range, or
        the network has delays.
    SubstrateError
        If what the substrate returns is unusable.

    Notes
    -----
    Spike times do not tell all. With a = 1 / tau_mem and b = 1 / tau_syn they depend on
    threshold * tau_syn, a + b and (a - b)^2 alone: a neuron with tau_mem and tau_syn
    exchanged, and threshold * tau_syn / tau_mem for its threshold, fires at the same
    times. The solution closer to nominal is returned. Where the other one is about as
    close - if nominal time constants are equal it always is - the difference is in the
    standard errors. `effective_threshold` is the same for both.

    ``tau_mem=inf`` stays: neurons without leak are taken to have none, and the error
    of that is the prior.

    Examples
    --------
    >>> import numpy as np
    >>> from ttfs import LIF
    >>> from ttfs.substrates import AnalogChip, Layer, Network
    >>> times = np.random.RandomState(0).uniform(size=(64, 10))
    >>> layer = Layer(np.zeros((11, 4)), np.array([0.9]), LIF(2.0, 1.0))
    >>> chip = AnalogChip(threshold_offset=0.1)
    >>> calibration = chip.calibrate(times, Network((layer,), t_max=2.0))
    >>> calibration.effective_threshold[0].round(2)
    array([1.1, 1.1, 1.1, 1.1])
    """
    times = check_request(times, network)
    if len(times) == 0:
        raise ValueError("times has 0 samples, but at least 1 is needed")
    counts = {"n_trials": n_trials, "n_samples": n_samples, "min_spikes": min_spikes}
    for name, value in counts.items():
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be an integer, at least 1; got {value!r}")
    if not 0 < prior < np.inf:
        raise ValueError(f"prior must be a positive number, got {prior!r}")
    rng = check_random_state(random_state)
    trials = _trials(substrate, times, network, n_trials, n_samples, rng)
    nominal = tuple(layer.neuron for layer in network.layers)
    layers = [
        _calibrate_layer(*trial, neuron, prior, min_spikes)
        for trial, neuron in zip(trials, nominal, strict=True)
    ]
    return Calibration(nominal, *map(list, zip(*layers, strict=True)))
