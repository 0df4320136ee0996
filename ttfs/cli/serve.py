"""``ttfs serve``: an emulated chip as a server."""

import logging

from ..substrates import serve
from .arguments import add_chip, make_chip, whole_number


def register(commands):
    """Add the subcommand to a parser: see `ttfs.cli.main`."""
    parser = commands.add_parser(
        "serve",
        help="run an emulated chip as a server",
        description=(
            "Run an emulated chip as a server for ttfs.substrates.Remote, until Ctrl-C "
            "or SIGTERM. There is no authentication: docs/remote.md."
        ),
    )
    address = parser.add_mutually_exclusive_group(required=True)
    address.add_argument("--socket", metavar="PATH", help="a Unix domain socket")
    address.add_argument(
        "--port",
        type=whole_number("the number of a port", lambda number: 0 <= number < 2**16),
        metavar="N",
        help="a TCP port; 0: any",
    )
    address.add_argument(
        "--stdio",
        action="store_true",
        help="standard input and output, for a client that runs this command",
    )
    parser.add_argument(
        "--host",
        default="localhost",
        help="with --port: the address of this computer (default: %(default)s, which "
        "other computers cannot reach)",
    )
    add_chip(parser)
    parser.set_defaults(run=run, parser=parser, hint="parameters are given with --set")


def run(args):
    """Serve the chip that the arguments describe; returns the exit status 0."""
    if args.stdio:
        address = "-"
    else:
        address = args.socket or (args.host, args.port)
    logging.basicConfig(level=logging.INFO, format="ttfs serve: %(message)s")
    try:
        serve(make_chip(args.preset, args.set), address)
    except (ValueError, OSError, ImportError) as error:
        args.parser.error(str(error))
    return 0
