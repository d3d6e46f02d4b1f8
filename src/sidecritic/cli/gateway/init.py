"""`init`: from a policy and tools to a folder that `serve` reads, with a first verdict."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecritic.cli import note
from sidecritic.cli.flags import Json, file
from sidecritic.cli.gateway.flags import (
    Critic,
    CriticServer,
    Listen,
    PackName,
    Policy,
    Tools,
    Upstream,
)
from sidecritic.cli.output import FAILED, command

if TYPE_CHECKING:
    from sidecritic.settings.start import Start
    from sidecritic.workflows.setup.dry import DryVerdict
    from sidecritic.workflows.setup.folder import Begun


def init(  # noqa: PLR0913 # typer makes a flag of each
    policy: Policy = None,
    tools: Tools = None,
    *,
    critic: Critic = None,
    critic_base_url: CriticServer = None,
    pack: PackName = None,
    upstream: Upstream = None,
    listen: Listen = None,
    folder: Annotated[
        Path, file("Where gateway.toml and .env.example go.", "--dir", metavar="DIR")
    ] = Path(),
    prices: Annotated[Path | None, file("TOML: what models cost, as for `eval`.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    json: Json = False,
) -> None:
    """Begin with your own agent: write a gateway's settings, and ask the critic for a verdict.

    What each tool probably does is told from its name, description and annotations, and by the
    critic's model where they say nothing: correct it in the file.
    """
    with command(as_json=json) as output:
        from sidecritic.workflows.setup.folder import Beginning, begin

        start = start_of(
            policy=policy,
            tools=tools,
            critic=critic,
            critic_base_url=critic_base_url,
            pack=pack,
            upstream=upstream,
            listen=listen,
        )
        priced = None if prices is None else str(prices)
        begun = asyncio.run(begin(Beginning(start, folder, force=force, prices=priced)))
        output.show(begun, lambda: _shown(begun, start))
        if begun.dry is not None and begun.dry.failure:
            note(f"the critic does not answer: {begun.dry.failure}")
            raise typer.Exit(FAILED)


def start_of(**given: Any) -> "Start":
    """Return what was said, the rest by default.

    Raises:
        ConfigError: something in it cannot be used.
    """
    from pydantic import ValidationError

    from sidecritic.errors import ConfigError, first_problem
    from sidecritic.settings.start import Start

    try:
        return Start(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as cause:
        raise ConfigError(str(first_problem(cause))) from cause


def _shown(begun: "Begun", start: "Start") -> Iterator[Any]:
    from sidecritic.reports.effects import effects_section
    from sidecritic.reports.tables import printed
    from sidecritic.reports.text import plain

    if begun.tools:
        yield from printed([effects_section("What each tool does", begun.tools)])
        yield f"Is one wrong? Correct its line in {begun.settings}, under `tools`."
    else:
        yield "No tools were given (--tools): every call counts as a write."
    # A server's own words may stand in it.
    yield from (plain(each, 1000) for each in begun.notes)
    yield f"{start.mode}: {begun.judged}."
    if begun.dry is not None and not begun.dry.failure:
        yield f"First verdict: {_verdict(begun.dry)}"
    yield f"Written: {begun.settings}, {begun.example}"
    config = "" if begun.settings == "gateway.toml" else f" --config {begun.settings}"
    yield f"Next: sidecritic serve{config}"
    yield f"Then start your agent, unchanged, with {_variable(start)}"


def _verdict(dry: "DryVerdict") -> str:
    who = f"{dry.critic} (simulated)" if dry.simulated else dry.critic
    said = f"{who} answers {dry.verdict} to a greeting in {dry.seconds:.2f} s"
    if not dry.prompt_characters:
        return f"{said}; it asks no model, and costs nothing."
    size = f"prompt of {dry.prompt_characters:,} characters"
    if dry.usage.input_tokens:
        size += f", {dry.usage.input_tokens:,} tokens as the server counts"
    money = dry.usage.cost_usd
    cost = "its cost is not known without --prices" if money is None else f"{money:.6f} US dollars"
    return f"{said}; {size}; {cost}."


def _variable(start: "Start") -> str:
    from sidecritic.settings.start import client_url

    return f"{start.provider.upper()}_BASE_URL={client_url(start)}"
