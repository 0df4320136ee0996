/* Learn the golden vectors of golden.h, which tests/support/fixed_header.py writes, and
 * say how many decisions, weights, registers and counts are not as they should be. For
 * computers and, by its first serial port, for an AVR, whose int has 16 bits. */
#include "ttfs_fixed.h"

#include "golden.h"

#ifdef __AVR__
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

static void put(char c)
{
    while (!(UCSR0A & (1 << UDRE0))) continue;
    UDR0 = (uint8_t)c;
}

static void finish(void)
{
    while (!(UCSR0A & (1 << TXC0))) continue;
    cli();
    sleep_enable();
    sleep_cpu(); /* without interrupts the simulator ends here */
}
#else
#include <stdio.h>

static void put(char c)
{
    putchar(c);
}
static void finish(void)
{
}
#endif

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
#ifdef __AVR__
    UCSR0B = 1 << TXEN0;
#endif
    uint16_t n_wrong = learn();
    char digits[5];
    uint8_t n = 0;
    do {
        digits[n++] = (char)('0' + n_wrong % 10);
        n_wrong = (uint16_t)(n_wrong / 10);
    } while (n_wrong);
    while (n > 0) put(digits[--n]);
    for (const char *c = " wrong\n"; *c; ++c) put(*c);
    finish();
    return 0;
}
