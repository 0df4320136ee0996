"""The command ``ttfs compare``."""

import re
import signal
import sys
import zipfile

import numpy as np
import pytest
from failing import Failing, Interrupted
from sklearn.dummy import DummyClassifier

from ttfs.cli import compare
from ttfs.cli.compare import Fit, Row, plot_accuracies
from ttfs.cli.data import DataError, load_data
from ttfs.cli.main import main

MODELS = [
    "LogisticRegression",
    "KNeighborsClassifier",
    "SVC",
    "HistGradientBoostingClassifier",
    "MLPClassifier",
    "TTFSClassifier",
]


@pytest.fixture
def quick_models(monkeypatch):
    """Replace the models; the test may change the dictionary."""
    models = {"First": DummyClassifier(), "Last": DummyClassifier()}
    monkeypatch.setattr(compare, "make_models", lambda hidden, seed: models)
    return models


def table(output):
    """Rows of the final table as {(data, model): rest of the line}."""
    body = output[output.rindex("\ndata ") : output.rindex("\n----")]
    rows = [line.split(maxsplit=2) for line in body.splitlines()[2:]]
    return {(row[0], row[1]): row[2] for row in rows if len(row) == 3}


def test_iris(capsys):
    status = main(["compare", "--dataset", "iris", "--cv", "2", "--hidden", "20,10"])
    output = capsys.readouterr()
    assert status == 0
    assert output.err == ""
    rows = table(output.out)
    for model in MODELS:
        # once when it is finished, once in the table
        assert len(re.findall(f"^iris +{model} ", output.out, re.MULTILINE)) == 2
        accuracy = float(rows["iris", model].split()[0])
        assert 80.0 < accuracy <= 100.0
    spikes, n_hidden = rows["iris", "TTFSClassifier"].split()[-1].split("/")
    assert n_hidden == "30"
    assert 0.0 < float(spikes) <= 30.0
    assert rows["iris", "SVC"].split()[-1] == "-"


def test_yin_yang_has_its_own_test_set(capsys, quick_models):
    assert main(["compare", "--dataset", "yin_yang", "--cv", "3"]) == 0
    # one split, hence no standard deviation
    assert "±" not in table(capsys.readouterr().out)["yin_yang", "First"]


def test_all_bundled_sets(capsys, quick_models):
    assert main(["compare"]) == 0
    names = {data for data, _ in table(capsys.readouterr().out)}
    assert names >= {"yin_yang", "iris", "wine", "breast_cancer", "digits"}


X2 = np.arange(20.0).reshape(10, 2)
Y2 = np.arange(10) % 2
X2_BAD = np.where(X2 == 7, np.nan, X2)

BAD_NPZ = {
    "no y": ({"X": X2}, "arrays X and y are needed, the file holds X"),
    "empty": ({}, "the file holds nothing"),
    "flat X": ({"X": Y2, "y": Y2}, "X must be numbers of shape"),
    "text X": ({"X": X2.astype(str), "y": Y2}, "X must be numbers of shape"),
    "objects": ({"X": X2.astype(object), "y": Y2}, "X consists of Python objects"),
    "lengths": ({"X": X2, "y": Y2[:-1]}, r"y must have shape \(10,\)"),
    "no samples": ({"X": X2[:0], "y": Y2[:0]}, "no samples"),
    "nan": ({"X": X2_BAD, "y": Y2}, r"X\[3, 1\] has no value; 1 of 20 values"),
    "nan label": ({"X": X2, "y": np.where(Y2, np.nan, 0)}, r"y\[1\] has no label"),
    "one class": ({"X": X2, "y": 0 * Y2}, "all samples have the label 0"),
    "regression": ({"X": X2, "y": X2[:, 0] + 0.5}, "must be classes, not continuous"),
    "few": ({"X": X2, "y": np.arange(10) // 7}, r"class 1 has 3 samples.* 5 folds"),
}

BAD_CSV = {
    "empty": (b"", "the file is empty"),
    "header only": (b"a,b,label\n", "no samples"),
    "one column": (b"1\n3\n", "at least two columns"),
    "ragged": (b"1,2,x\n3,y\n", "line 2 has 2 columns, not 3"),
    "word": (b"1,2,x\n3,four,y\n", "line 2, column 2: 'four' is not a finite number"),
    "word above": (
        b"1,two,x\n3,4,y\n",
        "line 1 .*--header.*, column 2: 'two' is not a finite",
    ),
    "hole": (b"a,b,label\n1,2,x\n,4,y\n", r"line 3, column 1 \('a'\) has no value"),
    "nan": (b"1,2,x\nnan,4,y\n", "line 2, column 1 has no value; 1 of 4"),
    "no label": (b"1,2,x\n3,4,\n", "line 2 has no label"),
    "one class": (b"1,2,x\n" * 9, "all samples have the label x"),
    "few": (b"1,2,x\n" * 9 + b"3,4,y\n", "class y has 1 samples.* 5 folds"),
    "binary": (bytes(range(256)), "not a readable .csv file"),
}


def check_refused(error_of, path, message):
    error = error_of(["compare", "--dataset", str(path)])
    assert error.startswith("ttfs compare: error: ")
    assert f"{path.name}: " in error
    with pytest.raises(DataError, match=message):
        load_data(str(path), 5, 0)


def test_bad_npz(error_of, tmp_path):
    for arrays, message in BAD_NPZ.values():
        np.savez(tmp_path / "bad.npz", **arrays)
        check_refused(error_of, tmp_path / "bad.npz", message)


def test_bad_csv(error_of, tmp_path):
    for content, message in BAD_CSV.values():
        (tmp_path / "bad.csv").write_bytes(content)
        check_refused(error_of, tmp_path / "bad.csv", message)


def test_files_that_are_no_archives(error_of, tmp_path):
    path = tmp_path / "bad.npz"
    for content in (b"", b"hello", b"PK\x03\x04 cut off"):
        path.write_bytes(content)
        error = error_of(["compare", "--dataset", str(path)])
        assert re.search(r"bad\.npz: not a (readable )?\.npz file", error)
    with path.open("wb") as file:
        np.save(file, X2)
    assert "not a .npz file" in error_of(["compare", "--dataset", str(path)])
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("X.npy", "no array")
        file.writestr("y.npy", "no array")
    error = error_of(["compare", "--dataset", str(path)])
    assert "X must be numbers of shape" in error


def test_bad_arguments(error_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments, message in (
        ("--dataset mnist", "unknown data set 'mnist': choose from"),
        ("--dataset=", "unknown data set ''"),
        ("--dataset iris,rose", "unknown data set 'rose'"),
        ("--dataset a.npz", "a.npz: No such file"),
        ("--dataset iris --cv 51", "class 0 has 50 samples"),
        ("--cv 1", "'1' is not a whole number above 1"),
        ("--hidden 20,0", "'20,0' is not a list of layer sizes"),
        ("--seed -1", "'-1' is not a whole number from 0"),
        ("--speed 9", "unknown argument '--speed'; data sets are given with --data"),
    ):
        assert message in error_of(["compare", *arguments.split()])


def test_a_failing_model_does_not_stop_the_others(capsys, quick_models):
    quick_models["First"] = Failing()
    assert main(["compare", "--dataset", "iris"]) == 1
    rows = table(capsys.readouterr().out)
    assert rows["iris", "First"] == "error: no luck"
    assert rows["iris", "Last"].startswith("33.3 ± 0.0")


@pytest.mark.usefixtures("ctrl_c")
def test_interrupt_prints_the_table_so_far(capsys, quick_models, monkeypatch):
    quick_models["Last"] = Interrupted()
    assert main(["compare", "--dataset", "iris,wine"]) == 130
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    output = capsys.readouterr().out
    rows = table(output)
    assert ("iris", "First") in rows
    assert ("iris", "Last") not in rows
    assert "wine" not in output
    assert output.endswith("interrupted: the remaining models were not trained\n")


# -- The figure --------------------------------------------------------------------


def test_figure_has_a_row_for_each_model_and_a_panel_for_each_data_set():
    pytest.importorskip("matplotlib")
    rows = [
        Row("a", "SVC", [Fit(0.5), Fit(0.75)]),
        Row("a", "TTFSClassifier", [Fit(0.75), Fit(1.0)]),
        Row("b", "TTFSClassifier", [Fit(0.25)]),
    ]
    first, second = plot_accuracies(rows).axes
    names = [label.get_text() for label in first.get_yticklabels()]
    assert names == ["SVC", "TTFSClassifier"]
    folds = [line.get_xdata() for line in first.lines if len(line.get_xdata()) == 2]
    assert [list(x) for x in folds[:1]] == [[50, 75]]
    for bars, mean, place in zip(first.containers, (62.5, 87.5), (0, 1), strict=True):
        assert bars.lines[0].get_xdata() == [mean]
        assert bars.lines[0].get_ydata() == [place]
        ends = np.array(bars.lines[2][0].get_segments())[0, :, 0]
        assert list(ends) == [mean - 12.5, mean + 12.5]
    (bars,) = second.containers
    assert bars.lines[0].get_xdata() == [25]
    assert not bars.has_xerr
    assert [ax.get_title() for ax in (first, second)] == ["a", "b"]


def test_a_figure_is_drawn_where_a_model_fails(capsys, quick_models, tmp_path):
    pytest.importorskip("matplotlib")
    quick_models["First"] = Failing()
    path = tmp_path / "a.png"
    arguments = ["compare", "iris", "wine", "--cv", "2", "--plot", str(path)]
    assert main(arguments) == 1  # one model has failed
    assert f"drawn: {path}" in capsys.readouterr().out
    assert path.read_bytes().startswith(b"\x89PNG")


def test_no_figure_where_all_models_fail(capsys, quick_models, tmp_path):
    pytest.importorskip("matplotlib")
    quick_models.update(First=Failing(), Last=Failing())
    path = tmp_path / "a.png"
    assert main(["compare", "iris", "--cv", "2", "--plot", str(path)]) == 1
    assert not path.exists()


def test_no_figure_without_matplotlib(monkeypatch, error_of):
    """The command ends before anything is trained."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    error = error_of(["compare", "iris", "--plot", "figure.png"])
    assert 'pip install "scikit-ttfs[plot]"' in error
