#include "common/target.h"

#ifdef TTFS_X86
#define REAL_BITS 64
#define SIMD SIMD_AVX2
#include "real/engine.h"
#endif
