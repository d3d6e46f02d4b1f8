"""SmolLM2-135M: a few steps, exported, served by llama.cpp; on τ² it answers as in memory."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.llama_server import llama_server

from sidecritic.assembly.held_out import held_out_of
from sidecritic.critics.answers import risk_of
from sidecritic.datasets.rows import Said, VerdictRow
from sidecritic.models.openai import OpenAIChat
from sidecritic.training.lora.export import Weights, export, load_tuned
from sidecritic.training.lora.recipe import Recipe
from sidecritic.training.lora.run import tune
from sidecritic.training.lora.verdicts import risks
from sidecritic.types import Message, Request, Sampling, System, User
from tests.train.conftest import ROOT

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

TOLERANCE: dict[Weights, float] = {"f16": 0.02, "q8_0": 0.1}
"""Of a risk, by the weights of the file."""


@pytest.fixture(scope="module")
def run(dequantised: Path, rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few-steps")
    recipe = Recipe(
        base=str(dequantised),
        data=str(rendered),
        validation=8,
        steps=4,
        batch=4,
        accumulate=1,
        learning_rate=1e-3,
        layers=8,
        evaluate_every=4,
        dtype="float32",
    )
    tune(recipe, folder / "run", say=print, tests_of=held_out_of)
    return folder / "run"


@pytest.fixture(scope="module")
def proposals(rendered: Path) -> Sequence[VerdictRow]:
    """Return 20 proposals as the project renders them, half of them wrong; none was learned from.

    The faults are *simulated*; tasks, policies and records are those of τ².
    """
    lines = (rendered / "verdict" / "validation.jsonl").read_text().splitlines()
    rows = [VerdictRow.model_validate_json(line) for line in lines]
    halves = [[row for row in rows if row.wrong is wrong][:10] for wrong in (True, False)]
    found = [row for half in halves for row in half]
    assert len(found) == 20
    assert {row.provenance.source for row in found} == {"fault"}
    assert len({row.prompt for row in found}) == 20
    return found


@pytest.mark.parametrize("weights", TOLERANCE)
async def test_the_served_critic_answers_as_the_one_in_memory(
    run: Path, proposals: Sequence[VerdictRow], weights: Weights, tmp_path: Path
) -> None:
    made = export(
        run,
        tmp_path / "out",
        "gguf",
        name="few-steps",
        weights=weights,
        llama_cpp=ROOT / ".venv-train" / "llama.cpp",
    )
    chats = [row.prompt for row in proposals]
    in_memory = risks(*load_tuned(run), chats)
    with llama_server(Path(made.path), name=made.name, context=1024) as server:
        served = await _served(server.base_url, made.name, chats)
    assert max(in_memory) - min(in_memory) > 0.1, "they differ, so that their order shows"
    assert served == pytest.approx(in_memory, abs=TOLERANCE[weights])


async def _served(base_url: str, name: str, chats: Sequence[Sequence[Said]]) -> list[float]:
    client = OpenAIChat(name, base_url=base_url, api_key="none", timeout=300)
    found: list[float] = []
    sampling = Sampling(temperature=1.0, max_tokens=1, top_logprobs=20)
    for chat in chats:
        answer = await client.complete(Request(messages=_messages(chat), sampling=sampling))
        read = risk_of(answer.logprobs[0])
        assert read is not None
        found.append(read.risk)
    await client.aclose()
    return found


def _messages(chat: Sequence[Said]) -> tuple[Message, ...]:
    return tuple(
        System(text=s.content) if s.role == "system" else User(text=s.content) for s in chat
    )
