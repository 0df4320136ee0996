/* ttfs_device_learn: learning from one sample on small processors, and its state.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * INTRODUCTION
 *
 * ttfs_fixed_learn() with less work: the same weights, registers and counters. See
 * ttfs_device.h. What learning changes can be kept and restored.
 */
#ifndef TTFS_DEVICE_LEARN_H
#define TTFS_DEVICE_LEARN_H

#ifndef TTFS_DEVICE_LEARN
#define TTFS_DEVICE_LEARN
#endif
#include "ttfs_device.h"

/* -- Learning [6, 7] ------------------------------------------------------------- */

/* Delete spikes of the input channels at random, in the order of the list, which has
 * numbers of inputs as rows, and make them offsets of rows. */
static inline void ttfs_device_drop(const ttfs_device_machine *machine, uint16_t *ticks)
{
    const ttfs_fixed_network *network = machine->network;
    const uint16_t stride = network->layers->stride;
    ttfs_device_line *line = machine->lines;
    ttfs_device_event *left = line->events;

    for (ttfs_device_index e = 0; e < line->n; ++e) {
        const ttfs_device_event event = line->events[e];
        if (network->drop > 0 && network->may_drop[event.row]) {
            for (uint8_t bit = 0; bit < 8; ++bit) {
                *network->lfsr = ttfs_fixed_step(*network->lfsr);
            }
            if ((*network->lfsr & 255) < network->drop) {
                ticks[event.row] = network->n_ticks;
                continue;
            }
        }
        left->tick = event.tick;
        left->row = (ttfs_device_row)(event.row * stride);
        ++left;
    }
    line->n = (uint16_t)(left - line->events);
}

/* The spikes of those inputs of a layer that learn, in the order of inputs, where the
 * layer before spikes at `before`. Returns how many. */
static inline uint16_t ttfs_device_gather(const ttfs_fixed_layer *layer,
                                          const uint16_t *before, uint16_t n_ticks,
                                          ttfs_device_event *events)
{
    const ttfs_device_index n = (ttfs_device_index)(layer->n_in - layer->n_bias);
    const ttfs_device_index n_learning =
        (ttfs_device_index)(layer->n_in - layer->n_fixed);
    ttfs_device_event *e = events;
    ttfs_device_row row = 0;

    for (ttfs_device_index i = 0; i < n_learning; ++i) {
        e->tick = i < n ? before[i] : layer->bias_ticks[i - n];
        e->row = row;
        if (e->tick < n_ticks) ++e;
        row = (ttfs_device_row)(row + layer->stride);
    }
    return (uint16_t)(e - events);
}

/* Move the weights of neuron j by what it learns from the spikes begin ... end - 1:
 * ttfs_fixed_move() of ttfs_fixed_eligibility(). The sums of a batch of one have 30
 * bits at most, and cannot overflow. */
static TTFS_DEVICE_FAST void
ttfs_device_teach(const ttfs_fixed_layer *layer, uint8_t is_floor,
                  const ttfs_fixed_state *state, ttfs_device_index j,
                  const ttfs_device_event *begin, const ttfs_device_event *end)
{
    ttfs_fixed_weight *weights = layer->weights + j;
    ttfs_fixed_const8 *kernel = layer->kernel;
    const uint8_t fraction = TTFS_DEVICE_FRACTION(layer), shift = layer->rate_shift;
    const int16_t half = (int16_t)(((int16_t)1 << fraction) >> 1);
    const int16_t error = state->error[j], decay = layer->decay, rest = layer->rest;
    const int32_t limit = layer->max_stored;
    const uint16_t t = state->ticks[j];
    uint16_t lfsr = layer->lfsr[j];

    for (; begin < end; ++begin) {
        int32_t sum = 0;
        if (!is_floor) {
            lfsr = ttfs_fixed_step(lfsr);
            if (error == 0 && decay == 0) continue; /* what is random is below 1 */
            sum = shift <= 16 ? (int32_t)lfsr >> (16 - shift)
                              : (int32_t)lfsr << (shift - 16);
        }
        if (begin->tick < t) sum += (int32_t)error * kernel[t - begin->tick];
        ttfs_fixed_weight *stored = &weights[begin->row];
        if (decay != 0) {
            sum -= (int32_t)decay * (int16_t)(((*stored + half) >> fraction) - rest);
        }
        sum >>= shift;
        if (sizeof *stored > 1) sum = ttfs_fixed_clip(sum, INT16_MAX);
        *stored = (ttfs_fixed_weight)ttfs_fixed_clip(sum + *stored, limit);
    }
    layer->lfsr[j] = lfsr;
}

/* Learn from one sample. Returns the class that the network gave it before.
 * ticks      in; out: those that were not deleted. */
static inline uint16_t ttfs_device_learn_sample(const ttfs_device_machine *machine,
                                                uint16_t *ticks, uint16_t label)
{
    const ttfs_fixed_network *network = machine->network;
    const ttfs_fixed_layer *layer = network->layers;

    ttfs_device_start(machine);
    ttfs_device_sort(machine, ticks, 1);
    ttfs_device_drop(machine, ticks);
    ttfs_device_forward(machine, UINT16_MAX);
    const uint16_t decision = ttfs_device_decision(machine, 1);
    ttfs_fixed_errors(network, machine->states, label);
    for (ttfs_device_index k = 0; k < network->n_layers; ++k, ++layer) {
        const ttfs_fixed_state *state = &machine->states[k];
        ttfs_device_event *events = machine->lines[k].events;
        if (!state->learns) continue;
        const uint16_t *before = k > 0 ? state[-1].ticks : ticks;
        const uint16_t n = ttfs_device_gather(layer, before, network->n_ticks, events);
        for (ttfs_device_index j = 0; j < layer->n_out; ++j) {
            ttfs_device_teach(layer, network->is_floor, state, j, events, events + n);
        }
    }
    return decision;
}

/* -- What learning changes, to be kept ------------------------------------------- */

/* An array that learning changes. */
typedef struct {
    void *data;
    uint32_t n_bytes;
} ttfs_device_part;

/* CRC-32 (IEEE 802.3) of one more byte. */
static inline uint32_t ttfs_device_checksum(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (uint8_t bit = 0; bit < 8; ++bit) {
        crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
    }
    return crc;
}

/* Write n parts after a number of 4 bytes that tells of which model they are, and a
 * checksum after them. */
static inline void ttfs_device_save_parts(const ttfs_device_part *parts, uint16_t n,
                                          uint32_t model, uint8_t *state)
{
    uint32_t crc = UINT32_MAX;
    for (uint8_t b = 0; b < 4; ++b, model >>= 8) {
        *state = (uint8_t)model;
        crc = ttfs_device_checksum(crc, *state++);
    }
    for (; n > 0; --n, ++parts) {
        const uint8_t *bytes = (const uint8_t *)parts->data;
        for (uint32_t b = 0; b < parts->n_bytes; ++b) {
            *state = bytes[b];
            crc = ttfs_device_checksum(crc, *state++);
        }
    }
    for (uint8_t b = 0; b < 4; ++b, crc >>= 8) *state++ = (uint8_t)~crc;
}

/* Restore the parts; -1, having done nothing, if they are of another model or do not
 * have their checksum, else 0. */
static inline int ttfs_device_restore_parts(const ttfs_device_part *parts, uint16_t n,
                                            uint32_t model, const uint8_t *state)
{
    uint32_t crc = UINT32_MAX, n_bytes = 4;
    uint8_t differs = 0;
    for (uint16_t p = 0; p < n; ++p) n_bytes += parts[p].n_bytes;
    for (uint32_t b = 0; b < n_bytes; ++b) crc = ttfs_device_checksum(crc, state[b]);
    for (uint8_t b = 0; b < 4; ++b, model >>= 8, crc >>= 8) {
        differs |= state[b] ^ (uint8_t)model;
        differs |= state[n_bytes + b] ^ (uint8_t)~crc;
    }
    if (differs) return -1;
    state += 4;
    for (; n > 0; --n, ++parts) {
        /* volatile: no call of memcpy. */
        volatile uint8_t *bytes = (volatile uint8_t *)parts->data;
        for (uint32_t b = 0; b < parts->n_bytes; ++b) bytes[b] = *state++;
    }
    return 0;
}

#endif /* TTFS_DEVICE_LEARN_H */
