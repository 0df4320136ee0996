"""The command ``ttfs``: the dispatch to its subcommands, and how it ends."""

import csv
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import ttfs
from ttfs.cli.main import COMMANDS, main
from ttfs.datasets import make_yin_yang


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["--version"])
    assert exit_info.value.code == 0
    assert capsys.readouterr().out == f"ttfs {ttfs.__version__}\n"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["--help"])
    assert exit_info.value.code == 0
    output = capsys.readouterr().out
    names = [command.__name__.rpartition(".")[2] for command in COMMANDS]
    assert names == ["compare", "robustness", "serve"]
    for name in names:
        assert re.search(rf"\n +{name}\s", output)


@pytest.mark.parametrize("name", ["compare", "robustness", "serve"])
def test_help_of_a_command(capsys, name):
    with pytest.raises(SystemExit) as exit_info:
        main([name, "--help"])
    assert exit_info.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: ttfs {name} ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a command is missing"),
        (["train"], "invalid choice: 'train'"),
    ],
)
def test_bad_commands(error_of, arguments, message):
    assert message in error_of(arguments)


@pytest.mark.skipif(os.name != "posix", reason="needs a pipe that closes early")
def test_module_and_closed_pipe():
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, "-m", "ttfs", "compare", "--dataset", "iris", "--cv", "2"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert process.returncode == 1
    assert process.stderr == ""


def test_module_with_processes(tmp_path):
    """The processes that joblib starts do not run the command again."""
    X, y = make_yin_yang(60, random_state=0)
    np.savez(tmp_path / "toy.npz", X=X, y=y)
    options = "--dataset toy.npz --hidden 8 --max-iter 2 --seeds 2 --cv 3 --no-plot"
    command = [sys.executable, "-m", "ttfs", "robustness", *options.split()]
    process = subprocess.run(
        [*command, "--sweep", "dead_neurons=0.3", "--jobs", "2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.count("chip before a sweep") == 1
    with open(tmp_path / "robustness.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
