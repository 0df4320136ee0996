#define REAL_BITS 32
#define SIMD SIMD_BASELINE
#include "real/engine.h"
