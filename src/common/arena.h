/* Memory handed out piece by piece, each at a multiple of a cache line. */
#ifndef TTFS_COMMON_ARENA_H
#define TTFS_COMMON_ARENA_H

#include <stddef.h>

typedef struct {
    char *next; /* NULL: only count */
    size_t used;
} arena_t;

static void *take(arena_t *arena, size_t bytes)
{
    void *piece = arena->next ? arena->next + arena->used : NULL;
    arena->used += (bytes + 63) / 64 * 64;
    return piece;
}

#endif
