"""Networks, trainers and estimators that several Python threads share."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
import twin
from classifiers import quick
from fixed_cores import epoch_of, make_events, make_network
from numpy.testing import assert_array_equal
from training import (
    LOSSES,
    PSEUDO_SLOPE,
    T_MAX,
    epoch,
    make_data,
    make_layers,
    simulate,
    trainers,
)

from ttfs import LIF
from ttfs import core as _core
from ttfs._fixed import FixedCore
from ttfs.datasets import make_yin_yang
from ttfs.parameters import FixedPoint

N_CALLS = 40


def in_two_threads(function):
    """What many calls in two threads at once return."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda _: function(), range(N_CALLS)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_is_shared(dtype):
    layers = make_layers(LIF(), (12, 60, 3), dtype)
    times, _, _ = make_data(200, 12, 3, dtype)
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    expected = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE).decisions(spikes)
    network = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)
    for got in in_two_threads(lambda: network.decisions(spikes)):
        assert_array_equal(got, expected)


def test_a_network_in_integers_is_shared():
    rng = np.random.default_rng(0)
    core, events = FixedCore(make_network((60, 80, 5), rng)), make_events(200, 62, rng)
    expected, _ = FixedCore(core.network()).run(events)
    for got, _ in in_two_threads(lambda: core.run(events)):
        for a, b in zip(got, expected, strict=True):
            assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [{}, {"arithmetic": FixedPoint()}], ids=str)
def test_an_estimator_is_shared(kind, dtype):
    X, y = make_yin_yang(200, random_state=0)
    X = X.astype(dtype)
    clf = quick(**kind).fit(X, y)
    expected = clf.predict_proba(X)
    for got in in_two_threads(lambda: clf.predict_proba(X)):
        assert_array_equal(got, expected)
    for got in in_two_threads(lambda: clf.predict_proba(X[:1])):
        assert_array_equal(got, expected[:1])


class TestTrainer:
    @pytest.fixture(autouse=True)
    def trainer(self):
        self.layers = make_layers(LIF(), (6, 8, 3))
        self.data = make_data(30, 6, 3)
        self.core, _ = trainers(self.layers, LOSSES["early"])

    def epoch(self, **parameters):
        return epoch(self.core, self.layers, self.data, 5, **parameters)

    def test_one_thread_trains(self):
        has_begun, may_go_on = Event(), Event()
        fire = simulate(self.layers)

        def forward(*arguments):
            has_begun.set()
            assert may_go_on.wait(60)
            return fire(*arguments)

        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(self.epoch, forward=forward)
            assert has_begun.wait(60)
            with pytest.raises(RuntimeError, match="in an epoch already"):
                self.epoch()
            may_go_on.set()
            assert np.isfinite(other.result())
        self.epoch()  # nobody is in an epoch now

    def test_an_epoch_that_fails_has_ended(self):
        with pytest.raises(ValueError, match="batch_size must be positive"):
            self.core.epoch(*self.nothing(), 0, np.empty(0))
        self.epoch()

    def nothing(self):
        times, labels, factors = self.data
        spikes = twin.spikes_of(times, self.layers[0].bias_times, T_MAX)
        return spikes, labels, factors, np.empty(0, np.uintp)

    def test_weights_that_fire_are_written_in_place(self):
        """Another thread fires while a forward gives new weights in each batch."""
        spikes, *_ = self.nothing()
        fire = simulate(self.layers)

        def forward(entering, core):
            weights = [np.round(w * 8) / 8 for w in core.weights()]
            return fire(entering, core), None, weights

        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(
                lambda: [self.epoch(forward=forward) for _ in range(20)]
            )
            while not other.done():
                assert self.core.labels(spikes).max() < 3
            assert np.isfinite(other.result()).all()

    def test_spikes_are_kept_while_they_are_learned_from(self):
        kept, refused = [], []

        def forward(spikes, core):
            kept.append(core.fire(spikes))
            return kept[-1]

        def end_batch(loss, n):
            with pytest.raises(RuntimeError, match="is learning from these spikes"):
                kept[-1].times()
            refused.append(n)

        self.epoch(forward=forward, end_batch=end_batch)
        assert refused == 6 * [5]
        for fired in kept:
            assert [len(times) for times in fired.times()] == [5, 5]

    def test_changed_order_is_not_seen(self):
        """The arrays of an epoch are copied: a callable may change its own."""
        spikes, labels, factors, _ = self.nothing()
        order, labels = np.arange(30, dtype=np.uintp), labels.copy()

        def end_batch(loss, n):
            order[:], labels[:] = 10**9, 10**9

        expected = self.epoch(forward=None)
        core, _ = trainers(self.layers, LOSSES["early"])
        rates = np.full(6, 0.02)
        assert expected == core.epoch(
            spikes, labels, factors, order, 5, rates, end_batch=end_batch
        )


def test_one_thread_trains_a_network_in_integers():
    rng = np.random.default_rng(0)
    core, events = FixedCore(make_network((60, 80, 5), rng)), make_events(200, 62, rng)
    labels = rng.integers(0, 5, 200).astype(np.uintp)
    weights = [layer.weights for layer in core.network().layers]
    n = 60_000
    shape = n // 20, 2
    long = (
        np.resize(np.arange(200, dtype=np.uintp), n),
        20,
        np.full(shape[0], 200, np.uint16),
        np.full(shape, 15, np.uint8),
        np.zeros(shape, np.int16),
    )
    calls = [
        core.prepare,
        lambda: core.set_weights(weights),
        lambda: core.errors(events, labels),
        lambda: epoch_of(core, events, labels, rng, 20),
    ]

    def is_refused(call):
        try:
            call()
        except RuntimeError as error:
            return "learning already" in str(error)
        return False

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(core.train, events, labels, *long)
        while not is_refused(core.prepare):
            assert not other.done()
        assert all([is_refused(call) for call in calls])
        other.result()
    assert not any([is_refused(call) for call in calls])
