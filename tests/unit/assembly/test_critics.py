"""Critics by name: chains with bands, ensembles, profiles, thresholds, a person."""

import io
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import JsonValue

from sidecritic.assembly.critics import Connection, Terms, connect_by, critic_for
from sidecritic.assembly.models import DryRun, Models
from sidecritic.assembly.plans import plan_for
from sidecritic.assembly.recorded import CriticByName
from sidecritic.calibration.profile import to_toml
from sidecritic.critics.human import Terminal
from sidecritic.errors import ConfigError
from sidecritic.models.scripted import ScriptedModel
from sidecritic.packs import pack_for
from sidecritic.ports import Critic
from sidecritic.settings.asking_options import AskingOptions, asking_options
from sidecritic.settings.critic_names import (
    ChainName,
    EnsembleName,
    Link,
    Single,
    Weighted,
    asks_a_person,
    names_in,
    parse_critic,
)
from sidecritic.settings.environment import Keys
from sidecritic.settings.evaluation import Settings, command_of, settings_from
from sidecritic.settings.model_names import ModelName
from sidecritic.types import (
    Approve,
    Assistant,
    Completion,
    Proposal,
    Revise,
    TokenLogprob,
    ToolResult,
)
from tests.scored import profile, threshold
from tests.talk import Talk, specs

RETAIL = "tau2:retail"
SHOP = Settings(env=("shop",), limit=1)


def connect(name: ModelName) -> Connection:
    return Connection(ScriptedModel([], name=name.model))


def made(name: str, terms: Terms | None = None, env: str = RETAIL) -> Critic:
    return critic_for(name, env, connect, terms=terms)


# --- names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("policy", Single("policy")),
        ("llm:openai:a@20250514", Single("llm:openai:a@20250514")),
        ("chain:policy,human", ChainName((Link("policy"), Link("human")))),
        (
            "chain:policy@0.1-0.6, llm:openai:m",
            ChainName((Link("policy", (0.1, 0.6)), Link("llm:openai:m"))),
        ),
        (
            "chain:llm:openai:a@b@.2-1,human",
            ChainName((Link("llm:openai:a@b", (0.2, 1.0)), Link("human"))),
        ),
        (
            "chain:llm:anthropic:m@20250514,human",
            ChainName((Link("llm:anthropic:m@20250514"), Link("human"))),
        ),
        (
            "ensemble:policy,llm:openai:m",
            EnsembleName("mean", (Weighted("policy"), Weighted("llm:openai:m"))),
        ),
        (
            "ensemble:mean:policy@2,llm:openai:m@20250514",
            EnsembleName("mean", (Weighted("policy", 2.0), Weighted("llm:openai:m@20250514"))),
        ),
        (
            "ensemble:max:policy,policy",
            EnsembleName("max", (Weighted("policy"), Weighted("policy"))),
        ),
    ],
)
def test_names_are_read(text: str, read: object) -> None:
    assert parse_critic(text) == read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chain:", "has no links; write it as chain:NAME,NAME"),
        ("ensemble:", "has no members; write it as ensemble:NAME,NAME"),
        ("ensemble:max:", "has no members"),
        ("policy@0.1-0.6", "belongs to a link of a chain.*write it as chain:policy@0.1-0.6,NAME"),
        ("llm:openai:m@0.1-0.6", "belongs to a link of a chain"),
        ("chain:policy@0.6,human", "write it as policy@LOW-HIGH"),
        ("chain:policy@0.6-0.1,human", "the lower first"),
        ("chain:policy@0.1-1.6,human", r"two risks in \[0, 1\]"),
        ("chain:human,policy@0.1-0.6", "no link follows 'policy'"),
        ("chain:ensemble:policy,human", "do not nest"),
        ("ensemble:policy,chain:human", "do not nest"),
        ("ensemble:policy@x,none", "write it as policy@2"),
        ("ensemble:policy@0,none", "the weight of 'policy' is 0"),
        ("ensemble:max:policy@2,none", "weights are for the mean"),
    ],
)
def test_a_name_that_cannot_be_read_says_how_to_write_it(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        critic_for(text, RETAIL, connect)


def test_a_person_is_found_wherever_the_name_has_one() -> None:
    assert asks_a_person("human")
    assert asks_a_person("chain:policy@0.1-0.6,human")
    assert not asks_a_person("chain:policy,none")
    assert not asks_a_person("chain:")
    assert names_in("ensemble:policy@2,none") == ("policy", "none")


def test_unknown_parts_are_named_with_what_was_meant() -> None:
    for name in ("chain:polcy@0.1-0.6,none", "ensemble:polcy,none"):
        with pytest.raises(ConfigError, match="unknown critic 'polcy'; did you mean 'policy'"):
            made(name)


def test_chains_and_ensembles_are_built_of_their_parts() -> None:
    assert made("chain:policy@0.1-0.6,llm:openai:m").name == "policy+llm:m"
    assert made("ensemble:policy@2,llm:openai:m").name == "mean(policy|llm:m)"
    assert made("ensemble:max:policy,none").name == "max(policy|none)"


# --- thresholds and profiles ---------------------------------------------------------------

ORDER = "#W1"
TALK = Talk(tools=specs("get_order_details", "cancel_pending_order modify_user_address")).user(
    "I am ann_lee_1. Cancel my order #W1."
)
UNASKED: Proposal = TALK.calls("cancel_pending_order", order_id=ORDER, reason="gift")


async def risk(critic: Critic) -> float:
    found = (await critic.judge(UNASKED)).risk
    assert found is not None
    return found


async def refuses(critic: Critic) -> bool:
    return isinstance((await critic.judge(UNASKED)).verdict, Revise)


async def test_the_threshold_decides_alone_in_a_chain_and_in_an_ensemble() -> None:
    score = await risk(made("policy"))
    assert 0 < score < 1
    for name in ("policy", "chain:policy,none", "ensemble:policy,policy"):
        assert await refuses(made(name, Terms(threshold=score)))
        assert not await refuses(made(name, Terms(threshold=min(1.0, score + 0.001))))


async def test_a_profile_is_put_around_the_critic_that_it_is_for() -> None:
    score = await risk(made("policy"))
    low, high = (profile(threshold(at, domain="retail"), critic="policy") for at in (score, 1.0))
    for name in ("policy", "chain:policy,none"):
        judgement = await made(name, Terms(profile=low)).judge(UNASKED)
        assert isinstance(judgement.verdict, Revise)
        assert "too risky" not in judgement.verdict.feedback
        chained = await made(name, Terms(profile=high)).judge(UNASKED)
        assert chained.verdict == Approve()
    assert (await made("policy", Terms(profile=low)).judge(UNASKED)).calibrated


async def test_a_profile_of_a_whole_chain_is_put_around_the_chain() -> None:
    name = "chain:policy,none"
    judgement = await made(name, Terms(profile=profile(critic=name))).judge(UNASKED)
    assert judgement.calibrated


@pytest.mark.parametrize(
    ("name", "terms", "message"),
    [
        ("none", Terms(profile=profile(critic="policy")), "fitted for the critic 'policy', not"),
        ("policy", Terms(profile=profile(critic="chain:policy,none")), "give --critic chain:"),
        ("policy", Terms(profile=profile(critic="policy", version="v1")), r"version v1, and this"),
        ("policy", Terms(threshold=0.5, profile=profile(critic="policy")), "one of the two"),
        ("none", Terms(threshold=0.5), "has no threshold"),
        ("human", Terms(), "needs a person at a terminal"),
        ("chain:policy,human", Terms(), "needs a person at a terminal"),
    ],
)  # fmt: skip
def test_terms_that_are_not_for_the_critic_are_refused(
    name: str, terms: Terms, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        made(name, terms)


async def test_a_person_is_shown_the_checks_of_the_environment_where_it_has_some() -> None:
    for env, expected in ((RETAIL, True), ("tau2:mock", False)):
        out = io.StringIO()
        terms = Terms(terminal=Terminal(io.StringIO("a\n"), out))
        await made("human", terms, env).judge(UNASKED)
        assert ("Check fired" in out.getvalue()) == expected


async def test_run_json_names_the_profile_by_what_it_was_and_not_by_where_it_lay(
    tmp_path: Path,
) -> None:
    some = profile(critic="policy")
    plans: list[object] = []
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_text(to_toml(some), encoding="utf-8")
        settings = SHOP.model_copy(update={"critic": "policy", "profile": str(tmp_path / name)})
        async with AsyncExitStack() as stack:
            plan = plan_for(settings, Keys(), stack)
        plans.append(plan.settings)
        assert plan.settings["profile"] == {"name": "mine", "digest": some.digest}
    assert plans[0] == plans[1]


async def test_a_person_is_not_asked_where_standard_input_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a\n"))
    async with AsyncExitStack() as stack:
        with pytest.raises(ConfigError, match="standard input is not one; start the command"):
            plan_for(SHOP.model_copy(update={"critic": "human"}), Keys(), stack)
    with pytest.raises(ConfigError, match="standard input is not one"):
        await CriticByName("chain:policy,human").missing(["shop"])


def test_a_person_has_time_unless_somebody_says_how_much() -> None:
    assert settings_from({"critic": "policy"}).critic_timeout == 60
    assert settings_from({"critic": "chain:policy,human"}).limits.critic_timeout > 1e7
    assert settings_from({"critic": "human", "critic_timeout": "9"}).critic_timeout == 9


def test_recipe_keys_equal_the_flags(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text('critic-threshold = 0.3\nprofile = "mine.toml"\n')
    settings = settings_from({}, file)
    assert (settings.critic_threshold, settings.profile) == (
        0.3,
        str(tmp_path / "mine.toml"),
    ), "a path of a recipe is relative to it"
    assert f"--critic-threshold 0.3 --profile {tmp_path}/mine.toml" in command_of(settings)
    with pytest.raises(ConfigError, match=r"--critic-threshold is '1.5'"):
        settings_from({"critic_threshold": "1.5"})


def test_the_terms_of_a_replayed_critic_are_words() -> None:
    some = profile(critic="policy")
    assert CriticByName("policy").terms == ""
    assert CriticByName("policy", threshold=0.3).terms == "threshold 0.3"
    assert CriticByName("policy", profile=some).terms == f"profile mine {some.digest}"


# --- evidence of a language model ----------------------------------------------------------


class Answering:
    """Records that say that an order has been delivered."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def call(self, name: str, arguments: dict[str, JsonValue]) -> ToolResult:
        self.asked.append(name)
        text = '{"order_id": "#W1000001", "status": "delivered", "items": []}'
        return ToolResult(call_id="look", name=name, text=text)


@pytest.mark.parametrize("evidence", [True, False])
async def test_an_llm_critic_is_shown_what_the_checks_find_in_looked_up_records(
    evidence: bool,
) -> None:
    top = TokenLogprob(token="Yes", logprob=-0.01, top={"Yes": -0.01, "No": -5.0})
    said = Completion(message=Assistant(text="Yes"), finish="stop", model="m", logprobs=(top,))
    model, records = ScriptedModel([said], name="m"), Answering()
    critic = critic_for("llm:openai:m", RETAIL, lambda _: Connection(model, evidence=evidence))
    talk = Talk(tools=specs("get_order_details", "cancel_pending_order")).user("Cancel #W1000001.")
    call = talk.calls("cancel_pending_order", order_id="#W1000001", reason="no longer needed")
    rule = next(c.policy for c in pack_for(RETAIL).calls if c.name == "order not pending")
    await critic.judge(call.model_copy(update={"look": records, "policy": f"Be kind. {rule}"}))
    shown = model.requests[0].messages[-1].text
    assert ('"automatic_check": "order not pending"' in shown) is evidence
    assert ("get_order_details" in records.asked) is evidence


@pytest.mark.parametrize("policy", ["Be kind.", ""])
async def test_an_llm_critic_of_an_unknown_domain_is_shown_what_the_structural_checks_find(
    policy: str,
) -> None:
    top = TokenLogprob(token="Yes", logprob=-0.01, top={"Yes": -0.01, "No": -5.0})
    said = Completion(message=Assistant(text="Yes"), finish="stop", model="m", logprobs=(top,))
    model = ScriptedModel([said], name="m")
    critic = critic_for("llm:openai:m", "own:desk", lambda _: Connection(model))
    talk = Talk(tools=specs("get_order", "cancel_order")).user("Cancel my order, please.")
    call = talk.calls("cancel_order", order_id="W-9988776655")
    await critic.judge(call.model_copy(update={"policy": policy}))
    assert "automatic_check" in model.requests[0].messages[-1].text


def test_what_an_llm_critic_is_given_is_part_of_the_terms_of_a_replay() -> None:
    assert CriticByName("llm:openai:m").terms == ""
    given = CriticByName("llm:openai:m", threshold=0.3, lookups=2, evidence=False)
    assert given.terms == "threshold 0.3, 2 look-ups, no evidence"


# --- how a model is asked ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain", "options"),
    [
        ("openai:m", "openai:m", AskingOptions()),
        ("openai:m?reason", "openai:m", AskingOptions(way="reason")),
        ("openai:m?json&votes=3", "openai:m", AskingOptions(way="json", votes=3)),
        ("openai:m?unverified=.8&lookups=2", "openai:m", AskingOptions(unverified=0.8, lookups=2)),
        ("local:a.gguf?brief", "local:a.gguf", AskingOptions(rendering="brief")),
        ("openai:m?full", "openai:m", AskingOptions()),
    ],
)
def test_options_are_read(text: str, plain: str, options: AskingOptions) -> None:
    assert asking_options(text) == (plain, options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("llm:openai:m?votes=0", "votes"),
        ("llm:openai:m?votes=many", "votes"),
        ("llm:openai:m?unverified=2", "unverified"),
        ("llm:openai:m?reason&json", "way is given twice"),
        ("llm:openai:m?brief&reason", "the rendering 'brief' takes no further option"),
        ("llm:openai:m?tempo=1", "tempo.*known: token, json, reason"),
        ("llm:openai:m?reasn", "unknown rendering 'reasn'"),
        ("decision:openai:m?reason", "a decision endpoint gives probabilities at once"),
        ("decision:anthropic:m", "write decision:openai:MODEL"),
        ("decision:openai:", "write decision:openai:MODEL"),
    ],
)
def test_an_option_that_cannot_be_read_says_what_is_known(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        made(text)


def test_a_cascade_of_checks_a_decision_model_a_stronger_one_and_a_person_is_one_name() -> None:
    name = (
        "chain:default,decision:systemone:decider?unverified=0.7@0.1-0.6,"
        "llm:openai:big?reason&votes=5@0.2-0.8,llm:openai:bigger"
    )
    critic = made(name)
    assert critic.name == "default+decision:decider+llm:big+llm:bigger"
    parsed = parse_critic(name)
    assert isinstance(parsed, ChainName)
    assert [link.band for link in parsed.links] == [None, (0.1, 0.6), (0.2, 0.8), None]


def test_a_decision_endpoint_without_an_address_says_what_to_give() -> None:
    models = Models(Settings(), Keys({"systemone": "k"}), AsyncExitStack())
    with pytest.raises(ConfigError, match="give --critic-base-url"):
        critic_for("decision:systemone:m", RETAIL, connect_by(models, None))
    models = Models(Settings(), Keys(), AsyncExitStack())
    with pytest.raises(ConfigError, match="set OPENAI_API_KEY"):
        critic_for("decision:openai:m", RETAIL, connect_by(models, None))


@pytest.mark.parametrize(
    "way", ["decision:openai:m", "llm:openai:m?reason", "llm:openai:m?votes=3"]
)
async def test_a_dry_run_counts_what_each_way_of_asking_would_cost(way: str) -> None:
    critic = critic_for(way, RETAIL, connect_by(DryRun({}), None))
    talk = Talk(tools=specs("get_order_details", "cancel_pending_order"))
    judgement = await critic.judge(talk.user("Hi.").says("Hello."))
    assert judgement.verdict.kind == "approve"
    assert judgement.usage.input_tokens > 0
