"""Stored models say by which version of the package they were stored."""

from __future__ import annotations

import warnings
from typing import Any

from .core import __version__

# The format of what estimators and encoders store of themselves. It is raised when an
# attribute that is stored gets another name or another meaning.
FORMAT = 3


class ModelVersionWarning(UserWarning):
    """A model was stored by another version of ttfs than the one that loads it.

    See Also
    --------
    sklearn.exceptions.InconsistentVersionWarning : The same for scikit-learn.
    """


class Stored:
    """Base of estimators and encoders, whose pickles hold a version and a format."""

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {**state, "_ttfs_version": __version__, "_ttfs_format": FORMAT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop("_ttfs_version", "of an unknown version")
        found = state.pop("_ttfs_format", 0)
        name = type(self).__name__
        if found != FORMAT:
            advice = "install a newer version" if found > FORMAT else "fit it again"
            raise ValueError(
                f"this {name} was stored by ttfs {version} in format {found}, but ttfs "
                f"{__version__} reads format {FORMAT}: {advice}"
            )
        if version != __version__:
            warnings.warn(
                f"this {name} was stored by ttfs {version} and is loaded by ttfs "
                f"{__version__}: its results may differ, or it may not work",
                ModelVersionWarning,
                stacklevel=2,
            )
        super().__setstate__(state)
