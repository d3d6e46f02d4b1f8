"""`decisions` and `reviews`: the gateway's decisions, and what people say of them."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecritic.cli import note
from sidecritic.cli.flags import GATEWAY_FILE, GatewayFile, Json, file
from sidecritic.cli.output import command
from sidecritic.errors import ConfigError
from sidecritic.reports.decision import decision_lines, shown_time
from sidecritic.reports.text import plain
from sidecritic.settings.names import choice

if TYPE_CHECKING:
    from sidecritic.gateway.store.queries import Said, Selection, StoreQueries

decisions = typer.Typer(no_args_is_help=True, help="Decisions of the gateway.")
reviews = typer.Typer(no_args_is_help=True, help="Cases that wait for a person.")

Route = Annotated[str | None, typer.Option(help="Only of this route.")]
Talk = Annotated[
    str | None, typer.Option("--conversation", help="Only of the one that this ID belongs to.")
]
Days = Annotated[float | None, typer.Option(min=0, help="Only of the last so many days.")]
By = Annotated[str, typer.Option(help="Who says so, for the record.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="As `ls` shows it.")]

_DAY = 86_400.0


@decisions.command("ls")
def list_decisions(  # noqa: PLR0913 # typer makes a flag of each
    config: GatewayFile = GATEWAY_FILE,
    route: Route = None,
    days: Days = None,
    conversation: Talk = None,
    blocked: Annotated[bool, typer.Option(help="Only what a critic objected to.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    json: Json = False,
) -> None:
    """Show the latest decisions, and how many would have been blocked."""
    with command(as_json=json) as output:
        desk = _queries(config)
        more = {"conversation": conversation, "blocked": blocked, "limit": limit}
        chosen = _selection(route, days, **more)
        counts, latest = desk.counts(chosen), desk.decisions(chosen)
        found = {"counts": counts, "decisions": latest}
        said = list(map(_count_line, counts)) or ["no decisions"]
        output.show(found, lambda: [*said, *map(_decision_line, latest)])


@decisions.command()
def show(id: Id, config: GatewayFile = GATEWAY_FILE, json: Json = False) -> None:
    """Show everything on record about one decision."""
    with command(as_json=json) as output:
        found = _queries(config).decision(id)
        output.show(found, lambda: decision_lines(found))


@decisions.command()
def label(
    config: GatewayFile = GATEWAY_FILE,
    said: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID... right|wrong|none", help="Ids as `ls` shows them."),
    ] = None,
    labels: Annotated[Path | None, file("File of labels, instead.", "--from")] = None,
    note_text: Annotated[str, typer.Option("--note", help="Why.")] = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Say whether actions were right: critics learn from these labels."""
    with command(as_json=json) as output:
        desk = _queries(config)
        if (labels is None) == (not said):
            raise ConfigError("name decisions and then right, wrong or none; or --from FILE")
        told = _said(said or (), note_text, by) if labels is None else _in_file(labels, by)
        desk.label(told)
        shown = [{"id": each.id, "label": each.label} for each in told]
        lines = [f"{each.id}: {each.label or 'none'}" for each in told]
        output.show(shown[0] if len(shown) == 1 else {"labels": shown}, lambda: lines)


def _said(words: Sequence[str], note_text: str, by: str) -> "list[Said]":
    from sidecritic.gateway.store.queries import Said

    *ids, verdict = words
    if not ids:
        raise ConfigError(f"{verdict!r} alone; name decisions and then right, wrong or none")
    label = choice("label", verdict, ("right", "wrong", "none"))
    return [Said(id, "" if label == "none" else label, note_text, by) for id in ids]


def _in_file(file: Path, by: str) -> "list[Said]":
    from sidecritic.gateway.store.queries import Said
    from sidecritic.labelling.decisions import decision_of
    from sidecritic.labelling.label_files import read_labels_file

    return [
        Said(
            decision_of(each.trajectory, each.attempt),
            "wrong" if each.wrong else "right",
            each.note or each.feedback,
            each.by or by,
        )
        for each in read_labels_file(file).opinions
    ]


@decisions.command()
def export(  # noqa: PLR0913 # typer makes a flag of each
    config: GatewayFile = GATEWAY_FILE,
    out: Annotated[Path | None, file("A new file, instead of standard output.")] = None,
    route: Route = None,
    days: Days = None,
    conversation: Talk = None,
    labelled: Annotated[bool, typer.Option(help="Only those that a person has judged.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --out: print one object.")] = False,
) -> None:
    """Write decisions as JSON lines, for training and for audits."""
    with command(as_json=json) as output:
        from json import dumps

        if json and out is None:
            raise ConfigError("the lines are JSON already; --json goes with --out FILE")
        desk = _queries(config)
        chosen = _selection(route, days, conversation=conversation, labelled=labelled)
        lines = (dumps(row, ensure_ascii=False) for row in desk.export(chosen))
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
def changes(config: GatewayFile = GATEWAY_FILE, json: Json = False) -> None:
    """Show when modes were changed."""
    with command(as_json=json) as output:
        found = _queries(config).changes()
        lines = (
            f"{shown_time(c['at'])} {c['what']}: {c['before'] or '-'} → {c['after'] or '-'}"
            for c in found
        )
        output.show({"changes": found}, lambda: lines)


@reviews.command("ls")
def list_cases(
    config: GatewayFile = GATEWAY_FILE,
    every: Annotated[bool, typer.Option("--all", help="Closed cases too.")] = False,
    json: Json = False,
) -> None:
    """Show the cases that wait for a person."""
    with command(as_json=json) as output:
        found = _queries(config).cases(every=every)
        output.show({"cases": found}, lambda: map(_case_line, found))


@reviews.command()
def approve(id: Id, config: GatewayFile = GATEWAY_FILE, by: By = "", json: Json = False) -> None:
    """Let exactly this action pass, once."""
    _rule(id, config, approves=True, feedback="", by=by, json=json)


@reviews.command()
def reject(
    id: Id,
    *,
    config: GatewayFile = GATEWAY_FILE,
    feedback: Annotated[str, typer.Option(help="What the model is told.")],
    by: By = "",
    json: Json = False,
) -> None:
    """Send the action back to the model with feedback."""
    _rule(id, config, approves=False, feedback=feedback, by=by, json=json)


def _rule(id: str, config: Path, *, approves: bool, feedback: str, by: str, json: bool) -> None:
    with command(as_json=json) as output:
        case = _queries(config).rule(
            id, approve=approves, feedback=feedback, by=by, now=time.time()
        )
        output.show(case, lambda: [f"{id}: {case['status']}"])


def _queries(config: Path) -> "StoreQueries":
    from sidecritic.cli.gateway.serve import require_gateway

    require_gateway()
    from sidecritic.assembly.gateway import queries_for
    from sidecritic.settings.environment import environment
    from sidecritic.settings.gateway_file import gateway_settings

    return queries_for(gateway_settings(config), environment())


def _selection(route: str | None, days: float | None, **more: Any) -> "Selection":
    from sidecritic.gateway.store.queries import Selection

    since = None if days is None else time.time() - days * _DAY
    return Selection(route=route, since=since, **more)


def _count_line(row: dict[str, Any]) -> str:
    verb = "would have been blocked" if row["mode"] == "shadow" else "objected to"
    return (
        f"{row['route']} ({row['mode']}): {row['proposals']} proposals, "
        f"{row['objections']} {verb}, {row['critic_failures']} critic failures"
    )


def _decision_line(row: dict[str, Any]) -> str:
    judged = row["verdict"] if row["verdict"] != "none" else row["status"]
    said = [row["tenant"], row["route"], judged, row["fate"], row["tools"] or "(message)"]
    if row["label"]:
        said.append(f"label: {row['label']}")
    return f"{shown_time(row['at'])} {row['id']} {plain(' '.join(said), 200)}"


def _case_line(case: dict[str, Any]) -> str:
    where = f"{case['tenant']}/{case['route']}"
    said = f"{case['reason']} {case['content'] or ''}"
    until = shown_time(case["expires"])
    return f"{case['id']} {case['status']} until {until} {where} {plain(said, 2000)}"
