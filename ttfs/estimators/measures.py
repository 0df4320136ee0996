"""What the estimators tell about a fitted network: spikes, events, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from .._typing import Array
from ..core import Spikes
from ..encoders import SpikeTrains
from ..encoders.base import BaseEncoder
from ..encoders.spike_trains import Features
from ..energy import Activity, CostModel
from ..energy.presets import check_cost_model
from ..engines import Specification, Structure, choose
from ..model import Network, Recording
from ..substrates import Calibration, Substrate, calibrate
from .activity import count_activity

# Samples that predict and spike_times work on at a time.
_BLOCK = 1024


class MeasuresMixin:
    """Runs the network of a fitted estimator, and measures what it does."""

    # What the estimator learned, and where its network runs.
    encoder_: BaseEncoder
    network_: Network
    substrate: Substrate | None
    _fitted_structure: Structure

    # -- Running -------------------------------------------------------------------

    @staticmethod
    def _check_trains(X, engine):
        """Raise where X has several spikes of a channel, and the engine takes one."""
        if isinstance(X, SpikeTrains) and X.has_several_spikes:
            engine.check_takes_several_spikes()

    def _inference_engine(self):
        """The engine that runs the fitted network; raises where there is none."""
        return choose(Specification(self._fitted_structure, self.substrate))

    def _spikes(self, X):
        """Sorted spikes of valid data, and of the biases of the first layer."""
        dtype = self._fitted_structure.dtype
        bias_times = self.network_.layers[0].bias_times.astype(dtype)
        return self.encoder_.spikes(X, bias_times, self.network_.t_max, self)

    def _blocks(self, X):
        """The engine, valid data, and the blocks of samples that they are run in."""
        check_is_fitted(self)
        X = self.encoder_.validate_data(self, X, reset=False)
        engine = self._inference_engine()
        self._check_trains(X, engine)
        return engine, X, self.encoder_.blocks(X, _BLOCK)

    def _run(self, X, method):
        """What a method of the network that fires returns for X, block by block."""
        engine, X, parts = self._blocks(X)
        if len(parts) == 1:
            once, spikes = engine.runnable_once(self.network_, self._spikes(X))
            return getattr(once, method)(spikes)
        run = getattr(engine.runnable(self.network_), method)
        return np.concatenate([run(self._spikes(X[rows])) for rows in parts])

    def _runnable(self, X):
        """The engine, what fires, and the spikes that enter it, in blocks."""
        engine, X, parts = self._blocks(X)
        spikes = (engine.place(self._spikes(X[rows]), self.network_) for rows in parts)
        return engine, engine.runnable(self.network_), spikes

    # -- Measuring -----------------------------------------------------------------

    def encode(self, X: Features) -> Spikes:
        """The spikes that enter the network.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        spikes : ttfs.core.Spikes
            For each sample the spikes of channels and of the biases of the first layer,
            sorted by time, counted from the start of the inputs.
        """
        check_is_fitted(self)
        X = self.encoder_.validate_data(self, X, reset=False)
        engine = choose(Specification(self._fitted_structure))
        return engine.place(self._spikes(X), self.network_)

    def spike_times(self, X: Features) -> list[Array]:
        """Spike times of all channels and neurons.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        times : list of ndarray of shape (n_samples, n_neurons)
            The times of the encoder's channels, the first if there are several, then
            one array for each layer; without biases; +inf = absent or silent. In the
            unit of the time constants, from the start of the inputs; if `X` holds spike
            times, on their axis. With `max_spikes` above 1 the arrays of layers have
            the shape (n_samples, n_neurons, max_spikes), ascending, +inf after the last
            spike of a neuron; outputs whose membranes decide have none.
        """
        _, runnable, spikes = self._runnable(X)
        n_channels = self.network_.n_channels
        n = self._fitted_structure.max_spikes
        blocks = [
            [s.dense(n_channels), *_with_columns(runnable.spike_times(s), n)]
            for s in spikes
        ]
        out = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
        if n == 1:
            out = [times.reshape(times.shape[:2]) for times in out]
        if self.encoder_.takes_spike_times:
            out = [times.astype(np.float64) + self.encoder_.begin_ for times in out]
        return out

    def record(self, X: Features) -> Recording:
        """Run the network and keep all that it does.

        For some samples at a time: all of their spikes are kept.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        recording : ttfs.model.Recording
            Spikes of all channels and neurons, decisions, and membranes at any time.
        """
        engine, X, _ = self._blocks(X)
        network = self.network_
        inputs = engine.place(self._spikes(X), network)
        runnable = engine.runnable(network)
        max_spikes = self._fitted_structure.max_spikes
        fired = _with_columns(runnable.spike_times(inputs), max_spikes)
        first = fired[-1].reshape(len(inputs), -1).min(axis=1).astype(np.float64)
        is_decided = (first < network.t_max) & engine.decides_by_first_spike
        outputs = None
        if is_classifier(self):
            outputs = engine.first_outputs(runnable, inputs, fired).astype(np.intp)
            if not is_decided.all():
                labels = runnable.labels(inputs).astype(np.intp)
                outputs = np.where(is_decided, outputs, labels)
        takes_times = self.encoder_.takes_spike_times
        start = float(self.encoder_.begin_) if takes_times else 0.0
        weights = engine.effective_weights(network, runnable)
        layers = network.with_layers(weights=weights)
        return Recording(
            layers.with_layers(weights=layers.weight_values),
            inputs,
            [np.atleast_3d(times).astype(np.float64) + start for times in fired],
            outputs,
            start + np.where(is_decided, first, network.t_max),
            is_decided,
            engine.decision,
            start,
            max_spikes,
            self._fitted_structure.refractory,
        )

    def activity(
        self, X: Features, cost_model: str | CostModel | None = None
    ) -> Activity:
        """Count spikes and synaptic events, and what they cost.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        cost_model : str or CostModel, default=None
            The model that energy and latency are estimated by: a name in
            :data:`ttfs.energy.COST_MODELS`, or a :class:`ttfs.energy.CostModel`.

        Returns
        -------
        activity : ttfs.energy.Activity
            Counts of each sample and layer, decision times, and estimates of energy
            and latency; ``print`` shows the means as a table.
        """
        cost_model = check_cost_model(cost_model)
        engine, runnable, blocks = self._runnable(X)
        weights = engine.effective_weights(self.network_, runnable)
        runs = ((spikes, runnable.spike_times(spikes)) for spikes in blocks)
        return count_activity(
            self.network_,
            weights,
            runs,
            cost_model,
            decides_by_first_spike=engine.decides_by_first_spike,
        )

    def calibrate(self, X: Features, **options: Any) -> Calibration:
        """Estimate the neurons of the substrate from spike times alone.

        The substrate runs random networks of the shape of this one on the spike times
        of `X`; the weights of this network are neither used nor changed.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Typical features.
        **options
            Options of :func:`ttfs.substrates.calibrate`.

        Returns
        -------
        calibration : ttfs.substrates.Calibration
            Threshold and time constants of each neuron. Its `compensate` makes a
            substrate with which they are made up for.

        Raises
        ------
        ValueError
            If there is no substrate, or none that can run this network.
        """
        check_is_fitted(self)
        if self.substrate is None:
            raise ValueError("calibrate needs a substrate, but substrate is None")
        self._inference_engine()
        times = self.encode(X).dense(self.network_.n_channels)
        return calibrate(self.substrate, times, self.network_, **options)


def _with_columns(fired, n):
    """Spike times of layers that fire up to n times, with n columns: +inf = none."""
    if n == 1:
        return fired
    wide = [np.full((*times.shape[:2], n), np.inf, times.dtype) for times in fired]
    for all_of_them, times in zip(wide, fired, strict=True):
        all_of_them[:, :, : times.shape[2]] = times
    return wide
