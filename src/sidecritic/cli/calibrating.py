"""Fit a critic profile to the judgements of a replay: what `calibrate` does."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidecritic.cli.edge import command, note
from sidecritic.errors import ConfigError

if TYPE_CHECKING:
    from sidecritic.calibration.curve import Method
    from sidecritic.calibration.fit import ProfileSettings
    from sidecritic.calibration.report import CalibrationReport
    from sidecritic.recorded import JudgedProposal


def calibrate(  # noqa: PLR0913 # typer makes a flag of each
    judged: Annotated[
        Path, typer.Argument(metavar="JUDGED", help="What `replay --out` wrote, uncalibrated.")
    ],
    files: Annotated[
        list[Path], typer.Argument(help="The recorded runs that were judged, as for `replay`.")
    ],
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The profile, a TOML file.")],
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Readers' labels, as for `replay`.")
    ] = None,
    method: Annotated[str, typer.Option(help="isotonic|platt")] = "isotonic",
    false_alarms: Annotated[
        float, typer.Option(help="Share of right actions that may be refused, in [0, 1).")
    ] = 0.05,
    minimum: Annotated[
        int, typer.Option(min=1, help="Right examples that a tool's own threshold takes.")
    ] = 60,
    name: Annotated[
        str | None, typer.Option(help="Name of the profile; that of the file by default.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")
    ] = False,
) -> None:
    """Turn a critic's scores into probabilities and choose its thresholds, by recorded runs."""
    with command(as_json=json) as output:
        from sidecritic.reports.calibration import to_calibration_tables

        report = calibrated(
            Asked(judged, tuple(files), out, labels, method, false_alarms, minimum, name)
        )
        if json:
            output.json(report)
        else:
            output.tables(*to_calibration_tables(report))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked `calibrate` for."""

    judged: Path
    files: tuple[Path, ...]
    out: Path
    labels: Path | None = None
    method: str = "isotonic"
    false_alarms: float = 0.05
    minimum: int = 60
    name: str | None = None

    @property
    def command(self) -> str:
        """The command line that does it again."""
        words = ["sidecritic", "calibrate", str(self.judged), *map(str, self.files)]
        words += ["--method", self.method, "--false-alarms", f"{self.false_alarms:g}"]
        words += ["--minimum", str(self.minimum), "--out", str(self.out)]
        for flag, value in (("--labels", self.labels), ("--name", self.name)):
            words += [flag, str(value)] if value is not None else []
        return shlex.join(words)


def calibrated(asked: Asked) -> "CalibrationReport":
    """Read, fit, and write the profile.

    Raises:
        ConfigError: something asked for cannot be used, or there is too little to fit to.
    """
    from sidecritic.calibration.fit import calibrate as fit
    from sidecritic.calibration.profile import to_toml
    from sidecritic.recordings import load
    from sidecritic.runs import write_whole
    from sidecritic.scoring.readers_labels import read_readers_labels
    from sidecritic.scoring.replays import known_proposals

    if asked.out.is_dir():
        raise ConfigError(f"cannot write {asked.out}: it is a directory; name a file")
    lines = _judgements(asked.judged)
    wanted = _wanted(asked, lines)
    labels = read_readers_labels(asked.labels) if asked.labels is not None else None
    imported = load(asked.files)
    for problem in imported.problems:
        note(str(problem))
    fitted = fit(known_proposals(imported.runs, lines, labels), wanted)
    try:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(asked.out, to_toml(fitted.profile))
    except OSError as cause:
        raise ConfigError(f"cannot write {asked.out}: {cause.strerror}") from cause
    return fitted.report.model_copy(update={"command": asked.command, "out": str(asked.out)})


def _judgements(file: Path) -> "tuple[JudgedProposal, ...]":
    from sidecritic.replay.lines import read_lines

    lines = read_lines(file)
    if not lines:
        raise ConfigError(f"{file} holds no judgements; write some with `sidecritic replay --out`")
    if any(line.judgement.calibrated or line.terms.startswith("profile ") for line in lines):
        raise ConfigError(
            f"{file} holds judgements that are calibrated already; replay the critic without "
            "--profile, into another --out"
        )
    return lines


def _wanted(asked: Asked, lines: "tuple[JudgedProposal, ...]") -> "ProfileSettings":
    from sidecritic.calibration.fit import ProfileSettings

    if not 0 <= asked.false_alarms < 1:
        raise ConfigError(
            f"--false-alarms is {asked.false_alarms:g}; write a share in [0, 1), such as 0.05"
        )
    found = {(line.critic, line.critic_version) for line in lines}
    if len(found) > 1:
        shown = ", ".join(f"{critic} {version}".strip() for critic, version in sorted(found))
        raise ConfigError(
            f"{asked.judged} holds judgements of several critics: {shown}; a profile is for one, "
            "in one version: replay it again, into another --out"
        )
    packs = sorted({line.pack for line in lines})
    if len(packs) > 1:
        shown = ", ".join(pack or "the environment's own" for pack in packs)
        raise ConfigError(
            f"{asked.judged} holds judgements by the checks of several packs: {shown}; a profile "
            "is for one: replay it again, into another --out"
        )
    ((critic, version),) = found
    return ProfileSettings(
        name=_name(asked),
        critic=critic,
        critic_version=version,
        pack=packs[0],
        method=_method(asked.method),
        false_alarms=asked.false_alarms,
        minimum=asked.minimum,
    )


def _method(text: str) -> "Method":
    match text:
        case "isotonic" | "platt":
            return text
        case _:
            raise ConfigError(f"unknown method {text!r}; known: isotonic, platt")


def _name(asked: Asked) -> str:
    name = asked.name if asked.name is not None else asked.out.name.removesuffix(".toml")
    if not re.fullmatch(r"[\w.+-]{1,64}", name):
        raise ConfigError(
            f"the profile cannot be called {name!r}; give --name of at most 64 letters, digits "
            "and . + - _"
        )
    return name
