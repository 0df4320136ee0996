/* Vectors of integers of AVX2, or of AVX-512 (F, DQ, BW). Most instructions differ in
 * their prefix alone: these are written once, below. What really differs comes first.
 * See vector.h. */
#ifndef TTFS_FIXED_VEC_H
#define TTFS_FIXED_VEC_H

#include <stddef.h>
#include <stdint.h>

#include "common/isa.h"

#if SIMD == SIMD_AVX512

typedef __m512i vec;
typedef __mmask32 mask;
#define WIDTH 32
#define PANEL_VECS 6
#define OP(name) _mm512_##name
#define BITS(name) _mm512_##name##_si512
#define LOWER(x) _mm512_castsi512_si256(x)
#define UPPER(x) _mm512_extracti64x4_epi64(x, 1)

/* p[index], p at multiples of `scale` bytes */
#define v_gather32(p, index, scale) _mm512_i32gather_epi32(index, p, scale)

static inline vec v_keep16(mask m, vec x)
{
    return _mm512_maskz_mov_epi16(m, x);
}

static inline vec v_drop16(mask m, vec x)
{
    return _mm512_maskz_mov_epi16(_knot_mask32(m), x);
}

/* yes where m is set, no elsewhere */
static inline vec v_select16(mask m, vec yes, vec no)
{
    return _mm512_mask_mov_epi16(no, m, yes);
}

static inline void v_put16(void *p, mask m, vec x)
{
    _mm512_mask_storeu_epi16(p, m, x);
}

static inline vec v_narrow(vec first, vec second)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtsepi32_epi16(first)),
                              _mm512_cvtsepi32_epi16(second), 1);
}

/* 0, 1, 2, ... */
static inline vec v_lanes32(void)
{
    return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

static inline int v_any_gt32(vec a, vec b)
{
    return _mm512_cmpgt_epi32_mask(a, b) != 0;
}

static inline int v_any(vec x)
{
    return _mm512_test_epi32_mask(x, x) != 0;
}

static inline mask m_first(size_t n)
{
    return n < WIDTH ? (mask)((1u << n) - 1) : (mask)-1;
}

static inline mask m_or(mask a, mask b)
{
    return _kor_mask32(a, b);
}

static inline mask m_andnot(mask a, mask b)
{
    return _kandn_mask32(b, a);
}

static inline int m_any(mask m)
{
    return !_kortestz_mask32_u8(m, m);
}

static inline mask v_gt16(vec a, vec b)
{
    return _mm512_cmpgt_epi16_mask(a, b);
}

/* Where m is set and a > b does not hold */
static inline mask m_but_gt16(mask m, vec a, vec b)
{
    return _mm512_mask_cmple_epi16_mask(m, a, b);
}

/* limit where a + b overflows, that is where a and b have one sign and their sum has
 * the other; elsewhere the sum */
static inline vec v_limit32(vec a, vec b, vec sum, vec limit)
{
    const vec overflow = _mm512_ternarylogic_epi32(a, b, sum, 0x42);
    return _mm512_mask_mov_epi32(sum, _mm512_movepi32_mask(overflow), limit);
}

#else

typedef __m256i vec;
typedef __m256i mask;
#define WIDTH 16
#define PANEL_VECS 2
#define OP(name) _mm256_##name
#define BITS(name) _mm256_##name##_si256
#define LOWER(x) _mm256_castsi256_si128(x)
#define UPPER(x) _mm256_extracti128_si256(x, 1)

/* p[index], p at multiples of `scale` bytes */
#define v_gather32(p, index, scale)                                                    \
    _mm256_i32gather_epi32((const int *)(p), index, scale)

static inline vec v_keep16(mask m, vec x)
{
    return _mm256_and_si256(m, x);
}

static inline vec v_drop16(mask m, vec x)
{
    return _mm256_andnot_si256(m, x);
}

/* yes where m is set, no elsewhere */
static inline vec v_select16(mask m, vec yes, vec no)
{
    return _mm256_blendv_epi8(no, yes, m);
}

static inline void v_put16(void *p, mask m, vec x)
{
    _mm256_storeu_si256(p, v_select16(m, x, _mm256_loadu_si256(p)));
}

static inline vec v_narrow(vec first, vec second)
{
    return _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), 0xD8);
}

/* 0, 1, 2, ... */
static inline vec v_lanes32(void)
{
    return _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
}

static inline int v_any_gt32(vec a, vec b)
{
    return _mm256_movemask_epi8(_mm256_cmpgt_epi32(a, b)) != 0;
}

static inline int v_any(vec x)
{
    return !_mm256_testz_si256(x, x);
}

static inline mask m_first(size_t n)
{
    const vec lanes =
        _mm256_set_epi16(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm256_cmpgt_epi16(_mm256_set1_epi16((short)(n < WIDTH ? n : WIDTH)), lanes);
}

static inline mask m_or(mask a, mask b)
{
    return _mm256_or_si256(a, b);
}

static inline mask m_andnot(mask a, mask b)
{
    return _mm256_andnot_si256(b, a);
}

static inline int m_any(mask m)
{
    return v_any(m);
}

static inline mask v_gt16(vec a, vec b)
{
    return _mm256_cmpgt_epi16(a, b);
}

/* Where m is set and a > b does not hold */
static inline mask m_but_gt16(mask m, vec a, vec b)
{
    return _mm256_andnot_si256(_mm256_cmpgt_epi16(a, b), m);
}

/* limit where a + b overflows, that is where a and b have one sign and their sum has
 * the other; elsewhere the sum */
static inline vec v_limit32(vec a, vec b, vec sum, vec limit)
{
    const vec overflow =
        _mm256_andnot_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(a, sum));
    return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(sum),
                                                _mm256_castsi256_ps(limit),
                                                _mm256_castsi256_ps(overflow)));
}

#endif

static inline vec v_load(const void *p)
{
    return BITS(loadu)(p);
}

static inline void v_store(void *p, vec x)
{
    BITS(storeu)(p, x);
}

static inline vec v_set16(int x)
{
    return OP(set1_epi16)((short)x);
}

static inline vec v_set32(int32_t x)
{
    return OP(set1_epi32)(x);
}

static inline vec v_and(vec a, vec b)
{
    return BITS (and)(a, b);
}

static inline vec v_or(vec a, vec b)
{
    return BITS(or)(a, b);
}

static inline vec v_xor(vec a, vec b)
{
    return BITS(xor)(a, b);
}

/* -- int16 -- */

static inline vec v_adds(vec a, vec b)
{
    return OP(adds_epi16)(a, b);
}

static inline vec v_add16(vec a, vec b)
{
    return OP(add_epi16)(a, b);
}

static inline vec v_sub16(vec a, vec b)
{
    return OP(sub_epi16)(a, b);
}

static inline vec v_min16(vec a, vec b)
{
    return OP(min_epi16)(a, b);
}

static inline vec v_max16(vec a, vec b)
{
    return OP(max_epi16)(a, b);
}

static inline vec v_sll16(vec x, int n)
{
    return OP(sll_epi16)(x, _mm_cvtsi32_si128(n));
}

static inline vec v_srl16(vec x, int n)
{
    return OP(srl_epi16)(x, _mm_cvtsi32_si128(n));
}

static inline vec v_sra16(vec x, int n)
{
    return OP(sra_epi16)(x, _mm_cvtsi32_si128(n));
}

/* (x factor) >> 15 with 0 <= factor < 2^15, as half of the product with its double, of
 * which the upper bit counts as a sign */
static inline vec v_scale(vec x, int factor)
{
    const vec twice = v_set16(2 * factor), is_negative = v_set16(-(factor >> 14));
    return v_add16(OP(mulhi_epi16)(x, twice), v_and(x, is_negative));
}

/* -- Pairs of int16: in memory order within each 128 bits -- */

static inline vec v_low(vec a, vec b)
{
    return OP(unpacklo_epi16)(a, b);
}

static inline vec v_high(vec a, vec b)
{
    return OP(unpackhi_epi16)(a, b);
}

/* a_0 b_0 + a_1 b_1 */
static inline vec v_madd(vec a, vec b)
{
    return OP(madd_epi16)(a, b);
}

/* The upper half of twice that, as int16, of two vectors from v_low() and v_high() */
static inline vec v_mac(vec low, vec high, vec b)
{
    return OP(packs_epi32)(OP(srai_epi32)(v_madd(low, b), 15),
                           OP(srai_epi32)(v_madd(high, b), 15));
}

/* -- int32, halves of 16-bit vectors in memory order -- */

static inline vec v_widen(vec x, int half)
{
    return OP(cvtepi16_epi32)(half ? UPPER(x) : LOWER(x));
}

static inline vec v_widen_unsigned(vec x, int half)
{
    return OP(cvtepu16_epi32)(half ? UPPER(x) : LOWER(x));
}

static inline vec v_add32(vec a, vec b)
{
    return OP(add_epi32)(a, b);
}

static inline vec v_sub32(vec a, vec b)
{
    return OP(sub_epi32)(a, b);
}

static inline vec v_mul32(vec a, vec b)
{
    return OP(mullo_epi32)(a, b);
}

static inline vec v_min32(vec a, vec b)
{
    return OP(min_epi32)(a, b);
}

static inline vec v_max32(vec a, vec b)
{
    return OP(max_epi32)(a, b);
}

static inline vec v_sll32(vec x, int n)
{
    return OP(sll_epi32)(x, _mm_cvtsi32_si128(n));
}

static inline vec v_sra32(vec x, int n)
{
    return OP(sra_epi32)(x, _mm_cvtsi32_si128(n));
}

static inline vec v_sllv32(vec x, vec n)
{
    return OP(sllv_epi32)(x, n);
}

static inline vec v_srav32(vec x, vec n)
{
    return OP(srav_epi32)(x, n);
}

/* a + b, saturating */
static inline vec v_adds32(vec a, vec b)
{
    const vec sum = v_add32(a, b);
    const vec limit = v_xor(OP(srai_epi32)(a, 31), v_set32(INT32_MAX));
    return v_limit32(a, b, sum, limit);
}

#undef OP
#undef BITS
#undef LOWER
#undef UPPER

#endif
