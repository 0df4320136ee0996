"""Weights of the first layer as images."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Self

import numpy as np

from .estimators import check_numbers, last_step
from .figures import LIGHT, several_axes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import ArrayLike

    from .._typing import Floats

_N_NEURONS = 16  # unless they are chosen
_QUANTILE = 0.995  # of the weights, beyond which colours do not go on


class WeightImagesDisplay:
    """What each neuron of the first layer looks for, as an image of its weights.

    A feature with a complement has two channels: a great value spikes early on its own
    channel and late on the complement, a small one the other way round. The image has
    the difference of both weights, which is positive where a great value drives the
    neuron, and negative where a small one does. Features that never spike, since they
    did not vary in the training data, are grey.

    Parameters
    ----------
    images : array-like of shape (n_neurons, height, width)
        Weights in the unit of the threshold; NaN where there is none.
    titles : sequence of str, default=None
        A title for each image.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n_neurons,)
        The panels.
    figure_ : Figure
        The figure.
    images_ : list of AxesImage
        The images; all have one scale of colours, symmetric about 0.
    colorbar_ : Colorbar or None
        The scale.

    Raises
    ------
    ValueError
        If the images do not have three dimensions.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.plotting import WeightImagesDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = TTFSClassifier((20,), max_iter=2, random_state=0).fit(X[:300], y[:300])
    >>> display = WeightImagesDisplay.from_estimator(clf, (8, 8), neurons=range(4))
    >>> display.images.shape
    (4, 8, 8)
    """

    def __init__(self, images: ArrayLike, titles: Sequence[str] | None = None) -> None:
        self.images = np.asarray(images, float)
        if self.images.ndim != 3 or not self.images.size:
            raise ValueError(
                "images must have the shape (n_neurons, height, width), got "
                f"{self.images.shape}"
            )
        self.titles = titles

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        image_shape: tuple[int, int],
        *,
        neurons: Sequence[int] | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Draw weights of the first layer of a fitted estimator.

        Parameters
        ----------
        estimator : TTFSClassifier, TTFSRegressor, or a pipeline that ends in one
            Fitted. Of a search its best estimator is taken. In a pipeline the features
            are those that the last step sees.
        image_shape : tuple of (int, int)
            Height and width of the images that the features are, row by row.
        neurons : sequence of int, default=None
            Numbers of the neurons. None: the first sixteen.
        ax : Axes or array-like of Axes, default=None
            Axes to draw into: one that is divided, or one for each neuron. None: those
            of a new figure.
        **options
            Options of :meth:`plot`.

        Returns
        -------
        display : WeightImagesDisplay

        Raises
        ------
        TypeError
            If it is no estimator of this package.
        ValueError
            If `image_shape` does not fit the features, or a feature has several
            receptive fields, which no one number stands for.
        """
        last, _ = last_step(estimator, cls.__name__)
        weights = feature_weights(last)
        n_features, n_neurons = weights.shape
        shape = _check_shape(image_shape, n_features)
        chosen: Any = range(min(n_neurons, _N_NEURONS)) if neurons is None else neurons
        numbers = check_numbers(
            list(chosen) if isinstance(chosen, range) else chosen,
            n_neurons,
            "neurons",
            "the first layer has {} neurons",
        )
        images = weights.T[numbers].reshape(-1, *shape)
        return cls(images, [f"neuron {k}" for k in numbers]).plot(ax=ax, **options)

    def plot(
        self,
        ax: Any = None,
        *,
        n_columns: int | None = None,
        vmax: float | None = None,
        colorbar: bool = True,
    ) -> Self:
        """Draw the images.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to draw into: one that is divided, or one for each neuron. None: those
            of a new figure.
        n_columns : int, default=None
            Images in a row. None: as many as make the whole nearly square.
        vmax : float, default=None
            The weight of the strongest colour. None: that of which 99.5 % are within.
        colorbar : bool, default=True
            Whether the scale of colours is shown.

        Returns
        -------
        display : WeightImagesDisplay
        """
        n, height, width = self.images.shape
        if n_columns is not None and not (
            isinstance(n_columns, Integral) and n_columns > 0
        ):
            raise ValueError(
                f"n_columns must be a whole number above 0 or None, got {n_columns!r}"
            )
        if n_columns is None:
            n_columns = int(np.ceil(np.sqrt(n * height / width)))
        n_columns = min(n_columns, n)
        n_rows = -(-n // n_columns)
        side = 1.25
        size = (
            side * n_columns * min(1, width / height) + 1.6,
            (side * min(1, height / width) + 0.25) * n_rows + 0.2,
        )
        self.axes_ = several_axes(ax, (n_rows, n_columns), n, size)
        self.figure_ = self.axes_[0].figure
        magnitudes = np.abs(self.images[np.isfinite(self.images)])
        if vmax is None:
            vmax = float(np.quantile(magnitudes, _QUANTILE)) if magnitudes.size else 1.0
            vmax = vmax or 1.0
        is_cut = bool(np.any(magnitudes > vmax))
        self.images_ = []
        for k, (panel, image) in enumerate(zip(self.axes_, self.images, strict=True)):
            panel.set_facecolor(LIGHT)
            self.images_.append(
                panel.imshow(
                    np.ma.masked_invalid(image),
                    cmap="RdBu_r",
                    vmin=-vmax,
                    vmax=vmax,
                    interpolation="nearest",
                )
            )
            panel.set_xticks([])
            panel.set_yticks([])
            if self.titles is not None:
                panel.set_title(self.titles[k], fontsize="small", pad=2)
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = self.figure_.colorbar(
                self.images_[0],
                ax=list(self.axes_),
                extend="both" if is_cut else "neither",
                label="weight [threshold]",
                shrink=0.9 if n_rows > 1 else 1.0,
            )
        return self


def feature_weights(estimator: Any) -> Floats:
    """The weight [threshold] of each feature into each neuron of the first layer.

    It is less by the weight of the complement, and NaN for a feature that never spikes.
    """
    channels, network = estimator.encoder_.channels_, estimator.network_
    first = network.layers[0]
    if channels.n_receptive_fields > 1:
        raise ValueError(
            f"each feature has {channels.n_receptive_fields} receptive fields, which "
            "no one number stands for: use another encoder"
        )
    values = first.geometry.unrolled(network.weight_values[0])
    values = values.astype(float) / first.neuron.threshold
    n_features = channels.n_features
    weights = values[:n_features].copy()
    complements = values[n_features : channels.n_channels]
    weights[channels.complemented] -= complements
    if len(channels.scale):
        weights[channels.scale == 0] = np.nan
    return weights


def _check_shape(image_shape, n_features):
    """Height and width, which fit the number of features."""
    try:
        height, width = image_shape
    except (TypeError, ValueError):
        height = width = None
    if not all(isinstance(side, Integral) and side > 0 for side in (height, width)):
        raise ValueError(
            f"image_shape must be two whole numbers above 0, got {image_shape!r}"
        )
    if height * width != n_features:
        raise ValueError(
            f"image_shape={tuple(image_shape)!r} has {height * width} pixels, but "
            f"there are {n_features} features"
        )
    return int(height), int(width)
