"""Models in C for microcontroller.py: what they are, and those that ttfs exports."""

import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

sys.path += [
    str(Path(__file__).parents[1] / "tests" / name) for name in ("support", "twins")
]

import bare_metal
import exported
from _mcu_networks import variants

from ttfs import export
from ttfs._fixed import FixedCore
from ttfs.export.model import input_events, read_model


@dataclass
class Program:
    """A model in C, with samples.

    Parameters
    ----------
    title : str
        Name in the table.
    accuracy : float
        On all test data, in percent.
    adapter : Path
        Header for the firmware.
    macros : dict
        What the firmware is built with.
    samples : ndarray of shape (n_samples, n_inputs)
        As the model takes them.
    labels : ndarray of shape (n_samples,)
        Numbers of classes.
    expected : callable
        What the firmware must write for expected(n) samples: a row for each, or with
        `learns` all numbers at the end; None if nobody knows.
    flags : tuple of str
        Of the compiler.
    learns : bool
        Whether the call is a step of learning.
    is_ours : bool
        Whether ttfs has exported it.
    estimate : ttfs.export.Estimate or None
        What ttfs says of it before it is built.
    """

    title: str
    accuracy: float
    adapter: Path
    macros: dict
    samples: np.ndarray
    labels: np.ndarray
    expected: Callable
    flags: tuple = ()
    learns: bool = False
    is_ours: bool = False
    estimate: object = None

    def count_wrong(self, rows, n):
        """How many rows, or numbers, that n samples gave are not as expected."""
        expected = self.expected(n)
        if expected is None:
            return None
        got = list(chain(*rows[n:])) if self.learns else rows
        different = sum(a != b for a, b in zip(got, expected, strict=False))
        return different + abs(len(got) - len(expected))


def of_samples(clf, X, y, *, learns):
    """Ticks, numbers of labels, and what is expected of samples."""
    numbers = np.searchsorted(clf.classes_, y)

    def expected(n):
        if learns:
            return list(chain(*exported.online(deepcopy(clf), X[:n], y[:n])))
        decisions = np.searchsorted(clf.classes_, clf.predict(X[:n]))
        core = FixedCore(read_model(clf).network)
        return bare_metal.answers(*core.run(input_events(clf, X[:n])), decisions)

    return export.ticks(clf, X), numbers, expected


def exports(folder, name, network, fits, *, n_random=None):
    """The exported models of a network.

    Parameters
    ----------
    folder : Path
        Where the files are written.
    name : str
    network : Network
    fits : Fits
    n_random : tuple of int or None
        Numbers of random samples, for inference and for learning, that take the place
        of those of the network.

    Yields
    ------
    program : Program
    """
    _, _, X_test, y_test = network.data
    for kind, parameters in variants(network).items():
        clf = fits.ttfs(name, network, parameters)
        accuracy = 100 * clf.score(X_test, y_test)
        for learns in (False, True):
            if learns and not read_model(clf).can_learn:
                continue
            if learns and not (network.learns or n_random):
                continue
            words = [*kind.replace(",", "").split(), "learns" if learns else "infers"]
            path = folder / f"{'-'.join(words)}.c"
            export.to_c(clf, path, learn=learns)
            estimate = None
            if n_random:
                samples = bare_metal.random_case(clf, n_random[learns], learns=learns)
            else:
                samples = of_samples(clf, *network.samples, learns=learns)
                X, y = network.samples
                estimate = export.estimate(clf, X, y if learns else None)
            yield Program(
                f"ttfs, {kind}",
                accuracy,
                bare_metal.TTFS,
                {"MODEL": path, "LEARN": learns},
                *samples,
                learns=learns,
                is_ours=True,
                estimate=estimate,
            )
