"""An encoder of integers as C."""

import numpy as np

# Tables of ticks may take so many bytes more than maps: they are three times as fast.
_MORE_BYTES = 256
_MAX_BYTES = 2**16 - 1  # the header finds rows by 16 bits
_BYTES_OF_MAP = 16


def tables_of(encoder):
    """Ticks of all raw values by the maps of an encoder, if that is worth its bytes.

    Parameters
    ----------
    encoder : IntegerEncoder

    Returns
    -------
    tables : ndarray of shape (n_maps, width), uint8, or None
        Greater values than `width` - 1 have the last tick. None where features are not
        uint8, ticks do not fit, or maps are much smaller.
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


def encoder_fields(encoder, arrays):
    """Define the arrays of an encoder.

    Parameters
    ----------
    encoder : IntegerEncoder
    arrays : Arrays
        Where they are defined.

    Returns
    -------
    kind : {"lines", "tables", "fields"}
        The function of ``ttfs_device_encode.h``.
    fields : dict of str to object
        The members of its ``ttfs_device_encoder``.
    """
    constant = arrays.constant
    n_features, n_complements = encoder.n_features, len(encoder.complemented)
    fields = {"n_features": n_features, "n_complements": n_complements}
    if 0 < n_complements < n_features:
        fields["complemented"] = constant("complemented", encoder.complemented)
    n_maps, map_of = len(encoder.slope), encoder.map_of
    tables = tables_of(encoder)
    # Maps that hardly anything shares are written for each code, without numbers.
    bytes_shared = n_maps * _BYTES_OF_MAP + len(map_of) * number_type(encoder).itemsize
    order = np.arange(n_maps)
    if tables is None and len(map_of) * _BYTES_OF_MAP <= bytes_shared:
        order = map_of
    else:
        numbers = map_of.astype(number_type(encoder))
        fields["map_of"] = constant("map_of", numbers)
    if tables is not None:
        return "tables", fields | {
            "tables": constant("tick_tables", tables),
            "width": tables.shape[1],
        }
    names = "slope", "offset", "low", "high", "below", "above"
    rows = zip(*(getattr(encoder, name)[order].tolist() for name in names), strict=True)
    text = [f"{{{a}u, {b}u, {', '.join(map(str, row))}}}" for a, b, *row in rows]
    fields["maps"] = arrays.records("ttfs_device_map", "maps", text, _BYTES_OF_MAP)
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


def number_type(encoder):
    """The type of the number of a map."""
    return np.dtype(np.uint8 if len(encoder.slope) <= 256 else np.uint16)
