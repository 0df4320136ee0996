"""The border of networks and trainers: nothing reaches C unchecked."""

import warnings

import numpy as np
import pytest
import twin
from numpy.testing import assert_array_equal
from training import (
    LOSSES,
    PSEUDO_SLOPE,
    T_MAX,
    TRAINING,
    make_data,
    make_layers,
    trainers,
    units_of,
)

from ttfs import LIF
from ttfs import core as _core
from ttfs.model import Layer


class TestBorder:
    """Nothing reaches C unchecked."""

    ORDER = np.arange(6, dtype=np.uintp)
    RATES = np.full(3, 0.01)

    def setup_method(self):
        self.layers = make_layers(LIF(), (4, 6, 3))
        times, self.labels, self.factors = make_data(6, 4, 3)
        self.spikes = twin.spikes_of(times, self.layers[0].bias_times, T_MAX)
        self.core, _ = trainers(self.layers, LOSSES["early"])

    def epoch(self, **changes):
        arguments = {
            "spikes": self.spikes,
            "targets": self.labels,
            "factors": self.factors,
            "order": self.ORDER,
            "batch_size": 2,
            "rates": self.RATES,
        }
        return self.core.epoch(**arguments | changes)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"targets": np.zeros(5, np.uintp)}, "one entry per sample"),
            ({"targets": np.full(6, 3, np.uintp)}, "outside"),
            ({"factors": np.ones(7)}, "one entry per sample"),
            ({"order": np.full(6, 6, np.uintp)}, "not there"),
            ({"batch_size": 0}, "batch_size"),
            ({"batch_size": -1}, "batch_size"),
            ({"batch_size": 3}, "rates must have 2"),
            ({"rates": np.ones(4)}, "rates must have 3"),
        ],
        ids=str,
    )
    def test_epoch_refuses(self, changes, message):
        with pytest.raises(ValueError, match=message):
            self.epoch(**changes)
        for weights, layer in zip(self.core.weights(), self.layers, strict=True):
            assert_array_equal(weights, layer.weights)

    @pytest.mark.parametrize("name", ["spikes", "targets", "factors", "order", "rates"])
    def test_none_is_no_array(self, name):
        with pytest.raises(TypeError):
            self.epoch(**{name: None})

    def test_spikes_must_fit_the_network(self):
        few = twin.spikes_of(np.zeros((6, 4)), [], T_MAX)
        single = twin.spikes_of(np.zeros((6, 4), np.float32), [0.1, 0.6, 9.0], T_MAX)
        calls = [
            lambda spikes: self.epoch(spikes=spikes),
            self.core.labels,
            self.core.decisions,
            self.core.spike_times,
        ]
        for call in calls:
            with pytest.raises(ValueError, match="must be of 7 inputs, not 4"):
                call(few)
            with pytest.raises(TypeError, match=r"_float32\.Spikes"):
                call(single)

    def test_layers_must_fit_each_other(self):
        first = self.layers[0]
        calls = {
            "1 to 64 layers": [],
            "layer 1 must have 6 inputs": [first, first],
            "layer 0 has weights of shape": [
                Layer(np.empty((3, 0)), first.bias_times, LIF())
            ],
        }
        for message, layers in calls.items():
            with pytest.raises(ValueError, match=message):
                _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)
        square = Layer(np.ones((3, 3)), np.empty(0), LIF())
        with pytest.raises(ValueError, match="1 to 64 layers"):
            _core.Simulator([square] * 65, T_MAX, PSEUDO_SLOPE)
        few = Layer(np.ones((1, 2)), np.zeros(2), LIF())
        with pytest.raises(ValueError, match="layer 0 has weights of shape"):
            _core.Simulator([few], T_MAX, PSEUDO_SLOPE)

    @pytest.mark.parametrize("t_max", [np.inf, np.nan, -np.inf, 1e30])
    def test_network_needs_an_end(self, t_max):
        with pytest.raises(ValueError, match="t_max must be finite"):
            _core.Simulator(self.layers, t_max, PSEUDO_SLOPE)

    def test_numbers_of_training(self):
        with pytest.raises(ValueError, match="units must have one entry"):
            _core.Trainer(
                self.layers,
                T_MAX,
                PSEUDO_SLOPE,
                units=[1.0],
                loss=LOSSES["early"],
                **TRAINING,
            )
        for decays in ([0.1] * (len(self.layers) - 1), [0.1] * (len(self.layers) + 1)):
            with pytest.raises(ValueError, match="weight_decay must have one entry"):
                trainers(self.layers, LOSSES["early"], weight_decay=decays)
        with pytest.raises(ValueError, match="unknown loss"):
            trainers(self.layers, {"kind": "hinge"})
        with pytest.raises(ValueError, match="positive"):
            trainers(self.layers, {"kind": "cross_entropy", "time_scale": 0.0})
        with pytest.raises(TypeError, match="targets"):
            trainers(self.layers, {"kind": "squared_error", "targets": (1, 2)})

    @pytest.mark.parametrize("sizes", [(4, 90, 3), (4, 6, 2), (5, 6, 3)])
    def test_state_of_another_network(self, sizes):
        other, _ = trainers(make_layers(LIF(), sizes), LOSSES["early"])
        with pytest.raises(ValueError, match="layers of other sizes"):
            _core.Trainer(
                self.layers,
                T_MAX,
                PSEUDO_SLOPE,
                units=units_of(self.layers),
                loss=LOSSES["early"],
                state=other.state(),
                **TRAINING,
            )

    def test_losses_that_are_not_finite_are_returned(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loss = self.epoch(factors=np.full(6, np.inf))
        assert not np.isfinite(loss)
