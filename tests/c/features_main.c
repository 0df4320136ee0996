/* Runs an exported model that takes raw features, for tests/support/raw_features.py.
 *
 * Reads samples of FEATURE, and writes for each its class and the ticks of all
 * channels. Fails with a line where a self-test fails. */
#include MODEL

#include "bare/input.h"

int main(void)
{
    FEATURE x[TTFS_MODEL_N_FEATURES];
    uint16_t ticks[TTFS_MODEL_N_CHANNELS];
    int is_wrong = 0;

    machine_start();
    while (take(x, sizeof x)) {
        write_number(ttfs_model_classify(x));
        ttfs_model_encode(x, ticks);
        for (int c = 0; c < TTFS_MODEL_N_CHANNELS; ++c) write_number(ticks[c]);
        machine_write("\n");
    }
#ifdef SELF_TEST
    is_wrong = ttfs_model_self_test() != 0;
    if (is_wrong) machine_write("self-test\n");
#endif
    machine_stop();
    return is_wrong;
}
