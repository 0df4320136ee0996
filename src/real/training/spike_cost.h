/* The cost of hidden spikes before the decision t*, the first spike of the outputs, or
 * t_max where there is none:
 *
 *     sum over hidden neurons with t_j < t* of  C (1 - exp(-(t* - t_j) / scale))
 *
 * with C = spike_cost, averaged over the batch. It counts spikes: one that comes long
 * before the decision costs C, one just before it costs little, and is pushed most. The
 * gradient is exact, that of t* too: the earlier the decision, the fewer spikes precede
 * it. */
#ifndef TTFS_REAL_TRAINING_SPIKE_COST_H
#define TTFS_REAL_TRAINING_SPIKE_COST_H

#include "real/simd/vmath.h"
#include "real/training/plan.h"

/* The number of the output that decides: the first to fire. */
static size_t first_output(const real *spikes, size_t n_out)
{
    size_t first = 0;
    for (size_t j = 1; j < n_out; ++j) first = spikes[j] < spikes[first] ? j : first;
    return first;
}

/* -d cost / d t_j of n spikes and a decision: C / scale exp(-(t* - t_j) / scale), 0 for
 * spikes that do not come before it. */
static inline vec spike_pushes(const TYPE(training) * training, const real *spikes,
                               size_t n, vec decision, size_t n_samples)
{
    const double rate = 1 / training->spike_scale;
    const vec push = v_set((real)(training->spike_cost * rate / (double)n_samples));
    const vec spike = v_load_part(spikes, n);
    const mask is_before = v_gt(decision, spike);
    const vec age = v_select(is_before, decision - spike, v_set(0));
    return v_keep(is_before, push * v_exp(age * v_set((real)-rate)));
}

/* d cost / d t* in sample s. */
static real decision_push(const TYPE(training) * training, const plan_t *plan, size_t s,
                          real decision, size_t n_samples)
{
    const TYPE(network) *network = &training->network;
    real sum = 0;
    for (size_t k = 0; k + 1 < network->n_layers; ++k) {
        const size_t n_out = network->layers[k].n_out;
        const real *spikes = plan->layers[k].spikes + s * n_out;
        for (size_t j = 0; j < n_out; j += WIDTH) {
            const size_t n = min_size(WIDTH, n_out - j);
            real pushes[WIDTH];
            v_store(pushes,
                    spike_pushes(training, spikes + j, n, v_set(decision), n_samples));
            for (size_t l = 0; l < n; ++l) sum += pushes[l];
        }
    }
    return sum;
}

/* d(loss + cost) / d t_j of the neurons of hidden layer k in sample s, from dL/dt_j:
 * axonal delays of the next layer learn by that alone. */
static void push_spikes(const TYPE(training) * training, const plan_t *plan, size_t k,
                        size_t s, size_t n_samples, const real *grad, real *out)
{
    const TYPE(network) *network = &training->network;
    const size_t last = network->n_layers - 1, n_out = network->layers[k].n_out;
    const size_t n_outputs = network->layers[last].n_out;
    const real *outputs = plan->layers[last].spikes + s * n_outputs;
    const real *spikes = plan->layers[k].spikes + s * n_out;
    const real first = outputs[first_output(outputs, n_outputs)];
    const real t_max = (real)network->t_max;
    const vec decision = v_set(first < t_max ? first : t_max);

    for (size_t j = 0; j < n_out; j += WIDTH) {
        const size_t n = min_size(WIDTH, n_out - j);
        const vec pushes = spike_pushes(training, spikes + j, n, decision, n_samples);
        v_store_part(out + j, v_load_part(grad + j, n) - pushes, n);
    }
}

#endif
