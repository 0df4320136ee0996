"""The ideal simulator as a substrate."""

import numpy as np
import pytest
from cases import in_turn
from emulated import NEURONS, make
from numpy.testing import assert_allclose, assert_array_equal

from ttfs import first_spike
from ttfs.substrates import Ideal


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize(("name", "dtype"), in_turn(NEURONS, [np.float32, np.float64]))
def test_ideal_is_first_spike_layer_by_layer(name, dtype):
    times, network = make(NEURONS[name], dtype=dtype)
    got = Ideal().forward(times, network)
    for layer, spikes in zip(network.layers, got, strict=True):
        assert spikes.dtype == dtype
        biases = np.tile(layer.bias_times, (len(times), 1))
        times = np.hstack([times, biases])
        wanted = first_spike(times, layer.weights, layer.neuron)
        fires = np.isfinite(wanted)
        assert_array_equal(fires, np.isfinite(spikes))
        eps = 200 * np.finfo(dtype).eps * layer.neuron.tau_syn
        assert_allclose(spikes[fires], wanted[fires], rtol=0, atol=eps)
        times = spikes
