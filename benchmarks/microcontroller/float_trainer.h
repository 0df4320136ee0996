/* A step of stochastic gradient descent of a network of two dense layers in float32:
 * ReLU, softmax and cross-entropy. MODEL defines N_INPUTS, N_HIDDEN, N_CLASSES, and
 * weights and biases, which change. */
#include <math.h>
#include <stdint.h>

typedef float input_t;

#include MODEL

#define RATE 0.01f

static float hidden[N_HIDDEN], output[N_CLASSES], error[N_HIDDEN];

static void forward(const float *x, int n, const float *weights, const float *biases,
                    int m, float *y)
{
    for (int j = 0; j < m; ++j) y[j] = biases[j];
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < m; ++j) y[j] += *weights++ * x[i];
    }
}

static void update(const float *x, int n, float *weights, float *biases, int m,
                   const float *gradient)
{
    for (int j = 0; j < m; ++j) biases[j] -= RATE * gradient[j];
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < m; ++j) *weights++ -= RATE * gradient[j] * x[i];
    }
}

static int model_run(input_t *x, int label)
{
    int best = 0;
    float sum = 0;
    forward(x, N_INPUTS, weights_1, biases_1, N_HIDDEN, hidden);
    for (int j = 0; j < N_HIDDEN; ++j) {
        if (hidden[j] < 0) hidden[j] = 0;
    }
    forward(hidden, N_HIDDEN, weights_2, biases_2, N_CLASSES, output);
    for (int k = 1; k < N_CLASSES; ++k) {
        if (output[k] > output[best]) best = k;
    }
    const float greatest = output[best];
    for (int k = 0; k < N_CLASSES; ++k) {
        output[k] = expf(output[k] - greatest);
        sum += output[k];
    }
    for (int k = 0; k < N_CLASSES; ++k) output[k] = output[k] / sum - (k == label);
    for (int j = 0; j < N_HIDDEN; ++j) {
        error[j] = 0;
        if (hidden[j] == 0) continue;
        for (int k = 0; k < N_CLASSES; ++k) {
            error[j] += weights_2[j * N_CLASSES + k] * output[k];
        }
    }
    update(hidden, N_HIDDEN, weights_2, biases_2, N_CLASSES, output);
    update(x, N_INPUTS, weights_1, biases_1, N_HIDDEN, error);
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
