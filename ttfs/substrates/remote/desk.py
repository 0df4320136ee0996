"""The desk of a chip server: it reads requests and answers them, one at a time."""

import logging
import threading
from collections import deque
from traceback import walk_tb

from ..checks import check_spikes, text_of
from ..protocol import NetworkError, SubstrateError
from . import messages
from .limits import DECODING, Memory, Share

_LOG = logging.getLogger("ttfs.substrates")
_GRACE = 10.0  # seconds that a request may go on after the server was stopped
_MAX_ERRORS, _MAX_FRAMES = 4, 20  # of a traceback in the log


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
                request.take(DECODING * size)

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
