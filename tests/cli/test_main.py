"""The command ``ttfs``: the dispatch to its subcommands, and how it ends."""

import os
import re
import runpy
import subprocess
import sys

import pytest

import ttfs
from ttfs.cli.main import COMMANDS, main


def test_version(capsys, monkeypatch):
    """That of ``python -m ttfs``, in this process."""
    monkeypatch.setattr(sys, "argv", ["ttfs", "--version"])
    monkeypatch.delitem(sys.modules, "ttfs.__main__", raising=False)
    with pytest.raises(SystemExit) as exit_info:
        runpy.run_module("ttfs", run_name="__main__")
    assert exit_info.value.code == 0
    assert capsys.readouterr().out == f"ttfs {ttfs.__version__}\n"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["--help"])
    assert exit_info.value.code == 0
    output = capsys.readouterr().out
    names = [command.__name__.rpartition(".")[2] for command in COMMANDS]
    assert names == ["codes", "compare", "robustness", "serve", "show"]
    for name in names:
        assert re.search(rf"\n +{name}\s", output)

    for name in names:
        with pytest.raises(SystemExit) as exit_info:
            main([name, "--help"])
        assert exit_info.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: ttfs {name} ")


def test_bad_commands(error_of):
    assert "a command is missing" in error_of([])
    assert "invalid choice: 'train'" in error_of(["train"])


def test_streams_that_are_no_text_files(monkeypatch):
    """As a notebook or a program puts in the place of standard output."""

    class Stream:
        def __init__(self):
            self.texts = []

        def write(self, text):
            self.texts.append(text)

        def flush(self):
            pass

    stream = Stream()
    monkeypatch.setattr(sys, "stdout", stream)
    assert main("compare iris --models SVC --cv 2".split()) == 0
    assert "iris" in "".join(stream.texts)


@pytest.mark.slow  # a process starts; test_mistakes.py closes the output without one
@pytest.mark.skipif(os.name != "posix", reason="needs a pipe that closes early")
def test_module_and_closed_pipe():
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, *"-m ttfs compare iris --models SVC --cv 2".split()],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert process.returncode == 1
    assert process.stderr == ""
