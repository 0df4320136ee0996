"""All that a fitted network did in some samples."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from .membrane import membrane_traces

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Array, Floats
    from ..core import Spikes
    from .network import Network


@dataclass(frozen=True, eq=False)
class Recording:
    """All spikes of a fitted network in some samples, and what they decided.

    Made by `record` of an estimator, in one run: on a substrate with noise all that is
    here belongs together. Times are in the unit of the time constants, and on the axis
    of the data if these are spike times, else from the start of the inputs.

    Parameters
    ----------
    network : ttfs.model.Network
        The network, with the weights with which it fired, in the unit of the threshold.
    inputs : ttfs.core.Spikes
        The spikes that entered it, those of biases included, from the start.
    spikes : list of ndarray of shape (n_samples, n_neurons, max_spikes)
        Spikes of the neurons of each layer, ascending; +inf = none.
    outputs : ndarray of int of shape (n_samples,), or None
        The output neuron that decides; None for a regressor.
    decision_times : ndarray of shape (n_samples,)
        Time of the first output spike; the end of the experiment where there is none,
        or something else decides.
    is_decided : ndarray of bool of shape (n_samples,)
        Whether a first output spike decided; else membranes or numbers of spikes did.
    decision : {"first", "count", "peak", "mean"}
        What of the outputs decides: their first spikes, their numbers of spikes, or the
        peaks or means of their membranes, which then do not fire.
    start : float
        Start of the inputs.
    max_spikes : int
        Spikes of a neuron, at most.
    refractory : float
        Time after a spike for which the membrane stays at 0.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(300, random_state=0)
    >>> clf = TTFSClassifier((20,), max_iter=2, random_state=0).fit(X, y)
    >>> recording = clf.record(X[:5])
    >>> [times.shape for times in recording.spikes]
    [(5, 20, 1), (5, 3, 1)]
    >>> recording.membrane_traces(0, at=[0.5, 1.0], layer=-1).shape
    (3, 2)
    """

    network: Network
    inputs: Spikes
    spikes: list[Array]
    outputs: Array | None
    decision_times: Floats
    is_decided: Array
    decision: str
    start: float
    max_spikes: int
    refractory: float

    def __len__(self) -> int:
        return len(self.decision_times)

    @property
    def decides_by_first_spike(self) -> bool:
        """Whether first output spikes are what decides."""
        return self.decision == "first"

    @property
    def end(self) -> float:
        """End of the experiment."""
        return self.start + self.network.t_max

    @property
    def read_out(self) -> float:
        """Time of the read-out; +inf if there is none."""
        return self.start + self.network.read_out

    def input_spikes(self, sample: int) -> tuple[Floats, Array]:
        """The spikes of the channels in a sample, without biases.

        Parameters
        ----------
        sample : int
            Number of the sample.

        Returns
        -------
        times : ndarray of shape (n_spikes,)
            Times, ascending.
        channels : ndarray of int of shape (n_spikes,)
            The channel of each of them.
        """
        times, channels = self._entering(sample)
        is_channel = channels < self.network.n_channels
        return self.start + times[is_channel], channels[is_channel]

    def membrane_traces(self, sample: int, at: ArrayLike, layer: int = -1) -> Floats:
        """Membranes of the neurons of a layer in a sample.

        They are those of :func:`ttfs.membrane_traces` for the recorded spikes. Neurons
        that fire once are not reset. Of a network in integers they are the membranes of
        real neurons with its weights and at its ticks; of a substrate, those of ideal
        neurons with its input spikes.

        Parameters
        ----------
        sample : int
            Number of the sample.
        at : array-like of shape (n_times,)
            The times at which the membranes are wanted.
        layer : int, default=-1
            Number of the layer; 0 is the first hidden one, -1 the output.

        Returns
        -------
        traces : ndarray of shape (n_neurons, n_times)
            Membranes, float64, in the unit of the threshold.

        Raises
        ------
        IndexError
            If there is no such sample or layer.
        """
        number = self._number_of(layer)
        of_layer = self.network.layers[number]
        times, bias_times = self._inputs_of(number, sample)
        spikes = self.spikes[number][sample].astype(np.float64)
        return membrane_traces(
            times[np.newaxis],
            of_layer.weights,
            of_layer.neuron,
            at=np.asarray(at) - self.start,
            bias_times=bias_times,
            delays=of_layer.delays,
            spikes=spikes[np.newaxis] - self.start if self.max_spikes > 1 else None,
            refractory=self.refractory,
        )[0]

    def arrivals(self, sample: int, layer: int = -1) -> Floats:
        """Times at which input spikes of a layer arrive, where membranes have kinks.

        Parameters
        ----------
        sample : int
            Number of the sample.
        layer : int, default=-1
            Number of the layer.

        Returns
        -------
        times : ndarray of shape (n_arrivals,)
            Different times, ascending, before the end of the experiment.

        Raises
        ------
        IndexError
            If there is no such sample or layer.
        """
        number = self._number_of(layer)
        times, bias_times = self._inputs_of(number, sample)
        biases = np.full((len(bias_times), times.shape[1]), np.inf)
        biases[:, :1] = np.reshape(bias_times, (-1, 1))
        times, delays = (
            np.concatenate([times, biases]),
            self.network.layers[number].delays,
        )
        if delays is not None:
            times = times[:, :, np.newaxis] + delays.reshape(len(times), 1, -1)
        times = np.unique(times)
        return self.start + times[times < self.network.t_max]

    def _number_of(self, layer):
        """The number of a layer, from 0."""
        n_layers = len(self.network.layers)
        if not isinstance(layer, Integral) or not -n_layers <= layer < n_layers:
            raise IndexError(
                f"layer must be a whole number from {-n_layers} to {n_layers - 1}, got "
                f"{layer!r}"
            )
        return int(layer) % n_layers

    def _entering(self, sample):
        """Times and channels of the spikes that enter the network, from the start."""
        if not isinstance(sample, Integral) or not -len(self) <= sample < len(self):
            raise IndexError(
                f"sample must be a whole number below {len(self)}, the number of "
                f"recorded samples, got {sample!r}"
            )
        mine = slice(int(self.inputs.begin[sample]), int(self.inputs.end[sample]))
        return self.inputs.times[mine].astype(np.float64), self.inputs.inputs[mine]

    def _inputs_of(self, number, sample):
        """Times (n_in, n_spikes) of the inputs of a layer, and those of its biases."""
        layer = self.network.layers[number]
        times, channels = self._entering(sample)
        if number > 0:
            before = self.spikes[number - 1][sample].astype(np.float64) - self.start
            return before, layer.bias_times
        # Biases are among the spikes that enter; their times may be rounded to ticks.
        n_rows = len(layer.weights)
        counts = np.bincount(channels, minlength=n_rows)
        rows = np.full((n_rows, max(1, counts.max(initial=0))), np.inf)
        order = np.argsort(channels, kind="stable")
        begins = np.cumsum(counts) - counts
        places = np.arange(len(times)) - begins[channels[order]]
        rows[channels[order], places] = times[order]
        return rows[: layer.n_in], rows[layer.n_in :, 0]
