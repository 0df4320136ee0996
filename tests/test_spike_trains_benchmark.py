"""The tables of benchmarks/spike_trains.py, on layers that take no time."""

import re
import sys

import pytest
import spike_trains as benchmark

from ttfs.engines.trains.trainer import TrainsTrainer

busy_layer = benchmark.busy_layer


@pytest.fixture(autouse=True)
def little_work(monkeypatch):
    monkeypatch.setattr(benchmark, "SIZES", (30, 12, 8, 4))
    monkeypatch.setattr(benchmark, "N_SPIKES", 200)
    monkeypatch.setattr(benchmark, "BATCH", 5)
    monkeypatch.setattr(
        benchmark,
        "busy_layer",
        lambda n_samples=50, n_in=200, n_out=256, repeats=10: busy_layer(
            4, n_in, 6, repeats
        ),
    )


def test_the_command_prints_its_tables(monkeypatch, capsys):
    update = TrainsTrainer.epoch
    monkeypatch.setattr(sys, "argv", ["spike_trains.py", "--batches", "1"])
    benchmark.main()
    out = capsys.readouterr().out
    for what in ("for a spike", "100% fire", "gradient", "fired, most", "an epoch of"):
        assert what in out
    # At most 1, 2, ... 32 spikes; and a network with 32, 320 and 3200.
    allowed = [int(n) for n in re.findall(r"^ +(\d+) +\d", out, re.MULTILINE)]
    assert allowed[:9] == [1, 2, 4, 8, 16, 32, 32, 320, 3200]
    assert TrainsTrainer.epoch is update  # no clock is left in it
