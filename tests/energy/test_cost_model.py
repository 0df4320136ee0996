"""Counts of activity, and what they cost: numbers that can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ttfs.energy import COST_MODELS, Activity, CostModel


def activity_of(sizes=(4, 5, 2), n_samples=3, **changes):
    n_layers = len(sizes) - 1
    rng = np.random.RandomState(0)
    n_events = rng.randint(50, 90, (n_samples, n_layers))
    counts = {
        "n_spikes": rng.randint(1, 4, (n_samples, n_layers + 1)),
        "n_bias_spikes": np.ones((n_samples, n_layers), int),
        "n_events": n_events,
        "n_causal_events": n_events - 20,
        "decision_times": np.array([1.0, 3.0, 6.0])[:n_samples],
        "is_undecided": np.array([False, False, True])[:n_samples],
        "is_read_out": np.array([False, True, False])[:n_samples],
        "t_max": 6.0,
        "tau_syn": 2.0,
    }
    return Activity(sizes, **(counts | changes))


def test_energy_is_the_sum_of_its_parts():
    activity = activity_of()
    n_events = activity.n_events.sum(axis=1)
    n_spikes = activity.n_spikes.sum(axis=1) + 2
    assert_allclose(CostModel("a", event_energy=3.0).energy(activity), 3 * n_events)
    causal = CostModel("a", event_energy=3.0, is_causal=True)
    assert_allclose(causal.energy(activity), 3 * (n_events - 40))
    assert_allclose(CostModel("a", spike_energy=2.0).energy(activity), 2 * n_spikes)
    assert_allclose(CostModel("a", inference_energy=2.0).energy(activity), 2)
    # 7 neurons, 8 steps of each of 3 tau_syn
    clocked = CostModel("a", update_energy=0.5, steps=8)
    assert_allclose(clocked.energy(activity), 0.5 * 7 * 24)
    # 3 tau_syn of 10 s
    powered = CostModel("a", power=0.1, tau_syn=10.0)
    assert_allclose(powered.energy(activity), 3.0)
    parts = dict(
        event_energy=3.0,
        spike_energy=2.0,
        inference_energy=2.0,
        update_energy=0.5,
        steps=8,
        power=0.1,
        tau_syn=10.0,
    )
    assert_allclose(
        CostModel("all", **parts).energy(activity),
        3 * n_events + 2 * n_spikes + 2 + 84 + 3,
    )


def test_latency_and_duration():
    activity = activity_of()
    model = CostModel("a", tau_syn=10.0, fixed_latency=1.0)
    assert_allclose(model.latency(activity), [6, 16, 31])
    assert_allclose(model.duration(activity), 31)
    early = replace(model, stops_early=True, min_duration=12.0, power=2.0)
    assert_allclose(early.duration(activity), [12, 16, 31])
    assert_allclose(early.energy(activity), [24, 32, 62])
    noisy = activity_of(decision_times=np.array([-1.0, 0.0, 6.0]))
    assert_allclose(model.latency(noisy), [1, 1, 31])
    hasty = CostModel("a", tau_syn=10.0, power=2.0, stops_early=True)
    assert_allclose(hasty.energy(noisy), [0, 0, 60])
    hasty = CostModel("a", update_energy=0.5, steps=8, stops_early=True)
    assert_allclose(hasty.energy(noisy), [0, 0, 84])
    timeless = CostModel("a", min_duration=2.0, power=0.5)
    assert np.isnan(timeless.latency(activity)).all()
    assert_allclose(timeless.energy(activity), 1.0)
    assert np.isnan(CostModel("a").duration(activity)).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"event_energy": -1.0}, "event_energy must be a finite number.*got -1.0"),
        ({"tau_syn": np.inf}, "tau_syn must be a finite"),
        ({"spike_energy": None}, "spike_energy must be a finite"),
        ({"power": "1 W"}, "power must be a finite number, not negative; got '1 W'"),
        ({"power": 1.0}, "power=1 needs a time"),
        ({"update_energy": 1.0}, "update_energy=1 needs steps"),
    ],
    ids=str,
)
def test_bad_cost_models(parameters, message):
    with pytest.raises(ValueError, match=message):
        CostModel("bad", **parameters)


def test_published_rate_and_energy_of_brainscales2():
    """The model has power and time alone: 20,800 images per second at 8.4 µJ."""
    model = COST_MODELS["brainscales2"]
    activity = activity_of((256, 246, 10), t_max=2.0, tau_syn=1.0)
    assert_allclose(model.energy(activity), 8.4e-6, rtol=1e-9)
    assert_allclose(1 / model.duration(activity), 20_800)
    # A long experiment takes longer: 10 tau_syn of 6 µs.
    slow = activity_of((256, 246, 10), t_max=10.0, tau_syn=1.0)
    assert_allclose(model.energy(slow), 8.4e-6 * 20_800 * 60e-6)


@pytest.mark.parametrize("name", COST_MODELS)
def test_presets_have_a_source_and_give_an_energy(name):
    model = COST_MODELS[name]
    assert model.name == name
    assert "(20" in model.source
    activity = activity_of(cost_model=model)
    assert (activity.energy > 0).all()
    assert name in str(activity)


def test_summary_and_table():
    activity = activity_of(cost_model=COST_MODELS["cmos45-float32"])
    means = activity.summary()
    assert means["hidden spikes"] == activity.n_spikes[:, 1].mean()
    assert means["dense events"] == 4 * 5 + 5 * 2
    assert_allclose(means["decision time"], 10 / 3 / 2)
    assert_allclose(means["undecided"], 1 / 3)
    assert_allclose(means["decided by the read-out"], 1 / 3)
    assert "33.3 % by the read-out, 33.3 % without an output spike" in str(activity)
    assert_allclose(means["energy"], 0.9e-12 * means["causal events"])
    assert_allclose(activity.dense_energy, 30 * 4.6e-12)
    lines = str(activity).splitlines()
    assert lines[0] == "network 4-5-2, 3 samples, means (until: until the decision)"
    assert [line.split()[0] for line in lines[2:5]] == ["input", "hidden", "output"]
    assert lines[-1].endswith("dense: 138 pJ")
    assert replace(activity, cost_model=None).energy is None
    assert "energy" not in replace(activity, cost_model=None).summary()
