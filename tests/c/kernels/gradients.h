/* Peaks, slopes and gradients. */
#ifndef TEST_GRADIENTS_H
#define TEST_GRADIENTS_H

#include "support.h"

static void NAME(test_peak)(const NAME(ttfs_kernels) * k)
{
    const ttfs_neuron neuron = make_neuron(1.0, 1.0, 1.0);
    const real time = 2;
    const real weights[2] = {1, (real)(2.0 * 1.6487212707001282)}; /* 2 exp(1/2) */
    const double horizons[2] = {12.0, 2.75};
    const double u_expected[2] = {exp(-1.0), 0.75 * exp(-0.75)};
    const double t_expected[2] = {3.0, 2.75};
    for (size_t n = 0; n < 2; n++) {
        NAME(list_t) list = NAME(make_list)(k, &time, 1, 1, horizons[n]);
        real *packed = NAME(make_packed)(k, weights, 1, 2);
        void *scratch = make_workspace(k->layer_workspace_size(list.max_events));
        real spikes[2], u_peak[2], t_peak[2];
        k->first_spike(&neuron, &list.spikes, 1, 1, packed, 2, horizons[n], spikes,
                       scratch);
        CHECK(spikes[0] == INFINITY);
        CHECK_CLOSE(spikes[1], 2.5, TIGHT);
        k->peak(&neuron, &list.spikes, 1, 1, packed, 2, horizons[n], spikes, u_peak,
                t_peak, scratch);
        CHECK_CLOSE(u_peak[0], u_expected[n], 10 * TIGHT);
        CHECK_CLOSE(t_peak[0], t_expected[n], IS_DOUBLE ? 1e-7 : 1e-3);
        CHECK(u_peak[1] == 1 && t_peak[1] == spikes[1]);
        NAME(free_list)(&list);
        free(packed);
        free(scratch);
    }
}

static void NAME(test_slope_by_hand)(const NAME(ttfs_kernels) * k)
{
    /* no leak: u' = 2 exp(-t) is 1 at log 2; an input at that time is not causal */
    const ttfs_neuron neuron = make_neuron((double)INFINITY, 1.0, 1.0);
    const double inf = (double)INFINITY;
    const real times[2] = {0, (real)0.69314718055994529};
    const real weights[2] = {2, 100};
    const real at = times[1], c = 3;
    NAME(list_t) list = NAME(make_list)(k, times, 1, 2, inf);
    real *packed = NAME(make_packed)(k, weights, 2, 1);
    real *grad = malloc(k->packed_size(2, 1) * sizeof(real));
    void *scratch = make_workspace(k->layer_workspace_size(list.max_events));
    real slope, grad_w[2], grad_t[2];
    k->slope(&neuron, &list.spikes, 1, 2, packed, 1, inf, &at, &slope, scratch);
    CHECK_CLOSE(slope, 1.0, TIGHT);
    memset(grad, 0, k->packed_size(2, 1) * sizeof(real));
    k->grad_weights(&neuron, &list.spikes, 1, 2, &at, &c, 1, 0, 1, inf, grad, scratch);
    k->unpack(grad, 2, 1, grad_w);
    CHECK_CLOSE(grad_w[0], -1.5, TIGHT);
    CHECK(grad_w[1] == 0);
    k->grad_times(&neuron, &list.spikes, 1, 2, packed, 1, inf, &at, &c, NULL, grad_t,
                  scratch);
    CHECK_CLOSE(grad_t[0], 3.0, TIGHT);
    CHECK(grad_t[1] == 0);
    /* a kink at that time moves with it */
    const real kink = 5;
    k->grad_times(&neuron, &list.spikes, 1, 2, packed, 1, inf, &at, &c, &kink, grad_t,
                  scratch);
    CHECK_CLOSE(grad_t[0], 3.0, TIGHT);
    CHECK_CLOSE(grad_t[1], 5.0, TIGHT);
    /* a neuron that is looked at never has no effect */
    const real never = INFINITY;
    k->slope(&neuron, &list.spikes, 1, 2, packed, 1, inf, &never, &slope, scratch);
    k->grad_times(&neuron, &list.spikes, 1, 2, packed, 1, inf, &never, &c, NULL, grad_t,
                  scratch);
    CHECK(slope == 0 && grad_t[0] == 0 && grad_t[1] == 0);
    /* equal time constants: kappa and its slope at 1/2 are both exp(-1/2) / 2 */
    const ttfs_neuron equal = make_neuron(1.0, 1.0, 1.0);
    const real half = (real)0.5;
    const double expected = 0.5 * exp(-0.5);
    k->slope(&equal, &list.spikes, 1, 2, packed, 1, inf, &half, &slope, scratch);
    CHECK_CLOSE(slope, 2.0 * expected, TIGHT);
    k->grad_times(&equal, &list.spikes, 1, 2, packed, 1, inf, &half, &c, NULL, grad_t,
                  scratch);
    CHECK_CLOSE(grad_t[0], 6.0 * expected, TIGHT);
    k->grad_weights(&equal, &list.spikes, 1, 2, &half, &c, 1, 0, 1, inf, grad, scratch);
    k->unpack(grad, 2, 1, grad_w);
    CHECK_CLOSE(grad_w[0], -1.5 - 3.0 * expected, TIGHT);
    NAME(free_list)(&list);
    free(packed);
    free(grad);
    free(scratch);
}

#if IS_DOUBLE
/* Sum of g_j t_j over the neurons that fire, by which gradients are tested. */
static double NAME(weighted_sum)(const NAME(ttfs_kernels) * k,
                                 const ttfs_neuron *neuron, const real *times,
                                 size_t n_in, const real *weights, const real *g,
                                 size_t n_out)
{
    real *spikes = malloc(2 * n_out * sizeof(real));
    double sum = 0.0;
    NAME(fire)(k, neuron, times, 2, n_in, weights, n_out, (double)INFINITY, spikes);
    for (size_t n = 0; n < 2 * n_out; n++) {
        if (spikes[n] < INFINITY) sum += (double)g[n] * (double)spikes[n];
    }
    free(spikes);
    return sum;
}
#endif

/* Gradients for given times and factors c, onto 0. */
static void NAME(gradients)(const NAME(ttfs_kernels) * k, const ttfs_neuron *neuron,
                            const real *times, size_t n_in, const real *weights,
                            size_t n_out, const real *at, const real *c, real *grad_w,
                            real *grad_t)
{
    const double inf = (double)INFINITY;
    NAME(list_t) list = NAME(make_list)(k, times, 2, n_in, inf);
    real *packed = NAME(make_packed)(k, weights, n_in, n_out);
    const size_t size = k->packed_size(n_in, n_out) * sizeof(real);
    real *grad = malloc(size);
    void *scratch = make_workspace(k->layer_workspace_size(list.max_events));
    memset(grad, 0, size);
    /* in two parts */
    k->grad_weights(neuron, &list.spikes, 2, n_in, at, c, n_out, 0, k->lanes, inf, grad,
                    scratch);
    k->unpack(grad, n_in, n_out, grad_w);
    CHECK(grad_w[k->lanes] == 0 && grad_w[n_out - 1] == 0);
    k->grad_weights(neuron, &list.spikes, 2, n_in, at, c, n_out, k->lanes, n_out, inf,
                    grad, scratch);
    k->unpack(grad, n_in, n_out, grad_w);
    k->grad_times(neuron, &list.spikes, 2, n_in, packed, n_out, inf, at, c, NULL,
                  grad_t, scratch);
    NAME(free_list)(&list);
    free(packed);
    free(grad);
    free(scratch);
}

#if IS_DOUBLE
/* Gradients against finite differences. */
static void check_gradients(const ttfs_kernels *k, const ttfs_neuron *neuron,
                            double *times, size_t n_in, double *weights, size_t n_out,
                            const double *g, const double *grad_w, const double *grad_t)
{
    const double inf = (double)INFINITY;
    const size_t n_w = n_in * n_out;
    const double h = 1e-6;
    for (size_t n = 0; n < n_w; n++) {
        const double w = weights[n];
        weights[n] = w + h;
        const double up = weighted_sum(k, neuron, times, n_in, weights, g, n_out);
        weights[n] = w - h;
        const double down = weighted_sum(k, neuron, times, n_in, weights, g, n_out);
        weights[n] = w;
        CHECK_CLOSE(grad_w[n], (up - down) / (2.0 * h), 1e-7);
    }
    for (size_t n = 0; n < 2 * n_in; n++) {
        const double t = times[n];
        if (t == inf) {
            CHECK(grad_t[n] == 0);
            continue;
        }
        times[n] = t + h;
        const double up = weighted_sum(k, neuron, times, n_in, weights, g, n_out);
        times[n] = t - h;
        const double down = weighted_sum(k, neuron, times, n_in, weights, g, n_out);
        times[n] = t;
        CHECK_CLOSE(grad_t[n], (up - down) / (2.0 * h), 1e-7);
    }
}
#else
/* Gradients against those in double: differences of floats say little. */
static void check_gradients_f(const ttfs_neuron *neuron, const float *times,
                              const float *weights, size_t n_out, const float *spikes,
                              const float *c, const float *grad_w, const float *grad_t)
{
    enum { N_IN = 4 };
    const size_t n_w = N_IN * n_out;
    const ttfs_kernels *d = ttfs_kernels_for(TTFS_SIMD_BASELINE);
    double times_d[2 * N_IN], grad_t_d[2 * N_IN];
    double *all = calloc(2 * n_w + 4 * n_out, sizeof(double));
    double *weights_d = all, *grad_w_d = all + n_w, *at_d = all + 2 * n_w;
    double *c_d = at_d + 2 * n_out;
    for (size_t n = 0; n < 2 * N_IN; n++) times_d[n] = (double)times[n];
    for (size_t n = 0; n < n_w; n++) weights_d[n] = (double)weights[n];
    for (size_t n = 0; n < 2 * n_out; n++) at_d[n] = (double)spikes[n];
    for (size_t n = 0; n < 2 * n_out; n++) c_d[n] = (double)c[n];
    gradients(d, neuron, times_d, N_IN, weights_d, n_out, at_d, c_d, grad_w_d,
              grad_t_d);
    double greatest = 0.0;
    for (size_t n = 0; n < 2 * n_out; n++) greatest = fmax(greatest, fabs(c_d[n]));
    for (size_t n = 0; n < n_w; n++) {
        CHECK(fabs((double)grad_w[n] - grad_w_d[n]) < 1e-6 * greatest);
    }
    for (size_t n = 0; n < 2 * N_IN; n++) {
        CHECK(fabs((double)grad_t[n] - grad_t_d[n]) < 2e-5 * greatest);
    }
    free(all);
}
#endif

static void NAME(test_gradients)(const NAME(ttfs_kernels) * k)
{
    enum { N_IN = 4 };
    const double taus[5][2] = {
        {1.0, 1.0}, {2.0, 1.0}, {(double)INFINITY, 1.0}, {0.7, 2.5}, {1.001, 1.0}};
    const double inf = (double)INFINITY;
    const double t0[2 * N_IN] = {0.0, 0.3, 0.45, inf, 1.2, 1.1, inf, 1.6};
    const double w0[3][N_IN] = {
        {2.0, 2.5, 1.5, 3.0}, {3.0, -0.5, 2.0, 4.0}, {-1.0, 0.2, -2.0, 0.1}};
    const double g0[2] = {1.0, -1.5};
    /* one panel and a bit */
    const size_t n_out = k->lanes + 3, n_w = N_IN * n_out;
    real times[2 * N_IN], grad_t[2 * N_IN];
    real *weights = malloc(n_w * sizeof(real)), *g = malloc(2 * n_out * sizeof(real));
    real *spikes = malloc(2 * n_out * sizeof(real));
    real *slope = malloc(2 * n_out * sizeof(real));
    real *c = malloc(2 * n_out * sizeof(real));
    real *grad_w = malloc(n_w * sizeof(real));
    for (size_t n = 0; n < 2 * N_IN; n++) times[n] = (real)t0[n];
    for (size_t n = 0; n < n_w; n++) {
        weights[n] = (real)(w0[n % n_out % 3][n / n_out] * (1.0 + 0.01 * (double)n));
    }
    for (size_t n = 0; n < 2 * n_out; n++) {
        g[n] = (real)(g0[n / n_out] * (1.0 + 0.1 * (double)(n % 5)));
    }
    for (size_t r = 0; r < 5; r++) {
        const ttfs_neuron neuron = make_neuron(taus[r][0], taus[r][1], 0.8);
        NAME(list_t) list = NAME(make_list)(k, times, 2, N_IN, inf);
        real *packed = NAME(make_packed)(k, weights, N_IN, n_out);
        void *scratch = make_workspace(k->layer_workspace_size(list.max_events));
        k->first_spike(&neuron, &list.spikes, 2, N_IN, packed, n_out, inf, spikes,
                       scratch);
        CHECK(spikes[0] < INFINITY && spikes[2] == INFINITY);
        k->slope(&neuron, &list.spikes, 2, N_IN, packed, n_out, inf, spikes, slope,
                 scratch);
        NAME(free_list)(&list);
        free(packed);
        free(scratch);
        for (size_t n = 0; n < 2 * n_out; n++) {
            if (spikes[n] < INFINITY)
                CHECK((double)slope[n] > 0.01);
            else
                CHECK(slope[n] == 0);
            c[n] = spikes[n] < INFINITY ? g[n] / slope[n] : 0;
        }
        NAME(gradients)(k, &neuron, times, N_IN, weights, n_out, spikes, c, grad_w,
                        grad_t);
#if IS_DOUBLE
        check_gradients(k, &neuron, times, N_IN, weights, n_out, g, grad_w, grad_t);
#else
        check_gradients_f(&neuron, times, weights, n_out, spikes, c, grad_w, grad_t);
#endif
    }
    free(weights);
    free(g);
    free(spikes);
    free(slope);
    free(c);
    free(grad_w);
}

#endif
