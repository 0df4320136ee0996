/* The simplified local rule, see ttfs_local in ttfs_kernels.h: what it has in place of
 * kappa, of the division by u', of the weights on the way back, and of Adam. */
#ifndef TTFS_REAL_TRAINING_LOCAL_RULE_H
#define TTFS_REAL_TRAINING_LOCAL_RULE_H

#include "real/layer/gradient.h"

/* The kernel of straight lines, k(d) = max(0, min(slope_up d, slope_down (4 peak -
 * d))). */
typedef struct {
    real end; /* 4 peak */
    real slope_up, slope_down;
} lines_t;

static lines_t lines_of(const ttfs_neuron *n)
{
    /* kappa is greatest at log(fast / slow) / gap; it has no peak where slow is 0 */
    const double ratio = n->gap / n->slow;
    const double its_peak =
        n->family == TTFS_EQUAL ? n->tau_syn : log1p(ratio) / n->gap;
    const double peak = fmin(its_peak, 2 * n->tau_syn);
    const double height =
        n->family == TTFS_EQUAL
            ? peak / n->tau_syn * exp(-n->slow * peak)
            : -expm1(-n->gap * peak) / (n->gap * n->tau_syn) * exp(-n->slow * peak);
    const lines_t lines = {.end = (real)(4 * peak),
                           .slope_up = (real)(height / peak),
                           .slope_down = (real)(height / (3 * peak))};
    return lines;
}

/* k(d); 0 where d is not positive */
static inline vec lines_at(const lines_t *lines, vec d)
{
    const vec up = v_set(lines->slope_up) * d;
    const vec down = v_set(lines->slope_down) * (v_set(lines->end) - d);
    return v_max(v_min(up, down), v_set(0));
}

/* k'(d), from the left where two lines meet; 0 where d is not positive */
static inline vec lines_slope_at(const lines_t *lines, vec d)
{
    const mask inside = m_and(v_gt(d, v_set(0)), v_ge(v_set(lines->end), d));
    const mask rises = v_ge(v_set(lines->end), v_set(4) * d);
    return v_keep(inside,
                  v_select(rises, v_set(lines->slope_up), v_set(-lines->slope_down)));
}

/* Gradients of weights as by grad_weights_panel(), with the kernel of straight lines in
 * the place of kappa. */
ALWAYS_INLINE void lines_weights_vecs(const lines_t *lines, const events_t *e,
                                      const uint32_t *row, size_t lanes, const real *at,
                                      const real *c, real *grad, const int vecs)
{
    const size_t stride = (size_t)vecs * WIDTH, n = e->n;
    const real *time = e->time;
    const lines_t copy = *lines; /* a copy that no store below can change */
    vec at_q[PANEL_VECS], c_q[PANEL_VECS], latest = v_set(-INFINITY);
    EACH_VEC
    {
        at_q[q] = v_load_part(at + q * WIDTH, lanes_of(lanes, q));
        c_q[q] = v_load_part(c + q * WIDTH, lanes_of(lanes, q));
        latest = v_max(latest, at_q[q]);
    }
    const real last = v_max_lane(latest);
    for (size_t k = 0; k < n && time[k] < last; ++k) {
        real *g = grad + row[k] * stride;
        const vec t = v_set(time[k]);
        EACH_VEC
        {
            const vec value = lines_at(&copy, at_q[q] - t);
            v_store(g + q * WIDTH, v_fnma(c_q[q], value, v_load(g + q * WIDTH)));
        }
    }
}

static void lines_weights_panel(const lines_t *lines, const events_t *e,
                                const uint32_t *row, panel_t panel, const real *at,
                                const real *c, real *grad){
#define CALL(vecs) lines_weights_vecs(lines, e, row, panel.lanes, at, c, grad, vecs)
    WITH_VECS(panel.vecs, CALL)
#undef CALL
}

/* Gradients of input times as by grad_times_panel(), with the slope of straight lines
 * in the place of kappa'. */
ALWAYS_INLINE void lines_times_vecs(const lines_t *lines, const events_t *e,
                                    const real *weights, size_t lanes, const real *at,
                                    const real *c, real *grad, const int vecs)
{
    const size_t stride = (size_t)vecs * WIDTH, n = e->n;
    const real *time = e->time;
    const uint32_t *input = e->input;
    const lines_t copy = *lines; /* a copy that no store below can change */
    vec at_q[PANEL_VECS], c_q[PANEL_VECS], latest = v_set(-INFINITY);
    EACH_VEC
    {
        at_q[q] = v_load_part(at + q * WIDTH, lanes_of(lanes, q));
        c_q[q] = v_load_part(c + q * WIDTH, lanes_of(lanes, q));
        latest = v_max(latest, at_q[q]);
    }
    const real last = v_max_lane(latest);
    for (size_t k = 0; k < n && time[k] < last; ++k) {
        const real *w = weights + input[k] * stride;
        const vec t = v_set(time[k]);
        vec sum = v_set(0);
        EACH_VEC
        {
            const vec slope = lines_slope_at(&copy, at_q[q] - t);
            sum = v_fma(v_load(w + q * WIDTH) * c_q[q], slope, sum);
        }
        grad[input[k]] += v_sum(sum);
    }
}

static void lines_times_panel(const lines_t *lines, const events_t *e,
                              const real *weights, panel_t panel, const real *at,
                              const real *c, real *grad)
{
#define CALL(vecs) lines_times_vecs(lines, e, weights, panel.lanes, at, c, grad, vecs)
    WITH_VECS(panel.vecs, CALL)
#undef CALL
}

/* The power of two next to x > 0 on a logarithmic scale, from 2^-4 to 2^6. */
static inline vec nearest_power(vec x)
{
    vec exponent;
    const vec mantissa = /* in [1, 2) */
        v_split(v_min(v_max(x, v_set((real)0.0625)), v_set(64)), &exponent);
    const mask high = v_ge(mantissa, v_set((real)1.4142135623730951));
    return v_scale2(v_set(1), exponent + v_keep(high, v_set(1)));
}

/* Does the error reach neurons that are not of the output layer straight from there? */
static inline int is_direct(const TYPE(local) * local)
{
    return local->feedback == TTFS_DIRECT || local->feedback == TTFS_TARGET;
}

/* Hidden neurons whose spikes are outside of the window learn nothing from them: as
 * where the activation of a neuron of a rate saturates. */
static inline void keep_in_window(const TYPE(local) * local, const real *spikes,
                                  size_t n, real *grad)
{
    const real from = (real)local->learn_from, until = (real)local->learn_until;
    for (size_t i = 0; i < n; ++i) {
        grad[i] = from <= spikes[i] && spikes[i] < until ? grad[i] : 0;
    }
}

/* dL/dt of n neurons from the error of the output layer: grad_i = sum_k B_ki e_k. */
static void project(const real *feedback, const real *errors, size_t n_classes,
                    size_t n, real *grad)
{
    memset(grad, 0, n * sizeof(real));
    for (size_t k = 0; k < n_classes; ++k) {
        for (size_t i = 0; i < n; ++i) grad[i] += errors[k] * feedback[k * n + i];
    }
}

#endif
