"""What all substrates of this process have in common: requests, copies, threads."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from emulated import EVERYTHING, make
from numpy.testing import assert_array_equal
from sklearn.base import clone

from ttfs import TTFSClassifier, _float32, _float64
from ttfs.substrates import AnalogChip, Clocked, Ideal, Layer, Network, Substrate
from ttfs.substrates.simulated import Simulated

OBJECTS = [
    Ideal(),
    AnalogChip(**EVERYTHING, max_neurons=256),
    Clocked(0.02, duration=9),
]
every_substrate = pytest.mark.parametrize(
    "substrate", [Ideal(), AnalogChip(), Clocked()], ids=repr
)


@every_substrate
def test_spikes_end_with_the_experiment(substrate):
    times, network = make()
    late = substrate.forward(times, network)
    early = substrate.forward(times, Network(network.layers, t_max=0.7))
    for a, b in zip(early, late, strict=True):
        assert_array_equal(a, np.where(b < 0.7, b, np.inf))
        assert np.isinf(a).sum() > np.isinf(b).sum()


@pytest.mark.parametrize("substrate", [Ideal(), AnalogChip(**EVERYTHING), Clocked()])
def test_empty_requests(substrate):
    times, network = make(n_samples=3)
    empty = substrate.forward(times[:0], network)
    assert [a.shape for a in empty] == [(0, 37), (0, 5)]
    silent = substrate.forward(
        np.full_like(times, np.inf), make(n_samples=3, sizes=(20, 37))[1]
    )
    assert silent[0].shape == (3, 37)


@every_substrate
def test_bad_requests(substrate):
    times, network = make()
    with pytest.raises(ValueError, match=r"of shape \(20,\)"):
        substrate.forward(times[0], network)
    with pytest.raises(ValueError, match="NaN"):
        substrate.forward(np.where(times < 0.5, np.nan, times), network)
    with pytest.raises(ValueError, match="layer 0 has weights for 21"):
        substrate.forward(times[:, 1:], network)
    with pytest.raises(ValueError, match="float32 or float64"):
        substrate.forward(times.astype(str), network)
    with pytest.raises(ValueError, match="masked array"):
        substrate.forward(np.ma.masked_greater(times, 0.5), network)
    with pytest.raises(ValueError, match="at least one layer"):
        substrate.forward(times, Network(()))
    for t_max in (np.nan, 0.0, -1.0):
        with pytest.raises(ValueError, match="t_max must be a positive number"):
            substrate.forward(times, Network(network.layers, t_max))


@every_substrate
def test_bad_layers(substrate):
    times, network = make()
    first, second = network.layers
    nan, infinite = first.weights * np.nan, np.where(first.weights < 0, np.inf, 0)
    times = times.astype(np.float32)
    for changes, message in (
        ({"weights": nan}, "weights of layer 0 must be finite"),
        ({"weights": infinite}, "weights of layer 0 must be finite"),
        ({"weights": np.full((21, 37), -1e39)}, r"weights of layer 0 must be below 1e"),
        ({"weights": first.weights[0]}, "got 1 and 1 dimension"),
        ({"bias_times": np.zeros((1, 1))}, "got 2 and 2 dimension"),
        ({"bias_times": np.array([np.nan])}, "bias_times of layer 0 must be finite"),
        ({"delays": np.zeros(21)}, "layer 0 has delays"),
    ):
        with pytest.raises(ValueError, match=message):
            substrate.forward(times, Network((replace(first, **changes), second)))


@every_substrate
def test_a_bias_without_a_spike_is_none(substrate):
    times, network = make(sizes=(20, 37))
    (layer,) = network.layers
    absent = replace(layer, bias_times=np.array([np.inf]))
    without = Layer(layer.weights[:-1], np.empty(0), layer.neuron)
    (got,) = substrate.forward(times, Network((absent,)))
    assert_array_equal(got, substrate.forward(times, Network((without,)))[0])


@pytest.mark.parametrize("substrate", OBJECTS, ids=repr)
def test_substrates_are_shared_and_pickled_as_an_address(substrate):
    assert isinstance(substrate, Substrate)
    assert copy.deepcopy(substrate) is substrate
    assert copy.copy(substrate) is substrate
    assert clone(TTFSClassifier(substrate=substrate)).substrate is substrate
    times, network = make()
    wanted = substrate.forward(times, network)
    stored = pickle.dumps(substrate)
    assert len(stored) < 1000
    for a, b in zip(pickle.loads(stored).forward(times, network), wanted, strict=True):
        assert_array_equal(a, b)


def test_repr_makes_the_same_again():
    names = {"AnalogChip": AnalogChip, "Clocked": Clocked, "Ideal": Ideal}
    for substrate in OBJECTS:
        assert vars(eval(repr(substrate), names)) == vars(substrate)


def test_requests_are_not_written_to():
    times, network = make()
    arrays = [times, *(layer.weights for layer in network.layers)]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    for substrate in OBJECTS:
        substrate.forward(times, network)
    for a, b in zip(arrays, before, strict=True):
        assert_array_equal(a, b)


def test_threads_do_not_change_the_spikes(monkeypatch):
    times, network = make(n_samples=2000, sizes=(50, 100, 10))
    chip = AnalogChip(**EVERYTHING)
    results = []
    for n in (1, 4):
        for module in (_float32, _float64):
            monkeypatch.setattr(module, "n_threads", lambda n=n: n)
        results.append(chip.forward(times, network))
    for a, b in zip(*results, strict=True):
        assert_array_equal(a, b)


def test_a_simulated_substrate_says_what_fires():
    class Nothing(Simulated):
        pass

    with pytest.raises(TypeError, match="_fire"):
        Nothing()
