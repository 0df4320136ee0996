"""Malformed sparse matrices are refused before a compiled loop reads them."""

import re

import numpy as np
import pytest
import scipy.sparse as sp

from ttfs import TTFSClassifier
from ttfs.encoders import LatencyEncoder, SpikeTimesEncoder
from ttfs.encoders.checks import check_sparse

FORMATS = "csr", "csc", "bsr", "coo", "dia", "lil", "dok"
DENSE = np.arange(24.0).reshape(4, 6) % 5


def matrix(name, container=sp.csr_array):
    """DENSE in a format; blocks are of 2 rows and 3 columns."""
    if name == "bsr":
        return sp.bsr_array(DENSE, blocksize=(2, 3))
    return container(DENSE).asformat(name)


def put(name, place, value):
    """A change of one entry of an array of a matrix."""

    def change(m):
        getattr(m, name)[place] = value

    return change


def swap(name, value):
    """A change of a whole array of a matrix; `value` is given the old one."""

    def change(m):
        setattr(m, name, value(getattr(m, name)))

    return change


def cut(name, n):
    return swap(name, lambda array: array[:n])


def wide(name, place, value):
    """An entry that only an int64 holds, and that an int32 would make valid."""

    def change(m):
        array = getattr(m, name).astype(np.int64)
        array[place] = value
        setattr(m, name, array)

    return change


def coordinates(value):
    """Other columns of a COO matrix."""

    def change(m):
        m.coords = m.coords[0], value(m.coords[1])

    return change


COMPRESSED = {
    "index too large": (put("indices", 3, 10**8), "index is out of range"),
    "index just too large": (put("indices", 3, 6), "index is out of range"),
    "index negative": (put("indices", 0, -1), "index is out of range"),
    "index of 64 bits": (wide("indices", 0, 2**32), "index is out of range"),
    "indices too short": (cut("indices", 1), "fewer entries"),
    "data too short": (cut("data", 1), "fewer entries"),
    "indices of floats": (swap("indices", lambda a: a.astype(float)), "integers"),
    "indices unsigned": (swap("indices", lambda a: a.astype("u4")), "integers"),
    "indices 2-d": (swap("indices", lambda a: a[None]), "1-d"),
    "indices no array": (swap("indices", list), "1-d"),
    "indptr too short": (cut("indptr", -1), "indptr must have"),
    "indptr too long": (swap("indptr", lambda a: np.append(a, a[-1])), "indptr must"),
    "indptr falls": (put("indptr", 1, 10**9), "indptr must begin"),
    "indptr negative": (put("indptr", 0, -1), "indptr must begin"),
    "indptr begins late": (put("indptr", 0, 1), "indptr must begin"),
    "indptr ends late": (put("indptr", -1, 10**6), "fewer entries"),
    "indptr of floats": (swap("indptr", lambda a: a.astype(float)), "integers"),
    "indptr empty": (cut("indptr", 0), "indptr must have"),
}
COORDINATES = {
    "column too large": (put("col", 0, 6), "index is out of range"),
    "row too large": (put("row", 0, 4), "index is out of range"),
    "row negative": (put("row", 0, -1), "index is out of range"),
    "column of 64 bits": (
        coordinates(lambda a: a.astype(np.int64) + 2**32),
        "index is out of range",
    ),
    "rows too short": (cut("row", 2), "equally long"),
    "data too short": (cut("data", 2), "equally long"),
    "data 2-d": (swap("data", lambda a: a[None]), "1-d"),
    "columns of floats": (coordinates(lambda a: a.astype(float)), "integers"),
}


def append_to_row(m):
    m.rows[1].append(99)


def set_key(key):
    return lambda m: m._dict.__setitem__(key, 1.0)


CASES = [
    *(("csr", *COMPRESSED[name], name) for name in COMPRESSED),
    *(
        ("csc", *COMPRESSED[name], name)
        for name in COMPRESSED
        if name != "index just too large"
    ),
    ("csc", put("indices", 3, 4), "index is out of range", "index just too large"),
    *(
        ("bsr", *COMPRESSED[name], name)
        for name in COMPRESSED
        if name != "index just too large"
    ),
    ("bsr", put("indices", 3, 2), "index is out of range", "index just too large"),
    ("bsr", swap("data", lambda a: a[:, 0]), "3-d", "data 2-d"),
    ("bsr", swap("data", lambda a: np.ones((4, 3, 3))), "tile", "blocks too high"),
    ("bsr", swap("data", lambda a: np.ones((4, 0, 3))), "tile", "blocks empty"),
    *(("coo", *COORDINATES[name], name) for name in COORDINATES),
    ("dia", cut("offsets", 2), "offsets", "offsets too short"),
    ("dia", cut("data", 2), "offsets", "data too short"),
    ("dia", put("offsets", 0, 1), "twice", "offset twice"),
    ("dia", put("offsets", 0, -(2**31)), "out of range", "offset too small"),
    ("dia", wide("offsets", 0, 2**40), "out of range", "offset of 64 bits"),
    ("dia", swap("data", lambda a: a[0]), "2-d", "data 1-d"),
    ("dia", swap("offsets", lambda a: a + 0.5), "integers", "offsets of floats"),
    ("lil", append_to_row, "as many indices", "index without value"),
    ("lil", lambda m: m.rows[1].__setitem__(0, 6), "out of range", "index too large"),
    ("lil", lambda m: m.rows[1].__setitem__(0, -7), "out of range", "index negative"),
    ("lil", lambda m: m.rows[1].__setitem__(0, 0.5), "integers", "index a float"),
    ("lil", cut("rows", 2), "4 lists", "rows too short"),
    ("lil", cut("data", 2), "4 lists", "data too short"),
    ("lil", put("rows", 1, None), "of lists", "row no list"),
    ("dok", set_key((4, 0)), "out of range", "row too large"),
    ("dok", set_key((0, 6)), "out of range", "column too large"),
    ("dok", set_key((0, -1)), "out of range", "column negative"),
    ("dok", set_key((0, 0.5)), "integers", "column a float"),
    ("dok", set_key((0,)), "pair", "key too short"),
]


@pytest.mark.parametrize("name", FORMATS)
def test_malformed_matrix_is_refused(name):
    check_sparse(matrix(name))
    encoder = SpikeTimesEncoder().fit(DENSE)
    for _, change, message, what in (case for case in CASES if case[0] == name):
        X = matrix(name)
        change(X)
        with pytest.raises(ValueError, match="X is not a valid") as found:
            check_sparse(X)
        assert re.match(
            f"X is not a valid {name.upper()}.*{message}", str(found.value)
        ), what
        for call in LatencyEncoder().fit, encoder.transform:
            with pytest.raises(ValueError, match="X is not a valid"):
                call(X)


@pytest.mark.parametrize("name", FORMATS)
def test_valid_matrix_is_not_touched(name):
    for shape in (4, 6), (0, 6), (4, 0), (1, 1):
        for container in (sp.csr_array, sp.csr_matrix):
            for values in (DENSE[: shape[0], : shape[1]], np.zeros(shape)):
                X = container(values).asformat(name)
                check_sparse(X)
                np.testing.assert_array_equal(X.toarray(), values)


def test_valid_matrices_of_other_kinds():
    # Spare memory behind the entries, whatever it holds.
    X = sp.csr_array(DENSE)
    X.indices = np.append(X.indices, 99)
    X.data = np.append(X.data, np.nan)
    check_sparse(X)
    # Indices that are not sorted, and that repeat.
    check_sparse(sp.csr_array(([1.0, 2.0, 3.0], [2, 0, 2], [0, 3]), shape=(1, 3)))
    # A diagonal outside of the matrix.
    check_sparse(sp.dia_array((np.ones((2, 3)), [0, 100]), shape=(3, 3)))
    # Indices of 64 bits.
    X = sp.csr_array(DENSE)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    check_sparse(X)
    for other in (None, DENSE, DENSE.tolist(), "X"):
        check_sparse(other)


@pytest.mark.parametrize("kind", [sp.coo_array, sp.csr_array, sp.dok_array])
def test_sparse_vector_is_refused(kind):
    try:
        X = kind(DENSE[0])
    except ValueError:
        pytest.skip("SciPy before 1.15 has few formats of vectors")
    for call in (check_sparse, LatencyEncoder().fit):
        with pytest.raises(ValueError, match="Expected 2D array, got a 1D"):
            call(X)


@pytest.mark.parametrize("encoder", ["auto", "latency", "spike_times"])
def test_index_out_of_range_does_not_end_the_interpreter(encoder):
    """Without a check it does."""
    good, y = np.arange(1.0, 121.0).reshape(20, 6), np.arange(20) % 2
    broken = sp.csr_array(good)
    broken.indices[3] = 10**8
    clf = TTFSClassifier((5,), encoder=encoder, max_iter=1).fit(good, y)
    for call, *targets in (
        *((clf.predict,), (clf.spike_times,), (clf.score, y)),
        *((clf.partial_fit, y, [0, 1]), (clf.fit, y)),
    ):
        with pytest.raises(ValueError, match="index is out of range"):
            call(broken, *targets)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_give_the_same_model(name):
    y = [0, 1, 0, 1]
    dense = TTFSClassifier((5,), max_iter=1, random_state=0).fit(DENSE, y)
    sparse = TTFSClassifier((5,), max_iter=1, random_state=0).fit(matrix(name), y)
    np.testing.assert_array_equal(
        dense.predict_proba(DENSE), sparse.predict_proba(matrix(name))
    )
