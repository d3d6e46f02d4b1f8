"""Files of recorded runs: their format, the runs in them, and what cannot be read."""

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from sidecritic.errors import ConfigError, SidecriticError, TraceError, boundary, first_problem
from sidecritic.recorded import UNKNOWN, Recorded, is_same_file
from sidecritic.recordings.conversations import Operator, conversations, is_conversation
from sidecritic.recordings.decisions import decisions, is_decision
from sidecritic.recordings.exports import chat_lines, is_exported
from sidecritic.recordings.own import own_runs
from sidecritic.recordings.results import Benchmarks, Header, tau2_run, tau_run
from sidecritic.recordings.shapes import Tau2Run, TauRun, chat_of, domain_of, first_text, inner
from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE
from sidecritic.trace import from_lines

FORMATS = (
    "a list of τ-bench runs, a Results object of τ²-bench, one JSON object a task, chat logs with "
    "one conversation a line, exports of decisions, Langfuse or OpenTelemetry, or our own "
    "trajectories.jsonl"
)


class Imported(NamedTuple):
    runs: tuple[Recorded, ...]
    problems: tuple[TraceError, ...]
    """One for each record or file that could not be read; each names it."""
    files: int
    empty: int
    """Runs without a message, as a crash leaves them; they are dropped."""


_Entry = Recorded | TraceError | None
"""A run, why there is none, or `None` for an empty one."""


class _Reading(NamedTuple):
    """What files are read with."""

    benchmarks: Benchmarks
    operator: Operator


class _Lines(NamedTuple):
    """The text of a file of JSON lines, and the first record in it."""

    text: str
    first: object


def load(files: Iterable[Path], operator: Operator | None = None) -> Imported:
    """Read what can be read; a malformed record costs itself and nothing else.

    A folder stands for the result files in it. The operator's policy and tools are for chat logs.

    Raises:
        ConfigError: a file is not there, or a folder holds none.
    """
    reading = _Reading(Benchmarks(), operator or Operator())
    found = _named(files)
    entries = [
        _known_as(name, entry) for name, file in found.items() for entry in _entries(file, reading)
    ]
    return Imported(
        runs=_with_known_users([entry for entry in entries if isinstance(entry, Recorded)]),
        problems=tuple(entry for entry in entries if isinstance(entry, TraceError)),
        files=len(found),
        empty=sum(entry is None for entry in entries),
    )


def holds_runs(file: Path) -> bool:
    """Whether a file is one of JSON lines that are runs, such as a chat log.

    Raises:
        ConfigError: it is not there.
    """
    try:
        content = _content(file)
    except TraceError:
        return False
    return isinstance(content, _Lines)


def _named(files: Iterable[Path]) -> dict[str, Path]:
    """Return each file once, by the name that its runs are known by.

    That is the end of its path: no more than tells it from the others, and for what every run
    calls alike the folder of the run as well.
    """
    given = {member.resolve(): member for each in files for member in _members(each)}
    names: dict[str, Path] = {}
    for whole, file in given.items():
        least = 2 if file.name == TRAJECTORIES_FILE else 1
        names[next(name for name in _ends(whole, least) if _is_only(name, whole, given))] = file
    return names


def _ends(file: Path, least: int) -> Iterator[str]:
    """Yield ever longer ends of a path, and the whole of it last."""
    for length in range(least, len(file.parts)):
        yield "/".join(file.parts[-length:])
    yield str(file)


def _is_only(name: str, file: Path, files: Iterable[Path]) -> bool:
    return not any(is_same_file(name, each.as_posix()) for each in files if each != file)


def _known_as(name: str, entry: _Entry) -> _Entry:
    """Return the run under the name of its file, which its own id may begin with."""
    if not isinstance(entry, Recorded) or entry.file == name:
        return entry
    own, at = entry.trajectory.id, f"{entry.file}#"
    id = f"{name}#{own.removeprefix(at)}" if own.startswith(at) else own
    return replace(entry, file=name, trajectory=entry.trajectory.model_copy(update={"id": id}))


def _members(given: Path) -> Iterator[Path]:
    if not given.is_dir():
        yield given
        return
    if (given / RUN_FILE).exists():
        # What else a run's folder holds was made from these, or about them.
        yield given / TRAJECTORIES_FILE
        return
    found = [f for f in sorted(given.iterdir()) if f.name.endswith(_ENDINGS) and f.is_file()]
    if not found:
        raise ConfigError(f"the folder {given} holds no result files ({', '.join(_ENDINGS)})")
    yield from found


_ENDINGS = (".json", ".json.gz", ".jsonl", ".jsonl.gz")


def _entries(file: Path, reading: _Reading) -> Iterator[_Entry]:
    try:
        content = _content(file)
    except TraceError as problem:
        yield problem
        return
    whole = cast("list[Any]", content) if isinstance(content, list) else [content]
    if any(map(is_exported, whole)):
        yield from _exported(file, whole, reading)
        return
    match content:
        case _Lines():
            yield from _of_lines(content, file, reading)
        case list():
            yield from _tau(file, whole, reading.benchmarks)
        case {"simulations": list()}:
            yield from _tau2(file, content, reading.benchmarks)
        case {"messages": _}:
            header = _header(file, inner(content, "run_info"), (content,))
            read = partial(_tau2_entry, content, 0, header, reading.benchmarks)
            yield _guarded(file, 0, read)
        case _:
            yield TraceError(f"{file}: unknown format; it should be {FORMATS}")


def _of_lines(lines: _Lines, file: Path, reading: _Reading) -> Iterator[_Entry]:
    text, first = lines
    if inner(first, "events") is not None:
        yield from own_runs(from_lines(StringIO(text, newline="\n"), file=str(file)), file)
    elif is_decision(first):
        yield from decisions(text.split("\n"), file)
    elif is_exported(first):
        yield from _exported(file, map(_record, text.split("\n")), reading)
    else:
        yield from conversations(text.split("\n"), file, reading.operator)


# --- from bytes to JSON --------------------------------------------------------------------


def _exported(file: Path, records: Iterable[object], reading: _Reading) -> Iterator[_Entry]:
    try:
        lines = [json.dumps(line) for line in chat_lines(records)]
    except TraceError as problem:
        yield TraceError(f"{file}: {problem}")
        return
    yield from conversations(lines, file, reading.operator, unit="conversation")


def _content(file: Path) -> Any:
    """Return parsed JSON, or the lines of a file of JSON lines."""
    text = _text(file)
    try:
        content = _parsed(text)
    except ValueError as cause:
        lines = text.split("\n", _FIRST_LINES)[:_FIRST_LINES]
        first = next(filter(_is_line, map(_record, lines)), None)
        if first is None:
            raise TraceError(f"{file} is not JSON: {cause}; restore it from a copy") from cause
        return _Lines(text, first)
    whole = not _is_line(content) or is_exported(content)
    return content if whole else _Lines(text, content)


def _parsed(text: str | bytes) -> Any:
    """Return parsed JSON.

    Raises:
        ValueError: it is not JSON, or nested deeper than any record is.
    """
    try:
        return json.loads(text)
    except RecursionError as cause:
        raise ValueError("nested too deeply") from cause


_FIRST_LINES = 20
"""Lines of which one must be whole for a file to count as one of JSON lines."""


def _record(line: str) -> object:
    try:
        return _parsed(line)
    except ValueError:
        return None


def _is_line(record: object) -> bool:
    """Whether a record is a line of a file; one of τ²-bench's may be a file of its own."""
    if inner(record, "events") is not None or is_decision(record):
        return True
    if is_exported(record):
        return True
    graded = isinstance(inner(record, "task"), dict) or inner(record, "reward_info") is not None
    return not graded and is_conversation(record)


def _text(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except OSError as cause:
        raise ConfigError(f"cannot read {file}: {cause.strerror}; check the path") from cause
    try:
        # The name does not count: both kinds are found under either.
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
    except (OSError, EOFError, zlib.error) as cause:
        raise TraceError(f"{file}: the gzip data is damaged or cut off: {cause}") from cause
    except UnicodeDecodeError as cause:
        raise TraceError(f"{file} is not UTF-8 text: {cause.reason}") from cause


# --- from JSON to runs ---------------------------------------------------------------------


def _tau(file: Path, runs: Sequence[Any], benchmarks: Benchmarks) -> Iterator[_Entry]:
    chats = (message for run in runs for message in _calls_of(run))
    header = _header(file, None, ())
    header = replace(header, domain=header.domain or domain_of(chats))

    def entry(at: int, raw: Any) -> Recorded | None:
        run = TauRun.model_validate(raw)
        return tau_run(run, at, header, benchmarks) if run.traj else None

    for at, raw in enumerate(runs):
        yield _guarded(file, at, partial(entry, at, raw))


def _calls_of(run: object) -> Sequence[Mapping[str, Any]]:
    try:
        with boundary(TraceError, "reading calls"):
            return chat_of(inner(run, "traj") or ()).messages
    except TraceError:
        return ()  # said where the run itself is read


def _tau2(file: Path, content: Mapping[str, Any], benchmarks: Benchmarks) -> Iterator[_Entry]:
    simulations: Sequence[Any] = content["simulations"]
    header = replace(
        _header(file, content.get("info"), simulations),
        tasks=_tasks(content.get("tasks")),
    )
    for at, raw in enumerate(simulations):
        yield _guarded(file, at, partial(_tau2_entry, raw, at, header, benchmarks))


def _tasks(listed: object) -> dict[str, Mapping[str, Any]]:
    tasks = cast("list[Any]", listed) if isinstance(listed, list) else ()
    return {str(task["id"]): task for task in tasks if inner(task, "id") is not None}


def _tau2_entry(raw: Any, at: int, header: Header, benchmarks: Benchmarks) -> Recorded | None:
    run = Tau2Run.model_validate(raw)
    return tau2_run(run, at, header, benchmarks) if run.messages else None


def _guarded(file: Path, at: int, read: Callable[[], Recorded | None]) -> _Entry:
    where = f"{file}, simulation {at}"
    try:
        with boundary(TraceError, "malformed"):
            return read()
    except TraceError as problem:
        cause = problem.__cause__
        wrong = (
            first_problem(cause, "the record") if isinstance(cause, ValidationError) else problem
        )
        return TraceError(f"{where}: {wrong}")
    except ConfigError:
        raise
    except SidecriticError as problem:
        return TraceError(f"{where}: {problem}")


def _header(file: Path, info: object, simulations: Sequence[Any]) -> Header:
    """Collect what a file, and an `index.json` in its folder or above, say of its origin."""
    index = _index(file)
    commit, source = inner(info, "git_commit"), index.get("source")
    agent = (index.get("actor"), inner(info, "agent_info", "llm"), inner(info, "agent_llm"))
    user = (index.get("user"), inner(info, "user_info", "llm"), inner(info, "user_llm"))
    domain = first_text(
        inner(info, "environment_info", "domain_name"), inner(info, "domain"), index.get("domain")
    )
    messages = (m for s in simulations for m in _messages(s))
    return Header(
        file=file.name,
        actor=first_text(*agent),
        user=first_text(*user),
        versions={"benchmark": first_text(commit), "source": first_text(source)},
        domain=domain_of(messages) if domain == UNKNOWN else domain,
        policy=inner(info, "environment_info", "policy") or None,
    )


def _messages(simulation: object) -> Iterator[Mapping[str, Any]]:
    messages = inner(simulation, "messages")
    for message in cast("list[Any]", messages) if isinstance(messages, list) else ():
        calls = inner(message, "tool_calls")
        if isinstance(calls, list):
            named = [c for c in cast("list[Any]", calls) if isinstance(inner(c, "name"), str)]
            yield {"tool_calls": named}


def _index(file: Path) -> Mapping[str, Any]:
    for folder in (file.parent, file.parent.parent):
        try:
            listed: Any = _parsed((folder / "index.json").read_bytes())
        except (OSError, ValueError):
            continue
        for entry in cast("list[Any]", listed) if isinstance(listed, list) else ():
            if inner(entry, "file") == file.name:
                return entry
    return {}


def _with_known_users(runs: Sequence[Recorded]) -> tuple[Recorded, ...]:
    """Give every run of a task the same user, found in any of them; else the task stands in."""
    named: dict[tuple[str, str], Counter[str]] = {}
    for run in runs:
        if run.user_id != UNKNOWN:
            named.setdefault(_task(run), Counter())[run.user_id] += 1
    users = {task: min(found, key=lambda u: (-found[u], u)) for task, found in named.items()}
    return tuple(
        replace(run, user_id=users.get(_task(run), "task " + " ".join(_task(run)))) for run in runs
    )


def _task(run: Recorded) -> tuple[str, str]:
    return (run.trajectory.task.env, run.trajectory.task.id)
