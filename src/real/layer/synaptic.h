/* The layer with synaptic delays, one for each synapse. Each neuron has its inputs in
 * an order of its own: neurons pass through theirs together, a vector of them at a
 * time, and sums are taken from the present arrival, as each neuron has another one. */
#ifndef TTFS_REAL_LAYER_SYNAPTIC_H
#define TTFS_REAL_LAYER_SYNAPTIC_H

#include "real/layer/crossing.h"
#include "real/layer/kind.h"
#include "real/training/rows.h"
#include "real/training/step.h"

/* What arrives at a vector of neurons by synaptic delays: (n, WIDTH), sorted for each
 * neuron; FOREVER where it is too late. */
typedef struct {
    real *times, *weights;
} fan_in_t;

static size_t synaptic_workspace_size(const TYPE(layer) * layer, size_t n)
{
    (void)layer;
    return 2 * n * WIDTH;
}

static inline fan_in_t fan_in_of(const events_t *e, real *workspace)
{
    const fan_in_t f = {workspace, workspace + e->n * WIDTH};
    return f;
}

/* Spikes of a list stay as they are: each neuron sorts them by its own arrivals. */
static void synaptic_prepare(events_t *e, const neuron_t *p, real t_max)
{
    (void)e, (void)p, (void)t_max;
}

/* Where a vector of neurons begins in a packed matrix, and the stride of rows. */
static inline size_t column_of(const TYPE(layer) * layer, size_t j, size_t *stride)
{
    const size_t first = j / LANES * LANES;
    *stride = (size_t)panel_of(layer->n_out, first).vecs * WIDTH;
    return first * layer->n_in + (j - first);
}

/* The time at which a spike arrives. */
static inline vec arrival(real time, const real *delays, real t_max)
{
    const vec t = v_set(time) + v_load(delays);
    return v_select(v_gt(v_set(t_max), t), t, v_set(FOREVER));
}

/* Exchange rows k and l where they are out of order. */
static inline void exchange(fan_in_t f, size_t k, size_t l)
{
    real *t_k = f.times + k * WIDTH, *t_l = f.times + l * WIDTH;
    real *w_k = f.weights + k * WIDTH, *w_l = f.weights + l * WIDTH;
    const vec first = v_load(t_k), last = v_load(t_l);
    const vec w_first = v_load(w_k), w_last = v_load(w_l);
    const mask swap = v_gt(first, last);
    v_store(t_k, v_select(swap, last, first));
    v_store(t_l, v_select(swap, first, last));
    v_store(w_k, v_select(swap, w_last, w_first));
    v_store(w_l, v_select(swap, w_first, w_last));
}

/* Sort what arrives at the neurons from j on; e lists the spikes of the sample. */
static void fan_in(fan_in_t f, const TYPE(layer) * layer, const events_t *e, size_t j,
                   real t_max)
{
    const size_t n = e->n;
    size_t stride, half = 1;
    const size_t column = column_of(layer, j, &stride);
    for (size_t k = 0; k < n; ++k) {
        const size_t at = column + e->input[k] * stride;
        v_store(f.times + k * WIDTH, arrival(e->time[k], layer->delays + at, t_max));
        v_store(f.weights + k * WIDTH, v_load(layer->weights + at));
    }
    /* Merge exchange (Batcher 1968; Knuth, 5.2.2 M) */
    while (2 * half < n) half *= 2;
    for (size_t p = half; p > 0 && n > 1; p /= 2) {
        size_t q = half, r = 0, distance = p;
        for (;;) {
            for (size_t k = 0; k + distance < n; ++k) {
                if ((k & p) == r) exchange(f, k, k + distance);
            }
            if (q == p) break;
            distance = q - p;
            q /= 2;
            r = p;
        }
    }
}

/* The stretch of time from one arrival at each neuron to the next. */
typedef struct {
    vec a, u;    /* current and membrane, in the units of membrane() */
    vec t, next; /* [time] */
    vec span;    /* next - t; 0 where nothing arrives any more */
} stretch_t;

/* Begin the stretch after arrival number k of n. */
static inline void enter_stretch(stretch_t *s, fan_in_t f, size_t n, size_t k,
                                 real t_max)
{
    const vec end = v_set(t_max);
    s->a = s->a + v_load(f.weights + k * WIDTH);
    s->t = v_load(f.times + k * WIDTH);
    s->next = k + 1 < n ? v_min(v_load(f.times + (k + 1) * WIDTH), end) : end;
    s->span = v_max(s->next - s->t, v_set(0));
}

/* End the stretch; k is the kernel at its span. */
static inline void leave_stretch(stretch_t *s, kernel_t k)
{
    s->u = membrane(s->a, s->u, k);
    s->a = s->a * k.slow;
}

/* The times at which waiting neurons cross on a stretch; +infinity for all others. */
static inline vec cross_stretch(const stretch_t *s, const neuron_t *p, mask waiting,
                                vec *slope)
{
    /* the condition of events_prepare() */
    const vec end_warp = warp(p, s->span);
    const vec tangent = v_fma(p->tangent_scale, end_warp, p->threshold);
    const vec crossing_bound = v_set(1 - 8 * REAL_EPSILON) * tangent;
    const mask may = m_and(v_gt(s->span, v_set(0)),
                           v_ge(v_fma(s->a, end_warp, s->u), crossing_bound));
    const vec zero = v_set(0);
    search_t w = {.a = s->a, .v = s->u, .x = zero, .end = s->span};
    w.refining = m_and(waiting, may);
    w.unverified = m_none();
    if (!m_any(w.refining)) return v_set(INFINITY);
    mask fires = w.refining;
    refine_to_end(&w, p);
    if (m_any(w.unverified)) {
        const mask crossed = crosses(p, w.unverified, w.a, w.v, zero, w.end);
        fires = m_andnot(fires, m_andnot(w.unverified, crossed));
    }
    *slope = crossing_slope(p, w.a, w.x);
    return v_select(fires, s->t + w.x, v_set(INFINITY));
}

/* First spikes of a layer in one sample, and the slopes there unless `slopes` is NULL.
 */
static void fan_first_spikes(fan_in_t f, const TYPE(layer) * layer, const neuron_t *p,
                             const events_t *e, real t_max, real *spikes, real *slopes)
{
    for (size_t j = 0; j < layer->n_out; j += WIDTH) {
        const size_t lanes = min_size(WIDTH, layer->n_out - j);
        stretch_t s = {.a = v_set(0), .u = v_set(0)};
        vec spike = v_set(INFINITY), slope = v_set(0);
        mask waiting = m_first(lanes);
        fan_in(f, layer, e, j, t_max);
        for (size_t k = 0; k < e->n && m_any(waiting); ++k) {
            vec slope_there = slope;
            enter_stretch(&s, f, e->n, k, t_max);
            const vec there = cross_stretch(&s, p, waiting, &slope_there);
            const mask fires = v_gt(v_set(t_max), there);
            spike = v_select(fires, there, spike);
            slope = v_select(fires, slope_there, slope);
            waiting = m_andnot(waiting, fires);
            leave_stretch(&s, kernel(p, s.span));
        }
        v_store_part(spikes + j, spike, lanes);
        if (slopes) v_store_part(slopes + j, slope, lanes);
    }
}

static void synaptic_first_spikes(const TYPE(layer) * layer, const neuron_t *p,
                                  const events_t *lists, size_t n, real t_max,
                                  real *spikes, real *slopes, real *workspace)
{
    for (size_t s = 0; s < n; ++s) {
        const fan_in_t f = fan_in_of(&lists[s], workspace);
        const size_t to = s * layer->n_out;
        fan_first_spikes(f, layer, p, &lists[s], t_max, spikes + to,
                         slopes ? slopes + to : NULL);
    }
}

/* Peaks of silent neurons, as peak_vector() finds them in a full layer. */
static void synaptic_peaks(const TYPE(layer) * layer, const neuron_t *p,
                           const events_t *e, real t_max, const real *spikes,
                           real *u_peak, real *t_peak, real *slopes, real *workspace)
{
    const fan_in_t f = fan_in_of(e, workspace);
    const vec zero = v_set(0), rate_syn = p->rate_syn, fast = p->fast;
    for (size_t j = 0; j < layer->n_out; j += WIDTH) {
        const size_t lanes = min_size(WIDTH, layer->n_out - j);
        const vec spike = v_load_part(spikes + j, lanes);
        const mask fired = v_gt(v_set(t_max), spike);
        stretch_t s = {.a = zero, .u = zero};
        vec best = v_set(-INFINITY), best_slope = zero, when = v_set(t_max);
        if (m_any(m_andnot(m_first(lanes), fired))) {
            fan_in(f, layer, e, j, t_max);
            for (size_t k = 0; k < e->n; ++k) {
                enter_stretch(&s, f, e->n, k, t_max);
                const mask live = v_gt(s.span, zero);
                const mask rises_first = v_gt(v_fnma(fast, s.u, rate_syn * s.a), zero);
                const vec a = s.a, u = s.u;
                leave_stretch(&s, kernel(p, s.span));
                const vec slope = v_fnma(fast, s.u, rate_syn * s.a);
                const mask rises_last = v_gt(slope, zero);
                const mask inside = m_andnot(m_and(live, rises_first), rises_last);
                if (m_any(inside)) {
                    const vec x = peak(p, a, u);
                    const vec top = membrane(a, u, kernel(p, v_keep(inside, x)));
                    const mask valid = m_and(v_gt(x, zero), v_gt(s.span, x));
                    const mask better = m_and(m_and(inside, valid), v_gt(top, best));
                    best = v_select(better, top, best);
                    best_slope = v_select(better, zero, best_slope);
                    when = v_select(better, s.t + x, when);
                }
                /* A peak at the next arrival, or at t_max unless the membrane falls to
                 * there. */
                const mask is_last = m_andnot(v_ge(s.next, v_set(t_max)), inside);
                const mask ends = m_and(live, m_or(rises_last, is_last));
                const mask better =
                    m_and(ends, m_or(v_gt(s.u, best), m_and(is_last, v_ge(s.u, best))));
                best = v_select(better, s.u, best);
                best_slope = v_select(better, slope, best_slope);
                when = v_select(better, s.next, when);
            }
            best = v_select(v_gt(best, v_set(-INFINITY)), best, zero);
        }
        v_store_part(u_peak + j, v_select(fired, p->threshold, best), lanes);
        v_store_part(t_peak + j, v_select(fired, spike, when), lanes);
        const vec slope = v_load_part(slopes + j, lanes);
        v_store_part(slopes + j, v_select(fired, slope, best_slope), lanes);
    }
}

/* Gradients of a vector of neurons with respect to the weight and the time of one
 * arrival. */
typedef struct {
    vec weight, time;
} fan_grad_t;

static inline fan_grad_t fan_grad(const neuron_t *p, vec arrives, vec weight, vec at,
                                  vec c, vec kink)
{
    const mask causal = v_gt(at, arrives);
    const kernel_t k = kernel(p, v_keep(causal, at - arrives));
    fan_grad_t grad;
    grad.weight = v_set(0) - v_keep(causal, c * k.kappa);
    grad.time = v_keep(causal, c * weight * kernel_slope(p, k)) +
                v_keep(v_eq(at, arrives), kink);
    return grad;
}

static void synaptic_grad_inputs(const TYPE(layer) * layer, const neuron_t *p,
                                 const events_t *e, real t_max, const real *at,
                                 const real *c, const real *kink, int has_kinks,
                                 real *grad, real *workspace)
{
    (void)has_kinks, (void)workspace;
    for (size_t j = 0; j < layer->n_out; j += WIDTH) {
        const size_t lanes = min_size(WIDTH, layer->n_out - j);
        size_t stride;
        const size_t column = column_of(layer, j, &stride);
        const vec at_j = v_load_part(at + j, lanes), c_j = v_load_part(c + j, lanes);
        const vec kink_j = v_load_part(kink + j, lanes);
        for (size_t k = 0; k < e->n; ++k) {
            const size_t from = column + e->input[k] * stride;
            const vec arrives = arrival(e->time[k], layer->delays + from, t_max);
            const vec weight = v_load(layer->weights + from);
            grad[e->input[k]] +=
                v_sum(fan_grad(p, arrives, weight, at_j, c_j, kink_j).time);
        }
    }
}

/* Add the gradients of weights and delays of `lanes` neurons from j on to rows of
 * matrices with the given width; row[k] is that of the list's spike k. */
static void fan_grad_rows(const TYPE(layer) * layer, const neuron_t *p,
                          const events_t *e, size_t j, size_t lanes, real t_max,
                          const uint32_t *row, const real *at, const real *c,
                          const real *kink, size_t width, real *grad_weights,
                          real *grad_delays)
{
    size_t stride;
    const size_t column = column_of(layer, j, &stride);
    const vec at_j = v_load_part(at, lanes), c_j = v_load_part(c, lanes);
    const vec kink_j = v_load_part(kink, lanes);
    for (size_t k = 0; k < e->n; ++k) {
        const size_t from = column + e->input[k] * stride, to = row[k] * width;
        const vec arrives = arrival(e->time[k], layer->delays + from, t_max);
        const fan_grad_t grad =
            fan_grad(p, arrives, v_load(layer->weights + from), at_j, c_j, kink_j);
        v_store(grad_weights + to, v_load(grad_weights + to) + grad.weight);
        v_store(grad_delays + to, v_load(grad_delays + to) + grad.time);
    }
}

static void synaptic_grad_panel(const update_t *u, size_t s, panel_t panel,
                                const uint32_t *row)
{
    const work_t *work = u->work;
    const size_t from = s * u->layer->n_out + panel.begin;
    const size_t width = (size_t)panel.vecs * WIDTH;
    const real *at = work->at + from, *c = work->c + from;
    real kinks[LANES];
    for (size_t l = 0; l < panel.lanes; ++l) {
        kinks[l] = kink_of(work->spikes[from + l], work->slopes[from + l], c[l]);
    }
    for (size_t l = 0; l < panel.lanes; l += WIDTH) {
        fan_grad_rows(u->layer, &u->p, &work->events[s], panel.begin + l,
                      min_size(WIDTH, panel.lanes - l),
                      (real)u->training->network.t_max, row, at + l, c + l, kinks + l,
                      width, u->own->grad + l, u->own->grad_delays + l);
    }
}

static void synaptic_update_row(const update_t *u, size_t r, size_t at, size_t width)
{
    const TYPE(layer) *layer = u->layer;
    const real *grad = gradient_row(u, u->own->grad_delays, r, width);
    adam_t adam = u->adam_delays;
    adam.b1 = v_set(decay_of(u->work, r)->b1);
    adam.b2 = v_set(decay_of(u->work, r)->b2);
    for (size_t l = 0; l < width; l += WIDTH) {
        adam_delays(&adam, layer->delays + at + l, layer->delay_m + at + l,
                    layer->delay_v + at + l, v_load(grad + l));
    }
}

static const layer_kind_t synaptic_kind = {
    .shifts_synapses = 1,
    .workspace_size = synaptic_workspace_size,
    .prepare = synaptic_prepare,
    .first_spikes = synaptic_first_spikes,
    .peaks = synaptic_peaks,
    .grad_inputs = synaptic_grad_inputs,
    .max_rows = rows_of_inputs,
    .active_rows = active_inputs,
    .grad_panel = synaptic_grad_panel,
    .update_row = synaptic_update_row,
};

#endif
