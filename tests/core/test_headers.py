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


@pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")
@pytest.mark.parametrize("header", HEADERS, ids=lambda h: str(h.relative_to(ROOT)))
def test_header_parses_alone(header):
    for simd in ONLY.get(header.name, ["baseline"]):
        if simd not in _core.simd_available():
            continue
        for bits in (32, 64) if "real" in header.parts else (32,):
            which = [f"-DSIMD=SIMD_{simd.upper()}", f"-DREAL_BITS={bits}"]
            result = subprocess.run(
                [COMPILER, *FLAGS, *which, header],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert result.returncode == 0, result.stdout
