"""Begin with an agent of one's own: a folder with a gateway's settings, and a first verdict."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from sidecritic.assembly.critics import Connect
from sidecritic.assembly.routes import connected, critic_of, model_of, unconnected
from sidecritic.dialects.tool_files import read_tools
from sidecritic.errors import ConfigError
from sidecritic.gateway.settings import RouteSettings
from sidecritic.reports.effects import ToolRow
from sidecritic.seats.effects import Proposed, propose
from sidecritic.settings.files import read_text
from sidecritic.settings.route_tools import judged
from sidecritic.settings.start import ROUTE, Start, started, to_environment, to_toml
from sidecritic.types import Record
from sidecritic.workflows.files import write_file
from sidecritic.workflows.setup.dry import DryVerdict, dry_verdict
from sidecritic.workflows.setup.questions import Heard, ask

SETTINGS = "gateway.toml"
EXAMPLE = ".env.example"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What was asked for."""

    start: Start
    folder: Path
    force: bool = False
    """Whether files that are there may be replaced."""
    prices: str | None = None
    """File of prices, for what a verdict costs."""


class Begun(Record):
    """What was written, and what came of the first verdict."""

    settings: str
    example: str
    tools: tuple[ToolRow, ...] = ()
    judged: str
    """What of the route's actions is judged, and what is not."""
    notes: tuple[str, ...] = ()
    dry: DryVerdict | None = None
    """`None` where no action is judged."""


async def begin(asked: Beginning) -> Begun:
    """Write the folder, and ask the critic for one verdict.

    Raises:
        ConfigError: a file cannot be read or written, or is there already, or there is no such
            critic. A critic that does not answer is part of the result.
    """
    start, folder = asked.start, asked.folder
    _require_free(folder, force=asked.force)
    policy = read_text(start.policy, "policy") if start.policy else ""
    tools = rows_of(start.tools)
    route = started(start, folder).routes[ROUTE]
    critic_of(ROUTE, route, folder, unconnected)
    async with AsyncExitStack() as stack:
        connect = connected(route, stack, asked.prices)
        heard = await _heard(route, connect, policy, tools)
        tools = _with(tools, heard)
        written = {SETTINGS: to_toml(start, folder, tools, heard.confirm)}
        written[EXAMPLE] = to_environment(start)
        for name, text in written.items():
            write_file(folder / name, text)
        dry = await _dry(route, folder, connect, policy, tools)
    return Begun(
        settings=str(folder / SETTINGS),
        example=str(folder / EXAMPLE),
        tools=tuple(
            ToolRow(
                name=each.tool.name,
                effect=each.effect,
                because=each.because,
                confirm=each.tool.name in heard.confirm,
            )
            for each in tools
        ),
        judged=judged(route),
        notes=(f"the critic's model said nothing of the tools: {heard.failure}",)
        if heard.failure
        else (),
        dry=dry,
    )


def rows_of(file: Path | None) -> tuple[Proposed, ...]:
    """Return the tools of a file with what each of them probably does.

    Raises:
        ConfigError: it cannot be read.
    """
    return propose(read_tools(file)) if file is not None else ()


def _require_free(folder: Path, *, force: bool) -> None:
    for name in (SETTINGS, EXAMPLE):
        if (folder / name).exists() and not force:
            raise ConfigError(
                f"{folder / name} is there already; give --dir another folder, or --force to "
                "replace it"
            )


async def _heard(
    route: RouteSettings, connect: Connect, policy: str, tools: tuple[Proposed, ...]
) -> Heard:
    try:
        model = model_of(route, connect)
    except ConfigError as error:
        return Heard(failure=str(error))
    return await ask(model, policy, tools) if model is not None and tools else Heard()


def _with(tools: tuple[Proposed, ...], heard: Heard) -> tuple[Proposed, ...]:
    told = dict(heard.tools)
    return tuple(
        each._replace(effect=told[each.tool.name], because="the critic's model")
        if each.tool.name in told
        else each
        for each in tools
    )


async def _dry(
    route: RouteSettings,
    folder: Path,
    connect: Connect,
    policy: str,
    tools: tuple[Proposed, ...],
) -> DryVerdict | None:
    if route.critic == "none":
        return None
    specs = tuple(each.tool.model_copy(update={"effect": each.effect}) for each in tools)
    try:
        critic = critic_of(ROUTE, route, folder, connect)
    except ConfigError as error:
        return DryVerdict(critic=route.critic, failure=str(error))
    return await dry_verdict(critic, policy, specs, route.critic_timeout)
