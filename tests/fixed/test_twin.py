"""The twin of docs/spec/fixed_point.md, compared with real numbers."""

from math import e

import fixed_twin
import numpy as np
import pytest
from cases import first_of
from fixed_networks import REGIMES
from fixed_twin import Plain

import ttfs

# -- Numbers -----------------------------------------------------------------------


def test_shift_register_visits_every_state_but_0():
    register, visited = 1, set()
    while register not in visited:
        visited.add(register)
        register = fixed_twin.step(register)
    assert register == 1
    assert visited == set(range(1, 65536))


def moved(changes, L, *, is_floor, register=1):
    """What one synapse after another, all of a neuron, makes of its change."""
    layer = Plain(
        {
            "weights": [[0] for _ in changes],
            "fraction": 0,
            "max_stored": 32767,
            "rest": 0,
            "decay": 0,
            "rate_shift": L,
            "lfsr": [register],
        }
    )
    sums = fixed_twin.Sums(layer)
    sums.rows = {i: [G] for i, G in enumerate(changes)}
    fixed_twin.update(layer, sums, is_floor)
    return np.ravel(layer.weights)


@pytest.mark.parametrize(
    ("L", "steps"),
    first_of([(3, -2.3), (20, 0.4), (16, -2.3), (3, 0.4), (16, 0.4), (20, -2.3)], 2),
)
def test_stochastic_rounding_is_unbiased(steps, L):
    # Over the period of a register, which has all numbers but 0.
    G = round(steps * 2**L)
    mean = moved([G] * 65535, L, is_floor=False).mean()
    assert abs(mean - G / 2**L) <= 1 / 65535


def test_floor_is_biased():
    G = np.random.default_rng(0).integers(-5000, 5000, 4000)
    steps = moved(G.tolist(), 8, is_floor=True)
    np.testing.assert_array_equal(steps, np.floor(G / 2**8))
    assert np.mean(steps - G / 2**8) == pytest.approx(-0.5, abs=0.03)


# -- Spike times -------------------------------------------------------------------


def first_above(u, height):
    """The first tick with u >= height, n_ticks without."""
    return np.vstack([u >= height, np.full(u.shape[1], True)]).argmax(axis=0)


@pytest.mark.parametrize("neuron", REGIMES.values(), ids=REGIMES)
def test_spikes_are_those_of_real_numbers(neuron):
    per_tau, n_in, n_out, levels = 16, 30, 40, 24.0
    tick, n_ticks = neuron.tau_syn / per_tau, 5 * per_tau
    rng = np.random.default_rng(3)
    mean, spread = e * levels * np.array([1.5, 2]) / n_in
    w = np.clip(np.rint(rng.normal(mean, spread, (n_in, n_out))), -63, 63)
    layer = Plain(
        {
            "weights": w.astype(int).tolist(),
            "bias_ticks": [],
            "fraction": 0,
            "lfsr": [1] * n_out,
            **fixed_twin.time_tables(neuron, tick, n_ticks, "table"),
            **fixed_twin.layer_numbers(neuron, tick, levels),
        }
    )
    unit = neuron.threshold / (e * float(fixed_twin.Kappa(neuron, tick).height))
    weights = w * unit / levels
    end = np.arange(n_ticks) * tick
    late, same = [], []
    for _ in range(3):
        ticks = rng.integers(0, 2 * per_tau, n_in)
        spikes = fixed_twin.input_spikes(layer, n_ticks, ticks.tolist())
        state = fixed_twin.run_layer(layer, n_ticks, spikes)
        got = np.array(state.ticks)

        # The membrane is off by less than two units for each tick with inputs.
        elapsed = end[:, None] - ticks * tick
        kappa = np.where(elapsed > 0, neuron.kappa(np.maximum(elapsed, 0)), 0)
        u = kappa @ weights / neuron.threshold * layer.threshold
        allowed = 2 * (1 + len(set(ticks.tolist())))
        assert (first_above(u, layer.threshold - allowed) <= got).all()
        assert (first_above(u, layer.threshold + allowed) >= got).all()
        fired = got < n_ticks
        error = np.array(state.u) - u[got * fired, range(n_out)]
        assert (np.abs(error[fired]) < allowed).all()

        exact = np.ceil(
            ttfs.first_spike(ticks[None] * tick, weights, neuron)[0] / tick - 1e-9
        )
        both = fired & (exact < n_ticks)
        late += (got - exact)[both].tolist()
        same += (fired == (exact < n_ticks)).tolist()
    assert len(late) > 50
    assert np.mean(np.abs(late) > 1) < 0.05
    assert np.mean(late) < 0.3
    assert np.mean(same) > 0.97
