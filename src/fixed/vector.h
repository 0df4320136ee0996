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
        a->when[v] = never; /* also of lanes without a neuron */
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
    if (wanted & ONLY_FIRST) {
        EACH_VEC a->peak[v] = u[v];
    }
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
        vector_spikes(layer, &p, n_ticks, events, n, state, has_shifts, wanted);       \
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

#endif
