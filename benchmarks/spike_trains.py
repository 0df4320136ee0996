"""What several spikes per neuron cost: time and memory, and where the time goes.

    python benchmarks/spike_trains.py [spikes | once | idle | epoch]

- spikes: one layer against the number of spikes of a neuron; both grow linearly
- once: max_spikes=1 against `first_spike`, which needs no list of spikes
- idle: the network of epoch with `max_spikes` far above what neurons fire
- epoch: a network 700 - 256 - 256 - 20 and generated samples of 5,000 input spikes, as
  spoken digits have in the Heidelberg set: the time of an epoch of 8,000 samples, from
  some batches, and the share of each phase

One thread, float32. Times are the least of some repetitions.
"""

import argparse
import itertools
import resource
import time
import tracemalloc

import numpy as np
from threadpoolctl import threadpool_limits

from ttfs import LIF, core, spike_trains, spike_trains_vjp
from ttfs.engines import FitState, Learning, Specification, Structure, choose
from ttfs.engines.trains import layers, trainer
from ttfs.engines.trains.events import Events
from ttfs.model import Network, first_spike, first_spike_vjp
from ttfs.model.geometry import geometries_of
from ttfs.parameters import CrossEntropy, ExactGradient

SIZES = 700, 256, 256, 20
N_SAMPLES, N_SPIKES, BATCH = 8_000, 5_000, 50
T_MAX = 50.0  # tau_syn
NEURON = LIF(2.0, 1.0, 1.0)


def least(function, repetitions=3):
    """The least time of a call in seconds, and what it returns."""
    times = []
    for _ in range(repetitions):
        begin = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - begin)
    return min(times), result


def peak_of(function):
    """The greatest memory of a call, beyond what was there before [bytes]."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def busy_layer(n_samples=50, n_in=200, n_out=256, repeats=10):
    """Inputs, and weights with which neurons fire more than 32 times."""
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, T_MAX, (n_samples, n_in, repeats)), axis=2)
    weights = rng.normal(0.06, 0.1, (n_in, n_out))
    return times.astype(np.float32), weights.astype(np.float32)


def against_spikes():
    """A layer of busy neurons that stop after more and more spikes.

    The experiment ends with the last possible spike of most neurons, so that inputs
    grow with spikes: time for each of both is what should not change.
    """
    times, weights = busy_layer()
    many = spike_trains(times, weights, NEURON, max_spikes=32, t_max=T_MAX)
    print("at most  fired   inputs  forward    back  for a spike  memory")
    for max_spikes in (1, 2, 4, 8, 16, 32):
        last = many[:, :, max_spikes - 1]
        t_max = float(np.median(last[np.isfinite(last)]))

        def forward(max_spikes=max_spikes, t_max=t_max):
            return spike_trains(
                times, weights, NEURON, max_spikes=max_spikes, t_max=t_max
            )

        seconds, spikes = least(forward)
        grad = np.ones_like(spikes)

        def back(spikes=spikes, grad=grad, t_max=t_max):
            return spike_trains_vjp(times, weights, spikes, grad, NEURON, t_max=t_max)

        seconds_back, _ = least(back)
        fired = np.isfinite(spikes).sum()
        n_inputs = (times < t_max).sum() / len(times)
        print(
            f"{max_spikes:7}{fired / spikes[..., 0].size:7.1f}{n_inputs:9.0f}"
            f"{1e3 * seconds:6.0f} ms{1e3 * seconds_back:5.0f} ms"
            f"{1e6 * (seconds + seconds_back) / fired:10.2f} us"
            f"{peak_of(lambda f=forward, b=back: (f(), b())) / 2**20:5.1f} MB"
        )


def against_first_spike():
    """The same first spikes from both functions."""
    times, weights = busy_layer(500, 200, 256, 1)
    once = np.ascontiguousarray(times[:, :, 0])
    weights = weights * np.float32(3)
    ours, spikes = least(lambda: spike_trains(once, weights, NEURON, max_spikes=1), 5)
    theirs, first = least(lambda: first_spike(once, weights, NEURON), 5)
    same = np.isfinite(first)
    difference = np.abs(spikes[:, :, 0][same] - first[same]).max()
    grad = np.ones_like(spikes)
    ours_back, _ = least(
        lambda: spike_trains_vjp(once, weights, spikes, grad, NEURON), 5
    )
    theirs_back, _ = least(
        lambda: first_spike_vjp(once, weights, first, grad[:, :, 0], NEURON), 5
    )
    print(f"{same.mean():.0%} fire, times differ by {difference:.1e} tau_syn at most")
    print("            spike_trains  first_spike  ratio")
    for name, a, b in (
        ("forward", ours, theirs),
        ("gradient", ours_back, theirs_back),
    ):
        print(f"{name:12}{1e3 * a:9.1f} ms{1e3 * b:10.1f} ms{a / b:7.2f}")


class Clock:
    """Seconds of each phase: functions that are replaced by ones that are timed.

    Leaving the context puts the functions back.
    """

    def __init__(self):
        self.seconds, self._before = {}, []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for owner, name, function in reversed(self._before):
            setattr(owner, name, function)

    def watch(self, owner, name, phase):
        """Time the calls of a function of a class or module."""
        function = getattr(owner, name)
        self._before.append((owner, name, function))

        def timed(*arguments, **options):
            begin = time.perf_counter()
            result = function(*arguments, **options)
            spent = time.perf_counter() - begin
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent
            return result

        setattr(owner, name, timed)


def network_that_learns(n_batches, max_spikes=32):
    """Engine and trainer of the network, a batch of its inputs, and an epoch of it."""
    rng = np.random.default_rng(0)
    structure = Structure(
        hidden_layer_sizes=SIZES[1:-1], tau_mem=(2.0,) * 3, tau_syn=1.0, threshold=1.0,
        delays=None, t_max=T_MAX, read_out="auto", encoder=None, arithmetic="float32",
        gradient=None, max_spikes=max_spikes,
    )  # fmt: skip
    learning = Learning(CrossEntropy(), ExactGradient(), None, 0.2, 1.0, "auto")
    engine = choose(Specification(structure, None, learning))
    n = BATCH * n_batches
    times = np.sort(rng.uniform(0, 0.9 * T_MAX, (n, N_SPIKES)), axis=1)
    inputs = rng.integers(0, SIZES[0], times.size).astype(np.uint32)
    begin = np.arange(n, dtype=np.uintp) * N_SPIKES
    spikes = core.Spikes(
        times.astype(np.float32).ravel(), inputs, begin, begin + N_SPIKES, SIZES[0] + 1
    )
    few = spikes.samples(np.arange(BATCH))
    geometries = geometries_of(SIZES[0], SIZES[1:])
    drawn = engine.draw_layers(
        np.random.RandomState(0), geometries, few, np.array([0.9]), T_MAX
    )
    network = Network(tuple(drawn), T_MAX)
    labels = rng.integers(0, SIZES[-1], n)
    learner = engine.trainer(
        network,
        FitState(seed=1),
        batch_size=BATCH,
        n_seen=N_SAMPLES,
        may_drop=np.zeros(SIZES[0], bool),
    )
    order, rates = np.arange(n), np.full(n_batches, 1e-3)
    return (
        engine,
        learner,
        few,
        lambda: learner.epoch(spikes, labels, order, BATCH, rates),
    )


def against_idle_spikes(n_batches):
    """Batches of the network against spikes that are allowed and do not fire."""
    print("at most  fired, most  a batch  memory")
    for max_spikes in (32, 320, 3200):
        engine, learner, few, learn = network_that_learns(n_batches, max_spikes)
        seconds, _ = least(learn, 2)
        fired = engine.runnable(learner.learned()).spike_times(few)
        most = max(int(np.isfinite(times).sum(axis=2).max()) for times in fired)
        print(
            f"{max_spikes:7}{most:13}{1e3 * seconds / n_batches:6.0f} ms"
            f"{peak_of(learn) / 2**20:5.0f} MB"
        )


def epoch(n_batches):
    """Time of an epoch of the network, and the share of each phase."""
    engine, learner, few, learn = network_that_learns(n_batches)
    with Clock() as clock:
        clock.watch(trainer.TrainsTrainer, "epoch", "all")
        clock.watch(trainer, "of_spikes", "events")
        clock.watch(trainer, "of_neurons", "events")
        clock.watch(Events, "by_slot", "events")
        clock.watch(layers.Spiking, "run", "forward")
        clock.watch(layers.Spiking, "back", "backward")
        clock.watch(layers.FirstOrPeak, "run", "forward, outputs")
        clock.watch(layers.FirstOrPeak, "back", "backward, outputs")
        clock.watch(trainer.TrainsTrainer, "_move", "Adam")
        clock.watch(trainer.TrainsTrainer, "_pull", "silence")
        learn()
    seconds = dict(clock.seconds)
    total, n = seconds.pop("all"), BATCH * n_batches
    fired = engine.runnable(learner.learned()).spike_times(few)
    rates = [np.isfinite(t).sum(axis=(1, 2)).mean() for t in fired[:-1]]
    shapes = itertools.pairwise(SIZES)
    for (n_in, n_out), rate in zip(shapes, [N_SPIKES, *rates], strict=True):
        print(f"{n_in:4} inputs, {n_out:3} neurons: {rate:7.0f} spikes arrive")
    print(f"{n_batches} batches of {BATCH}: {1e3 * total / n_batches:.0f} ms each")
    print(f"an epoch of {N_SAMPLES:,} samples: {total * N_SAMPLES / n:.1f} s")
    seconds["other"] = total - sum(seconds.values())
    for phase, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"  {phase:18}{spent / total:6.1%}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"greatest memory of the process: {peak:.0f} MB")


TABLES = "spikes", "once", "idle", "epoch"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", help=f"some of {', '.join(TABLES)}")
    parser.add_argument("--batches", type=int, default=4)
    arguments = parser.parse_args()
    what = arguments.what or TABLES
    if not set(what) <= set(TABLES):
        parser.error(f"tables are {', '.join(TABLES)}, got {' '.join(what)}")
    with threadpool_limits(1):
        if "spikes" in what:
            against_spikes()
        if "once" in what:
            against_first_spike()
        if "idle" in what:
            against_idle_spikes(arguments.batches)
        if "epoch" in what:
            epoch(arguments.batches)


if __name__ == "__main__":
    main()
