"""The client of a chip server, while all is well and while connections are lost.

Whatever happens, the spike times are those of the substrate, bit for bit, or there is
an error that says what happened.
"""

import copy
import itertools
import os
import re
import socket
import threading

import numpy as np
import pytest
from chip_server import (
    CHIP,
    LONG,
    NETWORK,
    QUICK,
    TIMES,
    Broken,
    assert_same,
    make_network,
    make_times,
    server_process,
    wait_until,
)
from numpy.testing import assert_array_equal

from ttfs import LIF
from ttfs.substrates import (
    AnalogChip,
    Ideal,
    Layer,
    Network,
    NetworkError,
    Remote,
    Server,
    SubstrateError,
)
from ttfs.substrates.remote import client

# -- Spike times -----------------------------------------------------------------------


def test_spike_times_are_those_of_the_chip_bit_for_bit(remote):
    for dtype in np.float32, np.float64:
        network = make_network(dtype=dtype)
        for n_samples in 0, 1, 7:
            times = make_times(n_samples, dtype=dtype)
            expected = CHIP.forward(times, network)
            assert_same(remote.forward(times, network), expected)
        assert np.isfinite(expected[1]).mean() > 0.5


def test_parameters_of_a_network_arrive(path):
    weights = np.asfortranarray(make_network().layers[0].weights)
    times = make_times(n_in=8)
    with Server(Ideal(), path), Remote(path, **QUICK) as remote:
        for tau_mem, t_max in itertools.product([1.0, np.inf], [0.5, np.inf]):
            layer = Layer(weights, np.array([]), LIF(tau_mem, 1.0, 0.7))
            network = Network((layer,), t_max)
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
    with Server(CHIP, (host, 0)) as server, Remote(server.address, **QUICK) as remote:
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


def test_limits_of_each_layer_are_known(path):
    for limits in [3, 2, 1], [3], [2, 3, 3, 2]:
        for goes_on in False, True:
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
    with Server(substrate, path), Remote(path, **QUICK) as remote:
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


FAILURES = (
    (lambda spikes: 1 / 0, "ZeroDivisionError"),
    (lambda spikes: spikes[:1], "1 layers, not 2"),
    (lambda spikes: None, "NoneType, not a list"),
    (lambda spikes: [spikes[0], spikes[1][1:]], r"layer 1, not \(7, 3\)"),
    (lambda spikes: [spikes[0].astype(complex), spikes[1]], "complex128"),
    (lambda spikes: [spikes[0] * np.nan, spikes[1]], "NaN for layer 0"),
    (lambda spikes: [spikes[0], np.ma.array(spikes[1])], "masked array for layer 1"),
)


def test_a_substrate_that_fails_is_reported_and_served_on(path):
    substrate = Broken(None)
    with Server(substrate, path), Remote(path, **QUICK) as remote:
        for substrate.change, match in FAILURES:
            substrate.n_calls = 0
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


def test_the_client_waits_for_a_server(path, monkeypatch):
    server, pauses = Server(CHIP, path), []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 4:
            server.start()

    monkeypatch.setattr(client.time, "sleep", pause)
    with Remote(path, timeout=LONG, retries=4, retry_delay=2.0) as remote:
        assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))
    monkeypatch.undo()
    server.stop()
    assert pauses == [2, 4, 5, 5]


def test_a_server_that_restarts_between_requests(path):
    expected = CHIP.forward(TIMES, NETWORK)
    with Remote(path, **QUICK) as remote:
        for _ in range(3):
            with Server(CHIP, path):
                assert_same(remote.forward(TIMES, NETWORK), expected)
            assert not os.path.exists(path)


@pytest.mark.slow
def test_a_server_that_is_killed_during_requests(path):
    expected = CHIP.forward(TIMES, NETWORK)
    answers, stop = [], threading.Event()
    with Remote(path, timeout=LONG, retries=200, retry_delay=0.02) as remote:

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
                    wait_until(lambda n=n: len(answers) >= n + 5)
                    process.kill()
        finally:
            stop.set()
            with Server(CHIP, path):  # in which the socket of the last one is removed
                thread.join()
    assert len(answers) >= 10
    for spikes in answers:
        assert_same(spikes, expected)


def test_a_late_answer_is_not_taken_for_another(path):
    first, second = make_times(seed=1), make_times(seed=2)
    release = threading.Event()

    class Slow:
        def forward(self, times, network):
            if np.array_equal(times, first):
                release.wait()
            return CHIP.forward(times, network)

    with Server(Slow(), path):
        with Remote(path, timeout=0.2, retries=1, retry_delay=0.01) as remote:
            with pytest.raises(SubstrateError, match=r"2 attempts.*timed out"):
                remote.forward(first, NETWORK)
            release.set()
            remote.timeout = LONG
            assert_same(remote.forward(second, NETWORK), CHIP.forward(second, NETWORK))


def test_an_interrupt_leaves_no_answer_behind(remote, monkeypatch):
    expected = CHIP.forward(TIMES, NETWORK)
    assert_same(remote.forward(TIMES, NETWORK), expected)
    limit = client._Connection._limit
    calls = []

    def interrupt(connection, end):
        calls.append(end)
        if len(calls) == 2:  # the request has been sent
            raise KeyboardInterrupt
        limit(connection, end)

    monkeypatch.setattr(client._Connection, "_limit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        remote.forward(make_times(seed=1), NETWORK)
    assert remote._line.connection is None
    assert_same(remote.forward(TIMES, NETWORK), expected)


def test_wrong_addresses():
    for address in None, "", b"path", 5000, ("localhost", "x", 1), ("h", 2**16), []:
        with pytest.raises(ValueError, match="address must be"):
            Remote(address)
        with pytest.raises(ValueError, match="address must be"):
            Server(Ideal(), address)
    with pytest.raises(ValueError, match="longer than 107 bytes"):
        Remote("/tmp/" + "x" * 103)


def test_wrong_parameters(path):
    for name, value in (
        *(("timeout", value) for value in (0, "5", float("inf"))),
        *(("retries", -1), ("retries", 1.5), ("retry_delay", -1), ("max_bytes", 10)),
    ):
        with pytest.raises(ValueError, match=name):
            Remote(path, **{name: value})
