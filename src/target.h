/* Where the instruction sets beyond the baseline can be compiled. */
#if defined(__x86_64__) && defined(__GNUC__)
#define TTFS_X86
#endif
