"""What needs the package nir says so where it is missing."""

import sys

import pytest
from classifiers import quick

from ttfs.datasets import make_yin_yang
from ttfs.interchange import from_nir, input_times, to_nir

X, y = make_yin_yang(60, random_state=0)


def test_without_the_package_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)  # as if it were not installed
    clf = quick().fit(X, y)
    for call in (lambda: to_nir(clf), lambda: from_nir(None)):
        with pytest.raises(ImportError, match=r'pip install "scikit-ttfs\[nir\]"'):
            call()
    assert input_times(clf, X).shape == (60, 18)
