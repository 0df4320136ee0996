"""The desk of a chip server: it reads requests and answers them, one at a time."""

import logging
import threading
from collections import deque
from dataclasses import dataclass
from traceback import walk_tb

from ..checks import check_count, check_number, check_spikes, text_of
from ..protocol import NetworkError, SubstrateError
from . import messages

_LOG = logging.getLogger("ttfs.substrates")
_GRACE = 10.0  # seconds that a request may go on after the server was stopped
_MAX_ERRORS, _MAX_FRAMES = 4, 20  # of a traceback in the log
_DECODING = 2  # a message and its content: while it is decoded, memory holds both
_OWN_BYTES = 2**20  # memory that each client has besides its share of the common memory
# The smallest memory, in longest messages: half for requests, half for answers.
_MIN_MEMORY = 2 * _DECODING


@dataclass(frozen=True)
class Limits:
    """Limits of a chip server, see :class:`Server`; out of range is a ValueError."""

    max_bytes: int = messages.MAX_BYTES
    max_memory: int | None = None
    max_clients: int = 64
    idle_timeout: float = 600.0
    message_timeout: float = 60.0

    def __post_init__(self):
        max_bytes = check_count("max_bytes", self.max_bytes, 2**12)
        minimum = _MIN_MEMORY * max_bytes
        if self.max_memory is None:
            object.__setattr__(self, "max_memory", minimum)
        elif check_count("max_memory", self.max_memory, 0) < minimum:
            raise ValueError(
                f"max_memory must be at least {_MIN_MEMORY} * max_bytes, {minimum}; "
                f"got {self.max_memory}"
            )
        check_count("max_clients", self.max_clients, 1)
        for name in ("idle_timeout", "message_timeout"):
            check_number(name, getattr(self, name), 0, 1e6, is_open=True)


class Memory:
    """Memory that clients share: who needs more than is free waits up to `timeout`."""

    def __init__(self, n_bytes, timeout):
        self.free, self.timeout = n_bytes, timeout
        self.is_closed = False
        self.changed = threading.Condition()

    def take(self, n_bytes):
        """Take memory, and wait for it if need be; a MessageError if there is none."""

        def is_there():
            return self.is_closed or self.free >= n_bytes

        with self.changed:
            if not self.changed.wait_for(is_there, self.timeout):
                raise messages.BusyError(
                    f"messages of other clients took all memory for {self.timeout:g} s"
                )
            if self.is_closed:
                raise messages.Closed("the server is being stopped")
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


class Share:
    """The share of one client in a memory.

    A short message needs none of the common memory, so that it never waits.
    """

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


class Desk:
    """The place where all clients are answered: it runs one request at a time."""

    def __init__(self, substrate, limits):
        messages.msgpack()
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
        self.requests = Memory(half, limits.message_timeout)
        self.answers = Memory(half, limits.message_timeout)
        self.lock = threading.Lock()
        self.is_closed = False

    def close(self):
        """Wait for the request that is being run, and run no other request."""
        self.is_closed = True
        self.requests.close()
        self.answers.close()
        if self.lock.acquire(timeout=_GRACE):
            self.lock.release()

    def attend(self, recv, send):
        """Answer the messages of a client until it leaves, or sends what is no message.

        ``recv(n)`` gives up to n bytes from the client, ``send(data)`` sends it all
        bytes.
        """
        with Share(self.requests) as request, Share(self.answers) as answer:

            def admit(size):
                request.take(_DECODING * size)

            while True:
                try:
                    # No name here keeps the message in memory once it has been read.
                    frame = self.answer(
                        messages.receive(recv, self.max_bytes, admit), answer
                    )
                except messages.Closed:
                    return
                except messages.MessageError as error:
                    _LOG.warning("a client was sent away: %s", error)
                    send(messages.pack(messages.error(None, _kind(error), str(error))))
                    return
                request.give_back()
                if self.is_closed:
                    return
                send(frame)
                del frame
                answer.give_back()

    def answer(self, message, share):
        """The frame of the answer to a message: a result, or why there is no result."""
        number = None
        try:
            number = messages.message_id(message)
            if message["type"] == "hello":
                return messages.pack(
                    messages.welcome(number, self.substrate, self.max_bytes)
                )
            if message["type"] != "forward":
                raise messages.MessageError(
                    f"unknown type of message {messages.plain_text(message['type'])!r}"
                )
            times, network = messages.read_forward(message, self.max_bytes)
            del message
            share.take(messages.n_spike_bytes(times, network))
            return self.forward(number, times, network)
        except Exception as error:
            kind, is_ours = _kind(error), isinstance(error, _OURS)
            text = text_of(error) if is_ours else _with_type(error)
        text = messages.plain_text(text)
        _LOG.warning("a request was answered with an error, %s: %s", kind, text)
        return messages.pack(messages.error(number, kind, text))

    def forward(self, number, times, network):
        """Run a request; return the frame of the result. The lock bounds the memory."""
        with self.lock:
            if self.is_closed:
                raise SubstrateError("the server is being stopped")
            try:
                spikes = self.substrate.forward(times, network)
            except (NetworkError, SubstrateError):
                raise  # what the protocol provides for
            except Exception as error:
                _LOG.error("the substrate raised an error\n%s", _traceback(error))
                raise
            spikes = check_spikes(spikes, times, network, self.substrate)
            return messages.pack(messages.result(number, spikes))


# Errors whose text alone is sent. The first class that fits an error names the kind of
# the answer.
_KINDS = {
    messages.BusyError: "busy",
    messages.VersionError: "version",
    messages.MessageError: "garbled",
    ValueError: "refused",
    TypeError: "refused",
    SubstrateError: "failed",
}
_OURS = tuple(_KINDS)


def _kind(error):
    """The kind of the answer that reports an error."""
    return next((kind for c, kind in _KINDS.items() if isinstance(error, c)), "failed")


def _with_type(error):
    return f"{type(error).__name__}: {text_of(error)}"


def _traceback(error):
    """Where an error was raised, and the errors that led to it, the last one first.

    The lines look like those of Python, without lines of source code. Whatever comes
    from the substrate, names of files and functions included, is made short and plain.
    """
    lines = []
    for _ in range(_MAX_ERRORS):
        lines.append(messages.plain_text(_with_type(error)))
        for frame, line in deque(walk_tb(error.__traceback__), _MAX_FRAMES):
            file, name = frame.f_code.co_filename, frame.f_code.co_qualname
            where = messages.plain_text(f'File "{file}", line {line}, in {name}')
            lines.append(f"  {where}")
        cause = error.__cause__
        if cause is None and not error.__suppress_context__:
            cause = error.__context__
        if cause is None:
            break
        error = cause
    return "\n".join(lines)
