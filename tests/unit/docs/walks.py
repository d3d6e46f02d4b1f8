"""Pages to walk: the folder that each starts in, and what is shorter than on the page.

A walk types the commands of its pages in their order, in one folder, in this process. Models on
the page are played by one server on loopback (*simulated*); all else is what it is.
"""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sidecritic.critics.prompt import APPROVE, REFUSE
from sidecritic.runs import read_run
from sidecritic.trace import Proposed
from tests.library import POLICY, TOOLS, batch, renewal, written
from tests.recordings import CANCEL, Json, called, chat, results, said, simulation
from tests.unit.cli.commands import run
from tests.unit.cli.gateway.desk import judge
from tests.unit.docs.pages import ROOT, snippets
from tests.wire import Received, Reply, call
from tests.wire import chat as spoken

_PERSON = "chain:default,llm:openai:SMALL@0.1-0.6,human"
_CHATS = ("--policy", "policy.md", "--tools", "tools.json", "--critic")
_CASCADE = "two models; tests/unit/cli/test_calibrate_runs.py"
ELSEWHERE = {
    ("pip",): "network; the extras are checked here, and installed by scripts/check_wheel.py",
    ("make",): "the suites themselves, in CI",
    ("pytest",): "a suite, in CI",
    ("your-agent",): "the reader's program; tests/unit/cli/gateway/test_walk.py has one",
    ("python", "my_agent.py"): "the reader's program",
    ("python", "my_other_agent.py"): "the reader's program",
    ("python", "-m", "benchmarks.branching"): "half a minute; `make bench-branching`",
    ("python", "-m", "benchmarks.finetune"): "hours",
    ("python", "-m", "benchmarks.small_critics"): "tests/unit/test_small_critics.py has servers",
    ("python", "-m", "benchmarks.prompts"): "tests/unit/test_prompt_changes.py",
    ("python", "-m", "llama_cpp.server"): "real weights; `make test-real`",
    ("vllm",): "real weights, on a graphics card",
    ("llama-server",): "real weights; `make test-real` has llama-cpp-python's",
    ("ollama",): "real weights, and a program of others",
    ("accelerate",): "several GPUs",
    ("sidecritic", "experiment", "smoke"): "half a minute; scripts/check_wheel.py",
    ("sidecritic", "experiment", "paper-tau-retail"): "the reader's download, keys and money",
    ("sidecritic", "experiment", "local"): "real weights",
    ("sidecritic", "replay", "runs/mine", "--critic", _PERSON): "asks a person at a terminal",
    ("sidecritic", "demo"): "ten seconds; tests/unit/cli/measure/test_report.py",
    ("sidecritic", "report"): "the demo's runs; tests/unit/cli/measure/test_report.py",
    ("sidecritic", "replay", "runs/demo-baseline"): "tests/unit/cli/measure/test_report.py",
    ("sidecritic", "replay", "chats.jsonl", *_CHATS): _CASCADE,
    ("sidecritic", "calibrate", "small.jsonl"): _CASCADE,
    ("sidecritic", "learn"): "minutes; `make learn-smoke`",
    ("sidecritic", "train", "--kind", "lora"): "torch, minutes; `make test-train`",
    ("sidecritic", "train", "export"): "torch; `make test-train`",
    ("sidecritic", "mcp-proxy"): "an MCP server of others; tests/unit/adapters has ours",
}
"""Commands that are parsed and not run here, by their first words, and why."""
_CANCELS = "cancel_pending_order"
_HAND_OVER = "transfer_to_human_agents"

ADDED = {
    r"^(eval|datagen play) ": ("--limit", "{limit}"),
    r"^tasks synth ": ("--number", "4"),
    r"--continuations": ("--continuations", "2"),
    r"^(replay|bench|promote .*--over|train --kind head) ?": ("--workers", "1"),
    r"^(eval|replay|bench|init) .*(llm|decision):": ("--critic-base-url", "{url}"),
    r"^eval .*--actor openai:": ("--base-url", "{url}"),
    r"^serve": ("--check",),
}
"""Words that are added to commands, by their lines: a server to ask, one process, and haste."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Pages of one folder, and how the folder begins."""

    pages: tuple[str, ...]
    begin: Callable[[Path], None] = lambda folder: None
    limit: int = 1
    """Tasks of each `eval` and `play`: a page's commands take minutes, the tests must not."""
    before: Mapping[str, Callable[[Path], None]] = field(default_factory=dict[str, Any])
    """What people do before a command, by a part of its line."""
    fails: tuple[str, ...] = ()
    """Parts of lines that may end with exit code 1."""


def own_domain(folder: Path) -> None:
    """Write a policy, tools and labelled chats, by all names that the pages have for them."""
    (folder / "policy.md").write_text(POLICY)
    (folder / "tools.json").write_text(json.dumps(TOOLS))
    chats = [renewal(f"g{n}") for n in range(6)]
    chats += [renewal(f"b{n}", loan="B-9", verdict="wrong") for n in range(6)]
    for name in ("CHATS.jsonl", "chats.jsonl"):
        written(folder / name, *chats, batch())


def sets(folder: Path) -> None:
    """Write chats, alone and as a set, and play two runs without a critic."""
    own_domain(folder)
    price = "input = 1.0\noutput = 1.0\n"
    (folder / "prices.toml").write_text(f"[SMALL]\n{price}[STRONGER]\n{price}")
    (folder / "CHATS.jsonl").unlink()
    (folder / "CHATS").mkdir()
    own_domain(folder / "CHATS")
    (folder / "CHATS" / "CHATS.jsonl").unlink()
    for name in ("RUNS", "runs/mine"):
        assert run("eval", "--env", "shop", "--critic", "none", "--out", name).exit_code == 0


def recordings(folder: Path) -> None:
    """Write recorded runs with labels, by all names that the pages have for them."""
    asked = [said("assistant", "Cancel #W5918442, no longer needed? yes/no"), said("user", "yes")]
    right = [*asked, *called(_CANCELS, CANCEL, "{}")]
    wrong = called(_CANCELS, {**CANCEL, "reason": "ordered by mistake"}, "{}")
    runs = [
        simulation(
            chat(right if copy else wrong), reward=float(copy > 0), task_id=f"{n + 500}", trial=copy
        )
        for n in range(4)
        for copy in range(3)
    ]
    tasks = [
        {
            "id": f"{n + 500}",
            "user_scenario": {"instructions": f"You are user {n}."},
            "evaluation_criteria": {"actions": [{"name": _CANCELS, "arguments": CANCEL}]},
        }
        for n in range(4)
    ]
    whole = gzip.compress(json.dumps(results(*runs, tasks=tasks)).encode())
    for name in ("recorded", "unseen", "DEV", "RECORDED"):
        (folder / name).mkdir()
        (folder / name / "runs.json.gz").write_bytes(whole)
    label: Json = {"file": "runs.json.gz", "tool": _CANCELS, "detectable": True}
    label["arguments"] = {**CANCEL, "reason": "ordered by mistake"}
    lines = [json.dumps({**label, "simulation": 3 * n}) for n in range(4)]
    for name in ("labels.jsonl", "dev_labels.jsonl", "LABELS.jsonl"):
        (folder / name).write_text("\n".join(lines))


def everything(folder: Path) -> None:
    own_domain(folder)
    recordings(folder)


def module(page: str, file: str) -> Callable[[Path], None]:
    """Return what writes the first program of a page into a file."""

    def begin(folder: Path) -> None:
        code = next(s.text for s in snippets(ROOT / "docs" / page) if s.language == "python")
        (folder / file).write_text(code, encoding="utf-8")

    return begin


def opinions(folder: Path) -> None:
    """Write what the pages of a run let people download."""
    (first, *_) = read_run(folder / "runs" / "play").trajectories
    (turn, *_) = (event.turn for event in first.events if isinstance(event, Proposed))
    label = {"trajectory": first.id, "turn": turn, "wrong": True, "by": "jo"}
    (folder / "opinions-play.jsonl").write_text(json.dumps(label))


WALKS = (
    Walk(("README.md",), own_domain),
    Walk(("docs/cli.md",), everything),
    Walk(("docs/critics.md",), sets),
    Walk(("docs/experiments.md",)),
    Walk(("docs/gateway.md",), own_domain),
    Walk(
        ("docs/learning-data.md", "docs/learning-training.md"),
        limit=6,
        before={"--human": opinions},
    ),
    Walk(("docs/learning.md",), limit=2, fails=("promote head-2",)),
    Walk(("docs/own-environment.md",), module("own-environment.md", "library_desk.py")),
    Walk(("docs/policy-packs.md",), module("policy-packs.md", "shop_rules.py")),
    Walk(("design/calibration.md",), recordings),
    Walk(("design/critic-errors.md",), recordings),
)
WALKED_BY_A_PROCESS = ("docs/your-domain.md",)
"""By tests/unit/cli/gateway/test_your_domain.py, with a server and a client."""


def models(received: Received) -> Reply:
    """Answer as every model that a page names: the critic judges, the agent hands over."""
    said = json.dumps(received.body)
    if received.path.endswith("systemone"):
        return _decided(received.body["questions"])
    if "## CASE" in said or "response_format" in received.body:
        return _renewal(received) or judge(received)
    if _HAND_OVER in said and "tools" in received.body and '"role": "tool"' not in said:
        return spoken(None, calls=[call(_HAND_OVER, {"summary": "It needs a person."})])
    return spoken("I need a person." if len(received.body["messages"]) < 4 else "###STOP###")


def _renewal(received: Received) -> Reply | None:
    """Refuse in a token what is done with B-9, which nobody named; `None` for anything else."""
    case = json.dumps(received.body).rpartition("## CASE")[2]
    if "response_format" in received.body or "B-9" not in case:
        return None
    top = [{"token": REFUSE, "logprob": -0.03}, {"token": APPROVE, "logprob": -3.5}]
    return spoken(REFUSE, logprobs=[{**top[0], "top_logprobs": top}])


def _decided(questions: Json) -> Reply:
    """Answer each question: what is asked is neither right nor wrong, and of choices the last."""
    answers: Json = {}
    for name, question in questions.items():
        answers[name] = {"type": "noul", "noul": 0.4}
        if choices := list(question.get("criteria", ())):
            chances = {each: float(each == choices[-1]) for each in choices}
            chosen = {"choice": choices[-1], "confidence": 1.0, "probabilities": chances}
            answers[name] = {"type": "choice", **chosen}
    usage = {"input_tokens": 90, "output_tokens": 2}
    return Reply(json.dumps({"model": "m", "answers": answers, "usage": usage}).encode())
