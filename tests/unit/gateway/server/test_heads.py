"""What a connection may send before its key is looked at, and who may come without one."""

import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from hashlib import sha256
from urllib.parse import urlsplit

import pytest

from sidecritic.gateway.server.heads import BoundedHttp
from tests.gateway import Running, code, gateway, post
from tests.wire import Json, Received, Reply, chat, wire_server

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
CHAT = "v1/chat/completions"
BEGUN = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"


class Impatient(BoundedHttp):
    seconds = 0.2


class Crowded(BoundedHttp):
    most = 20


@contextmanager
def line(door: Running) -> Generator[socket.socket]:
    where = urlsplit(door.root)
    with socket.create_connection((where.hostname or "", where.port or 0), 20) as connection:
        yield connection


def answer(connection: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    heard = b""
    try:
        while part := connection.recv(65_536):
            heard += part
    except ConnectionResetError:
        pass
    return heard


HEADS = {
    "many fields": b"".join(b"x-%d: 1\r\n" % n for n in range(1_000)),
    "a long field": b"x-a: " + b"a" * 200_000,
    "an endless field": b"x-a: " + b"a" * 2_000_000,
    "a long name": b"a" * 2_000_000,
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_head_that_is_too_large_is_refused_and_the_connection_ends(head: bytes) -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        with line(door) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(BEGUN + head)
            assert answer(connection).partition(b"\r\n")[0].split(b" ")[1:2] in ([b"431"], [])
        assert post(door, CHAT, HI).status_code == 200
    assert len(upstream.received) == 1


def test_a_head_that_does_not_end_in_time_ends_the_connection() -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root, http=Impatient) as door:
        with line(door) as silent, line(door) as slow:
            slow.sendall(BEGUN)
            assert answer(silent) == b""
            assert answer(slow) == b""
        with line(door) as kept:
            kept.sendall(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
            assert kept.recv(4_096).startswith(b"HTTP/1.1 200")
            kept.sendall(BEGUN)
            assert b"HTTP/1.1" not in answer(kept)


def test_connections_that_wait_for_a_head_do_not_keep_others_out() -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root, http=Crowded) as door:
        where = urlsplit(door.root)
        place = (where.hostname or "", where.port or 0)
        slow = [socket.create_connection(place, 20) for _ in range(60)]
        for each in slow[-10:]:
            each.sendall(BEGUN)
        assert post(door, CHAT, HI).status_code == 200
        assert answer(slow[0]) == b"", "the one that has waited longest has gone"
        for each in slow:
            each.close()


def test_a_request_that_was_sent_ahead_is_not_taken_for_an_idle_connection() -> None:
    asked, release = threading.Event(), threading.Event()

    def answers(received: Received) -> Reply:
        if "second" in str(received.body):
            asked.set()
            release.wait(60)
        return chat()

    def written(text: str) -> bytes:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
        return BEGUN + b"content-length: %d\r\n\r\n%s" % (len(body), body)

    with wire_server(answers) as upstream, gateway(upstream.root, http=Crowded) as door:
        where = urlsplit(door.root)
        place = (where.hostname or "", where.port or 0)
        with line(door) as ahead:
            ahead.sendall(written("first") + written("second"))
            assert asked.wait(60)
            others = [socket.create_connection(place, 20) for _ in range(60)]
            assert post(door, CHAT, HI).status_code == 200
            release.set()
            heard = b""
            while heard.count(b"HTTP/1.1 200") < 2 and (part := ahead.recv(65_536)):
                heard += part
            for each in others:
                each.close()
    assert heard.count(b"HTTP/1.1 200") == 2


LOCAL = ["127.0.0.1", "localhost:8787", "[::1]:8787", "box", "host.docker.internal"]
FOREIGN = ["rebound.example.com", "rebound.example.com:8787", "8.8.8.8", "[::1"]


@pytest.mark.parametrize("host", LOCAL + FOREIGN)
def test_without_clients_only_this_machines_own_names_are_served(host: str) -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        response = post(door, CHAT, HI, host=host)
    assert response.status_code == (200 if host in LOCAL else 403)
    assert host in LOCAL or code(response) == "not_local"


@pytest.mark.parametrize("origin", ["https://example.com", "null", "http://127.0.0.1.example.com"])
def test_without_clients_no_page_of_the_web_is_served(origin: str) -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        assert code(post(door, CHAT, HI, origin=origin)) == "not_local"
        assert post(door, CHAT, HI, origin="http://localhost:3000").status_code == 200
        assert len(upstream.received) == 1
    key = {
        "name": "page",
        "key_sha256": sha256(b"key").hexdigest(),
    }
    with wire_server(chat()) as upstream, gateway(upstream.root, clients=[key]) as door:
        assert post(door, CHAT, HI, origin=origin, api_key="key").status_code == 200


def test_an_answer_leaves_in_one_piece_with_its_head() -> None:
    body = json.dumps(HI).encode()
    with (
        wire_server(chat("Hello")) as upstream,
        gateway(upstream.root) as door,
        line(door) as kept,
    ):
        for _ in range(3):
            kept.sendall(BEGUN + b"content-length: %d\r\n\r\n%b" % (len(body), body))
            heard = kept.recv(65_536)
            head, _, said = heard.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert json.loads(said)["choices"][0]["message"]["content"] == "Hello"
