/* The encoder of raw features of a model in the file MODEL, for firmware.c; FEATURE is
 * their type. */
#include MODEL

typedef FEATURE input_t;

#define N_INPUTS TTFS_MODEL_N_FEATURES

uint16_t encoded[TTFS_MODEL_N_CHANNELS];

static int model_run(input_t *x, int label)
{
    (void)label;
    ttfs_model_encode(x, encoded);
    return encoded[0];
}

#ifndef SIZE_ONLY
static void model_show(void)
{
}

static void model_end(void)
{
}
#endif
