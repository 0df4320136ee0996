/* A network of two dense layers in int8, with scales that are powers of two; one that
 * SKIPS_ZEROS has its weights input by input, the other one neuron by neuron. MODEL
 * defines N_INPUTS, N_HIDDEN, N_CLASSES, SHIFT, weights and biases. */
#include <stdint.h>

typedef int8_t input_t;

#include MODEL

static void dense(const int8_t *x, int n, const MACHINE_FLASH int8_t *weights,
                  const MACHINE_FLASH int32_t *biases, int m, int32_t *sums)
{
#ifdef SKIPS_ZEROS
    for (int j = 0; j < m; ++j) sums[j] = biases[j];
    for (int i = 0; i < n; ++i, weights += m) {
        const int32_t factor = x[i];
        if (factor == 0) continue;
        for (int j = 0; j < m; ++j) sums[j] += weights[j] * factor;
    }
#else
    for (int j = 0; j < m; ++j) {
        int32_t sum = biases[j];
        for (int i = 0; i < n; ++i) sum += *weights++ * x[i];
        sums[j] = sum;
    }
#endif
}

static int32_t sums[N_HIDDEN > N_CLASSES ? N_HIDDEN : N_CLASSES];
static int8_t hidden[N_HIDDEN];

static int model_run(input_t *x, int label)
{
    int best = 0;
    (void)label;
    dense(x, N_INPUTS, weights_1, biases_1, N_HIDDEN, sums);
    for (int j = 0; j < N_HIDDEN; ++j) {
        const int32_t value = sums[j] < 0 ? 0 : sums[j] >> SHIFT;
        hidden[j] = (int8_t)(value > 127 ? 127 : value);
    }
    dense(hidden, N_HIDDEN, weights_2, biases_2, N_CLASSES, sums);
    for (int j = 1; j < N_CLASSES; ++j) {
        if (sums[j] > sums[best]) best = j;
    }
    return best;
}

#ifndef SIZE_ONLY
static void model_show(void)
{
}

static void model_end(void)
{
}
#endif
