/* Gradient of a layer whose neurons fire several times, backward in time (EventProp,
 * Wunderlich and Pehle 2021), in a number of steps that is linear in that of spikes.
 *
 * p and q are the derivatives of the loss with respect to membrane and current at the
 * present time. Backward through a time d they pass as
 *     q <- q exp(-d / tau_syn) + p kappa(d)          p <- p exp(-d / tau_mem)
 * Membrane and current are continuous at an input spike, but for its weight, so that
 *     dL/dw_i = q          dL/dt_i = w_i (q - p) / tau_syn
 * Where a neuron's refractory time ends, at r, later spikes move with it: the membrane
 * is 0 there and rises with u'(r), and before it p is 0. At the spike itself
 *     p <- (p(r) u'(r) - dL/dt_k) / u'(t_k)
 * with the slope from the left: what follows the spike, and its own time, depend on the
 * membrane through the time of the crossing alone. Without a refractory time the factor
 * u'(r) / u'(t_k) is 1 + threshold / (tau_mem u'(t_k)). */
#ifndef TTFS_REAL_LAYER_TRAINS_GRADIENT_H
#define TTFS_REAL_LAYER_TRAINS_GRADIENT_H

#include "real/layer/gradient.h"
#include "real/layer/trains.h"

/* The spikes of a panel in one sample, (lanes, max_out) each. */
typedef struct {
    size_t max_out;
    const real *times;
    /* To find the adjoints p of the spikes; NULL: they are given */
    const real *slopes, *rises, *grad;
    real min_slope;
    real *adjoint;
} fired_t;

/* A vector of neurons, and its way back through the spikes. */
typedef struct {
    vec p, q;
    vec held;      /* p(r) u'(r) of the spike that is next */
    vec due;       /* time of what is next: r of a spike, or the spike; or -infinity */
    mask open;     /* r has been passed, the spike is next */
    size_t neuron; /* of the first lane */
    int32_t last[WIDTH]; /* number of the spike, or -1 */
} back_t;

static inline real due_time(const trains_t *n, const fired_t *f, const back_t *b,
                            size_t lane)
{
    const int32_t last = b->last[lane];
    if (last < 0) return -INFINITY;
    const size_t at = (b->neuron + lane) * f->max_out + (size_t)last;
    return f->times[at] + ((const real *)&n->refractory)[0];
}

static void begin_back(const trains_t *n, const fired_t *f, size_t neuron, size_t lanes,
                       back_t *b)
{
    real due[WIDTH];
    b->p = b->q = b->held = v_set(0);
    b->open = m_none();
    b->neuron = neuron;
    for (size_t l = 0; l < WIDTH; ++l) {
        b->last[l] = -1;
        due[l] = -INFINITY;
        if (l >= lanes) continue;
        const real *times = f->times + (neuron + l) * f->max_out;
        size_t n_spikes = 0;
        while (n_spikes < f->max_out && times[n_spikes] < INFINITY) ++n_spikes;
        b->last[l] = (int32_t)n_spikes - 1;
        due[l] = due_time(n, f, b, l);
    }
    b->due = v_load(due);
}

/* The adjoint of a spike: p just before it. */
static inline real spike_adjoint(const fired_t *f, size_t at, real held)
{
    if (!f->grad) return f->adjoint[at];
    const real slope = f->slopes[at] > f->min_slope ? f->slopes[at] : f->min_slope;
    const real inverse = 1 / slope;
    const int is_valid = inverse < FOREVER && inverse > 0;
    return f->adjoint[at] = is_valid ? (held - f->grad[at]) * inverse : 0;
}

/* Pass the ends of refractory times, and spikes, that some lanes have reached. */
static void pass_due(const trains_t *n, const fired_t *f, mask reached, back_t *b)
{
    real *p = (real *)&b->p, *held = (real *)&b->held, *due = (real *)&b->due;
    for (uint64_t left = m_bits(reached); left; left &= left - 1) {
        const size_t lane = (size_t)__builtin_ctzll(left);
        const size_t at = (b->neuron + lane) * f->max_out + (size_t)b->last[lane];
        if (!(m_bits(b->open) >> lane & 1)) {
            held[lane] = f->grad ? p[lane] * f->rises[at] : 0;
            p[lane] = 0;
            if (n->is_refractory) {
                b->open = m_or(b->open, m_lane(lane));
                due[lane] = f->times[at];
                continue;
            }
        }
        p[lane] = spike_adjoint(f, at, held[lane]);
        b->open = m_andnot(b->open, m_lane(lane));
        --b->last[lane];
        due[lane] = due_time(n, f, b, lane);
    }
}

/* Lead a vector back through an interval in which neurons have something due. */
static void pass_back_alone(const trains_t *n, const fired_t *f, real time, real span,
                            back_t *b)
{
    vec x = v_set(span); /* where each neuron is, from the start of the interval */
    for (;;) {
        const mask pending = v_gt(b->due, v_set(time));
        const vec to = v_keep(pending, v_min(b->due - v_set(time), x));
        const propagator_t pass = propagator_of(n, kernel(&n->p, x - to));
        const mask moves = m_any(pending) ? pending : m_first(WIDTH);
        b->q = v_select(moves, v_fma(b->q, pass.syn, b->p * pass.kappa), b->q);
        b->p = v_select(moves, b->p * pass.mem, b->p);
        if (!m_any(pending)) return;
        x = v_select(pending, to, x);
        pass_due(n, f, pending, b);
    }
}

/* Walk a panel back through a sample. grad_times: add dL/dt of each event to it, or
 * NULL; grad_weights: add dL/dw to the rows of the inputs, or NULL. */
ALWAYS_INLINE void trains_back_vecs(const trains_t *n, const passages_t *list,
                                    const fired_t *fired, const real *weights,
                                    size_t lanes, real *grad_times, real *grad_weights,
                                    const int vecs)
{
    const passages_t copy = *list, *e = &copy; /* a copy that no store can change */
    const size_t stride = (size_t)vecs * WIDTH;
    back_t b[PANEL_VECS];
    vec due = v_set(-INFINITY);
    EACH_VEC
    {
        begin_back(n, fired, (size_t)q * WIDTH, lanes_of(lanes, q), &b[q]);
        due = v_max(due, b[q].due);
    }
    size_t n_causal = e->n; /* events after the last spike change nothing */
    while (n_causal > 0 && !m_any(v_gt(due, v_set(e->time[n_causal - 1])))) --n_causal;
    for (size_t k = n_causal; k-- > 0;) {
        if (e->span[k] > 0) {
            const vec mem = v_set(e->mem[k]), syn = v_set(e->syn[k]);
            const vec kappa = v_set(e->kappa[k]), time = v_set(e->time[k]);
            EACH_VEC
            {
                if (m_any(v_gt(b[q].due, time))) {
                    pass_back_alone(n, fired, e->time[k], e->span[k], &b[q]);
                } else {
                    b[q].q = v_fma(b[q].q, syn, b[q].p * kappa);
                    b[q].p = b[q].p * mem;
                }
            }
        }
        if (grad_weights) {
            real *row = grad_weights + e->input[k] * stride;
            EACH_VEC v_store(row + q * WIDTH, v_load(row + q * WIDTH) + b[q].q);
        }
        if (grad_times) {
            const real *w = weights + e->input[k] * stride;
            vec sum = v_set(0);
            EACH_VEC sum = v_fma(v_load(w + q * WIDTH), b[q].q - b[q].p, sum);
            grad_times[k] += v_sum(sum * n->p.rate_syn);
        }
    }
}

static void trains_back(const trains_t *n, const passages_t *e, const fired_t *fired,
                        const real *weights, panel_t panel, real *grad_times,
                        real *grad_weights)
{
#define CALL(vecs)                                                                     \
    trains_back_vecs(n, e, fired, weights, panel.lanes, grad_times, grad_weights, vecs)
    WITH_VECS(panel.vecs, CALL)
#undef CALL
}

static void trains_adjoint(const ttfs_neuron *neuron, double refractory, size_t max_out,
                           const TYPE(spikes) * spikes, size_t n_samples, size_t n_in,
                           const real *weights, size_t n_out, double t_max,
                           const real *times, const real *slopes, const real *rises,
                           const real *grad, double min_slope, real *adjoint,
                           real *grad_times, void *scratch)
{
    const trains_t trains = trains_of(neuron, refractory);
    memset(adjoint, 0, n_samples * n_out * max_out * sizeof(real));
    for (size_t s = 0; s < n_samples; ++s) {
        const passages_t e = passages_in(&trains, spikes, s, t_max, scratch);
        real *to = grad_times ? grad_times + spikes->begin[s] : NULL;
        if (to) memset(to, 0, e.n * sizeof(real));
        for (size_t j = 0; j < n_out; j += LANES) {
            const size_t at = (s * n_out + j) * max_out;
            const fired_t fired = {max_out,   times + at,      slopes + at, rises + at,
                                   grad + at, (real)min_slope, adjoint + at};
            trains_back(&trains, &e, &fired, weights + j * n_in, panel_of(n_out, j), to,
                        NULL);
        }
    }
}

static void trains_grad_weights(const ttfs_neuron *neuron, double refractory,
                                size_t max_out, const TYPE(spikes) * spikes,
                                size_t n_samples, size_t n_in, const real *times,
                                const real *adjoint, size_t n_out, size_t begin,
                                size_t end, double t_max, real *grad, void *scratch)
{
    const trains_t trains = trains_of(neuron, refractory);
    for (size_t s = 0; s < n_samples; ++s) {
        const passages_t e = passages_in(&trains, spikes, s, t_max, scratch);
        for (size_t j = begin; j < end; j += LANES) {
            const size_t at = (s * n_out + j) * max_out;
            const fired_t fired = {.max_out = max_out,
                                   .times = times + at,
                                   .adjoint = (real *)adjoint + at};
            trains_back(&trains, &e, &fired, NULL, panel_of(n_out, j), NULL,
                        grad + j * n_in);
        }
    }
}

#endif
