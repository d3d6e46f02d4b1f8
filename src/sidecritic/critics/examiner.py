"""Where the evidence comes from that a critic or a person is shown with a proposal."""

from collections.abc import Sequence
from typing import Protocol

from sidecritic.checks.base import Finding
from sidecritic.types import Proposal


class Examiner(Protocol):
    """Something that knows what speaks against an action and for it, such as a policy `Pack`."""

    async def examined(self, proposal: Proposal) -> Sequence[Finding]:
        """Return what fires after looking up what it wants to know, strongest first."""
        ...
