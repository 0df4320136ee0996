/* The full layer: every input reaches every neuron, without delay. */
#ifndef TTFS_REAL_LAYER_FULL_H
#define TTFS_REAL_LAYER_FULL_H

#include "real/layer/first_spikes.h"
#include "real/layer/gradient.h"
#include "real/layer/kind.h"
#include "real/layer/peak.h"
#include "real/training/rows.h"
#include "real/training/step.h"

static size_t full_workspace_size(const TYPE(layer) * layer, size_t n)
{
    (void)layer;
    return ends_workspace_size(n);
}

static void full_first_spikes(const TYPE(layer) * layer, const neuron_t *p,
                              const events_t *lists, size_t n, real t_max, real *spikes,
                              real *slopes, real *workspace)
{
    (void)workspace;
    first_spikes(p, NULL, lists, n, layer->n_in, layer->weights, layer->is_matrix,
                 layer->n_out, t_max, spikes, slopes);
}

static void full_slopes(const TYPE(layer) * layer, const neuron_t *p,
                        const events_t *lists, size_t n, const real *at, real *slopes)
{
    layer_slopes(p, lists, n, layer->n_in, layer->weights, layer->n_out, at, slopes);
}

/* Has each of n neurons fired? */
static inline int have_fired(const real *spikes, size_t n, real t_max)
{
    mask silent = m_none();
    for (size_t j = 0; j < n; j += WIDTH) {
        const size_t lanes = min_size(WIDTH, n - j);
        const mask fired = v_gt(v_set(t_max), v_load_part(spikes + j, lanes));
        silent = m_or(silent, m_andnot(m_first(lanes), fired));
    }
    return !m_any(silent);
}

static void full_peaks(const TYPE(layer) * layer, const neuron_t *p, const events_t *e,
                       real t_max, const real *spikes, real *u_peak, real *t_peak,
                       real *slopes, real *workspace)
{
    if (have_fired(spikes, layer->n_out, t_max)) { /* the usual case with a read-out */
        for (size_t j = 0; j < layer->n_out; j += WIDTH) {
            const size_t lanes = min_size(WIDTH, layer->n_out - j);
            v_store_part(u_peak + j, p->threshold, lanes);
            v_store_part(t_peak + j, v_load_part(spikes + j, lanes), lanes);
        }
        return;
    }
    const ends_t ends = ends_of(p, e, workspace);
    for (size_t j = 0; j < layer->n_out; j += LANES) {
        peak_panel(p, e, &ends, layer->weights + j * layer->n_in, t_max,
                   panel_of(layer->n_out, j), spikes + j, u_peak + j, t_peak + j,
                   slopes + j);
    }
}

static void full_grad_inputs(const TYPE(layer) * layer, const neuron_t *p,
                             const events_t *e, real t_max, const real *at,
                             const real *c, const real *kink, int has_kinks, real *grad,
                             real *workspace)
{
    (void)t_max, (void)workspace;
    for (size_t j = 0; j < layer->n_out; j += LANES) {
        grad_times_panel(p, e, layer->weights + j * layer->n_in,
                         panel_of(layer->n_out, j), at + j, c + j,
                         has_kinks ? kink + j : NULL, grad);
    }
}

static void full_local_grad_inputs(const TYPE(layer) * layer, const TYPE(local) * local,
                                   const real *weights, const neuron_t *p,
                                   const events_t *e, const real *at, const real *c,
                                   real *grad)
{
    const lines_t lines = lines_of(&layer->neuron);
    memset(grad, 0, layer->n_in * sizeof(real));
    for (size_t j = 0; j < layer->n_out; j += LANES) {
        const real *panel_weights = weights + j * layer->n_in;
        const panel_t panel = panel_of(layer->n_out, j);
        if (local->kernel == TTFS_LINEAR) {
            lines_times_panel(&lines, e, panel_weights, panel, at + j, c + j, grad);
        } else {
            grad_times_panel(p, e, panel_weights, panel, at + j, c + j, NULL, grad);
        }
    }
}

static void full_grad_panel(const update_t *u, size_t s, panel_t panel,
                            const uint32_t *row)
{
    const work_t *work = u->work;
    const TYPE(local) *local = u->training->local;
    const size_t from = s * u->layer->n_out + panel.begin;
    const events_t *e = &work->events[s];
    const real *at = work->at + from, *c = work->c + from;
    if (local && local->kernel == TTFS_LINEAR) {
        lines_weights_panel(&u->lines, e, row, panel, at, c, u->own->grad);
    } else {
        grad_weights_panel(&u->p, e, row, panel, at, c, u->own->grad);
    }
}

static const layer_kind_t full_kind = {
    .workspace_size = full_workspace_size,
    .prepare = events_prepare,
    .first_spikes = full_first_spikes,
    .slopes = full_slopes,
    .peaks = full_peaks,
    .grad_inputs = full_grad_inputs,
    .local_grad_inputs = full_local_grad_inputs,
    .max_rows = rows_of_inputs,
    .active_rows = active_inputs,
    .grad_panel = full_grad_panel,
};

#endif
