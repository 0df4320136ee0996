/* Where the instruction sets beyond the baseline can be compiled. */
#ifndef TTFS_COMMON_TARGET_H
#define TTFS_COMMON_TARGET_H

#if defined(__x86_64__) && defined(__GNUC__)
#define TTFS_X86
#endif

#endif
