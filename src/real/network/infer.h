/* Samples through a whole network. */
#ifndef TTFS_REAL_NETWORK_INFER_H
#define TTFS_REAL_NETWORK_INFER_H

#include "common/arena.h"
#include "real/layer/arrivals.h"
#include "real/layer/batch.h"
#include "real/layer/kind.h"

/* The decision time of an output. A spike after the read-out comes (threshold - u) /
 * slope later, where slope is that of the read-out's own current, w / tau_syn:
 * stretched, a missing unit of membrane counts as much as with silent neurons. */
static inline double decision_time(const TYPE(network) * network, double threshold,
                                   real spike, real u_peak)
{
    const double t = spike < INFINITY ? (double)spike : network->t_max;
    const double late = fmax(t - network->read_out, 0);
    const double decision = t + (network->stretch - 1) * late;
    if (spike < INFINITY) return decision;
    return decision + network->pseudo_slope * fmax(threshold - (double)u_peak, 0);
}

/* The greatest number of neurons of a layer, or of inputs of a layer but the first. */
static size_t max_neurons(const TYPE(network) * network)
{
    size_t n = 0;
    for (size_t k = 0; k < network->n_layers; ++k) {
        const TYPE(layer) *layer = &network->layers[k];
        n = layer->n_out > n ? layer->n_out : n;
        if (k > 0) n = layer->n_in > n ? layer->n_in : n;
    }
    return n;
}

typedef struct {
    real *lists; /* of events, of a block of samples */
    void *sort_workspace;
    real *spikes; /* (MAX_BLOCK, max_neurons()) */
    real *times;  /* (MAX_BLOCK, greatest number of inputs) */
    uint32_t *inputs;
    real *u_peak, *t_peak, *slopes;
    real *workspace; /* of the functions of a layer kind */
} infer_t;

static infer_t infer_layout(const TYPE(network) * network, size_t max_events,
                            arena_t *arena)
{
    const size_t n = max_neurons(network), block = MAX_BLOCK * n;
    const size_t longest = max_events > n ? max_events : n;
    size_t sorted = n, workspace = 0;
    infer_t w = {.lists = NULL};
    for (size_t k = 0; k < network->n_layers; ++k) {
        const layer_kind_t *kind = network->layers[k].kind;
        const size_t size = kind->workspace_size(&network->layers[k], longest);
        workspace = size > workspace ? size : workspace;
        if (kind->shifts_inputs) sorted = longest;
    }
    w.lists = take(arena, layer_workspace_size(longest));
    w.sort_workspace = take(arena, sort_workspace_size(sorted));
    w.spikes = take(arena, block * sizeof(real));
    w.times = take(arena, MAX_BLOCK * padded_inputs(sorted) * sizeof(real));
    w.inputs = take(arena, MAX_BLOCK * padded_inputs(sorted) * sizeof(uint32_t));
    w.u_peak = take(arena, n * sizeof(real));
    w.t_peak = take(arena, n * sizeof(real));
    w.slopes = take(arena, n * sizeof(real));
    w.workspace = take(arena, workspace * sizeof(real));
    return w;
}

static size_t infer_workspace_size(const TYPE(network) * network, size_t max_events)
{
    arena_t count = {NULL, 0};
    infer_layout(network, max_events, &count);
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
                      w->lists);
        layer->kind->prepare(&e, &p, horizon_of(network->t_max));
        layer->kind->peaks(layer, &p, &e, (real)network->t_max, spikes, w->u_peak,
                           w->t_peak, w->slopes, w->workspace);
    }
    double first = INFINITY;
    for (size_t j = 0; j < n_out; ++j) {
        double t = INFINITY; /* a silent neuron that decides nothing */
        if (needs_peaks || spikes[j] < INFINITY) {
            t = decision_time(network, layer->neuron.threshold, spikes[j],
                              needs_peaks ? w->u_peak[j] : 0);
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
    const layer_kind_t *kind = layer->kind;
    block_t block = {.n = 0};
    while (next_block(&block, kind->prepare, &layer->neuron, in, n, t_max, w->lists)) {
        kind->first_spikes(layer, &block.neuron, block.list, block.n, (real)t_max,
                           w->spikes + block.begin * layer->n_out, NULL, w->workspace);
    }
}

static void infer(const TYPE(network) * network, const TYPE(spikes) * spikes,
                  size_t n_samples, real *const *layers, double *decisions,
                  size_t *labels, void *scratch)
{
    size_t max_events = 0;
    for (size_t s = 0; s < n_samples; ++s) {
        const size_t n = spikes->end[s] - spikes->begin[s];
        max_events = n > max_events ? n : max_events;
    }
    arena_t arena = {scratch, 0};
    infer_t w = infer_layout(network, max_events, &arena);
    const size_t n_layers = network->n_layers;
    const TYPE(layer) *last = &network->layers[n_layers - 1];
    size_t begin[MAX_BLOCK], end[MAX_BLOCK];

    for (size_t s0 = 0; s0 < n_samples; s0 += MAX_BLOCK) {
        const size_t n = min_size(MAX_BLOCK, n_samples - s0);
        TYPE(spikes)
        in = {spikes->begin + s0, spikes->end + s0, spikes->times, spikes->inputs};
        if (network->layers->kind->shifts_inputs) {
            for (size_t s = 0; s < n; ++s) {
                begin[s] = s * padded_inputs(max_events);
                end[s] =
                    begin[s] + arrive(network->layers, in.times + in.begin[s],
                                      in.inputs + in.begin[s], in.end[s] - in.begin[s],
                                      (real)network->t_max, w.times + begin[s],
                                      w.inputs + begin[s], w.sort_workspace);
            }
            in = (TYPE(spikes)){begin, end, w.times, w.inputs};
        }
        for (size_t k = 0; k < n_layers; ++k) {
            const TYPE(layer) *layer = &network->layers[k];
            if (k > 0) {
                const size_t n_neurons = layer[-1].n_out;
                for (size_t s = 0; s < n; ++s) {
                    begin[s] = s * padded_inputs(layer->n_in);
                    end[s] =
                        begin[s] + collect(layer, w.spikes + s * n_neurons, n_neurons,
                                           network->t_max, w.times + begin[s],
                                           w.inputs + begin[s], w.sort_workspace);
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
