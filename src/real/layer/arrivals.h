/* The list of what enters a layer: spikes in the order of their arrival. */
#ifndef TTFS_REAL_LAYER_ARRIVALS_H
#define TTFS_REAL_LAYER_ARRIVALS_H

#include "real/layer/kind.h"
#include "real/spikes/sort.h"

/* Shift the spikes of a list by axonal delays, and sort those that arrive before t_max.
 * Returns their number. The new list may take the place of the old one. */
static size_t arrive(const TYPE(layer) * layer, const real *times,
                     const uint32_t *inputs, size_t n, real t_max, real *arrivals,
                     uint32_t *numbers, void *scratch)
{
    size_t m = 0;
    for (size_t k = 0; k < n; ++k) {
        arrivals[m] = times[k] + layer->delays[inputs[k]];
        numbers[m] = inputs[k];
        m += arrivals[m] < t_max;
    }
    sort(arrivals, numbers, m, scratch);
    return m;
}

/* Length of the arrays of a layer's inputs, with what v_compress() may write behind. */
static inline size_t padded_inputs(size_t n_in)
{
    return n_in + 16;
}

/* The spikes of a layer and the biases of the next one, sorted by their arrival there
 * where delays are axonal. Returns their number. */
static size_t collect(const TYPE(layer) * next, const real *spikes, size_t n_neurons,
                      double t_max, real *times, uint32_t *inputs, void *scratch)
{
    const real *delays = next->kind->shifts_inputs ? next->delays : NULL;
    size_t n = 0;
    for (size_t j = 0; j < n_neurons; j += WIDTH) {
        const size_t lanes = min_size(WIDTH, n_neurons - j);
        vec t = v_load_part(spikes + j, lanes);
        if (delays) t = t + v_load_part(delays + j, lanes);
        const mask arrives = m_and(m_first(lanes), v_gt(v_set((real)t_max), t));
        n += v_compress(times + n, inputs + n, arrives, t, (uint32_t)j);
    }
    for (size_t b = 0; b < next->n_bias; ++b) {
        times[n] = next->bias_times[b];
        if (delays) times[n] += delays[n_neurons + b];
        inputs[n] = (uint32_t)(n_neurons + b);
        n += times[n] < (real)t_max;
    }
    sort(times, inputs, n, scratch);
    return n;
}

#endif
