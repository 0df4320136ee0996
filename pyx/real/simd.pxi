cdef const ttfs_kernels *KERNELS = NULL
cdef dict SIMD = {
    "baseline": TTFS_SIMD_BASELINE,
    "avx2": TTFS_SIMD_AVX2,
    "avx512": TTFS_SIMD_AVX512,
}


def simd():
    """Name of the instruction set in use."""
    return KERNELS.name.decode()


def simd_available():
    """Names of the instruction sets that may be used here."""
    return [name for name, n in SIMD.items() if ttfs_kernels_for(n) != NULL]


def use_simd(name):
    """Choose an instruction set; None means the best.

    What has been made before - networks, trainers - must not be used afterwards.
    """
    global KERNELS
    if name is None:
        choice = ttfs_simd_best()
    elif name in SIMD:
        choice = <ttfs_simd>SIMD[name]
    else:
        raise ValueError(
            f"unknown instruction set {name!r}: choose one of {', '.join(SIMD)}"
        )
    if ttfs_kernels_for(choice) == NULL:
        raise ValueError(
            f"this processor, or this build of ttfs, does not have {name!r}; "
            f"available: {', '.join(simd_available())}"
        )
    KERNELS = ttfs_kernels_for(choice)


use_simd(os.environ.get("TTFS_SIMD") or None)
