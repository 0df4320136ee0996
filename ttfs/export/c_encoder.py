"""An encoder of integers as C."""

import numpy as np

from .c_arrays import Arrays, struct

# Tables of ticks may take so many bytes more than maps: they are three times as fast.
_MORE_BYTES = 256
_MAX_BYTES = 2**16 - 1  # the header finds rows by 16 bits
_BYTES_OF_MAP = 16


def tables_of(encoder):
    """Ticks (n_maps, width), uint8, of raw values by the maps of an encoder.

    Values beyond the width have the last tick. None where features are not uint8, ticks
    do not fit, or maps are much smaller.
    """
    if encoder.features != "uint8" or encoder.n_fields or encoder.n_ticks > 255:
        return None
    n_maps = len(encoder.slope)
    x = np.arange(256, dtype=np.int16)
    ticks = encoder.codes(x, np.arange(n_maps)[:, None])
    if encoder.times is not None:
        ticks = encoder.times[ticks]
    changes = np.flatnonzero((ticks[:, 1:] != ticks[:, :-1]).any(axis=0))
    width = 2 + int(changes[-1]) if len(changes) else 1
    n_bytes = n_maps * width
    if n_bytes > min(n_maps * _BYTES_OF_MAP + _MORE_BYTES, _MAX_BYTES):
        return None
    return ticks[:, :width].astype(np.uint8)


def encoder_settings(encoder):
    """The types that the header leaves to an encoder, as macros and what they are."""
    return {
        "TTFS_DEVICE_FEATURE": f"{encoder.features}_t",
        "TTFS_DEVICE_MAP_NUMBER": f"{_number_type(encoder).name}_t",
    }


def encoder_code(encoder):
    """An encoder as C.

    Returned are the size of each array by its name, in bytes; the definitions of all
    arrays and of the structure PREFIX_encoding; and "lines", "tables" or "fields", the
    function of ``ttfs_device_encode.h`` that takes it.
    """
    arrays = Arrays()
    arrays.lines.append("/* The encoder */\n")
    kind, fields = _fields(encoder, arrays)
    text = f"static const ttfs_device_encoder PREFIX_encoding = {struct(fields, 0)};\n"
    return arrays.n_bytes, "\n".join([*arrays.lines, "", text]), kind


def _fields(encoder, arrays):
    """The kind of an encoder, and the members of its structure."""

    def constant(name, array):
        return arrays.constant(f"encoder_{name}", array)

    n_features, n_complements = encoder.n_features, len(encoder.complemented)
    fields = {"n_features": n_features, "n_complements": n_complements}
    if 0 < n_complements < n_features:
        fields["complemented"] = constant("complemented", encoder.complemented)
    n_maps, map_of = len(encoder.slope), encoder.map_of
    numbers = map_of.astype(_number_type(encoder))
    tables = tables_of(encoder)
    if tables is not None:
        return "tables", fields | {
            "map_of": constant("map_of", numbers),
            "tables": constant("tables", tables),
            "width": tables.shape[1],
        }
    # Maps that hardly anything shares are written for each code, without numbers.
    order = np.arange(n_maps)
    if len(map_of) * _BYTES_OF_MAP <= n_maps * _BYTES_OF_MAP + numbers.nbytes:
        order = map_of
    else:
        fields["map_of"] = constant("map_of", numbers)
    names = "slope", "offset", "low", "high", "below", "above"
    columns = (getattr(encoder, name)[order].tolist() for name in names)
    rows = [(f"{a}u", f"{b}u", *row) for a, b, *row in zip(*columns, strict=True)]
    fields["maps"] = arrays.records(
        "encoder_maps", "ttfs_device_const_map", rows, _BYTES_OF_MAP
    )
    if encoder.absent is not None:
        fields["absent"] = constant("absent", encoder.absent[order])
        fields["silent"] = encoder.silent
    fields["shift"] = encoder.shift - 16
    if encoder.times is not None:
        fields["times"] = constant("times", encoder.times)
    if not encoder.n_fields:
        return "lines", fields
    return "fields", fields | {
        "reach": constant("reach", encoder.reach),
        "n_reach": len(encoder.reach),
        "n_fields": encoder.n_fields,
        "field_bits": encoder.field_bits,
    }


def _number_type(encoder):
    """The type of the number of a map."""
    return np.dtype(np.uint8 if len(encoder.slope) <= 256 else np.uint16)
