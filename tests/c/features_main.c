/* Runs an exported model that takes raw features, for tests/support/raw_features.py.
 *
 * Reads samples of FEATURE, and writes for each its class and the ticks of all
 * channels. Fails with a line on stderr where a self-test fails. */
#include MODEL

#include <stdio.h>

int main(void)
{
    FEATURE x[TTFS_MODEL_N_FEATURES];
    uint16_t ticks[TTFS_MODEL_N_CHANNELS];

    while (fread(x, sizeof x, 1, stdin) == 1) {
        printf("%d", ttfs_model_classify(x));
        ttfs_model_encode(x, ticks);
        for (int c = 0; c < TTFS_MODEL_N_CHANNELS; ++c) printf(" %u", ticks[c]);
        printf("\n");
    }
#ifdef SELF_TEST
    if (ttfs_model_self_test() != 0) {
        fprintf(stderr, "self-test\n");
        return 1;
    }
#endif
    return 0;
}
