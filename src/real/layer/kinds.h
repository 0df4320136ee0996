/* The tables of the kinds of full layers, by ttfs_layer_kind. Another kind is a file
 * beside full.h and an entry here. */
#ifndef TTFS_REAL_LAYER_KINDS_H
#define TTFS_REAL_LAYER_KINDS_H

#include "real/layer/axonal.h"
#include "real/layer/full.h"
#include "real/layer/synaptic.h"

static const layer_kind_t *const layer_kinds[] = {
    [TTFS_FULL] = &full_kind,
    [TTFS_AXONAL] = &axonal_kind,
    [TTFS_SYNAPTIC] = &synaptic_kind,
};

#endif
