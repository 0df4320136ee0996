"""Messages between :class:`Remote` and a chip server.

The page docs/guide/remote.md defines them.

Everything that comes over the wire is checked here. No message names code: messages
hold numbers, strings, and arrays of two types.
"""

import math
import struct
import zlib

import numpy as np

from ... import core as _core
from ...model import LIF, Layer, Network
from ..checks import check_request, check_spikes
from ..protocol import NetworkError, SubstrateError

VERSION = 1
MAX_BYTES = 2**28  # the longest message, by default
MAX_TEXT = 1000  # characters of a text for people to read
SOFTWARE = f"ttfs {_core.__version__}"

_MAGIC = b"TTFS"
_HEADER = struct.Struct("<4sHHI")  # magic, version, reserved, bytes of the message
_CHECKSUM = struct.Struct("<I")  # CRC-32 of header and message

_DTYPES = {"<f4": np.dtype("<f4"), "<f8": np.dtype("<f8")}
_PARAMETERS = "tau_mem", "tau_syn", "threshold"  # of the neurons of a layer
_MAX_LAYERS = 256
_MAX_TOLD_LAYERS = 16  # layers whose limits a client is told
_MAX_DIMENSION = 2**24  # rows or columns of an array
_CHUNK = 2**20  # bytes that are read at a time

# A short message could still stand for very many objects.
_MAX_ITEMS, _MAX_KEYS, _MAX_CONTAINERS = _MAX_LAYERS, 16, 8 * _MAX_LAYERS


class MessageError(Exception):
    """What arrived is not a message of this format."""


class Closed(MessageError):
    """The other side has closed the connection."""


class VersionError(MessageError):
    """A message in another version of the format."""


class BusyError(MessageError):
    """The server has too much to do for this client at present."""


def msgpack():
    """The module msgpack, an optional dependency that only chip servers need."""
    try:
        import msgpack
    except ImportError as error:
        raise ImportError(
            "chip servers need msgpack: pip install 'scikit-ttfs[remote]'"
        ) from error
    return msgpack


def plain_text(text):
    """A text of the other side in one short line that no terminal obeys.

    A character that cannot be printed, such as the escape that begins the commands of
    a terminal, becomes the sequence that stands for it in Python.
    """
    marks = text[:MAX_TEXT]
    plain = "".join(m if m.isprintable() else ascii(m)[1:-1] for m in marks)
    if max(len(text), len(plain)) > MAX_TEXT:
        plain = plain[: MAX_TEXT - 3] + "..."
    return plain


# -- Frames ----------------------------------------------------------------------------


def pack(message, max_bytes=MAX_BYTES):
    """The frame of a message, a dict."""
    payload = msgpack().packb(message)
    if len(payload) > max_bytes:
        raise NetworkError(
            f"a message of {len(payload)} bytes is longer than max_bytes={max_bytes}: "
            "ask for fewer samples at a time, or raise it"
        )
    header = _HEADER.pack(_MAGIC, VERSION, 0, len(payload))
    checksum = zlib.crc32(payload, zlib.crc32(header))
    return b"".join((header, _CHECKSUM.pack(checksum), payload))


def receive(recv, max_bytes=MAX_BYTES, admit=None):
    """The next message of a stream; a MessageError if anything is wrong with it.

    ``recv(n)`` gives up to n bytes, none at the end of the stream. ``admit(size)`` is
    called before a message of so many bytes is read, and may raise an error.
    """
    header = _read(recv, _HEADER.size)
    magic, version, reserved, size = _HEADER.unpack(header)
    if magic != _MAGIC:
        raise MessageError("what arrived is not in the format of ttfs")
    (checksum,) = _CHECKSUM.unpack(_read(recv, _CHECKSUM.size))
    if size > max_bytes:
        raise MessageError(
            f"a message of {size} bytes is longer than max_bytes={max_bytes}"
        )
    if admit is not None:
        admit(size)
    payload = _read(recv, size)
    if zlib.crc32(payload, zlib.crc32(header)) != checksum:
        raise MessageError("a message is damaged: its checksum is wrong")
    # The checksum is right, so that another version is no damage.
    if version != VERSION or reserved:
        raise VersionError(
            f"the other side speaks version {version} of the format, this one {VERSION}"
        )
    return _unpack(payload)


def _read(recv, n):
    data = bytearray()
    while len(data) < n:
        # Memory is set aside for bytes that arrive, not for those that are announced.
        chunk = recv(min(n - len(data), _CHUNK))
        if not chunk:
            raise Closed("the connection was closed")
        data += chunk
    return data


def _unpack(payload):
    n_containers = 0

    def count(container):
        nonlocal n_containers
        n_containers += 1
        if n_containers > _MAX_CONTAINERS:
            raise ValueError("too many lists and maps")
        return container

    try:
        message = msgpack().unpackb(
            payload,
            list_hook=count,
            object_hook=count,
            max_array_len=_MAX_ITEMS,
            max_map_len=_MAX_KEYS,
            max_ext_len=0,
        )
    except ImportError:
        raise
    except Exception as error:  # msgpack does not say which errors it raises
        raise MessageError(f"a message cannot be decoded: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise MessageError("a message is not a map with a type")
    return message


# -- Fields ----------------------------------------------------------------------------


def _require(condition, name, wanted):
    if not condition:
        raise MessageError(f"{name} of a message must be {wanted}")


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _field(message, name, kind):
    """The string or the list in a field of a message."""
    value = message.get(name)
    _require(isinstance(value, kind), name, {str: "a string", list: "a list"}[kind])
    return value


def _number(message, name):
    value = message.get(name)
    _require(_is_number(value), name, "a number")
    return float(value)


def _pack_array(array):
    array = np.asarray(array)
    single = array.dtype.newbyteorder("=") == np.float32
    dtype = "<f4" if single else "<f8"
    return {
        "dtype": dtype,
        "shape": list(array.shape),
        "data": array.astype(_DTYPES[dtype], copy=False).tobytes(),
    }


def _array(value, name, ndim):
    """The array in a field of a message: contiguous, writeable, native byte order."""
    _require(isinstance(value, dict), name, "an array")
    dtype, shape, data = (value.get(key) for key in ("dtype", "shape", "data"))
    _require(isinstance(dtype, str) and dtype in _DTYPES, name, "of type <f4 or <f8")
    is_shape = isinstance(shape, list) and all(
        type(n) is int and 0 <= n <= _MAX_DIMENSION for n in shape
    )
    _require(is_shape, name, f"of a shape of integers up to {_MAX_DIMENSION}")
    _require(len(shape) == ndim, name, f"of {ndim} dimension(s)")
    dtype = _DTYPES[dtype]
    n_bytes = math.prod(shape) * dtype.itemsize
    is_data = isinstance(data, bytes) and len(data) == n_bytes
    _require(is_data, name, f"{n_bytes} bytes for shape {shape}")
    array = np.frombuffer(data, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=True)


def message_id(message):
    """The number of a request, which the answer to it repeats."""
    value = message.get("id")
    _require(type(value) is int and value >= 0, "id", "a positive integer or 0")
    return value


# -- Hello -----------------------------------------------------------------------------


def hello(number):
    return {"type": "hello", "id": number, "software": SOFTWARE}


def welcome(number, substrate, max_bytes):
    """The answer to hello: what the client may want to know about the chip."""

    def of_layers(name):
        """Values of the first layers; the last value is that of all further layers."""
        method = getattr(substrate, name, None)
        if method is None:
            return []
        values = [float(method(0))]
        for k in range(1, _MAX_TOLD_LAYERS):
            try:
                values.append(float(method(k)))
            except Exception:
                break  # the chip has no further layers
        while len(values) > 1 and values[-1] == values[-2]:
            values.pop()
        return values

    capacity = {
        name: None if value is None else int(value)
        for name in ("max_inputs", "max_neurons")
        for value in [getattr(substrate, name, None)]
    }
    return {
        "type": "welcome",
        "id": number,
        "software": SOFTWARE,
        "substrate": plain_text(repr(substrate)),
        "weight_limits": of_layers("weight_limit"),
        "weight_steps": of_layers("weight_step"),
        **capacity,
        "max_bytes": max_bytes,
    }


def read_welcome(message):
    """The fields of a welcome, checked."""
    texts = "software", "substrate"
    out = {name: plain_text(_field(message, name, str)) for name in texts}
    for name in ("weight_limits", "weight_steps"):
        values = _field(message, name, list)
        _require(all(map(_is_number, values)), name, "numbers")
        out[name] = [float(value) for value in values]
    for name in ("max_inputs", "max_neurons"):
        value = out[name] = message.get(name)
        is_count = value is None or (type(value) is int and value > 0)
        _require(is_count, name, "nil or a positive integer")
    value = out["max_bytes"] = message.get("max_bytes")
    _require(type(value) is int and value > 0, "max_bytes", "a positive integer")
    return out


# -- Forward ---------------------------------------------------------------------------


def forward(number, times, network):
    """The request for the spike times of a network."""
    layers = [
        {
            "weights": _pack_array(layer.unrolled),
            "bias_times": _pack_array(layer.bias_times),
            **{name: float(getattr(layer.neuron, name)) for name in _PARAMETERS},
        }
        for layer in network.layers
    ]
    if len(layers) > _MAX_LAYERS:
        raise ValueError(f"a network must have at most {_MAX_LAYERS} layers")
    return {
        "type": "forward",
        "id": number,
        "times": _pack_array(times),
        "t_max": float(network.t_max),
        "layers": layers,
    }


def read_forward(message, max_bytes=MAX_BYTES):
    """Times and network of a request; a ValueError if they make no sense."""
    times = _array(message.get("times"), "times", 2)
    layers = []
    for item in _field(message, "layers", list):
        _require(isinstance(item, dict), "layers", "maps")
        weights = _array(item.get("weights"), "weights", 2)
        bias_times = _array(item.get("bias_times"), "bias_times", 1)
        parameters = [_number(item, name) for name in _PARAMETERS]
        layers.append((weights, bias_times, parameters))
    t_max = _number(message, "t_max")
    network = Network(tuple(Layer(w, b, LIF(*p)) for w, b, p in layers), t_max)
    times = check_request(times, network)
    check_length(times, network, max_bytes)
    return times, network


def n_spike_bytes(times, network):
    """Bytes of the spike times in the answer to a request."""
    return len(times) * sum(layer.n_out for layer in network.layers) * times.itemsize


def check_length(times, network, max_bytes):
    """Raise a NetworkError if the answer to a request would be too long."""
    n_bytes = n_spike_bytes(times, network)
    # The fields of the answer, besides the spike times, are shorter than that.
    if n_bytes > max_bytes - 100 * len(network.layers) - 1000:
        raise NetworkError(
            f"spike times of {n_bytes} bytes would be longer than "
            f"max_bytes={max_bytes}: ask for fewer samples at a time, or raise it"
        )


def result(number, spikes):
    """The answer to a forward request."""
    return {
        "type": "result",
        "id": number,
        "spikes": [_pack_array(array) for array in spikes],
    }


def read_result(message, times, network, substrate):
    """Spike times in the answer of a `Remote`; a MessageError if they do not fit."""
    _require(message["type"] == "result", "type", "result")
    spikes = _field(message, "spikes", list)
    spikes = [_array(array, "spikes", 2) for array in spikes]
    try:
        return check_spikes(spikes, times, network, substrate)
    except SubstrateError as error:
        raise MessageError(str(error)) from error


# -- Errors ----------------------------------------------------------------------------


def error(number, kind, text):
    """The answer to a request that has no result."""
    return {"type": "error", "id": number, "kind": kind, "message": plain_text(text)}


def read_error(message):
    """Kind and text of an error."""
    return _field(message, "kind", str), plain_text(_field(message, "message", str))
