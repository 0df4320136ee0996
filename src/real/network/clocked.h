/* The model in time steps, as a digital simulator has it; see ttfs_kernels.h. */
#ifndef TTFS_REAL_NETWORK_CLOCKED_H
#define TTFS_REAL_NETWORK_CLOCKED_H

#include "real/network/chip.h"

/* First spikes of a panel in one sample of n spikes; spike k takes effect at steps[k].
 */
ALWAYS_INLINE void clocked_vecs(const ttfs_neuron *neuron, double step, size_t n,
                                const double *steps, const uint32_t *inputs,
                                const real *weights, double last, size_t lanes,
                                real *spikes, const int vecs)
{
    const size_t stride = (size_t)vecs * WIDTH;
    const vec leak = v_set((real)(1 - step / neuron->tau_mem));
    const vec decay = v_set((real)(1 - step / neuron->tau_syn));
    const vec drive = v_set((real)(step / neuron->tau_syn));
    const vec threshold = v_set((real)neuron->threshold);
    vec u[PANEL_VECS], current[PANEL_VECS], spike[PANEL_VECS];
    mask waiting[PANEL_VECS];
    size_t k = 0;

    EACH_VEC
    {
        u[q] = current[q] = v_set(0);
        spike[q] = v_set(INFINITY);
        waiting[q] = m_first(lanes_of(lanes, q));
    }
    for (double at = n > 0 ? steps[0] : last; at < last; ++at) {
        for (; k < n && steps[k] <= at; ++k) {
            const real *w = weights + inputs[k] * stride;
            EACH_VEC current[q] = current[q] + v_load(w + q * WIDTH);
        }
        mask any = m_none();
        EACH_VEC
        {
            const mask fires = m_and(waiting[q], v_ge(u[q], threshold));
            spike[q] = v_select(fires, v_set((real)(at * step)), spike[q]);
            waiting[q] = m_andnot(waiting[q], fires);
            any = m_or(any, waiting[q]);
            u[q] = v_fma(u[q], leak, drive * current[q]);
            current[q] = current[q] * decay;
        }
        if (!m_any(any)) break;
    }
    EACH_VEC v_store_part(spikes + q * WIDTH, spike[q], lanes_of(lanes, q));
}

static void clocked_panel(const ttfs_neuron *neuron, double step, size_t n,
                          const double *steps, const uint32_t *inputs,
                          const real *weights, double last, panel_t panel, real *spikes)
{
#define CALL(vecs)                                                                     \
    clocked_vecs(neuron, step, n, steps, inputs, weights, last, panel.lanes, spikes,   \
                 vecs)
    WITH_VECS(panel.vecs, CALL)
#undef CALL
}

typedef struct {
    void *sort_workspace;
    double *steps; /* (max_spikes,) */
    real *times;   /* (greatest number of inputs,) */
    uint32_t *inputs;
} clocked_t;

static clocked_t clocked_layout(const TYPE(network) * network, size_t max_events,
                                arena_t *arena)
{
    const size_t n = max_neurons(network);
    clocked_t w;
    w.sort_workspace = take(arena, sort_workspace_size(n));
    w.steps = take(arena, (max_events > n ? max_events : n) * sizeof(double));
    w.times = take(arena, padded_inputs(n) * sizeof(real));
    w.inputs = take(arena, padded_inputs(n) * sizeof(uint32_t));
    return w;
}

static size_t clocked_workspace_size(const TYPE(network) * network, size_t max_events)
{
    arena_t count = {NULL, 0};
    clocked_layout(network, max_events, &count);
    return count.used;
}

static void clocked(const TYPE(network) * network, double step,
                    const TYPE(spikes) * spikes, size_t n_samples, real *const *layers,
                    void *scratch)
{
    arena_t arena = {scratch, 0};
    const clocked_t w = clocked_layout(network, max_spikes(spikes, n_samples), &arena);
    const double last = ceil(network->t_max / step);

    for (size_t s = 0; s < n_samples; ++s) {
        const real *times = spikes->times + spikes->begin[s];
        const uint32_t *inputs = spikes->inputs + spikes->begin[s];
        size_t n = spikes->end[s] - spikes->begin[s];
        for (size_t k = 0; k < network->n_layers; ++k) {
            const TYPE(layer) *layer = &network->layers[k];
            real *out = layers[k] + s * layer->n_out;
            for (size_t i = 0; i < n; ++i) w.steps[i] = ceil((double)times[i] / step);
            for (size_t j = 0; j < layer->n_out; j += LANES) {
                clocked_panel(&layer->neuron, step, n, w.steps, inputs,
                              layer->weights + j * layer->n_in, last,
                              panel_of(layer->n_out, j), out + j);
            }
            if (k + 1 == network->n_layers) break;
            n = collect(layer + 1, out, layer->n_out, network->t_max, w.times, w.inputs,
                        w.sort_workspace);
            times = w.times;
            inputs = w.inputs;
        }
    }
}

#endif
