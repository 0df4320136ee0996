/* ttfs_device_types: the structures of ttfs_device.h, whose conventions hold.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TTFS_DEVICE_TYPES_H
#define TTFS_DEVICE_TYPES_H

#include "ttfs_fixed.h"

/* Type of the offset of a row of weights: input * stride. */
#ifndef TTFS_DEVICE_ROW
#define TTFS_DEVICE_ROW uint16_t
#endif
typedef TTFS_DEVICE_ROW ttfs_device_row;

/* Bits of the accumulators of a layer behind the weight [1]. */
#ifndef TTFS_DEVICE_FRACTION
#define TTFS_DEVICE_FRACTION(layer) ((layer)->fraction)
#endif

/* The loops that all time goes to. GCC gives registers without regard to loops where it
 * is to save memory, -Os; a fifth more memory makes them faster by a third. */
#ifndef TTFS_DEVICE_FAST
#if defined(__GNUC__) && !defined(__clang__) && !defined(__AVR__)
#define TTFS_DEVICE_FAST __attribute__((noinline, unused, optimize("O2")))
#else
#define TTFS_DEVICE_FAST inline
#endif
#endif

/* Counters of loops: at least 16 bits, the width of a register. */
typedef uint_fast16_t ttfs_device_index;

/* An input spike. Lists are sorted by tick, ties by input. */
typedef struct {
    uint16_t tick;
    ttfs_device_row row;
} ttfs_device_event;

/* What else is known of a layer. */
typedef struct {
#ifdef TTFS_DEVICE_SHIFT
    uint8_t burst; /* so many input spikes move a current by 2^14 at most */
#else
    uint16_t kappa_peak; /* tick of the greatest kappa */
#endif
    uint16_t max_weight; /* magnitude of the greatest weight */
} ttfs_device_bound;

/* A neuron that has not fired: U and I after the last input spikes. */
typedef struct {
    int16_t u, i;
    uint16_t j;
} ttfs_device_neuron;

/* How far a layer is. */
typedef struct {
    ttfs_device_event *events; /* (n_in,) input spikes up to now, or NULL */
#ifdef TTFS_DEVICE_SHIFT
    int16_t *u; /* (2 stride,) U of all neurons, at the threshold or above after a
                   spike, and behind them I */
#else
    ttfs_device_neuron *neurons; /* (n_out,) those that have not fired, in any order */
    uint16_t n_neurons;
#endif
    uint16_t stride;    /* that of the layer */
    uint16_t n;         /* spikes in events */
    uint16_t n_done;    /* so many of them have acted */
    uint16_t tick;      /* of the last one that has acted */
    uint16_t seen;      /* up to this tick it is known which neurons fire */
    uint16_t next_bias; /* the earliest tick of biases that are not in events */
} ttfs_device_line;

/* A network, and memory for one sample. */
typedef struct {
    const ttfs_fixed_network *network;
    const ttfs_device_bound *bounds; /* (n_layers,) */
    ttfs_device_line *lines;  /* (n_layers + 1,) the last one counts output spikes */
    ttfs_fixed_state *states; /* (n_layers,) its arrays may be NULL in hidden layers
                                 that do not learn, and `u` in all hidden layers */
    uint16_t *counts;         /* ((n_ticks - 1 >> count_shift) + 1,), and for samples
                                 that come spike by spike a bit for each input channel:
                                 whether it has spiked */
    uint8_t count_shift;
} ttfs_device_machine;

#endif /* TTFS_DEVICE_TYPES_H */
