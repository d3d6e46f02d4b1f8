"""Decisions on file: secrets, reviews, labels, the command line, and what a kill leaves."""

import json
import signal
import sqlite3
import threading
from contextlib import closing
from itertools import product
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import create_engine, select
from typer.testing import CliRunner

from sidecritic.cli.app import app
from sidecritic.gateway.store.tables import DECISIONS
from sidecritic.labelling.label import Label
from sidecritic.types import Escalate, Proposal
from tests.gateway import Asked, gateway, refuses
from tests.operating import (
    HI,
    PLAIN,
    Process,
    command,
    config_file,
    post,
    process,
    waiting_case,
)
from tests.wire import Received, Reply, call, chat, wire_server
from tests.wires.streams import chat_stream, spoken

# --- reviews -----------------------------------------------------------------------------

ESCALATES = Asked(lambda p: Escalate(reason="large sum") if p.action.calls else None)
WRITE = chat(None, calls=[call("refund", {"sum": 900})])


def test_an_approval_releases_exactly_the_approved_action_and_only_once(tmp_path: Path) -> None:
    other = chat(None, calls=[call("refund", {"sum": 901})])
    answers = [WRITE, other, WRITE, WRITE]
    with (
        wire_server(answers) as upstream,
        gateway(upstream.root, critic=ESCALATES, clients=[]) as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db")
        assert "colleague" in post(door.root).text
        (case,) = json.loads(command("reviews", "ls", "--json", "--config", str(config)).stdout)[
            "cases"
        ]
        assert case["content"]["calls"][0]["arguments"] == {"sum": 900}
        command("reviews", "approve", case["id"], "--by", "ann", "--config", str(config))
        assert "colleague" in post(door.root).text, "another sum is another action"
        assert post(door.root).content == WRITE.body
        assert "colleague" in post(door.root).text, "an approval is used up"


@pytest.mark.parametrize("ruling", ["approve", "reject"])
def test_a_request_that_waits_gets_what_the_reviewer_decides(ruling: str, tmp_path: Path) -> None:
    review = {"on_escalation": "wait", "wait": 60}
    with (
        wire_server([WRITE, chat("I need your consent.")]) as upstream,
        gateway(upstream.root, critic=ESCALATES, review=review) as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db")
        answers: list[httpx2.Response] = []
        asking = threading.Thread(target=lambda: answers.append(post(door.root)))
        asking.start()
        words = [waiting_case(config)["id"], "--config", str(config)]
        if ruling == "reject":
            words += ["--feedback", "Ask for consent first."]
        command("reviews", ruling, *words)
        asking.join()
    if ruling == "approve":
        assert answers[0].content == WRITE.body
    else:
        assert "consent" in answers[0].text
        assert "Ask for consent first." in str(upstream.received[1].body)


def test_nobody_answering_in_time_means_the_hand_over_text() -> None:
    review = {"on_escalation": "wait", "wait": 0.3, "hand_over_text": "A person will see to it."}
    with (
        wire_server(WRITE) as upstream,
        gateway(upstream.root, critic=ESCALATES, review=review) as door,
    ):
        assert "A person will see to it." in post(door.root).text


# --- labels, counts, export, promotion ---------------------------------------------------


def test_shadow_counts_what_would_have_been_blocked_and_promote_is_one_command(
    tmp_path: Path,
) -> None:
    with (
        wire_server([chat("deleted"), chat("fine"), chat("deleted")]) as upstream,
        gateway(upstream.root, critic=refuses("deleted"), mode="shadow") as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db")
        for _ in range(3):
            post(door.root)
        door.settled()
        listing = json.loads(command("decisions", "ls", "--json", "--config", str(config)).stdout)
        shown = command("decisions", "ls", "--blocked", "--config", str(config)).stdout
        id = next(d["id"] for d in listing["decisions"] if d["verdict"] == "revise")
        command("decisions", "label", id, "wrong", "--note", "x", "--config", str(config))
        out = tmp_path / "labels.jsonl"
        words = ["--labelled", "--out", str(out), "--config", str(config)]
        command("decisions", "export", *words)
        detail = json.loads(
            command("decisions", "show", id, "--json", "--config", str(config)).stdout
        )
        before = config.read_text()
        words = ["promote", "--route", "openai", "--config", str(config)]
        hesitates = CliRunner().invoke(app, words)
        assert (hesitates.exit_code, config.read_text()) == (2, before)
        assert "not enough labels" in hesitates.stderr
        assert "add --yes" in hesitates.stderr
        done = json.loads(command(*words, "--yes", "--json").stdout)
        assert done["pilot"]["rates"]["refused"] == {
            "n": 2,
            "of": 3,
            "conversations": 3,
            "assumed": None,
        }
        assert config.read_text() == before.replace('mode = "shadow"', 'mode = "enforce"')
    (counts,) = listing["counts"]
    assert (counts["proposals"], counts["objections"]) == (3, 2)
    assert "2 would have been blocked" in shown
    (row,) = map(json.loads, out.read_text().splitlines())
    assert (row["id"], row["label"], row["label_source"]) == (id, "wrong", "person")
    assert detail["label"] == "wrong"


def test_exported_labels_are_labels_of_training_and_carry_the_proposal(tmp_path: Path) -> None:
    answers = [chat(None, calls=[call("delete", {"order": "B2", "password": PLAIN})])]
    with (
        wire_server(answers) as upstream,
        gateway(
            upstream.root, critic=refuses("delete"), mode="shadow", store={"content": True}
        ) as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db", content=True)
        for _ in range(3):
            post(door.root)
        wrong, right, _ = [row["id"] for row in door.settled()]
        told = ["--note", "Ask first.", "--by", "ann"]
        command("decisions", "label", wrong, "wrong", *told, "--config", str(config))
        command("decisions", "label", right, "right", "--config", str(config))
        lines = command("decisions", "export", "--config", str(config)).stdout.splitlines()
        labelled = command("decisions", "export", "--labelled", "--config", str(config)).stdout
    rows = [json.loads(line) for line in lines]
    found = {row["id"]: row["as_label"] and Label.model_validate(row["as_label"]) for row in rows}
    assert len(rows) == 3
    assert labelled.splitlines() == [line for line in lines if json.loads(line)["as_label"]]
    seen = found[wrong]
    assert seen is not None
    assert (seen.source, seen.wrong, seen.weight) == ("human", True, 1.0)
    assert (seen.tool, seen.feedback, seen.evidence) == ("delete", "Ask first.", "ann: Ask first.")
    assert found[right] is not None
    assert not found[right].wrong
    assert sorted(found, key=lambda id: found[id] is None)[-1] not in (wrong, right)
    for row in rows:
        proposal = Proposal.model_validate(row["content"]["proposal"])
        assert proposal.action.calls[0].arguments == {"order": "B2", "password": "[redacted]"}
        assert (proposal.task_id, proposal.turn) == (row["request"], row["turn"])


def test_what_a_reviewer_decided_is_a_label_too(tmp_path: Path) -> None:
    with (
        wire_server([WRITE, chat("ok")]) as upstream,
        gateway(upstream.root, critic=ESCALATES, gate="writes") as door,
    ):
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db")
        post(door.root)
        words = [waiting_case(config)["id"], "--feedback", "Too much.", "--by", "ann"]
        command("reviews", "reject", *words, "--config", str(config))
        (line,) = command("decisions", "export", "--config", str(config)).stdout.splitlines()
    row = json.loads(line)
    assert row["label_source"] == "review"
    label = Label.model_validate(row["as_label"])
    assert (label.wrong, label.feedback, label.tool) == (True, "Too much.", "refund")


# --- the process -------------------------------------------------------------------------


def released_under_load(root: str, running: Process, mode_stream: bool) -> set[str]:
    """Ask from several threads until the server is killed; return the ids of whole answers."""
    seen: set[str] = set()
    enough = threading.Event()

    def ask() -> None:
        while True:
            try:
                answer = post(root, {**HI, "stream": mode_stream})
            except httpx2.TransportError:
                return
            if answer.status_code == 200:
                seen.add(answer.headers["x-sidecritic-request"])
            if len(seen) >= 60:
                enough.set()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    enough.wait(60)
    running.send(signal.SIGKILL)
    for thread in threads:
        thread.join()
    return seen


ALL_KILLS = product(("sqlite", "postgres"), ("enforce", "shadow"), (False, True))
KILLS = [  # the quick half: each database, each mode, plain and as a stream
    pytest.param(*kill, marks=() if (kill[1] == "enforce") == kill[2] else pytest.mark.full)
    for kill in ALL_KILLS
]


@pytest.mark.parametrize(("kind", "mode", "stream"), KILLS)
def test_a_kill_under_load_loses_no_decision_whose_answer_was_released(
    tmp_path: Path, mode: str, stream: bool, kind: str, request: pytest.FixtureRequest
) -> None:
    answer = chat_stream(spoken("Hello there")) if stream else chat("Hello there")
    url = f"sqlite:///{tmp_path / 'd.db'}"
    if kind == "postgres":
        url = request.getfixturevalue("postgres")
    with wire_server(answer) as upstream:
        config = config_file(tmp_path, upstream.root, tmp_path / "d.db")
        text = config.read_text().replace('"shadow"', f'"{mode}"')
        config.write_text(text.replace("[store]", '[store]\nurl_env = "STORE_URL"'))
        with process(config, url) as (running, root):
            released = released_under_load(root, running, stream)
    engine = create_engine(url)
    with engine.connect() as connection:
        kept = set(connection.execute(select(DECISIONS.c.request)).scalars())
    engine.dispose()
    assert len(released) >= 60
    assert released <= kept


def test_settings_are_reloaded_by_signal_and_wrong_ones_are_not(tmp_path: Path) -> None:
    with wire_server(chat("Hello")) as upstream:
        config = config_file(tmp_path, upstream.root, tmp_path / "d.db")
        with process(config, "") as (running, root):
            command("promote", "--route", "openai", "--config", str(config), "--yes")
            running.send(signal.SIGHUP)
            assert b"reloaded; modes: openai enforce" in running.wait_for(b"reloaded")
            assert "x-sidecritic" in post(root).headers

            config.write_text(config.read_text().replace("enforce", "enforec"))
            running.send(signal.SIGHUP)
            assert b"routes.openai.mode" in running.wait_for(b"not reloaded")
            assert post(root).headers["x-sidecritic"] == "approved"

            running.send(signal.SIGTERM)
            assert running.end() == 0
        config.write_text(config.read_text().replace("enforec", "enforce"))
        changes = json.loads(
            command("decisions", "changes", "--json", "--config", str(config)).stdout
        )
    assert [(c["before"], c["after"]) for c in changes["changes"]] == [
        ("", "shadow"),
        ("shadow", "enforce"),
    ]


def test_a_shutdown_finishes_what_is_in_flight(tmp_path: Path) -> None:
    arrived, release = threading.Event(), threading.Event()

    def slow(received: Received) -> Reply:
        arrived.set()
        release.wait(20)
        return chat("Hello")

    with wire_server(slow) as upstream:
        config = config_file(tmp_path, upstream.root, tmp_path / "d.db")
        with process(config, "") as (running, root):
            answers: list[httpx2.Response] = []
            asking = threading.Thread(target=lambda: answers.append(post(root)))
            asking.start()
            arrived.wait(20)
            running.send(signal.SIGTERM)
            running.wait_for(b"Waiting for connections to close")
            release.set()
            asking.join()
            assert running.end() == 0
    assert answers[0].status_code == 200


def test_a_database_of_an_earlier_version_gets_the_columns_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "d.db"
    with wire_server(chat("Hello")) as upstream:
        config = config_file(tmp_path, upstream.root, file)
        with process(config, "") as (_, root):
            assert post(root).status_code == 200
    with closing(sqlite3.connect(file)) as old:
        old.execute("ALTER TABLE decisions DROP COLUMN broken")
    command("decisions", "ls", "--config", str(config))
    with closing(sqlite3.connect(file)) as now:
        assert now.execute("SELECT broken FROM decisions").fetchall() == [("",)]
