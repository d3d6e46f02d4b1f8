"""What an experiment will cost, from a dry run that costs nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sidecritic.assembly.dry_run import DryRun
from sidecritic.assembly.models import prices_of
from sidecritic.assembly.plans import Shelf, dry_run_of
from sidecritic.errors import ConfigError
from sidecritic.rollouts import cost_of, play
from sidecritic.runs import read_run
from sidecritic.settings.experiments import Cell

SAMPLED = 5
"""Tasks of each environment that a cell is estimated from."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one cell will cost."""

    models: tuple[str, ...]
    """Models that will be asked; none when every party is simulated."""
    unpriced: tuple[str, ...]
    """Those of them whose price is not known."""
    per_episode: float
    """US dollars, of the priced models."""
    episodes: int
    """Of the whole cell."""


async def estimate(cell: Cell, shelf: Shelf) -> Estimate:
    """Play a few episodes of the cell with simulated parties, and count what they would cost.

    Raises:
        ConfigError: a name, file or value that cannot be used.
    """
    prices = prices_of(cell.settings)
    dry = DryRun(prices or {})
    whole = dry_run_of(cell.settings, dry, shelf=shelf)
    episodes = len(whole.episodes())
    models = tuple(sorted(dry.models))
    if not models:
        return Estimate((), (), 0.0, episodes)
    limit = min(cell.settings.limit or SAMPLED, SAMPLED)
    few = cell.settings.model_copy(update={"limit": limit, "trials": 1, "fault_rate": 0.0})
    with TemporaryDirectory() as folder:
        await play(dry_run_of(few, dry, shelf=shelf), Path(folder), concurrency=1)
        played = read_run(Path(folder)).trajectories
    unpriced = tuple(model for model in models if model not in (prices or {}))
    mean = sum(cost_of(each.events) for each in played) / max(len(played), 1)
    return Estimate(models, unpriced, mean, episodes)


def require_prices(estimates: Sequence[Estimate]) -> None:
    """Refuse a budget that cannot be kept.

    Raises:
        ConfigError: a model has no price.
    """
    unpriced = sorted({model for each in estimates for model in each.unpriced})
    if unpriced:
        raise ConfigError(
            f"a budget needs prices, and there is none for {', '.join(unpriced)}; name a file "
            "with --prices or the key prices, and write each model in it"
        )
