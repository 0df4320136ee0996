"""What `fit` tells while it goes on: validation data, records, lines, a bar, a log."""

import logging
import pickle
import sys
from types import ModuleType

import numpy as np
import pytest
from classifiers import assert_same_model, assert_same_weights, small
from hardware import Wrapped
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import EpochRecord, SpikeTrains, TTFSRegressor
from ttfs.datasets import make_yin_yang
from ttfs.engines.float import FloatTrainer
from ttfs.parameters import CrossEntropy
from ttfs.substrates import Ideal, SubstrateError

N, N_VAL = 60, 25
TRAINS = SpikeTrains([0], [0], [0.1], (N_VAL, 4))
ENGINES = {
    "floats": {},
    "float64": {"arithmetic": "float64"},
    "local rule": {"gradient": "local"},
    "integers": {"arithmetic": "fixed"},
    "local rule in integers": {"arithmetic": "fixed", "gradient": "local"},
    "substrate": {"substrate": Ideal()},
    "delays": {"delays": "synaptic"},
    "several spikes": {"max_spikes": 2},
    "first of several": {"max_spikes": 2, "read_out": None},
    "squared error": {"loss": "squared_error"},
    "sparse": {"sparsity": 0.5},
}


@pytest.fixture(scope="module")
def data():
    return make_yin_yang(N, random_state=0)


@pytest.fixture(scope="module")
def held_out():
    X, y = make_yin_yang(N_VAL, random_state=1)
    return {"X_val": X, "y_val": y}


class Recorder:
    """A callback that keeps records, and snapshots of the epochs."""

    def __init__(self, stop_after=None):
        self.records, self.snapshots, self.stop_after = [], [], stop_after

    def __call__(self, record):
        self.records.append(record)
        self.snapshots.append(record.snapshot())
        return record.epoch == self.stop_after


# -- Records -----------------------------------------------------------------------


def test_a_record_tells_of_its_epoch(data):
    recorder = Recorder()
    clf = small(learning_rate_init=0.01, batch_size=15, max_iter=4)
    clf.fit(*data, callback=recorder)
    records = recorder.records
    assert [record.epoch for record in records] == [1, 2, 3, 4]
    assert [record.n_epochs for record in records] == [4] * 4
    assert [record.loss for record in records] == clf.loss_curve_
    rates = [record.learning_rate for record in records]
    assert_allclose(rates, 0.005 * (1 + np.cos(np.pi * np.arange(4) / 4)))
    for record in records:
        assert record.seconds > 0
        assert record.validation_score is record.validation_loss is None
        assert record.silent_outputs is None
    with pytest.raises(AttributeError):
        records[0].loss = 0.0
    assert clf.validation_scores_ is clf.validation_loss_curve_ is None


@pytest.mark.parametrize("options", ENGINES.values(), ids=ENGINES)
def test_every_engine_scores_validation_data_and_gives_its_weights(
    data, held_out, options
):
    recorder = Recorder()
    clf = small(max_iter=3, **options).fit(*data, **held_out, callback=recorder)
    X_val, y_val = held_out.values()
    assert [r.validation_score for r in recorder.records] == clf.validation_scores_
    assert [r.validation_loss for r in recorder.records] == clf.validation_loss_curve_
    assert clf.best_validation_score_ == max(clf.validation_scores_)
    assert clf.best_loss_ == min(clf.loss_curve_)
    for record, snapshot in zip(recorder.records, recorder.snapshots, strict=True):
        assert type(record.loss) is type(record.validation_loss) is float
        assert snapshot.score(X_val, y_val) == record.validation_score
        assert snapshot.n_iter_ == record.epoch
    assert_same_model(clf, recorder.snapshots[-1], X_val)
    # Nothing of it changes what is learned.
    assert_same_weights(clf, small(max_iter=3, **options).fit(*data))


@pytest.mark.parametrize(
    "options",
    [
        {"loss": CrossEntropy(early_firing=0.0), "arithmetic": "float64"},
        {"arithmetic": "float64", "gradient": "local"},
        {"max_spikes": 2, "arithmetic": "float64"},
    ],
    ids=str,
)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_the_validation_loss_is_that_of_the_probabilities(
    data, held_out, options, is_weighted
):
    recorder = Recorder()
    weights = np.linspace(0, 2, N_VAL) if is_weighted else None
    small(max_iter=2, **options).fit(
        *data, **held_out, sample_weight_val=weights, callback=recorder
    )
    X_val, y_val = held_out.values()
    for record, snapshot in zip(recorder.records, recorder.snapshots, strict=True):
        p = snapshot.predict_proba(X_val)
        expected = log_loss(y_val, p, sample_weight=weights)
        assert_allclose(record.validation_loss, expected, rtol=1e-9)
        score = snapshot.score(X_val, y_val, weights)
        assert_allclose(record.validation_score, score, rtol=1e-12)


def test_class_weights_count_in_validation_too(data, held_out):
    X, y = data
    X_val, y_val = held_out.values()
    class_weight = {0: 1.0, 1: 0.5, 2: 3.0}
    clf = small(max_iter=2, class_weight=class_weight).fit(X, y, **held_out)
    by_class = np.take([1.0, 0.5, 3.0], y_val)
    assert_allclose(clf.validation_scores_[-1], clf.score(X_val, y_val, by_class))


def test_regression_has_scores_and_losses_of_spike_times(data, held_out):
    (X, _), X_val = data, held_out["X_val"]
    y, y_val = X[:, :2], X_val[:, :2]
    recorder = Recorder()
    reg = small(TTFSRegressor, arithmetic="float64")
    reg.fit(X, y, X_val=X_val, y_val=y_val, callback=recorder)
    low, high = reg.target_range_
    end = min(1 + 0.5 * 2, reg.t_max_)  # of inputs, and half a tau_syn for each layer
    wanted = (0.85 - 0.4 * (y_val - low) / (high - low)) * end
    wanted = np.clip(wanted, 0, reg.t_max_)
    for record, snapshot in zip(recorder.records, recorder.snapshots, strict=True):
        fired = snapshot.spike_times(X_val)[-1]
        assert record.silent_outputs == np.mean(np.isinf(fired).all(axis=1))
        if np.isfinite(fired).all():
            expected = np.mean((fired - wanted) ** 2) / 2
            assert_allclose(record.validation_loss, expected, rtol=1e-9)
    assert np.isfinite(fired).all()  # the last one at least
    error = np.mean((fired - wanted) ** 2, axis=0)
    score = np.mean(1 - error / np.var(wanted, axis=0))
    assert_allclose(reg.validation_scores_[-1], score, rtol=1e-9)


def test_silent_outputs_are_counted(data, held_out):
    # Outputs see nothing but inputs that are much weaker than the threshold.
    clf = small(read_out=None, max_iter=1, learning_rate_init=1e-12, max_spikes=2)
    recorder = Recorder()
    clf.fit(*data, **held_out, callback=recorder)
    fired = recorder.snapshots[0].spike_times(held_out["X_val"])[-1]
    share = np.mean(np.isinf(fired).all(axis=(1, 2)))
    assert recorder.records[0].silent_outputs == pytest.approx(share)
    assert 0 < share < 1


def test_a_snapshot_learns_and_can_be_stored(data):
    X, y = data
    recorder = Recorder(stop_after=2)
    clf = small().fit(X, y, callback=recorder)
    copies = pickle.loads(pickle.dumps(recorder.snapshots))
    assert_same_model(copies[-1], clf, X)
    assert_same_model(copies[-1].partial_fit(X, y), clf.partial_fit(X, y), X)


def test_a_record_outlives_its_weights(data):
    records = []
    small().fit(*data, callback=records.append)
    with pytest.raises(RuntimeError, match="epoch 1 have changed"):
        records[0].snapshot()
    assert pickle.loads(pickle.dumps(records)) == records


# -- Early stopping ----------------------------------------------------------------


@pytest.fixture
def orders(monkeypatch):
    """The samples of the epochs of trainers with real numbers."""
    seen, epoch = [], FloatTrainer.epoch

    def record(self, spikes, targets, order, *args):
        seen.append(order.copy())
        return epoch(self, spikes, targets, order, *args)

    monkeypatch.setattr(FloatTrainer, "epoch", record)
    return seen


def test_early_stopping_watches_validation_data_instead_of_a_split(
    data, held_out, orders
):
    options = {"early_stopping": True, "max_iter": 40, "n_iter_no_change": 3}
    recorder = Recorder()
    clf = small(tol=1.0, **options).fit(*data, **held_out, callback=recorder)
    assert len(orders) == clf.n_iter_ == 20  # the rate falls after a quarter of 40
    for order in orders:
        assert_array_equal(np.sort(order), np.arange(N))
    # They are never learned, and so are scored to the end.
    assert len(clf.validation_scores_) == len(clf.validation_loss_curve_) == 20
    assert [r.n_epochs for r in recorder.records] == [40] * 9 + [20] * 11
    assert clf.best_loss_ is None
    clf.fit(*data)  # a split again
    assert len(clf.validation_scores_) == len(clf.validation_loss_curve_) == 10
    assert len(orders[-20]) == 54


@pytest.mark.filterwarnings("ignore:training reached max_iter")
def test_the_best_weights_on_validation_data_are_kept(data, held_out):
    options = {"learning_rate": "constant", "learning_rate_init": 0.1, "max_iter": 15}
    clf = small(early_stopping=True, **options).fit(*data, **held_out)
    assert clf.score(*held_out.values()) == clf.best_validation_score_
    assert clf.best_validation_score_ > clf.validation_scores_[-1]
    # Without early stopping they tell, and decide nothing.
    plain = small(tol=0.0, **options).fit(*data, **held_out)
    assert plain.n_iter_ == 15
    assert plain.score(*held_out.values()) == plain.validation_scores_[-1]


def test_warm_start_goes_on_with_the_curves(data, held_out):
    clf = small(warm_start=True, max_iter=2).fit(*data, **held_out)
    clf.fit(*data, **held_out)
    assert len(clf.validation_scores_) == len(clf.validation_loss_curve_) == 4
    clf.fit(*data)
    assert clf.validation_scores_ is clf.validation_loss_curve_ is None
    assert clf.n_iter_ == 6


# -- The end, by a callback --------------------------------------------------------


@pytest.mark.parametrize("options", ENGINES.values(), ids=ENGINES)
def test_a_callback_ends_training(data, options):
    recorder = Recorder(stop_after=2)
    clf = small(max_iter=30, **options).fit(*data, callback=recorder)
    assert clf.n_iter_ == 2
    assert_same_model(clf, recorder.snapshots[-1], data[0])


def test_a_callback_ends_training_as_early_stopping_does(data, held_out):
    options = {"learning_rate": "constant", "learning_rate_init": 0.1, "max_iter": 30}
    recorder = Recorder(stop_after=12)
    clf = small(early_stopping=True, n_iter_no_change=30, **options)
    clf.fit(*data, **held_out, callback=recorder)
    best = int(np.argmax(clf.validation_scores_))
    assert best < clf.n_iter_ - 1 == 11
    assert_same_weights(clf, recorder.snapshots[best])


@pytest.mark.parametrize("answer", [None, False, np.False_])
def test_training_goes_on_without_a_true(data, answer):
    assert small().fit(*data, callback=lambda record: answer).n_iter_ == 5
    assert small().fit(*data, callback=lambda record: np.True_).n_iter_ == 1


@pytest.mark.parametrize("answer", [0, 1, "stop", np.ones(2)])
def test_what_is_neither_true_nor_false_is_an_error(data, answer):
    with pytest.raises(TypeError, match="callback must return True, to end training"):
        small().fit(*data, callback=lambda record: answer)


@pytest.mark.parametrize("callback", [3, "print", [print]])
def test_a_callback_is_callable(data, callback):
    with pytest.raises(TypeError, match="callback must be callable or None, got"):
        small().fit(*data, callback=callback)


class PrunedError(Exception):
    """What a search raises to give a trial up."""


@pytest.mark.parametrize("error", [PrunedError, ValueError])
def test_an_exception_in_a_callback_leaves_the_estimator_as_it_was(data, error):
    X, y = data

    def fail(record):
        if record.epoch == 2:
            raise error("no hope")

    clf = small()
    with pytest.raises(error, match="no hope"):
        clf.fit(X, y, callback=fail)
    assert not hasattr(clf, "network_")
    clf.fit(X, y)
    before, state = small().fit(X, y), dict(vars(clf))
    with pytest.raises(error, match="no hope"):
        clf.fit(X, 2 - y, callback=fail)
    assert vars(clf) == state
    assert_same_model(clf, before, X)


def test_ctrl_c_in_a_callback_keeps_what_was_learned(data):
    recorder = Recorder()

    def interrupt(record):
        recorder(record)
        if record.epoch == 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="training interrupted in epoch 3"):
        clf = small().fit(*data, callback=interrupt)
    assert_same_model(clf, recorder.snapshots[1], data[0])


@pytest.mark.parametrize("is_split", [False, True])
def test_a_substrate_that_fails_in_a_callback_fails_between_epochs(
    data, held_out, is_split
):
    options = {"warm_start": True, "early_stopping": is_split, "max_iter": 6}
    validation = {} if is_split else held_out
    whole = small(substrate=Wrapped(), **options).fit(*data, **validation)
    epochs = []

    def fail(record):
        epochs.append(record.epoch)
        if record.epoch in (2, 3):
            raise SubstrateError("unplugged")

    clf = small(substrate=Wrapped(), **options)
    for _ in range(2):
        with pytest.raises(SubstrateError, match="unplugged"):
            clf.fit(*data, **validation, callback=fail)
    clf.fit(*data, **validation, callback=fail)
    assert epochs == [1, 2, 3, 4, 5, 6]
    assert_same_model(whole, clf, data[0], loss_rtol=1e-12)


def test_a_call_goes_on_only_with_the_same_split(data, held_out):
    def fail(record):
        raise SubstrateError("unplugged")

    options = {"warm_start": True, "early_stopping": True, "max_iter": 4}
    clf = small(substrate=Wrapped(), **options)
    with pytest.raises(SubstrateError):
        clf.fit(*data, callback=fail)
    epochs = []
    clf.fit(*data, **held_out, callback=lambda record: epochs.append(record.epoch))
    assert epochs == [1, 2, 3, 4]


# -- Validation data are checked at the border -------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"y_val": None}, ValueError, "got X_val without y_val"),
        ({"X_val": None}, ValueError, "got y_val without X_val"),
        (
            {"y_val": np.arange(N_VAL) % 4},
            ValueError,
            "y contains labels that are not in",
        ),
        ({"y_val": np.full(N_VAL, "a")}, ValueError, "y contains labels that are not"),
        ({"y_val": np.zeros(3, int)}, ValueError, r"inconsistent.*\[25, 3\]"),
        ({"y_val": np.eye(3)[np.zeros(N_VAL, int)]}, ValueError, "MultiOutputClassif"),
        ({"X_val": np.ones((N_VAL, 3))}, ValueError, "X has 3 features.*expecting 4"),
        ({"X_val": np.full((N_VAL, 4), np.nan)}, ValueError, "X contains NaN"),
        ({"X_val": np.ones((0, 4)), "y_val": []}, ValueError, "0 sample"),
        ({"X_val": np.ones(N_VAL)}, ValueError, "Expected 2D array"),
        ({"X_val": TRAINS}, TypeError, "is a SpikeTrains"),
        ({"sample_weight_val": np.ones(3)}, ValueError, "sample_weight.shape"),
        ({"sample_weight_val": -np.ones(N_VAL)}, ValueError, "Negative values"),
        ({"sample_weight_val": np.zeros(N_VAL)}, ValueError, "non-zero"),
    ],
)
def test_bad_validation_data(data, held_out, changes, error, message):
    clf = small().fit(*data)
    before = dict(vars(clf))
    with pytest.raises(error, match="validation data.*" + message):
        clf.fit(*data, **held_out | changes)
    assert vars(clf) == before


def test_weights_need_validation_data(data):
    with pytest.raises(ValueError, match="got sample_weight_val without X_val"):
        small().fit(*data, sample_weight_val=np.ones(3))


def test_encoders_check_validation_data_too(data, held_out):
    sparse = {**held_out, "X_val": csr_array(held_out["X_val"])}
    with pytest.raises(TypeError, match=r"validation data.*does not store"):
        small(encoder="population").fit(*data, **sparse)
    X, y = data
    dense = small().fit(X, y, **held_out)
    assert dense.fit(csr_array(X), y, **sparse).validation_scores_ == (
        small().fit(X, y, **held_out).validation_scores_
    )


def test_bad_targets_of_a_regressor(data, held_out):
    (X, _), X_val = data, held_out["X_val"]
    reg = small(TTFSRegressor)
    with pytest.raises(ValueError, match=r"validation data.*y has 2 targets"):
        reg.fit(X, X[:, 0], X_val=X_val, y_val=X_val[:, :2])
    with pytest.raises(ValueError, match=r"validation data.*y contains NaN"):
        reg.fit(X, X[:, 0], X_val=X_val, y_val=np.full(N_VAL, np.nan))


def test_spike_trains_as_validation_data():
    rng = np.random.RandomState(0)
    samples = np.repeat(np.arange(12), 3)
    several, once = (
        SpikeTrains(samples, channels, rng.rand(36), (12, 3))
        for channels in (rng.randint(3, size=36), np.tile(np.arange(3), 12))
    )
    assert several.has_several_spikes
    assert not once.has_several_spikes
    y = np.arange(12) % 2
    clf = small().fit(several, y, X_val=several, y_val=y)
    assert clf.score(several, y) == clf.validation_scores_[-1]
    with pytest.raises(ValueError, match="several"):
        small(substrate=Ideal()).fit(once, y, X_val=several, y_val=y)


def test_a_class_may_be_absent_from_validation_data(data, held_out):
    rows = held_out["y_val"] != 1
    part = {name: values[rows] for name, values in held_out.items()}
    clf = small().fit(*data, **part)
    assert clf.validation_scores_[-1] == clf.score(*part.values())


def test_metadata_reaches_fit_through_a_pipeline(data, held_out):
    X, y = data
    X_val, y_val = held_out.values()
    epochs = []

    def watch(record):
        epochs.append(record.epoch)

    with config_context(enable_metadata_routing=True):
        clf = small().set_fit_request(X_val=True, y_val=True, callback=True)
        pipeline = make_pipeline(StandardScaler(), clf, transform_input=["X_val"])
        pipeline.fit(X, y, **held_out, callback=watch)
    assert epochs == [1, 2, 3, 4, 5]
    last = pipeline[-1]
    assert last.validation_scores_[-1] == pipeline.score(X_val, y_val)
    scaler = StandardScaler().fit(X)
    alone = small().fit(
        scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
    )
    assert alone.validation_scores_ == last.validation_scores_


# -- Lines, a bar and a log --------------------------------------------------------


class Bar:
    """What a bar of tqdm is told."""

    made: list = []  # noqa: RUF012

    def __init__(self, **options):
        self.options, self.total = options, options["total"]
        self.texts, self.n, self.is_closed = [], options["initial"], False
        self.made.append(self)

    def set_postfix(self, *, refresh, **values):
        self.texts.append(values)

    def update(self):
        self.n += 1

    def close(self):
        self.is_closed = True


@pytest.fixture
def bars(monkeypatch):
    """The bars that are made, of a stand-in for tqdm."""
    module = ModuleType("tqdm.auto")
    module.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm", ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)
    monkeypatch.setattr(Bar, "made", [])
    return Bar.made


def test_a_progress_bar(data, held_out, bars, capsys):
    clf = small(verbose=2).fit(*data, **held_out)
    (bar,) = bars
    assert (bar.total, bar.n, bar.is_closed) == (5, 5, True)
    assert [text["loss"] for text in bar.texts] == [f"{x:.4g}" for x in clf.loss_curve_]
    scores = [f"{score:.4f}" for score in clf.validation_scores_]
    assert [text["score"] for text in bar.texts] == scores
    clf.partial_fit(*data)  # one epoch has no bar
    assert len(bars) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Iteration 6, loss = ")


def test_a_bar_ends_with_an_early_end_and_with_an_error(data, bars):
    small(verbose=2, early_stopping=True, max_iter=40, tol=1.0).fit(*data)
    assert (bars[-1].total, bars[-1].n) == (24, 24)

    def fail(record):
        raise PrunedError

    with pytest.raises(PrunedError):
        small(verbose=2).fit(*data, callback=fail)
    assert bars[-1].is_closed


def test_without_tqdm_there_are_lines_and_one_hint(data, monkeypatch, capsys):
    for name in ("tqdm", "tqdm.auto"):
        monkeypatch.setitem(sys.modules, name, None)
    small(verbose=2).fit(*data)
    hint, *lines = capsys.readouterr().out.splitlines()
    assert 'pip install "scikit-ttfs[progress]"' in hint
    small(verbose=1).fit(*data)
    assert lines == capsys.readouterr().out.splitlines()
    assert len(lines) == 5


def test_the_bar_of_tqdm_itself(data, capsys):
    pytest.importorskip("tqdm")
    small(verbose=2).fit(*data)
    output = capsys.readouterr()
    assert output.out == ""
    assert "5/5" in output.err
    assert "loss=" in output.err


def test_nothing_is_told_unless_one_asks(data, capsys):
    handlers = logging.getLogger("ttfs").handlers
    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)
    small().fit(*data)
    assert capsys.readouterr() == ("", "")


def test_the_log_tells_of_a_call_and_its_epochs(data, caplog):
    caplog.set_level(logging.INFO, "ttfs")
    small(batch_size=15).fit(*data)
    assert [record.getMessage() for record in caplog.records] == [
        "TTFSClassifier learns from 60 samples: batches of 15, at most 5 epochs"
    ]
    caplog.clear()
    caplog.set_level(logging.DEBUG, "ttfs")
    small().fit(*data)
    _, *epochs = caplog.records
    assert len(epochs) == 5
    for k, record in enumerate(epochs, 1):
        assert record.name == "ttfs.training"
        assert isinstance(record.args[0] if record.args else None, EpochRecord)
        assert record.getMessage().startswith(f"EpochRecord(epoch={k}, n_epochs=5")
