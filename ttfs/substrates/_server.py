"""A chip server: makes a substrate available to :class:`Remote`."""

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
from dataclasses import dataclass

from ttfs.substrates import _messages
from ttfs.substrates._base import SubstrateError, check_count, check_number
from ttfs.substrates._chip import AnalogChip
from ttfs.substrates._remote import address_text, check_address

_LOG = logging.getLogger("ttfs.substrates")
_GRACE = 10.0  # seconds that a request may go on after the server was stopped
_BACKLOG = 64
_PAUSE = 0.1  # seconds between attempts to accept a client, after one that failed
_OWN_BYTES = 2**20  # memory of each client, besides its share of the common memory
_DECODING = 2  # a message and its content: while it is decoded, there are both
_MIN_MEMORY = 4  # in longest messages: half of it for requests, the other for answers


@dataclass(frozen=True)
class Limits:
    """What clients may ask of a server, see :class:`Server`; checked."""

    max_bytes: int = _messages.MAX_BYTES
    max_memory: int | None = None
    max_clients: int = 64
    idle_timeout: float = 600.0
    message_timeout: float = 60.0

    def __post_init__(self):
        max_bytes = check_count("max_bytes", self.max_bytes, 2**12)
        least = _MIN_MEMORY * max_bytes
        if self.max_memory is None:
            object.__setattr__(self, "max_memory", least)
        elif check_count("max_memory", self.max_memory, 0) < least:
            raise ValueError(
                f"max_memory must be at least {_MIN_MEMORY} * max_bytes, {least}; got "
                f"{self.max_memory}"
            )
        check_count("max_clients", self.max_clients, 1)
        for name in ("idle_timeout", "message_timeout"):
            check_number(name, getattr(self, name), 0, 1e6, is_open=True)


class _Memory:
    """Memory that all clients share: who needs more than is free waits.

    Parameters
    ----------
    n_bytes : int
        Size of the memory.
    timeout : float
        Seconds that a client waits for its share.
    """

    def __init__(self, n_bytes, timeout):
        self.free, self.timeout = n_bytes, timeout
        self.is_closed = False
        self.changed = threading.Condition()

    def take(self, n_bytes):
        def is_there():
            return self.is_closed or self.free >= n_bytes

        with self.changed:
            if not self.changed.wait_for(is_there, self.timeout):
                raise _messages.BusyError(
                    f"messages of other clients took all memory for {self.timeout:g} s"
                )
            if self.is_closed:
                raise _messages.Closed("the server is being stopped")
            self.free -= n_bytes

    def give_back(self, n_bytes):
        with self.changed:
            self.free += n_bytes
            self.changed.notify_all()

    def close(self):
        """End all waiting, for ever."""
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()


class _Share:
    """What one client holds of a memory. Little is always there, whoever holds all."""

    def __init__(self, memory):
        self.memory, self.n_bytes = memory, 0

    def take(self, n_bytes):
        n_bytes = max(0, n_bytes - _OWN_BYTES)
        if n_bytes > 0:
            self.memory.take(n_bytes)
            self.n_bytes += n_bytes

    def give_back(self):
        if self.n_bytes > 0:
            self.memory.give_back(self.n_bytes)
            self.n_bytes = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.give_back()


class _Desk:
    """Answers messages, one request at a time."""

    def __init__(self, substrate, limits):
        _messages.msgpack()
        if not callable(getattr(substrate, "forward", None)):
            raise TypeError(
                "substrate must have a method forward(times, network), got "
                f"{type(substrate).__name__}"
            )
        self.substrate = substrate
        self.max_bytes = limits.max_bytes
        # Two memories: an answer waits for other answers, which are on their way out,
        # and never for requests, which may wait for it.
        half = limits.max_memory // 2
        self.requests = _Memory(half, limits.message_timeout)
        self.answers = _Memory(half, limits.message_timeout)
        self.lock = threading.Lock()
        self.is_closed = False

    def close(self):
        """Wait for the request that is being run, and run no other."""
        self.is_closed = True
        self.requests.close()
        self.answers.close()
        if self.lock.acquire(timeout=_GRACE):
            self.lock.release()

    def attend(self, recv, send):
        """Answer the messages of a client until it leaves, or sends none."""
        with _Share(self.requests) as request, _Share(self.answers) as answer:

            def admit(size):
                request.take(_DECODING * size)

            while True:
                try:
                    # The message is not named here: it ends when it has been read.
                    frame = self.answer(
                        _messages.receive(recv, self.max_bytes, admit), answer
                    )
                except _messages.Closed:
                    return
                except _messages.MessageError as error:
                    _LOG.warning("a client was sent away: %s", error)
                    send(
                        _messages.pack(_messages.error(None, _kind(error), str(error)))
                    )
                    return
                request.give_back()
                if self.is_closed:
                    return
                send(frame)
                del frame
                answer.give_back()

    def answer(self, message, share):
        """The frame of the answer: a result, or the reason why there is none.

        Parameters
        ----------
        message : dict
        share : _Share
            Memory for a long answer is taken from it.
        """
        number = None
        try:
            number = _messages.message_id(message)
            if message["type"] == "hello":
                return _messages.pack(
                    _messages.welcome(number, self.substrate, self.max_bytes)
                )
            if message["type"] != "forward":
                raise _messages.MessageError(
                    f"unknown type of message {_messages.plain_text(message['type'])!r}"
                )
            times, network = _messages.read_forward(message, self.max_bytes)
            del message
            share.take(_messages.n_spike_bytes(times, network))
            return self.forward(number, times, network)
        except Exception as error:
            kind, text = _kind(error), str(error)
            if not isinstance(error, _OURS):
                text = f"{type(error).__name__}: {error}"
                _LOG.exception("the substrate raised an error")
        text = _messages.plain_text(text)
        _LOG.warning("a request was answered with an error, %s: %s", kind, text)
        return _messages.pack(_messages.error(number, kind, text))

    def forward(self, number, times, network):
        """The frame of a result. Only one at a time is being made, and takes memory."""
        with self.lock:
            if self.is_closed:
                raise SubstrateError("the server is being stopped")
            spikes = self.substrate.forward(times, network)
            spikes = _messages.check_spikes(spikes, times, network)
            return _messages.pack(_messages.result(number, spikes))


# Errors whose text says all; the first class that fits names the kind of the answer.
_KINDS = {
    _messages.BusyError: "busy",
    _messages.VersionError: "version",
    _messages.MessageError: "garbled",
    ValueError: "refused",
    TypeError: "refused",
    SubstrateError: "failed",
}
_OURS = tuple(_KINDS)


def _kind(error):
    """The kind of answer that an error is."""
    return next((kind for c, kind in _KINDS.items() if isinstance(error, c)), "failed")


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
            request.sendall(_messages.pack(_messages.error(None, "busy", text)))
        except OSError:
            pass  # it has left
        return False

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

    def __init__(self, address, desk, limits):
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, desk, limits)

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
    max_memory : int, default=None
        Memory in bytes for the messages of all clients together, besides 2 MiB for each
        client: half of it for requests, which take twice their length, and half for
        answers. Messages that do not fit in wait until others are done with. None:
        4 * `max_bytes`, the least.
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
        If `address` is none, or a limit is out of its range.
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

    def __init__(
        self,
        substrate,
        address,
        *,
        max_bytes=_messages.MAX_BYTES,
        max_memory=None,
        max_clients=64,
        idle_timeout=600.0,
        message_timeout=60.0,
    ):
        self._limits = Limits(
            max_bytes, max_memory, max_clients, idle_timeout, message_timeout
        )
        self._desk = _Desk(substrate, self._limits)
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
        self._sockets = kind(self.address, self._desk, self._limits)
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


def serve(substrate, address, **limits):
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
        As :class:`Server`.

    See Also
    --------
    Remote : The client.
    """
    if address == "-":
        _serve_stdio(_Desk(substrate, Limits(**limits)))
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


def make_chip(preset, settings):
    """An emulated chip, of a preset or None; settings are texts ``name=value``."""
    values = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} is not of the form NAME=VALUE")
        values[name.strip()] = _value(value.strip())
    try:
        if preset is None:
            return AnalogChip(**values)
        return AnalogChip.preset(preset, **values)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _value(text):
    """The number that a text stands for, or None."""
    if text.lower() == "none":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    raise ValueError(f"{text!r} is not a number")
