/* Names that depend on the precision, REAL_BITS. */
#ifndef TTFS_REAL_PRECISION_H
#define TTFS_REAL_PRECISION_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ttfs.h"

#if REAL_BITS == 64
typedef double real;
#define REAL_MAX DBL_MAX
#define REAL_MIN DBL_MIN
#define REAL_EPSILON DBL_EPSILON
#define SQRT sqrt
#define RINT rint
#define TYPE(name) ttfs_##name
#elif REAL_BITS == 32
typedef float real;
#define REAL_MAX FLT_MAX
#define REAL_MIN FLT_MIN
#define REAL_EPSILON FLT_EPSILON
#define SQRT sqrtf
#define RINT rintf
#define TYPE(name) ttfs_##name##_f
#else
#error "set REAL_BITS to 32 or 64"
#endif

/* Stands for "no end" among the times of a list, so that 0 * infinity is not met. */
#define FOREVER ((real)TTFS_TIME_LIMIT)

/* The end of an experiment in this precision. */
static inline real horizon_of(double t_max)
{
    return t_max < (double)FOREVER ? (real)t_max : FOREVER;
}

static inline size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

#endif
