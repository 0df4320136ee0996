/* One update of the weights of a network takes three phases: forward and output layer
 * (forward.h); back through the hidden layers (backward.h); gradients of weights and
 * Adam, or steepest descent (update.h). The first two are divided by samples, the last
 * by neurons: each thread owns the weights it moves, and no gradient is kept twice.
 *
 * The plan says what training keeps of a batch, and where in the workspace. */
#ifndef TTFS_REAL_TRAINING_PLAN_H
#define TTFS_REAL_TRAINING_PLAN_H

#include "real/network/infer.h"

/* Coefficients of Adam for a row that so many steps ago moved last. */
typedef struct {
    size_t steps;
    real b1, b2, keep, pull;
} decay_t;

/* What training keeps of a layer for the batch. */
struct work {
    /* Event lists of the samples, and for each event the row of its input among those
     * that are active in the batch. Where lists are long each part has the arrays of
     * one at a time, in its own copy of the lists, see recall(). */
    events_t *events, *samples;
    real *lists; /* arrays of these lists */
    uint32_t *row;
    int keeps_lists;
    size_t max_events; /* of a sample */
    size_t max_rows;   /* active rows of a batch */
    /* (n_samples, n_out): time at which a neuron is looked at (its spike, or the peak
     * of its membrane), u' there, and c = dL/dt / u' or -dL/du_peak */
    real *spikes, *at, *slopes, *c;
    real *grad; /* (n_samples, n_in): dL/dt of the inputs */
    /* Sorted inputs, where makes_lists(). */
    real *times;
    uint32_t *inputs;
    /* Rows of weights with an input that is active in the batch: a sparse set. */
    size_t *n_rows;
    int *is_dense;           /* see is_numbered_by_input() */
    uint32_t *rows, *row_of; /* numbers of the rows, and back */
    /* What numbers of steps do; and for each row the place of its number. */
    decay_t *decays;
    uint32_t *place; /* in the memory of row_of, which nobody reads any more then */
};

/* What each part has of its own. */
typedef struct {
    void *sort_workspace;
    real *workspace; /* scratch space of the functions of a layer kind */
    real *u_peak, *kink, *times;
    real *grad;        /* (rows_of_gradients() + 1, vecs_of_gradients() * WIDTH) */
    real *grad_delays; /* like grad, of synaptic delays */
    uint32_t *row;     /* of a list's events, where gradients are taken in blocks */
} own_t;

#define MAX_LAYERS 64

/* The arrays of all event lists of a batch take as much at most, unless those of one
 * list take more. */
#define LISTS_BYTES ((size_t)64 << 20)
/* The gradients of a panel take as much at most, unless those of one vector take more;
 * and these are summed in blocks of rows if they take more than a block. */
#define GRADIENT_BYTES ((size_t)16 << 20)
#define GRADIENT_BLOCK_BYTES ((size_t)24 << 20)

typedef struct {
    work_t layers[MAX_LAYERS];
    own_t own;
} plan_t;

/* Does a layer have lists of its own, rather than those of the data set? */
static inline int makes_lists(const TYPE(training) * training, size_t k)
{
    return k > 0 || training->dropout > 0 ||
           training->network.layers[k].kind->shifts_inputs;
}

/* Does training need dL/dt of the inputs of layer k? */
static inline int needs_inputs(const TYPE(network) * network, size_t k)
{
    return k > 0 || network->layers[k].kind->shifts_inputs;
}

/* The range of a part among n things. */
static inline size_t part_begin(size_t n, size_t part, size_t n_parts)
{
    return n * part / n_parts;
}

/* So many vectors of neurons have their gradients at a time. */
static inline size_t vecs_of_gradients(size_t max_rows)
{
    const size_t n = GRADIENT_BYTES / (max_rows * WIDTH * sizeof(real) + 1);
    return n < 1 ? 1 : min_size(n, PANEL_VECS);
}

/* So many rows have their gradients at a time. Those of synapses with delays depend on
 * weights, and are taken before any of the neuron's weights move. */
static inline size_t rows_of_gradients(const TYPE(layer) * layer, size_t max_rows)
{
    const size_t bytes = max_rows * WIDTH * sizeof(real);
    const size_t n_blocks = bytes / GRADIENT_BLOCK_BYTES + 1;
    return layer->kind->shifts_synapses ? max_rows : max_rows / n_blocks + 1;
}

static plan_t plan_of(const TYPE(training) * training, size_t part, arena_t *arena)
{
    const TYPE(network) *network = &training->network;
    const size_t n_samples = training->max_samples;
    int shifts_synapses = 0;
    size_t max_workspace = 0, max_n = 0, max_out = 0, max_gradients = 0, max_list = 0;
    size_t max_blocked = 0; /* events of a list whose gradients are taken in blocks */
    plan_t plan;

    plan.own = (own_t){.sort_workspace = NULL};
    for (size_t k = 0; k < network->n_layers; ++k) {
        const TYPE(layer) *layer = &network->layers[k];
        work_t *work = &plan.layers[k];
        const size_t n_in = layer->n_in, n_out = layer->n_out;
        const size_t batch = n_samples * n_out * sizeof(real);
        const size_t max_events = k == 0 ? training->max_spikes : n_in;
        const size_t n_rows = layer->kind->max_rows(layer, n_samples * max_events);
        const size_t list = events_workspace_size(max_events) * sizeof(real);
        work->max_events = max_events;
        work->max_rows = n_rows;
        work->keeps_lists = n_samples * list <= LISTS_BYTES;
        work->events = work->samples = take(arena, n_samples * sizeof(events_t));
        if (work->keeps_lists) {
            work->lists = take(arena, n_samples * list);
        } else {
            max_list = list > max_list ? list : max_list;
        }
        work->row = take(arena, n_samples * max_events * sizeof(uint32_t));
        work->spikes = take(arena, batch);
        work->at = take(arena, batch);
        work->slopes = take(arena, batch);
        work->c = take(arena, batch);
        work->n_rows = take(arena, sizeof(size_t));
        work->is_dense = take(arena, sizeof(int));
        work->rows = take(arena, n_rows * sizeof(uint32_t));
        work->row_of = take(arena, layer->n_rows * sizeof(uint32_t));
        work->place = work->row_of;
        work->decays = take(arena, n_rows * sizeof(decay_t));
        if (needs_inputs(network, k)) {
            work->grad = take(arena, n_samples * n_in * sizeof(real));
        }
        if (makes_lists(training, k)) {
            work->times =
                take(arena, n_samples * padded_inputs(max_events) * sizeof(real));
            work->inputs =
                take(arena, n_samples * padded_inputs(max_events) * sizeof(uint32_t));
        }
        const layer_kind_t *kind = layer->kind;
        const size_t size = kind->workspace_size(layer, max_events);
        shifts_synapses |= kind->shifts_synapses;
        max_workspace = size > max_workspace ? size : max_workspace;
        max_n = max_events > max_n ? max_events : max_n;
        max_out = n_out > max_out ? n_out : max_out;
        const size_t block = rows_of_gradients(layer, n_rows);
        const size_t n_grad = (block + 1) * vecs_of_gradients(n_rows) * WIDTH;
        max_gradients = n_grad > max_gradients ? n_grad : max_gradients;
        if (block < n_rows && max_events > max_blocked) max_blocked = max_events;
    }
    const size_t summing =
        max_gradients * sizeof(real) + max_blocked * sizeof(uint32_t);
    const size_t peaks = max_workspace * sizeof(real);
    for (size_t p = 0; p <= part; ++p) {
        plan.own.sort_workspace = take(arena, sort_workspace_size(max_n));
        plan.own.u_peak = take(arena, max_out * sizeof(real));
        plan.own.kink = take(arena, max_out * sizeof(real));
        plan.own.times = take(arena, max_out * sizeof(real));
        /* Nobody needs the workspace any more when gradients are summed. */
        plan.own.workspace = plan.own.grad =
            take(arena, peaks > summing ? peaks : summing);
        if (plan.own.grad) { /* NULL where sizes are counted */
            plan.own.row = (uint32_t *)(plan.own.grad + max_gradients);
        }
        if (shifts_synapses) {
            plan.own.grad_delays = take(arena, max_gradients * sizeof(real));
        }
        if (max_list == 0) continue;
        events_t *events = take(arena, n_samples * sizeof(events_t));
        real *lists = take(arena, max_list);
        for (size_t k = 0; k < network->n_layers; ++k) {
            if (plan.layers[k].keeps_lists) continue;
            plan.layers[k].events = events;
            plan.layers[k].lists = lists;
        }
    }
    return plan;
}

/* The coefficients of row r. */
static inline const decay_t *decay_of(const work_t *work, size_t r)
{
    return &work->decays[work->place[r]];
}

/* The event list of sample s, made again where it was not kept. */
static const events_t *recall(const TYPE(layer) * layer, const work_t *work, size_t s,
                              const neuron_t *p, double t_max)
{
    events_t *e = &work->events[s];
    if (!work->keeps_lists) {
        const events_t *seen = &work->samples[s];
        events_layout(e, seen->time, seen->input, seen->n, work->lists);
        layer->kind->prepare(e, p, (real)t_max);
    }
    return e;
}

static size_t training_workspace_size(const TYPE(training) * training)
{
    arena_t count = {NULL, 0};
    plan_of(training, training->n_parts - 1, &count);
    return count.used;
}

#endif
