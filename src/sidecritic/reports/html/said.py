"""What the runs say: one sentence, and a second one for what the critic did."""

from sidecritic.reports.html.critic import counted
from sidecritic.reports.html.runs import FEW, Named
from sidecritic.reports.sections import between, percent, points
from sidecritic.reports.text import plain
from sidecritic.scoring.measure.curves import Curves
from sidecritic.scoring.results import Comparison, Interventions, Scores


def of_pair(comparison: Comparison) -> tuple[str, str]:
    """Return the change that supervision made, and whether it can be told from none."""
    paired = comparison.paired
    if paired is None:
        nothing = "The two runs have no graded episode in common (n = 0): nothing is compared."
        return nothing, _acts(comparison.interventions)
    told = paired.low > 0 or paired.high < 0
    change = (
        f"{points(paired.delta)} points (95 % interval {between(paired, points)}, "
        f"{paired.n} pairs of {paired.tasks} tasks)"
    )
    critics = plain(", ".join(comparison.supervised.critic) or "none", 60)
    start = (
        f"With the critic “{critics}” the {_actor(comparison.supervised)} passed "
        f"{percent(paired.supervised)}, without {percent(paired.baseline)}: {change}"
    )
    end = "" if told else ", which cannot be told from no change"
    few = ", and so few tasks say little" if paired.tasks < FEW else ""
    return f"{start}{end}{few}.", _acts(comparison.interventions)


def of_run(run: Named) -> tuple[str, str]:
    """Return what one run comes to."""
    scores = run.scores
    first = next(iter(scores.pass_hat_k_detail), None)
    if first is None:
        nothing = f"None of {scores.episodes} episodes was graded (n = 0): this run says nothing."
        return nothing, _acts(scores.interventions)
    few = "; so few tasks say little" if first.tasks < FEW else ""
    tasks = f"{scores.graded} episodes of {first.tasks} task{'' if first.tasks == 1 else 's'}"
    found = f"95 % interval {between(first.estimate, percent)}, {tasks}{few}"
    said = f"The {_actor(scores)} passed {percent(first.estimate.value)} ({found})."
    return said, _acts(scores.interventions)


def of_replay(found: Curves) -> tuple[str, str]:
    """Return what a critic did to recorded runs, where no run was played."""
    said = (
        f"Of wrong proposals the critic caught {counted(found.own.caught)}, and of right ones it "
        f"refused {counted(found.own.disturbed)}."
    )
    return said, "In brackets: 95 % intervals."


def _actor(scores: Scores) -> str:
    simulated = "simulated " if "actor" in scores.simulated else ""
    return f"{simulated}actor"


def _acts(found: Interventions) -> str:
    if not found.judged:
        return "No critic judged anything."
    return (
        f"Of {found.judged} verdicts {found.right} stopped a mistake and {found.wrong} stopped "
        f"what was right; {found.missed} mistakes ran."
    )
