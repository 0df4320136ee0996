/* Panels: groups of at most LANES neurons whose sums stay in registers. The functions
 * of a panel are compiled for each number of vectors that it may have. */
#ifndef TTFS_REAL_LAYER_PANEL_H
#define TTFS_REAL_LAYER_PANEL_H

#include "real/simd/vectors.h"

#define EACH_VEC _Pragma("GCC unroll 6") for (int q = 0; q < vecs; ++q)

#define CASE_VECS(n, call)                                                             \
    case n:                                                                            \
        call(n);                                                                       \
        break;
#if PANEL_VECS > 4
#define MORE_VECS(call) CASE_VECS(5, call) CASE_VECS(6, call)
#else
#define MORE_VECS(call)
#endif

/* Up to so many neurons leave most of a vector free, and events or samples are side by
 * side in it. */
#define FOUR 4

/* call(vecs) with a constant number of vectors */
#define WITH_VECS(n_vecs, call)                                                        \
    switch (n_vecs) {                                                                  \
        CASE_VECS(1, call)                                                             \
        CASE_VECS(2, call)                                                             \
        CASE_VECS(3, call)                                                             \
        CASE_VECS(4, call)                                                             \
        MORE_VECS(call)                                                                \
    }

/* Neurons of a panel, and where its weights begin: panels follow one another, the last
 * one is as wide as it must be, in vectors. */
typedef struct {
    size_t begin, lanes; /* neurons */
    int vecs;
} panel_t;

static inline panel_t panel_of(size_t n_out, size_t begin)
{
    panel_t panel = {begin, min_size(LANES, n_out - begin), 0};
    panel.vecs = (int)((panel.lanes + WIDTH - 1) / WIDTH);
    return panel;
}

/* Where the weights of a panel are: in rows from `first` on, `stride` reals apart. */
typedef struct {
    const real *first;
    size_t stride;
} rows_t;

/* The rows of a panel in packed weights, or in a matrix (n_in, n_out). */
static inline rows_t rows_of(const real *weights, int is_matrix, size_t n_in,
                             size_t n_out, panel_t panel)
{
    if (is_matrix) return (rows_t){weights + panel.begin, n_out};
    return (rows_t){weights + panel.begin * n_in, (size_t)panel.vecs * WIDTH};
}

/* Lanes of vector q that hold neurons. */
static inline size_t lanes_of(size_t lanes, int q)
{
    const size_t before = (size_t)q * WIDTH;
    return lanes > before ? min_size(WIDTH, lanes - before) : 0;
}

#endif
