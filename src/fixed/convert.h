/* Real spike times to lists of spikes in ticks, for one instruction set. This is the
 * border: behind it there are integers alone. */
#ifndef TTFS_FIXED_CONVERT_H
#define TTFS_FIXED_CONVERT_H

#include "ttfs_fixed_kernels.h"

#include "common/sort_keys.h"

#if SIMD == SIMD_AVX512
#define CONVERSION ttfs_fixed_conversion_avx512
#elif SIMD == SIMD_AVX2
#define CONVERSION ttfs_fixed_conversion_avx2
#else
#define CONVERSION ttfs_fixed_conversion_baseline
#endif

static size_t workspace_size(size_t n)
{
    return (n + 15) / 16 * 16 * sizeof(uint32_t);
}

/* Keys, ticks in their upper bits, as a list. Returns how many are below `end`. */
static size_t list_of(uint32_t *keys, size_t n, uint32_t end, ttfs_fixed_event *events)
{
    size_t n_kept = 0;
    uint32_t before = 0;
    int is_sorted = 1;
    for (size_t k = 0; k < n; ++k) {
        const uint32_t key = keys[k];
        const int is_kept = key < end;
        keys[n_kept] = key;
        n_kept += (size_t)is_kept;
        is_sorted &= !is_kept | (key >= before);
        before = is_kept ? key : before;
    }
    if (!is_sorted) {
        for (size_t k = n_kept; k % 16 != 0; ++k) keys[k] = UINT32_MAX;
        sort_network(keys, n_kept);
    }
    for (size_t k = 0; k < n_kept; ++k) {
        events[k] = (ttfs_fixed_event){(uint16_t)(keys[k] >> 16), (uint16_t)keys[k]};
    }
    return n_kept;
}

/* [2]: [t / tick], 0 before the start. What is no number is absent. */
#define DEFINE_CONVERT(type)                                                           \
    static size_t convert_##type(const type *times, const uint32_t *inputs, size_t n,  \
                                 double tick, uint32_t n_ticks,                        \
                                 ttfs_fixed_event *events, void *scratch)              \
    {                                                                                  \
        uint32_t *keys = scratch;                                                      \
        for (size_t k = 0; k < n; ++k) {                                               \
            double t = (double)times[k] / tick + 0.5;                                  \
            t = t < n_ticks ? t : n_ticks;                                             \
            t = t > 0 ? t : 0;                                                         \
            keys[k] = (uint32_t)(int32_t)t << 16 | inputs[k];                          \
        }                                                                              \
        return list_of(keys, n, n_ticks << 16, events);                                \
    }

DEFINE_CONVERT(float)
DEFINE_CONVERT(double)

const ttfs_fixed_conversion CONVERSION = {
    .workspace_size = workspace_size,
    .from_float = convert_float,
    .from_double = convert_double,
};

#endif
