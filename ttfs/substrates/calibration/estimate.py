"""Calibration of a substrate: its estimate, its result, and its use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from ...model import LIF, Network, first_spike
from ...model.geometry import Full
from ...model.initial_weights import initial_weights
from ..checks import check_count, check_request, measure, weight_limits, weight_steps
from ..protocol import NetworkError, SharedSubstrate
from .fit import NeuronSpikes, effective_threshold, fit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..._typing import Array, RandomState
    from ..protocol import Substrate

# How far spikes of the model may be away from the measured spikes.
_MARGIN = 0.2  # in tau_syn
# What neurons are excited with: stretched inputs tell most about time constants.
_STRETCHES = 1.0, 2.0, 3.0  # factors of the input times
_DRIVES = 3.0, 4.0, 6.0  # mean of the weights, see initial_weights()
_SPREAD = 2.5  # spread of the weights, see initial_weights()


@dataclass(frozen=True, eq=False)
class Calibration:
    """Parameters of the neurons of a chip; made by :func:`calibrate`.

    All fields but the first are lists of arrays of shape (n_out,), one for each layer;
    ``print`` shows a report. Parameters are factors of the nominal parameters. Where
    too few spikes were seen, the factor is 1 and its error infinite.

    Parameters
    ----------
    nominal : tuple of LIF
        The nominal neuron of each layer.
    threshold, tau_mem, tau_syn : list of ndarray
        Factors of the parameters.
    effective_threshold : list of ndarray
        Factor of the threshold with which a neuron with nominal time constants would
        spike at the measured times, as nearly as it can. It stands for all that makes
        the neuron too slow or too quick, and has the smallest errors.
    threshold_error, tau_mem_error, tau_syn_error, effective_threshold_error : list
        Standard errors of the factors.
    jitter : list of ndarray
        Standard deviation of spike times from the fitted model, in `tau_syn`: noise,
        and all that is not in the model.
    n_spikes : list of ndarray of int
        Number of spikes that were seen.
    is_dead : list of ndarray of bool
        Whether a neuron never fired, though a nominal neuron would have before t_max.
        If experiments on the chip are shorter than that, late neurons look dead.
    """

    nominal: tuple[LIF, ...]
    threshold: list[Array]
    tau_mem: list[Array]
    tau_syn: list[Array]
    effective_threshold: list[Array]
    threshold_error: list[Array]
    tau_mem_error: list[Array]
    tau_syn_error: list[Array]
    effective_threshold_error: list[Array]
    jitter: list[Array]
    n_spikes: list[Array]
    is_dead: list[Array]

    def neurons(self, k: int) -> list[LIF]:
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

    def compensate(self, substrate: Substrate) -> Calibrated:
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

    def __str__(self) -> str:
        return _report(self)


def calibrate(
    substrate: Substrate,
    times: ArrayLike,
    network: Network,
    *,
    n_trials: int = 12,
    n_samples: int = 64,
    prior: float = 0.2,
    min_spikes: int = 20,
    random_state: RandomState = 0,
) -> Calibration:
    r"""Estimate the neurons of a substrate from spike times alone.

    The substrate runs `n_trials` random networks of the same shape on some of the
    inputs, as they are and stretched in time. Each neuron's threshold and time
    constants are then those with which the model

    .. math:: u(t) = \sum_{t_i < t} w_i \kappa(t - t_i)

    reaches the threshold at the measured times.

    Parameters
    ----------
    substrate : Substrate
        The chip. Random weights obey its methods ``weight_limit(k)`` and
        ``weight_step(k)``, if it has them, see :class:`Substrate`; without them its
        rounding counts as noise.
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
        Seed of the random networks.

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

    ``tau_mem=inf`` stays: neurons without leak are taken to have no leak, and the error
    of `tau_mem` is the prior.

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
    check_count("n_trials", n_trials, 1)
    check_count("n_samples", n_samples, 1)
    check_count("min_spikes", min_spikes, 1)
    if not 0 < prior < np.inf:
        raise ValueError(f"prior must be a positive number, got {prior!r}")
    rng = check_random_state(random_state)
    trials = _run_trials(substrate, times, network, n_trials, n_samples, rng)
    nominal = tuple(layer.neuron for layer in network.layers)
    layers = [
        _calibrate_layer(*trial, neuron, prior, min_spikes)
        for trial, neuron in zip(trials, nominal, strict=True)
    ]
    return Calibration(nominal, *map(list, zip(*layers, strict=True)))


def _calibrate_layer(inputs, weights, fired, t_max, neuron, prior, min_spikes):
    """The fields of Calibration for one layer, in their order."""
    n_trials, _, n_out = weights.shape
    trials = np.repeat(np.arange(n_trials), len(inputs) // n_trials)
    expected = np.zeros(n_out, int)
    for r in range(n_trials):
        nominal = first_spike(inputs[trials == r], weights[r], neuron)
        expected += (nominal < t_max[r]).sum(axis=0)
    spikes = [
        NeuronSpikes(
            inputs, weights[:, :, j], fired[:, j], trials, _MARGIN * neuron.tau_syn
        )
        for j in range(n_out)
    ]
    n_spikes = np.array([len(s) for s in spikes], int)
    x, error = np.zeros((n_out, 4)), np.full((n_out, 4), np.inf)
    jitter = np.full(n_out, np.nan)
    fits = np.flatnonzero(n_spikes >= min_spikes)
    if len(fits):
        spikes = [spikes[j] for j in fits]
        x[fits, :3], error[fits, :3], noise = fit(spikes, neuron, prior)
        jitter[fits] = noise / neuron.tau_syn
        x[fits, 3], error[fits, 3] = np.transpose(
            [effective_threshold(s, neuron, prior) for s in spikes]
        )
    factors = np.exp(x)
    return (
        *factors.T,
        *(factors * error).T,
        jitter,
        n_spikes,
        (n_spikes == 0) & (expected >= min_spikes),
    )


def _excitation(rng, layer, n_active, drive, limit, step):
    """A layer with random weights: the substrate has them, and most neurons fire."""
    n_active += layer.n_bias - layer.n_fixed
    shape = layer.n_in + layer.n_bias, layer.n_out
    weights = initial_weights(
        rng, *shape, n_active, layer.neuron, drive=drive, spread=_SPREAD
    )
    weights = np.clip(weights, -limit, limit)
    # Spikes of a read-out, all at one time, would tell little.
    weights[len(weights) - layer.n_fixed :] = 0
    if step > 0:
        weights = np.rint(weights / step) * step
    return _with_full(layer, weights.astype(layer.weights.dtype))


def _with_full(layer, weights):
    """The layer as a full one with other weights."""
    full = Full.of_weights(weights, layer.n_bias)
    return replace(layer, weights=weights, geometry=full)


def _run_trials(substrate, times, network, n_trials, n_samples, rng):
    """Let the substrate run random networks of the shape of `network`.

    For each layer: the inputs (n, n_in) in the samples of all trials, biases included;
    the weights (n_trials, n_in, n_out); the spikes (n, n_out); and the time t_max of
    each trial, from which on spikes were not seen.
    """
    begin = times[np.isfinite(times)].min(initial=0.0)
    n_active = [np.isfinite(times).sum(axis=1).mean()]
    n_active += [layer.n_out for layer in network.layers[:-1]]
    limits = weight_limits(substrate, network.layers)
    steps = weight_steps(substrate, network.layers)
    trials = [[] for _ in network.layers]
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
        for trial, layer, s, fired in zip(trials, layers, seen, spikes, strict=True):
            biases = np.tile(layer.bias_times, (len(s), 1))
            weights = layer.weights.astype(float)
            trial.append((np.hstack([s, biases]), weights, fired, t_max))
    return [
        (np.vstack(inputs), np.stack(weights), np.vstack(fired), t_max)
        for inputs, weights, fired, t_max in (zip(*t, strict=True) for t in trials)
    ]


def _report(calibration):
    """The table that ``print(calibration)`` shows."""
    names = [f"hidden {k}" for k in range(1, len(calibration.nominal))] + ["output"]
    fields = "effective_threshold", "threshold", "tau_mem", "tau_syn"
    titles = ["neurons", "dead", "few", "spikes", "jitter", *fields]
    widths = [max(len(title), 13) for title in titles]
    widths[:5] = 8, 6, 6, 8, 8
    lines = [_row("layer", titles, widths)]
    for k, name in enumerate(names):
        is_fitted = np.isfinite(calibration.threshold_error[k])
        cells = [
            len(is_fitted),
            calibration.is_dead[k].sum(),
            (~is_fitted & ~calibration.is_dead[k]).sum(),
            f"{calibration.n_spikes[k].mean():.0f}",
        ]
        if is_fitted.any():
            cells.append(f"{np.median(calibration.jitter[k][is_fitted]):.4f}")
            factors = [getattr(calibration, field)[k][is_fitted] for field in fields]
            cells += [f"{f.mean():.3f} ± {f.std():.3f}" for f in factors]
        lines.append(_row(name, cells, widths))
        if is_fitted.any():
            errors = [getattr(calibration, f"{f}_error")[k][is_fitted] for f in fields]
            cells = [""] * 5 + [f"({np.median(e):.4f})" for e in errors]
            lines.append(_row("", cells, widths))
    lines.append("mean ± spread of the neurons' factors (median standard error)")
    worst = sorted(
        (-abs(np.log(factor)), k, j)
        for k, layer in enumerate(calibration.effective_threshold)
        for j, factor in enumerate(layer)
    )[:3]
    described = [
        f"{names[k]} neuron {j}: {calibration.effective_threshold[k][j]:.3f}"
        for _, k, j in worst
    ]
    return "\n".join([*lines, f"farthest effective thresholds: {', '.join(described)}"])


def _row(name, cells, widths):
    """A line of the table: the name of a layer, and cells of these widths."""
    cells = zip(cells, widths, strict=False)
    return (name.ljust(9) + "".join(f"{cell:>{w + 2}}" for cell, w in cells)).rstrip()


class CalibrationMixin:
    """A substrate with the method `calibrate`."""

    def calibrate(
        self, times: ArrayLike, network: Network, **parameters: Any
    ) -> Calibration:
        """Estimate the parameters of all neurons, see :func:`calibrate`."""
        return calibrate(self, times, network, **parameters)


class Calibrated(CalibrationMixin, SharedSubstrate):
    """A substrate whose weights compensate for the thresholds of its neurons.

    It is made by :meth:`Calibration.compensate`. Everything but the weights is passed
    on to the substrate, which rounds and limits the weights that it gets.

    Parameters
    ----------
    substrate : Substrate
        The chip.
    calibration : Calibration
        The calibration of its neurons.
    """

    def __init__(self, substrate: Substrate, calibration: Calibration) -> None:
        self.substrate = substrate
        self.calibration = calibration

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "substrate":
            raise AttributeError(name)
        return getattr(self.substrate, name)

    def __repr__(self) -> str:
        return f"Calibrated({self.substrate!r})"

    def weight_limit(self, k: int) -> float:
        """Greatest weight that all neurons of layer k have, in thresholds."""
        if not hasattr(self.substrate, "weight_limit"):
            return np.inf
        factors = self.calibration.effective_threshold[k]
        return self.substrate.weight_limit(k) / factors.max()

    def weight_step(self, k: int) -> float:
        """0, for any number: each neuron has a step of its own."""
        return 0.0

    def forward(self, times: Array, network: Network) -> list[Array]:
        """Spike times of every layer, see :meth:`Substrate.forward`."""
        factors = self.calibration.effective_threshold
        sizes = [layer.n_out for layer in network.layers]
        if sizes != [len(layer) for layer in factors]:
            raise NetworkError(
                f"the network has layers of {sizes} neurons, but those of "
                f"{[len(layer) for layer in factors]} were calibrated"
            )
        # Neurons that share weights have factors of their own: the layers are full.
        layers = tuple(
            _with_full(layer, layer.unrolled * factor.astype(layer.weights.dtype))
            for layer, factor in zip(network.layers, factors, strict=True)
        )
        return self.substrate.forward(times, Network(layers, network.t_max))
