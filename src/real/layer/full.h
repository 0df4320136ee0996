/* The full layer: every input reaches every neuron, without delay. */
#ifndef TTFS_REAL_LAYER_FULL_H
#define TTFS_REAL_LAYER_FULL_H

#include "real/layer/first_spikes.h"
#include "real/layer/gradient.h"
#include "real/layer/kind.h"
#include "real/layer/peak.h"
#include "real/training/step.h"

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
                             const real *c, const real *kink, int has_kinks, real *grad)
{
    (void)t_max;
    for (size_t j = 0; j < layer->n_out; j += LANES) {
        grad_times_panel(p, e, layer->weights + j * layer->n_in,
                         panel_of(layer->n_out, j), at + j, c + j,
                         has_kinks ? kink + j : NULL, grad);
    }
}

static void full_grad_panel(const update_t *u, size_t s, panel_t panel,
                            const uint32_t *row)
{
    const work_t *work = u->work;
    const size_t from = s * u->layer->n_out + panel.begin;
    grad_weights_panel(&u->p, &work->events[s], row, panel, work->at + from,
                       work->c + from, u->own->grad);
}

static const layer_kind_t full_kind = {
    .workspace_size = ends_workspace_size,
    .prepare = events_prepare,
    .first_spikes = full_first_spikes,
    .slopes = full_slopes,
    .peaks = full_peaks,
    .grad_inputs = full_grad_inputs,
    .grad_panel = full_grad_panel,
};

#endif
