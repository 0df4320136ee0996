"""Extension module and compiler flags; all metadata is in pyproject.toml.

Switches, read from the environment when the package is built:

TTFS_DEBUG=1     index checks in the Cython layer, light optimisation, debug symbols
TTFS_SANITIZE=1  address and undefined-behaviour sanitizers (see .ci/sanitize)
"""

import os
import sys
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

DEBUG = os.environ.get("TTFS_DEBUG", "0") not in ("", "0")
SANITIZE = os.environ.get("TTFS_SANITIZE", "0") not in ("", "0")

# GCC or Clang: the core is written with their vectors.
compile_args = ["-O3", "-std=c11", "-Wall", "-Wextra", "-fno-math-errno"]
# Nobody looks at floating-point exceptions; loops with conditions then vectorise.
compile_args.append("-fno-trapping-math")
# The same sums on every path of the code: only explicit FMA is fused.
compile_args.append("-ffp-contract=off")
libraries = [] if sys.platform == "win32" else ["m"]
link_args = []
if sys.platform == "linux":
    compile_args.append("-fopenmp")
    link_args.append("-fopenmp")
if DEBUG or SANITIZE:
    compile_args += ["-O1", "-g", "-fno-omit-frame-pointer"]
if SANITIZE:
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    compile_args += sanitizers
    link_args += sanitizers


def extension(name, sources):
    return Extension(
        f"ttfs.{name}",
        sources=[f"pyx/{name}.pyx", *sources],
        include_dirs=["include", "src"],
        depends=sorted(glob("include/*.h") + glob("src/*.h") + glob("src/*.inc")),
        libraries=libraries,
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )


fixed = sorted(glob("src/fixed_*.c"))  # integers only
common = ["src/dispatch.c", "src/neuron.c"]
single = sorted(glob("src/float_*.c"))
double = sorted(glob("src/double_*.c"))

setup(
    # The headers are a package without Python files, which lies outside of ttfs/.
    packages=[*find_packages(include=["ttfs", "ttfs.*"]), "ttfs.include"],
    ext_modules=cythonize(
        [
            extension("_float32", common + single),
            extension("_float64", common + double),
            extension("_fixed", fixed),
        ],
        include_path=["pyx"],
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": DEBUG,
            "wraparound": False,
            "initializedcheck": DEBUG,
            "nonecheck": DEBUG,
            "cdivision": True,
            "embedsignature": True,
            "freethreading_compatible": True,
        },
    ),
    # Objects of an earlier build may have been made with other switches.
    options={"build_ext": {"force": True}},
)
