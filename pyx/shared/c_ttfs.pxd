# Mirror of include/ttfs.h, see there; that of ttfs_kernels.h is real/c_ttfs.pxi.
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t


cdef extern from "ttfs.h" nogil:
    const char *TTFS_VERSION
    const double TTFS_TIME_LIMIT
    const size_t TTFS_MAX_ACTIVE

    ctypedef enum ttfs_status:
        TTFS_OK

    const char *ttfs_strerror(ttfs_status status) noexcept nogil

    ctypedef struct ttfs_neuron:
        double tau_mem
        double tau_syn
        double threshold

    ttfs_status ttfs_neuron_init(
        ttfs_neuron *neuron, double tau_mem, double tau_syn, double threshold
    ) noexcept nogil

    ctypedef struct ttfs_encoder:
        size_t n_features
        int is_spike_times
        double begin
        double window
        const double *low
        const double *high
        const double *scale
        const double *absent
        size_t n_complemented
        const uint32_t *complemented
        size_t n_always
        const uint32_t *always
        size_t n_fields
        size_t n_levels

    ctypedef enum ttfs_layer_kind:
        TTFS_FULL
        TTFS_AXONAL
        TTFS_SYNAPTIC

    ctypedef enum ttfs_loss:
        TTFS_CROSS_ENTROPY
        TTFS_SQUARED_ERROR
        TTFS_SHIFT_INVARIANT
        TTFS_TARGET_TIMES

    bint ttfs_is_squared_time(ttfs_loss loss)

    ctypedef enum ttfs_local_kernel:
        TTFS_TABLE
        TTFS_LINEAR

    ctypedef enum ttfs_feedback:
        TTFS_SYMMETRIC
        TTFS_RANDOM
        TTFS_DIRECT
        TTFS_TARGET

    ctypedef enum ttfs_simd:
        TTFS_SIMD_BASELINE
        TTFS_SIMD_AVX2
        TTFS_SIMD_AVX512

    ttfs_simd ttfs_simd_best() noexcept nogil
