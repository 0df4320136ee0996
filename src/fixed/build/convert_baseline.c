#define SIMD SIMD_BASELINE
#include "fixed/convert.h"
