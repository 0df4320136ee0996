/* The mathematics of one neuron, for a vector of neurons: all of them have the same
 * parameters, or each has its own.
 *
 * With fast and slow the greater and the smaller of the rates 1/tau_mem and
 * 1/tau_syn, and gap = fast - slow, one form of the kernel covers all regimes:
 *
 *     kappa(x) = exp(-fast x) warp(x)
 *     warp(x)  = (exp(gap x) - 1) / (gap tau_syn)         x / tau_syn where gap = 0
 *
 * The addition theorem warp(x - y) = exp(-gap y) (warp(x) - warp(y)) splits the
 * membrane u(t) = sum w_i kappa(t - t_i) into running sums over the inputs that came
 * before. With all times taken from a common reference, x = t - reference,
 *
 *     u(x) = exp(-fast x) (v + a warp(x))
 *     a = sum w_i exp(slow x_i)                  the current, seen from the reference
 *     v = - sum w_i exp(slow x_i) warp(x_i)      the membrane, seen from there
 *
 * so that u >= threshold wherever the line v + a warp reaches the convex curve
 * threshold exp(fast x) (convex as a function of warp).
 */
#ifndef TTFS_REAL_NEURON_KAPPA_H
#define TTFS_REAL_NEURON_KAPPA_H

#include "real/simd/vmath.h"

/* A reference is kept while fast x stays below this: the sums then lose no more than
 * three bits to cancellation, and exp() is far from overflow. */
#define REFERENCE_SPAN 8

/* The gap, as a part of fast, of equal time constants where neurons have their own: too
 * small to be seen, so that one form of the kernel serves all of them. */
#define EQUAL_GAP 1e-18

/* The parameters of a vector of neurons, in the precision at hand: see ttfs_neuron. */
typedef struct {
    ttfs_family family;
    int bends; /* slow >= gap, see newton_steps() */
    vec fast, slow, gap;
    vec rate_syn; /* 1 / tau_syn */
    vec scale;    /* 1 / (gap tau_syn), where gap > 0 */
    vec threshold;
    vec tangent_scale; /* tau_syn fast threshold: tangent at slow x = log(a / this) */
} neuron_t;

static neuron_t neuron_of(const ttfs_neuron *n)
{
    neuron_t p;
    p.family = n->family;
    p.bends = (real)n->slow >= (real)n->gap;
    p.fast = v_set((real)n->fast);
    p.slow = v_set((real)n->slow);
    p.gap = v_set((real)n->gap);
    p.rate_syn = v_set((real)(1 / n->tau_syn));
    p.scale = v_set(n->family == TTFS_EQUAL ? 0 : (real)(1 / (n->gap * n->tau_syn)));
    p.threshold = v_set((real)n->threshold);
    p.tangent_scale = v_set((real)(n->tau_syn * n->fast * n->threshold));
    return p;
}

/* warp(x) for 0 <= x; finite. */
static inline vec warp(const neuron_t *p, vec x)
{
    const vec r =
        p->family == TTFS_EQUAL ? p->rate_syn * x : p->scale * v_expm1(p->gap * x);
    return v_min(r, v_set(REAL_MAX));
}

/* The kernel and the two exponentials it is made of, at 0 <= x; no x overflows. */
typedef struct {
    vec fast;  /* exp(-fast x) */
    vec slow;  /* exp(-slow x) */
    vec kappa; /* kappa(x) */
} kernel_t;

static inline kernel_t kernel(const neuron_t *p, vec x)
{
    kernel_t k;
    switch (p->family) {
    case TTFS_EQUAL:
        k.fast = k.slow = v_exp(-p->fast * x);
        k.kappa = p->rate_syn * x * k.fast;
        break;
    case TTFS_DOUBLE: /* fast = 2 slow: one exponential serves both */
        k.slow = v_exp(-p->slow * x);
        k.fast = k.slow * k.slow;
        k.kappa = v_set(-2) * k.slow * v_expm1(-p->slow * x);
        break;
    case TTFS_NONLEAKY:
        k.fast = v_exp(-p->fast * x);
        k.slow = v_set(1);
        k.kappa = v_set(0) - v_expm1(-p->fast * x);
        break;
    default: /* expm1: no cancellation where the two rates are close */
        k.fast = v_exp(-p->fast * x);
        k.slow = v_exp(-p->slow * x);
        k.kappa = -p->scale * k.slow * v_expm1(-p->gap * x);
    }
    return k;
}

/* The kernel where each neuron has its own rates, gap > 0, for a membrane that is
 * looked at from the last event: fast is as exact as slow only in its absolute error.
 * is_near: all exponents are within log(2) / 2 of 0, and need no reduction. */
ALWAYS_INLINE kernel_t passage(const neuron_t *p, vec x, const int is_near)
{
    const vec s = -p->slow * x, g = -p->gap * x;
    kernel_t k;
    vec lost; /* expm1(-gap x) slow */
    if (is_near) {
        k.slow = v_fma(v_expm1_series(s), s, v_set(1));
        lost = k.slow * (g * v_expm1_series(g));
    } else {
        k.slow = v_exp(s);
        lost = k.slow * v_expm1(g);
    }
    k.fast = k.slow + lost;
    k.kappa = -p->scale * lost;
    return k;
}

/* kappa'(x) = exp(-slow x) / tau_syn - fast kappa(x) */
static inline vec kernel_slope(const neuron_t *p, kernel_t k)
{
    return v_fnma(p->fast, k.kappa, p->rate_syn * k.slow);
}

/* u(x) from the running sums */
static inline vec membrane(vec a, vec v, kernel_t k)
{
    return v_fma(v, k.fast, a * k.kappa);
}

#endif
