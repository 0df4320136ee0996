/* The kinds of layers. All that a network asks of a layer, in inference and in
 * training, is a member of the table of its kind; kinds.h lists the tables. */
#ifndef TTFS_REAL_LAYER_KIND_H
#define TTFS_REAL_LAYER_KIND_H

#include "real/layer/events.h"
#include "real/layer/panel.h"

typedef struct update update_t; /* training/step.h */

typedef struct {
    /* Does each input have a delay, which shifts its spikes? layer->delays is (n_in,).
     */
    int shifts_inputs;
    /* Does each synapse have a delay? layer->delays is packed as the weights. */
    int shifts_synapses;

    /* Reals of workspace that first_spikes() and peaks() need for a list of n events.
     */
    size_t (*workspace_size)(size_t n);

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
                        int has_kinks, real *grad);

    /* Add the gradients of a panel in sample s to the rows of gradients: row[k] is that
     * of event k. */
    void (*grad_panel)(const update_t *u, size_t s, panel_t panel, const uint32_t *row);

    /* Update the parameters of each active input of this part besides its weights;
     * NULL: there are none. */
    void (*update_inputs)(const update_t *u, size_t part);

    /* Update the parameters of each synapse besides its weight, for a panel's active
     * row r, which is `width` long and begins at `at` in packed arrays; NULL: there are
     * none. */
    void (*update_row)(const update_t *u, size_t r, size_t at, size_t width);
} layer_kind_t;

/* The tables, by ttfs_layer_kind: see kinds.h. */
enum { N_LAYER_KINDS = TTFS_SYNAPTIC + 1 };
static const layer_kind_t *const layer_kinds[N_LAYER_KINDS];

static inline const layer_kind_t *kind_of(const TYPE(layer) * layer)
{
    return layer_kinds[layer->delay_kind];
}

#endif
