/* No model: what the rest of a program takes. */
#include <stdint.h>

typedef int8_t input_t;

#define N_INPUTS 1

static int model_run(input_t *x, int label)
{
    (void)label;
    return *x;
}
