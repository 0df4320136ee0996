/* Samples through a whole network. */
#ifndef TTFS_REAL_NETWORK_INFER_H
#define TTFS_REAL_NETWORK_INFER_H

#include "common/arena.h"
#include "real/layer/arrivals.h"
#include "real/layer/batch.h"
#include "real/layer/kind.h"

/* The decision times of a sample: spike times, or pseudo-times of silent neurons. */
static inline double decision_time(const TYPE(network) * network, double threshold,
                                   real spike, real u_peak)
{
    if (spike < INFINITY) return spike;
    return network->t_max + network->pseudo_slope * fmax(threshold - (double)u_peak, 0);
}

/* Most neurons of a layer, and most inputs of one after the first. */
static size_t most_neurons(const TYPE(network) * network)
{
    size_t most = 0;
    for (size_t k = 0; k < network->n_layers; ++k) {
        const TYPE(layer) *layer = &network->layers[k];
        most = layer->n_out > most ? layer->n_out : most;
        if (k > 0) most = layer->n_in > most ? layer->n_in : most;
    }
    return most;
}

typedef struct {
    real *room; /* event lists of a block of samples */
    void *sort_room;
    real *spikes; /* (MOST_BLOCK, most neurons) */
    real *times;  /* (MOST_BLOCK, most inputs) */
    uint32_t *inputs;
    real *u_peak, *t_peak, *slopes;
    real *workspace; /* of the functions of a layer kind */
} infer_t;

static infer_t infer_layout(const TYPE(network) * network, size_t most, arena_t *arena)
{
    const size_t n = most_neurons(network), block = MOST_BLOCK * n;
    const size_t longest = most > n ? most : n;
    size_t sorted = n, workspace = 0;
    infer_t w = {.room = NULL};
    for (size_t k = 0; k < network->n_layers; ++k) {
        const layer_kind_t *kind = kind_of(&network->layers[k]);
        const size_t size = kind->workspace_size(longest);
        workspace = size > workspace ? size : workspace;
        if (kind->shifts_inputs) sorted = longest;
    }
    w.room = take(arena, layer_room(longest));
    w.sort_room = take(arena, sort_scratch(sorted));
    w.spikes = take(arena, block * sizeof(real));
    w.times = take(arena, MOST_BLOCK * inputs_room(sorted) * sizeof(real));
    w.inputs = take(arena, MOST_BLOCK * inputs_room(sorted) * sizeof(uint32_t));
    w.u_peak = take(arena, n * sizeof(real));
    w.t_peak = take(arena, n * sizeof(real));
    w.slopes = take(arena, n * sizeof(real));
    w.workspace = take(arena, workspace * sizeof(real));
    return w;
}

static size_t infer_room(const TYPE(network) * network, size_t most)
{
    arena_t count = {NULL, 0};
    infer_layout(network, most, &count);
    return count.used;
}

/* The output layer's decision on one sample. */
static void decide(const TYPE(network) * network, const TYPE(spikes) * in, size_t s,
                   const real *spikes, const infer_t *w, double *decisions,
                   size_t *label)
{
    const TYPE(layer) *layer = &network->layers[network->n_layers - 1];
    const size_t n_out = layer->n_out;
    size_t n_fired = 0;

    for (size_t j = 0; j < n_out; ++j) n_fired += spikes[j] < INFINITY;
    /* A spike is earlier than any pseudo-time. */
    const int needs_peaks = n_fired < n_out && (decisions || n_fired == 0);
    if (needs_peaks) {
        const size_t n = in->end[s] - in->begin[s];
        const neuron_t p = neuron_of(&layer->neuron);
        events_t e;
        events_layout(&e, in->times + in->begin[s], in->inputs + in->begin[s], n,
                      w->room);
        kind_of(layer)->prepare(&e, &p, horizon_of(network->t_max));
        kind_of(layer)->peaks(layer, &p, &e, (real)network->t_max, spikes, w->u_peak,
                              w->t_peak, w->slopes, w->workspace);
    }
    double first = INFINITY;
    for (size_t j = 0; j < n_out; ++j) {
        double t = spikes[j];
        if (needs_peaks) {
            t = decision_time(network, layer->neuron.threshold, spikes[j],
                              w->u_peak[j]);
        }
        if (decisions) decisions[j] = t;
        if (label && t < first) {
            first = t;
            *label = j;
        }
    }
}

/* First spikes of a layer in n samples. */
static void fire(const TYPE(layer) * layer, const TYPE(spikes) * in, size_t n,
                 double t_max, const infer_t *w)
{
    const layer_kind_t *kind = kind_of(layer);
    block_t block = {.n = 0};
    while (next_block(&block, kind->prepare, &layer->neuron, in, n, t_max, w->room)) {
        kind->first_spikes(layer, &block.neuron, block.list, block.n, (real)t_max,
                           w->spikes + block.begin * layer->n_out, NULL, w->workspace);
    }
}

static void infer(const TYPE(network) * network, const TYPE(spikes) * spikes,
                  size_t n_samples, real *const *layers, double *decisions,
                  size_t *labels, void *scratch)
{
    size_t most = 0;
    for (size_t s = 0; s < n_samples; ++s) {
        const size_t n = spikes->end[s] - spikes->begin[s];
        most = n > most ? n : most;
    }
    arena_t arena = {scratch, 0};
    infer_t w = infer_layout(network, most, &arena);
    const size_t n_layers = network->n_layers;
    const TYPE(layer) *last = &network->layers[n_layers - 1];
    size_t begin[MOST_BLOCK], end[MOST_BLOCK];

    for (size_t s0 = 0; s0 < n_samples; s0 += MOST_BLOCK) {
        const size_t n = smaller(MOST_BLOCK, n_samples - s0);
        TYPE(spikes)
        in = {spikes->begin + s0, spikes->end + s0, spikes->times, spikes->inputs};
        if (kind_of(network->layers)->shifts_inputs) {
            for (size_t s = 0; s < n; ++s) {
                begin[s] = s * inputs_room(most);
                end[s] =
                    begin[s] + arrive(network->layers, in.times + in.begin[s],
                                      in.inputs + in.begin[s], in.end[s] - in.begin[s],
                                      (real)network->t_max, w.times + begin[s],
                                      w.inputs + begin[s], w.sort_room);
            }
            in = (TYPE(spikes)){begin, end, w.times, w.inputs};
        }
        for (size_t k = 0; k < n_layers; ++k) {
            const TYPE(layer) *layer = &network->layers[k];
            if (k > 0) {
                const size_t n_neurons = layer[-1].n_out;
                for (size_t s = 0; s < n; ++s) {
                    begin[s] = s * inputs_room(layer->n_in);
                    end[s] =
                        begin[s] + collect(layer, w.spikes + s * n_neurons, n_neurons,
                                           network->t_max, w.times + begin[s],
                                           w.inputs + begin[s], w.sort_room);
                }
                in = (TYPE(spikes)){begin, end, w.times, w.inputs};
            }
            fire(layer, &in, n, network->t_max, &w);
            if (layers && layers[k]) {
                memcpy(layers[k] + s0 * layer->n_out, w.spikes,
                       n * layer->n_out * sizeof(real));
            }
        }
        if (!decisions && !labels) continue;
        for (size_t s = 0; s < n; ++s) {
            decide(network, &in, s, w.spikes + s * last->n_out, &w,
                   decisions ? decisions + (s0 + s) * last->n_out : NULL,
                   labels ? labels + s0 + s : NULL);
        }
    }
}

#endif
