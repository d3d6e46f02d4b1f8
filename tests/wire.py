"""A real HTTP server on loopback that speaks the wire formats of model providers.

    with wire_server(chat("Hello")) as server:
        model = OpenAIChat("m", base_url=server.base_url)

It runs in a thread, so that synchronous tests (of the command line, say) and asynchronous
ones can use it alike. Give it one reply for all requests, a list that is played in order
(its last reply is repeated), or a function from the request to a reply.
"""

import json
import socket
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from select import select
from threading import Event, Lock, Thread
from typing import Any, cast

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came over the wire."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Json


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server sends back."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    hangs: bool = False
    """Send nothing until the client leaves or the server is closed."""
    drips: bool = False
    """Send a byte now and then, and never the end, until the server is closed."""
    by_event: bool = False
    """Send each event of a stream by itself, with a pause before the next one."""
    piece: int = 0
    """Bytes of each write, with a pause before the next one; 0 writes all at once."""
    breaks_off: bool = False
    """Announce the whole body, send half of it, and close the connection."""


Answer = Callable[[Received], Reply]


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 512
    """Hundreds may come at the same time."""


class WireServer:
    """The running server: where it listens, and what it was asked."""

    def __init__(self, answer: Reply | Sequence[Reply] | Answer) -> None:
        self._answer = _answering(answer)
        self._lock = Lock()
        self._released = Event()
        self.received: list[Received] = []
        """Every request so far, in order of arrival."""
        self.arrived = Event()
        """Set when the first request has arrived."""
        wire = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                wire.serve(self)

            do_GET = do_DELETE = do_POST

            def log_message(self, format: str, *args: object) -> None:
                """Keep the output of the tests clean."""

        self._http = _Http(("127.0.0.1", 0), Door)
        self._thread = Thread(target=self._http.serve_forever, args=(0.005,))

    @property
    def root(self) -> str:
        """The address without `/v1`."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def base_url(self) -> str:
        """The address as OpenAI-compatible clients want it."""
        return f"{self.root}/v1"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._released.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def serve(self, door: BaseHTTPRequestHandler) -> None:
        received = _received(door)
        with self._lock:
            self.received.append(received)
        self.arrived.set()
        try:
            self._send(door, self._answer(received))
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client went away, as it does after a timeout
        finally:
            door.close_connection = True

    def _send(self, door: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.hangs:
            self._hang(door)
            return
        door.send_response(reply.status)
        for name, value in reply.headers.items():
            door.send_header(name, value)
        length = 1_000_000 if reply.drips else len(reply.body)
        door.send_header("content-length", str(length))
        door.send_header("connection", "close")
        door.end_headers()
        if reply.drips:
            while not self._released.wait(0.02):
                door.wfile.write(b" ")
            return
        for piece in _pieces(reply, length):
            door.wfile.write(piece)
            if reply.by_event or reply.piece:
                self._released.wait(0.005)

    def _hang(self, door: BaseHTTPRequestHandler) -> None:
        while not self._released.is_set():
            if select([door.connection], [], [], 0.02)[0]:
                return  # nothing more is sent by a client that waits: this is its end


def _pieces(reply: Reply, length: int) -> Iterator[bytes]:
    """Yield what is written at once."""
    if reply.by_event:
        events = reply.body.split(b"\n\n")
        yield from (event + b"\n\n" for event in events if event)
    elif reply.piece:
        yield from (reply.body[at : at + reply.piece] for at in range(0, length, reply.piece))
    else:
        yield reply.body[: length // 2] if reply.breaks_off else reply.body


@contextmanager
def wire_server(answer: Reply | Sequence[Reply] | Answer) -> Generator[WireServer]:
    """Run a server for the length of the block."""
    server = WireServer(answer)
    server.start()
    try:
        yield server
    finally:
        server.close()


def refusing_url() -> str:
    """Return a base URL at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


def _answering(answer: Reply | Sequence[Reply] | Answer) -> Answer:
    if isinstance(answer, Reply):
        return lambda received: answer
    if callable(answer):
        return answer
    left = list(answer)
    lock = Lock()

    def next_reply(received: Received) -> Reply:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return next_reply


def _received(door: BaseHTTPRequestHandler) -> Received:
    length = int(door.headers.get("content-length") or 0)
    try:
        body: Any = json.loads(door.rfile.read(length) or b"{}")
    except ValueError:
        body = {}
    headers = {k.lower(): v for k, v in door.headers.items()}
    return Received(door.path, headers, cast(Json, body) if isinstance(body, dict) else {})


# --- replies of any provider -------------------------------------------------------------


def as_json(body: Json, *, status: int = 200, **headers: str) -> Reply:
    """Reply with JSON; a header `retry_after="2"` is sent as `retry-after: 2`."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps(body).encode(), status, {"content-type": "application/json", **sent})


def failure(status: int, message: str = "it failed", **headers: str) -> Reply:
    """Reply with an error in the customary shape."""
    return as_json({"error": {"message": message, "type": "error"}}, status=status, **headers)


def html(status: int = 200) -> Reply:
    body = b"<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"
    return Reply(body, status, {"content-type": "text/html"})


def half(reply: Reply) -> Reply:
    """Return the reply with half of its body, announced as if it were the whole."""
    return Reply(reply.body[: len(reply.body) // 2], reply.status, reply.headers)


HANGS = Reply(b"", hangs=True)
DRIPS = Reply(b"", drips=True)


# --- OpenAI's chat completions -----------------------------------------------------------


def call(name: str, arguments: str | Json, *, id: str = "call_a") -> Json:
    """Return a tool call as chat completions write it; text arguments are sent as they are."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": id, "type": "function", "function": {"name": name, "arguments": text}}


def chat(
    text: str | None = "Hello",
    *,
    calls: Sequence[Json] = (),
    finish: str | None = None,
    logprobs: Sequence[Json] | None = None,
    **message: object,
) -> Reply:
    """Return a chat completion; further keywords become fields of its message."""
    said: Json = {"role": "assistant", "content": text, **message}
    if calls:
        said["tool_calls"] = list(calls)
    choice: Json = {
        "index": 0,
        "message": said,
        "finish_reason": finish or ("tool_calls" if calls else "stop"),
        "logprobs": None if logprobs is None else {"content": list(logprobs)},
    }
    return completion([choice])


def completion(choices: Sequence[Json]) -> Reply:
    usage = {
        "prompt_tokens": 12,
        "completion_tokens": 5,
        "total_tokens": 17,
        "prompt_tokens_details": {"cached_tokens": 8},
    }
    return as_json(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": "served-model",
            "choices": list(choices),
            "usage": usage,
        }
    )


# --- Anthropic's messages ----------------------------------------------------------------


def text_block(text: str) -> Json:
    return {"type": "text", "text": text}


def use_block(name: str, input: object, *, id: str = "toolu_a") -> Json:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def messages(*blocks: Json, stop: str = "end_turn") -> Reply:
    """Return an answer of the Messages API."""
    return as_json(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "served-claude",
            "content": list(blocks),
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 4,
                "output_tokens": 5,
                "cache_read_input_tokens": 6,
                "cache_creation_input_tokens": 2,
            },
        }
    )
