/* The second phase of an update: back through the hidden layers. */
#ifndef TTFS_REAL_TRAINING_BACKWARD_H
#define TTFS_REAL_TRAINING_BACKWARD_H

#include "real/training/pass_back.h"
#include "real/training/rows.h"
#include "real/training/spike_cost.h"

/* Back through the hidden layers. A neuron that is silent in more than the fraction
 * silence_tolerance of the batch is pulled back by the loss silence_penalty (threshold
 * - u_peak). Spikes before the decision may have a cost, see spike_cost.h. */
static void train_backward(const TYPE(training) * training, size_t n_samples,
                           double learning_rate, size_t part)
{
    const TYPE(network) *network = &training->network;
    arena_t arena = {training->workspace, 0};
    const plan_t plan = plan_of(training, part, &arena);
    const size_t first = part_begin(n_samples, part, training->n_parts);
    const size_t last = part_begin(n_samples, part + 1, training->n_parts);
    const real t_max = (real)network->t_max;

    for (size_t k = part; k < network->n_layers; k += training->n_parts) {
        const TYPE(layer) *layer = &network->layers[k];
        number_rows(training, layer, &plan.layers[k], n_samples, learning_rate);
    }
    for (size_t k = network->n_layers - 1; k-- > 0;) {
        const TYPE(layer) *layer = &network->layers[k], *next = layer + 1;
        const work_t *work = &plan.layers[k];
        const neuron_t p = neuron_of(&layer->neuron);
        const size_t n_out = layer->n_out;
        const real strength = (real)(training->silence_penalty / (double)n_samples);
        const double silence_tolerance =
            training->silence_tolerance * (double)n_samples;
        real *pull = plan.own.times; /* (n_out,) 0: not silent too often */

        memset(pull, 0, n_out * sizeof(real));
        for (size_t s = 0; s < n_samples; ++s) {
            const real *spikes = work->spikes + s * n_out;
            for (size_t j = 0; j < n_out; ++j) pull[j] += spikes[j] < INFINITY ? 0 : 1;
        }
        for (size_t j = 0; j < n_out; ++j) {
            pull[j] = (double)pull[j] > silence_tolerance ? strength : 0;
        }
        for (size_t s = first; s < last; ++s) {
            const real *spikes = work->spikes + s * n_out;
            real *grad = plan.layers[k + 1].grad + s * next->n_in;
            real *at = work->at + s * n_out, *slopes = work->slopes + s * n_out;
            real *c = work->c + s * n_out;
            mask any = m_none();
            /* A silent neuron that is not pulled back has no effect. */
            for (size_t j = 0; j < n_out; j += WIDTH) {
                const size_t n = min_size(WIDTH, n_out - j);
                const vec spike = v_load_part(spikes + j, n);
                const mask fired = v_gt(v_set(INFINITY), spike);
                const mask pulled =
                    m_andnot(v_gt(v_load_part(pull + j, n), v_set(0)), fired);
                const mask seen = m_or(fired, pulled);
                v_store_part(at + j, v_select(seen, spike, v_set(-REAL_MAX)), n);
                any = m_or(any, pulled);
            }
            if (m_any(any)) {
                const events_t *e = recall(layer, work, s, &p, network->t_max);
                layer->kind->peaks(layer, &p, e, t_max, at, plan.own.u_peak, at, slopes,
                                   plan.own.workspace);
            }
            if (training->local) keep_in_window(training->local, spikes, n_out, grad);
            if (training->spike_cost > 0) {
                push_spikes(training, &plan, k, s, n_samples, grad, c);
                grad = c;
            }
            weigh_spikes(training, &p, spikes, grad, slopes, pull, n_out, c);
            pass_back(training, &plan, k, s, &p);
        }
    }
}

#endif
