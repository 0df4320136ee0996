"""show_versions prints what it should, and its example runs."""

import doctest

import pytest
import sklearn

import ttfs
from ttfs import core as _core


@pytest.fixture
def lines(capsys):
    """What it prints, by name."""

    def read():
        ttfs.show_versions()
        text = capsys.readouterr().out
        pairs = [line.split(":", 1) for line in text.splitlines() if ":" in line]
        return {name.strip(): value.strip() for name, value in pairs}

    return read


def test_versions_and_core(lines):
    out = lines()
    assert out["ttfs"] == ttfs.__version__
    assert out["scikit-learn"] == sklearn.__version__
    for name in ("python", "platform", "numpy", "scipy", "joblib", "threadpoolctl"):
        assert out[name] not in ("", "None")
    assert out["instructions"] == _core.simd()
    assert out["available"].split(", ") == _core.simd_available()
    assert out["OpenMP"] == ("yes" if _core.has_openmp() else "no")
    assert int(out["threads"]) == _core.n_threads()


@pytest.mark.parametrize("name", ["TTFS_SIMD", "OMP_NUM_THREADS"])
def test_variables_are_named_where_they_are_set(lines, monkeypatch, name):
    monkeypatch.delenv(name, raising=False)
    assert name not in lines()
    monkeypatch.setenv(name, "1")
    assert lines()[name] == "1"


def test_thread_pools_are_listed(lines):
    if _core.has_openmp():
        out = lines()
        assert "Thread pool 0" in out
        assert out["user_api"] in ("openmp", "blas")


def test_packages_that_are_not_installed(lines, monkeypatch):
    name = "a-package-that-nobody-has"
    monkeypatch.setattr("ttfs._show_versions._DEPENDENCIES", (name,))
    assert lines()[name] == "None"


def test_is_public_and_documented():
    assert "show_versions" in ttfs.__all__
    assert "show_versions" in ttfs.__doc__
    assert "Examples\n" in ttfs.show_versions.__doc__


def test_example_runs():
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(ttfs.show_versions, globs={}):
        runner.run(test)
    assert runner.failures == 0
    assert runner.tries > 0
