/* How errors pass back from the spikes of a layer to its inputs. */
#ifndef TTFS_REAL_TRAINING_PASS_BACK_H
#define TTFS_REAL_TRAINING_PASS_BACK_H

#include "real/training/local_rule.h"
#include "real/training/plan.h"
#include "real/training/step.h"

/* dL/dt / u', with u' no smaller than min_slope; 0 where u' is too small to divide by.
 */
static inline vec over_slope(vec grad, vec slope, real min_slope)
{
    const vec limit = v_set(FOREVER);
    const vec inverse =
        v_set(1) / (min_slope > 0 ? v_max(slope, v_set(min_slope)) : slope);
    const mask valid = m_and(v_gt(limit, inverse), v_gt(inverse, v_set(0) - limit));
    return grad * v_keep(valid, inverse);
}

/* c of a layer: of neurons that fired, from dL/dt; of silent neurons, as it is given.
 */
static void weigh_spikes(const TYPE(training) * training, const neuron_t *p,
                         const real *spikes, const real *grad, const real *slopes,
                         const real *silent, size_t n_out, real *c)
{
    const real min_slope = training->local ? 0 : (real)training->min_slope;
    const vec unit = p->threshold * p->rate_syn;
    for (size_t j = 0; j < n_out; j += WIDTH) {
        const size_t n = min_size(WIDTH, n_out - j);
        const mask fired = v_gt(v_set(INFINITY), v_load_part(spikes + j, n));
        vec slope = v_load_part(slopes + j, n);
        if (training->local) slope = unit * nearest_power(slope / unit);
        const vec c_fired = over_slope(v_load_part(grad + j, n), slope, min_slope);
        v_store_part(c + j, v_select(fired, c_fired, v_load_part(silent + j, n)), n);
    }
}

/* dL/dt of the inputs of a layer in one sample, where t is the time of arrival. */
static void grad_inputs(const TYPE(layer) * layer, const neuron_t *p, const events_t *e,
                        real t_max, const real *spikes, const real *at,
                        const real *slopes, const real *c, const own_t *own, real *grad)
{
    int kinks = 0;
    for (size_t j = 0; j < layer->n_out; ++j) {
        own->kink[j] = kink_of(spikes[j], slopes[j], c[j]);
        kinks |= own->kink[j] != 0;
    }
    memset(grad, 0, layer->n_in * sizeof(real));
    layer->kind->grad_inputs(layer, p, e, t_max, at, c, own->kink, kinks, grad,
                             own->workspace);
}

/* dL/dt of the inputs of layer k in sample s, where it is needed and not yet there. */
static void pass_back(const TYPE(training) * training, const plan_t *plan, size_t k,
                      size_t s, const neuron_t *p)
{
    if (!needs_inputs(&training->network, k)) return;
    const TYPE(layer) *layer = &training->network.layers[k];
    const work_t *work = &plan->layers[k];
    const events_t *e = recall(layer, work, s, p, training->network.t_max);
    const size_t from = s * layer->n_out;
    const real *at = work->at + from, *c = work->c + from;
    real *grad = work->grad + s * layer->n_in;
    if (!training->local) {
        grad_inputs(layer, p, e, (real)training->network.t_max, work->spikes + from, at,
                    work->slopes + from, c, &plan->own, grad);
    } else if (!is_direct(training->local)) {
        const TYPE(local) *local = training->local;
        const int is_random = local->feedback == TTFS_RANDOM;
        layer->kind->local_grad_inputs(
            layer, local, is_random ? local->feedback_weights[k] : layer->weights, p, e,
            at, c, grad);
    }
}

/* dL/dt of all hidden neurons in sample s, straight from the error of the outputs. */
static void pass_directly(const TYPE(training) * training, const plan_t *plan, size_t s,
                          size_t label, double factor, const real *errors)
{
    const TYPE(network) *network = &training->network;
    const TYPE(layer) *last = &network->layers[network->n_layers - 1];
    const int is_squared = ttfs_is_squared_time(training->loss);
    const real target = (real)(is_squared ? factor * last->neuron.tau_syn
                                          : factor / training->time_scale);
    for (size_t k = 1; k < network->n_layers; ++k) {
        const size_t n = network->layers[k - 1].n_out;
        const real *feedback = training->local->feedback_weights[k];
        real *grad = plan->layers[k].grad + s * network->layers[k].n_in;
        if (training->local->feedback == TTFS_TARGET) {
            project(feedback + label * n, &target, 1, n, grad);
        } else {
            project(feedback, errors, last->n_out, n, grad);
        }
    }
}

#endif
