"""The table of benchmarks/speed.py: verdicts, warnings, and rows on little data."""

import re
from pathlib import Path

import _common
import _speed_own
import _speed_peer
import pytest
import speed
from _speed_table import QUICK, Options, row

README = Path(speed.__file__).with_name("README.md")
TINY = Options(
    n_pairs=1,
    mnist_epochs=(1, 2),
    yin_yang_epochs=(1, 2),
    n_fast=2,
    n_rows=3,
    n_slow=1,
    n_text=200,
    text_epochs=(1, 2),
    n_wide=1000,
)


@pytest.mark.parametrize(
    ("figure", "limits", "at_least", "verdict"),
    [
        (0.48, [0.47, 0.4], False, "MISS"),
        (0.47, [0.47, 0.4], False, "PASS"),
        (0.39, [0.47, 0.4], False, "STRETCH"),
        (0.39, [0.47], False, "PASS"),
        (0.92, [0.93, 0.97], True, "MISS"),
        (0.95, [0.93, 0.97], True, "PASS"),
        (0.98, [0.93, 0.97], True, "STRETCH"),
        (0.39, [], False, "-"),
    ],
)
def test_verdicts(capsys, figure, limits, at_least, verdict):
    row("work", figure, limits, "details", at_least=at_least)
    *_, last, details = capsys.readouterr().out.split()
    assert (last, details) == (verdict, "details")


def test_the_page_names_every_row():
    _, _, rest = README.read_text(encoding="utf-8").partition("prints some of the rows")
    listed = re.findall(r"`(\w+)`", rest.partition("\n\n")[0])
    assert listed == list(speed.ROWS)


def test_quick_is_never_more_than_full():
    for name, full in vars(speed.FULL).items():
        assert getattr(QUICK, name) <= full


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("OPENBLAS_CORETYPE", "MLPClassifier"),
        ("OPENBLAS_L2_SIZE", "MLPClassifier"),
        ("TTFS_SIMD", "ttfs"),
    ],
)
def test_restricted_sides_are_warned_of(capsys, monkeypatch, name, who):
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "TTFS_SIMD"):
        monkeypatch.delenv(variable, raising=False)
    _common.print_environment()
    assert capsys.readouterr().out == ""
    monkeypatch.setenv(name, "512")
    _common.print_environment()
    assert f"WARNING: {name}=512 restricts {who}:" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("name", "works"),
    [
        ("mnist", ["epoch", "predict", "predict in integers", "accuracy below"]),
        ("mnist16", ["epoch", "predict"]),
        ("yinyang", ["epoch", "predict"]),
        ("levels", ["16 levels", "predict"]),
        ("onerow", ["one row, predict", "one row, proba"] * 3),
    ],
)
def test_rows_beside_the_peer(capsys, monkeypatch, name, works):
    """All tasks are Yin-Yang here, for want of images."""
    tasks = dict.fromkeys(_speed_peer.TASKS, _speed_peer.TASKS["yinyang"])
    monkeypatch.setattr(_speed_peer, "TASKS", tasks)
    monkeypatch.setattr(_speed_own, "mnist", lambda n_train: _speed_own.yin_yang())
    speed.ROWS[name](TINY)
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if not line.startswith(" ")]
    for line, work in zip(rows, works, strict=True):
        assert work in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "works"),
    [
        ("text", ["text, sparse", "the same, predict"]),
        pytest.param(
            "wide",
            ["wide fit, 10 hidden", "wide fit, default"],
            marks=pytest.mark.skipif(
                not Path("/proc/self/status").exists(), reason="memory: Linux only"
            ),
        ),
        ("baseline", ["baseline, Yin-Yang", "the same, predict"]),
    ],
)
def test_rows_in_processes_of_their_own(capsys, monkeypatch, name, works):
    tasks = {"yinyang": _speed_peer.TASKS["yinyang"]}
    monkeypatch.setattr(_speed_peer, "TASKS", tasks)
    speed.ROWS[name](TINY)
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if not line.startswith(" ")]
    for line, work in zip(rows, works, strict=True):
        assert line.startswith(work)
    if name == "baseline":
        assert "; MLP on numpy's " in rows[0]


def test_an_instruction_set_that_is_not_there_is_skipped(capsys, monkeypatch):
    monkeypatch.setattr(_speed_peer._core, "simd_available", lambda: ["baseline"])
    speed.ROWS["avx2"](TINY)
    assert "SKIPPED" in capsys.readouterr().out
