"""Substrates in other processes: the client, the server, and their messages."""

from .client import Remote
from .server import Server, serve

__all__ = ["Remote", "Server", "serve"]
