/* ttfs_baselines: other codes of spiking networks, to compare first-spike times with.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * CONVENTIONS
 *
 * - Every array belongs to the caller, is contiguous and row-major (the last index
 *   varies fastest) and must not overlap with another one. NULL is not allowed, except
 *   where it is said to be.
 * - The functions allocate nothing, keep no state, print nothing and start no thread.
 *   They may be called from any number of threads at once, as long as no two of them
 *   write to the same arrays.
 * - Weights are (n_in, n_out): the row of an input holds its synapses.
 * - Time is in steps, from 1 on. Weights and thresholds share one unit.
 * - Arguments are not checked here; all numbers are finite.
 */
#ifndef TTFS_BASELINES_H
#define TTFS_BASELINES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -- Rate code ----------------------------------------------------------------- */

/* -- S4NN ---------------------------------------------------------------------- */

#ifdef __cplusplus
}
#endif

#endif /* TTFS_BASELINES_H */
