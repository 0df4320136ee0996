/* Networks in integers by the functions of ttfs_fixed.h. */
#define SIMD SIMD_BASELINE
#include "fixed/driver.h"

static size_t prepared_size(const ttfs_fixed_network *network,
                            const ttfs_fixed_layer *layer)
{
    (void)network, (void)layer;
    return 0;
}

static void prepare_layer(const ttfs_fixed_network *network,
                          const ttfs_fixed_layer *layer, void *prepared)
{
    (void)network, (void)layer, (void)prepared;
}

static size_t extra_size(const ttfs_fixed_network *network)
{
    (void)network;
    return 0;
}

static void layer_spikes(const ttfs_fixed_network *network,
                         const ttfs_fixed_layer *layer, const void *prepared,
                         uint32_t n_ticks, const ttfs_fixed_event *events, uint32_t n,
                         ttfs_fixed_state *state, int wanted)
{
    (void)network, (void)prepared, (void)wanted;
    ttfs_fixed_spikes(layer, (uint16_t)n_ticks, events, n, state);
}

static void hidden_errors(const ttfs_fixed_network *network, uint32_t k,
                          const void *own, const void *after, ttfs_fixed_state *states,
                          uint32_t label)
{
    (void)own, (void)after;
    ttfs_fixed_hidden_errors(network, k, states, label);
}

static void accumulate(const ttfs_fixed_network *network, const ttfs_fixed_layer *layer,
                       const void *prepared, const ttfs_fixed_state *state,
                       const ttfs_fixed_event *events, uint32_t n)
{
    (void)network, (void)prepared;
    ttfs_fixed_accumulate(layer, state, events, n);
}

static void update(const ttfs_fixed_network *network, const ttfs_fixed_layer *layer,
                   void *prepared, void *extra)
{
    (void)prepared, (void)extra;
    ttfs_fixed_update(layer, network->is_floor);
}
