"""A classifier that trains on a chip server, and the adapter of the example."""

import itertools
import runpy
import threading

import numpy as np
import pytest
from chip_server import (
    ADAPTER,
    CHIP,
    LONG,
    NETWORK,
    TIMES,
    classifier,
    make_times,
    wait_until,
)
from classifiers import assert_same_model
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import cross_val_predict

from ttfs import LIF
from ttfs.datasets import make_yin_yang
from ttfs.substrates import AnalogChip, Layer, Network, Remote, Server, SubstrateError


def test_a_server_that_is_gone_leaves_a_run_to_go_on_with(path):
    X, y = make_yin_yang(100, random_state=0)
    undisturbed = classifier(CHIP).fit(X, y)
    n_calls = itertools.count()

    class Mortal:
        weight_limit = staticmethod(CHIP.weight_limit)
        weight_step = staticmethod(CHIP.weight_step)

        def forward(self, times, network):
            if next(n_calls) == 15:
                threading.Thread(target=server.stop).start()
                wait_until(lambda: server._desk.is_closed)
            return CHIP.forward(times, network)

    with Remote(path, timeout=LONG, retries=1, retry_delay=0.01) as remote:
        clf = classifier(remote).set_params(warm_start=True)
        with Server(Mortal(), path) as server:
            with pytest.raises(SubstrateError, match="no answer from"):
                clf.fit(X, y)
        with Server(CHIP, path):
            clf.fit(X, y)
    assert_same_model(clf, undisturbed)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_cross_validation_on_a_server(remote, n_jobs):
    X, y = make_yin_yang(60, random_state=0)
    expected = cross_val_predict(
        classifier(CHIP), X, y, cv=2, method="decision_function"
    )
    scores = cross_val_predict(
        classifier(remote), X, y, cv=2, method="decision_function", n_jobs=n_jobs
    )
    assert_array_equal(scores, expected)


# -- The adapter of the example --------------------------------------------------------


@pytest.mark.skipif(not ADAPTER.exists(), reason="not in a clone")
def test_the_adapter_gives_the_spikes_of_the_chip_to_a_clock_tick():
    example = runpy.run_path(str(ADAPTER))
    adapter, tick = example["VendorChip"](), 1 / (example["TAU"] * example["CLOCK"])
    behind = example["EMULATED_BACK_END"].chip
    chip = AnalogChip(
        weight_bits=6,
        weight_clip=adapter.weight_limit(0),
        threshold_spread=behind.threshold_spread,
        tau_mem_spread=behind.tau_mem_spread,
        tau_syn_spread=behind.tau_syn_spread,
        duration=8.0,
    )
    unit = 0.5  # of time, in tau_syn
    network = Network(
        tuple(
            Layer(3 * layer.weights, unit * layer.bias_times, LIF(unit, unit, 3.0))
            for layer in NETWORK.layers
        ),
        100.0,
    )
    times = np.rint(make_times(50) / tick) * tick * unit
    expected = chip.forward(times, network)
    for spikes, wanted in zip(adapter.forward(times, network), expected, strict=True):
        assert 0.5 < np.isfinite(wanted).mean()
        assert_allclose(spikes, wanted, rtol=0, atol=1.01 * tick * unit)
    with pytest.raises(ValueError, match="LIF"):
        adapter.forward(TIMES, NETWORK)  # of another ratio of time constants
