"""A chip server, its clients, and bytes between them, for tests.

The frames and right answers here are written from docs/guide/remote.md, a second time.
"""

import itertools
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from contextlib import contextmanager
from pathlib import Path

import msgpack
import numpy as np
from numpy.testing import assert_array_equal

from ttfs import LIF, TTFSClassifier
from ttfs.substrates import AnalogChip, Layer, Network
from ttfs.substrates.remote import messages as wire

CHIP = AnalogChip(
    weight_bits=6,
    weight_clip=2.0,
    threshold_spread=0.05,
    tau_syn_spread=0.1,
    tau_mem_spread=0.1,
    spike_jitter=0.01,
    max_inputs=20,
    random_state=3,
)
CHIP_OPTIONS = [
    f"--set={name}={value}"
    for name, value in vars(CHIP).items()
    if value != AnalogChip.__init__.__kwdefaults__.get(name)
]
SERVE = [sys.executable, "-m", "ttfs", "serve"]
ROOT = Path(__file__).resolve().parents[2]
ADAPTER, PAGE = ROOT / "examples" / "chip_adapter.py", ROOT / "docs/guide/remote.md"
# A time that passes only where something hangs, however busy the computer is.
LONG = 600.0
QUICK = {"timeout": LONG, "retries": 3, "retry_delay": 0.01}


def make_network(sizes=(6, 5, 3), dtype=np.float64, *, t_max=6.0, seed=0):
    """Layers with two biases each, in which most neurons fire."""
    rng = np.random.RandomState(seed)
    layers = [
        Layer(
            rng.normal(4.0 / n_in, 0.5, (n_in + 2, n_out)).astype(dtype),
            np.array([0.0, 0.9], dtype),
            LIF(2.0, 1.0, 0.9),
        )
        for n_in, n_out in itertools.pairwise(sizes)
    ]
    return Network(tuple(layers), t_max)


def make_times(n_samples=7, n_in=6, dtype=np.float64, seed=0):
    rng = np.random.RandomState(seed)
    times = rng.uniform(0, 1, (n_samples, n_in)).astype(dtype)
    times[rng.uniform(size=times.shape) < 0.2] = np.inf
    return times


NETWORK, TIMES = make_network(), make_times()


def wait_until(is_true):
    """Return when ``is_true()`` is."""
    end = time.monotonic() + LONG
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.005)


def assert_same(spikes, expected):
    assert len(spikes) == len(expected)
    for array, wanted in zip(spikes, expected, strict=True):
        assert array.dtype == wanted.dtype
        assert array.flags.writeable
        assert_array_equal(array, wanted)


class Broken:
    """A substrate that does what it is told with the answer of a chip."""

    def __init__(self, change):
        self.change, self.n_calls = change, 0

    def forward(self, times, network):
        self.n_calls += 1
        return self.change(CHIP.forward(times, network))


@contextmanager
def server_process(path, *options):
    """``ttfs serve`` in a process of its own, once it answers."""
    process = subprocess.Popen(
        [*SERVE, "--socket", path, *CHIP_OPTIONS, *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, process.stderr:
        try:
            assert "AnalogChip" in process.stderr.readline()
            yield process
        finally:
            process.kill()
            process.wait()


def frame(payload, *, magic=b"TTFS", version=1, reserved=0, size=None, checksum=None):
    """A frame as docs/guide/remote.md defines it, written a second time."""
    size = len(payload) if size is None else size
    header = magic + struct.pack("<HHI", version, reserved, size)
    checksum = zlib.crc32(header + payload) if checksum is None else checksum
    return header + struct.pack("<I", checksum) + payload


def packed(message, **changes):
    """The frame of a message."""
    return frame(msgpack.packb(message), **changes)


def answer(message, **changes):
    """The frame with which a right server answers; some fields changed."""
    number = message["id"]
    if message["type"] == "hello":
        out = wire.welcome(number, CHIP, 2**28)
    else:
        times, network = wire.read_forward(message)
        out = wire.result(number, CHIP.forward(times, network))
    return {**out, **changes}


def changed_spikes(message, change):
    spikes = answer(message)["spikes"]
    change(spikes)
    return answer(message, spikes=spikes)


def flip(data, k):
    return data[:k] + bytes([data[k] ^ 1]) + data[k + 1 :]


class Wire:
    """A server that sends the bytes of `replies`, one after the other, then leaves.

    A reply is a function of the message; None is the right answer.
    """

    def __init__(self, path, replies):
        self.replies = list(replies)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.n_connections = 0
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def run(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            self.n_connections += 1
            with stream:
                self.serve(stream)

    def serve(self, stream):
        while True:
            try:
                message = wire.receive(stream.recv)
            except wire.Closed:
                return
            reply = None
            if message["type"] == "forward" and self.replies:
                reply = self.replies.pop(0)
            if reply is not None:
                stream.sendall(reply(message))
                return
            stream.sendall(packed(answer(message)))


def request(**changes):
    return {**wire.forward(1, TIMES, NETWORK), **changes}


def array(values):
    return wire._pack_array(values)


def ask(server, data):
    """What a server answers to these bytes, of which it gets no more."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(LONG)
        stream.connect(server.address)
        stream.sendall(data)
        stream.shutdown(socket.SHUT_WR)
        return wire.receive(stream.recv)


def classifier(substrate):
    return TTFSClassifier(
        (10,), substrate=substrate, max_iter=4, batch_size=10, random_state=0
    )
