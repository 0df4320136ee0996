"""Fixtures that several files use, and settings of all tests."""

import os

# Threads of OpenMP that wait sleep, and leave the cores to other processes, such as
# those of pytest-xdist. OpenMP reads this when it is loaded, with the core.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import pytest
from hypothesis import HealthCheck, settings

from ttfs import core as _core

# No test may fail because the computer is busy.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")


def first_and_last(names):
    """Instruction sets as parameters; those between the least and the best are slow.

    The same C text is compiled for all of them, and `core/test_simd.py` and
    `fixed/test_vectors.py` compare each one by default.
    """
    between = names[1:-1]
    marks = {name: [pytest.mark.slow] if name in between else [] for name in names}
    return [pytest.param(name, marks=marks[name]) for name in names]


@pytest.fixture(scope="module", params=first_and_last(_core.simd_available()))
def every_simd(request):
    """Run the tests of a module on each instruction set of this processor."""
    before = _core.simd()
    _core.use_simd(request.param)
    yield request.param
    _core.use_simd(before)
