/* ttfs: networks of leaky integrate-and-fire neurons that fire at most once.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * INTRODUCTION
 *
 * A layer has n_in inputs and n_out neurons. Input i spikes at time t_i (+infinity:
 * it is absent), through weight w_ij into neuron j:
 *
 *     du/dt = -u / tau_mem + I / tau_syn
 *     dI/dt = -I / tau_syn + sum_i w_i delta(t - t_i)       u = I = 0 at t = -inf
 *
 *     u(t)     = sum over t_i < t of  w_i kappa(t - t_i)
 *     kappa(d) = tau_mem / (tau_mem - tau_syn) (exp(-d/tau_mem) - exp(-d/tau_syn))
 *
 * The neuron fires at the first t with u(t) = threshold, and never again; a neuron
 * that does not fire is silent and has spike time +infinity.
 *
 * An input may also spike several times: sums over inputs are sums over spikes then.
 *
 * The functions that handle arrays are members of a table, ttfs_kernels, of which there
 * is one for each instruction set; ttfs_kernels_for(ttfs_simd_best()) is the fastest
 * here. Inputs are sorted lists of spikes (encode_*(), sort()), made once; absent
 * inputs are not in the lists and cost nothing.
 *
 * CONVENTIONS
 *
 * - Every array belongs to the caller, is contiguous and row-major (the last index
 *   varies fastest) and must not overlap with another one. NULL is not allowed,
 *   except where it is said to be.
 * - The library allocates nothing, keeps no state, prints nothing and starts no
 *   thread. All functions may be called from any number of threads at once, as long
 *   as no two of them write to the same rows, columns or scratch space.
 * - Times and time constants share one unit, which the caller chooses. Weights and
 *   thresholds share one unit too. A slope is in threshold units per unit of time.
 * - Units should be such that tau_syn and thresholds are not far from 1. In single
 *   precision squares of threshold / tau_syn, and of gradients, must be in range. Units
 *   that are powers of two of each other give the same bits.
 * - Tables and structs exist twice: NAME for double and NAME_f for float.
 * - Arguments are not checked here (ttfs_neuron_init() excepted): times must be
 *   below TTFS_TIME_LIMIT in magnitude or +infinity, weights below the same number,
 *   all other numbers finite.
 * - The result for one sample never depends on the other samples of the batch, nor
 *   on how the work is divided among calls.
 */
#ifndef TTFS_H
#define TTFS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TTFS_VERSION "0.1.0"

/* Times at or beyond this count as +infinity. */
#define TTFS_TIME_LIMIT 1e30

/* The version of the compiled library, to compare with TTFS_VERSION. */
const char *ttfs_version(void);

/* -- Status -------------------------------------------------------------------- */

typedef enum {
    TTFS_OK = 0,
    TTFS_EINVAL_TAU_MEM,   /* tau_mem is not positive (+infinity is allowed) */
    TTFS_EINVAL_TAU_SYN,   /* tau_syn is not positive and finite */
    TTFS_EINVAL_THRESHOLD, /* threshold is not positive and finite */
    TTFS_EINVAL_RANGE      /* a parameter, or the ratio of the time constants, is out of
                              range */
} ttfs_status;

/* A constant English sentence for a status; never NULL. */
const char *ttfs_strerror(ttfs_status status);

/* -- Neuron -------------------------------------------------------------------- */

/* The regime of the time constants; it selects the form of kappa. */
typedef enum {
    TTFS_EQUAL,   /* tau_mem = tau_syn:     kappa(d) = d/tau exp(-d/tau)             */
    TTFS_DOUBLE,  /* tau_mem = 2 tau_syn:   kappa(d) = 2 (exp(-d/tau_mem) - exp(..)) */
    TTFS_GENERAL, /* any other finite ratio                                          */
    TTFS_NONLEAKY /* tau_mem = +infinity:   kappa(d) = 1 - exp(-d/tau_syn)           */
} ttfs_family;

/* Neuron parameters. Fill it with ttfs_neuron_init(); read it as you like. */
typedef struct {
    double tau_mem;     /* membrane time constant [time], may be +infinity */
    double tau_syn;     /* synaptic time constant [time] */
    double threshold;   /* [threshold] */
    double fast;        /* 1 / min(tau_mem, tau_syn) [1/time] */
    double slow;        /* 1 / max(tau_mem, tau_syn) [1/time], 0 if non-leaky */
    double gap;         /* fast - slow [1/time], without cancellation */
    ttfs_family family; /* chosen here once, never by a kernel */
} ttfs_neuron;

/* Check parameters and fill *neuron. On failure *neuron is left untouched. */
ttfs_status ttfs_neuron_init(ttfs_neuron *neuron, double tau_mem, double tau_syn,
                             double threshold);

/* -- Encoder ------------------------------------------------------------------- */

/* Latency code of real features. A feature x is clipped to [low, high] and scaled to a
 * value v = (x/2 - low/2) scale in [0, 1]; its channel spikes at window (1 - v), and if
 * it is complemented a second channel spikes at window v. No spike where x is `absent`
 * after clipping. Channels: features in their order, then the complements. With
 * is_spike_times, x is a spike time, from which `begin` is taken; +infinity or NaN: no
 * spike. The arrays are (n_features,) and may then be NULL.
 *
 * With n_fields, a population code instead, after Bohte, Kok and La Poutre (2002):
 * field k of feature i is channel i n_fields + k, a Gaussian with centre and width
 *
 *     (k - 1/2) / (n_fields - 2)     and     1 / (TTFS_FIELD_GAMMA (n_fields - 2))
 *
 * in units of v, and height 1: it spikes at window (1 - its activity at v), if that is
 * at least TTFS_MIN_ACTIVITY.
 *
 * With n_levels, a time window u, u in [0, 1], becomes k (window / (n_levels - 1)) with
 * k = floor(u (n_levels - 1) + 1/2), and `window` for the last k: the nearest of
 * n_levels equally spaced times from 0 to window, the later one of two that are as
 * near. */
#define TTFS_FIELD_GAMMA 1.5
#define TTFS_MIN_ACTIVITY 0.1
#define TTFS_MAX_ACTIVE 3 /* fields of a feature at a time, for these two numbers */

typedef struct {
    size_t n_features;
    int is_spike_times;
    double begin;  /* [time] */
    double window; /* [time] */
    const double *low, *high;
    const double *scale;  /* 1 / (high/2 - low/2) */
    const double *absent; /* a value that means no spike, or NaN */
    size_t n_complemented;
    const uint32_t *complemented; /* (n_complemented,) features, ascending */
    size_t n_always;
    const uint32_t *always; /* (n_always,) features whose zeros are not absent,
                             * ascending: for sparse rows */
    size_t n_fields;        /* receptive fields of a feature, at least 3; or 0 */
    size_t n_levels;        /* different times of spikes, at least 2; or 0: any time */
} ttfs_encoder;

/* -- Delays -------------------------------------------------------------------- */

/* Kinds of full layers by their transmission delays: a spike at t arrives at t + delay,
 * delay >= 0. Delays are trained with the weights: dt_k/d(delay_i) = dt_k/dt_i, after
 * Goeltz, Weber et al. (2025). */
typedef enum {
    TTFS_FULL,    /* none */
    TTFS_AXONAL,  /* (n_in,): one for each input */
    TTFS_SYNAPTIC /* (n_in, n_out), packed as weights: one for each synapse */
} ttfs_layer_kind;

/* -- Losses -------------------------------------------------------------------- */

/* The loss, on the times t_k of the output layer, one neuron per class, y the label. */
typedef enum {
    /* log sum_k exp(-(t_k - t_y) / time_scale) + early (exp(t_y / early_scale) - 1),
     * after Goeltz, Kriener et al. (2021); after early_end the second term goes on as
     * its tangent there */
    TTFS_CROSS_ENTROPY,
    /* sum_k r_k^2 / (2 n_classes), r_k = t_k - target_k, where the target is
     * target_label for k = y and target_other for the others */
    TTFS_SQUARED_ERROR,
    /* min over s of sum_k (r_k - s)^2 / (2 n_classes) */
    TTFS_SHIFT_INVARIANT,
    /* sum_k r_k^2 / (2 n_outputs), with a target_k of its own for each sample: there
     * are no labels */
    TTFS_TARGET_TIMES
} ttfs_loss;

/* Is a loss in the unit of a squared time? Otherwise it has no unit. */
static inline int ttfs_is_squared_time(ttfs_loss loss)
{
    return loss != TTFS_CROSS_ENTROPY;
}

/* -- Local rule ---------------------------------------------------------------- */

/* The kernel k of the simplified local rule, see ttfs_local. */
typedef enum {
    TTFS_TABLE, /* kappa */
    /* Straight lines, up to kappa where that is greatest, at d_p, but at 2 tau_syn if
     * that is earlier, and three times as slowly down to 0:
     *     k(d) = kappa(d_p) min(d / d_p, max(0, (4 d_p - d) / (3 d_p)))
     * k'(d) is that from the left at d_p and at 4 d_p. */
    TTFS_LINEAR
} ttfs_local_kernel;

/* How the local rule gets dL/dt of the inputs of a layer, which are neurons: from the
 * c_j of that layer or from e_k, dL/dt of the output layer by its decision times, which
 * the stretch after the read-out does not multiply. B is fixed and random, after
 * Lillicrap et al. (2016), Nokland (2016: direct) and Frenkel et al. (2021: target). */
typedef enum {
    TTFS_SYMMETRIC, /* sum over t_i < t_j of  c_j w_ij k'(t_j - t_i) */
    TTFS_RANDOM,    /* sum over t_i < t_j of  c_j B_ij k'(t_j - t_i) */
    TTFS_DIRECT,    /* sum_k B_ki e_k */
    TTFS_TARGET     /* B_yi factor / time_scale, y the label, as if only e_y were known:
                     * it is positive, the label should be earlier; with squared errors
                     * B_yi factor tau_syn, of the last layer */
} ttfs_feedback;

/* -- Instruction sets ---------------------------------------------------------- */

typedef enum {
    TTFS_SIMD_BASELINE, /* what every processor of its kind has */
    TTFS_SIMD_AVX2,     /* AVX2 and FMA */
    TTFS_SIMD_AVX512    /* AVX-512 F, DQ, VL, BW */
} ttfs_simd;

/* The best instruction set that the library was built with and this processor has. */
ttfs_simd ttfs_simd_best(void);

/* -- In both precisions -------------------------------------------------------- */

#define real double
#define NAME(name) name
#include "ttfs_kernels.h"
#undef real
#undef NAME

#define real float
#define NAME(name) name##_f
#include "ttfs_kernels.h"
#undef real
#undef NAME

#ifdef __cplusplus
}
#endif

#endif /* TTFS_H */
