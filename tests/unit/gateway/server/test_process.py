"""The server as a process: what stands on stderr, and how it ends while a critic is busy."""

import signal
import sys
import threading
from pathlib import Path
from time import monotonic

import httpx2
import pytest

from tests.operating import Process, config_file, post, process
from tests.wire import Received, Reply, call, chat, wire_server

WRITE = chat(None, calls=[call("refund", {})])


def slow_config(folder: Path, upstream: str, judge: str, mode: str) -> Path:
    """Return a configuration whose critic takes longer than anybody waits."""
    file = config_file(folder, upstream, folder / "d.db")
    text = file.read_text().replace('"shadow"', f'"{mode}"')
    text = text.replace('critic = "policy"', 'critic = "llm:openai:judge"\ncritic_timeout = 90')
    file.write_text(text.replace("[store]", f'critic_base_url = "{judge}"\n\n[store]'))
    return file


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_a_busy_critic_keeps_neither_others_waiting_nor_the_end(mode: str, tmp_path: Path) -> None:
    asked, release = threading.Event(), threading.Event()

    def hangs(received: Received) -> Reply:
        if "refund" in str(received.body):  # and not the probe
            asked.set()
        release.wait(60)
        return chat("approve")

    with wire_server(WRITE) as upstream, wire_server(hangs) as judge:
        config = slow_config(tmp_path, upstream.root, judge.base_url, mode)
        with process(config, "") as (running, root):
            answers: list[httpx2.Response] = []
            asking = threading.Thread(target=lambda: answers.append(post(root)))
            asking.start()
            assert asked.wait(60)
            assert httpx2.get(f"{root}/healthz", trust_env=False).status_code == 200
            ended = monotonic()
            running.send(signal.SIGTERM)
            assert running.end() == 0
            assert monotonic() - ended < 20, "far below the critic's 90 s and the shutdown's 30"
            release.set()
            asking.join()
    assert answers[0].status_code == 200
    held = "refund" not in answers[0].text
    assert held is (mode == "enforce"), "the declared failure mode applies"


def test_a_line_is_found_wherever_it_stands_among_others() -> None:
    says = "import sys; sys.stderr.write('one\\ntwo\\nthree\\ntwo again\\n')"
    running = Process([sys.executable, "-c", says])
    heard = [running.wait_for(word) for word in (b"three", b"two", b"two", b"one")]
    assert heard == [b"three\n", b"two\n", b"two again\n", b"one\n"]
    assert running.end() == 0


def test_a_critic_that_does_not_answer_is_said_at_the_start(tmp_path: Path) -> None:
    with wire_server(WRITE) as upstream, wire_server(Reply(b"{}", 401)) as judge:
        config = slow_config(tmp_path, upstream.root, judge.base_url, "shadow")
        with process(config, "") as (running, _):
            line = running.wait_for(b"route openai: critic")
    assert b'"message": "route openai: critic llm:judge does not answer' in line


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_stderr_stops_nothing(tmp_path: Path) -> None:
    with wire_server(WRITE) as upstream:
        config = config_file(tmp_path, upstream.root, tmp_path / "d.db")
        with Path("/dev/full").open("wb") as full, process(config, "", stderr=full) as (run, root):
            assert [post(root).status_code for _ in range(20)] == [200] * 20
            assert httpx2.get(f"{root}/readyz", trust_env=False).status_code == 200
            text = httpx2.get(f"{root}/metrics", trust_env=False).text
            assert "sidecritic_log_dropped 0.0" not in text
            run.send(signal.SIGTERM)
            assert run.end() == 0
