"""Fixtures of the tests of integers."""

import fixed_header
import fixed_networks
import numpy as np
import pytest
from cases import first_of

from ttfs import _fixed


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


@pytest.fixture(
    scope="session",
    params=first_of([range(48), range(48, 120)]),
    ids=["first", "others"],
)
def lessons(request):
    """Networks, batches, and what the twin makes of them."""
    made = []
    for seed in request.param:
        rng = np.random.default_rng(seed)
        decay = "shift" if seed % 3 == 0 else "table"
        network = fixed_networks.random_network(rng, decay=decay)
        made.append(fixed_networks.random_lesson(rng, network, n_batches=4))
    return made


@pytest.fixture(params=first_of(_fixed.simd_available()[::-1]))
def simd(request):
    """Each instruction set of this processor in turn, by default the best.

    `test_vectors.py` and `test_golden.py` compare all of them by default.
    """
    before = _fixed.simd()
    _fixed.use_simd(request.param)
    yield request.param
    _fixed.use_simd(before)
