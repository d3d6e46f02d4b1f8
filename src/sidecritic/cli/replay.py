"""`replay`: judge recorded runs with a critic."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sidecritic.cli import note
from sidecritic.cli.flags import Json, JudgedBy, Labels, Recorded, file, judging_on, takes_settings
from sidecritic.cli.output import FAILED, command


@takes_settings(
    "critic",
    "critic_threshold",
    "profile",
    "pack",
    "gate",
    "critic_base_url",
    "critic_timeout",
    "critic_lookups",
    "critic_evidence",
    "record",
    "cassette",
)
def replay(  # noqa: PLR0913 # typer makes a flag of each
    files: Annotated[list[Path], Recorded],
    *,
    policy: Annotated[Path | None, file("Chat logs: the operator's policy, plain text.")] = None,
    tools: Annotated[
        Path | None, file("Chat logs: JSON list of the tools, each with its `effect`.")
    ] = None,
    labels: Labels = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; by default one a core, one for a local model."),
    ] = None,
    executor: JudgedBy = None,
    out: Annotated[Path | None, file("One judgement a line; the same file again resumes.")] = None,
    json: Json = False,
    **flags: Any,
) -> None:
    """Judge recorded runs with a critic: what would it have caught, and what disturbed?"""
    with command(as_json=json) as output:
        from sidecritic.reports.replay import to_replay_tables
        from sidecritic.settings.evaluation import settings_from
        from sidecritic.workflows.replay import ReplayRequest, replay_files

        critic = flags["critic"] or ""
        where, cores = judging_on(executor, workers, [critic])
        settings = settings_from({**flags, **where})
        request = ReplayRequest(tuple(files), settings, labels, out, policy=policy, tools=tools)
        scores = replay_files(request, workers=cores, watcher=output.watcher)
        output.show(scores, lambda: to_replay_tables(scores))
        if scores.cost.failed:
            note(f"the critic failed on {scores.cost.failed} proposals: `status` in --out says why")
            raise typer.Exit(FAILED)
