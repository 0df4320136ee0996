/* Exponentials and logarithms of vectors. Errors, in units in the last place: exp 2,
 * expm1 4, log 3, log1p 5 (tests/c/test_vmath.c). */
#ifndef TTFS_REAL_SIMD_VMATH_H
#define TTFS_REAL_SIMD_VMATH_H

#include "real/simd/vectors.h"

/* sum from k = 1 of r^(k-1) / k!, that is expm1(r) / r, for |r| <= log(2) / 2: the
 * first term left out is below half a unit in the last place. Summed in pairs (Estrin's
 * scheme), whose chain of dependent steps is shorter than Horner's. */
static inline vec v_expm1_series(vec r)
{
#define PAIR(a, b) v_fma(v_set((real)(1.0 / (b))), r, v_set((real)(1.0 / (a))))
    const vec r2 = r * r, r4 = r2 * r2;
    const vec low = v_fma(PAIR(6, 24), r2, PAIR(1, 2));
#if REAL_BITS == 32
    const vec high = v_fma(v_set(1.0f / 5040), r2, PAIR(120, 720));
#else
    const vec middle = v_fma(PAIR(5040, 40320), r2, PAIR(120, 720));
    const vec top = v_fma(v_set(1.0 / 6227020800), r4,
                          v_fma(PAIR(39916800, 479001600), r2, PAIR(362880, 3628800)));
    const vec high = v_fma(top, r4, middle);
#endif
#undef PAIR
    return v_fma(high, r4, low);
}

/* x = n log(2) + r. x is clipped, but only where exp(x) is 0 or infinity in any case.
 */
static inline vec v_reduce(vec x, vec *n)
{
#if REAL_BITS == 32
    const real max_x = 128, log2_high = 0.693359375f, log2_low = -2.12194440e-4f;
#else
    const real max_x = 1080;
    const real log2_high = 6.93147180369123816490e-01; /* few bits: n of it is exact */
    const real log2_low = 1.90821492927058770002e-10;
#endif
    x = v_min(v_max(x, v_set(-max_x)), v_set(max_x));
    *n = v_round(x * v_set((real)1.4426950408889634)); /* 1 / log(2) */
    return v_fnma(*n, v_set(log2_low), v_fnma(*n, v_set(log2_high), x));
}

static inline vec v_exp(vec x)
{
    vec n;
    const vec r = v_reduce(x, &n);
    return v_scale2(v_fma(v_expm1_series(r), r, v_set(1)), n);
}

/* 2^n expm1(r) + (2^n - 1) */
static inline vec v_expm1(vec x)
{
    vec n;
    const vec r = v_reduce(x, &n);
    const vec s = r * v_expm1_series(r);
    return v_scale2(s, n) + (v_scale2(v_set(1), n) - v_set(1));
}

/* log(x) = exponent log(2) + 2 artanh(s), s = (m - 1)/(m + 1), for a mantissa m within
 * a factor of sqrt(2) of 1; x positive and normal. */
static inline vec v_log(vec x)
{
    vec n, m = v_split(x, &n);
    const mask high = v_gt(m, v_set((real)1.4142135623730951));
    m = v_select(high, m * v_set((real)0.5), m);
    n = n + v_keep(high, v_set(1));
    const vec s = (m - v_set(1)) / (m + v_set(1)), s2 = s * s;
#if REAL_BITS == 32
    const real log2_high = 0.693359375f, log2_low = -2.12194440e-4f;
    vec sum = v_set(2.0f / 9);
#else
    const real log2_high = 6.93147180369123816490e-01;
    const real log2_low = 1.90821492927058770002e-10;
    vec sum = v_set(2.0 / 19);
    sum = v_fma(sum, s2, v_set(2.0 / 17));
    sum = v_fma(sum, s2, v_set(2.0 / 15));
    sum = v_fma(sum, s2, v_set(2.0 / 13));
    sum = v_fma(sum, s2, v_set(2.0 / 11));
    sum = v_fma(sum, s2, v_set(2.0 / 9));
#endif
    sum = v_fma(sum, s2, v_set((real)(2.0 / 7)));
    sum = v_fma(sum, s2, v_set((real)(2.0 / 5)));
    sum = v_fma(sum, s2, v_set((real)(2.0 / 3)));
    sum = v_fma(s2 * s, sum, s * v_set(2));
    return v_fma(n, v_set(log2_high), v_fma(n, v_set(log2_low), sum));
}

/* log(u) + (x - (u - 1)) / u with u = 1 + x rounded, x > -1: the second term is what
 * rounding took from x. */
static inline vec v_log1p(vec x)
{
    const vec u = v_set(1) + x;
    const vec lost =
        v_select(v_gt(x, v_set(1)), v_set(1) - (u - x), x - (u - v_set(1)));
    return v_log(u) + lost / u;
}

#endif
