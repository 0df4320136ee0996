"""Clients in several threads and processes, and a server that is a child process."""

import copy
import gc
import os
import pickle
import signal
import sys
import threading

import pytest
from chip_server import (
    CHIP,
    LONG,
    NETWORK,
    QUICK,
    TIMES,
    assert_same,
    classifier,
    make_times,
)
from joblib import Parallel, delayed
from sklearn.base import clone

from ttfs.substrates import Ideal, Remote, SubstrateError
from ttfs.substrates.remote import client


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A child process ends by itself, however long it takes."""
    monkeypatch.setattr(client, "_GRACE", LONG)


# -- Many clients ----------------------------------------------------------------------


def test_two_clients_are_served_at_the_same_time(server):
    with (
        Remote(server.address, **QUICK) as one,
        Remote(server.address, **QUICK) as other,
    ):
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


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes_open_their_own_connections(remote):
    expected = CHIP.forward(TIMES, NETWORK)
    jobs = [delayed(remote.forward)(TIMES, NETWORK) for _ in range(4)]
    for spikes in Parallel(n_jobs=2, backend="multiprocessing")(jobs):
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


# -- A child process -------------------------------------------------------------------


@pytest.mark.slow
def test_a_child_process_that_is_killed_is_started_again(command):
    expected = CHIP.forward(TIMES, NETWORK)
    with Remote(command, **QUICK) as remote:
        assert_same(remote.forward(TIMES, NETWORK), expected)
        first = remote._line.connection.process
        first.kill()
        assert_same(remote.forward(TIMES, NETWORK), expected)
        second = remote._line.connection.process
        assert second.pid != first.pid
        assert first.poll() == -signal.SIGKILL
    assert second.poll() == 0  # it ends by itself when the client leaves


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_process_may_print_and_lives_as_long_as_its_client(tmp_path):
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
    expected = Ideal().forward(TIMES, NETWORK)
    remote = Remote([sys.executable, str(script)], **QUICK)
    assert_same(remote.forward(TIMES, NETWORK), expected)
    process = remote._line.connection.process
    fork = os.fork()
    if fork == 0:  # which leaves the child process of its parent alone
        remote.close()
        gc.collect()
        os._exit(0)
    os.waitpid(fork, 0)
    assert_same(remote.forward(TIMES, NETWORK), expected)
    assert remote._line.connection.process is process
    del remote
    assert process.poll() == 0


def test_a_child_process_that_cannot_serve():
    with pytest.raises(SubstrateError, match="cannot start '/nowhere/server --now'"):
        Remote(["/nowhere/server", "--now"]).forward(TIMES, NETWORK)
    command = [sys.executable, "-c", "raise SystemExit(7)"]
    with pytest.raises(SubstrateError, match="ended with status 7"):
        Remote(command, **QUICK).forward(TIMES, NETWORK)
