/* Emulation of a chip: neurons with parameters of their own, and noise. */
#ifndef TTFS_REAL_NETWORK_CHIP_H
#define TTFS_REAL_NETWORK_CHIP_H

#include "common/random.h"
#include "real/network/infer.h"

/* -- Noise --------------------------------------------------------------------- */

/* Kinds of noise: streams of random numbers. */
enum { THRESHOLD_NOISE, SPIKE_NOISE, SPURIOUS_NOISE };

/* The key of a sample: a hash of its input spikes. */
static uint64_t sample_key(uint64_t seed, const real *times, const uint32_t *inputs,
                           size_t n)
{
    uint64_t key = draw(seed, n);
    for (size_t k = 0; k < n; ++k) {
        const double t = (double)times[k] + 0.0; /* -0 is 0 */
        uint64_t bits;
        memcpy(&bits, &t, sizeof bits);
        key = mix((key ^ bits) + (uint64_t)inputs[k] * 0x9e3779b97f4a7c15u);
    }
    return key;
}

/* Random numbers u = (h + 1/2) / 2^23, in (0, 1), h being 23 bits of a hash of their
 * place; the multipliers are those of lowbias32, found by search (Wellons 2018). */
static void uniforms(uint64_t key, size_t n, real *u)
{
    const uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32);
    for (size_t j = 0; j < n; ++j) {
        uint32_t h = low + (uint32_t)j * 0x9e3779b9u;
        h ^= h >> 16;
        h *= 0x7feb352du;
        h ^= h >> 15;
        h = (h ^ high) * 0x846ca68bu;
        h ^= h >> 16;
        h *= 0x7feb352du;
        h ^= h >> 15;
        u[j] = ((real)(int32_t)(h >> 9) + (real)0.5) * (real)(1.0 / 8388608);
    }
}

/* The standard normal quantile of u: sqrt(2) erfinv(2 u - 1) in the single-precision
 * approximation of Giles (2010), to 4e-7 of it. */
static inline vec normal(vec u)
{
    static const real centre[] = {
        (real)2.81022636e-08,  (real)3.43273939e-07, (real)-3.5233877e-06,
        (real)-4.39150654e-06, (real)0.00021858087,  (real)-0.00125372503,
        (real)-0.00417768164,  (real)0.246640727,    (real)1.50140941};
    static const real tail[] = {
        (real)-0.000200214257, (real)0.000100950558, (real)0.00134934322,
        (real)-0.00367342844,  (real)0.00573950773,  (real)-0.0076224613,
        (real)0.00943887047,   (real)1.00167406,     (real)2.83297682};
    const vec one = v_set(1);
    const vec x = v_fma(v_set(2), u, -one);
    const vec w = -v_log(v_set(4) * u * (one - u)); /* 1 - x^2 */
    const mask far = v_ge(w, v_set(5));
    const vec y = v_select(far, v_sqrt(w) - v_set(3), w - v_set((real)2.5));
    vec near_sum = v_set(centre[0]), far_sum = v_set(tail[0]);
    for (int i = 1; i < 9; ++i) {
        near_sum = v_fma(near_sum, y, v_set(centre[i]));
        far_sum = v_fma(far_sum, y, v_set(tail[i]));
    }
    const vec erfinv = x * v_select(far, far_sum, near_sum);
    return v_set((real)1.4142135623730951) * erfinv;
}

/* -- Mismatch ------------------------------------------------------------------ */

/* Parameters of the neurons from j on, where each has time constants of its own. */
static neuron_t own_neurons(const ttfs_neuron *nominal, const TYPE(mismatch) * c,
                            size_t j, size_t lanes)
{
    real fast[WIDTH], slow[WIDTH], gap[WIDTH], rate_syn[WIDTH], scale[WIDTH],
        tangent_scale[WIDTH];
    int bends = 1;
    for (size_t l = 0; l < WIDTH; ++l) {
        const size_t i = j + min_size(l, lanes - 1);
        ttfs_neuron n = *nominal;
        ttfs_neuron_init(&n, c->tau_mem[i], c->tau_syn[i], nominal->threshold);
        n.gap = fmax(n.gap, EQUAL_GAP * n.fast);
        fast[l] = (real)n.fast;
        slow[l] = (real)n.slow;
        gap[l] = (real)n.gap;
        rate_syn[l] = (real)(1 / n.tau_syn);
        scale[l] = (real)(1 / (n.gap * n.tau_syn));
        tangent_scale[l] = (real)(n.tau_syn * n.fast * n.threshold);
        bends &= slow[l] >= gap[l];
    }
    neuron_t p = {.family = TTFS_GENERAL, .bends = bends};
    p.fast = v_load(fast);
    p.slow = v_load(slow);
    p.gap = v_load(gap);
    p.rate_syn = v_load(rate_syn);
    p.scale = v_load(scale);
    p.threshold = v_set((real)nominal->threshold);
    p.tangent_scale = v_load(tangent_scale);
    return p;
}

/* A threshold that is 1 + jitter z of its mean, for normal numbers z: the weights of a
 * neuron with the mean threshold take the inverse as their factor. */
static void draw_gains(uint64_t key, double jitter, size_t n, real *gains)
{
    uniforms(draw(key, THRESHOLD_NOISE), n, gains);
    for (size_t j = 0; j < n; j += WIDTH) {
        const size_t lanes = min_size(WIDTH, n - j);
        const vec z = normal(
            v_select(m_first(lanes), v_load_part(gains + j, lanes), v_set((real)0.5)));
        const vec factor = v_fma(v_set((real)jitter), z, v_set(1));
        const vec gain = v_set(1) / v_max(factor, v_set((real)0.1));
        v_store_part(gains + j, gain, lanes);
    }
}

/* Turn the spikes of a layer in one sample into those that a chip would send. */
static void disturb(const TYPE(mismatch) * c, uint64_t key, size_t n, real t_max,
                    real *u, real *spikes)
{
    const vec never = v_set(INFINITY), half = v_set((real)0.5);
    if (c->spike_jitter > 0) {
        uniforms(draw(key, SPIKE_NOISE), n, u);
        for (size_t j = 0; j < n; j += WIDTH) {
            const size_t lanes = min_size(WIDTH, n - j);
            const vec u_j = v_select(m_first(lanes), v_load_part(u + j, lanes), half);
            const vec t = v_load_part(spikes + j, lanes);
            const vec late = v_fma(v_set((real)c->spike_jitter), normal(u_j), t);
            v_store_part(spikes + j, late, lanes);
        }
    }
    if (c->spurious_rate > 0) { /* the first event of a Poisson process */
        uniforms(draw(key, SPURIOUS_NOISE), n, u);
        const vec mean = v_set((real)(1 / c->spurious_rate));
        for (size_t j = 0; j < n; j += WIDTH) {
            const size_t lanes = min_size(WIDTH, n - j);
            const vec u_j = v_select(m_first(lanes), v_load_part(u + j, lanes), half);
            const vec t = v_load_part(spikes + j, lanes);
            v_store_part(spikes + j, v_min(t, -mean * v_log(u_j)), lanes);
        }
    }
    if (c->resolution > 0) {
        const double step = c->resolution;
        for (size_t j = 0; j < n; ++j) {
            const double on_grid = floor((double)spikes[j] / step) * step;
            /* A step so small that the quotient overflows rounds nothing. */
            if (isfinite(on_grid)) spikes[j] = (real)on_grid;
        }
    }
    for (size_t j = 0; j < n; j += WIDTH) {
        const size_t lanes = min_size(WIDTH, n - j);
        const vec t = v_load_part(spikes + j, lanes);
        v_store_part(spikes + j, v_select(v_gt(v_set(t_max), t), t, never), lanes);
    }
    for (size_t j = 0; c->is_dead && j < n; ++j) {
        if (c->is_dead[j]) spikes[j] = INFINITY;
    }
}

typedef struct {
    real *lists;
    void *sort_workspace;
    real *spikes, *gains; /* (MAX_BLOCK, max_neurons()) */
    real *times;          /* (MAX_BLOCK, greatest number of inputs) */
    uint32_t *inputs;
    real *uniforms; /* (max_neurons(),) */
    neuron_t *own;  /* (vectors of all layers,) */
} emulate_t;

static emulate_t emulate_layout(const TYPE(network) * network, size_t max_events,
                                arena_t *arena)
{
    const size_t n = max_neurons(network), block = MAX_BLOCK * n;
    size_t n_vecs = 0;
    for (size_t k = 0; k < network->n_layers; ++k) {
        n_vecs += (network->layers[k].n_out + WIDTH - 1) / WIDTH;
    }
    emulate_t w;
    w.lists = take(arena, layer_workspace_size(max_events > n ? max_events : n));
    w.sort_workspace = take(arena, sort_workspace_size(n));
    w.spikes = take(arena, block * sizeof(real));
    w.gains = take(arena, block * sizeof(real));
    w.times = take(arena, MAX_BLOCK * padded_inputs(n) * sizeof(real));
    w.inputs = take(arena, MAX_BLOCK * padded_inputs(n) * sizeof(uint32_t));
    w.uniforms = take(arena, n * sizeof(real));
    w.own = take(arena, n_vecs * sizeof(neuron_t));
    return w;
}

static size_t emulate_workspace_size(const TYPE(network) * network, size_t max_events)
{
    arena_t count = {NULL, 0};
    emulate_layout(network, max_events, &count);
    return count.used;
}

/* The greatest number of spikes of a sample. */
static size_t max_spikes(const TYPE(spikes) * spikes, size_t n_samples)
{
    size_t max_events = 0;
    for (size_t s = 0; s < n_samples; ++s) {
        const size_t n = spikes->end[s] - spikes->begin[s];
        max_events = n > max_events ? n : max_events;
    }
    return max_events;
}

/* Spikes of a layer in a block of n samples, (n, n_out). */
static void emulate_layer(const TYPE(layer) * layer, const TYPE(mismatch) * c,
                          const neuron_t *own, double t_max, const uint64_t *keys,
                          const TYPE(spikes) * in, size_t n, const emulate_t *w)
{
    const size_t n_out = layer->n_out;
    block_t block = {.n = 0};
    variation_t varied = {c->tau_mem ? own : NULL, NULL};
    if (c->threshold_jitter > 0) varied.gains = w->gains;
    for (size_t s = 0; varied.gains && s < n; ++s) {
        draw_gains(keys[s], c->threshold_jitter, n_out, w->gains + s * n_out);
    }
    while (next_block(&block, events_prepare, &layer->neuron, in, n, t_max, w->lists)) {
        const size_t at = block.begin * n_out;
        variation_t mine = varied;
        if (mine.gains) mine.gains += at;
        first_spikes(&block.neuron, &mine, block.list, block.n, layer->n_in,
                     layer->weights, 0, n_out, (real)t_max, w->spikes + at, NULL);
    }
    for (size_t s = 0; s < n; ++s) {
        disturb(c, keys[s], n_out, (real)t_max, w->uniforms, w->spikes + s * n_out);
    }
}

static void emulate(const TYPE(network) * network, const TYPE(mismatch) * mismatch,
                    uint64_t seed, const TYPE(spikes) * spikes, size_t n_samples,
                    real *const *layers, void *scratch)
{
    arena_t arena = {scratch, 0};
    const emulate_t w = emulate_layout(network, max_spikes(spikes, n_samples), &arena);
    size_t begin[MAX_BLOCK], end[MAX_BLOCK];
    uint64_t samples[MAX_BLOCK], keys[MAX_BLOCK];

    neuron_t *own = w.own;
    for (size_t k = 0; k < network->n_layers; ++k) {
        const TYPE(layer) *layer = &network->layers[k];
        for (size_t j = 0; j < layer->n_out; j += WIDTH, ++own) {
            const size_t lanes = min_size(WIDTH, layer->n_out - j);
            if (mismatch[k].tau_mem) {
                *own = own_neurons(&layer->neuron, &mismatch[k], j, lanes);
            }
        }
    }
    for (size_t s0 = 0; s0 < n_samples; s0 += MAX_BLOCK) {
        const size_t n = min_size(MAX_BLOCK, n_samples - s0);
        TYPE(spikes)
        in = {spikes->begin + s0, spikes->end + s0, spikes->times, spikes->inputs};
        for (size_t s = 0; s < n; ++s) {
            samples[s] = sample_key(seed, in.times + in.begin[s],
                                    in.inputs + in.begin[s], in.end[s] - in.begin[s]);
        }
        own = w.own;
        for (size_t k = 0; k < network->n_layers; ++k) {
            const TYPE(layer) *layer = &network->layers[k];
            for (size_t s = 0; s < n; ++s) keys[s] = draw(samples[s], k);
            emulate_layer(layer, &mismatch[k], own, network->t_max, keys, &in, n, &w);
            memcpy(layers[k] + s0 * layer->n_out, w.spikes,
                   n * layer->n_out * sizeof(real));
            own += (layer->n_out + WIDTH - 1) / WIDTH;
            if (k + 1 == network->n_layers) break;
            const TYPE(layer) *next = layer + 1;
            for (size_t s = 0; s < n; ++s) {
                begin[s] = s * padded_inputs(next->n_in);
                end[s] =
                    begin[s] + collect(next, w.spikes + s * layer->n_out, layer->n_out,
                                       network->t_max, w.times + begin[s],
                                       w.inputs + begin[s], w.sort_workspace);
            }
            in = (TYPE(spikes)){begin, end, w.times, w.inputs};
        }
    }
}

#endif
