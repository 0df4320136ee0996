/* Learning of vectors of neurons, behind the functions of vector.h. */
#ifndef TTFS_FIXED_VECTOR_LEARN_H
#define TTFS_FIXED_VECTOR_LEARN_H

#include "fixed/vector.h"

/* ttfs_fixed_feed_back() to HALF hidden neurons from number i, which spiked at t. One
 * neuron of the next layer after the other, as sums saturate. */
static vec feed_back(const ttfs_fixed_network *network, uint32_t k,
                     const prepared_t *own, const prepared_t *next,
                     const ttfs_fixed_state *states, uint32_t label, size_t i, vec t)
{
    const ttfs_fixed_layer *after = &network->layers[k + 1];
    const uint32_t n_classes = network->layers[network->n_layers - 1].n_out;
    const int is_next = network->feedback == TTFS_FIXED_SYMMETRIC ||
                        network->feedback == TTFS_FIXED_RANDOM;
    const uint32_t n = is_next ? after->n_out : n_classes;
    const ttfs_fixed_state *errors = &states[is_next ? k + 1 : network->n_layers - 1u];
    const int32_t *fixed = own->feedback + i * n;
    const int16_t *currents = next->currents + i * after->stride;
    const vec rows = v_mul32(v_lanes32(), v_set32((int32_t)n));
    const vec strides = v_mul32(v_lanes32(), v_set32(after->stride));
    vec sum = v_set32(0);

    if (network->feedback == TTFS_FIXED_TARGET) {
        return v_mul32(v_gather32(fixed + label, rows, 4), v_set32(network->gain));
    }
    for (uint32_t j = 0; errors->learns && j < n; ++j) {
        vec b;
        if (errors->error[j] == 0) continue;
        if (network->feedback == TTFS_FIXED_SYMMETRIC) {
            b = v_sll32(v_gather32(currents + j, strides, 2), 16);
            b = v_sra32(b, 16 + after->current_shift);
        } else {
            b = v_gather32(fixed + j, rows, 4);
        }
        if (is_next) { /* kernel_slope[0] is 0 */
            const vec d = v_max32(v_sub32(v_set32(errors->ticks[j]), t), v_set32(0));
            b = v_mul32(b, v_gather32(next->kernel_slope, d, 4));
        }
        sum = v_adds32(sum, v_mul32(b, v_set32(errors->error[j])));
    }
    return sum;
}

/* The same as ttfs_fixed_hidden_errors(); own and after are the prepared weights of
 * layers k and k + 1. */
static void hidden_errors(const ttfs_fixed_network *network, uint32_t k,
                          const void *own, const void *after, ttfs_fixed_state *states,
                          uint32_t label)
{
    const ttfs_fixed_layer *layer = &network->layers[k];
    const prepared_t p = parts_of(network, layer, (void *)(uintptr_t)own);
    const prepared_t next = parts_of(network, layer + 1, (void *)(uintptr_t)after);
    ttfs_fixed_state *state = &states[k];
    const vec high = v_set16(TTFS_FIXED_MAX_ERROR), low = v_sub16(v_set16(0), high);
    const vec one = v_set32(1);
    const int until = network->learn_until < network->n_ticks ? network->learn_until
                                                              : network->n_ticks;
    vec all = v_set16(0);

    for (uint32_t i = 0; i < layer->n_out; ++i) {
        const int fires = state->ticks[i] < network->n_ticks;
        int silence = layer->silence[i];
        silence = fires ? silence - (silence > 0) : silence + TTFS_FIXED_SILENT_STEP;
        silence = silence > UINT8_MAX ? UINT8_MAX : silence;
        layer->silence[i] = (uint8_t)silence;
        state->error[i] =
            !fires && silence > TTFS_FIXED_MAX_SILENCE ? network->push : 0;
    }
    for (size_t i = 0; i < layer->n_out; i += WIDTH) {
        const vec ticks = v_load(state->ticks + i), slope = v_load(state->slope + i);
        const mask learns = m_andnot(v_gt16(v_set16(until), ticks),
                                     v_gt16(v_set16(network->learn_from), ticks));
        vec error = v_load(state->error + i), x[2];
        if (m_any(learns)) {
            vec log_slope = v_set16(layer->error_shift + TTFS_FIXED_MIN_LOG_SLOPE);
            for (int m = 0; m < TTFS_FIXED_SLOPE_BOUNDS; ++m) {
                const mask below = v_gt16(v_set16(layer->slope_bounds[m]), slope);
                log_slope = v_add16(log_slope, v_drop16(below, v_set16(1)));
            }
            for (int h = 0; h < 2; ++h) {
                const vec n = v_widen(log_slope, h);
                x[h] = feed_back(network, k, &p, &next, states, label,
                                 i + (size_t)h * HALF, v_widen(ticks, h));
                x[h] = v_adds32(x[h], v_sllv32(one, v_sub32(n, one)));
                x[h] = v_srav32(x[h], n);
            }
            error = v_or(error, v_keep16(learns, v_narrow(x[0], x[1])));
        }
        error = v_max16(v_min16(error, high), low);
        v_store(state->error + i, error);
        all = v_or(all, error);
    }
    state->learns = (uint8_t)v_any(all);
}

/* ttfs_fixed_accumulate(): for each tick with input spikes, what its synapses learn. */
static void accumulate(const ttfs_fixed_network *network, const ttfs_fixed_layer *layer,
                       const void *prepared, const ttfs_fixed_state *state,
                       const ttfs_fixed_event *events, uint32_t n)
{
    const prepared_t p = parts_of(network, layer, (void *)(uintptr_t)prepared);
    const size_t stride = layer->stride;
    const uint32_t n_learning = (uint32_t)(layer->n_in - layer->n_fixed);

    for (uint32_t k = 0, end; k < n; k = end) {
        const vec tick = v_set32(events[k].tick);
        uint32_t last = k; /* inputs that do not learn are behind the others */
        for (end = k; end < n && events[end].tick == events[k].tick; ++end) {
            if (events[end].input >= n_learning) continue;
            layer->touched[events[end].input] = 1;
            last = end + 1;
        }
        for (size_t j = 0; j < layer->n_out; j += WIDTH) {
            const vec errors = v_load(state->error + j),
                      ticks = v_load(state->ticks + j);
            if (!v_any(errors)) continue;
            for (int h = 0; h < 2; ++h) {
                /* kernel[0] is 0; c k as c k + (sign of c) 0 */
                const vec d =
                    v_max32(v_sub32(v_widen_unsigned(ticks, h), tick), v_set32(0));
                const vec change =
                    v_madd(v_widen(errors, h), v_gather32(p.kernel, d, 4));
                int32_t *sums = layer->sums + j + (size_t)h * HALF;
                for (uint32_t e = k; e < last; ++e) {
                    int32_t *sum = sums + events[e].input * stride;
                    v_store(sum, v_add32(v_load(sum), change));
                }
            }
        }
    }
}

/* ttfs_fixed_move() of all rows that have been touched, for WIDTH neurons from number
 * j; prepared currents follow. */
ALWAYS_INLINE void move(const ttfs_fixed_layer *layer, int16_t *currents,
                        const uint16_t *rows, size_t n_rows, size_t j, int is_floor,
                        int decays)
{
    const int shift = layer->rate_shift, fraction = layer->fraction;
    const vec high = v_set16(layer->max_stored), low = v_set16(-layer->max_stored);
    const vec half = v_set16((1 << fraction) >> 1), lowest = v_set16(-INT16_MAX);
    const vec taps = v_set16(0xB400), one = v_set16(1);
    const vec decay = v_set32(-layer->decay), rest = v_set32(layer->rest);
    vec lfsr = v_load(layer->lfsr + j), random = v_set16(0);

    for (size_t k = 0; k < n_rows; ++k) {
        const size_t at = rows[k] * (size_t)layer->stride + j;
        int32_t *sums = layer->sums + at;
        vec sum[2], w = v_set16(0);
        if (!is_floor) {
            const vec odd = v_sub16(v_set16(0), v_and(lfsr, one));
            lfsr = v_xor(v_srl16(lfsr, 1), v_and(odd, taps));
            random = shift <= 16 ? v_srl16(lfsr, 16 - shift) : lfsr;
        }
        if (decays) w = v_sra16(v_load(currents + at), layer->current_shift);
        for (int h = 0; h < 2; ++h) {
            vec r = v_widen_unsigned(random, h);
            if (shift > 16) r = v_sll32(r, shift - 16);
            sum[h] = v_load(sums + h * HALF);
            v_store(sums + h * HALF, v_set32(0));
            if (decays) {
                const vec excess = v_sub32(v_widen(w, h), rest);
                sum[h] = v_adds32(sum[h], v_mul32(decay, excess));
            }
            /* r is not negative */
            sum[h] = v_add32(v_min32(sum[h], v_sub32(v_set32(INT32_MAX), r)), r);
            sum[h] = v_sra32(sum[h], shift);
        }
        const vec change = v_max16(v_narrow(sum[0], sum[1]), lowest);
        vec stored = v_adds(v_load(layer->weights + at), change);
        stored = v_min16(v_max16(stored, low), high);
        v_store(layer->weights + at, stored);
        w = v_sra16(v_add16(stored, half), fraction);
        v_store(currents + at, v_sll16(w, layer->current_shift));
    }
    if (!is_floor) v_store(layer->lfsr + j, lfsr);
}

static void update(const ttfs_fixed_network *network, const ttfs_fixed_layer *layer,
                   void *prepared, void *extra)
{
    const prepared_t p = parts_of(network, layer, prepared);
    uint16_t *rows = extra;
    size_t n_rows = 0;

    for (uint32_t i = 0; i < layer->n_in; ++i) {
        rows[n_rows] = (uint16_t)i;
        n_rows += layer->touched[i];
        layer->touched[i] = 0;
    }
    for (size_t j = 0; j < layer->n_out; j += WIDTH) {
        if (layer->decay) {
            move(layer, p.currents, rows, n_rows, j, network->is_floor, 1);
        } else {
            move(layer, p.currents, rows, n_rows, j, network->is_floor, 0);
        }
    }
}

#endif
