"""Tasks from templates: a user, one to three wishes, and how they say who they are."""

from collections.abc import Sequence
from random import Random

from sidecritic.synthesis.drafts import MANNERS, Domain, TaskDraft, Wish
from sidecritic.synthesis.verifier import Rejection

USERS_TRIED = 30
"""For a kind of wish, until one of them can have it."""


class TemplateAuthor:
    """An author who fills in templates from the records of a domain."""

    name = "templates"

    def __init__(self, domain: Domain, users: Sequence[str]) -> None:
        """Write tasks for `users`, who may all be learned from."""
        self.domain = domain
        self.users = users

    async def draft(self, rng: Random, *, refuse: bool) -> TaskDraft | Rejection:
        """Return a task whose first wish must be refused, or one without such a wish."""
        kind = rng.choice(list(self.domain.refusals if refuse else self.domain.makers))
        for _ in range(USERS_TRIED):
            user = rng.choice(self.users)
            wish = self.domain.wish(kind, user, rng)
            if wish is not None:
                return self._around(wish, user, rng, refuse=refuse)
        return Rejection("no user found for it", kind)

    def _around(self, wish: Wish, user: str, rng: Random, *, refuse: bool) -> TaskDraft:
        wishes = [wish]
        # Most people want one thing; those who are refused something less often want another.
        more = rng.choices((0, 1, 2), (70, 30, 0) if refuse else (55, 33, 12))[0]
        for _ in range(3 * more):
            other = self._other(wishes, user, rng)
            if other is not None and len(wishes) <= more:
                wishes.append(other)
        return TaskDraft(
            user=user,
            introduction=self.domain.introduce(user, rng),
            wishes=tuple(rng.sample(wishes, len(wishes))),
            manner=rng.choice(MANNERS),
        )

    def _other(self, wishes: Sequence[Wish], user: str, rng: Random) -> Wish | None:
        """Return a wish that can be granted together with the others, if there is one."""
        wish = self.domain.wish(rng.choice(list(self.domain.makers)), user, rng)
        if wish is None:
            return None
        taken = {name for each in wishes for name in (each.touches, each.topic) if name}
        same = any(wish.kind == each.kind for each in wishes)
        return None if same or {wish.touches, wish.topic} & taken else wish
