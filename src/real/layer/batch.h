/* The functions of one layer on a batch, as ttfs_kernels.h describes them: event lists
 * of a block of samples, then panel by panel, so that the weights of a panel stay in
 * the second-level cache while the samples of the block pass. */
#ifndef TTFS_REAL_LAYER_BATCH_H
#define TTFS_REAL_LAYER_BATCH_H

#include "real/layer/first_spikes.h"
#include "real/layer/gradient.h"
#include "real/layer/peak.h"

#define MAX_BLOCK 128
#define BLOCK_BYTES (512 * 1024)

static size_t packed_size(size_t n_in, size_t n_out)
{
    return n_in * ((n_out + WIDTH - 1) / WIDTH * WIDTH);
}

/* Reals in a row of moments: padded like weights where that takes little memory, since
 * whole vectors are faster. */
static size_t moments_width(size_t n_out)
{
    const size_t whole = (n_out + WIDTH - 1) / WIDTH * WIDTH;
    return 12 * (whole - n_out) <= n_out ? whole : n_out;
}

static void pack(const real *weights, size_t n_in, size_t n_out, real *packed)
{
    for (size_t j = 0; j < n_out; j += LANES) {
        const panel_t panel = panel_of(n_out, j);
        const size_t width = (size_t)panel.vecs * WIDTH;
        for (size_t i = 0; i < n_in; ++i, packed += width) {
            memcpy(packed, weights + i * n_out + j, panel.lanes * sizeof(real));
            for (size_t l = panel.lanes; l < width; ++l) packed[l] = 0;
        }
    }
}

static void unpack(const real *packed, size_t n_in, size_t n_out, real *weights)
{
    for (size_t j = 0; j < n_out; j += LANES) {
        const panel_t panel = panel_of(n_out, j);
        for (size_t i = 0; i < n_in; ++i, packed += panel.vecs * WIDTH) {
            memcpy(weights + i * n_out + j, packed, panel.lanes * sizeof(real));
        }
    }
}

/* A constant n helps the compiler. */
ALWAYS_INLINE void round_row(const real *weights, real scale, real max, size_t n,
                             int16_t *rounded)
{
    for (size_t l = 0; l < n; ++l) {
        real x = weights[l] * scale;
        x = x < max ? x : max;
        x = x > -max ? x : -max;
        rounded[l] = (int16_t)(int32_t)RINT(x);
    }
}

static void round_weights(const real *packed, size_t n_in, size_t n_out, real scale,
                          int16_t max_weight, int16_t *rounded, size_t stride)
{
    const real max = max_weight;
    for (size_t j = 0; j < n_out; j += LANES) {
        const panel_t panel = panel_of(n_out, j);
        for (size_t i = 0; i < n_in; ++i, packed += panel.vecs * WIDTH) {
            int16_t *row = rounded + i * stride + j;
            if (panel.lanes == LANES) {
                round_row(packed, scale, max, LANES, row);
            } else {
                round_row(packed, scale, max, panel.lanes, row);
            }
        }
    }
}

/* A block takes BLOCK_BYTES at most, or more if one sample needs more. */
static size_t layer_workspace_size(size_t max_events)
{
    const size_t one = events_workspace_size(max_events) * sizeof(real);
    const size_t lists = min_size(BLOCK_BYTES, MAX_BLOCK * one);
    return (lists > one ? lists : one) + ends_workspace_size(max_events) * sizeof(real);
}

/* A block of samples with their event lists. */
typedef struct {
    neuron_t neuron;
    size_t begin, n;
    events_t list[MAX_BLOCK];
    real *workspace, *ends;
} block_t;

/* Start with *block = {0}; returns 0 after the last block. */
static int next_block(block_t *block,
                      void (*prepare)(events_t *e, const neuron_t *p, real horizon),
                      const ttfs_neuron *neuron, const TYPE(spikes) * spikes,
                      size_t n_samples, double t_max, real *workspace)
{
    size_t used = 0;
    block->neuron = neuron_of(neuron);
    block->begin += block->n;
    block->n = 0;
    block->workspace = workspace;
    while (block->n < MAX_BLOCK && block->begin + block->n < n_samples) {
        const size_t s = block->begin + block->n, n = spikes->end[s] - spikes->begin[s];
        const size_t more = events_workspace_size(n);
        if (block->n > 0 && (used + more) * sizeof(real) > BLOCK_BYTES) break;
        events_t *e = &block->list[block->n++];
        events_layout(e, spikes->times + spikes->begin[s],
                      spikes->inputs + spikes->begin[s], n, workspace + used);
        prepare(e, &block->neuron, horizon_of(t_max));
        used += more;
    }
    block->ends = workspace + used;
    return block->n > 0;
}

static void first_spike(const ttfs_neuron *neuron, const TYPE(spikes) * spikes,
                        size_t n_samples, size_t n_in, const real *weights,
                        size_t n_out, double t_max, real *out, void *scratch)
{
    block_t block = {.n = 0};
    while (
        next_block(&block, events_prepare, neuron, spikes, n_samples, t_max, scratch)) {
        first_spikes(&block.neuron, NULL, block.list, block.n, n_in, weights, 0, n_out,
                     (real)t_max, out + block.begin * n_out, NULL);
    }
}

static void peaks(const ttfs_neuron *neuron, const TYPE(spikes) * spikes,
                  size_t n_samples, size_t n_in, const real *weights, size_t n_out,
                  double t_max, const real *at, real *u_peak, real *t_peak,
                  void *scratch)
{
    block_t block = {.n = 0};
    real slopes[LANES] = {0};
    while (
        next_block(&block, events_prepare, neuron, spikes, n_samples, t_max, scratch)) {
        for (size_t s = 0; s < block.n; ++s) {
            const events_t *e = &block.list[s];
            const ends_t ends = ends_of(&block.neuron, e, block.ends);
            for (size_t j = 0; j < n_out; j += LANES) {
                const size_t to = (block.begin + s) * n_out + j;
                peak_panel(&block.neuron, e, &ends, weights + j * n_in, (real)t_max,
                           panel_of(n_out, j), at + to, u_peak + to, t_peak + to,
                           slopes);
            }
        }
    }
}

static void slopes_at(const ttfs_neuron *neuron, const TYPE(spikes) * spikes,
                      size_t n_samples, size_t n_in, const real *weights, size_t n_out,
                      double t_max, const real *at, real *slopes, void *scratch)
{
    block_t block = {.n = 0};
    while (
        next_block(&block, events_prepare, neuron, spikes, n_samples, t_max, scratch)) {
        const size_t from = block.begin * n_out;
        layer_slopes(&block.neuron, block.list, block.n, n_in, weights, n_out,
                     at + from, slopes + from);
    }
}

static void grad_weights(const ttfs_neuron *neuron, const TYPE(spikes) * spikes,
                         size_t n_samples, size_t n_in, const real *at, const real *c,
                         size_t n_out, size_t begin, size_t end, double t_max,
                         real *grad, void *scratch)
{
    block_t block = {.n = 0};
    while (
        next_block(&block, events_prepare, neuron, spikes, n_samples, t_max, scratch)) {
        for (size_t j = begin; j < end; j += LANES) {
            const panel_t panel = panel_of(n_out, j);
            for (size_t s = 0; s < block.n; ++s) {
                const size_t from = (block.begin + s) * n_out + j;
                const events_t *e = &block.list[s];
                grad_weights_panel(&block.neuron, e, e->input, panel, at + from,
                                   c + from, grad + j * n_in);
            }
        }
    }
}

static void grad_times(const ttfs_neuron *neuron, const TYPE(spikes) * spikes,
                       size_t n_samples, size_t n_in, const real *weights, size_t n_out,
                       double t_max, const real *at, const real *c, const real *kink,
                       real *grad, void *scratch)
{
    block_t block = {.n = 0};
    memset(grad, 0, n_samples * n_in * sizeof(real));
    while (
        next_block(&block, events_prepare, neuron, spikes, n_samples, t_max, scratch)) {
        for (size_t j = 0; j < n_out; j += LANES) {
            const panel_t panel = panel_of(n_out, j);
            for (size_t s = 0; s < block.n; ++s) {
                const size_t from = (block.begin + s) * n_out + j;
                grad_times_panel(&block.neuron, &block.list[s], weights + j * n_in,
                                 panel, at + from, c + from, kink ? kink + from : NULL,
                                 grad + (block.begin + s) * n_in);
            }
        }
    }
}

#endif
