/* The kinds of layers. All that a network asks of a layer, in inference and in
 * training, is a member of the table of its kind; kinds.h lists the tables. Another
 * kind may come from another library that is built from these files, see
 * tests/c/banded.c. */
#ifndef TTFS_REAL_LAYER_KIND_H
#define TTFS_REAL_LAYER_KIND_H

#include "real/layer/events.h"
#include "real/layer/panel.h"

typedef struct work work_t;     /* training/plan.h */
typedef struct update update_t; /* training/step.h */

typedef TYPE(layer_functions) layer_kind_t;
struct TYPE(layer_functions) {
    /* Does each input have a delay, which shifts its spikes? layer->delays is (n_in,).
     */
    int shifts_inputs;
    /* Does each synapse have a delay? layer->delays is packed as the weights. */
    int shifts_synapses;

    /* Reals of workspace that first_spikes(), peaks() and grad_inputs() need for a list
     * of n events. */
    size_t (*workspace_size)(const TYPE(layer) * layer, size_t n);

    /* Complete a list of events as the other functions need it. */
    void (*prepare)(events_t *e, const neuron_t *p, real t_max);

    /* First spikes in n samples, and unless NULL the slopes of the membrane there:
     * (n, n_out) each. */
    void (*first_spikes)(const TYPE(layer) * layer, const neuron_t *p,
                         const events_t *lists, size_t n, real t_max, real *spikes,
                         real *slopes, real *workspace);

    /* Slopes of the membrane at given times in n samples. NULL where spikes cannot be
     * measured. */
    void (*slopes)(const TYPE(layer) * layer, const neuron_t *p, const events_t *lists,
                   size_t n, const real *at, real *slopes);

    /* Peaks of the silent neurons in one sample: their height, time and slope. */
    void (*peaks)(const TYPE(layer) * layer, const neuron_t *p, const events_t *e,
                  real t_max, const real *spikes, real *u_peak, real *t_peak,
                  real *slopes, real *workspace);

    /* Add dL/dt of the inputs in one sample to grad (n_in,), where t is the time of
     * arrival. All numbers of kink are 0 unless has_kinks. */
    void (*grad_inputs)(const TYPE(layer) * layer, const neuron_t *p, const events_t *e,
                        real t_max, const real *at, const real *c, const real *kink,
                        int has_kinks, real *grad, real *workspace);

    /* The same by the kernel of the local rule, to grad whatever it was before; through
     * the layer's weights, or through others that are packed like them. NULL where the
     * rule cannot be followed. */
    void (*local_grad_inputs)(const TYPE(layer) * layer, const TYPE(local) * local,
                              const real *weights, const neuron_t *p, const events_t *e,
                              const real *at, const real *c, real *grad);

    /* The greatest number of rows of weights that so many events reach. */
    size_t (*max_rows)(const TYPE(layer) * layer, size_t n_events);

    /* List the rows of weights whose inputs are active in the batch, in work->rows, and
     * set work->is_dense; returns their number. */
    size_t (*active_rows)(const TYPE(layer) * layer, const work_t *work,
                          size_t n_samples);

    /* Add the gradients of a panel, of so many columns of weights, in sample s to the
     * rows of gradients: row[k] is that of event k where each input has a row. */
    void (*grad_panel)(const update_t *u, size_t s, panel_t panel, const uint32_t *row);

    /* Update the parameters of each active input of this part besides its weights;
     * NULL: there are none. */
    void (*update_inputs)(const update_t *u, size_t part);

    /* Update the parameters of each synapse besides its weight, for a panel's active
     * row r, which is `width` long and begins at `at` in packed arrays; NULL: there are
     * none. */
    void (*update_row)(const update_t *u, size_t r, size_t at, size_t width);
};

#endif
