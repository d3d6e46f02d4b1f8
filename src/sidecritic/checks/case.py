"""One proposed call as checks see it: the facts, its arguments, and the records that it names."""

from dataclasses import dataclass
from functools import cached_property

from sidecritic.checks.consent import consent
from sidecritic.checks.facts import Exchange, Facts
from sidecritic.types import ToolCall
from sidecritic.values import JsonObject, text_of

_NONE: JsonObject = {}


@dataclass(frozen=True)
class Case:
    """A call against the facts; every check of the call shares it, so each part is read once."""

    facts: Facts
    call: ToolCall

    @property
    def tool(self) -> str:
        return self.call.name

    @property
    def arguments(self) -> JsonObject:
        """Empty where the call has none that can be read."""
        return self.call.arguments or _NONE

    @property
    def schema(self) -> JsonObject:
        """The schema of the arguments; empty where the tool has none."""
        found = (tool for tool in self.facts.specs if tool.name == self.tool)
        return next((tool.parameters for tool in found), _NONE)

    def named(self, key: str) -> str:
        """Return an argument that is a text or a number; empty when there is none."""
        return text_of(self.arguments, key)

    def record(self, key: str) -> JsonObject:
        """Return the record that an argument that ends in `_id` names; empty when unknown."""
        return self.facts.known.get(key, {}).get(self.named(key), _NONE)

    def shown(self, key: str) -> JsonObject:
        """Return the same as far as the agent itself has seen it."""
        return self.facts.records.get(key, {}).get(self.named(key), _NONE)

    @cached_property
    def agreed(self) -> Exchange | None:
        """The agent's listing and the user's yes that cover the call."""
        return consent(self.facts, self.call)
