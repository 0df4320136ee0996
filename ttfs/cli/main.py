"""The command ``ttfs``: the argument parser, and the dispatch to a subcommand.

A subcommand is a module, or a package, with one function ``register(commands)``. It
adds a parser to `commands` and sets three defaults there: ``run``, a function that
takes the parsed arguments and returns the exit status; ``parser``, through which
errors are reported; and ``hint``, which ends the message about an unknown argument.
"""

import argparse
import os
import sys

from ..core import __version__
from . import codes, compare, robustness, serve, show

COMMANDS = (codes, compare, robustness, serve, show)


class _Parser(argparse.ArgumentParser):
    """An argument parser that reports an error in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {' '.join(message.splitlines())}\n")


def _parser():
    parser = _Parser(
        prog="ttfs", description="Networks that compute with first-spike times."
    )
    parser.add_argument("--version", action="version", version=f"ttfs {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in COMMANDS:
        command.register(commands)
    return parser


def main(argv=None):
    """Run the command line with arguments, or those of the process.

    The status is 0 if all went well, 1 if a model failed, a file cannot be written, the
    memory does not suffice, or the reader of the output has left, 130 after Ctrl-C.
    Wrong arguments and unusable data end in ``SystemExit`` with status 2.
    """
    parser = _parser()
    if sys.stdout is None:  # it was closed, which worker processes do not expect
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
    try:
        try:
            args = _arguments(parser, argv)
            parser = args.parser
            return args.run(args)
        finally:
            print(end="", flush=True)  # what fails here fails before Python ends
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _discard_output()  # its reader has left, for example 'head'
        return 1
    except (OSError, MemoryError) as error:
        _discard_output()
        print(f"{parser.prog}: error: {_reason(error)}", file=sys.stderr)
        return 1


def _arguments(parser, argv):
    """The arguments of a command, which standard streams are ready for."""
    args, unknown = parser.parse_known_args(argv)
    if args.command is None:
        parser.error("a command is missing; try 'ttfs compare' or 'ttfs --help'")
    if "data" in args and not any(text.startswith("-") for text in unknown):
        # What stands behind an option, where the parser expects no data sets anymore.
        args.data, unknown = [*args.data, *unknown], []
    if unknown:
        args.parser.error(f"unknown argument {unknown[0]!r}; {args.hint}")
    for stream in (sys.stdout, sys.stderr):
        # A terminal without a plus-minus sign shows a question mark. What a program
        # puts in the place of a stream need not be one of text files.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    return args


def _discard_output():
    """Send what is left of the standard output, which is flushed, to nowhere.

    Python flushes it at its end. What a program puts in its place may be no file.
    """
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (AttributeError, OSError):
        pass


def _reason(error):
    """What an OSError or a MemoryError says, in a line."""
    if isinstance(error, MemoryError):
        return "the memory does not suffice"
    file = "" if error.filename is None else f"{error.filename!r}: "
    return f"{file}{error.strerror or error}"
