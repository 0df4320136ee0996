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

/* Look up the interval that a neuron may cross in. */
static inline void enter_interval(walk_t *w, const events_t *e, int is_own)
{
    uint32_t index[WIDTH];
    vec start, end;
    v_store_index(index, w->k);
    if (e->n_segments == 1) { /* an interval ends where the next one starts */
        v_pairs(e->start, index, &start, &end);
    } else {
        start = v_gather(e->start, w->k);
        end = v_gather(e->end, w->k);
    }
    if (is_own) {
        end = end - start;
        start = v_set(0);
    }
    w->start = v_select(w->climbing, start, w->start);
    w->end = v_select(w->climbing, end, w->end);
    w->x = v_select(w->climbing, start, w->x);
    w->fires = m_or(w->fires, w->climbing);
}

/* One step for the neurons that climb. */
static inline void climb_on(walk_t *w, const neuron_t *p)
{
    vec slope;
    mask done, sound;
    const vec next = climb(p, w->a, w->v, w->x, w->end, &slope, &done, &sound);
    const mask ends = m_and(w->climbing, done);
    w->x = v_select(w->climbing, next, w->x);
    w->slope = v_select(w->climbing, slope, w->slope);
    w->doubtful = m_or(w->doubtful, m_andnot(ends, sound));
    w->climbing = m_andnot(w->climbing, done);
}

/* Decide where there is doubt. Where the condition was met in vain, and there are more
 * events, the walk goes on. */
static inline void settle(walk_t *w, const neuron_t *p, const events_t *e)
{
    w->doubtful = m_or(w->doubtful, w->climbing);
    if (!m_any(w->doubtful)) return;
    const mask crossed = crosses(p, w->doubtful, w->a, w->v, w->start, w->end);
    const mask not_crossed = m_andnot(w->doubtful, crossed);
    const mask more = v_gt(v_set((real)(e->n - 1)), w->k);
    w->fires = m_andnot(w->fires, not_crossed);
    w->vain = m_or(w->vain, m_and(not_crossed, more));
    w->doubtful = w->climbing = m_none();
}

/* Where to go on, from the first interval in which the condition was met in vain; 0:
 * nowhere. */
static size_t resume(walk_t *walk, int vecs)
{
    mask any = m_none();
    for (int q = 0; q < vecs; ++q) {
        walk[q].waiting = m_none();
        any = m_or(any, walk[q].vain);
    }
    if (!m_any(any)) return 0;
    vec before = v_set(-REAL_MAX);
    for (int q = 0; q < vecs; ++q) {
        before = v_max(before, v_select(walk[q].vain, v_set(0) - walk[q].k, before));
    }
    const real first = -v_greatest(before);
    for (int q = 0; q < vecs; ++q) {
        walk[q].waiting = m_and(walk[q].vain, v_eq(walk[q].k, v_set(first)));
        walk[q].vain = m_andnot(walk[q].vain, walk[q].waiting);
    }
    return (size_t)first + 1;
}

/* Samples that pass through a panel together, so that their neurons climb together. */
#define GROUP 8

/* First spikes of a panel in n <= GROUP samples, and the slope of the membrane there;
 * rows of spikes and slopes are n_out long. */
static void first_spike_group(const neuron_t *p, const variation_t *varied,
                              const events_t *lists, size_t n, const real *weights,
                              real t_max, panel_t panel, size_t n_out, real *spikes,
                              real *slopes)
{
    const size_t vecs = (size_t)panel.vecs, n_walks = n * vecs;
    const int is_own = varied->own != NULL;
    const real *gains = varied->gains;
    const size_t step_p =
        (size_t)is_own; /* from the parameters of a vector to the next */
    walk_t walks[GROUP * PANEL_VECS];
    uint8_t climbers[GROUP * PANEL_VECS];
    size_t from[GROUP] = {0};
    int is_done = 0;

    for (size_t i = 0; i < n_walks; ++i) {
        const vec zero = v_set(0);
        const mask none = m_none();
        const mask all = m_first(lanes_of(panel.lanes, (int)(i % vecs)));
        walks[i] = (walk_t){zero, zero, zero, v_set(1), zero, zero, zero,
                            zero, all,  none, none,     none, none};
        if (gains) {
            const size_t from = i / vecs * n_out + i % vecs * WIDTH;
            walks[i].gain =
                v_load_part(gains + from, lanes_of(panel.lanes, (int)(i % vecs)));
        }
    }
    if (is_own) p = varied->own + panel.begin / WIDTH;
    while (!is_done) {
        size_t n_climbers = 0;
        for (size_t s = 0; s < n; ++s) {
            walk_t *walk = walks + s * vecs;
            for (size_t q = 0; q < vecs; ++q) walk[q].climbing = walk[q].waiting;
            if (from[s] == SIZE_MAX) continue;
            if (is_own) {
                advance_own(p, &lists[s], weights, from[s], walk, panel.vecs);
            } else if (gains) {
                advance_with_gains(p, &lists[s], weights, from[s], walk, panel.vecs);
            } else {
                advance(p, &lists[s], weights, from[s], walk, panel.vecs);
            }
            for (size_t q = 0; q < vecs; ++q) {
                walk[q].climbing = m_andnot(walk[q].climbing, walk[q].waiting);
                if (!m_any(walk[q].climbing)) continue;
                enter_interval(&walk[q], &lists[s], is_own);
                climbers[n_climbers++] = (uint8_t)(s * vecs + q);
            }
        }
        for (int step = 0; step < 100 && n_climbers > 0; ++step) {
            size_t n_left = 0;
            for (size_t i = 0; i < n_climbers; ++i) {
                walk_t *w = &walks[climbers[i]];
                climb_on(w, p + climbers[i] % vecs * step_p);
                climbers[n_left] = climbers[i];
                n_left += (size_t)m_any(w->climbing);
            }
            n_climbers = n_left;
        }
        is_done = 1;
        for (size_t s = 0; s < n; ++s) {
            if (from[s] == SIZE_MAX) continue;
            walk_t *walk = walks + s * vecs;
            for (size_t q = 0; q < vecs; ++q) {
                settle(&walk[q], p + q * step_p, &lists[s]);
            }
            from[s] = resume(walk, panel.vecs);
            if (from[s] == 0) from[s] = SIZE_MAX;
            is_done &= from[s] == SIZE_MAX;
        }
    }
    for (size_t i = 0; i < n_walks; ++i) {
        const walk_t *w = &walks[i];
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
        if (slopes) v_store_part(slopes + to, w->slope, lanes);
    }
}

/* Of a layer in n samples; `varied` and slopes may be NULL. Panels in the outer loop,
 * so that the weights of one stay in the second-level cache. */
static void first_spikes(const neuron_t *p, const variation_t *varied,
                         const events_t *lists, size_t n, size_t n_in,
                         const real *weights, size_t n_out, real t_max, real *spikes,
                         real *slopes)
{
    for (size_t j = 0; j < n_out; j += LANES) {
        const panel_t panel = panel_of(n_out, j);
        for (size_t s = 0; s < n; s += GROUP) {
            const size_t at = s * n_out + j;
            variation_t mine = {NULL, NULL};
            if (varied) mine = *varied;
            if (mine.gains) mine.gains += at;
            first_spike_group(p, &mine, lists + s, smaller(GROUP, n - s),
                              weights + j * n_in, t_max, panel, n_out, spikes + at,
                              slopes ? slopes + at : NULL);
        }
    }
}

#endif
