/* The scan of the events of a sample, in the outer loop, by a panel of neurons, in the
 * inner one: up to the first interval in which each neuron may cross its threshold. */
#ifndef TTFS_REAL_LAYER_SCAN_H
#define TTFS_REAL_LAYER_SCAN_H

#include "real/layer/events.h"
#include "real/layer/panel.h"

/* The search of a vector of neurons for their first crossing in one sample. */
typedef struct {
    /* The sums at the time at which each neuron met the necessary condition for a
     * crossing, and the number of the last event before. */
    vec a, v, k;
    vec gain;       /* factor of all weights of a neuron; 1 where neurons do not vary */
    vec start, end; /* of that interval */
    vec x;          /* the crossing */
    mask waiting;   /* the neuron has not met the condition yet */
    mask refining;  /* Newton's method is under way */
    mask unverified; /* Newton's method ended without proof that there is a crossing */
    mask rejected;   /* this interval held no crossing; the search resumes at the next
                        event */
    mask fires;
} search_t;

/* Every so many events the scan looks whether any neuron still waits. */
#define LOOK 8

/* Up to so many vectors, neurons are few and crossings rare: a branch costs less. */
#define FEW_VECS (WIDTH > 8 ? 1 : 2)

/* The sums of a panel, and the number of the last event that they count. Those of a
 * neuron end with the event at which it meets the condition. Where neurons are few,
 * sums would wait for the masks of the event before: they go on, and are copied when a
 * neuron meets the condition. */
typedef struct {
    vec a[PANEL_VECS], v[PANEL_VECS], k[PANEL_VECS];
    vec hit_a[FEW_VECS], hit_v[FEW_VECS];
    mask waiting[PANEL_VECS];
} sums_t;

/* How the weights of an event are read. */
enum {
    PACKED,
    PACKED_GAINS, /* neurons vary, each by search[q].gain */
    IN_MATRIX     /* rows are not whole vectors, and any number of reals apart */
};

/* The weights of event k. */
ALWAYS_INLINE vec weights_of(const events_t *e, size_t k, const rows_t *rows,
                             size_t lanes, const search_t *search, int q, const int how,
                             const int vecs)
{
    if (how == IN_MATRIX) {
        const real *w = rows->first + e->input[k] * rows->stride + q * WIDTH;
        return q < vecs - 1 ? v_load(w) : v_load_part(w, lanes - (size_t)q * WIDTH);
    }
    vec w = v_load(rows->first + e->input[k] * ((size_t)vecs * WIDTH) + q * WIDTH);
    if (how == PACKED_GAINS) w = w * search[q].gain;
    return w;
}

/* Add the weights of inputs at the time of event k to the sums. */
ALWAYS_INLINE void add_weights(sums_t *s, const events_t *e, size_t k, const vec *w,
                               const int vecs)
{
    const vec gain = v_set(e->gain[k]), gain_warp = v_set(e->gain_warp[k]);
    const vec loss = v_set(-e->gain_warp[k]);
    EACH_VEC
    {
        if (vecs <= FEW_VECS) {
            s->a[q] = v_fma(gain, w[q], s->a[q]);
            s->v[q] = v_fnma(gain_warp, w[q], s->v[q]);
            continue;
        }
        s->a[q] = v_fma_where(s->waiting[q], gain, w[q], s->a[q]);
        s->v[q] = v_fma_where(s->waiting[q], loss, w[q], s->v[q]);
    }
}

/* Count n events. */
ALWAYS_INLINE void count_events(sums_t *s, size_t n, const int vecs)
{
    if (vecs <= FEW_VECS) return;
    EACH_VEC s->k[q] = v_fma_where(s->waiting[q], v_set((real)n), v_set(1), s->k[q]);
}

static inline int none_waits(const sums_t *s, const int vecs)
{
    mask any = m_none();
    EACH_VEC any = m_or(any, s->waiting[q]);
    return !m_any(any);
}

/* Which neurons meet the condition after event k? Returns whether it is known that none
 * waits any more. */
ALWAYS_INLINE int look_for_hits(sums_t *s, const events_t *e, size_t k, const int vecs)
{
    const vec end_warp = v_set(e->end_warp[k]);
    const vec crossing_bound = v_set(e->crossing_bound[k]);
    if (vecs <= FEW_VECS) {
        mask hit[PANEL_VECS], any = m_none();
        EACH_VEC
        {
            const vec line = v_fma(s->a[q], end_warp, s->v[q]);
            hit[q] = m_and(s->waiting[q], v_ge(line, crossing_bound));
            any = m_or(any, hit[q]);
        }
        if (!m_any(any)) return 0;
        EACH_VEC
        {
            s->hit_a[q] = v_select(hit[q], s->a[q], s->hit_a[q]);
            s->hit_v[q] = v_select(hit[q], s->v[q], s->hit_v[q]);
            s->k[q] = v_select(hit[q], v_set((real)k), s->k[q]);
            s->waiting[q] = m_andnot(s->waiting[q], hit[q]);
        }
        return none_waits(s, vecs);
    }
    EACH_VEC
    {
        const vec line = v_fma(s->a[q], end_warp, s->v[q]);
        s->waiting[q] = m_below(s->waiting[q], line, crossing_bound);
    }
    return k % LOOK == LOOK - 1 && none_waits(s, vecs);
}

/* Scan the events from number `from` on, until each waiting neuron has met the
 * necessary condition, or the list ends. */
ALWAYS_INLINE void scan_events_vecs(const neuron_t *p, const events_t *e,
                                    const rows_t *rows, size_t lanes, size_t from,
                                    search_t *search, const int how, const int vecs)
{
    const uint32_t *run = e->run;
    size_t segment = 0, k = from;
    int is_done = 0;
    sums_t s;

    EACH_VEC
    {
        s.a[q] = search[q].a;
        s.v[q] = search[q].v;
        s.waiting[q] = search[q].waiting;
        s.k[q] = search[q].k;
        if (vecs > FEW_VECS) {
            s.k[q] = v_select(s.waiting[q], v_set((real)from - 1), s.k[q]);
            continue;
        }
        s.hit_a[q] = s.a[q];
        s.hit_v[q] = s.v[q];
    }
    while (segment < e->n_segments && e->segment[segment + 1] <= from) ++segment;
    while (run[0] < e->n && run[1] <= from) run += 2;
    for (; segment < e->n_segments && !is_done; ++segment) {
        const size_t end = e->segment[segment + 1];
        if (segment > 0 && k == e->segment[segment]) {
            const kernel_t shift = kernel(p, v_set(e->shift[segment]));
            EACH_VEC
            {
                const mask moves = vecs > FEW_VECS ? s.waiting[q] : m_first(WIDTH);
                const vec v = membrane(s.a[q], s.v[q], shift);
                s.v[q] = v_select(moves, v, s.v[q]);
                s.a[q] = v_select(moves, s.a[q] * shift.slow, s.a[q]);
            }
        }
        while (k < end && !is_done) {
            const size_t stop = min_size(run[0], end);
            vec w[PANEL_VECS];
            for (; k < stop && !is_done; ++k) {
                EACH_VEC w[q] = weights_of(e, k, rows, lanes, search, q, how, vecs);
                add_weights(&s, e, k, w, vecs);
                count_events(&s, 1, vecs);
                is_done = look_for_hits(&s, e, k, vecs);
            }
            if (is_done || k == end) break;
            /* Inputs at one time share their factors. */
            const size_t first = k, last = run[1];
            EACH_VEC w[q] = v_set(0);
            for (; k < last; ++k) {
                EACH_VEC
                {
                    w[q] = w[q] + weights_of(e, k, rows, lanes, search, q, how, vecs);
                }
            }
            add_weights(&s, e, first, w, vecs);
            count_events(&s, last - first, vecs);
            run += 2;
        }
    }
    EACH_VEC
    {
        search[q].a = vecs > FEW_VECS ? s.a[q] : s.hit_a[q];
        search[q].v = vecs > FEW_VECS ? s.v[q] : s.hit_v[q];
        search[q].k = s.k[q];
        search[q].waiting = s.waiting[q];
    }
}

static void scan_events(const neuron_t *p, const events_t *e, rows_t rows, size_t from,
                        search_t *search, panel_t panel)
{
#define CALL(vecs)                                                                     \
    scan_events_vecs(p, e, &rows, panel.lanes, from, search, PACKED, vecs)
    WITH_VECS(panel.vecs, CALL)
#undef CALL
}

static void scan_events_with_gains(const neuron_t *p, const events_t *e, rows_t rows,
                                   size_t from, search_t *search, panel_t panel)
{
#define CALL(vecs)                                                                     \
    scan_events_vecs(p, e, &rows, panel.lanes, from, search, PACKED_GAINS, vecs)
    WITH_VECS(panel.vecs, CALL)
#undef CALL
}

static void scan_events_in_matrix(const neuron_t *p, const events_t *e, rows_t rows,
                                  size_t from, search_t *search, panel_t panel){
#define CALL(vecs)                                                                     \
    scan_events_vecs(p, e, &rows, panel.lanes, from, search, IN_MATRIX, vecs)
    WITH_VECS(panel.vecs, CALL)
#undef CALL
}

/* If exp(-slow x) is below this, its product with a gap can be subnormal, and the two
 * sides of the condition for a crossing are not exact. */
#define VANISHING (REAL_MIN / (real)EQUAL_GAP)

/* Scan the events for neurons with time constants of their own: no exponential of an
 * event serves them all, so the sums refer to the present event. p[q] holds the
 * parameters of vector q.
 * The condition is that of events_prepare(), times exp(-fast x) at the next event.
 * Where exp(-slow x) is below VANISHING there, the condition counts as met, and whether
 * the neuron crosses is decided from its sums at the start of the interval. */
ALWAYS_INLINE
    void scan_own_events_vecs(const neuron_t *p, const events_t *e, const real *weights,
                              size_t from, search_t *search, const int vecs)
{
    vec a[PANEL_VECS], u[PANEL_VECS], hit_a[PANEL_VECS], hit_u[PANEL_VECS],
        hit_k[PANEL_VECS];
    mask waiting[PANEL_VECS];
    const size_t stride = (size_t)vecs * WIDTH;
    const vec safe = v_set(1 - 8 * REAL_EPSILON);
    vec fastest = v_set(0);

    EACH_VEC
    {
        fastest = v_max(fastest, p[q].fast);
        a[q] = hit_a[q] = search[q].a;
        u[q] = hit_u[q] = search[q].v;
        hit_k[q] = search[q].k;
        waiting[q] = search[q].waiting;
        if (from == 0) continue;
        const kernel_t on =
            passage(&p[q], v_set(e->end[from - 1] - e->start[from - 1]), 0);
        u[q] = membrane(a[q], u[q], on);
        a[q] = a[q] * on.slow;
    }
    const real near = (real)0.34 / v_max_lane(fastest);
    for (size_t k = from; k < e->n; ++k) {
        const real *w = weights + e->input[k] * stride;
        EACH_VEC a[q] = v_fma(v_load(w + q * WIDTH), search[q].gain, a[q]);
        if (isnan(e->crossing_bound[k]))
            continue; /* the next event is at the same time */
        const real span = e->end[k] - e->start[k];
        const vec x = v_set(span);
        const vec number = v_set((real)k);
        mask any = m_none();
        EACH_VEC
        {
            kernel_t on;
            if (span < near) {
                on = passage(&p[q], x, 1);
            } else {
                on = passage(&p[q], x, 0);
            }
            const vec next = membrane(a[q], u[q], on);
            const vec crossing_bound =
                v_fma(p[q].threshold, on.fast, p[q].tangent_scale * on.kappa);
            const mask vanishes = v_gt(v_set(VANISHING), on.slow);
            const mask may = m_or(vanishes, v_ge(next, safe * crossing_bound));
            const mask hit = m_and(waiting[q], may);
            hit_a[q] = v_select(hit, a[q], hit_a[q]);
            hit_u[q] = v_select(hit, u[q], hit_u[q]);
            hit_k[q] = v_select(hit, number, hit_k[q]);
            waiting[q] = m_andnot(waiting[q], hit);
            any = m_or(any, waiting[q]);
            u[q] = next;
            a[q] = a[q] * on.slow;
        }
        if (!m_any(any)) break;
    }
    EACH_VEC
    {
        search[q].a = hit_a[q];
        search[q].v = hit_u[q];
        search[q].k = hit_k[q];
        search[q].waiting = waiting[q];
    }
}

static void scan_own_events(const neuron_t *p, const events_t *e, const real *weights,
                            size_t from, search_t *search, int n_vecs)
{
#define CALL(vecs) scan_own_events_vecs(p, e, weights, from, search, vecs)
    WITH_VECS(n_vecs, CALL)
#undef CALL
}

#endif
