"""Training on spike times that are given: from a chip, or from other arithmetic."""

import numpy as np
import pytest
import twin
from cases import diagonal
from numpy.testing import assert_allclose, assert_array_equal
from training import (
    LOSSES,
    NEURONS,
    PSEUDO_SLOPE,
    T_MAX,
    all_arrays,
    assert_same_with_threads,
    assert_weights_close,
    draw_spikes,
    epoch,
    make_data,
    make_layers,
    run_both,
    simulate,
    trainers,
)

from ttfs import LIF
from ttfs.model import Layer

pytestmark = pytest.mark.usefixtures("every_simd")

DROPOUT = {"dropout": 0.3, "may_drop": np.arange(9) % 3 > 0, "seed": 7}
CHANGES = {
    "floor 0.3": {},
    "floor 0": {"min_slope": 0.0},
    "floor 3": {"min_slope": 3.0},
    "no silence penalty": {"silence_penalty": 0.0},
    "dropout": DROPOUT,
}


# ------------------------------------------------------------------ the gradient


@pytest.mark.parametrize(
    ("loss", "dtype", "changes"),
    diagonal(LOSSES, [np.float64, np.float32], {"all": {}, "dropout": DROPOUT}),
)
def test_own_spikes_train_like_none(dtype, loss, changes):
    layers = make_layers(LIF(), (9, 70, 21, 3), dtype)
    data = make_data(23, 9, 3, dtype)
    cores = [trainers(layers, loss, **changes)[0] for _ in range(2)]
    forwards = None, simulate(layers)
    # Losses and what they are made of have the same bits. Simulation knows that u is
    # the threshold at a spike, so u' is rounded otherwise, and with it the weights.
    first = [
        epoch(core, layers, data, 23, rate=0.0, forward=forward)
        for core, forward in zip(cores, forwards, strict=True)
    ]
    assert first[0] == first[1]
    rtol = 1e-10 if dtype == np.float64 else 2e-3
    for _ in range(1 if dtype == np.float32 else 3):
        got = [
            epoch(core, layers, data, 8, forward=forward)
            for core, forward in zip(cores, forwards, strict=True)
        ]
        assert_allclose(*got, rtol=rtol)
    for a, b, layer in zip(*(core.weights() for core in cores), layers, strict=True):
        moved = np.abs(a - layer.weights).max()
        assert moved > 0
        assert_allclose(a, b, rtol=0, atol=rtol * moved)


@pytest.mark.parametrize(("neuron", "changes"), diagonal(NEURONS, CHANGES))
def test_any_spikes_train_like_the_twin(neuron, changes):
    layers = make_layers(neuron, (9, 70, 21, 3))
    core, slow = trainers(layers, LOSSES["early"], **changes)
    measures = [draw_spikes(layers, 3, with_peaks=True) for _ in range(2)]
    run_both(core, slow, make_data(23, 9, 3), 5, measures=measures)
    assert slow.n_pulled > 10 or changes == {"silence_penalty": 0.0}
    assert_weights_close(core, slow, layers, 1e-9)


@pytest.mark.parametrize(
    ("loss", "sizes"), diagonal(LOSSES, [(6, 3), (1, 1, 1), (4, 8, 16, 32, 5)])
)
def test_other_networks_and_losses_train_like_the_twin(sizes, loss):
    layers = make_layers(LIF(1.7, 1.0), sizes)
    core, slow = trainers(layers, loss)
    measures = [draw_spikes(layers, 4) for _ in range(2)]
    run_both(core, slow, make_data(30, sizes[0], sizes[-1]), 7, measures=measures)
    assert_weights_close(core, slow, layers, 1e-9)


def test_large_batches_and_long_lists_train_like_the_twin():
    # More samples than are worked on at a time, events of more than one segment.
    layers = make_layers(LIF(0.2, 0.15), (200, 20, 4))
    core, slow = trainers(layers, LOSSES["cross-entropy"])
    measures = [draw_spikes(layers, 5) for _ in range(2)]
    data = make_data(300, 200, 4)
    run_both(core, slow, data, 290, n_epochs=1, measures=measures)
    assert_weights_close(core, slow, layers, 1e-10)


def lone_synapse(dtype, weight, at, **changes):
    """dL/dw as Adam has seen it, of one synapse with an input at 0.5 and L = at^2/2."""
    layer = Layer(np.array([[weight]], dtype), np.empty(0), LIF())
    loss = {"kind": "squared_error", "target_label": 0.0}
    core, _ = trainers([layer], loss, weight_decay=0.0, **changes)
    data = np.full((1, 1), 0.5, dtype), np.zeros(1, np.uintp), np.ones(1)
    value = epoch(core, [layer], data, 1, forward=lambda *_: [np.full((1, 1), at)])
    return value, core.state()["moments"][0][0][0, 0] / 0.1, core.weights()[0][0, 0]


@pytest.mark.parametrize(
    ("weight", "dtype"), diagonal([-2.0, 0.0, 0.5, 4.0], [np.float64, np.float32])
)
def test_spike_where_the_model_has_none_learns_with_the_floor(dtype, weight):
    at, min_slope = 1.25, 0.3
    kappa, slope = 0.75 * np.exp(-0.75), weight * 0.25 * np.exp(-0.75)
    rtol = 1e-6 if dtype == np.float32 else 1e-12
    value, grad, _ = lone_synapse(dtype, weight, at)
    assert_allclose(value, at**2 / 2, rtol=rtol)
    assert_allclose(grad, -at * kappa / max(slope, min_slope), rtol=rtol)
    if slope != 0:
        _, grad, _ = lone_synapse(dtype, weight, at, min_slope=0.0)
        assert_allclose(grad, -at * kappa / slope, rtol=rtol)


@pytest.mark.parametrize(
    ("at", "min_slope", "dtype"),
    diagonal([-3.0, 0.25, 0.5], [0.0, 0.3], [np.float64, np.float32]),
)
def test_spike_that_no_input_precedes_teaches_nothing(dtype, min_slope, at):
    value, grad, weight = lone_synapse(dtype, 2.0, at, min_slope=min_slope)
    assert_allclose(value, at**2 / 2, rtol=1e-6)
    assert (grad, weight) == (0.0, 2.0)


def test_measured_peaks_count_in_pseudo_times():
    layer = Layer(np.array([[1.0, 2.0, 3.0]]), np.empty(0), LIF(threshold=1.5))
    loss = {"kind": "squared_error", "target_label": 0.0, "target_other": 0.0}
    core, _ = trainers([layer], loss)
    data = np.zeros((1, 1)), np.zeros(1, np.uintp), np.ones(1)
    times, peaks = np.array([[np.inf, 1.0, T_MAX]]), np.array([[0.5, 7.0, 2.0]])
    value = epoch(core, [layer], data, 1, forward=lambda *_: ([times], peaks))
    decisions = np.array([T_MAX + PSEUDO_SLOPE * 1.0, 1.0, T_MAX])
    assert_allclose(value, np.sum(decisions**2) / 6, rtol=1e-14)


# ------------------------------------------------------------------ what is asked


def rounded(weights):
    """In steps of 1/8, exact in each precision."""
    return [np.rint(8 * w) / 8 for w in weights]


@pytest.mark.parametrize(
    "changes", [{}, {"local": {"kernel": "table", "feedback": "symmetric"}}]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_that_fired_have_the_gradient_and_others_learn(dtype, changes):
    layers = make_layers(LIF(), (9, 70, 21, 3), dtype)
    coarse = [
        Layer(w, layer.bias_times, layer.neuron)
        for w, layer in zip(rounded([a.weights for a in layers]), layers, strict=True)
    ]
    data = make_data(23, 9, 3, dtype)
    loss = LOSSES["cross-entropy"]
    plain = trainers(coarse, loss, weight_decay=0.0, **changes)[0]
    straight = trainers(layers, loss, weight_decay=0.0, **changes)[0]
    fire = simulate(layers, rounded)

    def forward(spikes, trainer):
        return fire(spikes, trainer), None, rounded(trainer.weights())

    losses = [
        epoch(plain, coarse, data, 23, forward=simulate(layers)),
        epoch(straight, layers, data, 23, forward=forward),
    ]
    assert losses[0] == losses[1]
    moves = [
        [w - layer.weights for w, layer in zip(core.weights(), before, strict=True)]
        for core, before in ((plain, coarse), (straight, layers))
    ]
    rtol = 1e-9 if dtype == np.float64 else 2e-3  # weights have been rounded
    for a, b in zip(*moves, strict=True):
        assert np.abs(a).max() > 0
        assert_allclose(a, b, rtol=0, atol=rtol * np.abs(a).max())
    # Moves too small to be seen in one rounding add up.
    before = straight.weights()
    for _ in range(3):
        epoch(straight, layers, data, 23, rate=1e-3, forward=forward)
    after = straight.weights()
    assert any((a != b).any() for a, b in zip(after, before, strict=True))


def test_a_trainer_fires_with_the_weights_that_learn():
    layers = make_layers(LIF(), (9, 21, 3))
    core = trainers(layers, LOSSES["cross-entropy"])[0]
    n_fired = []

    def forward(spikes, trainer):
        wanted = simulate(layers)(spikes, trainer)
        for a, b in zip(trainer.fire(spikes).times(), wanted, strict=True):
            assert_array_equal(a, b)
        n_fired.append(np.isfinite(wanted[0]).sum())
        return wanted, None, rounded(trainer.weights())

    epoch(core, layers, make_data(23, 9, 3), 8, forward=forward)
    assert len(n_fired) == 3
    assert min(n_fired) > 0


def test_weights_that_fired_are_checked():
    layers = make_layers(LIF(), (9, 21, 3), np.float32)
    data = make_data(8, 9, 3, np.float32)
    core = trainers(layers, LOSSES["cross-entropy"])[0]
    before = core.weights()
    for change, message in (
        (lambda w: w[:1], "weights of 2 layers, got 1"),
        (lambda w: [w[0], w[1].T], "layer 1 must have shape"),
        (lambda w: [w[0] * np.nan, w[1]], "layer 0 must be finite"),
    ):

        def forward(spikes, trainer, change=change):
            weights = change(trainer.weights())
            return simulate(layers)(spikes, trainer), None, weights

        with pytest.raises(ValueError, match=message):
            epoch(core, layers, data, 8, forward=forward)
        for a, b in zip(core.weights(), before, strict=True):
            assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("dtype", "changes"),
    diagonal([np.float64, np.float32], {"all": {}, "dropout": DROPOUT}),
)
def test_forward_gets_what_enters_the_network_and_the_trainer(dtype, changes):
    layers = make_layers(LIF(), (9, 20, 3), dtype)
    data = make_data(8, 9, 3, dtype)
    core, slow = trainers(layers, LOSSES["early"], **changes)
    seen, own = [], simulate(layers)

    def forward(spikes, trainer):
        assert trainer is core
        times = own(spikes, trainer)
        seen.append(spikes.dense())
        assert spikes.times.dtype == dtype
        for array in trainer.weights():
            array[:] = np.nan  # a copy
        return times

    epoch(core, layers, data, 3, forward=forward)
    assert [len(times) for times in seen] == [3, 3, 2]
    times = [data[0][:3], data[0][3:6], data[0][6:]]
    for step, (got, batch) in enumerate(zip(seen, times, strict=True)):
        if changes:
            key = twin.draw(slow.seed, step)
            may_drop = slow.may_drop
            batch = twin.drop_inputs(
                layers[0], batch, T_MAX, slow.dropout, may_drop, key
            )
        expected = twin.with_biases(layers[0], batch)
        assert_array_equal(got, np.where(expected < T_MAX, expected, np.inf))
    assert changes == {} or np.mean(np.concatenate(seen)[:, :9] == np.inf) > 0.3
    assert all(np.isfinite(w).all() for w in core.weights())


def test_samples_without_spikes():
    layer = Layer(np.ones((4, 3)), np.empty(0), LIF())
    core, _ = trainers([layer], LOSSES["early"])
    _, *rest = make_data(5, 4, 3)
    n_spikes = []

    def forward(spikes, trainer):
        n_spikes.append(spikes.n_spikes)
        return [np.ones((5, 3))]

    epoch(core, [layer], (np.full((5, 4), np.inf), *rest), 5, forward=forward)
    assert n_spikes == [0]
    assert_array_equal(core.weights()[0], layer.weights)


def test_bits_do_not_depend_on_threads(monkeypatch):
    layers = make_layers(LIF(), (30, 130, 70, 5), np.float32)
    data = make_data(400, 30, 5, np.float32)
    spikes = twin.spikes_of(data[0], layers[0].bias_times, T_MAX)
    dropout = {"dropout": 0.2, "may_drop": np.ones(30, bool)}

    def compute():
        core, _ = trainers(layers, LOSSES["early"], **dropout)
        loss = epoch(core, layers, data, 150, forward=draw_spikes(layers, 6))
        return [loss, *all_arrays(core, spikes)]

    assert_same_with_threads(monkeypatch, compute)


# ------------------------------------------------------------------ the border


class TestBorder:
    """What forward returns is looked at before anything moves."""

    def setup_method(self):
        self.layers = make_layers(LIF(), (4, 6, 3), np.float32)
        self.data = make_data(6, 4, 3, np.float32)
        self.core, _ = trainers(self.layers, LOSSES["early"])

    def returns(self, result):
        """An epoch in which forward fails in its second batch."""
        core, _ = trainers(self.layers, LOSSES["early"])
        once = tuple(array[:2] for array in self.data)
        epoch(core, self.layers, once, 2)
        results = iter([simulate(self.layers), result])

        def forward(spikes, trainer):
            result = next(results)
            return result(spikes, trainer) if callable(result) else result

        try:
            epoch(self.core, self.layers, self.data, 2, forward=forward)
        finally:
            # The first update is in place, the second has not begun.
            pairs = zip(self.core.weights(), core.weights(), strict=True)
            assert all(np.allclose(a, b, atol=1e-5) for a, b in pairs)
            assert [s[0] for s, _ in self.core.state()["steps"]] == [1, 1]
            # And the trainer is as before.
            assert np.isfinite(epoch(self.core, self.layers, self.data, 2))

    HIDDEN, OUTPUT = np.ones((2, 6)), np.full((2, 3), np.inf)

    @pytest.mark.parametrize(
        ("result", "message"),
        [
            ([HIDDEN], "spike times of 2 layers, got 1"),
            ([HIDDEN, OUTPUT, OUTPUT], "spike times of 2 layers, got 3"),
            ((HIDDEN, OUTPUT), r"layer 0 must have shape \(2, 6\), got \(6,\)"),
            (
                (HIDDEN, OUTPUT, OUTPUT, OUTPUT),
                "or a tuple of that and peaks, and perhaps weights, got a tuple of 4",
            ),
            ([HIDDEN[:1], OUTPUT], r"layer 0 must have shape \(2, 6\), got \(1, 6\)"),
            ([HIDDEN, OUTPUT.T], r"layer 1 must have shape \(2, 3\), got \(3, 2\)"),
            ([HIDDEN, 1.0], r"layer 1 must have shape \(2, 3\), got \(\)"),
            ([HIDDEN * np.nan, OUTPUT], "layer 0 must be finite or"),
            ([HIDDEN, -OUTPUT], "layer 1 must be finite or"),
            ([HIDDEN, OUTPUT + 1j], "layer 1 must be real numbers, not complex"),
            ([np.full((2, 6), "1"), OUTPUT], "layer 0 must be real numbers, not"),
            ([np.full((2, 6), None), OUTPUT], "layer 0 must be real numbers, not obj"),
            (([HIDDEN, OUTPUT], OUTPUT[:, :2]), r"peaks .* must have shape \(2, 3\)"),
            (([HIDDEN, OUTPUT], -OUTPUT), "peaks .* must be finite where"),
            (([HIDDEN, OUTPUT], OUTPUT * np.nan), "peaks .* must be finite where"),
        ],
        ids=str,
    )
    def test_bad_results(self, result, message):
        with pytest.raises(ValueError, match=message):
            self.returns(result)

    @pytest.mark.parametrize("result", [None, 3.0])
    def test_no_layers(self, result):
        with pytest.raises(TypeError, match="not iterable"):
            self.returns(result)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
    def test_errors_pass_through(self, error):
        def fail(spikes, trainer):
            raise error("unplugged")

        with pytest.raises(error, match="unplugged"):
            self.returns(fail)

    def test_arrays_of_other_types_and_orders(self):
        forward = simulate(self.layers)

        def other(spikes, trainer):
            hidden, output = forward(spikes, trainer)
            return hidden.astype(float, order="F"), output.tolist()

        expected = epoch(self.core, self.layers, self.data, 2, forward=forward)
        core, _ = trainers(self.layers, LOSSES["early"])
        got = epoch(core, self.layers, self.data, 2, forward=lambda *a: list(other(*a)))
        assert got == expected
        for a, b in zip(core.weights(), self.core.weights(), strict=True):
            assert_array_equal(a, b)

    def test_whole_numbers_are_times(self):
        ticks = [np.ones((6, 6), np.int8), np.full((6, 3), 2, np.uint16)]
        got = epoch(self.core, self.layers, self.data, 6, forward=lambda *_: ticks)
        core, _ = trainers(self.layers, LOSSES["early"])
        times = [array.astype(float) for array in ticks]
        assert got == epoch(core, self.layers, self.data, 6, forward=lambda *_: times)

    @pytest.mark.parametrize("shape", [(7,), (7, 6)], ids=str)
    def test_delays(self, shape):
        self.layers[0].delays = np.zeros(shape, np.float32)
        core, _ = trainers(self.layers, LOSSES["early"])
        with pytest.raises(ValueError, match="layers with delays"):
            epoch(core, self.layers, self.data, 2, forward=simulate(self.layers))

    def test_forward_cannot_train_the_trainer_that_asks(self):
        def forward(spikes, trainer):
            epoch(self.core, self.layers, self.data, 2)

        with pytest.raises(RuntimeError, match="in an epoch already"):
            self.returns(forward)
