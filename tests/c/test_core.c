/* Tests of the C core without Python: numbers that can be checked by hand, finite
 * differences, and every bad argument, on each instruction set that this processor has
 * and in both precisions. Built and run by tests/core/test_c_core.py. */
#include "harness.h"

/* -- Parameters ---------------------------------------------------------------- */

static void test_version_and_messages(void)
{
    CHECK(strcmp(ttfs_version(), TTFS_VERSION) == 0);
    const ttfs_status codes[] = {TTFS_OK, TTFS_EINVAL_TAU_MEM, TTFS_EINVAL_TAU_SYN,
                                 TTFS_EINVAL_THRESHOLD, TTFS_EINVAL_RANGE};
    const size_t n = sizeof codes / sizeof codes[0];
    for (size_t i = 0; i < n; i++) {
        CHECK(ttfs_strerror(codes[i]) != NULL && strlen(ttfs_strerror(codes[i])) > 0);
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(ttfs_strerror(codes[i]), ttfs_strerror(codes[j])) != 0);
    }
    CHECK(ttfs_strerror((ttfs_status)99) != NULL);
}

static void check_refused(double tau_mem, double tau_syn, double threshold,
                          ttfs_status expected)
{
    ttfs_neuron neuron, before;
    memset(&neuron, 7, sizeof neuron);
    memcpy(&before, &neuron, sizeof neuron);
    CHECK(ttfs_neuron_init(&neuron, tau_mem, tau_syn, threshold) == expected);
    CHECK(memcmp(&before, &neuron, sizeof neuron) == 0);
}

static void test_neuron_init(void)
{
    const double bad[] = {0.0, -0.0, -1.0, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_refused(bad[i], 1.0, 1.0, TTFS_EINVAL_TAU_MEM);
        check_refused(1.0, bad[i], 1.0, TTFS_EINVAL_TAU_SYN);
        check_refused(1.0, 1.0, bad[i], TTFS_EINVAL_THRESHOLD);
    }
    check_refused(1.0, INFINITY, 1.0, TTFS_EINVAL_TAU_SYN);
    check_refused(INFINITY, INFINITY, 1.0, TTFS_EINVAL_TAU_SYN);
    check_refused(1.0, 1.0, INFINITY, TTFS_EINVAL_THRESHOLD);
    check_refused(1e-310, 1.0, 1.0, TTFS_EINVAL_RANGE);
    check_refused(1.0, 1e-310, 1.0, TTFS_EINVAL_RANGE);
    check_refused(1e-200, 1e200, 1.0, TTFS_EINVAL_RANGE);
    check_refused(1e200, 1e-200, 1.0, TTFS_EINVAL_RANGE);

    const ttfs_neuron equal = make_neuron(3.0, 3.0, 2.0);
    CHECK(equal.family == TTFS_EQUAL);
    CHECK(equal.tau_mem == 3.0 && equal.tau_syn == 3.0 && equal.threshold == 2.0);
    CHECK(equal.gap == 0.0);
    CHECK(make_neuron(2.0, 1.0, 1.0).family == TTFS_DOUBLE);
    CHECK(make_neuron(1.0, 2.0, 1.0).family == TTFS_GENERAL);
    CHECK(make_neuron(1.0 + 1e-12, 1.0, 1.0).family == TTFS_GENERAL);
    const ttfs_neuron nonleaky = make_neuron(INFINITY, 0.5, 1.0);
    CHECK(nonleaky.family == TTFS_NONLEAKY);
    CHECK(nonleaky.slow == 0.0 && nonleaky.fast == 2.0 && nonleaky.gap == 2.0);
}

/* -- Instruction sets ---------------------------------------------------------- */

static void test_instruction_sets(void)
{
    const char *names[] = {"baseline", "avx2", "avx512"};
    ttfs_simd best = TTFS_SIMD_BASELINE;
    for (ttfs_simd simd = TTFS_SIMD_BASELINE; simd <= TTFS_SIMD_AVX512; simd++) {
        const ttfs_kernels *kernels = ttfs_kernels_for(simd);
        const ttfs_kernels_f *kernels_f = ttfs_kernels_for_f(simd);
        int is_there = simd == TTFS_SIMD_BASELINE;
#if defined(__x86_64__) && defined(__GNUC__)
        if (simd >= TTFS_SIMD_AVX2) {
            is_there = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        }
        if (simd == TTFS_SIMD_AVX512) {
            is_there = is_there && __builtin_cpu_supports("avx512f") &&
                       __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("avx512bw");
        }
#endif
        CHECK((kernels != NULL) == is_there);
        CHECK((kernels_f != NULL) == is_there);
        if (!is_there) continue;
        best = simd;
        CHECK(strcmp(kernels->name, names[simd]) == 0);
        CHECK(strcmp(kernels_f->name, names[simd]) == 0);
        CHECK(kernels->lanes > 0 && kernels_f->lanes > 0);
    }
    CHECK(ttfs_simd_best() == best);
    CHECK(ttfs_kernels_for((ttfs_simd)99) == NULL);
    CHECK(ttfs_kernels_for_f((ttfs_simd)99) == NULL);
}

/* -- Kernels ------------------------------------------------------------------- */

#define real double
#define NAME(name) name
#define IS_DOUBLE 1
#include "kernels/kernels.h"
#undef real
#undef NAME
#undef IS_DOUBLE

#define real float
#define NAME(name) name##_f
#define IS_DOUBLE 0
#include "kernels/kernels.h"
#undef real
#undef NAME
#undef IS_DOUBLE

/* The arguments are the instruction sets to test; without any it is all of them. */
static int is_wanted(const char *name, int n_names, char **names)
{
    if (n_names == 0) return 1;
    for (int i = 0; i < n_names; ++i) {
        if (strcmp(name, names[i]) == 0) return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int n_sets = 0;
    test_version_and_messages();
    test_neuron_init();
    test_instruction_sets();
    for (ttfs_simd simd = TTFS_SIMD_BASELINE; simd <= TTFS_SIMD_AVX512; simd++) {
        const ttfs_kernels *kernels = ttfs_kernels_for(simd);
        if (!kernels || !is_wanted(kernels->name, argc - 1, argv + 1)) continue;
        test_kernels(kernels);
        test_kernels_f(ttfs_kernels_for_f(simd));
        n_sets++;
    }
    if (n_failed > 0) {
        printf("%d checks failed\n", n_failed);
        return 1;
    }
    printf("all C tests passed on %d instruction sets\n", n_sets);
    return 0;
}
