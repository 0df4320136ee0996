"""Fixtures of the tests of the command line."""

import re
import signal

import pytest

from ttfs.cli.main import main


@pytest.fixture
def error_of(capsys):
    """A function that runs a command, which must end in one line about an error."""

    def run(arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_info:
            main(arguments)
        output = capsys.readouterr()
        assert exit_info.value.code == 2
        assert output.out == ""
        assert output.err.count("\n") == 1
        assert re.match(r"ttfs( \w+)?: error: ", output.err)
        return output.err

    return run


@pytest.fixture
def ctrl_c():
    """Ctrl-C interrupts as usual: where tests run in the background it is ignored."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, old)
