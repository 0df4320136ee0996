"""The chip server: how it begins and ends, what it refuses, and its limits."""

import os
import sys
import threading
import time
from multiprocessing import get_context

import pytest
from chip_server import (
    CHIP,
    CHIP_OPTIONS,
    LONG,
    NETWORK,
    QUICK,
    TIMES,
    assert_same,
    wait_until,
)

from ttfs.__main__ import main
from ttfs.substrates import AnalogChip, Ideal, Remote, Server, SubstrateError, serve
from ttfs.substrates.remote import desk


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_signals_end_a_server(path):
    arguments = ["serve", "--socket", path, *CHIP_OPTIONS]
    process = get_context("fork").Process(target=main, args=(arguments,))
    process.start()
    wait_until(lambda: os.path.exists(path))
    with Remote(path, **QUICK) as remote:
        spikes = remote.forward(TIMES, NETWORK)
        process.terminate()
        process.join()
    assert_same(spikes, CHIP.forward(TIMES, NETWORK))
    assert process.exitcode == 0
    assert not os.path.exists(path)


def test_a_server_that_is_stopped_leaves_its_substrate_alone(path, monkeypatch):
    begun, finish, calls, requests = threading.Event(), threading.Event(), [], []

    class Slow:
        def forward(self, times, network):
            calls.append("begin")
            begun.set()
            finish.wait()
            calls.append("end")
            return CHIP.forward(times, network)

    def ask():
        with pytest.raises(SubstrateError, match="no answer"):
            Remote(path, timeout=LONG, retries=0).forward(TIMES, NETWORK)
        calls.append("lost")

    monkeypatch.setattr(desk, "_GRACE", LONG)
    server = Server(Slow(), path).start()
    forward = server._desk.forward

    def count(*arguments):
        requests.append(arguments)
        return forward(*arguments)

    monkeypatch.setattr(server._desk, "forward", count)
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    begun.wait()
    wait_until(lambda: len(requests) == 2)  # one of which waits for the other
    threads.append(threading.Thread(target=server.stop))
    threads[-1].start()
    wait_until(lambda: server._desk.is_closed)
    assert calls == ["begin"]
    finish.set()
    for thread in threads:
        thread.join()
    assert calls == ["begin", "end", "lost", "lost"]
    with pytest.raises(RuntimeError, match="started once"):
        server.start()


def test_the_substrate_runs_one_request_at_a_time(path):
    at_once, n_at_once = [], []

    class Exclusive:
        def forward(self, times, network):
            at_once.append(1)
            n_at_once.append(len(at_once))
            time.sleep(0.02)
            at_once.pop()
            return CHIP.forward(times, network)

    with Server(Exclusive(), path):
        remotes = [Remote(path, **QUICK) for _ in range(3)]
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
    assert n_at_once == [1, 1, 1]


# -- The command line and parameters ---------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "match"),
    [
        ([], "--socket --port --stdio"),
        (["--stdio", "--set", "weight_bits=6"], "weight_bits needs weight_clip"),
        (["--stdio", "--dataset", "x"], "parameters are given with --set"),
    ],
)
def test_wrong_commands(argv, match, capsys):
    with pytest.raises(SystemExit) as info:
        main(["serve", *argv])
    assert info.value.code == 2
    assert match in capsys.readouterr().err


def test_the_command_serves_presets(monkeypatch):
    served = []
    monkeypatch.setattr(
        "ttfs.cli.serve.serve", lambda *args, **limits: served.append((*args, limits))
    )
    options = "--preset brainscales2 --set random_state=4 --max-clients 3"
    for address in "--stdio", "--socket a", "--port 0 --host ::1":
        assert main(["serve", *address.split(), *options.split()]) == 0
    chip = AnalogChip.preset("brainscales2", random_state=4)
    assert [address for _, address, _ in served] == ["-", "a", ("::1", 0)]
    for found, _, limits in served:
        assert (repr(found), limits) == (repr(chip), {"max_clients": 3})


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
