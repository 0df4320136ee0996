/* Neuron parameters, and what does not depend on the precision. */
#include <math.h>

#include "ttfs.h"

const char *ttfs_version(void)
{
    return TTFS_VERSION;
}

const char *ttfs_strerror(ttfs_status status)
{
    switch (status) {
    case TTFS_OK:
        return "no error";
    case TTFS_EINVAL_TAU_MEM:
        return "tau_mem must be positive (infinity: a non-leaky membrane)";
    case TTFS_EINVAL_TAU_SYN:
        return "tau_syn must be positive and finite";
    case TTFS_EINVAL_THRESHOLD:
        return "threshold must be positive and finite";
    case TTFS_EINVAL_RANGE:
        return "tau_mem, tau_syn and threshold must lie between 1e-30 and 1e30, and "
               "the time constants within a factor of 1e15 of each other";
    }
    return "unknown status";
}

ttfs_status ttfs_neuron_init(ttfs_neuron *neuron, double tau_mem, double tau_syn,
                             double threshold)
{
    /* Written so that NaN fails each test. */
    if (!(tau_mem > 0)) return TTFS_EINVAL_TAU_MEM;
    if (!(tau_syn > 0) || isinf(tau_syn)) return TTFS_EINVAL_TAU_SYN;
    if (!(threshold > 0) || isinf(threshold)) return TTFS_EINVAL_THRESHOLD;

    ttfs_neuron n = {.tau_mem = tau_mem, .tau_syn = tau_syn, .threshold = threshold};
    double shorter = fmin(tau_mem, tau_syn), longer = fmax(tau_mem, tau_syn);
    n.fast = 1 / shorter;
    n.slow = 1 / longer; /* 0 for an infinite tau_mem */
    if (isinf(tau_mem)) {
        n.family = TTFS_NONLEAKY;
        n.gap = n.fast;
    } else {
        if (tau_mem == tau_syn) {
            n.family = TTFS_EQUAL;
        } else if (tau_mem == 2 * tau_syn) {
            n.family = TTFS_DOUBLE;
        } else {
            n.family = TTFS_GENERAL;
        }
        /* The difference of the time constants is exact where the two are close; the
         * difference of the rates would not be. */
        n.gap = (longer - shorter) / longer / shorter;
        if (!(longer / shorter < 1e15)) return TTFS_EINVAL_RANGE;
    }
    /* The range of float bounds both precisions, so that both accept the same. */
    if (!(shorter > 1e-30 && shorter < 1e30)) return TTFS_EINVAL_RANGE;
    if (!(threshold > 1e-30 && threshold * tau_syn * n.fast < 1e30)) {
        return TTFS_EINVAL_RANGE;
    }
    if (n.family == TTFS_GENERAL && !(n.gap > 1e-37)) return TTFS_EINVAL_RANGE;
    *neuron = n;
    return TTFS_OK;
}
