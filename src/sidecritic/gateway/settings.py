"""What an operator may set, read from a TOML file.

Paths are relative to that file. Unknown keys are refused. Keys of servers and clients are named
by environment variable or given as digests, so that the file itself holds no secret.
"""

from typing import Annotated, Literal, cast

from pydantic import Field, field_validator, model_validator

from sidecritic.dialects.base import Provider
from sidecritic.gates import Gate
from sidecritic.models.endpoint import problem_of
from sidecritic.seats.seat import HAND_OVER
from sidecritic.seats.tools import Mode, ToolRule
from sidecritic.types import Answers, Record

PROXIED = (
    "GET models",
    "GET models/*",
    "POST embeddings",
    "POST moderations",
    "POST messages/count_tokens",
    "POST responses/input_tokens",
)
"""Paths below `/v1` that carry no action of an agent."""


class UpstreamSettings(Record):
    provider: Provider = "openai"
    base_url: str
    """As the provider's SDK wants it."""
    key_env: str | None = None
    """Environment variable that holds the key to send."""
    forward_client_key: bool = False
    """Send the client's own key instead; off unless the operator says so."""
    timeout: float = Field(default=600.0, gt=0)
    """Seconds for one whole answer."""
    connect_timeout: float = Field(default=10.0, gt=0)
    idle_timeout: float = Field(default=120.0, gt=0)
    """Seconds without a byte."""

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, url: str) -> str:
        if problem := problem_of(url):
            raise ValueError(f"{problem}; write it as https://HOST/v1")
        if "?" in url or "#" in url or "@" in url:
            raise ValueError("holds a user name, query or fragment; keys come from key_env")
        return url.rstrip("/")


class ReviewSettings(Record):
    on_escalation: Literal["answer", "wait"] = "answer"
    """`answer` sends the hand-over text at once, `wait` holds the request for a person."""
    wait: float = Field(default=300.0, gt=0)
    """Seconds until a request that waits gets the hand-over text."""
    expiry: float = Field(default=3600.0, gt=0)
    """Seconds for which a person may answer, and for which an approval holds."""
    hand_over_text: str = HAND_OVER


class RouteSettings(Record):
    upstream: str
    prefix: str = Field(default="", pattern=r"^(/[\w.-]+)*$")
    """Begins the path, so that several routes can share a server: `/shop/v1/...`."""
    mode: Mode = "shadow"
    tools: tuple[ToolRule, ...] = ()
    tools_file: str | None = None
    """The agent's tools, as JSON in any provider's form or MCP's. An `effect` that stands beside a
    name there counts where no rule of `tools` says otherwise."""
    confirm: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Tools, by name or glob, before whose calls the policy demands the user's yes."""
    trust_annotations: bool = False
    """Take `readOnlyHint` at its word; `destructiveHint` always counts."""
    gate: Gate = "writes+final"
    critic: str = "none"
    critic_base_url: str | None = None
    critic_evidence: bool = True
    """Whether an LLM critic is shown what the checks of its environment, or pack, notice."""
    critic_threshold: float | None = Field(default=None, ge=0, le=1)
    """Score from which an action is refused; without it the critic's own."""
    profile: str | None = None
    """Profile of `sidecritic calibrate` for the critic: a file, or the name of a shipped one."""
    decisions: bool = False
    """Serve the critic itself under `POST /v1/decisions` and `/v1/systemone`."""
    pack: str | None = None
    """Policy pack of the critics that check by rules: `module:NAME`, `FILE.py:NAME`, or the short
    name of a shipped one. A route's own name says nothing of its domain."""
    policy: str | None = None
    """Markdown file; without it the agent's own system prompt is the policy."""
    max_revisions: int = Field(default=2, ge=0, le=10)
    critic_timeout: float = Field(default=30.0, gt=0)
    on_critic_failure: Answers = Field(default_factory=Answers)
    on_exhausted: Answers = Field(default_factory=Answers)
    fallback_text: str | None = None
    unknown: Literal["block", "pass"] = "block"
    """What happens, while the route enforces, to a shape that no dialect knows."""
    history: Literal["mark", "refuse", "off"] = "mark"
    """What happens to turns of the assistant that were never released here."""
    review: ReviewSettings = Field(default_factory=ReviewSettings)

    @model_validator(mode="before")
    @classmethod
    def _named_file(cls, given: object) -> object:
        """Take `tools = "tools.json"` for the file that it names."""
        if not isinstance(given, dict):
            return given
        route = cast(dict[str, object], given)
        file = route.get("tools")
        return {**route, "tools": (), "tools_file": file} if isinstance(file, str) else route


class ClientSettings(Record):
    name: str = Field(pattern=r"^[\w.-]{1,64}$")
    """The tenant, as records name it."""
    key_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    key_env: str | None = None
    concurrency: int = Field(default=64, ge=1)
    per_minute: int | None = Field(default=None, ge=1)
    """Requests; `None` for as many as come."""


class StoreSettings(Record):
    url: str = "sqlite:///sidecritic.db"
    """SQLAlchemy URL; `postgresql+psycopg://...` for PostgreSQL. A file is relative to that of the
    settings."""
    url_env: str | None = None
    """Environment variable that holds the URL, where it carries a password."""
    content: bool = False
    """Store what was said, redacted; otherwise digests, names and counts only."""
    redact: tuple[str, ...] = ()
    """Regular expressions of further secrets."""
    retention_days: int | None = Field(default=None, ge=1)
    on_failure: Literal["closed", "open"] = "closed"
    """While a route enforces, whether an answer that cannot be recorded may leave."""


class TraceSettings(Record):
    endpoint: str
    """Where spans go, OTLP over HTTP: `http://127.0.0.1:4318/v1/traces`."""
    headers_env: str | None = None
    """Environment variable with headers of these requests: `name=value,name=value`."""
    service: str = "sidecritic"
    share: float = Field(default=1.0, ge=0, le=1)
    """Of the traces that begin here; for one that a client began, the client decides."""


class LimitSettings(Record):
    body_bytes: int = Field(default=33_554_432, ge=1)
    """As much as Anthropic takes."""
    answer_bytes: int = Field(default=16_000_000, ge=1)
    depth: int = Field(default=64, ge=4, le=190)
    values: int = Field(default=100_000, ge=100)
    """Of a request, roughly counted before it is parsed."""
    seconds: float = Field(default=900.0, gt=0)
    """For one request, hidden round trips included."""
    tokens: int | None = Field(default=None, ge=1)
    """Of actor and critic for one request; once they are spent, no further draft is requested."""
    keep_alive: float = Field(default=10.0, gt=0)
    """Seconds between comments on a stream that is held."""
    shadow_backlog: int = Field(default=256, ge=1)
    """Judgements of shadow mode that may wait at the same time."""
    shutdown: float = Field(default=30.0, gt=0)
    """Seconds for requests in flight to end."""


class GatewaySettings(Record):
    listen: str = Field(default="127.0.0.1:8787", pattern=r"^\S+:\d{1,5}$")
    upstreams: dict[str, UpstreamSettings] = Field(min_length=1)
    routes: dict[str, RouteSettings] = Field(min_length=1)
    clients: tuple[ClientSettings, ...] = ()
    store: StoreSettings = Field(default_factory=StoreSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    traces: TraceSettings | None = None
    """Off unless set; they hold what was said only with `store.content`."""
    proxied: tuple[str, ...] = PROXIED
    """`METHOD path` globs that are passed on unread; other paths follow `unknown`."""
    history_key_env: str | None = None
    """Environment variable with the key of the digest chain; several servers share one."""
