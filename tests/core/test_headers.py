"""Files of the C core are short, and an editor can parse each header alone."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ttfs import core as _core

ROOT = Path(__file__).resolve().parent.parent.parent
COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
FLAGS = ["-fsyntax-only", "-x", "c", "-std=c11", "-Wall", "-Wextra"]
FLAGS += [
    "-Werror=implicit-function-declaration",
    f"-I{ROOT / 'src'}",
    f"-I{ROOT / 'include'}",
]

# Headers that are for one instruction set, or for vectors alone.
ONLY = {
    "baseline.h": ["baseline"],
    "avx2.h": ["avx2"],
    "avx512.h": ["avx512"],
    "vec.h": ["avx2", "avx512"],
    "vector.h": ["avx2", "avx512"],
    "vector_learn.h": ["avx2", "avx512"],
}
HEADERS = sorted((ROOT / "src").rglob("*.h"))
MAX_LINES = 600  # of a C file


@pytest.mark.parametrize("folder", ["src", "include", "tests/c"])
def test_no_file_is_long(folder):
    files = sorted((ROOT / folder).rglob("*.[ch]"))
    assert files
    lengths = {path.name: len(path.read_text().splitlines()) for path in files}
    assert {name: n for name, n in lengths.items() if n > MAX_LINES} == {}


# The headers of processors take longer to parse than all others.
CHOICES = [
    pytest.param(
        simd, bits, marks=[] if (simd, bits) == ("baseline", 64) else pytest.mark.slow
    )
    for simd in _core.simd_available()
    for bits in (64, 32)
]


@pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")
@pytest.mark.parametrize(("simd", "bits"), CHOICES)
def test_headers_parse_alone(simd, bits):
    headers = [h for h in HEADERS if simd in ONLY.get(h.name, ["baseline"])]
    if bits == 32:
        headers = [header for header in headers if "real" in header.parts]
    which = [f"-DSIMD=SIMD_{simd.upper()}", f"-DREAL_BITS={bits}"]
    # The compiler reads one after the other, each as a program of its own.
    result = subprocess.run(
        [COMPILER, *FLAGS, *which, *headers],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
