/* The peaks of neurons that stay silent. */
#ifndef TTFS_REAL_LAYER_PEAK_H
#define TTFS_REAL_LAYER_PEAK_H

#include "real/layer/events.h"
#include "real/layer/panel.h"
#include "real/neuron/crossing.h"

/* The kernel at the ends of the intervals after WIDTH events, side by side: two parts,
 * and current = exp(-slow x) / tau_syn. kappa is NaN where the next event is at the
 * same time. */
typedef struct {
    real fast[WIDTH], current[WIDTH], kappa[WIDTH];
} block_end_t;

/* The ends of all intervals of a list, and the intervals that are to be looked at
 * again. */
typedef struct {
    block_end_t *blocks;
    real *a, *v; /* (n, WIDTH) */
    uint32_t *k;
} ends_t;

static inline size_t ends_workspace_size(size_t n)
{
    const size_t size = padded(n);
    return size / WIDTH * (sizeof(block_end_t) / sizeof(real)) + 2 * WIDTH * size +
           size * sizeof(uint32_t) / sizeof(real) + 16;
}

static ends_t ends_of(const neuron_t *p, const events_t *e, real *workspace)
{
    const size_t n = e->n, size = padded(n);
    ends_t ends = {.blocks = (block_end_t *)workspace};
    ends.a = (real *)(ends.blocks + size / WIDTH);
    ends.v = ends.a + size * WIDTH;
    ends.k = (uint32_t *)(ends.v + size * WIDTH);
    for (size_t k = 0; k < n; k += WIDTH) {
        block_end_t *block = ends.blocks + k / WIDTH;
        const kernel_t last = kernel(p, v_load(e->end + k));
        v_store(block->fast, last.fast);
        v_store(block->current, p->rate_syn * last.slow);
        const vec bound = v_load(e->crossing_bound + k);
        v_store(block->kappa, v_select(v_eq(bound, bound), last.kappa, v_set(NAN)));
    }
    return ends;
}

/* May u exceed a height inside the interval after event k? A peak above the height
 * meets the condition for a crossing there. */
static inline mask may_exceed(const neuron_t *p, const events_t *e, size_t k, vec a,
                              vec v, vec height)
{
    const vec crossing_bound = height * v_set(e->crossing_bound[k]) / p->threshold;
    const vec line = v_fma(a, v_set(e->end_warp[k]), v);
    return m_or(v_ge(line, crossing_bound), v_gt(v_set(0), height));
}

/* The peak of neurons that have not fired: the greatest u at its local maxima, inside
 * the intervals between events or at their ends, and at t_max. Ahead of the first event
 * u is 0; that does not count, so a neuron that is only inhibited still has a peak on
 * which its inputs have a say.
 *
 * Intervals in which u has a maximum inside that may be the greatest so far are
 * remembered, and looked at when the greatest u at the ends of intervals is known: most
 * of them do not come up to it.
 *
 * `slopes` gets u' at the peak, from its left, of silent neurons only. */
static void peak_vector(const neuron_t *p, const events_t *list, const ends_t *given,
                        const real *weights, size_t stride, real t_max, size_t lanes,
                        const real *spikes, real *u_peak, real *t_peak, real *slopes)
{
    const events_t copy = *list, *e = &copy; /* a copy that no store below can change */
    const ends_t ends = *given;
    const vec zero = v_set(0), rate_syn = p->rate_syn, fast = p->fast;
    const vec spike = v_load_part(spikes, lanes);
    const mask fired = v_gt(v_set(t_max), spike);
    const mask silent = m_andnot(m_first(lanes), fired);
    vec a = zero, v = zero, slope = zero;
    vec best = v_set(e->n > 0 ? -INFINITY : 0), best_slope = zero;
    vec when = v_set(t_max), u_end = zero;
    mask is_inside = m_none();
    const size_t last = e->n - 1; /* if there is one */
    size_t segment = 0, n_inside = 0;

    if (!m_any(silent)) {
        v_store_part(u_peak, p->threshold, lanes);
        v_store_part(t_peak, spike, lanes);
        return;
    }
    for (; segment < e->n_segments; ++segment) {
        const size_t end_of_segment = e->segment[segment + 1];
        if (segment > 0) {
            const kernel_t shift = kernel(p, v_set(e->shift[segment]));
            v = membrane(a, v, shift);
            a = a * shift.slow;
        }
        for (size_t k = e->segment[segment]; k < end_of_segment; ++k) {
            const block_end_t *block = ends.blocks + k / WIDTH;
            const size_t l = k % WIDTH;
            const vec w = v_load(weights + e->input[k] * stride);
            a = v_fma(w, v_set(e->gain[k]), a);
            v = v_fnma(w, v_set(e->gain_warp[k]), v);
            slope = v_fma(w, rate_syn, slope);
            if (isnan(block->kappa[l]))
                continue; /* the next event is at the same time */
            const mask rises_first = v_gt(slope, zero);
            const vec u = v_fma(v, v_set(block->fast[l]), a * v_set(block->kappa[l]));
            slope = v_fnma(fast, u, a * v_set(block->current[l]));
            const mask rises_last = v_gt(slope, zero);
            const mask inside = m_andnot(m_and(silent, rises_first), rises_last);
            if (m_any(inside) &&
                m_any(m_and(inside, may_exceed(p, e, k, a, v, best)))) { /* rare */
                v_store(ends.a + n_inside * WIDTH, a);
                v_store(ends.v + n_inside * WIDTH, v);
                ends.k[n_inside++] = (uint32_t)k;
            }
            u_end = u;
            is_inside = inside;
            const mask better = m_and(rises_last, v_gt(u, best));
            best = v_select(better, u, best);
            best_slope = v_select(better, slope, best_slope);
            /* The peak's time is the event's, bit for bit: gradients ask with which
             * input it coincides. */
            when = v_select(better, v_set(e->time[k < last ? k + 1 : last]), when);
        }
    }
    if (e->n > 0) { /* at t_max any slope will do */
        const mask better = m_andnot(v_ge(u_end, best), is_inside);
        best = v_select(better, u_end, best);
        best_slope = v_select(better, slope, best_slope);
        when = v_select(better, v_set(t_max), when);
    }
    for (size_t i = 0; i < n_inside; ++i) {
        const size_t k = ends.k[i];
        a = v_load(ends.a + i * WIDTH);
        v = v_load(ends.v + i * WIDTH);
        if (!m_any(m_and(silent, may_exceed(p, e, k, a, v, best)))) continue;
        const vec start = v_set(e->start[k]), end = v_set(e->end[k]);
        const block_end_t *block = ends.blocks + k / WIDTH;
        const size_t l = k % WIDTH;
        const vec u_last = v_fma(v, v_set(block->fast[l]), a * v_set(block->kappa[l]));
        const mask falls =
            v_ge(zero, v_fnma(fast, u_last, a * v_set(block->current[l])));
        const vec x = peak(p, a, v);
        const vec u = membrane(a, v, kernel(p, x));
        const mask inside = m_and(falls, m_and(v_gt(x, start), v_gt(end, x)));
        const mask better = m_and(inside, v_gt(u, best));
        best = v_select(better, u, best);
        best_slope = v_select(better, zero, best_slope);
        when = v_select(better, v_set(e->time[k]) + (x - start), when);
    }
    v_store_part(u_peak, v_select(fired, p->threshold, best), lanes);
    v_store_part(t_peak, v_select(fired, spike, when), lanes);
    v_store_part(slopes, v_select(fired, v_load_part(slopes, lanes), best_slope),
                 lanes);
}

static void peak_panel(const neuron_t *p, const events_t *e, const ends_t *ends,
                       const real *weights, real t_max, panel_t panel,
                       const real *spikes, real *u_peak, real *t_peak, real *slopes)
{
    for (int q = 0; q < panel.vecs; ++q) {
        const size_t at = (size_t)q * WIDTH;
        peak_vector(p, e, ends, weights + at, (size_t)panel.vecs * WIDTH, t_max,
                    lanes_of(panel.lanes, q), spikes + at, u_peak + at, t_peak + at,
                    slopes + at);
    }
}

#endif
