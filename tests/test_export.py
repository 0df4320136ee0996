"""Exported models: the C gives the estimator's bits, on every compiler that is here."""

import json
import platform
import re
import shutil
import subprocess
from collections import Counter
from copy import deepcopy
from dataclasses import fields as dataclass_fields
from functools import cache

import fixed_twin
import numpy as np
import pytest
from fixed_header import COMPILERS, ROOT, SANITIZE, run
from fixed_networks import Core, random_labels, random_network, random_ticks
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

from ttfs import SpikeTrains, TTFSClassifier, _fixed, export
from ttfs.datasets import make_yin_yang
from ttfs.fixed.network import FixedLayer, FixedNetwork

FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion"]
N_LEARN = 300
PAGE = ROOT / "docs/export.md"


def sparse_data(n, seed=0):
    """Samples whose features are mostly 0, so that input dropout acts."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    X = rng.random((n, 16)) * (rng.random((n, 16)) < 0.3)
    X[np.arange(n), 4 * y] += 1
    return X, np.array(["a", "b*/", "é??/*", "d"])[y]


def yin_yang(n, seed=0):
    return make_yin_yang(n, random_state=seed)


LEARNING = {
    "symmetric": (yin_yang, {"hidden_layer_sizes": (24,), "accumulator_bits": 16}),
    "random": (
        yin_yang,
        {
            "hidden_layer_sizes": (20, 11),
            "feedback": "random",
            "tau_mem": [2.0, 1.0, float("inf")],
        },
    ),
    "direct": (
        sparse_data,
        {
            "hidden_layer_sizes": (17, 9),
            "feedback": "direct",
            "input_dropout": 0.4,
            "kernel": "linear",
            "accumulator_bits": 12,
        },
    ),
    "target": (
        sparse_data,
        {
            "hidden_layer_sizes": (20,),
            "feedback": "target",
            "encoder": "population",
            "rounding": "floor",
        },
    ),
    "no hidden layer": (
        sparse_data,
        {"hidden_layer_sizes": (), "weight_bits": 8, "learning_rate_init": 0.02},
    ),
}
EXACT = {
    "exact": (yin_yang, {"hidden_layer_sizes": (24,), "gradient": "exact"}),
    "8 bits": (
        sparse_data,
        {"hidden_layer_sizes": (20,), "gradient": "exact", "weight_bits": 8},
    ),
}
MODELS = LEARNING | EXACT


def make(name):
    """A model that has learned a little, and its kind of data."""
    clf, data = fitted(name)
    return deepcopy(clf), data


@cache
def fitted(name):
    data, parameters = MODELS[name]
    clf = TTFSClassifier(
        arithmetic="fixed",
        max_iter=2,
        random_state=3,
        **{"gradient": "local"} | parameters,
    )
    return clf.fit(*data(400)), data


def any_compiler():
    if not COMPILERS:
        pytest.skip("needs a C compiler")
    return COMPILERS[0]


def build(folder, clf, *flags, learn=False, compiler=None, **options):
    """The program of tests/c/export_main.c."""
    compiler = compiler or any_compiler()
    model, program = folder / "model.c", folder / "model"
    export.to_c(clf, model, learn=learn, **options)
    command = [compiler, *FLAGS, *flags, f'-DMODEL="{model}"', *["-DLEARN"] * learn]
    built = run([*command, ROOT / "tests/c/export_main.c", "-o", program])
    assert not built.returncode, built.stdout
    return program


def play(program, labels, ticks):
    """Rows of numbers that the program prints for samples."""
    samples = np.column_stack([labels, ticks.astype(np.int16)]).astype(np.int16)
    done = subprocess.run([program], input=samples.tobytes(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr
    return [list(map(int, line.split())) for line in done.stdout.splitlines()]


def outputs(clf, X):
    """What the estimator's integers do with samples, as the program prints it."""
    network, rows = clf._network, []
    spikes = clf._spikes(X)
    ticks, u = network.core.run(network.events(spikes))
    both = np.stack([ticks[-1].astype(int), u[-1]], axis=-1).reshape(len(X), -1)
    decisions = np.searchsorted(clf.classes_, clf.predict(X))
    rows = np.column_stack([decisions, export.ticks(clf, X), both])
    return rows.tolist()


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


def online(clf, X, y):
    """partial_fit of one sample at a time."""
    for k in range(len(X)):
        clf.partial_fit(X[k : k + 1], y[k : k + 1])
    fixed = clf._fixed
    rows = [
        [*layer.weights.ravel().tolist(), *layer.lfsr.tolist(), *layer.silence.tolist()]
        for layer in fixed.layers
    ]
    return [*rows, fixed.lfsr.tolist()]


@pytest.mark.parametrize("name", LEARNING)
def test_learning_equals_partial_fit(name, tmp_path):
    clf, data = make(name)
    X, y = data(N_LEARN + 50, seed=2)
    program = build(tmp_path, clf, learn=True)
    labels = np.searchsorted(clf.classes_, y)
    labels[N_LEARN:] = -1
    ticks = export.ticks(clf, X)
    before = [w.copy() for w in clf.coefs_]
    learned = online(clf, X[:N_LEARN], y[:N_LEARN])
    rows = play(program, labels, ticks)
    assert rows[len(X) :] == learned
    assert rows[N_LEARN : len(X)] == outputs(clf, X[N_LEARN:])
    assert any((w != b).any() for w, b in zip(clf.coefs_, before, strict=True))
    left = np.array([row[1 : 1 + ticks.shape[1]] for row in rows[:N_LEARN]])
    assert (left != ticks[:N_LEARN]).any() == (name in ("direct", "no hidden layer"))


def test_weights_decay_in_the_export_too(tmp_path):
    clf, data = make("symmetric")
    clf.set_params(weight_decay=1e5)
    X, y = data(1, seed=2)
    rows = play(build(tmp_path, clf, learn=True), [y[0]], export.ticks(clf, X))
    before = clf._fixed.layers[0].weights
    clf.partial_fit(X, y)
    after = clf._fixed.layers[0].weights
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


# -- Input -------------------------------------------------------------------------


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


def spike_trains(n, several):
    rng = np.random.default_rng(0)
    samples = np.repeat(np.arange(n), 3)
    channels = np.tile([0, 1, 1 if several else 2], n)
    times = rng.random(3 * n) + 10
    return SpikeTrains(samples, channels, times, (n, 3)), np.arange(n) % 2


def test_spike_trains(tmp_path):
    X, y = spike_trains(60, several=False)
    clf = TTFSClassifier((5,), arithmetic="fixed", max_iter=1, random_state=0).fit(X, y)
    program = build(tmp_path, clf)
    rows = play(program, np.full(60, -1), export.ticks(clf, X))
    assert [row[0] for row in rows] == clf.predict(X).tolist()
    assert rows == outputs(clf, X)
    with pytest.raises(ValueError, match="several spikes in a sample"):
        export.ticks(clf, spike_trains(60, several=True)[0])


# -- JSON --------------------------------------------------------------------------

DTYPES = {
    "weights": np.int16,
    "accumulators": np.int16,
    "bias_ticks": np.uint16,
    "decay_mem": np.int16,
    "decay_syn": np.int16,
    "rise": np.int16,
    "slope_bounds": np.int16,
    "kernel": np.int8,
    "kernel_slope": np.int8,
    "lfsr": np.uint16,
    "silence": np.uint8,
    "softmax": np.uint16,
    "reciprocal": np.uint16,
    "may_drop": np.uint8,
}


def rebuilt(data):
    """The network that a file describes: for learning if it tells how."""
    learning = data.get("learning", {})

    def arrays(fields):
        return {
            name: np.array(value, DTYPES[name]) if name in DTYPES else value
            for name, value in fields.items()
        }

    layers = []
    for fields in data["layers"]:
        fields = dict(fields)
        more = fields.pop("learning", {})
        assert np.shape(fields["weights"]) == (fields.pop("n_in"), fields.pop("n_out"))
        assert len(fields["bias_ticks"]) == fields.pop("n_bias")
        if more:
            more["weights"] = more.pop("accumulators")
            if more["feedback"] is not None:
                more["feedback"] = np.array(more["feedback"], np.int16)
        else:  # not used
            names = [f.name for f in dataclass_fields(FixedLayer)]
            n_ticks, n_out = data["n_ticks"], len(fields["weights"][0])
            more = dict.fromkeys(names[names.index("most") :], 5) | {
                "most": 255,
                "kernel": np.zeros(n_ticks + 1),
                "kernel_slope": np.zeros(n_ticks + 1),
                "lfsr": np.ones(n_out),
                "silence": np.zeros(n_out),
            }
        layers.append(FixedLayer(**arrays(fields | more)))
    n_in = len(layers[0].weights)
    learning = learning or {
        "softmax": [256],
        "reciprocal": np.zeros(128),
        "gain": 128,
        "push": 0,
        "feedback": "symmetric",
        "rounding": "floor",
        "drop": 0,
        "may_drop": np.zeros(n_in),
        "lfsr": [1],
    }
    is_floor = {"stochastic": False, "floor": True}[learning.pop("rounding")]
    return FixedNetwork(
        layers=layers,
        n_ticks=data["n_ticks"],
        silent_delay=data["silent_delay"],
        is_floor=is_floor,
        **arrays(learning),
    )


@pytest.mark.parametrize("name", MODELS)
def test_json_is_the_model(name, tmp_path):
    clf, data = make(name)
    path = tmp_path / "model.json"
    export.to_json(clf, path)
    model = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert (model["format"], model["version"]) == ("ttfs-fixed", 1)
    assert model["classes"] == clf.classes_.tolist()
    assert ("learning" in model) == (name in LEARNING)
    for layer, weights in zip(model["layers"], clf.coefs_, strict=True):
        assert layer["weights"] == weights.tolist()
        assert layer["fraction"] == 0

    X, y = data(40, seed=7)
    labels = np.searchsorted(clf.classes_, y)
    network, ticks = rebuilt(model), export.ticks(clf, X)
    core = Core(network)
    rows = outputs(clf, X)
    decisions = core.infer(ticks)[2]
    assert decisions.tolist() == [row[0] for row in rows]
    if name in LEARNING:
        learned = online(clf, X, y)
        for sample, label in zip(ticks, labels, strict=True):
            core.learn([sample], [label])
        now = core.core.network()
        for layer, row in zip(now.layers, learned, strict=False):
            assert layer.weights.ravel().tolist() == row[: layer.weights.size]


@pytest.mark.parametrize("name", ["exact", "direct", "target"])
def test_encoder_of_json_gives_the_ticks(name, tmp_path):
    clf, data = make(name)
    export.to_json(clf, tmp_path / "model.json")
    model = json.loads((tmp_path / "model.json").read_text())
    encoder = model["encoder"]
    X, _ = data(100, seed=8)
    low, high, scale, absent = (
        np.array(encoder[key], float) for key in ("low", "high", "scale", "absent")
    )
    x = np.clip(X, low, high)
    v = np.minimum((x / 2 - low / 2) * scale, 1)
    times = np.where(x == absent, np.inf, 1 - v)
    if encoder["kind"] == "population":
        m = encoder["n_receptive_fields"]
        z = 1.5 * (v[:, :, None] * (m - 2) + 0.5 - np.arange(m))
        g = np.exp(-(z**2) / 2)
        times = np.where((g < 0.1) | np.isinf(times[:, :, None]), np.inf, 1 - g)
        times = times.reshape(len(X), -1)
    times = np.hstack([times, v[:, encoder["complemented"]]]) * encoder["window"]
    ticks = np.floor(times.astype(np.float32).astype(float) / encoder["tick"] + 0.5)
    ticks = np.minimum(ticks, model["n_ticks"])
    assert ticks.shape[1] == encoder["n_channels"]
    assert_array_equal(export.ticks(clf, X), ticks)


def test_json_of_spike_trains(tmp_path):
    X, y = spike_trains(60, several=True)
    clf = TTFSClassifier((5,), arithmetic="fixed", max_iter=1).fit(X, y)
    export.to_json(clf, tmp_path / "model.json")
    encoder = json.loads((tmp_path / "model.json").read_text())["encoder"]
    assert encoder == {
        "kind": "spike_times",
        "tick": clf.tick_,
        "n_features": 3,
        "n_channels": 3,
        "begin": X.events()[2].min(),
    }


# -- Cost --------------------------------------------------------------------------


def counted(monkeypatch, *names):
    """Calls of the twin's functions from now on."""
    calls = Counter()

    def counting(name, function):
        def call(*args):
            calls[name] += 1
            return function(*args)

        return call

    for name in names:
        call = counting(name, getattr(fixed_twin, name))
        monkeypatch.setattr(fixed_twin, name, call)
    return calls


@pytest.mark.parametrize("name", MODELS)
def test_costs_of_inference_are_those_of_the_twin(name, monkeypatch):
    clf, data = make(name)
    X, _ = data(6, seed=9)
    sheet = export.cost_sheet(clf, X)
    assert (sheet.learning, sheet.n_samples) == (None, 6)
    assert sheet.sizes == (clf.n_channels_in_, *(w.shape[1] for w in clf.coefs_))
    network = clf._network.core.network()
    twin = fixed_twin.Twin(network)
    calls = counted(monkeypatch, "mac", "multiply", "weight")
    expected = []
    for ticks in export.ticks(clf, X):
        calls.clear()
        states, _ = twin.infer(ticks)
        fired = [np.array(state.ticks) < network.n_ticks for state in states]
        spikes = sum(map(np.sum, fired))
        # U and u take one mac each, a spike's slope one more; I takes the multiplies.
        state_updates = calls["multiply"] - spikes
        membrane_updates = calls["mac"] - spikes - state_updates
        channels = np.count_nonzero(ticks < network.n_ticks)
        inputs = channels + sum(map(np.sum, fired[:-1])) + len(fired)
        expected.append(
            {
                "input spikes": inputs,
                "synaptic events": calls["weight"],
                "membrane updates": membrane_updates,
                "state updates": state_updates,
                "spikes": spikes,
                "look-ups": 2 * membrane_updates + 3 * state_updates + spikes,
                "multiplies": 2 * calls["mac"] + calls["multiply"],
                "adds": calls["mac"] + calls["weight"],
            }
        )
    assert_counts(sheet.inference, expected)
    assert sheet.most == {key: max(n[key] for n in expected) for key in expected[0]}


def assert_counts(counts, expected):
    assert list(counts) == list(expected[0])
    for key, count in counts.items():
        assert_allclose(count, np.mean([n[key] for n in expected]), 1e-12, err_msg=key)


def slow_step(network, states, spikes, label):
    """Operations of a step besides its forward pass, one by one."""
    n, end = Counter(), network.n_ticks

    def add(**counts):
        n.update(counts)

    for k, (layer, state) in enumerate(zip(network.layers, states, strict=True)):
        rounding = int(layer.fraction > 0)
        is_output = k == len(states) - 1
        for j, t in enumerate(state.ticks):
            if is_output:
                add(errors=1, look_ups=1, multiplies=1, adds=5)
                add(multiplies=int(t < end or j == label))
                add(multiplies=int(t == end), adds=2 * (t == end))
            else:
                add(adds=1)
                if t < end:
                    add(errors=1, adds=1)
            for t_i, _ in spikes[k]:
                add(adds=rounding * (t_i < t))
                if any(state.error):
                    add(moves=1, multiplies=1, adds=3 + rounding)
                    add(random=int(not network.is_floor))
                    add(adds=int(not network.is_floor))
                    if t_i < t:
                        add(eligibilities=1, look_ups=1, multiplies=1)
            if not is_output and t < end:
                after = states[k + 1]
                if network.feedback == "target":
                    add(multiplies=1)
                elif network.feedback == "direct":
                    n_classes = len(states[-1].error) * any(states[-1].error)
                    add(multiplies=n_classes, adds=n_classes)
                else:
                    is_read = network.feedback == "symmetric"
                    is_rounded = is_read and network.layers[k + 1].fraction > 0
                    for t_j, c_j in zip(after.ticks, after.error, strict=True):
                        if c_j != 0 and t < t_j:
                            add(look_ups=1, multiplies=2, adds=1 + is_rounded)
    add(look_ups=1)  # reciprocal
    return n


@pytest.mark.parametrize("name", LEARNING)
def test_costs_of_learning_are_those_of_the_twin(name, monkeypatch):
    clf, data = make(name)
    X, y = data(8, seed=10)
    labels = np.searchsorted(clf.classes_, y)
    sheet = export.cost_sheet(clf, X, y)
    network = export._for_learning(clf)
    twin = fixed_twin.Twin(network)
    seen = []
    monkeypatch.setattr(fixed_twin, "update", lambda *args: None)  # weights stay
    monkeypatch.setattr(
        fixed_twin.Sums, "add", lambda sums, state, spikes: seen.append(spikes)
    )
    steps = counted(monkeypatch, "step")
    expected = []
    for ticks, label in zip(export.ticks(clf, X), labels, strict=True):
        seen.clear()
        steps.clear()
        [(states, _)] = twin.learn([ticks], [label])
        n = slow_step(network, states, seen, label)
        n["random"] += steps["step"] // 8
        expected.append(n)
    keys = "errors eligibilities moves random look_ups multiplies adds".split()
    counts = dict(zip(keys, sheet.learning.values(), strict=True))
    assert_counts(counts, [{key: n[key] for key in keys} for n in expected])


@pytest.mark.parametrize("seed", range(20))
def test_errors_are_those_of_the_twin(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    network = random_network(rng)
    ticks, labels = random_ticks(rng, network, 6), random_labels(rng, network, 6)
    events, core = Core(network)._events(ticks), _fixed.FixedCore(network)
    left, times, errors = core.errors(events, labels.astype(np.uintp))
    twin, seen = fixed_twin.Twin(network), []
    monkeypatch.setattr(fixed_twin, "update", lambda *args: None)
    thin = twin.thin
    monkeypatch.setattr(
        twin, "thin", lambda spikes: seen.append(thin(spikes)) or seen[-1]
    )
    for s in range(6):
        [(states, _)] = twin.learn([ticks[s]], [labels[s]])
        assert [layer[s].tolist() for layer in times] == [x.ticks for x in states]
        assert [layer[s].tolist() for layer in errors] == [x.error for x in states]
        rows = slice(int(left.begin[s]), int(left.end[s]))
        assert left.pairs[rows].tolist() == [list(spike) for spike in seen[s]]
    # Weights and their registers stay, the others go on.
    now = core.network()
    for layer, old, after in zip(
        now.layers, network.layers, twin.network.layers, strict=True
    ):
        assert_array_equal(layer.weights, old.weights)
        assert_array_equal(layer.lfsr, old.lfsr)
        assert layer.silence.tolist() == after.silence
    assert now.lfsr.tolist() == twin.network.lfsr


def test_errors_of_wrong_labels():
    network = random_network(np.random.default_rng(0))
    events, core = Core(network)._events([]), _fixed.FixedCore(network)
    left, times, errors = core.errors(events, np.zeros(0, np.uintp))
    assert len(left) == len(times[0]) == len(errors[-1]) == 0
    ticks = random_ticks(np.random.default_rng(1), network, 2)
    events = Core(network)._events(ticks)
    with pytest.raises(ValueError, match="one entry per sample"):
        core.errors(events, np.zeros(1, np.uintp))
    n_classes = len(network.layers[-1].lfsr)
    with pytest.raises(ValueError, match="labels"):
        core.errors(events, np.full(2, n_classes, np.uintp))


@pytest.mark.skipif(not shutil.which("nm"), reason="needs nm")
@pytest.mark.parametrize("name", ["random", "direct", "exact"])
def test_bytes_are_those_of_the_object(name, tmp_path):
    clf, data = make(name)
    sheet = export.cost_sheet(clf, data(5)[0])
    sizes = [w.size for w in clf.coefs_]
    assert sheet.weight_bytes == {
        "alone, 8 bits": sum(sizes),
        "accumulators, 16 bits": 2 * sum(sizes),
    }
    if name == "exact":
        assert sheet.learning_bytes is None
    for learn in [False] if name == "exact" else [False, True]:
        source, built = tmp_path / "model.c", tmp_path / "model.o"
        export.to_c(clf, source, learn=learn)
        done = run([any_compiler(), "-O0", "-c", source, "-o", built])
        assert not done.returncode, done.stdout
        rows = re.findall(
            r"^\w+ (\w+) [bBdDrR] (\w+)$", run(["nm", "-S", built]).stdout, re.M
        )
        size = {name: int(size, 16) for size, name in rows}
        structs = {"layers", "network", "states", "work"}
        n_bytes = sheet.learning_bytes if learn else sheet.inference_bytes
        assert n_bytes["total"] == sum(size[name] for name in size.keys() - structs)
        groups = "weights", "tables", "work", "feedback weights", "registers"
        assert n_bytes["total"] == sum(n_bytes.get(group, 0) for group in groups)
        assert n_bytes["weights"] == sum(
            n for name, n in size.items() if name.startswith("weights_")
        )
        if learn:
            rows = sum(len(w) for w in clf.coefs_)
            assert n_bytes["sums, for batches only"] == 4 * sum(sizes) + rows


def test_cost_sheet_is_a_table():
    clf, data = make("symmetric")
    X, y = data(5)
    text = str(export.cost_sheet(clf, X, y))
    assert "network 8-24-3, 5 samples" in text
    assert re.search(r"synaptic events +\d+\.\d +\d+\n", text)
    assert re.search(r"random numbers +\d+\.\d\n", text)
    assert re.search(r"sums, for batches only +\d,\d+\n", text)
    without = str(export.cost_sheet(clf, X))
    assert "random numbers" not in without
    assert "bytes for learning" in without


def test_cost_sheet_of_many_samples():
    clf, data = make("direct")
    X, y = data(1100)
    sheet = export.cost_sheet(clf, X, y)
    parts = [export.cost_sheet(clf, X[rows]) for rows in (slice(600), slice(600, None))]
    assert sheet.n_samples == 1100
    for key, count in sheet.inference.items():
        means = [part.inference[key] for part in parts]
        assert_allclose(count, np.average(means, weights=[600, 500]), 1e-12)
        assert sheet.most[key] == max(part.most[key] for part in parts)
    # Deleted spikes have no part in learning.
    assert sheet.learning["eligibilities"] < sheet.inference["synaptic events"]


def test_cost_sheet_of_wrong_data():
    clf, data = make("symmetric")
    X, y = data(5)
    with pytest.raises(ValueError, match=r"not in classes_: array\(\[7\]\)"):
        export.cost_sheet(clf, X, [0, 1, 7, 7, 0])
    with pytest.raises(ValueError, match="X has 5 samples, but y has 4"):
        export.cost_sheet(clf, X, y[:4])
    with pytest.raises(ValueError, match="gradient='local', not 'exact'"):
        export.cost_sheet(make("exact")[0], X, y)


def test_cost_sheet_of_spike_trains():
    X, y = spike_trains(30, several=True)
    clf = TTFSClassifier(
        (5,), arithmetic="fixed", gradient="local", max_iter=1, random_state=0
    ).fit(X, y)
    sheet = export.cost_sheet(clf, X)
    assert sheet.most["input spikes"] >= 3 + 1 + 1
    with pytest.raises(ValueError, match="several spikes in a sample"):
        export.cost_sheet(clf, X, y)


# -- Errors ------------------------------------------------------------------------


def test_estimators_that_cannot_be_exported(tmp_path):
    X, y = yin_yang(60)
    path = tmp_path / "model.c"
    with pytest.raises(NotFittedError):
        export.to_c(TTFSClassifier(arithmetic="fixed"), path)
    with pytest.raises(TypeError, match="must be a TTFSClassifier, got list"):
        export.to_c([], path)
    clf = TTFSClassifier((5,), max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="fitted with arithmetic='fixed', not 'float"):
        export.to_c(clf, path)
    with pytest.raises(ValueError, match="fitted with arithmetic='fixed', not 'float"):
        export.ticks(clf, X)
    with pytest.raises(ValueError, match="fitted with arithmetic='fixed', not 'float"):
        export.to_json(clf.fit(X, y), path)
    clf, _ = make("exact")
    clf.classes_ = np.array([None, 1, 2])
    with pytest.raises(ValueError, match="strings or numbers, got NoneType"):
        export.to_json(clf, path)
    with pytest.raises(ValueError, match="gradient='local', not 'exact'"):
        export.to_c(clf, path, learn=True)
    assert not list(tmp_path.iterdir())


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
