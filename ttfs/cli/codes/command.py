"""The subcommand: its arguments, and the course of a comparison."""

import argparse
from dataclasses import replace
from math import isfinite

from ...energy import COST_MODELS
from ..arguments import add_data, add_plot, add_run, load_all
from ..data import DataError
from ..output import write_results
from ..runs import Task, run_all
from ..terminal import interrupts, progress
from .measure import STEPS, Settings, measure
from .methods import METHODS
from .notes import notes_of
from .plot import plot
from .results import content_of, make_rows, make_table

_DATA = ("digits",)  # without an argument
_FOLDS = 3  # unless --cv says otherwise: some methods take long
_JOBS = -1  # for the same reason; counts do not depend on it
_COST_MODEL = "cmos45-int8"

_DESCRIPTION = """\
Train networks of one size with different codes and learning rules, and print one table:
accuracy by spikes; spikes, synaptic events and time until the decision; energy and
latency by a cost model; what a training sample costs. docs/guide/codes.md says how each
column is counted."""

_EPILOG = """\
examples:
  ttfs codes --plot digits.svg                 the bundled digits, with a figure
  ttfs codes people.csv --target income --out people.json
  ttfs codes wine --models dense,exact --cost-model loihi --event-cost 2

methods:
"""


def register(commands):
    """Add the subcommand to a parser: see `ttfs.cli.main`."""
    about = "\n".join(f"  {key:17}{method.about}" for key, method in METHODS.items())
    parser = commands.add_parser(
        "codes",
        help="compare codes and learning rules: accuracy, events, energy, latency",
        usage="ttfs codes [DATA ...] [options]",
        description=_DESCRIPTION,
        epilog=_EPILOG + about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data(parser, default=" ".join(_DATA))
    add_run(parser, list(METHODS), what="methods", networks="all networks", jobs=_JOBS)
    group = parser.add_argument_group("costs and figure")
    group.add_argument(
        "--steps",
        type=_steps,
        default=STEPS,
        metavar="T1,T2,...",
        help="steps after which the rate code is stopped "
        f"(default: {','.join(map(str, STEPS))})",
    )
    group.add_argument(
        "--cost-model",
        choices=list(COST_MODELS),
        default=_COST_MODEL,
        metavar="NAME",
        help="what events, steps and time cost, see docs/guide/energy.md: one of "
        f"{', '.join(COST_MODELS)} (default: %(default)s)",
    )
    group.add_argument(
        "--event-cost",
        type=_factor,
        metavar="FACTOR",
        help="another column of energy: if an event cost so many times as much",
    )
    add_plot(group, "accuracy against events and latency")
    parser.set_defaults(
        run=run,
        parser=parser,
        cv=_FOLDS,
        hint="data sets are given first, or with --dataset",
    )


def _steps(text):
    """The type of --steps: numbers of steps, in increasing order."""
    try:
        steps = sorted({int(part) for part in text.split(",")})
    except ValueError:
        steps = [0]
    if steps[0] < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of numbers of steps such as 8 or 8,16,32"
        )
    return tuple(steps)


def _factor(text):
    """The type of --event-cost: a number above 0."""
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not (factor > 0 and isfinite(factor)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return factor


def run(args):
    """Compare the methods as the arguments say; returns the exit status."""
    try:
        data = load_all(args, _DATA)
    except DataError as error:
        args.parser.error(str(error))
    settings = Settings(
        seed=args.seed,
        cost_model=COST_MODELS[args.cost_model],
        max_iter=args.max_iter,
        steps=args.steps,
        event_cost=args.event_cost,
    )
    keys = [key for key in METHODS if args.models is None or key in args.models]
    return compare_codes(
        data, keys, args.hidden, settings, args.jobs, args.out, args.plot
    )


def compare_codes(data, keys, hidden, settings, n_jobs=1, out=None, figure=None):
    """Train methods on all data sets, print the results and write them to files.

    Rows are printed as soon as a method is finished, and all again at the end. The
    status is 0, or 1 if a method failed, or 130 after Ctrl-C.

    `hidden` are the hidden layers of all methods; None stands for each data set's own.
    """
    tasks = [
        Task(part, key, replace(settings, hidden=hidden or part.hidden), k)
        for part in data
        for key in keys
        for k in range(len(part.splits))
    ]
    table = make_table(settings)
    about_data = [line for part in data for line in part.about]
    for line in (*about_data, *map(str, dict.fromkeys(map(_network, tasks)))):
        print(line)
    rows, curves, status = [], [], 0
    table.print_head()
    with interrupts() as interrupted:
        try:
            for found, drawn in _results(tasks, n_jobs, interrupted):
                rows += found
                curves += drawn
                for row in found:
                    table.print_row(row.cells(settings))
        except KeyboardInterrupt:
            status = 130
        finally:
            progress("")
    cells = [row.cells(settings) for row in rows]
    notes = notes_of(rows, settings, data)
    if status == 130:
        notes.append("interrupted: the remaining methods were not trained")
    table.print_all(cells)
    print("\n".join(notes), flush=True)
    if out is not None:
        about, results = content_of(settings, data, tasks, rows)
        lines = [list(table.columns), *cells]
        write_results(out, about, results, lines, [*about_data, *notes], curves=curves)
        print(f"written: {out}", flush=True)
    good = [row for row in rows if not row.error]
    if figure is not None and good:
        plot(good, curves, settings, figure)
        print(f"drawn: {figure}", flush=True)
    if status == 0 and len(good) < len(rows):
        status = 1
    return status


def _network(task):
    """The line that says what is compared on the data of a task."""
    train, test = task.data.splits[0]
    hidden = "-".join(map(str, task.model.hidden))
    n_classes = len(set(task.data.y.tolist()))
    return (
        f"{task.data.name}: networks {task.data.n_channels}-{hidden}-{n_classes}, "
        f"{len(train)} training and {len(test)} test samples"
    )


def _results(tasks, n_jobs, interrupted):
    """Yield the rows and the curves of each method as soon as it is finished."""
    measured = []
    for task, result in run_all(measure, tasks, n_jobs):
        if interrupted:
            raise KeyboardInterrupt
        measured += [result] if result else []
        if task.split == len(task.data.splits) - 1:
            yield make_rows(task, measured)
            measured = []
