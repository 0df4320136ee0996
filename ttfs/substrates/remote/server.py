"""A chip server: makes a substrate available to :class:`Remote`."""

from __future__ import annotations

import logging
import os
import signal
import socket
import socketserver
import stat
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from . import messages
from .address import address_text, check_address
from .desk import Desk, Limits

if TYPE_CHECKING:
    from ..protocol import Substrate
    from .address import Address

_LOG = logging.getLogger("ttfs.substrates")
_BACKLOG = 64
_PAUSE = 0.1  # seconds until the next attempt to accept a client, after a failure


class _Handler(socketserver.BaseRequestHandler):
    """A client on a socket, in a thread of its own.

    `spent` is the time that the client has taken for a message that has begun.
    """

    spent = None

    def handle(self):
        try:
            self.server.desk.attend(self.recv, self.send)
        except TimeoutError:
            if self.spent is None:
                _LOG.info("a client was disconnected: it asked nothing for long")
            else:
                _LOG.warning("a client was disconnected: it was too slow")
        except OSError:
            pass  # the client has left, and its request with it

    def recv(self, n):
        """Up to n bytes that the client sends, in the time that it has."""
        limits = self.server.limits
        left = limits.idle_timeout
        if self.spent is not None:
            left = limits.message_timeout - self.spent
            if left <= 0:
                raise TimeoutError("timed out")
        self.request.settimeout(left)
        before = time.monotonic()
        data = self.request.recv(n)
        if self.spent is None:
            self.spent = 0.0
        else:
            self.spent += time.monotonic() - before
        return data

    def send(self, data):
        """Send an answer; the client must take it in time."""
        self.request.settimeout(self.server.limits.message_timeout)
        self.request.sendall(data)
        self.spent = None


class _Sockets(socketserver.ThreadingMixIn):
    """A listening socket and the clients that it has accepted."""

    daemon_threads = True
    request_queue_size = _BACKLOG

    def __init__(self, address, desk, limits):
        self.desk, self.limits = desk, limits
        self.clients = set()
        self.is_accepting = True
        super().__init__(address, _Handler)

    def get_request(self):
        try:
            request = super().get_request()
        except OSError as error:
            # Without a pause the same failure would follow at once, again and again:
            # when file descriptors have run out, the client stays in the queue.
            if self.is_accepting:
                _LOG.warning("clients cannot be accepted at present: %s", error)
                self.is_accepting = False
            time.sleep(_PAUSE)
            raise
        self.is_accepting = True
        return request

    def verify_request(self, request, client_address):
        limit = self.limits.max_clients
        if len(self.clients) < limit:
            return True
        text = f"it serves {limit} clients, and no more at a time"
        _LOG.warning("a client was sent away: the server is busy, %s", text)
        try:
            request.sendall(messages.pack(messages.error(None, "busy", text)))
        except OSError:
            pass  # the client has left
        return False

    def process_request(self, request, client_address):
        self.clients.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.clients.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        _LOG.exception("a client was lost")


class _PathSocket(_Sockets, socketserver.UnixStreamServer):
    """A Unix domain socket, which only the user of this process may use."""

    is_bound = False

    def server_bind(self):
        self._remove_stale()
        super().server_bind()
        self.is_bound = True
        # Nobody else may use the chip, and nobody can connect before we listen.
        os.chmod(self.server_address, 0o600)

    def _remove_stale(self):
        """Remove the socket that a server left behind when it was killed."""
        path = self.server_address
        try:
            if not stat.S_ISSOCK(os.stat(path).st_mode):
                return  # the path is no socket: bind() will raise an error
        except FileNotFoundError:
            return
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)

    def server_close(self):
        # The path is removed before the socket is closed: nobody else has bound it yet.
        if self.is_bound:
            self.is_bound = False
            try:
                os.unlink(self.server_address)
            except FileNotFoundError:
                pass
        super().server_close()


class _PortSocket(_Sockets, socketserver.TCPServer):
    """A TCP port, at which other users, and other computers, reach the server."""

    allow_reuse_address = True

    def __init__(self, address, desk, limits):
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, desk, limits)

    def get_request(self):
        request, address = super().get_request()
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A client whose computer was switched off never says that it leaves.
        request.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return request, address


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
        kind = _PathSocket if isinstance(self.address, str) else _PortSocket
        self._sockets = kind(self.address, self._desk, self._limits)
        if kind is _PortSocket:
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
