/* Random numbers as hashes of what they are for: no thread has to wait for another one,
 * and nothing is remembered. */
#ifndef TTFS_COMMON_RANDOM_H
#define TTFS_COMMON_RANDOM_H

#include <stdint.h>

/* A bijection of 64-bit numbers in which every bit depends on every bit. Its values at
 * multiples of an odd number are a random sequence (SplitMix64: Steele, Lea, Flood
 * 2014). */
static inline uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Number n of the random sequence that belongs to a key; it can be a key again. */
static inline uint64_t draw(uint64_t key, uint64_t n)
{
    return mix(key + (n + 1) * 0x9e3779b97f4a7c15u);
}

#endif
