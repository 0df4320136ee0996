/* The first phase of an update: spikes of all layers, the loss, and what the output
 * layer passes back. */
#ifndef TTFS_REAL_TRAINING_FORWARD_H
#define TTFS_REAL_TRAINING_FORWARD_H

#include "real/spikes/dropout.h"
#include "real/training/loss.h"
#include "real/training/pass_back.h"
#include "real/training/spike_cost.h"

/* The sorted inputs of a layer in sample s of the batch, which has this number in the
 * data set. Returns how many. */
static size_t list_inputs(const TYPE(training) * training, const plan_t *plan, size_t k,
                          size_t s, size_t number, const real **times,
                          const uint32_t **inputs)
{
    const TYPE(network) *network = &training->network;
    const TYPE(layer) *layer = &network->layers[k];
    const work_t *work = &plan->layers[k];
    const int is_own = makes_lists(training, k);
    const size_t at = s * padded_inputs(work->max_events);
    real *own_times = is_own ? work->times + at : NULL;
    uint32_t *own_inputs = is_own ? work->inputs + at : NULL;
    size_t n;

    if (k > 0) {
        const size_t n_neurons = layer[-1].n_out;
        n = collect(layer, plan->layers[k - 1].spikes + s * n_neurons, n_neurons,
                    network->t_max, own_times, own_inputs, plan->own.sort_workspace);
    } else {
        const size_t begin = training->spikes.begin[number];
        *times = training->spikes.times + begin;
        *inputs = training->spikes.inputs + begin;
        n = training->spikes.end[number] - begin;
        if (!is_own) return n;
        if (training->dropout > 0) {
            n = drop_inputs(training, s, *times, *inputs, n, own_times, own_inputs);
            *times = own_times;
            *inputs = own_inputs;
        }
        if (layer->kind->shifts_inputs) {
            n = arrive(layer, *times, *inputs, n, (real)network->t_max, own_times,
                       own_inputs, plan->own.sort_workspace);
        }
    }
    *times = own_times;
    *inputs = own_inputs;
    return n;
}

/* What enters the network in a batch. */
static void train_inputs(const TYPE(training) * training, const size_t *order,
                         size_t n_samples, size_t *begin, size_t *end, real *times,
                         uint32_t *inputs)
{
    const TYPE(spikes) *spikes = &training->spikes;
    for (size_t s = 0; s < n_samples; ++s) {
        const size_t from = spikes->begin[order[s]];
        begin[s] = s * training->max_spikes;
        end[s] =
            begin[s] + drop_inputs(training, s, spikes->times + from,
                                   spikes->inputs + from, spikes->end[order[s]] - from,
                                   times + begin[s], inputs + begin[s]);
    }
}

/* Fetch what sample s needs soon: samples of a batch are anywhere in memory. Bounds of
 * lists are needed before the lists. */
static inline void fetch_ahead(const TYPE(spikes) * spikes, const size_t *order,
                               size_t s, size_t end)
{
    if (s + 8 < end) {
        __builtin_prefetch(spikes->begin + order[s + 8]);
        __builtin_prefetch(spikes->end + order[s + 8]);
    }
    if (s + 3 >= end) return;
    const size_t last = spikes->end[order[s + 3]];
    for (size_t k = spikes->begin[order[s + 3]]; k < last; k += 64 / sizeof(real)) {
        __builtin_prefetch(spikes->times + k);
        __builtin_prefetch(spikes->inputs + k);
    }
}

/* Spikes of layer k in samples s0 to s1. */
static void fire_layer(const TYPE(training) * training, const plan_t *plan,
                       const size_t *order, size_t k, size_t s0, size_t s1)
{
    const TYPE(layer) *layer = &training->network.layers[k];
    const layer_kind_t *kind = layer->kind;
    const work_t *work = &plan->layers[k];
    const neuron_t p = neuron_of(&layer->neuron);
    const real t_max = (real)training->network.t_max;
    const size_t n_out = layer->n_out, from = s0 * n_out, n = s1 - s0;
    real *spikes = work->spikes + from, *slopes = work->slopes + from;

    if (!work->keeps_lists && n > 1) { /* there is room for one list */
        for (size_t s = s0; s < s1; ++s) {
            fire_layer(training, plan, order, k, s, s + 1);
        }
        return;
    }
    for (size_t s = s0; s < s1; ++s) {
        events_t *e = &work->events[s];
        const real *times;
        const uint32_t *inputs;
        if (k == 0) fetch_ahead(&training->spikes, order, s, s1);
        const size_t n_inputs =
            list_inputs(training, plan, k, s, order[s], &times, &inputs);
        const size_t at =
            work->keeps_lists ? s * events_workspace_size(work->max_events) : 0;
        events_layout(e, times, inputs, n_inputs, work->lists + at);
        kind->prepare(e, &p, t_max);
        work->samples[s] = *e;
    }
    if (training->measured) {
        memcpy(spikes, training->measured[k] + from, n * n_out * sizeof(real));
        kind->slopes(layer, &p, work->events + s0, n, spikes, slopes);
    } else {
        kind->first_spikes(layer, &p, work->events + s0, n, t_max, spikes, slopes,
                           plan->own.workspace);
    }
}

/* Where another thing has fired, the model may pass the threshold in a neuron that was
 * silent. The peaks of such a sample are lowered by what the highest has too much, so
 * that their order counts; but by a threshold at most, or a dead neuron, whose weights
 * grow, would put off others. */
static void lower_peaks(real threshold, const real *spikes, size_t n, real *u_peak)
{
    real excess = 0;
    for (size_t j = 0; j < n; ++j) {
        const real above = u_peak[j] - threshold;
        if (spikes[j] == INFINITY && above > excess) excess = above;
    }
    excess = excess < threshold ? excess : threshold;
    for (size_t j = 0; excess > 0 && j < n; ++j) u_peak[j] -= excess;
}

/* Loss of sample s, which has this number in the data set, and what the output layer
 * passes back. */
static void judge(const TYPE(training) * training, const plan_t *plan, size_t s,
                  size_t number, size_t n_samples, double *losses)
{
    const TYPE(network) *network = &training->network;
    const size_t n_layers = network->n_layers;
    const TYPE(layer) *layer = &network->layers[n_layers - 1];
    const work_t *work = &plan->layers[n_layers - 1];
    const own_t *own = &plan->own;
    const neuron_t p = neuron_of(&layer->neuron);
    const size_t n_out = layer->n_out, from = s * n_out;
    const real *spikes = work->spikes + from, *u_peak = own->u_peak;
    real *slopes = work->slopes + from, *c = work->c + from;
    const size_t label = training->labels ? training->labels[number] : 0;
    const double *targets =
        training->targets ? training->targets + number * n_out : NULL;
    const double factor = training->factors[number] / (double)n_samples;
    const real unit_slope =
        (real)(layer->neuron.threshold / layer->neuron.tau_syn); /* s = 0 */

    layer->kind->peaks(layer, &p, recall(layer, work, s, &p, network->t_max),
                       (real)network->t_max, spikes, own->u_peak, work->at + from,
                       slopes, own->workspace);
    if (training->measured_peaks) {
        u_peak = training->measured_peaks + from;
    } else if (training->measured && !targets) { /* outputs have ranks */
        lower_peaks((real)layer->neuron.threshold, spikes, n_out, own->u_peak);
    }
    for (size_t j = 0; j < n_out; ++j) {
        own->times[j] =
            (real)decision_time(network, layer->neuron.threshold, spikes[j], u_peak[j]);
    }
    loss(training, own->times, &label, targets, &factor, 1, n_out, losses + s, c);
    losses[s] *= (double)n_samples;
    if (training->local && is_direct(training->local)) {
        pass_directly(training, plan, s, label, factor, c);
    }
    /* From decision times to spike times and to peaks. */
    for (size_t j = 0; j < n_out; ++j) {
        own->kink[j] = (real)network->pseudo_slope * c[j];
        if (spikes[j] == INFINITY || (double)spikes[j] <= network->read_out) continue;
        if (training->local) {
            slopes[j] = unit_slope; /* u' is the read-out's doing: s = 0 */
        } else {
            c[j] *= (real)network->stretch;
        }
    }
    if (training->spike_cost > 0) {
        const size_t first = first_output(spikes, n_out);
        if (spikes[first] < INFINITY) {
            c[first] += decision_push(training, plan, s, spikes[first], n_samples);
        }
    }
    weigh_spikes(training, &p, spikes, c, slopes, own->kink, n_out, c);
    pass_back(training, plan, n_layers - 1, s, &p);
}

/* Spikes of all layers; loss; gradient of the times of the last hidden layer. */
static void train_forward(const TYPE(training) * training, const size_t *order,
                          size_t n_samples, size_t part, double *losses)
{
    arena_t arena = {training->workspace, 0};
    const plan_t plan = plan_of(training, part, &arena);
    const size_t first = part_begin(n_samples, part, training->n_parts);
    const size_t last = part_begin(n_samples, part + 1, training->n_parts);
    const size_t n_layers = training->network.n_layers;

    for (size_t s0 = first; s0 < last; s0 += MAX_BLOCK) {
        const size_t s1 = min_size(s0 + MAX_BLOCK, last);
        for (size_t k = 0; k + 1 < n_layers; ++k) {
            fire_layer(training, &plan, order, k, s0, s1);
        }
        /* The output layer in groups of samples, whose lists stay in the cache. */
        for (size_t begin = s0; begin < s1; begin += GROUP) {
            const size_t end = min_size(begin + GROUP, s1);
            fire_layer(training, &plan, order, n_layers - 1, begin, end);
            for (size_t s = begin; s < end; ++s) {
                judge(training, &plan, s, order[s], n_samples, losses);
            }
        }
    }
}

#endif
