/* What all tests of the C core use: checks, workspaces, random numbers. */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#define _POSIX_C_SOURCE 200112L /* posix_memalign */

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ttfs.h"

static int n_failed = 0;
static const char *under_test = "";

#define CHECK(condition)                                                               \
    do {                                                                               \
        if (!(condition)) {                                                            \
            printf("%s:%d: %s: %s\n", __FILE__, __LINE__, under_test, #condition);     \
            n_failed++;                                                                \
        }                                                                              \
    } while (0)

/* |a - b| <= tol max(1, |b|), or both the same infinity */
#define CHECK_CLOSE(a, b, tol)                                                         \
    do {                                                                               \
        const double a_ = (double)(a), b_ = (double)(b);                               \
        if (!(a_ == b_ || fabs(a_ - b_) <= (double)(tol) * fmax(1.0, fabs(b_)))) {     \
            printf("%s:%d: %s: %s = %.17g, expected %.17g\n", __FILE__, __LINE__,      \
                   under_test, #a, a_, b_);                                            \
            n_failed++;                                                                \
        }                                                                              \
    } while (0)

static ttfs_neuron make_neuron(double tau_mem, double tau_syn, double threshold)
{
    ttfs_neuron neuron;
    memset(&neuron, 0, sizeof neuron);
    CHECK(ttfs_neuron_init(&neuron, tau_mem, tau_syn, threshold) == TTFS_OK);
    return neuron;
}

/* Memory of exactly the size that the core has asked for, at the start of a cache line:
 * the sanitizer sees what is written behind it. */
static void *make_workspace(size_t size)
{
    void *workspace;
    if (posix_memalign(&workspace, 64, size) != 0) abort();
    memset(workspace, 0xAA, size);
    return workspace;
}

/* The same sequence everywhere; 0 <= random_of(..) < 1. */
static double random_of(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 40) / (double)(1 << 24);
}

#endif
