"""The last hidden layer as features."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._typing import Array, Floats
from ..encoders.spike_trains import Features
from ..model import Network


class NoHiddenLayerError(ValueError, AttributeError):
    """There is no hidden layer: for hasattr, its size is not there.

    `transform` itself is there in any case: the wrapper by which `set_output` works is
    a plain method.
    """


class HiddenTimesMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Transforms data into the spike times of the last hidden layer."""

    network_: Network

    @property
    def _n_features_out(self):
        """Neurons of the last hidden layer."""
        return self._last_hidden_layer().n_out

    def _last_hidden_layer(self):
        """The last hidden layer; raises NoHiddenLayerError if there is none."""
        check_is_fitted(self)
        if len(self.network_.layers) < 2:
            raise NoHiddenLayerError(
                "transform gives the spike times of the last hidden layer, but "
                f"{type(self).__name__} was fitted without hidden layers"
            )
        return self.network_.layers[-2]

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Names of the neurons of the last hidden layer.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Ignored, but for a check that they are those of `fit`.

        Returns
        -------
        names : ndarray of str of shape (n_neurons,)
            The name of the class in small letters, and the number of the neuron.

        Raises
        ------
        ValueError
            If there is no hidden layer.
        """
        self._last_hidden_layer()
        return super().get_feature_names_out(input_features)

    def transform(self, X: Features) -> Floats:
        """Spike times of the last hidden layer, as features for another estimator.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        times : ndarray of shape (n_samples, n_neurons)
            The first spike of each neuron, float64, in the unit of the time constants,
            from the start of the inputs; `t_max_` where it is silent. `set_output` can
            ask for a data frame.

        Raises
        ------
        ValueError
            If the data are not valid, or there is no hidden layer: without one the
            method is there, also for `hasattr`, and raises.

        See Also
        --------
        spike_times : Spike times of all layers, +inf where a neuron is silent.

        Examples
        --------
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.pipeline import make_pipeline
        >>> from ttfs import TTFSClassifier
        >>> from ttfs.datasets import make_yin_yang
        >>> X, y = make_yin_yang(300, random_state=0)
        >>> hidden = TTFSClassifier((30,), max_iter=20, random_state=0)
        >>> pipeline = make_pipeline(hidden, LogisticRegression(max_iter=1000))
        >>> pipeline = pipeline.fit(X, y)
        >>> pipeline[:-1].transform(X).shape
        (300, 30)
        """
        n_out = self._last_hidden_layer().n_out
        _, runnable, blocks = self._runnable(X)
        end = self.network_.t_max
        parts = []
        for spikes in blocks:
            # The first spike of several is the first of the last axis.
            times = runnable.spike_times(spikes)[-2].reshape(len(spikes), n_out, -1)
            parts.append(np.minimum(times[:, :, 0], end, dtype=np.float64))
        return np.concatenate(parts)
