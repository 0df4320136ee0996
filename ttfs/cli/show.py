"""``ttfs show``: what a stored model is, and what it does with a sample."""

import argparse
import warnings
from math import prod
from pathlib import Path

import joblib
import numpy as np

from .._trusted import TRUSTED_TYPES
from ..plotting import MembraneDisplay, SpikeRasterDisplay
from ..plotting.estimators import last_step, passed
from ..plotting.raster import described
from .arguments import DATASETS, add_columns, add_plot, argument, reading_of
from .data import DataError, read_data
from .output import save
from .terminal import one_line

_PICKLES = (".joblib", ".pickle", ".pkl")
_N_SAMPLES = 1000  # of which the activity is counted, at most
_N_OUTPUTS = 10  # spikes of outputs that are listed, at most

_DESCRIPTION = """\
Show a stored model: its layers and its training; with --data, its spikes and events;
and with --sample, when what fires in one sample, and what it decides. A pipeline passes
the data through its other steps. Data are tables, and SpikeTrains have no file
format: for a model that was fitted to them a row is one spike time of each channel;
samples with several spikes are drawn in Python, by ttfs.plotting. A pickle can run
any code when it is loaded: show only what you have stored yourself, or a .skops
file."""

_EPILOG = """\
examples:
  ttfs show model.joblib
  ttfs show model.skops --data digits --sample 7 --plot sample7.svg
  ttfs show model.pkl --data people.csv --target income --sample 0

Samples are counted from 0, in the order of the data."""


def register(commands):
    """Add the subcommand to a parser: see `ttfs.cli.main`."""
    parser = commands.add_parser(
        "show",
        help="show a stored model, and what it does with a sample",
        usage="ttfs show MODEL [--data DATA [--sample N [--plot FILE]]] [options]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=Path,
        help=f"file of a fitted model: {', '.join(_PICKLES)} or .skops",
    )
    parser.add_argument(
        "--data",
        dest="dataset",
        metavar="DATA",
        help=f"data as the model takes them: {DATASETS}",
    )
    parser.add_argument(
        "--sample",
        type=argument(int, "is not a whole number from 0", lambda number: number >= 0),
        metavar="N",
        help="number of a sample of the data, from 0",
    )
    add_plot(parser, "the spikes and membranes of the sample")
    add_columns(parser.add_argument_group("columns of a file"))
    parser.set_defaults(run=run, parser=parser, hint="data are given with --data")


def run(args):
    """Show the model that the arguments name; returns the exit status 0."""
    if args.sample is not None and args.dataset is None:
        args.parser.error("--sample needs --data, of which it is a sample")
    if args.plot is not None and args.sample is None:
        args.parser.error("--plot needs --sample, which it draws")
    try:
        print("\n".join(show(load_model(args.model), args)))
    except DataError as error:
        args.parser.error(str(error))
    return 0


def load_model(path):
    """A fitted model from a file: an estimator, or what ends in one."""
    name, suffix = str(path), path.suffix.lower()
    if suffix not in (*_PICKLES, ".skops"):
        raise DataError(
            f"{name!r} does not end in {', '.join(_PICKLES)} or .skops: see "
            "docs/guide/storing.md"
        )
    try:
        model = _load_skops(path) if suffix == ".skops" else joblib.load(path)
        last_step(model, "ttfs show")
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{name}: {error.strerror or one_line(error)}") from error
    except Exception as error:  # a file that is damaged can raise anything
        reason = f"it is no readable {suffix} file ({type(error).__name__})"
        if isinstance(error, TypeError | ValueError):
            reason = one_line(error)
        raise DataError(f"{name} cannot be shown: {reason}") from error
    return model


def _load_skops(path):
    try:
        from skops import io
    except ImportError:
        raise DataError(
            'a .skops file needs skops: pip install "scikit-ttfs[store]"'
        ) from None
    return io.load(path, trusted=TRUSTED_TYPES)


def show(model, args):
    """What a model is, and what it does with data that the arguments name, in lines."""
    last, before = last_step(model, "ttfs show")
    lines = describe(last, before)
    if args.dataset is None:
        return lines
    data = read_data(args.dataset, reading_of(args))
    X = _features_of(model, data)
    if args.sample is not None and args.sample >= len(X):
        raise DataError(
            f"there is no sample {args.sample}: {data.name} has {len(X)} samples, "
            "counted from 0"
        )
    notes = [*data.notes, *([f"labels are {data.labels}"] if data.labels else [])]
    lines += ["", *(f"{data.name}: {note}" for note in notes)]
    with warnings.catch_warnings():
        # The columns are in order by their names.
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        try:
            activity = last.activity(passed(before, X[:_N_SAMPLES]))
            lines.append(f"{data.name}, the first {activity.n_samples:,} samples:")
            lines.append(str(activity))
            if args.sample is not None:
                lines += _sample(model, data, X, args)
        except (TypeError, ValueError) as error:
            message = f"{data.name} does not fit the model: {one_line(error)}"
            raise DataError(message) from error
    return lines


def _features_of(model, data):
    """The features of data in the order in which the model knows them."""
    if data.categories:
        column = min(data.categories)
        name = data.names[column] if data.names else str(column + 1)
        raise DataError(
            f"{data.name}: column {name!r} has texts, but a model is shown with "
            "features that are numbers: leave it out with --drop"
        )
    known = getattr(model, "feature_names_in_", None)
    if known is None or not data.names:
        return data.X
    missing = [name for name in known if name not in data.names]
    if missing:
        raise DataError(
            f"{data.name} has no column {missing[0]!r}, which the model was fitted with"
        )
    return data.X[:, [data.names.index(name) for name in known]]


def describe(estimator, before):
    """What a fitted estimator, and the pipeline before it or None, are: in lines."""
    network, neuron = estimator.network_, estimator.network_.neuron
    steps = [] if before is None else [type(step).__name__ for _, step in before.steps]
    chain = ", then ".join([*steps, type(estimator).__name__])
    if hasattr(estimator, "classes_"):
        ends = f"{len(estimator.classes_)} classes"
    else:
        n = estimator.n_outputs_
        ends = "1 target" if n == 1 else f"{n} targets"
    where = type(estimator.encoder_).__name__
    read_out = "" if np.isinf(network.read_out) else f", read-out {network.read_out:g}"
    lines = [
        f"{chain}: {estimator.n_features_in_} features, {ends}",
        f"network {'-'.join(map(str, network.sizes))}, channels by {where}",
        f"tau_syn {neuron.tau_syn:g}, threshold {neuron.threshold:g}, end of the "
        f"experiment {network.t_max:g}{read_out}",
        "",
        f"{'layer':>10}{'neurons':>10}{'biases':>8}{'weights':>11}{'not 0':>9}"
        f"{'tau_mem':>9}{'delays':>10}",
    ]
    names = [f"hidden {k}" for k in range(1, len(network.layers))] + ["output"]
    for name, layer in zip(names, network.layers, strict=True):
        n_weights = prod(layer.geometry.weight_shape(layer.n_bias))
        share = np.count_nonzero(layer.weights) / max(n_weights, 1)
        n_axes = 0 if layer.delays is None else layer.delays.ndim
        delays = ("none", "axonal", "synaptic")[n_axes]
        lines.append(
            f"{name:>10}{layer.n_out:10,}{layer.n_bias:8,}{n_weights:11,}{share:9.1%}"
            f"{layer.neuron.tau_mem:9g}{delays:>10}"
        )
    lines.append("")
    trained = f"trained for {estimator.n_iter_} epochs"
    if estimator.loss_ is not None:
        trained += f", last loss {estimator.loss_:.4g}"
    if estimator.best_validation_score_ is not None:
        trained += f", best validation score {estimator.best_validation_score_:.4g}"
    return [*lines, trained]


def _sample(model, data, X, args):
    """What happens in a sample, in lines; draws it if a file is given."""
    last, before = last_step(model, "ttfs show")
    rows = np.array([args.sample])
    features = passed(before, X[rows])
    recording = last.record(features)
    kind, names, _, titles = described(last, recording, features, data.y, rows)
    unit = recording.network.neuron.tau_syn
    lines = ["", f"{titles[0]} (times in the unit of tau_syn = {unit:g})"]
    lines += lines_of_sample(recording, [f"{kind} {name}" for name in names])
    if args.plot is not None:
        save(plot_sample(model, X, data.y, args.sample), args.plot)
        lines.append(f"drawn: {args.plot}")
    return lines


def lines_of_sample(recording, names):
    """What fires when in the first recorded sample, with outputs of such names."""
    *groups, outputs = SpikeRasterDisplay(recording).groups(0)
    decision = recording.decision_times[0]
    has_decision = recording.outputs is not None and recording.is_decided[0]
    lines = []
    for group in groups:
        n_fired = len(np.unique(group.neurons))
        what = "channels spike" if group is groups[0] else "neurons fire"
        line = f"{group.name:>10}  {n_fired:,} of {group.n_neurons:,} {what}"
        if n_fired:
            line += f", from {group.times.min():.4g} to {group.times.max():.4g}"
        if has_decision:
            n_until = np.count_nonzero(group.times <= decision)
            line += f"; {n_until:,} of {len(group.times):,} spikes until the decision"
        lines.append(line)
    order = np.argsort(outputs.times, kind="stable")[:_N_OUTPUTS]
    fired = [f"{names[outputs.neurons[k]]} at {outputs.times[k]:.4g}" for k in order]
    n_more = len(outputs.times) - len(order)
    more = [f"and {n_more} more spikes"] if n_more else []
    lines.append(f"{'outputs':>10}  {', '.join([*fired, *more]) or 'none fires'}")
    if has_decision:
        is_driven = decision > recording.read_out
        way = "by a first spike" + (" after the read-out" if is_driven else "")
        lines.append(f"{'decision':>10}  at {decision:.4g}, {way}")
    return lines


def plot_sample(model, X, y, sample):
    """A figure of the spikes of a sample beside the membranes of its outputs."""
    from matplotlib.figure import Figure

    figure = Figure((11.5, 5.0), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
    SpikeRasterDisplay.from_estimator(model, X, y, samples=sample, ax=left)
    MembraneDisplay.from_estimator(model, X, y, sample=sample, ax=right)
    right.set_title("")
    return figure
