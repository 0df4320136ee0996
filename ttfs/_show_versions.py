"""What a report of a bug needs to say about the machine."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from threadpoolctl import threadpool_info

from . import core as _core

_DEPENDENCIES = ("numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl")
_VARIABLES = ("TTFS_SIMD", "OMP_NUM_THREADS")


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def show_versions() -> None:
    """Print what is useful to know when a problem is reported.

    The output has the versions of Python, of ttfs and of the packages that ttfs depends
    on; the instruction sets, OpenMP and the number of threads of the compiled core; and
    the libraries with threads that the process has loaded.

    See Also
    --------
    sklearn.show_versions : The same for scikit-learn and all it depends on.

    Examples
    --------
    >>> import ttfs
    >>> ttfs.show_versions()  # doctest: +ELLIPSIS
    System:
             python: 3...
    """
    system = {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "platform": platform.platform(),
    }
    core = {
        "instructions": _core.simd(),
        "available": ", ".join(_core.simd_available()),
        "OpenMP": "yes" if _core.has_openmp() else "no",
        "threads": _core.n_threads(),
    }
    core.update({name: os.environ[name] for name in _VARIABLES if name in os.environ})
    sections = {
        "System": system,
        "Packages": {
            "ttfs": _core.__version__,
            **{name: _version(name) for name in _DEPENDENCIES},
        },
        "Core": core,
    }
    for k, library in enumerate(threadpool_info()):
        sections[f"Thread pool {k}"] = library
    for number, (title, lines) in enumerate(sections.items()):
        print(f"\n{title}:" if number else f"{title}:")
        for name, value in lines.items():
            print(f"{name:>15}: {value}")
