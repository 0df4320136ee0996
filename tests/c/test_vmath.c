/* Tests of the vectors and their mathematics, for one instruction set and precision:
 * built by tests/core/test_c_core.py with -D SIMD=.. -D REAL_BITS=.. for each. The
 * bounds are those at the top of src/real/simd/vmath.h and in src/real/simd/vectors.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/target.h"

#include "common/sort_keys.h"

#include "real/simd/vmath.h"

static int n_failed = 0;

#define CHECK(condition)                                                               \
    do {                                                                               \
        if (!(condition)) {                                                            \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                     \
            n_failed++;                                                                \
        }                                                                              \
    } while (0)

#if REAL_BITS == 64
#define MIN_EXPONENT (-1022)
#define DIGITS 53
#else
#define MIN_EXPONENT (-126)
#define DIGITS 24
#endif

static uint64_t state = 1;

static double random_of(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) / 9007199254740992.0;
}

/* -- Accuracy ------------------------------------------------------------------ */

/* Error of a result in units in the last place of the exact one; of 0 and of numbers
 * below the normal ones, in that of the least normal number. */
static double ulps(real got, long double exact)
{
    if (fabsl(exact) > (long double)REAL_MAX) {
        return (long double)got == (exact > 0 ? 1 : -1) * (long double)INFINITY ||
                       fabsl(exact) < (long double)REAL_MAX * (1 + REAL_EPSILON)
                   ? 0.0
                   : (double)INFINITY;
    }
    int exponent = exact != 0 ? ilogbl(exact) : MIN_EXPONENT;
    if (exponent < MIN_EXPONENT) exponent = MIN_EXPONENT;
    const long double unit = ldexpl(1.0L, exponent - DIGITS + 1);
    const double error = (double)(fabsl((long double)got - exact) / unit);
    return error == error ? error : (double)INFINITY;
}

static long double inverse(long double x)
{
    return 1 / x;
}

static long double inverse_sqrt(long double x)
{
    return 1 / sqrtl(x);
}

typedef struct {
    const char *name;
    vec (*function)(vec);
    long double (*exact)(long double);
    double bound;
    double worst;
    real worst_at;
} accuracy_t;

static void compare(accuracy_t *of, const real *x)
{
    real got[WIDTH];
    v_store(got, of->function(v_load(x)));
    for (int l = 0; l < WIDTH; ++l) {
        const double error = ulps(got[l], of->exact((long double)x[l]));
        if (!(error <= of->worst)) {
            of->worst = error;
            of->worst_at = x[l];
        }
    }
}

/* Numbers between low and high: spaced evenly, and evenly by their logarithm where both
 * have the same sign. */
static void sweep(accuracy_t *of, double low, double high)
{
    const size_t n = 40000;
    real x[WIDTH];
    for (size_t k = 0; k < n; ++k) {
        for (int l = 0; l < WIDTH; ++l) {
            const double u = ((double)k + random_of()) / (double)n;
            double at = low + (high - low) * u;
            if (l % 2 && low * high > 0) at = low * pow(high / low, u);
            if (at < fmin(low, high)) at = fmin(low, high);
            if (at > fmax(low, high)) at = fmax(low, high);
            x[l] = (real)at;
        }
        compare(of, x);
    }
    /* the ends themselves */
    for (int l = 0; l < WIDTH; ++l) x[l] = (real)(l % 2 ? low : high);
    compare(of, x);
}

static void report(const accuracy_t *of)
{
    printf("%s, %d bits: %-14s %.2f ulp at %.9g, bound %g\n", SIMD_NAME, REAL_BITS,
           of->name, of->worst, (double)of->worst_at, of->bound);
    CHECK(of->worst <= of->bound);
}

static void test_accuracy(void)
{
    const double tiny = REAL_BITS == 64 ? 1e-300 : 1e-37;
    const double huge = REAL_BITS == 64 ? 1e300 : 1e37;
    /* exp(max_x) is just finite; in expm1 2^n must be too, before 1 is taken from it */
    const double max_x = REAL_BITS == 64 ? 709.78 : 88.72;
    const double max_x_m1 = REAL_BITS == 64 ? 709.4 : 88.3;
    const double min_x = REAL_BITS == 64 ? -745.0 : -103.0;

    accuracy_t of_exp = {"exp", v_exp, expl, 2.0, 0.0, 0};
    sweep(&of_exp, -1.0, 1.0);
    sweep(&of_exp, min_x, max_x);
    sweep(&of_exp, tiny, 1.0);
    sweep(&of_exp, -tiny, -1.0);
    sweep(&of_exp, max_x, 2 * max_x); /* infinity */
    sweep(&of_exp, 2 * min_x, min_x); /* 0 */
    sweep(&of_exp, max_x, huge);
    sweep(&of_exp, -huge, min_x);
    report(&of_exp);

    accuracy_t of_expm1 = {"expm1", v_expm1, expm1l, 4.0, 0.0, 0};
    sweep(&of_expm1, -1.0, 1.0);
    sweep(&of_expm1, min_x, max_x_m1);
    sweep(&of_expm1, tiny, 1.0);
    sweep(&of_expm1, -tiny, -1.0);
    sweep(&of_expm1, 0.3, 0.4); /* where n changes from 0 to 1 */
    sweep(&of_expm1, -0.4, -0.3);
    sweep(&of_expm1, -huge, min_x);
    report(&of_expm1);

    accuracy_t of_log = {"log", v_log, logl, 3.0, 0.0, 0};
    sweep(&of_log, 0.5, 2.0);
    sweep(&of_log, 0.999, 1.001);
    sweep(&of_log, 1 - 16 * (double)REAL_EPSILON, 1 + 16 * (double)REAL_EPSILON);
    sweep(&of_log, 1.0, 100.0);
    sweep(&of_log, tiny, huge);
    report(&of_log);

    accuracy_t of_log1p = {"log1p", v_log1p, log1pl, 5.0, 0.0, 0};
    sweep(&of_log1p, -0.5, 2.0);
    sweep(&of_log1p, -1 + (double)REAL_EPSILON, -0.5);
    sweep(&of_log1p, -0.999999, -0.99);
    sweep(&of_log1p, tiny, 1.0);
    sweep(&of_log1p, -tiny, -0.9);
    sweep(&of_log1p, 1.0, huge);
    sweep(&of_log1p, 1e-4, 1e-2);
    report(&of_log1p);

    accuracy_t of_inverse = {"1 / x", v_inverse, inverse, 4.0, 0.0, 0};
    sweep(&of_inverse, 0.5, 2.0);
    sweep(&of_inverse, tiny, huge);
    report(&of_inverse);

    accuracy_t of_root = {"1 / sqrt(x)", v_inverse_sqrt, inverse_sqrt, 4.0, 0.0, 0};
    sweep(&of_root, 0.25, 4.0);
    sweep(&of_root, 1.2 * (double)FLT_MIN, huge); /* the least that Adam has */
    report(&of_root);
}

/* -- Special values ------------------------------------------------------------ */

static real first_of(vec x)
{
    real lanes[WIDTH];
    v_store(lanes, x);
    for (int l = 1; l < WIDTH; ++l) CHECK(memcmp(lanes, lanes + l, sizeof(real)) == 0);
    return lanes[0];
}

static void test_special_values(void)
{
    CHECK(first_of(v_exp(v_set(0))) == 1);
    CHECK(first_of(v_exp(v_set(-INFINITY))) == 0);
    CHECK(first_of(v_exp(v_set(INFINITY))) == INFINITY);
    CHECK(first_of(v_expm1(v_set(0))) == 0);
    CHECK(first_of(v_expm1(v_set(-INFINITY))) == -1);
    CHECK(first_of(v_log(v_set(1))) == 0);
    CHECK(first_of(v_log1p(v_set(0))) == 0);
    /* kappa's warp relies on this: infinity or NaN, the minimum is what is finite */
    for (double x = REAL_BITS == 64 ? 710.5 : 89.5; x < 1e30; x *= 1.01) {
        const vec max_x = v_set(REAL_MAX);
        CHECK(first_of(v_min(v_expm1(v_set((real)x)), max_x)) == REAL_MAX);
    }
    CHECK(first_of(v_min(v_set(NAN), v_set(3))) == 3);
    /* below the normal numbers a result is still the nearest one or its neighbour */
    const double low = REAL_BITS == 64 ? -740.0 : -100.0;
    const double got = (double)first_of(v_exp(v_set((real)low)));
    CHECK(fabs(got - exp(low)) <= ldexp(1.0, MIN_EXPONENT - DIGITS + 1));
}

/* -- Lanes --------------------------------------------------------------------- */

static void test_lanes(void)
{
    real x[2 * WIDTH], out[2 * WIDTH];
    uint32_t index[WIDTH];

    for (int l = 0; l < 2 * WIDTH; ++l) x[l] = (real)(3 * l - 7);
    /* part of a vector: what is left out is 0, or untouched; memory behind is not read,
     * of which the sanitizer convinces itself */
    for (size_t n = 0; n <= WIDTH; ++n) {
        real *part = malloc(n * sizeof(real) + 1);
        if (!part) abort();
        memcpy(part, x, n * sizeof(real));
        v_store(out, v_load_part(part, n));
        for (size_t l = 0; l < WIDTH; ++l) CHECK(out[l] == (l < n ? x[l] : 0));
        for (size_t l = 0; l < WIDTH; ++l) out[l] = 99;
        v_store_part(out, v_load(x), n);
        for (size_t l = 0; l < WIDTH; ++l) CHECK(out[l] == (l < n ? x[l] : 99));
        v_store_part(part, v_set(5), n);
        for (size_t l = 0; l < n; ++l) CHECK(part[l] == 5);
        free(part);
        const mask first = m_first(n);
        CHECK(m_any(first) == (n > 0));
        v_store(out, v_select(first, v_set(1), v_set(2)));
        for (size_t l = 0; l < WIDTH; ++l) CHECK(out[l] == (l < n ? 1 : 2));
        v_store(out, v_keep(first, v_load(x)));
        for (size_t l = 0; l < WIDTH; ++l) CHECK(out[l] == (l < n ? x[l] : 0));
        v_store(out, v_fma_where(first, v_load(x), v_set(2), v_set(1)));
        for (size_t l = 0; l < WIDTH; ++l) CHECK(out[l] == (l < n ? 2 * x[l] + 1 : 1));
        for (size_t m = 0; m <= WIDTH; ++m) {
            const mask other = m_first(m);
            v_store(out, v_keep(m_and(first, other), v_set(1)));
            v_store(out + WIDTH, v_keep(m_or(first, other), v_set(1)));
            for (size_t l = 0; l < WIDTH; ++l) {
                CHECK(out[l] == (l < n && l < m));
                CHECK(out[WIDTH + l] == (l < n || l < m));
            }
            v_store(out, v_keep(m_andnot(first, other), v_set(1)));
            for (size_t l = 0; l < WIDTH; ++l) CHECK(out[l] == (l < n && l >= m));
        }
    }
    CHECK(!m_any(m_none()));

    /* comparisons, and what they are with NaN */
    for (int l = 0; l < WIDTH; ++l) out[l] = (real)(l - 1);
    const vec steps = v_load(out), zero = v_set(0);
    v_store(out, v_keep(v_gt(steps, zero), v_set(1)));
    v_store(out + WIDTH, v_keep(v_ge(steps, zero), v_set(1)));
    for (int l = 0; l < WIDTH; ++l) {
        CHECK(out[l] == (l > 1));
        CHECK(out[WIDTH + l] == (l >= 1));
    }
    v_store(out, v_keep(v_eq(steps, zero), v_set(1)));
    for (int l = 0; l < WIDTH; ++l) CHECK(out[l] == (l == 1));
    const vec undefined = v_set(NAN);
    CHECK(!m_any(v_gt(undefined, zero)) && !m_any(v_ge(undefined, zero)));
    CHECK(!m_any(v_eq(undefined, undefined)) && !m_any(v_gt(zero, undefined)));
    CHECK(first_of(v_min(v_set(2), v_set(-3))) == -3);
    CHECK(first_of(v_max(v_set(2), v_set(-3))) == 2);
    CHECK(first_of(v_fma(v_set(2), v_set(3), v_set(4))) == 10);
    CHECK(first_of(v_fnma(v_set(2), v_set(3), v_set(4))) == -2);

    /* whole numbers and powers of two */
    const real halves[6] = {(real)0.5, (real)1.5, (real)2.5, (real)-0.5, (real)-1.4, 7};
    const real rounded[6] = {0, 2, 2, 0, -1, 7};
    for (int k = 0; k < 6; ++k)
        CHECK(first_of(v_round(v_set(halves[k]))) == rounded[k]);
    for (int n = MIN_EXPONENT; n < -MIN_EXPONENT; n += 7) {
        const real power = (real)ldexp(1.0, n);
        CHECK(first_of(v_scale2(v_set((real)1.25), v_set((real)n))) ==
              power * (real)1.25);
        vec exponent;
        CHECK(first_of(v_split(v_set(power * (real)1.75), &exponent)) == (real)1.75);
        CHECK(first_of(exponent) == (real)n);
    }
    for (int l = 0; l < WIDTH; ++l) out[l] = (real)(1000 * l + 16777215 - 1000 * WIDTH);
    v_store_index(index, v_load(out));
    for (int l = 0; l < WIDTH; ++l) CHECK((real)index[l] == out[l]);

    /* over the lanes */
    real sum = 0;
    for (int l = 0; l < WIDTH; ++l) sum += x[l];
    CHECK(v_sum(v_load(x)) == sum);
    for (int at = 0; at < WIDTH; ++at) {
        for (int l = 0; l < WIDTH; ++l) out[l] = l == at ? (real)-1 : -INFINITY;
        CHECK(v_max_lane(v_load(out)) == -1);
        for (int l = 0; l < WIDTH; ++l) out[l] = l == at ? (real)7 : (real)(l - WIDTH);
        CHECK(v_max_lane(v_load(out)) == 7);
        for (int l = 0; l < WIDTH; ++l) out[l] = l == at ? (real)4 : (real)0;
        CHECK(v_sum(v_load(out)) == 4);
    }
}

/* What is the same as something slower: sums, masks and pairs. */
static void test_shortcuts(void)
{
    for (int turn = 0; turn < 100; ++turn) {
        real numbers[WIDTH][WIDTH], sums[WIDTH], at[WIDTH], after[WIDTH];
        vec x[WIDTH], first, second;
        for (int i = 0; i < WIDTH; ++i) {
            for (int l = 0; l < WIDTH; ++l) {
                numbers[i][l] = (real)(random_of() - 0.5);
                if (turn % 2) numbers[i][l] *= (real)pow(2, 20 * random_of());
            }
            x[i] = v_load(numbers[i]);
        }
        v_store(sums, v_sums(x));
        for (int i = 0; i < WIDTH; ++i) CHECK(sums[i] == v_sum(x[i]));
        const mask given = v_gt(x[0], v_set(0));
        vec other = v_select(v_gt(x[1], v_set(0)), x[0], x[1]);
        if (turn % 3 == 0) other = v_set((real)NAN);
        const mask below = m_below(given, x[0], other);
        const uint64_t bits = m_bits(m_andnot(given, v_ge(x[0], other)));
        CHECK(m_bits(below) == bits && bits >> WIDTH == 0);
        for (int l = 0; l < WIDTH; ++l) {
            CHECK((m_bits(given) >> l & 1) == (numbers[0][l] > 0));
        }
        uint32_t index[WIDTH];
        for (int l = 0; l < WIDTH; ++l) {
            index[l] = (uint32_t)(random_of() * (WIDTH * WIDTH - 1));
        }
        v_pairs(&numbers[0][0], index, &first, &second);
        v_store(at, first);
        v_store(after, second);
        for (int l = 0; l < WIDTH; ++l) {
            const size_t k = index[l];
            CHECK(at[l] == numbers[k / WIDTH][k % WIDTH]);
            CHECK(after[l] == numbers[(k + 1) / WIDTH][(k + 1) % WIDTH]);
        }
        real places[WIDTH];
        for (int l = 0; l < WIDTH; ++l) places[l] = (real)(index[l] % WIDTH);
        v_store(at, v_look_up(numbers[0], v_load(places)));
        for (int l = 0; l < WIDTH; ++l) {
            CHECK(at[l] == numbers[0][index[l] % WIDTH]);
        }
    }
}

/* -- Sort keys ----------------------------------------------------------------- */

/* The bytes of lane l say l, and which vector. */
static keys numbered(int vector)
{
    const size_t size = sizeof(keys) / KEYS;
    unsigned char bytes[sizeof(keys)] = {0};
    keys x;
    for (size_t l = 0; l < KEYS; ++l) {
        bytes[l * size] = (unsigned char)(l + 1);
        bytes[l * size + 1] = (unsigned char)vector;
    }
    memcpy(&x, bytes, sizeof x);
    return x;
}

static int has_lane(keys x, size_t l, size_t lane, int vector)
{
    const size_t size = sizeof(keys) / KEYS;
    unsigned char bytes[sizeof(keys)];
    memcpy(bytes, &x, sizeof x);
    return bytes[l * size] == lane + 1 && bytes[l * size + 1] == vector;
}

/* The distances that the network has: powers of two, and one less. */
#define CHECK_SWAP(distance)                                                           \
    if ((distance) < KEYS) {                                                           \
        const keys swapped = k_swap(numbered(1), distance);                            \
        for (size_t l = 0; l < KEYS; ++l)                                              \
            CHECK(has_lane(swapped, l, l ^ (distance), 1));                            \
    }
#define CHECK_EXCHANGE(bit)                                                            \
    if ((bit) < KEYS) {                                                                \
        const keys merged = k_exchange(numbered(2), numbered(1), bit);                 \
        for (size_t l = 0; l < KEYS; ++l)                                              \
            CHECK(has_lane(merged, l, l, l & (bit) ? 2 : 1));                          \
    }

/* Sorted are all lengths up to some vectors, with keys that are equal among them. */
static void test_network(void)
{
    for (size_t n = 1; n <= 5 * KEYS; ++n) {
        _Alignas(64) uint32_t key[5 * KEYS];
        uint64_t sum = 0;
        for (size_t k = 0; k < 5 * KEYS; ++k) {
            key[k] = k < n ? (uint32_t)(k * 2654435761u) % 37u : UINT32_MAX;
            if (k < n) sum += key[k];
        }
        sort_network(key, n);
        for (size_t k = 0; k < n; ++k) {
            CHECK(k == 0 || key[k - 1] <= key[k]);
            sum -= key[k];
        }
        CHECK(sum == 0);
    }
}

static void test_keys(void)
{
    CHECK_SWAP(1)
    CHECK_SWAP(2)
    CHECK_SWAP(3)
    CHECK_SWAP(4)
    CHECK_SWAP(7)
    CHECK_SWAP(8)
    CHECK_SWAP(15)
    CHECK_EXCHANGE(1)
    CHECK_EXCHANGE(2)
    CHECK_EXCHANGE(4)
    CHECK_EXCHANGE(8)
}

int main(void)
{
    test_accuracy();
    test_special_values();
    test_lanes();
    test_shortcuts();
    test_keys();
    test_network();
    if (n_failed > 0) {
        printf("%d checks failed\n", n_failed);
        return 1;
    }
    printf("all tests of vectors passed\n");
    return 0;
}

#ifdef POP_TARGET
#pragma clang attribute pop
#endif
