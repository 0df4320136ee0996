/* A model that emlearn has written to MODEL; INPUT is the type of its features. */
#include MODEL

typedef INPUT input_t;

static int model_run(input_t *x, int label)
{
    (void)label;
    return model_predict(x, N_INPUTS);
}

#ifndef SIZE_ONLY
static void model_show(void)
{
}

static void model_end(void)
{
}
#endif
