/* Vectors of integers of AVX2. See fixed_vector.inc. */
typedef __m256i vec;
typedef __m256i mask;
#define WIDTH 16
#define PANEL_VECS 2

static inline vec v_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

static inline void v_store(void *p, vec x)
{
    _mm256_storeu_si256(p, x);
}

static inline vec v_set16(int x)
{
    return _mm256_set1_epi16((short)x);
}

static inline vec v_set32(int32_t x)
{
    return _mm256_set1_epi32(x);
}

static inline vec v_and(vec a, vec b)
{
    return _mm256_and_si256(a, b);
}

static inline vec v_or(vec a, vec b)
{
    return _mm256_or_si256(a, b);
}

static inline vec v_xor(vec a, vec b)
{
    return _mm256_xor_si256(a, b);
}

/* -- int16 -- */

static inline vec v_adds(vec a, vec b)
{
    return _mm256_adds_epi16(a, b);
}

static inline vec v_add16(vec a, vec b)
{
    return _mm256_add_epi16(a, b);
}

static inline vec v_sub16(vec a, vec b)
{
    return _mm256_sub_epi16(a, b);
}

static inline vec v_min16(vec a, vec b)
{
    return _mm256_min_epi16(a, b);
}

static inline vec v_max16(vec a, vec b)
{
    return _mm256_max_epi16(a, b);
}

static inline vec v_sll16(vec x, int n)
{
    return _mm256_sll_epi16(x, _mm_cvtsi32_si128(n));
}

static inline vec v_srl16(vec x, int n)
{
    return _mm256_srl_epi16(x, _mm_cvtsi32_si128(n));
}

static inline vec v_sra16(vec x, int n)
{
    return _mm256_sra_epi16(x, _mm_cvtsi32_si128(n));
}

static inline mask v_gt16(vec a, vec b)
{
    return _mm256_cmpgt_epi16(a, b);
}

static inline vec v_keep16(mask m, vec x)
{
    return _mm256_and_si256(m, x);
}

static inline vec v_drop16(mask m, vec x)
{
    return _mm256_andnot_si256(m, x);
}

static inline void v_put16(void *p, mask m, vec x)
{
    v_store(p, _mm256_blendv_epi8(v_load(p), x, m));
}

/* (a b) >> 15, where the product is not 2^30 */
static inline vec v_multiply(vec a, vec b)
{
    const vec high = _mm256_mulhi_epi16(a, b), low = _mm256_mullo_epi16(a, b);
    return v_or(v_add16(high, high), _mm256_srli_epi16(low, 15));
}

/* -- Pairs of int16: in memory order within each 128 bits -- */

static inline vec v_low(vec a, vec b)
{
    return _mm256_unpacklo_epi16(a, b);
}

static inline vec v_high(vec a, vec b)
{
    return _mm256_unpackhi_epi16(a, b);
}

/* a_0 b_0 + a_1 b_1 */
static inline vec v_madd(vec a, vec b)
{
    return _mm256_madd_epi16(a, b);
}

/* The upper half of twice that, as int16, of two vectors from v_low() and v_high() */
static inline vec v_mac(vec low, vec high, vec b)
{
    return _mm256_packs_epi32(_mm256_srai_epi32(v_madd(low, b), 15),
                              _mm256_srai_epi32(v_madd(high, b), 15));
}

/* -- int32, halves of 16-bit vectors in memory order -- */

static inline vec v_widen(vec x, int half)
{
    return _mm256_cvtepi16_epi32(half ? _mm256_extracti128_si256(x, 1)
                                      : _mm256_castsi256_si128(x));
}

static inline vec v_widen_unsigned(vec x, int half)
{
    return _mm256_cvtepu16_epi32(half ? _mm256_extracti128_si256(x, 1)
                                      : _mm256_castsi256_si128(x));
}

static inline vec v_narrow(vec first, vec second)
{
    return _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), 0xD8);
}

static inline vec v_add32(vec a, vec b)
{
    return _mm256_add_epi32(a, b);
}

static inline vec v_sub32(vec a, vec b)
{
    return _mm256_sub_epi32(a, b);
}

static inline vec v_mul32(vec a, vec b)
{
    return _mm256_mullo_epi32(a, b);
}

static inline vec v_min32(vec a, vec b)
{
    return _mm256_min_epi32(a, b);
}

static inline vec v_max32(vec a, vec b)
{
    return _mm256_max_epi32(a, b);
}

static inline vec v_sll32(vec x, int n)
{
    return _mm256_sll_epi32(x, _mm_cvtsi32_si128(n));
}

static inline vec v_sra32(vec x, int n)
{
    return _mm256_sra_epi32(x, _mm_cvtsi32_si128(n));
}

static inline vec v_sllv32(vec x, vec n)
{
    return _mm256_sllv_epi32(x, n);
}

static inline vec v_srav32(vec x, vec n)
{
    return _mm256_srav_epi32(x, n);
}

/* 0, 1, 2, ... */
static inline vec v_lanes32(void)
{
    return _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
}

/* a + b, saturating */
static inline vec v_adds32(vec a, vec b)
{
    const vec sum = _mm256_add_epi32(a, b);
    const vec limit = v_xor(_mm256_srai_epi32(a, 31), v_set32(INT32_MAX));
    /* of the signs: a equals b, and not the sum */
    const vec overflow = _mm256_andnot_si256(v_xor(a, b), v_xor(a, sum));
    return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(sum),
                                                _mm256_castsi256_ps(limit),
                                                _mm256_castsi256_ps(overflow)));
}

static inline int v_any_gt32(vec a, vec b)
{
    return _mm256_movemask_epi8(_mm256_cmpgt_epi32(a, b)) != 0;
}

static inline int v_any(vec x)
{
    return !_mm256_testz_si256(x, x);
}

/* p[index], p at multiples of `scale` bytes */
#define v_gather32(p, index, scale)                                                    \
    _mm256_i32gather_epi32((const int *)(p), index, scale)

/* -- Masks -- */

static inline mask m_first(size_t n)
{
    const vec lanes =
        _mm256_set_epi16(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm256_cmpgt_epi16(v_set16(n < WIDTH ? (int)n : WIDTH), lanes);
}

static inline mask m_and(mask a, mask b)
{
    return _mm256_and_si256(a, b);
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
