/* Vectors of AVX2 with FMA: 8 floats or 4 doubles; a mask is a vector of lanes with
 * all bits set or none. See vectors.h. */
#ifndef TTFS_REAL_SIMD_AVX2_H
#define TTFS_REAL_SIMD_AVX2_H

#include "real/precision.h"

#include "common/isa.h"

#if REAL_BITS == 32
typedef __m256 vec;
typedef __m256i bits;
#define WIDTH 8
#define OP(name) _mm256_##name##_ps
#define TO_BITS _mm256_castps_si256
#define FROM_BITS _mm256_castsi256_ps
#else
typedef __m256d vec;
typedef __m256i bits;
#define WIDTH 4
#define OP(name) _mm256_##name##_pd
#define TO_BITS _mm256_castpd_si256
#define FROM_BITS _mm256_castsi256_pd
#endif
typedef vec mask;
#define PANEL_VECS 4

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

static inline void v_store_index(uint32_t *p, vec k)
{
#if REAL_BITS == 32
    _mm256_storeu_si256((__m256i *)p, _mm256_cvttps_epi32(k));
#else
    _mm_storeu_si128((__m128i *)p, _mm256_cvttpd_epi32(k));
#endif
}

static inline mask m_first(size_t n)
{
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return OP(loadu)((const real *)(ones + 8 - n * (REAL_BITS / 32)));
}

static inline vec v_load_part(const real *p, size_t n)
{
    return OP(maskload)(p, TO_BITS(m_first(n)));
}

static inline void v_store_part(real *p, vec x, size_t n)
{
    OP(maskstore)(p, TO_BITS(m_first(n)), x);
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return OP(fmadd)(a, b, c);
}

static inline vec v_fnma(vec a, vec b, vec c)
{
    return OP(fnmadd)(a, b, c);
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
    return OP(cmp)(a, b, _CMP_GT_OQ);
}

static inline mask v_ge(vec a, vec b)
{
    return OP(cmp)(a, b, _CMP_GE_OQ);
}

static inline mask v_eq(vec a, vec b)
{
    return OP(cmp)(a, b, _CMP_EQ_OQ);
}

static inline mask m_none(void)
{
    return OP(setzero)();
}

static inline mask m_and(mask a, mask b)
{
    return OP (and)(a, b);
}

static inline mask m_or(mask a, mask b)
{
    return OP(or)(a, b);
}

static inline mask m_andnot(mask a, mask b)
{
    return OP(andnot)(b, a);
}

static inline mask m_below(mask given, vec a, vec b)
{
    return m_and(given, OP(cmp)(a, b, _CMP_NGE_UQ));
}

static inline int m_any(mask m)
{
    return OP(movemask)(m) != 0;
}

static inline uint64_t m_bits(mask m)
{
    return (uint64_t)OP(movemask)(m);
}

static inline vec v_select(mask m, vec a, vec b)
{
    return OP(blendv)(b, a, m);
}

static inline vec v_keep(mask m, vec a)
{
    return OP (and)(m, a);
}

static inline vec v_fma_where(mask m, vec a, vec b, vec c)
{
    return v_fma(a, v_keep(m, b), c);
}

static inline vec v_round(vec x)
{
    return OP(round)(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* 2^n for a normal result: n into the bits of the exponent. */
static inline vec v_power2(vec n)
{
#if REAL_BITS == 32
    const bits i = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return FROM_BITS(_mm256_slli_epi32(i, 23));
#else
    const bits i = _mm256_cvtepi32_epi64(
        _mm_add_epi32(_mm256_cvtpd_epi32(n), _mm_set1_epi32(1023)));
    return FROM_BITS(_mm256_slli_epi64(i, 52));
#endif
}

static inline vec v_sqrt(vec x)
{
    return OP(sqrt)(x);
}

static inline vec v_scale2(vec x, vec n)
{
    const vec half = v_round(n * v_set((real)0.5)); /* 2^n may not be normal */
    return x * v_power2(half) * v_power2(n - half);
}

static inline vec v_split(vec x, vec *exponent)
{
#if REAL_BITS == 32
    const bits i = TO_BITS(x);
    const bits e = _mm256_sub_epi32(_mm256_srli_epi32(i, 23), _mm256_set1_epi32(127));
    const bits mantissa = _mm256_set1_epi32(0x7fffff);
    *exponent = _mm256_cvtepi32_ps(e);
#else
    const bits i = TO_BITS(x);
    /* The exponent in the low bits of 2^52, less 2^52. */
    const vec magic = v_set(0x1p52);
    const bits e = _mm256_or_si256(_mm256_srli_epi64(i, 52), TO_BITS(magic));
    const bits mantissa = _mm256_set1_epi64x(0xfffffffffffff);
    *exponent = FROM_BITS(e) - magic - v_set(1023);
#endif
    return FROM_BITS(_mm256_or_si256(_mm256_and_si256(i, mantissa), TO_BITS(v_set(1))));
}

/* Two halves of vectors a and b: the low ones, or the high ones. */
#define LOW_HALVES(a, b) OP(permute2f128)(a, b, 0x20)
#define HIGH_HALVES(a, b) OP(permute2f128)(a, b, 0x31)

#if REAL_BITS == 32
/* Estimates of 12 bits, sharpened by a step of Newton's method. */
static inline vec v_inverse_sqrt(vec x)
{
    const vec r = OP(rsqrt)(x), half_x = v_set(0.5f) * x;
    return v_fma(r, v_fnma(half_x * r, r, v_set(0.5f)), r);
}

static inline vec v_inverse(vec x)
{
    const vec r = OP(rcp)(x);
    return v_fma(r, v_fnma(x, r, v_set(1)), r);
}

static inline real v_sum(vec x)
{
    __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_add_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_add_ss(y, _mm_movehdup_ps(y)));
}

/* Halves of two vectors are added at a time, so that one addition serves both. */
static inline vec v_sums(const vec *x)
{
    vec y[4], z[2];
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; ++i)
    {
        y[i] = LOW_HALVES(x[i], x[i + 4]) + HIGH_HALVES(x[i], x[i + 4]);
    }
    _Pragma("GCC unroll 2") for (int i = 0; i < 2; ++i)
    {
        z[i] = _mm256_shuffle_ps(y[i], y[i + 2], 0x44) +
               _mm256_shuffle_ps(y[i], y[i + 2], 0xEE);
    }
    const vec sums =
        _mm256_shuffle_ps(z[0], z[1], 0x88) + _mm256_shuffle_ps(z[0], z[1], 0xDD);
    return _mm256_permute_ps(sums, 0xD8);
}

/* Two neighbours in the bits of a double, so that one load fetches both. */
static inline double pair_at(const float *p)
{
    double pair;
    memcpy(&pair, p, sizeof pair);
    return pair;
}

static inline __m256 four_pairs(const float *p, const uint32_t *index)
{
    return _mm256_castpd_ps(_mm256_set_pd(pair_at(p + index[3]), pair_at(p + index[2]),
                                          pair_at(p + index[1]),
                                          pair_at(p + index[0])));
}

#define HAS_LOOK_UP
static inline vec v_look_up(const real *p, vec k)
{
    return _mm256_permutevar8x32_ps(v_load(p), _mm256_cvttps_epi32(k));
}

static inline void v_pairs(const real *p, const uint32_t *index, vec *at, vec *after)
{
    /* Lanes 0, 1, 4, 5 and 2, 3, 6, 7, so that one shuffle inside of halves is enough.
     */
    const uint32_t outer[4] = {index[0], index[1], index[4], index[5]};
    const uint32_t inner[4] = {index[2], index[3], index[6], index[7]};
    const __m256 low = four_pairs(p, outer), high = four_pairs(p, inner);
    *at = _mm256_shuffle_ps(low, high, 0x88);
    *after = _mm256_shuffle_ps(low, high, 0xDD);
}

static inline real v_max_lane(vec x)
{
    __m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_max_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_max_ss(y, _mm_movehdup_ps(y)));
}

#define HAS_COLUMNS

static inline vec v_lane(vec x, int lane)
{
    return _mm256_permutevar8x32_ps(x, _mm256_set1_epi32(lane));
}

/* The first four reals of two rows. */
static inline vec two_rows(const real *p, uint32_t first, uint32_t second)
{
    const vec x = _mm256_castps128_ps256(_mm_loadu_ps(p + first * WIDTH));
    return _mm256_insertf128_ps(x, _mm_loadu_ps(p + second * WIDTH), 1);
}

static inline void v_columns(const real *p, const uint32_t *row, vec *columns)
{
    vec rows[4];
    for (int i = 0; i < 4; ++i) rows[i] = two_rows(p, row[i], row[i + 4]);
    const vec low_even = _mm256_unpacklo_ps(rows[0], rows[2]);
    const vec low_odd = _mm256_unpacklo_ps(rows[1], rows[3]);
    const vec high_even = _mm256_unpackhi_ps(rows[0], rows[2]);
    const vec high_odd = _mm256_unpackhi_ps(rows[1], rows[3]);
    columns[0] = _mm256_unpacklo_ps(low_even, low_odd);
    columns[1] = _mm256_unpackhi_ps(low_even, low_odd);
    columns[2] = _mm256_unpacklo_ps(high_even, high_odd);
    columns[3] = _mm256_unpackhi_ps(high_even, high_odd);
}

static inline vec v_sum_columns(const vec *x)
{
    return (x[0] + x[2]) + (x[1] + x[3]);
}

#else
static inline vec v_inverse_sqrt(vec x)
{
    return v_set(1) / _mm256_sqrt_pd(x);
}

static inline vec v_inverse(vec x)
{
    return v_set(1) / x;
}

static inline real v_sum(vec x)
{
    const __m128d y =
        _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
    return _mm_cvtsd_f64(_mm_add_sd(y, _mm_unpackhi_pd(y, y)));
}

/* Halves of two vectors are added at a time, so that one addition serves both. */
static inline vec v_sums(const vec *x)
{
    const vec even = LOW_HALVES(x[0], x[2]) + HIGH_HALVES(x[0], x[2]);
    const vec odd = LOW_HALVES(x[1], x[3]) + HIGH_HALVES(x[1], x[3]);
    return _mm256_unpacklo_pd(even, odd) + _mm256_unpackhi_pd(even, odd);
}

static inline void v_pairs(const real *p, const uint32_t *index, vec *at, vec *after)
{
    const __m256d low =
        _mm256_set_m128d(_mm_loadu_pd(p + index[2]), _mm_loadu_pd(p + index[0]));
    const __m256d high =
        _mm256_set_m128d(_mm_loadu_pd(p + index[3]), _mm_loadu_pd(p + index[1]));
    *at = _mm256_unpacklo_pd(low, high);
    *after = _mm256_unpackhi_pd(low, high);
}

static inline real v_max_lane(vec x)
{
    const __m128d y =
        _mm_max_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
    return _mm_cvtsd_f64(_mm_max_sd(y, _mm_unpackhi_pd(y, y)));
}
#endif

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

#undef OP
#undef TO_BITS
#undef FROM_BITS

#endif
