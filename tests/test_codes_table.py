"""The table of benchmarks/codes.py: rows on little data, the file of results."""

import json
from dataclasses import replace

import codes
import pytest
from numpy.testing import assert_allclose

from ttfs.datasets import make_yin_yang

SMALL = {"hidden_layer_sizes": (8,), "max_iter": 3}


@pytest.fixture
def small(monkeypatch):
    """All rows with little data and small networks."""

    def load(is_validation):
        return make_yin_yang(60, random_state=0) + make_yin_yang(40, random_state=1)

    for name, row in codes.ROWS.items():
        parameters = {**row.parameters, **SMALL}
        changed = replace(row, load=load, parameters=parameters)
        monkeypatch.setitem(codes.ROWS, name, changed)
    monkeypatch.setattr(codes, "STEPS", (2, 20, 100))


@pytest.fixture
def run(monkeypatch):
    """A function that runs the benchmark with these options."""

    def run_with(*options):
        monkeypatch.setattr("sys.argv", ["codes.py", *map(str, options)])
        codes.main()

    return run_with


def test_all_rows(capsys, small, run, tmp_path):
    """Each row has its lines, and the file holds what the table shows."""
    path = tmp_path / "results.jsonl"
    run("--seeds", 2, "--results", path)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert list(dict.fromkeys(record["row"] for record in records)) == list(codes.ROWS)
    assert {record["seed"] for record in records} == {0, 1}
    for record in records:
        assert 0 <= record["accuracy"] <= 100
        if "events" in record:
            assert record["events"] > 0
            assert record["dense_macs"] == 4 * 8 + 8 * 3
    by_steps = [r for r in records if r["row"] == "rate" and r["seed"] == 0]
    dense = next(r for r in records if r["row"] == "dense" and r["seed"] == 0)
    for record in by_steps:
        loss = dense["accuracy"] - record["accuracy"]
        assert_allclose(record["loss"], loss, atol=1e-9)
    table = capsys.readouterr().out
    run("--show", path)
    again = capsys.readouterr().out
    assert again == table[table.index("\nttfs") :]


def test_only_what_is_missing_is_measured(capsys, small, run, tmp_path):
    path = tmp_path / "results.jsonl"
    run("--only", "dense", "--seeds", 1, "--results", path)
    first = path.read_text()
    run("--only", "dense", "exact", "--seeds", 2, "--results", path)
    second = path.read_text()
    assert second.startswith(first)
    lines = [json.loads(line) for line in second.splitlines()]
    held = [(line["row"], line["seed"]) for line in lines]
    assert held == [("dense", 0), ("dense", 1), ("exact", 0), ("exact", 1)]


def test_markdown(capsys, small, run, tmp_path):
    path = tmp_path / "results.jsonl"
    run("--only", "dense", "exact", "--seeds", 1, "--results", path)
    capsys.readouterr()
    run("--show", path, "--markdown")
    lines = capsys.readouterr().out.strip().splitlines()[1:]
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {len(codes.COLUMNS) + 1}


@pytest.mark.parametrize(
    ("name", "number", "value", "verdicts"),
    [
        ("s4nn", "published", 97.3, ["reached", "MISSED"]),
        ("s4nn", "published", 97.0, ["MISSED", "MISSED"]),
        ("nonleaky", "accuracy", 98.4, ["reached", "reached"]),
    ],
)
def test_targets(capsys, name, number, value, verdicts):
    row = codes.ROWS[name]
    codes.judge(row, [{"title": row.title, "accuracy": 50.0, number: value}])
    lines = capsys.readouterr().out.splitlines()
    found = [line for line in lines if "target" in line]
    assert ["reached" if "reached" in line else "MISSED" for line in found] == verdicts


def test_a_loss_must_not_exceed_its_target(capsys):
    row = codes.ROWS["rate"]
    losses = {"T = 100": 0.15, "T = 20": 1.2}
    codes.judge(
        row,
        [{"title": f"rate, {label}", "loss": loss} for label, loss in losses.items()],
    )
    lines = [line for line in capsys.readouterr().out.splitlines() if "target" in line]
    reached = ["reached" in line for line in lines]
    assert reached == [True, False, False, False]
