"""Messages that are garbled, wrong or damaged, and what both sides make of them."""

import io
import json
import os
import pickle
import re
import socket
import struct
import time
import zlib
from pathlib import Path

import msgpack
import numpy as np
import pytest
from chip_server import (
    CHIP,
    LONG,
    NETWORK,
    PAGE,
    QUICK,
    TIMES,
    Wire,
    answer,
    array,
    ask,
    assert_same,
    changed_spikes,
    flip,
    frame,
    packed,
    request,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ttfs import LIF
from ttfs.substrates import Layer, Network, Remote, SubstrateError
from ttfs.substrates.remote import messages as wire

# -- Garbled answers -------------------------------------------------------------------


GARBLED = {
    "random bytes": lambda m: np.random.RandomState(0).bytes(1000),
    "nothing": lambda m: b"",
    "a truncated header": lambda m: frame(b"")[:7],
    "a truncated frame": lambda m: packed(answer(m))[:-1],
    "another magic": lambda m: packed(answer(m), magic=b"HTTP"),
    "a wrong checksum": lambda m: packed(answer(m), checksum=0),
    "a flipped bit": lambda m: flip(packed(answer(m)), 60),
    "a flipped bit of the version": lambda m: flip(packed(answer(m)), 4),
    "a huge length": lambda m: frame(b"", size=2**32 - 1),
    "no msgpack": lambda m: frame(b"\xc1" * 10),
    "a pickle": lambda m: frame(pickle.dumps(answer(m))),
    "JSON": lambda m: frame(json.dumps({"type": "result"}).encode()),
    "more than a message": lambda m: frame(msgpack.packb(answer(m)) + b"\0"),
    "no map": lambda m: packed([answer(m)]),
    "no type": lambda m: packed(answer(m, type=None)),
    "another type": lambda m: packed(answer(m, type="forward")),
    "another id": lambda m: packed(answer(m, id=m["id"] + 1)),
    "an id that is no integer": lambda m: packed(answer(m, id=True)),
    "the error of another": lambda m: packed(wire.error(m["id"] - 1, "refused", "?")),
    "a layer less": lambda m: packed(changed_spikes(m, lambda spikes: spikes.pop())),
    "another shape": lambda m: packed(
        changed_spikes(m, lambda spikes: spikes[0].update(shape=[5, 7]))
    ),
    "a shape of another size": lambda m: packed(
        changed_spikes(m, lambda spikes: spikes[0].update(shape=[7, 6]))
    ),
    "a type of Python objects": lambda m: packed(
        changed_spikes(m, lambda spikes: spikes[0].update(dtype="|O"))
    ),
    "NaN": lambda m: packed(
        changed_spikes(m, lambda spikes: spikes[1].update(data=b"\xff" * 7 * 3 * 8))
    ),
}


def test_a_garbled_answer_is_asked_for_again(path):
    expected = CHIP.forward(TIMES, NETWORK)
    with Wire(path, []) as wire, Remote(path, **QUICK) as remote:
        for k, (name, reply) in enumerate(GARBLED.items()):
            wire.replies = [reply, reply]
            assert_same(remote.forward(TIMES, NETWORK), expected)
            assert wire.n_connections == 2 * k + 3, name


def test_nothing_but_garbled_answers(path):
    reply = GARBLED["random bytes"]
    with Wire(path, [reply] * 4), Remote(path, **QUICK) as remote:
        with pytest.raises(SubstrateError, match=r"4 attempts.*not in the format"):
            remote.forward(TIMES, NETWORK)
        assert_same(remote.forward(TIMES, NETWORK), CHIP.forward(TIMES, NETWORK))


def test_another_version_is_an_error_at_once(path):
    def later(message):
        return frame(b"what later versions may be", version=2)

    with Wire(path, [later]) as wire, Remote(path, **QUICK) as remote:
        with pytest.raises(SubstrateError, match="version 2 of the format, this one 1"):
            remote.forward(TIMES, NETWORK)
        assert wire.n_connections == 1


def test_an_answer_that_drips_is_late(path):
    """The time-out is that of the whole answer, which would take hours."""

    class Dripping(Wire):
        def serve(self, stream):
            try:
                for byte in frame(bytes(1_000_000)):
                    stream.send(bytes([byte]))
                    time.sleep(0.01)
            except OSError:
                pass  # the client has left

    settings = {"timeout": 0.1, "retries": 0}
    with Dripping(path, []), Remote(path, **settings) as remote:
        with pytest.raises(SubstrateError, match="timed out"):
            remote.forward(TIMES, NETWORK)


# -- What a server is sent -------------------------------------------------------------


def layer_changed(**changes):
    message = request()
    message["layers"][0].update(changes)
    return message


WRONG_MESSAGES = {
    "no id": (request(id=None), "garbled"),
    "a negative id": (request(id=-1), "garbled"),
    "an unknown type": (request(type="reset"), "garbled"),
    "no times": (request(times=None), "garbled"),
    "times of one dimension": (request(times=array(TIMES[0])), "garbled"),
    "a dtype that is no string": (
        request(times={**array(TIMES), "dtype": ["<f8"]}),
        "garbled",
    ),
    "big-endian": (request(times={**array(TIMES), "dtype": ">f8"}), "garbled"),
    "fewer bytes": (request(times={**array(TIMES), "data": b""}), "garbled"),
    "more bytes": (request(times={**array(TIMES), "data": bytes(344)}), "garbled"),
    "text for bytes": (request(times={**array(TIMES), "data": "x" * 336}), "garbled"),
    "a negative shape": (request(times={**array(TIMES), "shape": [-7, -6]}), "garbled"),
    "a shape of bool": (
        request(times={"dtype": "<f8", "shape": [True, True], "data": bytes(8)}),
        "garbled",
    ),
    "a huge shape": (
        request(times={"dtype": "<f8", "shape": [2**62, 0], "data": b""}),
        "garbled",
    ),
    "layers that are no list": (request(layers={}), "garbled"),
    "layers that are no maps": (request(layers=[1]), "garbled"),
    "weights that are no array": (layer_changed(weights=[[1.0]]), "garbled"),
    "tau_syn that is text": (layer_changed(tau_syn="1.0"), "garbled"),
    "tau_syn that is bool": (layer_changed(tau_syn=True), "garbled"),
    "no t_max": (request(t_max=None), "garbled"),
    "t_max NaN": (request(t_max=float("nan")), "refused"),
    "no layers": (request(layers=[]), "refused"),
    "a negative threshold": (layer_changed(threshold=-1.0), "refused"),
    "tau_mem NaN": (layer_changed(tau_mem=float("nan")), "refused"),
    "times of -inf": (request(times=array(np.full((7, 6), -np.inf))), "refused"),
    "bias times of NaN": (layer_changed(bias_times=array([np.nan, 0])), "refused"),
    "weights of NaN": (
        layer_changed(weights=array(np.full((8, 5), np.nan))),
        "refused",
    ),
    "shapes that do not match": (
        layer_changed(weights=array(np.zeros((9, 5)))),
        "refused",
    ),
    "an answer of 1 GB": (
        request(
            times={"dtype": "<f8", "shape": [2**24, 0], "data": b""},
            layers=[{**request()["layers"][0], "weights": array(np.zeros((2, 8)))}],
        ),
        "refused",
    ),
}


def test_a_wrong_request_is_answered_with_an_error(busy):
    for name, (message, kind) in WRONG_MESSAGES.items():
        reply = ask(busy, packed(message))
        assert (reply["type"], reply["kind"]) == ("error", kind), name
        assert reply["message"]


def test_what_is_no_request_is_answered_and_ended(busy):
    for name in "random bytes", "a huge length", "no msgpack":
        reply = ask(busy, GARBLED[name]({}))
        assert (reply["type"], reply["id"], reply["kind"]) == ("error", None, "garbled")


def test_another_version_is_told_ours(busy):
    reply = ask(busy, frame(b"", version=7))
    assert reply["kind"] == "version"
    assert "version 7 of the format, this one 1" in reply["message"]


def test_a_client_that_leaves(busy):
    data = wire.pack(request())
    for part in (b"", data[:5], data[:-1], data):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(busy.address)
            stream.sendall(part)


class Bomb:
    def __reduce__(self):
        return os.abort, ()


def test_nothing_is_ever_unpickled(busy):
    bomb = pickle.dumps(Bomb())
    messages = [
        frame(bomb),
        packed(msgpack.ExtType(1, bomb)),
        packed({"type": "forward", "id": 1, "times": bomb}),
        packed(request(times={"dtype": "|O", "shape": [1, 1], "data": bomb})),
    ]
    for data in messages:
        assert ask(busy, data)["kind"] == "garbled"
    modules = list(Path(wire.__file__).parent.glob("*.py"))
    assert len(modules) > 5
    for module in modules:
        text = module.read_text(encoding="utf-8")
        assert not any(
            word in text for word in ("pickle.", "eval(", "exec(", "marshal")
        )


def test_memory_is_set_aside_for_what_arrives_alone():
    """A frame that announces 256 MB and ends; lists of lists of lists."""
    asked = []

    def recv(n):
        asked.append(n)
        return data.read(n)

    data = io.BytesIO(frame(b"", size=2**28))
    with pytest.raises(wire.Closed):
        wire.receive(recv)
    assert max(asked) <= 2**20
    for payload in (
        b"\xdd" + struct.pack(">I", 2**31),  # a list of 2**31
        b"\xdf" + struct.pack(">I", 2**31),  # a map
        b"\x91" * 10_000,  # lists in lists
        msgpack.packb([[[]] * 200] * 200),
        msgpack.packb({"type": "forward", "layers": [0] * 300}),
        msgpack.packb({"type": "forward", **{str(k): k for k in range(20)}}),
    ):
        with pytest.raises(wire.MessageError, match="decoded"):
            wire.receive(io.BytesIO(frame(payload)).read)


# -- The decoder -----------------------------------------------------------------------


def decode(data):
    """All that a message could be read as; MessageError and ValueError are right."""
    message = wire.receive(io.BytesIO(data).read)
    for read in (
        wire.message_id,
        wire.read_welcome,
        wire.read_error,
        wire.read_forward,
        lambda message: wire.read_result(message, TIMES, NETWORK, "chip"),
    ):
        try:
            read(message)
        except wire.MessageError:
            pass
        except ValueError:
            assert read is wire.read_forward  # numbers that make no sense


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_random_bytes_are_no_message(data):
    for bytes_ in (data, b"TTFS" + data, frame(data)):
        try:
            decode(bytes_)
        except wire.MessageError:
            pass


NO_MAP = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["<f4", "<f8", "forward", "result", "hello", "error", "|O"]),
    st.binary(max_size=64),
    st.lists(st.integers(0, 8), max_size=3),
)
KEYS = (
    "type id times layers t_max weights bias_times tau_mem tau_syn threshold dtype "
    "shape data spikes kind message software weight_limits weight_steps max_bytes"
).split()
ANYTHING = st.recursive(
    NO_MAP,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=20,
)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=8))
def test_random_fields_are_no_request(fields):
    try:
        decode(packed({"type": "forward", **fields}))
    except wire.MessageError:
        pass


@settings(max_examples=40)
@given(st.data())
def test_one_field_of_a_request_changed(data):
    messages = [
        request(),
        wire.result(1, CHIP.forward(TIMES, NETWORK)),
        wire.welcome(1, CHIP, 1000),
        wire.error(1, "failed", "text"),
    ]
    message = data.draw(st.sampled_from(messages))
    place = message
    while True:
        if isinstance(place, dict):
            key = data.draw(st.sampled_from(sorted(place)))
        else:
            key = data.draw(st.integers(0, len(place) - 1))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(ANYTHING)
    try:
        decode(packed(message))
    except wire.MessageError:
        pass


@settings(max_examples=100)
@given(st.data())
def test_damage_never_passes_the_checksum(data):
    right = wire.pack(request())
    assert right == packed(request())
    k = data.draw(st.integers(0, len(right) - 1))
    bits = data.draw(st.integers(1, 255))
    damaged = bytearray(right)
    damaged[k] ^= bits
    for wrong in (bytes(damaged), right[:k]):
        with pytest.raises(wire.MessageError):
            wire.receive(io.BytesIO(wrong).read)


# -- docs/guide/remote.md, without our code ----------------------------------------


def test_a_client_written_from_the_page(busy):
    times, weights = np.array([[0.0, 0.5], [0.25, np.inf]]), np.eye(3)[:, :2] * 4
    message = {
        "type": "forward",
        "id": 12,
        "times": {"dtype": "<f8", "shape": [2, 2], "data": times.tobytes()},
        "t_max": 10,
        "layers": [
            {
                "weights": {"dtype": "<f8", "shape": [3, 2], "data": weights.tobytes()},
                "bias_times": {"dtype": "<f4", "shape": [1], "data": bytes(4)},
                "tau_mem": 2,
                "tau_syn": 1,
                "threshold": 1,
            }
        ],
        "remark": "keys that are not known are ignored",
    }
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(LONG)
        stream.connect(busy.address)
        stream.sendall(packed(message))
        header = stream.recv(16, socket.MSG_WAITALL)
        size, checksum = struct.unpack("<II", header[8:])
        assert header[:8] == bytes.fromhex("54 54 46 53 01 00 00 00")
        payload = stream.recv(size, socket.MSG_WAITALL)
    assert checksum == zlib.crc32(header[:12] + payload)
    reply = msgpack.unpackb(payload)
    assert set(reply) == {"type", "id", "spikes"}
    assert (reply["type"], reply["id"]) == ("result", 12)
    (spikes,) = reply["spikes"]
    assert (spikes["dtype"], spikes["shape"]) == ("<f8", [2, 2])
    layer = Layer(weights, np.zeros(1, np.float32), LIF(2.0, 1.0, 1.0))
    (expected,) = CHIP.forward(times, Network((layer,), 10.0))
    assert np.isfinite(expected).sum() == 3
    assert spikes["data"] == expected.astype("<f8").tobytes()


@pytest.mark.skipif(not PAGE.exists(), reason="not in a clone")
def test_the_bytes_on_the_page(monkeypatch):
    text = PAGE.read_text(encoding="utf-8").split("## An example")[1]
    data = bytes.fromhex("".join(re.findall(r"^    (.*)$", text, re.MULTILINE)))
    monkeypatch.setattr(wire, "SOFTWARE", "me")
    assert wire.pack(wire.hello(0)) == data
