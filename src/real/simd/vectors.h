/* The vectors that a file computes with.
 *
 * The files in real/build set REAL_BITS and SIMD and include real/engine.h: one text
 * for all. What differs is the header chosen here, which defines
 *
 *     vec, mask, WIDTH        WIDTH reals, as many truth values
 *     PANEL_VECS              vectors of neurons whose sums fit into registers
 *     v_set v_load v_store v_load_part v_store_part
 *     v_fma v_fnma            a b + c and c - a b
 *     v_fma_where             a b + c where the mask is set, c elsewhere
 *     v_min v_max v_round v_sqrt v_gt v_ge v_eq v_select v_keep
 *     v_scale2 v_split        x 2^n;  x = mantissa 2^exponent
 *     v_store_index           WIDTH whole numbers as uint32_t
 *     v_pairs                 p[index[l]] and p[index[l] + 1] of each lane l
 *     v_look_up               p[k] for a vector of whole numbers k below WIDTH
 *     v_compress              append what a mask selects, with the numbers of lanes;
 *                             16 places of both arrays may be written
 *     v_inverse v_inverse_sqrt   to a few units in the last place, x > 0
 *     v_sum v_max_lane        over the lanes, in a fixed order
 *     v_sums                  v_sum of each of WIDTH vectors, with the same bits
 *     v_lane                  one lane, in all lanes
 *     v_columns               the first four columns of rows number row[l], WIDTH reals
 *                             apart, row[l] in lane l
 *     v_sum_columns           their sum, with the bits of v_sum of a row
 *     m_first m_none m_and m_or m_andnot m_any
 *     m_below(given, a, b)    those given where a >= b is false
 *     m_bits                  lane l as bit l
 *
 * v_lane and the columns only where HAS_COLUMNS; and where a vector holds SAMPLES
 * samples of four neurons each,
 *
 *     v_spread                p[s] in the lanes of sample s
 *     v_rows                  the first four reals of row number row[s], likewise
 *     v_store_beside          transposed: p[SAMPLES l + s] is lane l of x[s]
 *
 * Vectors also have the operators + - * / of the vector extension of GCC and Clang. */
#ifndef TTFS_REAL_SIMD_VECTORS_H
#define TTFS_REAL_SIMD_VECTORS_H

#include "real/precision.h"

#include "common/isa.h"

#if SIMD == SIMD_AVX512
#define KERNELS TYPE(kernels_avx512)
#include "real/simd/avx512.h"
#elif SIMD == SIMD_AVX2
#define KERNELS TYPE(kernels_avx2)
#include "real/simd/avx2.h"
#else
#define KERNELS TYPE(kernels_baseline)
#include "real/simd/baseline.h"
#endif

/* Neurons of a panel. */
#define LANES (PANEL_VECS * WIDTH)

/* p[k] for a vector of whole numbers k; the instructions made for it are slower. */
static inline vec v_gather(const real *p, vec k)
{
    uint32_t index[WIDTH];
    real lanes[WIDTH];
    v_store_index(index, k);
    for (int l = 0; l < WIDTH; ++l) lanes[l] = p[index[l]];
    return v_load(lanes);
}

#ifndef HAS_LOOK_UP
static inline vec v_look_up(const real *p, vec k)
{
    return v_gather(p, k);
}
#endif

#endif
