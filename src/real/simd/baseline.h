/* Vectors of 16 bytes, in the vector extension of GCC and Clang: SSE2, NEON or what
 * else the processor has at least. See vectors.h. */
#ifndef TTFS_REAL_SIMD_BASELINE_H
#define TTFS_REAL_SIMD_BASELINE_H

#include "real/precision.h"

#include "common/isa.h"

#define WIDTH (128 / REAL_BITS)
#define PANEL_VECS 4
typedef real vec __attribute__((vector_size(16)));
#if REAL_BITS == 32
typedef int32_t mask __attribute__((vector_size(16)));
typedef int32_t integer;
#define EXPONENT_BIAS 127
#define MANTISSA_BITS 23
#else
typedef int64_t mask __attribute__((vector_size(16)));
typedef int64_t integer;
#define EXPONENT_BIAS 1023
#define MANTISSA_BITS 52
#endif

static inline vec v_set(real x)
{
    return x - (vec){0};
}

static inline vec v_load(const real *p)
{
    vec x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline void v_store(real *p, vec x)
{
    memcpy(p, &x, sizeof x);
}

static inline void v_store_index(uint32_t *p, vec k)
{
    for (int l = 0; l < WIDTH; ++l) p[l] = (uint32_t)k[l];
}

static inline mask m_first(size_t n)
{
    mask m = {0};
    for (int l = 0; l < WIDTH; ++l) m[l] = -((size_t)l < n);
    return m;
}

static inline vec v_load_part(const real *p, size_t n)
{
    vec x = {0};
    for (size_t l = 0; l < n; ++l) x[l] = p[l];
    return x;
}

static inline void v_store_part(real *p, vec x, size_t n)
{
    for (size_t l = 0; l < n; ++l) p[l] = x[l];
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return a * b + c;
}

static inline vec v_fnma(vec a, vec b, vec c)
{
    return c - a * b;
}

static inline mask v_gt(vec a, vec b)
{
    return a > b;
}

static inline mask v_ge(vec a, vec b)
{
    return a >= b;
}

static inline mask v_eq(vec a, vec b)
{
    return a == b;
}

static inline mask m_none(void)
{
    return (mask){0};
}

static inline mask m_and(mask a, mask b)
{
    return a & b;
}

static inline mask m_or(mask a, mask b)
{
    return a | b;
}

static inline mask m_andnot(mask a, mask b)
{
    return a & ~b;
}

static inline mask m_below(mask given, vec a, vec b)
{
    return given & ~(a >= b);
}

static inline uint64_t m_bits(mask m)
{
    uint64_t bits = 0;
    for (int l = 0; l < WIDTH; ++l) bits |= (uint64_t)(m[l] & 1) << l;
    return bits;
}

static inline int m_any(mask m)
{
    integer any = 0;
    for (int l = 0; l < WIDTH; ++l) any |= m[l];
    return any != 0;
}

static inline vec v_select(mask m, vec a, vec b)
{
    return (vec)((m & (mask)a) | (~m & (mask)b));
}

static inline vec v_keep(mask m, vec a)
{
    return (vec)(m & (mask)a);
}

static inline vec v_fma_where(mask m, vec a, vec b, vec c)
{
    return v_fma(a, v_keep(m, b), c);
}

static inline vec v_min(vec a, vec b)
{
    return v_select(a < b, a, b);
}

static inline vec v_max(vec a, vec b)
{
    return v_select(a > b, a, b);
}

/* Adding 1.5 2^MANTISSA_BITS leaves no bits behind the point; |x| is far below. */
static inline vec v_round(vec x)
{
    const vec magic = v_set((real)3 * (real)((integer)1 << (MANTISSA_BITS - 1)));
    return (x + magic) - magic;
}

/* 2^n for a normal result: n into the bits of the exponent. */
static inline vec v_power2(vec n)
{
    return (vec)((__builtin_convertvector(n, mask) + EXPONENT_BIAS) << MANTISSA_BITS);
}

static inline vec v_sqrt(vec x)
{
    for (int l = 0; l < WIDTH; ++l) x[l] = SQRT(x[l]);
    return x;
}

static inline vec v_scale2(vec x, vec n)
{
    const vec half = v_round(n * (real)0.5); /* 2^n may not be normal */
    return x * v_power2(half) * v_power2(n - half);
}

static inline vec v_split(vec x, vec *exponent)
{
    const mask i = (mask)x, mantissa = i & (((integer)1 << MANTISSA_BITS) - 1);
    *exponent = __builtin_convertvector((i >> MANTISSA_BITS) - EXPONENT_BIAS, vec);
    return (vec)(mantissa | (mask)v_set(1));
}

static inline vec v_inverse_sqrt(vec x)
{
    for (int l = 0; l < WIDTH; ++l) x[l] = 1 / SQRT(x[l]);
    return x;
}

static inline vec v_inverse(vec x)
{
    return 1 / x;
}

static inline real v_sum(vec x)
{
    real sum = 0;
    for (int l = 0; l < WIDTH; ++l) sum += x[l];
    return sum;
}

static inline vec v_sums(const vec *x)
{
    vec sums = {0};
    for (int l = 0; l < WIDTH; ++l) {
        vec column = {0};
        for (int i = 0; i < WIDTH; ++i) column[i] = x[i][l];
        sums = sums + column;
    }
    return sums;
}

static inline void v_pairs(const real *p, const uint32_t *index, vec *at, vec *after)
{
    for (int l = 0; l < WIDTH; ++l) {
        (*at)[l] = p[index[l]];
        (*after)[l] = p[index[l] + 1];
    }
}

static inline real v_max_lane(vec x)
{
    real greatest = x[0];
    for (int l = 1; l < WIDTH; ++l) greatest = x[l] > greatest ? x[l] : greatest;
    return greatest;
}

static inline size_t v_compress(real *p, uint32_t *index, mask m, vec x, uint32_t first)
{
    real lanes[WIDTH], kept[WIDTH];
    size_t n = 0;
    v_store(lanes, x);
    v_store(kept, v_keep(m, v_set(1)));
    for (uint32_t l = 0; l < WIDTH; ++l) {
        p[n] = lanes[l];
        index[n] = first + l;
        n += kept[l] != 0;
    }
    return n;
}

#undef EXPONENT_BIAS
#undef MANTISSA_BITS

#endif
