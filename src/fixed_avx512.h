/* Vectors of integers of AVX-512 (F, BW). See fixed_vector.inc. */
typedef __m512i vec;
typedef __mmask32 mask;
#define WIDTH 32
#define PANEL_VECS 4

static inline vec v_load(const void *p)
{
    return _mm512_loadu_si512(p);
}

static inline void v_store(void *p, vec x)
{
    _mm512_storeu_si512(p, x);
}

static inline vec v_set16(int x)
{
    return _mm512_set1_epi16((short)x);
}

static inline vec v_set32(int32_t x)
{
    return _mm512_set1_epi32(x);
}

static inline vec v_and(vec a, vec b)
{
    return _mm512_and_si512(a, b);
}

static inline vec v_or(vec a, vec b)
{
    return _mm512_or_si512(a, b);
}

static inline vec v_xor(vec a, vec b)
{
    return _mm512_xor_si512(a, b);
}

/* -- int16 -- */

static inline vec v_adds(vec a, vec b)
{
    return _mm512_adds_epi16(a, b);
}

static inline vec v_add16(vec a, vec b)
{
    return _mm512_add_epi16(a, b);
}

static inline vec v_sub16(vec a, vec b)
{
    return _mm512_sub_epi16(a, b);
}

static inline vec v_min16(vec a, vec b)
{
    return _mm512_min_epi16(a, b);
}

static inline vec v_max16(vec a, vec b)
{
    return _mm512_max_epi16(a, b);
}

static inline vec v_sll16(vec x, int n)
{
    return _mm512_sll_epi16(x, _mm_cvtsi32_si128(n));
}

static inline vec v_srl16(vec x, int n)
{
    return _mm512_srl_epi16(x, _mm_cvtsi32_si128(n));
}

static inline vec v_sra16(vec x, int n)
{
    return _mm512_sra_epi16(x, _mm_cvtsi32_si128(n));
}

static inline mask v_gt16(vec a, vec b)
{
    return _mm512_cmpgt_epi16_mask(a, b);
}

static inline vec v_keep16(mask m, vec x)
{
    return _mm512_maskz_mov_epi16(m, x);
}

static inline vec v_drop16(mask m, vec x)
{
    return _mm512_maskz_mov_epi16(_knot_mask32(m), x);
}

static inline void v_put16(void *p, mask m, vec x)
{
    _mm512_mask_storeu_epi16(p, m, x);
}

/* (a b) >> 15, where the product is not 2^30 */
static inline vec v_multiply(vec a, vec b)
{
    const vec high = _mm512_mulhi_epi16(a, b), low = _mm512_mullo_epi16(a, b);
    return v_or(v_add16(high, high), _mm512_srli_epi16(low, 15));
}

/* -- Pairs of int16: in memory order within each 128 bits -- */

static inline vec v_low(vec a, vec b)
{
    return _mm512_unpacklo_epi16(a, b);
}

static inline vec v_high(vec a, vec b)
{
    return _mm512_unpackhi_epi16(a, b);
}

/* a_0 b_0 + a_1 b_1 */
static inline vec v_madd(vec a, vec b)
{
    return _mm512_madd_epi16(a, b);
}

/* The upper half of twice that, as int16, of two vectors from v_low() and v_high() */
static inline vec v_mac(vec low, vec high, vec b)
{
    return _mm512_packs_epi32(_mm512_srai_epi32(v_madd(low, b), 15),
                              _mm512_srai_epi32(v_madd(high, b), 15));
}

/* -- int32, halves of 16-bit vectors in memory order -- */

static inline vec v_widen(vec x, int half)
{
    return _mm512_cvtepi16_epi32(half ? _mm512_extracti64x4_epi64(x, 1)
                                      : _mm512_castsi512_si256(x));
}

static inline vec v_widen_unsigned(vec x, int half)
{
    return _mm512_cvtepu16_epi32(half ? _mm512_extracti64x4_epi64(x, 1)
                                      : _mm512_castsi512_si256(x));
}

static inline vec v_narrow(vec first, vec second)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtsepi32_epi16(first)),
                              _mm512_cvtsepi32_epi16(second), 1);
}

static inline vec v_add32(vec a, vec b)
{
    return _mm512_add_epi32(a, b);
}

static inline vec v_sub32(vec a, vec b)
{
    return _mm512_sub_epi32(a, b);
}

static inline vec v_mul32(vec a, vec b)
{
    return _mm512_mullo_epi32(a, b);
}

static inline vec v_min32(vec a, vec b)
{
    return _mm512_min_epi32(a, b);
}

static inline vec v_max32(vec a, vec b)
{
    return _mm512_max_epi32(a, b);
}

static inline vec v_sll32(vec x, int n)
{
    return _mm512_sll_epi32(x, _mm_cvtsi32_si128(n));
}

static inline vec v_sra32(vec x, int n)
{
    return _mm512_sra_epi32(x, _mm_cvtsi32_si128(n));
}

static inline vec v_sllv32(vec x, vec n)
{
    return _mm512_sllv_epi32(x, n);
}

static inline vec v_srav32(vec x, vec n)
{
    return _mm512_srav_epi32(x, n);
}

/* 0, 1, 2, ... */
static inline vec v_lanes32(void)
{
    return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

/* a + b, saturating */
static inline vec v_adds32(vec a, vec b)
{
    const vec sum = _mm512_add_epi32(a, b);
    const vec limit = v_xor(_mm512_srai_epi32(a, 31), v_set32(INT32_MAX));
    /* of the signs: a equals b, and not the sum */
    const vec overflow = _mm512_ternarylogic_epi32(a, b, sum, 0x42);
    return _mm512_mask_mov_epi32(sum, _mm512_movepi32_mask(overflow), limit);
}

static inline int v_any_gt32(vec a, vec b)
{
    return _mm512_cmpgt_epi32_mask(a, b) != 0;
}

static inline int v_any(vec x)
{
    return _mm512_test_epi32_mask(x, x) != 0;
}

/* p[index], p at multiples of `scale` bytes */
#define v_gather32(p, index, scale) _mm512_i32gather_epi32(index, p, scale)

/* -- Masks -- */

static inline mask m_first(size_t n)
{
    return n < WIDTH ? (mask)((1u << n) - 1) : (mask)-1;
}

static inline mask m_and(mask a, mask b)
{
    return _kand_mask32(a, b);
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
