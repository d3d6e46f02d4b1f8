"""Bodies that are compressed: read within bounds, and sent on as they are judged."""

import gzip
import json
import zlib
from collections.abc import Callable
from time import process_time

import pytest

from sidecritic.errors import ModelError
from sidecritic.gateway.wire.coding import decoded
from tests.gateway import approves, gateway, post
from tests.wire import Json, chat, wire_server

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
CHAT = "v1/chat/completions"
Encode = Callable[[bytes], bytes]


def encoder(coding: str) -> Encode:
    match coding:
        case "zstd":
            return pytest.importorskip("zstandard").compress
        case "br":
            return pytest.importorskip("brotli").compress
        case "gzip":
            return gzip.compress
        case _:
            return zlib.compress


CODINGS = ("gzip", "deflate", "zstd", "br")


@pytest.mark.parametrize("coding", CODINGS)
def test_a_compressed_request_is_judged_and_sent_as_it_was_read(coding: str) -> None:
    body, critic = encoder(coding)(json.dumps(HI).encode()), approves()
    with wire_server(chat()) as upstream, gateway(upstream.root, critic=critic) as door:
        assert post(door, CHAT, body, content_encoding=coding).status_code == 200
    (received,) = upstream.received
    assert received.body == HI
    assert "content-encoding" not in received.headers
    assert [m.text for m in critic.seen[0].history] == ["Hi"]


@pytest.mark.parametrize("coding", CODINGS)
def test_a_compressed_body_is_read_within_bounds(coding: str) -> None:
    encode = encoder(coding)
    bomb = encode(b" " * 50_000_000)
    limits = {"body_bytes": 1_000_000}
    with wire_server(chat()) as upstream, gateway(upstream.root, limits=limits) as door:
        assert post(door, CHAT, bomb, content_encoding=coding).status_code == 413
        cut = encode(json.dumps(HI).encode())[:-3]
        assert post(door, CHAT, cut, content_encoding=coding).status_code == 400
        assert post(door, CHAT, b"{}", content_encoding=coding).status_code == 400
        assert post(door, CHAT, b"{}", content_encoding="rot13").status_code == 415
    assert upstream.received == []


@pytest.mark.parametrize("coding", CODINGS)
def test_an_answer_is_read_in_every_coding_whether_it_was_asked_for_or_not(coding: str) -> None:
    reply = chat("Hello")
    headers = {**reply.headers, "content-encoding": coding}
    sent = type(reply)(encoder(coding)(reply.body), 200, headers)
    critic = approves()
    with wire_server(sent) as upstream, gateway(upstream.root, critic=critic) as door:
        assert post(door, CHAT, HI).status_code == 200
    assert critic.seen[0].action.text == "Hello"


def test_members_that_follow_each_other_are_one_body() -> None:
    parts = [b"one", b"two", b"", b"three"]
    assert decoded("gzip", b"".join(map(gzip.compress, parts)), 100) == b"onetwothree"
    zstd = pytest.importorskip("zstandard")
    assert decoded("zstd", b"".join(map(zstd.compress, parts)), 100) == b"onetwothree"
    with pytest.raises(ModelError, match="damaged"):
        decoded("gzip", gzip.compress(b"one") + b"more", 100)
    with pytest.raises(ModelError, match="more than 5 bytes"):
        decoded("gzip", b"".join(map(gzip.compress, parts)), 5)


def test_very_many_members_are_read_in_linear_time() -> None:
    started = process_time()
    assert decoded("gzip", gzip.compress(b"") * 100_000 + gzip.compress(b"end"), 100) == b"end"
    assert process_time() - started < 5, "30 s where each member copies all that follow"


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_that_was_cut_off_anywhere_is_damaged(coding: str) -> None:
    whole = encoder(coding)(json.dumps(HI).encode())
    for end in range(1, len(whole)):
        with pytest.raises(ModelError, match="damaged"):
            decoded(coding, whole[:end], 1000)


def test_a_zstd_body_without_its_size_in_the_head_is_whole_or_damaged() -> None:
    zstd = pytest.importorskip("zstandard")
    writing = zstd.ZstdCompressor(write_content_size=False).compressobj()
    whole = writing.compress(b"hello") + writing.flush()
    assert decoded("zstd", whole, 100) == b"hello"
    for end in range(1, len(whole)):
        with pytest.raises(ModelError, match="damaged"):
            decoded("zstd", whole[:end], 100)


def test_deflate_is_read_without_its_header_too() -> None:
    writing = zlib.compressobj(wbits=-15)
    bare = writing.compress(json.dumps(HI).encode()) + writing.flush()
    assert json.loads(decoded("deflate", bare, 1000)) == HI
    with pytest.raises(ModelError, match="damaged"):
        decoded("deflate", bare[:-1], 1000)
    with pytest.raises(ModelError, match="more than 5 bytes"):
        decoded("deflate", bare, 5)


def test_an_empty_body_is_empty_in_every_coding() -> None:
    assert [decoded(coding, b"", 100) for coding in ("gzip", "deflate")] == [b"", b""]
