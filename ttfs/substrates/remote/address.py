"""Addresses of chip servers."""

import os
import shlex
from collections.abc import Sequence
from numbers import Integral
from typing import TypeAlias

# The address of a server is a path, a host and a port, or a command.
Address: TypeAlias = str | os.PathLike[str] | tuple[str, int] | Sequence[str]

_MAX_PATH = 107  # bytes in the path of a Unix domain socket, on Linux


def check_address(address):
    """A path as a str, (host, port) as a tuple, or a command as a list."""
    if isinstance(address, str | os.PathLike):
        path = os.fspath(address)
        if isinstance(path, str) and path:
            # The path is the same in a process that works in another folder.
            path = os.path.abspath(path)
            if len(os.fsencode(path)) > _MAX_PATH:
                raise ValueError(
                    f"the path of a socket must not be longer than {_MAX_PATH} "
                    f"bytes, got {path!r}"
                )
            return path
    elif isinstance(address, tuple | list) and address:
        if all(isinstance(part, str) and part for part in address):
            return list(address)
        if len(address) == 2 and isinstance(address[0], str):
            host, port = address
            is_port = isinstance(port, Integral) and not isinstance(port, bool)
            if is_port and 0 <= port < 2**16:
                return host, int(port)
    raise ValueError(
        "address must be the path of a socket, (host, port), or a list of str, the "
        f"command of a server on standard input and output; got {address!r}"
    )


def address_text(address):
    """An address as a user would write it."""
    if isinstance(address, str):
        return address
    if isinstance(address, tuple):
        return f"{address[0]}:{address[1]}"
    return shlex.join(address)
