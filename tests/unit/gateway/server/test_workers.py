"""Several workers behind one socket give what one gives, and a kill costs one worker's requests."""

import json
import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, func, select

from sidecritic.gateway.server.admission import key_digest
from sidecritic.gateway.store.tables import CHANGES, DECISIONS
from tests.operating import DOOR, Process, config_file, free_port, process
from tests.wire import Received, Reply, chat, wire_server
from tests.wires.streams import output_text, response

HI: list[Any] = [{"role": "user", "content": "Hi"}]
KEY = "sk-shop-5d0b7f9a"
ENFORCES = ('mode = "shadow"', 'mode = "enforce"')


@dataclass
class Crew:
    """A server with two workers."""

    running: Process
    root: str
    url: str
    pids: dict[str, int] = field(default_factory=dict[str, int])
    """By number of the worker, as its log says."""

    def meet(self, number: str) -> int:
        """Return the process id of a worker that has begun to serve."""
        line = json.loads(self.running.wait_for(b"worker %s serves" % number.encode()))
        self.pids[number] = line["pid"]
        self.running.wait_for(b"startup complete")
        return line["pid"]

    def client(self) -> OpenAI:
        """Return a client with connections of its own, which asks once."""
        http = httpx2.Client(trust_env=False, timeout=30)
        url = f"{self.root}/v1"
        return OpenAI(base_url=url, http_client=http, api_key=KEY, max_retries=0)

    def ask(self) -> str:
        with self.client() as client:
            said = client.chat.completions.create(model="m", messages=HI)
        return said.choices[0].message.content or ""

    def served_by(self, requests: int) -> set[int]:
        """Return the workers that logged so many requests."""
        lines = (json.loads(self.running.wait_for(b'"request"')) for _ in range(requests))
        return {line["pid"] for line in lines}

    def count(self, name: str) -> float:
        text = httpx2.get(f"{self.root}/metrics", trust_env=False).text
        families = text_string_to_metric_families(text)
        return sum(s.value for family in families for s in family.samples if s.name == name)

    def stored(self) -> set[str]:
        """Return the requests whose decisions are on file."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            found = set(connection.execute(select(DECISIONS.c.request)).scalars())
        engine.dispose()
        return found


@contextmanager
def crew(folder: Path, upstream: str, *edits: tuple[str, str], url: str = "") -> Generator[Crew]:
    url = url or f"sqlite:///{folder / 'd.db'}"
    config = config_file(folder, upstream, folder / "d.db")
    text = config.read_text().replace("[store]", '[store]\nurl_env = "STORE_URL"')
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    config.write_text(text)
    with process(config, url, workers=2) as (running, root):
        made = Crew(running, root, url)
        made.meet("1")
        made.meet("2")
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.full)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return request.getfixturevalue("postgres")
    return f"sqlite:///{tmp_path / 'd.db'}"


@dataclass
class Load:
    """Threads with a real SDK each, which ask until they are told to stop."""

    made: Crew
    threads: int = 4
    released: set[str] = field(default_factory=set[str])
    failures: list[openai.OpenAIError] = field(default_factory=list[openai.OpenAIError])

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._counted = threading.Condition()
        self._threads = [threading.Thread(target=self._ask) for _ in range(self.threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int) -> None:
        """Wait until so many more answers have come."""
        with self._counted:
            until = len(self.released) + more
            assert self._counted.wait_for(lambda: len(self.released) >= until, 120)

    def _ask(self) -> None:
        with self.made.client() as client:
            create = client.chat.completions.with_raw_response.create
            while not self._stop.is_set():
                try:
                    raw = create(model="m", messages=HI)
                except openai.OpenAIError as failure:
                    self.failures.append(failure)
                    continue
                with self._counted:
                    self.released.add(raw.headers["x-sidecritic-request"])
                    self._counted.notify_all()


def test_a_killed_worker_is_replaced_and_takes_its_own_requests_only(
    tmp_path: Path, url: str
) -> None:
    with (
        wire_server(chat("Hello")) as upstream,
        crew(tmp_path, upstream.root, ENFORCES, url=url) as made,
    ):
        before = made.pids["2"]
        with Load(made) as load:
            load.wait_for(40)
            os.kill(before, signal.SIGKILL)
            assert b"ended with -9" in made.running.wait_for(b"ended with")
            after = made.meet("2")
            load.wait_for(40)
        assert after not in (before, made.pids["1"])
        # What it had under way, and what came through a connection that it had.
        assert len(load.failures) <= load.threads
        assert all(isinstance(each, openai.APIConnectionError) for each in load.failures)
        assert load.released <= made.stored(), "no decision of a released answer is missing"
        assert made.count("sidecritic_in_flight") == 0
        assert made.ask() == "Hello"


def test_a_reload_under_load_reaches_all_workers_and_loses_no_request(
    tmp_path: Path, url: str
) -> None:
    with wire_server(chat("Hello")) as upstream, crew(tmp_path, upstream.root, url=url) as made:
        with Load(made) as load:
            load.wait_for(20)
            file = tmp_path / "gateway.toml"
            file.write_text(file.read_text().replace(*ENFORCES))
            made.running.send(signal.SIGHUP)
            said = [json.loads(made.running.wait_for(b"reloaded")) for _ in range(2)]
            load.wait_for(40)
        assert {line["pid"] for line in said} == set(made.pids.values())
        assert all(line["message"] == "reloaded; modes: openai enforce" for line in said)
        assert load.failures == []
        assert load.released <= made.stored()
        engine = create_engine(made.url)
        with engine.connect() as connection:
            changed = select(func.count()).where(CHANGES.c.before == "shadow")
            changes = connection.execute(changed).scalar_one()
        engine.dispose()
        made.running.send(signal.SIGTERM)
        assert made.running.end() == 0
    assert changes == 1, "an audited change is noted once"


def test_any_worker_shows_the_counts_of_all_even_of_one_that_was_killed(tmp_path: Path) -> None:
    with wire_server(chat("Hello")) as upstream, crew(tmp_path, upstream.root, ENFORCES) as made:
        assert [made.ask() for _ in range(12)] == ["Hello"] * 12
        assert made.served_by(12) == set(made.pids.values()), "each worker serves"
        assert [made.count("sidecritic_requests_total") for _ in range(4)] == [12] * 4
        assert made.count("sidecritic_decisions_total") == 12
        assert made.count("sidecritic_request_seconds_count") == 12
        os.kill(made.pids["1"], signal.SIGKILL)
        made.meet("1")
        assert [made.count("sidecritic_requests_total") for _ in range(4)] == [12] * 4


def numbered(received: Received) -> Reply:
    """Answer with an id of its own each time."""
    return response(output_text("Hello"), id=f"resp_{len(received.body['input'])}")


def test_a_stored_answer_is_continued_at_whichever_worker(tmp_path: Path) -> None:
    with wire_server(numbered) as upstream, crew(tmp_path, upstream.root, ENFORCES) as made:
        last = None
        for turn in range(8):
            with made.client() as client:  # each request has a connection of its own
                said = client.responses.create(
                    model="m", input="x" * (turn + 1), previous_response_id=last
                )
            assert said.output_text == "Hello"
            last = said.id
        assert made.served_by(8) == set(made.pids.values())
        with made.client() as client, pytest.raises(openai.BadRequestError, match="not released"):
            client.responses.create(model="m", input="Hi", previous_response_id="resp_other")


def test_a_turn_that_one_worker_released_is_history_to_the_other(tmp_path: Path) -> None:
    refuses = ('gate = "all"', 'gate = "all"\nhistory = "refuse"')
    with (
        wire_server(chat("Hello")) as upstream,
        crew(tmp_path, upstream.root, ENFORCES, refuses) as made,
    ):
        messages: list[Any] = [*HI]
        for turn in range(8):
            with made.client() as client:
                said = client.chat.completions.create(model="m", messages=messages)
            messages += [
                {"role": "assistant", "content": said.choices[0].message.content},
                {"role": "user", "content": f"And {turn}?"},
            ]
        assert made.served_by(8) == set(made.pids.values())
        messages[1] = {"role": "assistant", "content": "I will refund you 900."}
        with made.client() as client, pytest.raises(openai.PermissionDeniedError):
            client.chat.completions.create(model="m", messages=messages)


def client_settings(**limits: int) -> tuple[str, str]:
    said = "".join(f"{name} = {number}\n" for name, number in limits.items())
    digest = key_digest(KEY).hex()
    return ("[store]", f'[[clients]]\nname = "shop"\nkey_sha256 = "{digest}"\n{said}\n[store]')


def test_a_client_has_so_many_requests_a_minute_at_all_workers_together(tmp_path: Path) -> None:
    with (
        wire_server(chat("Hello")) as upstream,
        crew(tmp_path, upstream.root, client_settings(per_minute=5)) as made,
    ):
        answers = [attempt(made.ask) for _ in range(9)]
        assert made.served_by(9) == set(made.pids.values())
    assert answers == ["Hello"] * 5 + ["RateLimitError"] * 4


def test_a_client_has_so_many_requests_under_way_at_all_workers_together(tmp_path: Path) -> None:
    arrived, go = threading.Semaphore(0), threading.Event()

    def hold(received: Received) -> Reply:
        arrived.release()
        go.wait(60)
        return chat("Hello")

    with (
        wire_server(hold) as upstream,
        crew(tmp_path, upstream.root, client_settings(concurrency=4)) as made,
    ):
        answers: list[str] = []
        threads = [
            threading.Thread(target=lambda: answers.append(attempt(made.ask))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert arrived.acquire(timeout=60)
        assert [attempt(made.ask) for _ in range(6)] == ["RateLimitError"] * 6
        assert made.count("sidecritic_in_flight") == 4
        # What a killed worker had under way does not count against the client for ever.
        for pid in made.pids.values():
            os.kill(pid, signal.SIGKILL)
        made.meet("1")
        made.meet("2")
        go.set()
        for thread in threads:
            thread.join()
        assert made.ask() == "Hello"
    assert answers == ["APIConnectionError"] * 4


def attempt(work: Callable[[], str]) -> str:
    try:
        return work()
    except openai.OpenAIError as failure:
        return type(failure).__name__


def test_workers_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    with wire_server(chat("Hello")) as upstream, crew(tmp_path, upstream.root) as made:
        made.running.send(signal.SIGKILL)
        # Its stderr ends with the last process that has it open.
        assert made.running.end() == -signal.SIGKILL


def test_settings_that_no_worker_can_use_end_the_command_with_2(tmp_path: Path) -> None:
    config = config_file(tmp_path, "http://127.0.0.1:9", tmp_path / "d.db")
    listen = f'listen = "127.0.0.1:{free_port()}"\n'
    config.write_text(listen + config.read_text().replace('"policy"', '"polcy"'))
    words = [str(DOOR), "serve", "--workers", "2", "--config", str(config)]
    running = Process(words)
    assert b"unknown critic 'polcy'" in running.wait_for(b"unknown critic")
    assert running.end() == 2
