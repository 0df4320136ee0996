/* Event lists: the spikes that enter a layer in one sample, in the order of their
 * times, with all that the layer functions need of them apart from the weights. */
#ifndef TTFS_REAL_LAYER_EVENTS_H
#define TTFS_REAL_LAYER_EVENTS_H

#include "real/neuron/kappa.h"

/* Arrays over the events k; x is time from the reference of the event's segment. */
typedef struct {
    size_t n;
    size_t n_segments;
    const real *time;      /* t_k, as given */
    const uint32_t *input; /* i */
    real *start;     /* x_k; with one segment also start[n], the x of the horizon */
    real *end;       /* x of the next event, or of the horizon */
    real *gain;      /* exp(slow x_k): what a weight adds to a */
    real *gain_warp; /* exp(slow x_k) warp(x_k): what it takes from v */
    real *end_warp;  /* warp(end) */
    real *crossing_bound; /* height that a line which crosses by the end has there; NaN,
                           * which none reaches, where the next event is at the same
                           * time */
    real *shift; /* of a segment: the distance of its reference from the one before */
    uint32_t *segment; /* index of its first event */
    /* Runs of three or more events at the same time: the first event of each run and
     * its last one, and (n, n) after the last run. */
    uint32_t *run;
    uint64_t *same; /* bit k: the next event is at the same time */
} events_t;

/* Size of the arrays for n events, in reals: they begin at a multiple of 16. */
static inline size_t padded(size_t n)
{
    return (n + 15) / 16 * 16;
}

/* Words of the bits of n events, and one more. */
static inline size_t words_of(size_t n)
{
    return n / 64 + 2;
}

static inline size_t events_workspace_size(size_t n)
{
    const size_t bytes = (padded(n + 1) + padded(n + 2)) * sizeof(uint32_t) +
                         padded(words_of(n)) * sizeof(uint64_t);
    return 7 * padded(n + 1) + bytes / sizeof(real);
}

/* Begin a list. Times and inputs are not copied, and must outlive the list. */
static void events_layout(events_t *e, const real *time, const uint32_t *input,
                          size_t n, real *workspace)
{
    const size_t size = padded(n + 1);
    e->n = n;
    e->time = time;
    e->input = input;
    e->start = workspace;
    e->end = workspace + size;
    e->gain = workspace + 2 * size;
    e->gain_warp = workspace + 3 * size;
    e->end_warp = workspace + 4 * size;
    e->crossing_bound = workspace + 5 * size;
    e->shift = workspace + 6 * size;
    e->segment = (uint32_t *)(workspace + 7 * size);
    e->run = e->segment + size;
    e->same = (uint64_t *)(e->run + padded(n + 2));
}

/* Cut the list into segments, which end where the next event would be too far from the
 * reference: start, end, shift and segment. */
static void cut_segments(events_t *e, const neuron_t *p, real horizon)
{
    const size_t n = e->n;
    const real fast = v_max_lane(p->fast);
    real reference = e->time[0];

    e->n_segments = 1;
    e->segment[0] = 0;
    e->shift[0] = 0;
    if (fast * (e->time[n - 1] - reference) > REFERENCE_SPAN) {
        for (size_t k = 0; k < n; ++k) {
            e->start[k] = e->time[k] - reference;
            if (k > 0) e->end[k - 1] = e->start[k];
            if (fast * e->start[k] > REFERENCE_SPAN) {
                e->shift[e->n_segments] = e->start[k];
                e->segment[e->n_segments++] = (uint32_t)k;
                e->start[k] = 0;
                reference = e->time[k];
            }
        }
    } else {
        for (size_t k = 0; k < n; ++k) e->start[k] = e->time[k] - reference;
        for (size_t k = 1; k < n; ++k) e->end[k - 1] = e->start[k];
    }
    e->end[n - 1] = horizon - reference;
    e->segment[e->n_segments] = (uint32_t)n;
}

/* The first event from k on whose bit in `same` is not set. */
static inline size_t next_apart(const uint64_t *same, size_t k)
{
    size_t word = k / 64;
    uint64_t apart = ~same[word] & ~(uint64_t)0 << k % 64;
    while (!apart) apart = ~same[++word];
    return 64 * word + (size_t)__builtin_ctzll(apart);
}

/* Runs, from the bits of `same`. */
static void find_runs(events_t *e)
{
    const uint64_t *same = e->same;
    uint32_t *run = e->run;
    size_t last = 0; /* of the run before */
    for (size_t begin = 0; begin < e->n; begin += 64) {
        const uint64_t word = same[begin / 64], next = same[begin / 64 + 1];
        uint64_t firsts = word & (word >> 1 | next << 63);
        if (last > begin) firsts &= last < begin + 64 ? ~(uint64_t)0 << last % 64 : 0;
        while (firsts) {
            run[0] = (uint32_t)(begin + (size_t)__builtin_ctzll(firsts));
            last = next_apart(same, run[0]);
            run[1] = (uint32_t)last;
            run += 2;
            firsts &= last < begin + 64 ? ~(uint64_t)0 << last % 64 : 0;
        }
    }
    run[0] = run[1] = (uint32_t)e->n;
}

/* A line a warp + b which meets the convex curve inside an interval is, at the
 * interval's end, above the tangent of the curve at the start: this is the crossing
 * bound. The factor keeps rounding on the safe side. */
static void events_prepare(events_t *e, const neuron_t *p, real horizon)
{
    const size_t n = e->n;
    const real safe = 1 - 8 * REAL_EPSILON;

    if (n == 0) {
        e->n_segments = e->segment[0] = e->run[0] = e->run[1] = 0;
        return;
    }
    cut_segments(e, p, horizon);
    for (size_t k = n; k % WIDTH != 0; ++k) e->start[k] = e->end[k] = 0;
    memset(e->same, 0, words_of(n) * sizeof *e->same);
    for (size_t k = 0; k < n; k += WIDTH) {
        const vec x = v_load(e->start + k), end = v_load(e->end + k);
        const vec gain = v_exp(p->slow * x), r = warp(p, x);
        const vec end_warp = warp(p, end);
        vec growth = gain; /* exp(fast x) */
        if (p->family == TTFS_DOUBLE) {
            growth = gain * gain;
        } else if (p->family != TTFS_EQUAL) {
            growth = v_exp(p->fast * x);
        }
        const vec tangent =
            v_fma(p->tangent_scale * gain, end_warp - r, p->threshold * growth);
        const mask later = v_gt(end, x);
        const uint64_t all = ((uint64_t)1 << WIDTH) - 1;
        v_store(e->gain + k, gain);
        v_store(e->gain_warp + k, gain * r);
        v_store(e->end_warp + k, end_warp);
        v_store(e->crossing_bound + k,
                v_select(later, v_set(safe) * tangent, v_set(NAN)));
        e->same[k / 64] |= (m_bits(later) ^ all) << k % 64;
    }
    e->start[n] = e->end[n - 1];
    /* Padding belongs to no run: a run has a last event in the list. */
    e->same[(n - 1) / 64] &= ((uint64_t)1 << (n - 1) % 64) - 1;
    find_runs(e);
}

#endif
