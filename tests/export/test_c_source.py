"""Exported models: the C gives the estimator's bits, on every compiler that is here."""

import platform
import re
import shutil

import numpy as np
import pytest
from exported import (
    FLAGS,
    LEARNING,
    MODELS,
    any_compiler,
    build,
    check_learning,
    make,
    outputs,
    play,
    yin_yang,
)
from fixed_header import COMPILERS, ROOT, SANITIZE, run

from ttfs import export
from ttfs.export.model import read_learner

PAGE = ROOT / "docs/guide/export.md"


compilers = pytest.mark.parametrize("compiler", COMPILERS)
no_floats = ["-mgeneral-regs-only"] * (platform.machine() in ("x86_64", "aarch64"))
variants = pytest.mark.parametrize(
    "flags", [no_floats, SANITIZE], ids=["no floats", "sanitized"]
)


# -- Inference ---------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_inference_equals_the_estimator(name, tmp_path):
    clf, data = make(name)
    X, _ = data(1000, seed=1)
    rows = play(build(tmp_path, clf), np.full(1000, -1), export.ticks(clf, X))
    assert rows == outputs(clf, X)
    assert len({row[0] for row in rows}) > 1


# -- Learning ----------------------------------------------------------------------


@pytest.mark.parametrize("name", LEARNING)
def test_learning_equals_partial_fit(name, tmp_path):
    check_learning(name, tmp_path, 300)


def test_an_early_read_out_learns_in_the_export_too(tmp_path):
    clf, data = make("early read-out")
    X, y = data(200, seed=2)
    network = read_learner(clf)
    n_fixed = network.layers[-1].n_fixed
    assert n_fixed >= 2
    assert network.stretch > 1
    ticks = export.ticks(clf, X)
    rows = play(
        build(tmp_path, clf, learn=True), np.searchsorted(clf.classes_, y), ticks
    )
    fired = np.array(rows[:200])[:, 1 + ticks.shape[1] :: 2]
    is_late = (fired > network.read_out) & (fired < network.n_ticks)
    assert 0.02 < is_late.mean() < 0.98
    assert 0.02 < is_late[np.arange(200), y].mean() < 0.98
    before = network.layers[-1].weights
    after = np.reshape(rows[201][: before.size], before.shape)
    assert (after[-n_fixed:] == before[-n_fixed:]).all()
    assert (after[:-n_fixed] != before[:-n_fixed]).mean() > 0.5


def test_weights_decay_in_the_export_too(tmp_path):
    clf, data = make("symmetric")
    clf.set_params(weight_decay=1e5)
    X, y = data(1, seed=2)
    rows = play(build(tmp_path, clf, learn=True), [y[0]], export.ticks(clf, X))
    before = read_learner(clf).layers[0].weights
    clf.partial_fit(X, y)
    after = read_learner(clf).layers[0].weights
    assert (after != before).mean() > 0.5
    assert rows[1][: after.size] == after.ravel().tolist()


def test_wrong_labels_change_nothing(tmp_path):
    clf, data = make("symmetric")
    X, _ = data(1)
    program = build(tmp_path, clf, learn=True)
    before = play(program, [], export.ticks(clf, X)[:0])
    row, *after = play(program, [3], export.ticks(clf, X))
    assert row[0] == -1
    assert after == before


# -- The file ----------------------------------------------------------------------


@compilers
@variants
def test_every_compiler_gives_the_same(compiler, flags, tmp_path):
    clf, data = make("random")
    X, y = data(200, seed=4)
    labels = np.where(np.arange(200) % 3, y, -1)
    ticks = export.ticks(clf, X)
    rows = [
        play(build(tmp_path, clf, *more, learn=True, compiler=cc), labels, ticks)
        for cc, more in ((any_compiler(), []), (compiler, flags))
    ]
    assert rows[0] == rows[1]


@pytest.mark.skipif(not shutil.which("nm"), reason="needs nm")
@compilers
@pytest.mark.parametrize("more", [[], ["-Os"], ["-O3", "-ffreestanding"]], ids=str)
@pytest.mark.parametrize("learn", [False, True])
def test_object_is_alone(learn, more, compiler, tmp_path):
    clf, _ = make("random")
    source, built = tmp_path / "model.c", tmp_path / "model.o"
    export.to_c(clf, source, learn=learn, prefix="Net1")
    flags = [*FLAGS, *no_floats, *more, "-c"]
    done = run([compiler, *flags, source, "-o", built])
    assert not done.returncode, done.stdout
    assert run(["nm", "-u", built]).stdout.split() == []
    shown = run(["nm", "-g", "--defined-only", built]).stdout
    names = {"infer", "output_ticks", "output_u"} | (
        {"learn", "weights"} if learn else set()
    )
    assert {line.split()[-1] for line in shown.splitlines()} == {
        f"Net1_{name}" for name in names
    }
    # Without learning nothing is written but the memory to work in.
    data = run(["nm", "-S", built]).stdout
    assert ("weights" in "".join(re.findall(r" [Dd] (\w+)", data))) == learn


@pytest.mark.skipif(not shutil.which("avr-gcc"), reason="needs avr-gcc")
@pytest.mark.parametrize("learn", [False, True])
def test_an_int_may_have_16_bits(learn, tmp_path):
    clf, _ = make("no hidden layer")
    source = tmp_path / "model.c"
    export.to_c(clf, source, learn=learn)
    command = ["avr-gcc", "-mmcu=atmega1284p", *FLAGS, "-c", source]
    done = run([*command, "-o", tmp_path / "model.o"])
    assert not done.returncode, done.stdout


@pytest.mark.parametrize("learn", [False, True])
def test_source_is_neat(learn, tmp_path):
    clf, _ = make("direct")
    paths = [tmp_path / "a.c", tmp_path / "b.c"]
    for path in paths:
        export.to_c(clf, path, learn=learn)
    text = paths[0].read_text(encoding="ascii")
    assert text == paths[1].read_text()
    assert max(map(len, text.splitlines())) <= 88
    assert "float " not in text
    assert "malloc" not in text
    assert "b* /" in text
    assert ("ttfs_fixed_learn" in text) == ("For learning only" in text) == learn
    # Tables of layers with the same neurons are there once.
    assert len(re.findall(r"int16_t decay_mem_\d\[", text)) == 1
    assert (" int8_t weights_0" in text) == (not learn)
    assert list(tmp_path.iterdir()) in (paths, paths[::-1])


@pytest.mark.skipif(not PAGE.exists(), reason="not in a clone")
def test_examples_of_the_page(tmp_path, monkeypatch, capsys):
    page = PAGE.read_text(encoding="utf-8")
    (python,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    program, learning = re.findall(r"```c\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    X, y = yin_yang(40)
    exec(python, {"X": X, "y": y})
    assert "weight moves" in capsys.readouterr().out
    learning = f"void learn(uint16_t *ticks, int label) {{ {learning} show(guess); }}"
    (tmp_path / "program.c").write_text(program + learning)
    done = run([any_compiler(), *FLAGS, "-c", tmp_path / "program.c"])
    assert not done.returncode, done.stdout


@pytest.mark.parametrize("prefix", ["", "1a", "a-b", "_a", "ä", "a b", "TTFS_fixed_x"])
def test_prefixes_that_are_no_names(prefix, tmp_path):
    clf, _ = make("exact")
    with pytest.raises(ValueError, match="prefix must be"):
        export.to_c(clf, tmp_path / "model.c", prefix=prefix)
    assert not list(tmp_path.iterdir())


def test_files_that_cannot_be_written(tmp_path):
    clf, _ = make("exact")
    with pytest.raises(TypeError, match="prefix must be a str"):
        export.to_c(clf, tmp_path / "model.c", prefix=1)
    with pytest.raises(FileNotFoundError):
        export.to_c(clf, tmp_path / "none" / "model.c")
    with pytest.raises(IsADirectoryError):
        export.to_c(clf, tmp_path)
    assert not list(tmp_path.iterdir())
    assert [path for path in tmp_path.parent.iterdir() if ".part" in path.name] == []


@pytest.mark.parametrize("write", [export.to_c, export.to_json])
def test_a_link_to_a_file_stays(write, tmp_path):
    clf, _ = make("exact")
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    write(clf, link)
    assert link.is_symlink()
    assert file.read_text().startswith(("/* ttfs_model: ", "{\n"))
    assert sorted(tmp_path.iterdir()) == [file, link]
