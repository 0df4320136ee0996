"""Chip in the loop: accuracy on mismatched chips, speed of the emulator, lost servers.

    python benchmarks/chip.py [--only ROW ...] [--seeds N] [--validation]

A row is a mean over chips, one for each seed: of the network trained on the chip, and
beside it of the same network trained without one (ideal), and then run on the chip
(naive). Accuracy is that of `score`, where the model decides if no output fires;
"by spikes" counts such samples as wrong. Parameters that are not the defaults are
printed; they were chosen on validation data, as those of accuracy.py: `--validation`
scores on such data. MNIST as there. Needs the extras `bench` and `remote`.
"""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import cache

import numpy as np
from _common import (
    MNIST_16,
    YIN_YANG,
    changes,
    clock,
    mean_and_deviation,
    mnist_16,
    run,
    seeds,
    verdict,
    yin_yang,
)

from ttfs import TTFSClassifier
from ttfs import core as _core
from ttfs.substrates import AnalogChip, Clocked, Ideal, Remote

# Data and parameters of TTFSClassifier.
WORK = {
    "Yin-Yang": (yin_yang, YIN_YANG),
    "MNIST 16x16": (mnist_16, MNIST_16),
}
CALIBRATION = 500  # samples of the training set that a chip is calibrated with


@dataclass
class Row:
    """One line of the table: chips on one data set."""

    work: str
    data: str
    chip: dict  # parameters, or the name of a preset
    must: float = None  # by spikes
    published: str = ""
    loss: float = None  # may be lost against the ideal [points]
    calibrated: str = ""  # what is done on calibrated chips too

    def make_chip(self, seed):
        if isinstance(self.chip, str):
            return AnalogChip.preset(self.chip, random_state=seed)
        return AnalogChip(**self.chip, random_state=seed)


ROWS = {
    "yin-yang": Row(
        "Yin-Yang on the published noise set",
        "Yin-Yang",
        "delgrad",
        97.2,
        "95.0 on chip",
        calibrated="naive, in the loop",
    ),
    "mnist-16": Row(
        "MNIST 16x16, 256-246-10",
        "MNIST 16x16",
        {
            "weight_bits": 6,
            "weight_clip": 1.0,
            "threshold_spread": 0.05,
            "tau_mem_spread": 0.1,
            "tau_syn_spread": 0.1,
            "spike_jitter": 0.01,
            "max_inputs": 256,
            "max_neurons": 256,
        },
        97.4,
        "96.9 on chip",
        calibrated="naive",
    ),
    "taus": Row(
        "Yin-Yang, 20 % spread of time constants",
        "Yin-Yang",
        {"tau_mem_spread": 0.2, "tau_syn_spread": 0.2},
        loss=1.0,
    ),
    "thresholds": Row(
        "Yin-Yang, 10 % spread of thresholds",
        "Yin-Yang",
        {"threshold_spread": 0.1},
        loss=1.0,
    ),
    # An input's weight is that of five synapses, as in the published wiring.
    "bits": Row(
        "Yin-Yang, 4-bit weights, five synapses for each input",
        "Yin-Yang",
        {"weight_bits": 4, "weight_clip": 0.7, "rows_per_input": 5},
        loss=0.7,
    ),
    "bits-1": Row(
        "Yin-Yang, 4-bit weights, one synapse for each input",
        "Yin-Yang",
        {"weight_bits": 4, "weight_clip": 3.0},
        loss=0.7,
    ),
    "clocked": Row("Yin-Yang, time steps of 0.01 tau", "Yin-Yang", None),
    "calibration": Row(
        "Yin-Yang, coarse weights, mismatch, and thresholds that are too high",
        "Yin-Yang",
        {
            "weight_bits": 6,
            "weight_clip": 3.0,
            "threshold_spread": 0.05,
            "threshold_offset": 0.05,
            "tau_mem_spread": 0.1,
            "tau_syn_spread": 0.1,
            "spike_jitter": 0.01,
        },
        calibrated="naive, in the loop",
    ),
}


@cache
def ideal(data, seed, is_validation):
    """A network trained without a chip, and its accuracies."""
    load, parameters = WORK[data]
    X, y, X_test, y_test = load(is_validation)
    model = TTFSClassifier(random_state=seed, **parameters).fit(X, y)
    return model, score(model, X_test, y_test)


def score(model, X, y):
    """Accuracy in %, and by spikes: where no output fires a sample is wrong."""
    return 100 * model.score(X, y), 100 * model.first_spike_score(X, y)


def on_chip(model, chip, X, y):
    """Accuracies of a trained network on a chip."""
    scores = score(model.set_params(substrate=chip), X, y)
    model.set_params(substrate=None)
    return scores


def show(name, scores):
    (mean, by_spikes), deviation = mean_and_deviation(scores)
    print(
        f"  {name:22s} {mean:.2f} ± {deviation[0]:.2f} %, "
        f"by spikes {by_spikes:.2f} ± {deviation[1]:.2f} %   each: "
        + ", ".join(" ".join(f"{x:.2f}" for x in row) for row in np.transpose(scores))
    )


def report(row, n_seeds, is_validation):
    load, parameters = WORK[row.data]
    X, y, X_test, y_test = load(is_validation)
    scores = {}
    seconds = []

    def note(name, accuracies):
        scores.setdefault(name, []).append(accuracies)

    for seed in seeds(n_seeds, is_validation):
        chip = Clocked(0.01) if row.chip is None else row.make_chip(seed)
        start = time.perf_counter()
        model = TTFSClassifier(random_state=seed, substrate=chip, **parameters)
        note("in the loop", score(model.fit(X, y), X_test, y_test))
        seconds.append(time.perf_counter() - start)
        trained, accuracies = ideal(row.data, seed, is_validation)
        note("ideal", accuracies)
        note("naive", on_chip(trained, chip, X_test, y_test))
        if not row.calibrated:
            continue
        trained.set_params(substrate=chip)
        better = trained.calibrate(X[:CALIBRATION], random_state=seed).compensate(chip)
        note("naive, calibrated", on_chip(trained, better, X_test, y_test))
        if "in the loop" not in row.calibrated:
            continue
        model = TTFSClassifier(random_state=seed, substrate=better, **parameters)
        note("in the loop, calibrated", score(model.fit(X, y), X_test, y_test))
    print(f"\n{row.work}: {changes(parameters)}\n  on {chip!r}")
    for name, values in scores.items():
        show(name, values)
    print(f"  training in the loop   {np.mean(seconds):.0f} s")
    if row.published:
        print(f"  published              {row.published}")
    reached = np.mean(scores["in the loop"], axis=0)
    if row.must is not None:
        verdict("accuracy by spikes", reached[1] >= row.must, f"{row.must:.2f}")
    lost = np.mean(scores["ideal"], axis=0)[0] - reached[0]
    print(f"  lost in the loop       {lost:.2f} points")
    if row.loss is not None:
        verdict("loss", lost <= row.loss, f"{row.loss:.2f}")
    print(end="", flush=True)


# -- Speed -------------------------------------------------------------------------


def speed(is_validation):
    """Images per second through the emulated 256-246-10 chip, one thread."""
    X, y, X_test, _ = mnist_16(is_validation)
    parameters = {**MNIST_16, "max_iter": 3, "random_state": 0}
    model = TTFSClassifier(**parameters).fit(X[:10_000], y[:10_000])
    times = model.spike_times(X_test)[0].astype(np.float32)
    network = model.network_
    chip = ROWS["mnist-16"].chip
    plain = {k: v for k, v in chip.items() if not k.startswith("tau")}
    substrates = {
        "ideal": Ideal(),
        "thresholds, jitter": AnalogChip(**plain),
        "every noise": AnalogChip(
            **plain,
            threshold_drift=0.02,
            threshold_jitter=0.02,
            spurious_rate=0.01,
            time_resolution=1e-3,
            dead_neurons=0.01,
        ),
        "own time constants": AnalogChip(**chip),
    }
    seconds = {name: [] for name in substrates}
    for _ in range(9):
        for name, substrate in substrates.items():
            seconds[name].append(clock(substrate.forward, times, network))
    print(f"\nImages through 256-246-10, one thread, {_core.simd()} (median of 9)")
    seconds = {name: np.array(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        ratio = np.median(values / seconds["ideal"])
        rate = len(times) / np.median(values)
        print(f"  {name:22s} {rate:,.0f} images/s, {ratio:.2f} of the ideal time")
    ratio = [np.median(values / seconds["ideal"]) for values in seconds.values()]
    slowest = len(times) / np.median(seconds["own time constants"])
    verdict("rate", slowest > 20_800, "20,800 images/s")
    verdict("noise", max(ratio[1:3]) <= 2, "2.0")
    verdict("taus", ratio[3] <= 4, "4.0")


# -- Lost servers ------------------------------------------------------------------

KILLS = 20


class Mortal:
    """A chip server that is killed again and again, and started anew."""

    def __init__(self, path, preset, seed):
        self.command = [sys.executable, "-m", "ttfs", "serve", "--socket", path]
        self.command += ["--preset", preset, "--set", f"random_state={seed}"]
        self.path, self.n_kills, self.stopped = path, 0, threading.Event()
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        while not os.path.exists(self.path):
            time.sleep(0.05)

    def run(self, seconds):
        """Kill and restart, each time after so many seconds of service."""
        while self.n_kills < KILLS and not self.stopped.wait(seconds):
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.n_kills += 1
            if os.path.exists(self.path):
                os.unlink(self.path)
            self.start()

    def stop(self):
        self.stopped.set()
        self.process.kill()
        self.process.wait()


def kills(is_validation):
    """A training run whose chip server is killed 20 times, and one without."""
    logging.getLogger("ttfs.substrates").setLevel(logging.ERROR)  # no news of retries
    X, y, X_test, y_test = yin_yang(is_validation)
    parameters = {**YIN_YANG, "random_state": 0}
    chip = AnalogChip.preset("delgrad", random_state=0)
    start = time.perf_counter()
    calm = TTFSClassifier(substrate=chip, **parameters).fit(X, y)
    seconds = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "chip")
        server = Mortal(path, "delgrad", 0)
        killer = threading.Thread(target=server.run, args=(seconds / (2 * KILLS),))
        with Remote(path, retries=30) as remote:
            model = TTFSClassifier(substrate=remote, **parameters)
            killer.start()
            try:
                start = time.perf_counter()
                model.fit(X, y)
                took = time.perf_counter() - start
            finally:
                server.stopped.set()
                killer.join()
                reached = 100 * model.score(X_test, y_test)
                server.stop()
    pairs = zip(model.coefs_, calm.coefs_, strict=True)
    same = all(np.array_equal(a, b) for a, b in pairs)
    expected = 100 * calm.score(X_test, y_test)
    print(f"\nYin-Yang on 'delgrad', the server killed {server.n_kills} times in a fit")
    print(f"  undisturbed            {expected:.2f} %, {seconds:.0f} s")
    print(f"  killed                 {reached:.2f} %, {took:.0f} s")
    verdict("kills", server.n_kills == KILLS, f"{KILLS}")
    verdict("weights", same, "the same bits")


SPECIAL = {"speed": speed, "kills": kills}


if __name__ == "__main__":
    run(__doc__, ROWS, report, special=SPECIAL, n_seeds=5)
