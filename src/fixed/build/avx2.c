#include "common/target.h"

#ifdef TTFS_X86
#define SIMD SIMD_AVX2
#include "fixed/vector_learn.h"
#endif
