"""The command ``ttfs codes``."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from failing import Failing, Interrupted
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from ttfs import TTFSClassifier
from ttfs.cli.codes import measure as measures
from ttfs.cli.codes.measure import Point, Settings, with_time
from ttfs.cli.codes.methods import METHODS
from ttfs.cli.codes.results import Row, plot
from ttfs.cli.data import load_data
from ttfs.cli.main import main
from ttfs.cli.runs import Task
from ttfs.energy import COST_MODELS

HIDDEN = 8
N_SPLITS = 3
N_MACS = 4 * HIDDEN + HIDDEN * 3
MODEL = COST_MODELS["cmos45-int8"]


@pytest.fixture
def command(tmp_path, monkeypatch):
    """A function that runs the command on a part of iris, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    X, y = load_iris(return_X_y=True)
    np.savez("flowers.npz", X=X[::2], y=y[::2])

    def run(options=""):
        fixed = f"codes flowers.npz --hidden {HIDDEN} --cv {N_SPLITS} --jobs 1"
        return main([*fixed.split(), *options.split()])

    return run


@pytest.fixture
def results(command, tmp_path):
    """A function that runs the command, and returns what it writes to a .json file."""

    def run(options=""):
        assert command(f"{options} --out out.json") == 0
        return json.loads((tmp_path / "out.json").read_text())

    return run


@pytest.fixture
def replaced(monkeypatch):
    """A function that puts a model in the place of that of a method."""

    def replace_model(key, model):
        method = replace(METHODS[key], make=lambda *_, **options: model)
        monkeypatch.setitem(METHODS, key, method)

    return replace_model


def splits():
    """The splits of the command, with scaled features."""
    X, y = load_iris(return_X_y=True)
    X, y = X[::2], y[::2]
    folds = StratifiedKFold(N_SPLITS, shuffle=True, random_state=0)
    for train, test in folds.split(X, y):
        scaler = StandardScaler().fit(X[train])
        yield scaler.transform(X[train]), y[train], scaler.transform(X[test]), y[test]


def table(output):
    """Rows of the final table as {title: texts of the other columns}."""
    body = output[output.rindex("\ndata ") : output.rindex("\n----")]
    rows = [line.split("  ") for line in body.splitlines()[3:]]
    texts = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    return {row[1]: row[2:] for row in texts if len(row) > 1}


# ----------------------------------------------------------------- methods and counts


def test_all_methods(capsys, command):
    assert command("--max-iter 3 --steps 5,2") == 0
    output = capsys.readouterr()
    assert output.err == ""
    labels = {
        "rate": ["T = 2", "T = 5"],
        "sparse": ["0.5", "0.8", "0.9"],
        "narrow": ["1/3", "1/5"],
    }
    titles = [
        " ".join([method.title, label]).strip()
        for key, method in METHODS.items()
        for label in labels.get(key, [""])
    ]
    rows = table(output.out)
    assert list(rows) == titles
    for row in rows.values():
        assert 0 <= float(row[0].split()[0]) <= 100
    for title in titles:  # once when it is finished, once in the table
        assert output.out.count(f" {title} ") >= 2
    assert "flowers.npz: networks 4-8-3, 50 training and 25 test samples" in output.out


def test_dense_network(results):
    """It is counted in multiply-accumulates, three for each weight in training."""
    found = results("--methods dense --max-iter 3")["results"]
    assert [row["split"] for row in found] == [1, 2, 3]
    for row, (X, y, X_test, y_test) in zip(found, splits(), strict=True):
        model = MLPClassifier(HIDDEN, max_iter=3, random_state=0)
        with pytest.warns(ConvergenceWarning):
            model.fit(X, y)
        assert row["accuracy"] == model.score(X_test, y_test)
        assert row["macs"] == row["dense_macs"] == N_MACS
        assert row["training_macs"] == 3 * N_MACS - 4 * HIDDEN
        assert_allclose(row["energy"], N_MACS * MODEL.mac_energy, rtol=1e-12)
        assert row["epochs"] == 3
        for name in ("events", "spikes", "latency", "decision", "training_events"):
            assert row[name] is None


def test_first_spikes(results):
    """The counts are those of the activity of the same model."""
    found = results("--methods exact --max-iter 5 --event-cost 3")["results"]
    for row, (X, y, X_test, y_test) in zip(found, splits(), strict=True):
        model = TTFSClassifier(HIDDEN, max_iter=5, random_state=0).fit(X, y)
        assert row["accuracy"] == model.first_spike_score(X_test, y_test)
        activity = model.activity(X_test, MODEL)
        assert_allclose(row["events"], activity.n_events_to_decision.sum() / 25)
        assert_allclose(row["spikes"], activity.n_spikes_to_decision.sum() / 25)
        hidden = activity.n_spikes_to_decision[:, 1].mean()
        assert_allclose(row["hidden_spikes"], hidden)
        assert_allclose(row["decision"], activity.decision_times.mean(), rtol=1e-6)
        assert row["unit"] == "tau_syn"
        assert row["by_read_out"] == activity.is_read_out.mean()
        assert row["undecided"] == activity.is_undecided.mean()
        assert row["published"] is row["strict"] is None
        assert_allclose(row["energy"], activity.energy.mean(), rtol=1e-12)
        dear = replace(MODEL, event_energy=3 * MODEL.event_energy)
        expected = dear.energy(activity).mean()
        assert_allclose(row["energy_at_event_cost"], expected, rtol=1e-12)
        level = replace(MODEL, event_energy=row["break_even"] * MODEL.event_energy)
        expected = N_MACS * MODEL.mac_energy
        assert_allclose(level.energy(activity).mean(), expected, rtol=1e-9)
        # forward and change, and back through the second layer
        causal = model.activity(X).n_causal_events.mean(axis=0)
        expected = 2 * causal[0] + 3 * causal[1]
        assert_allclose(row["training_events"], expected, rtol=1e-12)


def test_narrow_networks(results):
    """Their counts are those of a network with fewer neurons."""
    found = results("--models narrow --max-iter 3")["results"]
    assert [row["label"] for row in found[::N_SPLITS]] == ["1/3", "1/5"]
    for n_hidden, rows in zip(
        (3, 2), (found[:N_SPLITS], found[N_SPLITS:]), strict=True
    ):
        for row, (X, y, X_test, y_test) in zip(rows, splits(), strict=True):
            model = TTFSClassifier(n_hidden, max_iter=3, random_state=0).fit(X, y)
            assert row["accuracy"] == model.first_spike_score(X_test, y_test)
            assert row["dense_macs"] == (4 + 3) * n_hidden
            events = model.activity(X_test).n_events_to_decision.sum() / 25
            assert_allclose(row["events"], events)


def test_ties_of_s4nn(capsys, results):
    """They count as right, as wrong, and by the membrane, which is between both."""
    found = results("--models s4nn --max-iter 3")
    rows = found["results"]
    for row, (X, y, X_test, y_test) in zip(rows, splits(), strict=True):
        model = METHODS["s4nn"].make((HIDDEN,), 0, len(X), max_iter=3).fit(X, y)
        assert row["published"] == model.published_score(X_test, y_test)
        assert row["strict"] == model.strict_score(X_test, y_test)
        assert row["strict"] <= row["accuracy"] <= row["published"]
    published = 100 * np.mean([row["published"] for row in rows])
    strict = 100 * np.mean([row["strict"] for row in rows])
    output = capsys.readouterr().out
    assert f"S4NN: accuracy {published:.1f} % if outputs that are first tog" in output
    assert f"\n  {strict:.1f} % if none of them does\n" in output


def test_target_projection_passes_nothing_back():
    """Each hidden neuron gets one number instead of those of its synapses."""
    activity = TTFSClassifier(HIDDEN, max_iter=1, random_state=0)
    X, y, *_ = next(splits())
    activity = activity.fit(X, y).activity(X)
    causal = activity.n_causal_events.mean(axis=0)
    back, without = (
        measures.training_counts(activity, passes_errors_back=is_back)
        for is_back in (True, False)
    )
    assert back["training_spikes"] == without["training_spikes"]
    difference = back["training_events"] - without["training_events"]
    assert_allclose(difference, causal[1] - HIDDEN, rtol=1e-9)


def test_rate_code(results):
    """A row for each number of steps, of one network; more steps are more events."""
    content = results("--methods rate,dense --steps 8,2,64 --max-iter 20")
    rows = [row for row in content["results"] if row["method"] == "rate"]
    assert [row["label"] for row in rows[::N_SPLITS]] == ["T = 2", "T = 8", "T = 64"]
    events = np.array([row["events"] for row in rows]).reshape(3, N_SPLITS)
    assert (np.diff(events, axis=0) > 0).all()
    assert [row["decision"] for row in rows[::N_SPLITS]] == [2, 8, 64]
    assert {row["unit"] for row in rows} == {"steps"}
    of_mlp = [row for row in content["results"] if row["method"] == "dense"]
    for row, dense in zip(rows[-N_SPLITS:], of_mlp, strict=True):
        assert row["training_macs"] == dense["training_macs"]


def test_curves(results):
    """At the end all are decided that ever are, and all events have happened."""
    content = results("--methods exact,s4nn,sparse --max-iter 5")
    keys = [(curve["method"], curve["label"]) for curve in content["curves"]]
    sparse = [("sparse", label) for label in ("0.5", "0.8", "0.9")]
    assert keys == [("s4nn", ""), ("exact", ""), *sparse]
    for curve, key in zip(content["curves"], keys, strict=True):
        rows = [r for r in content["results"] if (r["method"], r["label"]) == key]
        accuracy = np.mean([row["accuracy"] for row in rows])
        assert_allclose(curve["accuracy"][-1], accuracy, rtol=1e-12)
        events = np.mean([row["events"] for row in rows])
        assert_allclose(curve["events"][-1], events, rtol=1e-12)
        for name in ("times", "accuracy", "events", "latency"):
            assert (np.diff(curve[name]) >= 0).all()


# ------------------------------------------------------------------------ cost models


def test_latency_without_a_time_of_the_cost_model():
    """It is in tau_syn, and a step is a sixteenth of it."""
    X, y, *_ = next(splits())
    activity = TTFSClassifier(HIDDEN, max_iter=1, random_state=0).fit(X, y).activity(X)
    model = replace(MODEL, tau_syn=None, steps=0)
    latency = with_time(model).latency(activity)
    assert_allclose(latency, activity.decision_times, rtol=1e-6)
    stepped = replace(activity, decision_times=np.full(len(X), 24.0), step=1.0)
    assert_allclose(with_time(model).latency(stepped), 1.5, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "unit", "dense", "clocked"),
    [
        ("loihi", "tau_syn", False, True),
        pytest.param("spinnaker2", "s", False, True, marks=pytest.mark.slow),
        ("brainscales2", "s", False, False),
        ("cmos45-float32", "tau_syn", True, True),
    ],
)
def test_cost_models(capsys, results, name, unit, dense, clocked):
    content = results(f"--methods dense,s4nn,exact --max-iter 1 --cost-model {name}")
    assert content["settings"]["cost_model"]["name"] == name
    assert content["settings"]["latency_unit"] == unit
    rows = {row["method"]: row for row in content["results"]}
    assert (rows["dense"]["energy"] is not None) == dense
    assert (rows["s4nn"]["latency"] is not None) == clocked
    assert rows["exact"]["latency"] > 0
    assert f"cost model {name} ({COST_MODELS[name].kind})" in capsys.readouterr().out


def test_event_cost_is_a_column(capsys, command):
    assert command("--methods exact --max-iter 2 --event-cost 2.5") == 0
    head = re.search("\ndata .*energy +events x 2.5 +latency", capsys.readouterr().out)
    assert head is not None
    assert command("--methods exact --max-iter 2") == 0
    assert "events x" not in capsys.readouterr().out


# ------------------------------------------------------------------- files and figures


def test_figure_of_the_same_numbers_is_the_same_file(capsys, command, tmp_path):
    pytest.importorskip("matplotlib")
    options = "--methods dense,rate,exact --max-iter 2 --steps 2,4"
    for name in "a.svg", "b.svg":
        assert command(f"{options} --plot {name}") == 0
        assert f"drawn: {name}" in capsys.readouterr().out
    figure = (tmp_path / "a.svg").read_bytes()
    assert figure.startswith(b"<?xml")
    assert (tmp_path / "b.svg").read_bytes() == figure


def test_axes_of_a_figure():
    """Seconds have prefixes, and low accuracies an axis that fits them."""
    pytest.importorskip("matplotlib")
    point = Point("", 0.2, 1.0, 1, 90, events=50.0, latency=2e-5, unit="tau_syn")
    settings = Settings(0, COST_MODELS["brainscales2"])
    assert settings.latency_unit == "s"
    rows = [Row("toy", key, [point], settings) for key in ("exact", "nonleaky")]
    left, right = plot(rows, [], settings).axes
    bottom, top = left.get_ylim()
    assert_allclose([bottom, top], [10, 30])
    assert list(left.get_yticks()) == [10, 20, 30]
    assert right.xaxis.get_major_formatter()(2e-5) in ("20 \N{MICRO SIGN}s", "20 μs")


def test_figure_of_several_data_sets(command, tmp_path):
    pytest.importorskip("matplotlib")
    assert command("wine --methods exact --max-iter 2 --plot figure.svg") == 0
    text = (tmp_path / "figure.svg").read_text()
    assert "flowers.npz: accuracy" in text
    assert "wine: accuracy" in text


def test_csv(command, tmp_path):
    assert command("--methods dense,exact --max-iter 2 --out out.csv") == 0
    with open(tmp_path / "out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["dense"] * 3 + ["exact"] * 3
    assert rows[0]["events"] == ""
    assert float(rows[-1]["events"]) > 0


def test_markdown(command, tmp_path):
    assert command("--methods exact --max-iter 2 --out out.md") == 0
    lines = (tmp_path / "out.md").read_text().splitlines()
    assert lines[0].startswith("| data | method | accuracy % |")
    assert lines[2].startswith("| flowers.npz | TTFS, exact | ")
    assert " tau_syn | " in lines[2]
    places = [k for k, line in enumerate(lines) if line.startswith("  weight that is")]
    assert [lines[k - 1][:10] for k in places] == ["- events: "]


def test_models_are_chosen_by_two_names(results):
    for option in "--models", "--methods":
        found = results(f"{option} dense --max-iter 2")["results"]
        assert {row["method"] for row in found} == {"dense"}


def test_settings(results):
    content = results("--methods exact --max-iter 2 --seed 7 --steps 3")
    settings = content["settings"]
    assert settings["data"] == ["flowers.npz"]
    assert settings["hidden"] == [[HIDDEN]]
    assert (settings["seed"], settings["max_iter"]) == (7, 2)
    assert settings["steps"] == [3]
    assert content["notes"][0].endswith("over 3 folds")


# -------------------------------------------------------------- errors and interrupts


def test_other_methods_survive_an_error(capsys, command, replaced, tmp_path):
    replaced("dense", Failing())
    assert command("--methods dense,exact --max-iter 2 --out out.json") == 1
    rows = table(capsys.readouterr().out)
    assert rows["dense network"] == ["error: no luck"]
    assert len(rows["TTFS, exact"]) > 5
    held = json.loads((tmp_path / "out.json").read_text())["results"]
    assert held[0]["error"] == "no luck"
    assert held[0]["accuracy"] is None
    assert {row["method"] for row in held[1:]} == {"exact"}


@pytest.mark.usefixtures("ctrl_c")
def test_interrupt_keeps_what_is_finished(capsys, command, replaced, tmp_path):
    replaced("s4nn", Interrupted())
    options = "--methods dense,s4nn,exact --max-iter 2 --out out.json"
    assert command(options) == 130
    output = capsys.readouterr().out
    assert list(table(output)) == ["dense network"]
    assert "interrupted: the remaining methods were not trained" in output
    held = json.loads((tmp_path / "out.json").read_text())["results"]
    assert {row["method"] for row in held} == {"dense"}


def test_warnings_are_printed_once(capsys, command):
    assert command("--methods dense --max-iter 2") == 0
    assert capsys.readouterr().out.count("Maximum iterations (2) reached") == 1


@pytest.mark.slow  # processes start, as in test_runs.py
def test_processes_do_not_change_results(results):
    options = "--methods exact,target --max-iter 3"
    alone, together = results(options), results(f"{options} --jobs 2")
    for content in (alone, together):
        for row in content["results"]:
            del row["fit_seconds"]
    assert alone == together


def test_binary_labels(tmp_path):
    """A dense network has one output for two classes."""
    X, y = load_iris(return_X_y=True)
    np.savez(tmp_path / "two.npz", X=X[:100], y=y[:100])
    data = load_data(str(tmp_path / "two.npz"), 2, 0)
    settings = Settings(0, MODEL, hidden=(HIDDEN,), max_iter=2, steps=(4,))
    for key in METHODS:
        measured = measures.measure(Task(data, key, settings))
        assert measured.error == ""
        n_hidden = round(HIDDEN / 3) if key == "narrow" else HIDDEN
        assert measured.points[0].dense_macs == 4 * n_hidden + n_hidden


def test_wrong_arguments(error_of):
    for options, message in (
        ("--steps 0,4", "'0,4' is not a list of numbers of steps"),
        ("--event-cost 0", "'0' is not a number above 0"),
        ("--event-cost nan", "'nan' is not a number above 0"),
        ("--methods exact,magic", "'magic' is unknown: choose from dense, rate"),
        ("--plot figure.txt", "'figure.txt' does not end in .png, .svg or .pdf"),
        ("--plot no/such/figure.svg", "'no/such/figure.svg' cannot be written"),
        ("--out table.txt", "'table.txt' does not end in .json, .csv or .md"),
        ("--unknown", "unknown argument '--unknown'"),
        ("no_such_set", "no_such_set"),
    ):
        assert message in error_of(["codes", *options.split()])
