/* Runs a model on samples and writes a line of numbers for each: the answer, and what
 * the model adds. For tests/support/bare_metal.py.
 *
 * ADAPTER is a header that defines the model:
 *   input_t, N_INPUTS                what a sample is
 *   int model_run(input_t *, int)    the answer to a sample, which may have a label
 *   void model_show(void)            writes what else there is of this answer
 *   void model_end(void)             writes what there is at the end
 *   N_TICKS, N_CLASSES               for random samples only: one more than their
 *                                    greatest number, and than the greatest label
 * SAMPLES is a header with `samples` and `labels`, in flash; without it samples are
 * random. N_SAMPLES is their number. The last line is "stack N", the bytes of stack
 * that model_run needed, and, where the machine has a timer, "cycles N", the sum.
 * With SIZE_ONLY the program does nothing but call the model, to be measured. */
#include "machine.h"

#include ADAPTER

static input_t input[N_INPUTS];

#ifdef SIZE_ONLY
volatile input_t source;
volatile int sink;

int main(void)
{
    for (;;) {
        for (uint16_t i = 0; i < N_INPUTS; ++i) input[i] = source;
        sink = model_run(input, sink);
    }
}

#else

#ifdef SAMPLES
#include SAMPLES

static int take(uint16_t n)
{
    for (uint16_t i = 0; i < N_INPUTS; ++i) {
        input[i] = samples[(uint32_t)n * N_INPUTS + i];
    }
    return labels[n];
}

#else

/* A number of 16 bits for each n. */
static uint16_t scramble(uint32_t n)
{
    n = (n + 1) * 0x9E3779B1u;
    n ^= n >> 15;
    n *= 0x85EBCA77u;
    n ^= n >> 13;
    n *= 0xC2B2AE3Du;
    return (uint16_t)(n >> 16);
}

/* Samples differ in the share of inputs without a number, and in the range of the rest;
 * some numbers are too great to be ticks. */
static int take(uint16_t n)
{
    const uint32_t first = (uint32_t)n * (N_INPUTS + 2);
    const uint16_t kind = scramble(first);
    const uint32_t range = (uint32_t)(N_TICKS + 20) >> (kind & 3);
    for (uint16_t i = 0; i < N_INPUTS; ++i) {
        const uint16_t x = scramble(first + 2 + i);
        const uint8_t is_absent = (x & 15) < (kind >> 4 & 15);
        input[i] = is_absent ? N_TICKS : (input_t)(x * range >> 16);
    }
    return (int)((uint32_t)scramble(first + 1) * N_CLASSES >> 16);
}
#endif

#define PAINT 0xA5

static __attribute__((noinline)) int run(int label)
{
    return model_run(input, label);
}

int main(void)
{
#ifdef MACHINE_IS_BARE
    uint16_t depth = 0;
#endif
#ifdef MACHINE_HAS_TIMER
    uint32_t cycles = 0;
#endif
    machine_start();
    for (uint16_t n = 0; n < N_SAMPLES; ++n) {
        const int label = take(n);
#ifdef MACHINE_IS_BARE
        volatile uint8_t *const limit = machine_stack_limit();
        volatile uint8_t *const top = machine_stack();
        for (volatile uint8_t *p = limit; p < top; ++p) *p = PAINT;
#endif
        machine_begin();
        const int answer = run(label);
        const uint16_t time = machine_end();
#ifdef MACHINE_IS_BARE
        volatile uint8_t *low = limit;
        while (low < top && *low == PAINT) ++low;
        const uint16_t used = (uint16_t)(top - low);
        if (used > depth) depth = used;
#endif
#ifdef MACHINE_HAS_TIMER
        cycles += (TIFR1 & 1 << TOV1) ? UINT32_C(0x10000) : time;
#else
        (void)time;
#endif
        write_number(answer);
        model_show();
        machine_write("\n");
    }
    model_end();
#ifdef MACHINE_IS_BARE
    machine_write("stack ");
    write_number(depth);
    machine_write("\n");
#endif
#ifdef MACHINE_HAS_TIMER
    machine_write("cycles ");
    write_number((int32_t)(cycles << 8));
    machine_write("\n");
#endif
    machine_stop();
    return 0;
}
#endif
