/* Forward pass of a layer whose neurons fire several times, up to max_out times each.
 *
 * Between two events - input spikes, and the spikes of the neuron itself - membrane u
 * and synaptic current I pass linearly from one to the next, in a time d, as
 *     u <- u exp(-d / tau_mem) + I kappa(d)          I <- I exp(-d / tau_syn)
 * A spike of input i adds w_i to I. The neuron fires where u reaches the threshold; u
 * is 0 from there to the end of the refractory time, and I goes on. At an exact
 * crossing, and without a refractory time, this is a reset by subtraction:
 *     u(t) = sum_i w_i kappa(t - t_i) - threshold sum_z exp(-(t - t_z) / tau_mem)
 * A vector in which a neuron may fire goes through an interval on its own; all others
 * pass it together, with the factors that the interval has for all of them. */
#ifndef TTFS_REAL_LAYER_TRAINS_H
#define TTFS_REAL_LAYER_TRAINS_H

#include "real/layer/crossing.h"

/* A neuron that fires several times. */
typedef struct {
    neuron_t p;
    int is_membrane_slow; /* tau_mem >= tau_syn */
    vec carry; /* gap tau_syn if the membrane is slow, else 0: the sum a of kappa.h is
                * I + carry u */
    vec refractory;
    int is_refractory; /* refractory > 0 */
} trains_t;

static trains_t trains_of(const ttfs_neuron *n, double refractory)
{
    trains_t trains = {.p = neuron_of(n)};
    trains.is_membrane_slow = n->tau_mem >= n->tau_syn;
    trains.carry = v_set(trains.is_membrane_slow ? (real)(n->gap * n->tau_syn) : 0);
    trains.refractory = v_set((real)refractory);
    trains.is_refractory = (real)refractory > 0;
    return trains;
}

/* The propagator of a time d: factors of membrane and current, and kappa(d). */
typedef struct {
    vec mem, syn, kappa;
} propagator_t;

static inline propagator_t propagator_of(const trains_t *n, kernel_t k)
{
    const propagator_t slow = {k.slow, k.fast, k.kappa},
                       fast = {k.fast, k.slow, k.kappa};
    return n->is_membrane_slow ? slow : fast;
}

/* The height that a membrane which crosses within a time has at its end, at least: see
 * events_prepare(). With vanishing exponentials it is not known. */
static inline vec bound_of(const neuron_t *p, kernel_t k)
{
    const vec safe = v_set(1 - 8 * REAL_EPSILON);
    const vec bound = safe * v_fma(p->threshold, k.fast, p->tangent_scale * k.kappa);
    return v_select(v_gt(v_set(VANISHING), k.slow), v_set(-REAL_MAX), bound);
}

/* The intervals after each event of a sample, up to the next one or to the horizon. */
typedef struct {
    size_t n;
    const real *time;      /* of the events */
    const uint32_t *input; /* the inputs that spike */
    real horizon;
    real *span; /* 0: the next event is at the same time */
    real *mem, *syn, *kappa, *bound;
} passages_t;

/* The end of the interval after event k. */
static inline real end_of(const passages_t *e, size_t k)
{
    return k + 1 < e->n ? e->time[k + 1] : e->horizon;
}

static inline size_t passages_workspace_size(size_t n)
{
    return 5 * padded(n);
}

static passages_t passages_of(const trains_t *trains, const real *time,
                              const uint32_t *input, size_t n, real horizon,
                              real *workspace)
{
    const size_t size = padded(n);
    const passages_t e = {.n = n,
                          .time = time,
                          .input = input,
                          .horizon = horizon,
                          .span = workspace,
                          .mem = workspace + size,
                          .syn = workspace + 2 * size,
                          .kappa = workspace + 3 * size,
                          .bound = workspace + 4 * size};
    for (size_t k = 0; k < n; ++k) e.span[k] = end_of(&e, k) - time[k];
    for (size_t k = n; k < size; ++k) e.span[k] = 0;
    for (size_t k = 0; k < n; k += WIDTH) {
        const kernel_t kernel_at = kernel(&trains->p, v_load(e.span + k));
        const propagator_t pass = propagator_of(trains, kernel_at);
        v_store(e.mem + k, pass.mem);
        v_store(e.syn + k, pass.syn);
        v_store(e.kappa + k, pass.kappa);
        v_store(e.bound + k, bound_of(&trains->p, kernel_at));
    }
    return e;
}

/* The spikes of a panel in one sample: (lanes, max_out) each. */
typedef struct {
    size_t max_out;
    int is_given; /* Neurons fire at `times`; else when they cross the threshold. */
    real *times, *slopes; /* of the spikes, and u' there */
    real *rises;          /* u' at the end of the refractory time */
    uint32_t n[LANES];    /* spikes of each neuron so far */
} record_t;

/* A vector of neurons. */
typedef struct {
    vec u, current;
    vec free;    /* end of the refractory time of the last spike */
    mask active; /* the neuron can fire once more, or again */
} state_t;

/* Note the spikes of some lanes of vector q. */
static inline void record_spikes(record_t *to, int q, state_t *s, mask fired, vec t,
                                 vec slope)
{
    for (uint64_t left = m_bits(fired); left; left &= left - 1) {
        const size_t lane = (size_t)__builtin_ctzll(left);
        const size_t neuron = (size_t)q * WIDTH + lane;
        const size_t at = neuron * to->max_out + to->n[neuron]++;
        if (!to->is_given) to->times[at] = ((const real *)&t)[lane];
        to->slopes[at] = ((const real *)&slope)[lane];
        if (to->n[neuron] == to->max_out) {
            s->active = m_andnot(s->active, m_lane(lane));
        }
    }
}

/* Note how the membranes of some lanes rise at the end of their refractory times. */
static inline void record_rises(record_t *to, int q, mask ends, vec rise)
{
    for (uint64_t left = m_bits(ends); left; left &= left - 1) {
        const size_t lane = (size_t)__builtin_ctzll(left);
        const size_t neuron = (size_t)q * WIDTH + lane;
        to->rises[neuron * to->max_out + to->n[neuron] - 1] =
            ((const real *)&rise)[lane];
    }
}

/* The first crossing of some neurons in a time `rest` from now: `after` is the time to
 * it. Returns the neurons that cross. */
static mask cross(const trains_t *n, const state_t *s, mask may, vec rest, vec *after)
{
    const neuron_t *p = &n->p;
    const vec a = v_fma(n->carry, s->u, s->current);
    mask refining = may, unverified = m_none();
    vec x = v_set(0);
    for (int step = 0; step < 100 && m_any(refining); ++step) {
        vec next = x;
        mask done, sound;
        newton_steps(p, &a, &s->u, &next, &rest, &done, &sound, 1);
        x = v_select(refining, next, x);
        unverified = m_or(unverified, m_andnot(m_and(refining, done), sound));
        refining = m_andnot(refining, done);
    }
    unverified = m_or(unverified, refining);
    *after = x;
    if (!m_any(unverified)) return may;
    const mask crossed = crosses(p, unverified, a, s->u, v_set(0), rest);
    return m_andnot(may, m_andnot(unverified, crossed));
}

/* The next spike of each neuron of vector q, where they are given; or +infinity. */
static inline vec next_given(const record_t *given, int q, size_t lanes)
{
    real next[WIDTH];
    for (size_t l = 0; l < WIDTH; ++l) {
        const size_t neuron = (size_t)q * WIDTH + l;
        const uint32_t n = given->n[neuron];
        next[l] = l < lanes && n < given->max_out
                      ? given->times[neuron * given->max_out + n]
                      : INFINITY;
    }
    return v_load(next);
}

/* Lead vector q of a panel through the interval after event k, in which some of its
 * neurons may fire, or end their refractory time. */
static void pass_alone(const trains_t *n, const passages_t *e, size_t k, state_t *s,
                       real t_max, int q, size_t lanes, record_t *to)
{
    const neuron_t *p = &n->p;
    const vec zero = v_set(0), start = v_set(e->time[k]), span = v_set(e->span[k]);
    const vec end = v_set(end_of(e, k));
    vec x = zero; /* how far each neuron is, from the start */
    if (n->is_refractory) {
        const mask waits = v_gt(s->free, start);
        x = v_keep(waits, v_min(s->free - start, span));
        s->current = s->current * v_exp(-p->rate_syn * x);
        record_rises(to, q, m_and(waits, v_ge(end, s->free)), p->rate_syn * s->current);
    }
    for (;;) {
        const vec rest = span - x, a = v_fma(n->carry, s->u, s->current);
        const kernel_t on = kernel(p, rest);
        const propagator_t pass = propagator_of(n, on);
        const vec u_end = v_fma(s->u, pass.mem, s->current * pass.kappa);
        vec after = zero, t;
        mask fired;
        if (to->is_given) {
            t = next_given(to, q, lanes);
            fired = v_ge(end, t);
            after = v_keep(fired, v_max(t - start - x, zero));
        } else {
            fired =
                m_and(m_and(s->active, v_gt(rest, zero)), v_ge(u_end, bound_of(p, on)));
            if (m_any(fired)) fired = cross(n, s, fired, rest, &after);
            t = start + (x + after);
        }
        fired = m_and(fired, v_gt(v_set(t_max), t));
        if (!m_any(fired)) {
            s->u = u_end;
            s->current = s->current * pass.syn;
            return;
        }
        const kernel_t way = kernel(p, after);
        const vec u = to->is_given ? membrane(a, s->u, way) : p->threshold;
        vec current = s->current * propagator_of(n, way).syn, wait = zero;
        mask ends = fired;
        record_spikes(to, q, s, fired, t,
                      v_fnma(p->fast, u, p->rate_syn * a * way.slow));
        if (n->is_refractory) {
            const vec free = t + n->refractory;
            wait = v_min(n->refractory, rest - after);
            current = current * v_exp(-p->rate_syn * wait);
            ends = m_and(fired, v_ge(end, free));
            s->free = v_select(fired, free, s->free);
        }
        record_rises(to, q, ends, p->rate_syn * current);
        x = v_select(fired, x + (after + wait), x);
        s->u = v_select(fired, zero, s->u);
        s->current = v_select(fired, current, s->current);
    }
}

ALWAYS_INLINE void trains_vecs(const trains_t *n, const passages_t *list,
                               const real *weights, size_t lanes, real t_max,
                               record_t *to, const int vecs)
{
    const passages_t copy = *list, *e = &copy; /* a copy that no store can change */
    const int is_given = to->is_given, is_refractory = n->is_refractory;
    vec u[PANEL_VECS], current[PANEL_VECS], free[PANEL_VECS], next[PANEL_VECS];
    mask active[PANEL_VECS];
    EACH_VEC
    {
        u[q] = current[q] = v_set(0);
        free[q] = v_set(-REAL_MAX);
        active[q] = m_first(lanes_of(lanes, q));
        next[q] = v_set(INFINITY);
        if (is_given) next[q] = next_given(to, q, lanes_of(lanes, q));
    }
    for (size_t k = 0; k < e->n; ++k) {
        mask left = m_none(); /* neurons that have a spike to come, perhaps */
        EACH_VEC left =
            m_or(left, is_given ? v_gt(v_set(INFINITY), next[q]) : active[q]);
        if (!m_any(left)) return;
        const real *w = weights + e->input[k] * ((size_t)vecs * WIDTH);
        EACH_VEC current[q] = current[q] + v_load(w + q * WIDTH);
        if (e->span[k] == 0) continue;
        const vec mem = v_set(e->mem[k]), syn = v_set(e->syn[k]);
        const vec kappa = v_set(e->kappa[k]), bound = v_set(e->bound[k]);
        EACH_VEC
        {
            const vec u_end = v_fma(u[q], mem, current[q] * kappa);
            mask alone = is_given ? v_ge(v_set(end_of(e, k)), next[q])
                                  : m_and(active[q], v_ge(u_end, bound));
            if (is_refractory) alone = m_or(alone, v_gt(free[q], v_set(e->time[k])));
            if (m_any(alone)) {
                state_t s = {u[q], current[q], free[q], active[q]};
                pass_alone(n, e, k, &s, t_max, q, lanes_of(lanes, q), to);
                u[q] = s.u;
                current[q] = s.current;
                free[q] = s.free;
                active[q] = s.active;
                if (is_given) next[q] = next_given(to, q, lanes_of(lanes, q));
            } else {
                u[q] = u_end;
                current[q] = current[q] * syn;
            }
        }
    }
}

/* Bytes of scratch space of spike_trains(), trains_adjoint() and trains_grad_weights().
 */
static size_t trains_workspace_size(size_t max_events)
{
    return passages_workspace_size(max_events) * sizeof(real);
}

/* The passages of sample s. */
static passages_t passages_in(const trains_t *trains, const TYPE(spikes) * spikes,
                              size_t s, double t_max, void *scratch)
{
    const size_t begin = spikes->begin[s];
    return passages_of(trains, spikes->times + begin, spikes->inputs + begin,
                       spikes->end[s] - begin, horizon_of(t_max), scratch);
}

/* Lead a layer through n_samples: search for its spikes, or take those given. */
static void run_trains(const ttfs_neuron *neuron, double refractory, size_t max_out,
                       const TYPE(spikes) * spikes, size_t n_samples, size_t n_in,
                       const real *weights, size_t n_out, double t_max, int is_given,
                       real *times, real *slopes, real *rises, void *scratch)
{
    const trains_t trains = trains_of(neuron, refractory);
    memset(slopes, 0, n_samples * n_out * max_out * sizeof(real));
    memset(rises, 0, n_samples * n_out * max_out * sizeof(real));
    for (size_t s = 0; s < n_samples; ++s) {
        const passages_t e = passages_in(&trains, spikes, s, t_max, scratch);
        for (size_t j = 0; j < n_out; j += LANES) {
            const panel_t panel = panel_of(n_out, j);
            const size_t at = (s * n_out + j) * max_out;
            record_t to = {max_out, is_given, times + at, slopes + at, rises + at, {0}};
            for (size_t l = 0; is_given && l < panel.lanes; ++l) {
                const real *mine = to.times + l * max_out;
                while (to.n[l] < max_out && e.n > 0 && e.time[0] >= mine[to.n[l]]) {
                    ++to.n[l]; /* nothing has caused this spike */
                }
            }
#define CALL(vecs)                                                                     \
    trains_vecs(&trains, &e, weights + j * n_in, panel.lanes, (real)t_max, &to, vecs)
            WITH_VECS(panel.vecs, CALL)
#undef CALL
        }
    }
}

static void spike_trains(const ttfs_neuron *neuron, double refractory, size_t max_out,
                         const TYPE(spikes) * spikes, size_t n_samples, size_t n_in,
                         const real *weights, size_t n_out, double t_max, real *times,
                         real *slopes, real *rises, void *scratch)
{
    for (size_t i = 0; i < n_samples * n_out * max_out; ++i) times[i] = INFINITY;
    run_trains(neuron, refractory, max_out, spikes, n_samples, n_in, weights, n_out,
               t_max, 0, times, slopes, rises, scratch);
}

static void trains_slopes(const ttfs_neuron *neuron, double refractory, size_t max_out,
                          const TYPE(spikes) * spikes, size_t n_samples, size_t n_in,
                          const real *weights, size_t n_out, double t_max,
                          const real *times, real *slopes, real *rises, void *scratch)
{
    run_trains(neuron, refractory, max_out, spikes, n_samples, n_in, weights, n_out,
               t_max, 1, (real *)times, slopes, rises, scratch);
}

#endif
