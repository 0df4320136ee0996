/* Tests of the functions in ttfs_kernels.h, included by test_core.c once for each
 * precision: `real`, NAME(name) and IS_DOUBLE say which. */

#include "support.h"
#include "spike_times.h"
#include "gradients.h"
#include "losses.h"
#include "encoder.h"
#include "network.h"
#include "training.h"

static void NAME(test_kernels)(const NAME(ttfs_kernels) * k)
{
    char name[64];
    snprintf(name, sizeof name, "%s, %s", k->name, IS_DOUBLE ? "double" : "float");
    under_test = name;
    NAME(test_pack)(k);
    NAME(test_sort)(k);
    NAME(test_one_input)(k);
    NAME(test_several_inputs)(k);
    NAME(test_horizon)(k);
    NAME(test_nothing_to_do)(k);
    NAME(test_many_samples)(k);
    NAME(test_peak)(k);
    NAME(test_slope_by_hand)(k);
    NAME(test_gradients)(k);
    NAME(test_losses_by_hand)(k);
    NAME(test_loss_gradients)(k);
    NAME(test_encoder)(k);
    NAME(test_population)(k);
    NAME(test_network)(k);
    NAME(test_empty_sample)(k);
    NAME(test_training)(k, TTFS_FULL, 0);
    NAME(test_training)(k, TTFS_FULL, 0.6);
    NAME(test_training)(k, TTFS_AXONAL, 0);
    NAME(test_training)(k, TTFS_AXONAL, 0.6);
    NAME(test_training)(k, TTFS_SYNAPTIC, 0);
    NAME(test_training)(k, TTFS_SYNAPTIC, 0.6);
    NAME(test_read_out)(k, TTFS_FULL);
    NAME(test_read_out)(k, TTFS_AXONAL);
    NAME(test_measured)(k);
    for (int feedback = TTFS_SYMMETRIC; feedback <= TTFS_TARGET; feedback++) {
        NAME(test_local)(k, TTFS_TABLE, (ttfs_feedback)feedback);
        NAME(test_local)(k, TTFS_LINEAR, (ttfs_feedback)feedback);
    }
    NAME(test_late_arrivals)(k, TTFS_AXONAL);
    NAME(test_late_arrivals)(k, TTFS_SYNAPTIC);
    NAME(test_adam)(k, 1);
    NAME(test_adam)(k, 64);
    under_test = "";
}

/* The next precision includes all parts again. */
#undef TEST_SUPPORT_H
#undef TEST_SPIKE_TIMES_H
#undef TEST_GRADIENTS_H
#undef TEST_LOSSES_H
#undef TEST_ENCODER_H
#undef TEST_NETWORK_H
#undef TEST_TRAINING_H
#undef REAL_EPS
#undef TIGHT
