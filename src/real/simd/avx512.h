/* Vectors of AVX-512 (F, DQ, VL): 16 floats or 8 doubles; a mask is a register of
 * bits. See vectors.h. */
#ifndef TTFS_REAL_SIMD_AVX512_H
#define TTFS_REAL_SIMD_AVX512_H

#include "real/precision.h"

#include "common/isa.h"

#if REAL_BITS == 32
typedef __m512 vec;
typedef __mmask16 mask;
#define WIDTH 16
#define OP(name) _mm512_##name##_ps
#else
typedef __m512d vec;
typedef __mmask8 mask;
#define WIDTH 8
#define OP(name) _mm512_##name##_pd
#endif
#define PANEL_VECS 6

static inline vec v_set(real x)
{
    return OP(set1)(x);
}

static inline vec v_load(const real *p)
{
    return OP(loadu)(p);
}

static inline void v_store(real *p, vec x)
{
    OP(storeu)(p, x);
}

static inline mask m_first(size_t n)
{
    return (mask)((1u << n) - 1);
}

static inline vec v_load_part(const real *p, size_t n)
{
    return OP(maskz_loadu)(m_first(n), p);
}

static inline void v_store_part(real *p, vec x, size_t n)
{
    OP(mask_storeu)(p, m_first(n), x);
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return OP(fmadd)(a, b, c);
}

static inline vec v_fnma(vec a, vec b, vec c)
{
    return OP(fnmadd)(a, b, c);
}

static inline vec v_fma_where(mask m, vec a, vec b, vec c)
{
    return OP(mask3_fmadd)(a, b, c, m);
}

static inline vec v_min(vec a, vec b)
{
    return OP(min)(a, b);
}

static inline vec v_max(vec a, vec b)
{
    return OP(max)(a, b);
}

static inline mask v_gt(vec a, vec b)
{
#if REAL_BITS == 32
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
#else
    return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ);
#endif
}

static inline mask v_ge(vec a, vec b)
{
#if REAL_BITS == 32
    return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
#else
    return _mm512_cmp_pd_mask(a, b, _CMP_GE_OQ);
#endif
}

static inline mask v_eq(vec a, vec b)
{
#if REAL_BITS == 32
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
#else
    return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ);
#endif
}

static inline mask m_none(void)
{
    return 0;
}

static inline mask m_and(mask a, mask b)
{
    return (mask)(a & b);
}

static inline mask m_or(mask a, mask b)
{
    return (mask)(a | b);
}

static inline mask m_andnot(mask a, mask b)
{
    return (mask)(a & ~b);
}

static inline mask m_below(mask given, vec a, vec b)
{
#if REAL_BITS == 32
    return _mm512_mask_cmp_ps_mask(given, a, b, _CMP_NGE_UQ);
#else
    return _mm512_mask_cmp_pd_mask(given, a, b, _CMP_NGE_UQ);
#endif
}

static inline int m_any(mask m)
{
    return m != 0;
}

static inline uint64_t m_bits(mask m)
{
    return m;
}

static inline vec v_select(mask m, vec a, vec b)
{
    return OP(mask_blend)(m, b, a);
}

static inline vec v_keep(mask m, vec a)
{
    return OP(maskz_mov)(m, a);
}

static inline vec v_round(vec x)
{
    return OP(roundscale)(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vec v_sqrt(vec x)
{
    return OP(sqrt)(x);
}

static inline vec v_scale2(vec x, vec n)
{
    return OP(scalef)(x, n);
}

static inline vec v_split(vec x, vec *exponent)
{
    *exponent = OP(getexp)(x);
    return OP(getmant)(x, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_zero);
}

/* Estimates of 14 bits, sharpened by Newton's method. */
static inline vec v_inverse_sqrt(vec x)
{
    const vec half_x = v_set((real)0.5) * x;
    vec r = OP(rsqrt14)(x);
    for (int bits = 14; bits < (REAL_BITS == 32 ? 24 : 53); bits *= 2) {
        r = v_fma(r, v_fnma(half_x * r, r, v_set((real)0.5)), r);
    }
    return r;
}

static inline vec v_inverse(vec x)
{
    vec r = OP(rcp14)(x);
    for (int bits = 14; bits < (REAL_BITS == 32 ? 24 : 53); bits *= 2) {
        r = v_fma(r, v_fnma(x, r, v_set(1)), r);
    }
    return r;
}

static inline real v_sum(vec x)
{
    return OP(reduce_add)(x);
}

/* Halves of two vectors are added at a time, so that one addition serves both. */
#if REAL_BITS == 32
static inline vec v_sums(const vec *x)
{
    vec y[8], z[4], pairs[2];
    _Pragma("GCC unroll 8") for (int i = 0; i < 8; ++i)
    {
        y[i] = _mm512_shuffle_f32x4(x[i], x[i + 8], 0x44) +
               _mm512_shuffle_f32x4(x[i], x[i + 8], 0xEE);
    }
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; ++i)
    {
        z[i] = _mm512_shuffle_f32x4(y[i], y[i + 4], 0x88) +
               _mm512_shuffle_f32x4(y[i], y[i + 4], 0xDD);
    }
    _Pragma("GCC unroll 2") for (int i = 0; i < 2; ++i)
    {
        pairs[i] = _mm512_shuffle_ps(z[i], z[i + 2], 0x44) +
                   _mm512_shuffle_ps(z[i], z[i + 2], 0xEE);
    }
    const vec sums = _mm512_shuffle_ps(pairs[0], pairs[1], 0x88) +
                     _mm512_shuffle_ps(pairs[0], pairs[1], 0xDD);
    const __m512i place =
        _mm512_set_epi32(15, 13, 14, 12, 7, 5, 6, 4, 11, 9, 10, 8, 3, 1, 2, 0);
    return _mm512_permutexvar_ps(place, sums);
}
#else
static inline vec v_sums(const vec *x)
{
    vec y[4], z[2];
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; ++i)
    {
        y[i] = _mm512_shuffle_f64x2(x[i], x[i + 4], 0x44) +
               _mm512_shuffle_f64x2(x[i], x[i + 4], 0xEE);
    }
    _Pragma("GCC unroll 2") for (int i = 0; i < 2; ++i)
    {
        z[i] = _mm512_shuffle_f64x2(y[i], y[i + 2], 0x88) +
               _mm512_shuffle_f64x2(y[i], y[i + 2], 0xDD);
    }
    const vec sums = _mm512_unpacklo_pd(z[0], z[1]) + _mm512_unpackhi_pd(z[0], z[1]);
    return _mm512_shuffle_f64x2(sums, sums, 0xD8);
}
#endif

static inline real v_max_lane(vec x)
{
    return OP(reduce_max)(x);
}

static inline void v_store_index(uint32_t *p, vec k)
{
#if REAL_BITS == 32
    _mm512_storeu_si512(p, _mm512_cvttps_epi32(k));
#else
    _mm256_storeu_si256((__m256i *)p, _mm512_cvttpd_epi32(k));
#endif
}

#define HAS_LOOK_UP
static inline vec v_look_up(const real *p, vec k)
{
#if REAL_BITS == 32
    return _mm512_permutexvar_ps(_mm512_cvttps_epi32(k), v_load(p));
#else
    return _mm512_permutexvar_pd(_mm512_cvttpd_epi64(k), v_load(p));
#endif
}

#if REAL_BITS == 32
/* Two neighbours in the bits of a double, so that one load fetches both. */
static inline double pair_at(const float *p)
{
    double pair;
    memcpy(&pair, p, sizeof pair);
    return pair;
}

static inline __m512 eight_pairs(const float *p, const uint32_t *index)
{
    return _mm512_castpd_ps(_mm512_set_pd(
        pair_at(p + index[7]), pair_at(p + index[6]), pair_at(p + index[5]),
        pair_at(p + index[4]), pair_at(p + index[3]), pair_at(p + index[2]),
        pair_at(p + index[1]), pair_at(p + index[0])));
}

static inline void v_pairs(const real *p, const uint32_t *index, vec *at, vec *after)
{
    const __m512 low = eight_pairs(p, index), high = eight_pairs(p, index + 8);
    const __m512i even =
        _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
    *at = _mm512_permutex2var_ps(low, even, high);
    *after = _mm512_permutex2var_ps(low, odd, high);
}
#else
static inline void v_pairs(const real *p, const uint32_t *index, vec *at, vec *after)
{
    real first[WIDTH], second[WIDTH];
    for (int l = 0; l < WIDTH; ++l) {
        first[l] = p[index[l]];
        second[l] = p[index[l] + 1];
    }
    *at = v_load(first);
    *after = v_load(second);
}
#endif

#if REAL_BITS == 32
#define HAS_COLUMNS
#define SAMPLES 4

static inline vec v_lane(vec x, int lane)
{
    return _mm512_permutexvar_ps(_mm512_set1_epi32(lane), x);
}

static inline vec v_spread(const real *p)
{
    const __m512i quarter =
        _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    return _mm512_permutexvar_ps(quarter, _mm512_castps128_ps512(_mm_loadu_ps(p)));
}

static inline vec v_rows(const real *p, const uint32_t *row)
{
    __m512 x = _mm512_castps128_ps512(_mm_loadu_ps(p + row[0] * WIDTH));
    x = _mm512_insertf32x4(x, _mm_loadu_ps(p + row[1] * WIDTH), 1);
    x = _mm512_insertf32x4(x, _mm_loadu_ps(p + row[2] * WIDTH), 2);
    return _mm512_insertf32x4(x, _mm_loadu_ps(p + row[3] * WIDTH), 3);
}

/* Transpose each quarter: lane i of quarter q of y[j] is lane j of quarter q of x[i].
 */
static inline void quarters_transposed(const vec *x, vec *y)
{
    const vec low_even = _mm512_unpacklo_ps(x[0], x[2]);
    const vec low_odd = _mm512_unpacklo_ps(x[1], x[3]);
    const vec high_even = _mm512_unpackhi_ps(x[0], x[2]);
    const vec high_odd = _mm512_unpackhi_ps(x[1], x[3]);
    y[0] = _mm512_unpacklo_ps(low_even, low_odd);
    y[1] = _mm512_unpackhi_ps(low_even, low_odd);
    y[2] = _mm512_unpacklo_ps(high_even, high_odd);
    y[3] = _mm512_unpackhi_ps(high_even, high_odd);
}

static inline void v_columns(const real *p, const uint32_t *row, vec *columns)
{
    vec rows[4];
    for (int i = 0; i < 4; ++i) {
        const uint32_t mine[4] = {row[i], row[i + 4], row[i + 8], row[i + 12]};
        rows[i] = v_rows(p, mine);
    }
    quarters_transposed(rows, columns);
}

static inline vec v_sum_columns(const vec *x)
{
    return (x[0] + x[2]) + (x[1] + x[3]);
}

static inline void v_store_beside(real *p, const vec *x)
{
    vec y[4];
    quarters_transposed(x, y);
    for (int i = 0; i < 4; ++i) {
        _mm_storeu_ps(p + 4 * i, _mm512_castps512_ps128(y[i]));
        _mm_storeu_ps(p + 4 * i + 16, _mm512_extractf32x4_ps(y[i], 1));
        _mm_storeu_ps(p + 4 * i + 32, _mm512_extractf32x4_ps(y[i], 2));
        _mm_storeu_ps(p + 4 * i + 48, _mm512_extractf32x4_ps(y[i], 3));
    }
}
#endif

static inline size_t v_compress(real *p, uint32_t *index, mask m, vec x, uint32_t first)
{
    const __m512i lane =
        _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i number = _mm512_add_epi32(lane, _mm512_set1_epi32((int32_t)first));
    OP(storeu)(p, OP(maskz_compress)(m, x));
    _mm512_storeu_si512(index, _mm512_maskz_compress_epi32(m, number));
    return (size_t)__builtin_popcount(m);
}

#undef OP

#endif
