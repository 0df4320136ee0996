"""The command ``ttfs robustness``."""

import csv
import json
import signal
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

from ttfs import TTFSClassifier
from ttfs.cli.data import Data, load_data
from ttfs.cli.main import main
from ttfs.cli.robustness import study as runs_of_study
from ttfs.cli.robustness.results import Results, plot, summarise
from ttfs.cli.robustness.study import (
    SWEEPS,
    Run,
    Study,
    make_base,
    make_point,
    measure_all,
    n_epochs,
    read_sweeps,
)
from ttfs.datasets import make_yin_yang
from ttfs.substrates import PRESETS, AnalogChip

N_TRAIN = 120


@pytest.fixture(scope="module")
def study():
    """A small study with two folds, of features that are not yet scaled."""
    X, y = make_yin_yang(2 * N_TRAIN, random_state=0)
    first, second = np.arange(N_TRAIN), np.arange(N_TRAIN, 2 * N_TRAIN)
    data = Data("toy", 7 + 3 * X, y, [(first, second), (second, first)])
    return Study(data, AnalogChip(rows_per_input=3), hidden=(15,), max_iter=6)


@pytest.fixture
def command(tmp_path, monkeypatch):
    """A command on a small data set, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    X, y = make_yin_yang(60, random_state=0)
    np.savez("toy.npz", X=X, y=y)
    options = "--dataset toy.npz --hidden 8 --max-iter 2 --seeds 2 --cv 3"
    return ["robustness", *options.split()]


@pytest.fixture
def measured(monkeypatch):
    """The keys of runs that were measured, and not taken from a file."""
    keys = []
    measure = runs_of_study.measure

    def count(study, ideal, *key):
        keys.append(key)
        return measure(study, ideal, *key)

    monkeypatch.setattr(runs_of_study, "measure", count)
    return keys


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def make_runs(ideal, naive, in_loop, name="tau_spread", value=0.1):
    columns = zip(ideal, naive, in_loop, strict=True)
    return [Run(name, value, k, *column) for k, column in enumerate(columns)]


# ------------------------------------------------------------------ sweeps and chips


def test_default_sweeps():
    points = read_sweeps(None)
    assert list(dict.fromkeys(name for name, _ in points)) == [
        "weight_bits",
        "weight_clip",
        "spike_jitter",
        "threshold_spread",
        "tau_spread",
        "dead_neurons",
    ]
    assert [value for name, value in points if name == "weight_bits"] == [2, 3, 4, 6]


def test_values_are_sorted_and_merged():
    texts = ["weight_bits=6, 2", "spurious_rate", "weight_bits=2,4"]
    rates = SWEEPS["spurious_rate"].values
    assert read_sweeps(texts) == [
        *(("weight_bits", bits) for bits in (2, 4, 6)),
        *(("spurious_rate", rate) for rate in rates),
    ]


def test_a_chip_for_every_sweep():
    parameters = {"threshold_offset": 0.1, "rows_per_input": 4}
    base = AnalogChip(**parameters, random_state=10)
    for name, sweep in SWEEPS.items():
        for value in sweep.values:
            expected = parameters | dict.fromkeys(sweep.parameters, value)
            if name == "weight_bits":
                expected["weight_clip"] = 2.1 / 2.6
            chip = make_point(base, name, value, 3)
            assert repr(chip) == repr(AnalogChip(**expected, random_state=13))


def test_the_clip_of_the_base_stays():
    base = AnalogChip(weight_clip=1.5, weight_bits=6, tau_mem_spread=0.3)
    chip = make_point(base, "weight_bits", 3, 0)
    assert (chip.weight_clip, chip.weight_bits) == (1.5, 3)
    chip = make_point(base, "tau_spread", 0.1, 0)
    assert (chip.tau_mem_spread, chip.tau_syn_spread, chip.weight_bits) == (0.1, 0.1, 6)


def test_base():
    data = load_data("yin_yang", 5, 0)
    # the published wiring
    rows = PRESETS["delgrad"].parameters["rows_per_input"]
    assert make_base(data, None, []).rows_per_input == rows
    chip = make_base(data, None, ["rows_per_input=2", "spike_jitter=0.1"])
    assert repr(chip) == "AnalogChip(rows_per_input=2, spike_jitter=0.1)"
    chip = make_base(data, "brainscales2", ["spike_jitter=0.1"])
    assert repr(chip) == repr(AnalogChip.preset("brainscales2", spike_jitter=0.1))
    digits = load_data("digits", 5, 0)
    assert make_base(digits, None, []).rows_per_input == 1


def test_epochs_make_the_updates():
    for n_samples in 30, 150, 5000, 60000:
        epochs = n_epochs(n_samples, 6000)
        batch_size = min(50, max(10, n_samples // 30))
        assert_allclose(epochs * n_samples / batch_size, 6000, rtol=0.1)


# --------------------------------------------------------------------------- the runs


def test_runs_equal_direct_calls(study):
    keys = [("tau_spread", 0.3, 0), ("tau_spread", 0.3, 1), ("weight_bits", 2, 1)]
    (runs,) = zip(*measure_all(study, keys), strict=True)
    assert [run.key for run in runs] == keys
    data = study.data
    spreads = {"tau_mem_spread": 0.3, "tau_syn_spread": 0.3}
    changes = [spreads, spreads, {"weight_bits": 2, "weight_clip": 2.1 / 2.6}]
    for run, change in zip(runs, changes, strict=True):
        k = run.chip
        chip = AnalogChip(rows_per_input=3, random_state=k, **change)
        # chips take turns at the folds
        train, test = data.splits[k]
        scaler = StandardScaler().fit(data.X[train])
        X, X_test = scaler.transform(data.X[train]), scaler.transform(data.X[test])
        assert_array_equal(study.split(k)[2], X_test)
        clf = TTFSClassifier((15,), max_iter=6, random_state=k)
        clf.fit(X, data.y[train])

        def accuracy(clf=clf, X=X_test, y=data.y[test]):
            # what no spike decides is wrong
            is_right = (clf.predict(X) == y) & ~clf.activity(X).is_undecided
            return is_right.mean()

        assert run.ideal == accuracy()
        clf.set_params(substrate=chip)
        assert run.naive == accuracy()
        clf.fit(X, data.y[train])
        assert run.in_loop == accuracy()
        assert run.error == ""
        assert run.seconds > 0
    # or the test would not tell one from another
    assert any(len({run.ideal, run.naive, run.in_loop}) == 3 for run in runs)


def test_samples_without_an_output_spike_are_wrong(study):
    X, y, _, _ = study.split(0)
    clf = study.model(0).set_params(max_iter=60, read_out=None, weight_decay=0.1)
    clf.fit(X, y)
    clf.coefs_[-1] *= 0.8
    is_decided = ~clf.activity(X).is_undecided
    is_right = clf.predict(X) == y
    assert clf.first_spike_score(X, y) == np.mean(is_right & is_decided)
    weights = np.arange(len(y))
    expected = np.average(is_right & is_decided, weights=weights)
    assert clf.first_spike_score(X, y, weights) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.first_spike_score(X, y[1:])
    assert 0 < np.mean(is_right & is_decided) < is_right.mean()


@pytest.mark.slow  # processes start, as in test_runs.py
def test_processes_do_not_matter(study):
    keys = [("dead_neurons", 0.3, number) for number in range(3)]

    def scores(n_jobs):
        blocks = measure_all(study, keys, n_jobs)
        return [
            (run.key, run.ideal, run.naive, run.in_loop) for b in blocks for run in b
        ]

    assert scores(2) == scores(1)


def test_yin_yang_has_no_complements():
    data = load_data("yin_yang", 5, 0)
    study = Study(data, AnalogChip(), (120,), 1)
    X, y, X_test, _ = study.split(3)
    assert (X.shape, X_test.shape) == ((5000, 4), (1000, 4))
    assert study.model(3).fit(X[:50], y[:50]).n_channels_in_ == 4


def test_a_chip_that_does_not_fit_is_a_row(study):
    base = AnalogChip(max_neurons=15)
    study = Study(study.data, base, (15,), 2)
    ((run,),) = measure_all(study, [("spike_jitter", 0.1, 0)])
    assert "the network has 18 neurons, and the chip 15" in run.error
    assert run.ideal > 0
    assert run.naive is run.in_loop is None


def test_failing_in_the_loop_keeps_the_naive_result(study, monkeypatch):
    fit = TTFSClassifier.fit

    def fail(self, X, y):
        if self.substrate is not None:
            raise RuntimeError("no luck\nat all")
        return fit(self, X, y)

    monkeypatch.setattr(TTFSClassifier, "fit", fail)
    ((run,),) = measure_all(study, [("spike_jitter", 0.1, 0)])
    assert run.naive > 0
    assert (run.in_loop, run.error) == (None, "no luck")


# -------------------------------------------------------------------------- the table


def test_summary():
    runs = make_runs([0.9, 1.0], [0.5, 0.4], [0.8, 0.9])
    (point,) = summarise(runs)
    assert (point.sweep, point.value, point.chips) == ("tau_spread", 0.1, 2)
    assert_allclose(
        [point.ideal, point.naive, point.in_loop], [0.95, 0.45, 0.85], rtol=1e-12
    )
    # of two values: their difference divided by the root of 2
    sds = [point.ideal_sd, point.naive_sd, point.in_loop_sd]
    assert_allclose(sds, np.sqrt([0.005] * 3), rtol=1e-12)
    # (0.3 + 0.5) / (0.4 + 0.6), which the chips miss by 0.02 / 0.5
    assert_allclose(point.recovered, 0.8, rtol=1e-12)
    assert point.cells() == [
        *("tau_spread", "0.1", "2"),
        *("45.0 ± 7.1", "85.0 ± 7.1", "80 ± 4"),
    ]


def test_error_of_what_is_recovered():
    rng = np.random.RandomState(0)
    ideal, naive, in_loop = (
        mean + sd * rng.randn(1000, 10)
        for mean, sd in ((0.98, 0.005), (0.7, 0.05), (0.93, 0.01))
    )
    points = [
        summarise(make_runs(*rows))[0]
        for rows in zip(ideal, naive, in_loop, strict=True)
    ]
    ratios = np.array([point.recovered for point in points])
    errors = np.array([point.recovered_error for point in points])
    # to first order, and the variance of ten chips is a bit small on the whole
    assert_allclose(ratios.mean(), 0.23 / 0.28, atol=0.002)
    assert_allclose(np.sqrt(np.mean(errors**2)), ratios.std(), rtol=0.05)


def test_nothing_is_recovered_without_a_loss():
    ideal = [0.98, 0.99, 0.97]
    within_the_error, gain = [0.96, 0.99, 0.97], [0.99, 1.0, 0.98]
    for naive in within_the_error, ideal, gain:
        (point,) = summarise(make_runs(ideal, naive, in_loop=ideal))
        assert point.recovered is point.recovered_error is None
        assert point.cells()[-1] == "-"
    # A ratio that is all noise.
    (point,) = summarise(make_runs([0.98] * 3, [0.97] * 3, [0.98, 0.95, 0.99]))
    assert point.recovered is point.recovered_error is None


def test_one_chip_has_no_errors():
    (point,) = summarise(make_runs([0.98], [0.7], [0.9]))
    assert point.cells() == ["tau_spread", "0.1", "1", "70.0", "90.0", "-"]


def test_failed_chips_are_left_out():
    failed = Run("tau_spread", 0.1, 2, 0.2, error="no luck")
    runs = make_runs([0.9, 1.0], [0.5, 0.4], [0.8, 0.9])
    (without,) = summarise(runs)
    (point,) = summarise([*runs, failed])
    assert point.errors == ["chip 2: no luck"]
    assert point.cells() == without.cells()
    (point,) = summarise([failed])
    assert point.cells() == ["tau_spread", "0.1", "error: chip 2: no luck"]


# ------------------------------------------------------------------------ the command


def test_command(capsys, command):
    sweeps = ["--sweep", "weight_bits=2,6", "--sweep", "dead_neurons=0.3"]
    assert main([*command, *sweeps]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert output.out.startswith(
        "toy.npz: 40 training and 20 test samples; hidden neurons: 8; 2 epochs; "
        "2 chips\n"
        "chip before a sweep: AnalogChip(rows_per_input=5)\n"
    )
    assert "about " in output.out
    runs = read_csv("robustness.csv")
    assert [(run["sweep"], run["value"], run["chip"]) for run in runs] == [
        (name, value, chip)
        for name, value in (
            *(("weight_bits", "2"), ("weight_bits", "6")),
            ("dead_neurons", "0.3"),
        )
        for chip in "01"
    ]
    with open("robustness.json") as file:
        content = json.load(file)
    assert content["settings"]["hidden"] == "8"
    body = output.out[output.out.rindex("\nsweep") :]
    for k, point in enumerate(content["table"]):
        pair = runs[2 * k : 2 * k + 2]
        for kind in ("ideal", "naive", "in_loop"):
            values = [float(run[kind]) for run in pair]
            assert_allclose(point[kind], np.mean(values), rtol=1e-12)
        naive, naive_sd = 100 * point["naive"], 100 * point["naive_sd"]
        in_loop, in_loop_sd = 100 * point["in_loop"], 100 * point["in_loop_sd"]
        row = (
            rf"{point['sweep']} {point['value']:g} 2 {naive:.1f} ± {naive_sd:.1f} "
            rf"{in_loop:.1f} ± {in_loop_sd:.1f} "
        )
        # once when its chips are there, and once in the table
        assert row in " ".join(body.split())
        assert " ".join(output.out.split()).count(row) == 2
    with open("robustness.png", "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"


def test_tables(capsys, command, tmp_path):
    X, y = make_yin_yang(60, random_state=0)
    rows = [
        f"{k},{'' if k % 9 == 0 else x},{'ab'[int(z > 0.5)]},{label}"
        for k, ((x, _, z, _), label) in enumerate(zip(X, y, strict=True))
    ]
    (tmp_path / "toy.csv").write_text("\n".join(["id,x,side,field", *rows]) + "\n")
    options = ["--target", "field", "--drop", "id", "--missing", "impute", "--no-plot"]
    sweep = ["--dataset", "toy.csv", "--sweep", "dead_neurons=0.1"]
    assert main([*command, *options, *sweep]) == 0
    output = capsys.readouterr().out
    assert "toy.csv: 7 missing values in 1 of 2 features are imputed" in output
    # three channels: x, and the two sides
    assert "AnalogChip(rows_per_input=7)" in output


def test_resume(capsys, command, measured):
    command = [*command, "--no-plot", "--sweep", "dead_neurons=0.3,0.1"]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert len(measured) == 4
    # a command whose runs are all there has nothing left to do
    assert main(command) == 0
    again = capsys.readouterr().out
    assert len(measured) == 4
    assert "4 of 4 runs are in robustness.csv" in again
    assert first[first.rindex("\nsweep") :] == again[again.rindex("\nsweep") :]
    # a third chip and another value
    assert main([*command, "--seeds", "3", "--sweep", "dead_neurons=0.2"]) == 0
    assert sorted(measured[4:]) == [
        ("dead_neurons", 0.1, 2),
        *(("dead_neurons", 0.2, chip) for chip in range(3)),
        ("dead_neurons", 0.3, 2),
    ]
    assert len(read_csv("robustness.csv")) == 9
    # the file keeps what is not asked for
    assert main([*command, "--seeds", "1"]) == 0
    assert len(read_csv("robustness.csv")) == 9
    assert len(measured) == 9


def test_resume_after_a_kill(command, measured):
    command = [*command, "--no-plot", "--sweep", "dead_neurons=0.3"]
    assert main(command) == 0
    with open("robustness.csv", newline="") as file:
        text = file.read()
    for end in (-3, -12, -40):
        with open("robustness.csv", "w", newline="") as file:
            file.write(text[:end])
        measured.clear()
        assert main(command) == 0
        assert measured == [("dead_neurons", 0.3, 1)]
        old = list(csv.DictReader(text.splitlines()))
        for run, before in zip(read_csv("robustness.csv"), old, strict=True):
            del run["seconds"], before["seconds"]
            assert run == before


def test_failed_runs_are_run_again(capsys, command, measured, monkeypatch):
    command = [*command, "--sweep", "dead_neurons=0.3"]
    score = TTFSClassifier.first_spike_score

    def fail(self, X, y):
        if self.substrate is not None and self.substrate.random_state == 1:
            raise RuntimeError("no luck")
        return score(self, X, y)

    with monkeypatch.context() as patch:
        patch.setattr(TTFSClassifier, "first_spike_score", fail)
        assert main(command) == 1
    output = capsys.readouterr().out
    assert "\ndead_neurons 0.3, chip 1: no luck\n" in output
    assert [run["error"] for run in read_csv("robustness.csv")] == ["", "no luck"]
    measured.clear()
    assert main(command) == 0
    assert measured == [("dead_neurons", 0.3, 1)]
    assert [run["error"] for run in read_csv("robustness.csv")] == ["", ""]


def test_all_chips_fail(capsys, command):
    options = ["--sweep", "dead_neurons=0.1", "--set", "max_neurons=10"]
    assert main([*command, *options]) == 1
    output = capsys.readouterr().out
    assert "the network has 11 neurons, and the chip 10" in output
    assert "drawn" not in output


@pytest.mark.usefixtures("ctrl_c")
def test_interrupt(capsys, command, monkeypatch):
    command = [*command, "--sweep", "dead_neurons=0.1,0.2", "--no-plot"]
    fit = TTFSClassifier.fit

    def interrupt(self, X, y):
        # `fit` ends on Ctrl-C without passing it on
        if self.substrate is not None and self.substrate.random_state == 1:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                pass
        return fit(self, X, y)

    with monkeypatch.context() as patch:
        patch.setattr(TTFSClassifier, "fit", interrupt)
        assert main(command) == 130
    assert len(read_csv("robustness.csv")) == 1
    output = capsys.readouterr().out
    assert output.endswith("interrupted: the same command goes on from here\n")
    assert main(command) == 0
    assert len(read_csv("robustness.csv")) == 4


def test_results_of_other_settings_stay(capsys, error_of, command):
    command = [*command, "--sweep", "dead_neurons=0.3", "--no-plot", "--seeds", "1"]
    assert main(command) == 0
    before = read_csv("robustness.csv")
    for change, message in (
        ("--max-iter 3", "max_iter 2 instead of 3"),
        ("--hidden 8,5", "hidden 8 instead of 8,5"),
        ("--cv 4", "splits 3 instead of 4"),
        ("--set spike_jitter=0.1", "instead of AnalogChip(rows_per_input=5, spike"),
        ("--dataset iris", "data toy.npz instead of iris"),
    ):
        error = error_of([*command, *change.split()])
        assert "robustness.csv holds results of other settings" in error
        assert message in error
        assert read_csv("robustness.csv") == before
    # Other data of the same name.
    with np.load("toy.npz") as data:
        X, y = data["X"], data["y"]
    np.savez("toy.npz", X=X, y=np.roll(y, 1))
    assert "settings, checksum" in error_of(command)


def test_foreign_files_stay(error_of, command, tmp_path):
    for files in (
        {"csv": "my,own\n"},
        {"json": "my own"},
        {"json": '{"mine": 1}'},
        {"csv": "my,own\n", "json": "[]"},
        {"csv": "my,own\n", "json": '{"settings": 1}'},
    ):
        paths = {tmp_path / f"robustness.{end}": text for end, text in files.items()}
        for path, text in paths.items():
            path.write_text(text)
        assert "is there, but no settings of a study" in error_of(command)
        assert {*tmp_path.iterdir()} == {tmp_path / "toy.npz", *paths}
        for path, text in paths.items():
            assert path.read_text() == text
            path.unlink()


# ------------------------------------------------------------------------- the figure


def test_names_of_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").mkdir()
    for out, base, figure in (
        ("a", "a", "png"),
        ("a.svg", "a", "svg"),
        ("old/a.pdf", "old/a", "pdf"),
        ("a.csv", "a", "png"),
        ("a.b", "a.b", "png"),
        ("new/", "new/robustness", "png"),
        (".", "robustness", "png"),
    ):
        results = Results(out, {})
        files = [str(p) for p in (results.csv, results.json, results.figure)]
        assert files == [f"{base}.csv", f"{base}.json", f"{base}.{figure}"]


def test_figure():
    runs = [
        *make_runs([0.95, 0.97], [0.5, 0.6], [0.8, 0.9], value=0.1),
        *make_runs([0.95, 0.97], [0.4, 0.4], [0.7, 0.9], value=0.2),
        *make_runs([0.95, 0.97], [0.9, 0.9], [0.9, 0.9], "weight_bits", 4),
    ]
    spread, bits = plot(summarise(runs), 0.96).axes
    assert spread.get_xlabel() == "spread of time constants"
    assert bits.get_xlabel() == "bits of a weight"
    assert list(bits.get_xticks()) == [4]
    labels = ["ideal", "trained in the loop", "trained without the chip"]
    assert spread.get_legend_handles_labels()[1] == labels
    for ax in (spread, bits):
        assert_allclose(ax.lines[0].get_ydata(), 96)
    (in_loop, naive) = spread.containers
    assert_allclose(in_loop.lines[0].get_xydata(), [[0.1, 85], [0.2, 80]])
    assert_allclose(naive.lines[0].get_xydata(), [[0.1, 55], [0.2, 40]])
    # error bars: a standard deviation on either side
    ends = np.array(in_loop.lines[2][0].get_segments())[:, :, 1]
    sds = 100 * np.array([np.sqrt(0.005), np.sqrt(0.02)])
    assert_allclose(ends, np.array([85, 80])[:, None] + np.outer(sds, [-1, 1]))


def test_without_matplotlib(capsys, command, monkeypatch, tmp_path):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main([*command, "--sweep", "dead_neurons=0.3"]) == 0
    output = capsys.readouterr().out
    assert 'pip install "scikit-ttfs[plot]"' in output
    assert (tmp_path / "robustness.json").exists()
    assert not (tmp_path / "robustness.png").exists()


# ---------------------------------------------------------------------------- mistakes


MISTAKES = (
    ("--dataset mnist", "unknown data set 'mnist': choose from"),
    ("--cv 1", "'1' is not a whole number above 1"),
    ("--seeds 0", "'0' is not a whole number above 0"),
    ("--sweep noise", "unknown sweep 'noise': choose from weight_bits"),
    ("--sweep weight_bits=", "'' is not a number"),
    ("--sweep weight_bits=two", "'two' is not a number"),
    ("--sweep weight_bits=none", "values of weight_bits must be finite numbers"),
    ("--sweep weight_clip=inf", "values of weight_clip must be finite numbers"),
    ("--sweep weight_bits=2.5", "weight_bits must be an integer"),
    ("--sweep dead_neurons=0.1,2", "dead_neurons must be a number, at least 0"),
    ("--set spike_jitter", "'spike_jitter' is not of the form NAME=VALUE"),
    ("--set weight_bits=6", "weight_bits needs weight_clip"),
    ("--set jitter=1", "jitter"),
    ("--preset loihi", "invalid choice: 'loihi'"),
    ("--out toy.npz/a", "toy.npz"),
    ("--out nowhere/a.json", "--out: 'nowhere/a.json' cannot be written: No such"),
    ("--out nowhere/new/", "--out: 'nowhere/new/' cannot be written: No such"),
    ("--speed 9", "unknown argument '--speed'; sweeps are given with --sweep"),
)


def test_bad_arguments(error_of, command):
    for arguments, message in MISTAKES:
        error = error_of([*command, *arguments.split()])
        assert error.startswith("ttfs robustness: error: ")
        assert message in error
