/* What the functions of networks in integers have in common. */
#ifndef TTFS_FIXED_PARTS_H
#define TTFS_FIXED_PARTS_H

#include <string.h>

#include "ttfs_fixed_kernels.h"

#include "common/arena.h"

/* What is wanted of a layer besides spike times. */
enum {
    SLOPES = 1,    /* slopes at spikes */
    PEAKS = 2,     /* membrane at spikes and peaks */
    ONLY_FIRST = 4 /* neurons that spike first, and their membranes there */
};

#endif
