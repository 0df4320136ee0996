/* Names that depend on the precision; set REAL_BITS to 32 or 64 and include this.
 *
 * float32.c and float64.c include every body (*.inc) once each, so that both
 * precisions are the same text. */
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "ttfs.h"

#if REAL_BITS == 64
typedef double real;
#define NAME(name) ttfs_##name
#define REAL_MAX DBL_MAX
#define EXP exp
#define EXPM1 expm1
#define LOG log
#define LOG1P log1p
#define SQRT sqrt
#elif REAL_BITS == 32
typedef float real;
#define NAME(name) ttfs_##name##_f
#define REAL_MAX FLT_MAX
#define EXP expf
#define EXPM1 expm1f
#define LOG logf
#define LOG1P log1pf
#define SQRT sqrtf
#else
#error "set REAL_BITS to 32 or 64"
#endif

#if defined(_MSC_VER)
#define RESTRICT __restrict
#else
#define RESTRICT restrict
#endif
