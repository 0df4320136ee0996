"""What clients may take of a server, and what a server may tell its clients."""

import errno
import logging
import os
import socket
import socketserver
import struct
import threading
import time

import numpy as np
import pytest
from chip_server import (
    CHIP,
    LONG,
    NETWORK,
    QUICK,
    TIMES,
    Wire,
    ask,
    assert_same,
    frame,
    make_network,
    make_times,
    packed,
    request,
    server_process,
    wait_until,
)

from ttfs.substrates import Ideal, NetworkError, Remote, Server, SubstrateError, serve
from ttfs.substrates.remote import messages as wire
from ttfs.substrates.remote import server as server_module
from ttfs.substrates.remote.desk import Limits

WIDE = make_network((6, 300, 300))


def connect(server):
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(LONG)
    stream.connect(server.address)
    return stream


def is_ended(stream):
    """Whether the server ends the connection without a word; waits for it."""
    try:
        return stream.recv(1) == b""
    except ConnectionError:  # it has not read all that it was sent
        return True


# -- Memory ----------------------------------------------------------------------------


def peak_memory(process):
    """The most memory that a process has had, in bytes."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        (line,) = (line for line in file if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_memory_is_bounded_for_all_clients_together(path):
    """Messages of 16 clients, of which two fit into the memory at a time."""
    size, n_clients, answers = 2**24, 16, []
    data = packed({"type": "x", "id": 1, "data": bytes(size - 100)})
    all_here = threading.Barrier(n_clients)

    def send():
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(LONG)
            stream.connect(path)
            all_here.wait()
            stream.sendall(data)
            answers.append(wire.receive(stream.recv))

    options = f"--max-bytes={size}", f"--max-memory={8 * size}"
    with server_process(path, *options, f"--message-timeout={LONG}") as process:
        with Remote(path, **QUICK) as remote:
            remote.forward(TIMES, NETWORK)
        before = peak_memory(process)
        threads = [threading.Thread(target=send) for _ in range(n_clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        used = peak_memory(process) - before
    assert [answer["kind"] for answer in answers] == ["garbled"] * n_clients
    # The requests of all clients would take 16 to 32 times the size.
    assert used < 8 * size + n_clients * 2**21


@pytest.fixture
def small(path):
    """A server whose memory does not suffice for two long messages at a time."""
    with Server(Ideal(), path, max_bytes=2**22) as server:
        yield server


def long_times():
    times = make_times(60_000)
    assert times.nbytes > 2**21
    return times


def test_a_request_waits_for_memory(small):
    memory, times, done = small._desk.requests, long_times(), []
    network = make_network((6, 2))

    def run():
        with Remote(small.address, timeout=LONG, retries=0) as remote:
            done.append(remote.forward(times, network))

    memory.take(memory.free)
    thread = threading.Thread(target=run)
    thread.start()
    # A short request is answered, however many long ones wait.
    with Remote(small.address, **QUICK) as remote:
        for _ in range(3):
            assert_same(remote.forward(TIMES, NETWORK), Ideal().forward(TIMES, NETWORK))
    assert not done
    memory.give_back(small._limits.max_memory // 2)
    thread.join()
    assert_same(done[0], Ideal().forward(times, network))


@pytest.mark.parametrize("name", ["requests", "answers"])
def test_a_message_that_gets_no_memory_is_told_so(small, name):
    memory = getattr(small._desk, name)
    times = long_times() if name == "requests" else make_times(500)
    network = make_network((6, 2)) if name == "requests" else WIDE
    memory.take(memory.free)
    memory.timeout = 0.01
    with Remote(small.address, timeout=LONG, retries=0) as remote:
        with pytest.raises(SubstrateError, match="busy: messages of other clients"):
            remote.forward(times, network)
        memory.give_back(small._limits.max_memory // 2)
        assert_same(remote.forward(times, network), Ideal().forward(times, network))


def test_all_memory_is_given_back(small):
    data = packed(request(times=wire._pack_array(long_times())))
    for part in (data[:-1], data[:20], data + b"x" * 16):
        with connect(small) as stream:
            stream.sendall(part)
    assert ask(small, data)["type"] == "result"
    assert ask(small, data[:-1] + b"x")["kind"] == "garbled"
    with Remote(small.address, **QUICK) as remote:
        remote.forward(make_times(500), WIDE)
        with pytest.raises(NetworkError):
            remote.forward(make_times(2000), WIDE)
    wait_until(lambda: not small._sockets.clients)
    half = small._limits.max_memory // 2
    assert (small._desk.requests.free, small._desk.answers.free) == (half, half)


def test_a_server_that_is_stopped_lets_nobody_wait(small):
    memory, listening = small._desk.requests, small._sockets
    memory.take(memory.free)
    with connect(small) as stream:
        header = b"TTFS" + struct.pack("<HHI", 1, 0, 2**22)
        stream.sendall(header + bytes(4))
        wait_until(lambda: listening.clients)
        small.stop()
        wait_until(lambda: not listening.clients)


# -- Clients ---------------------------------------------------------------------------


def test_no_more_clients_than_the_limit(path, caplog):
    with Server(CHIP, path, max_clients=2) as server:
        remotes = [Remote(path, timeout=LONG, retries=0) for _ in range(3)]
        for remote in remotes[:2]:
            remote.describe()
        with pytest.raises(SubstrateError, match="is busy: it serves 2 clients"):
            remotes[2].describe()
        assert "a client was sent away" in caplog.text
        remotes[0].close()
        wait_until(lambda: len(server._sockets.clients) < 2)
        for remote in remotes[1:]:
            assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))
            remote.close()


def test_a_client_that_asks_nothing_is_disconnected(path):
    with Server(CHIP, path, idle_timeout=0.05) as server, connect(server) as stream:
        assert is_ended(stream)


def test_a_message_that_is_begun_must_be_finished(path):
    with Server(CHIP, path, message_timeout=0.05) as server:
        for n_sent in 1, 11, 16, 100:
            with connect(server) as stream:
                stream.sendall(wire.pack(request())[:n_sent])
                assert is_ended(stream)


def test_a_message_that_drips_is_late(path):
    """The time-out is that of the whole message, which would take hours."""
    with Server(CHIP, path, message_timeout=0.1) as server, connect(server) as stream:

        def drip():
            for byte in frame(bytes(1_000_000)):
                stream.send(bytes([byte]))
                time.sleep(0.01)

        with pytest.raises(ConnectionError):
            drip()


def test_an_answer_must_be_taken(path):
    class Quick(Ideal):
        def forward(self, times, network):
            # The request is there: only the answer has so little time.
            server._sockets.limits = Limits(message_timeout=0.05)
            return super().forward(times, network)

    with Server(Quick(), path) as server, connect(server) as stream:
        # The answer does not fit into the buffers of the socket.
        stream.sendall(wire.pack(wire.forward(1, make_times(2000), WIDE)))
        wait_until(lambda: server._sockets.limits.message_timeout < 1)
        wait_until(lambda: not server._sockets.clients)


def test_an_idle_connection_that_was_closed_is_no_failure(server, remote, caplog):
    remote.forward(TIMES, NETWORK)
    first = remote._line.connection
    for client in list(server._sockets.clients):
        client.shutdown(socket.SHUT_RDWR)
    caplog.clear()
    assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))
    assert remote._line.connection is not first
    assert not caplog.records


def test_file_descriptors_run_out(path, monkeypatch, caplog):
    """The server pauses after each attempt to accept a client, and goes on."""
    n_failures, pauses = 3, []
    accept = socketserver.UnixStreamServer.get_request

    def get_request(self):
        if len(pauses) < n_failures:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return accept(self)

    monkeypatch.setattr(socketserver.UnixStreamServer, "get_request", get_request)
    monkeypatch.setattr(server_module.time, "sleep", pauses.append)
    with Server(CHIP, path), Remote(path, **QUICK) as remote:
        assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))
    assert pauses == [0.1] * n_failures
    (record,) = (r for r in caplog.records if "accepted" in r.getMessage())
    assert "Too many open files" in record.getMessage()
    assert record.levelno == logging.WARNING


# -- Texts -----------------------------------------------------------------------------

EVIL = "\x1b]0;owned\x07\x1b[2J\r\n\u202e\ud800"
PLAIN = r"\x1b]0;owned\x07\x1b[2J\r\n\u202e\ud800"


def test_a_text_is_short_and_plain():
    assert wire.plain_text("τ = 1.5 µs") == "τ = 1.5 µs"
    assert wire.plain_text(EVIL) == PLAIN
    for text in ("A" * 10**7, "\x1b" * 10**7, "A" * 1001, "\x1b" * 1000):
        plain = wire.plain_text(text)
        assert len(plain) == 1000
        assert plain.isprintable()
        assert plain.endswith("...")
        assert wire.plain_text(plain) == plain
    assert wire.plain_text("A" * 1000) == "A" * 1000


def test_errors_of_a_server_are_not_passed_on_verbatim(path, caplog):
    text = EVIL[:-1] + "A" * 1_000_000

    with Wire(path, []) as server:
        for kind in "failed", "refused", "garbled", "busy", "version":
            fields = {"type": "error", "kind": kind, "message": text}

            def evil(message, fields=fields):
                return packed(fields | {"id": message["id"]})

            server.replies = [evil] * 2
            caplog.clear()
            with Remote(path, timeout=LONG, retries=1, retry_delay=0.01) as remote:
                with pytest.raises((SubstrateError, NetworkError)) as info:
                    remote.forward(TIMES, NETWORK)
            for shown in (str(info.value), caplog.text.rstrip("\n")):
                assert len(shown) < 1500
                assert shown.isprintable()
            assert PLAIN[:-6] in str(info.value)


def test_what_a_server_calls_itself_is_not_passed_on_verbatim():
    class Evil(Ideal):
        def __repr__(self):
            return EVIL

    welcome = wire.welcome(1, Evil(), 1000)
    assert welcome["substrate"] == PLAIN
    welcome = {**welcome, "substrate": EVIL + "A" * 10**6, "software": EVIL}
    description = wire.read_welcome(welcome)
    assert description["software"] == PLAIN
    assert description["substrate"].startswith(PLAIN + "AAA")
    assert len(description["substrate"]) == 1000


def test_errors_of_a_substrate_are_short_and_plain(path, caplog):
    class Evil:
        error = None

        def forward(self, times, network):
            raise self.error(EVIL + "A" * 1_000_000)

    caplog.set_level(logging.CRITICAL, "ttfs.substrates")
    evil = Evil()
    with Server(evil, path), Remote(path, **QUICK) as remote:
        for evil.error in RuntimeError, ValueError, SubstrateError:
            with pytest.raises((SubstrateError, NetworkError)) as info:
                remote.forward(TIMES, NETWORK)
            assert len(str(info.value)) < 1500
            assert PLAIN in str(info.value)


class Unspeakable(Exception):
    """An error that has no text."""

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


def deep(n):
    """Raise an error whose traceback is long."""
    if n == 0:
        raise OSError(EVIL + "A" * 1_000_000)
    deep(n - 1)


def raise_unspeakable():
    try:
        deep(100)
    except OSError as error:
        raise Unspeakable from error


def raise_in_a_cycle():
    first, second = KeyError("first"), IndexError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


def raise_in_evil_code():
    exec(compile("raise ValueError('shapes')", EVIL[:-1] + "A" * 10**6, "exec"))


@pytest.mark.parametrize(
    ("fail", "texts"),
    [
        (
            raise_unspeakable,
            ["Unspeakable: an error without a text", "OSError: " + PLAIN, "in deep"],
        ),
        (raise_in_a_cycle, ["KeyError: 'first'", "IndexError: second"]),
        (raise_in_evil_code, ["ValueError: shapes", f'File "{PLAIN[:-6]}AAA']),
    ],
)
def test_the_log_says_where_an_error_was_raised(path, caplog, fail, texts):
    class Broken(Ideal):
        def forward(self, times, network):
            return super().forward(times, network) if is_mended else fail()

    is_mended = False
    with Server(Broken(), path), Remote(path, **QUICK) as remote:
        with pytest.raises((SubstrateError, NetworkError)):
            remote.forward(TIMES, NETWORK)
        is_mended = True  # and the server goes on
        assert_same(remote.forward(TIMES, NETWORK), Ideal().forward(TIMES, NETWORK))
    (record,) = (r for r in caplog.records if r.levelno == logging.ERROR)
    log = record.getMessage()
    for where in (f'File "{__file__}", line', f"in {fail.__name__}", *texts):
        assert where in log
    lines = log.split("\n")
    assert len(lines) < 100
    assert all(len(line) <= 1002 and line.isprintable() for line in lines)


def test_what_the_protocol_provides_for_has_no_traceback(path, caplog):
    class Refuses(Ideal):
        def forward(self, times, network):
            raise error("not now")

    for error in (SubstrateError, NetworkError):
        with Server(Refuses(), path), Remote(path, **QUICK) as remote:
            with pytest.raises(error, match="not now"):
                remote.forward(TIMES, NETWORK)
    assert "File" not in caplog.text
    assert "not now" in caplog.text


def test_a_type_of_message_is_named_in_short(small, caplog):
    reply = ask(small, packed({"type": EVIL[:-1] * 10**5, "id": 1}))
    assert reply["kind"] == "garbled"
    assert len(reply["message"]) <= 1000
    assert len(caplog.text) < 1500


# -- Parameters ------------------------------------------------------------------------


def test_limits_out_of_range(path):
    for name, values in {
        "max_bytes": [0, 4095, 1e6, "x", True],
        "max_memory": [0, 2**30 - 1, 2e30],
        "max_clients": [0, -1, 1.5, None],
        "idle_timeout": [0, -1.0, np.inf, np.nan, None],
        "message_timeout": [0, -1.0, np.inf, np.nan, None],
    }.items():
        for value in values:
            for address in (path, "-"):
                with pytest.raises(ValueError, match=name):
                    serve(CHIP, address, **{name: value})


def test_the_memory_suffices_for_the_longest_messages():
    assert Limits(max_bytes=5000).max_memory == 20_000
    assert Limits(max_bytes=5000, max_memory=10**6).max_memory == 10**6
