/* Which instruction set to use is decided here, at run time. */
#include "common/cpu.h"

/* Made by real/engine.h. */
extern const ttfs_kernels ttfs_kernels_baseline;
extern const ttfs_kernels_f ttfs_kernels_baseline_f;
#ifdef TTFS_X86
extern const ttfs_kernels ttfs_kernels_avx2, ttfs_kernels_avx512;
extern const ttfs_kernels_f ttfs_kernels_avx2_f, ttfs_kernels_avx512_f;
#endif

ttfs_simd ttfs_simd_best(void)
{
    ttfs_simd best = TTFS_SIMD_AVX512;
    while (!has(best)) --best;
    return best;
}

const ttfs_kernels *ttfs_kernels_for(ttfs_simd simd)
{
    if (!has(simd)) return NULL;
#ifdef TTFS_X86
    if (simd == TTFS_SIMD_AVX512) return &ttfs_kernels_avx512;
    if (simd == TTFS_SIMD_AVX2) return &ttfs_kernels_avx2;
#endif
    return &ttfs_kernels_baseline;
}

const ttfs_kernels_f *ttfs_kernels_for_f(ttfs_simd simd)
{
    if (!has(simd)) return NULL;
#ifdef TTFS_X86
    if (simd == TTFS_SIMD_AVX512) return &ttfs_kernels_avx512_f;
    if (simd == TTFS_SIMD_AVX2) return &ttfs_kernels_avx2_f;
#endif
    return &ttfs_kernels_baseline_f;
}
