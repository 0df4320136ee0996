"""The arguments of ``ttfs robustness``, and the course of a study."""

from itertools import groupby

import numpy as np
from joblib import effective_n_jobs

from ..arguments import (
    DATASETS,
    add_chip,
    add_columns,
    add_folds,
    add_hidden,
    add_jobs,
    argument,
    checked,
    count,
    reading_of,
)
from ..data import BUNDLED, DataError, load_data
from ..output import save
from ..terminal import duration, interrupts, progress
from .results import TABLE, Results, ideal_accuracies, plot, print_notes, summarise
from .study import (
    DEFAULT_SWEEPS,
    SWEEPS,
    Study,
    make_base,
    make_point,
    measure_all,
    n_epochs,
    read_sweep,
    read_sweeps,
)

UPDATES, QUICK_UPDATES = 6000, 1500  # default number of updates of a training
CHIPS, QUICK_CHIPS = 5, 2  # default number of chips for each value


def register(commands):
    """Add the subcommand to a parser: see `ttfs.cli.main`."""
    parser = commands.add_parser(
        "robustness",
        help="what a chip costs, and what training in the loop recovers",
        description=(
            "Sweep what is wrong with an emulated chip. For each value and chip, "
            "TTFSClassifier is trained without the chip and in the loop, and both are "
            "tested on it. Prints a table, and writes it with a figure and all runs; "
            "runs that are there already are not run again: docs/notes/robustness.md."
        ),
    )
    parser.add_argument(
        "--dataset",
        default=BUNDLED[0],
        metavar="NAME|FILE",
        help=f"{DATASETS} (default: %(default)s)",
    )
    add_columns(parser)
    add_folds(parser, "folds of the data; chips take turns at them")
    add_hidden(parser)
    parser.add_argument(
        "--sweep",
        type=checked(read_sweep),
        action="append",
        metavar="NAME[=V1,V2,...]",
        help=(
            f"what to sweep, and its values; may be repeated: {', '.join(SWEEPS)} "
            f"(default: {', '.join(DEFAULT_SWEEPS)})"
        ),
    )
    parser.add_argument(
        "--seeds",
        type=count,
        metavar="N",
        help=f"chips for each value (default: {CHIPS}; with --quick {QUICK_CHIPS})",
    )
    parser.add_argument(
        "--max-iter",
        type=count,
        metavar="N",
        help=(
            f"epochs (default: as many as make {UPDATES} updates; with --quick "
            f"{QUICK_UPDATES})"
        ),
    )
    parser.add_argument("--quick", action="store_true", help="fewer updates and chips")
    add_chip(parser)
    add_jobs(parser)
    parser.add_argument(
        "--out",
        type=argument(str, "is no path", str.strip),
        default="robustness",
        metavar="PATH",
        help=(
            "where three files are written: PATH.csv, a row for each run; PATH.json, "
            "settings and table; PATH.png, the figure. An ending is replaced, and .svg "
            "or .pdf is that of the figure. In a folder, or in a new one if PATH ends "
            "in /, they are robustness.csv, ... (default: %(default)s)"
        ),
    )
    parser.add_argument("--no-plot", action="store_true", help="without a figure")
    parser.set_defaults(run=run, parser=parser, hint="sweeps are given with --sweep")


def run(args):
    """Run a study, print its table and write its files; returns the exit status.

    Runs that the files hold are not run again, unless they failed. The status is 0, or
    1 if a chip failed, or 130 after Ctrl-C.
    """
    n_chips = args.seeds or (QUICK_CHIPS if args.quick else CHIPS)
    try:
        study, points, results = _prepare(args, n_chips)
    except ValueError as error:
        args.parser.error(str(error))
    wanted = [(*point, number) for point in points for number in range(n_chips)]
    _print_head(study, n_chips)
    is_cut = False
    with interrupts() as interrupted:
        try:
            _run_all(study, wanted, results, args.jobs, interrupted)
        except KeyboardInterrupt:
            is_cut = True
        finally:
            progress("")
    runs = [results.runs[key] for key in wanted if key in results.runs]
    table = summarise(runs)
    results.write_table(table)
    TABLE.print_all([point.cells() for point in table])
    print_notes(table, runs)
    print(f"written: {results.csv}, {results.json}")
    if not args.no_plot:
        _draw(table, runs, results.figure)
    if is_cut:
        print("interrupted: the same command goes on from here")
        return 130
    return int(any(run.error for run in runs))


def _prepare(args, n_chips):
    """The study, its points, which are pairs of a sweep and a value, and its files."""
    points = read_sweeps(args.sweep)
    data = load_data(args.dataset, args.cv, 0, reading_of(args))
    updates = QUICK_UPDATES if args.quick else UPDATES
    study = Study(
        data,
        make_base(data, args.preset, args.set),
        args.hidden or data.hidden,
        args.max_iter or n_epochs(len(data.splits[0][0]), updates),
    )
    for point in points:
        try:
            make_point(study.base, *point, n_chips - 1)
        except ValueError as error:
            raise DataError(f"argument --sweep: {error}") from error
    try:
        return study, points, Results(args.out, study.settings())
    except OSError as error:
        message = f"argument --out: {args.out!r} cannot be written: {error.strerror}"
        raise DataError(message) from error


def _run_all(study, wanted, results, n_jobs, interrupted):
    """Measure the missing runs; print a row when all its chips are there."""
    missing = [key for key in wanted if key not in results.runs]
    n_done = len(wanted) - len(missing)
    if n_done:
        print(f"{n_done} of {len(wanted)} runs are in {results.csv}")
    rows = [list(row) for _, row in groupby(wanted, lambda key: key[:2])]

    def print_rows():
        while rows and all(key in results.runs for key in rows[0]):
            row = [results.runs[key] for key in rows.pop(0)]
            TABLE.print_row(summarise(row)[0].cells())

    TABLE.print_head()
    print_rows()
    if not missing:
        return
    progress("training without a chip")
    is_first = True
    for block in measure_all(study, missing, n_jobs):
        if interrupted:
            raise KeyboardInterrupt
        results.append(block)
        n_done += len(block)
        seconds = np.mean([run.seconds for run in results.runs.values()])
        left = duration(seconds * (len(wanted) - n_done) / effective_n_jobs(n_jobs))
        progress("")
        if is_first:
            print(f"a run takes {duration(seconds)}; about {left} to go", flush=True)
        is_first = False
        print_rows()
        progress(f"{n_done} of {len(wanted)} runs; about {left} to go")


def _print_head(study, n_chips):
    for line in study.data.about:
        print(line)
    train, test = study.data.splits[0]
    print(
        f"{study.data.name}: {len(train)} training and {len(test)} test samples; "
        f"hidden neurons: {','.join(map(str, study.hidden))}; "
        f"{study.max_iter} epochs; {n_chips} chips"
    )
    print(f"chip before a sweep: {study.base!r}")


def _draw(table, runs, path):
    points = [point for point in table if point.chips]
    if not points:
        return
    try:
        save(plot(points, float(np.mean(ideal_accuracies(runs)))), path)
    except ImportError:
        print('no figure without matplotlib: pip install "scikit-ttfs[plot]"')
    else:
        print(f"drawn: {path}")
