"""What an experiment will cost, from a rehearsal that costs nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sidecritic.config.experiments import Cell
from sidecritic.config.hiring import prices_of
from sidecritic.config.plans import Shelf, rehearsal_of
from sidecritic.config.rehearsal import Rehearsal
from sidecritic.errors import ConfigError
from sidecritic.rollouts import cost_of, play
from sidecritic.runs import read_run

REHEARSED = 5
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
    rehearsal = Rehearsal(prices or {})
    whole = rehearsal_of(cell.settings, rehearsal, shelf=shelf)
    episodes = len(whole.episodes())
    models = tuple(sorted(rehearsal.models))
    if not models:
        return Estimate((), (), 0.0, episodes)
    limit = min(cell.settings.limit or REHEARSED, REHEARSED)
    few = cell.settings.model_copy(update={"limit": limit, "trials": 1, "fault_rate": 0.0})
    with TemporaryDirectory() as folder:
        await play(rehearsal_of(few, rehearsal, shelf=shelf), Path(folder), concurrency=1)
        played = read_run(Path(folder)).trajectories
    unpriced = tuple(model for model in models if model not in (prices or {}))
    mean = sum(cost_of(each.events) for each in played) / max(len(played), 1)
    return Estimate(models, unpriced, mean, episodes)


def require_prices(estimates: Sequence[Estimate]) -> None:
    """Refuse a budget that nobody could keep.

    Raises:
        ConfigError: a model has no price.
    """
    unpriced = sorted({model for each in estimates for model in each.unpriced})
    if unpriced:
        raise ConfigError(
            f"a budget needs prices, and there is none for {', '.join(unpriced)}; name a file "
            "with --prices or the key prices, and write each model in it"
        )
