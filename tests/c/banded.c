/* A kind of layers in a library of its own, as proof that the core needs to know none
 * of its geometry: neuron j sees the inputs j to j + width - 1, and the biases. Weights
 * are (width + n_bias, n_out), numbers[0] is the width. See
 * tests/core/test_layer_kinds.py.
 *
 * Spikes, peaks and gradients of times are those of the full layer that it stands for;
 * gradients of weights are the plain sum over synapses. */
#include "real/precision.h"

#include "real/simd/vectors.h"
#include "real/simd/vmath.h"

#include "real/layer/full.h"

enum { NO_SYNAPSE = UINT32_MAX };

/* The row of the weight over which input i reaches neuron j. */
static size_t row_of(const TYPE(layer) * layer, size_t i, size_t j)
{
    const size_t width = layer->numbers[0], n_inputs = layer->n_in - layer->n_bias;
    if (i >= n_inputs) return width + (i - n_inputs);
    return j <= i && i < j + width ? i - j : NO_SYNAPSE;
}

/* The place of row i and column j in packed weights. */
static size_t place(size_t n_rows, size_t n_columns, size_t i, size_t j)
{
    const size_t first = j / LANES * LANES;
    return first * n_rows + i * (size_t)panel_of(n_columns, first).vecs * WIDTH +
           (j - first);
}

/* The full layer, whose weights are written to `workspace`; moves that to its end. */
static TYPE(layer) unrolled(const TYPE(layer) * layer, real **workspace)
{
    const size_t n_in = layer->n_in, n_out = layer->n_out;
    TYPE(layer) full = *layer;
    full.weights = *workspace;
    *workspace += packed_size(n_in, n_out);
    memset(full.weights, 0, packed_size(n_in, n_out) * sizeof(real));
    for (size_t j = 0; j < n_out; ++j) {
        for (size_t i = 0; i < n_in; ++i) {
            const size_t row = row_of(layer, i, j);
            if (row == NO_SYNAPSE) continue;
            full.weights[place(n_in, n_out, i, j)] =
                layer->weights[place(layer->n_rows, n_out, row, j)];
        }
    }
    return full;
}

static size_t workspace_size(const TYPE(layer) * layer, size_t n)
{
    return packed_size(layer->n_in, layer->n_out) + full_workspace_size(layer, n);
}

static void banded_first_spikes(const TYPE(layer) * layer, const neuron_t *p,
                                const events_t *lists, size_t n, real t_max,
                                real *spikes, real *slopes, real *workspace)
{
    const TYPE(layer) full = unrolled(layer, &workspace);
    full_first_spikes(&full, p, lists, n, t_max, spikes, slopes, workspace);
}

static void banded_peaks(const TYPE(layer) * layer, const neuron_t *p,
                         const events_t *e, real t_max, const real *spikes,
                         real *u_peak, real *t_peak, real *slopes, real *workspace)
{
    const TYPE(layer) full = unrolled(layer, &workspace);
    full_peaks(&full, p, e, t_max, spikes, u_peak, t_peak, slopes, workspace);
}

static void banded_grad_inputs(const TYPE(layer) * layer, const neuron_t *p,
                               const events_t *e, real t_max, const real *at,
                               const real *c, const real *kink, int has_kinks,
                               real *grad, real *workspace)
{
    const TYPE(layer) full = unrolled(layer, &workspace);
    full_grad_inputs(&full, p, e, t_max, at, c, kink, has_kinks, grad, workspace);
}

static size_t all_rows(const TYPE(layer) * layer, size_t n_events)
{
    (void)n_events;
    return layer->n_rows;
}

static size_t list_all_rows(const TYPE(layer) * layer, const work_t *work,
                            size_t n_samples)
{
    (void)n_samples;
    *work->is_dense = 1;
    for (size_t r = 0; r < layer->n_rows; ++r) work->rows[r] = (uint32_t)r;
    return layer->n_rows;
}

/* grad_rj -= c_j kappa(t_j - t_i) for each synapse ij of weight r. */
static void banded_grad_panel(const update_t *u, size_t s, panel_t panel,
                              const uint32_t *row)
{
    (void)row;
    const TYPE(layer) *layer = u->layer;
    const events_t *e = &u->work->events[s];
    const size_t width = (size_t)panel.vecs * WIDTH;
    for (size_t l = 0; l < panel.lanes; ++l) {
        const size_t j = panel.begin + l, at = s * layer->n_out + j;
        const real t = u->work->at[at], c = u->work->c[at];
        for (size_t k = 0; k < e->n && e->time[k] < t && t < INFINITY; ++k) {
            const size_t r = row_of(layer, e->input[k], j);
            if (r == NO_SYNAPSE) continue;
            real kappa[WIDTH];
            v_store(kappa, kernel(&u->p, v_set(t - e->time[k])).kappa);
            u->own->grad[r * width + l] -= c * kappa[0];
        }
    }
}

const layer_kind_t banded_kind = {
    .workspace_size = workspace_size,
    .prepare = events_prepare,
    .first_spikes = banded_first_spikes,
    .peaks = banded_peaks,
    .grad_inputs = banded_grad_inputs,
    .max_rows = all_rows,
    .active_rows = list_all_rows,
    .grad_panel = banded_grad_panel,
};
