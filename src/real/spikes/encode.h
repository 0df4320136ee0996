/* Real features to sorted spikes, see ttfs_encoder. Computed in double. */
#ifndef TTFS_REAL_SPIKES_ENCODE_H
#define TTFS_REAL_SPIKES_ENCODE_H

#include "real/simd/vectors.h"
#include "real/spikes/sort.h"

static inline double clip_feature(const ttfs_encoder *e, size_t i, double x)
{
    x = x > e->low[i] ? x : e->low[i];
    return x < e->high[i] ? x : e->high[i];
}

/* The value of a clipped feature, in [0, 1]. */
static inline double value_of(const ttfs_encoder *e, size_t i, double clipped)
{
    const double value = (clipped / 2 - e->low[i] / 2) * e->scale[i];
    return value < 1 ? value : 1;
}

/* The time at a part of the window from 0 to 1, rounded if there are levels. */
static inline double time_at(const ttfs_encoder *e, double part)
{
    if (!e->n_levels) return e->window * part;
    const double last = (double)(e->n_levels - 1);
    const double level = floor(part * last + 0.5);
    return level < last ? level * (e->window / last) : e->window;
}

/* The time of a feature's own channel; +infinity: no spike. */
static inline double time_of(const ttfs_encoder *e, size_t i, double x)
{
    const double clipped = clip_feature(e, i, x);
    const double time = time_at(e, 1 - value_of(e, i, clipped));
    return clipped == e->absent[i] ? (double)INFINITY : time;
}

static inline double complement_of(const ttfs_encoder *e, size_t i, double x)
{
    return time_at(e, value_of(e, i, clip_feature(e, i, x)));
}

/* The spikes of a sample while it is being encoded. */
typedef struct {
    real *times;
    uint32_t *inputs;
    size_t n;
    real t_max;
} train_t;

static inline void add_spike(train_t *train, real time, size_t input)
{
    train->times[train->n] = time;
    train->inputs[train->n] = (uint32_t)input;
    train->n += time < train->t_max;
}

/* Add the spikes of n <= WIDTH inputs that follow one another. */
static inline void add_spikes(train_t *train, const real *times, size_t first, size_t n)
{
    const vec t = v_load(times);
    const mask spikes = m_and(m_first(n), v_gt(v_set(train->t_max), t));
    train->n += v_compress(train->times + train->n, train->inputs + train->n, spikes, t,
                           (uint32_t)first);
}

/* Add the spikes of a feature's receptive fields. The distance of two centres is the
 * unit: only the nearest field and its neighbours, TTFS_MAX_ACTIVE in all, are within
 * reach, for activity falls to TTFS_MIN_ACTIVITY at sqrt(2 log 10) / 1.5 = 1.43. */
static inline void add_fields(train_t *train, const ttfs_encoder *e, size_t i, double x)
{
    const double clipped = clip_feature(e, i, x);
    if (clipped == e->absent[i]) return;
    const double place = value_of(e, i, clipped) * (double)(e->n_fields - 2) + 0.5;
    const size_t nearest = (size_t)(place + 0.5); /* from 1 to n_fields - 1 */
    for (size_t k = nearest - 1; k <= nearest + 1 && k < e->n_fields; ++k) {
        const double z = TTFS_FIELD_GAMMA * (place - (double)k);
        const double activity = exp(-z * z / 2);
        if (activity < TTFS_MIN_ACTIVITY) continue;
        add_spike(train, (real)time_at(e, 1 - activity), i * e->n_fields + k);
    }
}

static size_t encode_workspace_size(const ttfs_encoder *e, size_t n_values,
                                    size_t n_bias)
{
    const size_t per_value = e->n_fields ? TTFS_MAX_ACTIVE : 1;
    const size_t n = per_value * (n_values + e->n_always);
    return sort_workspace_size(n + e->n_complemented + n_bias + 1);
}

/* Add the biases, and sort. */
static size_t finish(train_t *train, const ttfs_encoder *e, const real *bias_times,
                     size_t n_bias, void *scratch)
{
    const size_t n_own = e->n_features * (e->n_fields ? e->n_fields : 1);
    const size_t n_channels = n_own + e->n_complemented;
    for (size_t b = 0; b < n_bias; ++b) add_spike(train, bias_times[b], n_channels + b);
    sort(train->times, train->inputs, train->n, scratch);
    return train->n;
}

#define DEFINE_ENCODE(type)                                                            \
    /* Times of the own channels of n <= WIDTH features; a constant n helps. */        \
    ALWAYS_INLINE void times_of_##type(const ttfs_encoder *e, const type *x,           \
                                       size_t first, size_t n, real *times)            \
    {                                                                                  \
        for (size_t l = 0; l < n; ++l) {                                               \
            const double value = (double)x[first + l];                                 \
            times[l] = (real)(e->is_spike_times ? value - e->begin                     \
                                                : time_of(e, first + l, value));       \
        }                                                                              \
    }                                                                                  \
                                                                                       \
    /* Whether n numbers are finite; with no exit, in vectors. */                      \
    static int is_finite_##type(const type *x, size_t n)                               \
    {                                                                                  \
        int n_others = 0;                                                              \
        for (size_t i = 0; i < n; ++i) n_others += !(x[i] - x[i] == 0);                \
        return n_others == 0;                                                          \
    }                                                                                  \
                                                                                       \
    static size_t encode_##type(const ttfs_encoder *encoder, const type *x,            \
                                const real *bias_times, size_t n_bias, double t_max,   \
                                real *times, uint32_t *inputs, void *scratch)          \
    {                                                                                  \
        const ttfs_encoder copy = *encoder, *e = &copy; /* no store changes it */      \
        train_t train = {times, inputs, 0, horizon_of(t_max)};                         \
        if (e->n_fields) {                                                             \
            for (size_t i = 0; i < e->n_features; ++i)                                 \
                add_fields(&train, e, i, (double)x[i]);                                \
            return finish(&train, e, bias_times, n_bias, scratch);                     \
        }                                                                              \
        for (size_t i = 0; i < e->n_features; i += WIDTH) {                            \
            const size_t n = min_size(WIDTH, e->n_features - i);                       \
            real t[WIDTH] = {0};                                                       \
            if (n == WIDTH) {                                                          \
                times_of_##type(e, x, i, WIDTH, t);                                    \
            } else {                                                                   \
                times_of_##type(e, x, i, n, t);                                        \
            }                                                                          \
            add_spikes(&train, t, i, n);                                               \
        }                                                                              \
        for (size_t c = 0; c < e->n_complemented; ++c) {                               \
            const size_t i = e->complemented[c];                                       \
            add_spike(&train, (real)complement_of(e, i, (double)x[i]),                 \
                      e->n_features + c);                                              \
        }                                                                              \
        return finish(&train, e, bias_times, n_bias, scratch);                         \
    }                                                                                  \
                                                                                       \
    static size_t encode_sparse_##type(                                                \
        const ttfs_encoder *e, const type *x, const int32_t *features,                 \
        size_t n_stored, const real *bias_times, size_t n_bias, double t_max,          \
        real *times, uint32_t *inputs, void *scratch)                                  \
    {                                                                                  \
        train_t train = {times, inputs, 0, horizon_of(t_max)};                         \
        /* Merge the stored features with those whose zeros spike. */                  \
        for (size_t k = 0, a = 0; k < n_stored || a < e->n_always;) {                  \
            const size_t stored = k < n_stored ? (size_t)features[k] : SIZE_MAX;       \
            const size_t always = a < e->n_always ? e->always[a] : SIZE_MAX;           \
            const size_t i = stored < always ? stored : always;                        \
            const double value = i == stored ? (double)x[k] : 0;                       \
            k += i == stored;                                                          \
            a += i == always;                                                          \
            if (e->n_fields) {                                                         \
                add_fields(&train, e, i, value);                                       \
                continue;                                                              \
            }                                                                          \
            add_spike(                                                                 \
                &train,                                                                \
                (real)(e->is_spike_times ? value - e->begin : time_of(e, i, value)),   \
                i);                                                                    \
        }                                                                              \
        for (size_t c = 0, k = 0; c < e->n_complemented; ++c) {                        \
            const size_t i = e->complemented[c];                                       \
            while (k < n_stored && (size_t)features[k] < i) ++k;                       \
            const int is_stored = k < n_stored && (size_t)features[k] == i;            \
            add_spike(&train, (real)complement_of(e, i, is_stored ? (double)x[k] : 0), \
                      e->n_features + c);                                              \
        }                                                                              \
        return finish(&train, e, bias_times, n_bias, scratch);                         \
    }

DEFINE_ENCODE(float)
DEFINE_ENCODE(double)

#endif
