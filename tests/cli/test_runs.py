"""How a comparison is run: choice of models, processes, time left, files of results."""

import csv
import json
import os
import re
from types import SimpleNamespace

import numpy as np
import pytest
from joblib import Parallel
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from threadpoolctl import threadpool_info

from ttfs.cli import compare, runs
from ttfs.cli.data import Data, load_data
from ttfs.cli.main import main
from ttfs.cli.output import check_out, write_results
from ttfs.cli.runs import Clock, Task, run_all
from ttfs.cli.terminal import duration

QUICK = [
    "--models",
    "LogisticRegression,TTFSClassifier",
    "--max-iter",
    "3",
    "--cv",
    "2",
]


@pytest.fixture
def people(tmp_path):
    """A file with a text, holes, and labels in its first column."""
    iris = load_iris()
    rows = ["kind,length,width,colour"]
    for k in range(0, 150, 3):
        colour = ("red", "blue", "")[k % 4 % 3]
        length = "" if k % 21 == 0 else iris.data[k, 0]
        rows.append(f"{iris.target_names[iris.target[k]]},{length},{k % 5},{colour}")
    path = tmp_path / "people.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def models_of(output):
    """The models of the final table."""
    body = output[output.rindex("\ndata ") :]
    lines = [line.split() for line in body.splitlines()]
    return [words[1] for words in lines if words[3:4] == ["±"]]


# ------------------------------------------------------------------- the arguments


def test_data_are_named_in_both_ways(capsys, monkeypatch):
    seen = []
    monkeypatch.setattr(
        compare,
        "run_comparison",
        lambda _, data, *__, **___: seen.append([part.name for part in data]),
    )
    for arguments in (
        ["iris", "wine"],
        ["iris,wine"],
        ["iris", "--cv", "3", "wine"],
        ["--cv", "3", "iris", "wine", "iris"],
        ["iris", "--dataset", "wine"],
        ["--dataset", "iris", "--dataset", "wine"],
    ):
        main(["compare", *arguments])
    assert sorted(seen.pop(4)) == ["iris", "wine"]
    assert seen == [["iris", "wine"]] * 5


def test_files_of_one_name(tmp_path, capsys):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "x.csv"
        path.write_text("".join(f"{k},{k % 2}\n" for k in range(20)))
    paths = [str(tmp_path / folder / "x.csv") for folder in "ab"]
    models = ["--models", "KNeighborsClassifier", "--cv", "2"]
    assert main(["compare", *paths, *models]) == 0
    output = capsys.readouterr().out
    assert all(f"\n{path}  KNeighborsClassifier" in output for path in paths)


def test_models_are_chosen(capsys):
    assert main(["compare", "iris", *QUICK]) == 0
    output = capsys.readouterr().out
    assert models_of(output) == ["LogisticRegression", "TTFSClassifier"]
    choice = ["--models", "svc", "--models", "kneighborsclassifier", "--cv", "2"]
    assert main(["compare", "iris", *choice]) == 0
    assert models_of(capsys.readouterr().out) == ["KNeighborsClassifier", "SVC"]


def test_max_iter_is_for_all_iterative_models():
    data = load_data("iris", 2, 0)
    tasks = compare.make_tasks([data], (5,), 0, max_iter=7)
    limits = {
        task.name: task.model.get_params().get("max_iter", None) for task in tasks
    }
    assert limits == {
        "LogisticRegression": 7,
        "KNeighborsClassifier": None,
        "SVC": -1,
        "HistGradientBoostingClassifier": 7,
        "MLPClassifier": 7,
        "TTFSClassifier": 7,
    }


def test_bad_arguments(error_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    # No data set is read, and no model trained, before the error.
    monkeypatch.setattr(compare, "load_all", None)
    for arguments, message in (
        ("--models SVM", "'SVM' is unknown: choose from LogisticRegression, KNeigh"),
        ("--models ,", "',' is unknown: choose from"),
        ("--max-iter 0", "'0' is not a whole number above 0"),
        ("--jobs 0", "'0' is not a number of processes"),
        ("--out results.txt", "'results.txt' does not end in .json, .csv or .md"),
        ("--out nowhere/results.md", "'nowhere/results.md' cannot be written: No such"),
        ("--out folder.csv", "'folder.csv' cannot be written: Is a directory"),
    ):
        assert message in error_of(["compare", "iris", *arguments.split()])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_is_protected(error_of, tmp_path):
    tmp_path.chmod(0o500)
    error = error_of(["compare", "iris", "--out", str(tmp_path / "a.md")])
    assert "Permission denied" in error


# ------------------------------------------------------------------- what is said


def test_what_is_done_to_the_data_is_said(capsys, people):
    options = ["--target", "kind", *QUICK]
    assert main(["compare", str(people), "--missing", "impute", *options]) == 0
    head, _, _ = capsys.readouterr().out.partition("\ndata ")
    assert head.splitlines()[:3] == [
        "people.csv: labels are column 1 ('kind'), 3 classes",
        "people.csv: 1 of 3 features are categories, and become 2 features that are "
        "0 or 1: column 4 ('colour')",
        "people.csv: 20 missing values in 2 of 3 features are imputed: medians or most "
        "frequent values of the training samples",
    ]
    assert main(["compare", str(people), "--missing", "drop", *options]) == 0
    assert "samples, with missing values, are dropped\n" in capsys.readouterr().out


def test_help_is_no_wider_than_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    output = capsys.readouterr().out
    assert max(map(len, output.splitlines())) <= 80
    for option in ("--target", "--missing", "--models", "--jobs", "--out", "examples:"):
        assert option in output


# --------------------------------------------------------------------- processes


def results_of(path):
    """Results in a .json file, but for times."""
    results = json.loads(path.read_text())["results"]
    for result in results:
        assert result.pop("fit_seconds") > 0
        assert result.pop("predict_rate") > 0
    return results


def test_joblib_is_given_the_number_of_processes(monkeypatch):
    seen = []

    def parallel(n_jobs, **options):
        seen.append((n_jobs, options))
        return Parallel(1, **options)

    monkeypatch.setattr(runs, "Parallel", parallel)
    assert main(["compare", "iris", "--jobs", "2", *QUICK]) == 0
    assert seen == [(2, {"return_as": "generator", "batch_size": 1})]


@pytest.mark.slow  # processes take seconds to start
def test_processes_do_not_matter(capsys, tmp_path, people):
    options = ["--target", "kind", "--missing", "impute", *QUICK]
    found = []
    for n_jobs in "12":
        path = tmp_path / f"{n_jobs}.json"
        out = ["--jobs", n_jobs, "--out", str(path)]
        assert main(["compare", str(people), *options, *out]) == 0
        found.append(results_of(path))
    assert found[0] == found[1]
    assert [(result["model"], result["split"]) for result in found[0]] == [
        (model, split)
        for model in ("LogisticRegression", "TTFSClassifier")
        for split in (1, 2)
    ]
    assert len({result["accuracy"] for result in found[0]}) > 1


class Seen(ClassifierMixin, BaseEstimator):
    """A model that says which samples it was trained on."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.shape_ = X.shape
        return self

    def predict(self, X):
        assert X.shape[1] == self.shape_[1]
        return np.full(len(X), self.classes_[0])


class Failing(Seen):
    """A model that does not fit."""

    def fit(self, X, y):
        raise RuntimeError("no luck")


def test_a_category_of_the_test_samples_alone():
    X = np.array([[0.0], [1], [0], [1], [2], [2]])
    y = np.array([0, 1, 0, 1, 0, 1])
    splits = [(np.arange(4), np.arange(4, 6))]
    data = Data("toy", X, y, splits, categories={0: ["a", "b", "c"]})
    model = Seen()
    fit = compare.evaluate(Task(data, "seen", model))
    assert (fit.error, fit.accuracy) == ("", 0.5)
    assert model.shape_ == (4, 2)


def test_after_an_error_the_other_splits_are_left_out():
    data = load_data("iris", 3, 0)
    tasks = [
        Task(data, type(model).__name__, model, split)
        for model in (Failing(), Seen())
        for split in range(3)
    ]
    fits = [fit for _, fit in run_all(compare.evaluate, tasks)]
    assert fits[0].error == "no luck"
    assert fits[1:3] == [None, None]
    assert all(fit.accuracy for fit in fits[3:])


@pytest.mark.slow
def test_threads_of_other_processes(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    # A local function goes to other processes by value: they cannot import this file.
    def count_threads(task):
        """The numbers of threads of all libraries in this process."""
        n_threads = {library["num_threads"] for library in threadpool_info()}
        return SimpleNamespace(n_threads=n_threads, error="")

    data = load_data("iris", 2, 0)
    tasks = [Task(data, "threads", None, split) for split in range(2)]
    for n_jobs in (1, 2):
        found = [
            result.n_threads for _, result in run_all(count_threads, tasks, n_jobs)
        ]
        assert found == [{1}, {1}]


# ------------------------------------------------------------------------ time left


def test_time_left():
    n = 30
    splits = [(np.arange(20), np.arange(20, n))] * 2
    small = Data("small", np.zeros((n, 2)), np.zeros(n), splits)
    large = Data("large", np.zeros((n, 20)), np.zeros(n), splits)
    tasks = [
        Task(data, name, None, split)
        for data in (small, large)
        for name in ("one", "two")
        for split in range(2)
    ]
    clock = Clock(tasks, n_jobs=1)
    assert clock.seconds_left() is None
    assert clock.line() == "small: one, split 1 of 2 (0 of 8 done)"
    clock.add(tasks[0], 1.0)
    # Other models take as long; ten times as many values, ten times as long.
    assert clock.seconds_left() == pytest.approx(1 + 2 + 20 + 20, rel=1e-12)
    clock.add(tasks[1], 3.0)
    clock.add(tasks[2], 4.0)
    assert clock.seconds_left() == pytest.approx(4 + 2 * 20 + 2 * 40, rel=1e-12)
    assert clock.line() == ("small: two, split 2 of 2 (3 of 8 done, about 2 min to go)")
    for task in tasks[3:7]:
        clock.add(task, 5.0)
    assert clock.seconds_left() == pytest.approx(5.0, rel=1e-12)
    clock.add(tasks[7], 5.0)
    assert clock.line() == ""
    two = Clock(tasks, n_jobs=2)
    two.add(tasks[0], 1.0)
    assert two.seconds_left() == pytest.approx(43 / 2, rel=1e-12)


def test_a_line_of_progress(monkeypatch):
    shown = []
    monkeypatch.setattr(runs, "progress", shown.append)
    data = load_data("iris", 2, 0)
    tasks = [Task(data, "seen", Seen(), split) for split in range(2)]
    for _ in run_all(compare.evaluate, tasks):
        assert shown[-1] == ""  # so that a row may be printed
    lines = [text for text in shown if text]
    assert lines[0] == "iris: seen, split 1 of 2 (0 of 2 done)"
    assert re.fullmatch(
        r"iris: seen, split 2 of 2 \(1 of 2 done, about \d+ s to go\)", lines[1]
    )
    assert shown[-1] == ""


def test_durations():
    texts = [duration(seconds) for seconds in (0, 89, 90, 7200)]
    assert texts == ["0 s", "89 s", "2 min", "2.0 h"]


# ---------------------------------------------------------------- files of results


@pytest.fixture
def written(capsys, tmp_path, people):
    """A function that compares, writes a file, and returns its path and the output."""

    def run(name):
        path = tmp_path / name
        options = ["--target", "kind", "--missing", "drop", *QUICK]
        assert main(["compare", str(people), *options, "--out", str(path)]) == 0
        output = capsys.readouterr().out
        assert output.endswith(f"written: {path}\n")
        return path, output

    return run


def check_accuracies(rows, output):
    """The accuracies of the splits are those of the printed table."""
    for model in ("LogisticRegression", "TTFSClassifier"):
        values = [float(row["accuracy"]) for row in rows if row["model"] == model]
        assert len(values) == 2
        text = f"{100 * np.mean(values):.1f} ± {100 * np.std(values):.1f}"
        assert re.search(rf"\npeople.csv +{model} +{re.escape(text)} ", output)


def test_json(written):
    path, output = written("a.json")
    content = json.loads(path.read_text())
    check_accuracies(content["results"], output)
    assert content["settings"]["data"] == ["people.csv"]
    assert content["settings"]["max_iter"] == 3
    assert content["settings"]["missing"] == "drop"
    assert any("are dropped" in note for note in content["notes"])
    first, last = content["results"][0], content["results"][-1]
    assert first["hidden_spikes"] is first["n_hidden"] is None
    assert (last["n_hidden"], last["error"]) == (100, "")


def test_csv(written):
    path, output = written("a.csv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    check_accuracies(rows, output)
    assert {row["n_hidden"] for row in rows} == {"", "100"}


def test_markdown(written):
    path, output = written("a.MD")
    lines = path.read_text().splitlines()
    table = [
        [cell.strip() for cell in line[1:-1].split("|")]
        for line in lines
        if line.startswith("|")
    ]
    body = output[output.rindex("\ndata ") :].splitlines()
    printed = [line for line in body if line.startswith("people.csv  ")]
    assert [" ".join(cells) for cells in table[2:]] == [
        " ".join(line.split()) for line in printed
    ]
    assert table[1] == ["---"] * 2 + ["---:"] * 4
    assert any(line.startswith("- people.csv: ") for line in lines)


def test_errors_are_written(tmp_path):
    results = [{"data": "a|b", "error": "no luck, at all"}]
    table = [["data", "model", "n"], ["a|b", "m", "1"], ["a|b", "error: no luck"]]
    for name in ("a.json", "a.csv", "a.md"):
        write_results(tmp_path / name, {}, results, table, ["a note"])
    assert json.loads((tmp_path / "a.json").read_text())["results"] == results
    with (tmp_path / "a.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == results
    assert (tmp_path / "a.md").read_text() == (
        "| data | model | n |\n| --- | --- | ---: |\n| a\\|b | m | 1 |\n"
        "| a\\|b | error: no luck |  |\n\n- a note\n"
    )


def test_old_results_stay_until_there_are_new_ones(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("old")
    assert check_out(str(path)) == path
    assert path.read_text() == "old"
    check_out(tmp_path / "b.md")
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_anymore(capsys, tmp_path, monkeypatch):
    folder = tmp_path / "a folder"
    folder.mkdir()
    evaluate = compare.evaluate

    def remove(task):
        if folder.exists():
            folder.rmdir()
        return evaluate(task)

    monkeypatch.setattr(compare, "evaluate", remove)
    path = folder / "a.md"
    assert main(["compare", "iris", *QUICK, "--out", str(path)]) == 1
    output = capsys.readouterr()
    assert "LogisticRegression" in output.out
    assert output.err.startswith(f"ttfs compare: error: {str(path)!r}: No such file")
    assert output.err.count("\n") == 1
