/* Rate code: integrate-and-fire neurons that stand for a ReLU network. */
#include <math.h>
#include <string.h>

#include "ttfs_baselines.h"

#include "common/arena.h"

/* The state of a sample. Neurons of all layers follow each other in v and n_fired;
 * inputs that are 0 are left out. */
typedef struct {
    int64_t *n_spikes;  /* (n_layers + 1,) */
    int64_t *n_events;  /* (n_layers,) */
    int32_t *n_fired;   /* (n_neurons,) */
    float *v;           /* (n_neurons,) */
    float *drive;       /* (n_out,) what enters the first layer in every step */
    float *v_in;        /* (n_active,) */
    float *magnitude;   /* (n_active,) |x| */
    uint32_t *active;   /* (n_active,) the inputs that are not 0, ascending */
    uint32_t *arriving; /* numbers of inputs of a layer, ascending */
    uint32_t *leaving;  /* numbers of its neurons, ascending */
    size_t n_neurons;
    size_t n_active;
} state_t;

static void lay_out(const ttfs_rate_network *network, arena_t *arena, state_t *s)
{
    const size_t n_layers = network->n_layers, n_in = network->layers[0].n_in;
    size_t n_most = n_in;
    s->n_neurons = 0;
    for (size_t k = 0; k < n_layers; ++k) {
        const size_t n_out = network->layers[k].n_out;
        s->n_neurons += n_out;
        n_most = n_out > n_most ? n_out : n_most;
    }
    s->n_spikes = take(arena, (n_layers + 1) * sizeof(int64_t));
    s->n_events = take(arena, n_layers * sizeof(int64_t));
    s->n_fired = take(arena, s->n_neurons * sizeof(int32_t));
    s->v = take(arena, s->n_neurons * sizeof(float));
    s->drive = take(arena, network->layers[0].n_out * sizeof(float));
    s->v_in = take(arena, n_in * sizeof(float));
    s->magnitude = take(arena, n_in * sizeof(float));
    s->active = take(arena, n_in * sizeof(uint32_t));
    s->arriving = take(arena, n_most * sizeof(uint32_t));
    s->leaving = take(arena, n_most * sizeof(uint32_t));
}

size_t ttfs_rate_scratch_size(const ttfs_rate_network *network)
{
    arena_t arena = {0};
    state_t state;
    lay_out(network, &arena, &state);
    return arena.used;
}

static void add(float *restrict v, const float *restrict row, size_t n)
{
    for (size_t j = 0; j < n; ++j) v[j] += row[j];
}

static void add_scaled(float *restrict v, const float *restrict row, float factor,
                       size_t n)
{
    for (size_t j = 0; j < n; ++j) v[j] += factor * row[j];
}

/* The neurons that fire, with their reset by subtraction. Returns how many. */
static size_t fire(float *restrict v, size_t n, uint32_t *restrict fired)
{
    size_t n_fired = 0;
    for (size_t j = 0; j < n; ++j) {
        const int fires = v[j] >= 1;
        fired[n_fired] = (uint32_t)j;
        n_fired += (size_t)fires;
        v[j] -= (float)fires;
    }
    return n_fired;
}

/* The state before the first step. */
static void start(const ttfs_rate_network *network, const float *x, state_t *s)
{
    const ttfs_rate_layer *first = network->layers;
    memset(s->n_spikes, 0, (network->n_layers + 1) * sizeof(int64_t));
    memset(s->n_events, 0, network->n_layers * sizeof(int64_t));
    memset(s->n_fired, 0, s->n_neurons * sizeof(int32_t));
    for (size_t j = 0; j < s->n_neurons; ++j) s->v[j] = network->initial;
    memcpy(s->drive, first->bias, first->n_out * sizeof(float));
    s->n_active = 0;
    for (size_t i = 0; i < first->n_in; ++i) {
        if (x[i] == 0) continue;
        s->active[s->n_active] = (uint32_t)i;
        s->magnitude[s->n_active] = fabsf(x[i]);
        s->v_in[s->n_active] = network->initial;
        s->n_active += 1;
        if (!network->has_input_spikes) {
            add_scaled(s->drive, first->weights + i * first->n_out, x[i], first->n_out);
        }
    }
}

/* Spikes of the inputs; returns how many. Their signs are those of x. */
static size_t fire_inputs(state_t *s)
{
    add(s->v_in, s->magnitude, s->n_active);
    const size_t n = fire(s->v_in, s->n_active, s->arriving);
    for (size_t k = 0; k < n; ++k) s->arriving[k] = s->active[s->arriving[k]];
    return n;
}

/* One step of all layers. */
static void step(const ttfs_rate_network *network, const float *x, state_t *s)
{
    float *v = s->v;
    int32_t *n_fired = s->n_fired;
    size_t n_arriving = network->has_input_spikes ? fire_inputs(s) : 0;
    s->n_spikes[0] += (int64_t)n_arriving;
    for (size_t k = 0; k < network->n_layers; ++k) {
        const ttfs_rate_layer *layer = &network->layers[k];
        const size_t n_out = layer->n_out;
        add(v, k > 0 ? layer->bias : s->drive, n_out);
        for (size_t a = 0; a < n_arriving; ++a) {
            const size_t i = s->arriving[a];
            const float sign = k > 0 || x[i] > 0 ? 1 : -1;
            add_scaled(v, layer->weights + i * n_out, sign, n_out);
            s->n_events[k] += layer->n_targets[i];
        }
        if (k + 1 == network->n_layers && !network->has_output_spikes) return;
        const size_t n_leaving = fire(v, n_out, s->leaving);
        for (size_t a = 0; a < n_leaving; ++a) n_fired[s->leaving[a]] += 1;
        s->n_spikes[k + 1] += (int64_t)n_leaving;
        uint32_t *const spare = s->arriving;
        s->arriving = s->leaving;
        s->leaving = spare;
        n_arriving = n_leaving;
        v += n_out;
        n_fired += n_out;
    }
}

void ttfs_rate_run(const ttfs_rate_network *network, const float *x, size_t n_samples,
                   const uint32_t *moments, size_t n_moments,
                   const ttfs_rate_record *record, void *scratch)
{
    const size_t n_layers = network->n_layers, n_in = network->layers[0].n_in;
    const size_t n_out = network->layers[n_layers - 1].n_out;
    arena_t arena = {.next = scratch};
    state_t s;
    lay_out(network, &arena, &s);
    const size_t outputs = s.n_neurons - n_out; /* where they begin */

    for (size_t n = 0; n < n_samples; ++n) {
        start(network, x + n * n_in, &s);
        uint32_t t = 0;
        for (size_t m = 0; m < n_moments; ++m) {
            for (; t < moments[m]; ++t) step(network, x + n * n_in, &s);
            const size_t row = n * n_moments + m;
            memcpy(record->counts + row * n_out, s.n_fired + outputs,
                   n_out * sizeof(int32_t));
            memcpy(record->membranes + row * n_out, s.v + outputs,
                   n_out * sizeof(float));
            memcpy(record->n_spikes + row * (n_layers + 1), s.n_spikes,
                   (n_layers + 1) * sizeof(int64_t));
            memcpy(record->n_events + row * n_layers, s.n_events,
                   n_layers * sizeof(int64_t));
        }
        memcpy(record->by_neuron + n * s.n_neurons, s.n_fired,
               s.n_neurons * sizeof(int32_t));
    }
}
