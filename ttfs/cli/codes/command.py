"""The arguments of ``ttfs codes``, and the course of its comparison."""

import argparse
from dataclasses import replace
from math import inf

from ...energy import COST_MODELS
from ..arguments import add_data, add_plot, add_run, argument, load_all, whole_numbers
from ..runs import Task, run_comparison
from .measure import STEPS, Settings, measure
from .methods import METHODS
from .results import make_rows, make_table, notes_of, plot, settings_of

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
        type=argument(
            lambda text: tuple(sorted(set(whole_numbers(text)))),
            "is not a list of numbers of steps such as 8 or 8,16,32",
            lambda steps: steps[0] > 0,
        ),
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
        type=argument(float, "is not a number above 0", lambda x: 0 < x < inf),
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


def run(args):
    """Compare the methods as the arguments say; returns the exit status."""
    data = load_all(args, _DATA)
    settings = Settings(
        seed=args.seed,
        cost_model=COST_MODELS[args.cost_model],
        max_iter=args.max_iter,
        steps=args.steps,
        event_cost=args.event_cost,
    )
    keys = [key for key in METHODS if args.models is None or key in args.models]
    tasks = [
        Task(part, key, replace(settings, hidden=args.hidden or part.hidden), k)
        for part in data
        for key in keys
        for k in range(len(part.splits))
    ]
    curves = []

    def rows_of(task, measured):
        rows, found = make_rows(task, measured)
        curves.extend(found)
        return rows

    return run_comparison(
        args,
        data,
        tasks,
        measure,
        make_table(settings),
        rows_of,
        lambda rows: notes_of(rows, settings),
        lambda rows: plot(rows, curves, settings),
        settings=settings_of(settings, data, args.hidden),
        head=dict.fromkeys(map(_network, tasks)),
        curves=curves,
    )


def _network(task):
    """The line that says what is compared on the data of a task."""
    train, test = task.data.splits[0]
    hidden = "-".join(map(str, task.model.hidden))
    n_classes = len(set(task.data.y.tolist()))
    return (
        f"{task.data.name}: networks {task.data.n_channels}-{hidden}-{n_classes}, "
        f"{len(train)} training and {len(test)} test samples"
    )
