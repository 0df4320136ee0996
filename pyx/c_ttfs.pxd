# Mirror of include/ttfs.h: declarations only, see there for what they mean.

cdef extern from "ttfs.h" nogil:
    const char *TTFS_VERSION
    const double TTFS_TIME_LIMIT
    const char *ttfs_version() noexcept

    ctypedef enum ttfs_status:
        TTFS_OK

    const char *ttfs_strerror(ttfs_status status) noexcept

    ctypedef enum ttfs_family:
        TTFS_EQUAL
        TTFS_DOUBLE
        TTFS_GENERAL
        TTFS_NONLEAKY

    ctypedef struct ttfs_neuron:
        double tau_mem
        double tau_syn
        double threshold
        double fast
        double slow
        double gap
        ttfs_family family

    ttfs_status ttfs_neuron_init(
        ttfs_neuron *neuron, double tau_mem, double tau_syn, double threshold) noexcept

    size_t ttfs_event_size() noexcept
    size_t ttfs_event_size_f() noexcept

    size_t ttfs_sort_scratch_size(size_t n_in) noexcept
    size_t ttfs_sort_scratch_size_f(size_t n_in) noexcept

    void ttfs_sort_events(
        const ttfs_neuron *neuron, const double *times, size_t n_samples, size_t n_in,
        double t_max, void *events, size_t *counts, void *scratch) noexcept
    void ttfs_sort_events_f(
        const ttfs_neuron *neuron, const float *times, size_t n_samples, size_t n_in,
        double t_max, void *events, size_t *counts, void *scratch) noexcept

    void ttfs_first_spike(
        const ttfs_neuron *neuron, const void *events, const size_t *counts,
        size_t n_samples, size_t n_in, const double *weights, size_t n_out,
        double t_max, double *spikes) noexcept
    void ttfs_first_spike_f(
        const ttfs_neuron *neuron, const void *events, const size_t *counts,
        size_t n_samples, size_t n_in, const float *weights, size_t n_out, double t_max,
        float *spikes) noexcept

    void ttfs_peak(
        const ttfs_neuron *neuron, const void *events, const size_t *counts,
        size_t n_samples, size_t n_in, const double *weights, size_t n_out,
        double t_max, const double *spikes, double *u_peak, double *t_peak) noexcept
    void ttfs_peak_f(
        const ttfs_neuron *neuron, const void *events, const size_t *counts,
        size_t n_samples, size_t n_in, const float *weights, size_t n_out, double t_max,
        const float *spikes, float *u_peak, float *t_peak) noexcept

    void ttfs_slope(
        const ttfs_neuron *neuron, const void *events, const size_t *counts,
        size_t n_samples, size_t n_in, const double *weights, size_t n_out,
        const double *at, double *slope) noexcept
    void ttfs_slope_f(
        const ttfs_neuron *neuron, const void *events, const size_t *counts,
        size_t n_samples, size_t n_in, const float *weights, size_t n_out,
        const float *at, float *slope) noexcept

    void ttfs_grad_weights(
        const ttfs_neuron *neuron, const void *events, const size_t *counts,
        size_t n_samples, size_t n_in, const double *at, const double *c, size_t n_out,
        size_t begin, size_t end, double *grad) noexcept
    void ttfs_grad_weights_f(
        const ttfs_neuron *neuron, const void *events, const size_t *counts,
        size_t n_samples, size_t n_in, const float *at, const float *c, size_t n_out,
        size_t begin, size_t end, float *grad) noexcept

    void ttfs_grad_times(
        const ttfs_neuron *neuron, const void *events, const size_t *counts,
        size_t n_samples, size_t n_in, const double *weights, size_t n_out,
        const double *at, const double *c, const double *kink, double *grad) noexcept
    void ttfs_grad_times_f(
        const ttfs_neuron *neuron, const void *events, const size_t *counts,
        size_t n_samples, size_t n_in, const float *weights, size_t n_out,
        const float *at, const float *c, const float *kink, float *grad) noexcept

    void ttfs_loss_cross_entropy(
        const double *times, const size_t *labels, const double *weights,
        size_t n_samples, size_t n_classes, double time_scale, double early,
        double early_scale, double *loss, double *grad) noexcept
    void ttfs_loss_cross_entropy_f(
        const float *times, const size_t *labels, const double *weights,
        size_t n_samples, size_t n_classes, double time_scale, double early,
        double early_scale, double *loss, float *grad) noexcept

    void ttfs_loss_squared_error(
        const double *times, const size_t *labels, const double *weights,
        size_t n_samples, size_t n_classes, double target_label, double target_other,
        double *loss, double *grad) noexcept
    void ttfs_loss_squared_error_f(
        const float *times, const size_t *labels, const double *weights,
        size_t n_samples, size_t n_classes, double target_label, double target_other,
        double *loss, float *grad) noexcept

    void ttfs_loss_shift_invariant(
        const double *times, const size_t *labels, const double *weights,
        size_t n_samples, size_t n_classes, double target_label, double target_other,
        double *loss, double *grad) noexcept
    void ttfs_loss_shift_invariant_f(
        const float *times, const size_t *labels, const double *weights,
        size_t n_samples, size_t n_classes, double target_label, double target_other,
        double *loss, float *grad) noexcept

    void ttfs_adam(
        double *param, const double *grad, double *m, double *v, size_t n,
        double learning_rate, double beta_1, double beta_2, double epsilon,
        double weight_decay, size_t step) noexcept
    void ttfs_adam_f(
        float *param, const float *grad, float *m, float *v, size_t n,
        double learning_rate, double beta_1, double beta_2, double epsilon,
        double weight_decay, size_t step) noexcept
