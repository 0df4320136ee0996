/* Adam with decoupled weight decay (Kingma & Ba 2015; Loshchilov & Hutter 2019), for
 * the rows of a matrix that take part in a batch: the rows of active inputs.
 *
 * A row that took no part in some steps has had gradients of 0 there. When it is met
 * again its moments and its weight decay (at the present rate) are made up for these
 * steps; only the moves that momentum would have led to in between are left out. */
#ifndef TTFS_REAL_TRAINING_ADAM_H
#define TTFS_REAL_TRAINING_ADAM_H

#include "real/simd/vectors.h"

/* What a step of one row needs. */
typedef struct {
    vec rate, scale;     /* learning rate and root of the second moment, with their bias
                            corrections */
    vec epsilon, c1, c2; /* c = 1 - beta */
    vec b1, b2;          /* beta, to the power of steps */
    vec keep, pull;      /* weight decay: w becomes keep w + pull */
    vec max_weight;      /* |w| is at most this */
} adam_t;

/* Step number `step`, from 1. */
static inline adam_t adam_of(double learning_rate, double beta_1, double beta_2,
                             double epsilon, size_t step)
{
    const double t = (double)step;
    const adam_t adam = {.rate = v_set((real)(learning_rate / (1 - pow(beta_1, t)))),
                         .scale = v_set((real)(1 / sqrt(1 - pow(beta_2, t)))),
                         .epsilon = v_set((real)epsilon),
                         .c1 = v_set((real)(1 - beta_1)),
                         .c2 = v_set((real)(1 - beta_2)),
                         .max_weight = v_set(INFINITY)};
    return adam;
}

/* w within -max_weight ... max_weight; a NaN is kept */
static inline vec limited(vec w, vec max_weight)
{
    return v_min(max_weight, v_max(v_set(0) - max_weight, w));
}

/* The first n lanes of a vector; a constant WIDTH leaves no branch. */
ALWAYS_INLINE vec load_first(const real *p, size_t n)
{
    return n < WIDTH ? v_load_part(p, n) : v_load(p);
}

ALWAYS_INLINE void store_first(real *p, vec x, size_t n)
{
    if (n < WIDTH) {
        v_store_part(p, x, n);
    } else {
        v_store(p, x);
    }
}

/* One vector of weights w, of which the first n have moments m and v; gradient g. With
 * keeps_zeros weights that are 0 stay 0; a constant leaves no branch. */
ALWAYS_INLINE void adam_vec(const adam_t *adam, real *w, real *m, real *v, size_t n,
                            vec g, int keeps_zeros)
{
    const vec m_new = v_fma(adam->b1, load_first(m, n), adam->c1 * g);
    const vec v_new = v_fma(adam->b2, load_first(v, n), adam->c2 * g * g);
    /* A small number keeps 0 / sqrt(0) away. Half of it is still a normal number,
     * because subnormal ones are slow, and its root is far below epsilon. */
    const vec v_safe = v_max(v_new, v_set((real)(2 * FLT_MIN)));
    const vec root = v_safe * v_inverse_sqrt(v_safe);
    const vec move = m_new * v_inverse(v_fma(adam->scale, root, adam->epsilon));
    store_first(m, m_new, n);
    store_first(v, v_new, n);
    const vec old = v_load(w), kept = v_fma(adam->keep, old, adam->pull);
    const vec moved = limited(v_fnma(adam->rate, move, kept), adam->max_weight);
    if (keeps_zeros) {
        const mask is_there = m_or(v_gt(old, v_set(0)), v_gt(v_set(0), old));
        v_store(w, v_keep(is_there, moved));
    } else {
        v_store(w, moved);
    }
}

/* A row of weights, of which the last vector, from `whole` on, may have fewer moments:
 * those of `lanes` weights in all. */
ALWAYS_INLINE void adam_row(const adam_t *adam, real *w, real *m, real *v,
                            const real *grad, size_t whole, size_t width, size_t lanes,
                            int keeps_zeros)
{
    for (size_t l = 0; l < whole; l += WIDTH) {
        adam_vec(adam, w + l, m + l, v + l, WIDTH, v_load(grad + l), keeps_zeros);
    }
    if (whole < width) {
        adam_vec(adam, w + whole, m + whole, v + whole, lanes - whole,
                 v_load(grad + whole), keeps_zeros);
    }
}

#endif
