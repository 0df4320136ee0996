"""Searches on several processes, and blocks of Dask: nothing lost, no core used twice.

They need the extra [dask], and run in the second stage of CI.
"""

import os
import signal
import threading
import time

import joblib
import numpy as np
import pytest
import scale_scorers
from classifiers import assert_same_model, quick
from numpy.testing import assert_array_equal
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import SpikeTrains, TTFSClassifier
from ttfs import core as _core
from ttfs.datasets import make_yin_yang
from ttfs.out_of_core import dask_blocks, fit_blocks

da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.slow,
    # Of libraries that clusters use, and of sockets that a killed process leaves.
    pytest.mark.filterwarnings("default"),
]

X, y = make_yin_yang(200, random_state=0)
GRID = {
    "ttfsclassifier__hidden_layer_sizes": [(5,), (10,), (20,)],
    "ttfsclassifier__weight_decay": [0.3, 1.0],
}


def search(cv=3, **options):
    pipeline = make_pipeline(StandardScaler(), quick(max_iter=10))
    return GridSearchCV(pipeline, GRID, cv=cv, n_jobs=2, **options)


@pytest.fixture(scope="module")
def serial():
    with joblib.parallel_config("sequential"):
        return search().fit(X, y)


def threads_of(model):
    """Threads that two jobs may use, and those that they start."""
    scoring = {name: getattr(scale_scorers, name) for name in ("used", "started")}
    scores = cross_validate(model, X, y, cv=2, n_jobs=2, scoring=scoring)
    return scores["test_used"], scores["test_started"]


def assert_same_search(one, two):
    for name in ("mean_test_score", "split0_test_score", "rank_test_score"):
        assert_array_equal(one.cv_results_[name], two.cv_results_[name])
    assert one.best_params_ == two.best_params_
    assert_same_model(one.best_estimator_[-1], two.best_estimator_[-1])


@pytest.fixture(scope="module")
def client():
    """A cluster of two processes with one thread each."""
    paths = os.pathsep.join(
        [os.path.dirname(scale_scorers.__file__), os.environ.get("PYTHONPATH", "")]
    )
    before, os.environ["PYTHONPATH"] = os.environ.get("PYTHONPATH"), paths
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    try:
        with (
            distributed.LocalCluster(processes=True, **options) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


# -- Searches ----------------------------------------------------------------------


def test_loky_divides_the_cores(serial, monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)  # joblib would leave them as they are
    with joblib.parallel_config("loky", n_jobs=2):
        assert_same_search(search().fit(X, y), serial)
    # So many hidden neurons that a prediction is work for several threads.
    model = quick(hidden_layer_sizes=(100,))
    for given, expected in ((None, max(1, joblib.cpu_count() // 2)), (3, 3)):
        options = {} if given is None else {"inner_max_num_threads": given}
        with joblib.parallel_config("loky", n_jobs=2, **options):
            used, started = threads_of(model)
        assert used.max() <= expected
        # Of a team one is the thread that was there; linear algebra has its own.
        assert started.max() <= 2 * (expected - 1)
        if _core.has_openmp():
            assert used.min() == expected
        if _core.has_openmp() and given is not None:  # processes that are new
            assert started.max() >= expected - 1


def test_workers_of_dask_use_one_thread_each(client, serial):
    with joblib.parallel_config("dask"):
        assert_same_search(search().fit(X, y), serial)
        used, started = threads_of(quick(hidden_layer_sizes=(100,)))
    assert_array_equal(used, 1)
    assert_array_equal(started, 0)


def test_spike_trains_go_to_workers(client):
    samples, channels = np.indices(X.shape)
    trains = SpikeTrains(samples.ravel(), channels.ravel(), X.ravel(), X.shape)
    expected = cross_val_score(quick(), trains, y, cv=3)
    with joblib.parallel_config("dask"):
        assert_array_equal(
            cross_val_score(quick(), trains, y, cv=3, n_jobs=2), expected
        )


def test_a_killed_worker_loses_nothing(client, serial, tmp_path):
    total = 3 * 6
    killed = []

    def kill():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            marks = sorted(tmp_path.glob("*.pid"), key=os.path.getmtime)
            pids = [int(mark.read_text()) for mark in marks]
            if len(set(pids)) == 2 and len(pids) >= 4:
                # The newest mark is of a process that works on a task.
                os.kill(pids[-1], signal.SIGKILL)
                killed.append((pids[-1], len(pids)))
                return
            time.sleep(0.01)

    client.run(scale_scorers.used, None, None, None)  # both have imported everything
    before = set(client.run(os.getpid).values())
    killer = threading.Thread(target=kill)
    killer.start()
    # What joblib sends to one worker only would be lost with it. All that the tasks
    # need is on both, and stays there.
    client.amm.stop()
    splits = list(StratifiedKFold(3).split(X, y))
    needed = [X, y, *(rows for split in splits for rows in split)]
    with joblib.parallel_config("dask", scatter=needed):
        marking = scale_scorers.Marking(str(tmp_path))
        found = search(scoring=marking, cv=splits).fit(X, y)
    killer.join()
    ((pid, n_done),) = killed
    assert pid in before
    assert n_done < total  # in the middle
    marks = [int(mark.read_text()) for mark in tmp_path.glob("*.pid")]
    assert len(marks) > total  # what it worked on was done again
    assert_same_search(found, serial)
    client.wait_for_workers(2, timeout=60)
    after = set(client.run(os.getpid).values())
    assert pid not in after
    assert len(after - before) == 1  # another one has taken its place


# -- Blocks ------------------------------------------------------------------------


@pytest.mark.parametrize("on_cluster", [True, False], ids=["cluster", "local"])
def test_blocks_of_dask_learn_the_same_as_arrays(on_cluster, request):
    if on_cluster:
        request.getfixturevalue("client")
    # Features are divided too, and targets otherwise than features.
    features = da.from_array(X, chunks=(80, 3))
    labels = da.from_array(y, chunks=50)
    weights = da.from_array(np.linspace(1, 2, 200), chunks=200)
    blocks = dask_blocks(features, labels, weights)
    assert len(blocks) == 3
    clf = fit_blocks(quick(), blocks, n_epochs=2, random_state=0)
    memory = [
        (X[rows], y[rows], np.linspace(1, 2, 200)[rows])
        for rows in (slice(0, 80), slice(80, 160), slice(160, 200))
    ]
    assert_same_model(clf, fit_blocks(quick(), memory, n_epochs=2, random_state=0), X)
    # Predictions are computed by blocks too.
    rows = features.rechunk({1: -1})
    predicted = rows.map_blocks(clf.predict, drop_axis=1, dtype=labels.dtype)
    assert_array_equal(predicted.compute(), clf.predict(X))


def test_rows_may_have_been_left_out():
    """The sizes of blocks are then not known before they are computed."""
    features, labels = da.from_array(X, chunks=(80, 4)), da.from_array(y, chunks=80)
    is_kept = da.from_array(X[:, 0] > 0.5, chunks=80)
    clf = fit_blocks(quick(), dask_blocks(features[is_kept], labels[is_kept]))
    mask = X[:, 0] > 0.5
    memory = [(X[k : k + 80][mask[k : k + 80]], y[k : k + 80][mask[k : k + 80]])
              for k in (0, 80, 160)]  # fmt: skip
    assert clf.n_iter_ == 1 + sum(len(block[1]) > 0 for block in memory)


def test_frames_of_dask():
    dd = pytest.importorskip("dask.dataframe")
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd")).assign(label=y)
    table = dd.from_pandas(frame, npartitions=3)
    blocks = dask_blocks(table[list("abcd")], table["label"])
    clf = fit_blocks(quick(), blocks, random_state=0)
    assert clf.feature_names_in_.tolist() == list("abcd")
    parts = [table.get_partition(k).compute() for k in range(3)]
    memory = [(part[list("abcd")], part["label"]) for part in parts]
    expected = fit_blocks(quick(), memory, random_state=0)
    assert_same_model(clf, expected, frame[list("abcd")])


def test_mistakes():
    with pytest.raises(TypeError, match="must be Dask arrays or DataFrames, got nda"):
        dask_blocks(X, y)
    features = da.from_array(X, chunks=(80, 4))
    with pytest.raises(ValueError, match="different numbers of blocks: 3, 1"):
        dask_blocks(features, da.from_array(y[:190], chunks=190))
    blocks = dask_blocks(features, da.from_array(y[:190], chunks=((80, 80, 30),)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fit_blocks(TTFSClassifier(), blocks)
