/* A model that was exported to the file MODEL, for firmware.c. */
#include MODEL

typedef uint16_t input_t;

#define N_INPUTS TTFS_MODEL_N_CHANNELS
#define N_TICKS TTFS_MODEL_N_TICKS
#define N_CLASSES TTFS_MODEL_N_CLASSES

static int answer;

static int model_run(input_t *ticks, int label)
{
#ifdef LEARN
    answer = ttfs_model_learn(ticks, label);
#else
    (void)label;
    answer = ttfs_model_infer(ticks);
#endif
    return answer;
}

#ifndef SIZE_ONLY
/* Ticks of all outputs where learning needs them, else tick and membrane of the one
 * that decides. */
static void model_show(void)
{
#ifdef LEARN
    for (uint16_t k = 0; k < N_CLASSES; ++k) {
        write_number(ttfs_model_output_ticks()[k]);
    }
#else
    write_number(ttfs_model_output_ticks()[answer]);
    write_number(ttfs_model_output_u()[answer]);
#endif
}

/* What was learned: a line of weights for each input of each layer, and one for each
 * layer with its registers and silences. */
static void model_end(void)
{
#ifdef LEARN
    for (uint8_t k = 0; k < TTFS_MODEL_N_LAYERS; ++k) {
        const ttfs_model_layer *layer = &ttfs_model_layers[k];
        uint32_t row = 0;
        for (uint16_t i = 0; i < layer->n_in; ++i, row += layer->stride) {
            for (uint16_t j = 0; j < layer->n_out; ++j) {
                write_number(ttfs_model_weights(k)[row + j]);
            }
            machine_write("\n");
        }
        for (uint16_t j = 0; j < layer->n_out; ++j) write_number(layer->lfsr[j]);
        for (uint16_t j = 0; j < layer->n_out; ++j) write_number(layer->silence[j]);
        machine_write("\n");
    }
    write_number(*ttfs_model_net.lfsr);
    machine_write("\n");
#endif
}
#endif
