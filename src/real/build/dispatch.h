/* Chooses the table of functions of an instruction set in one precision, REAL_BITS. */
#include "common/cpu.h"

#include "real/precision.h"

/* Made by real/engine.h. */
#if REAL_BITS == 64
#define TABLE(simd) ttfs_kernels_##simd
#else
#define TABLE(simd) ttfs_kernels_##simd##_f
#endif

extern const TYPE(kernels) TABLE(baseline);
#ifdef TTFS_X86
extern const TYPE(kernels) TABLE(avx2), TABLE(avx512);
#endif

const TYPE(kernels) * TYPE(kernels_for)(ttfs_simd simd)
{
    if (!has(simd)) return NULL;
#ifdef TTFS_X86
    if (simd == TTFS_SIMD_AVX512) return &TABLE(avx512);
    if (simd == TTFS_SIMD_AVX2) return &TABLE(avx2);
#endif
    return &TABLE(baseline);
}
