"""A small critic beside a powerful LLM agent: every action is judged before it takes effect.

The names below are the public interface; everything else may move. Benchmarks, models and
critics are imported from their modules (`sidecritic.envs`, `sidecritic.models`,
`sidecritic.critics`), so that this import stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sidecritic.critics.base import FunctionCritic, NoCritic
from sidecritic.critics.chain import Chain
from sidecritic.episode import briefing_for, run_episode
from sidecritic.errors import (
    ConfigError,
    CriticError,
    EnvError,
    ModelError,
    SidecriticError,
    TraceError,
)
from sidecritic.ports import Benchmark, Critic, Environment, Model, Snapshot
from sidecritic.supervisor import Decision, Supervisor
from sidecritic.trace import Event, Trajectory, actor_view, env_view, proposals
from sidecritic.types import (
    Answers,
    Approve,
    Assistant,
    Briefing,
    Completion,
    Escalate,
    Halt,
    Judgement,
    Limits,
    Message,
    Observation,
    Outcome,
    Proposal,
    Replace,
    Request,
    Revise,
    Sampling,
    System,
    Task,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    User,
    Verdict,
)

if TYPE_CHECKING:
    from sidecritic.assembly.programs.inprocess import Oversight, critic_by_name, supervise
    from sidecritic.assembly.programs.once import judge, proposal_of
    from sidecritic.checks.base import Objection, Pack, call_check, text_check
    from sidecritic.checks.case import Case
    from sidecritic.critics.llm import LLMCritic
    from sidecritic.critics.policy import PolicyCritic
    from sidecritic.gateway.inprocess.supervise import Options
    from sidecritic.seats.tools import ToolRule

__version__ = "0.1.0"

__all__ = [
    "Answers",
    "Approve",
    "Assistant",
    "Benchmark",
    "Briefing",
    "Case",
    "Chain",
    "Completion",
    "ConfigError",
    "Critic",
    "CriticError",
    "Decision",
    "EnvError",
    "Environment",
    "Escalate",
    "Event",
    "FunctionCritic",
    "Halt",
    "Judgement",
    "LLMCritic",
    "Limits",
    "Message",
    "Model",
    "ModelError",
    "NoCritic",
    "Objection",
    "Observation",
    "Options",
    "Outcome",
    "Oversight",
    "Pack",
    "PolicyCritic",
    "Proposal",
    "Replace",
    "Request",
    "Revise",
    "Sampling",
    "SidecriticError",
    "Snapshot",
    "Supervisor",
    "System",
    "Task",
    "ToolCall",
    "ToolResult",
    "ToolRule",
    "ToolSpec",
    "TraceError",
    "Trajectory",
    "Usage",
    "User",
    "Verdict",
    "actor_view",
    "briefing_for",
    "call_check",
    "critic_by_name",
    "env_view",
    "judge",
    "proposal_of",
    "proposals",
    "run_episode",
    "supervise",
    "text_check",
]


_LATE = {
    "Case": "sidecritic.checks.case",
    "LLMCritic": "sidecritic.critics.llm",
    "Objection": "sidecritic.checks.base",
    "Options": "sidecritic.gateway.inprocess.supervise",
    "Oversight": "sidecritic.assembly.programs.inprocess",
    "Pack": "sidecritic.checks.base",
    "PolicyCritic": "sidecritic.critics.policy",
    "ToolRule": "sidecritic.seats.tools",
    "call_check": "sidecritic.checks.base",
    "critic_by_name": "sidecritic.assembly.programs.inprocess",
    "judge": "sidecritic.assembly.programs.once",
    "proposal_of": "sidecritic.assembly.programs.once",
    "supervise": "sidecritic.assembly.programs.inprocess",
    "text_check": "sidecritic.checks.base",
}
"""Names that are loaded when they are first asked for: half of the import."""


def __getattr__(name: str) -> object:
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
