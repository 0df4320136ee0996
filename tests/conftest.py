"""Fixtures that several files use, and settings of all tests."""

import os

# Threads of OpenMP that wait sleep, and leave the cores to other processes, such as
# those of pytest-xdist. OpenMP reads this when it is loaded, with the core.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import pytest
from hypothesis import HealthCheck, settings

from ttfs import core as _core

# No test may fail because the computer is busy, or because other examples are drawn.
settings.register_profile(
    "all",
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("default run", settings.get_profile("all"), max_examples=15)


def leaves_out_slow(config):
    return config.option.markexpr.startswith("not slow")


def pytest_configure(config):
    """Draw fewer examples where slow tests are left out."""
    settings.load_profile("default run" if leaves_out_slow(config) else "all")


def best_first(names):
    """Instruction sets as parameters, of which all but the best are slow.

    The same C text is compiled for all of them, and `core/test_simd.py` and
    `fixed/test_vectors.py` compare each one with the others by default.
    """
    *others, best = names
    return [best, *(pytest.param(name, marks=pytest.mark.slow) for name in others)]


def pytest_generate_tests(metafunc):
    """Collect tests of `every_simd` for the sets that run: there are thousands."""
    if "every_simd" in metafunc.fixturenames:
        sets = best_first(_core.simd_available())
        sets = sets[:1] if leaves_out_slow(metafunc.config) else sets
        metafunc.parametrize("every_simd", sets, indirect=True, scope="module")


@pytest.fixture(scope="module")
def every_simd(request):
    """Run the tests of a module on each instruction set of this processor."""
    before = _core.simd()
    _core.use_simd(request.param)
    yield request.param
    _core.use_simd(before)
