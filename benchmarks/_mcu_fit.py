"""How ttfs/export/measured.py comes about: costs of exported models, fitted.

Networks of other sizes than those of microcontroller.py are trained for a few epochs,
exported and run in emulators. Samples are put into groups of similar cost, and linear
models of their costs, in numbers of operations, are fitted to the relative errors.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _mcu_measure import means
from _mcu_networks import NETWORKS, Network, variants
from _mcu_program import Program, bare_metal, of_samples
from scipy.optimize import nnls
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

from ttfs import TTFSClassifier, export
from ttfs.encoders import LatencyEncoder, PopulationEncoder
from ttfs.export import measured as measured_file
from ttfs.export.c_arrays import model_code
from ttfs.export.c_encoder import encoder_code
from ttfs.export.estimates import (
    array_bytes,
    encoder_operations,
    kind_of,
    operations_of,
)
from ttfs.export.measured import COLUMNS
from ttfs.export.model import input_events, read_learner, read_model

TARGETS = {"m0+": "-Os", "m4f": "-O2", "rv32": "-Os", "avr": "-Os"}
N_SAMPLES, N_GROUPS = 48, 4
RIDGE = 1e-3


def tabular(n_features, is_validation):
    """Three classes of points around two centres each."""
    X, y = make_classification(
        2000,
        n_features,
        n_informative=n_features - 2,
        n_classes=3,
        class_sep=1.5,
        random_state=0,
    )
    return train_test_split(X, y, test_size=0.2, random_state=int(is_validation))


def _tabular(n_features):
    def load(is_validation):
        X, X_test, y, y_test = tabular(n_features, is_validation)
        return X, y, X_test, y_test

    return Network("tabular", load, 10)


_TABULAR = {f"{n}-tabular": _tabular(n) for n in (7, 16, 33)}
# Networks to fit to: name of the data, hidden layers.
NETS = [
    ("4-30-3", (12,)),
    ("4-30-3", (45,)),
    ("64-32-10", (20,)),
    ("64-32-10", (48, 24)),
    ("64-32-10", (130,)),
    ("256-64-10", (40,)),
    ("256-64-10", (120,)),
    ("7-tabular", (28,)),
    ("16-tabular", (12,)),
    ("33-tabular", (50,)),
]


@dataclass
class Measurement:
    """What a kind of exported model costs on a machine.

    Parameters
    ----------
    kind : tuple of (str, str)
        A key of measured.py.
    target : str
        The machine.
    flash, ram, stack : int
        Bytes, arrays not counted but for the stack.
    n_layers : int
        Layers of the network.
    rows : list of tuple of (dict, dict)
        Operations, and what they cost, of each group of samples.
    """

    kind: tuple
    target: str
    flash: int
    ram: int
    stack: int
    n_layers: int
    rows: list


def cases(fits):
    """Classifiers in integers, samples and labels."""
    for name, hidden in NETS:
        network = (NETWORKS | _TABULAR)[name]
        X, y = network.samples
        for parameters in variants(network).values():
            clf = fits.ttfs(name, network, parameters, hidden)
            yield clf, X[:N_SAMPLES], y[:N_SAMPLES]


def measured(bench, folder, clf, X, y, *, learns):
    """Yield a `Measurement` of an exported model for each machine."""
    path = folder / "fit.c"
    export.to_c(clf, path, learn=learns)
    ticks, labels, _ = of_samples(clf, X, y, learns=learns)
    macros = {"MODEL": path, "LEARN": learns}
    program = _program(bare_metal.TTFS, macros, ticks, labels)
    network = read_learner(clf) if learns else read_model(clf).network
    operations = operations_of(
        network,
        input_events(clf, X),
        labels.astype(np.uintp) if learns else None,
    )
    arrays = array_bytes(model_code(network, learn=learns)[0], learn=learns)
    # Groups of samples that cost about the same.
    work = operations["synaptic events"] + operations["steps"]
    groups = np.array_split(np.argsort(work, kind="stable"), N_GROUPS)
    for target, opt in TARGETS.items():
        if target not in bench.machines:
            continue
        try:
            sizes = bench.sizes(program, target, opt)
            runs = [bench.run(program, target, opt, group) for group in groups]
        except bare_metal.NoRoomError:
            continue
        yield Measurement(
            kind_of(network, learn=learns),
            target,
            sizes["flash"] - arrays[0],
            sizes["ram"] - arrays[1] - ticks[0].nbytes,
            max(output.stack for output, _ in runs),
            len(network.layers),
            [
                ({k: float(n[g].mean()) for k, n in operations.items()}, _costs(run, g))
                for g, run in zip(groups, runs, strict=True)
            ],
        )


def _program(adapter, macros, samples, labels):
    """A program of which nothing is expected."""
    return Program("", 0.0, adapter, macros, samples, labels, lambda n: None)


def _costs(run, samples):
    output, counts = run
    return {"cycles": output.cycles / len(samples)} if counts is None else means(counts)


ENCODER = bare_metal.FIRMWARE.parents[2] / "benchmarks/microcontroller/encoder.h"


def encoders():
    """Classifiers of raw features, their types, and samples."""
    rng = np.random.default_rng(0)
    for n in (3, 12, 40):
        X = rng.integers(0, 256, (60, n))
        y = np.arange(60) % 2
        kinds = (
            (LatencyEncoder(complement=True), "uint8"),
            (LatencyEncoder(), "int16"),
            (LatencyEncoder(complement=True), "int16"),
            (PopulationEncoder(4), "uint8"),
            (PopulationEncoder(7), "int16"),
        )
        for encoder, features in kinds:
            clf = TTFSClassifier(
                (4,), arithmetic="fixed", encoder=encoder, max_iter=1, random_state=0
            )
            yield clf.fit(X, y), features, X
        # Pixels have one range, and share a table.
        pixels = np.vstack([X, np.zeros(n, int), np.full(n, 255)])
        for complement in (False, True):
            clf = TTFSClassifier(
                (4,),
                arithmetic="fixed",
                encoder=LatencyEncoder(complement=complement),
                max_iter=1,
                random_state=0,
            )
            yield clf.fit(pixels, np.append(y, [0, 1])), "uint8", pixels


def measured_encoders(bench, folder):
    """Yield a `Measurement` of each encoder of raw features, for each machine."""
    for clf, features, X in encoders():
        path = folder / "fit.c"
        export.to_c(clf, path, features=features)
        encoder = export.integer_encoder(clf, features)
        n_bytes, _, kind = encoder_code(encoder)
        macros = {"MODEL": path, "FEATURE": f"{features}_t"}
        program = _program(ENCODER, macros, X.astype(features), np.zeros(len(X), int))
        flash, _ = array_bytes(n_bytes, learn=False)
        for target, opt in TARGETS.items():
            if target not in bench.machines:
                continue
            sizes = bench.sizes(program, target, opt)
            run = bench.run(program, target, opt, slice(40))
            yield Measurement(
                ("encoder", kind),
                target,
                sizes["flash"] - flash,
                sizes["ram"] - 2 * encoder.n_channels - program.samples[0].nbytes,
                run[0].stack,
                0,
                [(encoder_operations(encoder), _costs(run, range(40)))],
            )


# -- Linear models ---------------------------------------------------------------------

_CALL = "calls", "channels", "ranges of ticks", "neurons", "input spikes"
_OFTEN = "silent updates", "windows", "spikes"
_TABLE = *_CALL, *_OFTEN, "moves", "searches", "search steps", "synaptic events"
_SHIFT = *_CALL, *_OFTEN, "ticks", "steps", "synaptic events"
_STEP = "inputs", "draws", "errors", "products", "eligibilities", "weight moves"
_LANES = *_CALL, *_OFTEN, "ticks", "steps", "groups", "rows"


def _operations(kind, target):
    """The operations that a kind of model costs on a machine."""
    if kind[0] == "encoder":
        return "calls", "codes", "fields"
    if kind == ("shift", "infers") and target != "avr":
        return _LANES
    return (_TABLE if kind[0] == "table" else _SHIFT) + (
        _STEP if kind[1] == "learns" else ()
    )


def fitted(rows, names, figure):
    """Costs of operations, none below 0, with the least squared relative errors.

    Parameters
    ----------
    rows : list of tuple of (dict, dict)
        Operations and what they cost.
    names : tuple of str
        Of the operations.
    figure : str
        Which cost.

    Returns
    -------
    costs : dict of str to float
    """
    # The timer of an AVR does not see a call of less than 256 cycles.
    rows = [row for row in rows if row[1][figure] > 0]
    counts = np.array([[operations[name] for name in names] for operations, _ in rows])
    cost = np.array([costs[figure] for _, costs in rows])
    shares = counts / cost[:, None]
    size = np.sqrt((shares**2).mean(axis=0)) + 1e-12
    # A little of a ridge, for operations that hardly differ.
    ridge = RIDGE * np.sqrt(len(cost)) * np.eye(len(names))
    goal = np.append(np.ones(len(cost)), np.zeros(len(names)))
    found, _ = nnls(np.vstack([shares / size, ridge]), goal)
    return dict(zip(names, found / size, strict=True))


def sizes_of(group):
    """Constants of sizes from measurements: of a program, and of each layer."""
    a = np.array([[1, each.n_layers] for each in group])
    b = np.array([[each.flash, each.ram] for each in group])
    (flash, ram), (flash_of_layer, ram_of_layer) = np.linalg.lstsq(a, b, rcond=None)[0]
    stack = max(each.stack for each in group)
    numbers = flash, flash_of_layer, ram, ram_of_layer, stack
    return tuple(round(number) for number in numbers)


def tables(measurements):
    """The tables of measured.py: sizes and costs by kind."""
    sizes, costs = {}, {}
    for kind in dict.fromkeys(each.kind for each in measurements):
        sizes[kind], columns = {}, []
        for target in TARGETS:
            group = [m for m in measurements if (m.kind, m.target) == (kind, target)]
            sizes[kind][target] = sizes_of(group)
            rows = [row for each in group for row in each.rows]
            names = _operations(kind, target)
            columns += [
                fitted(rows, names, figure) for its, figure in COLUMNS if its == target
            ]
        names = dict.fromkeys(name for column in columns for name in column)
        costs[kind] = {
            name: tuple(float(f"{column.get(name, 0):.3g}") for column in columns)
            for name in names
            if any(column.get(name, 0) for column in columns)
        }
    return sizes, costs


def source(sizes, costs):
    """The two tables as Python."""
    lines = ["SIZES = {"]
    for kind, of_targets in sizes.items():
        one, two, *others = map(str, of_targets.values())
        lines.append(f'    ("{kind[0]}", "{kind[1]}"): on_targets({one}, {two},')
        lines.append(f"        {', '.join(others)}),")
    lines += ["}", "COSTS = {"]
    for kind, of_operations in costs.items():
        lines.append(f'    ("{kind[0]}", "{kind[1]}"): {{')
        for name, numbers in of_operations.items():
            cells = ", ".join(f"{number:g}" for number in numbers)
            lines.append(f'        "{name}": ({cells}),')
        lines.append("    },")
    return "\n".join([*lines, "}", ""])


def refit(bench, folder, fits):
    """Measure, fit, and write measured.py."""
    measurements = list(measured_encoders(bench, folder))
    for clf, X, y in cases(fits):
        for learns in (False, True):
            if learns and not read_model(clf).can_learn:
                continue
            measurements += measured(bench, folder, clf, X, y, learns=learns)
            print(clf.hidden_layer_sizes, clf.arithmetic, learns, flush=True)
    write(measurements)
    return measurements


def write(measurements):
    """Write the tables of measurements behind the head of measured.py."""
    path = Path(measured_file.__file__)
    head, _ = path.read_text().split("SIZES = {", 1)
    path.write_text(head + source(*tables(measurements)))
