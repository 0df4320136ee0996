"""Type checkers read a program of a user, and find no error in it."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import ttfs

PROGRAM = Path(__file__).with_name("user_program.py")
# Where the package is: a clone, or the folder of installed packages.
SOURCES = Path(ttfs.__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


def run(*command, **options):
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with nothing but the program."""
    folder = tmp_path_factory.mktemp("user")
    shutil.copy(PROGRAM, folder)
    return folder


def needs(package):
    return pytest.mark.skipif(
        find_spec(package) is None,
        reason=f"{package} is not installed: pip install .[typing]",
    )


def test_the_package_says_that_it_has_types():
    assert (Path(ttfs.__file__).parent / "py.typed").exists()


@needs("mypy")
def test_mypy(folder):
    in_clone = "site-packages" not in SOURCES.parts
    environment = os.environ | ({"MYPYPATH": str(SOURCES)} if in_clone else {})
    # scikit-learn and SciPy come without types, which is no error of the program. A
    # checker of a user says nothing about the inside of an installed package.
    options = ["--strict", "--ignore-missing-imports", "--follow-imports=silent"]
    options += ["--cache-dir", str(folder / "cache")]
    run("mypy", *options, PROGRAM.name, cwd=folder, env=environment)


@needs("pyright")
def test_pyright(folder):
    config = {
        "include": [PROGRAM.name],
        "extraPaths": [str(SOURCES)],
        # A mistake that is no error any more is one itself, as with mypy.
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    run("pyright", "--pythonpath", sys.executable, cwd=folder)


def test_the_program_runs(folder):
    environment = os.environ | {"PYTHONPATH": str(SOURCES)}
    run(PROGRAM.stem, cwd=folder, env=environment)
