"""Pictures are drawn without a screen, and closed after each test."""

import numpy as np
import pandas
import pytest
from classifiers import quick
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from ttfs import TTFSRegressor

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def without_a_screen():
    matplotlib.use("Agg")
    yield
    matplotlib.pyplot.close("all")


@pytest.fixture(scope="session")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="session")
def clf(iris):
    return quick(max_iter=5).fit(*iris)


@pytest.fixture(scope="session")
def model(iris):
    """A pipeline, whose classifier sees other features than the pipeline."""
    # The end is so early that some outputs stay silent.
    clf = quick(read_out=None, t_max=0.8, max_iter=8)
    return make_pipeline(MinMaxScaler((2, 5)), clf).fit(*iris)


@pytest.fixture(scope="session")
def search(iris):
    """A search over a pipeline, fitted to a frame with labels in words."""
    X, y = iris
    frame = pandas.DataFrame(X, columns=list("abcd"))
    labels = pandas.Series(np.array(["x", "y", "z"])[y], index=frame.index[::-1])
    pipeline = make_pipeline(MinMaxScaler(), quick())
    search = GridSearchCV(pipeline, {"ttfsclassifier__threshold": [1.0]}, cv=2)
    return search.fit(frame, labels), frame, labels


@pytest.fixture(scope="session")
def several(iris):
    return quick(max_spikes=4, read_out="count", max_iter=5).fit(*iris)


@pytest.fixture(scope="session")
def regressor(iris):
    return quick(TTFSRegressor).fit(*iris)


@pytest.fixture(scope="session")
def digits():
    return load_digits(return_X_y=True)
