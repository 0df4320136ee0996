/* ttfs_device_shift: the shift kernel of ttfs_device.h, which includes this header
 * where TTFS_DEVICE_SHIFT is defined.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * INTRODUCTION
 *
 * All layers go through time together, tick by tick: the rows of weights of a tick's
 * input spikes are added to the currents of a layer, then all its neurons step. That
 * takes adds and shifts; products only find rows of weights, one for each hidden neuron
 * that fires, each tick with biases, and each input spike that comes by itself.
 */
#ifndef TTFS_DEVICE_SHIFT_H
#define TTFS_DEVICE_SHIFT_H

#ifndef TTFS_DEVICE_SYN_SHIFT
#define TTFS_DEVICE_SYN_SHIFT(layer) ((layer)->syn_shift)
#endif
#ifndef TTFS_DEVICE_MEM_SHIFT
#define TTFS_DEVICE_MEM_SHIFT(layer) ((layer)->mem_shift)
#endif

/* Sums in lanes want words: rows of bytes that begin at words, as the exporter says by
 * TTFS_DEVICE_WORDS, the first byte of a word lowest, and registers that hold one. */
#if defined(TTFS_DEVICE_WORDS) && defined(__GNUC__) && UINTPTR_MAX > 0xFFFF &&         \
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TTFS_DEVICE_LANES
#endif

/* Membranes and currents, in the width of a register. */
typedef int_fast16_t ttfs_device_fx16;

/* -- Input spikes ---------------------------------------------------------------- */

#ifdef TTFS_DEVICE_LANES
#define TTFS_DEVICE_PAIR(x) ((uint32_t)(x) | (uint32_t)(x) << 16)

/* A word of what has another type: four bytes, or two lanes. */
typedef uint32_t __attribute__((may_alias)) ttfs_device_word;

/* Add the weights of the input spikes begin ... end - 1, of one tick and at most as
 * many as `burst`, to the currents of all neurons, four at once.
 *
 * A word holds the weights of four neurons. Two words sum those of the even and of the
 * odd ones, in lanes of 16 bits and without signs, as w + 128; and currents are added
 * to by pairs, as I + 2^15. No lane may carry into the next, so nothing may saturate:
 * that is so for currents -2^14 ... 2^14 - 1, which a burst cannot move by more than
 * 2^14. Where one of four is beyond, they take one input spike after the other. */
static TTFS_DEVICE_FAST void ttfs_device_add_lanes(const ttfs_fixed_layer *layer,
                                                   const ttfs_device_event *begin,
                                                   const ttfs_device_event *end,
                                                   int16_t *current)
{
    const uint32_t sign = TTFS_DEVICE_PAIR(0x8000), quarter = TTFS_DEVICE_PAIR(0x4000);
    const uint8_t shift = layer->current_shift;
    const uint32_t zero = TTFS_DEVICE_PAIR((uint32_t)(end - begin) << 7) << shift;
    const uint8_t *column = (const uint8_t *)layer->weights;
    ttfs_device_word *pairs = (ttfs_device_word *)(void *)current;
    const ttfs_device_word *stop = pairs + (layer->stride >> 1);

    for (; pairs < stop; pairs += 2, column += 4) {
        const ttfs_device_event *e = begin;
        uint32_t even = 0, odd = 0; /* of neurons 0 and 2, of 1 and 3 */
        do {
            const void *row = column + e->row;
            const uint32_t w =
                *(const ttfs_device_word *)row ^ TTFS_DEVICE_PAIR(0x8080);
            even += w & TTFS_DEVICE_PAIR(0xFF);
            odd += w >> 8; /* and 2^8 times neuron 2 */
        } while (++e < end);
        const uint32_t a = pairs[0] ^ sign, b = pairs[1] ^ sign;
        if (((a + quarter) & (b + quarter) & sign) == sign) {
            odd -= even >> 16 << 8;
            const uint32_t low = (even & 0xFFFF) + (odd << 16);
            const uint32_t high = (even >> 16) + odd - (odd & 0xFFFF);
            pairs[0] = (a + (low << shift) - zero) ^ sign;
            pairs[1] = (b + (high << shift) - zero) ^ sign;
        } else {
            uint16_t j = (uint16_t)(column - (const uint8_t *)layer->weights);
            for (uint8_t lane = 0; lane < 4; ++lane, ++j) {
                e = begin;
                do current[j] = ttfs_device_jump(layer, current[j], e->row, j);
                while (++e < end);
            }
        }
    }
}
#endif

/* Add the weights of the input spikes begin ... end - 1, which are of one tick, to the
 * currents of layer k. Those of neurons that have fired do not matter. */
static inline void ttfs_device_add_rows(const ttfs_device_machine *machine,
                                        ttfs_device_index k,
                                        const ttfs_device_event *begin,
                                        const ttfs_device_event *end)
{
    const ttfs_fixed_layer *layer = &machine->network->layers[k];
    const ttfs_device_bound *bound = &machine->bounds[k];
    int16_t *u = machine->lines[k].u, *current = u + layer->stride;

#ifdef TTFS_DEVICE_LANES
    do {
        const ttfs_device_event *stop = end;
        if (end - begin > bound->burst) stop = begin + bound->burst;
        ttfs_device_add_lanes(layer, begin, stop, current);
        begin = stop;
    } while (begin < end);
#else
    /* Currents up to this magnitude cannot saturate, whatever the weights. */
    const int32_t most = (int32_t)bound->max_weight << layer->current_shift;
    const ttfs_device_event *last = begin;
    int32_t room = INT16_MAX;
    do room -= most;
    while (++last < end && room >= 0);

    for (uint16_t j = 0; j < layer->n_out; ++j) {
        const ttfs_fixed_weight *weights = layer->weights + j;
        const ttfs_device_event *e = begin;
        int16_t i = current[j];
        if (u[j] >= layer->threshold) continue;
        if (i <= room && i >= -room) {
            int sum = 0;
            do sum += ttfs_device_rounded(weights[e->row], TTFS_DEVICE_FRACTION(layer));
            while (++e < end);
            /* Not by a product, which -Os may leave one. */
            i = (int16_t)(i + (int)((unsigned)sum << layer->current_shift));
        } else {
            do i = ttfs_device_jump(layer, i, e->row, j);
            while (++e < end);
        }
        current[j] = i;
    }
#endif
}

/* -- Neurons [3b] ---------------------------------------------------------------- */

/* Let the neurons from `u` up to `end` step, until one of them fires; their currents
 * are `behind` elements behind. Neurons that have fired have u at the threshold or
 * above. Returns the one that fires, or `end`. */
static TTFS_DEVICE_FAST int16_t *ttfs_device_step_neurons(const ttfs_fixed_layer *layer,
                                                          int16_t *u,
                                                          const int16_t *end,
                                                          intptr_t behind)
{
    const uint8_t s = TTFS_DEVICE_SYN_SHIFT(layer), m = TTFS_DEVICE_MEM_SHIFT(layer);
    const ttfs_device_fx16 threshold = layer->threshold;

    do {
        ttfs_device_fx16 next = *u;
        if (next >= threshold) continue;
        const ttfs_device_fx16 i = u[behind], moved = i >> s;
        u[behind] = (int16_t)(i - moved);
        if (m > 0) next -= next >> m;
        /* It saturates only where u leaks by less than the current moves. */
        next = m > 0 && m <= s ? next + moved
                               : ttfs_fixed_saturate((int32_t)next + (int32_t)moved);
        *u = (int16_t)next;
        if (next >= threshold) break;
    } while (++u < end);
    return u;
}

/* Tick t of layer k, whose input spikes up to t are in its list. Neurons that fire at
 * t + 1 have their tick and u, and add to the next list. */
static inline void ttfs_device_tick(const ttfs_device_machine *machine,
                                    ttfs_device_index k, uint16_t t)
{
    const ttfs_fixed_layer *layer = &machine->network->layers[k];
    const ttfs_fixed_state *state = &machine->states[k];
    ttfs_device_line *line = &machine->lines[k], *next = line + 1;

    if (line->next_bias == t) {
        ttfs_device_add_biases(layer, line, machine->network->n_ticks);
    }
    const ttfs_device_event *begin = line->events + line->n_done, *e = begin;
    const ttfs_device_event *stop = line->events + line->n;
    while (e < stop && e->tick == t) ++e;
    if (e > begin) {
        ttfs_device_add_rows(machine, k, begin, e);
        line->n_done = (uint16_t)(e - line->events);
    }
    if (line->n_done == 0) return;

    int16_t *u = line->u, *const end = u + layer->n_out;
    for (; u < end; ++u) {
        u = ttfs_device_step_neurons(layer, u, end, (intptr_t)layer->stride);
        if (u == end) break;
        const uint16_t j = (uint16_t)(u - line->u);
        if (state->ticks) state->ticks[j] = (uint16_t)(t + 1);
        if (state->u) state->u[j] = *u;
#ifdef TTFS_DEVICE_LEARN
        state->slope[j] =
            ttfs_fixed_mac(layer->slope_syn, u[layer->stride], layer->slope_mem, *u);
#endif
        if (next->events) {
            ttfs_device_insert(next, (uint16_t)(t + 1),
                               (ttfs_device_row)((ttfs_device_row)j * next->stride));
        } else {
            ++next->n;
        }
    }
}

/* The greatest u of neuron j of layer k, which was silent in the whole sample. */
static inline int16_t ttfs_device_peak(const ttfs_device_machine *machine,
                                       ttfs_device_index k, uint16_t j)
{
    const ttfs_fixed_layer *layer = &machine->network->layers[k];
    const ttfs_device_line *line = &machine->lines[k];
    const ttfs_device_event *e = line->events, *stop = e + line->n;
    const uint16_t last = (uint16_t)(machine->network->n_ticks - 1);
    int16_t u[2] = {0, 0}, peak = INT16_MIN; /* and I */

    for (uint16_t t = e < stop ? e->tick : last; t < last; ++t) {
        for (; e < stop && e->tick == t; ++e) {
            u[1] = ttfs_device_jump(layer, u[1], e->row, j);
        }
        ttfs_device_step_neurons(layer, u, u + 1, 1);
        if (*u > peak) peak = *u;
    }
    return peak;
}

/* -- All layers ------------------------------------------------------------------ */

/* Let time go on to a tick: all spikes of the input channels before it are in the list
 * of the first layer. Ends early once `wanted` output neurons have fired. */
static inline void ttfs_device_continue(const ttfs_device_machine *machine,
                                        uint16_t until, uint16_t wanted)
{
    const ttfs_fixed_network *network = machine->network;
    const ttfs_device_line *outputs = &machine->lines[network->n_layers];
    uint16_t *now = &machine->lines->seen;

    for (; *now < until && outputs->n < wanted; ++*now) {
        /* From the last layer to the first: what fires in a tick acts in the next. */
        for (ttfs_device_index k = network->n_layers; k-- > 0;) {
            ttfs_device_tick(machine, k, *now);
        }
    }
}

/* The sample whose input spikes are in the list of the first layer, until `wanted`
 * output neurons have fired. */
static inline void ttfs_device_forward(const ttfs_device_machine *machine,
                                       uint16_t wanted)
{
    ttfs_device_continue(machine, (uint16_t)(machine->network->n_ticks - 1), wanted);
}

#endif /* TTFS_DEVICE_SHIFT_H */
