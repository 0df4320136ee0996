"""Extension module and compiler flags; all metadata is in pyproject.toml.

Switches, read from the environment when the package is built:

TTFS_DEBUG=1     index checks in the Cython layer, light optimisation, debug symbols
TTFS_SANITIZE=1  address and undefined-behaviour sanitizers (see .ci/sanitize)
"""

import hashlib
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from pathlib import Path
from sysconfig import get_config_var

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

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
    # With -Og and the address sanitizer GCC 12 misaligns 64-byte vectors on the stack.
    compile_args += ["-O1" if SANITIZE else "-Og", "-g", "-fno-omit-frame-pointer"]
else:
    compile_args.append("-g0")  # Python's own flags ask for debug information
if SANITIZE:
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    compile_args += sanitizers
    link_args += sanitizers


def extension(name, sources):
    return Extension(
        f"ttfs.{name}",
        sources=[f"pyx/{name}.pyx", *sources],
        include_dirs=["include", "src"],
        depends=sorted(glob("include/*.h") + glob("src/**/*.h", recursive=True)),
        libraries=libraries,
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )


class BuildExtensions(build_ext):
    """Compiles in parallel, and only what has changed since the last build.

    The folder of the objects is named after the flags, so that builds with other
    switches keep objects of their own. Beside each object the compiler lists the files
    that it has read; the object is current if it is newer than all of these.
    """

    def finalize_options(self):
        super().finalize_options()
        # Linking takes no time, and the flags of an older module are not known.
        self.force = True

    def build_extensions(self):
        compile_all = self.compiler.compile
        suffix = get_config_var("EXT_SUFFIX")  # of the interpreter and the machine
        flags = [suffix, self.compiler.compiler_so, compile_args]
        workers, self.parallel = self.parallel or os.cpu_count(), None
        key = hashlib.sha256(repr(flags).encode()).hexdigest()[:8]
        # Not the temporary folder of an editable installation, which forgets objects.
        self.build_temp = os.path.join("build", f"objects-{key}")

        def compile(sources, output_dir=None, extra_postargs=None, **options):
            objects = self.compiler.object_filenames(sources, output_dir=output_dir)
            options["output_dir"] = output_dir
            options["extra_postargs"] = [*(extra_postargs or []), "-MD"]
            for path in objects:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            stale = [
                source
                for source, path in zip(sources, objects, strict=True)
                if not is_current(Path(path))
            ]
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(lambda source: compile_all([source], **options), stale))
            return objects

        self.compiler.compile = compile
        super().build_extensions()


def is_current(path):
    """Whether an object is newer than all files that it was compiled from."""
    listing = path.with_suffix(".d")
    if not (path.exists() and listing.exists()):
        return False
    # The text of a rule of make: "object: file file ...", lines ending in a backslash.
    text = listing.read_text().replace("\\\n", " ").partition(": ")[2]
    files = [re.sub(r"\\(.)", r"\1", name) for name in re.findall(r"(?:\\.|\S)+", text)]
    built = path.stat().st_mtime_ns
    return all(
        os.path.exists(name) and os.stat(name).st_mtime_ns <= built for name in files
    )


common = sorted(glob("src/common/*.c"))
single = sorted(glob("src/real/build/float_*.c"))
double = sorted(glob("src/real/build/double_*.c"))
fixed = sorted(glob("src/fixed/build/*.c"))
baselines = sorted(glob("src/baselines/*.c"))

setup(
    # The headers are a package without Python files, which lies outside of ttfs/.
    packages=[*find_packages(include=["ttfs", "ttfs.*"]), "ttfs.include"],
    ext_modules=cythonize(
        [
            extension("_float32", common + single),
            extension("_float64", common + double),
            extension("_fixed", fixed),
            extension("_baselines", baselines),
        ],
        include_path=["pyx"],
        build_dir="build/cython-debug" if DEBUG else "build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": DEBUG,
            "wraparound": False,
            "initializedcheck": DEBUG,
            "nonecheck": DEBUG,
            "cdivision": True,
            "embedsignature": True,
            # Not "freethreading_compatible": the modules rely on the GIL where they
            # hand over workspaces and refuse a second epoch, so a Python without it
            # turns it on again when it imports them.
        },
    ),
    cmdclass={"build_ext": BuildExtensions},
)
