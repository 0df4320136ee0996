/* The tables of all kinds of layers, by ttfs_delay_kind. Another kind is a file beside
 * dense.h and an entry here. */
#ifndef TTFS_REAL_LAYER_KINDS_H
#define TTFS_REAL_LAYER_KINDS_H

#include "real/layer/axonal.h"
#include "real/layer/dense.h"
#include "real/layer/synaptic.h"

static const layer_kind_t *const layer_kinds[N_LAYER_KINDS] = {
    [TTFS_NO_DELAYS] = &dense_kind,
    [TTFS_AXONAL] = &axonal_kind,
    [TTFS_SYNAPTIC] = &synaptic_kind,
};

#endif
