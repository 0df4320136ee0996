#define REAL_BITS 32
#include "dispatch.inc"
