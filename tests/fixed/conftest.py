"""Fixtures of the tests of integers."""

import fixed_header
import fixed_networks
import numpy as np
import pytest

from ttfs import _fixed

N_NETWORKS = 120


@pytest.fixture(scope="session")
def compiler():
    """A compiler of C."""
    if not fixed_header.COMPILERS:
        pytest.skip("needs a C compiler")
    return fixed_header.COMPILERS[0]


@pytest.fixture(scope="session")
def library(tmp_path_factory, compiler):
    """The header, compiled."""
    folder = tmp_path_factory.mktemp("library")
    path = fixed_header.build(folder, compiler)
    return fixed_header.Library(path)


@pytest.fixture(scope="session")
def lessons():
    """Networks, batches, and what the twin makes of them."""
    made = []
    for seed in range(N_NETWORKS):
        rng = np.random.default_rng(seed)
        decay = "shift" if seed % 3 == 0 else "table"
        network = fixed_networks.random_network(rng, decay=decay)
        made.append(fixed_networks.random_lesson(rng, network, n_batches=4))
    return made


@pytest.fixture(params=_fixed.simd_available())
def simd(request):
    """Each instruction set of this processor in turn."""
    before = _fixed.simd()
    _fixed.use_simd(request.param)
    yield request.param
    _fixed.use_simd(before)
