/* Which instruction set to use is decided here, at run time. */
#include "common/cpu.h"
#include "ttfs_fixed_kernels.h"

/* Made by fixed/driver.h and fixed/convert.h. */
extern const ttfs_fixed_kernels ttfs_fixed_kernels_baseline;
extern const ttfs_fixed_conversion ttfs_fixed_conversion_baseline;
#ifdef TTFS_X86
extern const ttfs_fixed_conversion ttfs_fixed_conversion_avx2,
    ttfs_fixed_conversion_avx512;
extern const ttfs_fixed_kernels ttfs_fixed_kernels_avx2, ttfs_fixed_kernels_avx512;
#endif

const ttfs_fixed_kernels *ttfs_fixed_kernels_for(ttfs_simd simd)
{
    if (!has(simd)) return NULL;
#ifdef TTFS_X86
    if (simd == TTFS_SIMD_AVX512) return &ttfs_fixed_kernels_avx512;
    if (simd == TTFS_SIMD_AVX2) return &ttfs_fixed_kernels_avx2;
#endif
    return &ttfs_fixed_kernels_baseline;
}

const ttfs_fixed_conversion *ttfs_fixed_conversion_for(ttfs_simd simd)
{
    if (!has(simd)) return NULL;
#ifdef TTFS_X86
    if (simd == TTFS_SIMD_AVX512) return &ttfs_fixed_conversion_avx512;
    if (simd == TTFS_SIMD_AVX2) return &ttfs_fixed_conversion_avx2;
#endif
    return &ttfs_fixed_conversion_baseline;
}
