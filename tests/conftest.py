"""Fixtures that several files use."""

import pytest

from ttfs import _core


@pytest.fixture(scope="module", params=_core.simd_available())
def every_simd(request):
    """Run the tests of a module on each instruction set of this processor."""
    before = _core.simd()
    _core.use_simd(request.param)
    yield request.param
    _core.use_simd(before)
