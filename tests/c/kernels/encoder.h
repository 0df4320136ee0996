/* The encoder. */
#ifndef TEST_ENCODER_H
#define TEST_ENCODER_H

#include "support.h"

static void NAME(check_train)(const real *times, const uint32_t *inputs, size_t n,
                              const double *times_expected,
                              const uint32_t *inputs_expected, size_t n_expected)
{
    CHECK(n == n_expected);
    if (n != n_expected) return;
    for (size_t s = 0; s < n; s++) {
        CHECK_CLOSE(times[s], times_expected[s], 2 * REAL_EPS);
        CHECK(inputs[s] == inputs_expected[s]);
    }
}

static void NAME(test_encoder)(const NAME(ttfs_kernels) * k)
{
    /* a value from 0 to 4; one from -2 to 2 whose zeros are absent; a constant; and one
     * from 1 to 3 with a complement, channel 4 */
    const double low[4] = {0, -2, 7, 1}, high[4] = {4, 2, 7, 3};
    const double scale[4] = {0.5, 0.5, 0, 1};
    const double absent[4] = {NAN, 0, 7, NAN};
    const uint32_t complemented[1] = {3}, always[2] = {0, 3};
    ttfs_encoder e = {4,      0, 0.0,          2.0, low,    high, scale,
                      absent, 1, complemented, 2,   always, 0,    0};
    const real biases[2] = {(real)0.25, 9}; /* the second one comes too late */
    const float x_f[4] = {3, 0, 5, 9};
    const double x_d[4] = {3, 0, 5, 9};
    const double times_expected[4] = {0, 0.25, 0.5, 2};
    const uint32_t inputs_expected[4] = {3, 5, 0, 4};
    void *scratch = make_workspace(k->encode_workspace_size(&e, 4, 2));
    real times[7 + 16]; /* the kernels may write after the last spike */
    uint32_t inputs[7 + 16];
    size_t n = k->encode_float(&e, x_f, biases, 2, 9.0, times, inputs, scratch);
    NAME(check_train)(times, inputs, n, times_expected, inputs_expected, 4);
    n = k->encode_double(&e, x_d, biases, 2, 9.0, times, inputs, scratch);
    NAME(check_train)(times, inputs, n, times_expected, inputs_expected, 4);
    n = k->encode_float(&e, x_f, biases, 2, 0.5, times, inputs, scratch);
    CHECK(n == 2);

    /* the same sparse; a zero may be stored */
    const int32_t features[4] = {0, 1, 2, 3};
    n = k->encode_sparse_float(&e, x_f, features, 4, biases, 2, 9.0, times, inputs,
                               scratch);
    NAME(check_train)(times, inputs, n, times_expected, inputs_expected, 4);
    const int32_t two[2] = {0, 3};
    const double stored[2] = {3, 9};
    n = k->encode_sparse_double(&e, stored, two, 2, biases, 2, 9.0, times, inputs,
                                scratch);
    NAME(check_train)(times, inputs, n, times_expected, inputs_expected, 4);
    /* nothing stored: 0 is the least value of feature 0, and below that of feature 3 */
    const double times_none[4] = {0, 0.25, 2, 2};
    const uint32_t inputs_none[4] = {4, 5, 0, 3};
    const double zeros[4] = {0, 0, 0, 0};
    n = k->encode_sparse_double(&e, stored, two, 0, biases, 2, 9.0, times, inputs,
                                scratch);
    NAME(check_train)(times, inputs, n, times_none, inputs_none, 4);
    n = k->encode_double(&e, zeros, biases, 2, 9.0, times, inputs, scratch);
    NAME(check_train)(times, inputs, n, times_none, inputs_none, 4);

    /* three levels, 0, 1 and 2: 1/2 is halfway, and biases are not rounded */
    e.n_levels = 3;
    const double times_rounded[4] = {0, 0.25, 1, 2};
    n = k->encode_float(&e, x_f, biases, 2, 9.0, times, inputs, scratch);
    NAME(check_train)(times, inputs, n, times_rounded, inputs_expected, 4);
    n = k->encode_sparse_double(&e, stored, two, 2, biases, 2, 9.0, times, inputs,
                                scratch);
    NAME(check_train)(times, inputs, n, times_rounded, inputs_expected, 4);

    /* spike times are taken as they are, from `begin` */
    e.is_spike_times = 1;
    e.begin = 100;
    e.n_complemented = e.n_always = 0;
    const double spikes[4] = {102, (double)INFINITY, (double)NAN, 100};
    const double times_taken[3] = {0, 0.25, 2};
    const uint32_t inputs_taken[3] = {3, 4, 0};
    n = k->encode_double(&e, spikes, biases, 2, 9.0, times, inputs, scratch);
    NAME(check_train)(times, inputs, n, times_taken, inputs_taken, 3);
    const double stored_times[2] = {102, 100};
    n = k->encode_sparse_double(&e, stored_times, two, 2, biases, 2, 9.0, times, inputs,
                                scratch);
    NAME(check_train)(times, inputs, n, times_taken, inputs_taken, 3);
    free(scratch);

    /* a channel may have several */
    enum { MANY = 50 };
    double many_times[MANY], many_expected[MANY + 1];
    int32_t many_features[MANY];
    uint32_t many_inputs[MANY + 1];
    real sorted[MANY + 2 + 16];
    uint32_t numbers[MANY + 2 + 16];
    for (size_t s = 0; s < MANY; s++) {
        many_times[s] = 100.5 + (double)(s * 7 % MANY);
        many_features[s] = s < 20 ? 1 : 3;
        many_expected[s * 7 % MANY + 1] = many_times[s] - 100;
        many_inputs[s * 7 % MANY + 1] = (uint32_t)many_features[s];
    }
    many_expected[0] = 0.25;
    many_inputs[0] = 4;
    scratch = make_workspace(k->encode_workspace_size(&e, MANY, 2));
    n = k->encode_sparse_double(&e, many_times, many_features, MANY, biases, 1, 99.0,
                                sorted, numbers, scratch);
    NAME(check_train)(sorted, numbers, n, many_expected, many_inputs, MANY + 1);
    free(scratch);
}

static void NAME(test_population)(const NAME(ttfs_kernels) * k)
{
    /* a value from 0 to 4, one from -2 to 2, a constant, and one from 1 to 3; centres
     * at -1/4, 1/4, 3/4 and 5/4 of the range */
    const double low[4] = {0, -2, 7, 1}, high[4] = {4, 2, 7, 3};
    const double scale[4] = {0.5, 0.5, 0, 1};
    const double absent[4] = {NAN, NAN, 7, NAN};
    const uint32_t always[3] = {0, 1, 3};
    const ttfs_encoder e = {4,      0, 0.0,  2.0, low,    high, scale,
                            absent, 0, NULL, 3,   always, 4,    0};
    const real biases[1] = {(real)0.25};
    const float x_f[4] = {3, 0, 5, 9};
    const double x_d[4] = {3, 0, 5, 9};
    /* 3 is at a centre, 0 and 9 are in the middle between two */
    const double near = 2 * (1 - exp(-0.75 * 0.75 / 2)), far = 2 * (1 - exp(-1.125));
    const double times_expected[8] = {0, 0.25, near, near, near, near, far, far};
    const uint32_t inputs_expected[8] = {2, 16, 5, 6, 14, 15, 1, 3};
    void *scratch = make_workspace(k->encode_workspace_size(&e, 4, 1));
    real times[4 * TTFS_MAX_ACTIVE + 1 + 16];
    uint32_t inputs[4 * TTFS_MAX_ACTIVE + 1 + 16];
    size_t n = k->encode_float(&e, x_f, biases, 1, 9.0, times, inputs, scratch);
    NAME(check_train)(times, inputs, n, times_expected, inputs_expected, 8);
    n = k->encode_double(&e, x_d, biases, 1, 9.0, times, inputs, scratch);
    NAME(check_train)(times, inputs, n, times_expected, inputs_expected, 8);
    n = k->encode_double(&e, x_d, biases, 1, near, times, inputs, scratch);
    CHECK(n == 2);
    /* the same sparse: what is not stored is 0 */
    const int32_t two[2] = {0, 3};
    const double stored[2] = {3, 9};
    n = k->encode_sparse_double(&e, stored, two, 2, biases, 1, 9.0, times, inputs,
                                scratch);
    NAME(check_train)(times, inputs, n, times_expected, inputs_expected, 8);
    free(scratch);
}

#endif
