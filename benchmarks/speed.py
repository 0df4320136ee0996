"""Speed of TTFSClassifier, beside that of scikit-learn's MLPClassifier.

    python benchmarks/speed.py [--quick] [--only NAME ...]

One table, measured in one run on one machine: see README.md beside this file, or the
explanation that is printed at the end. README.md says where MNIST comes from. Needs the
extra `bench`.
"""

import argparse
import json
import traceback
import warnings

import _common
import _speed_kernel
import _speed_own
import _speed_peer
from _speed_table import EXPLANATION, FULL, QUICK, line, skipped
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from ttfs import core as _core

MODULES = _speed_peer, _speed_own, _speed_kernel


def functions(prefix):
    """The functions of the modules whose names begin so, by the rest of their names."""
    return {
        name.removeprefix(prefix): function
        for module in MODULES
        for name, function in vars(module).items()
        if name.startswith(prefix) and function.__module__ == module.__name__
    }


ROWS = functions("rows_")


def header(options, is_quick):
    print(
        f"{_common.machine()}\n"
        f"sizes: MNIST {options.n_train} samples, Yin-Yang 5000, text "
        f"{options.n_text}; {options.n_pairs} pairs of each comparison"
    )
    _common.print_environment()
    if is_quick:
        print(
            "QUICK: fewer samples, epochs and repetitions; neither figures nor "
            "accuracies are those of the full run"
        )
    print()
    line("work", "figure", "target", "stretch", "verdict", "details")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller and less exact")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=ROWS,
        metavar="NAME",
        default=ROWS,
        help=f"some of the rows: {', '.join(ROWS)}",
    )
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    # All fits end by their number of epochs, as they should.
    warnings.simplefilter("ignore", ConvergenceWarning)
    if args.child:
        name, arguments = args.child
        out = functions("child_")[name](**json.loads(arguments))
        print(json.dumps(out))
        return
    options = QUICK if args.quick else FULL
    header(options, args.quick)
    with threadpool_limits(1):
        if _core.n_threads() != 1:
            print("threadpoolctl does not reach the threads of ttfs: no measurements")
            return
        for name, measure in ROWS.items():
            if name not in args.only:
                continue
            try:
                measure(options)
            except Exception as error:
                traceback.print_exc()
                skipped(name, f"it failed: {error!r}")
    print(f"\n{EXPLANATION}")


if __name__ == "__main__":
    main()
