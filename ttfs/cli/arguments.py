"""Arguments that several subcommands share, and the types of their values."""

import argparse
from dataclasses import replace

from ..substrates import PRESETS, AnalogChip
from .data import BUNDLED, FILES, DataError, Reading, data_names, load_data
from .data.reading import MISSING, split_names
from .output import check_figure, check_out

_MAX_JOBS = 1024  # processes


def argument(convert, complaint, is_allowed=lambda value: True):
    """The type of an argument: what `convert` makes of a text, if that is allowed.

    The complaint, after the text, is the message about others.
    """

    def read(text):
        try:
            value = convert(text)
            if is_allowed(value):
                return value
        except ValueError:
            pass
        raise DataError(f"{text!r} {complaint}")

    return read


def checked(read):
    """The type of an argument that stays a text, but that `read` can read."""

    def check(text):
        read(text)
        return text

    return check


count = argument(int, "is not a whole number above 0", lambda number: number > 0)
is_text = argument(str, "is empty", str.strip)


def whole_numbers(text):
    """The numbers of a text such as ``100,50``; ValueError if there are others."""
    return tuple(int(part) for part in text.split(","))


# What a data set is, for the help of a command.
DATASETS = f"{', '.join(BUNDLED)}, or a file: {FILES}"


def add_data(parser, default):
    """Add the data sets, DATA or --dataset, and how files are read: see `load_all`.

    The text `default` says in the help what is taken without an argument.
    """
    group = parser.add_argument_group("data")
    group.add_argument(
        "data",
        nargs="*",
        metavar="DATA",
        help=f"{DATASETS}; several are separated by spaces or commas "
        f"(default: {default})",
    )
    group.add_argument(
        "--dataset",
        action="append",
        default=[],
        metavar="DATA",
        help="the same as an option; may be repeated",
    )
    add_columns(group)


def add_columns(parser):
    """Add what the columns of a file are taken for: see `reading_of`."""
    parser.add_argument(
        "--target",
        metavar="COLUMN",
        help="name or number of the column of labels (default: the last one)",
    )
    columns = {
        "drop": "columns to leave out, such as names, numbers of rows, and dates",
        "categorical": "columns whose values are categories even if they are numbers; "
        "texts always are. A category is a feature that is 0 or 1",
    }
    for name, text in columns.items():
        parser.add_argument(
            f"--{name}",
            type=split_names,
            action="extend",
            default=[],
            metavar="COLUMN,...",
            help=text,
        )
    parser.add_argument(
        "--missing",
        choices=MISSING,
        default=MISSING[0],
        help=(
            "samples with missing values (empty, NA, NaN, null, ?) are an error, or "
            "dropped, or the values are imputed: by the median or the most frequent "
            "value of the training samples (default: %(default)s)"
        ),
    )
    parser.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first line names the columns (default: as it looks)",
    )


def reading_of(args):
    """How the arguments of `add_columns` say that a file is read."""
    columns = args.target, tuple(args.drop), tuple(args.categorical)
    return Reading(*columns, args.missing, args.header)


def load_all(args, default):
    """The data sets that the arguments of `add_data` and `add_run` name, or `default`.

    The command ends with a message if one of them cannot be used.
    """
    names = data_names([*args.data, *args.dataset]) or default
    try:
        data = [load_data(name, args.cv, args.seed, reading_of(args)) for name in names]
    except DataError as error:
        args.parser.error(str(error))
    held = [part.name for part in data]
    # Files of the same name in different folders are called by their paths.
    return [
        replace(part, name=name) if held.count(part.name) > 1 else part
        for name, part in zip(names, data, strict=True)
    ]


def add_run(parser, models, *, what="models", networks="TTFSClassifier", jobs=1):
    """Add how a comparison is run: --models, --max-iter, --cv, --seed, --jobs, --out.

    `models` are the names of what is compared, in the order of the table; `what` is
    another name of --models; `networks` have the hidden layers of --hidden; `jobs` is
    the number of processes, unless the command line says otherwise.
    """
    parser.set_defaults(what=what)
    group = parser.add_argument_group(what)
    group.add_argument(
        *dict.fromkeys(("--models", f"--{what}")),
        dest="models",
        type=_choice_of(models),
        action="extend",
        metavar="NAME,...",
        help=f"some of {', '.join(models)} (default: all)",
    )
    add_hidden(group, networks)
    group.add_argument(
        "--max-iter",
        type=count,
        metavar="N",
        help="epochs or iterations of each iterative model (default: its own)",
    )
    group = parser.add_argument_group("run")
    add_folds(group)
    group.add_argument(
        "--seed",
        type=argument(
            int,
            "is not a whole number from 0 to 2**32 - 1",
            lambda number: 0 <= number < 2**32,
        ),
        default=0,
        metavar="N",
        help="seed of folds and models (default: %(default)s)",
    )
    add_jobs(group, jobs, "; times are steadiest with 1")
    group.add_argument(
        "--out",
        type=check_out,
        metavar="FILE",
        help="write the results to a .json, .csv or .md file, too",
    )


def _choice_of(models):
    """The type of an argument that names some of the models."""
    known = {name.lower(): name for name in models}

    def read(text):
        names = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in names or [text] if name.lower() not in known]
        if unknown:
            raise DataError(
                f"{unknown[0]!r} is unknown: choose from {', '.join(models)}"
            )
        return [known[name.lower()] for name in names]

    return read


def add_plot(parser, what):
    """Add --plot, the file of a figure; `what` says what it shows."""
    parser.add_argument(
        "--plot",
        type=check_figure,
        metavar="FILE",
        help=f"draw {what}: .png, .svg or .pdf",
    )


def add_jobs(parser, default=1, remark=""):
    """Add --jobs, the number of processes; a remark ends its help."""
    parser.add_argument(
        "--jobs",
        type=argument(
            int,
            f"is not a number of processes up to {_MAX_JOBS}, or -1 for one per "
            "processor",
            lambda number: number != 0 and abs(number) <= _MAX_JOBS,
        ),
        default=default,
        metavar="N",
        help=f"processes; -1: one per processor{remark} (default: %(default)s)",
    )


def add_folds(parser, folds="folds of the cross-validation"):
    """Add --cv, whose help says what the folds are for."""
    parser.add_argument(
        "--cv",
        type=argument(int, "is not a whole number above 1", lambda n: n > 1),
        default=5,
        metavar="K",
        help=f"{folds} (default: %(default)s)",
    )


def add_hidden(parser, networks="TTFSClassifier"):
    """Add --hidden, the sizes of the hidden layers of some networks."""
    parser.add_argument(
        "--hidden",
        type=argument(
            whole_numbers,
            "is not a list of layer sizes such as 100 or 100,50",
            lambda sizes: min(sizes) > 0,
        ),
        metavar="SIZES",
        help=(
            f"hidden layers of {networks}, such as 100 or 100,50 "
            "(default: 100; for yin_yang 120)"
        ),
    )


def add_chip(parser):
    """Add --preset and --set, from which `make_chip` makes a chip."""
    parser.add_argument(
        "--preset",
        choices=sorted(PRESETS),
        help="a published set of parameters of the chip (default: an ideal one)",
    )
    parser.add_argument(
        "--set",
        type=checked(read_setting),
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the chip, such as weight_bits=6; may be repeated",
    )


def make_chip(preset, settings):
    """The emulated chip that the arguments of `add_chip` describe, or DataError."""
    values = dict(map(read_setting, settings))
    try:
        if preset is None:
            return AnalogChip(**values)
        return AnalogChip.preset(preset, **values)
    except ValueError as error:  # by itself a value may be a good one
        raise DataError(f"argument --set: {error}") from error


def read_setting(text):
    """The name and the value of a parameter of a chip, from ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals:
        raise DataError(f"{text!r} is not of the form NAME=VALUE")
    name, known = name.strip(), AnalogChip.__init__.__kwdefaults__
    if name not in known:
        raise DataError(
            f"{text!r} names no parameter of a chip: choose from {', '.join(known)}"
        )
    return name, read_number(value.strip(), text)


def read_number(text, argument):
    """The int or float that a text stands for; None for the text ``none``.

    The message names `argument`, from which the text is.
    """
    if text.lower() == "none":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    raise DataError(f"{text!r} is not a number, in {argument!r}")
