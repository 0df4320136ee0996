#define REAL_BITS 64
#include "dispatch.inc"
