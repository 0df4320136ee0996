"""What the core in integers refuses."""

from types import SimpleNamespace

import numpy as np
import pytest
from fixed_cores import (
    I8,
    I16,
    N_TICKS,
    U8,
    U16,
    assert_same_state,
    make_events,
    make_network,
)

from ttfs import _fixed
from ttfs._fixed import FixedCore, TickSpikes
from ttfs.fixed.network import FixedLayer


def put(name, value, k=0, says=None):
    """Change a field of layer k, or of the network if it has no such field."""

    def change(network):
        is_of_layer = name in FixedLayer.__annotations__ and k is not None
        setattr(network.layers[k] if is_of_layer else network, name, value)

    change.says = says or name
    return change


def poke(name, index, value, k=0):
    """Change an element of an array of layer k, or of the network."""

    def change(network):
        target = network if k is None else network.layers[k]
        array = getattr(target, name).copy()
        array[index] = value
        setattr(target, name, array)

    change.says = name
    return change


BAD_NETWORKS = [
    (put("layers", []), ValueError),
    (put("n_ticks", 0), ValueError),
    (put("n_ticks", 16_385), ValueError),
    (put("n_ticks", N_TICKS + 1, says="decay_mem must have shape"), ValueError),
    (put("n_ticks", 64.5), TypeError),
    (put("silent_delay", -1), ValueError),
    (put("silent_delay", 65_536), ValueError),
    (put("read_out", -1), ValueError),
    (put("read_out", N_TICKS + 1), ValueError),
    (put("read_out", 48.5), TypeError),
    (put("stretch", 0), ValueError),
    (put("stretch", 65_536), ValueError),
    (put("stretch", 1.5), TypeError),
    (put("n_fixed", -1), ValueError),
    (put("n_fixed", 3), ValueError),  # there are two biases
    (put("n_fixed", 3, 1), ValueError),
    (put("n_fixed", None), TypeError),
    (put("softmax", np.empty(0, U16)), ValueError),
    (put("softmax", np.ones(3, U16)), ValueError),
    (put("softmax", np.array([256, 257], U16)), ValueError),
    (put("reciprocal", np.ones(127, U16)), ValueError),
    (put("gain", 256), ValueError),
    (put("push", 32_768), ValueError),
    (put("learn_from", -1), ValueError),
    (put("learn_until", 16_385), ValueError),
    (put("feedback", "none", None), ValueError),
    (put("drop", 256), ValueError),
    (put("may_drop", np.ones(3, U8)), ValueError),
    (put("may_drop", np.ones(32, bool)), TypeError),
    (poke("lfsr", 0, 0, None), ValueError),
    (put("lfsr", np.ones(2, U16), None), ValueError),
    (put("weights", np.zeros((32, 20))), TypeError),
    (put("weights", np.zeros(32, I16)), ValueError),
    (put("weights", np.zeros((32, 21), I16), says="lfsr"), ValueError),
    (put("weights", np.zeros((21, 4), I16), 1, "layer 1"), ValueError),
    (put("weights", np.zeros((32, 0), I16), says="neurons"), ValueError),
    (poke("weights", (3, 4), 63 * 512 + 1), ValueError),
    (poke("weights", (3, 4), -63 * 512 - 1), ValueError),
    (put("bias_ticks", np.zeros(3, U16), 1, "layer 1"), ValueError),
    (put("bias_ticks", np.zeros(33, U16), says="layer 0"), ValueError),
    (poke("bias_ticks", 0, N_TICKS + 1), ValueError),
    (put("fraction", 15), ValueError),
    (put("fraction", -1), ValueError),
    (put("fraction", 3, says="greatest weight"), ValueError),
    (put("max_stored", 0), ValueError),
    (put("max_stored", 32_767), ValueError),
    (put("current_shift", 15), ValueError),
    (put("current_shift", 10, says="current of the greatest"), ValueError),
    (put("threshold", 0), ValueError),
    (put("threshold", 32_768), ValueError),
    (put("decay_mem", np.zeros(N_TICKS, I16)), ValueError),
    (poke("decay_mem", 5, -1), ValueError),
    (poke("decay_syn", 5, -32_768), ValueError),
    (poke("kappa", 5, -1), ValueError),
    (put("kappa", np.zeros(N_TICKS + 1, np.int32)), TypeError),
    (put("slope_mem", -32_768), ValueError),
    (put("slope_syn", 32_768), ValueError),
    (put("slope_bounds", np.zeros(9, I16)), ValueError),
    (poke("kernel", 0, 1), ValueError),
    (poke("kernel", 1, -1), ValueError),
    (poke("kernel_slope", 0, 1), ValueError),
    (poke("kernel_slope", 1, -128), ValueError),
    (put("kernel", np.zeros(N_TICKS, I8)), ValueError),
    (put("rest", 32_768), ValueError),
    (put("decay", -32_769), ValueError),
    (put("rate_shift", 31), ValueError),
    (put("error_shift", 4), ValueError),
    (put("error_shift", 26), ValueError),
    (poke("lfsr", 3, 0), ValueError),
    (put("lfsr", np.ones(3, U16)), ValueError),
    (put("silence", np.ones(20, I8)), TypeError),
    (put("feedback", "random", None), TypeError),  # has no random weights
]


def test_bad_networks():
    for change, error in BAD_NETWORKS:
        network = make_network((30, 20, 4), np.random.default_rng(0))
        FixedCore(network)
        change(network)
        with pytest.raises(error, match=change.says):
            FixedCore(network)


def test_bad_feedback():
    for kind, shape in (("random", (20, 8)), ("direct", (20, 4)), ("target", (20, 4))):
        network = make_network((30, 20, 8, 4), np.random.default_rng(0), feedback=kind)
        assert network.layers[0].feedback.shape == shape
        FixedCore(network)
        put("feedback", np.zeros((20, 5), I16))(network)
        with pytest.raises(ValueError, match="feedback must have shape"):
            FixedCore(network)
    network = make_network((30, 20, 4), np.random.default_rng(0), feedback="random")
    network.layers[0].feedback[2, 3] = 2048
    with pytest.raises(ValueError, match="feedback must be in"):
        FixedCore(network)


@pytest.fixture
def small():
    rng = np.random.default_rng(0)
    return FixedCore(make_network((30, 20, 4), rng)), make_events(10, 32, rng)


TRAIN = {
    "labels": np.zeros(10, np.uintp),
    "order": np.arange(9, dtype=np.uintp),
    "batch_size": 4,
    "gains": np.full(3, 200, U16),
    "rate_shifts": np.full((3, 2), 12, U8),
    "decays": np.zeros((3, 2), I16),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(9, np.uintp)}, "labels must have"),
        ({"labels": np.full(10, 4, np.uintp)}, "labels must be in"),
        ({"labels": np.zeros(10, np.int32)}, "mismatch"),
        ({"order": np.full(9, 10, np.uintp)}, "order must be in"),
        ({"batch_size": 0}, "batch_size must be in"),
        ({"batch_size": 2049}, "batch_size must be in"),
        ({"batch_size": 3, "order": np.arange(10, dtype=np.uintp)}, "gains must have"),
        ({"gains": np.full(3, 256, U16)}, "gains must be in"),
        ({"rate_shifts": np.full((3, 2), 31, U8)}, "rate_shifts must be in"),
        ({"rate_shifts": np.full((3, 1), 12, U8)}, "rate_shifts must have"),
        ({"decays": np.zeros((2, 2), I16)}, "decays must have"),
        ({"decays": np.zeros((3, 2), np.int32)}, "mismatch"),
    ],
)
def test_bad_training(small, change, message):
    c, events = small
    c.train(events, **TRAIN)
    before = c.network()
    with pytest.raises(ValueError, match=message):
        c.train(events, **TRAIN | change)
    assert_same_state(c, SimpleNamespace(network=lambda: before))


def test_batches_count_spikes_of_an_input(small):
    c, _ = small
    events = TickSpikes(
        np.array([3, 4], U16),
        np.array([1, 1], U16),
        np.zeros(10, np.uintp),
        np.full(10, 2, np.uintp),
        32,
    )
    one = {"order": np.zeros(1, np.uintp), "gains": TRAIN["gains"][:1]}
    one |= {name: TRAIN[name][:1] for name in ("rate_shifts", "decays")}
    c.train(events, **TRAIN | one | {"batch_size": 1024})
    with pytest.raises(ValueError, match=r"batch_size must be in \[1, 1024\]"):
        c.train(events, **TRAIN | one | {"batch_size": 1025})


def test_events_of_another_network(small):
    c, _ = small
    rng = np.random.default_rng(0)
    for other, message in (
        (make_events(5, 31, rng), "must be of 32 inputs"),
        (
            TickSpikes(
                np.array([N_TICKS], U16),
                np.zeros(1, U16),
                np.zeros(1, np.uintp),
                np.ones(1, np.uintp),
                32,
            ),
            "ticks",
        ),
    ):
        for call in (c.labels, c.run, lambda e: c.train(e, **TRAIN)):
            with pytest.raises(ValueError, match=message):
                call(other)
    for call in (c.labels, c.run):
        with pytest.raises(TypeError):
            call(None)


def test_instruction_sets():
    before = _fixed.simd()
    assert before in _fixed.simd_available()
    assert "baseline" in _fixed.simd_available()
    with pytest.raises(ValueError, match="unknown instruction set"):
        _fixed.use_simd("mmx")
    assert _fixed.simd() == before
