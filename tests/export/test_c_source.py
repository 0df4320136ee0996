"""Exported models: the C gives the estimator's bits, on every compiler that is here."""

import platform
import re
import shutil
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import raw_features
from exported import (
    FLAGS,
    LEARNING,
    MODELS,
    any_compiler,
    build,
    build_network,
    check_inference,
    check_learning,
    compile_main,
    fitted,
    for_inference,
    make,
    outputs,
    play,
    shell,
    yin_yang,
)
from fixed_header import COMPILERS, ROOT, SANITIZE, run
from fixed_networks import Core, random_labels, random_network, random_ticks
from sklearn.base import clone

from ttfs import export
from ttfs.export.c_arrays import model_number
from ttfs.export.c_source import c_model, header_text, source_text
from ttfs.export.model import read_learner, read_model
from ttfs.fixed.network import FEEDBACKS
from ttfs.parameters import FixedPoint

PAGE = ROOT / "docs/guide/export.md"


# By default the first compiler has to do.
compilers = pytest.mark.parametrize(
    "compiler",
    [*COMPILERS[:1], *(pytest.param(c, marks=pytest.mark.slow) for c in COMPILERS[1:])],
)
no_floats = ["-mgeneral-regs-only"] * (platform.machine() in ("x86_64", "aarch64"))


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    """A function that builds the program of a model that learns, once."""
    return cache(
        lambda name: build(
            tmp_path_factory.mktemp("learner"), fitted(name)[0], learn=True
        )
    )


# -- Inference ---------------------------------------------------------------------

# Their inference differs from that of other models by numbers alone.
LIKE_OTHERS = "symmetric", "random", "direct", "early read-out", "exact"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name in LIKE_OTHERS))
        for name in MODELS
    ],
)
def test_inference_equals_the_estimator(name, tmp_path):
    clf, data = make(name)
    X, _ = data(300, seed=1)
    program = build(tmp_path, clf)
    rows = play(program, np.full(300, -1), export.ticks(clf, X))
    assert rows == outputs(clf, X)
    assert len({row[0] for row in rows}) > 1


# -- Spike by spike ----------------------------------------------------------------


UNRULY = """
#include "model.c"
#include <stdio.h>
#define LAST (TTFS_MODEL_N_TICKS - 1)

int main(void)
{
    uint16_t ticks[TTFS_MODEL_N_CHANNELS], absent[TTFS_MODEL_N_CHANNELS];
    int answer = ttfs_model_spike(0, 0); /* without PREFIX_begin() */
    for (int c = 0; c < TTFS_MODEL_N_CHANNELS; ++c) {
        ticks[c] = absent[c] = TTFS_MODEL_N_TICKS;
    }
    ticks[0] = 0;

    /* One channel floods. */
    ttfs_model_begin();
    answer = -1;
    for (int n = 0; n < 1000 && answer < 0; ++n) answer = ttfs_model_spike(0, 0);
    for (int n = 0; n < 1000 && answer < 0; ++n) answer = ttfs_model_spike(0, LAST);
    answer = ttfs_model_advance(TTFS_MODEL_N_TICKS);
    if (answer != ttfs_model_infer(ticks)) return 1;

    /* Late spikes, and channels and ticks that are not there. */
    for (uint16_t late = 0; late < LAST; ++late) {
        for (int c = 0; c < TTFS_MODEL_N_CHANNELS; ++c) ticks[c] = absent[c];
        ttfs_model_begin();
        answer = ttfs_model_advance(late);
        for (uint16_t c = 0; c < TTFS_MODEL_N_CHANNELS && answer < 0; ++c) {
            ticks[c] = late;
            answer = ttfs_model_spike(c, c < late ? c : late);
        }
        if (ttfs_model_spike(TTFS_MODEL_N_CHANNELS, late) != answer) return 2;
        if (ttfs_model_spike(65535, late) != answer) return 3;
        answer = ttfs_model_spike(0, 65535);
        if (answer != ttfs_model_infer(ticks)) return 4;
        if (answer != ttfs_model_advance(65535)) return 5;
    }

    /* Whole samples take the place of one that has begun. */
    ttfs_model_begin();
    ttfs_model_spike(0, 1);
    answer = ttfs_model_infer(absent);
    for (uint16_t c = 0; c < TTFS_MODEL_N_CHANNELS; ++c) ttfs_model_spike(c, 1);
    if (answer != ttfs_model_advance(TTFS_MODEL_N_TICKS)) return 6;
    for (uint16_t c = 0; c < TTFS_MODEL_N_CHANNELS; ++c) ticks[c] = c % 5;
    answer = ttfs_model_infer(ticks);
    for (uint16_t c = 0; c < TTFS_MODEL_N_CHANNELS; ++c) ttfs_model_spike(c, 1);
    if (answer != ttfs_model_advance(TTFS_MODEL_N_TICKS)) return 7;
    return 0;
}
"""


@pytest.mark.parametrize(
    ("name", "learn", "flags"),
    [
        ("symmetric", True, SANITIZE),
        ("four at once", False, []),
        pytest.param("shifts", True, SANITIZE, marks=pytest.mark.slow),
        pytest.param("four at once", False, SANITIZE, marks=pytest.mark.slow),
    ],
)
def test_spikes_that_are_not_in_order(name, learn, flags, tmp_path):
    clf, _ = make(name)
    export.to_c(clf, tmp_path / "model.c", learn=learn)
    (tmp_path / "unruly.c").write_text(UNRULY)
    command = [any_compiler(), *FLAGS, *flags, tmp_path / "unruly.c"]
    shell(*command, "-o", tmp_path / "unruly")
    shell(tmp_path / "unruly")


# -- Learning ----------------------------------------------------------------------


@pytest.mark.parametrize("name", LEARNING)
def test_learning_equals_partial_fit(name, learner):
    check_learning(name, learner(name), 40)


def test_an_early_read_out_learns_in_the_export_too(learner):
    clf, data = make("early read-out")
    X, y = data(200, seed=2)
    network = read_learner(clf)
    n_fixed = network.layers[-1].n_fixed
    assert n_fixed >= 2
    assert network.stretch > 1
    ticks = export.ticks(clf, X)
    labels = np.searchsorted(clf.classes_, y)
    rows = play(learner("early read-out"), labels, ticks)
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


def test_wrong_labels_change_nothing(learner):
    clf, data = make("symmetric")
    X, _ = data(1)
    program = learner("symmetric")
    before = play(program, [], export.ticks(clf, X)[:0])
    row, *after = play(program, [3], export.ticks(clf, X))
    assert row[0] == -1
    assert after == before


# -- Any network -----------------------------------------------------------------------


def check_steps(network, ticks, labels, program):
    """The same for online steps."""
    core = Core(network)
    for sample, label in zip(ticks.tolist(), labels, strict=True):
        core.learn([sample], [label])
    state = core.state()
    layers = zip(state["weights"], state["lfsr"], state["silence"], strict=False)
    expected = [[*np.ravel(w).tolist(), *r, *s] for w, r, s in layers]
    rows = play(program, labels, ticks)
    assert rows[len(ticks) :] == [*expected, state["lfsr"][-1]]


def infer_any_networks(folder, decay, n, n_sanitized):
    """Insist that n random networks infer as the library."""
    rng = np.random.default_rng(n)
    is_silent = []
    for k in range(n):
        network = for_inference(random_network(rng, decay=decay))
        program = build_network(folder, network, *SANITIZE * (k < n_sanitized))
        ticks = random_ticks(rng, network, 150)
        is_silent.append(check_inference(network, ticks, program))
    assert 0 < np.mean(is_silent) < 1


def learn_any_networks(folder, feedback, decay, n, flags):
    """Insist that n random networks learn as the library."""
    rng = np.random.default_rng(10)
    for _ in range(n):
        network = random_network(rng, feedback=feedback, decay=decay)
        program = build_network(folder, network, *flags, learn=True)
        ticks = random_ticks(rng, network, 60)
        check_steps(network, ticks, random_labels(rng, network, 60), program)


decays = pytest.mark.parametrize("decay", ["table", "shift"])


@decays
def test_any_network_infers_in_every_way(decay, tmp_path):
    infer_any_networks(tmp_path, decay, 2, 1)


@pytest.mark.parametrize(
    ("feedback", "decay", "flags"),
    [
        ("symmetric", "shift", SANITIZE),
        ("random", "table", []),
        ("direct", "table", SANITIZE),
        ("target", "shift", []),
    ],
)
def test_any_network_learns(feedback, decay, flags, tmp_path):
    learn_any_networks(tmp_path, feedback, decay, 1, flags)


@pytest.mark.slow  # more networks of the same kinds
@decays
def test_many_networks(decay, tmp_path):
    infer_any_networks(tmp_path, decay, 10, 10)
    for feedback in FEEDBACKS:
        learn_any_networks(tmp_path, feedback, decay, 3, SANITIZE)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNING)
def test_many_samples(name, tmp_path):
    clf, _ = make(name)
    rng = np.random.default_rng(0)
    network = read_model(clf).network
    ticks = random_ticks(rng, network, 20_000)
    more = [*SANITIZE, "-O2"]
    check_inference(network, ticks, build_network(tmp_path, network, *more))
    network = read_learner(clf)
    program = build_network(tmp_path, network, *more, learn=True)
    labels = random_labels(rng, network, 2000)
    check_steps(network, ticks[:2000], labels, program)


@pytest.mark.parametrize("name", ["symmetric", "direct"])
def test_a_saved_state_is_restored(name, learner):
    clf, data = make(name)
    X, y = data(40, seed=2)
    program = learner(name)
    ticks, labels = export.ticks(clf, X), np.searchsorted(clf.classes_, y)
    save, restore, spoil = -2, -3, -4
    once = play(program, labels, ticks)
    # Learn, save, learn something else, come back, and go on.
    order = [*range(20), 0, *range(10), 0, *range(20, 40)]
    what = [*labels[:20], save, *labels[:10], restore, *labels[20:]]
    again = play(program, what, ticks[order])
    assert again[30:] == once[20:]
    # A state with a wrong bit changes nothing.
    what = [*labels[:20], save, spoil, *labels[20:]]
    assert play(program, what, ticks[[*range(20), 0, 0, *range(20, 40)]]) == once


TWO_MODELS = """
#include "a.c"
#include "b.c"
#include <stdio.h>

int main(void)
{
    static uint8_t state[A_STATE_SIZE];
    if (A_STATE_SIZE != B_STATE_SIZE || A_self_test() || B_self_test()) return 1;
    A_save(state);
    printf("%d %d", A_restore(state), B_restore(state));
    return B_self_test();
}
"""


def test_two_models_in_one_file(tmp_path):
    clf, data = make("symmetric")
    X, y = data(50)
    other = clone(clf).set_params(arithmetic=FixedPoint(accumulator_bits=14)).fit(X, y)
    for name, model in ("a", clf), ("b", other):
        path = tmp_path / f"{name}.c"
        export.to_c(model, path, learn=True, prefix=name.upper(), self_test=X[:5])
    (tmp_path / "two.c").write_text(TWO_MODELS)
    command = [any_compiler(), *FLAGS, tmp_path / "two.c"]
    shell(*command, "-o", tmp_path / "two")
    assert shell(tmp_path / "two") == "0 -1"


def test_header_and_source(tmp_path):
    clf, data = make("target")
    c = c_model(clf, learn=True, prefix="net", self_test=data(5)[0])
    (tmp_path / "net.h").write_text(header_text(c))
    (tmp_path / "net.c").write_text(source_text(c, "net.h"))
    (tmp_path / "main").write_text(
        '#include "net.h"\n#include "net.h"\n'
        "int main(void) { return NET_N_LAYERS - 2 + net_self_test(); }\n"
    )
    compiler = any_compiler()
    objects = [tmp_path / "net.o", tmp_path / "main.o"]
    shell(compiler, *FLAGS, "-c", tmp_path / "net.c", "-o", objects[0])
    for language in "c", "c++":
        command = [compiler, "-x", language, "-Wall", "-c", tmp_path / "main"]
        built = run([*command, "-o", objects[1]])
        if built.returncode and "cc1plus" in built.stdout:
            pytest.skip("needs a compiler of C++")
        assert not built.returncode, built.stdout
        program = tmp_path / "program"
        shell(compiler, *objects, "-o", program)
        shell(program)


@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
@pytest.mark.parametrize(
    ("name", "standard"), [("target", "gnu++11"), ("four at once", "c++20")]
)
def test_source_is_cpp_too(name, standard, tmp_path):
    """As compilers for Arduino take it, with GNU's standard before C++20."""
    learn = name in LEARNING
    clf, data = make(name)
    export.to_c(clf, tmp_path / "model.c", learn=learn, self_test=data(5)[0])
    (tmp_path / "main.cpp").write_text(
        '#include "model.c"\nint main() { return ttfs_model_self_test(); }\n'
    )
    command = ["g++", f"-std={standard}", "-Wall", tmp_path / "main.cpp"]
    assert shell(*command, "-o", tmp_path / "main") == ""
    shell(tmp_path / "main")


def test_states_go_on_after_learning(tmp_path):
    clf, data = make("symmetric")
    before = model_number(read_learner(clf))
    clf.partial_fit(*data(5))
    assert model_number(read_learner(clf)) == before
    clf.set_params(learning_rate_init=0.01)
    assert model_number(read_learner(clf)) != before


# -- The self-test -----------------------------------------------------------------


def test_self_test_finds_what_is_wrong(tmp_path):
    clf, data = make("random")
    X, _ = data(20, seed=3)
    source = tmp_path / "model.c"
    export.to_c(clf, source, self_test=X)
    text = source.read_text()
    assert play(compile_main(source, "-DSELF_TEST"), [], np.zeros((0, 4))) == []
    head, weights = text.split("weights_0[", 1)
    weights = re.sub(r"(?<=\n    )-?\d+", "63", weights, count=1)
    source.write_text(f"{head}weights_0[{weights}")
    done = run([compile_main(source, "-DSELF_TEST")])
    assert done.returncode == 1
    assert "self-test" in done.stdout


# -- The file ----------------------------------------------------------------------


@compilers
@pytest.mark.parametrize(
    "flags",
    [no_floats, pytest.param(SANITIZE, marks=pytest.mark.slow)],
    ids=["no floats", "sanitized"],
)
def test_every_compiler_gives_the_same(compiler, flags, learner, tmp_path):
    clf, data = make("random")
    X, y = data(60, seed=4)
    labels = np.where(np.arange(60) % 3, y, -1)
    ticks = export.ticks(clf, X)
    program = build(tmp_path, clf, *flags, learn=True, compiler=compiler)
    rows = play(learner("random"), labels, ticks)
    assert play(program, labels, ticks) == rows


@pytest.mark.skipif(not shutil.which("nm"), reason="needs nm")
@compilers
@pytest.mark.parametrize(
    ("of_features", "learn", "more"),
    [
        (False, False, ["-O2", "-ffreestanding"]),
        (False, True, ["-Os"]),
        (True, True, []),
        pytest.param(True, False, ["-O3"], marks=pytest.mark.slow),
        pytest.param(False, True, ["-O3", "-ffreestanding"], marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_object_is_alone(of_features, learn, more, compiler, tmp_path):
    if of_features:
        clf, X, _ = raw_features.make("lines")
    else:
        clf, data = make("random")
        X, _ = data(5)
    options = {"features": X.dtype.name} if of_features else {}
    source, built = tmp_path / "model.c", tmp_path / "model.o"
    export.to_c(clf, source, learn=learn, prefix="Net1", self_test=X[:5], **options)
    flags = [*FLAGS, *no_floats, *more, "-c"]
    shell(compiler, *flags, source, "-o", built)
    assert shell("nm", "-u", built).split() == []
    shown = shell("nm", "-g", "--defined-only", built)
    names = {"infer", "margin", "output_ticks", "output_u"}
    names |= {"begin", "spike", "advance", "self_test"}
    if of_features:
        names |= {"encode", "classify"}
    if learn:
        names |= {"learn", "weights", "save", "restore"}
    assert {line.split()[-1] for line in shown.splitlines()} == {
        f"Net1_{name}" for name in names
    }
    # Without learning nothing is written but the memory to work in.
    data = shell("nm", "-S", built)
    assert ("weights" in "".join(re.findall(r" [Dd] (\w+)", data))) == learn


@pytest.mark.parametrize(
    ("names", "size", "message"),
    [
        (["ticks"], 40_000, "ttfs_model_test_ticks has 40000 bytes, an array 32767 at"),
        (
            ["ticks", "labels", "output_ticks"],
            30_000,
            "all arrays have 9.... bytes, but",
        ),
    ],
)
def test_models_that_are_too_large_for_an_avr(names, size, message, tmp_path):
    """Their arrays are those of the self-test here; other machines take any."""
    clf, data = make("exact")
    c = c_model(clf, learn=False, prefix="ttfs_model", self_test=data(2)[0])
    rng = np.random.default_rng(0)
    arrays = {name: rng.integers(9, size=size // 2, dtype=np.uint16) for name in names}
    text = source_text(replace(c, samples=c.samples | arrays))
    assert re.search(f'#ifdef __AVR__\n#error "too large for an AVR: {message}', text)
    source = tmp_path / "model.c"
    source.write_text(text)
    command = [any_compiler(), *FLAGS, "-fsyntax-only", source]
    shell(*command)
    if shutil.which("avr-gcc"):
        done = run(["avr-gcc", "-mmcu=atmega1284p", *command[1:]])
        assert done.returncode
        assert re.search(message, done.stdout)


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
    assert "too large for an AVR" not in text
    for name in (
        "For learning only",
        "slope_mem",
        "kernel",
        "lfsr",
        "softmax",
        "*error;",
    ):
        assert (name in text) == learn
    assert "TTFS_FIXED_" not in text
    assert "ttfs_device_" not in text
    assert "#ifdef TTFS_MODEL_LEARN" not in text
    # Tables of layers with the same neurons are there once.
    assert len(re.findall(r"const16 ttfs_model_decay_mem_\d\[", text)) == 1
    narrow = "#define TTFS_MODEL_WEIGHT const TTFS_MODEL_FLASH int8_t\n"
    assert (narrow in text) == (not learn)
    assert list(tmp_path.iterdir()) in (paths, paths[::-1])


@pytest.mark.skipif(not PAGE.exists(), reason="not in a clone")
def test_examples_of_the_page(tmp_path, monkeypatch, capsys):
    page = PAGE.read_text(encoding="utf-8").split("## From raw features to a class")[0]
    (python,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    program, margin, spikes, learning, state = re.findall(
        r"```c\n(.*?)```", page, re.DOTALL
    )
    monkeypatch.chdir(tmp_path)
    X, y = yin_yang(40)
    exec(python, {"X": X, "y": y})
    assert "weight moves" in capsys.readouterr().out
    text = f"""{program}
int next_spike(uint16_t *channel, uint16_t *tick);
uint32_t how_clear(uint16_t *ticks) {{ {margin} show(class_number); return margin; }}
int listen(void) {{ uint16_t channel, tick; {spikes} return answer; }}
void learn(uint16_t *ticks, int label) {{ {learning} show(guess); }}
int keep(void) {{ {state} return failed; }}
"""
    (tmp_path / "program.c").write_text(text)
    shell(any_compiler(), *FLAGS, "-c", tmp_path / "program.c")


def test_files_that_cannot_be_written(tmp_path):
    clf, _ = make("exact")
    for prefix in "", "1a", "a-b", "_a", "ä", "a b", "TTFS_fixed_x":
        with pytest.raises(ValueError, match="prefix must be"):
            export.to_c(clf, tmp_path / "model.c", prefix=prefix)
    for X in np.zeros((0, 4)), np.zeros((2, 3)):
        with pytest.raises(ValueError, match=r"self_test must have a sample|features"):
            export.to_c(clf, tmp_path / "model.c", self_test=X)
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
