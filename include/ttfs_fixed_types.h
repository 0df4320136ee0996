/* ttfs_fixed_types: the numbers and structures of ttfs_fixed.h, whose conventions hold.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TTFS_FIXED_TYPES_H
#define TTFS_FIXED_TYPES_H

#include <stdint.h>

/* Address space of constant tables: the flash memory of an AVR, which compilers know of
 * with -std=gnu99, and elsewhere no name. */
#ifndef TTFS_DEVICE_FLASH
#if defined(__FLASH) && !defined(__STRICT_ANSI__)
#define TTFS_DEVICE_FLASH __flash
#else
#define TTFS_DEVICE_FLASH
#endif
#endif
typedef const TTFS_DEVICE_FLASH int8_t ttfs_fixed_const8;
typedef const TTFS_DEVICE_FLASH uint8_t ttfs_fixed_constu8;
typedef const TTFS_DEVICE_FLASH int16_t ttfs_fixed_const16;
typedef const TTFS_DEVICE_FLASH uint16_t ttfs_fixed_constu16;

/* Type of stored weights: int8_t saves memory where they fit, see [1]. */
#ifndef TTFS_FIXED_WEIGHT
#define TTFS_FIXED_WEIGHT int16_t
#endif
typedef TTFS_FIXED_WEIGHT ttfs_fixed_weight;

typedef char TTFS_FIXED_SHIFTS_FLOOR[(-3 >> 1) == -2 ? 1 : -1];

#define TTFS_FIXED_SLOPE_BOUNDS 10    /* bounds of u' between powers of two [4] */
#define TTFS_FIXED_MIN_LOG_SLOPE (-4) /* the exponent of u' below all bounds */
#define TTFS_FIXED_MAX_ERROR 8191     /* greatest magnitude [5] */
#define TTFS_FIXED_MAX_SAMPLES 2048   /* samples of a batch: 2048 * 8191 * 127 < 2^31 */

/* How often a hidden neuron is silent [6]: its count grows by the step in a sample in
 * which it is, and else falls by 1. Above the maximum, which a neuron reaches that is
 * silent in more than a quarter of the samples, it is pushed. */
#define TTFS_FIXED_SILENT_STEP 3
#define TTFS_FIXED_MAX_SILENCE 60

/* An input spike. Lists are sorted by tick, ties by input. */
typedef struct {
    uint16_t tick;
    uint16_t input;
} ttfs_fixed_event;

/* Where the errors of hidden neurons come from [6]. */
typedef enum {
    TTFS_FIXED_SYMMETRIC, /* the next layer, through its weights */
    TTFS_FIXED_RANDOM,    /* the next layer, through fixed random weights */
    TTFS_FIXED_DIRECT,    /* the errors of the outputs, through fixed random weights */
    TTFS_FIXED_TARGET     /* the label, through fixed random weights */
} ttfs_fixed_feedback;

/* A layer. Its inputs are the neurons of the layer before, or the input channels, and
 * after them n_bias inputs which spike at fixed ticks. */
typedef struct {
    uint16_t n_in; /* biases included */
    uint16_t n_bias;
    uint16_t n_out;
    uint16_t stride; /* from one row of weights or sums to the next, at least n_out */
    ttfs_fixed_constu16 *bias_ticks; /* (n_bias,) */
    ttfs_fixed_weight *weights; /* (n_in, stride): a weight's least bit is 2^fraction */
    uint8_t fraction;           /* bits of an accumulator behind the weight [1] */
    uint8_t current_shift;
    int16_t threshold; /* fx16 */
    /* Tables by elapsed ticks, (n_ticks + 1,), Q0.15 [2]; NULL with shifts */
    ttfs_fixed_const16 *decay_mem; /* exp(-d / tau_mem) */
    ttfs_fixed_const16 *decay_syn; /* exp(-d / tau_syn) */
    ttfs_fixed_const16 *kappa;     /* kappa(d) */
    uint8_t syn_shift; /* the current loses 2^-syn_shift in a tick; 0: by tables [3b] */
    uint8_t mem_shift; /* the membrane likewise; 0: no leak */
    /* For learning only: */
    /* u' and its power of two [4] */
    int16_t slope_mem, slope_syn;     /* Q0.15 */
    ttfs_fixed_const16 *slope_bounds; /* (TTFS_FIXED_SLOPE_BOUNDS,) ascending, fx16 */
    uint16_t n_fixed; /* so many of the last biases have weights that do not learn */
    ttfs_fixed_const8 *kernel;       /* (n_ticks + 1,), Q0.7 [6] */
    ttfs_fixed_const8 *kernel_slope; /* (n_ticks + 1,), Q0.7: its derivative [6] */
    ttfs_fixed_weight max_stored;    /* greatest stored weight */
    int16_t rest;                    /* weights decay to this weight [7] */
    int16_t decay;                   /* [7] */
    uint8_t rate_shift;              /* L [7] */
    uint8_t error_shift; /* h, by which errors of hidden neurons are shifted [6] */
    /* Fixed random weights of errors of hidden neurons [6]: (n_out, n_out of the next
     * layer) if RANDOM, (n_out, n_classes) if DIRECT or TARGET, else NULL */
    ttfs_fixed_const16 *feedback;
    int32_t *sums;    /* (n_in, stride) G, zero between batches [7] */
    uint8_t *touched; /* (n_in,) has a row of sums been added to? */
    uint16_t *lfsr;   /* (n_out,) not 0 [1] */
    uint8_t *silence; /* (n_out,) how silent neurons have been [6] */
} ttfs_fixed_layer;

typedef struct {
    uint16_t n_layers;
    uint16_t n_ticks;
    const ttfs_fixed_layer *layers;
    uint16_t silent_delay; /* ticks for each unit of membrane missed, Q0.15 [5] */
    uint16_t read_out;     /* tick of the read-out, n_ticks if there is none [5] */
    uint16_t stretch;      /* the loss counts ticks after it so many times [5] */
    /* For learning only: */
    uint16_t n_softmax;
    ttfs_fixed_constu16
        *softmax; /* (n_softmax,) 256 exp(-d / time_scale), falling [5] */
    ttfs_fixed_constu16 *reciprocal; /* (128,) 2^15 / (128 + m) [5] */
    uint16_t gain;                   /* 128 to 255: mantissa of the learning rate [5] */
    int16_t push; /* error of neurons that are silent too often [6] */
    /* Hidden neurons learn from spikes at learn_from <= tick < learn_until [6]. */
    uint16_t learn_from, learn_until;
    ttfs_fixed_feedback feedback;
    uint8_t is_floor; /* round down instead of stochastically [7] */
    uint8_t drop;     /* 256 times the probability of deleting an input spike */
    ttfs_fixed_constu8
        *may_drop;  /* (n_in of the first layer,) is an input in it? [7] */
    uint16_t *lfsr; /* (1,) register that chooses deletions, not 0 [1] */
} ttfs_fixed_network;

/* What the neurons of a layer did with a sample. */
typedef struct {
    uint16_t *ticks; /* (n_out,) spike times */
    int16_t *u;      /* (n_out,) membrane at the spike, or its peak */
    int16_t *slope;  /* (n_out,) membrane slope at the spike [4]; 0 if silent */
    /* For learning only: */
    int16_t *error; /* (n_out,) c = dL/dt / u' [5, 6] */
    uint8_t learns; /* is any error not 0? */
} ttfs_fixed_state;

/* Memory for one sample. */
typedef struct {
    ttfs_fixed_event *events; /* (greatest n_in,) */
    uint16_t *counts;         /* (n_ticks,) */
    ttfs_fixed_state *states; /* (n_layers,) */
} ttfs_fixed_workspace;

#endif /* TTFS_FIXED_TYPES_H */
