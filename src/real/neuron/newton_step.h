/* The step of Newton's method that finds a crossing. */
#ifndef TTFS_REAL_NEURON_NEWTON_STEP_H
#define TTFS_REAL_NEURON_NEWTON_STEP_H

#include "real/neuron/kappa.h"

/* Up to here expm1(y) is summed without a reduction. */
#define NEAR_STEP ((real)0.34)

/* A step towards u(x) = threshold, from below it.
 *
 * Line minus curve is concave in s = (exp(gap (x' - x)) - 1) / gap, the way from x:
 *     exp(-fast x) (line - curve) = u(x) - threshold + here s - bend s^2 / 2 - ...
 *     here = a exp(-slow x) / tau_syn - fast threshold
 *     bend = threshold fast slow
 * The next term is negative too where slow >= gap (its factor is slow - gap), and the
 * root of the first three then lies before the crossing; elsewhere that holds without
 * the bend, for Newton's method. Where gap = 0, all terms are
 *     u(x) - threshold + here s - threshold (exp(fast s) - 1 - fast s)
 * and a step of Newton's method from that root follows at once. Either way the steps
 * lead x from the left end of an interval to the first crossing without passing it.
 *
 * Returns the next x, at most end. `done` gets the neurons that need no other step:
 * what is left out is lost in rounding, or the membrane does not rise, as beyond a
 * tangent crossing. `sound` gets those among them that have crossed for certain: still
 * rising, and before end. */
static inline vec newton_step(const neuron_t *p, vec a, vec v, vec x, vec end,
                              mask *done, mask *sound)
{
    const vec zero = v_set(0), tiny = v_set((real)(2 * FLT_MIN));
    const vec fast = p->fast, threshold = p->threshold;
    const int bends = p->bends;
    const kernel_t k = kernel(p, x);
    const vec here = v_fnma(fast, threshold, p->rate_syn * a * k.slow);
    const vec missing = threshold - membrane(a, v, k);
    vec slope = here; /* mean slope on the way */
    if (bends) {
        const vec bend = v_set(2) * threshold * fast * p->slow;
        const vec square = v_max(v_fnma(bend, missing, here * here), tiny);
        const vec root = square * v_inverse_sqrt(square);
        slope = v_set((real)0.5) * (here + root);
    }
    vec step = missing * v_inverse(slope);
    vec error = fast * step; /* of the crossing, to the power of what is left out */
    error = bends ? error * error * error : error * error;
    slope = here;
    if (p->family == TTFS_EQUAL) {
        const vec y = fast * step, grown = y * v_expm1_series(y);
        const vec there = v_fnma(fast * threshold, grown, here);
        const vec lacking = v_fma(threshold, grown - y, v_fnma(here, step, missing));
        const vec more = lacking * v_inverse(there);
        const mask helps = m_and(m_and(v_gt(v_set(NEAR_STEP), y), v_gt(there, zero)),
                                 v_ge(more, zero));
        step = step + v_keep(helps, more);
        error = v_select(helps, fast * more * (fast * more), error);
        slope = v_select(helps, there, here);
    } else {
        step = v_log1p(p->gap * step) / p->gap;
    }
    const vec next = v_min(x + step, end);
    const mask rises = v_gt(here, zero);
    const mask small = v_ge(v_set(REAL_EPSILON / 4) * slope, fast * threshold * error);
    step = v_keep(m_and(rises, v_gt(next, x)), next - x);
    *done = m_or(small, v_ge(x, x + step));
    *sound = m_and(m_and(small, rises), v_gt(end, next));
    return x + step;
}

/* The slope of the membrane at a crossing, where u is the threshold. */
static inline vec crossing_slope(const neuron_t *p, vec a, vec x)
{
    return v_fnma(p->fast, p->threshold, p->rate_syn * a * v_exp(-p->slow * x));
}

#endif
