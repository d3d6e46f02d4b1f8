"""The records that scoring returns, writes to `scores.json` and prints with `--json`.

Keys are only ever added. What depends on the clock is named `seconds` somewhere in its key.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from sidecritic.types import Record


class Interval(Record):
    """A mean over tasks with its 95 % percentile bootstrap interval, tasks resampled."""

    value: float
    low: float
    high: float


class PassKDelta(Record):
    k: int
    estimate: Interval
    tasks: int


class PassK(PassKDelta):
    """pass^k: the chance that `k` trials of one task, drawn at random, all pass."""

    left_out: int
    """Tasks with fewer than `k` graded trials."""


class Tally(Record):
    right: int = 0
    wrong: int = 0
    missed: int = 0


Basis = Literal["faults", "reference", "mixed", "none"]


class Interventions(Record):
    """Whether the critic intervened where it should have.

    With a simulated actor the truth is the faults that it made on purpose; with a real one it
    is the reference of the task: a write is wrong when it is none of the reference writes.
    """

    basis: Basis = "none"
    right: int = 0
    """Refused, and at fault."""
    wrong: int = 0
    """Refused, and not at fault."""
    unverified: int = 0
    """Sent back to verify a fact first, and not at fault: one more step, not a wrong refusal."""
    missed: int = 0
    """At fault, and executed; a fault that shows several times counts once, by the last."""
    unknown: int = 0
    """Refused, truth unknown: text of a real actor, or an episode without reference."""
    by_kind: dict[str, Tally] = {}
    """By kind of fault, or by tool where the reference decides."""
    by_category: dict[str, Tally] = {}
    """Refusals by the category that the critic gave them, such as the check that fired."""
    judged: int = 0
    """Verdicts, those that approve included; repetitions of a refused action are not counted."""
    replaced: int = 0
    escalated: int = 0
    halted: int = 0
    exhausted: int = 0
    """Turns whose last allowed revision was refused too."""
    fallbacks: int = 0
    """Turns in which the safe message was sent."""
    critic_failures: int = 0


class RoleUse(Record):
    """What one role consumed in the whole run."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None
    """Sum over the calls whose price is known; `None` when none is."""
    unpriced_calls: int = 0
    """Calls that used tokens and have no price: the true cost is higher by theirs."""
    seconds_total: float = 0.0
    seconds_mean: float = 0.0
    """Per call, as are the next."""
    seconds_p95: float = 0.0


class Failures(Record):
    """Episodes without a grade; those that were graded and failed are not among them."""

    episodes: int = 0
    by_kind: dict[str, int] = {}
    """By where it happened and the error's name, such as `actor: ModelUnavailable`."""
    examples: dict[str, str] = {}
    """One message of each kind."""


class TaskResult(Record):
    """What became of one task."""

    env: str
    task: str
    trials: int
    """Graded."""
    passed: int
    reward: float
    """Mean of the trials."""


class TaskChange(Record):
    """One task in two runs, over the trials that both have graded."""

    env: str
    task: str
    trials: int
    baseline: int
    """Passed."""
    supervised: int


class UserBenchScores(Record):
    """The metrics of UserBench for one environment of one run; formulas: `scoring/userbench.py`."""

    score: Interval
    """Mean over scenarios, with its interval over tasks."""
    best_exist_rate: float
    correct_exist_rate: float
    valid_search_rate: float | None
    """Searches with a reward, of all; `None` when nothing was searched."""
    valid_action_rate: float | None
    """Utterances that asked for a preference, of all."""
    elicited_active: float
    """Preferences asked for, of all that the tasks' users hold."""
    elicited_passive: float
    """Preferences that the users brought up themselves."""
    elicited: float
    weighted_timing: float
    """Mean of 1 / (i + 1), i the turn of the first answer with a reward, from 0; 0 without."""
    score_best_of_trials: float
    """Mean over tasks of the best Score of their trials."""
    micro_max: float
    micro_avg: float
    """Mean reward of a turn; like `micro_max`, a number of the evaluation script."""
    random_best_exist_rate: float
    random_correct_exist_rate: float
    random_score: float
    """What a uniform guess among the options shown would reach."""
    aspects: int
    preferences: int
    episodes: int
    invalid: int
    """Episodes without a grade, such as those whose simulated user failed."""


class Scores(Record):
    """One run."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    schema_version: Literal[1] = 1
    simulated: tuple[str, ...]
    """Roles that were played by a script or a simulation."""
    envs: tuple[str, ...]
    splits: tuple[str, ...]
    actor: tuple[str, ...]
    critic: tuple[str, ...]
    user: tuple[str, ...]
    versions: dict[str, dict[str, str]]
    """Package, task set and grader, by environment."""
    command: str = ""
    planned: int | None = None
    """Episodes of the complete run."""
    episodes: int
    graded: int
    tasks: int
    passed: int
    pass_hat_k: tuple[float, ...] = Field(validation_alias="pass^k", serialization_alias="pass^k")
    """pass^1, pass^2 and so on, up to the most trials that any task has."""
    pass_hat_k_detail: tuple[PassK, ...] = Field(
        validation_alias="pass^k_detail", serialization_alias="pass^k_detail"
    )
    by_env: dict[str, tuple[float, ...]] = {}
    """pass^k of each environment."""
    by_task: tuple[TaskResult, ...] = ()
    """Every task with a graded trial, by environment and id."""
    reward: Interval | None
    """Mean reward; every task has the same weight."""
    userbench: dict[str, UserBenchScores] = {}
    """The metrics of UserBench, by environment."""
    endings: dict[str, int]
    """Episodes by why they ended."""
    failures: Failures
    interventions: Interventions
    turns: int
    """Actor turns in all episodes."""
    roles: dict[str, RoleUse]
    """`actor`, `actor revisions`, `critic` and `user` (with the tools' time)."""
    added_seconds_per_turn: float
    """What supervision added to a turn: judging, and the attempts after the first."""


class Paired(Record):
    """Supervised minus baseline, over the episodes that both runs have graded."""

    delta: float
    """Of pass^1; every task has the same weight."""
    low: float
    high: float
    n: int
    """Pairs: common (task, trial)."""
    tasks: int
    baseline: float
    """pass^1 over the pairs."""
    supervised: float
    gained: int
    """Pairs that only the supervised run passed."""
    lost: int
    """Pairs that only the baseline passed."""
    mcnemar_p: float
    """Exact, two-sided; takes pairs for independent, which trials of one task are not."""
    sign_flip_p: float
    """Two-sided permutation test that flips whole tasks, and so allows for that."""
    left_out: int
    """Episodes without a graded partner in the other run."""


class Comparison(Record):
    """Two runs."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    schema_version: Literal[1] = 1
    simulated: bool
    """Whether a simulation or script played any part in either run."""
    simulated_roles: tuple[str, ...]
    baseline: Scores
    supervised: Scores
    paired: Paired | None
    """`None` when the runs have no graded episode in common."""
    pass_hat_k_delta: tuple[PassKDelta, ...] = Field(
        validation_alias="pass^k_delta", serialization_alias="pass^k_delta"
    )
    by_task: tuple[TaskChange, ...] = ()
    """Every task of a pair, by environment and id."""
    interventions: Interventions
    """Of the supervised run."""
    added_seconds_per_turn: float
    """Of the supervised run."""
    warnings: tuple[str, ...]
    """Why the two runs may not be comparable."""
