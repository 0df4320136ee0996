/* Losses and their gradients. */
#ifndef TEST_LOSSES_H
#define TEST_LOSSES_H

#include "support.h"

static const ttfs_loss NAME(losses)[4] = {TTFS_CROSS_ENTROPY, TTFS_SQUARED_ERROR,
                                          TTFS_SHIFT_INVARIANT, TTFS_TARGET_TIMES};

static void NAME(loss_of)(const NAME(ttfs_kernels) * k, ttfs_loss which,
                          const real *times, double early_end, const double *factors,
                          double *loss, real *grad)
{
    static const size_t labels[2] = {1, 2};
    static const double targets[6] = {0.5, 1.5, 2.5, 1.0, 0.0, -1.0};
    const int are_times = which == TTFS_TARGET_TIMES;
    const double ones[2] = {1.0, 1.0};
    NAME(ttfs_training) training;
    memset(&training, 0, sizeof training);
    training.loss = which;
    training.time_scale = 0.2;
    training.early = 0.1;
    training.early_scale = 2.0;
    training.early_end = early_end;
    training.target_label = 0.5;
    training.target_other = 1.5;
    k->loss(&training, times, are_times ? NULL : labels, are_times ? targets : NULL,
            factors ? factors : ones, 2, 3, loss, grad);
}

static void NAME(test_losses_by_hand)(const NAME(ttfs_kernels) * k)
{
    const real equal_times[6] = {1, 1, 1, 1, 1, 1};
    const real targets[6] = {(real)1.5, (real)0.5, (real)1.5,
                             (real)1.5, (real)1.5, (real)0.5};
    const real shifted[6] = {(real)3.5, (real)2.5, (real)3.5, 1, 1, 0};
    double loss[2];
    real grad[6];

    NAME(loss_of)(k, TTFS_CROSS_ENTROPY, equal_times, 9.0, NULL, loss, grad);
    CHECK_CLOSE(loss[0], log(3.0) + 0.1 * (exp(0.5) - 1.0), TIGHT);
    CHECK_CLOSE(grad[0], -1.0 / (3.0 * 0.2), TIGHT);
    CHECK_CLOSE(grad[1], 2.0 / (3.0 * 0.2) + 0.05 * exp(0.5), TIGHT);
    NAME(loss_of)(k, TTFS_CROSS_ENTROPY, equal_times, 0.6, NULL, loss, grad);
    CHECK_CLOSE(loss[0], log(3.0) + 0.1 * (exp(0.3) * 1.2 - 1.0), TIGHT);
    CHECK_CLOSE(grad[1], 2.0 / (3.0 * 0.2) + 0.05 * exp(0.3), TIGHT);

    NAME(loss_of)(k, TTFS_SQUARED_ERROR, equal_times, 9.0, NULL, loss, grad);
    CHECK_CLOSE(loss[0], 0.75 / 6.0, TIGHT);
    CHECK_CLOSE(grad[0], -0.5 / 3.0, TIGHT);
    CHECK_CLOSE(grad[1], 0.5 / 3.0, TIGHT);
    NAME(loss_of)(k, TTFS_SQUARED_ERROR, targets, 9.0, NULL, loss, grad);
    CHECK(loss[0] == 0.0 && loss[1] == 0.0 && grad[0] == 0 && grad[5] == 0);

    NAME(loss_of)(k, TTFS_TARGET_TIMES, equal_times, 9.0, NULL, loss, grad);
    CHECK_CLOSE(loss[0], (0.25 + 0.25 + 2.25) / 6.0, TIGHT);
    CHECK_CLOSE(loss[1], (0.0 + 1.0 + 4.0) / 6.0, TIGHT);
    CHECK_CLOSE(grad[2], -1.5 / 3.0, TIGHT);
    CHECK_CLOSE(grad[5], 2.0 / 3.0, TIGHT);

    NAME(loss_of)(k, TTFS_SHIFT_INVARIANT, shifted, 9.0, NULL, loss, grad);
    for (size_t n = 0; n < 6; n++) CHECK_CLOSE(grad[n], 0.0, 1e-15);
    CHECK_CLOSE(loss[0], 0.0, 1e-15);
    CHECK_CLOSE(loss[1], 0.0, 1e-15);
    /* residuals -1/2, 1/2, -1/2 have the mean -1/6 */
    NAME(loss_of)(k, TTFS_SHIFT_INVARIANT, equal_times, 9.0, NULL, loss, grad);
    CHECK_CLOSE(loss[0], (0.75 - 3.0 / 36.0) / 6.0, TIGHT);
    CHECK_CLOSE(grad[0] + grad[1] + grad[2], 0.0, 10 * REAL_EPS);

    /* far apart times overflow nothing */
    const real far[6] = {0, 500, 900, 0, 500, 0};
    NAME(loss_of)(k, TTFS_CROSS_ENTROPY, far, 9.0, NULL, loss, grad);
    CHECK(loss[0] > 2500.0 && loss[0] < (double)INFINITY && grad[1] > 0);
    CHECK(loss[1] >= 0.0 && loss[1] < 1.0);
}

static void NAME(test_loss_gradients)(const NAME(ttfs_kernels) * k)
{
    real times[6] = {(real)0.9, (real)1.1, (real)1.6, 2, (real)0.7, (real)0.8};
    const double factors[2] = {2.0, 0.25};
    const real h = IS_DOUBLE ? (real)1e-6 : (real)2e-3;
    for (size_t which = 0; which < 4; which++) {
        const ttfs_loss kind = NAME(losses)[which];
        double loss[2], plain[2], up[2], down[2];
        real grad[6], unused[6];
        NAME(loss_of)(k, kind, times, 0.9, NULL, plain, unused);
        NAME(loss_of)(k, kind, times, 0.9, factors, loss, grad);
        CHECK_CLOSE(loss[0], 2.0 * plain[0], 1e-14);
        CHECK_CLOSE(loss[1], 0.25 * plain[1], 1e-14);
        for (size_t n = 0; n < 6; n++) {
            const real t = times[n];
            times[n] = t + h;
            double step = (double)times[n];
            NAME(loss_of)(k, kind, times, 0.9, factors, up, unused);
            times[n] = t - h;
            step -= (double)times[n];
            NAME(loss_of)(k, kind, times, 0.9, factors, down, unused);
            times[n] = t;
            CHECK_CLOSE(grad[n], (up[n / 3] - down[n / 3]) / step,
                        IS_DOUBLE ? 1e-8 : 2e-3);
            CHECK(up[1 - n / 3] == loss[1 - n / 3]);
        }
    }
}

#endif
