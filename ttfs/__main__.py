"""The command ``ttfs``; also run by ``python -m ttfs``."""

import argparse
import logging
import os
import sys

from . import __version__
from ._compare import BUNDLED, DataError, compare, load_data
from ._robustness import (
    CHIPS,
    QUICK_CHIPS,
    QUICK_UPDATES,
    SWEEPS,
    UPDATES,
    Study,
    make_base,
    n_epochs,
    read_sweeps,
    robustness,
)
from .substrates import PRESETS, serve
from .substrates.settings import make_chip


class _Parser(argparse.ArgumentParser):
    """An argument parser that reports an error in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def _folds(text):
    try:
        folds = int(text)
    except ValueError:
        folds = 0
    if folds < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 1")
    return folds


def _seed(text):
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if not 0 <= seed < 2**32:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 0 to 2**32 - 1"
        )
    return seed


def _layer_sizes(text):
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of layer sizes such as 100 or 100,50"
        )
    return sizes


def _parser():
    parser = _Parser(
        prog="ttfs", description="Networks that compute with first-spike times."
    )
    parser.add_argument("--version", action="version", version=f"ttfs {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    command = commands.add_parser(
        "compare",
        help="train TTFSClassifier beside scikit-learn classifiers",
        description=(
            "Train TTFSClassifier beside scikit-learn classifiers and print one "
            "table of accuracy, speed and spike counts. Yin-Yang has its own test "
            "set, all other data are cross-validated. Pixels of digits are scaled "
            "to [0, 1], all other features but those of Yin-Yang to unit variance, "
            "for all models alike."
        ),
    )
    command.add_argument(
        "--dataset",
        action="append",
        metavar="NAME|FILE",
        help=(
            f"data sets, separated by commas or by repeating the option: "
            f"{', '.join(BUNDLED)}, a .npz file with arrays X and y, or a .csv file "
            f"whose last column is the label (default: all named ones)"
        ),
    )
    command.add_argument(
        "--cv",
        type=_folds,
        default=5,
        metavar="K",
        help="folds of the cross-validation (default: %(default)s)",
    )
    command.add_argument(
        "--hidden",
        type=_layer_sizes,
        metavar="SIZES",
        help=(
            "hidden layers of TTFSClassifier, such as 100 or 100,50 "
            "(default: 100; for yin_yang 120)"
        ),
    )
    command.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="N",
        help="seed of folds and models (default: %(default)s)",
    )
    command.set_defaults(
        run=_compare, parser=command, hint="data sets are given with --dataset"
    )
    _add_robustness(commands)
    _add_serve(commands)
    return parser


def _count(text):
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return count


def _jobs(text):
    try:
        jobs = int(text)
    except ValueError:
        jobs = 0
    if jobs == 0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of processes, or -1 for one per processor"
        )
    return jobs


def _add_robustness(commands):
    defaults = [name for name, sweep in SWEEPS.items() if sweep.is_default]
    command = commands.add_parser(
        "robustness",
        help="what a chip costs, and what training in the loop recovers",
        description=(
            "Sweep what is wrong with an emulated chip. For each value and chip, "
            "TTFSClassifier is trained without the chip and in the loop, and both are "
            "tested on it. Prints a table, and writes it with a figure and all runs; "
            "runs that are there already are not run again: docs/robustness.md."
        ),
    )
    command.add_argument(
        "--dataset",
        default=BUNDLED[0],
        metavar="NAME|FILE",
        help=(
            f"{', '.join(BUNDLED)}, a .npz file with arrays X and y, or a .csv file "
            f"whose last column is the label (default: %(default)s)"
        ),
    )
    command.add_argument(
        "--cv",
        type=_folds,
        default=5,
        metavar="K",
        help="folds of the data; chips take turns at them (default: %(default)s)",
    )
    command.add_argument(
        "--hidden",
        type=_layer_sizes,
        metavar="SIZES",
        help="hidden layers, such as 100 or 100,50 (default: 100; for yin_yang 120)",
    )
    command.add_argument(
        "--sweep",
        action="append",
        metavar="NAME[=V1,V2,...]",
        help=(
            f"what to sweep, and its values; may be repeated: {', '.join(SWEEPS)} "
            f"(default: {', '.join(defaults)})"
        ),
    )
    command.add_argument(
        "--seeds",
        type=_count,
        metavar="N",
        help=f"chips for each value (default: {CHIPS}; with --quick {QUICK_CHIPS})",
    )
    command.add_argument(
        "--max-iter",
        type=_count,
        metavar="N",
        help=(
            f"epochs (default: as many as make {UPDATES} updates; with --quick "
            f"{QUICK_UPDATES})"
        ),
    )
    command.add_argument("--quick", action="store_true", help="fewer updates and chips")
    _add_chip(command)
    command.add_argument(
        "--jobs",
        type=_jobs,
        default=1,
        metavar="N",
        help="processes; -1: one per processor (default: %(default)s)",
    )
    command.add_argument(
        "--out",
        default="robustness",
        metavar="PATH",
        help=(
            "a folder, or a path for .csv, .json and the figure: .png, or .svg or .pdf "
            "if it ends so (default: %(default)s)"
        ),
    )
    command.add_argument("--no-plot", action="store_true", help="without a figure")
    command.set_defaults(
        run=_robustness, parser=command, hint="sweeps are given with --sweep"
    )


def _port(text):
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a port")
    return port


# Options of `ttfs serve` that are parameters of Server.
_LIMITS = {
    "max_bytes": (_count, "longest message in bytes (default: 2**28)"),
    "max_memory": (
        _count,
        "memory in bytes for the messages of all clients (default: 4 * max-bytes)",
    ),
    "max_clients": (_count, "clients that are served at a time (default: 64)"),
    "idle_timeout": (
        float,
        "time after which a client that asks nothing is disconnected (default: 600)",
    ),
    "message_timeout": (
        float,
        "time in which a client must send a message, or take one (default: 60)",
    ),
}


def _add_serve(commands):
    command = commands.add_parser(
        "serve",
        help="run an emulated chip as a server",
        description=(
            "Run an emulated chip as a server for ttfs.substrates.Remote, until Ctrl-C "
            "or SIGTERM. There is no authentication: docs/remote.md."
        ),
    )
    address = command.add_mutually_exclusive_group(required=True)
    address.add_argument("--socket", metavar="PATH", help="a Unix domain socket")
    address.add_argument("--port", type=_port, metavar="N", help="a TCP port; 0: any")
    address.add_argument(
        "--stdio",
        action="store_true",
        help="standard input and output, for a client that runs this command",
    )
    command.add_argument(
        "--host",
        default="localhost",
        help="with --port: the address of this computer (default: %(default)s, which "
        "other computers cannot reach)",
    )
    for name, (kind, text) in _LIMITS.items():
        command.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            default=argparse.SUPPRESS,
            metavar="N" if kind is _count else "SECONDS",
            help=text,
        )
    _add_chip(command)
    command.set_defaults(
        run=_serve, parser=command, hint="parameters are given with --set"
    )


def _add_chip(command):
    command.add_argument(
        "--preset",
        choices=sorted(PRESETS),
        help="a published set of parameters of the chip (default: an ideal one)",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the chip, such as weight_bits=6; may be repeated",
    )


def _data_names(options):
    """The distinct names in the values of --dataset, in their order."""
    names = []
    for text in options:
        # A comma may also be part of a file name.
        names += [text] if os.path.exists(text) else text.split(",")
    return list(dict.fromkeys(name.strip() for name in names))


def _compare(args):
    try:
        names = _data_names(args.dataset) if args.dataset else BUNDLED
        data = [load_data(name, args.cv, args.seed) for name in names]
        return compare(data, args.hidden, args.seed)
    except DataError as error:
        args.parser.error(str(error))


def _robustness(args):
    updates, chips = (QUICK_UPDATES, QUICK_CHIPS) if args.quick else (UPDATES, CHIPS)
    try:
        points = read_sweeps(args.sweep)
        data = load_data(args.dataset, args.cv, 0)
        study = Study(
            data,
            make_base(data, args.preset, args.set),
            args.hidden or data.hidden,
            args.max_iter or n_epochs(len(data.splits[0][0]), updates),
        )
        return robustness(
            study, points, args.seeds or chips, args.out, args.jobs, not args.no_plot
        )
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        args.parser.error(str(error))


def _serve(args):
    if args.stdio:
        address = "-"
    else:
        address = args.socket or (args.host, args.port)
    logging.basicConfig(level=logging.INFO, format="ttfs serve: %(message)s")
    limits = {name: getattr(args, name) for name in _LIMITS if hasattr(args, name)}
    try:
        serve(make_chip(args.preset, args.set), address, **limits)
    except (ValueError, OSError, ImportError) as error:
        args.parser.error(str(error))
    return 0


def main(argv=None):
    """Run the command line and return the exit status.

    Parameters
    ----------
    argv : list of str or None, default=None
        The arguments; None stands for those of the process.

    Returns
    -------
    status : int
        0 if all went well, 1 if a model failed, 130 after Ctrl-C. Wrong arguments
        and unusable data end in ``SystemExit`` with status 2.
    """
    parser = _parser()
    args, unknown = parser.parse_known_args(argv)
    if args.command is None:
        parser.error("a command is missing; try 'ttfs compare' or 'ttfs --help'")
    if unknown:
        args.parser.error(f"unknown argument {unknown[0]!r}; {args.hint}")
    for stream in (sys.stdout, sys.stderr):
        # A terminal without a plus-minus sign shows a question mark.
        stream.reconfigure(errors="replace")
    try:
        return args.run(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has left, for example 'head'.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
