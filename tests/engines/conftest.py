"""Data sets that the tests of engines share."""

import pytest
from sklearn.datasets import load_iris

from ttfs.datasets import make_yin_yang


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def yin_yang():
    return make_yin_yang(600, random_state=0)
