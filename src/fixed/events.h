/* The spikes of neurons as a list, sorted by tick, ties by input. */
#ifndef TTFS_FIXED_EVENTS_H
#define TTFS_FIXED_EVENTS_H

#include <string.h>

#include "ttfs_fixed_kernels.h"

/* Ways in which sort() counts at once: many neurons spike at one tick, and a counter
 * that was written a moment ago is slow to read. */
#define WAYS 4

static size_t counts_of(const ttfs_fixed_network *network)
{
    return WAYS * (network->n_ticks + 1u);
}

/* The tick of bias b, n_ticks at most. */
static uint16_t bias_tick(const ttfs_fixed_layer *layer, uint32_t b, uint32_t n_ticks)
{
    const uint16_t t = layer->bias_ticks[b];
    return t < n_ticks ? t : (uint16_t)n_ticks;
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
    for (uint32_t i = n; i < n_in; ++i) {
        ++rest[WAYS * bias_tick(layer, i - n, n_ticks)];
    }
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
        const uint16_t t = i < n ? ticks[i] : bias_tick(layer, i - n, n_ticks);
        events[rest[WAYS * t]++] = (ttfs_fixed_event){t, (uint16_t)i};
    }
    return n_spikes;
}

#endif
