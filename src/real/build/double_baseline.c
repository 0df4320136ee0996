#define REAL_BITS 64
#define SIMD SIMD_BASELINE
#include "real/engine.h"
