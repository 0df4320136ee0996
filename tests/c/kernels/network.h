/* Inference of whole networks, and a case that the tests of training share. */
#ifndef TEST_NETWORK_H
#define TEST_NETWORK_H

#include "support.h"

enum { NAME(WIDE) = 70 };

/* A network of two layers, with a bias each, and all that its training needs. */
typedef struct {
    NAME(ttfs_layer) layers[2];
    NAME(ttfs_training) training;
    NAME(list_t) list;
    real bias;
    size_t labels[12];
    double factors[12];
    size_t order[12];
    uint8_t may_drop[6];
} NAME(case_t);

static void NAME(make_case)(const NAME(ttfs_kernels) * k, ttfs_layer_kind kind,
                            double dropout, NAME(case_t) * a)
{
    const size_t sizes[3] = {5, NAME(WIDE), 3};
    uint64_t state = 3;
    memset(a, 0, sizeof *a);
    a->bias = (real)0.1;
    for (size_t n = 0; n < 2; n++) {
        NAME(ttfs_layer) *layer = &a->layers[n];
        layer->neuron = make_neuron(1.5, 1.0, 1.0);
        layer->kind = k->kinds[kind];
        layer->n_in = layer->n_rows = sizes[n] + 1;
        layer->n_bias = 1;
        layer->n_out = layer->n_columns = sizes[n + 1];
        layer->bias_times = &a->bias;
        layer->unit = 1.0;
        layer->rest = 0.1;
        layer->decay = 0.01;
        const size_t size = layer->n_in * layer->n_out;
        real *weights = malloc(size * sizeof(real));
        for (size_t i = 0; i < size; i++) {
            const double unit = n == 0 ? 4.0 : 0.4;
            weights[i] = (real)(unit * (random_of(&state) - 0.3));
        }
        layer->weights = NAME(make_packed)(k, weights, layer->n_in, layer->n_out);
        for (size_t i = 0; i < size; i++) weights[i] = 0;
        layer->m = NAME(make_packed)(k, weights, layer->n_in, layer->n_out);
        layer->v = NAME(make_packed)(k, weights, layer->n_in, layer->n_out);
        layer->step = calloc(1, sizeof(size_t));
        layer->touched = calloc(layer->n_in, sizeof(uint32_t));
        free(weights);
        if (kind == TTFS_FULL) continue;
        layer->delay_unit = 1.0;
        const size_t n_delays = kind == TTFS_AXONAL
                                    ? layer->n_in
                                    : k->packed_size(layer->n_in, layer->n_out);
        layer->delays = calloc(n_delays, sizeof(real));
        layer->delay_m = calloc(n_delays, sizeof(real));
        layer->delay_v = calloc(n_delays, sizeof(real));
        for (size_t i = 0; i < n_delays; i++)
            layer->delays[i] = (real)(0.2 * random_of(&state));
    }
    real times[12 * 6];
    for (size_t s = 0; s < 12; s++) {
        for (size_t i = 0; i < 5; i++) {
            const double t = random_of(&state);
            times[s * 6 + i] = random_of(&state) < 0.2 ? INFINITY : (real)t;
        }
        times[s * 6 + 3] = INFINITY; /* input 3 is never there */
        times[s * 6 + 5] = a->bias;
        a->labels[s] = s % 3;
        a->factors[s] = 1.0;
        a->order[s] = 11 - s;
    }
    for (size_t i = 0; i < 4; i++) a->may_drop[i] = 1;
    a->list = NAME(make_list)(k, times, 12, 6, 2.5);
    NAME(ttfs_training) *training = &a->training;
    training->network.n_layers = 2;
    training->network.layers = a->layers;
    training->network.t_max = 2.5;
    training->network.pseudo_slope = 2.0;
    training->network.read_out = (double)INFINITY;
    training->network.stretch = 1.0;
    training->loss = TTFS_CROSS_ENTROPY;
    training->time_scale = training->early_scale = 0.2;
    training->min_slope = 0.3;
    training->silence_penalty = 0.1;
    training->silence_tolerance = 0.15;
    training->beta_1 = 0.9;
    training->beta_2 = 0.99;
    training->epsilon = 1e-8;
    training->dropout = dropout;
    training->may_drop = a->may_drop;
    training->seed = 5;
    training->spikes = a->list.spikes;
    training->labels = a->labels;
    training->factors = a->factors;
    training->max_samples = 5;
    training->max_spikes = a->list.max_events;
    training->n_parts = 1;
}

static void NAME(free_case)(NAME(case_t) * a)
{
    for (size_t n = 0; n < 2; n++) {
        free(a->layers[n].weights);
        free(a->layers[n].m);
        free(a->layers[n].v);
        free(a->layers[n].step);
        free(a->layers[n].touched);
        free(a->layers[n].delays);
        free(a->layers[n].delay_m);
        free(a->layers[n].delay_v);
    }
    NAME(free_list)(&a->list);
}

static double NAME(train)(const NAME(ttfs_kernels) * k, NAME(case_t) * a,
                          size_t n_parts, size_t n_epochs)
{
    double losses[5], sum = 0.0;
    a->training.n_parts = n_parts;
    void *workspace = make_workspace(k->training_workspace_size(&a->training));
    a->training.workspace = workspace;
    for (size_t epoch = 0; epoch < n_epochs; epoch++) {
        sum = 0.0;
        for (size_t begin = 0; begin < 12; begin += 5) {
            const size_t n = begin + 5 < 12 ? 5 : 12 - begin;
            const size_t *order = a->order + begin;
            for (size_t p = n_parts; p-- > 0;)
                k->train_forward(&a->training, order, n, p, losses);
            for (size_t p = 0; p < n_parts; p++)
                k->train_backward(&a->training, n, 0.01, p);
            for (size_t p = n_parts; p-- > 0;)
                k->train_update(&a->training, n, 0.01, p);
            for (size_t s = 0; s < n; s++) sum += losses[s];
        }
    }
    free(workspace);
    return sum;
}

static void NAME(test_network)(const NAME(ttfs_kernels) * k)
{
    NAME(case_t) a;
    NAME(make_case)(k, TTFS_FULL, 0, &a);
    void *scratch =
        make_workspace(k->infer_workspace_size(&a.training.network, a.list.max_events));
    real hidden[12 * NAME(WIDE)], output[36], *layers[2] = {hidden, output};
    double decisions[36];
    size_t labels[12];
    k->infer(&a.training.network, &a.list.spikes, 12, layers, decisions, NULL, scratch);
    k->infer(&a.training.network, &a.list.spikes, 12, NULL, NULL, labels, scratch);

    /* layer by layer */
    real times[12 * (NAME(WIDE) + 1)], spikes[12 * NAME(WIDE)], last[36];
    const ttfs_neuron *neuron = &a.layers[0].neuron;
    void *workspace = make_workspace(k->layer_workspace_size(a.list.max_events));
    k->first_spike(neuron, &a.list.spikes, 12, 6, a.layers[0].weights, NAME(WIDE), 2.5,
                   spikes, workspace);
    CHECK(memcmp(spikes, hidden, sizeof hidden) == 0);
    for (size_t s = 0; s < 12; s++) {
        memcpy(times + s * (NAME(WIDE) + 1), spikes + s * NAME(WIDE),
               NAME(WIDE) * sizeof(real));
        times[s * (NAME(WIDE) + 1) + NAME(WIDE)] = a.bias;
    }
    real weights[(NAME(WIDE) + 1) * 3];
    k->unpack(a.layers[1].weights, NAME(WIDE) + 1, 3, weights);
    NAME(fire)(k, neuron, times, 12, NAME(WIDE) + 1, weights, 3, 2.5, last);
    CHECK(memcmp(last, output, sizeof output) == 0);
    size_t n_fired = 0;
    for (size_t s = 0; s < 12; s++) {
        size_t first = 0;
        for (size_t j = 0; j < 3; j++) {
            const double t = (double)last[3 * s + j];
            n_fired += t < (double)INFINITY;
            if (t < (double)INFINITY)
                CHECK(decisions[3 * s + j] == t);
            else
                CHECK(decisions[3 * s + j] >= 2.5);
            if (decisions[3 * s + j] < decisions[3 * s + first]) first = j;
        }
        CHECK(labels[s] == first);
    }
    CHECK(n_fired > 0 && n_fired < 36);
    free(workspace);
    free(scratch);
    NAME(free_case)(&a);
}

#endif
