/* Which instruction set to use is decided here, at run time. */
#include "common/cpu.h"

ttfs_simd ttfs_simd_best(void)
{
    ttfs_simd best = TTFS_SIMD_AVX512;
    while (!has(best)) --best;
    return best;
}
