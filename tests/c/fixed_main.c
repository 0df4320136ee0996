/* Learn the golden vectors of golden.h, which tests/support/fixed_header.py writes, and
 * say how many decisions, weights, registers and counts are not as they should be. For
 * computers and for the machines of bare/machine.h, where an int may have 16 bits. */
#include "ttfs_fixed.h"

#include "golden.h"

#include "bare/machine.h"

static uint16_t learn(void)
{
    uint16_t n_wrong = 0;
    for (uint16_t n = 0; n < N_SAMPLES; ++n) {
        uint16_t *ticks = samples + n * N_CHANNELS;
        if (ttfs_fixed_learn(&network, ticks, labels[n], &work) != decisions[n]) {
            ++n_wrong;
        }
    }
    for (uint16_t k = 0; k < network.n_layers; ++k) {
        const ttfs_fixed_layer *layer = &network.layers[k];
        const uint16_t n_weights = (uint16_t)(layer->n_in * layer->n_out);
        for (uint16_t i = 0; i < n_weights; ++i) {
            if (layer->weights[i] != weights_after[k][i]) ++n_wrong;
        }
        for (uint16_t j = 0; j < layer->n_out; ++j) {
            if (layer->lfsr[j] != lfsr_after[k][j]) ++n_wrong;
            if (layer->silence[j] != silence_after[k][j]) ++n_wrong;
        }
    }
    if (*network.lfsr != lfsr_after[network.n_layers][0]) ++n_wrong;
    return n_wrong;
}

int main(void)
{
    machine_start();
    write_number(learn());
    machine_write("wrong\n");
    machine_stop();
    return 0;
}
