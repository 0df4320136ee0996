# Mirror of include/ttfs.h, see there.
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t


cdef extern from "ttfs.h" nogil:
    const char *TTFS_VERSION
    const double TTFS_TIME_LIMIT
    const size_t TTFS_MAX_ACTIVE

    ctypedef enum ttfs_status:
        TTFS_OK

    const char *ttfs_strerror(ttfs_status status) noexcept nogil

    ctypedef struct ttfs_neuron:
        double tau_mem
        double tau_syn
        double threshold

    ttfs_status ttfs_neuron_init(
        ttfs_neuron *neuron, double tau_mem, double tau_syn, double threshold
    ) noexcept nogil

    ctypedef struct ttfs_encoder:
        size_t n_features
        int is_spike_times
        double begin
        double window
        const double *low
        const double *high
        const double *scale
        const double *absent
        size_t n_complemented
        const uint32_t *complemented
        size_t n_always
        const uint32_t *always
        size_t n_fields

    ctypedef enum ttfs_delay_kind:
        TTFS_NO_DELAYS
        TTFS_AXONAL
        TTFS_SYNAPTIC

    ctypedef enum ttfs_loss:
        TTFS_CROSS_ENTROPY
        TTFS_SQUARED_ERROR
        TTFS_SHIFT_INVARIANT
        TTFS_TARGET_TIMES

    ctypedef enum ttfs_local_kernel:
        TTFS_TABLE
        TTFS_LINEAR

    ctypedef enum ttfs_feedback:
        TTFS_SYMMETRIC
        TTFS_RANDOM
        TTFS_DIRECT
        TTFS_TARGET

    ctypedef enum ttfs_simd:
        TTFS_SIMD_BASELINE
        TTFS_SIMD_AVX2
        TTFS_SIMD_AVX512

    ttfs_simd ttfs_simd_best() noexcept nogil

    ctypedef struct ttfs_spikes:
        const size_t *begin
        const size_t *end
        const double *times
        const uint32_t *inputs

    ctypedef struct ttfs_layer:
        ttfs_neuron neuron
        size_t n_in
        size_t n_bias
        size_t n_out
        const double *bias_times
        double *weights
        ttfs_delay_kind delay_kind
        double *delays
        double *m
        double *v
        size_t *step
        size_t *touched
        double *shadow
        double unit
        double rest
        double max_weight
        double *delay_m
        double *delay_v
        double delay_unit

    ctypedef struct ttfs_network:
        size_t n_layers
        const ttfs_layer *layers
        double t_max
        double pseudo_slope

    ctypedef struct ttfs_circuits:
        const double *tau_mem
        const double *tau_syn
        const uint8_t *is_dead
        double threshold_jitter
        double spike_jitter
        double spurious_rate
        double resolution

    ctypedef struct ttfs_local:
        ttfs_local_kernel kernel
        ttfs_feedback feedback
        const double *const *feedback_weights

    ctypedef struct ttfs_training:
        ttfs_network network
        ttfs_loss loss
        double time_scale
        double early
        double early_scale
        double target_label
        double target_other
        double floor
        double silence_penalty
        double silence_tolerance
        double beta_1
        double beta_2
        double epsilon
        double weight_decay
        double dropout
        const uint8_t *may_drop
        uint64_t seed
        ttfs_spikes spikes
        const size_t *labels
        const double *targets
        const double *factors
        const ttfs_local *local
        const double *const *measured
        const double *measured_peaks
        size_t max_samples
        size_t max_spikes
        size_t n_parts
        void *workspace

    ctypedef struct ttfs_kernels:
        const char *name
        size_t lanes
        size_t (*packed_size)(size_t n_in, size_t n_out) noexcept nogil
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
        void (*pack)(
            const double *weights, size_t n_in, size_t n_out, double *packed
        ) noexcept nogil
        void (*unpack)(
            const double *packed, size_t n_in, size_t n_out, double *weights
        ) noexcept nogil
        void (*sort)(
            double *times, uint32_t *inputs, size_t n, void *scratch
        ) noexcept nogil
        size_t (*encode_float)(
            const ttfs_encoder *encoder, const float *x, const double *bias_times,
            size_t n_bias, double t_max, double *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        size_t (*encode_double)(
            const ttfs_encoder *encoder, const double *x, const double *bias_times,
            size_t n_bias, double t_max, double *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        size_t (*encode_sparse_float)(
            const ttfs_encoder *encoder, const float *x, const int32_t *features,
            size_t n_stored, const double *bias_times, size_t n_bias, double t_max,
            double *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        size_t (*encode_sparse_double)(
            const ttfs_encoder *encoder, const double *x, const int32_t *features,
            size_t n_stored, const double *bias_times, size_t n_bias, double t_max,
            double *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        void (*first_spike)(
            const ttfs_neuron *neuron, const ttfs_spikes *spikes, size_t n_samples,
            size_t n_in, const double *weights, size_t n_out, double t_max, double *out,
            void *scratch
        ) noexcept nogil
        void (*peak)(
            const ttfs_neuron *neuron, const ttfs_spikes *spikes, size_t n_samples,
            size_t n_in, const double *weights, size_t n_out, double t_max,
            const double *at, double *u_peak, double *t_peak, void *scratch
        ) noexcept nogil
        void (*slope)(
            const ttfs_neuron *neuron, const ttfs_spikes *spikes, size_t n_samples,
            size_t n_in, const double *weights, size_t n_out, double t_max,
            const double *at, double *slopes, void *scratch
        ) noexcept nogil
        void (*grad_weights)(
            const ttfs_neuron *neuron, const ttfs_spikes *spikes, size_t n_samples,
            size_t n_in, const double *at, const double *c, size_t n_out, size_t begin,
            size_t end, double t_max, double *grad, void *scratch
        ) noexcept nogil
        void (*grad_times)(
            const ttfs_neuron *neuron, const ttfs_spikes *spikes, size_t n_samples,
            size_t n_in, const double *weights, size_t n_out, double t_max,
            const double *at, const double *c, const double *kink, double *grad,
            void *scratch
        ) noexcept nogil
        void (*loss)(
            const ttfs_training *training, const double *times,
            const size_t *labels, const double *targets, const double *factors,
            size_t n_samples, size_t n_classes, double *loss, double *grad
        ) noexcept nogil
        void (*infer)(
            const ttfs_network *network, const ttfs_spikes *spikes,
            size_t n_samples, double *const *layers, double *decisions, size_t *labels,
            void *scratch
        ) noexcept nogil
        void (*emulate)(
            const ttfs_network *network, const ttfs_circuits *circuits,
            uint64_t seed, const ttfs_spikes *spikes, size_t n_samples,
            double *const *layers, void *scratch
        ) noexcept nogil
        void (*clocked)(
            const ttfs_network *network, double step, const ttfs_spikes *spikes,
            size_t n_samples, double *const *layers, void *scratch
        ) noexcept nogil
        void (*train_inputs)(
            const ttfs_training *training, const size_t *order, size_t n_samples,
            size_t *begin, size_t *end, double *times, uint32_t *inputs
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

    const ttfs_kernels *ttfs_kernels_for(ttfs_simd simd) noexcept nogil

    ctypedef struct ttfs_spikes_f:
        const size_t *begin
        const size_t *end
        const float *times
        const uint32_t *inputs

    ctypedef struct ttfs_layer_f:
        ttfs_neuron neuron
        size_t n_in
        size_t n_bias
        size_t n_out
        const float *bias_times
        float *weights
        ttfs_delay_kind delay_kind
        float *delays
        float *m
        float *v
        size_t *step
        size_t *touched
        float *shadow
        double unit
        double rest
        double max_weight
        float *delay_m
        float *delay_v
        double delay_unit

    ctypedef struct ttfs_network_f:
        size_t n_layers
        const ttfs_layer_f *layers
        double t_max
        double pseudo_slope

    ctypedef struct ttfs_circuits_f:
        const double *tau_mem
        const double *tau_syn
        const uint8_t *is_dead
        double threshold_jitter
        double spike_jitter
        double spurious_rate
        double resolution

    ctypedef struct ttfs_local_f:
        ttfs_local_kernel kernel
        ttfs_feedback feedback
        const float *const *feedback_weights

    ctypedef struct ttfs_training_f:
        ttfs_network_f network
        ttfs_loss loss
        double time_scale
        double early
        double early_scale
        double target_label
        double target_other
        double floor
        double silence_penalty
        double silence_tolerance
        double beta_1
        double beta_2
        double epsilon
        double weight_decay
        double dropout
        const uint8_t *may_drop
        uint64_t seed
        ttfs_spikes_f spikes
        const size_t *labels
        const double *targets
        const double *factors
        const ttfs_local_f *local
        const float *const *measured
        const float *measured_peaks
        size_t max_samples
        size_t max_spikes
        size_t n_parts
        void *workspace

    ctypedef struct ttfs_kernels_f:
        const char *name
        size_t lanes
        size_t (*packed_size)(size_t n_in, size_t n_out) noexcept nogil
        size_t (*sort_workspace_size)(size_t n) noexcept nogil
        size_t (*encode_workspace_size)(
            const ttfs_encoder *encoder, size_t n_values, size_t n_bias
        ) noexcept nogil
        size_t (*layer_workspace_size)(size_t max_events) noexcept nogil
        size_t (*infer_workspace_size)(
            const ttfs_network_f *network, size_t max_events
        ) noexcept nogil
        size_t (*emulate_workspace_size)(
            const ttfs_network_f *network, size_t max_events
        ) noexcept nogil
        size_t (*clocked_workspace_size)(
            const ttfs_network_f *network, size_t max_events
        ) noexcept nogil
        size_t (*training_workspace_size)(
            const ttfs_training_f *training
        ) noexcept nogil
        void (*pack)(
            const float *weights, size_t n_in, size_t n_out, float *packed
        ) noexcept nogil
        void (*unpack)(
            const float *packed, size_t n_in, size_t n_out, float *weights
        ) noexcept nogil
        void (*sort)(
            float *times, uint32_t *inputs, size_t n, void *scratch
        ) noexcept nogil
        size_t (*encode_float)(
            const ttfs_encoder *encoder, const float *x, const float *bias_times,
            size_t n_bias, double t_max, float *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        size_t (*encode_double)(
            const ttfs_encoder *encoder, const double *x, const float *bias_times,
            size_t n_bias, double t_max, float *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        size_t (*encode_sparse_float)(
            const ttfs_encoder *encoder, const float *x, const int32_t *features,
            size_t n_stored, const float *bias_times, size_t n_bias, double t_max,
            float *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        size_t (*encode_sparse_double)(
            const ttfs_encoder *encoder, const double *x, const int32_t *features,
            size_t n_stored, const float *bias_times, size_t n_bias, double t_max,
            float *times, uint32_t *inputs, void *scratch
        ) noexcept nogil
        void (*first_spike)(
            const ttfs_neuron *neuron, const ttfs_spikes_f *spikes, size_t n_samples,
            size_t n_in, const float *weights, size_t n_out, double t_max, float *out,
            void *scratch
        ) noexcept nogil
        void (*peak)(
            const ttfs_neuron *neuron, const ttfs_spikes_f *spikes, size_t n_samples,
            size_t n_in, const float *weights, size_t n_out, double t_max,
            const float *at, float *u_peak, float *t_peak, void *scratch
        ) noexcept nogil
        void (*slope)(
            const ttfs_neuron *neuron, const ttfs_spikes_f *spikes, size_t n_samples,
            size_t n_in, const float *weights, size_t n_out, double t_max,
            const float *at, float *slopes, void *scratch
        ) noexcept nogil
        void (*grad_weights)(
            const ttfs_neuron *neuron, const ttfs_spikes_f *spikes, size_t n_samples,
            size_t n_in, const float *at, const float *c, size_t n_out, size_t begin,
            size_t end, double t_max, float *grad, void *scratch
        ) noexcept nogil
        void (*grad_times)(
            const ttfs_neuron *neuron, const ttfs_spikes_f *spikes, size_t n_samples,
            size_t n_in, const float *weights, size_t n_out, double t_max,
            const float *at, const float *c, const float *kink, float *grad,
            void *scratch
        ) noexcept nogil
        void (*loss)(
            const ttfs_training_f *training, const float *times,
            const size_t *labels, const double *targets, const double *factors,
            size_t n_samples, size_t n_classes, double *loss, float *grad
        ) noexcept nogil
        void (*infer)(
            const ttfs_network_f *network, const ttfs_spikes_f *spikes,
            size_t n_samples, float *const *layers, double *decisions, size_t *labels,
            void *scratch
        ) noexcept nogil
        void (*emulate)(
            const ttfs_network_f *network, const ttfs_circuits_f *circuits,
            uint64_t seed, const ttfs_spikes_f *spikes, size_t n_samples,
            float *const *layers, void *scratch
        ) noexcept nogil
        void (*clocked)(
            const ttfs_network_f *network, double step, const ttfs_spikes_f *spikes,
            size_t n_samples, float *const *layers, void *scratch
        ) noexcept nogil
        void (*train_inputs)(
            const ttfs_training_f *training, const size_t *order, size_t n_samples,
            size_t *begin, size_t *end, float *times, uint32_t *inputs
        ) noexcept nogil
        void (*train_forward)(
            const ttfs_training_f *training, const size_t *order, size_t n_samples,
            size_t part, double *loss
        ) noexcept nogil
        void (*train_backward)(
            const ttfs_training_f *training, size_t n_samples, double learning_rate,
            size_t part
        ) noexcept nogil
        void (*train_update)(
            const ttfs_training_f *training, size_t n_samples, double learning_rate,
            size_t part
        ) noexcept nogil

    const ttfs_kernels_f *ttfs_kernels_for_f(ttfs_simd simd) noexcept nogil
