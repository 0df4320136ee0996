"""Exported models on machines without an operating system give the estimator's bits."""

from itertools import chain

import bare_metal
import exported
import numpy as np
import pytest
from bare_metal import MACHINES, WARNINGS, every_machine
from exported import LEARNING, MODELS, make
from fixed_header import ROOT

from ttfs import export

# An AVR is simulated cycle by cycle, and has 8 KB of memory.
N_SAMPLES = {"m0+": 200, "m4f": 200, "rv32": 200, "avr": 20}


def play(folder, clf, machine, *, learns):
    """Lines that the exported model writes, without a warning of the compiler."""
    model, program = folder / "model.c", folder / "program"
    export.to_c(clf, model, learn=learns)
    bare_metal.build(
        MACHINES[machine],
        program,
        *WARNINGS,
        ADAPTER=bare_metal.TTFS,
        MODEL=model,
        LEARN=learns,
        N_SAMPLES=N_SAMPLES[machine],
    )
    return bare_metal.run(MACHINES[machine], program).rows


@every_machine
@pytest.mark.parametrize("name", MODELS)
def test_inference_equals_the_estimator(name, machine, tmp_path):
    clf, _ = make(name)
    _, _, expected = bare_metal.random_case(clf, N_SAMPLES[machine], learns=False)
    rows = play(tmp_path, clf, machine, learns=False)
    assert rows == expected(N_SAMPLES[machine])
    assert len({row[0] for row in rows}) > 1


@every_machine
@pytest.mark.parametrize("name", LEARNING)
def test_learning_equals_the_estimator(name, machine, tmp_path):
    clf, _ = make(name)
    n = N_SAMPLES[machine]
    _, _, expected = bare_metal.random_case(clf, n, learns=True)
    rows = play(tmp_path, clf, machine, learns=True)
    assert list(chain(*rows[n:])) == expected(n)
    assert expected(n) != expected(0)


# Labels that save the state, spoil a copy of it, and restore it.
SAVE, RESTORE, SPOIL = -2, -3, -4


@every_machine
@pytest.mark.parametrize("name", ["symmetric", "direct", "exact", "shifts"])
def test_every_function_equals_this_computer(name, machine, tmp_path):
    """Inference in each way, margins, learning, states, and the self-test."""
    clf, data = make(name)
    learns = name in LEARNING
    X, y = data(30, seed=5)
    labels = np.full(30, -1)
    if learns:
        labels[::3] = np.searchsorted(clf.classes_, y[::3])
        labels[[7, 13, 19, 22]] = SAVE, SPOIL, SAVE, RESTORE
    ticks = export.ticks(clf, X)
    options = {"learn": learns, "self_test": X[:5]}
    program = exported.build(tmp_path, clf, "-DSELF_TEST", **options)
    here = exported.play(program, labels, ticks)
    samples = np.column_stack([labels, ticks.astype(np.int16)]).astype(np.int16)
    bare_metal.build(
        MACHINES[machine],
        tmp_path / "program",
        *WARNINGS,
        source=ROOT / "tests/c/export_main.c",
        MODEL=tmp_path / "model.c",
        INPUT=bare_metal.input_header(tmp_path / "input.h", samples),
        LEARN=learns,
        SELF_TEST=True,
    )
    rows = bare_metal.run(MACHINES[machine], tmp_path / "program").rows
    # The lines of an AVR are shorter.
    assert list(chain(*rows)) == list(chain(*here))


def test_random_samples_are_those_of_the_program(tmp_path):
    """Samples are as different as the comment in firmware.c says."""
    ticks, labels = bare_metal.random_samples(500, 16, 200, 4)
    assert set(labels.tolist()) == {0, 1, 2, 3}
    is_absent = (ticks >= 200).mean(axis=1)
    assert is_absent.min() < 0.1
    assert is_absent.max() > 0.8
    greatest = np.where(ticks < 200, ticks, 0).max(axis=1)
    assert (greatest < 28).mean() > 0.1
    assert (greatest > 150).mean() > 0.1
    assert (ticks > 200).any()
