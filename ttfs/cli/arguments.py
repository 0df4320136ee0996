"""Arguments that several subcommands share, and the types of their values."""

import argparse

from ..substrates import PRESETS, AnalogChip
from .data import BUNDLED


def whole_number(meaning, is_allowed):
    """The type of an argument that is a whole number.

    Parameters
    ----------
    meaning : str
        What the number is; it ends the message "'x' is not ...".
    is_allowed : callable
        Whether a number (int) is one of the allowed values.
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


# What --dataset takes, for the help of a command.
DATASETS = (
    f"{', '.join(BUNDLED)}, a .npz file with arrays X and y, or a .csv file whose last "
    "column is the label"
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


def add_hidden(parser):
    """Add --hidden, the sizes of the hidden layers of TTFSClassifier."""
    parser.add_argument(
        "--hidden",
        type=layer_sizes,
        metavar="SIZES",
        help=(
            "hidden layers of TTFSClassifier, such as 100 or 100,50 "
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
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the chip, such as weight_bits=6; may be repeated",
    )


def make_chip(preset, settings):
    """Make the emulated chip that the arguments of `add_chip` describe.

    Parameters
    ----------
    preset : str or None
        Name of a preset; None stands for the default parameters of `AnalogChip`.
    settings : list of str
        Parameters that differ from the preset, of the form ``name=value``.

    Raises
    ------
    ValueError
        If a setting is not of that form, or the chip has no such parameter or value.
    """
    values = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} is not of the form NAME=VALUE")
        values[name.strip()] = read_number(value.strip())
    try:
        if preset is None:
            return AnalogChip(**values)
        return AnalogChip.preset(preset, **values)
    except TypeError as error:
        raise ValueError(str(error)) from error


def read_number(text):
    """The int or float that a text stands for; None for the text ``none``."""
    if text.lower() == "none":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    raise ValueError(f"{text!r} is not a number")
