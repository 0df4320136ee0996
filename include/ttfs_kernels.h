/* The part of ttfs.h that exists in both precisions: ttfs.h includes it twice, with
 * `real` double and float, and NAME(x) x and x_f. Not to be included by itself. */

/* -- Spikes -------------------------------------------------------------------- */

/* The spikes that enter a layer, or a network, sorted by time, ties by input number:
 * those of sample s are begin[s] <= k < end[s], fewer than 2^24. Absent inputs are not
 * in the lists, and an input that spikes several times is there as often. The caller
 * owns all arrays, and may let lists overlap, as a batch drawn from a data set does. */
typedef struct {
    const size_t *begin;    /* (n_samples,) */
    const size_t *end;      /* (n_samples,) */
    const real *times;      /* [time] */
    const uint32_t *inputs; /* number of the input */
} NAME(ttfs_spikes);

/* -- Network ------------------------------------------------------------------- */

/* The functions of a kind of layers: src/real/layer/kind.h describes them. */
typedef struct NAME(ttfs_layer_functions) NAME(ttfs_layer_functions);

/* A layer. Its inputs are the neurons of the layer before (or the channels of the
 * encoder) and, after them, n_bias inputs which spike at fixed times. Which input meets
 * which neuron over which weight its kind knows. */
typedef struct {
    ttfs_neuron neuron;
    const NAME(ttfs_layer_functions) * kind; /* of `kinds` below, or another one */
    size_t n_in;                             /* biases included; below 2^24 */
    size_t n_bias;
    size_t n_fixed; /* so many of the last biases have weights and delays that are not
                     * trained */
    size_t n_out;
    size_t n_rows, n_columns; /* shape of the weights; the last rows are those of
                               * biases. That of a full layer is (n_in, n_out). */
    const size_t *numbers;    /* what else the kind reads of the geometry, or NULL */
    const real *bias_times;   /* (n_bias,) [time] */
    real *weights;            /* packed, see pack() [threshold] */
    int is_matrix; /* For infer() only, and but the last layer: weights are not packed,
                    * but (n_in, n_out). Full layers, not with synaptic delays. */
    real *delays;  /* [time], not negative; NULL if there are none */
    /* For training only: */
    real *m, *v;       /* like weights, but moments_width() in all panels together:
                        * moments of Adam, zero at first; or unused */
    size_t *step;      /* (1,) number of updates, zero at first */
    uint32_t *touched; /* (n_rows,) step that last moved a row, zero at first */
    /* What learns in the place of weights, if these are made from it for each batch, in
     * fewer bits for instance (straight-through); packed, or NULL. */
    real *shadow;
    double unit;       /* learning rates are in this unit [threshold], or
                        * [threshold^2] with the local rule */
    double rest;       /* weights decay to this value [threshold] */
    double decay;      /* weight decay per unit of learning rate */
    double max_weight; /* an update leaves weights within -max_weight ... max_weight
                        * [threshold]; 0: no limit */
    real *delay_m, *delay_v; /* like delays: moments of Adam, zero at first */
    double delay_unit;       /* learning rates of delays are in this unit [time] */
} NAME(ttfs_layer);

typedef struct {
    size_t n_layers; /* 1 to 64 */
    const NAME(ttfs_layer) * layers;
    double t_max;        /* the end of the experiment [time] */
    double pseudo_slope; /* pseudo-time of silent outputs by missed membrane
                            [time/threshold] */
    double read_out;     /* the time at which biases make the outputs fire [time], or
                            +infinity: they do not */
    double stretch;      /* decision times go on so many times as fast after it */
} NAME(ttfs_network);

/* -- Chips --------------------------------------------------------------------- */

/* How the neurons of a layer of a chip differ from those of the model. A
 * trial is a sample; its noise is a hash of the seed and of the sample's input spikes,
 * the same whatever else is in the batch. */
typedef struct {
    /* (n_out,) [time] time constants of each neuron, valid as ttfs_neuron_init() has
     * it; both are NULL if all have those of the layer. */
    const double *tau_mem, *tau_syn;
    const uint8_t *is_dead;  /* (n_out,) never fires; NULL: none is dead */
    double threshold_jitter; /* standard deviation of the threshold from trial to trial,
                                in units of its mean */
    double spike_jitter;     /* standard deviation of spike times [time] */
    double spurious_rate;    /* rate of spikes that nothing causes, from t = 0
                              * [1/time]: a neuron's first spike counts */
    double resolution;       /* spike times are multiples of it, rounded down [time];
                              * 0: they are not */
} NAME(ttfs_mismatch);

/* -- Training ------------------------------------------------------------------ */

/* The simplified local rule, which a chip can follow, in real numbers. It takes the
 * place of the exact gradient and of Adam: with e_j = dL/dt_j of each sample, L the sum
 * of losses over the batch and not their mean,
 *
 *     c_j = e_j / (2^s_j threshold / tau_syn)
 *     s_j = floor(log2(u'(t_j) tau_syn / threshold) + 1/2), at least -4, at most 6
 *     w_ij += learning_rate unit  sum over samples and t_i < t_j of  c_j k(t_j - t_i)
 *
 * so that a shift is in the place of the division by u' and of its floor. A silent
 * neuron has c_j = -dL/du_peak and its t_peak for t_j, as ever; a peak that is a kink
 * counts for nothing more. Weights decay as with Adam. Layers must be full, without
 * delays.
 */
typedef struct {
    ttfs_local_kernel kernel;
    ttfs_feedback feedback;
    /* NULL if symmetric; n_layers pointers, of which the first is not used. Random:
     * packed like weights. Direct, target: (n_out of last layer, n_out of layer k - 1),
     * row-major, through which the error reaches the inputs of layer k. */
    const real *const *feedback_weights;
    /* Hidden neurons learn from spikes at learn_from <= t < learn_until [time]. */
    double learn_from, learn_until;
} NAME(ttfs_local);

/* What the batches of a run have in common. */
typedef struct {
    NAME(ttfs_network) network;
    ttfs_loss loss;
    double time_scale;                    /* of the cross-entropy [time] */
    double early, early_scale, early_end; /* its early firing, see ttfs_loss */
    double target_label, target_other;    /* of the squared errors */
    double min_slope; /* gradients take u' at a spike to be at least this
                       * [threshold/time] */
    double silence_penalty,
        silence_tolerance; /* the loss of silent hidden neurons, see backward.h */
    double spike_cost, spike_scale; /* what a hidden spike before the decision costs
                                     * [loss], and its scale [time], see spike_cost.h;
                                     * not with the local rule. 0: nothing */
    int keeps_zeros; /* weights that are 0 stay 0; not with the local rule */
    /* Adam. epsilon is in the unit of a gradient: loss per threshold of the layer, of
     * delays loss per tau_syn of the layer, where the loss of a squared error is in
     * tau_syn^2 of the last layer. */
    double beta_1, beta_2, epsilon;
    double dropout;           /* probability that an input spike is deleted */
    const uint8_t *may_drop;  /* (n_in of first layer,) is an input in it? */
    uint64_t seed;            /* seed of the deletions */
    NAME(ttfs_spikes) spikes; /* spikes of the data set */
    const size_t *labels;     /* (n_samples,) < n_out of last layer; or NULL */
    const double *targets;    /* (n_samples, n_out of last layer) [time], or NULL: what
                               * TTFS_TARGET_TIMES has in place of labels */
    const double *factors;    /* (n_samples,) weights in the loss */
    /* The simplified local rule; or NULL: learn by the exact gradient and Adam. */
    const NAME(ttfs_local) * local;
    /* Spike times of a batch that are given, from a chip or another simulator: n_layers
     * pointers, each (n_samples of the batch, n_out) [time], < t_max or +infinity; or
     * NULL: they are simulated. Layers must be without delays then. Gradients are those
     * of the model, with its weights, at these times. */
    const real *const *measured;
    const real *measured_peaks; /* (n_samples of the batch, n_out of the last layer)
                                   [threshold]: u_peak of silent outputs, for their
                                   pseudo-times; or NULL: those of the model. Where one
                                   of these is above the threshold, and there are
                                   labels, all of the sample are lowered by what the
                                   highest has too much, by a threshold at most. */
    size_t max_samples;         /* samples of a batch, at most */
    size_t max_spikes;          /* spikes of a sample of the data set, at most */
    size_t n_parts;             /* number of parts of each phase */
    void *workspace;            /* training_workspace_size() bytes */
} NAME(ttfs_training);

/* -- Kernels ------------------------------------------------------------------- */

/* The functions for one instruction set. Arguments they share:
 *
 * weights    packed: panels of neurons, each (n_in, width) and aligned as real. A
 *            panel has `lanes` neurons, the last one what is left, rounded up to
 *            `width` with weights of 0. packed_size() reals in all.
 * spikes     sorted by sort(); every time below t_max.
 * t_max      the horizon [time], or +infinity: no spike is at or after it.
 * scratch    layer_workspace_size(max_events) bytes, where no sample has more than
 *            max_events spikes.
 */
typedef struct {
    const char *name; /* of the instruction set */
    size_t lanes;     /* neurons of a panel */

    /* The kinds of layers, by ttfs_layer_kind. */
    const NAME(ttfs_layer_functions) *const *kinds;

    /* Reals of n_out columns of n_in weights, packed. */
    size_t (*packed_size)(size_t n_in, size_t n_out);
    /* Reals of moments for each input of n_out neurons. */
    size_t (*moments_width)(size_t n_out);
    /* Bytes of scratch space. */
    size_t (*sort_workspace_size)(size_t n);
    size_t (*encode_workspace_size)(const ttfs_encoder *encoder, size_t n_values,
                                    size_t n_bias);
    size_t (*layer_workspace_size)(size_t max_events);
    size_t (*infer_workspace_size)(const NAME(ttfs_network) * network,
                                   size_t max_events);
    size_t (*emulate_workspace_size)(const NAME(ttfs_network) * network,
                                     size_t max_events);
    size_t (*clocked_workspace_size)(const NAME(ttfs_network) * network,
                                     size_t max_events);
    size_t (*training_workspace_size)(const NAME(ttfs_training) * training);
    size_t (*trains_workspace_size)(size_t max_events);

    /* (n_in, n_out) row-major to packed and back; padding is set to 0. */
    void (*pack)(const real *weights, size_t n_in, size_t n_out, real *packed);
    void (*unpack)(const real *packed, size_t n_in, size_t n_out, real *weights);

    /* Weights (n_in, n_out) times a scale as integers, rounded to nearest, halves to
     * even.
     * max_weight the greatest magnitude of an integer.
     * stride     of the rows of `rounded`, which are n_out long. */
    void (*round)(const real *weights, size_t n_in, size_t n_out, real scale,
                  int16_t max_weight, int16_t *rounded, size_t stride);

    /* Sort n spikes in place by time; ties keep their order. */
    void (*sort)(real *times, uint32_t *inputs, size_t n, void *scratch);

    /* Whether n numbers are finite. */
    int (*is_finite_float)(const float *x, size_t n);
    int (*is_finite_double)(const double *x, size_t n);

    /* The sorted spikes of a sample, biases included. Returns their number, which is at
     * most n_values + n_always + n_complemented + n_bias, where n_values is n_features
     * or, of a sparse row, n_stored, and with n_fields TTFS_MAX_ACTIVE (n_values +
     * n_always) + n_bias; times and inputs are arrays of that length and 16 more.
     * x          (n_features,), or the n_stored values of a sparse row.
     * features   (n_stored,) the features of a sparse row, ascending; the others are 0,
     *            or absent if features are spike times, which may have several values.
     * bias_times (n_bias,) [time]
     * t_max      spikes at or after it are left out. */
    size_t (*encode_float)(const ttfs_encoder *encoder, const float *x,
                           const real *bias_times, size_t n_bias, double t_max,
                           real *times, uint32_t *inputs, void *scratch);
    size_t (*encode_double)(const ttfs_encoder *encoder, const double *x,
                            const real *bias_times, size_t n_bias, double t_max,
                            real *times, uint32_t *inputs, void *scratch);
    size_t (*encode_sparse_float)(const ttfs_encoder *encoder, const float *x,
                                  const int32_t *features, size_t n_stored,
                                  const real *bias_times, size_t n_bias, double t_max,
                                  real *times, uint32_t *inputs, void *scratch);
    size_t (*encode_sparse_double)(const ttfs_encoder *encoder, const double *x,
                                   const int32_t *features, size_t n_stored,
                                   const real *bias_times, size_t n_bias, double t_max,
                                   real *times, uint32_t *inputs, void *scratch);

    /* First spike times of a layer.
     * out        (n_samples, n_out) out [time]: < t_max, or +infinity where silent. */
    void (*first_spike)(const ttfs_neuron *neuron, const NAME(ttfs_spikes) * spikes,
                        size_t n_samples, size_t n_in, const real *weights,
                        size_t n_out, double t_max, real *out, void *scratch);

    /* The peak of the membrane of silent neurons: the greatest u at its local maxima
     * and at t_max, which must be finite.
     * at         (n_samples, n_out) [time], from first_spike() or measured.
     * u_peak     (n_samples, n_out) out [threshold]; the threshold itself where the
     *            neuron fired.
     * t_peak     (n_samples, n_out) out [time]; the spike time where it fired. */
    void (*peak)(const ttfs_neuron *neuron, const NAME(ttfs_spikes) * spikes,
                 size_t n_samples, size_t n_in, const real *weights, size_t n_out,
                 double t_max, const real *at, real *u_peak, real *t_peak,
                 void *scratch);

    /* Slope of the membrane at given times, by the inputs strictly before them:
     *     u'(t_j) = sum over t_i < t_j of  w_ij kappa'(t_j - t_i)
     * at         (n_samples, n_out) [time]; where it is +infinity the slope is 0.
     * slopes     (n_samples, n_out) out [threshold/time]. */
    void (*slope)(const ttfs_neuron *neuron, const NAME(ttfs_spikes) * spikes,
                  size_t n_samples, size_t n_in, const real *weights, size_t n_out,
                  double t_max, const real *at, real *slopes, void *scratch);

    /* Gradient of weights, with c_j = dL/dt_j / u'(t_j):
     *     grad_ij -= sum over samples and t_i < t_j of  c_j kappa(t_j - t_i)
     * begin, end  neurons; begin is a multiple of `lanes`, end too or n_out.
     * c          (n_samples, n_out); has no effect where `at` is +infinity.
     * grad       packed, in and out. */
    void (*grad_weights)(const ttfs_neuron *neuron, const NAME(ttfs_spikes) * spikes,
                         size_t n_samples, size_t n_in, const real *at, const real *c,
                         size_t n_out, size_t begin, size_t end, double t_max,
                         real *grad, void *scratch);

    /* Gradient of input times:
     *     grad_i = sum over t_i < t_j of  c_j w_ij kappa'(t_j - t_i)
     *              + sum over t_i = t_j of  kink_j
     * kink       (n_samples, n_out), or NULL for 0.
     * grad       (n_samples, n_in) out; 0 for inputs that are absent or too late. */
    void (*grad_times)(const ttfs_neuron *neuron, const NAME(ttfs_spikes) * spikes,
                       size_t n_samples, size_t n_in, const real *weights, size_t n_out,
                       double t_max, const real *at, const real *c, const real *kink,
                       real *grad, void *scratch);

    /* Neurons that fire up to max_out times, and not within `refractory` [time] after a
     * spike, in which the membrane is 0. A spike leaves the synaptic current as it is.
     * After Wunderlich and Pehle (2021). Arrays of spikes are (n_samples, n_out,
     * max_out), those of a neuron in their order:
     * times      [time]: < t_max, or +infinity after the last spike.
     * slopes     u' at the spike, from the left [threshold/time].
     * rises      u' at the end of its refractory time [threshold/time]; 0 if that is
     *            after t_max. That of the last possible spike moves nothing, and is not
     *            computed where all neurons are done.
     * scratch    trains_workspace_size(max_events) bytes. */
    void (*spike_trains)(const ttfs_neuron *neuron, double refractory, size_t max_out,
                         const NAME(ttfs_spikes) * spikes, size_t n_samples,
                         size_t n_in, const real *weights, size_t n_out, double t_max,
                         real *times, real *slopes, real *rises, void *scratch);

    /* The same slopes and rises where neurons fire at given times, which may be
     * measured; 0 at a spike that no input precedes. */
    void (*trains_slopes)(const ttfs_neuron *neuron, double refractory, size_t max_out,
                          const NAME(ttfs_spikes) * spikes, size_t n_samples,
                          size_t n_in, const real *weights, size_t n_out, double t_max,
                          const real *times, real *slopes, real *rises, void *scratch);

    /* Derivatives of a loss with respect to the membrane just before each spike, from
     * those with respect to the spikes' times, for later ones depend on earlier ones.
     * grad       (n_samples, n_out, max_out) dL/dt [1/time]; 0 after the last spike.
     * min_slope  slopes count as at least this [threshold/time].
     * adjoint    (n_samples, n_out, max_out) out [1/threshold].
     * grad_times dL/dt of the input spikes, which are at the same places as their times
     *            in `spikes`, out [1/time]; or NULL. */
    void (*trains_adjoint)(const ttfs_neuron *neuron, double refractory, size_t max_out,
                           const NAME(ttfs_spikes) * spikes, size_t n_samples,
                           size_t n_in, const real *weights, size_t n_out, double t_max,
                           const real *times, const real *slopes, const real *rises,
                           const real *grad, double min_slope, real *adjoint,
                           real *grad_times, void *scratch);

    /* Gradient of weights from these.
     * begin, end neurons; begin is a multiple of `lanes`, end too or n_out.
     * grad       packed like weights [1/threshold]: dL/dw is added. */
    void (*trains_grad_weights)(const ttfs_neuron *neuron, double refractory,
                                size_t max_out, const NAME(ttfs_spikes) * spikes,
                                size_t n_samples, size_t n_in, const real *times,
                                const real *adjoint, size_t n_out, size_t begin,
                                size_t end, double t_max, real *grad, void *scratch);

    /* Losses on the times of the output layer, computed in double; see ttfs_loss.
     * times      (n_samples, n_classes) [time], finite: decision times, see infer().
     * labels     (n_samples,) < n_classes; NULL with TTFS_TARGET_TIMES.
     * targets    (n_samples, n_classes) [time]; NULL with other losses.
     * factors    (n_samples,) weight of each sample.
     * loss       (n_samples,) out, with the factor applied.
     * grad       (n_samples, n_classes) out: d loss / d times [1/time]. */
    void (*loss)(const NAME(ttfs_training) * training, const real *times,
                 const size_t *labels, const double *targets, const double *factors,
                 size_t n_samples, size_t n_classes, double *loss, real *grad);

    /* Pass samples through a network.
     * spikes     of the encoder, biases of the first layer included.
     * layers     n_layers pointers, each (n_samples, n_out) out [time] or NULL: spike
     *            times of the layer.
     * decisions  (n_samples, n_out of the last layer) out [time], or NULL: decision
     *            times. That of a spike at t is
     *                D(t) = t                                  up to the read-out,
     *                D(t) = read_out + stretch (t - read_out)  after it;
     *            that of a silent neuron is D(t_max) + pseudo_slope (threshold -
     *            u_peak), later than that of any spike.
     * labels     (n_samples,) out, or NULL: the neuron that decides first. Then
     *            decisions must be NULL.
     * scratch    infer_workspace_size() bytes. */
    void (*infer)(const NAME(ttfs_network) * network, const NAME(ttfs_spikes) * spikes,
                  size_t n_samples, real *const *layers, double *decisions,
                  size_t *labels, void *scratch);

    /* Pass samples through full layers of mismatched neurons, without delays.
     * mismatch   (n_layers,)
     * seed       of the noise.
     * layers     n_layers pointers, each (n_samples, n_out) out [time]: spike times,
     *            < t_max, or +infinity; those that the next layer sees.
     * scratch    emulate_workspace_size() bytes. */
    void (*emulate)(const NAME(ttfs_network) * network,
                    const NAME(ttfs_mismatch) * mismatch, uint64_t seed,
                    const NAME(ttfs_spikes) * spikes, size_t n_samples,
                    real *const *layers, void *scratch);

    /* Pass samples through full layers without delays, step by step (forward Euler), on
     * the grid t_n = n step:
     *     u_n+1 = u_n + step (-u_n / tau_mem + I_n / tau_syn)
     *     I_n+1 = I_n - step I_n / tau_syn + sum of w_i over t_n < t_i <= t_n+1
     * A neuron fires at the first t_n with u_n >= threshold.
     * step       [time], below tau_mem and tau_syn; |t_max| / step below 2^53.
     * layers     as in emulate().
     * scratch    clocked_workspace_size() bytes. */
    void (*clocked)(const NAME(ttfs_network) * network, double step,
                    const NAME(ttfs_spikes) * spikes, size_t n_samples,
                    real *const *layers, void *scratch);

    /* The spikes that enter the network in the next update: those of the data set
     * without the deleted ones, as whoever measures a batch must see them. There are no
     * axonal delays in it.
     * begin, end (n_samples,) out: see ttfs_spikes.
     * times, inputs  (n_samples, max_spikes) out. */
    void (*train_inputs)(const NAME(ttfs_training) * training, const size_t *order,
                         size_t n_samples, size_t *begin, size_t *end, real *times,
                         uint32_t *inputs);

    /* One update of the weights takes three phases. Each is called for all parts
     * 0 .. n_parts - 1, at the same time if the caller has threads, before the next.
     * order      (n_samples,) numbers of the samples of the batch.
     * loss       (n_samples,) out: loss of each. */
    void (*train_forward)(const NAME(ttfs_training) * training, const size_t *order,
                          size_t n_samples, size_t part, double *loss);
    void (*train_backward)(const NAME(ttfs_training) * training, size_t n_samples,
                           double learning_rate, size_t part);
    void (*train_update)(const NAME(ttfs_training) * training, size_t n_samples,
                         double learning_rate, size_t part);
} NAME(ttfs_kernels);

/* The kernels for an instruction set, or NULL where the library or this processor
 * does not have it. */
const NAME(ttfs_kernels) * NAME(ttfs_kernels_for)(ttfs_simd simd);
