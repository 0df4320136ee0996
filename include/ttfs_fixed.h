/* ttfs_fixed: networks of first-spike neurons in integers, inference and learning.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * INTRODUCTION
 *
 * The arithmetic of docs/spec/fixed_point.md, whose sections are cited as [n]. All of
 * it is in this header, its types in ttfs_fixed_types.h: C99, no allocation, no
 * floating point, no library. It is the reference: the vector code of the library has
 * the same bits, and so has ttfs_device.h, of which ttfs.export.to_c() makes files.
 *
 * CONVENTIONS
 *
 * - Every array belongs to the caller and must not overlap with another one. Matrices
 *   are row-major; rows of weights are `stride` apart.
 * - Times are ticks, 0 <= t < n_ticks; what is absent or silent has t = n_ticks.
 * - Membranes and currents are fx16: int16, saturating; one unit is 2^-current_shift of
 *   the least bit of a weight. Factors are fractions, Q0.15.
 * - int may have 16 bits.
 * - >> of a negative number floors. C leaves that to the compiler; all that we know do
 *   it, and TTFS_FIXED_SHIFTS_FLOOR stops the others.
 * - Arguments are not checked.
 */
#ifndef TTFS_FIXED_H
#define TTFS_FIXED_H

#include <stdint.h>

#include "ttfs_fixed_types.h"

/* -- Numbers [1] ----------------------------------------------------------------- */

static inline int16_t ttfs_fixed_saturate(int32_t x)
{
    return (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
}

static inline int32_t ttfs_fixed_clip(int32_t x, int32_t limit)
{
    return x > limit ? limit : x < -limit ? -limit : x;
}

/* fx16 multiply, (a b 2) >> 16; one of them is a table entry and never -1. */
static inline int16_t ttfs_fixed_multiply(int16_t a, int16_t b)
{
    return (int16_t)((int32_t)a * b >> 15);
}

/* fx16 multiply-accumulate: two products in 32 bits, upper half. Table entries are
 * never -1, so the sum does not overflow. */
static inline int16_t ttfs_fixed_mac(int16_t a, int16_t x, int16_t b, int16_t y)
{
    return ttfs_fixed_saturate(((int32_t)a * x + (int32_t)b * y) >> 15);
}

/* 32-bit add, saturating. */
static inline int32_t ttfs_fixed_add(int32_t a, int32_t b)
{
    const int32_t sum = (int32_t)((uint32_t)a + (uint32_t)b);
    /* A sum that overflows has the sign of neither number. */
    return ((a ^ sum) & (b ^ sum)) >= 0 ? sum : a < 0 ? INT32_MIN : INT32_MAX;
}

/* x / 2^n, rounded to nearest, halves up; n > 0 and x + 2^(n-1) below 2^31. */
static inline int32_t ttfs_fixed_round(int32_t x, int n)
{
    return ttfs_fixed_add(x, (int32_t)1 << (n - 1)) >> n;
}

/* Next state of a 16-bit linear feedback shift register, taps 16, 14, 13, 11. */
static inline uint16_t ttfs_fixed_step(uint16_t lfsr)
{
    return (uint16_t)(lfsr >> 1 ^ ((lfsr & 1) ? 0xB400 : 0));
}

/* The weight of synapse (i, j): the upper bits of its accumulator, rounded. */
static inline int32_t ttfs_fixed_weight_of(const ttfs_fixed_layer *layer, uint32_t i,
                                           uint32_t j)
{
    const int32_t stored = layer->weights[i * layer->stride + j];
    return (stored + (((int32_t)1 << layer->fraction) >> 1)) >> layer->fraction;
}

/* -- Inference [3] --------------------------------------------------------------- */

/* The spike of neuron j by the table kernel:
 *
 *     u(t0 + d) = exp(-d/tau_mem) u(t0) + kappa(d) I(t0)
 *     I(t0 + d) = exp(-d/tau_syn) I(t0)
 *
 * from the last input tick t0, at whose end I jumped by the weights of its spikes.
 * Fires at the first tick with u >= threshold. */
static inline void ttfs_fixed_spike_by_tables(const ttfs_fixed_layer *layer,
                                              uint16_t n_ticks,
                                              const ttfs_fixed_event *events,
                                              uint32_t n, uint32_t j,
                                              ttfs_fixed_state *state)
{
    int16_t u0 = 0, i0 = 0, peak = INT16_MIN;
    uint32_t k = 0;

    state->ticks[j] = n_ticks;
    state->slope[j] = 0;
    while (k < n) {
        const uint32_t t0 = events[k].tick;
        for (; k < n && events[k].tick == t0; ++k) {
            const int32_t w = ttfs_fixed_weight_of(layer, events[k].input, j);
            i0 = ttfs_fixed_saturate(i0 + w * ((int32_t)1 << layer->current_shift));
        }
        const uint32_t next = k < n ? events[k].tick : n_ticks;
        for (uint32_t d = 1; t0 + d <= next && t0 + d < n_ticks; ++d) {
            const int16_t u =
                ttfs_fixed_mac(layer->decay_mem[d], u0, layer->kappa[d], i0);
            if (u >= layer->threshold) {
                const int16_t i = ttfs_fixed_multiply(layer->decay_syn[d], i0);
                state->ticks[j] = (uint16_t)(t0 + d);
                state->u[j] = u;
                state->slope[j] =
                    ttfs_fixed_mac(layer->slope_syn, i, layer->slope_mem, u);
                return;
            }
            if (u > peak) peak = u;
        }
        const uint32_t gap = next - t0;
        u0 = ttfs_fixed_mac(layer->decay_mem[gap], u0, layer->kappa[gap], i0);
        i0 = ttfs_fixed_multiply(layer->decay_syn[gap], i0);
    }
    state->u[j] = peak;
}

/* The spike of neuron j by the shift kernel [3b]. In each tick from the first input
 * spike on, after the input spikes of the tick, a part of I moves into u, which leaks:
 *
 *     u += (I >> syn_shift) - (u >> mem_shift)
 *     I -= I >> syn_shift
 * Fires in the tick after, if u >= threshold. */
static inline void ttfs_fixed_spike_by_shifts(const ttfs_fixed_layer *layer,
                                              uint16_t n_ticks,
                                              const ttfs_fixed_event *events,
                                              uint32_t n, uint32_t j,
                                              ttfs_fixed_state *state)
{
    int16_t u = 0, i = 0, peak = INT16_MIN;
    uint32_t k = 0;

    state->ticks[j] = n_ticks;
    state->slope[j] = 0;
    for (uint32_t t = n > 0 ? events->tick : n_ticks; t + 1 < n_ticks; ++t) {
        for (; k < n && events[k].tick == t; ++k) {
            const int32_t w = ttfs_fixed_weight_of(layer, events[k].input, j);
            i = ttfs_fixed_saturate(i + w * ((int32_t)1 << layer->current_shift));
        }
        const int16_t moved = (int16_t)(i >> layer->syn_shift);
        const int16_t leak = (int16_t)(layer->mem_shift ? u >> layer->mem_shift : 0);
        u = ttfs_fixed_saturate((int32_t)u - leak + moved);
        i = (int16_t)(i - moved);
        if (u >= layer->threshold) {
            state->ticks[j] = (uint16_t)(t + 1);
            state->u[j] = u;
            state->slope[j] = ttfs_fixed_mac(layer->slope_syn, i, layer->slope_mem, u);
            return;
        }
        if (u > peak) peak = u;
    }
    state->u[j] = peak;
}

/* The spike of neuron j, by the kernel of its layer. */
static inline void ttfs_fixed_first_spike(const ttfs_fixed_layer *layer,
                                          uint16_t n_ticks,
                                          const ttfs_fixed_event *events, uint32_t n,
                                          uint32_t j, ttfs_fixed_state *state)
{
    if (layer->syn_shift)
        ttfs_fixed_spike_by_shifts(layer, n_ticks, events, n, j, state);
    else
        ttfs_fixed_spike_by_tables(layer, n_ticks, events, n, j, state);
}

/* Sorted list of the inputs of a layer: the n spikes at ticks, then biases. Returns how
 * many; events is (n_in,), counts (n_ticks,). */
static inline uint32_t ttfs_fixed_sort(const ttfs_fixed_layer *layer, uint16_t n_ticks,
                                       const uint16_t *ticks, ttfs_fixed_event *events,
                                       uint16_t *counts)
{
    const uint32_t n = (uint32_t)(layer->n_in - layer->n_bias);
    uint32_t at = 0;

    /* Biases are counted here: a loop that only clears may become a call of memset. */
    for (uint32_t t = 0; t < n_ticks; ++t) {
        counts[t] = 0;
        for (uint32_t b = 0; b < layer->n_bias; ++b) {
            counts[t] = (uint16_t)(counts[t] + (layer->bias_ticks[b] == t));
        }
    }
    for (uint32_t i = 0; i < n; ++i) {
        if (ticks[i] < n_ticks) ++counts[ticks[i]];
    }
    for (uint32_t t = 0; t < n_ticks; ++t) {
        const uint32_t count = counts[t];
        counts[t] = (uint16_t)at;
        at += count;
    }
    for (uint32_t i = 0; i < layer->n_in; ++i) {
        const uint16_t t = i < n ? ticks[i] : layer->bias_ticks[i - n];
        if (t < n_ticks) {
            events[counts[t]].tick = t;
            events[counts[t]++].input = (uint16_t)i;
        }
    }
    return at;
}

/* The output neuron that decides: the earliest; of several in the same tick, or if all
 * are silent, the one with the highest membrane; of several with the same, the first.
 */
static inline uint32_t ttfs_fixed_decide(const ttfs_fixed_state *state, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t k = 1; k < n; ++k) {
        if (state->ticks[k] < state->ticks[best] ||
            (state->ticks[k] == state->ticks[best] && state->u[k] > state->u[best])) {
            best = k;
        }
    }
    return best;
}

/* -- Errors [4, 5, 6] ------------------------------------------------------------ */

/* s, where 2^s is the power of two next to u', in threshold / tau_syn. */
static inline int ttfs_fixed_log_slope(const ttfs_fixed_layer *layer, int16_t slope)
{
    int m = 0;
    while (m < TTFS_FIXED_SLOPE_BOUNDS && slope >= layer->slope_bounds[m]) ++m;
    return TTFS_FIXED_MIN_LOG_SLOPE + m;
}

/* Time of an output neuron in the loss: its spike time, stretched after the read-out,
 * or a time that is later than the end by what the peak of its membrane missed. */
static inline int32_t ttfs_fixed_output_time(const ttfs_fixed_network *network,
                                             const ttfs_fixed_layer *layer,
                                             const ttfs_fixed_state *state, uint32_t k)
{
    const int32_t late = (int32_t)state->ticks[k] - network->read_out;
    const int32_t t = late > 0 ? network->read_out + late * network->stretch
                               : (int32_t)state->ticks[k];
    if (state->ticks[k] < network->n_ticks) return t;
    const int32_t missed = (int32_t)layer->threshold - state->u[k];
    return t + (int32_t)((uint32_t)missed * network->silent_delay >> 15);
}

/* 256 exp(-dt / time_scale), by table. */
static inline int32_t ttfs_fixed_softmax(const ttfs_fixed_network *network, int32_t dt)
{
    return dt < network->n_softmax ? network->softmax[dt] : 0;
}

/* Errors of the output layer, from the cross-entropy of softmax(-t / time_scale).
 * Returns p of the label, 0 to 256. */
static inline int32_t ttfs_fixed_output_errors(const ttfs_fixed_network *network,
                                               ttfs_fixed_state *state, uint32_t label)
{
    const ttfs_fixed_layer *layer = &network->layers[network->n_layers - 1];
    const uint32_t n = layer->n_out;
    int32_t first = INT32_MAX, sum = 0, p_label = 0;
    int shift = 0;

    for (uint32_t k = 0; k < n; ++k) {
        const int32_t t = ttfs_fixed_output_time(network, layer, state, k);
        if (t < first) first = t;
    }
    for (uint32_t k = 0; k < n; ++k) {
        const int32_t t = ttfs_fixed_output_time(network, layer, state, k);
        sum += ttfs_fixed_softmax(network, t - first);
    }
    state->learns = 0;
    while (sum >> shift >= 256) ++shift;
    const int32_t reciprocal = network->reciprocal[(sum >> shift) - 128];
    for (uint32_t k = 0; k < n; ++k) {
        const int fired = state->ticks[k] < network->n_ticks;
        const int is_late = state->ticks[k] > network->read_out;
        const int32_t t = ttfs_fixed_output_time(network, layer, state, k);
        const int32_t e = ttfs_fixed_softmax(network, t - first);
        int32_t p = ttfs_fixed_round(e * reciprocal, 7 + shift);
        if (p > 256) p = 256;
        if (k == label) p_label = p;
        const int32_t delta = (k == label ? 256 : 0) - p;
        /* A silent label learns as if it fired at the end; other silent outputs rest.
         * After the read-out u' is its doing, and counts for nothing. */
        const int s =
            fired && !is_late ? ttfs_fixed_log_slope(layer, state->slope[k]) : 0;
        const int32_t c = fired || k == label ? delta * network->gain : 0;
        state->error[k] =
            (int16_t)ttfs_fixed_clip(ttfs_fixed_round(c, 5 + s), TTFS_FIXED_MAX_ERROR);
        state->learns |= state->error[k] != 0;
    }
    return p_label;
}

/* What reaches hidden neuron i of layer k from the errors of the next layer, or from
 * the errors of the outputs: dL/dt_i = sum_j c_j w_ij kappa'(t_j - t_i). */
static inline int32_t ttfs_fixed_feed_back(const ttfs_fixed_network *network,
                                           uint32_t k, const ttfs_fixed_state *states,
                                           uint32_t label, uint32_t i)
{
    const ttfs_fixed_layer *layer = &network->layers[k], *next = layer + 1;
    const ttfs_fixed_state *after = &states[k + 1];
    const ttfs_fixed_state *output = &states[network->n_layers - 1];
    const uint32_t n_classes = network->layers[network->n_layers - 1].n_out;
    int32_t sum = 0;

    if (network->feedback == TTFS_FIXED_TARGET) {
        return (int32_t)layer->feedback[i * n_classes + label] * network->gain;
    }
    if (network->feedback == TTFS_FIXED_DIRECT) {
        for (uint32_t j = 0; output->learns && j < n_classes; ++j) {
            const int32_t b = layer->feedback[i * n_classes + j];
            sum = ttfs_fixed_add(sum, output->error[j] * b);
        }
        return sum;
    }
    for (uint32_t j = 0; after->learns && j < next->n_out; ++j) {
        const int32_t d = (int32_t)after->ticks[j] - states[k].ticks[i];
        if (d <= 0 || after->error[j] == 0) continue;
        const int32_t w = network->feedback == TTFS_FIXED_SYMMETRIC
                              ? ttfs_fixed_weight_of(next, i, j)
                              : layer->feedback[i * next->n_out + j];
        sum = ttfs_fixed_add(sum, after->error[j] * (w * next->kernel_slope[d]));
    }
    return sum;
}

/* Errors of the neurons of hidden layer k. */
static inline void ttfs_fixed_hidden_errors(const ttfs_fixed_network *network,
                                            uint32_t k, ttfs_fixed_state *states,
                                            uint32_t label)
{
    const ttfs_fixed_layer *layer = &network->layers[k];
    ttfs_fixed_state *state = &states[k];

    state->learns = 0;
    for (uint32_t i = 0; i < layer->n_out; ++i) {
        int32_t error = 0;
        if (state->ticks[i] < network->n_ticks) {
            const int s = ttfs_fixed_log_slope(layer, state->slope[i]);
            layer->silence[i] = (uint8_t)(layer->silence[i] - (layer->silence[i] > 0));
            if (network->learn_from <= state->ticks[i] &&
                state->ticks[i] < network->learn_until) {
                error = ttfs_fixed_feed_back(network, k, states, label, i);
                error = ttfs_fixed_round(error, layer->error_shift + s);
            }
        } else {
            const int silence = layer->silence[i] + TTFS_FIXED_SILENT_STEP;
            layer->silence[i] = (uint8_t)(silence > 255 ? 255 : silence);
            if (layer->silence[i] > TTFS_FIXED_MAX_SILENCE) error = network->push;
        }
        state->error[i] = (int16_t)ttfs_fixed_clip(error, TTFS_FIXED_MAX_ERROR);
        state->learns |= state->error[i] != 0;
    }
}

/* Errors of all layers. Returns p of the label. */
static inline int32_t ttfs_fixed_errors(const ttfs_fixed_network *network,
                                        ttfs_fixed_state *states, uint32_t label)
{
    uint32_t k = (uint32_t)(network->n_layers - 1);
    const int32_t p = ttfs_fixed_output_errors(network, &states[k], label);
    while (k-- > 0) ttfs_fixed_hidden_errors(network, k, states, label);
    return p;
}

/* -- Learning [6, 7] ------------------------------------------------------------- */

/* What synapse (i, j) learns from an input spike at t_i:  c_j k(t_j - t_i). */
static inline int32_t ttfs_fixed_eligibility(const ttfs_fixed_layer *layer,
                                             const ttfs_fixed_state *state, uint32_t j,
                                             uint32_t t_i)
{
    const int32_t d = (int32_t)state->ticks[j] - (int32_t)t_i;
    return d > 0 ? (int32_t)state->error[j] * layer->kernel[d] : 0;
}

/* Move weight (i, j) by the sum of a batch:  w += (G - decay (w - rest)) 2^-L. */
static inline void ttfs_fixed_move(const ttfs_fixed_layer *layer, int is_floor,
                                   uint32_t i, uint32_t j, int32_t sum)
{
    ttfs_fixed_weight *stored = &layer->weights[i * layer->stride + j];
    const int32_t w = ttfs_fixed_weight_of(layer, i, j);
    const int shift = layer->rate_shift;
    int32_t random = 0;

    if (!is_floor) {
        layer->lfsr[j] = ttfs_fixed_step(layer->lfsr[j]);
        random = shift <= 16 ? (int32_t)layer->lfsr[j] >> (16 - shift)
                             : (int32_t)layer->lfsr[j] << (shift - 16);
    }
    sum = ttfs_fixed_add(sum, -(int32_t)layer->decay * (w - layer->rest));
    sum = ttfs_fixed_add(sum, random) >> shift;
    sum = ttfs_fixed_clip(sum, INT16_MAX) + *stored;
    *stored = (ttfs_fixed_weight)ttfs_fixed_clip(sum, layer->max_stored);
}

/* Add what a layer learns from a sample to the sums of its batch. */
static inline void ttfs_fixed_accumulate(const ttfs_fixed_layer *layer,
                                         const ttfs_fixed_state *state,
                                         const ttfs_fixed_event *events, uint32_t n)
{
    if (!state->learns) return;
    for (uint32_t e = 0; e < n; ++e) {
        const uint32_t i = events[e].input;
        if (i >= (uint32_t)(layer->n_in - layer->n_fixed)) continue;
        layer->touched[i] = 1;
        for (uint32_t j = 0; j < layer->n_out; ++j) {
            layer->sums[i * layer->stride + j] +=
                ttfs_fixed_eligibility(layer, state, j, events[e].tick);
        }
    }
}

/* Move the weights of the inputs that had a part in the batch, and clear the sums. */
static inline void ttfs_fixed_update(const ttfs_fixed_layer *layer, int is_floor)
{
    for (uint32_t i = 0; i < layer->n_in; ++i) {
        if (!layer->touched[i]) continue;
        layer->touched[i] = 0;
        for (uint32_t j = 0; j < layer->n_out; ++j) {
            int32_t *sum = &layer->sums[i * layer->stride + j];
            ttfs_fixed_move(layer, is_floor, i, j, *sum);
            *sum = 0;
        }
    }
}

/* Delete input spikes at random, in the order of the list. Returns how many are left.
 */
static inline uint32_t ttfs_fixed_drop_inputs(const ttfs_fixed_network *network,
                                              ttfs_fixed_event *events, uint32_t n)
{
    uint32_t left = 0;
    if (network->drop == 0) return n;
    for (uint32_t e = 0; e < n; ++e) {
        if (network->may_drop[events[e].input]) {
            for (int bit = 0; bit < 8; ++bit) {
                *network->lfsr = ttfs_fixed_step(*network->lfsr);
            }
            if ((*network->lfsr & 255) < network->drop) continue;
        }
        events[left++] = events[e];
    }
    return left;
}

/* -- One sample ------------------------------------------------------------------ */

/* Spikes of a layer. */
static inline void ttfs_fixed_spikes(const ttfs_fixed_layer *layer, uint16_t n_ticks,
                                     const ttfs_fixed_event *events, uint32_t n,
                                     ttfs_fixed_state *state)
{
    for (uint32_t j = 0; j < layer->n_out; ++j) {
        ttfs_fixed_first_spike(layer, n_ticks, events, n, j, state);
    }
}

/* Spikes of all layers, where the n spikes of the input channels and of the biases of
 * the first layer are in work->events. Returns the output neuron that decides. */
static inline uint32_t ttfs_fixed_forward(const ttfs_fixed_network *network, uint32_t n,
                                          const ttfs_fixed_workspace *work)
{
    const ttfs_fixed_layer *layer = network->layers;
    for (uint32_t k = 0; k < network->n_layers; ++k, ++layer) {
        if (k > 0) {
            n = ttfs_fixed_sort(layer, network->n_ticks, work->states[k - 1].ticks,
                                work->events, work->counts);
        }
        ttfs_fixed_spikes(layer, network->n_ticks, work->events, n, &work->states[k]);
    }
    return ttfs_fixed_decide(&work->states[network->n_layers - 1], layer[-1].n_out);
}

/* The class of a sample.
 * ticks      (n_in - n_bias of the first layer,) of the input channels. */
static inline uint32_t ttfs_fixed_infer(const ttfs_fixed_network *network,
                                        const uint16_t *ticks,
                                        const ttfs_fixed_workspace *work)
{
    const uint32_t n = ttfs_fixed_sort(network->layers, network->n_ticks, ticks,
                                       work->events, work->counts);
    return ttfs_fixed_forward(network, n, work);
}

/* Learn from one sample: the same as a batch of one, but without its sums. Returns the
 * class that the network gave it before.
 * ticks      in; out: those that were not deleted. */
static inline uint32_t ttfs_fixed_learn(const ttfs_fixed_network *network,
                                        uint16_t *ticks, uint32_t label,
                                        const ttfs_fixed_workspace *work)
{
    const ttfs_fixed_layer *layer = network->layers;
    const uint32_t n_channels = (uint32_t)(layer->n_in - layer->n_bias);
    uint32_t n =
        ttfs_fixed_sort(layer, network->n_ticks, ticks, work->events, work->counts);
    n = ttfs_fixed_drop_inputs(network, work->events, n);
    for (uint32_t i = 0; i < n_channels; ++i) ticks[i] = network->n_ticks;
    for (uint32_t e = 0; e < n; ++e) {
        if (work->events[e].input >= n_channels) continue;
        ticks[work->events[e].input] = work->events[e].tick;
    }
    const uint32_t decision = ttfs_fixed_forward(network, n, work);
    ttfs_fixed_errors(network, work->states, label);
    for (uint32_t k = 0; k < network->n_layers; ++k, ++layer) {
        const ttfs_fixed_state *state = &work->states[k];
        const uint16_t *before = k > 0 ? work->states[k - 1].ticks : ticks;
        const uint32_t n_before = (uint32_t)(layer->n_in - layer->n_bias);
        const uint32_t n_learning = (uint32_t)(layer->n_in - layer->n_fixed);
        for (uint32_t i = 0; state->learns && i < n_learning; ++i) {
            const uint16_t t_i =
                i < n_before ? before[i] : layer->bias_ticks[i - n_before];
            if (t_i >= network->n_ticks) continue;
            for (uint32_t j = 0; j < layer->n_out; ++j) {
                ttfs_fixed_move(layer, network->is_floor, i, j,
                                ttfs_fixed_eligibility(layer, state, j, t_i));
            }
        }
    }
    return decision;
}

#endif /* TTFS_FIXED_H */
