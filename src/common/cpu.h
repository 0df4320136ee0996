/* What this processor has. */
#ifndef TTFS_COMMON_CPU_H
#define TTFS_COMMON_CPU_H

#include "common/target.h"
#include "ttfs.h"

static inline int has(ttfs_simd simd)
{
    switch (simd) {
    case TTFS_SIMD_BASELINE:
        return 1;
#ifdef TTFS_X86 /* the operating system is asked too: it must save the registers */
    case TTFS_SIMD_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case TTFS_SIMD_AVX512:
        return has(TTFS_SIMD_AVX2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#endif
    default:
        return 0;
    }
}

#endif
