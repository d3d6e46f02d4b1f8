"""Run a critic over recorded runs: what `replay` does."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sidecritic.cli.flags import Json
from sidecritic.cli.output import FAILED, command, note
from sidecritic.gates import GATES


def replay(  # noqa: PLR0913 # typer makes a flag of each
    files: Annotated[
        list[Path],
        typer.Argument(help="Result files of τ-bench or τ²-bench, trajectories.jsonl, folders."),
    ],
    *,
    critic: Annotated[str, typer.Option(help="As in `eval`.")] = "default",
    critic_threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="As in `eval`.", metavar="NUMBER")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="The critic's calibration and thresholds: TOML file, or a name."),
    ] = None,
    pack: Annotated[
        str | None,
        typer.Option(metavar="MODULE:NAME", help="Checks in place of the environment's: a Pack."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Readers' labels of first wrong writes.")
    ] = None,
    gate: Annotated[str, typer.Option(help="|".join(GATES))] = "writes+final",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; by default one a core, one for a local model."),
    ] = None,
    critic_base_url: Annotated[
        str | None, typer.Option(help="Server of the critic's model, such as http://HOST/v1.")
    ] = None,
    critic_timeout: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Seconds until a silent critic counts as failed; 60, a year for a person.",
        ),
    ] = None,
    critic_lookups: Annotated[
        int,
        typer.Option(min=0, max=8, help="Facts that an LLM critic may look up for a verdict."),
    ] = 0,
    critic_evidence: Annotated[
        bool, typer.Option(help="Whether an LLM critic is shown what checks notice.")
    ] = True,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="One judgement a line; the same file again resumes."),
    ] = None,
    json: Json = False,
) -> None:
    """Judge recorded runs with a critic: what would it have caught, and what disturbed?"""
    with command(as_json=json) as output:
        from sidecritic.reports.replaying import to_replay_tables
        from sidecritic.settings.names import choice
        from sidecritic.workflows.replay import ReplayRequest, replay_files

        request = ReplayRequest(
            tuple(files),
            critic,
            choice("gate", gate, GATES),
            labels,
            out,
            base_url=critic_base_url,
            timeout=critic_timeout,
            threshold=critic_threshold,
            profile=profile,
            lookups=critic_lookups,
            evidence=critic_evidence,
            pack=pack,
        )
        scores = replay_files(request, workers=workers or _workers(critic), watcher=output.watcher)
        output.show(scores, lambda: to_replay_tables(scores))
        if scores.cost.failed:
            note(f"the critic failed on {scores.cost.failed} proposals: `status` in --out says why")
            raise typer.Exit(FAILED)


def _workers(critic: str) -> int:
    # Each process would load the weights again, and keep all cores but one busy with them.
    return 1 if "llm:local:" in critic else os.cpu_count() or 1
