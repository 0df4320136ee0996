/* The last phase of an update: gradients of weights and of delays, and a step of Adam
 * or of steepest descent. */
#ifndef TTFS_REAL_TRAINING_UPDATE_H
#define TTFS_REAL_TRAINING_UPDATE_H

#include "real/training/adam.h"
#include "real/training/pass_back.h"

/* What the panels of a layer have in common. */
typedef struct {
    const TYPE(training) * training;
    const TYPE(layer) * layer;
    const work_t *work;
    const own_t *own;
    neuron_t p;
    lines_t lines;
    adam_t adam, adam_delays;
    vec rate; /* of the sum of losses, by the local rule */
    size_t n_samples;
} update_t;

static update_t update_of(const TYPE(training) * training, const plan_t *plan, size_t k,
                          size_t n_samples, double learning_rate)
{
    const TYPE(network) *network = &training->network;
    const TYPE(layer) *layer = &network->layers[k];
    const double tau = network->layers[network->n_layers - 1].neuron.tau_syn;
    const int is_squared = training->loss != TTFS_CROSS_ENTROPY;
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
    if (layer->most > 0) u.adam.most = v_set((real)layer->most);
    u.adam_delays.keep = v_set(1);
    u.adam_delays.pull = v_set(0);
    u.rate = v_set((real)(learning_rate * layer->unit * (double)n_samples));
    return u;
}

/* One step of Adam for a vector of delays, which stay at 0 or above. */
static inline void adam_delays(const adam_t *adam, real *delays, real *m, real *v,
                               vec grad)
{
    adam_vec(adam, delays, m, v, grad);
    v_store(delays, v_max(v_set(0), v_load(delays))); /* a NaN is kept */
}

/* Axonal delays of this part's active inputs. */
static void update_axonal(const update_t *u, size_t part)
{
    const TYPE(layer) *layer = u->layer;
    const work_t *work = u->work;
    const size_t n_parts = u->training->n_parts;
    const size_t n_vecs = (*work->n_rows + WIDTH - 1) / WIDTH;
    const size_t end = part_begin(n_vecs, part + 1, n_parts);
    adam_t adam = u->adam_delays;
    for (size_t q = part_begin(n_vecs, part, n_parts); q < end; ++q) {
        const size_t r = q * WIDTH, n = smaller(WIDTH, *work->n_rows - r);
        const uint32_t *input = work->rows + r;
        real delays[WIDTH] = {0}, m[WIDTH] = {0}, v[WIDTH] = {0}, grad[WIDTH] = {0};
        for (size_t s = 0; s < u->n_samples; ++s) {
            const real *from = work->grad + s * layer->n_in;
            for (size_t l = 0; l < n; ++l) grad[l] += from[input[l]];
        }
        for (size_t l = 0; l < n; ++l) {
            delays[l] = layer->delays[input[l]];
            m[l] = layer->delay_m[input[l]];
            v[l] = layer->delay_v[input[l]];
        }
        adam.b1 = v_load_part(work->b1 + r, n);
        adam.b2 = v_load_part(work->b2 + r, n);
        adam_delays(&adam, delays, m, v, v_load(grad));
        for (size_t l = 0; l < n; ++l) {
            layer->delays[input[l]] = delays[l];
            layer->delay_m[input[l]] = m[l];
            layer->delay_v[input[l]] = v[l];
        }
    }
}

/* A step of one row of weights down the gradient of the sum of losses, by the local
 * rule. */
static void descend(const work_t *work, size_t r, vec rate, vec most, const real *grad,
                    size_t width, real *weights)
{
    const vec keep = v_set(work->keep[r]), pull = v_set(work->pull[r]);
    for (size_t l = 0; l < width; l += WIDTH) {
        const vec kept = v_fma(keep, v_load(weights + l), pull);
        v_store(weights + l, limited(v_fnma(rate, v_load(grad + l), kept), most));
    }
}

/* The row of gradients that row r of the weights has, a panel being so wide. */
static inline real *gradient_row(const update_t *u, real *grad, size_t r, size_t width)
{
    return grad + (*u->work->is_dense ? u->work->rows[r] : r) * width;
}

/* Gradients of a panel's weights and synaptic delays. */
static void panel_gradients(const update_t *u, panel_t panel)
{
    const TYPE(training) *training = u->training;
    const work_t *work = u->work;
    const size_t n_out = u->layer->n_out, width = (size_t)panel.vecs * WIDTH;
    const int is_synaptic = u->layer->delay_kind == TTFS_SYNAPTIC;
    const int is_linear = training->local && training->local->kernel == TTFS_LINEAR;
    const real t_max = (real)training->network.t_max;
    real *grad = u->own->grad, *grad_delays = u->own->grad_delays;

    for (size_t r = 0; r < *work->n_rows; ++r) {
        memset(gradient_row(u, grad, r, width), 0, width * sizeof(real));
        if (!is_synaptic) continue;
        memset(gradient_row(u, grad_delays, r, width), 0, width * sizeof(real));
    }
    for (size_t s = 0; s < u->n_samples; ++s) {
        const events_t *e = &work->events[s];
        const size_t from = s * n_out + panel.begin;
        const uint32_t *row = *work->is_dense ? e->input : work->row + s * work->most;
        const real *at = work->at + from, *c = work->c + from;
        if (is_linear) {
            lines_weights_panel(&u->lines, e, row, panel, at, c, grad);
            continue;
        }
        if (!is_synaptic) {
            grad_weights_panel(&u->p, e, row, panel, at, c, grad);
            continue;
        }
        real kinks[LANES];
        for (size_t l = 0; l < panel.lanes; ++l) {
            kinks[l] = kink_of(work->spikes[from + l], work->slopes[from + l], c[l]);
        }
        for (size_t l = 0; l < panel.lanes; l += WIDTH) {
            fan_grad_rows(u->layer, &u->p, e, panel.begin + l,
                          smaller(WIDTH, panel.lanes - l), t_max, row, at + l, c + l,
                          kinks + l, width, grad + l, grad_delays + l);
        }
    }
}

/* A step of a panel's weights and synaptic delays, of which row i begins at base +
 * i stride. */
static void panel_step(const update_t *u, panel_t panel, size_t base, size_t stride)
{
    const TYPE(layer) *layer = u->layer;
    const work_t *work = u->work;
    const size_t width = (size_t)panel.vecs * WIDTH;
    real *learning = layer->shadow ? layer->shadow : layer->weights;
    adam_t adam = u->adam, adam_d = u->adam_delays;

    for (size_t r = 0; r < *work->n_rows; ++r) {
        const size_t at = base + work->rows[r] * stride;
        const real *grad = gradient_row(u, u->own->grad, r, width);
        if (u->training->local) {
            descend(work, r, u->rate, adam.most, grad, width, learning + at);
            continue;
        }
        adam.b1 = adam_d.b1 = v_set(work->b1[r]);
        adam.b2 = adam_d.b2 = v_set(work->b2[r]);
        adam.keep = v_set(work->keep[r]);
        adam.pull = v_set(work->pull[r]);
        for (size_t l = 0; l < width; l += WIDTH) {
            adam_vec(&adam, learning + at + l, layer->m + at + l, layer->v + at + l,
                     v_load(grad + l));
        }
        if (layer->delay_kind != TTFS_SYNAPTIC) continue;
        const real *grad_d = gradient_row(u, u->own->grad_delays, r, width);
        for (size_t l = 0; l < width; l += WIDTH) {
            adam_delays(&adam_d, layer->delays + at + l, layer->delay_m + at + l,
                        layer->delay_v + at + l, v_load(grad_d + l));
        }
    }
}

/* Gradients of weights and delays, and a step, for this part's vectors of neurons. */
static void train_update(const TYPE(training) * training, size_t n_samples,
                         double learning_rate, size_t part)
{
    const TYPE(network) *network = &training->network;
    arena_t arena = {training->workspace, 0};
    const plan_t plan = plan_of(training, part, &arena);

    for (size_t k = 0; k < network->n_layers; ++k) {
        const TYPE(layer) *layer = &network->layers[k];
        const update_t u = update_of(training, &plan, k, n_samples, learning_rate);
        const size_t n_out = layer->n_out, n_vecs = (n_out + WIDTH - 1) / WIDTH;
        const size_t end = part_begin(n_vecs, part + 1, training->n_parts);
        size_t next;
        if (layer->delay_kind == TTFS_AXONAL) update_axonal(&u, part);
        for (size_t j = part_begin(n_vecs, part, training->n_parts); j < end;
             j = next) {
            /* As much of a panel as this part has. */
            const size_t begin = j / PANEL_VECS * PANEL_VECS;
            const panel_t whole = panel_of(n_out, begin * WIDTH);
            next = smaller(begin + (size_t)whole.vecs, end);
            const panel_t panel = {j * WIDTH, smaller(next * WIDTH, n_out) - j * WIDTH,
                                   (int)(next - j)};
            panel_gradients(&u, panel);
            panel_step(&u, panel, begin * WIDTH * layer->n_in + (j - begin) * WIDTH,
                       (size_t)whole.vecs * WIDTH);
        }
    }
}

#endif
