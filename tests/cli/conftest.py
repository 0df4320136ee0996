"""Fixtures of the tests of the command line."""

import re

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
