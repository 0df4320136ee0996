/* ttfs_baselines: other codes of spiking networks, to compare first-spike times with.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * CONVENTIONS
 *
 * - Every array belongs to the caller, is contiguous and row-major (the last index
 *   varies fastest) and must not overlap with another one. NULL is not allowed, except
 *   where it is said to be.
 * - The functions allocate nothing, keep no state, print nothing and start no thread.
 *   They may be called from any number of threads at once, as long as no two of them
 *   write to the same arrays.
 * - Weights are (n_in, n_out): the row of an input holds its synapses.
 * - Time is in steps, from 1 on. Weights and thresholds share one unit.
 * - Arguments are not checked here; all numbers are finite.
 */
#ifndef TTFS_BASELINES_H
#define TTFS_BASELINES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -- Rate code ----------------------------------------------------------------- */

/* Integrate-and-fire neurons whose rates stand for the activations of a ReLU network,
 * after Rueckauer et al. (2017). A sample is a constant input x for some steps. In each
 * step, layer by layer, so that a spike arrives in the step in which it is fired,
 *
 *     V_j <- V_j + b_j + sum_i w_ij s_i        V_j >= 1: a spike, and V_j <- V_j - 1
 *
 * where s_i is 1 if input i spikes in this step and 0 if not. Inputs of the first layer
 * are currents, s_i = x_i in every step; or neurons with V_i <- V_i + |x_i|, of which a
 * spike has the sign of x_i. All V begin at `initial`: 0 as published; 1/2 rounds a
 * rate to the nearest number of spikes instead of down.
 *
 * Sums are in float: the bias, then inputs in their order, those of the first layer
 * with x_i > 0 before those with x_i < 0. */

typedef struct {
    size_t n_in;
    size_t n_out;
    const float *weights;      /* (n_in, n_out) [threshold] */
    const float *bias;         /* (n_out,) [threshold per step] */
    const uint32_t *n_targets; /* (n_in,) weights of each input that are not 0 */
} ttfs_rate_layer;

typedef struct {
    size_t n_layers; /* at least 1 */
    const ttfs_rate_layer *layers;
    float initial;         /* V at the start [threshold] */
    int has_input_spikes;  /* inputs are neurons, not currents */
    int has_output_spikes; /* else V of the last layer grows without bound */
} ttfs_rate_network;

/* What is recorded of samples at some moments, and at the last of them. */
typedef struct {
    int32_t *counts;   /* (n_samples, n_moments, outputs): spikes until then */
    float *membranes;  /* (n_samples, n_moments, outputs): V then */
    int64_t *n_spikes; /* (n_samples, n_moments, n_layers + 1): spikes until then of the
                        * inputs and of each layer */
    int64_t *n_events; /* (n_samples, n_moments, n_layers): spikes that have arrived
                        * over a weight that is not 0 */
    int32_t *by_neuron; /* (n_samples, neurons of all layers): spikes until the last
                         * moment */
} ttfs_rate_record;

/* Bytes of `scratch`. */
size_t ttfs_rate_scratch_size(const ttfs_rate_network *network);

/* Run samples.
 * x          (n_samples, inputs)
 * n_samples  how many
 * moments    (n_moments,) steps at which to record, ascending, from 1 on
 * n_moments  at least 1
 * record     out
 * scratch    ttfs_rate_scratch_size(network) bytes, from a cache line on */
void ttfs_rate_run(const ttfs_rate_network *network, const float *x, size_t n_samples,
                   const uint32_t *moments, size_t n_moments,
                   const ttfs_rate_record *record, void *scratch);

/* -- S4NN ---------------------------------------------------------------------- */

#ifdef __cplusplus
}
#endif

#endif /* TTFS_BASELINES_H */
