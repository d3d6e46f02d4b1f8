"""Small critics over labelled sets, in one table: `recipes/critics/small.toml`.

    python -m benchmarks.small_critics --on CHATS --dry-run     what is served, what is missing
    python -m benchmarks.small_critics --on CHATS [--only NAME,NAME] [--json]

Before anything is asked, and paid for, every server is looked for: one that is missing ends it,
with the command that starts it. With `--go-on` the others are measured, and a row says what is
missing. What was judged whole is kept in `--out`, so that models which do not fit a machine
together can be served one after the other: the same command goes on.

The exit code is 1 when a critic or a set is missing from the table.
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import Field, ValidationError

from sidecritic.errors import ConfigError, first_problem
from sidecritic.scoring.measure.results import BenchReport, BenchRow
from sidecritic.scoring.replay_results import Share
from sidecritic.settings.evaluation import settings_from
from sidecritic.types import Record
from sidecritic.workflows.measure.bench import BenchRequest, bench

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "critics" / "small.toml"
KEY = "OPENAI_API_KEY"
_HALF = 2
"""Bytes of a cached number, at half precision."""
_WAIT = 3.0


class SmallCritic(Record):
    """A critic that can be had today; sizes in GB of 10^9 bytes."""

    name: str
    model: str
    why: str
    critic: str
    """Its name for `--critic`, as vLLM and llama.cpp serve it."""
    ollama_critic: str = ""
    """Where Ollama cannot be told that it should not think."""
    base_url: str | None = None
    """`None` for a hosted one."""
    licence: str
    parameters_b: float | None = None
    weights: str = ""
    weights_gb: float = 0.0
    bf16_gb: float = 0.0
    """The weights that vLLM loads from the maker's own files."""
    tokens: int = 0
    """Context that the commands ask for."""
    longest: int = 0
    layers: int = 0
    """Those that cache keys and values of all tokens."""
    kv_heads: int = 0
    head_dim: int = 0
    cache_gb: float = 0.0
    vllm: str = ""
    llama_cpp: str = ""
    ollama: str = ""
    sources: tuple[str, ...] = Field(min_length=1)
    unchecked: str = ""

    @property
    def cache_bytes(self) -> int:
        """Bytes of keys and values for all tokens of the context."""
        return self.layers * self.kv_heads * self.head_dim * 2 * _HALF * self.tokens

    @property
    def memory_gb(self) -> float:
        """Quantised weights and cache, without what a server takes for itself."""
        return self.weights_gb + self.cache_gb

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that serve it, each under the name and port of the critic."""
        return tuple(each for each in (self.vllm, self.llama_cpp, self.ollama) if each)


class _File(Record):
    critics: tuple[SmallCritic, ...]


def read_critics(file: Path = RECIPE) -> tuple[SmallCritic, ...]:
    """Return the critics of a recipe.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).critics
    except (OSError, tomllib.TOMLDecodeError) as cause:
        raise ConfigError(f"cannot read {file}: {cause}") from cause
    except ValidationError as cause:
        raise ConfigError(f"{file}: {first_problem(cause)}") from cause


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is measured, and how."""

    sets: tuple[Path, ...]
    out: Path
    go_on: bool = False
    on_ollama: bool = False
    cassette: Path | None = None
    """Answers from there instead of servers."""

    def critic(self, small: SmallCritic) -> str:
        """Return the name by which it is asked."""
        return small.ollama_critic or small.critic if self.on_ollama else small.critic


def missing(small: SmallCritic) -> str:
    """Return what is missing before it can be asked; nothing when it is ready."""
    if small.base_url is None:
        return "" if os.environ.get(KEY) else f"no key: set {KEY}"
    models = f"{small.base_url.removesuffix('/v1')}/v1/models"
    start = (small.llama_cpp or small.vllm or small.ollama).rpartition("& ")[2]
    try:
        listed = httpx.get(models, timeout=_WAIT).raise_for_status().json()["data"]
        served = {str(each["id"]).removesuffix(":latest") for each in listed}
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return f"no server at {small.base_url}; start it: {start}"
    if small.name not in served:
        named = ", ".join(sorted(served)) or "nothing"
        return f"{small.base_url} serves {named} and not {small.name}; start it: {start}"
    return ""


def lacking(critics: Sequence[SmallCritic], sweep: Sweep) -> dict[str, str]:
    """Return by name what is missing of the critics that are not yet judged whole."""
    if sweep.cassette is not None:
        return {}
    wanted = (each for each in critics if _kept(each, sweep) is None)
    return {each.name: why for each in wanted if (why := missing(each))}


def measured(critics: Sequence[SmallCritic], sweep: Sweep) -> BenchReport:
    """Return a row for each critic, set and domain.

    Raises:
        ConfigError: something is missing, and it was not to go on without; or there is no such
            set.
    """
    lacks = lacking(critics, sweep)
    if lacks and not sweep.go_on:
        raise ConfigError(
            f"{'; '.join(f'{name}: {why}' for name, why in lacks.items())}. Nothing was asked; "
            "leave them out (--only), or measure the others (--go-on)"
        )
    reports = [_measured(each, lacks.get(each.name, ""), sweep) for each in critics]
    return BenchReport(
        rows=tuple(row for report in reports for row in report.rows),
        notes=tuple(dict.fromkeys(note for report in reports for note in report.notes)),
        command="python -m benchmarks.small_critics",
    )


def _measured(small: SmallCritic, lack: str, sweep: Sweep) -> BenchReport:
    kept = _kept(small, sweep)
    if kept is not None:
        return kept
    critic = sweep.critic(small)
    if lack:
        return BenchReport(rows=(BenchRow(critic=critic, set="", problem=lack),))
    flags = {"critic_base_url": small.base_url, "cassette": sweep.cassette}
    settings = settings_from({key: str(it) for key, it in flags.items() if it is not None})
    request = BenchRequest((critic,), sweep.sets, settings, sweep.out / small.name)
    report = bench(request, workers=1)
    if report.sound and sweep.cassette is None:
        _file(small, sweep).write_text(report.model_dump_json(indent=1), encoding="utf-8")
    return report


def _file(small: SmallCritic, sweep: Sweep) -> Path:
    return sweep.out / small.name / "report.json"


def _kept(small: SmallCritic, sweep: Sweep) -> BenchReport | None:
    """Return what was measured whole before, of the same sets."""
    try:
        text = _file(small, sweep).read_text(encoding="utf-8")
        report = BenchReport.model_validate_json(text)
    except (OSError, ValidationError):
        return None
    asked = all(row.critic == sweep.critic(small) for row in report.rows)
    sets = all(str(each) in report.command for each in sweep.sets)
    return report if asked and sets and sweep.cassette is None else None


# --- what is printed ----------------------------------------------------------------------------

_HEAD = (
    "critic", "parameters", "GB", "set", "wrong/n", "AUROC", "at 5 %", "caught", "disturbed",
    "runs", "verify", "failed", "$ per 1,000", "p50 s",
)  # fmt: skip


def table(critics: Sequence[SmallCritic], report: BenchReport) -> Iterator[str]:
    """Yield a Markdown table, a line at a time; problems and notes under it."""
    of = {name: each for each in critics for name in (each.critic, each.ollama_critic) if name}
    yield _line(_HEAD)
    yield _line(["---"] * len(_HEAD))
    for row in report.rows:
        yield _line(_cells(of[row.critic], row))
    yield ""
    yield from (f"- {row.critic} {row.set}: {row.problem}" for row in report.rows if row.problem)
    yield from (f"- {note}" for note in report.notes)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(small: SmallCritic, row: BenchRow) -> Sequence[str]:
    size = "" if small.parameters_b is None else f"{small.parameters_b:g} B"
    memory = f"{small.memory_gb:.1f}" if small.memory_gb else ""
    simulated = " (*simulated*)" if row.simulated else ""
    place = " ".join(dict.fromkeys((row.set, row.domain)))
    cost = "" if row.cost_usd is None else f"{row.cost_usd:.2f}"
    return (
        row.critic, size, memory, f"{place}{simulated}", f"{row.wrong}/{row.n}",
        row.auroc.said(".2f") if row.auroc.value is not None else "",
        "" if row.recall_at_5.value is None else f"{row.recall_at_5.value:.0%}",
        *map(_share, (row.caught, row.disturbed, row.runs_disturbed)),
        f"{row.verify_wrong}, {row.verify_right}", f"{row.failed}/{row.asked}", cost,
        "" if row.seconds_p50 is None else f"{row.seconds_p50:.2f}",
    )  # fmt: skip


def _share(found: Share) -> str:
    return f"{found.n} of {found.of}" if found.of else ""


def _readiness(critics: Sequence[SmallCritic], sweep: Sweep) -> Iterator[str]:
    lacks = lacking(critics, sweep)
    for each in critics:
        done = "judged whole" if _kept(each, sweep) else "ready"
        yield f"{sweep.critic(each)}: {lacks.get(each.name) or done}"


# --- command line -------------------------------------------------------------------------------


def _chosen(names: str | None) -> tuple[SmallCritic, ...]:
    critics = read_critics()
    wanted = names.split(",") if names else [each.name for each in critics]
    unknown = set(wanted) - {each.name for each in critics}
    if unknown:
        known = ", ".join(each.name for each in critics)
        raise ConfigError(f"--only: no small critic {', '.join(sorted(unknown))}; known: {known}")
    return tuple(each for each in critics if each.name in wanted)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--on", type=Path, action="append", default=[], help="set, as of bench")
    parser.add_argument("--only", help="names, joined by commas")
    parser.add_argument("--out", type=Path, default=Path("runs/small-critics"))
    parser.add_argument("--cassette", type=Path, help="answers from there, without a server")
    parser.add_argument("--ollama", action="store_true", help="ask as Ollama serves them")
    parser.add_argument("--go-on", action="store_true", help="measure those that are there")
    parser.add_argument("--dry-run", action="store_true", help="say what is missing, ask nothing")
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args(words)
    sweep = Sweep(tuple(said.on), said.out, said.go_on, said.ollama, said.cassette)
    try:
        critics = _chosen(said.only)
        if said.dry_run:
            sys.stdout.write("".join(f"{line}\n" for line in _readiness(critics, sweep)))
            return int(bool(lacking(critics, sweep)))
        report = measured(critics, sweep)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    text = report.model_dump_json(indent=1) if said.json else "\n".join(table(critics, report))
    sys.stdout.write(f"{text}\n")
    return int(not report.sound)


if __name__ == "__main__":
    raise SystemExit(main())
