/* The last phase of an update: gradients of weights and of delays, and a step of Adam
 * or of steepest descent. */
#ifndef TTFS_REAL_TRAINING_UPDATE_H
#define TTFS_REAL_TRAINING_UPDATE_H

#include "real/layer/kind.h"
#include "real/training/step.h"

/* A step of one row of weights down the gradient of the sum of losses, by the local
 * rule. */
static void descend(const work_t *work, size_t r, vec rate, vec max_weight,
                    const real *grad, size_t width, real *weights)
{
    const decay_t *decay = decay_of(work, r);
    const vec keep = v_set(decay->keep), pull = v_set(decay->pull);
    for (size_t l = 0; l < width; l += WIDTH) {
        const vec kept = v_fma(keep, v_load(weights + l), pull);
        v_store(weights + l, limited(v_fnma(rate, v_load(grad + l), kept), max_weight));
    }
}

/* The rows of gradients of n events in the present block: all events of other blocks
 * share the row behind it, which nobody reads. */
static const uint32_t *rows_in_block(const update_t *u, const uint32_t *row, size_t n)
{
    uint32_t *restrict in_block = u->own->row;
    for (size_t k = 0; k < n; ++k) {
        const uint32_t at = row[k] - u->first; /* large where row[k] is before it */
        in_block[k] = at < u->n ? at : u->n;
    }
    return in_block;
}

/* Gradients of a panel for the present block, whose rows of weights begin with
 * number `begin` and end before `end`: of weights, and of synaptic delays. */
static void panel_gradients(const update_t *u, panel_t panel, size_t begin, size_t end)
{
    const TYPE(training) *training = u->training;
    const work_t *work = u->work;
    const layer_kind_t *kind = u->layer->kind;
    const size_t width = (size_t)panel.vecs * WIDTH;
    const int is_blocked = rows_of_gradients(u->layer, work->max_rows) < work->max_rows;

    for (size_t r = begin; r < end; ++r) {
        memset(gradient_row(u, u->own->grad, r, width), 0, width * sizeof(real));
        if (!kind->shifts_synapses) continue;
        memset(gradient_row(u, u->own->grad_delays, r, width), 0, width * sizeof(real));
    }
    if (is_blocked) memset(u->own->grad + u->n * width, 0, width * sizeof(real));
    for (size_t s = 0; s < u->n_samples; ++s) {
        const events_t *e = recall(u->layer, work, s, &u->p, training->network.t_max);
        const uint32_t *row =
            *work->is_dense ? e->input : work->row + s * work->max_events;
        if (is_blocked) row = rows_in_block(u, row, e->n);
        kind->grad_panel(u, s, panel, row);
    }
}

/* A step of a panel's weights and synaptic delays in rows number `begin` to `end`; that
 * of row i begins at base + i stride. */
static void panel_step(const update_t *u, panel_t panel, size_t begin, size_t end,
                       size_t base, size_t stride)
{
    const TYPE(layer) *layer = u->layer;
    const work_t *work = u->work;
    const size_t width = (size_t)panel.vecs * WIDTH;
    /* The last vector may have fewer moments than weights. */
    const size_t first = panel.begin / LANES * LANES;
    const size_t lanes = min_size(LANES, moments_width(layer->n_columns) - first);
    const size_t whole = min_size(width, lanes - (panel.begin - first)) / WIDTH * WIDTH;
    real *learning = layer->shadow ? layer->shadow : layer->weights;
    const layer_kind_t *kind = layer->kind;
    adam_t adam = u->adam;

    for (size_t r = begin; r < end; ++r) {
        if (is_fixed(layer, work->rows[r])) continue;
        const size_t at = base + work->rows[r] * stride;
        const size_t moments =
            first * layer->n_rows + work->rows[r] * lanes + panel.begin - first;
        const real *grad = gradient_row(u, u->own->grad, r, width);
        if (u->training->local) {
            descend(work, r, u->rate, u->adam.max_weight, grad, width, learning + at);
            continue;
        }
        set_row(&adam, work, r);
        real *w = learning + at, *m = layer->m + moments, *v = layer->v + moments;
        if (u->training->keeps_zeros) {
            adam_row(&adam, w, m, v, grad, whole, width, panel.lanes, 1);
        } else {
            adam_row(&adam, w, m, v, grad, whole, width, panel.lanes, 0);
        }
        if (kind->update_row) kind->update_row(u, r, at, width);
    }
}

/* Gradients of a panel and a step, block by block; of its weights and synaptic delays
 * row i begins at base + i stride. */
static void update_panel(update_t *u, panel_t panel, size_t base, size_t stride)
{
    const work_t *work = u->work;
    const size_t n_rows = *work->n_rows;
    const size_t n = *work->is_dense ? u->layer->n_rows : n_rows;
    const size_t block = rows_of_gradients(u->layer, work->max_rows);
    size_t begin = 0;

    for (size_t first = 0; first < n; first += block) {
        u->first = (uint32_t)first;
        u->n = (uint32_t)min_size(block, n - first);
        size_t end = begin;
        while (end < n_rows && gradient_number(work, end) < first + u->n) ++end;
        if (begin == end) continue;
        panel_gradients(u, panel, begin, end);
        panel_step(u, panel, begin, end, base, stride);
        begin = end;
    }
}

/* Where a part of n vectors begins: with a panel, if there are enough of them, since a
 * panel of one vector costs nearly as much as a whole one. */
static inline size_t vecs_begin(size_t n, size_t part, size_t n_parts)
{
    const size_t at = part_begin(n, part, n_parts);
    if (part == n_parts || n < n_parts * PANEL_VECS) return at;
    return (at + PANEL_VECS / 2) / PANEL_VECS * PANEL_VECS;
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
        update_t u = update_of(training, &plan, k, n_samples, learning_rate);
        const size_t n = layer->n_columns, n_vecs = (n + WIDTH - 1) / WIDTH;
        const size_t end = vecs_begin(n_vecs, part + 1, training->n_parts);
        size_t next;
        if (layer->kind->update_inputs) layer->kind->update_inputs(&u, part);
        for (size_t j = vecs_begin(n_vecs, part, training->n_parts); j < end;
             j = next) {
            /* The panel ends where this part does, or its gradients would be too large.
             */
            const size_t begin = j / PANEL_VECS * PANEL_VECS;
            const panel_t whole = panel_of(n, begin * WIDTH);
            next = min_size(begin + (size_t)whole.vecs, end);
            next = min_size(next, j + vecs_of_gradients(plan.layers[k].max_rows));
            const panel_t panel = {j * WIDTH, min_size(next * WIDTH, n) - j * WIDTH,
                                   (int)(next - j)};
            update_panel(&u, panel, begin * WIDTH * layer->n_rows + (j - begin) * WIDTH,
                         (size_t)whole.vecs * WIDTH);
        }
    }
}

#endif
