"""A chip server: makes a substrate available to :class:`Remote`."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from . import messages
from .address import address_text, check_address
from .desk import Desk
from .limits import Limits
from .sockets import PathSocket, PortSocket

if TYPE_CHECKING:
    from ..protocol import Substrate
    from .address import Address

_LOG = logging.getLogger("ttfs.substrates")


class Server:
    """A chip server in threads of this process; :func:`serve` is the blocking form.

    Parameters
    ----------
    substrate : Substrate
        The substrate that runs the requests, one at a time.
    address : str, path or tuple
        The path of a Unix domain socket, which only this user may use; or
        ``(host, port)``. Port 0 is any free port: the attribute `address` names it.
    max_bytes : int, default=2**28
        Longest message that is sent or accepted.
    max_memory : int, default=None
        Memory in bytes for the messages of all clients together, besides 2 MiB for each
        client: half of it for requests, which take twice their length, and half for
        answers. Messages that do not fit in wait until others are done with. None:
        4 * `max_bytes`, which is also the smallest possible.
    max_clients : int, default=64
        Clients that are served at a time; others are sent away, and
        :class:`Remote` tries again.
    idle_timeout : float, default=600.0
        Seconds after which a client that asks nothing is disconnected.
        :class:`Remote` opens another connection for its next request.
    message_timeout : float, default=60.0
        Seconds in which a client must have sent the whole of a message that it began,
        and have taken the whole of an answer; and in which a message that waits for
        memory must get it.

    Raises
    ------
    TypeError
        If `substrate` has no method `forward`.
    ValueError
        If `address` is no address, or a limit is out of its range.
    OSError
        The method `start` raises it if the address cannot be used, or is in use.

    See Also
    --------
    Remote : The client.

    Examples
    --------
    >>> import numpy as np
    >>> from ttfs import LIF
    >>> from ttfs.substrates import AnalogChip, Layer, Network, Remote, Server
    >>> layer = Layer(np.array([[4.0], [0.0]]), np.array([0.9]), LIF())
    >>> with Server(AnalogChip(), ("localhost", 0)) as server:
    ...     with Remote(server.address) as chip:
    ...         (spikes,) = chip.forward(np.array([[0.0]]), Network((layer,)))
    >>> spikes.round(3)
    array([[0.357]])
    """

    def __init__(
        self,
        substrate: Substrate,
        address: Address,
        *,
        max_bytes: int = messages.MAX_BYTES,
        max_memory: int | None = None,
        max_clients: int = 64,
        idle_timeout: float = 600.0,
        message_timeout: float = 60.0,
    ) -> None:
        self._limits = Limits(
            max_bytes, max_memory, max_clients, idle_timeout, message_timeout
        )
        self._desk = Desk(substrate, self._limits)
        self.address = check_address(address)
        if isinstance(self.address, list):
            raise ValueError(f"a server has no command as its address, got {address!r}")
        self._sockets = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen, and answer clients from now on; return the server itself."""
        if self._sockets is not None or self._desk.is_closed:
            raise RuntimeError("a server is started once")
        kind = PathSocket if isinstance(self.address, str) else PortSocket
        self._sockets = kind(self.address, self._desk, self._limits)
        if kind is PortSocket:
            self.address = self.address[0], self._sockets.server_address[1]
        self._thread = threading.Thread(
            target=self._sockets.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close all connections, once the substrate has finished what it runs.

        Clients repeat their requests until there is a server again.
        """
        sockets, self._sockets = self._sockets, None
        if sockets is None:
            return
        sockets.shutdown()
        sockets.server_close()
        self._desk.close()
        for client in list(sockets.clients):
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the client has left
        self._thread.join()


def serve(substrate: Substrate, address: Address, **limits: Any) -> None:
    """Make a substrate available to :class:`Remote`, until SIGTERM or Ctrl-C.

    To be called in the main thread; :class:`Server` is for others.

    Clients are served at the same time; the substrate runs their requests one after
    the other. A request that it cannot run is answered with an error, and what is no
    request ends the connection: nothing that a client sends ends the server.

    There is no authentication. The socket of a path can be used by this user only, a
    port by all users who can reach it: other computers too, if `host` is not
    "localhost".

    Parameters
    ----------
    substrate : Substrate
        A chip: any object with ``forward(times, network)``. If it also has
        ``weight_limit(k)``, `max_inputs` or `max_neurons`, as :class:`AnalogChip`,
        clients hear of it.
    address : str, path or tuple
        The path of a Unix domain socket; ``(host, port)``; or "-": standard input and
        output, for one client that runs this process.
    **limits
        `max_bytes`, `max_memory`, `max_clients`, `idle_timeout` and `message_timeout`
        of :class:`Server`. The one client of "-" has all memory and all time.

    Raises
    ------
    TypeError, ValueError, OSError
        The errors of :class:`Server`.

    See Also
    --------
    Remote : The client.
    """
    if address == "-":
        _serve_stdio(Desk(substrate, Limits(**limits)))
        return
    with (
        _ended_by(signal.SIGTERM, signal.SIGINT),
        Server(substrate, address, **limits) as server,
    ):
        _LOG.info("%r at %s", substrate, address_text(server.address))
        threading.Event().wait()


class _End(BaseException):
    pass


@contextmanager
def _ended_by(*numbers):
    """A block that ends at the first of these signals, and cleans up undisturbed."""

    def end(*_):
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise _End

    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    except _End:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve_stdio(desk):
    """Serve the process at the other end of standard input and output."""
    # What the substrate prints goes to standard error, and not among the messages.
    sys.stdout.flush()
    source, sink = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    # Ctrl-C is meant for the client, which may go on asking.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def send(data):
        left = memoryview(data)
        while left:
            left = left[os.write(sink, left) :]

    try:
        with _ended_by(signal.SIGTERM):
            desk.attend(lambda n: os.read(source, n), send)
    except BrokenPipeError:
        pass  # the client has left
