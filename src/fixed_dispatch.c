/* Which instruction set to use is decided here, at run time. */
#include "cpu.h"
#include "ttfs_fixed_kernels.h"

/* Made by fixed.inc. */
extern const ttfs_fixed_kernels ttfs_fixed_kernels_baseline;

const ttfs_fixed_kernels *ttfs_fixed_kernels_for(ttfs_simd simd)
{
    if (!has(simd)) return NULL;
    return &ttfs_fixed_kernels_baseline;
}
