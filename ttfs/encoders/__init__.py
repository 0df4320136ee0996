"""Features to spike times: scikit-learn transformers, and spike trains.

Public names:

- :class:`LatencyEncoder` - the greater a feature, the earlier its spike
- :class:`PopulationEncoder` - several receptive fields for each feature
- :class:`SpikeTimesEncoder` - for features that are spike times already
- :class:`SpikeTrains` - data in which a channel may have several spikes
"""

from sklearn.base import clone

from .latency import LatencyEncoder
from .population import PopulationEncoder
from .spike_times import SpikeTimesEncoder
from .spike_trains import SpikeTrains

__all__ = ["LatencyEncoder", "PopulationEncoder", "SpikeTimesEncoder", "SpikeTrains"]

# What estimators take in place of an encoder.
SHORTHANDS = {
    "auto": LatencyEncoder(),
    "latency": LatencyEncoder(complement=False),
    "complement": LatencyEncoder(complement=True),
    "population": PopulationEncoder(),
    "spike_times": SpikeTimesEncoder(),
}


def make_encoder(encoder, window, X=None):
    """A new encoder that is not fitted, from the parameter `encoder` of an estimator.

    Parameters
    ----------
    encoder : str or encoder
        One of `SHORTHANDS`, or an encoder, which is cloned.
    window : float
        Time within which features spike if the encoder does not say.
    X : object, default=None
        Training data; if they are SpikeTrains, "auto" means "spike_times".

    Returns
    -------
    encoder : BaseEncoder
        Its parameters are valid.
    """
    if isinstance(encoder, str):
        if encoder == "auto" and isinstance(X, SpikeTrains):
            encoder = "spike_times"
        encoder = SHORTHANDS[encoder]
    encoder = clone(encoder)
    if getattr(encoder, "window", window) is None:
        encoder.set_params(window=window)
    encoder._validate_params()
    return encoder
