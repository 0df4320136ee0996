/* Samples through a whole network. */
#ifndef TTFS_REAL_NETWORK_INFER_H
#define TTFS_REAL_NETWORK_INFER_H

#include "real/layer/batch.h"
#include "real/layer/delayed.h"

/* Room for the inputs of a layer, and what v_compress() may write after them. */
static inline size_t inputs_room(size_t n_in)
{
    return n_in + 16;
}

/* The spikes of a layer and the biases of the next one, sorted by their arrival there
 * where delays are axonal. Returns how many. */
static size_t collect(const TYPE(layer) * next, const real *spikes, size_t n_neurons,
                      double t_max, real *times, uint32_t *inputs, void *scratch)
{
    const real *delays = next->delay_kind == TTFS_AXONAL ? next->delays : NULL;
    size_t n = 0;
    for (size_t j = 0; j < n_neurons; j += WIDTH) {
        const size_t lanes = smaller(WIDTH, n_neurons - j);
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

static int has_delays(const TYPE(network) * network, ttfs_delay_kind kind)
{
    for (size_t k = 0; k < network->n_layers; ++k) {
        if (network->layers[k].delay_kind == kind) return 1;
    }
    return 0;
}

typedef struct {
    real *room;
    void *sort_room;
    real *spikes; /* (MOST_BLOCK, most neurons) */
    real *times;  /* (MOST_BLOCK, most inputs) */
    uint32_t *inputs;
    real *u_peak, *t_peak, *slopes;
    fan_in_t fan_in;
} infer_t;

static infer_t infer_layout(const TYPE(network) * network, size_t most, arena_t *arena)
{
    const size_t n = most_neurons(network), block = MOST_BLOCK * n;
    const size_t longest = most > n ? most : n;
    const size_t sorted = has_delays(network, TTFS_AXONAL) ? longest : n;
    infer_t w = {.room = NULL};
    w.room = take(arena, layer_room(longest));
    w.sort_room = take(arena, sort_scratch(sorted));
    w.spikes = take(arena, block * sizeof(real));
    w.times = take(arena, MOST_BLOCK * inputs_room(sorted) * sizeof(real));
    w.inputs = take(arena, MOST_BLOCK * inputs_room(sorted) * sizeof(uint32_t));
    w.u_peak = take(arena, n * sizeof(real));
    w.t_peak = take(arena, n * sizeof(real));
    w.slopes = take(arena, n * sizeof(real));
    if (has_delays(network, TTFS_SYNAPTIC)) w.fan_in = fan_in_layout(longest, arena);
    return w;
}

static size_t infer_room(const TYPE(network) * network, size_t most)
{
    arena_t count = {NULL, 0};
    infer_layout(network, most, &count);
    return count.used;
}

/* Peaks of the silent neurons of a layer in one sample, whose spikes e lists. */
static void layer_peaks(const TYPE(layer) * layer, const neuron_t *p, const events_t *e,
                        real t_max, const real *spikes, real *room, const fan_in_t *fan,
                        real *u_peak, real *t_peak, real *slopes)
{
    if (layer->delay_kind == TTFS_SYNAPTIC) {
        fan_peaks(fan, layer, p, e, t_max, spikes, u_peak, t_peak, slopes);
        return;
    }
    const ends_t ends = ends_of(p, e, room);
    for (size_t j = 0; j < layer->n_out; j += LANES) {
        peak_panel(p, e, &ends, layer->weights + j * layer->n_in, t_max,
                   panel_of(layer->n_out, j), spikes + j, u_peak + j, t_peak + j,
                   slopes + j);
    }
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
        events_prepare(&e, &p, horizon_of(network->t_max));
        layer_peaks(layer, &p, &e, (real)network->t_max, spikes,
                    w->room + events_room(n), &w->fan_in, w->u_peak, w->t_peak,
                    w->slopes);
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
    size_t begin[MOST_BLOCK], end[MOST_BLOCK];

    for (size_t s0 = 0; s0 < n_samples; s0 += MOST_BLOCK) {
        const size_t n = smaller(MOST_BLOCK, n_samples - s0);
        TYPE(spikes)
        in = {spikes->begin + s0, spikes->end + s0, spikes->times, spikes->inputs};
        for (size_t k = 0; k < n_layers; ++k) {
            const TYPE(layer) *layer = &network->layers[k];
            if (k == 0 && layer->delay_kind == TTFS_AXONAL) {
                for (size_t s = 0; s < n; ++s) {
                    begin[s] = s * inputs_room(most);
                    end[s] = begin[s] + arrive(layer, in.times + in.begin[s],
                                               in.inputs + in.begin[s],
                                               in.end[s] - in.begin[s],
                                               (real)network->t_max, w.times + begin[s],
                                               w.inputs + begin[s], w.sort_room);
                }
                in = (TYPE(spikes)){begin, end, w.times, w.inputs};
            }
            if (layer->delay_kind == TTFS_SYNAPTIC) {
                const neuron_t p = neuron_of(&layer->neuron);
                for (size_t s = 0; s < n; ++s) {
                    events_t e;
                    events_layout(&e, in.times + in.begin[s], in.inputs + in.begin[s],
                                  in.end[s] - in.begin[s], w.room);
                    fan_first_spikes(&w.fan_in, layer, &p, &e, (real)network->t_max,
                                     w.spikes + s * layer->n_out, NULL);
                }
            } else {
                first_spike(&layer->neuron, &in, n, layer->n_in, layer->weights,
                            layer->n_out, network->t_max, w.spikes, w.room);
            }
            if (layers && layers[k]) {
                memcpy(layers[k] + s0 * layer->n_out, w.spikes,
                       n * layer->n_out * sizeof(real));
            }
            if (k + 1 == n_layers) break;
            const TYPE(layer) *next = &network->layers[k + 1];
            for (size_t s = 0; s < n; ++s) {
                begin[s] = s * inputs_room(next->n_in);
                end[s] =
                    begin[s] + collect(next, w.spikes + s * layer->n_out, layer->n_out,
                                       network->t_max, w.times + begin[s],
                                       w.inputs + begin[s], w.sort_room);
            }
            in = (TYPE(spikes)){begin, end, w.times, w.inputs};
        }
        if (!decisions && !labels) continue;
        const TYPE(layer) *last = &network->layers[n_layers - 1];
        for (size_t s = 0; s < n; ++s) {
            decide(network, &in, s, w.spikes + s * last->n_out, &w,
                   decisions ? decisions + (s0 + s) * last->n_out : NULL,
                   labels ? labels + s0 + s : NULL);
        }
    }
}

#endif
