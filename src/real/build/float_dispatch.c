#define REAL_BITS 32
#include "real/build/dispatch.h"
