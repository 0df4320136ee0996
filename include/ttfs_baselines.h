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
 * - Time is in steps. Weights and thresholds share one unit.
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
size_t ttfs_rate_workspace_size(const ttfs_rate_network *network);

/* Run samples.
 * x          (n_samples, inputs)
 * n_samples  how many
 * moments    (n_moments,) steps at which to record, ascending, from 1 on
 * n_moments  at least 1
 * record     out
 * scratch    ttfs_rate_workspace_size(network) bytes, from a cache line on */
void ttfs_rate_run(const ttfs_rate_network *network, const float *x, size_t n_samples,
                   const uint32_t *moments, size_t n_moments,
                   const ttfs_rate_record *record, void *scratch);

/* -- S4NN ---------------------------------------------------------------------- */

/* Non-leaky integrate-and-fire neurons in steps 0 ... n_steps - 1, each of which fires
 * at most once (Kheradpisheh, Masquelier, International Journal of Neural Systems 30,
 * 2050027, 2020):
 *
 *     V_j(t) = sum_i w_ij [t_i <= t]
 *     t_j    = 1 + the first t with V_j(t) > threshold, or n_steps: silent
 *
 * The rule learns one sample at a time. With m = min t of the outputs the targets are
 *
 *     T_j = t_j, but min(m + gamma, n_steps) if t_j - m < gamma;   T_label = m
 *     T_j = n_steps,   T_label = n_steps - gamma                   if m = n_steps
 *
 * and d_j = (T_j - t_j) / n_steps. Then layer by layer, from the outputs,
 *
 *     d <- d / |d|                      unless d = 0
 *     w_ij <- w_ij - rate d_j [t_i < t_j]
 *     w_ij <- w_ij - rate weight_decay w_ij
 *     d_i = sum_j d_j [t_i < t_j] w_ij  for the layer before, with the new weights */

/* A layer. The weight from input i to neuron j is scale * weights[i * n_out + j]: the
 * decay changes the scale alone. */
typedef struct {
    size_t n_in, n_out;
    float *weights; /* (n_in, n_out), the caller's */
    double scale;   /* positive */
} ttfs_s4nn_layer;

typedef struct {
    size_t n_layers;         /* at least 1 */
    ttfs_s4nn_layer *layers; /* (n_layers,); n_in is n_out of the layer before */
    int32_t n_steps;         /* 1 to 65535 */
    double threshold;        /* positive */
} ttfs_s4nn_network;

/* The input spikes of samples: those of sample i are begin[i] ... begin[i + 1] - 1,
 * sorted by step, and before n_steps. */
typedef struct {
    const size_t *begin;    /* (n_samples + 1,) */
    const uint32_t *inputs; /* below n_in of the first layer */
    const uint16_t *steps;
} ttfs_s4nn_spikes;

typedef struct {
    const double *rates; /* (n_layers,), positive */
    double weight_decay; /* not negative, less than 1 / rate */
    double gamma;        /* positive, in steps */
} ttfs_s4nn_rule;

/* What learning counts, of each sample before it is learned; learning adds to it. */
typedef struct {
    size_t n_correct; /* samples whose label is the first output, or one of the first */
    double loss;      /* sum of (T - t)^2 / (2 n_steps^2) */
    size_t *n_fired;  /* (n_neurons,): samples in which a neuron of any layer fires */
} ttfs_s4nn_tally;

/* The spikes of n neurons, or of one sample, sorted by step, ties by neuron. Returns
 * their number.
 *
 * times   (n,), not negative; n_steps or more: no spike.
 * counts  (n_steps,) scratch.
 * inputs  (n,) out: numbers of the neurons that spike.
 * steps   (n,) out. */
size_t ttfs_s4nn_sort_spikes(const int32_t *times, size_t n, int32_t n_steps,
                             size_t *counts, uint32_t *inputs, uint16_t *steps);

/* Bytes of `scratch`, which begins at a cache line and belongs to one thread. */
size_t ttfs_s4nn_workspace_size(const ttfs_s4nn_network *network);

/* Spike times of samples begin ... end - 1.
 *
 * times      (n_samples, n_neurons) out: the layers one after the other; n_steps for
 *            silent neurons.
 * membranes  (n_samples, n_outputs) out: of the output neurons in the step whose spikes
 *            the first of them answers, or in the last step if none fires. */
void ttfs_s4nn_run(const ttfs_s4nn_network *network, const ttfs_s4nn_spikes *spikes,
                   size_t begin, size_t end, int32_t *times, float *membranes,
                   void *scratch);

/* Learn samples order[0] ... order[n - 1] one after the other.
 *
 * labels     (n_samples,): numbers of output neurons. */
void ttfs_s4nn_learn(ttfs_s4nn_network *network, const ttfs_s4nn_rule *rule,
                     const ttfs_s4nn_spikes *spikes, const uint32_t *labels,
                     const size_t *order, size_t n, ttfs_s4nn_tally *tally,
                     void *scratch);

/* Multiply the weights by the scales, which become 1. */
void ttfs_s4nn_fold_scales(ttfs_s4nn_network *network);

/* Synaptic events of a layer in one sample: for each input i the number of neurons j
 * with a weight that is not 0 and arrivals[i] < ends[j].
 *
 * arrivals   (n_in,): steps of the spikes.
 * ends       (n_out,): the step from which on a neuron takes no more.
 * counts     (n_in,) out. */
void ttfs_s4nn_count_events(const ttfs_s4nn_layer *layer, const int32_t *arrivals,
                            const int32_t *ends, int32_t *counts);

#ifdef __cplusplus
}
#endif

#endif /* TTFS_BASELINES_H */
