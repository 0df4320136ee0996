"""Arguments that several subcommands share, and the types of their values."""

import argparse
from dataclasses import replace

from ..substrates import PRESETS, AnalogChip
from .data import BUNDLED, FILES, DataError, Reading, data_names, load_data
from .data.reading import MISSING, split_names
from .figures import check_figure
from .output import check_out

_MAX_JOBS = 1024  # processes


def whole_number(meaning, is_allowed):
    """The type of an argument that is a whole number, where `is_allowed(number)`.

    "'x' is not" and `meaning` are the message.
    """

    def read(text):
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or not is_allowed(number):
            raise argparse.ArgumentTypeError(f"{text!r} is not {meaning}")
        return number

    return read


def checked(read):
    """The type of an argument that stays a text, but that `read` can read.

    The message is that of the ValueError of ``read(text)``.
    """

    def check(text):
        try:
            read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text

    return check


count = whole_number("a whole number above 0", lambda number: number > 0)


def layer_sizes(text):
    """The type of an argument such as ``100`` or ``100,50``: a tuple of int."""
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of layer sizes such as 100 or 100,50"
        )
    return sizes


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
    parser.add_argument(
        "--drop",
        type=checked(split_names),
        action="append",
        default=[],
        metavar="COLUMN,...",
        help="columns to leave out, such as names, numbers of rows, and dates",
    )
    parser.add_argument(
        "--categorical",
        type=checked(split_names),
        action="append",
        default=[],
        metavar="COLUMN,...",
        help=(
            "columns whose values are categories even if they are numbers; texts "
            "always are. A category is a feature that is 0 or 1"
        ),
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
    return Reading(
        args.target,
        tuple(name for text in args.drop for name in split_names(text)),
        tuple(name for text in args.categorical for name in split_names(text)),
        args.missing,
        args.header,
    )


def load_all(args, default):
    """The data sets that the arguments of `add_data` and `add_run` name, or `default`.

    Raises DataError if one of them cannot be used.
    """
    names = data_names([*args.data, *args.dataset]) or default
    data = [load_data(name, args.cv, args.seed, reading_of(args)) for name in names]
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
        type=whole_number(
            "a whole number from 0 to 2**32 - 1", lambda number: 0 <= number < 2**32
        ),
        default=0,
        metavar="N",
        help="seed of folds and models (default: %(default)s)",
    )
    add_jobs(group, jobs, "; times are steadiest with 1")
    group.add_argument(
        "--out",
        type=_out_file,
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
            raise argparse.ArgumentTypeError(
                f"{unknown[0]!r} is unknown: choose from {', '.join(models)}"
            )
        return [known[name.lower()] for name in names]

    return read


def _out_file(text):
    """The type of --out: a path that can be written."""
    try:
        return check_out(text)
    except DataError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_plot(parser, what):
    """Add --plot, the file of a figure of what is said."""
    parser.add_argument(
        "--plot",
        type=_figure_file,
        metavar="FILE",
        help=f"draw {what}: .png, .svg or .pdf",
    )


def _figure_file(text):
    """The type of --plot: a path that a figure can be drawn to."""
    try:
        return check_figure(text)
    except DataError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_jobs(parser, default=1, remark=""):
    """Add --jobs, the number of processes; a remark ends its help."""
    parser.add_argument(
        "--jobs",
        type=whole_number(
            f"a number of processes up to {_MAX_JOBS}, or -1 for one per processor",
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
        type=whole_number("a whole number above 1", lambda number: number > 1),
        default=5,
        metavar="K",
        help=f"{folds} (default: %(default)s)",
    )


def add_hidden(parser, networks="TTFSClassifier"):
    """Add --hidden, the sizes of the hidden layers of some networks."""
    parser.add_argument(
        "--hidden",
        type=layer_sizes,
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
    """The emulated chip that the arguments of `add_chip` describe.

    Raises ValueError if a setting is not of the form ``name=value``, or the chip has no
    such parameter or value.
    """
    values = dict(map(read_setting, settings))
    try:
        if preset is None:
            return AnalogChip(**values)
        return AnalogChip.preset(preset, **values)
    except ValueError as error:  # by itself a value may be a good one
        raise ValueError(f"argument --set: {error}") from error


def read_setting(text):
    """The name and the value of a parameter of a chip, from ``NAME=VALUE``.

    Raises ValueError if a chip has no such parameter, or its value is not a number.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not of the form NAME=VALUE")
    name, known = name.strip(), AnalogChip.__init__.__kwdefaults__
    if name not in known:
        raise ValueError(
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
    raise ValueError(f"{text!r} is not a number, in {argument!r}")
