/* Runs an exported model, for tests/support/exported.py.
 *
 * Reads int16 samples: a label, or -1 to infer only, and the ticks of all channels.
 * Writes for each the decision, the ticks that are left, output ticks and membranes; at
 * last, if the model learns, weights and registers. */
#include MODEL

#include <stdio.h>

#ifdef LEARN
static void dump(uint32_t n, const uint16_t *lfsr)
{
    for (uint32_t k = 0; k < n; ++k) printf("%u ", lfsr[k]);
}
#endif

int main(void)
{
    int16_t label;
    uint16_t ticks[TTFS_MODEL_N_CHANNELS];

    while (fread(&label, sizeof label, 1, stdin) == 1) {
        if (fread(ticks, sizeof ticks, 1, stdin) != 1) return 1;
        int decision;
#ifdef LEARN
        if (label >= 0) {
            decision = ttfs_model_learn(ticks, label);
        } else
#endif
        {
            decision = ttfs_model_infer(ticks);
        }
        printf("%d", decision);
        for (int c = 0; c < TTFS_MODEL_N_CHANNELS; ++c) printf(" %u", ticks[c]);
        for (int k = 0; k < TTFS_MODEL_N_CLASSES; ++k) {
            printf(" %u %d", ttfs_model_output_ticks()[k], ttfs_model_output_u()[k]);
        }
        printf("\n");
    }
#ifdef LEARN
    for (int k = 0; k < TTFS_MODEL_N_LAYERS; ++k) {
        const uint32_t n = (uint32_t)layers[k].n_in * layers[k].n_out;
        for (uint32_t i = 0; i < n; ++i) printf("%d ", ttfs_model_weights(k)[i]);
        dump(layers[k].n_out, layers[k].lfsr);
        for (uint32_t i = 0; i < layers[k].n_out; ++i) {
            printf("%d ", layers[k].silence[i]);
        }
        printf("\n");
    }
    dump(1, network.lfsr);
    printf("\n");
#endif
    return 0;
}
