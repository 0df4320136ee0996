/* ttfs_fixed_kernels: networks in integers, on whole data sets and on each instruction
 * set. Every table of functions gives the bits of ttfs_fixed.h, whose conventions hold.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TTFS_FIXED_KERNELS_H
#define TTFS_FIXED_KERNELS_H

#include <stddef.h>

#include "ttfs.h"
#include "ttfs_fixed.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `stride` of every layer is n_out rounded up to a multiple of this, so n_out is at
 * most 65504. What is in the padding does not matter. */
#define TTFS_FIXED_LANES 32

/* The input spikes of samples, and the spikes of the biases of the first layer. Each
 * list is sorted by tick, ties by input. Lists may overlap. */
typedef struct {
    const size_t *begin; /* (n_samples,) */
    const size_t *end;   /* (n_samples,) */
    const ttfs_fixed_event *events;
} ttfs_fixed_lists;

/* What training counts: how samples were classified before the network learned them.
 * train() adds to it. */
typedef struct {
    size_t n_correct;
    size_t
        p_label[257]; /* number of samples by 256 times the probability of the label */
} ttfs_fixed_tally;

/* Real spike times to ticks [2], with the same bits on every instruction set.
 *
 * from_float(), from_double(): the spikes of a sample, in any order, as a list. Returns
 * its length; spikes at n_ticks or later, and times that are no number, are left out.
 * inputs     (n,), below 2^16.
 * tick       unit of the ticks, in that of the times.
 * events     (n,) out: the list, sorted.
 * scratch    workspace_size(n) bytes, from a cache line on. */
typedef struct {
    size_t (*workspace_size)(size_t n);
    size_t (*from_float)(const float *times, const uint32_t *inputs, size_t n,
                         double tick, uint32_t n_ticks, ttfs_fixed_event *events,
                         void *scratch);
    size_t (*from_double)(const double *times, const uint32_t *inputs, size_t n,
                          double tick, uint32_t n_ticks, ttfs_fixed_event *events,
                          void *scratch);
} ttfs_fixed_conversion;

/* The functions for one instruction set. Besides what ttfs_fixed.h asks for:
 *
 * - Tables by elapsed ticks are not negative, but for kernel_slope; entry 0 of kernel
 *   and kernel_slope is 0. No factor is -2^15.
 * - Weights have at most 11 bits and a sign, and so have those of RANDOM feedback. A
 *   weight's current, w 2^current_shift, is an int16. Stored weights are within
 * `max_stored`.
 * - error_shift is 5 to 25, rate_shift at most 30, softmax[0] is 256 and none is more.
 * - n_fixed is at most n_bias, read_out at most n_ticks; stretch is 1 or more.
 * - learn_from and learn_until are at most the greatest n_ticks, 16384.
 * - Bias ticks are at most n_ticks. lfsr has `stride` entries.
 * - An input that spikes r times in a sample counts as r samples of a batch, of
 *   which there are TTFS_FIXED_MAX_SAMPLES at most.
 *
 * Arguments they share:
 *
 * prepared   prepare_workspace_size() bytes: weights as the kernels want them.
 * scratch    infer_workspace_size(max_events) or train_workspace_size(max_events)
 * bytes, where no sample has more than max_events spikes.
 *
 * Workspaces begin at a cache line. */
typedef struct {
    const char *name; /* of the instruction set */

    /* Bytes of working space. */
    size_t (*prepare_workspace_size)(const ttfs_fixed_network *network);
    size_t (*infer_workspace_size)(const ttfs_fixed_network *network,
                                   size_t max_events);
    size_t (*train_workspace_size)(const ttfs_fixed_network *network,
                                   size_t max_events);

    /* Pack weights and tables. This must be called first, and whenever they have been
     * changed other than by train(). */
    void (*prepare)(const ttfs_fixed_network *network, void *prepared);

    /* Pass samples through a network [3].
     * ticks      n_layers pointers, each (n_samples, n_out) out or NULL: spike times.
     * u          n_layers pointers, each (n_samples, n_out) out or NULL: membrane at
     *            the spike, or its peak. NULL for none of both: only labels.
     * labels     (n_samples,) out, or NULL: the output neuron that decides. */
    void (*infer)(const ttfs_fixed_network *network, const void *prepared,
                  const ttfs_fixed_lists *lists, size_t n_samples,
                  uint16_t *const *ticks, int16_t *const *u, size_t *labels,
                  void *scratch);

    /* Learn from one batch [7].
     * prepared   in and out: follows the weights.
     * labels     of all samples in the lists.
     * order      (n_samples,) numbers of the samples of the batch.
     * tally      in and out. */
    void (*train)(const ttfs_fixed_network *network, void *prepared,
                  const ttfs_fixed_lists *lists, const size_t *labels,
                  const size_t *order, size_t n_samples, ttfs_fixed_tally *tally,
                  void *scratch);
} ttfs_fixed_kernels;

/* The kernels for an instruction set, or NULL where the library or this processor
 * does not have it. */
const ttfs_fixed_kernels *ttfs_fixed_kernels_for(ttfs_simd simd);

/* The same for conversion. */
const ttfs_fixed_conversion *ttfs_fixed_conversion_for(ttfs_simd simd);

#ifdef __cplusplus
}
#endif

#endif /* TTFS_FIXED_KERNELS_H */
