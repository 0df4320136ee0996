/* What the steps of all that a layer learns have in common. */
#ifndef TTFS_REAL_TRAINING_STEP_H
#define TTFS_REAL_TRAINING_STEP_H

#include "real/layer/kind.h"
#include "real/training/adam.h"
#include "real/training/local_rule.h"
#include "real/training/plan.h"

/* What the panels of a layer have in common. */
struct update {
    const TYPE(training) * training;
    const TYPE(layer) * layer;
    const work_t *work;
    const own_t *own;
    neuron_t p;
    lines_t lines;
    adam_t adam, adam_delays;
    vec rate; /* learning rate of the sum of losses, by the local rule */
    size_t n_samples;
    uint32_t first, n; /* rows of gradients in the present block */
};

static update_t update_of(const TYPE(training) * training, const plan_t *plan, size_t k,
                          size_t n_samples, double learning_rate)
{
    const TYPE(network) *network = &training->network;
    const TYPE(layer) *layer = &network->layers[k];
    const double tau = network->layers[network->n_layers - 1].neuron.tau_syn;
    const int is_squared = ttfs_is_squared_time(training->loss);
    const double epsilon = training->epsilon * (is_squared ? tau * tau : 1);
    update_t u = {training, layer, &plan->layers[k], &plan->own,
                  .n_samples = n_samples};
    u.p = neuron_of(&layer->neuron);
    u.lines = lines_of(&layer->neuron);
    u.adam = adam_of(learning_rate * layer->unit, training->beta_1, training->beta_2,
                     epsilon / layer->neuron.threshold, *layer->step);
    u.adam_delays =
        adam_of(learning_rate * layer->delay_unit, training->beta_1, training->beta_2,
                epsilon / layer->neuron.tau_syn, *layer->step);
    if (layer->max_weight > 0) u.adam.max_weight = v_set((real)layer->max_weight);
    u.adam_delays.keep = v_set(1);
    u.adam_delays.pull = v_set(0);
    u.rate = v_set((real)(learning_rate * layer->unit * (double)n_samples));
    return u;
}

/* Do the weights and delays of this row stay as they are? */
static inline int is_fixed(const TYPE(layer) * layer, size_t row)
{
    return row >= layer->n_rows - layer->n_fixed;
}

/* Let Adam move row r. */
ALWAYS_INLINE void set_row(adam_t *adam, const work_t *work, size_t r)
{
    const decay_t *decay = decay_of(work, r);
    adam->b1 = v_set(decay->b1);
    adam->b2 = v_set(decay->b2);
    adam->keep = v_set(decay->keep);
    adam->pull = v_set(decay->pull);
}

/* One step of Adam for a vector of delays, which stay at 0 or above. */
static inline void adam_delays(const adam_t *adam, real *delays, real *m, real *v,
                               vec grad)
{
    adam_vec(adam, delays, m, v, WIDTH, grad, 0);
    v_store(delays, v_max(v_set(0), v_load(delays))); /* a NaN is kept */
}

/* The number of the row of gradients that row r of the weights has. */
static inline size_t gradient_number(const work_t *work, size_t r)
{
    return *work->is_dense ? work->rows[r] : r;
}

/* That row of gradients, a panel being so wide; it is in the present block. */
static inline real *gradient_row(const update_t *u, real *grad, size_t r, size_t width)
{
    return grad + (gradient_number(u->work, r) - u->first) * width;
}

/* What a peak that is a kink adds to the gradient of the time of its input. */
static inline real kink_of(real spike, real slope, real c)
{
    return spike < INFINITY ? 0 : -c * slope;
}

#endif
