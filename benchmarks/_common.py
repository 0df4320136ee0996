"""What the benchmarks share: data, seeds, the command line, texts, and clocks.

MNIST comes from $TTFS_DATA/mnist.npz (x_train, y_train, x_test, y_test: pixels 0 to
255), or from OpenML where TTFS_DATA is not set.
"""

import argparse
import os
import platform
import time
from functools import cache, partial
from pathlib import Path

import numpy as np
import scipy
import sklearn
from sklearn.datasets import fetch_openml
from threadpoolctl import threadpool_info, threadpool_limits

import ttfs
from ttfs import core as _core
from ttfs.datasets import make_yin_yang
from ttfs.engines import FitState

_VALIDATION_SEEDS = 100  # of folds and networks: this one and the following

# Networks of several benchmarks. Encoder "latency": the four features of Yin-Yang are
# complements already.
YIN_YANG = {"hidden_layer_sizes": (120,), "encoder": "latency"}
MNIST_16 = {"hidden_layer_sizes": (246,)}


# -- Data --------------------------------------------------------------------------


def yin_yang(is_validation):
    """The published sets; for validation a larger set of a seed of its own."""
    test = (5000, 41) if is_validation else (1000, 40)
    sets = [
        make_yin_yang(n, random_state=random_state)
        for n, random_state in ((5000, 42), test)
    ]
    return sets[0] + sets[1]


@cache
def mnist_pixels():
    """(X, y, X_test, y_test): images (n, 28, 28) scaled to 1, float32."""
    if "TTFS_DATA" in os.environ:
        with np.load(Path(os.environ["TTFS_DATA"]) / "mnist.npz") as data:
            X = np.concatenate([data["x_train"], data["x_test"]])
            y = np.concatenate([data["y_train"], data["y_test"]])
    else:
        X, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
    X = X.reshape(-1, 28, 28).astype(np.float32) / 255
    y = y.astype(int)
    return X[:60_000], y[:60_000], X[60_000:], y[60_000:]


def to_16(images):
    """The middle 24 x 24 pixels, resized to 16 x 16: bilinear between their centres."""
    centres = (np.arange(16) + 0.5) * 24 / 16 - 0.5
    # Sums of these weights times single pixels are exact in double precision.
    resize = np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(24)))
    return (resize @ images[:, 2:-2, 2:-2] @ resize.T).astype(np.float32)


def mnist(is_validation, *, resize=None, absent=0.1):
    """(X, y, X_test, y_test) of MNIST: images as rows, float32.

    For validation the last 10,000 images of the training set take the place of the
    test set. Pixels below `absent` are 0 and have no spike.
    """
    X, y, X_test, y_test = mnist_pixels()
    if is_validation:
        X, y, X_test, y_test = X[:50_000], y[:50_000], X[50_000:], y[50_000:]
    out = []
    for images in (X, X_test):
        images = resize(images) if resize else images
        images = images.reshape(len(images), -1)
        out.append(np.where(images < absent, 0, images).astype(np.float32))
    return out[0], y, out[1], y_test


def mnist_16(is_validation):
    """The same at 16 x 16 pixels, see `to_16`."""
    return mnist(is_validation, resize=to_16)


# -- The command line, and what is printed -----------------------------------------


def seeds(n_seeds, is_validation):
    """Seeds of networks and folds; those of validation are others."""
    first = _VALIDATION_SEEDS if is_validation else 0
    return range(first, first + n_seeds)


def run(doc, rows, report, *, special=None, n_seeds=None):
    """The command of a benchmark that prints rows with accuracies.

    Parameters
    ----------
    doc : str
        Description of the command.
    rows : dict
        The rows by name; each is passed to `report`.
    report : callable
        Measures and prints ``report(row, n_seeds, is_validation)``.
    special : dict or None
        Functions of `is_validation` that print something else, by name; they come
        first.
    n_seeds : int or None
        Number of seeds, unless --seeds is given.
    """
    special = special or {}
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*special, *rows]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument(
        "--seeds", type=int, default=n_seeds, help="number of seeds of each row"
    )
    parser.add_argument(
        "--validation", action="store_true", help="score on validation data"
    )
    options = parser.parse_args()
    scored = "validation data" if options.validation else "test data"
    print(f"ttfs {ttfs.__version__}, {platform.machine()}, one thread; {scored}")
    with threadpool_limits(1):
        for name in options.only:
            if name in special:
                special[name](options.validation)
            else:
                report(rows[name], options.seeds, options.validation)


def changes(parameters):
    """Parameters of an estimator as a text."""
    return ", ".join(f"{name}={value!r}" for name, value in parameters.items())


def mean_and_deviation(values):
    """Mean over seeds and sample deviation, 0 for one seed; both along axis 0."""
    values = np.asarray(values)
    mean = values.mean(axis=0)
    return mean, values.std(axis=0, ddof=1) if len(values) > 1 else 0 * mean


def verdict(name, is_reached, target):
    """Print whether a target is reached."""
    print(f"  {name:14s} {'reached' if is_reached else 'MISSED'}: {target}", flush=True)


def peer_blas():
    """The BLAS that MLPClassifier multiplies with, and the kernels it has taken.

    Its products are those of numpy. Wheels of numpy and of scipy bring a BLAS each;
    else there is one for both.
    """
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    own = [
        pool
        for pool in pools
        if any(part.startswith("numpy") for part in Path(pool["filepath"]).parts[-3:-1])
    ]
    for pool in own or pools:
        name = f"{pool['internal_api']} {pool['version']}"
        return f"numpy's {name}", pool.get("architecture", "unknown kernels")
    return "an unknown BLAS", "unknown kernels"


def machine():
    """Versions, instruction sets, BLAS, processor and threads, as three lines."""
    blas, architecture = peer_blas()
    return (
        f"ttfs {ttfs.__version__}, scikit-learn {sklearn.__version__}, numpy "
        f"{np.__version__}, scipy {scipy.__version__}, Python "
        f"{platform.python_version()}\n"
        f"instruction set of ttfs: {_core.simd()}, available: "
        f"{', '.join(_core.simd_available())}; MLPClassifier multiplies "
        f"with {blas} ({architecture})\n"
        f"processor: {_processor()}, {os.cpu_count()} CPUs; OpenMP "
        f"{'yes' if _core.has_openmp() else 'no'}; threads of ttfs: "
        f"{_core.n_threads()} by default, 1 in the table unless it says otherwise"
    )


def _processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def print_environment():
    """Print what variables of the environment slow down, on either side."""
    for names, who in (
        (("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"), "MLPClassifier"),
        (("TTFS_SIMD",), "ttfs"),
    ):
        values = [f"{key}={os.environ[key]}" for key in names if key in os.environ]
        if values:
            print(
                f"WARNING: {' '.join(values)} restricts {who}: its figures, and ratios "
                "of the two, are not those of this machine"
            )


def clock(work, *args, timer=time.perf_counter):
    """Seconds of a call; by `time.process_time` those of the processor."""
    start = timer()
    work(*args)
    return timer() - start


# -- Parts of a fitted estimator ---------------------------------------------------


def trainer_of(clf, batch_size):
    """What trains the weights of the estimator, without a history."""
    return clf.engine_.trainer(
        clf.network_,
        FitState(),
        batch_size=batch_size,
        n_seen=batch_size,
        may_drop=clf.encoder_.may_drop_,
    )


def labels_of(clf, X):
    """A function that computes the labels of X, which is encoded already."""
    network, spikes = clf.engine_.runnable(clf.network_), clf.encode(X)
    network.labels(spikes)  # integers remember the ticks of the last spikes
    return partial(network.labels, spikes)
