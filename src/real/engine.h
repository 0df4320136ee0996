/* The core for one instruction set and one precision. A file that sets REAL_BITS and
 * SIMD and includes this makes the functions that ttfs_kernels.h describes. */
#ifndef TTFS_REAL_ENGINE_H
#define TTFS_REAL_ENGINE_H

#include "real/precision.h"

#include "real/simd/vectors.h"
#include "real/simd/vmath.h"

#include "real/neuron/kappa.h"
#include "real/neuron/crossing.h"
#include "real/neuron/newton_step.h"

#include "real/spikes/sort.h"
#include "real/spikes/encode.h"
#include "real/spikes/dropout.h"

#include "real/layer/panel.h"
#include "real/layer/events.h"
#include "real/layer/scan.h"
#include "real/layer/crossing.h"
#include "real/layer/first_spikes.h"
#include "real/layer/peak.h"
#include "real/layer/gradient.h"
#include "real/layer/trains.h"
#include "real/layer/trains_gradient.h"
#include "real/layer/batch.h"
#include "real/layer/kind.h"
#include "real/layer/arrivals.h"

#include "real/network/infer.h"
#include "real/network/chip.h"
#include "real/network/clocked.h"

#include "real/training/plan.h"
#include "real/training/loss.h"
#include "real/training/adam.h"
#include "real/training/local_rule.h"
#include "real/training/step.h"
#include "real/training/pass_back.h"
#include "real/training/forward.h"
#include "real/training/rows.h"
#include "real/training/backward.h"
#include "real/training/update.h"

#include "real/layer/full.h"
#include "real/layer/axonal.h"
#include "real/layer/synaptic.h"
#include "real/layer/kinds.h"

const TYPE(kernels) KERNELS = {
    .name = SIMD_NAME,
    .lanes = LANES,
    .kinds = layer_kinds,
    .packed_size = packed_size,
    .moments_width = moments_width,
    .sort_workspace_size = sort_workspace_size,
    .encode_workspace_size = encode_workspace_size,
    .layer_workspace_size = layer_workspace_size,
    .infer_workspace_size = infer_workspace_size,
    .emulate_workspace_size = emulate_workspace_size,
    .clocked_workspace_size = clocked_workspace_size,
    .training_workspace_size = training_workspace_size,
    .trains_workspace_size = trains_workspace_size,
    .pack = pack,
    .unpack = unpack,
    .round = round_weights,
    .sort = sort,
    .is_finite_float = is_finite_float,
    .is_finite_double = is_finite_double,
    .encode_float = encode_float,
    .encode_double = encode_double,
    .encode_sparse_float = encode_sparse_float,
    .encode_sparse_double = encode_sparse_double,
    .first_spike = first_spike,
    .peak = peaks,
    .slope = slopes_at,
    .grad_weights = grad_weights,
    .grad_times = grad_times,
    .spike_trains = spike_trains,
    .trains_slopes = trains_slopes,
    .trains_adjoint = trains_adjoint,
    .trains_grad_weights = trains_grad_weights,
    .loss = loss,
    .infer = infer,
    .emulate = emulate,
    .clocked = clocked,
    .train_inputs = train_inputs,
    .train_forward = train_forward,
    .train_backward = train_backward,
    .train_update = train_update,
};

#ifdef POP_TARGET
#pragma clang attribute pop
#endif

#endif
