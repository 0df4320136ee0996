"""Wrong arguments of every command: one line, which names the option and the value."""

import argparse
import errno
import io
import os
import pickle
import sys

import numpy as np
import pytest

from ttfs.cli.main import COMMANDS, main

NONSENSE = "?!"
# Options whose values may be any text, until something is made of it.
FREE = {"--data", "--dataset", "--target", "--host", "--socket", "--out"}


def options():
    """The options of all commands that take a value, and the commands."""
    commands = argparse.ArgumentParser().add_subparsers()
    for command in COMMANDS:
        command.register(commands)
    return [
        (name, action.option_strings[-1], action)
        for name, parser in commands.choices.items()
        for action in parser._actions
        if action.option_strings and action.nargs is None
    ]


OPTIONS = options()


def nonsense(name, option):
    """Values that an option of a command cannot have."""
    if option in {"--drop", "--categorical"}:
        return ['"a']  # anything else may be a list of columns
    if option in {"--host", "--socket"} or (name, option) == ("robustness", "--out"):
        return [""]
    return [NONSENSE, ""]


CHECKED = [
    (name, option, value)
    for name, option, action in OPTIONS
    if action.type is not None or action.choices is not None
    for value in nonsense(name, option)
]


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """A folder with a good file, and others that are none."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.RandomState(0)
    rows = [f"{x:.3f},{z:.3f},{k % 3}" for k, (x, z) in enumerate(rng.rand(30, 2))]
    (tmp_path / "good.csv").write_text("\n".join(["a,b,label", *rows]) + "\n")
    for name in ("empty.csv", "empty.pkl"):
        (tmp_path / name).write_text("")
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([1, 2]))
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "noise.npz").write_bytes(rng.bytes(100))
    np.savez("objects.npz", X=np.eye(4), y=np.array([None, 1, "a", 2], object))


def test_every_command_has_options():
    assert len(OPTIONS) > 40
    assert {name for name, _, _ in OPTIONS} == {
        command.__name__.rpartition(".")[2] for command in COMMANDS
    }


def test_an_option_without_its_value(error_of):
    for name, option, action in OPTIONS:
        error = error_of([name, option])
        assert error.startswith(f"ttfs {name}: error: argument ")
        assert option in error
        assert "expected one argument" in error
        is_checked = action.type is not None or action.choices is not None
        assert is_checked or option in FREE


def test_a_value_that_is_nonsense(error_of):
    # What is allowed, in one way or another.
    words = "choose from", "is not", "such as", "is no", "is empty", "does not end in"
    for name, option, value in CHECKED:
        error = error_of([name, f"{option}={value}"])
        assert error.startswith(f"ttfs {name}: error: argument ")
        assert option in error
        assert repr(value) in error
        assert any(word in error for word in words), error
        for internal in ("__init__", "invalid literal", "_value", "Errno", "keyword"):
            assert internal not in error


WRONG = (
    ("compare good.csv --target c", "--target: there is no column 'c': choose"),
    ("compare good.csv --drop c", "--drop: there is no column 'c': choose from a"),
    ("compare good.csv --categorical 9", "--categorical: there is no column '9'"),
    ("compare good.csv --jobs 9999999999", "'9999999999' is not a number of proc"),
    ("compare folder.csv", "folder.csv: Is a directory"),
    ("compare missing.csv", "missing.csv: No such file or directory"),
    ("compare empty.csv", "empty.csv: the file is empty"),
    ("compare noise.npz", "noise.npz: not a .npz file"),
    ("compare objects.npz", "y consists of Python objects"),
    ("codes good.csv --steps 8,,9", "argument --steps: '8,,9' is not a list of"),
    ("robustness --set =1", "argument --set: '=1' names no parameter of a chip"),
    ("robustness --set weight_bits=x", "--set: 'x' is not a number, in 'weight_b"),
    ("robustness --set weight_bits=0", "--set: weight_bits must be an integer, at"),
    ("robustness --sweep weight_bits=0", "--sweep: weight_bits must be an intege"),
    ("robustness --dataset empty.csv", "empty.csv: the file is empty"),
    ("robustness --out good.csv/a", "--out: 'good.csv/a' cannot be written"),
    ("show empty.pkl", "empty.pkl cannot be shown: it is no readable .pkl file"),
    ("serve --port 0 --set foo=1", "--set: 'foo=1' names no parameter of a chip"),
    ("serve --socket no/such/socket", "--socket: 'no/such/socket': No such file"),
    ("serve --socket good.csv", "--socket: 'good.csv': Address already in use"),
    ("serve --port 0 --max-bytes 9", "--max-bytes: max_bytes must be an integer"),
    ("serve --port 0 --max-memory 9", "--max-memory: max_memory must be at least"),
    ("serve --port 0 --idle-timeout -1", "--idle-timeout: idle_timeout must be a"),
    ("serve --port 0 --idle-timeout nan", "--idle-timeout: idle_timeout must be"),
    ("serve --port 70000", "argument --port: '70000' is not the number of a port"),
)


def test_values_that_are_wrong(error_of):
    for line, message in WRONG:
        if line.startswith("serve --socket") and os.name != "posix":
            continue  # needs Unix domain sockets
        words = line.split()
        if words[0] == "robustness" and "--dataset" not in words:
            words += ["--dataset", "good.csv", "--cv", "2"]
        error = error_of(words)
        assert error.startswith(f"ttfs {words[0]}: error: ")
        assert message in error


def test_a_long_path_is_no_path(error_of):
    out = "a" * 5000
    error = error_of(["robustness", "--dataset", "good.csv", "--cv", "2", "--out", out])
    assert "argument --out: 'aaa" in error
    assert "cannot be written" in error


# -- Output that nobody takes ------------------------------------------------------


class Refusing(io.StringIO):
    """A stream that fails when it is flushed, as a pipe or a full disk does."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def flush(self):
        raise self.error


COMMAND = ["compare", "good.csv", "--models", "SVC", "--cv", "2"]


@pytest.mark.parametrize("arguments", [["--help"], ["codes", "--help"], COMMAND])
def test_the_reader_of_the_output_has_left(arguments, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Refusing(BrokenPipeError(errno.EPIPE, "left")))
    assert main(arguments) == 1
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments", [["--help"], COMMAND])
def test_a_full_disk(arguments, capsys, monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(sys, "stdout", Refusing(full))
    assert main(arguments) == 1
    name = "ttfs" if arguments == ["--help"] else "ttfs compare"
    assert capsys.readouterr().err == f"{name}: error: No space left on device\n"


def test_a_closed_standard_output(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(COMMAND) == 0
    assert capsys.readouterr().err == ""
    sys.stdout.close()


def test_too_little_memory(capsys, monkeypatch):
    def fail(*args):
        raise MemoryError

    monkeypatch.setattr("ttfs.cli.compare.load_all", fail)
    assert main(COMMAND) == 1
    error = capsys.readouterr().err
    assert error == "ttfs compare: error: the memory does not suffice\n"


@pytest.mark.parametrize("command", ["compare", "codes"])
def test_ctrl_c_before_the_first_training(capsys, monkeypatch, command):
    def interrupt(*args):
        raise KeyboardInterrupt

    module = "compare" if command == "compare" else "codes.command"
    monkeypatch.setattr(f"ttfs.cli.{module}.load_all", interrupt)
    assert main([command, "good.csv"]) == 130
    assert capsys.readouterr() == ("", "")
