"""Bindings of the baselines, include/ttfs_baselines.h.

Everything that reaches C passes through here and is checked here: shapes, dtypes and
contiguity, ranges of integers. Inference divides samples among threads; what a sample
does never depends on where the borders are.
"""
import os

import joblib
import numpy as np

from cython.parallel cimport prange

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t

from shared.c_ttfs cimport TTFS_VERSION
from shared.openmp cimport OPENMP, omp_get_max_threads

__version__ = TTFS_VERSION.decode()

include "shared/threads.pxi"
include "shared/aligned_buffer.pxi"
include "baselines/rate.pxi"
include "baselines/s4nn.pxi"
