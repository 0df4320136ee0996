/* Spikes sorted by time: what enters a layer. */
#ifndef TTFS_REAL_SPIKES_SORT_H
#define TTFS_REAL_SPIKES_SORT_H

#include "common/sort_keys.h"

#include "real/simd/vectors.h"

/* Beyond this many a merge sort is faster. */
#define LONG_LIST 8192

/* Bottom-up merge sort of places by time. Returns the array that holds the result: a
 * or b. */
static uint32_t *merge_sort(uint32_t *a, uint32_t *b, const real *times, size_t n)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t begin = 0; begin < n; begin += 2 * width) {
            const size_t middle = min_size(begin + width, n);
            const size_t end = min_size(middle + width, n);
            size_t left = begin, right = middle;
            for (size_t k = begin; k < end; ++k) {
                const int take_left =
                    right >= end ||
                    (left < middle && times[a[left]] <= times[a[right]]);
                b[k] = take_left ? a[left++] : a[right++];
            }
        }
        uint32_t *swap = a;
        a = b;
        b = swap;
    }
    return a;
}

/* Bytes of scratch space that sort() needs for n spikes. */
static size_t sort_workspace_size(size_t n)
{
    const size_t size = (n + 15) / 16 * 16;
    return size * (sizeof(real) + 4 * sizeof(uint32_t)) + 64;
}

/* Keys for a sort: time, as a fraction of the span, in the upper bits, and the place it
 * comes from in the lower ones. Two times may have the same key but for the place. */
static void make_keys(const real *times, size_t n, int place_bits, uint32_t *key)
{
    vec min = v_set(REAL_MAX), max = v_set(-REAL_MAX);
    size_t k = 0;
    for (; k + WIDTH <= n; k += WIDTH) {
        min = v_min(min, v_load(times + k));
        max = v_max(max, v_load(times + k));
    }
    real first = -v_max_lane(v_set(0) - min), last = v_max_lane(max);
    for (; k < n; ++k) {
        first = times[k] < first ? times[k] : first;
        last = times[k] > last ? times[k] : last;
    }
    /* The greatest time has a key below the greatest one, which is for padding; 2^24 is
     * what a float can tell. */
    const int bits = 32 - place_bits < 24 ? 32 - place_bits : 24;
    real scale = (real)(((uint32_t)1 << bits) - 2) / (last - first);
    if (!(scale < REAL_MAX)) scale = 0; /* times are all but equal */
    for (k = 0; k < n; ++k) {
        const int32_t step = (int32_t)((times[k] - first) * scale);
        key[k] = (uint32_t)step << place_bits | (uint32_t)k;
    }
}

/* Take each spike from its place. */
static void reorder(real *times, uint32_t *inputs, const uint32_t *place, size_t n,
                    real *old_times, uint32_t *old_inputs)
{
    memcpy(old_times, times, n * sizeof *times);
    memcpy(old_inputs, inputs, n * sizeof *inputs);
    for (size_t k = 0; k < n; ++k) {
        times[k] = old_times[place[k]];
        inputs[k] = old_inputs[place[k]];
    }
}

/* Sort n spikes by time, in place; ties keep their order. */
static void sort(real *restrict times, uint32_t *restrict inputs, size_t n,
                 void *scratch)
{
    const size_t size = (n + 15) / 16 * 16;
    uint32_t *key = (uint32_t *)(((uintptr_t)scratch + 63) / 64 * 64);
    real *old_times = (real *)(key + size);
    uint32_t *old_inputs = (uint32_t *)(old_times + size);
    uint32_t *place = old_inputs + size;

    if (n < 2) return;
    if (n <= LONG_LIST) {
        int place_bits = 4;
        while (n > (size_t)1 << place_bits) ++place_bits;
        make_keys(times, n, place_bits, key);
        for (size_t k = n; k < size; ++k) key[k] = UINT32_MAX;
        sort_network(key, n);
        for (size_t k = 0; k < n; ++k)
            place[k] = key[k] & (((uint32_t)1 << place_bits) - 1);
    } else {
        for (size_t k = 0; k < n; ++k) place[k] = (uint32_t)k;
        place = merge_sort(place, key, times, n);
    }
    reorder(times, inputs, place, n, old_times, old_inputs);
    /* The last bits, which the key may have lost: little to do, unless most times are
     * close together and few far away. */
    size_t moves = 0;
    for (size_t k = 1; k < n; ++k) {
        while (k + WIDTH <= n &&
               !m_any(v_gt(v_load(times + k - 1), v_load(times + k)))) {
            k += WIDTH;
        }
        if (k >= n || !(times[k - 1] > times[k])) continue;
        if (moves > 8 * n) {
            for (size_t l = 0; l < n; ++l) place[l] = (uint32_t)l;
            reorder(times, inputs, merge_sort(place, key, times, n), n, old_times,
                    old_inputs);
            return;
        }
        const real t = times[k];
        const uint32_t i = inputs[k];
        size_t to = k;
        for (; to > 0 && times[to - 1] > t; --to) {
            times[to] = times[to - 1];
            inputs[to] = inputs[to - 1];
        }
        times[to] = t;
        inputs[to] = i;
        moves += k - to;
    }
}

#endif
