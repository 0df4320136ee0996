/* The step of Newton's method that finds a crossing. */
#ifndef TTFS_REAL_NEURON_NEWTON_STEP_H
#define TTFS_REAL_NEURON_NEWTON_STEP_H

#include "real/neuron/kappa.h"

/* Up to here expm1(y) is summed without a reduction. */
#define NEAR_STEP ((real)0.34)

/* Vectors of neurons that make a step together. */
#define TOGETHER 4
#define EACH_STEP _Pragma("GCC unroll 4") for (int i = 0; i < n; ++i)

/* Steps towards u(x) = threshold, from below it.
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
 * n vectors of neurons make a step together, part by part: a step is one long chain of
 * instructions that wait for each other, and the processor sees no more than one chain
 * ahead. x becomes the next x, at most end. `done` gets the neurons that need no other
 * step: what is left out is lost in rounding, or the membrane does not rise, as beyond
 * a tangent crossing. `sound` gets those among them that have crossed for certain:
 * still rising, and before end. */
ALWAYS_INLINE void newton_steps(const neuron_t *p, const vec *a, const vec *v, vec *x,
                                const vec *end, mask *done, mask *sound, const int n)
{
    const vec zero = v_set(0), tiny = v_set((real)(2 * FLT_MIN));
    const vec fast = p->fast, threshold = p->threshold;
    const vec bend = v_set(2) * threshold * fast * p->slow;
    const int bends = p->bends;
    vec here[TOGETHER], missing[TOGETHER], step[TOGETHER], error[TOGETHER];
    vec slope[TOGETHER]; /* first the mean slope on the way, then that of the error */

    EACH_STEP
    {
        const kernel_t k = kernel(p, x[i]);
        here[i] = v_fnma(fast, threshold, p->rate_syn * a[i] * k.slow);
        missing[i] = threshold - membrane(a[i], v[i], k);
    }
    EACH_STEP
    {
        slope[i] = here[i];
        if (!bends) continue;
        const vec square = v_max(v_fnma(bend, missing[i], here[i] * here[i]), tiny);
        const vec root = square * v_inverse_sqrt(square);
        slope[i] = v_set((real)0.5) * (here[i] + root);
    }
    EACH_STEP
    {
        step[i] = missing[i] * v_inverse(slope[i]);
        error[i] = fast * step[i]; /* to the power of what is left out */
        error[i] = bends ? error[i] * error[i] * error[i] : error[i] * error[i];
        slope[i] = here[i];
        if (p->family != TTFS_EQUAL) step[i] = v_log1p(p->gap * step[i]) / p->gap;
    }
    if (p->family == TTFS_EQUAL) {
        vec there[TOGETHER], lacking[TOGETHER];
        EACH_STEP
        {
            const vec y = fast * step[i], grown = y * v_expm1_series(y);
            there[i] = v_fnma(fast * threshold, grown, here[i]);
            lacking[i] =
                v_fma(threshold, grown - y, v_fnma(here[i], step[i], missing[i]));
        }
        EACH_STEP
        {
            const vec more = lacking[i] * v_inverse(there[i]);
            const mask is_near = v_gt(v_set(NEAR_STEP), fast * step[i]);
            const mask helps =
                m_and(m_and(is_near, v_gt(there[i], zero)), v_ge(more, zero));
            step[i] = step[i] + v_keep(helps, more);
            error[i] = v_select(helps, fast * more * (fast * more), error[i]);
            slope[i] = v_select(helps, there[i], here[i]);
        }
    }
    EACH_STEP
    {
        const vec next = v_min(x[i] + step[i], end[i]);
        const mask rises = v_gt(here[i], zero);
        const mask small =
            v_ge(v_set(REAL_EPSILON / 4) * slope[i], fast * threshold * error[i]);
        const vec way = v_keep(m_and(rises, v_gt(next, x[i])), next - x[i]);
        done[i] = m_or(small, v_ge(x[i], x[i] + way));
        sound[i] = m_and(m_and(small, rises), v_gt(end[i], next));
        x[i] = x[i] + way;
    }
}

/* The slope of the membrane at a crossing, where u is the threshold. */
static inline vec crossing_slope(const neuron_t *p, vec a, vec x)
{
    return v_fnma(p->fast, p->threshold, p->rate_syn * a * v_exp(-p->slow * x));
}

#endif
