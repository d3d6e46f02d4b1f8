"""The contents of a report about a run or a comparison, without a format."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from sidecritic.scoring.grid import GridRow
from sidecritic.scoring.results import (
    Comparison,
    Interval,
    Interventions,
    Paired,
    RoleUse,
    Scores,
    Tally,
    TaskChange,
)
from sidecritic.scoring.userbench import metrics


class Section(NamedTuple):
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    detail: bool = False
    """For the written report only, not for the terminal."""


def label(simulated: tuple[str, ...]) -> str:
    """Return what must stand above every number, such as `simulated actor, simulated user`."""
    return ", ".join(f"simulated {role}" for role in simulated)


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def points(value: float) -> str:
    return f"{100 * value:+.1f}"


def between(found: Interval | Paired, form: Callable[[float], str]) -> str:
    """Return the ends of an interval."""
    return f"{form(found.low)} to {form(found.high)}"


def run_sections(scores: Scores) -> Iterator[Section]:
    """Yield the sections about one run."""
    yield _result(scores)
    for env, travel in scores.userbench.items():
        yield Section(f"UserBench metrics, {env}", ("", "value"), tuple(metrics(travel)))
    yield from _interventions(scores.interventions)
    yield _by_task(scores)
    yield _roles(scores)
    yield from _failures("Infrastructure failures", scores)


def comparison_sections(comparison: Comparison) -> Iterator[Section]:
    """Yield the sections about two runs."""
    yield _paired(comparison)
    yield from _changed(comparison)
    yield from _interventions(comparison.interventions)
    yield _roles(comparison.supervised)
    yield from _failures("Infrastructure failures, baseline", comparison.baseline)
    yield from _failures("Infrastructure failures, supervised", comparison.supervised)


def made_by(scores: Scores) -> Section:
    """Return where the numbers come from."""
    versions = tuple(
        (f"{name} ({env})" if len(scores.versions) > 1 else name, value)
        for env, names in scores.versions.items()
        for name, value in names.items()
    )
    rows = (
        ("environment", ", ".join(scores.envs)),
        ("split", ", ".join(scores.splits)),
        ("actor", ", ".join(scores.actor)),
        ("critic", ", ".join(scores.critic)),
        ("user", ", ".join(scores.user)),
        *versions,
        ("command", scores.command),
    )
    return Section("How it was made", ("", ""), tuple(row for row in rows if row[1]))


def _result(scores: Scores) -> Section:
    rows = [
        (
            f"pass^{row.k}",
            percent(row.estimate.value),
            between(row.estimate, percent),
            str(row.tasks),
        )
        for row in scores.pass_hat_k_detail
    ]
    if len(scores.by_env) > 1:
        rows.extend(
            (f"pass^{k} {env}", percent(value), "", "")
            for env, values in scores.by_env.items()
            for k, value in enumerate(values, start=1)
        )
    if (reward := scores.reward) is not None:
        rows.append(("mean reward", f"{reward.value:.3f}", between(reward, "{:.3f}".format), ""))
    return Section(
        "Result", ("", "estimate", "95 % interval", "tasks"), tuple(rows), tuple(_counts(scores))
    )


def _counts(scores: Scores) -> Iterator[str]:
    for env, versions in scores.versions.items():
        yield f"{env}: " + ", ".join(f"{what} {which}" for what, which in versions.items())
    yield (
        f"{scores.graded} graded episodes of {scores.tasks} tasks; {scores.failures.episodes} "
        "infrastructure failures, which do not count in the scores."
    )
    if scores.planned is not None and scores.episodes < scores.planned:
        yield f"The run is not complete: {scores.episodes} of {scores.planned} episodes."
    for row in scores.pass_hat_k_detail:
        if row.left_out:
            yield f"pass^{row.k} leaves out {row.left_out} tasks with fewer than {row.k} trials."


def _paired(comparison: Comparison) -> Section:
    before, after = comparison.baseline, comparison.supervised
    rows: list[tuple[str, ...]] = []
    for at, delta in enumerate(comparison.pass_hat_k_delta):
        sides = _at(before.pass_hat_k, at), _at(after.pass_hat_k, at)
        change = (points(delta.estimate.value), between(delta.estimate, points))
        rows.append((f"pass^{delta.k}", *sides, *change))
    for env in sorted(before.by_env.keys() & after.by_env.keys()) if len(after.by_env) > 1 else ():
        sides = _at(before.by_env[env], 0), _at(after.by_env[env], 0)
        rows.append((f"pass^1 {env}", *sides, "", ""))
    added = f"+{comparison.added_seconds_per_turn * 1000:.2f} ms"
    rows.append(("latency per turn", "", added, "", ""))
    notes = _tests(comparison.paired) if comparison.paired else ("No episode is in both runs.",)
    return Section(
        "Paired comparison",
        ("", "baseline", "supervised", "points", "95 % interval"),
        tuple(rows),
        (
            *notes,
            *_named(comparison),
            *(f"Take care: {warning}." for warning in comparison.warnings),
        ),
    )


_SHOWN = 10
"""Tasks that a note names; the table of the report has all."""


def _by_task(scores: Scores) -> Section:
    rows = tuple(
        (each.task, each.env, f"{each.passed} of {each.trials}", f"{each.reward:.3f}")
        for each in sorted(scores.by_task, key=lambda t: (t.env, t.passed / t.trials, t.task))
    )
    return Section("By task", ("task", "environment", "passed", "mean reward"), rows, detail=True)


def _changed(comparison: Comparison) -> Iterator[Section]:
    """Yield the tasks whose result differs, those that lost first."""
    rows = tuple(
        (each.task, each.env, f"{each.baseline} → {each.supervised} of {each.trials}")
        for each in _by_change(comparison)
    )
    if rows:
        yield Section("Tasks that changed", ("task", "environment", "passed"), rows, detail=True)


def _by_change(comparison: Comparison) -> list[TaskChange]:
    changed = [each for each in comparison.by_task if each.baseline != each.supervised]
    return sorted(changed, key=lambda t: (t.supervised - t.baseline, t.env, t.task))


def _named(comparison: Comparison) -> Iterator[str]:
    """Name the tasks that lost and gained, as far as a line holds them."""
    changed = _by_change(comparison)
    lost = [each for each in changed if each.supervised < each.baseline]
    for what, tasks in (("Worse", lost), ("Better", changed[len(lost) :])):
        names = [f"{each.env} {each.task}" for each in tasks[:_SHOWN]]
        more = f" and {len(tasks) - _SHOWN} more" if len(tasks) > _SHOWN else ""
        if names:
            yield f"{what} when supervised: {', '.join(names)}{more}."


def _at(values: tuple[float, ...], index: int) -> str:
    return percent(values[index]) if index < len(values) else ""


def _tests(paired: Paired) -> Iterator[str]:
    yield (
        f"{paired.n} pairs of {paired.tasks} tasks: {paired.gained} gained, {paired.lost} lost. "
        f"p = {paired.sign_flip_p:.2g} (sign flips over tasks), "
        f"{paired.mcnemar_p:.2g} (exact McNemar over pairs)."
    )
    if paired.left_out:
        yield (
            f"{paired.left_out} episodes have no graded partner and are left out; on the pairs, "
            f"pass^1 is {percent(paired.baseline)} and {percent(paired.supervised)}."
        )


_TRUTH = {
    "faults": "Right and wrong by the faults that the simulated actor made on purpose; to refuse a "
    "reference write that its own tool refuses counts neither way.",
    "reference": "Right and wrong by the reference writes of the task.",
    "mixed": "Right and wrong by faults in simulated episodes, by reference writes in others.",
    "none": "Nothing in these episodes tells right from wrong.",
}


def _interventions(found: Interventions) -> Iterator[Section]:
    acts = (
        f"{found.judged} verdicts; {found.unknown} refusals count neither way; "
        f"{found.unverified} were right and sent back to verify a fact first; "
        f"{found.replaced} replaced, {found.escalated} escalated, {found.halted} halted; "
        f"{found.exhausted} turns ran out of revisions, {found.fallbacks} sent the safe message; "
        f"{found.critic_failures} critic failures."
    )
    counts = ("right", "wrong", "missed")
    total = ("all", str(found.right), str(found.wrong), str(found.missed))
    rows = [*_counted(found.by_kind)]
    unfounded = found.wrong - sum(row.wrong for row in found.by_kind.values())
    if unfounded:
        rows.append(("(no mistake)", "0", str(unfounded), "0"))
    notes = (_TRUTH[found.basis], *_false_alarms(found), acts)
    yield Section("Interventions", ("mistake", *counts), (*rows, total), notes)
    if found.by_category:
        checks = tuple(row[:3] for row in _counted(found.by_category))
        yield Section("By check", ("check", *counts[:2]), checks, detail=True)


def _false_alarms(found: Interventions) -> Iterator[str]:
    """Say which checks disturbed right actions, most often first."""
    wrong = sorted(((row.wrong, name) for name, row in found.by_category.items()), reverse=True)
    most = [f"{name or 'no category'} {count}" for count, name in wrong[:6] if count]
    if most:
        yield f"Wrong, by check: {', '.join(most)}."


def _counted(table: Mapping[str, Tally]) -> Iterator[tuple[str, ...]]:
    for name, row in table.items():
        yield name or "no category", str(row.right), str(row.wrong), str(row.missed)


def _roles(scores: Scores) -> Section:
    rows = tuple(
        (
            role,
            str(use.calls),
            f"{use.input_tokens:,}",
            f"{use.output_tokens:,}",
            cost(use),
            f"{use.seconds_mean * 1000:.2f} ms",
            f"{use.seconds_p95 * 1000:.2f} ms",
        )
        for role, use in scores.roles.items()
    )
    header = ("role", "calls", "tokens in", "out", "cost", "mean", "p95")
    added = f"supervision added {scores.added_seconds_per_turn * 1000:.2f} ms a turn"
    return Section("Use", header, rows, (f"{scores.turns} turns; {added}.",))


def cost(use: RoleUse | GridRow) -> str:
    """Return what calls cost, as far as their prices are known."""
    if use.cost_usd is None:
        return "unknown" if use.unpriced_calls else "none"
    return f"{'at least ' if use.unpriced_calls else ''}${use.cost_usd:.4f}"


def _failures(title: str, scores: Scores) -> Iterator[Section]:
    if not scores.failures.episodes:
        return
    rows = tuple(
        (kind, str(number), scores.failures.examples.get(kind, ""))
        for kind, number in scores.failures.by_kind.items()
    )
    yield Section(title, ("where", "episodes", "for example"), rows)
