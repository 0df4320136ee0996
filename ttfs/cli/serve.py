"""``ttfs serve``: an emulated chip as a server."""

import argparse
import logging

from ..substrates import serve
from .arguments import add_chip, argument, count, is_text, make_chip

_seconds = argument(float, "is not a number of seconds")

# Options that are parameters of `ttfs.substrates.Server`.
_LIMITS = {
    "max_bytes": (count, "longest message in bytes (default: 2**28)"),
    "max_memory": (
        count,
        "memory in bytes for the messages of all clients (default: 4 * max-bytes)",
    ),
    "max_clients": (count, "clients that are served at a time (default: 64)"),
    "idle_timeout": (
        _seconds,
        "time after which a client that asks nothing is disconnected (default: 600)",
    ),
    "message_timeout": (
        _seconds,
        "time in which a client must send a message, or take one (default: 60)",
    ),
}


def register(commands):
    """Add the subcommand to a parser: see `ttfs.cli.main`."""
    parser = commands.add_parser(
        "serve",
        help="run an emulated chip as a server",
        description=(
            "Run an emulated chip as a server for ttfs.substrates.Remote, until Ctrl-C "
            "or SIGTERM. There is no authentication: docs/guide/remote.md."
        ),
    )
    address = parser.add_mutually_exclusive_group(required=True)
    address.add_argument(
        "--socket", type=is_text, metavar="PATH", help="a Unix domain socket"
    )
    address.add_argument(
        "--port",
        type=argument(int, "is not the number of a port", lambda n: 0 <= n < 2**16),
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
        type=is_text,
        default="localhost",
        help="with --port: the address of this computer (default: %(default)s, which "
        "other computers cannot reach)",
    )
    for name, (kind, text) in _LIMITS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            default=argparse.SUPPRESS,
            metavar="N" if kind is count else "SECONDS",
            help=text,
        )
    add_chip(parser)
    parser.set_defaults(run=run, parser=parser, hint="parameters are given with --set")


def run(args):
    """Serve the chip that the arguments describe; returns the exit status 0."""
    address, option = "-", "stdio"
    if args.socket is not None:
        address, option = args.socket, "socket"
    elif args.port is not None:
        address, option = (args.host, args.port), "host"
    limits = {name: getattr(args, name) for name in _LIMITS if hasattr(args, name)}
    logging.basicConfig(level=logging.INFO, format="ttfs serve: %(message)s")
    try:
        serve(make_chip(args.preset, args.set), address, **limits)
    except OSError as error:
        where = ":".join(map(str, address)) if option == "host" else address
        message = error.strerror or error
        args.parser.error(f"argument --{option}: {where!r}: {message}")
    except (ValueError, ImportError) as error:
        name = str(error).partition(" ")[0]
        where = f"argument --{name.replace('_', '-')}: " if name in _LIMITS else ""
        args.parser.error(f"{where}{error}")
    return 0
