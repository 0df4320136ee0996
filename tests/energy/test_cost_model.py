"""Counts of activity, and what they cost: numbers that can be worked out by hand."""

import pickle
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
        ({"kind": "guessed"}, "kind must be one of derived, .*; got 'guessed'"),
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
    assert model.kind in {"measured", "published", "derived"}
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
    factor = 138 / (means["energy"] * 1e12)
    assert lines[-1].endswith(
        f"; dense: 138 pJ, as much if an event cost {factor:.3g} times as much"
    )
    assert replace(activity, cost_model=None).energy is None
    assert "energy" not in replace(activity, cost_model=None).summary()


def test_an_early_end_pays_for_events_until_the_decision():
    until = np.array([[3, 1], [2, 2], [9, 9]])
    spikes = np.array([[3, 2, 1], [4, 0, 1], [4, 4, 0]])
    activity = activity_of(n_events_to_decision=until, n_spikes_to_decision=spikes)
    causal = CostModel("a", event_energy=2.0, is_causal=True)
    assert_allclose(causal.energy(activity), 2 * activity.n_causal_events.sum(axis=1))
    early = replace(causal, stops_early=True)
    assert_allclose(early.energy(activity), [8, 8, 36])
    # Where neurons that have fired are driven too, no count says when it stopped.
    driven = replace(early, is_causal=False)
    assert_allclose(driven.energy(activity), 2 * activity.n_events.sum(axis=1))
    # Two biases besides.
    spiking = CostModel("a", spike_energy=1.0, stops_early=True)
    assert_allclose(spiking.energy(activity), [6 + 2, 5 + 2, 8 + 2])


def test_multiply_accumulates_cost_what_they_cost_or_as_much_as_events():
    activity = activity_of(n_macs=np.array([10, 20, 0]))
    events = activity.n_events.sum(axis=1)
    model = CostModel("a", event_energy=1.0, mac_energy=3.0)
    assert_allclose(model.energy(activity), events + np.array([30, 60, 0]))
    assert_allclose(
        replace(model, mac_energy=None).energy(activity), events + np.array([10, 20, 0])
    )
    share = activity.summary()["share of dense events"]
    until = activity.summary()["events until the decision"]
    assert_allclose(share, (until + 10) / 30)
    assert "and 10 multiply-accumulates: " in str(activity)


def test_codes_in_steps():
    """A rate code of 100 steps that decides after 20, 40 and 100 of them."""
    activity = activity_of(
        decision_times=np.array([20.0, 40.0, 100.0]),
        t_max=100.0,
        tau_syn=1.0,
        step=1.0,
    )
    # A step is 1 ms, whatever tau_syn the activity says: 16 ms by 16 steps.
    chip = CostModel("a", update_energy=0.5, steps=16, tau_syn=16e-3, fixed_latency=1.0)
    assert_allclose(chip.latency(activity), [1.020, 1.040, 1.100])
    assert_allclose(chip.duration(activity), 1.100)
    assert_allclose(chip.energy(activity), 0.5 * 7 * 100)
    early = replace(chip, stops_early=True, power=2.0)
    assert_allclose(early.duration(activity), [1.020, 1.040, 1.100])
    expected = [70 + 2.04, 140 + 2.08, 350 + 2.20]
    assert_allclose(early.energy(activity), expected)
    # Steps need no tau_syn to be counted, but to be timed.
    assert_allclose(replace(chip, tau_syn=None).energy(activity), 350)
    assert np.isnan(replace(chip, tau_syn=None).latency(activity)).all()
    # A chip without a clock has no such time, nor an energy by power.
    analog = COST_MODELS["brainscales2"]
    assert np.isnan(analog.latency(activity)).all()
    assert np.isnan(analog.energy(activity)).all()
    assert np.isfinite(COST_MODELS["cmos45-int8"].energy(activity)).all()
    assert_allclose(COST_MODELS["truenorth"].latency(activity), [0.02, 0.04, 0.1])
    assert activity.summary()["decision time"] == pytest.approx(160 / 3)
    assert "decision after 53.3 steps" in str(activity)
    assert "brainscales2: nan J" in str(replace(activity, cost_model=analog))


def test_dense_network_of_8_bits():
    """2.5 pJ for a weight, an eighth of a read, 0.1 pJ for the add, 0.2 pJ for the
    product."""
    until = np.array([[5, 1], [4, 2], [2, 1]])
    model = COST_MODELS["cmos45-int8"]
    activity = activity_of(n_events_to_decision=until, cost_model=model)
    assert_allclose(activity.energy, np.array([6, 6, 3]) * 2.6e-12)
    assert_allclose(activity.dense_energy, 30 * 2.8e-12)
    assert_allclose(activity.break_even, 30 * 2.8 / (5 * 2.6))
    # At that factor both cost the same.
    level = model.with_event_cost(activity.break_even)
    assert_allclose(level.energy(activity).mean(), activity.dense_energy)


def test_events_that_cost_twice_as_much():
    activity = activity_of(cost_model=COST_MODELS["loihi"])
    twice = COST_MODELS["loihi"].with_event_cost(2)
    more = 23.6e-12 * activity.n_events.sum(axis=1)
    assert_allclose(twice.energy(activity), activity.energy + more)
    assert (twice.name, twice.kind) == ("loihi, events x 2", "derived")
    assert activity.break_even is None
    assert replace(activity, cost_model=None).break_even is None
    # Updates of neurons are no events: 7 neurons, 24 steps of 0.5 J, are 84 J of 90.
    clocked = CostModel("a", event_energy=1, update_energy=0.5, steps=8, mac_energy=3)
    n_events = activity.n_events.sum() / 3
    expected = (30 * 3 - 84) / n_events
    assert_allclose(replace(activity, cost_model=clocked).break_even, expected)
    free = replace(clocked, event_energy=0.0)
    assert replace(activity, cost_model=free).break_even == np.inf


def test_activity_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"n_macs must .* \(3,\), got \(2,\)"):
        activity_of(n_macs=np.zeros(2))
    with pytest.raises(ValueError, match=r"n_events_to_decision .* \(3, 2\), got"):
        activity_of(n_events_to_decision=np.zeros((3, 3)))
    with pytest.raises(ValueError, match="step must be None, or positive; got 0"):
        activity_of(step=0)


def test_activity_of_older_versions_is_read():
    activity = activity_of()
    state = dict(vars(activity))
    for name in ("n_spikes_to_decision", "n_events_to_decision", "n_macs", "step"):
        del state[name]
    old = Activity.__new__(Activity)
    old.__setstate__(state)
    assert_allclose(old.n_spikes_to_decision, activity.n_spikes)
    assert_allclose(old.n_macs, 0)
    again = pickle.loads(pickle.dumps(activity))
    assert again.summary() == old.summary() == activity.summary()
