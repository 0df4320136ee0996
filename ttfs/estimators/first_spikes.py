"""What the first output spikes of a classifier decide, and when."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted

from .._typing import Array
from ..encoders.spike_trains import Features
from ..energy import Anytime
from ..energy.anytime import N_MOMENTS, check_moments
from .activity import count_by_moment
from .measures import MeasuresMixin
from .weights import check_sample_weight


def has_output_spike(network, decisions):
    """Which samples (n_samples,) have an output spike, by their decision times."""
    # Silent outputs are as late as a spike at the end of the experiment, or later.
    return decisions.min(axis=1) < network.stretched(np.float64(network.t_max))


class FirstSpikesMixin(MeasuresMixin):
    """Measures the decisions of a classifier by first spikes."""

    classes_: Array

    def _check_first_spikes_decide(self, method):
        """Raise ValueError where something else than first output spikes decides."""
        engine = self._inference_engine()
        if not engine.decides_by_first_spike:
            raise ValueError(
                f"{method} needs a network whose first output spike decides; this one "
                f"decides at the end of the experiment, by read_out={engine.decision!r}"
                ": fit with read_out=None"
            )

    def first_spike_score(
        self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Accuracy by first spikes alone.

        A sample in which no output neuron fires counts as wrong, whatever the
        membranes would have decided. With a read-out nearly every sample has an output
        spike, and this is `score`. Integers that fire in the same tick are ordered by
        their membranes, as docs/spec/fixed_point.md says.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            The fraction of samples that a first spike decides rightly.

        Raises
        ------
        ValueError
            If data or labels are not valid, or the number of output spikes, or
            membranes, decide: see `read_out`.
        """
        check_is_fitted(self)
        self._check_first_spikes_decide("first_spike_score")
        decisions = self._decisions(X)
        check_consistent_length(decisions, y)
        sample_weight = check_sample_weight(sample_weight, decisions)
        is_decided = has_output_spike(self.network_, decisions)
        is_right = self.classes_[decisions.argmin(axis=1)] == column_or_1d(y)
        return float(np.average(is_right & is_decided, weights=sample_weight))

    def anytime(
        self, X: Features, y: ArrayLike, times: ArrayLike | None = None
    ) -> Anytime:
        """Accuracy, spikes and events by the moment at which one stops.

        A sample is decided by its first output spike, as in :meth:`first_spike_score`.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            True labels.
        times : array-like of shape (n_times,), default=None
            Moments from the start of the inputs, in increasing order, in the unit of
            the time constants. None: fifty, up to `t_max_`.

        Returns
        -------
        curves : ttfs.energy.Anytime
            The share of samples that are decided by each moment, that of those decided
            rightly, and the spikes of hidden and output neurons and the synaptic events
            until then. At `t_max_` they are `first_spike_score` and the means of
            `n_spikes_to_decision`, but for inputs, and `n_events_to_decision` of
            `activity`.

        Raises
        ------
        ValueError
            If data or labels are not valid, `times` do not increase, or the number of
            output spikes, or membranes, decide: see `read_out`.
        """
        check_is_fitted(self)
        self._check_first_spikes_decide("anytime")
        y = column_or_1d(y)
        check_consistent_length(X, y)
        if times is None:
            moments = np.linspace(0, self.network_.t_max, N_MOMENTS + 1)[1:]
        else:
            moments = check_moments(times, "times").astype(float)
        engine, runnable, blocks = self._runnable(X)
        weights = engine.effective_weights(self.network_, runnable)

        def run():
            n_done = 0
            for spikes in blocks:
                fired = runnable.spike_times(spikes)
                labels = engine.first_outputs(runnable, spikes, fired)
                truth = y[n_done : n_done + len(spikes)]
                yield spikes, fired, self.classes_[labels] == truth
                n_done += len(spikes)

        return count_by_moment(self.network_, weights, run(), moments)
