/* Sorting of uint32_t by a network of comparisons, in vectors:
 *
 *     keys, KEYS              vectors of uint32_t, for sorting
 *     k_load k_store          from and to the start of a cache line
 *     k_min k_max
 *     k_swap                  k_swap(x, d): lane l from lane l xor d
 *     k_exchange              k_exchange(a, b, bit): the lesser of a and b where l
 *                             lacks the bit, else the greater
 */
#ifndef TTFS_COMMON_SORT_KEYS_H
#define TTFS_COMMON_SORT_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "common/isa.h"

#if SIMD == SIMD_AVX512

typedef __m512i keys;
#define KEYS 16

static inline keys k_load(const uint32_t *p)
{
    return _mm512_load_si512(p);
}

static inline void k_store(uint32_t *p, keys x)
{
    _mm512_store_si512(p, x);
}

static inline keys k_min(keys a, keys b)
{
    return _mm512_min_epu32(a, b);
}

static inline keys k_max(keys a, keys b)
{
    return _mm512_max_epu32(a, b);
}

static inline keys k_swap(keys x, int distance)
{
    const __m512i lane =
        _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_permutexvar_epi32(_mm512_xor_si512(lane, _mm512_set1_epi32(distance)),
                                    x);
}

static inline keys k_exchange(keys a, keys b, int bit)
{
    const __mmask16 upper = bit == 1   ? 0xAAAA
                            : bit == 2 ? 0xCCCC
                            : bit == 4 ? 0xF0F0
                                       : 0xFF00;
    return _mm512_mask_max_epu32(_mm512_min_epu32(a, b), upper, a, b);
}

#elif SIMD == SIMD_AVX2

typedef __m256i keys;
#define KEYS 8

static inline keys k_load(const uint32_t *p)
{
    return _mm256_load_si256((const __m256i *)p);
}

static inline void k_store(uint32_t *p, keys x)
{
    _mm256_store_si256((__m256i *)p, x);
}

static inline keys k_min(keys a, keys b)
{
    return _mm256_min_epu32(a, b);
}

static inline keys k_max(keys a, keys b)
{
    return _mm256_max_epu32(a, b);
}

static inline keys k_swap(keys x, int distance)
{
    const __m256i lane = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    return _mm256_permutevar8x32_epi32(
        x, _mm256_xor_si256(lane, _mm256_set1_epi32(distance)));
}

static inline keys k_exchange(keys a, keys b, int bit)
{
    const keys low = k_min(a, b), high = k_max(a, b);
    switch (bit) {
    case 1:
        return _mm256_blend_epi32(low, high, 0xAA);
    case 2:
        return _mm256_blend_epi32(low, high, 0xCC);
    default:
        return _mm256_blend_epi32(low, high, 0xF0);
    }
}

#else

typedef uint32_t keys __attribute__((vector_size(16)));
#define KEYS 4

static inline keys k_load(const uint32_t *p)
{
    return *(const keys *)p;
}

static inline void k_store(uint32_t *p, keys x)
{
    *(keys *)p = x;
}

static inline keys k_min(keys a, keys b)
{
    const keys m = (keys)(a < b);
    return (m & a) | (~m & b);
}

static inline keys k_max(keys a, keys b)
{
    const keys m = (keys)(a > b);
    return (m & a) | (~m & b);
}

static inline keys k_swap(keys x, int distance)
{
    return (keys){x[distance], x[1 ^ distance], x[2 ^ distance], x[3 ^ distance]};
}

static inline keys k_exchange(keys a, keys b, int bit)
{
    const keys low = k_min(a, b), high = k_max(a, b);
    return bit == 1 ? (keys){low[0], high[1], low[2], high[3]}
                    : (keys){low[0], low[1], high[2], high[3]};
}

#endif

/* One stage of a bitonic sort inside a vector: lane l against lane l xor distance. */
ALWAYS_INLINE keys sort_stage(keys x, int distance, int bit)
{
    const keys y = k_swap(x, distance);
    return k_exchange(x, y, bit);
}

/* Sort a vector that is bitonic. */
ALWAYS_INLINE keys sort_merge(keys x)
{
    if (KEYS > 8) x = sort_stage(x, 8, 8);
    if (KEYS > 4) x = sort_stage(x, 4, 4);
    return sort_stage(sort_stage(x, 2, 2), 1, 1);
}

ALWAYS_INLINE keys sort_vector(keys x)
{
    x = sort_stage(x, 1, 1);
    x = sort_stage(sort_stage(x, 3, 2), 1, 1);
    if (KEYS > 4) x = sort_stage(sort_stage(sort_stage(x, 7, 4), 2, 2), 1, 1);
    if (KEYS > 8) {
        x = sort_stage(sort_stage(x, 15, 8), 4, 4);
        x = sort_stage(sort_stage(x, 2, 2), 1, 1);
    }
    return x;
}

/* Bitonic sort of n keys (Batcher 1968), padded to whole vectors with keys that are
 * greater than all; those need no exchange, so the network stops at their place. */
static void sort_network(uint32_t *key, size_t n)
{
    for (size_t i = 0; i < n; i += KEYS) {
        k_store(key + i, sort_vector(k_load(key + i)));
    }
    for (size_t size = 2 * KEYS; size / 2 < n; size *= 2) {
        for (size_t block = 0; block + size / 2 < n; block += size) {
            /* First compare with the mirror image, then at shorter and shorter
             * distances. */
            for (size_t i = 0; i < size / 2; i += KEYS) {
                const size_t mirror = block + size - KEYS - i;
                if (mirror >= n) continue;
                const keys a = k_load(key + block + i);
                const keys b = k_swap(k_load(key + mirror), KEYS - 1);
                k_store(key + block + i, k_min(a, b));
                k_store(key + mirror, k_swap(k_max(a, b), KEYS - 1));
            }
        }
        for (size_t distance = size / 4; distance >= KEYS; distance /= 2) {
            for (size_t block = 0; block + distance < n; block += 2 * distance) {
                const size_t whole = block + distance;
                const size_t end = whole < n - distance ? whole : n - distance;
                for (size_t i = block; i < end; i += KEYS) {
                    const keys a = k_load(key + i), b = k_load(key + i + distance);
                    k_store(key + i, k_min(a, b));
                    k_store(key + i + distance, k_max(a, b));
                }
            }
        }
        for (size_t i = 0; i < n; i += KEYS) {
            k_store(key + i, sort_merge(k_load(key + i)));
        }
    }
}

#endif
