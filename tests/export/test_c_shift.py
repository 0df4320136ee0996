"""Exported models whose leak is a shift: four neurons at once, and one by one."""

import re
import shutil
from dataclasses import replace
from math import inf

import numpy as np
import pytest
import raw_features
from exported import FLAGS, build_network, check_inference, for_inference, make, shell
from fixed_header import SANITIZE
from fixed_networks import random_network, random_ticks

from ttfs import LIF, export
from ttfs.export.c_arrays import model_code, settings

BUILDS = {
    "four at once": [],
    "sanitized": SANITIZE,
    "one by one": ["-U__BYTE_ORDER__"],  # which may be another order
    "optimized": ["-O2"],
}


def builds(name, values):
    """Values in each build; by default each value in one of three builds, in turn."""
    cases = []
    for k, value in enumerate(values):
        for n, (build, flags) in enumerate(BUILDS.items()):
            marks = [] if n == k % 3 else [pytest.mark.slow]
            cases.append(pytest.param(value, flags, marks=marks, id=f"{value}-{build}"))
    return pytest.mark.parametrize((name, "flags"), cases)


def network_of_words(rng, **options):
    """A random network whose weights are bytes."""
    options = {"weight_bits": 6, "fraction": 0, "n_bias": 2} | options
    network = for_inference(random_network(rng, decay="shift", **options))
    assert "TTFS_DEVICE_WORDS" in settings(network, learn=False)
    return network


def bursts(network, ticks):
    """The greatest number of input spikes of each sample at one tick."""
    counts = [np.bincount(t[t < network.n_ticks], minlength=1) for t in ticks]
    return np.array([count.max() for count in counts])


@builds("n_out", [1, 2, 3, 4, 5])
def test_any_number_of_neurons(n_out, flags, tmp_path):
    rng = np.random.default_rng(n_out)
    network = network_of_words(rng, widths=(20, n_out, 11 - n_out))
    ticks = random_ticks(rng, network, 200)
    check_inference(network, ticks, build_network(tmp_path, network, *flags))


@builds("neuron", [LIF(), LIF(inf), LIF(0.5), LIF(2.0)])
def test_currents_and_membranes_that_saturate(neuron, flags, tmp_path):
    rng = np.random.default_rng(1)
    network = network_of_words(
        rng, widths=(90, 13, 6), n_ticks=40, levels=30.0, neurons=[neuron]
    )
    first = network.layers[0]
    # The last columns have one sign, and the others many in a row.
    signs = np.where(rng.random(first.weights.shape) < 0.1, -1, 1).cumprod(axis=0)
    signs[:, 8:] = rng.choice([-1, 1], 5)
    first.weights[:] = signs * rng.integers(20, 64, first.weights.shape)
    ticks = random_ticks(rng, network, 300)
    ticks[::2] = rng.integers(0, 3, ticks[::2].shape)
    sums = first.weights[:90].astype(int).cumsum(axis=0) << first.current_shift
    assert (np.abs(sums).max(axis=0) > 2**16).mean() > 0.5
    check_inference(network, ticks, build_network(tmp_path, network, *flags))


@builds("levels", [8.0, 60.0, 2000.0])
def test_more_spikes_than_a_burst(levels, flags, tmp_path):
    rng = np.random.default_rng(2)
    network = network_of_words(rng, widths=(600, 6, 3), n_ticks=12, levels=levels)
    _, code = model_code(network, learn=False)
    burst = int(code.split(".burst = ")[1].split(",")[0])
    ticks = rng.integers(0, 14, (100, 600)).astype(np.uint16)
    ticks[:30] = 3
    assert (bursts(network, ticks) > burst).sum() >= 30
    check_inference(network, ticks, build_network(tmp_path, network, *flags))


@builds("levels", [8.0, 30.0, 200.0, 1000.0])
def test_the_greatest_bursts_at_the_greatest_currents(levels, flags, tmp_path):
    """One more input spike of a burst would leave the range of a current."""
    quarter, greatest = 2**14, 63
    shift = int(np.log2(2048 / levels))
    burst = quarter // (greatest << shift)
    n_first = -(-quarter // (greatest << shift)) + 1
    n_in = n_first + 2 * burst + 2
    network = network_of_words(
        np.random.default_rng(5),
        widths=(n_in, 9),
        n_ticks=90,
        levels=levels,
        neurons=[LIF(inf)],
        tick=1 / 256,
        n_bias=0,
        read_out=90,
    )
    (layer,) = network.layers
    assert (layer.current_shift, layer.syn_shift) == (shift, 8)
    # The first inputs make currents 2^14 - 1, or nearly so, and -2^14.
    signs = np.where(np.arange(9) % 3, 1, -1)
    layer.weights[:] = signs * greatest
    sums = np.where(signs > 0, quarter - 1, quarter) >> shift
    left = sums - greatest * np.arange(n_first)[:, None]
    layer.weights[:n_first] = signs * np.clip(left, 0, greatest)
    currents = layer.weights[:n_first].astype(int).sum(axis=0) << shift
    assert currents.min() == -quarter
    assert quarter - (1 << shift) <= currents.max() < quarter
    later = currents - (currents >> layer.syn_shift)
    beyond = later + signs * (greatest * (burst + 1) << shift)
    assert ((beyond >= 2**15) | (beyond < -(2**15))).all()
    ticks = np.full((2 * burst + 3, n_in), 90, np.uint16)
    ticks[:, :n_first] = 0
    for n, row in enumerate(ticks):
        row[n_first : n_first + n] = 1
    # What silent neurons do is computed once more, without bursts: some must fire.
    program = build_network(tmp_path, network, *flags)
    assert not check_inference(network, ticks, program)[burst:].any()


@builds("silent", ["some", "all"])
def test_ties_silence_and_empty_samples(silent, flags, tmp_path):
    rng = np.random.default_rng(3)
    network = network_of_words(rng, widths=(16, 12, 7), n_ticks=12, n_bias=0)
    last = network.layers[-1]
    last.weights[:] = np.abs(last.weights[:, :1])
    last.weights[:, 4 * (silent == "some") :] *= -1
    ticks = random_ticks(rng, network, 200)
    ticks[:20] = network.n_ticks
    program = build_network(tmp_path, network, *flags)
    is_silent = check_inference(network, ticks, program)
    assert is_silent[:20].all()
    assert 0.1 < is_silent.mean() < 0.9 if silent == "some" else is_silent.all()


def test_rows_of_wide_weights_are_not_words():
    rng = np.random.default_rng(4)
    network = network_of_words(rng, widths=(5, 3))
    assert "TTFS_DEVICE_WORDS" not in settings(network, learn=True)
    (layer,) = network.layers
    weights = np.full_like(layer.weights, 255)
    wide = replace(network, layers=[replace(layer, weights=weights, max_stored=255)])
    assert "TTFS_DEVICE_WORDS" not in settings(wide, learn=False)


# An int of an AVR has 16 bits, and GNU's C has __flash for it.
SMALL = {
    "avr-gcc": ["avr-gcc", "-mmcu=atmega1284p", "-std=gnu99"],
    "avr-gcc, C99": ["avr-gcc", "-mmcu=atmega1284p"],
    "arm": ["arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb"],
    "riscv": ["riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32"],
}
SEVERAL = "shifts", "four at once", "no hidden layer", "lines", *raw_features.KINDS


@pytest.mark.slow  # as with the compiler of this computer
@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("machine", SMALL)
def test_small_processors_compile_it(machine, name, tmp_path):
    compiler, *of_machine = SMALL[machine]
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}")
    options = {"learn": name in ("shifts", "no hidden layer", "lines")}
    if name in raw_features.MODELS:
        clf, X, _ = raw_features.make(name)
        options["features"] = X.dtype.name
    else:
        clf, data = make(name)
        X, _ = data(5)
    source, built = tmp_path / "model.c", tmp_path / "model.o"
    export.to_c(clf, source, self_test=X[:5], **options)
    # Without -ffreestanding: compilers may call memcpy and the like.
    flags = [*FLAGS, "-Os", *of_machine]
    more = [] if "riscv" not in compiler else ["--specs=picolibc.specs"]
    shell(compiler, *flags, *more, "-c", source, "-o", built)
    undefined = shell(compiler.replace("gcc", "nm"), "-u", built).split()[1::2]
    # The compiler's own arithmetic is allowed, but nothing of the C library.
    assert all(name.startswith("__") for name in undefined), undefined


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("riscv64-unknown-elf-gcc"), reason="needs it")
@pytest.mark.parametrize("learn", [False, True])
def test_products_only_find_rows(learn, tmp_path):
    """A processor without a multiplier calls a function for each product."""
    clf, _ = make("shifts" if learn else "four at once")
    source, built = tmp_path / "model.c", tmp_path / "model.s"
    export.to_c(clf, source, learn=learn)
    flags = ["-Os", "-fno-inline", "-ffreestanding", "-march=rv32ic", "-mabi=ilp32"]
    shell("riscv64-unknown-elf-gcc", *flags, "-S", source, "-o", built)
    _, *functions = re.split(
        r"^ttfs_model_(\w+)[\w.]*:$", built.read_text(), flags=re.M
    )
    bodies = dict(zip(functions[::2], functions[1::2], strict=True))
    multiply = {
        name for name, text in bodies.items() if re.search(r"call\s+__mul", text)
    }
    assert {"step_neurons", "add_biases"} <= set(bodies)
    rows = {"add_spike", "add_biases", "tick"}
    results = {"output_time"}  # of PREFIX_margin() and learning
    learning = {"feed_back", "mac", "output_errors", "teach", "weight_of"}
    assert multiply <= rows | results | (learning if learn else set())
