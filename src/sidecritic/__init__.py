"""A small critic beside a powerful LLM agent: every action is judged before it takes effect.

The names below are the public interface; everything else may move. Benchmarks, models and
critics are imported from their modules (`sidecritic.envs`, `sidecritic.models`,
`sidecritic.critics`), so that this import stays light.
"""

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
    from sidecritic.gateway.inprocess.supervise import Options, supervise

__version__ = "0.1.0"

__all__ = [
    "Answers",
    "Approve",
    "Assistant",
    "Benchmark",
    "Briefing",
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
    "Limits",
    "Message",
    "Model",
    "ModelError",
    "NoCritic",
    "Observation",
    "Options",
    "Outcome",
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
    "ToolSpec",
    "TraceError",
    "Trajectory",
    "Usage",
    "User",
    "Verdict",
    "actor_view",
    "briefing_for",
    "env_view",
    "proposals",
    "run_episode",
    "supervise",
]


def __getattr__(name: str) -> object:
    """Load what supervises clients when it is first asked for: a quarter of the import."""
    if name in ("Options", "supervise"):
        from sidecritic.gateway.inprocess import supervise as inprocess

        return getattr(inprocess, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
