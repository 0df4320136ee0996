"""The client of a chip server: a substrate in another process."""

from __future__ import annotations

import itertools
import logging
import os
import shlex
import socket
import subprocess
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Self

from ..calibration import CalibrationMixin
from ..checks import check_count, check_number, check_request
from ..protocol import NetworkError, SharedSubstrate, SubstrateError
from . import messages
from .address import address_text, check_address

if TYPE_CHECKING:
    from ..._typing import Array
    from ...model import Network
    from .address import Address

_LOG = logging.getLogger("ttfs.substrates")
_MAX_DELAY = 5.0  # seconds between two attempts
_GRACE = 2.0  # seconds in which a child process may end by itself


class _Connection:
    """A socket to the server, and the child process at its other end, if there is one.

    The address of a server that is a child process is a command.
    """

    def __init__(self, address, timeout):
        process = None
        if isinstance(address, list):
            stream, theirs = socket.socketpair()
            try:
                with theirs:
                    process = subprocess.Popen(address, stdin=theirs, stdout=theirs)
            except OSError as error:
                stream.close()
                raise SubstrateError(
                    f"cannot start {shlex.join(address)!r}: {error}"
                ) from error
        elif isinstance(address, str):
            stream = socket.socket(socket.AF_UNIX)
            try:
                stream.settimeout(timeout)
                stream.connect(address)
            except BaseException:
                stream.close()
                raise
        else:
            stream = socket.create_connection(address, timeout)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream, self.process = stream, process
        # The interpreter also hangs up when it ends.
        self.close = weakref.finalize(self, _hang_up, stream, process, os.getpid())

    def exchange(self, data, timeout, max_bytes):
        """Send a frame; return the message that comes back, both within `timeout`."""
        end = time.monotonic() + timeout

        def recv(n):
            self._limit(end)
            return self.stream.recv(n)

        try:
            self._limit(end)
            try:
                self.stream.sendall(data)
            except ConnectionError:
                pass  # the server has left, and may have said why
            return messages.receive(recv, max_bytes)
        except (messages.Closed, ConnectionError) as error:
            raise messages.Closed(f"{error}{self._status()}") from error

    def is_lost(self):
        """Whether the stream was closed, or holds bytes that answer no request."""
        self.stream.settimeout(0)
        try:
            self.stream.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def _limit(self, end):
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.stream.settimeout(left)

    def _status(self):
        """What is known about a child process that closed the connection."""
        if self.process is None:
            return ""
        try:
            status = self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            return ""
        return f"; the process ended with status {status}"


def _hang_up(stream, process, owner):
    """Close a stream that process number `owner` has opened, and end its child."""
    if os.getpid() != owner:
        # This is a fork: connection and child belong to the parent process.
        stream.close()
        if process is not None:
            process.poll()
        return
    try:
        stream.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the stream is closed already
    stream.close()
    if process is not None:
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Line:
    """The connection of one process, and a lock for the threads of the process."""

    def __init__(self):
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.connection = self.welcome = None

    def close(self):
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()


class Remote(CalibrationMixin, SharedSubstrate):
    """A substrate in another process: a chip server, on this computer or elsewhere.

    The messages are those of docs/guide/remote.md. :func:`serve` and the command
    ``ttfs serve`` are servers; others may be written in any language.

    A lost connection, a server that restarts, an answer that is late or garbled: the
    client connects anew and repeats the request. To the server a request is a pure
    function, so that nothing is lost or done twice: the emulator derives its noise from
    the request, and gives the same spikes. On a real chip a repetition is a new trial.
    The first attempt that fails is logged, as a warning of ``ttfs.substrates``.

    Parameters
    ----------
    address : str, path, tuple or list of str
        Address of the server: the path of a Unix domain socket; or ``(host, port)``; or
        a command, such as ``["ttfs", "serve", "--stdio"]``, which is run as a child
        process and spoken to over its standard input and output.
    timeout : float, default=30.0
        Seconds in which a request must be answered.
    retries : int, default=10
        How often a request is repeated before it is given up.
    retry_delay : float, default=0.5
        Seconds before the first repetition; the delay doubles, up to 5 seconds.
    max_bytes : int, default=2**28
        Longest message that is sent or accepted.

    Raises
    ------
    SubstrateError
        By `forward`: if the server gave no usable answer to any repetition, or says
        that its substrate failed.
    NetworkError
        By `forward`: if the server says that the request cannot be run, for example
        because the network does not fit on the chip; or if the request or its answer
        is longer than `max_bytes`.
    ImportError
        If msgpack is missing: ``pip install 'scikit-ttfs[remote]'``.

    See Also
    --------
    serve : The server.

    Notes
    -----
    Threads share one connection and take turns. A process that was forked opens its
    own, as does one that gets a pickle: the pickle holds the parameters alone.

    Examples
    --------
    >>> import sys
    >>> import numpy as np
    >>> from ttfs import LIF
    >>> from ttfs.substrates import Layer, Network, Remote
    >>> layer = Layer(np.array([[4.0], [0.0]]), np.array([0.9]), LIF())
    >>> command = [sys.executable, "-m", "ttfs", "serve", "--stdio"]
    >>> with Remote(command) as chip:
    ...     (spikes,) = chip.forward(np.array([[0.0]]), Network((layer,)))
    >>> spikes.round(3)
    array([[0.357]])
    """

    def __init__(
        self,
        address: Address,
        *,
        timeout: float = 30.0,
        retries: int = 10,
        retry_delay: float = 0.5,
        max_bytes: int = messages.MAX_BYTES,
    ) -> None:
        messages.msgpack()
        self.address = check_address(address)
        self.timeout = check_number("timeout", timeout, 0, 1e6, is_open=True)
        self.retries = check_count("retries", retries, 0)
        self.retry_delay = check_number("retry_delay", retry_delay, 0, 1e6)
        self.max_bytes = check_count("max_bytes", max_bytes, 2**12)
        self._numbers = itertools.count()
        self._line = _Line()

    def __repr__(self) -> str:
        return f"Remote({', '.join([repr(self.address), *self._changed(Remote)])})"

    def __getstate__(self):
        names = "address", "timeout", "retries", "retry_delay", "max_bytes"
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state):
        self.__init__(**state)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, and end a child process. `forward` opens another."""
        line = self._own_line()
        with line.lock:
            line.close()

    # -- Requests ------------------------------------------------------------------

    def _own_line(self):
        line = self._line
        if line.pid != os.getpid():
            line.close()
            line = self._line = _Line()
        return line

    def _connect(self, line):
        line.connection = _Connection(self.address, self.timeout)
        hello = messages.hello(next(self._numbers))
        line.welcome = messages.read_welcome(self._exchange(line, hello, "welcome"))

    def _exchange(self, line, message, wanted):
        """Send a message; return the answer, a message of the wanted type."""
        limit = self.max_bytes
        if line.welcome is not None:
            limit = min(limit, line.welcome["max_bytes"])
        data = messages.pack(message, limit)
        answer = line.connection.exchange(data, self.timeout, self.max_bytes)
        if answer["type"] == "error" and answer.get("id") in (message["id"], None):
            self._raise(*messages.read_error(answer))
        if answer["type"] != wanted or messages.message_id(answer) != message["id"]:
            raise messages.MessageError("what arrived is not the answer")
        return answer

    def _raise(self, kind, text):
        """Raise the error that the server answered with."""
        if kind == "refused":
            raise NetworkError(text)
        if kind == "garbled":
            raise messages.MessageError(f"the server could not read it: {text}")
        if kind == "busy":
            raise messages.BusyError(f"the server is busy: {text}")
        if kind == "version":
            raise messages.VersionError(text)
        raise SubstrateError(f"{self} failed: {text}")

    def _ask(self, request=None):
        """Return ``request(line)`` of a connected line; repeat it if the line fails."""
        line = self._own_line()
        delay = self.retry_delay
        with line.lock:
            for attempt in itertools.count():
                try:
                    if line.connection is not None and line.connection.is_lost():
                        line.close()
                    if line.connection is None:
                        self._connect(line)
                    return request(line)
                except messages.VersionError as error:
                    line.close()
                    raise SubstrateError(f"{self} cannot be used: {error}") from error
                except (OSError, messages.MessageError) as error:
                    failure = error
                    line.close()
                except (ValueError, SubstrateError):
                    raise  # the error is an answer: the connection is in order
                except BaseException:
                    line.close()  # an answer may still come, and is for nobody
                    raise
                if attempt == self.retries:
                    raise SubstrateError(
                        f"no answer from {address_text(self.address)} in "
                        f"{attempt + 1} attempts; the last one: {failure}"
                    ) from failure
                if attempt == 0:
                    _LOG.warning(
                        "no answer from %s: %s; it is asked up to %d times more",
                        address_text(self.address),
                        failure,
                        self.retries,
                    )
                time.sleep(delay)
                delay = min(2 * delay, _MAX_DELAY)

    def forward(self, times: Array, network: Network) -> list[Array]:
        """Spike times of every layer, see :meth:`Substrate.forward`."""
        times = check_request(times, network)
        messages.check_length(times, network, self.max_bytes)

        def request(line):
            message = messages.forward(next(self._numbers), times, network)
            answer = self._exchange(line, message, "result")
            return messages.read_result(answer, times, network, self)

        return self._ask(request)

    def describe(self) -> dict[str, Any]:
        """Ask the server about its chip.

        Returns
        -------
        description : dict
            `substrate`, a text that names the chip; `weight_limits` and `weight_steps`
            of the first layers in thresholds, of which the last is that of all further
            layers, empty if the chip has none; `max_inputs` and `max_neurons`, None
            without limits; `max_bytes`, the longest message that the server takes;
            `software`, the version of the server.
        """
        return self._ask(lambda line: dict(line.welcome))

    def weight_limit(self, k: int) -> float:
        """Greatest weight of layer k, in thresholds; inf if there is no limit."""
        return self._of_layer("weight_limits", k, float("inf"))

    def weight_step(self, k: int) -> float:
        """Step of the weights of layer k, in thresholds; 0: any weight is possible."""
        return self._of_layer("weight_steps", k, 0.0)

    def _of_layer(self, name, k, default):
        welcome = self._own_line().welcome
        values = (welcome or self.describe())[name]
        return values[min(k, len(values) - 1)] if values else default
