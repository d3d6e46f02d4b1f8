"""Names and values, and what is said about those that cannot be used."""

import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import JsonValue

from sidecritic.assembly.critics import Connection, connect_by, critic_for
from sidecritic.assembly.models import Models
from sidecritic.assembly.plans import plan_for, select_tasks
from sidecritic.envs.shop.benchmark import SPECS
from sidecritic.errors import ConfigError
from sidecritic.models.scripted import ScriptedModel
from sidecritic.settings.environment import Keys, keys_from_environment
from sidecritic.settings.evaluation import Settings, command_of, settings_from
from sidecritic.settings.experiments import experiment_from
from sidecritic.settings.learning import recipe_from
from sidecritic.settings.model_names import ModelName, is_nearby, model_name
from sidecritic.training.lora.recipe import read_recipe
from sidecritic.types import ToolResult
from tests.parties import Says
from tests.talk import Talk
from tests.wire import chat, wire_server

ROOT = Path(__file__).parents[3]
SHOP = Settings(env=("shop",), critic="none")
NO_KEYS = Keys()


def recipe(folder: Path, text: str) -> Path:
    file = folder / "recipe.toml"
    file.write_text(text, encoding="utf-8")
    return file


# --- settings ------------------------------------------------------------------------------------


def test_a_recipe_and_the_same_flags_give_the_same_settings(tmp_path: Path) -> None:
    text = """
        env = ["shop", "tau2:mock"]
        trials = 3
        critic = "none"
        max-turns = 9
        retry_failed = true
    """
    flags = {
        "env": ["shop,tau2:mock"],
        "trials": "3",
        "critic": "none",
        "max_turns": "9",
        "retry_failed": True,
    }
    assert settings_from({}, recipe(tmp_path, text)) == settings_from(flags)


def test_flags_win_over_the_recipe(tmp_path: Path) -> None:
    file = recipe(tmp_path, "trials = 3\nseed = 7")
    settings = settings_from({"trials": "5", "limit": None}, file)
    assert (settings.trials, settings.seed) == (5, 7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trails = 3", r"unknown key 'trails'; did you mean 'trials'\?.*known: env, split"),
        ("trials = 0", r"trials is 0: .*greater than or equal to 1"),
        ('gate = "some"', r"gate is 'some'"),
        ('trials = "some"', "trials is 'some': write a whole number"),
        ("env = 3", 'env is 3: write one name or several: "a,b"'),
        ("split = 3", "split is 3: write it as text"),
        ("trials = ", "is not TOML"),
        ('base_url = "localhost:8000"', "base_url is 'localhost:8000': not a web address"),
        ('base_url = "http://me:secret@host/v1"', "keys come from the environment"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_named_with_what_to_do(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        settings_from({}, recipe(tmp_path, text))
    assert "recipe.toml" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read recipe .*none\.toml"):
        settings_from({}, tmp_path / "none.toml")


def test_a_bad_flag_is_named_as_it_was_written() -> None:
    with pytest.raises(ConfigError, match="--max-turns is 'many'"):
        settings_from({"max_turns": "many"})


@pytest.mark.parametrize("file", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda f: f.name)
def test_every_shipped_recipe_can_be_used(file: Path) -> None:
    kind = file.stem.partition("-")[0]
    if "[vary]" in file.read_text(encoding="utf-8"):
        with pytest.raises(ConfigError, match="run: sidecritic experiment"):
            settings_from({}, file)
        assert experiment_from(file, {}).cells
    elif kind == "learn":
        with pytest.raises(ConfigError, match="run: sidecritic learn"):
            settings_from({}, file)
        assert recipe_from(file).rounds >= 1
    elif kind == "lora":
        with pytest.raises(ConfigError, match="run: sidecritic train --kind lora"):
            settings_from({}, file)
        assert read_recipe(file).base
    else:
        assert settings_from({}, file).trials >= 1


def test_the_command_of_some_settings_says_the_same_settings() -> None:
    settings = settings_from(
        {"env": ["shop"], "critic": "chain:none,none", "task_ids": ["a b"], "retry_failed": True}
    )
    command = command_of(settings)
    assert command.startswith("sidecritic eval --env shop --split test --task-ids 'a b'")
    assert command.endswith("--retry-failed")


# --- parties -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"env": ["tau2:retial"]}, "unknown environment 'tau2:retial'; did you mean 'tau2:retail'"),
        ({"env": ["shop"], "split": "dev"}, "dev"),
        ({"env": ["shop"], "task_ids": ["nine"]}, "unknown task 'nine'"),
        ({"env": ["shop"], "tasks": "x.json"}, "--tasks is for τ² and UserBench"),
        ({"env": ["shop"], "grader": "official"}, "--grader is for τ² environments"),
        ({"env": ["shop", "tau2:mock"], "tasks": "x.json"}, "for one environment"),
    ],
)
def test_tasks_that_there_are_not_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        select_tasks(settings_from(settings))


def test_limit_and_ids_choose_among_the_tasks_in_their_order() -> None:
    (every,) = select_tasks(SHOP)
    (first,) = select_tasks(SHOP.model_copy(update={"limit": 2}))
    last = every.tasks[-1]
    (chosen,) = select_tasks(SHOP.model_copy(update={"task_ids": (last.id,)}))
    assert first.tasks == every.tasks[:2]
    assert chosen.tasks == (last,)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpt-4o", "for a model write openai:gpt-4o"),
        ("claude-opus", "for a model write anthropic:claude-opus"),
        ("openai:", "lacks a model"),
        ("cohere:big", "the provider is not known"),
        ("scripted", "unknown actor"),
    ],
)
def test_an_unknown_model_is_refused_with_a_hint(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        model_name(name, "actor")


def test_a_model_is_named_with_colon_or_slash() -> None:
    assert model_name("openai/org/model", "actor") == model_name("openai:org/model", "user")
    assert model_name("simulated", "actor") is None
    assert model_name("scripted", "user") is None


def test_an_unknown_critic_is_refused_and_a_chain_is_built_of_known_ones() -> None:
    with pytest.raises(ConfigError, match="unknown critic 'polcy'; did you mean 'policy'"):
        critic_for("polcy", "tau2:retail")
    with pytest.raises(ConfigError, match="unknown critic 'x'"):
        critic_for("chain:none,x", "shop")
    with pytest.raises(ConfigError, match="has no links"):
        critic_for("chain:", "shop")
    assert critic_for("chain:none,policy", "tau2:retail").name == "none+policy"


def test_a_language_model_is_a_critic_alone_and_in_a_chain() -> None:
    asked: list[ModelName] = []

    def connect(name: ModelName) -> Connection:
        asked.append(name)
        return Connection(ScriptedModel([], name=name.model))

    assert critic_for("llm:openai:big", "shop", connect).name == "llm:big"
    chain = critic_for("chain:policy,llm:anthropic:small", "tau2:retail", connect)
    assert chain.name == "policy+llm:small"
    assert asked == [ModelName("openai", "big"), ModelName("anthropic", "small")]
    with pytest.raises(ConfigError, match="unknown critic 'big'; for a model write openai:big"):
        critic_for("llm:big", "shop", connect)
    with pytest.raises(ConfigError, match="needs a model"):
        critic_for("llm:openai:big", "shop")


def test_a_model_file_is_named_for_critics_only_and_every_mistake_says_what_to_do(
    tmp_path: Path,
) -> None:
    assert model_name("local:/models/a.gguf", "critic") == ModelName("local", "/models/a.gguf")
    with pytest.raises(ConfigError, match=r"unknown actor 'local:/models/a\.gguf'"):
        model_name("local:/models/a.gguf", "actor")
    with pytest.raises(ConfigError, match=r"known: openai:MODEL.*local:FILE\.gguf"):
        model_name("local:", "critic")
    models = Models(Settings(), Keys(), AsyncExitStack())
    missing = ModelName("local", str(tmp_path / "none.gguf"))
    with pytest.raises(ConfigError, match=r"none\.gguf' is not there"):
        models.model(missing, None)
    with pytest.raises(ConfigError, match="leave out --critic-base-url"):
        models.model(missing, "http://127.0.0.1:1/v1")


async def test_an_llm_critic_looks_up_what_the_settings_allow(tmp_path: Path) -> None:
    class Records:
        async def call(self, name: str, arguments: dict[str, JsonValue]) -> ToolResult:
            return ToolResult(call_id="look", name=name, text="{}")

    case = Talk(tools=SPECS).user("Hello.").says("Done.").model_copy(update={"look": Records()})
    top = [{"token": "Yes", "logprob": -0.1}, {"token": "No", "logprob": -3.0}]
    yes = chat("Yes", logprobs=[{"token": "Yes", "logprob": -0.1, "top_logprobs": top}])
    top = [{"token": "Look", "logprob": -0.1}, {"token": "Yes", "logprob": -3.0}]
    look = chat("Look", logprobs=[{"token": "Look", "logprob": -0.1, "top_logprobs": top}])
    reads = next(tool.name for tool in SPECS if tool.effect == "read")
    wanted = {"fact": "it", "tool": reads, "arguments": "{}"}
    with wire_server([look, chat(json.dumps({"lookups": [wanted]})), yes]) as server:
        settings = Settings(
            env=("shop",), critic="llm:openai:m", critic_base_url=server.base_url, critic_lookups=2
        )
        async with AsyncExitStack() as stack:
            critic = plan_for(settings, NO_KEYS, stack).cast.critic("shop")
            await critic.judge(case)
    _, asked, second = server.received
    assert "at most 2, each with a tool" in asked.body["messages"][-1]["content"]
    assert '"looked_up"' in second.body["messages"][-1]["content"]
    streamed = [each.body.get("stream") for each in server.received]
    assert streamed == [True, None, True], "a server nearby is asked for the verdict as a stream"


async def test_hosted_models_are_not_warmed_up_because_they_bill_it() -> None:
    keys = Keys({"openai": "secret"})
    async with AsyncExitStack() as stack:
        models = Models(Settings(), keys, stack)
        name = ModelName("openai", "m")
        assert connect_by(models, None)(name).server == "hosted"
        assert connect_by(models, "http://127.0.0.1:1/v1")(name).server == "nearby"


async def test_the_critics_model_has_a_server_of_its_own() -> None:
    near = "http://127.0.0.1:1/v1"
    settings = Settings(env=("shop",), critic="llm:openai:m", limit=1, base_url=near)
    async with AsyncExitStack() as stack:
        with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
            plan_for(settings, NO_KEYS, stack)
        for more in ({"critic_base_url": near}, {"actor": "openai:a"}):
            plan = plan_for(settings.model_copy(update=more), NO_KEYS, stack)
            assert plan.cast.critic("shop").name == "llm:m"


# --- keys and servers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "nearby"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://localhost/v1", True),
        ("http://192.168.1.4:8000/v1", True),
        ("http://gpu-box:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://172.15.0.1/v1", False),
        (None, False),
    ],
)
def test_a_server_nearby_needs_no_key(url: str | None, nearby: bool) -> None:
    assert is_nearby(url) is nearby
    if nearby:
        assert NO_KEYS.key_for("openai", url) is None
    else:
        with pytest.raises(ConfigError, match="set ANTHROPIC_API_KEY"):
            NO_KEYS.key_for("anthropic", url)


def test_keys_come_from_the_environment_and_are_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    keys = keys_from_environment()
    assert keys.key_for("openai", None) == "sk-mine"
    assert "sk-mine" not in repr(keys)


async def test_a_plan_without_its_key_is_refused_before_anything_is_written() -> None:
    settings = SHOP.model_copy(update={"actor": "openai:m"})
    async with AsyncExitStack() as stack:
        with pytest.raises(ConfigError, match="set OPENAI_API_KEY"):
            plan_for(settings, NO_KEYS, stack)


async def test_the_user_shares_the_server_of_an_actor_of_its_kind() -> None:
    shared = {"actor": "openai:m", "user": "openai:n", "base_url": "http://127.0.0.1:9/v1"}
    other = {**shared, "user": "anthropic:n"}
    async with AsyncExitStack() as stack:
        plan = plan_for(SHOP.model_copy(update=shared), NO_KEYS, stack)
        task = plan.sets[0].tasks[0]
        assert (plan.cast.actor(task, 0).name, plan.cast.user(task, 0).name) == ("m", "n")
        with pytest.raises(ConfigError, match="set ANTHROPIC_API_KEY"):
            plan_for(SHOP.model_copy(update=other), NO_KEYS, stack)


async def test_the_plan_of_the_stand_ins_needs_no_key_and_gives_each_episode_its_own() -> None:
    async with AsyncExitStack() as stack:
        plan = plan_for(SHOP, NO_KEYS, stack)
    task = plan.sets[0].tasks[0]
    assert plan.cast.actor(task, 1).simulated
    assert plan.cast.user(task, 1) is not plan.cast.user(task, 2)
    assert plan.sets[0].benchmark.environment(task, Says()).tools


def test_circumstances_do_not_decide_the_results() -> None:
    server = {"base_url": "http://a/v1", "user_base_url": "http://b/v1"}
    moved = SHOP.model_copy(update={"out": "elsewhere", "concurrency": 1, "timeout": 5.0, **server})
    assert moved.deciding == SHOP.deciding
    assert SHOP.model_copy(update={"seed": 1}).deciding != SHOP.deciding
