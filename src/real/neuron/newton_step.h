/* The step of Newton's method that finds a crossing. */
#ifndef TTFS_REAL_NEURON_NEWTON_STEP_H
#define TTFS_REAL_NEURON_NEWTON_STEP_H

#include "real/neuron/kappa.h"

/* A step towards u(x) = threshold, from below it.
 *
 * Line minus curve is concave in s = (exp(gap (x' - x)) - 1) / gap, the way from x:
 *     exp(-fast x) (line - curve) = u(x) - threshold + here s - bend s^2 / 2 - ...
 *     here = a exp(-slow x) / tau_syn - fast threshold
 *     bend = threshold fast slow
 * The next term is negative too where slow >= gap (its factor is slow - gap), and the
 * root of the first three then lies before the crossing; elsewhere that holds without
 * the bend, for Newton's method. Either way the steps lead x from the left end of an
 * interval to the first crossing without passing it.
 *
 * Returns the next x, at most end. `slope` gets `here` at the next x, which is u' at
 * the crossing. `done` gets the neurons that need no other step: the term left out is
 * lost in rounding, or the membrane does not rise, as beyond a tangent crossing.
 * `sound` gets those among them that have crossed for certain: still rising, and before
 * end. */
static inline vec newton_step(const neuron_t *p, vec a, vec v, vec x, vec end,
                              vec *slope, mask *done, mask *sound)
{
    const vec zero = v_set(0), fast = p->fast, threshold = p->threshold;
    const int bends = p->bends;
    const kernel_t k = kernel(p, x);
    const vec current = p->rate_syn * a * k.slow;
    const vec here = v_fnma(fast, threshold, current);
    const vec missing = threshold - membrane(a, v, k);
    vec slope_s = here; /* mean slope on the way */
    if (bends) {
        const vec bend = v_set(2) * p->threshold * p->fast * p->slow;
        const vec root = v_sqrt(v_max(v_fnma(bend, missing, here * here), zero));
        slope_s = v_set((real)0.5) * (here + root);
    }
    vec step = missing / slope_s;
    if (p->family != TTFS_EQUAL) {
        step = v_log1p(p->gap * step) / p->gap;
    }
    const vec next = v_min(x + step, end);
    const mask rises = v_gt(here, zero);
    step = v_keep(m_and(rises, v_gt(next, x)), next - x);
    /* exp(-slow step) to third order */
    const vec decay = p->slow * step;
    vec change = v_fnma(v_set((real)(1.0 / 6)), decay, v_set((real)0.5));
    change = v_fnma(decay * decay, change, decay);
    *slope = v_fnma(current, change, here);
    vec error = fast * step;
    error = bends ? error * error * error : error * error;
    const mask small = v_ge(v_set(REAL_EPSILON / 4) * here, fast * threshold * error);
    *done = m_or(small, v_ge(x, x + step));
    *sound = m_and(m_and(small, rises), v_gt(end, next));
    return x + step;
}

#endif
