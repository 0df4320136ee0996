/* Packing, sorting, and spike times. */
#ifndef TEST_SPIKE_TIMES_H
#define TEST_SPIKE_TIMES_H

#include "support.h"

/* -- Packing and sorting ------------------------------------------------------- */

static void NAME(test_pack)(const NAME(ttfs_kernels) * k)
{
    for (size_t n_out = 1; n_out <= 2 * k->lanes + 3; n_out++) {
        const size_t n_in = 3, n = n_in * n_out, size = k->packed_size(n_in, n_out);
        real *weights = malloc(n * sizeof(real)), *back = malloc(n * sizeof(real));
        real *packed = malloc(size * sizeof(real));
        size_t n_zero = 0;
        CHECK(size >= n && size < n_in * (n_out + k->lanes));
        for (size_t i = 0; i < n; i++) weights[i] = (real)(i + 1);
        for (size_t i = 0; i < size; i++) packed[i] = NAN;
        k->pack(weights, n_in, n_out, packed);
        for (size_t i = 0; i < size; i++) n_zero += packed[i] == 0;
        CHECK(n_zero == size - n);
        k->unpack(packed, n_in, n_out, back);
        CHECK(memcmp(weights, back, n * sizeof(real)) == 0);
        free(weights);
        free(back);
        free(packed);
    }
}

static void NAME(test_sort)(const NAME(ttfs_kernels) * k)
{
    const size_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 100, 1000, 8192, 9000};
    uint64_t state = 1;
    for (size_t a = 0; a < sizeof sizes / sizeof sizes[0]; a++) {
        const size_t n = sizes[a];
        real *times = malloc((n + 1) * sizeof(real));
        real *sorted = malloc((n + 1) * sizeof(real));
        uint32_t *inputs = malloc((n + 1) * sizeof(uint32_t));
        void *scratch = make_workspace(k->sort_workspace_size(n));
        for (int kind = 0; kind < 4; kind++) {
            for (size_t i = 0; i < n; i++) {
                const double u = random_of(&state);
                const double values[4] = {u - 0.5, floor(5 * u), -(double)i,
                                          1 + floor(4 * u) * REAL_EPS};
                sorted[i] = times[i] = (real)values[kind];
                inputs[i] = (uint32_t)i;
            }
            k->sort(sorted, inputs, n, scratch);
            size_t n_wrong = 0;
            for (size_t i = 0; i < n; i++) {
                n_wrong += sorted[i] != times[inputs[i]];
                if (i == 0) continue;
                n_wrong += sorted[i - 1] > sorted[i];
                n_wrong += sorted[i - 1] == sorted[i] && inputs[i - 1] >= inputs[i];
            }
            CHECK(n_wrong == 0);
        }
        free(times);
        free(sorted);
        free(inputs);
        free(scratch);
    }
}

/* -- Spike times --------------------------------------------------------------- */

static void NAME(test_one_input)(const NAME(ttfs_kernels) * k)
{
    const double inf = (double)INFINITY;
    /* no leak: 2 (1 - exp(-t)) = 1 */
    CHECK_CLOSE(NAME(one_spike)(k, inf, 1.0, 1.0, 2.0), log(2.0), TIGHT);
    CHECK_CLOSE(NAME(one_spike)(k, inf, 3.0, 1.0, 2.0), 3.0 * log(2.0), TIGHT);
    CHECK_CLOSE(NAME(one_spike)(k, inf, 1.0, 5.0, 10.0), log(2.0), TIGHT);
    /* equal: w t exp(-t) = 1 at t = 1/2 */
    CHECK_CLOSE(NAME(one_spike)(k, 1.0, 1.0, 1.0, 2.0 * exp(0.5)), 0.5, TIGHT);
    CHECK_CLOSE(NAME(one_spike)(k, 4.0, 4.0, 1.0, 2.0 * exp(0.5)), 2.0, TIGHT);
    /* double: x = exp(-t/2), 2 w (x - x^2) = 1 at x = 3/4 */
    CHECK_CLOSE(NAME(one_spike)(k, 2.0, 1.0, 1.0, 8.0 / 3.0), 2.0 * log(4.0 / 3.0),
                TIGHT);
    /* 3 to 1: x = exp(-t/3), 3/2 w (x - x^3) = 1 at x = 4/5; and the reverse */
    CHECK_CLOSE(NAME(one_spike)(k, 3.0, 1.0, 1.0, 1.0 / 0.432), 3.0 * log(1.25), TIGHT);
    CHECK_CLOSE(NAME(one_spike)(k, 1.0, 3.0, 1.0, 1.0 / 0.144), 3.0 * log(1.25), TIGHT);
    /* too weak: the peaks are w, w/e, w/2 */
    CHECK(NAME(one_spike)(k, inf, 1.0, 1.0, 0.999) == inf);
    CHECK(NAME(one_spike)(k, 1.0, 1.0, 1.0, 0.999 * exp(1.0)) == inf);
    CHECK(NAME(one_spike)(k, 2.0, 1.0, 1.0, 1.999) == inf);
    CHECK(NAME(one_spike)(k, 1.0, 1.0, 1.0, 0.0) == inf);
    CHECK(NAME(one_spike)(k, 1.0, 1.0, 1.0, -5.0) == inf);
#if IS_DOUBLE
    /* just strong enough: close below the peak, at t = 1 and t = 2 log 2 */
    CHECK_CLOSE(NAME(one_spike)(k, 1.0, 1.0, 1.0, (1.0 + 1e-8) * exp(1.0)), 1.0, 2e-4);
    CHECK_CLOSE(NAME(one_spike)(k, 2.0, 1.0, 1.0, 2.0 + 1e-8), 2.0 * log(2.0), 4e-4);
#endif
}

static void NAME(test_several_inputs)(const NAME(ttfs_kernels) * k)
{
    const ttfs_neuron neuron = make_neuron((double)INFINITY, 1.0, 1.0);
    const real late = (real)log(2.0);
    const real times[4][3] = {
        {0, late, INFINITY}, /* 2 - 3 exp(-t) = 1 in neuron 0 */
        {late, 0, (real)0.1},
        {INFINITY, INFINITY, INFINITY},
        {5, 5 + late, 5 + 100},
    };
    const real weights[3][2] = {{1, (real)2.5}, {1, 0}, {-3, 0}};
    real spikes[4][2];
    NAME(fire)(k, &neuron, &times[0][0], 4, 3, &weights[0][0], 2, (double)INFINITY,
               &spikes[0][0]);
    CHECK_CLOSE(spikes[0][0], log(3.0), TIGHT);
    CHECK_CLOSE(spikes[0][1], log(2.5 / 1.5), TIGHT);
    CHECK(spikes[1][0] == INFINITY);
    CHECK_CLOSE(spikes[1][1], (double)late + log(2.5 / 1.5), TIGHT);
    CHECK(spikes[2][0] == INFINITY && spikes[2][1] == INFINITY);
    CHECK_CLOSE(spikes[3][0], 5.0 + log(3.0), TIGHT);
    CHECK_CLOSE(spikes[3][1], 5.0 + log(2.5 / 1.5), TIGHT);

    /* a sample alone gives the same bits */
    for (size_t s = 0; s < 4; s++) {
        real alone[2];
        NAME(fire)(k, &neuron, times[s], 1, 3, &weights[0][0], 2, (double)INFINITY,
                   alone);
        CHECK(memcmp(alone, spikes[s], sizeof alone) == 0);
    }
}

static void NAME(test_horizon)(const NAME(ttfs_kernels) * k)
{
    const ttfs_neuron neuron = make_neuron((double)INFINITY, 1.0, 1.0);
    const real times[2][3] = {{0, (real)0.5, INFINITY},
                              {(real)0.7, (real)0.2, (real)0.1}};
    const real weights[3] = {2, 0, 0};
    const double margin = 1e7 * REAL_EPS / 10;
    real spikes[2];
    NAME(fire)(k, &neuron, &times[0][0], 2, 3, weights, 1, log(2.0) + margin, spikes);
    CHECK_CLOSE(spikes[0], log(2.0), TIGHT);
    CHECK(spikes[1] == INFINITY);
    NAME(fire)(k, &neuron, &times[0][0], 2, 3, weights, 1, log(2.0) - margin, spikes);
    CHECK(spikes[0] == INFINITY && spikes[1] == INFINITY);
    /* a spike at the horizon is too late */
    NAME(fire)(k, &neuron, &times[0][0], 1, 3, weights, 1, 9.0, spikes);
    const double at = (double)spikes[0];
    NAME(fire)(k, &neuron, &times[0][0], 1, 3, weights, 1, at, spikes);
    CHECK(spikes[0] == INFINITY);
}

static void NAME(test_nothing_to_do)(const NAME(ttfs_kernels) * k)
{
    const ttfs_neuron neuron = make_neuron(1.0, 1.0, 1.0);
    const double inf = (double)INFINITY;
    const real time = 0, weight = 9;
    real spikes[2] = {7, 7};
    NAME(fire)(k, &neuron, &time, 0, 1, &weight, 1, inf, spikes); /* no samples */
    NAME(fire)(k, &neuron, &time, 1, 1, &weight, 0, inf, spikes); /* no neurons */
    CHECK(spikes[0] == 7);
    NAME(fire)(k, &neuron, &time, 1, 0, &weight, 2, inf, spikes); /* no inputs */
    CHECK(spikes[0] == INFINITY && spikes[1] == INFINITY);
}

/* Lists of very different lengths, in no more workspace than was asked for; neurons of
 * several panels, each the same as alone. */
static void NAME(test_many_samples)(const NAME(ttfs_kernels) * k)
{
    enum { N_SAMPLES = 300, N_IN = 200 };
    const ttfs_neuron neuron = make_neuron(0.3, 0.2, 1.0);
    const size_t n_out = 2 * k->lanes + 5;
    real *times = malloc(N_SAMPLES * N_IN * sizeof(real));
    real *weights = malloc(N_IN * n_out * sizeof(real));
    real *spikes = malloc(N_SAMPLES * n_out * sizeof(real));
    real *u_peak = malloc(N_SAMPLES * n_out * sizeof(real));
    real *t_peak = malloc(N_SAMPLES * n_out * sizeof(real));
    uint64_t state = 2;
    for (size_t s = 0; s < N_SAMPLES; s++) {
        const double share = s == 7 ? 1.0 : 0.75 * random_of(&state);
        for (size_t i = 0; i < N_IN; i++) {
            const double t = 4 * random_of(&state);
            times[s * N_IN + i] = random_of(&state) < share ? (real)t : INFINITY;
        }
    }
    for (size_t i = 0; i < N_IN * n_out; i++) {
        weights[i] = (real)(0.8 * random_of(&state) - 0.3);
    }
    NAME(list_t) list = NAME(make_list)(k, times, N_SAMPLES, N_IN, 3.0);
    real *packed = NAME(make_packed)(k, weights, N_IN, n_out);
    void *scratch = make_workspace(k->layer_workspace_size(list.max_events));
    k->first_spike(&neuron, &list.spikes, N_SAMPLES, N_IN, packed, n_out, 3.0, spikes,
                   scratch);
    k->peak(&neuron, &list.spikes, N_SAMPLES, N_IN, packed, n_out, 3.0, spikes, u_peak,
            t_peak, scratch);
    size_t n_fired = 0, n_wrong = 0;
    for (size_t n = 0; n < N_SAMPLES * n_out; n++) {
        const int fired = spikes[n] < INFINITY;
        n_fired += (size_t)fired;
        if (fired) {
            n_wrong += u_peak[n] != 1 || t_peak[n] != spikes[n] || !(spikes[n] < 3);
        } else {
            n_wrong += !((double)u_peak[n] < 1 + 1e-4) || !(t_peak[n] <= 3);
        }
    }
    CHECK(n_wrong == 0);
    CHECK(n_fired > N_SAMPLES && n_fired < N_SAMPLES * n_out - N_SAMPLES);
    for (size_t j = 0; j < n_out; j += 3) {
        real column[N_IN], alone[N_SAMPLES];
        for (size_t i = 0; i < N_IN; i++) column[i] = weights[i * n_out + j];
        NAME(fire)(k, &neuron, times, N_SAMPLES, N_IN, column, 1, 3.0, alone);
        for (size_t s = 0; s < N_SAMPLES; s++) {
            n_wrong += alone[s] != spikes[s * n_out + j];
        }
    }
    CHECK(n_wrong == 0);
    NAME(free_list)(&list);
    free(scratch);
    free(packed);
    free(times);
    free(weights);
    free(spikes);
    free(u_peak);
    free(t_peak);
}

#endif
