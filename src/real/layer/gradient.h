/* Derivatives of the membrane at given times: its slope u'(t_j), and the gradients
 * with respect to weights and input times (the implicit function theorem; Goeltz,
 * Kriener et al. 2021). They need spike times and weights, nothing from the forward
 * pass, so the times may be measured ones. Where u(t_j) = threshold,
 *     dt_j/dw_ij = -kappa(t_j - t_i) / u'(t_j)
 *     dt_j/dt_i  = w_ij kappa'(t_j - t_i) / u'(t_j)
 * The sums begin with c_j = dL/dt_j / u'(t_j), which pass_back.h makes.
 *
 * With x_i and y_j the times of input and neuron from a common reference,
 *     kappa(y - x_i)  = gain_i  kappa(y)  - gain_warp_i      exp(-fast y)
 *     kappa'(y - x_i) = gain_i  kappa'(y) + gain_warp_i fast exp(-fast y)
 * so that the exponentials of y are needed once per neuron and segment. */
#ifndef TTFS_REAL_LAYER_GRADIENT_H
#define TTFS_REAL_LAYER_GRADIENT_H

#include "real/layer/events.h"
#include "real/layer/panel.h"

/* Factors of neurons: c_j times kappa, kappa' and fast exp(-fast y) at the spike times
 * of a panel; 0 for neurons without a spike after the reference. */
typedef struct {
    vec at[PANEL_VECS];
    vec kappa[PANEL_VECS], slope[PANEL_VECS], fast[PANEL_VECS];
    real latest; /* no event from here on has an effect */
} weighted_t;

ALWAYS_INLINE void weigh(weighted_t *to, const neuron_t *p, real reference,
                         const real *at, const real *c, size_t lanes, const int vecs)
{
    vec latest = v_set(-INFINITY);
    EACH_VEC
    {
        const size_t n = lanes_of(lanes, q);
        const vec t = v_load_part(at + q * WIDTH, n);
        const vec factor = c ? v_load_part(c + q * WIDTH, n) : v_set(1);
        const mask finite = m_and(m_first(n), v_gt(v_set(INFINITY), t));
        const mask valid = m_and(finite, v_gt(t, v_set(reference)));
        const kernel_t k = kernel(p, v_keep(valid, t - v_set(reference)));
        to->at[q] = t;
        to->kappa[q] = v_keep(valid, factor * k.kappa);
        to->slope[q] = v_keep(valid, factor * kernel_slope(p, k));
        to->fast[q] = v_keep(valid, factor * k.fast);
        latest = v_select(finite, v_max(t, latest), latest);
    }
    to->latest = v_max_lane(latest);
}

ALWAYS_INLINE void slope_vecs(const neuron_t *p, const events_t *e, const real *weights,
                              size_t lanes, const real *at, real *slopes,
                              const int vecs)
{
    const size_t stride = (size_t)vecs * WIDTH;
    vec slope[PANEL_VECS];
    EACH_VEC slope[q] = v_set(0);
    for (size_t segment = 0; segment < e->n_segments; ++segment) {
        size_t k = e->segment[segment];
        const size_t end = e->segment[segment + 1];
        weighted_t unit;
        vec gain[PANEL_VECS], gain_warp[PANEL_VECS];
        weigh(&unit, p, e->time[k], at, NULL, lanes, vecs);
        EACH_VEC gain[q] = gain_warp[q] = v_set(0);
        for (; k < end && e->time[k] < unit.latest; ++k) {
            const real *w = weights + e->input[k] * stride;
            const vec t = v_set(e->time[k]);
            EACH_VEC
            {
                const mask causal = v_gt(unit.at[q], t);
                const vec w_q = v_load(w + q * WIDTH);
                gain[q] = v_fma_where(causal, w_q, v_set(e->gain[k]), gain[q]);
                gain_warp[q] =
                    v_fma_where(causal, w_q, v_set(e->gain_warp[k]), gain_warp[q]);
            }
        }
        EACH_VEC
        {
            slope[q] = v_fma(gain[q], unit.slope[q], slope[q]);
            slope[q] = v_fma(p->fast * gain_warp[q], unit.fast[q], slope[q]);
        }
    }
    EACH_VEC v_store_part(slopes + q * WIDTH, slope[q], lanes_of(lanes, q));
}

static void slope_panel(const neuron_t *p, const events_t *e, const real *weights,
                        panel_t panel, const real *at, real *slopes)
{
#define CALL(vecs) slope_vecs(p, e, weights, panel.lanes, at, slopes, vecs)
    WITH_VECS(panel.vecs, CALL)
#undef CALL
}

/* Slopes of a layer in n samples; panels are in the outer loop, as in first_spikes().
 */
static void layer_slopes(const neuron_t *p, const events_t *lists, size_t n,
                         size_t n_in, const real *weights, size_t n_out, const real *at,
                         real *slopes)
{
    for (size_t j = 0; j < n_out; j += LANES) {
        const panel_t panel = panel_of(n_out, j);
        for (size_t s = 0; s < n; ++s) {
            slope_panel(p, &lists[s], weights + j * n_in, panel, at + s * n_out + j,
                        slopes + s * n_out + j);
        }
    }
}

/* Subtract c_j kappa(t_j - t_i) from row[k] of grad (rows, vecs * WIDTH), for each
 * event k. */
ALWAYS_INLINE void grad_weights_vecs(const neuron_t *p, const events_t *list,
                                     const uint32_t *row, size_t lanes, const real *at,
                                     const real *c, real *grad, const int vecs)
{
    const size_t stride = (size_t)vecs * WIDTH;
    const events_t copy = *list, *e = &copy; /* a copy that no store below can change */
    for (size_t segment = 0; segment < e->n_segments; ++segment) {
        size_t k = e->segment[segment];
        const size_t end = e->segment[segment + 1];
        weighted_t weighted;
        weigh(&weighted, p, e->time[k], at, c, lanes, vecs);
        EACH_VEC weighted.kappa[q] = v_set(0) - weighted.kappa[q];
        for (; k < end && e->time[k] < weighted.latest; ++k) {
            real *g = grad + row[k] * stride;
            const vec t = v_set(e->time[k]);
            const vec gain = v_set(e->gain[k]), gain_warp = v_set(e->gain_warp[k]);
            EACH_VEC
            {
                const mask causal = v_gt(weighted.at[q], t);
                vec sum = v_load(g + q * WIDTH);
                sum = v_fma_where(causal, gain, weighted.kappa[q], sum);
                sum = v_fma_where(causal, gain_warp, weighted.fast[q], sum);
                v_store(g + q * WIDTH, sum);
            }
        }
    }
}

static void grad_weights_panel(const neuron_t *p, const events_t *e,
                               const uint32_t *row, panel_t panel, const real *at,
                               const real *c, real *grad){
#define CALL(vecs) grad_weights_vecs(p, e, row, panel.lanes, at, c, grad, vecs)
    WITH_VECS(panel.vecs, CALL)
#undef CALL
}

/* The terms that the neurons of a panel add to the gradient of the time of event k. */
ALWAYS_INLINE vec grad_time_vecs(const weighted_t *weighted, const neuron_t *p,
                                 const events_t *e, size_t k, const real *weights,
                                 const vec *kinks, int has_kinks, const int vecs)
{
    const real *w = weights + e->input[k] * ((size_t)vecs * WIDTH);
    const vec t = v_set(e->time[k]), gain = v_set(e->gain[k]);
    const vec fast_warp = p->fast * v_set(e->gain_warp[k]);
    vec sum = v_set(0);
    EACH_VEC
    {
        const mask causal = v_gt(weighted->at[q], t);
        const vec slope =
            v_fma(gain, weighted->slope[q], fast_warp * weighted->fast[q]);
        sum = v_fma_where(causal, v_load(w + q * WIDTH), slope, sum);
        if (has_kinks) sum = sum + v_keep(v_eq(weighted->at[q], t), kinks[q]);
    }
    return sum;
}

/* The terms of WIDTH events from k on, each summed over the neurons of a panel, which
 * are side by side in a vector. */
ALWAYS_INLINE vec grad_times_of_many(const weighted_t *weighted, const neuron_t *p,
                                     const events_t *e, size_t k, const real *weights,
                                     const vec *kinks, int has_kinks, const int vecs)
{
    vec terms[WIDTH];
    _Pragma("GCC unroll 16") for (size_t l = 0; l < WIDTH; ++l)
    {
        terms[l] =
            grad_time_vecs(weighted, p, e, k + l, weights, kinks, has_kinks, vecs);
    }
    return v_sums(terms);
}

#ifdef HAS_COLUMNS
/* The same for up to FOUR neurons, with the same bits: events are side by side. */
ALWAYS_INLINE vec grad_times_of_few(const weighted_t *weighted, const neuron_t *p,
                                    const events_t *e, size_t k, const real *weights,
                                    vec kinks, int has_kinks)
{
    const vec t = v_load(e->time + k), gain = v_load(e->gain + k);
    const vec fast_warp = p->fast * v_load(e->gain_warp + k);
    vec w[FOUR], terms[FOUR];
    v_columns(weights, e->input + k, w);
    _Pragma("GCC unroll 4") for (int j = 0; j < FOUR; ++j)
    {
        const vec at = v_lane(weighted->at[0], j);
        const vec slope = v_fma(gain, v_lane(weighted->slope[0], j),
                                fast_warp * v_lane(weighted->fast[0], j));
        terms[j] = v_keep(v_gt(at, t), w[j] * slope);
        if (has_kinks) {
            terms[j] = terms[j] + v_keep(v_eq(at, t), v_lane(kinks, j));
        }
    }
    return v_sum_columns(terms);
}
#endif

/* What the neurons of a panel add to dL/dt of WIDTH events from k on. */
ALWAYS_INLINE vec grad_times_of(const weighted_t *weighted, const neuron_t *p,
                                const events_t *e, size_t k, const real *weights,
                                size_t lanes, const vec *kinks, int has_kinks,
                                const int vecs)
{
#ifdef HAS_COLUMNS
    if (vecs == 1 && lanes <= FOUR) {
        return grad_times_of_few(weighted, p, e, k, weights, kinks[0], has_kinks);
    }
#endif
    (void)lanes;
    return grad_times_of_many(weighted, p, e, k, weights, kinks, has_kinks, vecs);
}

/* Add c_j w_ij kappa'(t_j - t_i) to grad[i], for each event; and kink_j where t_j is
 * the very time of the event (kink may be NULL). */
ALWAYS_INLINE
void grad_times_vecs(const neuron_t *p, const events_t *list, const real *weights,
                     size_t lanes, const real *at, const real *c, const real *kink,
                     real *grad, const int vecs)
{
    const events_t copy = *list, *e = &copy; /* a copy that no store below can change */
    const int has_kinks = kink != NULL;
    for (size_t segment = 0; segment < e->n_segments; ++segment) {
        size_t k = e->segment[segment];
        const size_t end = e->segment[segment + 1];
        weighted_t weighted;
        vec kinks[PANEL_VECS];
        weigh(&weighted, p, e->time[k], at, c, lanes, vecs);
        EACH_VEC kinks[q] =
            kink ? v_load_part(kink + q * WIDTH, lanes_of(lanes, q)) : v_set(0);
        for (; k + WIDTH <= end && e->time[k] <= weighted.latest; k += WIDTH) {
            real sums[WIDTH];
            v_store(sums, grad_times_of(&weighted, p, e, k, weights, lanes, kinks,
                                        has_kinks, vecs));
            for (size_t l = 0; l < WIDTH; ++l) grad[e->input[k + l]] += sums[l];
        }
        for (; k < end && e->time[k] <= weighted.latest; ++k) {
            grad[e->input[k]] += v_sum(
                grad_time_vecs(&weighted, p, e, k, weights, kinks, has_kinks, vecs));
        }
    }
}

static void grad_times_panel(const neuron_t *p, const events_t *e, const real *weights,
                             panel_t panel, const real *at, const real *c,
                             const real *kink, real *grad)
{
#define CALL(vecs) grad_times_vecs(p, e, weights, panel.lanes, at, c, kink, grad, vecs)
    WITH_VECS(panel.vecs, CALL)
#undef CALL
}

#endif
