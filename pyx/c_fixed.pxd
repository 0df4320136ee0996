# Mirror of include/ttfs_fixed.h and include/ttfs_fixed_kernels.h, see there.
from libc.stdint cimport int8_t, int16_t, int32_t, uint8_t, uint16_t, uint32_t


cdef extern from "ttfs.h" nogil:
    ctypedef enum ttfs_simd:
        TTFS_SIMD_BASELINE
        TTFS_SIMD_AVX2
        TTFS_SIMD_AVX512


cdef extern from "ttfs_fixed_kernels.h" nogil:
    const int TTFS_FIXED_SLOPE_BOUNDS
    const int TTFS_FIXED_MAX_SAMPLES
    const int TTFS_FIXED_LANES

    ctypedef struct ttfs_fixed_event:
        uint16_t tick
        uint16_t input

    ctypedef enum ttfs_fixed_feedback:
        TTFS_FIXED_SYMMETRIC
        TTFS_FIXED_RANDOM
        TTFS_FIXED_DIRECT
        TTFS_FIXED_TARGET

    ctypedef struct ttfs_fixed_layer:
        uint16_t n_in
        uint16_t n_bias
        uint16_t n_fixed
        uint16_t n_out
        uint16_t stride
        const uint16_t *bias_ticks
        int16_t *weights
        uint8_t fraction
        uint8_t current_shift
        int16_t threshold
        const int16_t *decay_mem
        const int16_t *decay_syn
        const int16_t *kappa
        uint8_t syn_shift
        uint8_t mem_shift
        int16_t slope_mem
        int16_t slope_syn
        const int16_t *slope_bounds
        const int8_t *kernel
        const int8_t *kernel_slope
        int16_t max_stored
        int16_t rest
        int16_t decay
        uint8_t rate_shift
        uint8_t error_shift
        const int16_t *feedback
        int32_t *sums
        uint8_t *touched
        uint16_t *lfsr
        uint8_t *silence

    ctypedef struct ttfs_fixed_network:
        uint16_t n_layers
        uint16_t n_ticks
        const ttfs_fixed_layer *layers
        uint16_t silent_delay
        uint16_t read_out
        uint16_t stretch
        uint16_t n_softmax
        const uint16_t *softmax
        const uint16_t *reciprocal
        uint16_t gain
        int16_t push
        uint16_t learn_from
        uint16_t learn_until
        ttfs_fixed_feedback feedback
        uint8_t is_floor
        uint8_t drop
        const uint8_t *may_drop
        uint16_t *lfsr

    ctypedef struct ttfs_fixed_state:
        uint16_t *ticks
        int16_t *u
        int16_t *slope
        int16_t *error
        uint8_t learns

    ctypedef struct ttfs_fixed_workspace:
        ttfs_fixed_event *events
        uint16_t *counts
        ttfs_fixed_state *states

    uint32_t ttfs_fixed_drop_inputs(
        const ttfs_fixed_network *network, ttfs_fixed_event *events, uint32_t n
    ) noexcept nogil
    uint32_t ttfs_fixed_forward(
        const ttfs_fixed_network *network, uint32_t n, const ttfs_fixed_workspace *work
    ) noexcept nogil
    int32_t ttfs_fixed_errors(
        const ttfs_fixed_network *network, ttfs_fixed_state *states, uint32_t label
    ) noexcept nogil

    ctypedef struct ttfs_fixed_lists:
        const size_t *begin
        const size_t *end
        const ttfs_fixed_event *events

    ctypedef struct ttfs_fixed_tally:
        size_t n_correct
        size_t p_label[257]

    ctypedef struct ttfs_fixed_conversion:
        size_t (*workspace_size)(size_t n) noexcept nogil
        size_t (*from_float)(
            const float *times, const uint32_t *inputs, size_t n, double tick,
            uint32_t n_ticks, ttfs_fixed_event *events, void *scratch
        ) noexcept nogil
        size_t (*from_double)(
            const double *times, const uint32_t *inputs, size_t n, double tick,
            uint32_t n_ticks, ttfs_fixed_event *events, void *scratch
        ) noexcept nogil

    ctypedef struct ttfs_fixed_kernels:
        const char *name
        size_t (*prepare_workspace_size)(
            const ttfs_fixed_network *network
        ) noexcept nogil
        size_t (*infer_workspace_size)(
            const ttfs_fixed_network *network, size_t max_events
        ) noexcept nogil
        size_t (*train_workspace_size)(
            const ttfs_fixed_network *network, size_t max_events
        ) noexcept nogil
        void (*prepare)(
            const ttfs_fixed_network *network, void *prepared
        ) noexcept nogil
        void (*infer)(
            const ttfs_fixed_network *network, const void *prepared,
            const ttfs_fixed_lists *lists, size_t n_samples, uint16_t *const *ticks,
            int16_t *const *u, size_t *labels, void *scratch
        ) noexcept nogil
        void (*train)(
            const ttfs_fixed_network *network, void *prepared,
            const ttfs_fixed_lists *lists, const size_t *labels, const size_t *order,
            size_t n_samples, ttfs_fixed_tally *tally, void *scratch
        ) noexcept nogil

    const ttfs_fixed_kernels *ttfs_fixed_kernels_for(ttfs_simd simd) noexcept nogil
    const ttfs_fixed_conversion *ttfs_fixed_conversion_for(
        ttfs_simd simd
    ) noexcept nogil
