"""Training on more data than fit into memory, a block of samples at a time.

Public names:

- :func:`fit_blocks` - train any estimator that has `partial_fit` on blocks of samples
- :func:`dask_blocks` - the blocks of Dask arrays and DataFrames
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse, vstack
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils import _safe_indexing, check_random_state, indexable
from sklearn.utils.validation import check_is_fitted

from ._typing import RandomState
from .encoders import SpikeTrains

__all__ = ["dask_blocks", "fit_blocks"]

# How the warning begins with which partial_fit answers an interrupt.
INTERRUPTED = "training interrupted"

_Estimator = TypeVar("_Estimator")
_Blocks = Iterable[tuple[Any, ...]] | Callable[[], Iterable[tuple[Any, ...]]]


def fit_blocks(
    estimator: _Estimator,
    blocks: _Blocks,
    *,
    classes: ArrayLike | None = None,
    n_epochs: int = 1,
    n_first: int | None = 2000,
    random_state: RandomState = None,
) -> _Estimator:
    """Train an estimator on blocks of samples, of which one is in memory at a time.

    Each block is a call of `partial_fit`, and nothing else: the weights are those that
    the same calls with arrays in memory would give, bit for bit.

    What the first call of `partial_fit` sees decides on the ranges of the features, on
    initial weights and, in a regressor, on the range of the targets. An estimator that
    is not fitted therefore sees a random sample of all blocks first, for which these
    are read once more. One that is fitted goes on learning.

    Parameters
    ----------
    estimator : estimator with `partial_fit`
        A classifier or regressor of this package, or any other one; it is trained in
        place.
    blocks : iterable of tuple, or function
        Blocks (X, y) or (X, y, sample_weight) of what `partial_fit` takes: arrays,
        sparse matrices, SpikeTrains or DataFrames, of the same kind in all blocks; or a
        function without arguments that returns such an iterable, and is called each
        time that the blocks are read. An iterator can be read once only. Blocks should
        be alike: one in which a class is missing makes the estimator forget it.
    classes : array-like of shape (n_classes,), default=None
        All classes, for a classifier. None: those of all blocks; needed without
        `n_first`.
    n_epochs : int, default=1
        How often all blocks are learned.
    n_first : int, default=2000
        Number of samples that an estimator that is not fitted learns first, drawn from
        all blocks; all of them, if there are no more, and those with the smallest and
        the greatest targets in any case, where targets are numbers. None: none, the
        first block is the first.
    random_state : int, RandomState instance or None, default=None
        Draws these samples: for an int they are the same, in the same order, however
        samples are divided into blocks.

    Returns
    -------
    estimator : estimator
        The one that was passed.

    Raises
    ------
    TypeError
        If the estimator has no `partial_fit`, or blocks are not such tuples. Messages
        count blocks from 0.
    ValueError
        If there are no samples, blocks differ in their number of features, an iterator
        would have to be read twice, or a number is not valid; and whatever
        `partial_fit` raises.

    See Also
    --------
    dask_blocks : Blocks of Dask arrays and DataFrames.

    Notes
    -----
    An interrupt (Ctrl-C) ends it by a KeyboardInterrupt. The estimator has then learned
    all blocks before the one at which it came.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> from ttfs.out_of_core import fit_blocks
    >>> def blocks():
    ...     for seed in range(10):  # or files that are read
    ...         yield make_yin_yang(200, random_state=seed)
    >>> clf = TTFSClassifier((30,), random_state=0)
    >>> clf = fit_blocks(clf, blocks, n_epochs=4, random_state=0)
    >>> clf.score(*make_yin_yang(500, random_state=99)) > 0.8
    True
    """
    if not hasattr(estimator, "partial_fit"):
        raise TypeError(
            f"{type(estimator).__name__} has no partial_fit, by which blocks are "
            "learned; estimators of ttfs have, and scale features themselves: they "
            "need no pipeline for that"
        )
    _check_size("n_epochs", n_epochs)
    if n_first is not None:
        _check_size("n_first", n_first)
    is_first = not _is_fitted(estimator)
    needs_sample = is_first and n_first is not None
    if isinstance(blocks, Iterator) and n_epochs + needs_sample > 1:
        raise ValueError(
            "blocks is an iterator, which can be read once only: pass a list or a "
            "function that returns a new iterator, or n_epochs=1 and n_first=None"
        )
    options = {}
    if is_first and is_classifier(estimator):
        if classes is None and not needs_sample:
            raise ValueError("without n_first, classes must be passed")
        options["classes"] = classes
    if needs_sample:
        sample = _Sample(n_first, random_state, keeps_labels=is_classifier(estimator))
        for block in _read(blocks):
            sample.add(block)
        first = sample.block()
        if "classes" in options and classes is None:
            options["classes"] = sample.labels
        _learn(estimator, first, options)
    for _ in range(n_epochs):
        n_blocks = 0
        for block in _read(blocks):
            _learn(estimator, block, options)
            n_blocks += 1
        if n_blocks == 0:
            raise ValueError("blocks hold no samples")
    return estimator


def dask_blocks(X: Any, y: Any, sample_weight: Any = None) -> Iterable[tuple[Any, ...]]:
    """The blocks of Dask arrays or DataFrames, each computed when it is asked for.

    Parameters
    ----------
    X : dask Array or DataFrame of shape (n_samples, n_features)
        Features.
    y : dask Array, Series or DataFrame of shape (n_samples,) or (n_samples, n_targets)
        Targets. Arrays are divided into the same rows as `X`.
    sample_weight : dask Array or Series of shape (n_samples,), default=None
        Weights of samples.

    Returns
    -------
    blocks : iterable of tuple
        What :func:`fit_blocks` takes; it can be read many times. A Dask client that is
        there computes the blocks.

    Raises
    ------
    ImportError
        If Dask is not installed.
    TypeError
        If something is not a collection of Dask.
    ValueError
        If collections are not divided into the same blocks.

    Examples
    --------
    >>> import dask.array as da  # doctest: +SKIP
    >>> from ttfs.out_of_core import dask_blocks, fit_blocks
    >>> X = da.from_zarr("features.zarr")  # doctest: +SKIP
    >>> y = da.from_zarr("labels.zarr")  # doctest: +SKIP
    >>> clf = fit_blocks(clf, dask_blocks(X, y), n_epochs=5)  # doctest: +SKIP
    """
    return _DaskBlocks([X, y, *([] if sample_weight is None else [sample_weight])])


class _DaskBlocks:
    """Blocks of Dask collections, which are divided into the same rows."""

    def __init__(self, collections):
        try:
            import dask
        except ImportError as error:
            raise ImportError(
                'blocks of Dask need Dask: pip install "scikit-ttfs[dask]"'
            ) from error
        self._compute = dask.compute
        for collection in collections:
            if not hasattr(collection, "to_delayed"):
                raise TypeError(
                    "X, y and sample_weight must be Dask arrays or DataFrames, got "
                    f"{type(collection).__name__}"
                )
        parts = [_delayed(one, collections[0]) for one in collections]
        if len({len(column) for column in parts}) != 1:
            raise ValueError(
                "X, y and sample_weight are divided into different numbers of blocks: "
                + ", ".join(str(len(column)) for column in parts)
            )
        self._blocks = list(zip(*parts, strict=True))

    def __len__(self):
        return len(self._blocks)

    def __iter__(self):
        for parts in self._blocks:
            yield self._compute(*parts)


def _delayed(collection, first):
    """The blocks of rows of a collection, those of `first` if it can be divided so."""
    if not hasattr(collection, "rechunk"):  # a DataFrame or a Series
        return collection.to_delayed()
    chunks = dict.fromkeys(range(1, collection.ndim), -1)
    rows = getattr(first, "chunks", [()])[0]
    if collection.shape[0] == sum(rows):
        chunks[0] = rows
    return collection.rechunk(chunks).to_delayed().ravel().tolist()


class _Sample:
    """A random sample of the samples of blocks.

    Each sample has a random number, and those with the smallest ones are in it. Labels
    of classes are collected; of other targets the samples with the smallest and the
    greatest are kept.
    """

    def __init__(self, size, random_state, *, keeps_labels):
        self._size, self._rng = size, check_random_state(random_state)
        self._keeps_labels = keeps_labels
        self._kept, self._labels = [], []

    @property
    def labels(self):
        """All labels that occur, sorted."""
        return self._labels[0]

    def add(self, block):
        """Look at a block."""
        if self._keeps_labels:
            self._labels = [np.unique(np.concatenate([*self._labels, block[1]]))]
        # A few of the new samples first, so that there are no copies of many.
        new = self._some((self._rng.random_sample(len(block[1])), *block))
        columns = zip(*self._kept, new, strict=True)
        self._kept = [self._some([_stacked(parts) for parts in columns])]

    def _some(self, columns):
        """Those of numbered samples that are kept, in the order of their numbers."""
        order = np.argsort(columns[0])
        is_kept = np.zeros(len(order), dtype=bool)
        is_kept[order[: self._size]] = True
        if not self._keeps_labels:
            targets = columns[2]
            is_kept[targets.argmin(axis=0)] = is_kept[targets.argmax(axis=0)] = True
        rows = order[is_kept[order]]
        return [_safe_indexing(column, rows) for column in columns]

    def block(self):
        """The sample."""
        if not self._kept:
            raise ValueError("blocks hold no samples")
        return self._kept[0][1:]


def _read(blocks):
    """Valid blocks that have samples, from the first one on."""
    found = blocks() if callable(blocks) else blocks
    if not isinstance(found, Iterable):
        raise TypeError(
            "blocks must be an iterable of tuples (X, y), or a function that returns "
            f"one, got {found!r}"
        )
    width = None
    for k, block in enumerate(found):
        if not isinstance(block, tuple | list) or len(block) not in (2, 3):
            raise TypeError(
                "each block must be (X, y) or (X, y, sample_weight), got "
                f"{type(block).__name__} for block {k}"
            )
        X, *others = block
        try:
            block = indexable(X, *map(np.asarray, others))
        except (TypeError, ValueError) as error:
            raise type(error)(f"block {k}: {error}") from error
        if len(block[1]) > 0:
            shape = np.shape(X)
            n_features = shape[1] if len(shape) == 2 else None
            width = n_features if width is None else width
            if n_features != width:
                raise ValueError(
                    f"block {k} has {n_features} features, but those before it {width}"
                )
            yield block


def _learn(estimator, block, options):
    """A call of partial_fit; an interrupt in it is one here."""
    X, y, *weights = block
    weight = {"sample_weight": weights[0]} if weights else {}
    with warnings.catch_warnings():
        # An estimator of this package answers Ctrl-C by this warning and returns, after
        # which the next block would be learned.
        warnings.filterwarnings("error", INTERRUPTED)
        try:
            estimator.partial_fit(X, y, **options, **weight)
        except UserWarning as warning:
            if not str(warning).startswith(INTERRUPTED):
                raise
            raise KeyboardInterrupt from None


def _stacked(parts):
    """Parts of data below each other."""
    first = parts[0]
    if isinstance(first, SpikeTrains):
        return SpikeTrains.concatenate(parts)
    if issparse(first):
        return vstack(parts, format="csr")
    if hasattr(first, "iloc"):
        import pandas as pd  # there is one of its DataFrames

        return pd.concat(parts)
    return np.concatenate([np.asarray(part) for part in parts])


def _is_fitted(estimator):
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def _check_size(name, value):
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
