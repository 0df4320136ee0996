"""What clients may take of a chip server: memory, time, and their number."""

import threading
from dataclasses import dataclass

from ..checks import check_count, check_number
from . import messages

DECODING = 2  # a message and its content: while it is decoded, memory holds both
_OWN_BYTES = 2**20  # memory that each client has besides its share of the common memory
# The smallest memory, in longest messages: half for requests, half for answers.
_MIN_MEMORY = 2 * DECODING


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
    """Memory that clients share: one that needs more than is free waits `timeout`."""

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
