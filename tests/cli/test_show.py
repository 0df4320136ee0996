"""The command ``ttfs show``."""

import pickle
import re

import joblib
import numpy as np
import pytest
from classifiers import quick
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from ttfs import TTFSClassifier, TTFSRegressor
from ttfs.cli.main import main


@pytest.fixture(scope="module")
def model():
    """A fitted pipeline of a network with two hidden layers."""
    clf = quick(hidden_layer_sizes=(8, 6), delays="axonal", tau_mem=2.0)
    return make_pipeline(MinMaxScaler(), clf).fit(*load_iris(return_X_y=True))


@pytest.fixture
def stored(model, tmp_path, monkeypatch):
    """The folder that holds the model, which is the current one."""
    monkeypatch.chdir(tmp_path)
    joblib.dump(model, "model.joblib")
    return tmp_path


def shown(capsys, *arguments):
    """What the command prints."""
    assert main(["show", *arguments]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def test_a_model(capsys, model, stored):
    clf = model[-1]
    lines = shown(capsys, "model.joblib").splitlines()
    assert lines[0] == "MinMaxScaler, then TTFSClassifier: 4 features, 3 classes"
    assert "network 8-8-6-3" in lines[1]
    rows = [line.split() for line in lines if line.lstrip().startswith("hidden")]
    sizes = [(w.shape[1], w.size) for w in clf.coefs_[:2]]
    assert [(int(row[2]), int(row[4])) for row in rows] == sizes
    assert {row[-1] for row in rows} == {"axonal"}
    assert {row[-2] for row in rows} == {"2"}
    assert lines[-1].startswith(f"trained for 2 epochs, last loss {clf.loss_:.4g}")


def test_a_sample(capsys, model, stored):
    X, y = load_iris(return_X_y=True)
    output = shown(capsys, "model.joblib", "--data", "iris", "--sample", "77")
    features = model[:-1].transform(X)
    assert str(model[-1].activity(features)) in output
    inputs, *hidden, outputs = (t[77] for t in model[-1].spike_times(features))
    assert f"sample 77: decided {model.predict(X)[77]}, true {y[77]}" in output
    assert f"inputs  {np.isfinite(inputs).sum()} of 8 channels spike" in output
    decision = outputs.min()
    for k, times in enumerate(hidden, 1):
        fired = times[np.isfinite(times)]
        found = re.search(
            rf"hidden {k}  (\d+) of \d neurons fire, from (\S+) to ([\d.]+); (\d+) of",
            output,
        )
        expected = len(fired), fired.min(), fired.max(), (fired <= decision).sum()
        assert_allclose(np.array(found.groups(), float), expected, rtol=1e-3)
    found = re.findall(r"class (\d) at ([\d.]+)", output)
    order = outputs.argsort()
    assert [int(name) for name, _ in found] == list(order)
    assert_allclose([float(time) for _, time in found], outputs[order], rtol=1e-3)
    assert f"decision  at {decision:.4g}, by a first spike" in output


def test_a_picture(capsys, stored):
    pytest.importorskip("matplotlib")
    arguments = ("model.joblib", "--data", "iris", "--sample", "3", "--plot")
    for name in "a.svg", "b.svg":
        assert f"drawn: {name}" in shown(capsys, *arguments, name)
    assert (stored / "a.svg").read_bytes().startswith(b"<?xml")
    assert (stored / "b.svg").read_bytes() == (stored / "a.svg").read_bytes()


def test_a_pickle_of_a_regressor(capsys, stored):
    X, _ = load_iris(return_X_y=True)
    reg = quick(TTFSRegressor).fit(X[:, :3], X[:, 3])
    (stored / "reg.pkl").write_bytes(pickle.dumps(reg))
    lines = [",".join(map(str, row)) for row in X]
    (stored / "iris.csv").write_text("a,b,c,d\n" + "\n".join(lines))
    output = shown(capsys, "reg.pkl", "--data", "iris.csv", "--sample", "0")
    assert "TTFSRegressor: 3 features, 1 target" in output
    predicted = reg.predict(X[:1, :3])[0]
    assert f"sample 0: predicted {predicted:.3g}, true {X[0, 3]:.3g}" in output
    assert "decision  at" not in output


def test_columns_are_taken_by_name(capsys, stored):
    pandas = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True)
    frame = pandas.DataFrame(X, columns=list("abcd"))
    joblib.dump(quick().fit(frame, y), "frame.joblib")
    frame.assign(y=y)[["c", "b", "a", "d", "y"]].to_csv("turned.csv", index=False)
    frame.assign(y=y).to_csv("straight.csv", index=False)
    options = ("--sample", "90", "--data")
    one, other = (
        shown(capsys, "frame.joblib", *options, name)
        for name in ("turned.csv", "straight.csv")
    )
    assert one[one.index("sample 90") :] == other[other.index("sample 90") :]


def test_skops(capsys, model, stored):
    io = pytest.importorskip("skops.io")
    io.dump(model, "model.skops")
    assert shown(capsys, "model.skops") == shown(capsys, "model.joblib")


MISTAKES = (
    ("", "the following arguments are required: MODEL"),
    ("absent.pkl", "absent.pkl: No such file"),
    ("model.txt", "does not end in .joblib, .pickle, .pkl or .skops"),
    ("damaged.pkl", "damaged.pkl cannot be shown"),
    ("other.pkl", "needs a fitted TTFSClassifier or TTFSRegressor"),
    ("new.pkl", "is not fitted yet"),
    ("model.joblib --sample 1", "--sample needs --data"),
    ("model.joblib --data iris --plot a.png", "--plot needs --sample"),
    ("model.joblib --data iris --sample 150", "there is no sample 150: iris has"),
    ("model.joblib --data iris --sample -1", "'-1' is not a whole number from 0"),
    ("model.joblib --data iris --sample 0 --plot a.gif", "does not end in .png"),
    ("model.joblib --data digits --sample 0", "digits does not fit the model: X"),
    ("model.joblib --data nowhere", "unknown data set 'nowhere'"),
    ("model.joblib --data texts.csv", "column 'b' has texts"),
    ("model.joblib --data iris --sample 0 extra", "unknown argument 'extra'"),
    ("frame.joblib --data numbers.csv", "has no column 'x', which the model was"),
)


def test_mistakes(error_of, stored):
    X, y = load_iris(return_X_y=True)
    (stored / "damaged.pkl").write_bytes(b"garbage")
    joblib.dump(DummyClassifier().fit(X, y), "other.pkl")
    joblib.dump(TTFSClassifier(), "new.pkl")
    (stored / "texts.csv").write_text("a,b,c,d,y\n" + "1,u,2,3,0\n1,v,2,3,1\n" * 3)
    (stored / "numbers.csv").write_text("a,y\n1,0\n2,1\n")
    clf = quick().fit(X, y)
    clf.feature_names_in_ = np.array(list("xabc"), object)
    joblib.dump(clf, "frame.joblib")
    for arguments, message in MISTAKES:
        assert message in error_of(["show", *arguments.split()])
