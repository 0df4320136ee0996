/* S4NN: integrate-and-fire neurons in steps, see ttfs_baselines.h for the equations. */
#include <math.h>
#include <string.h>

#include "common/arena.h"
#include "ttfs_baselines.h"

/* Stored weights grow as 1 / scale: below this the scale goes into the weights. */
#define MIN_SCALE 1e-3

/* Partial sums of a dot product: their order is the same whatever the compiler does. */
#define LANES 8

/* The spikes that arrive at a layer, sorted by step. */
typedef struct {
    size_t n;
    const uint32_t *inputs;
    const uint16_t *steps;
} events_t;

/* Working space of a layer; the events are those that its neurons send on. */
typedef struct {
    float *membranes; /* (n_out,), in stored weights */
    float *errors;    /* (n_out,): d of the rule, up to a positive factor */
    float *updates;   /* (n_out,): what a step takes from a row of weights */
    uint32_t *inputs; /* (n_out,) */
    uint16_t *steps;  /* (n_out,) */
} layer_space_t;

typedef struct {
    events_t *events;      /* (n_layers,): what arrives at each layer */
    layer_space_t *layers; /* (n_layers,) */
    size_t *counts;        /* (n_steps,) */
    int32_t *times;        /* (n_neurons,) */
} space_t;

static size_t lay_out(const ttfs_s4nn_network *network, void *scratch, space_t *space)
{
    arena_t arena = {scratch, 0};
    size_t n_layers = network->n_layers, n_neurons = 0;
    space->events = take(&arena, n_layers * sizeof(events_t));
    space->layers = take(&arena, n_layers * sizeof(layer_space_t));
    space->counts = take(&arena, (size_t)network->n_steps * sizeof(size_t));
    for (size_t k = 0; k < n_layers; k++) {
        size_t n = network->layers[k].n_out;
        layer_space_t layer;
        layer.membranes = take(&arena, n * sizeof(float));
        layer.errors = take(&arena, n * sizeof(float));
        layer.updates = take(&arena, n * sizeof(float));
        layer.inputs = take(&arena, n * sizeof(uint32_t));
        layer.steps = take(&arena, n * sizeof(uint16_t));
        n_neurons += n;
        if (scratch) space->layers[k] = layer;
    }
    space->times = take(&arena, n_neurons * sizeof(int32_t));
    return arena.used;
}

size_t ttfs_s4nn_workspace_size(const ttfs_s4nn_network *network)
{
    space_t space;
    return lay_out(network, NULL, &space);
}

/* -- Forward ----------------------------------------------------------------------- */

/* Spike times of a layer. `first`, unless NULL, gets the membranes in the step of the
 * first spike, or in the last step. */
static void fire(const ttfs_s4nn_layer *layer, events_t events, int32_t n_steps,
                 double threshold, float *restrict membranes, int32_t *restrict times,
                 float *first)
{
    size_t n = layer->n_out;
    float stored_threshold = (float)(threshold / layer->scale);
    for (size_t j = 0; j < n; j++) {
        membranes[j] = 0;
        times[j] = n_steps;
    }
    int has_first = 0;
    for (size_t e = 0; e < events.n;) {
        int32_t step = events.steps[e], next = step + 1;
        for (; e < events.n && events.steps[e] == step; e++) {
            const float *restrict row = layer->weights + events.inputs[e] * n;
            for (size_t j = 0; j < n; j++) membranes[j] += row[j];
        }
        int32_t fired = 0;
        for (size_t j = 0; j < n; j++) {
            int32_t fires = (membranes[j] > stored_threshold) & (times[j] == n_steps);
            times[j] = fires ? next : times[j];
            fired |= fires;
        }
        if (first && fired && !has_first && next < n_steps) {
            memcpy(first, membranes, n * sizeof *first);
            has_first = 1;
        }
    }
    if (first) {
        if (!has_first) memcpy(first, membranes, n * sizeof *first);
        for (size_t j = 0; j < n; j++) first[j] *= (float)layer->scale;
    }
}

size_t ttfs_s4nn_sort_spikes(const int32_t *times, size_t n, int32_t n_steps,
                             size_t *counts, uint32_t *inputs, uint16_t *steps)
{
    memset(counts, 0, (size_t)n_steps * sizeof *counts);
    for (size_t j = 0; j < n; j++)
        if (times[j] < n_steps) counts[times[j]]++;
    size_t begin = 0;
    for (int32_t t = 0; t < n_steps; t++) {
        size_t count = counts[t];
        counts[t] = begin;
        begin += count;
    }
    for (size_t j = 0; j < n; j++)
        if (times[j] < n_steps) {
            size_t place = counts[times[j]]++;
            inputs[place] = (uint32_t)j;
            steps[place] = (uint16_t)times[j];
        }
    return begin;
}

/* Spike times of all layers; the events at each layer stay in `space`. */
static void run_sample(const ttfs_s4nn_network *network, const ttfs_s4nn_spikes *spikes,
                       size_t sample, const space_t *space, int32_t *times,
                       float *membranes)
{
    size_t begin = spikes->begin[sample], last = network->n_layers - 1;
    space->events[0] = (events_t){spikes->begin[sample + 1] - begin,
                                  spikes->inputs + begin, spikes->steps + begin};
    for (size_t k = 0; k <= last; k++) {
        const ttfs_s4nn_layer *layer = &network->layers[k];
        const layer_space_t *own = &space->layers[k];
        fire(layer, space->events[k], network->n_steps, network->threshold,
             own->membranes, times, k == last ? membranes : NULL);
        if (k < last) {
            size_t n = ttfs_s4nn_sort_spikes(times, layer->n_out, network->n_steps,
                                             space->counts, own->inputs, own->steps);
            space->events[k + 1] = (events_t){n, own->inputs, own->steps};
        }
        times += layer->n_out;
    }
}

void ttfs_s4nn_run(const ttfs_s4nn_network *network, const ttfs_s4nn_spikes *spikes,
                   size_t begin, size_t end, int32_t *times, float *membranes,
                   void *scratch)
{
    space_t space;
    lay_out(network, scratch, &space);
    size_t n_neurons = 0, n_outputs = network->layers[network->n_layers - 1].n_out;
    for (size_t k = 0; k < network->n_layers; k++)
        n_neurons += network->layers[k].n_out;
    for (size_t i = begin; i < end; i++)
        run_sample(network, spikes, i, &space, times + i * n_neurons,
                   membranes + i * n_outputs);
}

/* -- Learning ---------------------------------------------------------------------- */

/* Make the norm of n errors 1, unless they are all 0; returns what it was. */
static double normalize(float *errors, size_t n)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++) sum += (double)errors[j] * errors[j];
    double norm = sqrt(sum);
    if (norm > 0)
        for (size_t j = 0; j < n; j++) errors[j] = (float)(errors[j] / norm);
    return norm;
}

/* (T - t) / n_steps of the output neurons; returns the time of the first of them. */
static int32_t output_errors(const int32_t *times, size_t n, size_t label,
                             int32_t n_steps, double gamma, float *errors)
{
    int32_t first = n_steps;
    for (size_t j = 0; j < n; j++) first = times[j] < first ? times[j] : first;
    for (size_t j = 0; j < n; j++) {
        double target = times[j];
        if (first == n_steps)
            target = j == label ? n_steps - gamma : n_steps;
        else if (j == label)
            target = first;
        else if (times[j] - first < gamma)
            target = fmin(first + gamma, n_steps);
        errors[j] = (float)((target - times[j]) / n_steps);
    }
    return first;
}

static float dot(const float *restrict a, const float *restrict b, size_t n)
{
    float lanes[LANES] = {0}, sum = 0;
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
        for (size_t l = 0; l < LANES; l++) lanes[l] += a[j + l] * b[j + l];
    for (size_t l = 0; l < LANES; l++) sum += lanes[l];
    for (; j < n; j++) sum += a[j] * b[j];
    return sum;
}

/* Learn the weights of one layer from its errors. `back`, unless NULL, gets the errors
 * of the neurons before, up to a factor that is the same for all: they are normalised.
 */
static void learn_layer(ttfs_s4nn_layer *layer, events_t events, const int32_t *times,
                        const float *errors, double rate, double weight_decay,
                        float *restrict updates, float *back)
{
    size_t n = layer->n_out;
    float stored_rate = (float)(rate / layer->scale);
    for (size_t e = 0; e < events.n;) {
        int32_t step = events.steps[e];
        for (size_t j = 0; j < n; j++)
            updates[j] = step < times[j] ? stored_rate * errors[j] : 0;
        for (; e < events.n && events.steps[e] == step; e++) {
            float *restrict row = layer->weights + events.inputs[e] * n;
            for (size_t j = 0; j < n; j++) row[j] -= updates[j];
            if (back) back[events.inputs[e]] = dot(updates, row, n);
        }
    }
    layer->scale *= 1 - rate * weight_decay;
}

void ttfs_s4nn_fold_scales(ttfs_s4nn_network *network)
{
    for (size_t k = 0; k < network->n_layers; k++) {
        ttfs_s4nn_layer *layer = &network->layers[k];
        for (size_t i = 0; i < layer->n_in * layer->n_out; i++)
            layer->weights[i] = (float)(layer->weights[i] * layer->scale);
        layer->scale = 1;
    }
}

void ttfs_s4nn_learn(ttfs_s4nn_network *network, const ttfs_s4nn_rule *rule,
                     const ttfs_s4nn_spikes *spikes, const uint32_t *labels,
                     const size_t *order, size_t n, ttfs_s4nn_tally *tally,
                     void *scratch)
{
    space_t space;
    lay_out(network, scratch, &space);
    size_t last = network->n_layers - 1, n_neurons = 0;
    for (size_t k = 0; k <= last; k++) n_neurons += network->layers[k].n_out;
    for (size_t i = 0; i < n; i++) {
        size_t sample = order[i], label = labels[sample];
        run_sample(network, spikes, sample, &space, space.times, NULL);
        for (size_t j = 0; j < n_neurons; j++)
            tally->n_fired[j] += space.times[j] < network->n_steps;

        int32_t *times = space.times + n_neurons - network->layers[last].n_out;
        int32_t first =
            output_errors(times, network->layers[last].n_out, label, network->n_steps,
                          rule->gamma, space.layers[last].errors);
        tally->n_correct += times[label] == first && first < network->n_steps;
        double norm = 0;
        for (size_t k = last;; k--) {
            ttfs_s4nn_layer *layer = &network->layers[k];
            float *errors = space.layers[k].errors;
            float *back = k > 0 ? space.layers[k - 1].errors : NULL;
            double layer_norm = normalize(errors, layer->n_out);
            norm = k == last ? layer_norm : norm;
            if (back) memset(back, 0, layer->n_in * sizeof *back);
            events_t events = space.events[k];
            if (layer_norm == 0) events.n = 0; /* nothing but the decay */
            learn_layer(layer, events, times, errors, rule->rates[k],
                        rule->weight_decay, space.layers[k].updates, back);
            if (k == 0) break;
            times -= network->layers[k - 1].n_out;
        }
        tally->loss += norm * norm / 2;
        for (size_t k = 0; k <= last; k++)
            if (network->layers[k].scale < MIN_SCALE) {
                ttfs_s4nn_fold_scales(network);
                break;
            }
    }
}

/* -- Counting ---------------------------------------------------------------------- */

void ttfs_s4nn_count_events(const ttfs_s4nn_layer *layer, const int32_t *arrivals,
                            const int32_t *ends, int32_t *counts)
{
    size_t n = layer->n_out;
    int32_t latest = 0;
    for (size_t j = 0; j < n; j++) latest = ends[j] > latest ? ends[j] : latest;
    for (size_t i = 0; i < layer->n_in; i++) {
        const float *row = layer->weights + i * n;
        int32_t count = 0;
        if (arrivals[i] < latest)
            for (size_t j = 0; j < n; j++)
                count += (arrivals[i] < ends[j]) & (row[j] != 0);
        counts[i] = count;
    }
}
