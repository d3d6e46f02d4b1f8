"""A recorded run, and what a critic said about its proposals.

The vocabulary that importing (`recordings`), judging (`replay`) and scoring share.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sidecritic.errors import ConfigError
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing, Judgement, Record

UNKNOWN = "unknown"
CHATS = "chats"
"""The benchmark of chat logs, and the first part of their environments: `chats:DOMAIN`."""
GATEWAY = "gateway"
"""The first part of the environments of live decisions: `gateway:ROUTE`."""

Kind = Literal["write", "final", "other"]
"""What a proposal is: a call that may change records; a farewell or a transfer; the rest."""


def is_same_file(name: str, other: str) -> bool:
    """Whether two names, each the end of a path, may mean one file."""
    return f"/{name}".endswith(f"/{other}") or f"/{other}".endswith(f"/{name}")


def file_among(name: str, files: Iterable[str]) -> str | None:
    """Return which of some recorded files a name means; `None` for none of them.

    Raises:
        ConfigError: it may be several.
    """
    found = sorted({file for file in files if is_same_file(name, file)})
    if name in found or len(found) == 1:
        return name if name in found else found[0]
    if found:
        raise ConfigError(f"the file {name} may be any of {', '.join(found)}; take them one by one")
    return None


class ProposalKey(NamedTuple):
    """Which proposal of which run."""

    file: str
    simulation: int
    turn: int
    attempt: int


def domain_of(env: str) -> str:
    """Return the domain of an environment; that of a chat log may hold a colon."""
    first, _, rest = env.partition(":")
    return rest if first == CHATS else env.rpartition(":")[2]


class Opinion(Record):
    """What a person says of one proposal, or of one call of it: the one form of a label."""

    trajectory: str
    turn: int
    attempt: int = 0
    call_id: str | None = None
    wrong: bool
    feedback: str = ""
    note: str = ""
    by: str = ""


ReadersLabels = Mapping[tuple[str, int, str], bool]
"""File, position in it and normal form of a first wrong write, to whether it was detectable."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One run of an agent, as a trajectory, with where it came from."""

    file: str
    """The end of the file's path: its name, with as many folders as tell it from the others."""
    simulation: int
    """Position in the file, from 0; malformed and empty records are counted too."""
    benchmark: str
    """Such as `tau-bench` or `tau2-bench`."""
    domain: str
    user_id: str
    """Of the task's user: what folds and bootstraps are grouped by."""
    trajectory: Trajectory
    briefing: Briefing
    opinions: tuple[Opinion, ...] = ()
    """What people say of its proposals."""

    @property
    def is_chat(self) -> bool:
        """Whether it is a conversation of an operator's own agent: labels are all its truth."""
        return self.trajectory.task.env.partition(":")[0] in (CHATS, GATEWAY)

    @property
    def critic_env(self) -> str:
        """The environment whose critic fits: τ-bench shares the domains of τ²-bench."""
        env = self.trajectory.task.env
        return f"tau2:{self.domain}" if env.startswith("tau:") else env

    def key(self, turn: int, attempt: int) -> ProposalKey:
        return ProposalKey(self.file, self.simulation, turn, attempt)


PACK_TERM = "pack "
"""What stands before the import path of a pack, among the terms of a judgement."""


class JudgedProposal(Record):
    """One line of a replay: a proposal by its place, and the judgement on it."""

    schema_version: Literal[1] = 1
    file: str
    simulation: int
    turn: int
    attempt: int
    env: str
    task_id: str
    actor: str
    gate: str
    critic: str
    """The name that the critic was asked for by; `judgement.critic` says who answered."""
    critic_version: str = ""
    """Of what the critic has learned, or asks a model; empty for one that does neither."""
    terms: str = ""
    """Profile or threshold that it was given, in words; empty when it had its own."""
    kind: Kind
    tools: tuple[str, ...]
    """Names of the proposed calls."""
    looked: bool
    """Whether the critic could look things up."""
    judgement: Judgement
    """A critic that failed has the status `error` or `timeout`, and no verdict worth reading."""
    cpu_seconds: float
    """Of the judging process; the seconds of `judgement` are of the clock."""

    @property
    def key(self) -> ProposalKey:
        return ProposalKey(self.file, self.simulation, self.turn, self.attempt)

    @property
    def pack(self) -> str:
        """Import path of the checks that stood in for the environment's; empty for those."""
        packs = (t for t in self.terms.split(", ") if t.startswith(PACK_TERM))
        return next((term.removeprefix(PACK_TERM) for term in packs), "")
