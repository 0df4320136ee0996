/* Rate code: integrate-and-fire neurons that stand for a ReLU network. */
#include <math.h>
#include <string.h>

#include "ttfs_baselines.h"

#include "common/arena.h"

/* The state of a sample. Neurons of all layers follow each other in v and n_fired;
 * inputs that are 0 are left out. */
typedef struct {
    int64_t *n_spikes; /* (n_layers + 1,) */
    int64_t *n_events; /* (n_layers,) */
    int32_t *n_fired;  /* (n_neurons,) */
    float *v;          /* (n_neurons,) */
    float *drive;      /* (n_out,) what enters the first layer in every step */
    float *v_in;       /* (n_active,) */
    float *magnitude;  /* (n_active,) |x| */
    uint32_t *active;  /* (n_active,) the inputs above 0, then those below 0 */
    uint32_t *spikes;  /* the neurons of a layer that fire in a step */
    size_t n_neurons;
    size_t n_active;
    size_t n_positive;
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
    s->spikes = take(arena, n_most * sizeof(uint32_t));
}

size_t ttfs_rate_workspace_size(const ttfs_rate_network *network)
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

/* Add rows of weights (n_in, n) one after the other, or take them away. In fours, which
 * reads and writes v less often and gives the same sums. */
static void add_rows(float *restrict v, const float *restrict weights,
                     const uint32_t *restrict rows, size_t n_rows, size_t n)
{
    size_t a = 0;
    for (; a + 4 <= n_rows; a += 4) {
        const float *r0 = weights + rows[a] * n, *r1 = weights + rows[a + 1] * n;
        const float *r2 = weights + rows[a + 2] * n, *r3 = weights + rows[a + 3] * n;
        for (size_t j = 0; j < n; ++j) v[j] = v[j] + r0[j] + r1[j] + r2[j] + r3[j];
    }
    for (; a < n_rows; ++a) add(v, weights + rows[a] * n, n);
}

static void subtract_rows(float *restrict v, const float *restrict weights,
                          const uint32_t *restrict rows, size_t n_rows, size_t n)
{
    for (size_t a = 0; a < n_rows; ++a) add_scaled(v, weights + rows[a] * n, -1, n);
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
        if (x[i] > 0) s->active[s->n_active++] = (uint32_t)i;
    }
    s->n_positive = s->n_active;
    for (size_t i = 0; i < first->n_in; ++i) {
        if (x[i] < 0) s->active[s->n_active++] = (uint32_t)i;
    }
    for (size_t a = 0; a < s->n_active; ++a) {
        const size_t i = s->active[a];
        s->magnitude[a] = fabsf(x[i]);
        s->v_in[a] = network->initial;
        if (network->has_input_spikes) continue;
        add_scaled(s->drive, first->weights + i * first->n_out, x[i], first->n_out);
    }
}

/* Spikes of the inputs, which enter the first layer. */
static void step_inputs(const ttfs_rate_layer *first, state_t *s)
{
    add(s->v_in, s->magnitude, s->n_active);
    const size_t n = fire(s->v_in, s->n_active, s->spikes);
    size_t n_positive = 0;
    for (size_t a = 0; a < n; ++a) {
        n_positive += s->spikes[a] < s->n_positive;
        s->spikes[a] = s->active[s->spikes[a]];
        s->n_events[0] += first->n_targets[s->spikes[a]];
    }
    s->n_spikes[0] += (int64_t)n;
    add_rows(s->v, first->weights, s->spikes, n_positive, first->n_out);
    subtract_rows(s->v, first->weights, s->spikes + n_positive, n - n_positive,
                  first->n_out);
}

/* One step of all layers. */
static void step(const ttfs_rate_network *network, state_t *s)
{
    float *v = s->v;
    int32_t *n_fired = s->n_fired;
    add(v, s->drive, network->layers[0].n_out);
    if (network->has_input_spikes) step_inputs(network->layers, s);
    for (size_t k = 0; k < network->n_layers; ++k) {
        const size_t n_out = network->layers[k].n_out;
        const int is_last = k + 1 == network->n_layers;
        if (is_last && !network->has_output_spikes) return;
        const size_t n = fire(v, n_out, s->spikes);
        for (size_t a = 0; a < n; ++a) n_fired[s->spikes[a]] += 1;
        s->n_spikes[k + 1] += (int64_t)n;
        if (is_last) return;
        v += n_out;
        n_fired += n_out;
        const ttfs_rate_layer *next = &network->layers[k + 1];
        add(v, next->bias, next->n_out);
        add_rows(v, next->weights, s->spikes, n, next->n_out);
        for (size_t a = 0; a < n; ++a) {
            s->n_events[k + 1] += next->n_targets[s->spikes[a]];
        }
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
            for (; t < moments[m]; ++t) step(network, &s);
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
