/* Runs an exported model, for tests/support/exported.py and bare_metal.py.
 *
 * Reads int16 samples: a label, or -1 to infer only, and the ticks of all channels.
 * Writes for each the decision, the ticks that are left, output ticks and membranes,
 * and the margin, 0 where it learned; at last, if the model learns, weights and
 * registers. Labels below -1 save the state, spoil or restore it, and write nothing.
 * Fails with a line where the ways to infer do not agree. */
#include MODEL

#include "bare/input.h"

enum { SAVE = -2, RESTORE = -3, SPOIL = -4 };

static int fail(const char *why)
{
    machine_write(why);
    machine_write("\n");
    machine_stop();
    return 1;
}

/* Numbers from 0 to n - 1, the same everywhere. */
static uint16_t random_below(uint16_t n)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (uint16_t)((state >> 16) % n);
}

/* The decision by events, those of a tick in any order, late or not, and some of them
 * again. It must come as soon as an output neuron has fired, at the tick `fired`. */
static int by_events(const uint16_t *ticks, uint16_t fired)
{
    int decision = -1;
    ttfs_model_begin();
    for (uint16_t t = 0; t < TTFS_MODEL_N_TICKS; ++t) {
        const uint16_t start = random_below(TTFS_MODEL_N_CHANNELS);
        uint16_t open = 0; /* all ticks before it are over */
        if (random_below(3) == 0) {
            decision = ttfs_model_advance(open = t);
            if ((decision >= 0) != (fired <= t)) return -2;
        }
        for (uint16_t c = 0; c < TTFS_MODEL_N_CHANNELS; ++c) {
            const uint16_t channel = (uint16_t)((start + c) % TTFS_MODEL_N_CHANNELS);
            if (ticks[channel] > t) continue;
            if (ticks[channel] < t && random_below(16) > 0) continue;
            const uint8_t is_late = open == t && random_below(4) == 0;
            decision = ttfs_model_spike(channel,
                                        is_late ? random_below((uint16_t)(t + 1)) : t);
            if ((decision >= 0) != (fired <= t)) return -2;
            open = t;
        }
        if (decision >= 0) return decision;
    }
    return ttfs_model_advance(TTFS_MODEL_N_TICKS);
}

/* The decision, in three ways. */
static int infer(const uint16_t *ticks, uint32_t *margin)
{
    const int decision = ttfs_model_infer(ticks);
    const uint16_t tick = ttfs_model_output_ticks()[decision];
    const int16_t u = ttfs_model_output_u()[decision];
    if (by_events(ticks, tick) != decision) return -1;
    if (ttfs_model_output_ticks()[decision] != tick) return -1;
    if (ttfs_model_output_u()[decision] != u) return -1;
    if (ttfs_model_margin(ticks, margin) != decision) return -1;
    if (ttfs_model_output_ticks()[decision] != tick) return -1;
    return ttfs_model_output_u()[decision] == u ? decision : -1;
}

#ifdef LEARN
static void dump(uint32_t n, const uint16_t *lfsr)
{
    for (uint32_t k = 0; k < n; ++k) write_number(lfsr[k]);
}

static uint8_t state[TTFS_MODEL_STATE_SIZE];

static int keep(int16_t what)
{
    if (what == SAVE) {
        ttfs_model_save(state);
    } else if (what == SPOIL) {
        state[random_below(TTFS_MODEL_STATE_SIZE)] ^= (uint8_t)(1 << random_below(8));
        if (ttfs_model_restore(state) != -1) return fail("a spoiled state");
    } else if (ttfs_model_restore(state) != 0) {
        return fail("no state");
    }
    return 0;
}
#endif

int main(void)
{
    int16_t label;
    uint16_t ticks[TTFS_MODEL_N_CHANNELS];

    machine_start();
#ifdef SELF_TEST
    if (ttfs_model_self_test() != 0) return fail("self-test");
#endif
    while (take(&label, sizeof label)) {
        if (!take(ticks, sizeof ticks)) return fail("no ticks");
        int decision;
        uint32_t margin = 0;
#ifdef LEARN
        if (label < -1) {
            if (keep(label)) return 1;
            continue;
        }
        if (label >= 0) {
            decision = ttfs_model_learn(ticks, label);
        } else
#endif
        {
            decision = infer(ticks, &margin);
            if (decision < 0) return fail("ways to infer differ");
        }
        write_number(decision);
        for (int c = 0; c < TTFS_MODEL_N_CHANNELS; ++c) write_number(ticks[c]);
        for (int k = 0; k < TTFS_MODEL_N_CLASSES; ++k) {
            write_number(ttfs_model_output_ticks()[k]);
            write_number(ttfs_model_output_u()[k]);
        }
        write_digits(margin, 0);
        machine_write("\n");
    }
#ifdef LEARN
    for (int k = 0; k < TTFS_MODEL_N_LAYERS; ++k) {
        const ttfs_model_layer *layer = &ttfs_model_layers[k];
        const uint32_t n = (uint32_t)layer->n_in * layer->n_out;
        for (uint32_t i = 0; i < n; ++i) write_number(ttfs_model_weights(k)[i]);
        dump(layer->n_out, layer->lfsr);
        for (uint32_t i = 0; i < layer->n_out; ++i) write_number(layer->silence[i]);
        machine_write("\n");
    }
    dump(1, ttfs_model_net.lfsr);
    machine_write("\n");
#endif
    machine_stop();
    return 0;
}
