/* Training: updates, delays, measured spikes, local rules, Adam. */
#ifndef TEST_TRAINING_H
#define TEST_TRAINING_H

#include "network.h"

static void NAME(test_training)(const NAME(ttfs_kernels) * k, ttfs_layer_kind kind,
                                double dropout)
{
    NAME(case_t) a, b;
    NAME(make_case)(k, kind, dropout, &a);
    NAME(make_case)(k, kind, dropout, &b);
    const double before = NAME(train)(k, &a, 1, 1);
    const double after = NAME(train)(k, &a, 1, 30);
    if (dropout == 0) CHECK(after < 0.7 * before);

    /* the same bits in any number of parts, more than there is work for too */
    for (size_t n_parts = 2; n_parts <= 7; n_parts += 5) {
        NAME(case_t) c;
        NAME(make_case)(k, kind, dropout, &c);
        CHECK(NAME(train)(k, &c, n_parts, 1) == before);
        CHECK(NAME(train)(k, &c, n_parts, 30) == after);
        for (size_t n = 0; n < 2; n++) {
            const NAME(ttfs_layer) *one = &a.layers[n], *other = &c.layers[n];
            const size_t size = k->packed_size(one->n_in, one->n_out) * sizeof(real);
            CHECK(memcmp(one->weights, other->weights, size) == 0);
            CHECK(memcmp(one->m, other->m, size) == 0);
            CHECK(memcmp(one->v, other->v, size) == 0);
            CHECK(*one->step == *other->step);
            CHECK(memcmp(one->touched, other->touched, one->n_in * sizeof(uint32_t)) ==
                  0);
            if (kind == TTFS_FULL) continue;
            const size_t n_delays =
                kind == TTFS_AXONAL ? one->n_in * sizeof(real) : size;
            CHECK(memcmp(one->delays, other->delays, n_delays) == 0);
            CHECK(memcmp(one->delays, b.layers[n].delays, n_delays) != 0);
        }
        NAME(free_case)(&c);
    }

    /* the weights of an input that is never there have not moved */
    real moved[6 * NAME(WIDE)], start[6 * NAME(WIDE)];
    k->unpack(a.layers[0].weights, 6, NAME(WIDE), moved);
    k->unpack(b.layers[0].weights, 6, NAME(WIDE), start);
    for (size_t i = 0; i < 6; i++) {
        const size_t at = i * NAME(WIDE), size = NAME(WIDE) * sizeof(real);
        CHECK((memcmp(moved + at, start + at, size) == 0) == (i == 3));
        CHECK((a.layers[0].touched[i] == 0) == (i == 3));
    }
    NAME(free_case)(&a);
    NAME(free_case)(&b);
}

/* A bias reads out, and does not move; the spikes after it count by their stretch. */
static void NAME(test_read_out)(const NAME(ttfs_kernels) * k, ttfs_layer_kind kind)
{
    NAME(case_t) a, start;
    NAME(make_case)(k, kind, 0, &a);
    NAME(make_case)(k, kind, 0, &start);
    a.layers[0].n_fixed = a.layers[1].n_fixed = 1;
    NAME(train)(k, &a, 2, 3);
    for (size_t n = 0; n < 2; n++) {
        const NAME(ttfs_layer) *layer = &a.layers[n], *other = &start.layers[n];
        const size_t n_in = layer->n_in, n_out = layer->n_out;
        real moved[(NAME(WIDE) + 1) * NAME(WIDE)],
            before[(NAME(WIDE) + 1) * NAME(WIDE)];
        k->unpack(layer->weights, n_in, n_out, moved);
        k->unpack(other->weights, n_in, n_out, before);
        for (size_t i = n_in - 2; i < n_in; i++) {
            const int is_same =
                memcmp(moved + i * n_out, before + i * n_out, n_out * sizeof(real));
            CHECK((is_same == 0) == (i == n_in - 1));
        }
        if (kind == TTFS_AXONAL)
            CHECK(layer->delays[n_in - 1] == other->delays[n_in - 1]);
    }

    void *scratch =
        make_workspace(k->infer_workspace_size(&a.training.network, a.list.max_events));
    real hidden[12 * NAME(WIDE)], output[36], *layers[2] = {hidden, output};
    double plain[36], stretched[36];
    k->infer(&a.training.network, &a.list.spikes, 12, layers, plain, NULL, scratch);
    a.training.network.read_out = 0.5;
    a.training.network.stretch = 3;
    k->infer(&a.training.network, &a.list.spikes, 12, NULL, stretched, NULL, scratch);
    for (size_t i = 0; i < 36; i++) {
        const double t = fmin((double)output[i], 2.5);
        CHECK_CLOSE(stretched[i], plain[i] + 2 * fmax(t - 0.5, 0), 1e-14);
    }
    free(scratch);
    NAME(free_case)(&a);
    NAME(free_case)(&start);
}

/* A batch whose spikes come from infer(), for what train_inputs() says enters: the same
 * losses as in training that simulates, and the same weights but for rounding of u'. */
static void NAME(test_measured)(const NAME(ttfs_kernels) * k)
{
    NAME(case_t) a, b, start;
    NAME(make_case)(k, TTFS_FULL, 0.3, &a);
    NAME(make_case)(k, TTFS_FULL, 0.3, &b);
    NAME(make_case)(k, TTFS_FULL, 0.3, &start);
    size_t begin[5], end[5];
    real times[5 * 6], hidden[5 * NAME(WIDE)], output[15],
        *layers[2] = {hidden, output};
    const real *measured[2] = {hidden, output};
    uint32_t inputs[5 * 6];
    CHECK(a.training.max_spikes <= 6);
    k->train_inputs(&b.training, b.order, 5, begin, end, times, inputs);
    const NAME(ttfs_spikes) spikes = {begin, end, times, inputs};
    size_t n_spikes = 0, n_all = 0;
    for (size_t s = 0; s < 5; s++) {
        n_spikes += end[s] - begin[s];
        n_all += b.list.spikes.end[b.order[s]] - b.list.spikes.begin[b.order[s]];
    }
    CHECK(n_spikes < n_all && n_spikes > n_all / 3);
    void *scratch = make_workspace(k->infer_workspace_size(&b.training.network, 6));
    k->infer(&b.training.network, &spikes, 5, layers, NULL, NULL, scratch);
    b.training.measured = measured;
    NAME(case_t) * cases[2] = {&a, &b};
    double losses[2][5];
    for (size_t c = 0; c < 2; c++) {
        void *workspace =
            make_workspace(k->training_workspace_size(&cases[c]->training));
        cases[c]->training.workspace = workspace;
        k->train_forward(&cases[c]->training, cases[c]->order, 5, 0, losses[c]);
        k->train_backward(&cases[c]->training, 5, 0.01, 0);
        k->train_update(&cases[c]->training, 5, 0.01, 0);
        free(workspace);
    }
    CHECK(memcmp(losses[0], losses[1], sizeof losses[0]) == 0);
    for (size_t n = 0; n < 2; n++) {
        const NAME(ttfs_layer) *layer = &a.layers[n];
        const size_t size = k->packed_size(layer->n_in, layer->n_out);
        double moved = 0;
        for (size_t i = 0; i < size; i++) {
            const double w = (double)layer->weights[i];
            moved = fmax(moved, fabs(w - (double)start.layers[n].weights[i]));
            CHECK_CLOSE(layer->m[i], b.layers[n].m[i], IS_DOUBLE ? 1e-12 : 1e-5);
        }
        CHECK(moved > 1e-3);
    }
    free(scratch);
    NAME(free_case)(&a);
    NAME(free_case)(&b);
    NAME(free_case)(&start);
}

/* The local rule learns, with the same bits in any number of parts, and needs no
 * moments. */
static void NAME(test_local)(const NAME(ttfs_kernels) * k, ttfs_local_kernel kernel,
                             ttfs_feedback feedback)
{
    uint64_t state = 11;
    real fixed[(NAME(WIDE) + 1) * 3];
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        fixed[i] = (real)(random_of(&state) - 0.5);
    real *packed = NAME(make_packed)(k, fixed, NAME(WIDE) + 1, 3);
    const real *weights[2] = {NULL, feedback == TTFS_RANDOM ? packed : fixed};
    const NAME(ttfs_local)
        local = {kernel, feedback, feedback == TTFS_SYMMETRIC ? NULL : weights,
                 -INFINITY, INFINITY};
    const size_t n_parts[3] = {1, 2, 7};
    double before[3], after[3];
    NAME(case_t) cases[3];
    for (size_t c = 0; c < 3; c++) {
        NAME(make_case)(k, TTFS_FULL, 0, &cases[c]);
        cases[c].training.local = &local;
        for (size_t n = 0; n < 2; n++) {
            free(cases[c].layers[n].m);
            free(cases[c].layers[n].v);
            cases[c].layers[n].m = cases[c].layers[n].v = NULL;
        }
        before[c] = NAME(train)(k, &cases[c], n_parts[c], 1);
        after[c] = NAME(train)(k, &cases[c], n_parts[c], 30);
        CHECK(before[c] == before[0] && after[c] == after[0]);
        for (size_t n = 0; n < 2; n++) {
            const NAME(ttfs_layer) *one = &cases[0].layers[n];
            const size_t size = k->packed_size(one->n_in, one->n_out) * sizeof(real);
            CHECK(memcmp(one->weights, cases[c].layers[n].weights, size) == 0);
        }
    }
    CHECK(after[0] < 0.9 * before[0]);
    for (size_t c = 0; c < 3; c++) NAME(free_case)(&cases[c]);
    free(packed);
}

/* Delays so long that no spike arrives: outputs stay silent, and nothing moves. */
static void NAME(test_late_arrivals)(const NAME(ttfs_kernels) * k, ttfs_layer_kind kind)
{
    NAME(case_t) a, b;
    NAME(make_case)(k, kind, 0, &a);
    NAME(make_case)(k, kind, 0, &b);
    NAME(ttfs_layer) *last = &a.layers[1];
    const size_t size = k->packed_size(last->n_in, last->n_out);
    const size_t n_delays = kind == TTFS_AXONAL ? last->n_in : size;
    for (size_t i = 0; i < n_delays; i++) last->delays[i] = 3;
    NAME(train)(k, &a, 1, 2);
    for (size_t i = 0; i < n_delays; i++) CHECK(last->delays[i] == 3);
    if (kind == TTFS_AXONAL)
        CHECK(memcmp(last->weights, b.layers[1].weights, size * sizeof(real)) == 0);
    void *scratch =
        make_workspace(k->infer_workspace_size(&a.training.network, a.list.max_events));
    double decisions[36];
    k->infer(&a.training.network, &a.list.spikes, 12, NULL, decisions, NULL, scratch);
    for (size_t i = 0; i < 36; i++) CHECK(decisions[i] == 2.5 + 2.0);
    free(scratch);
    NAME(free_case)(&a);
    NAME(free_case)(&b);
}

/* Emulated neurons with time constants of their own, where the last sample is empty:
 * its list begins where the arrays end, and the sanitizer sees what is read there. */
static void NAME(test_empty_sample)(const NAME(ttfs_kernels) * k)
{
    enum { N_OUT = 3 };
    const double tau_mem[N_OUT] = {1.0, 2.0, 3.0}, tau_syn[N_OUT] = {1.0, 1.0, 1.0};
    const real rows[N_OUT] = {8, 8, (real)0.1};
    const size_t bounds[4] = {0, 1, 1, 1};
    real *time = malloc(sizeof(real)), spikes[3 * N_OUT], *layers[1] = {spikes};
    uint32_t *input = malloc(sizeof(uint32_t));
    NAME(ttfs_layer) layer;
    NAME(ttfs_mismatch) mismatch;
    memset(&layer, 0, sizeof layer);
    memset(&mismatch, 0, sizeof mismatch);
    time[0] = (real)0.5;
    input[0] = 0;
    layer.neuron = make_neuron(1.0, 1.0, 1.0);
    layer.n_in = 1;
    layer.n_out = N_OUT;
    layer.weights = NAME(make_packed)(k, rows, 1, N_OUT);
    mismatch.tau_mem = tau_mem;
    mismatch.tau_syn = tau_syn;
    const NAME(ttfs_network) network = {1, &layer, 5.0, 1.0, (double)INFINITY, 1.0};
    const NAME(ttfs_spikes) list = {bounds, bounds + 1, time, input};
    void *scratch = make_workspace(k->emulate_workspace_size(&network, 1));
    k->emulate(&network, &mismatch, 0, &list, 3, layers, scratch);
    CHECK(spikes[0] > time[0] && spikes[0] < 1 && spikes[1] < 1);
    for (size_t i = 2; i < 3 * N_OUT; i++) CHECK(spikes[i] == INFINITY);
    free(scratch);
    free(layer.weights);
    free(time);
    free(input);
}

static void NAME(test_adam)(const NAME(ttfs_kernels) * k, size_t n_spikes)
{
    /* no leak, one input with n spikes at 0, w = 2 / n: t = log 2, u' = 1,
     * L = t^2 / 2, dL/dw = -t n / 2 */
    const ttfs_neuron neuron = make_neuron((double)INFINITY, 1.0, 1.0);
    const double w = 2.0 / (double)n_spikes;
    const real weight = (real)w, zero = 0, times[64] = {0}, bias = 0;
    NAME(list_t) list = NAME(make_list)(k, times, 1, n_spikes, 9.0);
    for (size_t s = 0; s < n_spikes; s++) list.inputs[s] = 0;
    double loss, factor = 1.0;
    size_t step = 0;
    uint32_t touched = 0;
    const size_t label = 0, order = 0;
    NAME(ttfs_layer) layer;
    memset(&layer, 0, sizeof layer);
    layer.neuron = neuron;
    layer.kind = k->kinds[TTFS_FULL];
    layer.n_in = layer.n_out = layer.n_rows = layer.n_columns = 1;
    layer.bias_times = &bias;
    layer.weights = NAME(make_packed)(k, &weight, 1, 1);
    layer.m = NAME(make_packed)(k, &zero, 1, 1);
    layer.v = NAME(make_packed)(k, &zero, 1, 1);
    layer.step = &step;
    layer.touched = &touched;
    layer.unit = 0.5;
    layer.decay = 0.05;
    NAME(ttfs_training) training;
    memset(&training, 0, sizeof training);
    training.network.n_layers = 1;
    training.network.layers = &layer;
    training.network.t_max = 9.0;
    training.network.read_out = (double)INFINITY;
    training.network.stretch = 1.0;
    training.loss = TTFS_SQUARED_ERROR;
    training.time_scale = training.early_scale = 1.0;
    training.beta_1 = 0.9;
    training.beta_2 = 0.99;
    training.epsilon = 1e-3;
    training.spikes = list.spikes;
    training.labels = &label;
    training.factors = &factor;
    training.max_spikes = n_spikes;
    training.max_samples = training.n_parts = 1;
    void *workspace = make_workspace(k->training_workspace_size(&training));
    training.workspace = workspace;
    k->train_forward(&training, &order, 1, 0, &loss);
    k->train_backward(&training, 1, 0.1, 0);
    k->train_update(&training, 1, 0.1, 0);
    /* in the first step both corrected moments are those of g itself */
    const double g = -0.5 * (double)n_spikes * log(2.0);
    const double expected = w * exp(-0.1 * 0.05) - 0.1 * 0.5 * g / (-g + 1e-3);
    CHECK_CLOSE(loss, 0.5 * log(2.0) * log(2.0), TIGHT);
    CHECK_CLOSE(layer.m[0], 0.1 * g, TIGHT);
    CHECK_CLOSE(layer.v[0], 0.01 * g * g, TIGHT);
    CHECK_CLOSE(layer.weights[0], expected, TIGHT);
    CHECK(step == 1 && touched == 1);
    NAME(free_list)(&list);
    free(layer.weights);
    free(layer.m);
    free(layer.v);
    free(workspace);
}

#endif
