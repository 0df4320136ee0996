"""A ReLU network as a network of integrate-and-fire neurons.

After B. Rueckauer, I.-A. Lungu, Y. Hu, M. Pfeiffer and S.-C. Liu, "Conversion of
continuous-valued deep networks to efficient event-driven networks for image
classification", Frontiers in Neuroscience 11, 682 (2017).
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.extmath import safe_sparse_dot

# Samples that scales are measured on, at most: evenly spaced ones of the training data.
_MAX_SAMPLES = 20_000


def activations(X, coefs, intercepts):
    """Activations of each layer of a ReLU network; the last one has no ReLU.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    coefs : list of ndarray of shape (n_in, n_out)
    intercepts : list of ndarray of shape (n_out,)

    Yields
    ------
    activation : ndarray of shape (n_samples, n_out)
    """
    for k, (w, b) in enumerate(zip(coefs, intercepts, strict=True), 1):
        X = safe_sparse_dot(X, w, dense_output=True) + b
        if k < len(coefs):
            np.maximum(X, 0, out=X)
        yield X


def scale_of(activation, percentile):
    """The percentile of the activations that are above 0; 1 if there are none."""
    active = activation[activation > 0]
    return float(np.percentile(active, percentile)) if active.size else 1.0


def convert(X, coefs, intercepts, percentile):
    """Weights and biases in thresholds, and what a rate of 1 stands for.

    With scales lambda of the inputs and the layers, weights W_l become
    W_l lambda_(l-1) / lambda_l and biases b_l / lambda_l: one spike per step then
    stands for the activation lambda_l.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Training data.
    coefs, intercepts : list of ndarray
        The ReLU network.
    percentile : float
        That of the activations above 0 which becomes the scale of a layer; for the
        inputs, of their magnitudes.

    Returns
    -------
    weights, biases : list of ndarray of float32
    scales : ndarray of shape (n_layers + 1,)
    """
    X = X[:: -(-X.shape[0] // _MAX_SAMPLES)]
    scales = [scale_of(abs(X.data if issparse(X) else X), percentile)]
    scales += [scale_of(a, percentile) for a in activations(X, coefs, intercepts)]
    weights, biases = [], []
    for k, (w, b) in enumerate(zip(coefs, intercepts, strict=True)):
        before, after = scales[k : k + 2]
        weights.append(np.ascontiguousarray(w * (before / after), np.float32))
        biases.append(np.ascontiguousarray(b / after, np.float32))
    return weights, biases, np.array(scales)
