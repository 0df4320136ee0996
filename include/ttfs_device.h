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
 * TTFS_DEVICE_LEARN is defined where a network learns, and TTFS_DEVICE_SHIFT where all
 * layers leak by shifts: ttfs_device_shift.h has their neurons.
 *
 * In a window between two ticks with input spikes of a layer, a neuron has, by tables,
 *
 *     u(t0 + d) = decay_mem[d] U + kappa[d] I
 *
 * decay_mem falls, and kappa rises up to its peak and falls after it, so that the ends
 * of a range of d bound u in all of it: ranges that stay below the threshold are
 * skipped as a whole.
 */
#ifndef TTFS_DEVICE_H
#define TTFS_DEVICE_H

#include "ttfs_device_types.h"

/* -- Lists of input spikes ------------------------------------------------------- */

/* Move the last of the n spikes of a list to its place among the others. */
static inline void ttfs_device_settle(ttfs_device_event *events, ttfs_device_index n)
{
    ttfs_device_event *e = events + n - 1;
    const uint16_t tick = e->tick;
    const ttfs_device_row row = e->row;
    /* Members one by one: a structure may be copied by a call of memcpy. */
    for (; e > events; --e) {
        if (e[-1].tick < tick || (e[-1].tick == tick && e[-1].row < row)) break;
        e->tick = e[-1].tick;
        e->row = e[-1].row;
    }
    e->tick = tick;
    e->row = row;
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
static TTFS_DEVICE_FAST void ttfs_device_sort(const ttfs_device_machine *machine,
                                              const uint16_t *ticks, uint16_t stride)
{
    const ttfs_fixed_layer *layer = machine->network->layers;
    const uint16_t n_ticks = machine->network->n_ticks;
    const ttfs_device_index n = (ttfs_device_index)(layer->n_in - layer->n_bias);
    const uint8_t shift = machine->count_shift;
    const ttfs_device_index n_counts = ((ttfs_device_index)(n_ticks - 1) >> shift) + 1;
    uint16_t *counts = machine->counts;
    ttfs_device_event *events = machine->lines->events;
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
    machine->lines->n = at;
}

/* -- Neurons [3] ----------------------------------------------------------------- */

/* A weight, from its accumulator [1]. */
static inline int ttfs_device_rounded(int stored, uint8_t fraction)
{
    return (stored + (int)((1u << fraction) >> 1)) >> fraction;
}

/* I after one more input spike. */
static inline int16_t ttfs_device_jump(const ttfs_fixed_layer *layer, int16_t i0,
                                       ttfs_device_row row, uint16_t j)
{
    const int stored = (layer->weights + j)[row];
    const int w = ttfs_device_rounded(stored, TTFS_DEVICE_FRACTION(layer));
    return ttfs_fixed_saturate(i0 + w * ((int32_t)1 << layer->current_shift));
}

#ifdef TTFS_DEVICE_SHIFT
#include "ttfs_device_shift.h"
#else
/* First d in first ... last with decay_mem[d] U + kappa[d] I >= level, else 0, for I >=
 * 0; the tick before the first is known to have less. */
static TTFS_DEVICE_FAST uint16_t ttfs_device_crossing(const ttfs_fixed_layer *layer,
                                                      uint16_t top,
                                                      const ttfs_device_neuron *p,
                                                      uint16_t first, uint16_t last,
                                                      int32_t level)
{
    ttfs_fixed_const16 *decay = layer->decay_mem, *kappa = layer->kappa;
    const int16_t u0 = p->u, i0 = p->i;
    ttfs_device_index d = first, end;

    /* After the peak of kappa neither part grows. */
    if (u0 >= 0 && last > top) last = top;
    end = (d + last) >> 1; /* callers have looked at the whole range */
    while (d <= last) {
        ttfs_device_index least = d, highest = end;
        if (u0 < 0) {
            least = end;
            if (end > top) highest = d > top ? d : top;
        }
        const int32_t bound = (int32_t)decay[least] * u0 + (int32_t)kappa[highest] * i0;
        if (bound < level) {
            const ttfs_device_index next = end + 1;
            end += 2 * (next - d);
            d = next;
            if (end > last) end = last;
        } else if (d < end) {
            end = (d + end) >> 1;
        } else {
            return (uint16_t)d;
        }
    }
    return 0;
}

/* Neuron p of layer k fires d ticks after its last input spikes; the last one in the
 * list takes its place. */
static TTFS_DEVICE_FAST void ttfs_device_fire(const ttfs_device_machine *machine,
                                              ttfs_device_index k,
                                              ttfs_device_neuron *p, uint16_t d)
{
    const ttfs_fixed_layer *layer = &machine->network->layers[k];
    const ttfs_fixed_state *state = &machine->states[k];
    ttfs_device_line *line = &machine->lines[k], *next = line + 1;
    const ttfs_device_neuron *last = &line->neurons[--line->n_neurons];
    const uint16_t tick = (uint16_t)(line->tick + d), j = p->j;
    const int16_t u = ttfs_fixed_mac(layer->decay_mem[d], p->u, layer->kappa[d], p->i);

    if (state->ticks) state->ticks[j] = tick;
    if (state->u) state->u[j] = u;
#ifdef TTFS_DEVICE_LEARN
    const int16_t i = ttfs_fixed_multiply(layer->decay_syn[d], p->i);
    state->slope[j] = ttfs_fixed_mac(layer->slope_syn, i, layer->slope_mem, u);
#endif
    if (next->events) {
        ttfs_device_insert(next, tick,
                           (ttfs_device_row)((ttfs_device_row)j * next->stride));
    } else {
        ++next->n;
    }
    p->u = last->u;
    p->i = last->i;
    p->j = last->j;
}

/* Let the neurons of layer k go on from `seen` to the tick `until`: some fire, and the
 * others get their U and I of this tick. With `is_first` it is enough to find the first
 * spikes of output neurons. */
static TTFS_DEVICE_FAST void ttfs_device_move(const ttfs_device_machine *machine,
                                              ttfs_device_index k, uint16_t until,
                                              uint8_t is_first)
{
    const ttfs_fixed_layer *layer = &machine->network->layers[k];
    ttfs_device_line *line = &machine->lines[k];
    const uint16_t top = machine->bounds[k].kappa_peak;
    const uint16_t gap = (uint16_t)(until - line->tick);
    const uint16_t first = (uint16_t)(line->seen + 1 - line->tick);
    const uint16_t peak = gap <= top ? gap : first > top ? first : top;
    const int16_t decay = layer->decay_mem[gap], kappa = layer->kappa[gap];
    const int16_t decay_syn = layer->decay_syn[gap], highest = layer->kappa[peak];
    const int32_t level = (int32_t)layer->threshold * 32768;
    ttfs_device_neuron *p = line->neurons;
    const ttfs_device_neuron *stays = 0; /* known not to fire */
    uint16_t last = gap;

    for (;;) {
        const ttfs_device_neuron *end = line->neurons + line->n_neurons;
        for (; p < end; ++p) {
            const int16_t u0 = p->u, i0 = p->i;
            const int32_t leaked = (int32_t)decay * u0, risen = (int32_t)kappa * i0;
            int32_t u = leaked + risen;
            /* u grows by positive currents only. */
            if (i0 > 0 && p != stays) {
                const int32_t most = peak == gap ? risen : (int32_t)highest * i0;
                if ((u0 > 0 ? (int32_t)u0 * 32768 : leaked) + most >= level) break;
            }
            u >>= 15;
            if (u < INT16_MIN) u = INT16_MIN; /* below the threshold, it is not high */
            p->u = (int16_t)u;
            p->i = ttfs_fixed_multiply(decay_syn, i0);
        }
        if (p == end) break;
        const uint16_t d = ttfs_device_crossing(layer, top, p, first, last, level);
        stays = p;
        if (d > 0) {
            ttfs_device_fire(machine, k, p, d);
            if (is_first && !line[1].events) last = d;
            stays = 0;
        }
    }
    line->tick = line->seen = until;
}

/* The same where the next input spikes may come later than `until`: U and I stay. */
static inline void ttfs_device_look(const ttfs_device_machine *machine,
                                    ttfs_device_index k, uint16_t until)
{
    const ttfs_fixed_layer *layer = &machine->network->layers[k];
    ttfs_device_line *line = &machine->lines[k];
    const uint16_t top = machine->bounds[k].kappa_peak;
    const uint16_t last = (uint16_t)(until - line->tick);
    const uint16_t first = (uint16_t)(line->seen + 1 - line->tick);
    const int32_t level = (int32_t)layer->threshold * 32768;

    for (uint16_t n = 0; n < line->n_neurons;) {
        ttfs_device_neuron *p = &line->neurons[n];
        const uint16_t d =
            p->i <= 0 ? 0 : ttfs_device_crossing(layer, top, p, first, last, level);
        if (d > 0) {
            ttfs_device_fire(machine, k, p, d);
        } else {
            ++n;
        }
    }
    line->seen = until;
}

/* Let the next n spikes in the list of layer k act, which are of one tick. */
static TTFS_DEVICE_FAST void ttfs_device_act(const ttfs_device_machine *machine,
                                             ttfs_device_index k, uint16_t n)
{
    const ttfs_fixed_layer *layer = &machine->network->layers[k];
    ttfs_device_line *line = &machine->lines[k];
    const ttfs_device_event *begin = line->events + line->n_done, *stop = begin + n;
    ttfs_device_neuron *p = line->neurons, *end = p + line->n_neurons;
    const uint8_t shift = layer->current_shift;
    const uint8_t fraction = TTFS_DEVICE_FRACTION(layer);
    /* Currents within -room ... room cannot saturate, whatever the weights. */
    const uint32_t most = (uint32_t)n * machine->bounds[k].max_weight;
    const uint8_t is_safe = most <= (uint32_t)INT16_MAX >> shift;
    const int32_t room = is_safe ? INT16_MAX - (int32_t)(most << shift) : INT32_MAX / 2;
    const uint32_t width = is_safe ? (uint32_t)(2 * room) : 0;

    for (; p < end; ++p) {
        const ttfs_device_event *e = begin;
        int16_t i0 = p->i;
        if ((uint32_t)(i0 + room) <= width) {
            const ttfs_fixed_weight *weights = layer->weights + p->j;
            int sum = 0;
            do sum += ttfs_device_rounded(weights[e->row], fraction);
            while (++e < stop);
            p->i = (int16_t)(i0 + sum * (1 << shift));
        } else {
            do i0 = ttfs_device_jump(layer, i0, e->row, p->j);
            while (++e < stop);
            p->i = i0;
        }
    }
    line->n_done = (uint16_t)(line->n_done + n);
}

/* The greatest u of neuron j of layer k, which was silent in the whole sample. */
static inline int16_t ttfs_device_peak(const ttfs_device_machine *machine,
                                       ttfs_device_index k, uint16_t j)
{
    const ttfs_fixed_layer *layer = &machine->network->layers[k];
    const ttfs_device_line *line = &machine->lines[k];
    const ttfs_device_event *e = line->events, *stop = e + line->n;
    const uint16_t last = (uint16_t)(machine->network->n_ticks - 1);
    const uint16_t top = machine->bounds[k].kappa_peak;
    ttfs_device_neuron p = {0, 0, j};
    int16_t peak = INT16_MIN;

    while (e < stop) {
        const uint16_t t0 = e->tick;
        do p.i = ttfs_device_jump(layer, p.i, e->row, j);
        while (++e < stop && e->tick == t0);
        const uint16_t gap = (uint16_t)((e < stop ? e->tick : last) - t0);
        uint16_t d = p.i < 0 || gap <= top ? gap : top;
        while (d > 0) {
            const int16_t u =
                ttfs_fixed_mac(layer->decay_mem[d], p.u, layer->kappa[d], p.i);
            const int32_t more = ((int32_t)(u > peak ? u : peak) + 1) * 32768;
            if (u > peak) peak = u;
            d = p.i < 0 ? (uint16_t)(d - 1)
                        : ttfs_device_crossing(layer, top, &p, 1, gap, more);
        }
        p.u = ttfs_fixed_mac(layer->decay_mem[gap], p.u, layer->kappa[gap], p.i);
        p.i = ttfs_fixed_multiply(layer->decay_syn[gap], p.i);
    }
    return peak;
}

/* Let all layers go on: spikes of the input channels before the tick `before` are in
 * the list of the first layer. Then find what neurons do up to the tick `until`; if it
 * is 0, what matters for the spikes that are known. Ends early once `wanted` output
 * neurons have fired, and tells so. */
static inline uint8_t ttfs_device_run(const ttfs_device_machine *machine,
                                      uint16_t before, uint16_t until, uint16_t wanted)
{
    const ttfs_fixed_network *network = machine->network;
    const ttfs_device_line *outputs = &machine->lines[network->n_layers];
    const uint8_t is_first = wanted == 1;

    for (ttfs_device_index k = 0; k < network->n_layers; ++k) {
        ttfs_device_line *line = &machine->lines[k];
        while (line->next_bias < before) {
            ttfs_device_add_biases(&network->layers[k], line, network->n_ticks);
        }
        for (;;) {
            const ttfs_device_event *e = line->events + line->n_done;
            const uint16_t left = (uint16_t)(line->n - line->n_done);
            if (left > 0 && e->tick < before) {
                uint16_t n = 1;
                while (n < left && e[n].tick == e->tick) ++n;
                if (line->n_done == 0) {
                    line->tick = line->seen = e->tick; /* U and I are 0 */
                } else {
                    ttfs_device_move(machine, k, e->tick, is_first);
                    if (outputs->n >= wanted) return 1;
                }
                ttfs_device_act(machine, k, n);
            } else if (until > line->seen) {
                ttfs_device_look(machine, k, until);
                if (outputs->n >= wanted) return 1;
            } else {
                break;
            }
        }
        before = (uint16_t)(line->seen + 1);
    }
    return 0;
}

/* Let time go on to a tick: all spikes of the input channels before it are in the list
 * of the first layer. Ends early once `wanted` output neurons have fired. */
static inline void ttfs_device_continue(const ttfs_device_machine *machine,
                                        uint16_t until, uint16_t wanted)
{
    ttfs_device_run(machine, until, until, wanted);
}

/* The sample whose input spikes are in the list of the first layer, until `wanted`
 * output neurons have fired. */
static inline void ttfs_device_forward(const ttfs_device_machine *machine,
                                       uint16_t wanted)
{
    const ttfs_device_line *first = machine->lines;
    const uint16_t n_ticks = machine->network->n_ticks;

    while (first->n_done < first->n) {
        const uint16_t before = (uint16_t)(first->events[first->n_done].tick + 1);
        if (ttfs_device_run(machine, before, 0, wanted)) return;
    }
    ttfs_device_continue(machine, (uint16_t)(n_ticks - 1), wanted);
}

#endif

/* -- One sample ------------------------------------------------------------------ */

/* Make ready for a sample. */
static inline void ttfs_device_start(const ttfs_device_machine *machine)
{
    const ttfs_fixed_network *network = machine->network;
    const uint16_t n_ticks = network->n_ticks;
    ttfs_device_line *line = machine->lines;

    for (ttfs_device_index k = 0; k < network->n_layers; ++k, ++line) {
        const ttfs_fixed_state *state = &machine->states[k];
        line->n = line->n_done = line->tick = line->seen = 0;
        line->next_bias = ttfs_device_next_bias(&network->layers[k], 0, n_ticks);
        for (uint16_t j = 0; state->ticks && j < network->layers[k].n_out; ++j) {
            state->ticks[j] = n_ticks;
        }
#ifdef TTFS_DEVICE_SHIFT
        /* volatile: a loop that only clears may become a call of memset. */
        volatile int16_t *u = line->u;
        for (uint16_t j = 0; j < 2 * line->stride; ++j) u[j] = 0;
#else
        line->n_neurons = network->layers[k].n_out;
        for (uint16_t j = 0; j < line->n_neurons; ++j) {
            ttfs_device_neuron *p = &line->neurons[j];
            p->u = p->i = 0;
            p->j = j;
        }
#endif
    }
    line->n = 0;
}

/* The output neuron that decides. With `is_whole` silent ones have the greatest u
 * afterwards; it is needed anyway where all are. */
static inline uint16_t ttfs_device_decision(const ttfs_device_machine *machine,
                                            uint8_t is_whole)
{
    const ttfs_device_index last = (ttfs_device_index)(machine->network->n_layers - 1);
    const ttfs_fixed_state *state = &machine->states[last];
    const uint16_t n = machine->network->layers[last].n_out;

    if (is_whole || machine->lines[last + 1].n == 0) {
        for (ttfs_device_index j = 0; j < n; ++j) {
            if (state->ticks[j] == machine->network->n_ticks) {
                state->u[j] = ttfs_device_peak(machine, last, (uint16_t)j);
            }
        }
    }
    return (uint16_t)ttfs_fixed_decide(state, n);
}

/* The class of a sample.
 * ticks      (n_in - n_bias of the first layer,) of the input channels. */
static inline uint16_t ttfs_device_class(const ttfs_device_machine *machine,
                                         const uint16_t *ticks)
{
    ttfs_device_start(machine);
    ttfs_device_sort(machine, ticks, machine->network->layers->stride);
    ttfs_device_forward(machine, 1);
    return ttfs_device_decision(machine, 0);
}

/* The same, and by how many ticks the next output neuron comes later: times are those
 * of the loss [5]. All that output neurons do is known afterwards. */
static inline uint16_t ttfs_device_class_and_margin(const ttfs_device_machine *machine,
                                                    const uint16_t *ticks,
                                                    uint32_t *margin)
{
    const ttfs_fixed_network *network = machine->network;
    const ttfs_device_index last = (ttfs_device_index)(network->n_layers - 1);
    const ttfs_fixed_layer *layer = &network->layers[last];
    const ttfs_fixed_state *state = &machine->states[last];

    ttfs_device_start(machine);
    ttfs_device_sort(machine, ticks, network->layers->stride);
    ttfs_device_forward(machine, layer->n_out);
    const uint16_t decision = ttfs_device_decision(machine, 1);
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

/* Make ready for a sample that comes spike by spike. */
static inline void ttfs_device_open(const ttfs_device_machine *machine)
{
    const ttfs_fixed_layer *layer = machine->network->layers;
    const ttfs_device_index n = (ttfs_device_index)(layer->n_in - layer->n_bias);
    volatile uint16_t *has_spiked = machine->counts; /* no call of memset */

    ttfs_device_start(machine);
    for (ttfs_device_index w = 0; w < (n + 15) >> 4; ++w) has_spiked[w] = 0;
}

/* Add a spike of an input channel to such a sample, in which no output neuron has
 * fired. A channel spikes once, so that the list of spikes has room for all channels
 * and biases. A spike that comes late acts at the first tick that is still open. In the
 * last tick none has an effect, and none is added to a sample that is over. */
static inline void ttfs_device_add_spike(const ttfs_device_machine *machine,
                                         uint16_t channel, uint16_t tick)
{
    const uint16_t bit = (uint16_t)(1u << (channel & 15));
    uint16_t *has_spiked = &machine->counts[channel >> 4];
    ttfs_device_line *line = machine->lines;

    if (tick < line->seen) tick = line->seen;
    if (tick >= (uint16_t)(machine->network->n_ticks - 1) || *has_spiked & bit) return;
    *has_spiked |= bit;
    ttfs_device_insert(line, tick,
                       (ttfs_device_row)((ttfs_device_row)channel * line->stride));
}

/* Let time go on to a tick: all spikes before it have been added. The output neuron
 * that decides, if one has fired up to this tick, else -1; at n_ticks there is one. */
static inline int32_t ttfs_device_advance_to(const ttfs_device_machine *machine,
                                             uint16_t tick)
{
    const ttfs_fixed_network *network = machine->network;
    const uint8_t is_end = tick >= network->n_ticks;

    if (machine->lines[network->n_layers].n == 0) {
        ttfs_device_continue(machine, is_end ? (uint16_t)(network->n_ticks - 1) : tick,
                             1);
    }
    if (machine->lines[network->n_layers].n == 0 && !is_end) return -1;
    return ttfs_device_decision(machine, 0);
}

#endif /* TTFS_DEVICE_H */
