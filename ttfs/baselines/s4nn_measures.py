"""What S4NNClassifier tells about a fitted network: scores, spikes, events."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.validation import _check_sample_weight

from .._typing import Array, Floats, SparseMatrix
from ..energy.anytime import N_MOMENTS, check_moments


class S4NNMeasures:
    """Scores a network in steps, and counts its spikes and events.

    The estimator has `_network`, `_runs`, `_outputs` and `_refined`.
    """

    classes_: Array
    n_steps_: int

    # -- Scores --------------------------------------------------------------------

    def first_spike_score(
        self,
        X: ArrayLike | SparseMatrix,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Accuracy by first spikes alone.

        As `score`, where the highest membrane decides between outputs that fire in the
        same step; but a sample in which no output fires counts as wrong.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            The fraction of samples that a first spike decides rightly.
        """
        times, membranes = self._outputs(X)
        is_label = self._is_label(times, y)
        chosen = self._refined(times, membranes).argmin(axis=1)[:, np.newaxis]
        is_right = np.take_along_axis(is_label & self._is_first(times), chosen, axis=1)
        return _mean(is_right[:, 0], sample_weight)

    def strict_score(
        self,
        X: ArrayLike | SparseMatrix,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Accuracy by first spikes of which no other output has one in the same step.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            The fraction of samples whose label fires before every other class.
        """
        times, _ = self._outputs(X)
        is_first = self._is_first(times)
        has_label = (is_first & self._is_label(times, y)).any(axis=1)
        return _mean(has_label & (is_first.sum(axis=1) == 1), sample_weight)

    def published_score(
        self,
        X: ArrayLike | SparseMatrix,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Accuracy as the authors of S4NN count it: ties are right.

        A sample is right if its label is one of the outputs that fire first; or, if
        none fires, if its membrane is the highest one. No device can decide so, as it
        does not know the label: this is to be compared with published figures only.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            The fraction of samples that count as right.
        """
        times, membranes = self._outputs(X)
        is_first = self._is_first(times)
        is_highest = membranes == membranes.max(axis=1, keepdims=True)
        is_chosen = np.where(is_first.any(axis=1, keepdims=True), is_first, is_highest)
        return _mean((is_chosen & self._is_label(times, y)).any(axis=1), sample_weight)

    def _is_label(self, times, y):
        """Whether an output (n_samples, n_outputs) is that of the label."""
        check_consistent_length(times, y)
        return column_or_1d(y)[:, np.newaxis] == self.classes_

    def _is_first(self, times):
        """Whether an output (n_samples, n_outputs) fires, and none before it."""
        first = times.min(axis=1, keepdims=True)
        return (times == first) & (times < self.n_steps_)

    # -- Spikes and events ---------------------------------------------------------

    def spike_times(self, X: ArrayLike | SparseMatrix) -> list[Floats]:
        """Steps in which inputs and neurons spike.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        times : list of ndarray of shape (n_samples, n_neurons)
            Steps of the inputs, from 0, then times of each layer: the step after the
            one in which the membrane exceeds the threshold. +inf: silent.
        """
        blocks = [times for _, times in self._runs(X)]
        joined = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
        return [np.where(t < self.n_steps_, t, np.inf) for t in joined]

    def _counts(self, membranes, times):
        network = self._network()
        n_steps = self.n_steps_
        decisions = times[-1].min(axis=1, keepdims=True)
        fired = [t < n_steps for t in times]
        n_spikes = np.stack([f.sum(axis=1) for f in fired], axis=1)
        until = [
            (f & (t <= decisions)).sum(axis=1)
            for f, t in zip(fired, times, strict=True)
        ]
        causal, deciding = [], []
        for k, ends in enumerate(times[1:]):
            causal.append(network.count_events(k, times[k], ends).sum(axis=1))
            ends = np.minimum(ends, decisions)
            deciding.append(network.count_events(k, times[k], ends).sum(axis=1))
        return {
            "n_spikes": n_spikes,
            "n_events": n_spikes[:, :-1] * np.array(network.sizes[1:]),
            "n_causal_events": np.stack(causal, axis=1),
            "decision_times": decisions[:, 0].astype(float),
            "is_undecided": ~fired[-1].any(axis=1),
            "n_spikes_to_decision": np.stack(until, axis=1),
            "n_events_to_decision": np.stack(deciding, axis=1),
        }

    def _moments(self, times):
        if times is not None:
            return check_moments(times, "times").astype(float)
        return np.unique(np.linspace(1, self.n_steps_, N_MOMENTS).round())

    def _curves(self, moments, labels, membranes, layers):
        network = self._network()
        decisions = layers[-1].min(axis=1)
        is_decided = decisions < self.n_steps_
        chosen = self._refined(layers[-1], membranes).argmin(axis=1)
        is_right = is_decided & (self.classes_[chosen] == labels)
        ends = decisions[:, np.newaxis]
        spikes = [t[(t <= ends) & (t < self.n_steps_)] for t in layers[1:]]
        events = np.zeros(self.n_steps_)  # by the step in which they arrive
        for k, fired in enumerate(layers[1:]):
            counts = network.count_events(k, layers[k], np.minimum(fired, ends))
            arrivals = np.minimum(layers[k], self.n_steps_ - 1)  # counts of others: 0
            events += np.bincount(
                arrivals.ravel(), weights=counts.ravel(), minlength=self.n_steps_
            )
        n_events = np.append(0, np.cumsum(events))
        before = np.clip(np.ceil(moments), 0, self.n_steps_).astype(int)
        return np.stack(
            [
                _until(decisions[is_right], moments),
                _until(decisions[is_decided], moments),
                _until(np.concatenate(spikes), moments),
                n_events[before],
            ]
        )


def _until(times, moments):
    """How many of some times are at each of the moments, or before it."""
    return np.searchsorted(np.sort(times), moments, side="right")


def _mean(is_right, sample_weight):
    """The weighted fraction of samples that are right."""
    if sample_weight is not None:
        sample_weight = _check_sample_weight(sample_weight, is_right[:, np.newaxis])
    return float(np.average(is_right, weights=sample_weight))
