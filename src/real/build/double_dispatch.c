#define REAL_BITS 64
#include "real/build/dispatch.h"
