/* Networks in integers for one instruction set; ttfs_fixed_kernels.h describes what is
 * made here. The file that includes this header defines the functions declared first.
 */
#ifndef TTFS_FIXED_DRIVER_H
#define TTFS_FIXED_DRIVER_H

#include "common/isa.h"

#include "fixed/events.h"
#include "fixed/parts.h"

#if SIMD == SIMD_AVX512
#define KERNELS ttfs_fixed_kernels_avx512
#elif SIMD == SIMD_AVX2
#define KERNELS ttfs_fixed_kernels_avx2
#else
#define KERNELS ttfs_fixed_kernels_baseline
#endif

/* Bytes of the prepared weights of a layer. */
static size_t prepared_size(const ttfs_fixed_network *network,
                            const ttfs_fixed_layer *layer);

/* Prepare the weights of a layer. */
static void prepare_layer(const ttfs_fixed_network *network,
                          const ttfs_fixed_layer *layer, void *prepared);

/* Bytes of scratch space that the other functions need besides that of a sample. */
static size_t extra_size(const ttfs_fixed_network *network);

/* The same as ttfs_fixed_spikes(), but only what is wanted is computed, and ticks end
 * with `n_ticks`, which may be earlier than those of the network. */
static void layer_spikes(const ttfs_fixed_network *network,
                         const ttfs_fixed_layer *layer, const void *prepared,
                         uint32_t n_ticks, const ttfs_fixed_event *events, uint32_t n,
                         ttfs_fixed_state *state, int wanted);

/* The same as ttfs_fixed_hidden_errors(); `own` and `after` are the prepared weights of
 * layer k and of the next one. */
static void hidden_errors(const ttfs_fixed_network *network, uint32_t k,
                          const void *own, const void *after, ttfs_fixed_state *states,
                          uint32_t label);

/* The same as ttfs_fixed_accumulate(). */
static void accumulate(const ttfs_fixed_network *network, const ttfs_fixed_layer *layer,
                       const void *prepared, const ttfs_fixed_state *state,
                       const ttfs_fixed_event *events, uint32_t n);

/* The same as ttfs_fixed_update(); the prepared weights move too. */
static void update(const ttfs_fixed_network *network, const ttfs_fixed_layer *layer,
                   void *prepared, void *extra);

/* Scratch space for one sample. */
typedef struct {
    struct list {
        ttfs_fixed_event *events;
        uint32_t n;
    } *inputs;                /* (n_layers,) spikes that enter a layer */
    ttfs_fixed_state *states; /* (n_layers,) rows are padded */
    uint16_t *counts;         /* of sort() */
    void *extra;
} workspace_t;

/* Returns the size of the workspace. */
static size_t lay_out(const ttfs_fixed_network *network, size_t max_events,
                      void *scratch, workspace_t *workspace)
{
    arena_t arena = {scratch, 0};
    const size_t n_layers = network->n_layers;

    workspace->inputs = take(&arena, n_layers * sizeof *workspace->inputs);
    workspace->states = take(&arena, n_layers * sizeof *workspace->states);
    workspace->counts = take(&arena, counts_of(network) * sizeof *workspace->counts);
    for (size_t k = 0; k < n_layers; ++k) {
        const ttfs_fixed_layer *layer = &network->layers[k];
        const size_t n = k > 0 ? layer->n_in : max_events, row = layer->stride;
        struct list list = {take(&arena, n * sizeof *list.events), 0};
        ttfs_fixed_state state = {0};
        state.ticks = take(&arena, row * sizeof *state.ticks);
        state.u = take(&arena, row * sizeof *state.u);
        state.slope = take(&arena, row * sizeof *state.slope);
        state.error = take(&arena, row * sizeof *state.error);
        if (!scratch) continue;
        memset(state.error, 0, row * sizeof *state.error);
        workspace->inputs[k] = list;
        workspace->states[k] = state;
    }
    workspace->extra = take(&arena, extra_size(network));
    return arena.used;
}

static size_t scratch_workspace_size(const ttfs_fixed_network *network,
                                     size_t max_events)
{
    workspace_t workspace;
    return lay_out(network, max_events, NULL, &workspace);
}

/* Where the prepared weights of layer k begin. */
static size_t prepared_at(const ttfs_fixed_network *network, size_t k)
{
    size_t at = 0;
    while (k-- > 0) at += prepared_size(network, &network->layers[k]);
    return at;
}

static size_t prepare_workspace_size(const ttfs_fixed_network *network)
{
    return prepared_at(network, network->n_layers);
}

static void prepare(const ttfs_fixed_network *network, void *prepared)
{
    for (size_t k = 0; k < network->n_layers; ++k) {
        prepare_layer(network, &network->layers[k],
                      (char *)prepared + prepared_at(network, k));
    }
}

/* Copy the input spikes of a sample. */
static void enter(const ttfs_fixed_lists *lists, size_t sample,
                  const workspace_t *workspace)
{
    const size_t begin = lists->begin[sample], n = lists->end[sample] - begin;
    workspace->inputs->n = (uint32_t)n;
    if (n > 0) { /* a batch without spikes has no array of events */
        memcpy(workspace->inputs->events, lists->events + begin,
               n * sizeof *lists->events);
    }
}

/* Spikes of all layers before the tick n_ticks; what is silent until then has that
 * tick. Returns the output neuron that decides. */
static uint32_t forward(const ttfs_fixed_network *network, const void *prepared,
                        const workspace_t *workspace, uint32_t n_ticks, int wanted,
                        int wanted_of_output)
{
    const ttfs_fixed_layer *layer = network->layers;
    const uint32_t n_layers = network->n_layers;
    for (uint32_t k = 0; k < n_layers; ++k, ++layer) {
        struct list *list = &workspace->inputs[k];
        if (k > 0) {
            list->n = sort(layer, n_ticks, workspace->states[k - 1].ticks, list->events,
                           workspace->counts);
        }
        uint32_t n = list->n;
        while (n > 0 && list->events[n - 1].tick >= n_ticks) --n;
        layer_spikes(network, layer, (const char *)prepared + prepared_at(network, k),
                     n_ticks, list->events, n, &workspace->states[k],
                     k + 1 < n_layers ? wanted : wanted_of_output);
    }
    return ttfs_fixed_decide(&workspace->states[n_layers - 1], layer[-1].n_out);
}

/* The output neuron that decides. Few decisions come later than a quarter of the ticks
 * after the read-out: those before are computed first, and all of them, with the peaks
 * of silent outputs, only if no output has fired. */
static uint32_t label_of(const ttfs_fixed_network *network, const void *prepared,
                         const workspace_t *workspace)
{
    const uint32_t late = (uint32_t)(network->n_ticks - network->read_out);
    const uint32_t end = network->read_out + (late + 3) / 4;
    const ttfs_fixed_state *outputs = &workspace->states[network->n_layers - 1];
    const uint32_t first = forward(network, prepared, workspace, end, 0, ONLY_FIRST);
    if (outputs->ticks[first] < end) return first;
    return forward(network, prepared, workspace, network->n_ticks, 0, PEAKS);
}

static void infer(const ttfs_fixed_network *network, const void *prepared,
                  const ttfs_fixed_lists *lists, size_t n_samples,
                  uint16_t *const *ticks, int16_t *const *u, size_t *labels,
                  void *scratch)
{
    workspace_t workspace;
    int wanted = 0;

    for (size_t k = 0; u && k + 1 < network->n_layers; ++k) {
        if (u[k]) wanted = PEAKS;
    }
    size_t max_events = 0;
    for (size_t s = 0; s < n_samples; ++s) {
        const size_t n = lists->end[s] - lists->begin[s];
        if (n > max_events) max_events = n;
    }
    lay_out(network, max_events, scratch, &workspace);
    for (size_t s = 0; s < n_samples; ++s) {
        enter(lists, s, &workspace);
        const uint32_t decision = ticks || u ? forward(network, prepared, &workspace,
                                                       network->n_ticks, wanted, PEAKS)
                                             : label_of(network, prepared, &workspace);
        if (labels) labels[s] = decision;
        for (size_t k = 0; k < network->n_layers; ++k) {
            const ttfs_fixed_state *state = &workspace.states[k];
            const size_t n = network->layers[k].n_out;
            if (ticks && ticks[k]) {
                memcpy(ticks[k] + s * n, state->ticks, n * sizeof *state->ticks);
            }
            if (u && u[k]) memcpy(u[k] + s * n, state->u, n * sizeof *state->u);
        }
    }
}

static void learn(const ttfs_fixed_network *network, const void *prepared,
                  const workspace_t *workspace, uint32_t label, ttfs_fixed_tally *tally)
{
    const uint32_t n_layers = network->n_layers;
    struct list *list = workspace->inputs;

    list->n = ttfs_fixed_drop_inputs(network, list->events, list->n);
    const uint32_t decision =
        forward(network, prepared, workspace, network->n_ticks, SLOPES, SLOPES | PEAKS);
    tally->n_correct += decision == label;
    ++tally->p_label[ttfs_fixed_output_errors(network, &workspace->states[n_layers - 1],
                                              label)];
    for (uint32_t k = n_layers - 1; k-- > 0;) {
        hidden_errors(network, k, (const char *)prepared + prepared_at(network, k),
                      (const char *)prepared + prepared_at(network, k + 1),
                      workspace->states, label);
    }
    for (uint32_t k = 0; k < n_layers; ++k, ++list) {
        if (!workspace->states[k].learns) continue;
        accumulate(network, &network->layers[k],
                   (const char *)prepared + prepared_at(network, k),
                   &workspace->states[k], list->events, list->n);
    }
}

static void train(const ttfs_fixed_network *network, void *prepared,
                  const ttfs_fixed_lists *lists, const size_t *labels,
                  const size_t *order, size_t n_samples, ttfs_fixed_tally *tally,
                  void *scratch)
{
    workspace_t workspace;
    size_t max_events = 0;

    for (size_t s = 0; s < n_samples; ++s) {
        const size_t n = lists->end[order[s]] - lists->begin[order[s]];
        if (n > max_events) max_events = n;
    }
    lay_out(network, max_events, scratch, &workspace);
    for (size_t s = 0; s < n_samples; ++s) {
        enter(lists, order[s], &workspace);
        learn(network, prepared, &workspace, (uint32_t)labels[order[s]], tally);
    }
    for (size_t k = 0; k < network->n_layers; ++k) {
        update(network, &network->layers[k], (char *)prepared + prepared_at(network, k),
               workspace.extra);
    }
}

const ttfs_fixed_kernels KERNELS = {
    .name = SIMD_NAME,
    .prepare_workspace_size = prepare_workspace_size,
    .infer_workspace_size = scratch_workspace_size,
    .train_workspace_size = scratch_workspace_size,
    .prepare = prepare,
    .infer = infer,
    .train = train,
};

#endif
