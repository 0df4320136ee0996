"""Dropout of input spikes in training."""

import numpy as np
import pytest
import twin
from numpy.testing import assert_allclose, assert_array_equal
from training import LOSSES, T_MAX, make_layers, trainers

from ttfs import LIF


def n_deleted(dropout, may_drop, seed, n_samples=64, n_in=50):
    """How often each input was deleted from batches of one epoch.

    A weight without gradient decays in each batch that its input is in.
    """
    layers = make_layers(LIF(), (n_in, 2))
    core, _ = trainers(
        layers,
        LOSSES["early"],
        weight_decay=1.0,
        dropout=dropout,
        may_drop=may_drop,
        seed=seed,
    )
    times = np.zeros((n_samples, n_in))
    labels, factors = np.zeros(n_samples, np.uintp), np.zeros(n_samples)
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    order, rates = np.arange(n_samples, dtype=np.uintp), np.full(n_samples, 1e-3)
    core.epoch(spikes, labels, factors, order, 1, rates)
    touched = core.state()["steps"][0][1]
    kept = np.log(core.weights()[0] / layers[0].weights)[:, 0] / -1e-3
    # Lazy rows: those of the batches since they were last in one are to come.
    assert_allclose(kept, touched, atol=1e-6)
    return touched


@pytest.mark.usefixtures("every_simd")
def test_dropout_deletes_its_share_of_the_spikes_that_may_go():
    # The last batch with an input is n - 1 - k, k geometric with mean p / (1 - p).
    may_drop = np.arange(50) < 40
    missed = [64 - n_deleted(0.4, may_drop, seed) for seed in range(20)]
    assert (np.array(missed)[:, 40:52] == 0).all()  # other inputs, and biases
    assert_allclose(np.mean(np.array(missed)[:, :40]), 0.4 / 0.6, atol=0.15)  # 4 sigma
    assert np.std(np.mean(missed, axis=0)[:40]) < 0.5  # no input is preferred
    again = 64 - n_deleted(0.4, may_drop, 3)
    assert_array_equal(again, missed[3])
    assert not np.array_equal(missed[3], missed[4])


@pytest.mark.parametrize("dropout", [-0.1, 1.0, np.nan])
def test_dropout_must_be_a_probability_below_1(dropout):
    layers = make_layers(LIF(), (8, 3))
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\)"):
        trainers(layers, LOSSES["early"], dropout=dropout, may_drop=np.ones(8, bool))


def test_what_may_be_dropped_is_said_for_each_channel():
    layers = make_layers(LIF(), (8, 3))
    for may_drop in (None, np.ones(7, bool), np.ones(11, bool)):
        with pytest.raises(ValueError, match="may_drop must have 8 entries"):
            trainers(layers, LOSSES["early"], dropout=0.1, may_drop=may_drop)
