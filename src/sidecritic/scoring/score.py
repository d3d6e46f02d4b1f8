"""Scores of one run."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sidecritic.scoring.interventions import interventions
from sidecritic.scoring.results import Failures, PassK, Scores, TaskResult
from sidecritic.scoring.spending import spending
from sidecritic.scoring.statistics import bootstrap, pass_hat_k
from sidecritic.scoring.userbench import userbench_scores
from sidecritic.trace import Failed, Trajectory
from sidecritic.types import Briefing
from sidecritic.writes import outcome_of

Key = tuple[str, str, int]
TaskKey = tuple[str, str]


def score(
    trajectories: Iterable[Trajectory],
    *,
    briefings: Mapping[str, Briefing] | None = None,
    command: str = "",
    planned: int | None = None,
) -> Scores:
    """Score a run.

    Where two trajectories are of the same episode the later one counts; apart from that their
    order does not matter.
    """
    episodes = latest(trajectories)
    known = briefings or {}
    passes = trials_by_task(episodes)
    table = pass_table(passes)
    rewards: dict[TaskKey, list[float]] = defaultdict(list)
    for episode in episodes:
        if outcome := outcome_of(episode):
            rewards[episode.key[:2]].append(outcome.reward)
    by_task = tuple(_by_task(passes, rewards))
    turns = (roles := spending(episodes))["actor"].calls
    added = roles["critic"].seconds_total + roles["actor revisions"].seconds_total
    return Scores(
        simulated=_sorted(role for episode in episodes for role in episode.simulated),
        envs=_sorted(episode.task.env for episode in episodes),
        splits=_sorted(episode.task.split for episode in episodes),
        actor=_sorted(episode.actor for episode in episodes),
        critic=_sorted(episode.critic for episode in episodes),
        user=_sorted(episode.user for episode in episodes),
        versions=_versions(episodes),
        command=command,
        planned=planned,
        episodes=len(episodes),
        graded=sum(len(trials) for trials in rewards.values()),
        tasks=len({episode.key[:2] for episode in episodes}),
        passed=sum(sum(trials) for trials in passes.values()),
        pass_hat_k=tuple(row.estimate.value for row in table),
        pass_hat_k_detail=table,
        by_env=_by_env(passes),
        by_task=by_task,
        reward=bootstrap([task.reward for task in by_task]) if by_task else None,
        userbench=userbench_scores(episodes),
        endings=dict(sorted(Counter(map(_ending, episodes)).items())),
        failures=_failures(episodes),
        interventions=interventions((e, known.get(e.briefing)) for e in episodes),
        turns=turns,
        roles=roles,
        added_seconds_per_turn=added / turns if turns else 0.0,
    )


def _by_task(
    passes: Mapping[TaskKey, Sequence[bool]], rewards: Mapping[TaskKey, Sequence[float]]
) -> Iterator[TaskResult]:
    for (env, task), of in sorted(rewards.items()):
        passed = sum(passes.get((env, task), ()))
        mean = sum(of) / len(of)
        yield TaskResult(env=env, task=task, trials=len(of), passed=passed, reward=mean)


def latest(trajectories: Iterable[Trajectory]) -> list[Trajectory]:
    """Return one trajectory an episode, the last one, sorted by episode."""
    by_key: dict[Key, Trajectory] = {each.key: each for each in trajectories}
    return [by_key[key] for key in sorted(by_key)]


def trials_by_task(episodes: Sequence[Trajectory]) -> dict[TaskKey, list[bool]]:
    """Return for each task whether its graded trials passed, tasks and trials sorted."""
    passes: dict[TaskKey, list[bool]] = {}
    for episode in episodes:
        outcome = outcome_of(episode)
        if outcome is not None and outcome.passed is not None:
            passes.setdefault(episode.key[:2], []).append(outcome.passed)
    return passes


def pass_table(passes: Mapping[TaskKey, Sequence[bool]]) -> tuple[PassK, ...]:
    """Return pass^1 to pass^k, k being the most trials that any task has."""
    rows: list[PassK] = []
    for k in range(1, max(map(len, passes.values()), default=0) + 1):
        values = [pass_hat_k(len(t), sum(t), k) for t in passes.values() if len(t) >= k]
        left_out = len(passes) - len(values)
        rows.append(PassK(k=k, estimate=bootstrap(values), tasks=len(values), left_out=left_out))
    return tuple(rows)


def _by_env(passes: Mapping[TaskKey, Sequence[bool]]) -> dict[str, tuple[float, ...]]:
    by_env: dict[str, dict[TaskKey, Sequence[bool]]] = defaultdict(dict)
    for task, trials in passes.items():
        by_env[task[0]][task] = trials
    tables = {env: pass_table(own) for env, own in sorted(by_env.items())}
    return {env: tuple(row.estimate.value for row in table) for env, table in tables.items()}


def _versions(episodes: Sequence[Trajectory]) -> dict[str, dict[str, str]]:
    """Return versions by environment; where episodes disagree, all that occur."""
    seen: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for episode in episodes:
        for name, value in episode.versions.items():
            seen[episode.task.env][name].add(value)
    return {
        env: {name: ", ".join(sorted(values)) for name, values in sorted(names.items())}
        for env, names in sorted(seen.items())
    }


def _ending(episode: Trajectory) -> str:
    return episode.ended.reason if episode.ended else "unfinished"


def _failures(episodes: Sequence[Trajectory]) -> Failures:
    failed = [episode for episode in episodes if outcome_of(episode) is None]
    kinds: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for episode in failed:
        causes = [e for e in episode.events if isinstance(e, Failed) and e.where != "critic"]
        cause = causes[-1] if causes else None
        kind = f"{cause.where}: {cause.error}" if cause else _ending(episode)
        kinds[kind] += 1
        examples.setdefault(kind, cause.message if cause else "no cause on record")
    return Failures(episodes=len(failed), by_kind=dict(sorted(kinds.items())), examples=examples)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name}))
