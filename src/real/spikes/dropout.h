/* Deletion of input spikes in training, by a hash of seed, update, sample and spike. */
#ifndef TTFS_REAL_SPIKES_DROPOUT_H
#define TTFS_REAL_SPIKES_DROPOUT_H

#include "common/random.h"
#include "real/precision.h"

/* Delete spikes of a sorted list with the probability dropout, where the input may be
 * absent, in sample s of a batch. The list that is kept may be the same one. Returns
 * how many are left. */
static size_t drop_inputs(const TYPE(training) * training, size_t s, const real *times,
                          const uint32_t *inputs, size_t n, real *kept_times,
                          uint32_t *kept_inputs)
{
    const uint64_t key =
        draw(draw(training->seed, *training->network.layers[0].step), s);
    const uint64_t limit = (uint64_t)(training->dropout * 4294967296.0); /* 2^32 */
    size_t left = 0;
    for (size_t k = 0; k < n; ++k) {
        const uint32_t i = inputs[k];
        const int is_deleted = training->may_drop[i] && draw(key, k) >> 32 < limit;
        kept_times[left] = times[k];
        kept_inputs[left] = i;
        left += !is_deleted;
    }
    return left;
}

#endif
