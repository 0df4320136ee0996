/* Tests of the C core without Python: numbers that can be checked by hand, finite
 * differences, and every bad argument. Built and run by tests/test_c_core.py. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ttfs.h"

static int n_failed = 0;

#define CHECK(condition)                                                               \
    do {                                                                               \
        if (!(condition)) {                                                            \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                     \
            n_failed++;                                                                \
        }                                                                              \
    } while (0)

/* |a - b| <= tol max(1, |b|), or both the same infinity */
#define CHECK_CLOSE(a, b, tol)                                                         \
    do {                                                                               \
        const double a_ = (a), b_ = (b);                                               \
        if (!(a_ == b_ || fabs(a_ - b_) <= (tol) * fmax(1.0, fabs(b_)))) {             \
            printf("%s:%d: %s = %.17g, expected %.17g\n", __FILE__, __LINE__, #a, a_,  \
                   b_);                                                                \
            n_failed++;                                                                \
        }                                                                              \
    } while (0)

/* -- A small layer in both precisions ------------------------------------------ */

enum { MAX_IN = 8, MAX_OUT = 8, MAX_SAMPLES = 4 };

typedef struct {
    double events[16 * MAX_SAMPLES * MAX_IN]; /* sort() checks that they fit */
    double scratch[256];
    size_t counts[MAX_SAMPLES];
} event_list;

static ttfs_neuron make_neuron(double tau_mem, double tau_syn, double threshold)
{
    ttfs_neuron neuron;
    memset(&neuron, 0, sizeof neuron);
    CHECK(ttfs_neuron_init(&neuron, tau_mem, tau_syn, threshold) == TTFS_OK);
    return neuron;
}

static void sort(const ttfs_neuron *neuron, const double *times, size_t n_samples,
                 size_t n_in, double t_max, event_list *list)
{
    CHECK(n_samples * n_in * ttfs_event_size() <= sizeof list->events);
    CHECK(ttfs_sort_scratch_size(n_in) <= sizeof list->scratch);
    ttfs_sort_events(neuron, times, n_samples, n_in, t_max, list->events, list->counts,
                     list->scratch);
}

static void first_spike(const ttfs_neuron *neuron, const double *times,
                        size_t n_samples, size_t n_in, const double *weights,
                        size_t n_out, double t_max, double *spikes)
{
    event_list list;
    sort(neuron, times, n_samples, n_in, t_max, &list);
    ttfs_first_spike(neuron, list.events, list.counts, n_samples, n_in, weights, n_out,
                     t_max, spikes);
}

static void first_spike_f(const ttfs_neuron *neuron, const float *times,
                          size_t n_samples, size_t n_in, const float *weights,
                          size_t n_out, float t_max, float *spikes)
{
    event_list list;
    CHECK(n_samples * n_in * ttfs_event_size_f() <= sizeof list.events);
    CHECK(ttfs_sort_scratch_size_f(n_in) <= sizeof list.scratch);
    ttfs_sort_events_f(neuron, times, n_samples, n_in, (double)t_max, list.events,
                       list.counts, list.scratch);
    ttfs_first_spike_f(neuron, list.events, list.counts, n_samples, n_in, weights,
                       n_out, (double)t_max, spikes);
}

/* Spike time of one neuron with one input at t = 0, no horizon. */
static double one_spike_double(double tau_mem, double tau_syn, double threshold,
                               double weight)
{
    const ttfs_neuron neuron = make_neuron(tau_mem, tau_syn, threshold);
    const double time = 0.0;
    double spike = NAN;
    first_spike(&neuron, &time, 1, 1, &weight, 1, INFINITY, &spike);
    return spike;
}

/* The same, and a check that the float core agrees. */
static double one_spike(double tau_mem, double tau_syn, double threshold, double weight)
{
    const double spike = one_spike_double(tau_mem, tau_syn, threshold, weight);
    const ttfs_neuron neuron = make_neuron(tau_mem, tau_syn, threshold);
    const float time_f = 0.0f, weight_f = (float)weight;
    float spike_f = NAN;
    first_spike_f(&neuron, &time_f, 1, 1, &weight_f, 1, INFINITY, &spike_f);
    CHECK_CLOSE((double)spike_f, spike, 1e-4);
    return spike;
}

/* -- Parameters ---------------------------------------------------------------- */

static void test_version_and_messages(void)
{
    CHECK(strcmp(ttfs_version(), TTFS_VERSION) == 0);
    const ttfs_status codes[] = {TTFS_OK, TTFS_EINVAL_TAU_MEM, TTFS_EINVAL_TAU_SYN,
                                 TTFS_EINVAL_THRESHOLD, TTFS_EINVAL_RANGE};
    const size_t n = sizeof codes / sizeof codes[0];
    for (size_t i = 0; i < n; i++) {
        CHECK(ttfs_strerror(codes[i]) != NULL && strlen(ttfs_strerror(codes[i])) > 0);
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(ttfs_strerror(codes[i]), ttfs_strerror(codes[j])) != 0);
    }
    CHECK(ttfs_strerror((ttfs_status)99) != NULL);
}

static void check_refused(double tau_mem, double tau_syn, double threshold,
                          ttfs_status expected)
{
    ttfs_neuron neuron, before;
    memset(&neuron, 7, sizeof neuron);
    memcpy(&before, &neuron, sizeof neuron);
    CHECK(ttfs_neuron_init(&neuron, tau_mem, tau_syn, threshold) == expected);
    CHECK(memcmp(&before, &neuron, sizeof neuron) == 0);
}

static void test_neuron_init(void)
{
    const double bad[] = {0.0, -0.0, -1.0, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_refused(bad[i], 1.0, 1.0, TTFS_EINVAL_TAU_MEM);
        check_refused(1.0, bad[i], 1.0, TTFS_EINVAL_TAU_SYN);
        check_refused(1.0, 1.0, bad[i], TTFS_EINVAL_THRESHOLD);
    }
    check_refused(1.0, INFINITY, 1.0, TTFS_EINVAL_TAU_SYN);
    check_refused(INFINITY, INFINITY, 1.0, TTFS_EINVAL_TAU_SYN);
    check_refused(1.0, 1.0, INFINITY, TTFS_EINVAL_THRESHOLD);
    check_refused(1e-310, 1.0, 1.0, TTFS_EINVAL_RANGE);
    check_refused(1.0, 1e-310, 1.0, TTFS_EINVAL_RANGE);
    check_refused(1e-200, 1e200, 1.0, TTFS_EINVAL_RANGE);
    check_refused(1e200, 1e-200, 1.0, TTFS_EINVAL_RANGE);

    const ttfs_neuron equal = make_neuron(3.0, 3.0, 2.0);
    CHECK(equal.family == TTFS_EQUAL);
    CHECK(equal.tau_mem == 3.0 && equal.tau_syn == 3.0 && equal.threshold == 2.0);
    CHECK(equal.gap == 0.0);
    CHECK(make_neuron(2.0, 1.0, 1.0).family == TTFS_DOUBLE);
    CHECK(make_neuron(1.0, 2.0, 1.0).family == TTFS_GENERAL);
    CHECK(make_neuron(1.0 + 1e-12, 1.0, 1.0).family == TTFS_GENERAL);
    const ttfs_neuron nonleaky = make_neuron(INFINITY, 0.5, 1.0);
    CHECK(nonleaky.family == TTFS_NONLEAKY);
    CHECK(nonleaky.slow == 0.0 && nonleaky.fast == 2.0 && nonleaky.gap == 2.0);
}

/* -- Spike times --------------------------------------------------------------- */

static void test_one_input(void)
{
    /* no leak: 2 (1 - exp(-t)) = 1 */
    CHECK_CLOSE(one_spike(INFINITY, 1.0, 1.0, 2.0), log(2.0), 1e-14);
    CHECK_CLOSE(one_spike(INFINITY, 3.0, 1.0, 2.0), 3.0 * log(2.0), 1e-14);
    CHECK_CLOSE(one_spike(INFINITY, 1.0, 5.0, 10.0), log(2.0), 1e-14);
    /* equal: w t exp(-t) = 1 at t = 1/2 */
    CHECK_CLOSE(one_spike(1.0, 1.0, 1.0, 2.0 * exp(0.5)), 0.5, 1e-14);
    CHECK_CLOSE(one_spike(4.0, 4.0, 1.0, 2.0 * exp(0.5)), 2.0, 1e-14);
    /* double: x = exp(-t/2), 2 w (x - x^2) = 1 at x = 3/4 */
    CHECK_CLOSE(one_spike(2.0, 1.0, 1.0, 8.0 / 3.0), 2.0 * log(4.0 / 3.0), 1e-14);
    /* 3 to 1: x = exp(-t/3), 3/2 w (x - x^3) = 1 at x = 4/5; and the reverse */
    CHECK_CLOSE(one_spike(3.0, 1.0, 1.0, 1.0 / 0.432), 3.0 * log(1.25), 1e-14);
    CHECK_CLOSE(one_spike(1.0, 3.0, 1.0, 1.0 / 0.144), 3.0 * log(1.25), 1e-14);
    /* too weak: the peaks are w, w/e, w/2 */
    CHECK(one_spike(INFINITY, 1.0, 1.0, 0.999) == INFINITY);
    CHECK(one_spike(1.0, 1.0, 1.0, 0.999 * exp(1.0)) == INFINITY);
    CHECK(one_spike(2.0, 1.0, 1.0, 1.999) == INFINITY);
    CHECK(one_spike(1.0, 1.0, 1.0, 0.0) == INFINITY);
    CHECK(one_spike(1.0, 1.0, 1.0, -5.0) == INFINITY);
    /* just strong enough: close below the peak, at t = 1 and t = 2 log 2 */
    CHECK_CLOSE(one_spike_double(1.0, 1.0, 1.0, (1.0 + 1e-8) * exp(1.0)), 1.0, 2e-4);
    CHECK_CLOSE(one_spike_double(2.0, 1.0, 1.0, 2.0 + 1e-8), 2.0 * log(2.0), 4e-4);
}

static void test_several_inputs(void)
{
    const ttfs_neuron neuron = make_neuron(INFINITY, 1.0, 1.0);
    const double late = log(2.0);
    const double times[4][3] = {
        {0.0, late, INFINITY}, /* 2 - 3 exp(-t) = 1 in neuron 0 */
        {late, 0.0, 0.1},
        {INFINITY, INFINITY, INFINITY},
        {5.0, 5.0 + late, 5.0 + 100.0},
    };
    const double weights[3][2] = {{1.0, 2.5}, {1.0, 0.0}, {-3.0, 0.0}};
    double spikes[4][2];
    first_spike(&neuron, &times[0][0], 4, 3, &weights[0][0], 2, INFINITY,
                &spikes[0][0]);
    CHECK_CLOSE(spikes[0][0], log(3.0), 1e-14);
    CHECK_CLOSE(spikes[0][1], log(2.5 / 1.5), 1e-14);
    CHECK(spikes[1][0] == INFINITY);
    CHECK_CLOSE(spikes[1][1], late + log(2.5 / 1.5), 1e-14);
    CHECK(spikes[2][0] == INFINITY && spikes[2][1] == INFINITY);
    CHECK_CLOSE(spikes[3][0], 5.0 + log(3.0), 1e-14);
    CHECK_CLOSE(spikes[3][1], 5.0 + log(2.5 / 1.5), 1e-14);

    /* a sample alone gives the same bits */
    for (size_t s = 0; s < 4; s++) {
        double alone[2];
        first_spike(&neuron, times[s], 1, 3, &weights[0][0], 2, INFINITY, alone);
        CHECK(memcmp(alone, spikes[s], sizeof alone) == 0);
    }
}

static void test_horizon_and_counts(void)
{
    const ttfs_neuron neuron = make_neuron(INFINITY, 1.0, 1.0);
    const double times[2][3] = {{0.0, 0.5, INFINITY}, {0.7, 0.2, 0.1}};
    const double weights[3] = {2.0, 0.0, 0.0};
    double spikes[2];
    event_list list;
    sort(&neuron, &times[0][0], 2, 3, 0.5, &list);
    CHECK(list.counts[0] == 1 && list.counts[1] == 2);
    sort(&neuron, &times[0][0], 2, 3, INFINITY, &list);
    CHECK(list.counts[0] == 2 && list.counts[1] == 3);

    first_spike(&neuron, &times[0][0], 2, 3, weights, 1, log(2.0) + 1e-9, spikes);
    CHECK_CLOSE(spikes[0], log(2.0), 1e-14);
    CHECK(spikes[1] == INFINITY);
    first_spike(&neuron, &times[0][0], 2, 3, weights, 1, log(2.0) - 1e-9, spikes);
    CHECK(spikes[0] == INFINITY && spikes[1] == INFINITY);
}

static void test_nothing_to_do(void)
{
    const ttfs_neuron neuron = make_neuron(1.0, 1.0, 1.0);
    const double time = 0.0, weight = 9.0;
    double spikes[2] = {7.0, 7.0};
    first_spike(&neuron, &time, 0, 1, &weight, 1, INFINITY, spikes); /* no samples */
    first_spike(&neuron, &time, 1, 1, &weight, 0, INFINITY, spikes); /* no neurons */
    CHECK(spikes[0] == 7.0);
    first_spike(&neuron, &time, 1, 0, &weight, 2, INFINITY, spikes); /* no inputs */
    CHECK(spikes[0] == INFINITY && spikes[1] == INFINITY);
}

/* -- Peaks, slopes and gradients ----------------------------------------------- */

static void test_peak(void)
{
    const ttfs_neuron neuron = make_neuron(1.0, 1.0, 1.0);
    const double time = 2.0;
    const double weights[2] = {1.0, 2.0 * 1.6487212707001282}; /* 2 exp(1/2) */
    const double horizons[2] = {12.0, 2.75};
    const double u_expected[2] = {exp(-1.0), 0.75 * exp(-0.75)};
    const double t_expected[2] = {3.0, 2.75};
    for (size_t k = 0; k < 2; k++) {
        event_list list;
        double spikes[2], u_peak[2], t_peak[2];
        sort(&neuron, &time, 1, 1, horizons[k], &list);
        ttfs_first_spike(&neuron, list.events, list.counts, 1, 1, weights, 2,
                         horizons[k], spikes);
        CHECK(spikes[0] == INFINITY);
        CHECK_CLOSE(spikes[1], 2.5, 1e-14);
        ttfs_peak(&neuron, list.events, list.counts, 1, 1, weights, 2, horizons[k],
                  spikes, u_peak, t_peak);
        CHECK_CLOSE(u_peak[0], u_expected[k], 1e-13);
        CHECK_CLOSE(t_peak[0], t_expected[k], 1e-7);
        CHECK(u_peak[1] == 1.0 && t_peak[1] == spikes[1]);
    }
}

/* Sum of g_j t_j over the neurons that fire, by which gradients are tested. */
static double weighted_sum(const ttfs_neuron *neuron, const double *times, size_t n_in,
                           const double *weights, const double *g, size_t n_out)
{
    double spikes[2 * MAX_OUT], sum = 0.0;
    first_spike(neuron, times, 2, n_in, weights, n_out, INFINITY, spikes);
    for (size_t k = 0; k < 2 * n_out; k++)
        if (spikes[k] < INFINITY) sum += g[k] * spikes[k];
    return sum;
}

static void test_gradients(void)
{
    enum { N_IN = 4, N_OUT = 3 };
    const double taus[5][2] = {
        {1.0, 1.0}, {2.0, 1.0}, {INFINITY, 1.0}, {0.7, 2.5}, {1.001, 1.0}};
    double times[2 * N_IN] = {0.0, 0.3, 0.45, INFINITY, 1.2, 1.1, INFINITY, 1.6};
    double weights[N_IN * N_OUT] = {2.0, 3.0, -1.0, 2.5, -0.5, 0.2,
                                    1.5, 2.0, -2.0, 3.0, 4.0,  0.1};
    const double g[2 * N_OUT] = {1.0, -2.0, 0.5, 0.3, 1.5, -1.0};
    const double h = 1e-6;
    for (size_t r = 0; r < 5; r++) {
        const ttfs_neuron neuron = make_neuron(taus[r][0], taus[r][1], 0.8);
        event_list list;
        double spikes[2 * N_OUT], slope[2 * N_OUT], c[2 * N_OUT];
        double grad_w[N_IN * N_OUT], grad_t[2 * N_IN];
        sort(&neuron, times, 2, N_IN, INFINITY, &list);
        ttfs_first_spike(&neuron, list.events, list.counts, 2, N_IN, weights, N_OUT,
                         INFINITY, spikes);
        CHECK(spikes[0] < INFINITY && spikes[2] == INFINITY);
        ttfs_slope(&neuron, list.events, list.counts, 2, N_IN, weights, N_OUT, spikes,
                   slope);
        for (size_t k = 0; k < 2 * N_OUT; k++) {
            if (spikes[k] < INFINITY)
                CHECK(slope[k] > 0.01);
            else
                CHECK(slope[k] == 0.0);
            c[k] = spikes[k] < INFINITY ? g[k] / slope[k] : 0.0;
        }

        /* in two panels of columns, onto a constant */
        for (size_t k = 0; k < N_IN * N_OUT; k++) grad_w[k] = 10.0;
        ttfs_grad_weights(&neuron, list.events, list.counts, 2, N_IN, spikes, c, N_OUT,
                          0, 2, grad_w);
        CHECK(grad_w[2] == 10.0);
        ttfs_grad_weights(&neuron, list.events, list.counts, 2, N_IN, spikes, c, N_OUT,
                          2, N_OUT, grad_w);
        for (size_t k = 0; k < N_IN * N_OUT; k++) {
            const double w = weights[k];
            weights[k] = w + h;
            double up = weighted_sum(&neuron, times, N_IN, weights, g, N_OUT);
            weights[k] = w - h;
            double down = weighted_sum(&neuron, times, N_IN, weights, g, N_OUT);
            weights[k] = w;
            CHECK_CLOSE(grad_w[k] - 10.0, (up - down) / (2.0 * h), 1e-7);
        }

        ttfs_grad_times(&neuron, list.events, list.counts, 2, N_IN, weights, N_OUT,
                        spikes, c, NULL, grad_t);
        for (size_t k = 0; k < 2 * N_IN; k++) {
            const double t = times[k];
            if (t == INFINITY) {
                CHECK(grad_t[k] == 0.0);
                continue;
            }
            times[k] = t + h;
            double up = weighted_sum(&neuron, times, N_IN, weights, g, N_OUT);
            times[k] = t - h;
            double down = weighted_sum(&neuron, times, N_IN, weights, g, N_OUT);
            times[k] = t;
            CHECK_CLOSE(grad_t[k], (up - down) / (2.0 * h), 1e-7);
        }
    }
}

static void test_slope_by_hand(void)
{
    /* no leak: u' = 2 exp(-t) is 1 at log 2; an input at that time is not causal */
    const ttfs_neuron neuron = make_neuron(INFINITY, 1.0, 1.0);
    const double times[2] = {0.0, 0.69314718055994529};
    const double weights[2] = {2.0, 100.0};
    const double at = times[1], c = 3.0;
    event_list list;
    double slope, grad_w[2] = {0.0, 0.0}, grad_t[2];
    sort(&neuron, times, 1, 2, INFINITY, &list);
    ttfs_slope(&neuron, list.events, list.counts, 1, 2, weights, 1, &at, &slope);
    CHECK_CLOSE(slope, 1.0, 1e-14);
    ttfs_grad_weights(&neuron, list.events, list.counts, 1, 2, &at, &c, 1, 0, 1,
                      grad_w);
    CHECK_CLOSE(grad_w[0], -1.5, 1e-14);
    CHECK(grad_w[1] == 0.0);
    ttfs_grad_times(&neuron, list.events, list.counts, 1, 2, weights, 1, &at, &c, NULL,
                    grad_t);
    CHECK_CLOSE(grad_t[0], 3.0, 1e-14);
    CHECK(grad_t[1] == 0.0);
    /* a kink at that time moves with it */
    const double kink = 5.0;
    ttfs_grad_times(&neuron, list.events, list.counts, 1, 2, weights, 1, &at, &c, &kink,
                    grad_t);
    CHECK_CLOSE(grad_t[0], 3.0, 1e-14);
    CHECK_CLOSE(grad_t[1], 5.0, 1e-14);
}

/* Both precisions of everything that has no test of its own in float. */
static void test_float_gradients(void)
{
    const ttfs_neuron neuron = make_neuron(1.0, 1.0, 1.0);
    const float time = 0.0f, weight = 2.0f, at = 0.5f, c = 2.0f, silent = INFINITY;
    const double kappa = 0.5 * exp(-0.5), slope_expected = 2.0 * 0.5 * exp(-0.5);
    event_list list;
    float slope, grad_w = 0.0f, grad_t, u_peak, t_peak;
    ttfs_sort_events_f(&neuron, &time, 1, 1, 9.0, list.events, list.counts,
                       list.scratch);
    ttfs_slope_f(&neuron, list.events, list.counts, 1, 1, &weight, 1, &at, &slope);
    CHECK_CLOSE((double)slope, slope_expected, 1e-6);
    ttfs_grad_weights_f(&neuron, list.events, list.counts, 1, 1, &at, &c, 1, 0, 1,
                        &grad_w);
    CHECK_CLOSE((double)grad_w, -2.0 * kappa, 1e-6);
    ttfs_grad_times_f(&neuron, list.events, list.counts, 1, 1, &weight, 1, &at, &c,
                      NULL, &grad_t);
    CHECK_CLOSE((double)grad_t, 2.0 * slope_expected, 1e-6);
    ttfs_peak_f(&neuron, list.events, list.counts, 1, 1, &weight, 1, 9.0, &silent,
                &u_peak, &t_peak);
    CHECK_CLOSE((double)u_peak, 2.0 * exp(-1.0), 1e-6);
    CHECK_CLOSE((double)t_peak, 1.0, 1e-3);
}

/* -- Losses -------------------------------------------------------------------- */

enum { N_CLASSES = 3, CROSS_ENTROPY = 0, SQUARED_ERROR, SHIFT_INVARIANT, N_LOSSES };

static void loss_of(int which, const double *times, const double *weights, double *loss,
                    double *grad)
{
    static const size_t labels[2] = {1, 2};
    if (which == CROSS_ENTROPY)
        ttfs_loss_cross_entropy(times, labels, weights, 2, N_CLASSES, 0.2, 0.1, 2.0,
                                loss, grad);
    else if (which == SQUARED_ERROR)
        ttfs_loss_squared_error(times, labels, weights, 2, N_CLASSES, 0.5, 1.5, loss,
                                grad);
    else
        ttfs_loss_shift_invariant(times, labels, weights, 2, N_CLASSES, 0.5, 1.5, loss,
                                  grad);
}

static void loss_of_f(int which, const float *times, double *loss, float *grad)
{
    static const size_t labels[2] = {1, 2};
    if (which == CROSS_ENTROPY)
        ttfs_loss_cross_entropy_f(times, labels, NULL, 2, N_CLASSES, 0.2, 0.1, 2.0,
                                  loss, grad);
    else if (which == SQUARED_ERROR)
        ttfs_loss_squared_error_f(times, labels, NULL, 2, N_CLASSES, 0.5, 1.5, loss,
                                  grad);
    else
        ttfs_loss_shift_invariant_f(times, labels, NULL, 2, N_CLASSES, 0.5, 1.5, loss,
                                    grad);
}

static void test_losses_by_hand(void)
{
    const double equal_times[6] = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    const double targets[6] = {1.5, 0.5, 1.5, 1.5, 1.5, 0.5};
    const double shifted[6] = {3.5, 2.5, 3.5, 1.0, 1.0, 0.0};
    double loss[2], grad[6];

    loss_of(CROSS_ENTROPY, equal_times, NULL, loss, grad);
    CHECK_CLOSE(loss[0], log(3.0) + 0.1 * (exp(0.5) - 1.0), 1e-14);
    CHECK_CLOSE(grad[0], -1.0 / (3.0 * 0.2), 1e-14);
    CHECK_CLOSE(grad[1], 2.0 / (3.0 * 0.2) + 0.05 * exp(0.5), 1e-14);

    loss_of(SQUARED_ERROR, equal_times, NULL, loss, grad);
    CHECK_CLOSE(loss[0], 0.75 / 6.0, 1e-14);
    CHECK_CLOSE(grad[0], -0.5 / 3.0, 1e-14);
    CHECK_CLOSE(grad[1], 0.5 / 3.0, 1e-14);
    loss_of(SQUARED_ERROR, targets, NULL, loss, grad);
    CHECK(loss[0] == 0.0 && loss[1] == 0.0 && grad[0] == 0.0 && grad[5] == 0.0);

    loss_of(SHIFT_INVARIANT, shifted, NULL, loss, grad);
    for (size_t k = 0; k < 6; k++) CHECK_CLOSE(grad[k], 0.0, 1e-15);
    CHECK_CLOSE(loss[0], 0.0, 1e-15);
    CHECK_CLOSE(loss[1], 0.0, 1e-15);
    /* residuals -1/2, 1/2, -1/2 have the mean -1/6 */
    loss_of(SHIFT_INVARIANT, equal_times, NULL, loss, grad);
    CHECK_CLOSE(loss[0], (0.75 - 3.0 / 36.0) / 6.0, 1e-14);
    CHECK_CLOSE(grad[0] + grad[1] + grad[2], 0.0, 1e-15);

    /* far apart times overflow nothing */
    const double far[6] = {0.0, 500.0, 900.0, 0.0, 500.0, 0.0};
    loss_of(CROSS_ENTROPY, far, NULL, loss, grad);
    CHECK(loss[0] > 2500.0 && loss[0] < INFINITY && grad[1] > 0.0);
    CHECK(loss[1] >= 0.0 && loss[1] < 1.0);
}

static void test_loss_gradients(void)
{
    double times[6] = {0.9, 1.1, 1.6, 2.0, 0.7, 0.8};
    const double weights[2] = {2.0, 0.25};
    const double h = 1e-6;
    for (int which = 0; which < N_LOSSES; which++) {
        double loss[2], grad[6], plain[2], up[2], down[2], unused[6];
        loss_of(which, times, NULL, plain, unused);
        loss_of(which, times, weights, loss, grad);
        CHECK_CLOSE(loss[0], 2.0 * plain[0], 1e-14);
        CHECK_CLOSE(loss[1], 0.25 * plain[1], 1e-14);
        for (size_t k = 0; k < 6; k++) {
            const double t = times[k];
            times[k] = t + h;
            loss_of(which, times, weights, up, unused);
            times[k] = t - h;
            loss_of(which, times, weights, down, unused);
            times[k] = t;
            CHECK_CLOSE(grad[k], (up[k / 3] - down[k / 3]) / (2.0 * h), 1e-8);
            CHECK(up[1 - k / 3] == loss[1 - k / 3]);
        }

        float times_f[6], grad_f[6];
        for (size_t k = 0; k < 6; k++) times_f[k] = (float)times[k];
        loss_of_f(which, times_f, loss, grad_f);
        loss_of(which, times, NULL, plain, grad);
        CHECK_CLOSE(loss[0], plain[0], 1e-6);
        for (size_t k = 0; k < 6; k++) CHECK_CLOSE((double)grad_f[k], grad[k], 1e-5);
    }
}

/* -- Optimizer ----------------------------------------------------------------- */

static void test_adam(void)
{
    double p[2] = {1.0, -2.0}, m[2] = {0.0, 0.0}, v[2] = {0.0, 0.0};
    const double g[2] = {0.5, 0.0}, g2[2] = {-0.25, 0.0};
    /* in the first step both corrected moments are those of g itself */
    ttfs_adam(p, g, m, v, 2, 0.1, 0.9, 0.99, 1e-3, 0.05, 1);
    CHECK_CLOSE(m[0], 0.05, 1e-14);
    CHECK_CLOSE(v[0], 0.0025, 1e-14);
    CHECK_CLOSE(p[0], 1.0 * (1.0 - 0.005) - 0.1 * 0.5 / (0.5 + 1e-3), 1e-14);
    CHECK_CLOSE(p[1], -2.0 * (1.0 - 0.005), 1e-14);
    /* second step: m = 0.02, v = 0.0031, 1 - 0.81 = 0.19, 1 - 0.9801 = 0.0199 */
    const double before = p[0];
    ttfs_adam(p, g2, m, v, 2, 0.1, 0.9, 0.99, 1e-3, 0.0, 2);
    CHECK_CLOSE(m[0], 0.02, 1e-14);
    CHECK_CLOSE(v[0], 0.0031, 1e-14);
    const double expected =
        before - 0.1 * (0.02 / 0.19) / (sqrt(0.0031 / 0.0199) + 1e-3);
    CHECK_CLOSE(p[0], expected, 1e-14);

    float p_f = 1.0f, m_f = 0.0f, v_f = 0.0f;
    const float g_f = 0.5f;
    ttfs_adam_f(&p_f, &g_f, &m_f, &v_f, 1, 0.1, 0.9, 0.99, 1e-3, 0.05, 1);
    CHECK_CLOSE((double)p_f, 1.0 * (1.0 - 0.005) - 0.1 * 0.5 / (0.5 + 1e-3), 1e-6);
    ttfs_adam(p, g, m, v, 0, 0.1, 0.9, 0.99, 1e-3, 0.05, 3); /* nothing to do */
    CHECK_CLOSE(p[0], expected, 0.0);
}

int main(void)
{
    test_version_and_messages();
    test_neuron_init();
    test_one_input();
    test_several_inputs();
    test_horizon_and_counts();
    test_nothing_to_do();
    test_peak();
    test_slope_by_hand();
    test_gradients();
    test_float_gradients();
    test_losses_by_hand();
    test_loss_gradients();
    test_adam();
    if (n_failed > 0) {
        printf("%d checks failed\n", n_failed);
        return 1;
    }
    printf("all C tests passed\n");
    return 0;
}
