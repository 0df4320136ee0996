/* Losses on the spike times of the output layer, and their gradients. */
#ifndef TTFS_REAL_TRAINING_LOSS_H
#define TTFS_REAL_TRAINING_LOSS_H

#include "real/simd/vmath.h"

static void cross_entropy(const TYPE(training) * training, const real *times,
                          size_t label, double factor, size_t n_classes, double *loss,
                          real *grad)
{
    const double rate = 1 / training->time_scale;
    /* A probability that is too small to count has no gradient: it would make numbers
     * subnormal, which are slow, of all that follows from it. */
    const double least = (double)REAL_EPSILON * (double)REAL_EPSILON;
    double first = times[0], sum = 0;
    for (size_t k = 1; k < n_classes; ++k) first = fmin(first, (double)times[k]);
    for (size_t k = 0; k < n_classes; k += WIDTH) {
        const size_t n = min_size(WIDTH, n_classes - k);
        const vec later = v_load_part(times + k, n) - v_set((real)first);
        v_store_part(grad + k, v_exp(later * v_set((real)-rate)), n);
    }
    for (size_t k = 0; k < n_classes; ++k) sum += (double)grad[k];
    *loss = log(sum) + ((double)times[label] - first) * rate;
    for (size_t k = 0; k < n_classes; ++k) {
        const double p = (double)grad[k] > least ? (double)grad[k] / sum : 0;
        grad[k] = (real)(factor * rate * ((k == label) - p));
    }
    if (training->early > 0) {
        /* exp(t / scale) - 1 up to early_end, and its tangent after it: the time of a
         * label that is inhibited has no bound. */
        const double scale = training->early_scale;
        const double end = fmin((double)times[label], training->early_end);
        const double growth = expm1(end / scale);
        const double slope = training->early * (growth + 1) / scale;
        *loss += training->early * growth + slope * ((double)times[label] - end);
        grad[label] += (real)(factor * slope);
    }
    *loss *= factor;
}

/* All squared errors: of the residuals r_k, or of r_k less a shift common to all. The
 * targets are those of a label if they are NULL. */
static void squared_error(const TYPE(training) * training, const real *times,
                          size_t label, const double *targets, double factor,
                          size_t n_classes, double *loss, real *grad)
{
    const double n = (double)n_classes;
    double shift = 0;
    *loss = 0;
    for (int pass = training->loss == TTFS_SHIFT_INVARIANT ? 0 : 1; pass < 2; ++pass) {
        for (size_t k = 0; k < n_classes; ++k) {
            double target =
                k == label ? training->target_label : training->target_other;
            if (targets) target = targets[k];
            const double r = (double)times[k] - target - (pass ? shift : 0);
            if (pass == 0) {
                shift += r / n;
            } else {
                *loss += factor * r * r / (2 * n);
                grad[k] = (real)(factor * r / n);
            }
        }
    }
}

static void loss(const TYPE(training) * training, const real *times,
                 const size_t *labels, const double *targets, const double *factors,
                 size_t n_samples, size_t n_classes, double *out, real *grad)
{
    for (size_t s = 0; s < n_samples; ++s) {
        const size_t at = s * n_classes;
        if (training->loss == TTFS_CROSS_ENTROPY) {
            cross_entropy(training, times + at, labels[s], factors[s], n_classes,
                          out + s, grad + at);
        } else {
            squared_error(training, times + at, labels ? labels[s] : 0,
                          targets ? targets + at : NULL, factors[s], n_classes, out + s,
                          grad + at);
        }
    }
}

#endif
