/* Rows of the weights whose inputs are active in a batch: where each input has one row,
 * it is the row of its number. */
#ifndef TTFS_REAL_TRAINING_ROWS_H
#define TTFS_REAL_TRAINING_ROWS_H

#include "real/training/plan.h"

/* Are rows of gradients numbered by input? Adam then goes through memory from its
 * beginning to its end; where a batch has fewer events than the layer has inputs, rows
 * are numbered by their turn in the batch, so that few are touched. */
static inline int is_numbered_by_input(const TYPE(layer) * layer, const work_t *work,
                                       size_t n_samples)
{
    size_t n_events = 0;
    for (size_t s = 0; s < n_samples; ++s) n_events += work->samples[s].n;
    return n_events >= layer->n_in;
}

static size_t rows_of_inputs(const TYPE(layer) * layer, size_t n_events)
{
    return min_size(layer->n_in, n_events);
}

/* Rows for the inputs of a layer that are active in the batch; returns their number. */
static size_t active_inputs(const TYPE(layer) * layer, const work_t *work,
                            size_t n_samples)
{
    uint32_t *restrict row_of = work->row_of;
    uint32_t *restrict rows = work->rows;
    size_t n_rows = 0;

    *work->is_dense = is_numbered_by_input(layer, work, n_samples);
    if (*work->is_dense) {
        memset(row_of, 0, layer->n_in * sizeof(uint32_t)); /* is it active? */
        for (size_t s = 0; s < n_samples; ++s) {
            const size_t n = work->samples[s].n;
            const uint32_t *restrict input = work->samples[s].input;
            for (size_t k = 0; k < n; ++k) row_of[input[k]] = 1;
        }
        for (size_t i = 0; i < layer->n_in; ++i) {
            rows[n_rows] = (uint32_t)i;
            n_rows += row_of[i];
        }
        return n_rows;
    }
    for (size_t s = 0; s < n_samples; ++s) {
        const events_t *e = &work->samples[s];
        uint32_t *row = work->row + s * work->max_events;
        for (size_t k = 0; k < e->n; ++k) {
            const uint32_t i = e->input[k];
            size_t r = row_of[i];
            if (r >= n_rows || rows[r] != i) {
                r = n_rows++;
                rows[r] = i;
                row_of[i] = (uint32_t)r;
            }
            row[k] = (uint32_t)r;
        }
    }
    return n_rows;
}

/* Numbers of steps are looked up by their last bits. */
#define N_LOOKED_UP 256

/* Number the rows of a layer that are active in the batch, and count Adam's steps.
 * An input is active if it has a place in a list; with synaptic delays, even if none of
 * its spikes arrives in time. */
static void number_rows(const TYPE(training) * training, const TYPE(layer) * layer,
                        const work_t *work, size_t n_samples, double learning_rate)
{
    const size_t n_rows = layer->kind->active_rows(layer, work, n_samples);
    const size_t step = ++*layer->step;
    const double decay = learning_rate * layer->decay;
    const double decayed_once = -expm1(-decay);

    uint32_t found[N_LOOKED_UP] = {0};
    size_t n_places = 0;

    *work->n_rows = n_rows;
    for (size_t r = 0; r < n_rows; ++r) {
        const size_t i = work->rows[r], steps = step - layer->touched[i];
        uint32_t *place = &found[steps % N_LOOKED_UP];
        double decayed = decayed_once, b1 = training->beta_1, b2 = training->beta_2;
        layer->touched[i] = (uint32_t)step;
        if (*place < n_places && work->decays[*place].steps == steps) {
            work->place[r] = *place;
            continue;
        }
        if (steps > 1) {
            decayed = -expm1(-decay * (double)steps);
            b1 = pow(b1, (double)steps);
            b2 = pow(b2, (double)steps);
        }
        work->place[r] = *place = (uint32_t)n_places;
        work->decays[n_places++] =
            (decay_t){steps, (real)b1, (real)b2, (real)(1 - decayed),
                      (real)(decayed * layer->rest)};
    }
}

#endif
