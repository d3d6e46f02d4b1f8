"""`decisions` and `reviews`: what the gateway decided, and what people say of it."""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecritic.cli.edge import command, note
from sidecritic.cli.flags import path
from sidecritic.errors import ConfigError

if TYPE_CHECKING:
    from sidecritic.gateway.store.queries import Selection, StoreQueries

decisions = typer.Typer(no_args_is_help=True, help="What the gateway decided.")
reviews = typer.Typer(no_args_is_help=True, help="Cases that wait for a person.")

Config = Annotated[
    Path,
    typer.Option("--config", parser=path, metavar="FILE", help="Settings of the gateway, in TOML."),
]
Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
Route = Annotated[str | None, typer.Option(help="Of this route only.")]
Days = Annotated[float | None, typer.Option(min=0, help="Of the last so many days only.")]
By = Annotated[str, typer.Option(help="Who says so, for the record.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="As `ls` shows it.")]

_DAY = 86_400.0


@decisions.command("ls")
def list_decisions(
    config: Config,
    route: Route = None,
    days: Days = None,
    blocked: Annotated[bool, typer.Option(help="Only what a critic objected to.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    json: Json = False,
) -> None:
    """Show the latest decisions, and how many would have been blocked."""
    with command(as_json=json) as output:
        desk = _desk(config)
        chosen = _selection(route, days, blocked=blocked, limit=limit)
        counts, latest = desk.counts(chosen), desk.decisions(chosen)
        if json:
            output.json({"counts": counts, "decisions": latest})
        else:
            output.tables(*_count_lines(counts), *map(_decision_line, latest))


@decisions.command()
def show(id: Id, config: Config, json: Json = False) -> None:
    """Show everything that is kept of one decision."""
    with command(as_json=json) as output:
        found = _desk(config).decision(id)
        if json:
            output.json(found)
        else:
            from sidecritic.reports.text import plain

            output.tables(*(f"{key}: {plain(str(value), 4000)}" for key, value in found.items()))


@decisions.command()
def label(
    id: Id,
    verdict: Annotated[str, typer.Argument(metavar="right|wrong|none", help="Of the action.")],
    config: Config,
    note_text: Annotated[str, typer.Option("--note", help="Why.")] = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Say whether an action was right; labels are what critics learn from."""
    with command(as_json=json) as output:
        match verdict:
            case "right" | "wrong":
                said = verdict
            case "none":
                said = ""
            case _:
                raise ConfigError(f"a label is right, wrong or none, not {verdict!r}")
        _desk(config).label(id, said, note=note_text, by=by)
        if json:
            output.json({"id": id, "label": said})
        else:
            output.tables(f"{id}: {verdict}")


@decisions.command()
def export(
    config: Config,
    out: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="FILE", help="A new file, instead of standard output."),
    ] = None,
    route: Route = None,
    days: Days = None,
    labelled: Annotated[bool, typer.Option(help="Only those that a person has judged.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --out: print one object.")] = False,
) -> None:
    """Write decisions as JSON lines, for training and for audits."""
    with command(as_json=json) as output:
        from json import dumps

        if json and out is None:
            raise ConfigError("the lines are JSON already; --json goes with --out FILE")
        chosen = _selection(route, days, labelled=labelled)
        lines = (dumps(row, ensure_ascii=False) for row in _desk(config).export(chosen))
        number = output.lines(lines) if out is None else _written(out, lines)
        output.json({"exported": number, "file": str(out)}) if json else note(f"{number} decisions")


def _written(out: Path, lines: Iterable[str]) -> int:
    number = 0
    try:
        with out.open("x", encoding="utf-8") as file:
            for line in lines:
                file.write(f"{line}\n")
                number += 1
    except FileExistsError as cause:
        raise ConfigError(f"{out} is there already; choose another file") from cause
    except OSError as cause:
        raise ConfigError(f"cannot write {out}: {cause.strerror}") from cause
    return number


@decisions.command()
def changes(config: Config, json: Json = False) -> None:
    """Show when modes were changed."""
    with command(as_json=json) as output:
        found = _desk(config).changes()
        if json:
            output.json({"changes": found})
        else:
            output.tables(
                *(
                    f"{_when(c['at'])} {c['what']}: {c['before'] or '-'} → {c['after'] or '-'}"
                    for c in found
                )
            )


@reviews.command("ls")
def list_cases(
    config: Config,
    every: Annotated[bool, typer.Option("--all", help="Those that are closed as well.")] = False,
    json: Json = False,
) -> None:
    """Show the cases that wait for a person."""
    with command(as_json=json) as output:
        found = _desk(config).cases(every=every)
        if json:
            output.json({"cases": found})
        else:
            output.tables(*map(_case_line, found))


@reviews.command()
def approve(id: Id, config: Config, by: By = "", json: Json = False) -> None:
    """Let exactly this action pass, once."""
    _rule(id, config, approves=True, feedback="", by=by, json=json)


@reviews.command()
def reject(
    id: Id,
    config: Config,
    feedback: Annotated[str, typer.Option(help="What the model is told.")],
    by: By = "",
    json: Json = False,
) -> None:
    """Send the action back to the model with feedback."""
    _rule(id, config, approves=False, feedback=feedback, by=by, json=json)


def change_mode(config: Path, route: str, mode: str) -> dict[str, str]:
    """Write a route's mode into its settings; return it with what it was.

    Raises:
        ConfigError: there is no such route or mode, or the file cannot be edited.
    """
    from sidecritic.config.promotion import set_mode

    match mode:
        case "enforce" | "shadow" | "off":
            return {"route": route, "before": set_mode(config, route, mode), "mode": mode}
        case _:
            raise ConfigError(f"a mode is enforce, shadow or off, not {mode!r}")


def _rule(id: str, config: Path, *, approves: bool, feedback: str, by: str, json: bool) -> None:
    with command(as_json=json) as output:
        case = _desk(config).rule(id, approve=approves, feedback=feedback, by=by, now=time.time())
        if json:
            output.json(case)
        else:
            output.tables(f"{id}: {case['status']}")


def _desk(config: Path) -> "StoreQueries":
    from sidecritic.cli.serving import require_gateway

    require_gateway()
    from sidecritic.config.gateways import desk_for, gateway_environment, gateway_settings

    return desk_for(gateway_settings(config), gateway_environment())


def _selection(route: str | None, days: float | None, **more: Any) -> "Selection":
    from sidecritic.gateway.store.queries import Selection

    since = None if days is None else time.time() - days * _DAY
    return Selection(route=route, since=since, **more)


def _count_lines(counts: Sequence[dict[str, Any]]) -> list[str]:
    lines: list[str] = []
    for row in counts:
        verb = "would have been blocked" if row["mode"] == "shadow" else "objected to"
        lines.append(
            f"{row['route']} ({row['mode']}): {row['proposals']} proposals, "
            f"{row['objections']} {verb}, {row['critic_failures']} critic failures"
        )
    return lines or ["no decisions"]


def _decision_line(row: dict[str, Any]) -> str:
    from sidecritic.reports.text import plain

    judged = row["verdict"] if row["verdict"] != "none" else row["status"]
    said = [row["tenant"], row["route"], judged, row["fate"], row["tools"] or "(message)"]
    if row["label"]:
        said.append(f"label: {row['label']}")
    return f"{_when(row['at'])} {row['id']} {plain(' '.join(said), 200)}"


def _case_line(case: dict[str, Any]) -> str:
    from sidecritic.reports.text import plain

    where = f"{case['tenant']}/{case['route']}"
    said = f"{case['reason']} {case['content'] or ''}"
    return (
        f"{case['id']} {case['status']} until {_when(case['expires'])} {where} {plain(said, 2000)}"
    )


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
