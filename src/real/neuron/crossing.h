/* Whether a neuron crosses its threshold in an interval between events, and where its
 * membrane is greatest there. */
#ifndef TTFS_REAL_NEURON_CROSSING_H
#define TTFS_REAL_NEURON_CROSSING_H

#include "real/neuron/kappa.h"

/* Which of the given neurons, below threshold at start, reach it before or at end?
 *
 * Line minus curve is greatest at the tangent point a exp(gap x) / tau_syn =
 * fast threshold exp(fast x), or at the end of the interval if that comes first.
 * There the question is decided. */
static inline mask crosses(const neuron_t *p, mask given, vec a, vec v, vec start,
                           vec end)
{
    const vec threshold = p->threshold;
    if (p->family == TTFS_NONLEAKY) { /* no tangent point: u tends to a for ever */
        given = m_and(given, v_gt(a, threshold));
    } else {
        const vec ratio = v_max(a / p->tangent_scale, v_set((real)FLT_MIN));
        const vec tangent = v_log(ratio) / p->slow;
        given = m_and(given, v_gt(tangent, start));
        end = v_min(end, tangent);
    }
    return m_and(given, v_ge(membrane(a, v, kernel(p, end)), threshold));
}

/* Local maximum of u, given that it rises before and falls after:
 *     exp(gap x) = fast/slow (1 - v gap tau_syn / a) */
static inline vec peak(const neuron_t *p, vec a, vec v)
{
    if (p->family == TTFS_EQUAL) {
        return v_set(1) / p->slow - v / (p->rate_syn * a);
    }
    const vec ratio = v_log1p(p->gap / p->slow);
    return (ratio + v_log1p(v_set(0) - v / (p->scale * a))) / p->gap;
}

#endif
