/* ttfs: networks of leaky integrate-and-fire neurons that fire at most once.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * INTRODUCTION
 *
 * A layer has n_in inputs and n_out neurons. Input i spikes once, at time t_i
 * (+infinity: it is absent), through weight w_ij into neuron j:
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
 * Working with a batch takes two steps: ttfs_sort_events() sorts the active inputs
 * of each sample into an event list, once; the layer functions below then walk that
 * list as often as they are asked to. Inputs that are absent are not in the list
 * and cost nothing.
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
 * - Each function that handles arrays exists twice: ttfs_NAME() for double and
 *   ttfs_NAME_f() for float. Only the first is documented.
 * - Arguments are not checked here (ttfs_neuron_init() excepted): times must be
 *   below TTFS_TIME_LIMIT in magnitude or +infinity, weights below the same number,
 *   all other numbers finite.
 * - The result for one sample never depends on the other samples of the batch, nor
 *   on how the work is divided among calls.
 */
#ifndef TTFS_H
#define TTFS_H

#include <stddef.h>

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
    TTFS_EINVAL_RANGE      /* one of them, or the ratio of the taus, is out of range */
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

/* -- Events -------------------------------------------------------------------- */

/* Bytes of one event in a list of either precision. Lists are opaque; give them
 * the alignment of double. */
size_t ttfs_event_size(void);
size_t ttfs_event_size_f(void);

/* Bytes of scratch space that ttfs_sort_events() needs for n_in inputs. */
size_t ttfs_sort_scratch_size(size_t n_in);
size_t ttfs_sort_scratch_size_f(size_t n_in);

/* Sort the active inputs of each sample by time, ties by input number.
 *
 * neuron     parameters of the layer that will read the events.
 * times      (n_samples, n_in) [time]; an input at or after t_max is left out, as
 *            +infinity is.
 * t_max      the horizon [time], or +infinity: no spike is at or after it.
 * events     (n_samples, n_in) out: event lists; of row s the first counts[s] events
 *            are written.
 * counts     (n_samples,) out: number of active inputs.
 * scratch    ttfs_sort_scratch_size(n_in) bytes, aligned as double.
 */
void ttfs_sort_events(const ttfs_neuron *neuron, const double *times, size_t n_samples,
                      size_t n_in, double t_max, void *events, size_t *counts,
                      void *scratch);
void ttfs_sort_events_f(const ttfs_neuron *neuron, const float *times, size_t n_samples,
                        size_t n_in, double t_max, void *events, size_t *counts,
                        void *scratch);

/* -- Layer --------------------------------------------------------------------- */

/* The arguments that the functions of this section share:
 *
 * neuron     as given to ttfs_sort_events(), like events, counts, n_in and t_max.
 * n_samples  to work on a range of samples, shift events, counts and every array
 *            that is indexed by sample.
 * weights    (n_in, n_out) [threshold].
 */

/* First spike times.
 * spikes     (n_samples, n_out) out [time]: < t_max, or +infinity where silent. */
void ttfs_first_spike(const ttfs_neuron *neuron, const void *events,
                      const size_t *counts, size_t n_samples, size_t n_in,
                      const double *weights, size_t n_out, double t_max,
                      double *spikes);
void ttfs_first_spike_f(const ttfs_neuron *neuron, const void *events,
                        const size_t *counts, size_t n_samples, size_t n_in,
                        const float *weights, size_t n_out, double t_max,
                        float *spikes);

/* The peak of the membrane of silent neurons: the greatest u at its local maxima
 * and at t_max, which must be finite.
 * spikes     (n_samples, n_out) [time], from ttfs_first_spike() or measured.
 * u_peak     (n_samples, n_out) out [threshold]; the threshold itself where the
 *            neuron fired.
 * t_peak     (n_samples, n_out) out [time]; the spike time where it fired. */
void ttfs_peak(const ttfs_neuron *neuron, const void *events, const size_t *counts,
               size_t n_samples, size_t n_in, const double *weights, size_t n_out,
               double t_max, const double *spikes, double *u_peak, double *t_peak);
void ttfs_peak_f(const ttfs_neuron *neuron, const void *events, const size_t *counts,
                 size_t n_samples, size_t n_in, const float *weights, size_t n_out,
                 double t_max, const float *spikes, float *u_peak, float *t_peak);

/* Slope of the membrane at given times, by the inputs strictly before them:
 *     u'(t_j) = sum over t_i < t_j of  w_ij kappa'(t_j - t_i)
 * at         (n_samples, n_out) [time]; where it is +infinity the slope is 0.
 * slope      (n_samples, n_out) out [threshold/time]. */
void ttfs_slope(const ttfs_neuron *neuron, const void *events, const size_t *counts,
                size_t n_samples, size_t n_in, const double *weights, size_t n_out,
                const double *at, double *slope);
void ttfs_slope_f(const ttfs_neuron *neuron, const void *events, const size_t *counts,
                  size_t n_samples, size_t n_in, const float *weights, size_t n_out,
                  const float *at, float *slope);

/* Gradient with respect to the weights of the columns [begin, end):
 *     grad_w_ij += - sum over samples of  c_j kappa(t_j - t_i),   t_i < t_j
 * With c_j = dL/dt_j / u'(t_j) at spike times this is the implicit function theorem.
 * With c_j = - dL/du_j at the time of a peak it is the gradient through that peak.
 * at         (n_samples, n_out) t_j [time]; where it is +infinity nothing is added.
 * c          (n_samples, n_out).
 * grad       (n_in, n_out) in and out: columns outside [begin, end) are neither read
 *            nor written, so threads can share the array. */
void ttfs_grad_weights(const ttfs_neuron *neuron, const void *events,
                       const size_t *counts, size_t n_samples, size_t n_in,
                       const double *at, const double *c, size_t n_out, size_t begin,
                       size_t end, double *grad);
void ttfs_grad_weights_f(const ttfs_neuron *neuron, const void *events,
                         const size_t *counts, size_t n_samples, size_t n_in,
                         const float *at, const float *c, size_t n_out, size_t begin,
                         size_t end, float *grad);

/* Gradient with respect to the input times:
 *     grad_t_i = sum over j of  c_j w_ij kappa'(t_j - t_i),   t_i < t_j
 *                + sum over j of  kink_j,                     t_i = t_j
 * at, c      as for ttfs_grad_weights().
 * kink       (n_samples, n_out) or NULL. A peak at the very time of an input, where u
 *            stops rising, moves with that input: kink_j = dL/du_j u'(t_j) there, with
 *            the slope before t_j, and 0 for spikes.
 * grad       (n_samples, n_in) out; 0 for inputs that are absent or too late. */
void ttfs_grad_times(const ttfs_neuron *neuron, const void *events,
                     const size_t *counts, size_t n_samples, size_t n_in,
                     const double *weights, size_t n_out, const double *at,
                     const double *c, const double *kink, double *grad);
void ttfs_grad_times_f(const ttfs_neuron *neuron, const void *events,
                       const size_t *counts, size_t n_samples, size_t n_in,
                       const float *weights, size_t n_out, const float *at,
                       const float *c, const float *kink, float *grad);

/* -- Losses -------------------------------------------------------------------- */

/* Losses on the times of the output layer, one neuron per class. The arguments:
 *
 * times      (n_samples, n_classes) [time], finite: spike times, or pseudo-times
 *            where a neuron is silent.
 * labels     (n_samples,) in [0, n_classes).
 * weights    (n_samples,) factor of each sample, or NULL for 1.
 * loss       (n_samples,) out, with the factor applied.
 * grad       (n_samples, n_classes) out: d loss / d times [1/time], or [time] for
 *            the squared errors.
 * Computed in double in both precisions. */

/* Cross-entropy of softmax(-t / time_scale), after Goeltz, Kriener et al. (2021):
 *     L = log sum_k exp(-(t_k - t_y) / time_scale)
 *         + early (exp(t_y / early_scale) - 1)
 * time_scale, early_scale  [time], positive; early >= 0 weighs the second term, which
 *            asks the neuron of the label to fire early. */
void ttfs_loss_cross_entropy(const double *times, const size_t *labels,
                             const double *weights, size_t n_samples, size_t n_classes,
                             double time_scale, double early, double early_scale,
                             double *loss, double *grad);
void ttfs_loss_cross_entropy_f(const float *times, const size_t *labels,
                               const double *weights, size_t n_samples,
                               size_t n_classes, double time_scale, double early,
                               double early_scale, double *loss, float *grad);

/* Mean squared error to target times: r_k = t_k - target_k, where the target is
 * target_label for the neuron of the label and target_other for the others,
 *     L = sum_k r_k^2 / (2 n_classes). */
void ttfs_loss_squared_error(const double *times, const size_t *labels,
                             const double *weights, size_t n_samples, size_t n_classes,
                             double target_label, double target_other, double *loss,
                             double *grad);
void ttfs_loss_squared_error_f(const float *times, const size_t *labels,
                               const double *weights, size_t n_samples,
                               size_t n_classes, double target_label,
                               double target_other, double *loss, float *grad);

/* The same after the best common shift of all targets, so that only differences of
 * spike times count:
 *     L = min over s of  sum_k (r_k - s)^2 / (2 n_classes). */
void ttfs_loss_shift_invariant(const double *times, const size_t *labels,
                               const double *weights, size_t n_samples,
                               size_t n_classes, double target_label,
                               double target_other, double *loss, double *grad);
void ttfs_loss_shift_invariant_f(const float *times, const size_t *labels,
                                 const double *weights, size_t n_samples,
                                 size_t n_classes, double target_label,
                                 double target_other, double *loss, float *grad);

/* -- Optimizer ----------------------------------------------------------------- */

/* One step of Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov &
 * Hutter 2019), in place:
 *     m = beta_1 m + (1 - beta_1) g,   v = beta_2 v + (1 - beta_2) g^2
 *     p = p (1 - learning_rate weight_decay)
 *         - learning_rate m/(1 - beta_1^step) / (sqrt(v/(1 - beta_2^step)) + epsilon)
 * param, m, v  (n,) in and out; m and v start as zeros.
 * grad       (n,).
 * step       1 for the first step. */
void ttfs_adam(double *param, const double *grad, double *m, double *v, size_t n,
               double learning_rate, double beta_1, double beta_2, double epsilon,
               double weight_decay, size_t step);
void ttfs_adam_f(float *param, const float *grad, float *m, float *v, size_t n,
                 double learning_rate, double beta_1, double beta_2, double epsilon,
                 double weight_decay, size_t step);

#ifdef __cplusplus
}
#endif

#endif /* TTFS_H */
