"""Fit a critic's profile to the judgements of a replay."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from sidecritic.calibration.curve import Method
from sidecritic.calibration.fit import ProfileSettings
from sidecritic.calibration.fit import calibrate as fit
from sidecritic.calibration.profile import to_toml
from sidecritic.calibration.report import CalibrationReport
from sidecritic.errors import ConfigError
from sidecritic.labelling.label_files import among
from sidecritic.recorded import JudgedProposal
from sidecritic.replay.lines import aligned, read_lines
from sidecritic.scoring.replays import known_proposals
from sidecritic.settings.names import choice, command_line
from sidecritic.workflows.files import require_file, write_file
from sidecritic.workflows.measure.cascades import (
    NO_CASCADE,
    CascadeRequest,
    Material,
    prepared,
    wish_of,
    with_cascade,
)
from sidecritic.workflows.replay import (
    imported_from,
    labels_at,
    require_labels,
    with_labels,
)
from sidecritic.workflows.watchers import SILENT, Watcher


@dataclass(frozen=True, slots=True)
class CalibrationRequest:
    """What to fit a profile to, and how."""

    judged: Path
    files: tuple[Path, ...]
    out: Path
    labels: Path | None = None
    method: str = "isotonic"
    false_alarms: float | None = None
    """0.05 without it."""
    minimum: int = 60
    name: str | None = None
    cascade: CascadeRequest = NO_CASCADE

    @property
    def command(self) -> str:
        """The command line that does it again."""
        return command_line(
            "calibrate",
            self.judged,
            *self.files,
            method=self.method,
            false_alarms=None if self.false_alarms is None else f"{self.false_alarms:g}",
            minimum=self.minimum,
            out=self.out,
            labels=self.labels,
            name=self.name,
            **self.cascade.options,
        )


def fit_profile(request: CalibrationRequest, watcher: Watcher = SILENT) -> CalibrationReport:
    """Read, fit, and write the profile.

    Raises:
        ConfigError: something asked for cannot be used, or there is too little to fit to.
    """
    require_file(request.out)
    wish = wish_of(request.cascade, by_proposal=request.false_alarms is not None)
    lines = _judgements(request.judged)
    wanted = _wanted(request, lines)
    labels = labels_at(request.labels, request.files, watcher)
    imported = with_labels(imported_from(request.files, watcher), labels, watcher)
    lines = aligned(lines, imported.runs)
    readers = None if labels.readers is None else among(labels.readers, imported.runs)
    require_labels(imported)
    known = known_proposals(imported.runs, lines, readers)
    # What is too little for whole runs is said before what is too little for proposals.
    material = Material(imported.runs, lines, known)
    cascade = prepared(material, request.cascade, wish) if wish is not None and known else None
    fitted = fit(known, wanted)
    if cascade is not None:
        fitted = with_cascade(fitted, cascade)
    write_file(request.out, to_toml(fitted.profile))
    return fitted.report.model_copy(update={"command": request.command, "out": str(request.out)})


def _judgements(file: Path) -> tuple[JudgedProposal, ...]:
    lines = read_lines(file)
    if not lines:
        raise ConfigError(f"{file} holds no judgements; write some with `sidecritic replay --out`")
    if any(line.judgement.calibrated or line.terms.startswith("profile ") for line in lines):
        raise ConfigError(
            f"{file} holds judgements that are calibrated already; replay the critic without "
            "--profile, into another --out"
        )
    return lines


def _wanted(request: CalibrationRequest, lines: tuple[JudgedProposal, ...]) -> ProfileSettings:
    false_alarms = 0.05 if request.false_alarms is None else request.false_alarms
    if not 0 <= false_alarms < 1:
        raise ConfigError(
            f"--false-alarms is {false_alarms:g}; write a share in [0, 1), such as 0.05"
        )
    found = {(line.critic, line.critic_version) for line in lines}
    if len(found) > 1:
        shown = ", ".join(f"{critic} {version}".strip() for critic, version in sorted(found))
        raise ConfigError(
            f"{request.judged} holds judgements of several critics: {shown}; a profile is for one, "
            "in one version: replay it again, into another --out"
        )
    packs = sorted({line.pack for line in lines})
    if len(packs) > 1:
        shown = ", ".join(pack or "the environment's own" for pack in packs)
        raise ConfigError(
            f"{request.judged} holds judgements by the checks of several packs: {shown}; a profile "
            "is for one: replay it again, into another --out"
        )
    ((critic, version),) = found
    methods: tuple[Method, ...] = get_args(Method)
    return ProfileSettings(
        name=_name(request),
        critic=critic,
        critic_version=version,
        pack=packs[0],
        method=choice("method", request.method, methods),
        false_alarms=false_alarms,
        minimum=request.minimum,
    )


def _name(request: CalibrationRequest) -> str:
    name = request.name if request.name is not None else request.out.name.removesuffix(".toml")
    if not re.fullmatch(r"[\w.+-]{1,64}", name):
        raise ConfigError(
            f"the profile cannot be called {name!r}; give --name of at most 64 letters, digits "
            "and . + - _"
        )
    return name
