/* Lists of spikes, sorted by tick, ties by input. */
#ifndef TTFS_FIXED_EVENTS_H
#define TTFS_FIXED_EVENTS_H

#include <string.h>

#include "ttfs_fixed_kernels.h"

#include "common/sort_keys.h"

/* Ways in which sort() counts at once: many neurons spike at one tick, and a counter
 * that was written a moment ago is slow to read. */
#define WAYS 4

static size_t counts_of(const ttfs_fixed_network *network)
{
    return WAYS * (network->n_ticks + 1u);
}

/* ttfs_fixed_sort() without branches: silent neurons get a place too, behind the list.
 * Way w counts the neurons of one of WAYS parts, the last also what is left over, so
 * that counters in their order lead to places in the order of the list. */
static uint32_t sort(const ttfs_fixed_layer *layer, uint32_t n_ticks,
                     const uint16_t *ticks, ttfs_fixed_event *events, uint16_t *counts)
{
    const uint32_t n_in = layer->n_in, n = n_in - layer->n_bias, part = n / WAYS;
    const size_t n_counts = WAYS * (n_ticks + 1u);
    uint16_t *rest = counts + WAYS - 1;
    uint32_t at = 0;

    memset(counts, 0, n_counts * sizeof *counts);
    for (uint32_t i = 0; i < part; ++i) {
        for (uint32_t w = 0; w < WAYS; ++w) ++counts[WAYS * ticks[w * part + i] + w];
    }
    for (uint32_t i = WAYS * part; i < n; ++i) ++rest[WAYS * ticks[i]];
    for (uint32_t i = n; i < n_in; ++i) ++rest[WAYS * layer->bias_ticks[i - n]];
    for (size_t c = 0; c < n_counts; ++c) {
        const uint32_t count = counts[c];
        counts[c] = (uint16_t)at;
        at += count;
    }
    const uint32_t n_spikes = counts[WAYS * n_ticks];
    for (uint32_t i = 0; i < part; ++i) {
        for (uint32_t w = 0; w < WAYS; ++w) {
            const uint32_t input = w * part + i;
            const uint16_t t = ticks[input];
            events[counts[WAYS * t + w]++] = (ttfs_fixed_event){t, (uint16_t)input};
        }
    }
    for (uint32_t i = WAYS * part; i < n_in; ++i) {
        const uint16_t t = i < n ? ticks[i] : layer->bias_ticks[i - n];
        events[rest[WAYS * t]++] = (ttfs_fixed_event){t, (uint16_t)i};
    }
    return n_spikes;
}

static size_t convert_workspace_size(size_t n)
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

#endif
