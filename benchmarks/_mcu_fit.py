"""How ttfs/export/measured.py comes about: costs of exported models, fitted.

Networks of other sizes than those of microcontroller.py are trained for a few epochs,
exported and run in emulators. Samples are put into groups of similar cost, and linear
models of their costs, in numbers of operations, are fitted to the relative errors.
"""

import contextlib
from dataclasses import replace

import numpy as np
from _mcu_measure import means
from _mcu_networks import NETWORKS, variants
from _mcu_program import bare_metal, of_samples
from _mcu_program import Program as Program
from scipy.optimize import nnls

from ttfs import export
from ttfs.export.c_arrays import model_code
from ttfs.export.estimate import array_bytes, kind_of, operations_of
from ttfs.export.model import input_events, read_learner, read_model

TARGETS = {"m0+": "-Os", "m4f": "-O2", "rv32": "-Os", "avr": "-Os"}
N_SAMPLES, N_GROUPS = 48, 4
# Networks to fit to: name of the data, hidden layers, parameters.
NETS = [
    ("4-30-3", (12,)),
    ("4-30-3", (45,)),
    ("64-32-10", (20,)),
    ("64-32-10", (48, 24)),
    ("64-32-10", (130,)),
    ("256-64-10", (40,)),
    ("256-64-10", (120,)),
]


def cases(fits):
    """Classifiers in integers, samples and labels."""
    for name, hidden in NETS:
        network = NETWORKS[name]
        X, y = network.samples
        for parameters in variants(network).values():
            clf = fits.ttfs(name, network, parameters, hidden)
            yield clf, X[:N_SAMPLES], y[:N_SAMPLES]


def measured(bench, folder, clf, X, y, *, learns):
    """What a model costs: operations, sizes and counts of groups of samples.

    Yields
    ------
    target : str
    sizes : dict of str to int
    stack : int
    rows : list of tuple of (dict, dict)
        Operations and costs of each group of samples.
    """
    path = folder / "fit.c"
    export.to_c(clf, path, learn=learns)
    samples, labels, _ = of_samples(clf, X, y, learns=learns)
    program = Program(
        *("", 0.0, bare_metal.TTFS, {"MODEL": path, "LEARN": learns}, samples, labels),
        expected=lambda n: None,
    )
    network = read_learner(clf) if learns else read_model(clf).network
    events = input_events(clf, X)
    groups = None
    for target, opt in TARGETS.items():
        if target not in bench.machines:
            continue
        try:
            sizes = bench.sizes(program, target, opt)
            if groups is None:
                _, counts = bench.run(program, target, opt, slice(None))
                # From the weights of the beginning, as operations are counted; in the
                # few samples they hardly move.
                groups = np.array_split(np.argsort(counts[:, 0]), N_GROUPS)
            rows = []
            for group in map(np.sort, groups):
                output, counts = bench.run(program, target, opt, group)
                costs = {} if counts is None else means(counts)
                if output.cycles:
                    costs["cycles"] = output.cycles / len(group)
                rows.append((group, costs))
        except bare_metal.NoRoomError:
            continue
        operations = operations_of(network, events, labels.astype(np.uintp) if learns else None)
        yield (
            target,
            sizes,
            output.stack,
            [
                ({k: float(v[g].mean()) for k, v in operations.items()}, costs)
                for g, costs in rows
            ],
        )
