"""What stands beside a message: the last change that was tried has failed."""

from sidecritic.checks.base import Objection, text_check
from sidecritic.checks.facts import Facts
from sidecritic.checks.record_index import has_failed


@text_check("after a failed write", policy="", risk=0.3)
def after_failure(facts: Facts, draft: str) -> Objection | None:
    """Note that the last write failed: whatever the message says, it must not claim success.

    Whether it does is a question of language, so that this is evidence and refuses nothing.
    """
    tried = [done for done in facts.done if done.writes]
    if not tried or not has_failed(tried[-1]) or not draft.strip():
        return None
    return Objection(
        f"`{tried[-1].call.name}` failed. Do not say that it is done.",
        evidence=tried[-1].text[:120],
        messages=(tried[-1].position,),
        counts=0.0,
    )
