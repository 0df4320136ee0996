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
from ...model.checks import check_times
from ..checks import check_request
from ..protocol import NetworkError, SubstrateError

VERSION = 1
MAX_BYTES = 2**28  # the longest message, by default
MAX_TEXT = 1000  # characters of a text for people to read
SOFTWARE = f"ttfs {_core.__version__}"

_MAGIC = b"TTFS"
_HEADER = struct.Struct("<4sHHI")  # magic, version, reserved, bytes of the message
_CHECKSUM = struct.Struct("<I")  # CRC-32 of header and message

_DTYPES = {"<f4": np.dtype("<f4"), "<f8": np.dtype("<f8")}
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
    marks = (
        mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text[:MAX_TEXT]
    )
    plain = "".join(marks)
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


def _number(message, name):
    value = message.get(name)
    _require(_is_number(value), name, "a number")
    return float(value)


def _string(message, name):
    value = message.get(name)
    _require(isinstance(value, str), name, "a string")
    return value


def _list(message, name):
    value = message.get(name)
    _require(isinstance(value, list), name, "a list")
    return value


def _is_size(value):
    return type(value) is int and 0 <= value <= _MAX_DIMENSION


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
    is_shape = isinstance(shape, list) and all(map(_is_size, shape))
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
    out = {
        name: plain_text(_string(message, name)) for name in ("software", "substrate")
    }
    for name in ("weight_limits", "weight_steps"):
        values = _list(message, name)
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
    layers = []
    for layer in network.layers:
        layers.append(
            {
                "weights": _pack_array(layer.unrolled),
                "bias_times": _pack_array(layer.bias_times),
                "tau_mem": float(layer.neuron.tau_mem),
                "tau_syn": float(layer.neuron.tau_syn),
                "threshold": float(layer.neuron.threshold),
            }
        )
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
    for item in _list(message, "layers"):
        _require(isinstance(item, dict), "layers", "maps")
        layers.append(
            (
                _array(item.get("weights"), "weights", 2),
                _array(item.get("bias_times"), "bias_times", 1),
                [_number(item, name) for name in ("tau_mem", "tau_syn", "threshold")],
            )
        )
    network = Network(
        tuple(
            Layer(weights, bias_times, LIF(*parameters))
            for weights, bias_times, parameters in layers
        ),
        _number(message, "t_max"),
    )
    times = check_request(times, network)
    check_length(times, network, max_bytes)
    return times, network


def n_spike_bytes(times, network):
    """Bytes of the spike times in the answer to a request."""
    n_neurons = sum(layer.n_out for layer in network.layers)
    return len(times) * n_neurons * times.itemsize


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


def read_result(message, times, network):
    """Spike times in an answer; a MessageError if they do not fit the request."""
    _require(message["type"] == "result", "type", "result")
    spikes = _list(message, "spikes")
    spikes = [_array(array, "spikes", 2) for array in spikes]
    try:
        return check_spikes(spikes, times, network)
    except SubstrateError as error:
        raise MessageError(str(error)) from error


def check_spikes(spikes, times, network):
    """Check what a substrate returned; spike times in the type of `times`."""
    n_layers = len(network.layers)
    if not isinstance(spikes, list | tuple) or len(spikes) != n_layers:
        raise SubstrateError(
            f"a substrate must return a list of {n_layers} arrays, one for each layer"
        )
    out = []
    for k, (layer, array) in enumerate(zip(network.layers, spikes, strict=True)):
        shape = (len(times), layer.n_out)
        if np.ma.isMaskedArray(array):
            raise SubstrateError(
                f"spike times of layer {k} are a masked array: +inf stands for no spike"
            )
        array = np.asarray(array)
        if array.dtype.kind not in "fiu" or array.shape != shape:
            raise SubstrateError(
                f"spike times of layer {k} must be of shape {shape}, got {array.dtype} "
                f"of shape {array.shape}"
            )
        try:
            check_times(array, f"spike times of layer {k}")
        except ValueError as error:
            raise SubstrateError(str(error)) from error
        out.append(np.ascontiguousarray(array, times.dtype))
    return out


# -- Errors ----------------------------------------------------------------------------


def error(number, kind, text):
    """The answer to a request that has no result."""
    return {"type": "error", "id": number, "kind": kind, "message": plain_text(text)}


def read_error(message):
    """Kind and text of an error."""
    return _string(message, "kind"), plain_text(_string(message, "message"))
