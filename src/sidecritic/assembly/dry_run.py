"""Stand-ins for the models of a run: no model is called, and each call counts as if it was paid."""

from collections.abc import Mapping

from sidecritic.models.metering import Metered
from sidecritic.models.wrappers import Price
from sidecritic.ports import Model
from sidecritic.settings.model_names import ModelName
from sidecritic.strategies.stand_in import StandIn


class DryRun:
    """Gives stand-ins where a run has models; needs no key and no server."""

    def __init__(self, prices: Mapping[str, Price]) -> None:
        self._prices = prices
        self.models: set[str] = set()
        """The models that a run would ask."""

    def model(self, name: ModelName, base_url: str | None) -> Model:
        """Return a stand-in for a reviewer, a verifier or a critic, which approves."""
        return self.metered(StandIn(blocks=0.0), name)

    def metered(self, model: Model, name: ModelName) -> Model:
        """Return a simulated party that reports what the model of that name would cost."""
        self.models.add(name.model)
        return Metered(model, name.model, self._prices)
