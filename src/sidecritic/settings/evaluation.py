"""Settings of an evaluation, from flags or from a recipe.

Each field is a flag (`max_turns` is `--max-turns`) and a key of a recipe; flags win. The command
line is made from this record, so that the two cannot drift apart.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, ValidationError

from sidecritic.errors import ConfigError, first_problem
from sidecritic.executors.protocol import ExecutorName
from sidecritic.gates import Gate
from sidecritic.settings.critic_names import asks_a_person
from sidecritic.settings.files import beside, read_toml, recipe_at, require_known, table_of
from sidecritic.settings.names import command_line
from sidecritic.types import Answers, Limits, Record

OnCriticFailure = Literal["hold-writes", "open", "closed", "escalate", "halt"]

_ANSWERS: Mapping[OnCriticFailure, Answers] = {
    "hold-writes": Answers(writes="fallback", text="pass"),
    "open": Answers(writes="pass", text="pass"),
    "closed": Answers(writes="fallback", text="fallback"),
    "escalate": Answers(writes="escalate", text="escalate"),
    "halt": Answers(writes="halt", text="halt"),
}


def _listed(value: object) -> object:
    """Read `a,b` as the flag and the recipe may write it."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple):
        items = [[part.strip() for part in str(item).split(",")] for item in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        # A variable that is not set must not mean "all of them".
        if not all(map(any, items)):
            raise ValueError(
                "names nothing; write one name or several (a,b), or leave it out; "
                "`sidecritic tasks` lists them"
            )
        return tuple(part for parts in items for part in parts if part)
    return value


def _web_address(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    _ = parts.port  # raises if it is not a port
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not a web address; write it as http://HOST:PORT/v1")
    if parts.username or parts.password or parts.query:
        # The settings are written to files; a password in a URL must not be.
        raise ValueError("holds a user name, password or query; keys come from the environment")
    return url


def _given(path: str | None) -> str | None:
    if path is not None and not path.strip():
        raise ValueError("names no file or directory; give a path, or leave it out")
    return path


CRITIC_TIMEOUT = 60.0
_A_YEAR = 365 * 86_400.0

Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Url = Annotated[str | None, AfterValidator(_web_address)]
PathText = Annotated[str | None, AfterValidator(_given)]


class Settings(Record, allow_inf_nan=False, use_attribute_docstrings=True):
    env: Names = Field(default=("tau2:retail",), min_length=1)
    """Environment, or several: a,b; MODULE:NAME for one of your own."""
    split: str = "test"
    """Split of the tasks."""
    tasks: PathText = None
    """Another task file for the environment."""
    tau_bench: PathText = None
    """Checkout of τ-bench; else $SIDECRITIC_TAU_BENCH, or installed."""
    userbench: PathText = None
    """Folder of UserBench's databases; else $SIDECRITIC_USERBENCH."""
    task_ids: Names = ()
    """Play these tasks only: a,b."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many tasks of each environment."""
    trials: int = Field(default=1, ge=1, le=1000)
    """Episodes for each task."""
    seed: int = 0
    """Seed of the run; episodes derive theirs from it."""
    actor: str = "simulated"
    """simulated, openai:MODEL or anthropic:MODEL."""
    critic: str = "default"
    """default, none, policy, head, human, llm:PROVIDER:MODEL, llm:actor, chain:a,b or
    ensemble:a,b."""
    strategy: str = "tool_calling"
    """How the actor acts: NAME or NAME:N; see the docs."""
    helper: str = "same"
    """Model of the strategy's second role: same, simulated or PROVIDER:MODEL."""
    critic_threshold: float | None = Field(default=None, ge=0, le=1)
    """Score from which the critic sends an action back."""
    profile: PathText = None
    """File with the critic's calibration and thresholds."""
    pack: str | None = None
    """Checks in place of the environment's: MODULE:NAME of a Pack."""
    user: str = "scripted"
    """scripted, openai:MODEL or anthropic:MODEL."""
    user_strategy: Literal["llm", "react", "verify", "reflection"] = "llm"
    """How the user model arrives at what it says."""
    gate: Gate = "writes+final"
    """Which actions the critic judges."""
    max_revisions: int = Field(default=2, ge=0)
    """How often one action may be sent back."""
    max_turns: int = Field(default=60, ge=1)
    """Actor turns in one episode."""
    on_critic_failure: OnCriticFailure = "hold-writes"
    """What becomes of an action that the critic fails on."""
    critic_timeout: float = Field(default=CRITIC_TIMEOUT, gt=0)
    """Seconds until a silent critic counts as failed; a year for a person."""
    critic_lookups: int = Field(default=0, ge=0, le=8)
    """Facts that an LLM critic may look up for a verdict."""
    critic_evidence: bool = True
    """Whether an LLM critic is shown what the checks of the environment notice."""
    grader: Literal["ours", "official"] = "ours"
    """official: the benchmark's own evaluators."""
    fault_rate: float = Field(default=0.35, ge=0, le=1)
    """Simulated actor: share of writes with a fault."""
    repair: float = Field(default=0.9, ge=0, le=1)
    """Simulated actor: chance that feedback is heeded."""
    base_url: Url = None
    """Server of the actor, such as http://HOST/v1."""
    user_base_url: Url = None
    """Server of the user model; the actor's if of the same kind."""
    critic_base_url: Url = None
    """Server of the critic's model; the actor's if of the same kind."""
    helper_base_url: Url = None
    """Server of the helper; the actor's if of the same kind."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Of the actor."""
    user_temperature: float | None = Field(default=None, ge=0, le=2)
    """Of the user."""
    timeout: float = Field(default=300.0, gt=0)
    """Seconds for one model call."""
    attempts: int = Field(default=5, ge=1)
    """Tries of one model call while a server is unavailable."""
    prices: PathText = None
    """TOML file of US dollars per million tokens, by model."""
    record: PathText = None
    """Directory of cassettes: keep what real models answer."""
    cassette: PathText = None
    """Directory of cassettes: answer from them, call no model."""
    concurrency: int = Field(default=8, ge=1, le=100_000)
    """Episodes at the same time; elsewhere at least two for each core, unless given."""
    executor: ExecutorName = "local"
    """Where episodes are played: this process, processes on all cores, or a Ray cluster."""
    workers: int | None = Field(default=None, ge=1, le=100_000)
    """Processes of the executor; by default one for each core."""
    out: PathText = None
    """Directory of the run; the same one again resumes it."""
    retry_failed: bool = False
    """Play episodes again that ended in an infrastructure failure."""

    @property
    def limits(self) -> Limits:
        return Limits(
            max_turns=self.max_turns,
            max_revisions=self.max_revisions,
            critic_timeout=self.critic_timeout,
            on_critic_failure=_ANSWERS[self.on_critic_failure],
        )

    @property
    def deciding(self) -> dict[str, JsonValue]:
        """What decides the results, for `run.json`.

        It holds no paths: a plan adds the version of the task set, and the profile's name and
        digest. It holds no servers: one that has moved still serves the same model.
        """
        return self.model_dump(mode="json", exclude=_CIRCUMSTANCES)


READ = frozenset({"tasks", "tau_bench", "userbench", "profile", "prices", "record", "cassette"})
"""Settings that are paths, but for where the run goes: in a recipe they are relative to it."""

SERVERS = {"base_url", "user_base_url", "critic_base_url", "helper_base_url"}
PLACES = frozenset({"executor", "workers"})
"""Settings that say where episodes are played, and nothing of what comes of it."""
_CIRCUMSTANCES = SERVERS | {
    "tasks",
    "tau_bench",
    "userbench",
    "profile",
    "prices",
    "record",
    "cassette",
    "timeout",
    "attempts",
    "concurrency",
    *PLACES,
    "out",
    "retry_failed",
}

_EXPECTED = {
    "too": "write at least one name; `sidecritic tasks` lists environments",
    "tuple": 'write one name or several: "a,b"',
    "string": "write it as text, in quotes",
    "int": "write a whole number",
    "float": "write a number",
    "bool": "write true or false",
}
"""What to write, by the start of the kind of mistake, where the mistake alone does not say so."""


def settings_from(flags: Mapping[str, object], recipe: Path | None = None) -> Settings:
    """Return settings from a recipe and flags; flags that are `None` were not given.

    Raises:
        ConfigError: an unknown key, or a value that cannot be used.
    """
    given = {key: value for key, value in flags.items() if value is not None}
    read = _recipe(recipe) if recipe is not None else {}
    return _checked(
        {**read, **given},
        lambda key: f"--{key.replace('_', '-')}" if key in given else f"{recipe}: {key}",
    )


def settings_of(values: Mapping[str, object], source: str) -> Settings:
    """Return settings from values that come from `source`.

    Raises:
        ConfigError: a value that cannot be used.
    """
    return _checked(values, lambda key: f"{source}: {key}")


def _checked(values: Mapping[str, object], place: Callable[[str], str]) -> Settings:
    """Return the settings, with time for a person unless they say how much.

    `place` tells where the value of a key stands.
    """
    patience = _A_YEAR if asks_a_person(str(values.get("critic", ""))) else CRITIC_TIMEOUT
    try:
        return Settings.model_validate({"critic_timeout": patience, **values})
    except ValidationError as cause:
        problem = first_problem(cause)
        key = problem.where.partition(".")[0] or "settings"
        shown = "" if "@" in str(problem.value) else f" is {problem.value!r}"
        expected = _EXPECTED.get(problem.kind.partition("_")[0], problem.message)
        raise ConfigError(f"{place(key)}{shown}: {expected}") from cause


def _recipe(file: Path) -> dict[str, object]:
    file = recipe_at(file)
    read = read_toml(file, "recipe")
    others = {
        "vary": f"an experiment; run: sidecritic experiment {file}",
        "rounds": f"learning; run: sidecritic learn --recipe {file}",
        "base": "a fine-tune; run: sidecritic train --kind lora",
    }
    for key, other in others.items():
        if key in read:
            raise ConfigError(f"{file} is a recipe of {other}")
    keys = table_of(read, "recipe", file)
    require_known(keys, Settings.model_fields, f"recipe {file}")
    return beside(keys, READ, file)


def command_of(settings: Settings) -> str:
    """Return the command line that makes a run of these settings."""
    always = ("env", "split", "trials", "actor", "critic", "user", "seed")
    given: dict[str, object] = {}
    for key, field in Settings.model_fields.items():
        value = getattr(settings, key)
        if value is False and field.default is True:
            given[f"no_{key}"] = True
        elif key in always or value != field.default:
            given[key] = ",".join(value) if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return command_line("eval", **given)
