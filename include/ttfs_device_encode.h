/* ttfs_device_encode: raw integers to ticks, in integers, on small processors.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * INTRODUCTION
 *
 * What ttfs.export.IntegerEncoder computes, bit for bit: scalers and an encoder as maps
 * from raw values to codes, and from codes to ticks. No floating point and no division.
 * There is one function for each kind of encoder:
 *
 *     ttfs_device_encode_lines    a code for each channel: maps
 *     ttfs_device_encode_tables   the same of uint8_t features: tables of ticks
 *     ttfs_device_encode_fields   a code for each feature: receptive fields
 *
 * The conventions are those of ttfs_fixed.h. A channel without a spike has the tick
 * n_ticks. Channels are those of all features, then the complements.
 */
#ifndef TTFS_DEVICE_ENCODE_H
#define TTFS_DEVICE_ENCODE_H

#include "ttfs_fixed.h"

/* Type of raw values: int16_t or uint8_t. */
#ifndef TTFS_DEVICE_FEATURE
#define TTFS_DEVICE_FEATURE int16_t
#endif
typedef TTFS_DEVICE_FEATURE ttfs_device_feature;

/* Type of the number of a map. */
#ifndef TTFS_DEVICE_MAP_NUMBER
#define TTFS_DEVICE_MAP_NUMBER uint8_t
#endif
typedef const TTFS_DEVICE_FLASH TTFS_DEVICE_MAP_NUMBER ttfs_device_map_number;

/* Codes of raw values x: on a line from `low` to `high`, else constant. */
typedef struct {
    uint32_t slope;  /* modulo 2^32, as offset and their sum, */
    uint32_t offset; /* of which 2^(16 + shift) are a unit of a code */
    int16_t low;
    int16_t high;
    uint16_t below;
    uint16_t above;
} ttfs_device_map;

/* The same in flash memory. */
typedef const TTFS_DEVICE_FLASH ttfs_device_map ttfs_device_const_map;

/* An encoder. Pointers that a kind of encoder does not need are not looked at. */
typedef struct {
    uint16_t n_features;
    uint16_t n_complements;
    /* (n_complements,) features that have a second channel; NULL: c has complement c */
    ttfs_fixed_constu16 *complemented;
    /* (n_features + n_complements,) the map of each code; NULL: code c has map c */
    ttfs_device_map_number *map_of;

    /* Lines: (n_maps,) maps; the values on lines that have no spike, or NULL. */
    ttfs_device_const_map *maps;
    ttfs_fixed_const16 *absent;
    uint16_t silent; /* the code of these */
    uint8_t shift;   /* bits of a code behind the point, besides 16 */

    /* Ticks of codes; NULL: codes are ticks. */
    ttfs_fixed_constu16 *times;

    /* Tables: (n_maps, width) ticks of raw values, the last of which stand for all that
     * are greater. */
    ttfs_fixed_constu8 *tables;
    uint16_t width;

    /* Receptive fields: their centres are 2^field_bits apart. At a distance up to
     * reach[j], (n_reach,) ascending, they spike at times[j], else at times[n_reach].
     */
    ttfs_fixed_constu16 *reach;
    uint16_t n_reach;
    uint16_t n_fields;
    uint8_t field_bits;
} ttfs_device_encoder;

/* The feature of code c. */
static inline uint16_t ttfs_device_feature_of(const ttfs_device_encoder *encoder,
                                              uint16_t c)
{
    if (c < encoder->n_features) return c;
    c = (uint16_t)(c - encoder->n_features);
    return encoder->complemented ? encoder->complemented[c] : c;
}

/* The map of code c. */
static inline uint16_t ttfs_device_map_of(const ttfs_device_encoder *encoder,
                                          uint16_t c)
{
    return encoder->map_of ? encoder->map_of[c] : c;
}

/* Code c of a raw value. */
static inline uint16_t ttfs_device_code(const ttfs_device_encoder *encoder, uint16_t c,
                                        ttfs_device_feature value)
{
    const int16_t x = value;
    const uint16_t number = ttfs_device_map_of(encoder, c);
    ttfs_device_const_map *map = encoder->maps + number;
    if (x < map->low) return map->below;
    if (x > map->high) return map->above;
    if (encoder->absent && x == encoder->absent[number]) return encoder->silent;
    const uint32_t line = map->offset + (uint32_t)(int32_t)x * map->slope;
    return (uint16_t)((uint16_t)(line >> 16) >> encoder->shift);
}

static inline void ttfs_device_encode_lines(const ttfs_device_encoder *encoder,
                                            const ttfs_device_feature *x,
                                            uint16_t *ticks)
{
    const uint16_t n = (uint16_t)(encoder->n_features + encoder->n_complements);
    for (uint16_t c = 0; c < n; ++c) {
        const uint16_t i = ttfs_device_feature_of(encoder, c);
        const uint16_t code = ttfs_device_code(encoder, c, x[i]);
        ticks[c] = encoder->times ? encoder->times[code] : code;
    }
}

static inline void ttfs_device_encode_tables(const ttfs_device_encoder *encoder,
                                             const ttfs_device_feature *x,
                                             uint16_t *ticks)
{
    const uint16_t n = (uint16_t)(encoder->n_features + encoder->n_complements);
    const uint16_t last = (uint16_t)(encoder->width - 1);
    for (uint16_t c = 0; c < n; ++c) {
        const uint16_t value = (uint16_t)x[ttfs_device_feature_of(encoder, c)];
        const uint16_t place = value < last ? value : last;
        const uint16_t number = ttfs_device_map_of(encoder, c);
        ticks[c] = encoder->tables[(uint16_t)(number * encoder->width) + place];
    }
}

/* The tick of a receptive field at a distance from its centre. */
static inline uint16_t ttfs_device_field_tick(const ttfs_device_encoder *encoder,
                                              uint16_t distance)
{
    uint16_t first = 0, end = encoder->n_reach;
    while (first < end) {
        const uint16_t middle = (uint16_t)((uint16_t)(first + end) >> 1);
        if (encoder->reach[middle] < distance) {
            first = (uint16_t)(middle + 1);
        } else {
            end = middle;
        }
    }
    return encoder->times[first];
}

static inline void ttfs_device_encode_fields(const ttfs_device_encoder *encoder,
                                             const ttfs_device_feature *x,
                                             uint16_t *ticks)
{
    for (uint16_t i = 0; i < encoder->n_features; ++i) {
        const uint16_t place = ttfs_device_code(encoder, i, x[i]);
        uint16_t centre = 0;
        for (uint16_t k = 0; k < encoder->n_fields; ++k) {
            const uint16_t distance =
                (uint16_t)(place > centre ? place - centre : centre - place);
            *ticks++ = ttfs_device_field_tick(encoder, distance);
            centre = (uint16_t)(centre + (1u << encoder->field_bits));
        }
    }
}

#endif /* TTFS_DEVICE_ENCODE_H */
