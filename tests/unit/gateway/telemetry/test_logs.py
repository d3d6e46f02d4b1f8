"""A log is written where somebody reads it, and harms nothing where nobody can."""

import errno
import json
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from sidecritic.gateway.telemetry.logs import LogSink, log_to
from tests.gateway import gateway, post
from tests.operating import config_file, process
from tests.operating import post as ask
from tests.wire import chat, wire_server

HI = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


@contextmanager
def logging_to(write: Callable[[bytes], int]) -> Generator[LogSink]:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    sink = log_to(write)
    try:
        yield sink
    finally:
        sink.close()
        root.handlers[:] = kept
        root.setLevel(level)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EPIPE])
def test_lines_that_cannot_be_written_are_counted_and_stop_nothing(number: int) -> None:
    def full(line: bytes) -> int:
        raise OSError(number, os.strerror(number))

    def fill(connection: object) -> None:
        raise OSError(number, os.strerror(number))

    with (
        logging_to(full) as sink,
        wire_server(chat("Hello")) as upstream,
        gateway(upstream.root) as door,
    ):
        with pytest.raises(Exception, match="store failed"):
            door.on_loop(door.server.store.run(fill))
        assert post(door, "v1/chat/completions", HI).status_code == 200
    assert sink.dropped >= 2


def test_a_reader_that_stalls_stops_nothing_and_lines_beyond_a_bound_are_counted() -> None:
    reads = Event()

    def stalls(line: bytes) -> int:
        reads.wait(20)
        return len(line)

    with (
        logging_to(stalls) as sink,
        wire_server(chat("Hello")) as upstream,
        gateway(upstream.root) as door,
    ):
        for _ in range(30_000):
            sink.say("x")
        assert post(door, "v1/chat/completions", HI).status_code == 200
        assert sink.dropped >= 9_000
        reads.set()


def test_a_line_that_cannot_be_made_is_none() -> None:
    with logging_to(len):
        logging.getLogger("sidecritic.gateway").warning("%d", "no number")


def test_what_a_writer_takes_in_parts_arrives_whole() -> None:
    heard: list[bytes] = []

    def takes_ten(text: bytes) -> int:
        heard.append(text[:10])
        return len(heard[-1])

    with logging_to(takes_ten) as sink:
        for number in range(100):
            sink.say(f"line {number} of many")
    said = [json.loads(line)["message"] for line in b"".join(heard).splitlines()]
    assert said == [f"line {number} of many" for number in range(100)]
    assert sink.dropped == 0


def test_whatever_the_process_says_is_an_object_a_line() -> None:
    heard: list[bytes] = []

    def breaks() -> None:
        raise KeyError("my secret word")

    def keeps(text: bytes) -> int:
        heard.append(text)
        return len(text)

    hooks = sys.excepthook, threading.excepthook
    with logging_to(keeps) as sink:
        sink.say("sidecritic: listening on http://127.0.0.1:1")
        sink.say("sidecritic: warning: a critic does not answer")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning("my secret word", DeprecationWarning, "library.py", 7)
        thread = threading.Thread(target=breaks)
        thread.start()
        thread.join()
        error = KeyError("my secret word")
        sys.excepthook(KeyError, error, None)
    assert (sys.excepthook, threading.excepthook) == hooks
    lines = [json.loads(line) for line in b"".join(heard).splitlines()]
    assert [(line["level"], line["message"]) for line in lines] == [
        ("info", "listening on http://127.0.0.1:1"),
        ("warning", "a critic does not answer"),
        ("warning", "library.py:7: DeprecationWarning"),
        ("error", "a thread ended with an error"),
        ("error", "the server ended with an error"),
    ]
    assert lines[3]["error"] == "KeyError"
    assert lines[3]["place"].startswith("test_logs.py:")
    assert b"secret" not in b"".join(heard)


PACK = """
from sidecritic import Objection, Pack, call_check, text_check

@text_check("odd", policy="Never.", risk=0.9)
def odd(facts, text) -> Objection | None:
    import warnings
    warnings.warn("my secret word", stacklevel=1)
    raise KeyError("my secret word")

MINE = Pack.of("mine", odd)
"""


def test_a_server_without_a_terminal_says_one_object_a_line_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_pack.py").write_text(PACK)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("PYTHONWARNINGS", "always")
    said = tmp_path / "stderr"
    with wire_server(chat("Hello")) as upstream, said.open("wb") as stderr:
        config = config_file(tmp_path, upstream.root, tmp_path / "d.db")
        text = config.read_text().replace("sidecritic.packs.shop:SHOP", "mine_pack:MINE")
        config.write_text(text)
        with process(config, "", stderr=stderr) as (running, root):
            assert ask(root).status_code == 200
            config.write_text(config.read_text().replace("shadow", "shadwo"))
            running.send(signal.SIGHUP)
            running.send(signal.SIGTERM)
            assert running.end() == 0
    lines = [json.loads(line) for line in said.read_text().splitlines()]
    told = [line["message"] for line in lines]
    assert any(message.startswith("listening on http://127.0.0.1:") for message in told)
    assert any(
        message.startswith("check failed: odd: KeyError at mine_pack.py:") for message in told
    )
    assert any(message.endswith("UserWarning") for message in told)
    assert all({"at", "level", "logger", "message"} <= line.keys() for line in lines)
    assert "secret" not in said.read_text()
