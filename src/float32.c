/* The core in single precision. */
#define REAL_BITS 32
#include "precision.h"

#include "kernel.inc"
#include "events.inc"
#include "layer.inc"
#include "gradient.inc"
#include "loss.inc"
#include "adam.inc"
