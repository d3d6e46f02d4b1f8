"""The benchmark's own evaluators as a grader: slow, and the reference for ours.

They rebuild two environments from disk and replay the episode in one of them. The module
that combines them needs LiteLLM at import, so `grading` combines them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sidecritic.envs.base import Transcript
from sidecritic.envs.tau2.grading import Findings
from sidecritic.envs.tau2.package import Domain, import_tau2
from sidecritic.envs.tau2.prepared_task import PreparedTask
from sidecritic.envs.tau2.refused_calls import refusal
from sidecritic.envs.tau2.states import State
from sidecritic.errors import EnvError, boundary
from sidecritic.types import Assistant, ToolCall, ToolResult, User, UserCall


def inspect_officially(case: PreparedTask, state: State, transcript: Transcript) -> Findings:
    """Grade with the package's evaluators; `state` is rebuilt from the transcript.

    Raises:
        EnvError: the evaluators cannot replay the transcript.
        MissingExtra: pandas is not installed.
    """
    return evaluate(case.domain, case.data, messages_of(case.domain, transcript))


def evaluate(domain: Domain, task: Mapping[str, Any], messages: Sequence[Any]) -> Findings:
    """Run the three offline evaluators on the package's own message objects."""
    environment = import_tau2("evaluator.evaluator_env").EnvironmentEvaluator
    action = import_tau2("evaluator.evaluator_action").ActionEvaluator
    communicate = import_tau2("evaluator.evaluator_communicate").CommunicateEvaluator
    constructor = import_tau2(f"domains.{domain.name}.environment").get_environment
    record = domain.task_classes.Task.model_validate(task)
    with boundary(EnvError, f"grading task {record.id!r} with the official evaluators"):
        env_info = environment.calculate_reward(
            environment_constructor=constructor, task=record, full_trajectory=messages
        )
        action_info = action.calculate_reward(task=record, full_trajectory=messages)
        said_info = communicate.calculate_reward(task=record, full_trajectory=messages)
    return Findings(
        db_match=env_info.db_check is None or env_info.db_check.db_match,
        assertions=tuple(check.met for check in env_info.env_assertions or ()),
        actions=tuple(check.action_match for check in action_info.action_checks or ()),
        communicate=tuple(check.met for check in said_info.communicate_checks or ()),
    )


def messages_of(domain: Domain, transcript: Transcript) -> list[Any]:
    """Return the transcript as the package's message objects.

    Calls that we refused are left out together with their results: the format cannot hold
    those without arguments, the package must not run the others, and none had an effect.
    """

    def ran(call: ToolCall) -> bool:
        return refusal(domain, call.name, call.arguments) is None

    refused: set[str] = set()
    messages: list[Any] = []
    for entry in transcript:
        match entry:
            case Assistant(text=text, calls=calls):
                kept = [call for call in calls if ran(call)]
                refused |= {call.id for call in calls if call not in kept}
                messages.append(_said(domain, "assistant", text, kept))
            case User(text=text):
                messages.append(_said(domain, "user", text, ()))
            case ToolResult() if entry.call_id not in refused:
                messages.append(_result(domain, entry, "assistant"))
            case UserCall(call=call, result=result) if ran(call):
                messages.append(_said(domain, "user", "", (call,)))
                messages.append(_result(domain, result, "user"))
            case _:
                pass
    return messages


def _said(domain: Domain, role: str, text: str, calls: Sequence[ToolCall]) -> Any:
    made = [
        domain.messages.ToolCall(
            id=call.id, name=call.name, arguments=call.arguments, requestor=role
        )
        for call in calls
    ]
    kind = domain.messages.UserMessage if role == "user" else domain.messages.AssistantMessage
    return kind(role=role, content=text or None, tool_calls=made or None)


def _result(domain: Domain, result: ToolResult, requestor: str) -> Any:
    return domain.messages.ToolMessage(
        id=result.call_id,
        role="tool",
        content=result.text,
        requestor=requestor,
        error=result.is_error,
    )
