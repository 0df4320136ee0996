"""A chip server: makes a substrate available to :class:`Remote`."""

import logging
import os
import signal
import socket
import socketserver
import stat
import sys
import threading
from contextlib import contextmanager

from ttfs.substrates import _messages
from ttfs.substrates._base import SubstrateError, check_count
from ttfs.substrates._remote import address_text, check_address

_LOG = logging.getLogger("ttfs.substrates")
_GRACE = 10.0  # seconds that a request may go on after the server was stopped
_BACKLOG = 64


class _Desk:
    """Answers messages, one request at a time."""

    def __init__(self, substrate, max_bytes):
        _messages.msgpack()
        if not callable(getattr(substrate, "forward", None)):
            raise TypeError(
                "substrate must have a method forward(times, network), got "
                f"{type(substrate).__name__}"
            )
        self.substrate = substrate
        self.max_bytes = check_count("max_bytes", max_bytes, 2**12)
        self.lock = threading.Lock()
        self.is_closed = False

    def close(self):
        """Wait for the request that is being run, and run no other."""
        self.is_closed = True
        if self.lock.acquire(timeout=_GRACE):
            self.lock.release()

    def attend(self, recv, send):
        """Answer the messages of a client until it leaves, or sends none."""
        while True:
            try:
                message = _messages.receive(recv, self.max_bytes)
            except _messages.Closed:
                return
            except _messages.MessageError as error:
                is_version = isinstance(error, _messages.VersionError)
                kind = "version" if is_version else "garbled"
                _LOG.warning("a client was sent away: %s", error)
                send(_messages.pack(_messages.error(None, kind, str(error))))
                return
            answer = self.answer(message)
            if self.is_closed:
                return
            send(_messages.pack(answer))

    def answer(self, message):
        """The answer to a message: a result, or the reason why there is none."""
        number = None
        try:
            number = _messages.message_id(message)
            if message["type"] == "hello":
                return _messages.welcome(number, self.substrate, self.max_bytes)
            if message["type"] == "forward":
                return self.forward(number, message)
            raise _messages.MessageError(f"unknown type of message {message['type']!r}")
        except _messages.MessageError as error:
            kind, text = "garbled", str(error)
        except (ValueError, TypeError) as error:
            kind, text = "refused", str(error)
        except SubstrateError as error:
            kind, text = "failed", str(error)
        except Exception as error:
            kind, text = "failed", f"{type(error).__name__}: {error}"
            _LOG.exception("the substrate raised an error")
        _LOG.warning("a request was answered with an error, %s: %s", kind, text)
        return _messages.error(number, kind, text)

    def forward(self, number, message):
        times, network = _messages.read_forward(message, self.max_bytes)
        with self.lock:
            if self.is_closed:
                raise SubstrateError("the server is being stopped")
            spikes = self.substrate.forward(times, network)
        spikes = _messages.check_spikes(spikes, times, network)
        return _messages.result(number, spikes)


class _Handler(socketserver.BaseRequestHandler):
    """A client on a socket, in a thread of its own."""

    def handle(self):
        try:
            self.server.desk.attend(self.request.recv, self.request.sendall)
        except OSError:
            pass  # the client has left, and its request with it


class _Sockets(socketserver.ThreadingMixIn):
    daemon_threads = True
    request_queue_size = _BACKLOG

    def __init__(self, address, desk):
        self.desk, self.clients = desk, set()
        super().__init__(address, _Handler)

    def process_request(self, request, client_address):
        self.clients.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.clients.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        _LOG.exception("a client was lost")


class _Path(_Sockets, socketserver.UnixStreamServer):
    is_bound = False

    def server_bind(self):
        self._remove_stale()
        super().server_bind()
        self.is_bound = True
        # Nobody else may use the chip; and nobody can connect before we listen.
        os.chmod(self.server_address, 0o600)

    def _remove_stale(self):
        """Remove the socket that a server left behind when it was killed."""
        path = self.server_address
        try:
            if not stat.S_ISSOCK(os.stat(path).st_mode):
                return  # no socket: bind() raises
        except FileNotFoundError:
            return
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)

    def server_close(self):
        # Unlinked before it is closed: nobody else can have bound it.
        if self.is_bound:
            self.is_bound = False
            try:
                os.unlink(self.server_address)
            except FileNotFoundError:
                pass
        super().server_close()


class _Port(_Sockets, socketserver.TCPServer):
    allow_reuse_address = True

    def __init__(self, address, desk):
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, desk)

    def get_request(self):
        request, address = super().get_request()
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Of a computer that was switched off nothing is heard.
        request.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return request, address


class Server:
    """A chip server in threads of this process; :func:`serve` is the blocking form.

    Parameters
    ----------
    substrate : Substrate
        Runs the requests, one at a time.
    address : str, path or tuple
        The path of a Unix domain socket, which only this user may use; or
        ``(host, port)``. Port 0 is any free one: the attribute `address` names it.
    max_bytes : int, default=2**28
        Longest message that is sent or accepted.

    Raises
    ------
    TypeError
        If `substrate` has no method `forward`.
    ValueError
        If `address` is none.
    OSError
        By `start`: if the address cannot be used, or is in use.

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

    def __init__(self, substrate, address, *, max_bytes=_messages.MAX_BYTES):
        self._desk = _Desk(substrate, max_bytes)
        self.address = check_address(address)
        if isinstance(self.address, list):
            raise ValueError(f"a server has no command as its address, got {address!r}")
        self._sockets = self._thread = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Listen, and answer from now on; returns the server itself."""
        if self._sockets is not None or self._desk.is_closed:
            raise RuntimeError("a server is started once")
        kind = _Path if isinstance(self.address, str) else _Port
        self._sockets = kind(self.address, self._desk)
        if kind is _Port:
            self.address = self.address[0], self._sockets.server_address[1]
        self._thread = threading.Thread(
            target=self._sockets.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()
        return self

    def stop(self):
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
                pass  # it has left
        self._thread.join()


def serve(substrate, address, *, max_bytes=_messages.MAX_BYTES):
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
    max_bytes : int, default=2**28
        Longest message that is sent or accepted.

    Raises
    ------
    TypeError, ValueError, OSError
        As :class:`Server`.

    See Also
    --------
    Remote : The client.
    """
    if address == "-":
        _serve_stdio(_Desk(substrate, max_bytes))
        return
    with (
        _ended_by(signal.SIGTERM, signal.SIGINT),
        Server(substrate, address, max_bytes=max_bytes) as server,
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
    # What the substrate prints must not get among the messages.
    sys.stdout.flush()
    source, sink = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    # Ctrl-C is for the client, which may go on asking.
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
