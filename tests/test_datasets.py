"""The Yin-Yang generator against the published data set."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ttfs.datasets import make_yin_yang

# Rows of the published training set (seed 42): index, x, y, class.
PUBLISHED = [
    (0, 0.6803075385877797, 0.450499251969543, 2),
    (1, 0.09767211400638387, 0.6842330265121569, 1),
    (2, 0.7553614103176525, 0.4251558744912447, 2),
    (3, 0.5978999788110851, 0.9218742350231168, 1),
    (4, 0.32533033076326434, 0.388677289689482, 1),
    (4999, 0.7690797231107925, 0.5883389337522971, 2),
]


@pytest.fixture(scope="module")
def training_set():
    return make_yin_yang(5000, random_state=42)


@pytest.mark.parametrize(("index", "x", "y", "label"), PUBLISHED)
def test_published_rows(training_set, index, x, y, label):
    X, labels = training_set
    assert_array_equal(X[index], [x, y, 1.0 - x, 1.0 - y])
    assert labels[index] == label


# SHA-256 of the features and labels of the published sets, little-endian.
@pytest.mark.parametrize(
    ("n_samples", "seed", "digest"),
    [
        (5000, 42, "3dcfbb1895fd5f753d5591e1b4c3c7d98666e04ed91a50569185f2c0a3fcbb48"),
        (1000, 41, "03d1c9e01d7b2ab9d4d200f84632d8ec8a9fe9e72a75043542a21589507de339"),
        (1000, 40, "01e8a4f15d4b0d4df3d4f94fb67f5167e7b7783a7eeb3329e4e61e8c07ebb9eb"),
    ],
    ids=["train", "validation", "test"],
)
def test_digest_of_published_sets(n_samples, seed, digest):
    X, y = make_yin_yang(n_samples, random_state=seed)
    data = X.astype("<f8").tobytes() + y.astype("<i8").tobytes()
    assert hashlib.sha256(data).hexdigest() == digest


@pytest.mark.parametrize(
    ("part", "n_samples", "seed"),
    [("train", 5000, 42), ("validation", 1000, 41), ("test", 1000, 40)],
)
def test_published_set(part, n_samples, seed):
    folder = os.environ.get("TTFS_DATA")
    if not folder:
        pytest.skip("TTFS_DATA is not set")
    X, y = make_yin_yang(n_samples, random_state=seed)
    with np.load(Path(folder) / "yin_yang.npz") as published:
        assert_array_equal(X, published[f"X_{part}"])
        assert_array_equal(y, published[f"y_{part}"])


def test_shapes_and_classes(training_set):
    X, y = training_set
    assert X.shape == (5000, 4)
    assert X.dtype == np.float64
    assert y.dtype == np.int64
    assert X.min() >= 0.0
    assert X.max() <= 1.0
    # equally likely classes: 5000/3 +- 5 standard deviations
    assert_array_equal(np.abs(np.bincount(y) - 5000 / 3) < 170, [True] * 3)


def test_geometry(training_set):
    X, y = training_set
    x1, x2 = X[:, 0], X[:, 1]
    assert np.hypot(x1 - 0.5, x2 - 0.5).max() <= 0.5 + 1e-12
    in_dot = np.minimum(np.hypot(x1 - 0.25, x2 - 0.5), np.hypot(x1 - 0.75, x2 - 0.5))
    assert_array_equal(y == 2, in_dot < 0.1)
    # outside the two bulges the circle is cut in half at y = r_big
    outside = (y != 2) & (np.hypot(x1 - 0.25, x2 - 0.5) > 0.25)
    outside &= np.hypot(x1 - 0.75, x2 - 0.5) > 0.25
    assert_array_equal(y[outside], x2[outside] > 0.5)


def test_radii_scale_the_picture():
    X, y = make_yin_yang(50, random_state=0)
    X_big, y_big = make_yin_yang(50, r_small=0.2, r_big=1.0, random_state=0)
    assert_array_equal(X_big[:, :2], 2 * X[:, :2])
    assert_array_equal(y_big, y)


def test_random_state():
    X, _ = make_yin_yang(20, random_state=1)
    assert_array_equal(X, make_yin_yang(20, random_state=np.random.RandomState(1))[0])
    assert not np.array_equal(X, make_yin_yang(20, random_state=2)[0])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_samples": 0}, "n_samples"),
        ({"n_samples": 2.5}, "n_samples"),
        ({"r_small": 0.0}, "r_small"),
        ({"r_big": -1.0}, "r_big"),
        ({"r_small": 0.3}, "r_small must be at most r_big / 2"),
        ({"random_state": "seed"}, "random_state"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_yin_yang(**parameters)
