"""Remote, its server, and the messages between them.

The server and the client see everything that can happen to a connection: lost, late,
garbled. Whatever happens, the spike times are those of the substrate, bit for bit, or
there is an error that says what happened.
"""

import copy
import gc
import io
import itertools
import json
import os
import pickle
import re
import runpy
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from contextlib import contextmanager
from pathlib import Path

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict

from ttfs import LIF, TTFSClassifier
from ttfs.__main__ import main
from ttfs.datasets import make_yin_yang
from ttfs.substrates import (
    AnalogChip,
    Ideal,
    Layer,
    Network,
    NetworkError,
    Remote,
    Server,
    SubstrateError,
    _messages,
    _remote,
    serve,
)

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
ROOT = Path(__file__).resolve().parent.parent
ADAPTER, PAGE = ROOT / "examples" / "chip_adapter.py", ROOT / "docs" / "remote.md"
QUICK = {"timeout": 5.0, "retries": 3, "retry_delay": 0.01}


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


def assert_same(spikes, expected):
    assert len(spikes) == len(expected)
    for array, wanted in zip(spikes, expected, strict=True):
        assert array.dtype == wanted.dtype
        assert array.flags.writeable
        assert_array_equal(array, wanted)


@pytest.fixture
def path():
    """A short path for a socket."""
    with tempfile.TemporaryDirectory() as folder:
        yield os.path.join(folder, "chip")


@pytest.fixture
def server(path):
    with Server(CHIP, path) as server:
        yield server


@pytest.fixture
def remote(server):
    with Remote(server.address, **QUICK) as remote:
        yield remote


@pytest.fixture
def command():
    """A server on standard input and output."""
    return [*SERVE, "--stdio", *CHIP_OPTIONS]


class Broken:
    """A substrate that does what it is told with the answer of a chip."""

    def __init__(self, change):
        self.change, self.n_calls = change, 0

    def forward(self, times, network):
        self.n_calls += 1
        return self.change(CHIP.forward(times, network))


# -- Spike times -----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_samples", [0, 1, 7])
def test_spike_times_are_those_of_the_chip_bit_for_bit(remote, dtype, n_samples):
    network = make_network(dtype=dtype)
    times = make_times(n_samples, dtype=dtype)
    expected = CHIP.forward(times, network)
    if n_samples == 7:
        assert np.isfinite(expected[1]).mean() > 0.5
    assert_same(remote.forward(times, network), expected)


@pytest.mark.parametrize("t_max", [0.5, np.inf])
@pytest.mark.parametrize("tau_mem", [1.0, np.inf])
def test_parameters_of_a_network_arrive(path, t_max, tau_mem):
    weights = np.asfortranarray(make_network().layers[0].weights)
    layer = Layer(weights, np.array([]), LIF(tau_mem, 1.0, 0.7))
    network = Network((layer,), t_max)
    times = make_times(n_in=8)
    with Server(Ideal(), path), Remote(path) as remote:
        assert_same(remote.forward(times, network), Ideal().forward(times, network))


def test_a_request_leaves_the_network_as_it_is(remote):
    network, times = copy.deepcopy(NETWORK), TIMES.copy()
    remote.forward(times, network)
    assert_array_equal(times, TIMES)
    for layer, before in zip(network.layers, NETWORK.layers, strict=True):
        assert_array_equal(layer.weights, before.weights)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_ports(host):
    if host == "::1" and not _has_ipv6():
        pytest.skip("no IPv6")
    with Server(CHIP, (host, 0)) as server, Remote(server.address) as remote:
        assert server.address[0] == host
        assert server.address[1] > 0
        assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))


def _has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_limits_of_the_chip_are_known(server, remote):
    chip = AnalogChip(weight_bits=4, weight_clip=1.5, rows_per_input=2, max_neurons=9)
    server._desk.substrate = chip
    assert [remote.weight_limit(k) for k in range(3)] == [3.0, 1.5, 1.5]
    assert [remote.weight_step(k) for k in range(3)] == [0.1, 0.1, 0.1]
    description = remote.describe()
    assert description["substrate"] == repr(chip)
    assert description["max_inputs"] is None
    assert description["max_neurons"] == 9
    server.stop()
    assert remote.weight_limit(1) == 1.5  # asked once


class Limits:
    """A chip with these limits, and with as many layers unless the last goes on."""

    def __init__(self, limits, *, goes_on):
        self.limits, self.goes_on = limits, goes_on

    def weight_limit(self, k):
        if self.goes_on:
            k = min(k, len(self.limits) - 1)
        return self.limits[k]

    forward = CHIP.forward


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize("limits", [[3, 2, 1], [3], [2, 3, 3, 2]], ids=str)
def test_limits_of_each_layer_are_known(path, limits, goes_on):
    chip = Limits(limits, goes_on=goes_on)
    with Server(chip, path), Remote(path, **QUICK) as remote:
        assert [remote.weight_limit(k) for k in range(len(limits))] == limits
        assert remote.weight_limit(300) == limits[-1]
        assert remote.describe()["weight_limits"] == limits
        assert remote.weight_step(0) == 0.0


def test_a_chip_that_fails_to_tell_its_limits(path):
    with Server(Limits([], goes_on=False), path), Remote(path, **QUICK) as remote:
        with pytest.raises(SubstrateError, match="IndexError"):
            remote.weight_limit(0)


@pytest.mark.parametrize("substrate", [Ideal(), AnalogChip()])
def test_chips_without_limits(path, substrate):
    with Server(substrate, path), Remote(path) as remote:
        assert remote.weight_limit(0) == np.inf
        assert remote.weight_step(0) == 0.0


# -- Errors that are answers -----------------------------------------------------------


def test_a_network_that_does_not_fit_is_refused_at_once(path):
    substrate = Broken(lambda spikes: spikes)
    network, times = make_network((21, 2)), make_times(n_in=21)
    with Server(substrate, path), Remote(path, **QUICK) as remote:
        with pytest.raises(NetworkError, match=r"21 inputs.*of the chip 20"):
            remote.forward(times, network)
        assert substrate.n_calls == 1
        connection = remote._line.connection
        assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))
        assert remote._line.connection is connection


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda spikes: 1 / 0, "ZeroDivisionError"),
        (lambda spikes: spikes[:1], "list of 2 arrays"),
        (lambda spikes: None, "list of 2 arrays"),
        (lambda spikes: [spikes[0], spikes[1][1:]], r"layer 1.*shape \(7, 3\)"),
        (lambda spikes: [spikes[0].astype(complex), spikes[1]], "complex128"),
        (lambda spikes: [spikes[0] * np.nan, spikes[1]], "layer 0.*NaN"),
        (lambda spikes: [spikes[0], np.ma.array(spikes[1])], "layer 1 .* masked"),
    ],
)
def test_a_substrate_that_fails_is_reported_and_served_on(path, change, match):
    substrate = Broken(change)
    with Server(substrate, path), Remote(path, **QUICK) as remote:
        with pytest.raises(SubstrateError, match=match):
            remote.forward(TIMES, NETWORK)
        assert substrate.n_calls == 1
        substrate.change = lambda spikes: spikes
        assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))


def test_what_cannot_be_asked_is_refused_by_the_client(remote):
    with pytest.raises(ValueError, match="NaN"):
        remote.forward(TIMES * np.nan, NETWORK)
    with pytest.raises(ValueError, match="layer 0 has weights for 8 inputs"):
        remote.forward(TIMES[:, :3], NETWORK)
    layer = NETWORK.layers[0]
    delayed = Layer(layer.weights, layer.bias_times, layer.neuron, np.zeros(8))
    with pytest.raises(ValueError, match="delays"):
        remote.forward(TIMES, Network((delayed,)))


def test_messages_that_are_too_long(path):
    times = make_times(1000)
    with Server(CHIP, path, max_bytes=20_000), Remote(path, **QUICK) as remote:
        with pytest.raises(
            NetworkError, match="max_bytes=20000: ask for fewer samples"
        ):
            remote.forward(times, NETWORK)
        assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))
        wide = make_network((6, 300))  # the answer is longer than the request
        with pytest.raises(NetworkError, match="spike times of 24000 bytes"):
            remote.forward(make_times(10), wide)


def test_answers_that_are_too_long_for_the_client(path):
    substrate = Broken(lambda spikes: spikes)
    wide, times = make_network((6, 50)), make_times(100)
    with Server(substrate, path):
        with Remote(path, max_bytes=20_000, **QUICK) as remote:
            with pytest.raises(NetworkError, match=r"40000 bytes.*ask for fewer"):
                remote.forward(times, wide)
            assert substrate.n_calls == 0
            # The longest answer that is asked for.
            n = (20_000 - 1100) // 400
            expected = CHIP.forward(times[:n], wide)
            assert_same(remote.forward(times[:n], wide), expected)


def test_weights_that_are_not_finite_are_refused(remote):
    network = copy.deepcopy(NETWORK)
    network.layers[1].weights[0, 0] = np.inf
    with pytest.raises(ValueError, match="weights of layer 1 must be finite"):
        remote.forward(TIMES, network)


# -- Lost connections ------------------------------------------------------------------


def test_no_server(path, caplog):
    remote = Remote(path, **QUICK)
    with pytest.raises(SubstrateError, match=r"no answer from .*chip in 4 attempts"):
        remote.forward(TIMES, NETWORK)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("ttfs.substrates", "WARNING")
    assert re.search("no answer from .*chip: .*3 times more", record.getMessage())
    caplog.clear()
    with pytest.raises(SubstrateError, match=r"in 1 attempts"):
        Remote(path, retries=0).forward(TIMES, NETWORK)
    assert not caplog.records


def test_the_client_waits_for_a_server(path):
    remote = Remote(path, retries=50, retry_delay=0.02)
    late = Server(CHIP, path)
    timer = threading.Timer(0.3, late.start)
    timer.start()
    try:
        assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))
    finally:
        timer.join()
        remote.close()
        late.stop()


def test_a_server_that_restarts_between_requests(path):
    expected = CHIP.forward(TIMES, NETWORK)
    with Remote(path, **QUICK) as remote:
        for _ in range(3):
            with Server(CHIP, path):
                assert_same(remote.forward(TIMES, NETWORK), expected)
            assert not os.path.exists(path)


@contextmanager
def server_process(path):
    """``ttfs serve`` in a process of its own, once it answers."""
    process = subprocess.Popen(
        [*SERVE, "--socket", path, *CHIP_OPTIONS], stderr=subprocess.PIPE, text=True
    )
    with process, process.stderr:
        try:
            assert "AnalogChip" in process.stderr.readline()
            yield process
        finally:
            process.kill()
            process.wait()


def test_a_server_that_is_killed_during_requests(path):
    expected = CHIP.forward(TIMES, NETWORK)
    answers, stop = [], threading.Event()
    with Remote(path, retries=200, retry_delay=0.02) as remote:

        def ask():
            while not stop.is_set():
                answers.append(remote.forward(TIMES, NETWORK))

        thread = threading.Thread(target=ask)
        try:
            for k in range(2):
                with server_process(path) as process:
                    if k == 0:
                        thread.start()
                    n = len(answers)
                    while len(answers) < n + 5:
                        time.sleep(0.01)
                    process.kill()
        finally:
            stop.set()
            with Server(CHIP, path):  # in which the socket of the last one is removed
                thread.join()
    assert len(answers) >= 10
    for spikes in answers:
        assert_same(spikes, expected)


def test_signals_end_a_server(path):
    with server_process(path) as process, Remote(path, **QUICK) as remote:
        remote.forward(TIMES, NETWORK)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
        assert not os.path.exists(path)


def test_a_server_that_is_stopped_leaves_its_substrate_alone(path):
    begun, finish, calls = threading.Event(), threading.Event(), []

    class Slow:
        def forward(self, times, network):
            calls.append("begin")
            begun.set()
            finish.wait(5)
            calls.append("end")
            return CHIP.forward(times, network)

    def ask():
        with pytest.raises(SubstrateError, match="no answer"):
            Remote(path, timeout=5, retries=0).forward(TIMES, NETWORK)
        calls.append("lost")

    server = Server(Slow(), path).start()
    clients = [threading.Thread(target=ask) for _ in range(2)]
    for client in clients:
        client.start()
    begun.wait(5)
    time.sleep(0.1)  # the second request waits for the first
    timer = threading.Timer(0.2, finish.set)
    timer.start()
    server.stop()
    assert calls[:2] == ["begin", "end"]
    for client in (timer, *clients):
        client.join()
    assert calls == ["begin", "end", "lost", "lost"]
    with pytest.raises(RuntimeError, match="started once"):
        server.start()


def test_a_late_answer_is_not_taken_for_another(path):
    first, second = make_times(seed=1), make_times(seed=2)
    release = threading.Event()

    class Slow:
        def forward(self, times, network):
            if np.array_equal(times, first):
                release.wait(5)
            return CHIP.forward(times, network)

    with Server(Slow(), path):
        with Remote(path, timeout=0.2, retries=1, retry_delay=0.01) as remote:
            with pytest.raises(SubstrateError, match=r"2 attempts.*timed out"):
                remote.forward(first, NETWORK)
            release.set()
            assert_same(remote.forward(second, NETWORK), CHIP.forward(second, NETWORK))


def test_an_interrupt_leaves_no_answer_behind(remote, monkeypatch):
    expected = CHIP.forward(TIMES, NETWORK)
    assert_same(remote.forward(TIMES, NETWORK), expected)
    limit = _remote._Connection._limit
    calls = []

    def interrupt(connection, end):
        calls.append(end)
        if len(calls) == 2:  # the request has been sent
            raise KeyboardInterrupt
        limit(connection, end)

    monkeypatch.setattr(_remote._Connection, "_limit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        remote.forward(make_times(seed=1), NETWORK)
    assert remote._line.connection is None
    assert_same(remote.forward(TIMES, NETWORK), expected)


# -- Garbled answers -------------------------------------------------------------------


def frame(payload, *, magic=b"TTFS", version=1, reserved=0, size=None, checksum=None):
    """A frame as docs/remote.md defines it, written a second time."""
    size = len(payload) if size is None else size
    header = magic + struct.pack("<HHI", version, reserved, size)
    checksum = zlib.crc32(header + payload) if checksum is None else checksum
    return header + struct.pack("<I", checksum) + payload


def answer(message, **changes):
    """The frame with which a right server answers; some fields changed."""
    number = message["id"]
    if message["type"] == "hello":
        out = _messages.welcome(number, CHIP, 2**28)
    else:
        times, network = _messages.read_forward(message)
        out = _messages.result(number, CHIP.forward(times, network))
    return {**out, **changes}


def changed_spikes(message, change):
    spikes = answer(message)["spikes"]
    change(spikes)
    return answer(message, spikes=spikes)


GARBLED = {
    "random bytes": lambda m: np.random.RandomState(0).bytes(1000),
    "nothing": lambda m: b"",
    "a truncated header": lambda m: frame(b"")[:7],
    "a truncated frame": lambda m: frame(msgpack.packb(answer(m)))[:-1],
    "another magic": lambda m: frame(msgpack.packb(answer(m)), magic=b"HTTP"),
    "a wrong checksum": lambda m: frame(msgpack.packb(answer(m)), checksum=0),
    "a flipped bit": lambda m: flip(frame(msgpack.packb(answer(m))), 60),
    "a flipped bit of the version": lambda m: flip(frame(msgpack.packb(answer(m))), 4),
    "a huge length": lambda m: frame(b"", size=2**32 - 1),
    "no msgpack": lambda m: frame(b"\xc1" * 10),
    "a pickle": lambda m: frame(pickle.dumps(answer(m))),
    "JSON": lambda m: frame(json.dumps({"type": "result"}).encode()),
    "more than a message": lambda m: frame(msgpack.packb(answer(m)) + b"\0"),
    "no map": lambda m: frame(msgpack.packb([answer(m)])),
    "no type": lambda m: frame(msgpack.packb(answer(m, type=None))),
    "another type": lambda m: frame(msgpack.packb(answer(m, type="forward"))),
    "another id": lambda m: frame(msgpack.packb(answer(m, id=m["id"] + 1))),
    "an id that is no integer": lambda m: frame(msgpack.packb(answer(m, id=True))),
    "the error of another": lambda m: frame(
        msgpack.packb(_messages.error(m["id"] - 1, "refused", "?"))
    ),
    "a layer less": lambda m: frame(
        msgpack.packb(changed_spikes(m, lambda spikes: spikes.pop()))
    ),
    "another shape": lambda m: frame(
        msgpack.packb(changed_spikes(m, lambda spikes: spikes[0].update(shape=[5, 7])))
    ),
    "a shape of another size": lambda m: frame(
        msgpack.packb(changed_spikes(m, lambda spikes: spikes[0].update(shape=[7, 6])))
    ),
    "a type of Python objects": lambda m: frame(
        msgpack.packb(changed_spikes(m, lambda spikes: spikes[0].update(dtype="|O")))
    ),
    "NaN": lambda m: frame(
        msgpack.packb(
            changed_spikes(m, lambda spikes: spikes[1].update(data=b"\xff" * 7 * 3 * 8))
        )
    ),
}


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
                message = _messages.receive(stream.recv)
            except _messages.Closed:
                return
            reply = None
            if message["type"] == "forward" and self.replies:
                reply = self.replies.pop(0)
            if reply is not None:
                stream.sendall(reply(message))
                return
            stream.sendall(frame(msgpack.packb(answer(message))))


@pytest.mark.parametrize("reply", GARBLED.values(), ids=GARBLED)
def test_a_garbled_answer_is_asked_for_again(path, reply):
    with Wire(path, [reply, reply]) as wire, Remote(path, **QUICK) as remote:
        assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))
        assert wire.n_connections == 3


def test_nothing_but_garbled_answers(path):
    reply = GARBLED["random bytes"]
    with Wire(path, [reply] * 4), Remote(path, **QUICK) as remote:
        with pytest.raises(SubstrateError, match=r"4 attempts.*not in the format"):
            remote.forward(TIMES, NETWORK)
        assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))


def test_another_version_is_an_error_at_once(path):
    def later(message):
        return frame(b"what later versions may be", version=2)

    with Wire(path, [later]) as wire, Remote(path, **QUICK) as remote:
        with pytest.raises(SubstrateError, match="version 2 of the format, this one 1"):
            remote.forward(TIMES, NETWORK)
        assert wire.n_connections == 1


def test_an_answer_that_drips_is_late(path):
    """The time-out is that of the whole answer."""

    class Dripping(Wire):
        def serve(self, stream):
            try:
                for byte in frame(bytes(1000)):
                    stream.send(bytes([byte]))
                    time.sleep(0.01)
            except OSError:
                pass  # the client has left

    settings = {"timeout": 0.1, "retries": 0}
    with Dripping(path, []), Remote(path, **settings) as remote:
        before = time.monotonic()
        with pytest.raises(SubstrateError, match="timed out"):
            remote.forward(TIMES, NETWORK)
        assert time.monotonic() - before < 5


# -- What a server is sent -------------------------------------------------------------


def request(**changes):
    return {**_messages.forward(1, TIMES, NETWORK), **changes}


def layer_changed(**changes):
    message = request()
    message["layers"][0].update(changes)
    return message


def array(values):
    return _messages._pack_array(values)


WRONG_MESSAGES = {
    "no id": (request(id=None), "garbled"),
    "a negative id": (request(id=-1), "garbled"),
    "an unknown type": (request(type="reset"), "garbled"),
    "no times": (request(times=None), "garbled"),
    "times of one dimension": (request(times=array(TIMES[0])), "garbled"),
    "a dtype that is no string": (
        request(times={**array(TIMES), "dtype": ["<f8"]}),
        "garbled",
    ),
    "big-endian": (request(times={**array(TIMES), "dtype": ">f8"}), "garbled"),
    "fewer bytes": (request(times={**array(TIMES), "data": b""}), "garbled"),
    "text for bytes": (request(times={**array(TIMES), "data": "x" * 336}), "garbled"),
    "a negative shape": (request(times={**array(TIMES), "shape": [-7, -6]}), "garbled"),
    "a shape of bool": (
        request(times={"dtype": "<f8", "shape": [True, True], "data": bytes(8)}),
        "garbled",
    ),
    "a huge shape": (
        request(times={"dtype": "<f8", "shape": [2**62, 0], "data": b""}),
        "garbled",
    ),
    "layers that are no list": (request(layers={}), "garbled"),
    "layers that are no maps": (request(layers=[1]), "garbled"),
    "weights that are no array": (layer_changed(weights=[[1.0]]), "garbled"),
    "tau_syn that is text": (layer_changed(tau_syn="1.0"), "garbled"),
    "tau_syn that is bool": (layer_changed(tau_syn=True), "garbled"),
    "no t_max": (request(t_max=None), "garbled"),
    "t_max NaN": (request(t_max=float("nan")), "refused"),
    "no layers": (request(layers=[]), "refused"),
    "a negative threshold": (layer_changed(threshold=-1.0), "refused"),
    "tau_mem NaN": (layer_changed(tau_mem=float("nan")), "refused"),
    "times of -inf": (request(times=array(np.full((7, 6), -np.inf))), "refused"),
    "bias times of NaN": (layer_changed(bias_times=array([np.nan, 0])), "refused"),
    "weights of NaN": (
        layer_changed(weights=array(np.full((8, 5), np.nan))),
        "refused",
    ),
    "shapes that do not match": (
        layer_changed(weights=array(np.zeros((9, 5)))),
        "refused",
    ),
    "an answer of 1 GB": (
        request(
            times={"dtype": "<f8", "shape": [2**24, 0], "data": b""},
            layers=[
                {**request()["layers"][0], "weights": array(np.zeros((2, 8)))},
            ],
        ),
        "refused",
    ),
}


@pytest.fixture(scope="module")
def busy():
    """A server for tests that leave it as it is."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(CHIP, os.path.join(folder, "chip")) as server,
    ):
        yield server
        # After all that was sent to it.
        with Remote(server.address, **QUICK) as remote:
            assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))


def ask(server, data):
    """What a server answers to these bytes, of which it gets no more."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(5)
        stream.connect(server.address)
        stream.sendall(data)
        stream.shutdown(socket.SHUT_WR)
        return _messages.receive(stream.recv)


@pytest.mark.parametrize(
    ("message", "kind"), WRONG_MESSAGES.values(), ids=WRONG_MESSAGES
)
def test_a_wrong_request_is_answered_with_an_error(busy, message, kind):
    reply = ask(busy, frame(msgpack.packb(message)))
    assert reply["type"] == "error"
    assert reply["kind"] == kind
    assert reply["message"]


@pytest.mark.parametrize("name", ["random bytes", "a huge length", "no msgpack"])
def test_what_is_no_request_is_answered_and_ended(busy, name):
    reply = ask(busy, GARBLED[name]({}))
    assert (reply["type"], reply["id"], reply["kind"]) == ("error", None, "garbled")


def test_another_version_is_told_ours(busy):
    reply = ask(busy, frame(b"", version=7))
    assert reply["kind"] == "version"
    assert "version 7 of the format, this one 1" in reply["message"]


def test_a_client_that_leaves(busy):
    data = _messages.pack(request())
    for part in (b"", data[:5], data[:-1], data):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(busy.address)
            stream.sendall(part)


class Bomb:
    def __reduce__(self):
        return os.abort, ()


def test_nothing_is_ever_unpickled(busy):
    bomb = pickle.dumps(Bomb())
    messages = [
        frame(bomb),
        frame(msgpack.packb(msgpack.ExtType(1, bomb))),
        frame(msgpack.packb({"type": "forward", "id": 1, "times": bomb})),
        frame(
            msgpack.packb(
                request(
                    times={"dtype": "|O", "shape": [1, 1], "data": bomb},
                )
            )
        ),
    ]
    for data in messages:
        assert ask(busy, data)["kind"] == "garbled"
    folder = os.path.dirname(_messages.__file__)
    for name in ("_messages.py", "_remote.py", "_server.py"):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = file.read()
        assert not any(
            word in text for word in ("pickle.", "eval(", "exec(", "marshal")
        )


def test_memory_is_set_aside_for_what_arrives_alone():
    """A frame that announces 256 MB and ends; lists of lists of lists."""
    asked = []

    def recv(n):
        asked.append(n)
        return data.read(n)

    data = io.BytesIO(frame(b"", size=2**28))
    with pytest.raises(_messages.Closed):
        _messages.receive(recv)
    assert max(asked) <= 2**20
    for payload in (
        b"\xdd" + struct.pack(">I", 2**31),  # a list of 2**31
        b"\xdf" + struct.pack(">I", 2**31),  # a map
        b"\x91" * 10_000,  # lists in lists
        msgpack.packb([[[]] * 200] * 200),
        msgpack.packb({"type": "forward", "layers": [0] * 300}),
        msgpack.packb({"type": "forward", **{str(k): k for k in range(20)}}),
    ):
        with pytest.raises(_messages.MessageError, match="decoded"):
            _messages.receive(io.BytesIO(frame(payload)).read)


# -- The decoder -----------------------------------------------------------------------


def decode(data):
    """All that a message could be read as; MessageError and ValueError are right."""
    message = _messages.receive(io.BytesIO(data).read)
    for read in (
        _messages.message_id,
        _messages.read_welcome,
        _messages.read_error,
        _messages.read_forward,
        lambda message: _messages.read_result(message, TIMES, NETWORK),
    ):
        try:
            read(message)
        except _messages.MessageError:
            pass
        except ValueError:
            assert read is _messages.read_forward  # numbers that make no sense


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_no_message(data):
    for bytes_ in (data, b"TTFS" + data, frame(data)):
        try:
            decode(bytes_)
        except _messages.MessageError:
            pass


NO_MAP = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["<f4", "<f8", "forward", "result", "hello", "error", "|O"]),
    st.binary(max_size=64),
    st.lists(st.integers(0, 8), max_size=3),
)
KEYS = (
    "type id times layers t_max weights bias_times tau_mem tau_syn threshold dtype "
    "shape data spikes kind message software weight_limits weight_steps max_bytes"
).split()
ANYTHING = st.recursive(
    NO_MAP,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=8))
def test_random_fields_are_no_request(fields):
    try:
        decode(frame(msgpack.packb({"type": "forward", **fields})))
    except _messages.MessageError:
        pass


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_one_field_of_a_request_changed(data):
    messages = [
        request(),
        _messages.result(1, CHIP.forward(TIMES, NETWORK)),
        _messages.welcome(1, CHIP, 1000),
        _messages.error(1, "failed", "text"),
    ]
    message = data.draw(st.sampled_from(messages))
    place = message
    while True:
        if isinstance(place, dict):
            key = data.draw(st.sampled_from(sorted(place)))
        else:
            key = data.draw(st.integers(0, len(place) - 1))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(ANYTHING)
    try:
        decode(frame(msgpack.packb(message)))
    except _messages.MessageError:
        pass


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_never_passes_the_checksum(data):
    right = _messages.pack(request())
    assert right == frame(msgpack.packb(request()))
    k = data.draw(st.integers(0, len(right) - 1))
    bits = data.draw(st.integers(1, 255))
    damaged = bytearray(right)
    damaged[k] ^= bits
    for wrong in (bytes(damaged), right[:k]):
        with pytest.raises(_messages.MessageError):
            _messages.receive(io.BytesIO(wrong).read)


# -- docs/remote.md, without our code --------------------------------------------------


def test_a_client_written_from_the_page(busy):
    times, weights = np.array([[0.0, 0.5], [0.25, np.inf]]), np.eye(3)[:, :2] * 4
    message = {
        "type": "forward",
        "id": 12,
        "times": {"dtype": "<f8", "shape": [2, 2], "data": times.tobytes()},
        "t_max": 10,
        "layers": [
            {
                "weights": {"dtype": "<f8", "shape": [3, 2], "data": weights.tobytes()},
                "bias_times": {"dtype": "<f4", "shape": [1], "data": bytes(4)},
                "tau_mem": 2,
                "tau_syn": 1,
                "threshold": 1,
            }
        ],
        "remark": "keys that are not known are ignored",
    }
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(5)
        stream.connect(busy.address)
        stream.sendall(frame(msgpack.packb(message)))
        header = stream.recv(16, socket.MSG_WAITALL)
        size, checksum = struct.unpack("<II", header[8:])
        assert header[:8] == bytes.fromhex("54 54 46 53 01 00 00 00")
        payload = stream.recv(size, socket.MSG_WAITALL)
    assert checksum == zlib.crc32(header[:12] + payload)
    reply = msgpack.unpackb(payload)
    assert set(reply) == {"type", "id", "spikes"}
    assert (reply["type"], reply["id"]) == ("result", 12)
    (spikes,) = reply["spikes"]
    assert (spikes["dtype"], spikes["shape"]) == ("<f8", [2, 2])
    layer = Layer(weights, np.zeros(1, np.float32), LIF(2.0, 1.0, 1.0))
    (expected,) = CHIP.forward(times, Network((layer,), 10.0))
    assert np.isfinite(expected).sum() == 3
    assert spikes["data"] == expected.astype("<f8").tobytes()


@pytest.mark.skipif(not PAGE.exists(), reason="not in a clone")
def test_the_bytes_on_the_page(monkeypatch):
    text = PAGE.read_text(encoding="utf-8").split("## An example")[1]
    data = bytes.fromhex("".join(re.findall(r"^    (.*)$", text, re.MULTILINE)))
    monkeypatch.setattr(_messages, "SOFTWARE", "me")
    assert _messages.pack(_messages.hello(0)) == data


# -- Many clients ----------------------------------------------------------------------


def test_two_clients_are_served_at_the_same_time(server):
    with Remote(server.address) as one, Remote(server.address) as other:
        for seed in range(3):
            times = make_times(seed=seed)
            expected = CHIP.forward(times, NETWORK)
            assert_same(one.forward(times, NETWORK), expected)
            assert_same(other.forward(times, NETWORK), expected)


def test_threads_share_a_client(remote):
    def run(seed):
        times = make_times(seed=seed)
        expected = CHIP.forward(times, NETWORK)
        for _ in range(10):
            assert_same(remote.forward(times, NETWORK), expected)
        done.append(seed)

    done = []
    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 1, 2, 3]


def test_the_substrate_runs_one_request_at_a_time(path):
    at_once, most = [], []

    class Exclusive:
        def forward(self, times, network):
            at_once.append(1)
            most.append(len(at_once))
            time.sleep(0.02)
            at_once.pop()
            return CHIP.forward(times, network)

    with Server(Exclusive(), path):
        remotes = [Remote(path) for _ in range(3)]
        threads = [
            threading.Thread(target=remote.forward, args=(TIMES, NETWORK))
            for remote in remotes
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for remote in remotes:
            remote.close()
    assert most == [1, 1, 1]


def test_pickles_are_addresses(remote):
    remote.forward(TIMES, NETWORK)
    again = pickle.loads(pickle.dumps(remote))
    assert repr(again) == repr(remote)
    assert_same(again.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))
    again.close()


def test_copies_are_the_same_chip(remote):
    assert copy.copy(remote) is remote
    assert copy.deepcopy([remote])[0] is remote
    assert clone(classifier(remote)).substrate is remote


def test_processes_open_their_own_connections(remote):
    expected = CHIP.forward(TIMES, NETWORK)
    jobs = [delayed(remote.forward)(TIMES, NETWORK) for _ in range(4)]
    for spikes in Parallel(n_jobs=2)(jobs):
        assert_same(spikes, expected)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_does_not_use_the_connection_of_its_parent(remote):
    expected = CHIP.forward(TIMES, NETWORK)
    remote.forward(TIMES, NETWORK)
    connection = remote._line.connection
    with remote._line.lock:  # as if another thread were just asking
        child = os.fork()
        if child == 0:
            status = 1
            try:
                assert_same(remote.forward(TIMES, NETWORK), expected)
                remote.close()
                status = 0
            finally:
                os._exit(status)
    for _ in range(20):
        assert_same(remote.forward(TIMES, NETWORK), expected)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert_same(remote.forward(TIMES, NETWORK), expected)
    assert remote._line.connection is connection


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_leaves_the_child_process_of_its_parent_alone(command):
    expected = CHIP.forward(TIMES, NETWORK)
    with Remote(command) as remote:
        remote.forward(TIMES, NETWORK)
        connection = remote._line.connection
        fork = os.fork()
        if fork == 0:
            remote.close()
            gc.collect()
            os._exit(0)
        os.waitpid(fork, 0)
        assert_same(remote.forward(TIMES, NETWORK), expected)
        assert remote._line.connection is connection


# -- A child process -------------------------------------------------------------------


def test_a_child_process_that_is_killed_is_started_again(command):
    expected = CHIP.forward(TIMES, NETWORK)
    with Remote(command, retries=3, retry_delay=0.01) as remote:
        assert_same(remote.forward(TIMES, NETWORK), expected)
        first = remote._line.connection.process
        first.kill()
        assert_same(remote.forward(TIMES, NETWORK), expected)
        second = remote._line.connection.process
        assert second.pid != first.pid
        assert first.poll() == -signal.SIGKILL
    assert second.poll() == 0  # it ends by itself when the client leaves


def test_a_child_process_may_print(tmp_path):
    script = tmp_path / "server.py"
    script.write_text(
        "import os\n"
        "from ttfs.substrates import Ideal, serve\n"
        "class Chatty(Ideal):\n"
        "    def forward(self, times, network):\n"
        "        print('now')\n"
        "        os.write(1, b'now')\n"
        "        return Ideal.forward(self, times, network)\n"
        "serve(Chatty(), '-')\n"
    )
    with Remote([sys.executable, str(script)], **{**QUICK, "timeout": 20}) as remote:
        spikes = remote.forward(TIMES, NETWORK)
    assert_same(spikes, Ideal().forward(TIMES, NETWORK))


def test_a_child_process_that_cannot_serve():
    with pytest.raises(SubstrateError, match="cannot start '/nowhere/server --now'"):
        Remote(["/nowhere/server", "--now"]).forward(TIMES, NETWORK)
    command = [sys.executable, "-c", "raise SystemExit(7)"]
    with pytest.raises(SubstrateError, match="ended with status 7"):
        Remote(command, **QUICK).forward(TIMES, NETWORK)


def test_a_forgotten_client_is_closed(command):
    remote = Remote(command)
    remote.forward(TIMES, NETWORK)
    process = remote._line.connection.process
    del remote
    assert process.poll() == 0


# -- The classifier --------------------------------------------------------------------


def classifier(substrate):
    return TTFSClassifier(
        (10,), substrate=substrate, max_iter=4, batch_size=10, random_state=0
    )


def assert_same_model(clf, other):
    for weights, others in zip(clf.coefs_, other.coefs_, strict=True):
        assert_array_equal(weights, others)
    assert clf.loss_curve_ == other.loss_curve_


class Killed:
    """A chip whose server is killed before or while it runs some of the requests."""

    def __init__(self, path, requests):
        self.path, self.requests, self.n_calls = path, requests, 0
        self.remote = Remote(path, retries=500, retry_delay=0.02)
        self.process = self.start()

    def start(self):
        command = [*SERVE, "--socket", self.path, *CHIP_OPTIONS]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def restart(self):
        self.process.kill()
        self.process.wait()
        self.process = self.start()

    def weight_limit(self, k):
        return self.remote.weight_limit(k)

    def weight_step(self, k):
        return self.remote.weight_step(k)

    def forward(self, times, network):
        self.n_calls += 1
        delay = self.requests.get(self.n_calls)
        if delay is None:
            return self.remote.forward(times, network)
        timer = threading.Timer(delay, self.restart)
        timer.start()
        if delay == 0:
            timer.join()
        spikes = self.remote.forward(times, network)
        timer.join()
        return spikes

    def close(self):
        self.remote.close()
        self.process.kill()
        self.process.wait()


def test_nothing_is_lost_when_the_server_is_killed_in_training(path):
    X, y = make_yin_yang(100, random_state=0)
    undisturbed = classifier(CHIP).fit(X, y)
    chip = Killed(path, {3: 0, 20: 0.001, 38: 0.002})
    try:
        clf = classifier(chip).fit(X, y)
        assert_array_equal(clf.predict(X), undisturbed.predict(X))
    finally:
        chip.close()
    assert chip.n_calls > 40
    assert_same_model(clf, undisturbed)


def test_a_server_that_is_gone_leaves_a_run_to_go_on_with(path):
    X, y = make_yin_yang(100, random_state=0)
    undisturbed = classifier(CHIP).fit(X, y)
    n_calls = itertools.count()

    class Mortal:
        weight_limit = staticmethod(CHIP.weight_limit)
        weight_step = staticmethod(CHIP.weight_step)

        def forward(self, times, network):
            if next(n_calls) == 15:
                threading.Thread(target=server.stop).start()
                time.sleep(0.2)
            return CHIP.forward(times, network)

    with Remote(path, timeout=5, retries=1, retry_delay=0.01) as remote:
        clf = classifier(remote).set_params(warm_start=True)
        with Server(Mortal(), path) as server:
            with pytest.raises(SubstrateError, match="no answer from"):
                clf.fit(X, y)
        with Server(CHIP, path):
            clf.fit(X, y)
    assert_same_model(clf, undisturbed)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_cross_validation_on_a_server(remote, n_jobs):
    X, y = make_yin_yang(60, random_state=0)
    expected = cross_val_predict(
        classifier(CHIP), X, y, cv=2, method="decision_function"
    )
    scores = cross_val_predict(
        classifier(remote), X, y, cv=2, method="decision_function", n_jobs=n_jobs
    )
    assert_array_equal(scores, expected)


# -- The adapter of the example --------------------------------------------------------


@pytest.mark.skipif(not ADAPTER.exists(), reason="not in a clone")
def test_the_adapter_gives_the_spikes_of_the_chip_to_a_clock_tick():
    example = runpy.run_path(str(ADAPTER))
    adapter, tick = example["VendorChip"](), 1 / (example["TAU"] * example["CLOCK"])
    behind = example["EMULATED_BACK_END"].chip
    chip = AnalogChip(
        weight_bits=6,
        weight_clip=adapter.weight_limit(0),
        threshold_spread=behind.threshold_spread,
        tau_mem_spread=behind.tau_mem_spread,
        tau_syn_spread=behind.tau_syn_spread,
        duration=8.0,
    )
    unit = 0.5  # of time, in tau_syn
    network = Network(
        tuple(
            Layer(3 * layer.weights, unit * layer.bias_times, LIF(unit, unit, 3.0))
            for layer in NETWORK.layers
        ),
        100.0,
    )
    times = np.rint(make_times(50) / tick) * tick * unit
    expected = chip.forward(times, network)
    for spikes, wanted in zip(adapter.forward(times, network), expected, strict=True):
        assert 0.5 < np.isfinite(wanted).mean()
        assert_allclose(spikes, wanted, rtol=0, atol=1.01 * tick * unit)
    with pytest.raises(ValueError, match="LIF"):
        adapter.forward(TIMES, NETWORK)  # of another ratio of time constants


# -- The command line and parameters ---------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "match"),
    [
        ([], "--socket --port --stdio"),
        (["--port", "x"], "'x' is not the number of a port"),
        (["--stdio", "--preset", "x"], "invalid choice: 'x'"),
        (["--stdio", "--set", "weight_bits"], "not of the form NAME=VALUE"),
        (["--stdio", "--set", "weight_bits=six"], "'six' is not a number"),
        (["--stdio", "--set", "colour=1"], "colour"),
        (["--stdio", "--set", "weight_bits=6"], "weight_bits needs weight_clip"),
        (["--stdio", "--dataset", "x"], "parameters are given with --set"),
        (["--socket", "/nowhere/chip"], "No such file or directory"),
    ],
)
def test_wrong_commands(argv, match, capsys):
    with pytest.raises(SystemExit) as info:
        main(["serve", *argv])
    assert info.value.code == 2
    assert match in capsys.readouterr().err


@pytest.mark.parametrize(
    "address",
    [None, "", b"path", 5000, ("localhost", "x", 1), ("h", 2**16), []],
)
def test_wrong_addresses(address):
    with pytest.raises(ValueError, match="address must be"):
        Remote(address)
    with pytest.raises(ValueError, match="address must be"):
        Server(Ideal(), address)

    with pytest.raises(ValueError, match="longer than 107 bytes"):
        Remote("/tmp/" + "x" * 103)


@pytest.mark.parametrize(
    "parameter",
    [
        {"timeout": 0},
        {"timeout": "5"},
        {"timeout": float("inf")},
        {"retries": -1},
        {"retries": 1.5},
        {"retry_delay": -1},
        {"max_bytes": 10},
    ],
)
def test_wrong_parameters(path, parameter):
    (name,) = parameter
    with pytest.raises(ValueError, match=name):
        Remote(path, **parameter)


def test_the_command_serves_presets():
    command = [*SERVE, "--stdio", "--preset=brainscales2", "--set=random_state=4"]
    with Remote(command) as remote:
        assert remote.describe()["substrate"] == repr(
            AnalogChip.preset("brainscales2", random_state=4)
        )


def test_what_cannot_be_served(path):
    with pytest.raises(TypeError, match=r"method forward.*int"):
        Server(1, path)
    with pytest.raises(ValueError, match="no command"):
        Server(Ideal(), ["ttfs", "serve"])
    with pytest.raises(TypeError, match=r"method forward.*int"):
        serve(1, path)


def test_a_path_in_use_is_left_alone(server, tmp_path):
    with pytest.raises(OSError, match="in use"):
        Server(Ideal(), server.address).start()
    with Remote(server.address, **QUICK) as remote:
        assert remote.describe()["substrate"] == repr(CHIP)
    file = tmp_path / "notes"
    file.write_text("of the user")
    with pytest.raises(OSError, match="in use"):
        Server(Ideal(), file).start()
    assert file.read_text() == "of the user"


def test_a_socket_is_for_its_user(server):
    assert os.stat(server.address).st_mode & 0o077 == 0


def test_a_clear_error_without_msgpack(monkeypatch, path):
    monkeypatch.setitem(sys.modules, "msgpack", None)
    match = r"pip install 'scikit-ttfs\[remote\]'"
    with pytest.raises(ImportError, match=match):
        Remote(path)
    with pytest.raises(ImportError, match=match):
        Server(Ideal(), path)
