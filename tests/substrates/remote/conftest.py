"""Fixtures of a chip server and its clients."""

import os
import tempfile

import pytest
from chip_server import CHIP, CHIP_OPTIONS, NETWORK, QUICK, SERVE, TIMES, assert_same

from ttfs.substrates import Remote, Server


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
