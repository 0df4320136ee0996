/* ttfs_device: the functions of ttfs_fixed.h for one sample on small processors.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * INTRODUCTION
 *
 * The same structures and the same bits as ttfs_fixed.h, for less work: what
 * ttfs.export.to_c() writes for microcontrollers. All layers go through time together,
 * from one tick with input spikes of a layer to the next, so that work ends with the
 * decision, and so that a sample may come spike by spike. The conventions are those of
 * ttfs_fixed.h.
 *
 * TTFS_DEVICE_LEARN is defined where a network learns.
 *
 * In a window between two ticks with input spikes of a layer, a neuron has
 *
 *     u(t0 + d) = decay_mem[d] U + kappa[d] I
 *
 * decay_mem falls, and kappa rises up to its peak and falls after it, so that the ends
 * of a range of d bound u in all of it: ranges that stay below the threshold are
 * skipped as a whole.
 */
#ifndef TTFS_DEVICE_H
#define TTFS_DEVICE_H

#include "ttfs_fixed.h"

/* Type of the offset of a row of weights: input * stride. */
#ifndef TTFS_DEVICE_ROW
#define TTFS_DEVICE_ROW uint16_t
#endif
typedef TTFS_DEVICE_ROW ttfs_device_row;

/* Bits of the accumulators of a layer behind the weight [1]. */
#ifndef TTFS_DEVICE_FRACTION
#define TTFS_DEVICE_FRACTION(layer) ((layer)->fraction)
#endif

/* Counters of loops: at least 16 bits, the width of a register. */
typedef uint_fast16_t ttfs_device_index;

/* An input spike. Lists are sorted by tick, ties by input. */
typedef struct {
    uint16_t tick;
    ttfs_device_row row;
} ttfs_device_event;

/* What else is known of a layer. */
typedef struct {
#ifdef TTFS_DEVICE_SHIFT
    uint8_t burst; /* so many input spikes move a current by 2^14 at most */
#else
    uint16_t kappa_peak; /* tick of the greatest kappa */
#endif
    uint16_t max_weight; /* magnitude of the greatest weight */
} ttfs_device_bound;

/* How far a layer is. Those of its neurons that have not fired have U and I, as they
 * are after the input spikes of `tick`, in `u` and `slope` of their ttfs_fixed_state.
 */
typedef struct {
    ttfs_device_event *events; /* (n_in,) input spikes up to now, or NULL */
    uint16_t n;                /* so many */
    uint16_t n_done;           /* so many of them have acted */
    uint16_t tick;             /* of the last one that has acted */
    uint16_t seen;             /* up to this tick it is known which neurons fire */
    uint16_t next_bias;        /* the earliest tick of biases that are not in events */
#ifdef TTFS_DEVICE_SHIFT
    int16_t *current; /* (stride,) I */
#endif
} ttfs_device_line;

/* A network, and memory for one sample. */
typedef struct {
    const ttfs_fixed_network *network;
    const ttfs_device_bound *bounds; /* (n_layers,) */
    ttfs_device_line *lines;  /* (n_layers + 1,) the last one counts output spikes */
    ttfs_fixed_state *states; /* (n_layers,) */
    uint16_t *counts;         /* ((n_ticks - 1 >> count_shift) + 1,) */
    uint8_t count_shift;
} ttfs_device_machine;

/* -- Lists of input spikes ------------------------------------------------------- */

/* Move the last of the n spikes of a list to its place among the others. */
static inline void ttfs_device_settle(ttfs_device_event *events, ttfs_device_index n)
{
    ttfs_device_event *e = events + n - 1;
    const ttfs_device_event last = *e;
    for (; e > events; --e) {
        if (e[-1].tick < last.tick) break;
        if (e[-1].tick == last.tick && e[-1].row < last.row) break;
        *e = e[-1];
    }
    *e = last;
}

/* Add a spike to the list of a layer. */
static inline void ttfs_device_insert(ttfs_device_line *line, uint16_t tick,
                                      ttfs_device_row row)
{
    ttfs_device_event *last = &line->events[line->n++];
    last->tick = tick;
    last->row = row;
    ttfs_device_settle(line->events, line->n);
}

/* The earliest tick of biases that is not before `from`, or n_ticks. */
static inline uint16_t ttfs_device_next_bias(const ttfs_fixed_layer *layer,
                                             uint16_t from, uint16_t n_ticks)
{
    uint16_t next = n_ticks;
    for (ttfs_device_index b = 0; b < layer->n_bias; ++b) {
        const uint16_t t = layer->bias_ticks[b];
        if (t >= from && t < next) next = t;
    }
    return next;
}

/* Add the biases of the layer that spike at next_bias to its list. */
static inline void ttfs_device_add_biases(const ttfs_fixed_layer *layer,
                                          ttfs_device_line *line, uint16_t n_ticks)
{
    const uint16_t now = line->next_bias;
    ttfs_device_row row =
        (ttfs_device_row)((ttfs_device_row)(layer->n_in - layer->n_bias) *
                          layer->stride);
    for (ttfs_device_index b = 0; b < layer->n_bias; ++b) {
        if (layer->bias_ticks[b] == now) ttfs_device_insert(line, now, row);
        row = (ttfs_device_row)(row + layer->stride);
    }
    line->next_bias = ttfs_device_next_bias(layer, (uint16_t)(now + 1), n_ticks);
}

/* Sort the spikes of the input channels at ticks into the empty list of the first
 * layer, by counts of ranges of ticks first. Rows are `stride` apart. */
static inline void ttfs_device_sort(const ttfs_device_machine *work,
                                    const uint16_t *ticks, uint16_t stride)
{
    const ttfs_fixed_layer *layer = work->network->layers;
    const uint16_t n_ticks = work->network->n_ticks;
    const ttfs_device_index n = (ttfs_device_index)(layer->n_in - layer->n_bias);
    const uint8_t shift = work->count_shift;
    const ttfs_device_index n_counts = ((ttfs_device_index)(n_ticks - 1) >> shift) + 1;
    uint16_t *counts = work->counts;
    ttfs_device_event *events = work->lines->events;
    ttfs_device_row row = 0;
    uint16_t at = 0;

    /* volatile: a loop that only clears may become a call of memset. */
    for (ttfs_device_index b = 0; b < n_counts; ++b) {
        ((volatile uint16_t *)counts)[b] = 0;
    }
    for (ttfs_device_index i = 0; i < n; ++i) {
        if (ticks[i] < n_ticks) ++counts[ticks[i] >> shift];
    }
    for (ttfs_device_index b = 0; b < n_counts; ++b) {
        const uint16_t count = counts[b];
        counts[b] = at;
        at = (uint16_t)(at + count);
    }
    for (ttfs_device_index i = 0; i < n; ++i) {
        const uint16_t t = ticks[i];
        if (t < n_ticks) {
            ttfs_device_event *e = &events[counts[t >> shift]++];
            e->tick = t;
            e->row = row;
        }
        row = (ttfs_device_row)(row + stride);
    }
    for (ttfs_device_index e = 1; shift > 0 && e < at; ++e) {
        ttfs_device_settle(events, e + 1);
    }
    work->lines->n = at;
}

/* -- Neurons [3] ----------------------------------------------------------------- */

/* Currents up to this magnitude cannot saturate in n input spikes, whatever the
 * weights; -1 if there is none. */
static inline int32_t ttfs_device_room(const ttfs_fixed_layer *layer,
                                       const ttfs_device_bound *bound, uint16_t n)
{
    const uint32_t most = (uint32_t)n * bound->max_weight;
    if (most > (uint32_t)INT16_MAX >> layer->current_shift) return -1;
    return INT16_MAX - (int32_t)(most << layer->current_shift);
}

/* I of neuron j after the input spikes begin ... end - 1, which are of one tick. */
static inline int16_t ttfs_device_jump(const ttfs_fixed_layer *layer, int32_t i0,
                                       const ttfs_device_event *begin,
                                       const ttfs_device_event *end,
                                       ttfs_device_index j, int32_t room)
{
    const ttfs_fixed_weight *weights = layer->weights + j;
    const uint8_t fraction = TTFS_DEVICE_FRACTION(layer);
    const int16_t half = (int16_t)(((int16_t)1 << fraction) >> 1);

    /* Where no part of the sum can saturate, it is one shift of the sum of weights. */
    if (i0 <= room && -i0 <= room) {
        int16_t sum = 0;
        do {
            const int16_t w = (int16_t)((weights[begin->row] + half) >> fraction);
            sum = (int16_t)(sum + w);
        } while (++begin < end);
        return (int16_t)(i0 + sum * ((int32_t)1 << layer->current_shift));
    }
    do {
        const int16_t w = (int16_t)((weights[begin->row] + half) >> fraction);
        i0 = ttfs_fixed_saturate(i0 + w * ((int32_t)1 << layer->current_shift));
    } while (++begin < end);
    return (int16_t)i0;
}

#ifdef TTFS_DEVICE_SHIFT
#include "ttfs_device_shift.h"
#else
/* First d in first ... last with decay_mem[d] U + kappa[d] I >= level, else 0; the tick
 * before the first is known to have less. */
static inline uint16_t ttfs_device_crossing(const ttfs_fixed_layer *layer, uint16_t top,
                                            int16_t u0, int16_t i0, uint16_t first,
                                            uint16_t last, int32_t level)
{
    ttfs_fixed_const16 *decay = layer->decay_mem, *kappa = layer->kappa;
    ttfs_device_index d = first, end, width;

    /* After the peak of kappa neither part grows. */
    if (u0 >= 0 && i0 >= 0 && last > top) last = top;
    end = last;
    while (d <= last) {
        int16_t k = kappa[end];
        if (i0 < 0) {
            if (kappa[d] < k) k = kappa[d];
        } else if (end > top) {
            k = kappa[d > top ? d : top];
        }
        width = end - d;
        if ((int32_t)decay[u0 < 0 ? end : d] * u0 + (int32_t)k * i0 >= level) {
            if (width == 0) return (uint16_t)d;
            end = d + (width >> 1);
        } else {
            d = end + 1;
            end = d + 2 * width;
            if (end > last) end = last;
        }
    }
    return 0;
}

/* Let layer k go on from `seen` to the tick `until`, at whose end the next n spikes of
 * its list act. Neurons that fire have their tick and u, and add to the next list. With
 * `is_first` it is enough to find the first spikes. */
static inline void ttfs_device_window(const ttfs_device_machine *work,
                                      ttfs_device_index k, uint16_t until, uint16_t n,
                                      uint8_t is_first)
{
    const ttfs_fixed_layer *layer = &work->network->layers[k];
    const ttfs_fixed_state *state = &work->states[k];
    ttfs_device_line *line = &work->lines[k], *next = line + 1;
    const uint16_t n_ticks = work->network->n_ticks, top = work->bounds[k].kappa_peak;
    const uint16_t stride = next->events ? layer[1].stride : 0;
    const uint16_t gap = (uint16_t)(until - line->tick);
    const uint16_t first = (uint16_t)(line->seen + 1 - line->tick);
    const int16_t decay = layer->decay_mem[gap], kappa = layer->kappa[gap];
    const int16_t decay_syn = layer->decay_syn[gap];
    const int16_t highest =
        gap <= top ? kappa : layer->kappa[first > top ? first : top];
    const int32_t level = (int32_t)layer->threshold * 32768;
    const ttfs_device_event *begin = line->events + line->n_done, *end = begin + n;
    const int32_t room = ttfs_device_room(layer, &work->bounds[k], n);
    uint16_t last = gap;

    for (ttfs_device_index j = 0; j < layer->n_out; ++j) {
        if (state->ticks[j] != n_ticks) continue;
        const int16_t u0 = state->u[j], i0 = state->slope[j];
        const int32_t leaked = (int32_t)decay * u0, risen = (int32_t)kappa * i0;
        int32_t u = (leaked + risen) >> 15;
        /* u grows by positive currents only. */
        if (i0 > 0) {
            const int32_t bound = (u0 > 0 ? (int32_t)u0 * 32768 : leaked) +
                                  (gap <= top ? risen : (int32_t)highest * i0);
            const uint16_t d = bound < level ? 0
                                             : ttfs_device_crossing(layer, top, u0, i0,
                                                                    first, last, level);
            if (d) {
                const uint16_t t = (uint16_t)(line->tick + d);
                state->ticks[j] = t;
                state->u[j] =
                    ttfs_fixed_mac(layer->decay_mem[d], u0, layer->kappa[d], i0);
#ifdef TTFS_DEVICE_LEARN
                state->slope[j] = ttfs_fixed_mac(
                    layer->slope_syn, ttfs_fixed_multiply(layer->decay_syn[d], i0),
                    layer->slope_mem, state->u[j]);
#endif
                if (next->events) {
                    ttfs_device_insert(next, t,
                                       (ttfs_device_row)((ttfs_device_row)j * stride));
                } else {
                    ++next->n;
                    if (is_first) last = d;
                }
                continue;
            }
        }
        if (n == 0) continue;
        if (u < INT16_MIN) u = INT16_MIN; /* below the threshold, it is not too high */
        state->u[j] = (int16_t)u;
        state->slope[j] =
            ttfs_device_jump(layer, (int32_t)decay_syn * i0 >> 15, begin, end, j, room);
    }
    line->seen = until;
    if (n > 0) line->tick = until;
    line->n_done = (uint16_t)(line->n_done + n);
}

/* The greatest u of neuron j of layer k, which was silent in the whole sample. */
static inline int16_t ttfs_device_peak(const ttfs_device_machine *work,
                                       ttfs_device_index k, ttfs_device_index j)
{
    const ttfs_fixed_layer *layer = &work->network->layers[k];
    const ttfs_device_line *line = &work->lines[k];
    const ttfs_device_event *e = line->events, *stop = e + line->n;
    const uint16_t n_ticks = work->network->n_ticks, top = work->bounds[k].kappa_peak;
    int16_t u0 = 0, i0 = 0, peak = INT16_MIN;

    while (e < stop) {
        const uint16_t t0 = e->tick;
        do {
            i0 = ttfs_device_jump(layer, i0, e, e + 1, j, -1);
        } while (++e < stop && e->tick == t0);
        const uint16_t gap = (uint16_t)((e < stop ? e->tick : n_ticks - 1) - t0);
        for (uint16_t d = gap > top ? top : gap; d > 0;) {
            const int16_t u =
                ttfs_fixed_mac(layer->decay_mem[d], u0, layer->kappa[d], i0);
            if (u > peak) peak = u;
            d = ttfs_device_crossing(layer, top, u0, i0, 1, gap,
                                     ((int32_t)peak + 1) * 32768);
        }
        u0 = ttfs_fixed_mac(layer->decay_mem[gap], u0, layer->kappa[gap], i0);
        i0 = ttfs_fixed_multiply(layer->decay_syn[gap], i0);
    }
    return peak;
}

/* Let all layers go on: spikes of the input channels before the tick `before` are in
 * the list of the first layer. Then find what neurons do up to the tick `until`; if it
 * is 0, what matters for the spikes that are known. Ends early once `wanted` output
 * neurons have fired, and tells so. */
static inline uint8_t ttfs_device_run(const ttfs_device_machine *work, uint16_t before,
                                      uint16_t until, uint16_t wanted)
{
    const ttfs_fixed_network *network = work->network;
    const ttfs_device_line *outputs = &work->lines[network->n_layers];
    const uint8_t is_first = wanted == 1;

    for (ttfs_device_index k = 0; k < network->n_layers; ++k) {
        ttfs_device_line *line = &work->lines[k];
        while (line->next_bias < before) {
            ttfs_device_add_biases(&network->layers[k], line, network->n_ticks);
        }
        for (;;) {
            const ttfs_device_event *e = line->events + line->n_done;
            const uint16_t left = (uint16_t)(line->n - line->n_done);
            uint16_t n = 0, t = until;
            if (left > 0 && e->tick < before) {
                t = e->tick;
                while (++n < left && e[n].tick == t) continue;
            } else if (until <= line->seen) {
                break;
            }
            ttfs_device_window(work, k, t, n, is_first);
            if (outputs->n >= wanted) return 1;
        }
        before = (uint16_t)(line->seen + 1);
    }
    return 0;
}

/* Let time go on to a tick: all spikes of the input channels before it are in the list
 * of the first layer. Ends early once `wanted` output neurons have fired. */
static inline void ttfs_device_continue(const ttfs_device_machine *work, uint16_t until,
                                        uint16_t wanted)
{
    ttfs_device_run(work, until, until, wanted);
}

/* The sample whose input spikes are in the list of the first layer, until `wanted`
 * output neurons have fired. */
static inline void ttfs_device_forward(const ttfs_device_machine *work, uint16_t wanted)
{
    const ttfs_device_line *first = work->lines;
    const uint16_t n_ticks = work->network->n_ticks;

    while (first->n_done < first->n) {
        const uint16_t before = (uint16_t)(first->events[first->n_done].tick + 1);
        if (ttfs_device_run(work, before, 0, wanted)) return;
    }
    ttfs_device_continue(work, (uint16_t)(n_ticks - 1), wanted);
}

#endif

/* -- One sample ------------------------------------------------------------------ */

/* Make ready for a sample. */
static inline void ttfs_device_start(const ttfs_device_machine *work)
{
    const ttfs_fixed_network *network = work->network;
    const uint16_t n_ticks = network->n_ticks;
    ttfs_device_line *line = work->lines;

    for (ttfs_device_index k = 0; k < network->n_layers; ++k, ++line) {
        const ttfs_fixed_state *state = &work->states[k];
        /* volatile: a loop that only clears may become a call of memset. */
        volatile int16_t *u = state->u;
#ifdef TTFS_DEVICE_SHIFT
        volatile int16_t *current = line->current;
#else
        volatile int16_t *current = state->slope;
#endif
        line->n = line->n_done = line->tick = line->seen = 0;
        line->next_bias = ttfs_device_next_bias(&network->layers[k], 0, n_ticks);
        for (ttfs_device_index j = 0; j < network->layers[k].n_out; ++j) {
            state->ticks[j] = n_ticks;
            u[j] = 0;
            current[j] = 0;
        }
    }
    line->n = 0;
}

/* The output neuron that decides. With `is_whole` silent ones have the greatest u
 * afterwards; it is needed anyway where all are. */
static inline uint16_t ttfs_device_decision(const ttfs_device_machine *work,
                                            uint8_t is_whole)
{
    const ttfs_device_index last = (ttfs_device_index)(work->network->n_layers - 1);
    const ttfs_fixed_state *state = &work->states[last];
    const uint16_t n = work->network->layers[last].n_out;

    if (is_whole || work->lines[last + 1].n == 0) {
        for (ttfs_device_index j = 0; j < n; ++j) {
            if (state->ticks[j] == work->network->n_ticks) {
                state->u[j] = ttfs_device_peak(work, last, j);
            }
        }
    }
    return (uint16_t)ttfs_fixed_decide(state, n);
}

/* The class of a sample.
 * ticks      (n_in - n_bias of the first layer,) of the input channels. */
static inline uint16_t ttfs_device_class(const ttfs_device_machine *work,
                                         const uint16_t *ticks)
{
    ttfs_device_start(work);
    ttfs_device_sort(work, ticks, work->network->layers->stride);
    ttfs_device_forward(work, 1);
    return ttfs_device_decision(work, 0);
}

/* The same, and by how many ticks the next output neuron comes later: times are those
 * of the loss [5]. All that output neurons do is known afterwards. */
static inline uint16_t ttfs_device_class_and_margin(const ttfs_device_machine *work,
                                                    const uint16_t *ticks,
                                                    uint32_t *margin)
{
    const ttfs_fixed_network *network = work->network;
    const ttfs_device_index last = (ttfs_device_index)(network->n_layers - 1);
    const ttfs_fixed_layer *layer = &network->layers[last];
    const ttfs_fixed_state *state = &work->states[last];

    ttfs_device_start(work);
    ttfs_device_sort(work, ticks, network->layers->stride);
    ttfs_device_forward(work, layer->n_out);
    const uint16_t decision = ttfs_device_decision(work, 1);
    const int32_t t = ttfs_fixed_output_time(network, layer, state, decision);
    *margin = UINT32_MAX;
    for (uint16_t j = 0; j < layer->n_out; ++j) {
        const int32_t other = ttfs_fixed_output_time(network, layer, state, j);
        if (j != decision && (uint32_t)(other - t) < *margin) {
            *margin = (uint32_t)(other - t);
        }
    }
    return decision;
}

/* Add a spike of an input channel to a sample that comes spike by spike. */
static inline void ttfs_device_add_spike(const ttfs_device_machine *work,
                                         uint16_t channel, uint16_t tick)
{
    const ttfs_fixed_layer *layer = work->network->layers;
    if (work->lines->n < layer->n_in) {
        ttfs_device_insert(work->lines, tick,
                           (ttfs_device_row)((ttfs_device_row)channel * layer->stride));
    }
}

/* Let time go on to a tick: all spikes before it have been added. The output neuron
 * that decides, if one has fired up to this tick, else -1; at n_ticks there is one. */
static inline int32_t ttfs_device_advance_to(const ttfs_device_machine *work,
                                             uint16_t tick)
{
    const ttfs_fixed_network *network = work->network;
    const uint8_t is_end = tick >= network->n_ticks;

    if (work->lines[network->n_layers].n == 0) {
        ttfs_device_continue(work, is_end ? (uint16_t)(network->n_ticks - 1) : tick, 1);
    }
    if (work->lines[network->n_layers].n == 0 && !is_end) return -1;
    return ttfs_device_decision(work, 0);
}

/* -- Learning [6, 7] ------------------------------------------------------------- */

/* Delete spikes of the input channels at random, in the order of the list, which has
 * numbers of inputs as rows, and make them offsets of rows. */
static inline void ttfs_device_drop(const ttfs_device_machine *work, uint16_t *ticks)
{
    const ttfs_fixed_network *network = work->network;
    const uint16_t stride = network->layers->stride;
    ttfs_device_line *line = work->lines;
    ttfs_device_event *left = line->events;

    for (ttfs_device_index e = 0; e < line->n; ++e) {
        const ttfs_device_event event = line->events[e];
        if (network->drop > 0 && network->may_drop[event.row]) {
            for (uint8_t bit = 0; bit < 8; ++bit) {
                *network->lfsr = ttfs_fixed_step(*network->lfsr);
            }
            if ((*network->lfsr & 255) < network->drop) {
                ticks[event.row] = network->n_ticks;
                continue;
            }
        }
        left->tick = event.tick;
        left->row = (ttfs_device_row)(event.row * stride);
        ++left;
    }
    line->n = (uint16_t)(left - line->events);
}

/* The spikes of those inputs of a layer that learn, in the order of inputs, where the
 * layer before spikes at `before`. Returns how many. */
static inline uint16_t ttfs_device_gather(const ttfs_fixed_layer *layer,
                                          const uint16_t *before, uint16_t n_ticks,
                                          ttfs_device_event *events)
{
    const ttfs_device_index n = (ttfs_device_index)(layer->n_in - layer->n_bias);
    const ttfs_device_index n_learning =
        (ttfs_device_index)(layer->n_in - layer->n_fixed);
    ttfs_device_event *e = events;
    ttfs_device_row row = 0;

    for (ttfs_device_index i = 0; i < n_learning; ++i) {
        e->tick = i < n ? before[i] : layer->bias_ticks[i - n];
        e->row = row;
        if (e->tick < n_ticks) ++e;
        row = (ttfs_device_row)(row + layer->stride);
    }
    return (uint16_t)(e - events);
}

/* Move the weights of neuron j by what it learns from the spikes begin ... end - 1:
 * ttfs_fixed_move() of ttfs_fixed_eligibility(). The sums of a batch of one have 30
 * bits at most, and cannot overflow. */
static inline void ttfs_device_move(const ttfs_fixed_layer *layer, uint8_t is_floor,
                                    const ttfs_fixed_state *state, ttfs_device_index j,
                                    const ttfs_device_event *begin,
                                    const ttfs_device_event *end)
{
    ttfs_fixed_weight *weights = layer->weights + j;
    ttfs_fixed_const8 *kernel = layer->kernel;
    const uint8_t fraction = TTFS_DEVICE_FRACTION(layer), shift = layer->rate_shift;
    const int16_t half = (int16_t)(((int16_t)1 << fraction) >> 1);
    const int16_t error = state->error[j], decay = layer->decay, rest = layer->rest;
    const int32_t limit = layer->max_stored;
    const uint16_t t = state->ticks[j];
    uint16_t lfsr = layer->lfsr[j];

    for (; begin < end; ++begin) {
        int32_t sum = 0;
        if (!is_floor) {
            lfsr = ttfs_fixed_step(lfsr);
            if (error == 0 && decay == 0) continue; /* what is random is below 1 */
            sum = shift <= 16 ? (int32_t)lfsr >> (16 - shift)
                              : (int32_t)lfsr << (shift - 16);
        }
        if (begin->tick < t) sum += (int32_t)error * kernel[t - begin->tick];
        ttfs_fixed_weight *stored = &weights[begin->row];
        if (decay != 0) {
            sum -= (int32_t)decay * (int16_t)(((*stored + half) >> fraction) - rest);
        }
        sum >>= shift;
        if (sizeof *stored > 1) sum = ttfs_fixed_clip(sum, INT16_MAX);
        *stored = (ttfs_fixed_weight)ttfs_fixed_clip(sum + *stored, limit);
    }
    layer->lfsr[j] = lfsr;
}

/* Learn from one sample. Returns the class that the network gave it before.
 * ticks      in; out: those that were not deleted. */
static inline uint16_t ttfs_device_learn_sample(const ttfs_device_machine *work,
                                                uint16_t *ticks, uint16_t label)
{
    const ttfs_fixed_network *network = work->network;
    const ttfs_fixed_layer *layer = network->layers;

    for (ttfs_device_index i = 0; i < (uint16_t)(layer->n_in - layer->n_bias); ++i) {
        if (ticks[i] > network->n_ticks) ticks[i] = network->n_ticks;
    }
    ttfs_device_start(work);
    ttfs_device_sort(work, ticks, 1);
    ttfs_device_drop(work, ticks);
    ttfs_device_forward(work, UINT16_MAX);
    const uint16_t decision = ttfs_device_decision(work, 1);
    ttfs_fixed_errors(network, work->states, label);
    for (ttfs_device_index k = 0; k < network->n_layers; ++k, ++layer) {
        const ttfs_fixed_state *state = &work->states[k];
        ttfs_device_event *events = work->lines[k].events;
        if (!state->learns) continue;
        const uint16_t *before = k > 0 ? state[-1].ticks : ticks;
        const uint16_t n = ttfs_device_gather(layer, before, network->n_ticks, events);
        for (ttfs_device_index j = 0; j < layer->n_out; ++j) {
            ttfs_device_move(layer, network->is_floor, state, j, events, events + n);
        }
    }
    return decision;
}

/* -- What learning changes, to be kept ------------------------------------------- */

/* An array that learning changes. */
typedef struct {
    void *data;
    uint32_t n_bytes;
} ttfs_device_part;

/* CRC-32 (IEEE 802.3) of one more byte. */
static inline uint32_t ttfs_device_checksum(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (uint8_t bit = 0; bit < 8; ++bit) {
        crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
    }
    return crc;
}

/* Write n parts after a number of 4 bytes that tells of which model they are, and a
 * checksum after them. */
static inline void ttfs_device_save_parts(const ttfs_device_part *parts, uint16_t n,
                                          uint32_t model, uint8_t *state)
{
    uint32_t crc = UINT32_MAX;
    for (uint8_t b = 0; b < 4; ++b, model >>= 8) {
        *state = (uint8_t)model;
        crc = ttfs_device_checksum(crc, *state++);
    }
    for (; n > 0; --n, ++parts) {
        const uint8_t *bytes = parts->data;
        for (uint32_t b = 0; b < parts->n_bytes; ++b) {
            *state = bytes[b];
            crc = ttfs_device_checksum(crc, *state++);
        }
    }
    for (uint8_t b = 0; b < 4; ++b, crc >>= 8) *state++ = (uint8_t)~crc;
}

/* Restore the parts; -1, having done nothing, if they are of another model or do not
 * have their checksum, else 0. */
static inline int ttfs_device_restore_parts(const ttfs_device_part *parts, uint16_t n,
                                            uint32_t model, const uint8_t *state)
{
    uint32_t crc = UINT32_MAX, n_bytes = 4;
    uint8_t differs = 0;
    for (uint16_t p = 0; p < n; ++p) n_bytes += parts[p].n_bytes;
    for (uint32_t b = 0; b < n_bytes; ++b) crc = ttfs_device_checksum(crc, state[b]);
    for (uint8_t b = 0; b < 4; ++b, model >>= 8, crc >>= 8) {
        differs |= state[b] ^ (uint8_t)model;
        differs |= state[n_bytes + b] ^ (uint8_t)~crc;
    }
    if (differs) return -1;
    state += 4;
    for (; n > 0; --n, ++parts) {
        volatile uint8_t *bytes = parts->data; /* no call of memcpy */
        for (uint32_t b = 0; b < parts->n_bytes; ++b) bytes[b] = *state++;
    }
    return 0;
}

#endif /* TTFS_DEVICE_H */
