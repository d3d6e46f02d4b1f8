"""Planted secrets are nowhere that a person or a file could show them, whoever wrote them."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest

from sidecritic.types import Escalate, Proposal, Verdict
from tests.gateway import Asked, gateway, refuses
from tests.operating import HI, PLAIN, command, config_file, post, waiting_case
from tests.wire import Json, Received, Reply, call, chat, failure, wire_server

CANARIES = {
    "key": "sk-canary-client-0123456789abcdef",
    "header": "sk-canary-header-0123456789abcdef",
    "user": "sk-canary-user-0123456789abcdef",
    "tool": "sk-canary-tool-0123456789abcdef",
    "system": "sk-canary-system-0123456789abcdef",
    "kind": "sk-canary-kind-0123456789abcdef",
    "answer": "sk-canary-answer-0123456789abcdef",
    "model": "sk-canary-model-0123456789abcdef",
    "upstream error": "sk-canary-error-0123456789abcdef",
    "path": "sk-canary-path-0123456789abcdef",
    "reason": "sk-canary-reason-0123456789abcdef",
    "feedback": "sk-canary-feedback-0123456789abcdef",
    "note": "sk-canary-note-0123456789abcdef",
}


def hostile_body() -> Json:
    return {
        "model": "m",
        "messages": [
            {"role": "system", "content": CANARIES["system"]},
            {"role": "user", "content": f"{CANARIES['user']} {PLAIN}"},
            {"role": "assistant", "tool_calls": [call("get", {"password": PLAIN})]},
            {"role": "tool", "tool_call_id": "call_a", "content": CANARIES["tool"]},
            {"role": "user", "content": [{"type": CANARIES["kind"], "text": PLAIN}]},
        ],
        "tools": [{"type": "function", "function": {"name": CANARIES["kind"]}}],
    }


def hostile_answer(received: Received) -> Reply:
    if received.body["model"] == "fails":
        return failure(500, f"{CANARIES['upstream error']} {PLAIN}")
    arguments = {"api_key": CANARIES["answer"], "note": PLAIN}
    return chat(CANARIES["answer"], calls=[call(CANARIES["kind"], arguments)])


@pytest.mark.parametrize("content", [False, True], ids=["digests only", "content kept"])
def test_planted_secrets_are_nowhere_in_database_logs_metrics_and_exports(
    content: bool, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    client = {"name": "shop", "key_sha256": sha256(CANARIES["key"].encode()).hexdigest()}
    with (
        caplog.at_level("DEBUG", logger="sidecritic"),
        wire_server(hostile_answer) as upstream,
        gateway(
            upstream.root,
            critic=refuses(CANARIES["kind"]),
            clients=[client],
            unknown="pass",
            store={"content": content, "redact": [PLAIN] if content else []},
        ) as door,
    ):
        key = {"authorization": f"Bearer {CANARIES['key']}", "x-secret": CANARIES["header"]}
        answers = [post(door.root, hostile_body(), **key)]
        answers.append(post(door.root, {**HI, "model": "fails"}, **key))
        answers.append(post(door.root, HI, authorization=f"Bearer {CANARIES['path']}"))
        httpx2.get(f"{door.root}/{CANARIES['path']}", headers=key, trust_env=False)
        metrics = httpx2.get(f"{door.root}/metrics", trust_env=False).text
        door.settled()
        config = config_file(tmp_path, upstream.root, door.folder / "decisions.db", content=content)
        command(
            "decisions", "export", "--out", str(tmp_path / "out.jsonl"), "--config", str(config)
        )
        shown = command("decisions", "ls", "--config", str(config)).stdout
        kept = b"".join(file.read_bytes() for file in door.folder.iterdir())
    written = {
        "database": kept.decode(errors="replace"),
        "logs": caplog.text + "".join(str(vars(record)) for record in caplog.records),
        "metrics": metrics,
        "export": (tmp_path / "out.jsonl").read_text(),
        "listing": shown,
        "refusal": answers[2].text,
    }
    assert [a.status_code for a in answers] == [200, 500, 401]
    require_clean(written)
    assert ("get_order" in written["export"] or not content) or "proposal" in written["export"]


def require_clean(written: dict[str, str]) -> None:
    """No canary stands anywhere, in whatever form it was written."""
    for place, text in written.items():
        for name, canary in {**CANARIES, "plain": PLAIN}.items():
            assert canary not in text, f"the {name} canary stands in the {place}"


@pytest.mark.parametrize("content", [False, True], ids=["digests only", "content kept"])
def test_what_critic_and_reviewer_say_is_kept_and_passed_on_without_secrets_and_nuls(
    content: bool, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    def escalates(proposal: Proposal) -> Verdict | None:
        reason = f"much money \0 {CANARIES['reason']} {PLAIN}"
        return Escalate(reason=reason) if proposal.action.calls else None

    arguments = {"api_key": CANARIES["answer"], "note": f"{PLAIN}\0"}
    wrong = chat(f"{CANARIES['answer']}\0", calls=[call(f"{CANARIES['kind']}\0", arguments)])
    review = {"on_escalation": "wait", "wait": 60}
    said = f"Ask for consent first. \0 {CANARIES['feedback']} {PLAIN}"
    with (
        caplog.at_level("DEBUG", logger="sidecritic"),
        wire_server([wrong, chat("I need your consent.")]) as upstream,
        gateway(
            upstream.root,
            critic=Asked(escalates),
            review=review,
            store={"content": content, "redact": [PLAIN]},
        ) as door,
    ):
        path = config_file(tmp_path, upstream.root, door.folder / "decisions.db", content=content)
        config = ("--config", str(path))
        with ThreadPoolExecutor() as pool:
            asking = pool.submit(post, door.root)
            case = waiting_case(path)
            told = command("reviews", "reject", case["id"], "--feedback", said, *config).stdout
            answer = asking.result()
        id = door.settled()[0]["id"]
        note = f"wrong order \0 {CANARIES['note']} {PLAIN}"
        told += command("decisions", "label", id, "wrong", "--note", note, *config).stdout
        written = {
            "open case": str(case),
            "replies": told,
            "cases": command("reviews", "ls", "--all", "--json", *config).stdout,
            "listing": command("decisions", "show", id, "--json", *config).stdout,
            "export": command("decisions", "export", *config).stdout,
            "metrics": httpx2.get(f"{door.root}/metrics", trust_env=False).text,
            "logs": caplog.text + "".join(str(vars(record)) for record in caplog.records),
            "database": b"".join(f.read_bytes() for f in door.folder.iterdir()).decode("latin-1"),
            "answer": answer.text + str(answer.headers),
        }
    require_clean(written)
    assert "consent" in answer.text
    again = str(upstream.received[1].body["messages"][-1])
    assert "Ask for consent first." in again
    assert CANARIES["feedback"] not in again
    assert "much money" in written["open case"], "a person sees why"
    assert "wrong order" in written["export"]
