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


@pytest.fixture(scope="module", params=_core.simd_available())
def every_simd(request):
    """Run the tests of a module on each instruction set of this processor."""
    before = _core.simd()
    _core.use_simd(request.param)
    yield request.param
    _core.use_simd(before)
