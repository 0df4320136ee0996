/* Networks in integers by vectors of WIDTH int16, or of half as many int32. Neurons lie
 * across the lanes; vec.h defines vec, mask and what is done with
 * them, where v_name16 and v_name32 are of lanes of that size. */
#ifndef TTFS_FIXED_VECTOR_H
#define TTFS_FIXED_VECTOR_H

#include "fixed/driver.h"

#include "fixed/vec.h"

#define HALF (WIDTH / 2)
#define CHUNK 8    /* ticks that are passed at once where no neuron can spike */
#define MIN_SKIP 4 /* ticks, from which on it is worth a look whether one can */

/* The weights and tables of a layer as the functions below read them. */
typedef struct {
    int16_t *currents; /* (n_in, stride) w 2^current_shift */
    int32_t *steps;    /* (n_ticks + 1,) pairs: decay_mem, kappa; none with shifts */
    int32_t *bounds;   /* their greatest in each CHUNK of ticks from 1 */
    int32_t *kernel;   /* (n_ticks + 1,) */
    int32_t *kernel_slope; /* (n_ticks + 1,) */
    int32_t *feedback;     /* (stride, n_columns) */
    size_t size;           /* bytes of all of it */
} prepared_t;

/* Columns of the fixed feedback of a layer; 0 where there is none. */
static size_t n_columns(const ttfs_fixed_network *network,
                        const ttfs_fixed_layer *layer)
{
    if (!layer->feedback) return 0;
    if (network->feedback == TTFS_FIXED_RANDOM) return layer[1].n_out;
    return network->layers[network->n_layers - 1].n_out;
}

/* The number of currents of a layer, with padding that gathers may read. */
static size_t currents_of(const ttfs_fixed_layer *layer)
{
    return ((size_t)layer->n_in + TTFS_FIXED_LANES) * layer->stride;
}

static prepared_t parts_of(const ttfs_fixed_network *network,
                           const ttfs_fixed_layer *layer, void *prepared)
{
    arena_t arena = {prepared, 0};
    const size_t n = network->n_ticks + 1u, n_steps = layer->syn_shift ? 0 : n;
    prepared_t parts;
    parts.currents = take(&arena, currents_of(layer) * sizeof *parts.currents);
    parts.steps = take(&arena, n_steps * sizeof *parts.steps);
    parts.bounds = take(&arena, (n_steps / CHUNK + 1) * sizeof *parts.bounds);
    parts.kernel = take(&arena, n * sizeof *parts.kernel);
    parts.kernel_slope = take(&arena, n * sizeof *parts.kernel_slope);
    parts.feedback = take(&arena, layer->stride * n_columns(network, layer) *
                                      sizeof *parts.feedback);
    parts.size = arena.used;
    return parts;
}

static size_t prepared_size(const ttfs_fixed_network *network,
                            const ttfs_fixed_layer *layer)
{
    return parts_of(network, layer, NULL).size;
}

/* A pair of factors for v_madd(). */
static int32_t pair(int first, int second)
{
    return (int32_t)((uint32_t)(uint16_t)first | (uint32_t)(uint16_t)second << 16);
}

static void prepare_layer(const ttfs_fixed_network *network,
                          const ttfs_fixed_layer *layer, void *prepared)
{
    const prepared_t p = parts_of(network, layer, prepared);
    const uint32_t n_ticks = network->n_ticks;

    const size_t n = layer->n_in * (size_t)layer->stride;
    const vec half = v_set16((1 << layer->fraction) >> 1);
    for (size_t k = 0; k < n; k += WIDTH) {
        const vec w =
            v_sra16(v_add16(v_load(layer->weights + k), half), layer->fraction);
        v_store(p.currents + k, v_sll16(w, layer->current_shift));
    }
    memset(p.currents + n, 0, (currents_of(layer) - n) * sizeof *p.currents);
    for (uint32_t d = 0; d <= n_ticks; ++d) {
        p.kernel[d] = layer->kernel[d];
        p.kernel_slope[d] = layer->kernel_slope[d];
    }
    for (uint32_t d = 0; !layer->syn_shift && d <= n_ticks; ++d) {
        p.steps[d] = pair(layer->decay_mem[d], layer->kappa[d]);
    }
    for (uint32_t first = 1; !layer->syn_shift && first <= n_ticks; first += CHUNK) {
        int decay_mem = 0, kappa = 0;
        for (uint32_t d = first; d < first + CHUNK && d <= n_ticks; ++d) {
            if (layer->decay_mem[d] > decay_mem) decay_mem = layer->decay_mem[d];
            if (layer->kappa[d] > kappa) kappa = layer->kappa[d];
        }
        p.bounds[first / CHUNK] = pair(decay_mem, kappa);
    }
    for (size_t k = 0; k < layer->n_out * n_columns(network, layer); ++k) {
        p.feedback[k] = layer->feedback[k];
    }
}

/* A list of inputs that update() goes through. */
static size_t extra_size(const ttfs_fixed_network *network)
{
    size_t max_in = 0;
    for (size_t k = 0; k < network->n_layers; ++k) {
        if (network->layers[k].n_in > max_in) max_in = network->layers[k].n_in;
    }
    return max_in * sizeof(uint16_t);
}

/* -- Inference [3, 3b] ----------------------------------------------------------- */

/* PANEL_VECS vectors of neurons on their way through the spikes of a sample. */
typedef struct {
    vec u[PANEL_VECS], i[PANEL_VECS];       /* membrane and current, at an input tick
                                               or with shifts at any */
    vec low[PANEL_VECS], high[PANEL_VECS];  /* both, in pairs; of tables only */
    vec when[PANEL_VECS], peak[PANEL_VECS]; /* last tick looked at; of u up to there */
    mask waiting[PANEL_VECS];               /* for a spike */
} panel_t;

#define EACH_VEC for (size_t v = 0; v < n_vecs; ++v)

ALWAYS_INLINE void start_panel(const ttfs_fixed_layer *layer, uint32_t n_ticks,
                               size_t j, size_t n_vecs, panel_t *a)
{
    const vec zero = v_set16(0), never = v_set16((int)n_ticks);
    EACH_VEC
    {
        const size_t at = j + v * WIDTH;
        a->u[v] = a->i[v] = zero;
        a->when[v] = never;
        a->peak[v] = v_set16(INT16_MIN);
        a->waiting[v] = m_first(layer->n_out > at ? layer->n_out - at : 0);
    }
}

ALWAYS_INLINE void store_panel(const panel_t *a, uint32_t n_ticks, size_t j,
                               size_t n_vecs, ttfs_fixed_state *state, int wanted)
{
    const vec never = v_set16((int)n_ticks);
    EACH_VEC
    {
        const size_t to = j + v * WIDTH;
        v_store(state->ticks + to, v_select16(a->waiting[v], never, a->when[v]));
        if (wanted & (PEAKS | ONLY_FIRST)) v_store(state->u + to, a->peak[v]);
    }
}

/* Note which neurons fire at `tick`, where their membranes are u. A neuron that fires
 * has its greatest u there. Returns whether any fires, if that is of use: most calls
 * pass without a branch. */
ALWAYS_INLINE int note_spikes(const ttfs_fixed_layer *layer, panel_t *a, size_t n_vecs,
                              const vec *u, uint32_t tick, mask *fires, int wanted)
{
    const vec below = v_set16(layer->threshold - 1), now = v_set16((int)tick);
    EACH_VEC
    {
        const mask waits = a->waiting[v];
        if (wanted & PEAKS) {
            const vec peak = v_max16(a->peak[v], u[v]);
            a->peak[v] = v_select16(waits, peak, a->peak[v]);
        }
        a->when[v] = v_select16(waits, now, a->when[v]);
        a->waiting[v] = m_but_gt16(waits, u[v], below);
        fires[v] = m_andnot(waits, a->waiting[v]);
    }
    if (!(wanted & (SLOPES | ONLY_FIRST))) return 0;
    mask any = fires[0];
    for (size_t v = 1; v < n_vecs; ++v) any = m_or(any, fires[v]);
    if (__builtin_expect(!m_any(any), 1)) return 0;
    if (wanted & ONLY_FIRST) EACH_VEC a->peak[v] = u[v];
    return 1;
}

/* Store the slopes of vector v of a panel from neuron j, in the neurons that fire. */
ALWAYS_INLINE void put_slopes(const ttfs_fixed_layer *layer, ttfs_fixed_state *state,
                              size_t j, size_t v, mask fires, vec u, vec i)
{
    const vec slope_of = v_set32(pair(layer->slope_mem, layer->slope_syn));
    v_put16(state->slope + j + v * WIDTH, fires,
            v_mac(v_low(u, i), v_high(u, i), slope_of));
}

/* Set u of each neuron, d ticks after the last input spike, and note which neurons fire
 * there, at `tick`. Returns what note_spikes() does. */
ALWAYS_INLINE int look(const ttfs_fixed_layer *layer, const prepared_t *p, panel_t *a,
                       size_t n_vecs, vec *u, uint32_t d, uint32_t tick,
                       ttfs_fixed_state *state, size_t j, int wanted)
{
    const vec factors = v_set32(p->steps[d]);
    mask fires[PANEL_VECS];

    EACH_VEC u[v] = v_mac(a->low[v], a->high[v], factors);
    if (!note_spikes(layer, a, n_vecs, u, tick, fires, wanted)) return 0;
    if (!(wanted & SLOPES)) return 1;
    EACH_VEC
    {
        const vec i = v_scale(a->i[v], layer->decay_syn[d]);
        put_slopes(layer, state, j, v, fires[v], u[v], i);
    }
    return 1;
}

/* Is u above the threshold in any neuron, where pairs of u and i have these factors?
 * x >> 15 > threshold - 1 is asked before the shift. */
ALWAYS_INLINE int is_above(const vec *low, const vec *high, size_t n_vecs,
                           int32_t factors, vec below)
{
    const vec pair = v_set32(factors);
    vec greatest = v_max32(v_madd(low[0], pair), v_madd(high[0], pair));
    for (size_t v = 1; v < n_vecs; ++v) {
        greatest = v_max32(greatest, v_madd(low[v], pair));
        greatest = v_max32(greatest, v_madd(high[v], pair));
    }
    return v_any_gt32(greatest, below);
}

ALWAYS_INLINE int waits(const panel_t *a, size_t n_vecs)
{
    mask any = a->waiting[0];
    for (size_t v = 1; v < n_vecs; ++v) any = m_or(any, a->waiting[v]);
    return m_any(any);
}

/* Spikes of the n_vecs vectors of neurons from number j, before the tick `end`, by the
 * table kernel. Returns the first tick in which any fires, or `end`. */
ALWAYS_INLINE uint32_t panel_spikes_by_tables(const ttfs_fixed_layer *layer,
                                              const prepared_t *p, uint32_t n_ticks,
                                              uint32_t end,
                                              const ttfs_fixed_event *events,
                                              uint32_t n, ttfs_fixed_state *state,
                                              size_t j, size_t n_vecs, int wanted)
{
    const vec zero = v_set16(0);
    /* x >> 15 > threshold - 1 */
    const vec below = v_set32(layer->threshold * (1 << 15) - 1);
    const int16_t *currents = p->currents + j;
    const size_t stride = layer->stride;
    panel_t a;
    vec u[PANEL_VECS], low[PANEL_VECS], high[PANEL_VECS];
    uint32_t k = 0, first = end;

    start_panel(layer, n_ticks, j, n_vecs, &a);
    while (k < n) {
        const uint32_t t0 = events[k].tick;
        vec i[PANEL_VECS]; /* in registers */
        EACH_VEC i[v] = a.i[v];
        do {
            const int16_t *row = currents + events[k].input * stride;
            EACH_VEC i[v] = v_adds(i[v], v_load(row + v * WIDTH));
        } while (++k < n && events[k].tick == t0);
        EACH_VEC a.i[v] = i[v];
        const uint32_t next = k < n ? events[k].tick : end;
        const uint32_t last = (next < end ? next : end - 1) - t0; /* to be looked at */
        if (t0 + 1 >= end) break;
        EACH_VEC
        {
            a.low[v] = v_low(a.u[v], a.i[v]);
            a.high[v] = v_high(a.u[v], a.i[v]);
        }
        /* No u of the chunk is above the u of its greatest factors: most ticks need no
         * look. */
        const int skips = last >= MIN_SKIP && !(wanted & PEAKS);
        uint32_t at = 0; /* where u is known, in ticks after t0 */
        if (skips) {
            EACH_VEC
            {
                const vec u_above = v_keep16(a.waiting[v], v_max16(a.u[v], zero));
                const vec i_above = v_keep16(a.waiting[v], v_max16(a.i[v], zero));
                low[v] = v_low(u_above, i_above);
                high[v] = v_high(u_above, i_above);
            }
        }
        for (uint32_t begin = 1; begin <= last; begin += CHUNK) {
            const uint32_t stop = begin + CHUNK - 1 < last ? begin + CHUNK - 1 : last;
            if (skips &&
                !is_above(low, high, n_vecs, p->bounds[begin / CHUNK], below)) {
                continue;
            }
            for (uint32_t d = begin; d <= stop; ++d) {
                const int fired =
                    look(layer, p, &a, n_vecs, u, d, t0 + d, state, j, wanted);
                at = d;
                if (fired && (wanted & ONLY_FIRST)) {
                    first = t0 + d;
                    goto done;
                }
            }
        }
        if (next >= end || !waits(&a, n_vecs)) break;
        const uint32_t gap = next - t0;
        if (at == gap) {
            EACH_VEC a.u[v] = u[v];
        } else {
            const vec factors = v_set32(p->steps[gap]);
            EACH_VEC a.u[v] = v_mac(a.low[v], a.high[v], factors);
        }
        EACH_VEC a.i[v] = v_scale(a.i[v], layer->decay_syn[gap]);
    }
done:
    store_panel(&a, n_ticks, j, n_vecs, state, wanted);
    return first;
}

/* The same by the shift kernel. */
ALWAYS_INLINE uint32_t panel_spikes_by_shifts(const ttfs_fixed_layer *layer,
                                              const prepared_t *p, uint32_t n_ticks,
                                              uint32_t end,
                                              const ttfs_fixed_event *events,
                                              uint32_t n, ttfs_fixed_state *state,
                                              size_t j, size_t n_vecs, int wanted)
{
    const int16_t *currents = p->currents + j;
    const size_t stride = layer->stride;
    const int syn_shift = layer->syn_shift, mem_shift = layer->mem_shift;
    const vec leaks = v_set16(mem_shift ? -1 : 0);
    panel_t a;
    uint32_t k = 0, first = end;

    start_panel(layer, n_ticks, j, n_vecs, &a);
    for (uint32_t t = n > 0 ? events->tick : end; t + 1 < end; ++t) {
        mask fires[PANEL_VECS];
        for (; k < n && events[k].tick == t; ++k) {
            const int16_t *row = currents + events[k].input * stride;
            EACH_VEC a.i[v] = v_adds(a.i[v], v_load(row + v * WIDTH));
        }
        EACH_VEC
        {
            const vec moved = v_sra16(a.i[v], syn_shift);
            const vec leak = v_and(leaks, v_sra16(a.u[v], mem_shift));
            a.u[v] = v_adds(v_sub16(a.u[v], leak), moved);
            a.i[v] = v_sub16(a.i[v], moved);
        }
        if (note_spikes(layer, &a, n_vecs, a.u, t + 1, fires, wanted)) {
            EACH_VEC
            {
                if (!(wanted & SLOPES)) break;
                put_slopes(layer, state, j, v, fires[v], a.u[v], a.i[v]);
            }
            if (wanted & ONLY_FIRST) {
                first = t + 1;
                break;
            }
        }
        if (!waits(&a, n_vecs)) break;
    }
    store_panel(&a, n_ticks, j, n_vecs, state, wanted);
    return first;
}

/* Panels of the same size but for one vector. */
ALWAYS_INLINE void vector_spikes(const ttfs_fixed_layer *layer, const prepared_t *p,
                                 uint32_t end, const ttfs_fixed_event *events,
                                 uint32_t n, ttfs_fixed_state *state, int has_shifts,
                                 int wanted)
{
/* A constant number of vectors, for the compiler. */
#define PANEL(n_vecs)                                                                  \
    case n_vecs:                                                                       \
        first = has_shifts ? panel_spikes_by_shifts(layer, p, n_ticks, end, events, n, \
                                                    state, j, n_vecs, wanted)          \
                           : panel_spikes_by_tables(layer, p, n_ticks, end, events, n, \
                                                    state, j, n_vecs, wanted);         \
        break
    const uint32_t n_ticks = end;
    const size_t n_vecs = (layer->n_out + WIDTH - 1u) / WIDTH;
    const size_t n_panels = (n_vecs + PANEL_VECS - 1) / PANEL_VECS;
    for (size_t panel = 0; panel < n_panels; ++panel) {
        const size_t begin = n_vecs * panel / n_panels;
        const size_t size = n_vecs * (panel + 1) / n_panels - begin, j = begin * WIDTH;
        uint32_t first = end;
        switch (size) {
            PANEL(1);
            PANEL(2);
#if PANEL_VECS > 2
            PANEL(3);
            PANEL(4);
            PANEL(5);
            PANEL(6);
#endif
        }
        if ((wanted & ONLY_FIRST) && first < end) end = first + 1;
    }
#undef PANEL
}

static void layer_spikes(const ttfs_fixed_network *network,
                         const ttfs_fixed_layer *layer, const void *prepared,
                         uint32_t n_ticks, const ttfs_fixed_event *events, uint32_t n,
                         ttfs_fixed_state *state, int wanted)
{
    const prepared_t p = parts_of(network, layer, (void *)(uintptr_t)prepared);

    for (size_t j = 0; (wanted & SLOPES) && j < layer->stride; j += WIDTH) {
        v_store(state->slope + j, v_set16(0));
    }
/* Constants for the compiler. */
#define WANTED(has_shifts, wanted)                                                     \
    case 8 * (has_shifts) + (wanted):                                                  \
        vector_spikes(layer, &p, n_ticks, events, n, state, has_shifts, wanted);           \
        break
    switch (8 * (layer->syn_shift > 0) + wanted) {
        WANTED(0, 0);
        WANTED(0, SLOPES);
        WANTED(0, PEAKS);
        WANTED(0, SLOPES | PEAKS);
        WANTED(0, ONLY_FIRST);
        WANTED(1, 0);
        WANTED(1, SLOPES);
        WANTED(1, PEAKS);
        WANTED(1, SLOPES | PEAKS);
        WANTED(1, ONLY_FIRST);
    }
#undef WANTED
}

/* -- Learning [6, 7] ------------------------------------------------------------- */

/* ttfs_fixed_feed_back() to HALF hidden neurons from number i, which spiked at t. One
 * neuron of the next layer after the other, as sums saturate. */
static vec feed_back(const ttfs_fixed_network *network, uint32_t k,
                     const prepared_t *own, const prepared_t *next,
                     const ttfs_fixed_state *states, uint32_t label, size_t i, vec t)
{
    const ttfs_fixed_layer *after = &network->layers[k + 1];
    const uint32_t n_classes = network->layers[network->n_layers - 1].n_out;
    const int is_next = network->feedback == TTFS_FIXED_SYMMETRIC ||
                        network->feedback == TTFS_FIXED_RANDOM;
    const uint32_t n = is_next ? after->n_out : n_classes;
    const ttfs_fixed_state *errors = &states[is_next ? k + 1 : network->n_layers - 1u];
    const int32_t *fixed = own->feedback + i * n;
    const int16_t *currents = next->currents + i * after->stride;
    const vec rows = v_mul32(v_lanes32(), v_set32((int32_t)n));
    const vec strides = v_mul32(v_lanes32(), v_set32(after->stride));
    vec sum = v_set32(0);

    if (network->feedback == TTFS_FIXED_TARGET) {
        return v_mul32(v_gather32(fixed + label, rows, 4), v_set32(network->gain));
    }
    for (uint32_t j = 0; errors->learns && j < n; ++j) {
        vec b;
        if (errors->error[j] == 0) continue;
        if (network->feedback == TTFS_FIXED_SYMMETRIC) {
            b = v_sll32(v_gather32(currents + j, strides, 2), 16);
            b = v_sra32(b, 16 + after->current_shift);
        } else {
            b = v_gather32(fixed + j, rows, 4);
        }
        if (is_next) { /* kernel_slope[0] is 0 */
            const vec d = v_max32(v_sub32(v_set32(errors->ticks[j]), t), v_set32(0));
            b = v_mul32(b, v_gather32(next->kernel_slope, d, 4));
        }
        sum = v_adds32(sum, v_mul32(b, v_set32(errors->error[j])));
    }
    return sum;
}

/* The same as ttfs_fixed_hidden_errors(); own and after are the prepared weights of
 * layers k and k + 1. */
static void hidden_errors(const ttfs_fixed_network *network, uint32_t k,
                          const void *own, const void *after, ttfs_fixed_state *states,
                          uint32_t label)
{
    const ttfs_fixed_layer *layer = &network->layers[k];
    const prepared_t p = parts_of(network, layer, (void *)(uintptr_t)own);
    const prepared_t next = parts_of(network, layer + 1, (void *)(uintptr_t)after);
    ttfs_fixed_state *state = &states[k];
    const vec high = v_set16(TTFS_FIXED_MAX_ERROR), low = v_sub16(v_set16(0), high);
    const vec one = v_set32(1);
    vec all = v_set16(0);

    for (uint32_t i = 0; i < layer->n_out; ++i) {
        const int fires = state->ticks[i] < network->n_ticks;
        int silence = layer->silence[i];
        silence = fires ? silence - (silence > 0) : silence + TTFS_FIXED_SILENT_STEP;
        silence = silence > UINT8_MAX ? UINT8_MAX : silence;
        layer->silence[i] = (uint8_t)silence;
        state->error[i] =
            !fires && silence > TTFS_FIXED_MAX_SILENCE ? network->push : 0;
    }
    for (size_t i = 0; i < layer->n_out; i += WIDTH) {
        const vec ticks = v_load(state->ticks + i), slope = v_load(state->slope + i);
        const mask fires = v_gt16(v_set16(network->n_ticks), ticks);
        vec error = v_load(state->error + i), x[2];
        if (m_any(fires)) {
            vec log_slope = v_set16(layer->error_shift + TTFS_FIXED_MIN_LOG_SLOPE);
            for (int m = 0; m < TTFS_FIXED_SLOPE_BOUNDS; ++m) {
                const mask below = v_gt16(v_set16(layer->slope_bounds[m]), slope);
                log_slope = v_add16(log_slope, v_drop16(below, v_set16(1)));
            }
            for (int h = 0; h < 2; ++h) {
                const vec n = v_widen(log_slope, h);
                x[h] = feed_back(network, k, &p, &next, states, label,
                                 i + (size_t)h * HALF, v_widen(ticks, h));
                x[h] = v_adds32(x[h], v_sllv32(one, v_sub32(n, one)));
                x[h] = v_srav32(x[h], n);
            }
            error = v_or(error, v_keep16(fires, v_narrow(x[0], x[1])));
        }
        error = v_max16(v_min16(error, high), low);
        v_store(state->error + i, error);
        all = v_or(all, error);
    }
    state->learns = (uint8_t)v_any(all);
}

/* ttfs_fixed_accumulate(): for each tick with input spikes, what its synapses learn. */
static void accumulate(const ttfs_fixed_network *network, const ttfs_fixed_layer *layer,
                       const void *prepared, const ttfs_fixed_state *state,
                       const ttfs_fixed_event *events, uint32_t n)
{
    const prepared_t p = parts_of(network, layer, (void *)(uintptr_t)prepared);
    const size_t stride = layer->stride;
    const uint32_t n_learning = (uint32_t)(layer->n_in - layer->n_fixed);

    for (uint32_t k = 0, end; k < n; k = end) {
        const vec tick = v_set32(events[k].tick);
        uint32_t last = k; /* inputs that do not learn are behind the others */
        for (end = k; end < n && events[end].tick == events[k].tick; ++end) {
            if (events[end].input >= n_learning) continue;
            layer->touched[events[end].input] = 1;
            last = end + 1;
        }
        for (size_t j = 0; j < layer->n_out; j += WIDTH) {
            const vec errors = v_load(state->error + j),
                      ticks = v_load(state->ticks + j);
            if (!v_any(errors)) continue;
            for (int h = 0; h < 2; ++h) {
                /* kernel[0] is 0; c k as c k + (sign of c) 0 */
                const vec d =
                    v_max32(v_sub32(v_widen_unsigned(ticks, h), tick), v_set32(0));
                const vec change =
                    v_madd(v_widen(errors, h), v_gather32(p.kernel, d, 4));
                int32_t *sums = layer->sums + j + (size_t)h * HALF;
                for (uint32_t e = k; e < last; ++e) {
                    int32_t *sum = sums + events[e].input * stride;
                    v_store(sum, v_add32(v_load(sum), change));
                }
            }
        }
    }
}

/* ttfs_fixed_move() of all rows that have been touched, for WIDTH neurons from number
 * j; prepared currents follow. */
ALWAYS_INLINE void move(const ttfs_fixed_layer *layer, int16_t *currents,
                        const uint16_t *rows, size_t n_rows, size_t j, int is_floor,
                        int decays)
{
    const int shift = layer->rate_shift, fraction = layer->fraction;
    const vec high = v_set16(layer->max_stored), low = v_set16(-layer->max_stored);
    const vec half = v_set16((1 << fraction) >> 1), lowest = v_set16(-INT16_MAX);
    const vec taps = v_set16(0xB400), one = v_set16(1);
    const vec decay = v_set32(-layer->decay), rest = v_set32(layer->rest);
    vec lfsr = v_load(layer->lfsr + j), random = v_set16(0);

    for (size_t k = 0; k < n_rows; ++k) {
        const size_t at = rows[k] * (size_t)layer->stride + j;
        int32_t *sums = layer->sums + at;
        vec sum[2], w = v_set16(0);
        if (!is_floor) {
            const vec odd = v_sub16(v_set16(0), v_and(lfsr, one));
            lfsr = v_xor(v_srl16(lfsr, 1), v_and(odd, taps));
            random = shift <= 16 ? v_srl16(lfsr, 16 - shift) : lfsr;
        }
        if (decays) w = v_sra16(v_load(currents + at), layer->current_shift);
        for (int h = 0; h < 2; ++h) {
            vec r = v_widen_unsigned(random, h);
            if (shift > 16) r = v_sll32(r, shift - 16);
            sum[h] = v_load(sums + h * HALF);
            v_store(sums + h * HALF, v_set32(0));
            if (decays) {
                const vec excess = v_sub32(v_widen(w, h), rest);
                sum[h] = v_adds32(sum[h], v_mul32(decay, excess));
            }
            /* r is not negative */
            sum[h] = v_add32(v_min32(sum[h], v_sub32(v_set32(INT32_MAX), r)), r);
            sum[h] = v_sra32(sum[h], shift);
        }
        const vec change = v_max16(v_narrow(sum[0], sum[1]), lowest);
        vec stored = v_adds(v_load(layer->weights + at), change);
        stored = v_min16(v_max16(stored, low), high);
        v_store(layer->weights + at, stored);
        w = v_sra16(v_add16(stored, half), fraction);
        v_store(currents + at, v_sll16(w, layer->current_shift));
    }
    if (!is_floor) v_store(layer->lfsr + j, lfsr);
}

static void update(const ttfs_fixed_network *network, const ttfs_fixed_layer *layer,
                   void *prepared, void *extra)
{
    const prepared_t p = parts_of(network, layer, prepared);
    uint16_t *rows = extra;
    size_t n_rows = 0;

    for (uint32_t i = 0; i < layer->n_in; ++i) {
        rows[n_rows] = (uint16_t)i;
        n_rows += layer->touched[i];
        layer->touched[i] = 0;
    }
    for (size_t j = 0; j < layer->n_out; j += WIDTH) {
        if (layer->decay) {
            move(layer, p.currents, rows, n_rows, j, network->is_floor, 1);
        } else {
            move(layer, p.currents, rows, n_rows, j, network->is_floor, 0);
        }
    }
}

#endif
