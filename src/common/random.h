/* Random numbers: hashes of what they are for, so that no thread has to wait for
 * another one's, and nothing is remembered. */
#ifndef TTFS_COMMON_RANDOM_H
#define TTFS_COMMON_RANDOM_H

#include <stdint.h>

/* A bijection of 64-bit numbers in which every bit depends on every bit; a random
 * sequence are its values at multiples of an odd number (SplitMix64: Steele, Lea, Flood
 * 2014). */
static inline uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Number n of the sequence that belongs to a key: random, and a key again. */
static inline uint64_t draw(uint64_t key, uint64_t n)
{
    return mix(key + (n + 1) * 0x9e3779b97f4a7c15u);
}

#endif
