"""The C core and exported models on processors of other kinds, in an emulator."""

import json
from pathlib import Path
from shutil import which

import exported
import fixed_header
import numpy as np
import pytest
import raw_features
from fixed_twin import as_plain

from ttfs import export

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/data/golden_fixed.json"

# Compiler and emulator of each machine. Programs are linked statically: the emulator
# then needs no libraries of the machine.
MACHINES = {
    "aarch64": ("aarch64-linux-gnu-gcc", "qemu-aarch64"),
    "arm, 32 bits": ("arm-linux-gnueabihf-gcc", "qemu-arm"),
    "riscv64": ("riscv64-linux-gnu-gcc", "qemu-riscv64"),
}
FLAGS = ["-O1", "-static", "-ffp-contract=off"]

pytestmark = pytest.mark.slow  # cross-compilers and emulators


@pytest.fixture(params=MACHINES)
def machine(request):
    """Compiler and emulator, where both are here."""
    missing = [name for name in MACHINES[request.param] if which(name) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}")
    return MACHINES[request.param]


def test_golden_programs(machine, tmp_path):
    compiler, emulator = machine
    for case in json.loads(GOLDEN.read_text()).values():
        case = as_plain(case)
        program = fixed_header.build_program(tmp_path, compiler, case, "-static")
        assert fixed_header.run([emulator, program]).stdout == "0 wrong\n"


@pytest.mark.parametrize("name", ["symmetric", "direct", "exact"])
def test_exported_models(name, machine, tmp_path):
    compiler, emulator = machine
    clf, data = exported.make(name)
    learn = name in exported.LEARNING
    X, y = data(60, seed=5)
    labels = np.where(np.arange(60) % 3 == 0, np.searchsorted(clf.classes_, y), -1)
    if not learn:
        labels[:] = -1
    ticks = export.ticks(clf, X)
    rows = []
    for here, more, prefix in (
        (exported.any_compiler(), [], []),
        (compiler, ["-static"], [emulator]),
    ):
        program = exported.build(tmp_path, clf, *more, learn=learn, compiler=here)
        rows.append(exported.play(program, labels, ticks, prefix))
    assert rows[0] == rows[1]


@pytest.mark.parametrize("name", raw_features.KINDS)
def test_raw_features(name, machine, tmp_path):
    compiler, emulator = machine
    pipeline, X, _ = raw_features.make(name)
    program = raw_features.build(tmp_path, pipeline, X, "-static", compiler=compiler)
    raw_features.check(pipeline, X, program, [emulator])


def test_c_core(machine, tmp_path):
    compiler, emulator = machine
    program = tmp_path / "test_core"
    sources = [ROOT / "tests/c/test_core.c", *sorted((ROOT / "src").rglob("*.c"))]
    includes = [f"-I{ROOT / 'include'}", f"-I{ROOT / 'src'}"]
    command = [compiler, "-std=c11", *FLAGS, *includes, *sources, "-lm", "-o", program]
    built = fixed_header.run(command)
    assert built.returncode == 0, built.stdout
    result = fixed_header.run([emulator, program])
    assert result.returncode == 0, result.stdout
    assert "all C tests passed on 1 instruction sets" in result.stdout
