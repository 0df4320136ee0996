"""Features as ticks of an exported model."""

import re

import numpy as np
import pytest
from exported import build, make, outputs, play, spike_trains
from numpy.testing import assert_array_equal

from ttfs import TTFSClassifier, export


@pytest.mark.parametrize("name", ["exact", "direct", "target"])
def test_ticks_are_spike_times(name):
    clf, data = make(name)
    X, _ = data(100, seed=5)
    times = clf.spike_times(X)[0]
    ticks = export.ticks(clf, X)
    assert ticks.dtype == np.uint16
    n_ticks = round(clf.t_max_ / clf.tick_)
    assert_array_equal(ticks == n_ticks, np.isinf(times))
    seen = np.isfinite(times)
    assert np.abs(ticks[seen] * clf.tick_ - times[seen]).max() <= clf.tick_ / 2 + 1e-6


def test_formula_of_the_comment_gives_the_ticks(tmp_path):
    clf, data = make("exact")
    export.to_c(clf, tmp_path / "model.c")
    text = re.sub(r"\n \* *", " ", (tmp_path / "model.c").read_text())
    low, high = (
        np.array(re.search(rf"{name}: +((?:[-\d.e]+,? )+)", text)[1].split(","), float)
        for name in ("low", "high")
    )
    tick = float(re.search(r"floor\(t / (\S+) \+ 1/2\)", text)[1])
    assert "Channel i, i = 0 ... 3: t = 1.0 * (1 - v[i])" in text
    assert "Channel 4 + c: t = 1.0 * v[i], where i is number c, from 0, of 0-3." in text
    export.to_c(make("direct")[0], tmp_path / "sparse.c")
    sparse = (tmp_path / "sparse.c").read_text()
    assert "* No spike where x[i] is 0 for i = 0-15.\n" in sparse
    assert re.search(r"\* low:  16 x 0.0\n \* high: 1\.\d", sparse)

    X, _ = data(100, seed=6)
    v = (np.clip(X, low, high) - low) / (high - low)
    times = np.hstack([1 - v, v]).astype(np.float32).astype(float)
    assert_array_equal(export.ticks(clf, X), np.floor(times / tick + 0.5))


def test_spike_trains(tmp_path):
    X, y = spike_trains(60, several=False)
    clf = TTFSClassifier((5,), arithmetic="fixed", max_iter=1, random_state=0).fit(X, y)
    program = build(tmp_path, clf)
    rows = play(program, np.full(60, -1), export.ticks(clf, X))
    assert [row[0] for row in rows] == clf.predict(X).tolist()
    assert rows == outputs(clf, X)
    with pytest.raises(ValueError, match="several spikes in a sample"):
        export.ticks(clf, spike_trains(60, several=True)[0])
