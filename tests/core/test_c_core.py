"""Build the C core with its own tests, without Python, and run them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ttfs import core as _core

ROOT = Path(__file__).resolve().parents[2]
COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
# Sums are the same on every path of the code, by the flag that setup.py uses too.
FLAGS = ["-std=c11", "-ffp-contract=off"]
# Intrinsics are macros without optimisation, in which compilers see conversions.
WARNINGS = ["-O1", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wconversion"]
# Sanitizers take seven times as long to compile with -O1.
BUILD = ["-O0", "-g"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
INCLUDES = [f"-I{ROOT / 'include'}", f"-I{ROOT / 'src'}"]

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")

# Each case compiles with sanitizers. The default run keeps the path that all have.
VECTORS = [
    pytest.param(
        simd, bits, marks=[] if (simd, bits) == ("baseline", 64) else pytest.mark.slow
    )
    for simd in _core.simd_available()
    for bits in (32, 64)
]


def run(command):
    # A preloaded sanitizer (.ci/sanitize) is for Python, not for the compiler.
    environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    environment["ASAN_OPTIONS"] = "detect_leaks=0"
    return subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        check=False,
    )


@pytest.fixture(scope="module")
def sanitize(tmp_path_factory):
    """Flags of the sanitizers, or none where an empty program does not run."""
    folder = tmp_path_factory.mktemp("sanitize")
    (folder / "empty.c").write_text("int main(void)\n{\n    return 0;\n}\n")
    command = [COMPILER, *SANITIZE, folder / "empty.c", "-o", folder / "empty"]
    works = not run(command).returncode and not run([folder / "empty"]).returncode
    return SANITIZE if works else []


@pytest.mark.slow  # compiles the whole core with sanitizers: more than a minute
def test_c_core(tmp_path, sanitize):
    program = tmp_path / "test_core"
    sources = [ROOT / "tests/c/test_core.c", *sorted((ROOT / "src").rglob("*.c"))]
    checked = run([COMPILER, *FLAGS, *WARNINGS, *INCLUDES, *sources])
    assert checked.returncode == 0, checked.stdout
    command = [COMPILER, *FLAGS, *BUILD, *sanitize, *INCLUDES]
    built = run([*command, *sources, "-lm", "-o", program])
    assert built.returncode == 0, built.stdout
    result = run([program])
    assert result.returncode == 0, result.stdout
    n_sets = len(_core.simd_available())
    assert f"all C tests passed on {n_sets} instruction sets" in result.stdout


@pytest.mark.parametrize(("simd", "bits"), VECTORS)
def test_vector_mathematics(tmp_path, sanitize, simd, bits):
    program = tmp_path / "test_vmath"
    source = ROOT / "tests/c/test_vmath.c"
    which = [f"-DSIMD=SIMD_{simd.upper()}", f"-DREAL_BITS={bits}"]
    command = [COMPILER, *FLAGS, "-O1", *sanitize, *INCLUDES]
    built = run([*command, *which, source, "-lm", "-o", program])
    assert built.returncode == 0, built.stdout
    result = run([program])
    print(result.stdout)  # the greatest errors: pytest -s
    assert result.returncode == 0, result.stdout
    assert "all tests of vectors passed" in result.stdout
