/* Bytes that a program reads: from stdin, or on a machine of machine.h, which has none,
 * from the array `input_bytes` of the header INPUT. */
#ifndef INPUT_H
#define INPUT_H

#include "machine.h"

#ifdef MACHINE_IS_BARE
#include INPUT

/* Read a number of bytes; returns 0 at the end. */
static int take(void *to, uint16_t n)
{
    static uint32_t place;
    uint8_t *bytes = to;
    if (sizeof input_bytes - place < n) return 0;
    for (uint16_t i = 0; i < n; ++i) bytes[i] = input_bytes[place++];
    return 1;
}
#else
static int take(void *to, size_t n)
{
    return fread(to, n, 1, stdin) == 1;
}
#endif

#endif /* INPUT_H */
