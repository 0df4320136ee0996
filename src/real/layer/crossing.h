/* Forward pass of a layer: the scan finds the interval in which a neuron may cross, and
 * Newton's method the spike time in it. */
#ifndef TTFS_REAL_LAYER_CROSSING_H
#define TTFS_REAL_LAYER_CROSSING_H

#include "real/layer/scan.h"
#include "real/neuron/crossing.h"
#include "real/neuron/newton_step.h"

/* How the neurons of a layer differ from each other, and from trial to trial. */
typedef struct {
    const neuron_t *own; /* parameters of each vector of neurons; NULL: all the same */
    const real *gains;   /* (n_samples, n_out) factors of weights; NULL: 1 */
} variation_t;

/* Begin the search of so many neurons; where the scan begins, sums are 0. */
static inline void begin_search(search_t *w, size_t lanes)
{
    w->a = w->v = w->k = w->x = w->start = w->end = v_set(0);
    w->gain = v_set(1);
    w->waiting = w->refining = m_first(lanes);
    w->unverified = w->rejected = w->fires = m_none();
}

/* Look up the interval in which a neuron may cross its threshold. */
static inline void enter_interval(search_t *w, const events_t *e, int is_own)
{
    vec start = v_set(0), end = v_set(0);
    if (e->n_segments == 1 && e->n < WIDTH) {
        /* An interval ends where the next one starts. */
        start = v_look_up(e->start, w->k);
        end = v_look_up(e->start, w->k + v_set(1));
    } else if (e->n_segments == 1) {
        uint32_t index[WIDTH];
        v_store_index(index, w->k);
        v_pairs(e->start, index, &start, &end);
    } else {
        start = v_gather(e->start, w->k);
        end = v_gather(e->end, w->k);
    }
    if (is_own) {
        end = end - start;
        start = v_set(0);
    }
    w->start = v_select(w->refining, start, w->start);
    w->end = v_select(w->refining, end, w->end);
    w->x = v_select(w->refining, start, w->x);
    w->fires = m_or(w->fires, w->refining);
}

/* One step of Newton's method for the neurons of n searches that are being refined. */
ALWAYS_INLINE void refine(search_t *const *w, const neuron_t *p, const int n)
{
    vec a[TOGETHER], v[TOGETHER], x[TOGETHER], end[TOGETHER];
    mask done[TOGETHER], sound[TOGETHER];
    EACH_STEP
    {
        a[i] = w[i]->a;
        v[i] = w[i]->v;
        x[i] = w[i]->x;
        end[i] = w[i]->end;
    }
    newton_steps(p, a, v, x, end, done, sound, n);
    EACH_STEP
    {
        const mask refining = w[i]->refining;
        w[i]->x = v_select(refining, x[i], w[i]->x);
        w[i]->unverified =
            m_or(w[i]->unverified, m_andnot(m_and(refining, done[i]), sound[i]));
        w[i]->refining = m_andnot(refining, done[i]);
    }
}

/* One step, for one search and for TOGETHER of them. */
static void refine_one(search_t *w, const neuron_t *p)
{
    refine(&w, p, 1);
}

static void refine_four(search_t *const *w, const neuron_t *p)
{
    refine(w, p, TOGETHER);
}

/* Newton's method to its end. Neurons for which it does not end are unverified. */
static inline void refine_to_end(search_t *w, const neuron_t *p)
{
    for (int step = 0; step < 100 && m_any(w->refining); ++step) refine_one(w, p);
    w->unverified = m_or(w->unverified, w->refining);
    w->refining = m_none();
}

/* Of so many neurons of a search and fewer, the spike times are refined elsewhere. */
#define FEW (WIDTH / 4)

/* Neurons of several searches that need more steps, side by side. */
typedef struct {
    search_t w[TOGETHER];
    search_t *search[TOGETHER * WIDTH];
    uint8_t lane[TOGETHER * WIDTH];
    size_t n;
} late_t;

/* The mask of one lane. */
static inline mask m_lane(size_t lane)
{
    return m_andnot(m_first(lane + 1), m_first(lane));
}

/* Refine the spike times of late neurons to the end, and put them into their places. */
static void refine_late(late_t *late, const neuron_t *p)
{
    const size_t n_vecs = (late->n + WIDTH - 1) / WIDTH;
    search_t *all[TOGETHER];
    mask any = m_none();
    for (size_t i = 0; i < TOGETHER; ++i) {
        const size_t at = min_size(i, n_vecs - 1); /* one more than once is no harm */
        all[i] = &late->w[at];
        all[i]->refining = m_first(min_size(WIDTH, late->n - at * WIDTH));
        all[i]->unverified = m_none();
        any = m_or(any, all[i]->refining);
    }
    for (int step = 0; step < 100 && m_any(any); ++step) {
        refine_four(all, p);
        any = m_none();
        for (size_t i = 0; i < n_vecs; ++i) any = m_or(any, all[i]->refining);
    }
    for (size_t i = 0; i < late->n; ++i) {
        const search_t *from = &late->w[i / WIDTH];
        search_t *to = late->search[i];
        const mask doubt = m_or(from->unverified, from->refining);
        ((real *)&to->x)[late->lane[i]] = ((const real *)&from->x)[i % WIDTH];
        if (m_bits(doubt) >> i % WIDTH & 1) {
            to->unverified = m_or(to->unverified, m_lane(late->lane[i]));
        }
    }
    late->n = 0;
}

/* Move the neurons of a search that are still being refined to the late ones. */
static inline void postpone(search_t *w, late_t *late, const neuron_t *p)
{
    for (uint64_t left = m_bits(w->refining); left; left &= left - 1) {
        const size_t lane = (size_t)__builtin_ctzll(left), i = late->n++;
        search_t *to = &late->w[i / WIDTH];
        if (i % WIDTH == 0) to->a = to->v = to->x = to->end = v_set(0);
        ((real *)&to->a)[i % WIDTH] = ((const real *)&w->a)[lane];
        ((real *)&to->v)[i % WIDTH] = ((const real *)&w->v)[lane];
        ((real *)&to->x)[i % WIDTH] = ((const real *)&w->x)[lane];
        ((real *)&to->end)[i % WIDTH] = ((const real *)&w->end)[lane];
        late->search[i] = w;
        late->lane[i] = (uint8_t)lane;
        if (late->n == TOGETHER * WIDTH) refine_late(late, p);
    }
    w->refining = m_none();
}

/* Newton's method for the searches with the given numbers. All of them make a step
 * together, so that the processor need not wait for one, until few neurons are left of
 * each. own_vecs: vectors of a panel whose neurons have parameters of their own, else
 * 0.
 */
static void refine_all(search_t *searches, uint8_t *active, size_t n_active,
                       const neuron_t *p, size_t own_vecs)
{
    const size_t few = own_vecs ? 0 : FEW;
    late_t late; /* only what is used is set */
    size_t n_lanes = SIZE_MAX;
    for (int step = 0; step < 100 && n_lanes > few * n_active; ++step) {
        size_t n_left = 0;
        n_lanes = 0;
        size_t k = 0;
        for (; !own_vecs && k + TOGETHER <= n_active; k += TOGETHER) {
            search_t *w[TOGETHER];
            for (size_t i = 0; i < TOGETHER; ++i) w[i] = &searches[active[k + i]];
            refine_four(w, p);
        }
        for (; k < n_active; ++k) {
            refine_one(&searches[active[k]], own_vecs ? p + active[k] % own_vecs : p);
        }
        for (size_t i = 0; i < n_active; ++i) {
            const uint64_t left = m_bits(searches[active[i]].refining);
            active[n_left] = active[i];
            n_left += left != 0;
            n_lanes += (size_t)__builtin_popcountll(left);
        }
        n_active = n_left;
    }
    late.n = 0;
    for (size_t i = 0; i < n_active; ++i) {
        search_t *w = &searches[active[i]];
        if (own_vecs) {
            w->unverified = m_or(w->unverified, w->refining);
        } else {
            postpone(w, &late, p);
        }
    }
    if (late.n > 0) refine_late(&late, p);
}

/* Decide whether unverified neurons have crossed. A neuron that has not, and for which
 * there are more events than up to number `last`, is rejected: its search resumes at
 * the next event. */
static inline void verify(search_t *w, const neuron_t *p, vec last)
{
    if (!m_any(w->unverified)) return;
    const mask crossed = crosses(p, w->unverified, w->a, w->v, w->start, w->end);
    const mask not_crossed = m_andnot(w->unverified, crossed);
    const mask more = v_gt(last, w->k);
    w->fires = m_andnot(w->fires, not_crossed);
    w->rejected = m_or(w->rejected, m_and(not_crossed, more));
    w->unverified = m_none();
}

/* The event at which the scan resumes: the one after the first interval that was
 * rejected; 0 if there is none. */
static size_t resume(search_t *search, int vecs)
{
    mask any = m_none();
    for (int q = 0; q < vecs; ++q) {
        search[q].waiting = search[q].refining = m_none();
        any = m_or(any, search[q].rejected);
    }
    if (!m_any(any)) return 0;
    vec before = v_set(-REAL_MAX);
    for (int q = 0; q < vecs; ++q) {
        before =
            v_max(before, v_select(search[q].rejected, v_set(0) - search[q].k, before));
    }
    const real first = -v_max_lane(before);
    for (int q = 0; q < vecs; ++q) {
        search[q].waiting = m_and(search[q].rejected, v_eq(search[q].k, v_set(first)));
        search[q].refining = search[q].waiting;
        search[q].rejected = m_andnot(search[q].rejected, search[q].waiting);
    }
    return (size_t)first + 1;
}

/* Samples that pass through a panel together, so that Newton's method refines the spike
 * times of all their neurons together. */
#define GROUP 8

/* First spikes of a panel in n <= GROUP samples, and the slope of the membrane there;
 * rows of spikes and slopes are n_out long. */
static void first_spike_group(const neuron_t *p, const variation_t *varied,
                              const events_t *lists, size_t n, rows_t rows, real t_max,
                              panel_t panel, size_t n_out, real *spikes, real *slopes)
{
    const size_t vecs = (size_t)panel.vecs, n_searches = n * vecs;
    const int is_own = varied->own != NULL;
    const real *gains = varied->gains;
    const size_t step_p =
        (size_t)is_own; /* from the parameters of a vector to the next */
    search_t searches[GROUP * PANEL_VECS];
    uint8_t active[GROUP * PANEL_VECS];
    size_t from[GROUP] = {0};
    int is_done = 0;

    for (size_t i = 0; i < n_searches; ++i) {
        begin_search(&searches[i], lanes_of(panel.lanes, (int)(i % vecs)));
        if (gains) {
            const size_t at = i / vecs * n_out + i % vecs * WIDTH;
            searches[i].gain =
                v_load_part(gains + at, lanes_of(panel.lanes, (int)(i % vecs)));
        }
    }
    if (is_own) p = varied->own + panel.begin / WIDTH;
    while (!is_done) {
        size_t n_active = 0;
        for (size_t s = 0; s < n; ++s) {
            search_t *search = searches + s * vecs;
            if (from[s] == SIZE_MAX) continue;
            if (is_own) {
                scan_own_events(p, &lists[s], rows.first, from[s], search, panel.vecs);
            } else if (gains) {
                scan_events_with_gains(p, &lists[s], rows, from[s], search, panel);
            } else if (rows.stride == vecs * WIDTH) {
                scan_events(p, &lists[s], rows, from[s], search, panel);
            } else {
                scan_events_in_matrix(p, &lists[s], rows, from[s], search, panel);
            }
            for (size_t q = 0; q < vecs; ++q) {
                search[q].refining = m_andnot(search[q].refining, search[q].waiting);
                if (!m_any(search[q].refining)) continue;
                enter_interval(&search[q], &lists[s], is_own);
                active[n_active++] = (uint8_t)(s * vecs + q);
            }
        }
        refine_all(searches, active, n_active, p, is_own ? vecs : 0);
        is_done = 1;
        for (size_t s = 0; s < n; ++s) {
            if (from[s] == SIZE_MAX) continue;
            search_t *search = searches + s * vecs;
            const vec last = v_set((real)(lists[s].n - 1));
            for (size_t q = 0; q < vecs; ++q) {
                verify(&search[q], p + q * step_p, last);
            }
            from[s] = resume(search, panel.vecs);
            if (from[s] == 0) from[s] = SIZE_MAX;
            is_done &= from[s] == SIZE_MAX;
        }
    }
    for (size_t i = 0; i < n_searches; ++i) {
        const search_t *w = &searches[i];
        const events_t *e = &lists[i / vecs];
        const size_t q = i % vecs, lanes = lanes_of(panel.lanes, (int)q);
        const size_t to = i / vecs * n_out + q * WIDTH;
        vec t = v_set(e->n > 0 ? e->time[0] : 0);
        if (is_own && e->n > 0) {
            t = v_gather(e->time, w->k);
        } else if (e->n_segments > 1) {
            t = v_gather(e->time, w->k) - v_gather(e->start, w->k);
        }
        t = t + w->x;
        t = v_select(m_and(w->fires, v_gt(v_set(t_max), t)), t, v_set(INFINITY));
        v_store_part(spikes + to, t, lanes);
        if (slopes) {
            v_store_part(slopes + to, crossing_slope(p + q * step_p, w->a, w->x),
                         lanes);
        }
    }
}

#endif
