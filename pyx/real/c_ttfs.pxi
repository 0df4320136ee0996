# Mirror of include/ttfs_kernels.h in one precision: `real` and TTFS_OF() are what the
# module that includes this text says. The name of a struct or function in double is x,
# and x_f in float.
cdef extern from "ttfs.h" nogil:
    ctypedef struct ttfs_spikes "TTFS_OF(ttfs_spikes)":
        const size_t *begin
        const size_t *end
        const real *times
        const uint32_t *inputs

    ctypedef struct ttfs_layer_functions "TTFS_OF(ttfs_layer_functions)":
        pass

    ctypedef struct ttfs_layer "TTFS_OF(ttfs_layer)":
        ttfs_neuron neuron
        const ttfs_layer_functions *kind
        size_t n_in
        size_t n_bias
        size_t n_fixed
        size_t n_out
        size_t n_rows
        size_t n_columns
        const size_t *numbers
        const real *bias_times
        real *weights
        int is_matrix
        real *delays
        real *m
        real *v
        size_t *step
        uint32_t *touched
        real *shadow
        double unit
        double rest
        double decay
        double max_weight
        real *delay_m
        real *delay_v
        double delay_unit

    ctypedef struct ttfs_network "TTFS_OF(ttfs_network)":
        size_t n_layers
        const ttfs_layer *layers
        double t_max
        double pseudo_slope
        double read_out
        double stretch

    ctypedef struct ttfs_mismatch "TTFS_OF(ttfs_mismatch)":
        const double *tau_mem
        const double *tau_syn
        const uint8_t *is_dead
        double threshold_jitter
        double spike_jitter
        double spurious_rate
        double resolution

    ctypedef struct ttfs_local "TTFS_OF(ttfs_local)":
        ttfs_local_kernel kernel
        ttfs_feedback feedback
        const real *const *feedback_weights
        double learn_from
        double learn_until

    ctypedef struct ttfs_training "TTFS_OF(ttfs_training)":
        ttfs_network network
        ttfs_loss loss
        double time_scale
        double early
        double early_scale
        double early_end
        double target_label
        double target_other
        double min_slope
        double silence_penalty
        double silence_tolerance
        double spike_cost
        double spike_scale
        bint keeps_zeros
        double beta_1
        double beta_2
        double epsilon
        double dropout
        const uint8_t *may_drop
        uint64_t seed
        ttfs_spikes spikes
        const size_t *labels
        const double *targets
        const double *factors
        const ttfs_local *local
        const real *const *measured
        const real *measured_peaks
        size_t max_samples
        size_t max_spikes
        size_t n_parts
        void *workspace

    ctypedef struct ttfs_kernels "TTFS_OF(ttfs_kernels)":
        const char *name
        size_t lanes
        const ttfs_layer_functions *const *kinds
        size_t (*packed_size)(size_t n_in, size_t n_out) noexcept nogil
        size_t (*moments_width)(size_t n_out) noexcept nogil
        size_t (*sort_workspace_size)(size_t n) noexcept nogil
        size_t (*encode_workspace_size)(
            const ttfs_encoder *encoder, size_t n_values, size_t n_bias
        ) noexcept nogil
        size_t (*layer_workspace_size)(size_t max_events) noexcept nogil
        size_t (*infer_workspace_size)(
            const ttfs_network *network, size_t max_events
        ) noexcept nogil
        size_t (*emulate_workspace_size)(
            const ttfs_network *network, size_t max_events
        ) noexcept nogil
        size_t (*clocked_workspace_size)(
            const ttfs_network *network, size_t max_events
        ) noexcept nogil
        size_t (*training_workspace_size)(const ttfs_training *training) noexcept nogil
        size_t (*trains_workspace_size)(size_t max_events) noexcept nogil
        void (*pack)(
            const real *weights, size_t n_in, size_t n_out, real *packed
        ) noexcept nogil
        void (*unpack)(
            const real *packed, size_t n_in, size_t n_out, real *weights
        ) noexcept nogil
        void (*round)(
            const real *weights, size_t n_in, size_t n_out, real scale,
            int16_t max_weight, int16_t *rounded, size_t stride
        ) noexcept nogil
        void (*sort)(
            real *times, uint32_t *inputs, size_t n, void *scratch
        ) noexcept nogil
        bint (*is_finite_float)(const float *x, size_t n) noexcept nogil
        bint (*is_finite_double)(const double *x, size_t n) noexcept nogil
        size_t (*encode_float)(
            const ttfs_encoder *encoder, const float *x, const real *bias_times,
            size_t n_bias, double t_max, real *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        size_t (*encode_double)(
            const ttfs_encoder *encoder, const double *x, const real *bias_times,
            size_t n_bias, double t_max, real *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        size_t (*encode_sparse_float)(
            const ttfs_encoder *encoder, const float *x, const int32_t *features,
            size_t n_stored, const real *bias_times, size_t n_bias, double t_max,
            real *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        size_t (*encode_sparse_double)(
            const ttfs_encoder *encoder, const double *x, const int32_t *features,
            size_t n_stored, const real *bias_times, size_t n_bias, double t_max,
            real *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        void (*first_spike)(
            const ttfs_neuron *neuron, const ttfs_spikes *spikes, size_t n_samples,
            size_t n_in, const real *weights, size_t n_out, double t_max, real *out,
            void *scratch
        ) noexcept nogil
        void (*peak)(
            const ttfs_neuron *neuron, const ttfs_spikes *spikes, size_t n_samples,
            size_t n_in, const real *weights, size_t n_out, double t_max,
            const real *at, real *u_peak, real *t_peak, void *scratch
        ) noexcept nogil
        void (*slope)(
            const ttfs_neuron *neuron, const ttfs_spikes *spikes, size_t n_samples,
            size_t n_in, const real *weights, size_t n_out, double t_max,
            const real *at, real *slopes, void *scratch
        ) noexcept nogil
        void (*grad_weights)(
            const ttfs_neuron *neuron, const ttfs_spikes *spikes, size_t n_samples,
            size_t n_in, const real *at, const real *c, size_t n_out, size_t begin,
            size_t end, double t_max, real *grad, void *scratch
        ) noexcept nogil
        void (*grad_times)(
            const ttfs_neuron *neuron, const ttfs_spikes *spikes, size_t n_samples,
            size_t n_in, const real *weights, size_t n_out, double t_max,
            const real *at, const real *c, const real *kink, real *grad,
            void *scratch
        ) noexcept nogil
        void (*spike_trains)(
            const ttfs_neuron *neuron, double refractory, size_t max_out,
            const ttfs_spikes *spikes, size_t n_samples, size_t n_in,
            const real *weights, size_t n_out, double t_max, real *times,
            real *slopes, real *rises, void *scratch
        ) noexcept nogil
        void (*trains_slopes)(
            const ttfs_neuron *neuron, double refractory, size_t max_out,
            const ttfs_spikes *spikes, size_t n_samples, size_t n_in,
            const real *weights, size_t n_out, double t_max, const real *times,
            real *slopes, real *rises, void *scratch
        ) noexcept nogil
        void (*trains_adjoint)(
            const ttfs_neuron *neuron, double refractory, size_t max_out,
            const ttfs_spikes *spikes, size_t n_samples, size_t n_in,
            const real *weights, size_t n_out, double t_max, const real *times,
            const real *slopes, const real *rises, const real *grad,
            double min_slope, real *adjoint, real *grad_times, void *scratch
        ) noexcept nogil
        void (*trains_grad_weights)(
            const ttfs_neuron *neuron, double refractory, size_t max_out,
            const ttfs_spikes *spikes, size_t n_samples, size_t n_in,
            const real *times, const real *adjoint, size_t n_out, size_t begin,
            size_t end, double t_max, real *grad, void *scratch
        ) noexcept nogil
        void (*loss)(
            const ttfs_training *training, const real *times,
            const size_t *labels, const double *targets, const double *factors,
            size_t n_samples, size_t n_classes, double *loss, real *grad
        ) noexcept nogil
        void (*infer)(
            const ttfs_network *network, const ttfs_spikes *spikes,
            size_t n_samples, real *const *layers, double *decisions, size_t *labels,
            void *scratch
        ) noexcept nogil
        void (*emulate)(
            const ttfs_network *network, const ttfs_mismatch *mismatch,
            uint64_t seed, const ttfs_spikes *spikes, size_t n_samples,
            real *const *layers, void *scratch
        ) noexcept nogil
        void (*clocked)(
            const ttfs_network *network, double step, const ttfs_spikes *spikes,
            size_t n_samples, real *const *layers, void *scratch
        ) noexcept nogil
        void (*train_inputs)(
            const ttfs_training *training, const size_t *order, size_t n_samples,
            size_t *begin, size_t *end, real *times, uint32_t *inputs
        ) noexcept nogil
        void (*train_forward)(
            const ttfs_training *training, const size_t *order, size_t n_samples,
            size_t part, double *loss
        ) noexcept nogil
        void (*train_backward)(
            const ttfs_training *training, size_t n_samples, double learning_rate,
            size_t part
        ) noexcept nogil
        void (*train_update)(
            const ttfs_training *training, size_t n_samples, double learning_rate,
            size_t part
        ) noexcept nogil

    const ttfs_kernels *ttfs_kernels_for "TTFS_OF(ttfs_kernels_for)"(
        ttfs_simd simd
    ) noexcept nogil
