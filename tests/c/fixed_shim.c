/* The functions of ttfs_fixed.h as a library, for tests/support/fixed_header.py. */
#include "ttfs_fixed.h"

#include <stddef.h>

/* So that the structures of Python are those of this compiler. */
size_t shim_size(int which)
{
    switch (which) {
    case 0:
        return sizeof(ttfs_fixed_event);
    case 1:
        return sizeof(ttfs_fixed_layer);
    case 2:
        return sizeof(ttfs_fixed_network);
    case 3:
        return sizeof(ttfs_fixed_state);
    case 4:
        return sizeof(ttfs_fixed_workspace);
    default:
        return sizeof(ttfs_fixed_weight);
    }
}

/* -- Operations on n numbers each ------------------------------------------------ */

void shim_multiply(size_t n, const int16_t *a, const int16_t *b, int16_t *out)
{
    for (size_t k = 0; k < n; ++k) out[k] = ttfs_fixed_multiply(a[k], b[k]);
}

void shim_mac(size_t n, const int16_t *a, const int16_t *x, const int16_t *b,
              const int16_t *y, int16_t *out)
{
    for (size_t k = 0; k < n; ++k) out[k] = ttfs_fixed_mac(a[k], x[k], b[k], y[k]);
}

void shim_add(size_t n, const int32_t *a, const int32_t *b, int32_t *out)
{
    for (size_t k = 0; k < n; ++k) out[k] = ttfs_fixed_add(a[k], b[k]);
}

void shim_round(size_t n, const int32_t *x, const uint8_t *shift, int32_t *out)
{
    for (size_t k = 0; k < n; ++k) out[k] = ttfs_fixed_round(x[k], shift[k]);
}

void shim_step(size_t n, const uint16_t *lfsr, uint16_t *out)
{
    for (size_t k = 0; k < n; ++k) out[k] = ttfs_fixed_step(lfsr[k]);
}

/* Weight (0, j) of a layer with one input moves by sums[j]. */
void shim_move(const ttfs_fixed_layer *layer, int is_floor, const int32_t *sums)
{
    for (uint32_t j = 0; j < layer->n_out; ++j) {
        ttfs_fixed_move(layer, is_floor, 0, j, sums[j]);
    }
}

/* -- Networks -------------------------------------------------------------------- */

uint32_t shim_infer(const ttfs_fixed_network *network, const uint16_t *ticks,
                    const ttfs_fixed_workspace *work)
{
    return ttfs_fixed_infer(network, ticks, work);
}

uint32_t shim_learn(const ttfs_fixed_network *network, uint16_t *ticks, uint32_t label,
                    const ttfs_fixed_workspace *work)
{
    return ttfs_fixed_learn(network, ticks, label, work);
}

/* A sample of a batch: everything up to the sums; `first` is memory for its events. */
uint32_t shim_accumulate(const ttfs_fixed_network *network, const uint16_t *ticks,
                         uint32_t label, ttfs_fixed_event *first,
                         const ttfs_fixed_workspace *work)
{
    const ttfs_fixed_layer *layer = network->layers;
    uint32_t n = ttfs_fixed_sort(layer, network->n_ticks, ticks, first, work->counts);
    n = ttfs_fixed_drop_inputs(network, first, n);
    for (uint32_t e = 0; e < n; ++e) work->events[e] = first[e];
    const uint32_t decision = ttfs_fixed_forward(network, n, work);
    ttfs_fixed_errors(network, work->states, label);
    ttfs_fixed_accumulate(layer, &work->states[0], first, n);
    for (uint32_t k = 1; k < network->n_layers; ++k) {
        n = ttfs_fixed_sort(++layer, network->n_ticks, work->states[k - 1].ticks,
                            work->events, work->counts);
        ttfs_fixed_accumulate(layer, &work->states[k], work->events, n);
    }
    return decision;
}

void shim_update(const ttfs_fixed_network *network)
{
    for (uint32_t k = 0; k < network->n_layers; ++k) {
        ttfs_fixed_update(&network->layers[k], network->is_floor);
    }
}
