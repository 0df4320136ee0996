/* The layer with axonal delays, one for each input: they shift the spikes of its list
 * before it is sorted (arrivals.h), and from there on it is a full layer. */
#ifndef TTFS_REAL_LAYER_AXONAL_H
#define TTFS_REAL_LAYER_AXONAL_H

#include "real/layer/full.h"

/* A step of Adam for the delays of this part's active inputs. */
static void axonal_update_inputs(const update_t *u, size_t part)
{
    const TYPE(layer) *layer = u->layer;
    const work_t *work = u->work;
    const size_t n_parts = u->training->n_parts;
    const size_t n_vecs = (*work->n_rows + WIDTH - 1) / WIDTH;
    const size_t end = part_begin(n_vecs, part + 1, n_parts);
    adam_t adam = u->adam_delays;
    for (size_t q = part_begin(n_vecs, part, n_parts); q < end; ++q) {
        const size_t r = q * WIDTH, n = min_size(WIDTH, *work->n_rows - r);
        const uint32_t *input = work->rows + r;
        real delays[WIDTH] = {0}, m[WIDTH] = {0}, v[WIDTH] = {0}, grad[WIDTH] = {0};
        real b1[WIDTH] = {0}, b2[WIDTH] = {0};
        for (size_t s = 0; s < u->n_samples; ++s) {
            const real *from = work->grad + s * layer->n_in;
            for (size_t l = 0; l < n; ++l) grad[l] += from[input[l]];
        }
        for (size_t l = 0; l < n; ++l) {
            delays[l] = layer->delays[input[l]];
            m[l] = layer->delay_m[input[l]];
            v[l] = layer->delay_v[input[l]];
            b1[l] = decay_of(work, r + l)->b1;
            b2[l] = decay_of(work, r + l)->b2;
        }
        adam.b1 = v_load(b1);
        adam.b2 = v_load(b2);
        adam_delays(&adam, delays, m, v, v_load(grad));
        for (size_t l = 0; l < n; ++l) {
            if (is_fixed(layer, input[l])) continue;
            layer->delays[input[l]] = delays[l];
            layer->delay_m[input[l]] = m[l];
            layer->delay_v[input[l]] = v[l];
        }
    }
}

static const layer_kind_t axonal_kind = {
    .shifts_inputs = 1,
    .workspace_size = full_workspace_size,
    .prepare = events_prepare,
    .first_spikes = full_first_spikes,
    .slopes = full_slopes,
    .peaks = full_peaks,
    .grad_inputs = full_grad_inputs,
    .max_rows = rows_of_inputs,
    .active_rows = active_inputs,
    .grad_panel = full_grad_panel,
    .update_inputs = axonal_update_inputs,
};

#endif
