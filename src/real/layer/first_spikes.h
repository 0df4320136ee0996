/* First spikes of a layer in a batch. Layers of few neurons have several samples in one
 * vector. */
#ifndef TTFS_REAL_LAYER_FIRST_SPIKES_H
#define TTFS_REAL_LAYER_FIRST_SPIKES_H

#include "real/layer/crossing.h"

#ifdef SAMPLES
/* Samples of a layer of up to FOUR neurons share a vector: sample s has the lanes from
 * FOUR s on. Each lane computes what it would compute in a vector of its sample alone,
 * with the same bits. Samples whose lists have several segments pass on their own, as
 * do those that resume a search. */

/* Samples that pass together: as many as fill the vectors of a step. */
#define SAMPLES_TOGETHER (TOGETHER * SAMPLES)

/* WIDTH events of the samples of a vector, side by side: (WIDTH, SAMPLES). */
typedef struct {
    real gain[SAMPLES * WIDTH], gain_warp[SAMPLES * WIDTH];
    real end_warp[SAMPLES * WIDTH], crossing_bound[SAMPLES * WIDTH];
    real more[SAMPLES * WIDTH]; /* 1: weights add to those of the event before */
    uint32_t input[SAMPLES * WIDTH];
    int has_runs;
} beside_t;

/* The lanes of a vector that hold events number begin to end, where the first lane
 * holds event k. */
static inline mask lanes_between(size_t k, size_t begin, size_t end)
{
    const size_t first = begin > k ? min_size(begin - k, WIDTH) : 0;
    const size_t last = end > k ? min_size(end - k, WIDTH) : 0;
    return m_andnot(m_first(last), m_first(first));
}

/* Put events k to k + WIDTH of n samples side by side; runs[s] is the first run of
 * sample s that ends after event k. In a run the weights of all events but the last are
 * added up, and the last of those has the factors of all. Behind the end of a list no
 * neuron meets the condition. */
static inline void put_beside(beside_t *b, const events_t *lists, size_t n, size_t k,
                              const uint32_t **runs)
{
    vec gain[SAMPLES], gain_warp[SAMPLES], end_warp[SAMPLES], bound[SAMPLES];
    vec input[SAMPLES], more[SAMPLES];
    b->has_runs = 0;
    _Pragma("GCC unroll 4") for (size_t s = 0; s < SAMPLES; ++s)
    {
        const size_t own = s < n ? s : 0;
        const events_t *e = &lists[own];
        const size_t left = e->n > k ? min_size(e->n - k, WIDTH) : 0;
        const mask there = m_first(left);
        gain[s] = v_load_part(e->gain + k, left);
        gain_warp[s] = v_load_part(e->gain_warp + k, left);
        end_warp[s] = v_load_part(e->end_warp + k, left);
        bound[s] =
            v_select(there, v_load_part(e->crossing_bound + k, left), v_set(NAN));
        input[s] = v_load_part((const real *)e->input + k, left);
        more[s] = v_set(0);
        const uint32_t *run = runs[own];
        for (; run[0] < k + WIDTH && run[0] < e->n; run += 2) {
            const mask waits = lanes_between(k, run[0], run[1] - 1);
            const mask adds = lanes_between(k, run[0] + 1, run[1]);
            gain[s] = v_select(waits, v_set(0), gain[s]);
            gain_warp[s] = v_select(waits, v_set(0), gain_warp[s]);
            more[s] = v_select(adds, v_set(1), more[s]);
            b->has_runs = 1;
            if (run[1] > k + WIDTH) break;
        }
        if (s < n) runs[own] = run;
    }
    v_store_beside(b->gain, gain);
    v_store_beside(b->gain_warp, gain_warp);
    v_store_beside(b->end_warp, end_warp);
    v_store_beside(b->crossing_bound, bound);
    v_store_beside((real *)b->input, input);
    if (b->has_runs) v_store_beside(b->more, more);
}

/* The sums of the neurons of a vector, and those with which they met the condition. */
typedef struct {
    vec a, v, w; /* w: weights of the present run */
    vec hit_a, hit_v, hit_k;
    mask waiting;
} shared_t;

/* Scan WIDTH events from number k on. Hits are recorded under a mask: with the neurons
 * of several samples a branch would be taken, and mispredicted, too often. */
ALWAYS_INLINE void scan_beside(shared_t *s, const beside_t *b, size_t k,
                               const real *weights, const int has_runs)
{
    _Pragma("GCC unroll 8") for (size_t l = 0; l < WIDTH; ++l)
    {
        const size_t at = SAMPLES * l;
        vec w = v_rows(weights, b->input + at);
        if (has_runs) w = s->w = v_fma(v_spread(b->more + at), s->w, w);
        s->a = v_fma(v_spread(b->gain + at), w, s->a);
        s->v = v_fnma(v_spread(b->gain_warp + at), w, s->v);
        const vec line = v_fma(s->a, v_spread(b->end_warp + at), s->v);
        const vec bound = v_spread(b->crossing_bound + at);
        const mask hit = m_and(s->waiting, v_ge(line, bound));
        s->hit_a = v_select(hit, s->a, s->hit_a);
        s->hit_v = v_select(hit, s->v, s->hit_v);
        s->hit_k = v_select(hit, v_set((real)(k + l)), s->hit_k);
        s->waiting = m_andnot(s->waiting, hit);
        if (l % LOOK == LOOK - 1 && !m_any(s->waiting)) return;
    }
}

/* The scan of scan_events_vecs() for the samples of a vector. */
static void scan_shared(const events_t *lists, size_t n, const real *weights,
                        search_t *w)
{
    const vec zero = v_set(0);
    shared_t s = {zero, zero, zero, zero, zero, zero, w->waiting};
    const uint32_t *runs[SAMPLES];
    beside_t b;
    size_t longest = 0;
    for (size_t i = 0; i < n; ++i) {
        runs[i] = lists[i].run;
        longest = lists[i].n > longest ? lists[i].n : longest;
    }
    for (size_t k = 0; k < longest && m_any(s.waiting); k += WIDTH) {
        put_beside(&b, lists, n, k, runs);
        if (b.has_runs) {
            scan_beside(&s, &b, k, weights, 1);
        } else {
            scan_beside(&s, &b, k, weights, 0);
        }
    }
    w->a = s.hit_a;
    w->v = s.hit_v;
    w->k = s.hit_k;
    w->waiting = s.waiting;
}

/* First spikes of a layer of up to FOUR neurons in n <= SAMPLES_TOGETHER
 * samples. */
static void first_spike_packed(const neuron_t *p, const events_t *lists, size_t n,
                               rows_t rows, real t_max, size_t n_out, real *spikes,
                               real *slopes)
{
    const size_t n_searches = (n + SAMPLES - 1) / SAMPLES;
    search_t searches[TOGETHER];
    uint8_t active[TOGETHER];
    vec first[TOGETHER], last[TOGETHER];
    size_t n_active = 0;

    for (size_t i = 0; i < n_searches; ++i) {
        const events_t *mine = lists + i * SAMPLES;
        const size_t n_mine = min_size(SAMPLES, n - i * SAMPLES);
        search_t *w = &searches[i];
        real is_there[WIDTH], time[WIDTH], number[WIDTH];
        uint32_t index[WIDTH], offset[WIDTH];
        for (size_t l = 0; l < WIDTH; ++l) {
            const events_t *e = &mine[l / FOUR < n_mine ? l / FOUR : 0];
            is_there[l] = l / FOUR < n_mine && l % FOUR < n_out;
            time[l] = e->time[0];
            number[l] = (real)(e->n - 1);
            offset[l] = (uint32_t)(e->start - mine->start);
        }
        begin_search(w, WIDTH);
        w->waiting = w->refining = v_gt(v_load(is_there), v_set(0));
        first[i] = v_load(time);
        last[i] = v_load(number);
        scan_shared(mine, n_mine, rows.first, w);
        w->refining = m_andnot(w->refining, w->waiting);
        if (!m_any(w->refining)) continue;
        v_store_index(index, w->k);
        for (size_t l = 0; l < WIDTH; ++l) index[l] += offset[l];
        v_pairs(mine->start, index, &w->start, &w->end);
        w->x = w->start;
        w->fires = w->refining;
        active[n_active++] = (uint8_t)i;
    }
    refine_all(searches, active, n_active, p, 0);
    for (size_t i = 0; i < n_searches; ++i) {
        search_t *w = &searches[i];
        const size_t from = i * SAMPLES, n_mine = min_size(SAMPLES, n - from);
        real t[WIDTH], slope[WIDTH];
        verify(w, p, last[i]);
        const vec x = first[i] + w->x;
        v_store(t,
                v_select(m_and(w->fires, v_gt(v_set(t_max), x)), x, v_set(INFINITY)));
        v_store(slope, crossing_slope(p, w->a, w->x));
        for (size_t s = 0; s < n_mine; ++s) {
            const size_t to = (from + s) * n_out;
            if (m_bits(w->rejected) >> s * FOUR & ((1u << FOUR) - 1)) {
                const variation_t none = {NULL, NULL};
                first_spike_group(p, &none, lists + from + s, 1, rows, t_max,
                                  panel_of(n_out, 0), n_out, spikes + to,
                                  slopes ? slopes + to : NULL);
                continue;
            }
            memcpy(spikes + to, t + s * FOUR, n_out * sizeof(real));
            if (slopes) memcpy(slopes + to, slope + s * FOUR, n_out * sizeof(real));
        }
    }
}
#endif

/* First spikes of a layer in n samples; `varied` and slopes may be NULL. Panels are in
 * the outer loop, so that the weights of a panel stay in the second-level cache. Where
 * neurons vary, weights are packed. */
static void first_spikes(const neuron_t *p, const variation_t *varied,
                         const events_t *lists, size_t n, size_t n_in,
                         const real *weights, int is_matrix, size_t n_out, real t_max,
                         real *spikes, real *slopes)
{
#ifdef SAMPLES
    if (!varied && !is_matrix && n_out <= FOUR) {
        const panel_t panel = panel_of(n_out, 0);
        const rows_t rows = rows_of(weights, 0, n_in, n_out, panel);
        for (size_t s = 0, many; s < n; s += many) {
            const variation_t none = {NULL, NULL};
            const int is_shared = lists[s].n_segments == 1;
            const size_t most = min_size(is_shared ? SAMPLES_TOGETHER : GROUP, n - s);
            const size_t at = s * n_out;
            for (many = 1; many < most; ++many) {
                if ((lists[s + many].n_segments == 1) != is_shared) break;
            }
            if (is_shared) {
                first_spike_packed(p, lists + s, many, rows, t_max, n_out, spikes + at,
                                   slopes ? slopes + at : NULL);
            } else {
                first_spike_group(p, &none, lists + s, many, rows, t_max, panel, n_out,
                                  spikes + at, slopes ? slopes + at : NULL);
            }
        }
        return;
    }
#endif
    for (size_t j = 0; j < n_out; j += LANES) {
        const panel_t panel = panel_of(n_out, j);
        const rows_t rows = rows_of(weights, is_matrix, n_in, n_out, panel);
        for (size_t s = 0; s < n; s += GROUP) {
            const size_t at = s * n_out + j;
            variation_t mine = {NULL, NULL};
            if (varied) mine = *varied;
            if (mine.gains) mine.gains += at;
            first_spike_group(p, &mine, lists + s, min_size(GROUP, n - s), rows, t_max,
                              panel, n_out, spikes + at, slopes ? slopes + at : NULL);
        }
    }
}

#endif
