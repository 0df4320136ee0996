/* The name of an instruction set, SIMD, and what the compiler may use from here on. */
#ifndef TTFS_COMMON_ISA_H
#define TTFS_COMMON_ISA_H

#define SIMD_BASELINE 0
#define SIMD_AVX2 1
#define SIMD_AVX512 2

#if SIMD == SIMD_AVX512
#include <immintrin.h>
#define SIMD_NAME "avx512"
#define ISA "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma"
#elif SIMD == SIMD_AVX2
#include <immintrin.h>
#define SIMD_NAME "avx2"
#define ISA "avx2,fma"
#else
#define SIMD_NAME "baseline"
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#define PRAGMA(text) _Pragma(#text)
#if defined(ISA) && defined(__clang__)
#define POP_TARGET
#define PUSH(isa)                                                                      \
    PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
PUSH(ISA)
#elif defined(ISA)
#define TARGET(isa) PRAGMA(GCC target(isa))
TARGET(ISA)
#endif

#endif
