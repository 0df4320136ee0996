/* Names that depend on the precision, REAL_BITS. */
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
#define TYPE(name) ttfs_##name
#elif REAL_BITS == 32
typedef float real;
#define REAL_MAX FLT_MAX
#define REAL_MIN FLT_MIN
#define REAL_EPSILON FLT_EPSILON
#define SQRT sqrtf
#define TYPE(name) ttfs_##name##_f
#else
#error "set REAL_BITS to 32 or 64"
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))
