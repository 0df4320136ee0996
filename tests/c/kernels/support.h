/* A small layer, and what its spikes are. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include "../harness.h"

/* An editor that opens a part sees it in double precision. */
#ifndef NAME
#define real double
#define NAME(name) name
#define IS_DOUBLE 1
#endif

#define REAL_EPS (IS_DOUBLE ? DBL_EPSILON : (double)FLT_EPSILON)
/* What agrees to 1e-14 in double agrees to this here. */
#define TIGHT (IS_DOUBLE ? 1e-14 : 2e-6)

typedef struct {
    NAME(ttfs_spikes) spikes;
    size_t *offsets;
    real *times;
    uint32_t *inputs;
    size_t max_events;
} NAME(list_t);

/* Spikes of times (n_samples, n_in) that are below t_max. */
static NAME(list_t) NAME(make_list)(const NAME(ttfs_kernels) * k, const real *times,
                                    size_t n_samples, size_t n_in, double t_max)
{
    NAME(list_t) list;
    const size_t n = n_samples * n_in + 1;
    void *scratch = make_workspace(k->sort_workspace_size(n_in));
    size_t used = 0;
    list.offsets = malloc((n_samples + 1) * sizeof(size_t));
    list.times = malloc(n * sizeof(real));
    list.inputs = malloc(n * sizeof(uint32_t));
    list.max_events = 0;
    list.offsets[0] = 0;
    for (size_t s = 0; s < n_samples; s++) {
        const size_t begin = used;
        for (size_t i = 0; i < n_in; i++) {
            const real t = times[s * n_in + i];
            if (!(t < INFINITY) || !((double)t < t_max)) continue;
            list.times[used] = t;
            list.inputs[used++] = (uint32_t)i;
        }
        k->sort(list.times + begin, list.inputs + begin, used - begin, scratch);
        list.offsets[s + 1] = used;
        if (used - begin > list.max_events) list.max_events = used - begin;
    }
    list.spikes.begin = list.offsets;
    list.spikes.end = list.offsets + 1;
    list.spikes.times = list.times;
    list.spikes.inputs = list.inputs;
    free(scratch);
    return list;
}

static void NAME(free_list)(NAME(list_t) * list)
{
    free(list->offsets);
    free(list->times);
    free(list->inputs);
}

static real *NAME(make_packed)(const NAME(ttfs_kernels) * k, const real *weights,
                               size_t n_in, size_t n_out)
{
    real *packed = malloc((k->packed_size(n_in, n_out) + 1) * sizeof(real));
    k->pack(weights, n_in, n_out, packed);
    return packed;
}

static void NAME(fire)(const NAME(ttfs_kernels) * k, const ttfs_neuron *neuron,
                       const real *times, size_t n_samples, size_t n_in,
                       const real *weights, size_t n_out, double t_max, real *spikes)
{
    NAME(list_t) list = NAME(make_list)(k, times, n_samples, n_in, t_max);
    real *packed = NAME(make_packed)(k, weights, n_in, n_out);
    void *scratch = make_workspace(k->layer_workspace_size(list.max_events));
    k->first_spike(neuron, &list.spikes, n_samples, n_in, packed, n_out, t_max, spikes,
                   scratch);
    NAME(free_list)(&list);
    free(packed);
    free(scratch);
}

/* Spike time of one neuron with one input at t = 0, no horizon. */
static double NAME(one_spike)(const NAME(ttfs_kernels) * k, double tau_mem,
                              double tau_syn, double threshold, double weight)
{
    const ttfs_neuron neuron = make_neuron(tau_mem, tau_syn, threshold);
    const real time = 0, w = (real)weight;
    real spike = NAN;
    NAME(fire)(k, &neuron, &time, 1, 1, &w, 1, (double)INFINITY, &spike);
    return (double)spike;
}

#endif
