# Bindings of the C core in one precision, `real`.
#
# Everything that reaches C passes through here and is checked here: shapes, dtypes and
# contiguity (by the memoryview types), empty arrays, label range. Values are checked by
# the callers in Python: times finite or +inf, all else finite.
#
# Work is divided into parts, one for each thread, by samples or by neurons. What a
# sample or a neuron does never depends on where the borders are, and parts never write
# to the same place, so results have the same bits for any number of threads.
import os
from math import frexp, ldexp
from types import SimpleNamespace

import joblib
import numpy as np

from cython.parallel cimport prange

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY
from libc.stdint cimport (
    int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t,
)
from libc.string cimport memcpy

from shared.c_ttfs cimport *
from shared.openmp cimport OPENMP, omp_get_max_threads

include "c_ttfs.pxi"

cdef enum:
    MAX_INPUTS = 1 << 24
    MAX_SPIKES = 1 << 24  # of a sample, whose numbers float32 can hold
    MAX_LAYERS = 64

__version__ = TTFS_VERSION.decode()
TIME_LIMIT = TTFS_TIME_LIMIT  # times and weights stay below it

cdef object DTYPE = np.float32 if sizeof(real) == sizeof(float) else np.float64

include "../shared/threads.pxi"
include "../shared/aligned_buffer.pxi"
include "../shared/checks.pxi"
include "../shared/neuron.pxi"
include "simd.pxi"
include "layer_kind.pxi"
include "packed.pxi"
include "spikes.pxi"
include "encode.pxi"
include "layer_batch.pxi"
include "layer_spikes.pxi"
include "layer_trains.pxi"
include "network.pxi"
include "loss.pxi"
include "trainer.pxi"
