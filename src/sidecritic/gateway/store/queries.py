"""Queries of the decision store, and what a person writes into it."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Engine, Executable, case, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from sidecritic.errors import ConfigError, StoreError
from sidecritic.gateway.store.exports import RULED, exported
from sidecritic.gateway.store.tables import CASES, CHANGES, DECISIONS, Row
from sidecritic.redaction import Redactor

Label = Literal["right", "wrong", ""]
"""Whether the *action* was right; empty takes a label back."""

_SHOWN = (
    *("id", "at", "tenant", "route", "mode", "endpoint", "turn", "attempt", "tools"),
    *("verdict", "status", "risk", "broken", "fate", "source", "label"),
)
_MOST_REQUESTS = 5_000
"""Of one conversation; SQLite takes some 32,000 values in a statement."""
_LINKS = 500
"""Links that are looked up at a time."""
FAILED = ("error", "timeout")
"""States of a judgement that is none."""

_CHAIN = tuple(DECISIONS.c[name] for name in ("request", "tenant", "at", "before", "link"))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which decisions to look at."""

    route: str | None = None
    tenant: str | None = None
    verdict: str | None = None
    since: float | None = None
    blocked: bool = False
    """Only those that a critic objected to; counts are of all of them nevertheless."""
    failed: bool = False
    """Only those on which the critic failed; counts are of all of them nevertheless."""
    conversation: str | None = None
    """Only those of the conversation that this decision, or request, belongs to."""
    labelled: bool = False
    """In an export, only those that a person has judged."""
    limit: int = 50


class Said(NamedTuple):
    """What a person says of a decision."""

    id: str
    label: Label
    note: str = ""
    by: str = ""


class StoreQueries:
    """Lists, labels and exports decisions, whether the gateway runs or not."""

    def __init__(self, engine: Engine, redactor: Redactor) -> None:
        self._engine = engine
        self._redactor = redactor

    def decisions(self, chosen: Selection) -> list[Row]:
        """Return the latest decisions, newest first.

        Raises:
            StoreError: the database refused.
        """
        columns = [DECISIONS.c[name] for name in _SHOWN]
        query = select(*columns).where(*self._conditions(chosen))
        query = query.order_by(DECISIONS.c.at.desc(), DECISIONS.c.id.desc()).limit(chosen.limit)
        return self._rows(query)

    def counts(self, chosen: Selection) -> list[Row]:
        """Return proposals and objections by route and mode.

        In shadow mode, objections are what enforcing would have withheld.
        """
        objected = case((DECISIONS.c.verdict.not_in(("approve", "none")), 1), else_=0)
        failed = case((DECISIONS.c.status.in_(FAILED), 1), else_=0)
        query = (
            select(
                DECISIONS.c.route,
                DECISIONS.c.mode,
                func.count().label("proposals"),
                func.sum(objected).label("objections"),
                func.sum(failed).label("critic_failures"),
            )
            .where(*self._conditions(replace(chosen, blocked=False, failed=False)))
            .group_by(DECISIONS.c.route, DECISIONS.c.mode)
            .order_by(DECISIONS.c.route, DECISIONS.c.mode)
        )
        return self._rows(query)

    def decision(self, id: str) -> Row:
        """Return all that is stored of one decision.

        Raises:
            ConfigError: the id is unknown.
        """
        found = self._rows(select(DECISIONS).where(DECISIONS.c.id == id))
        if not found:
            raise _unknown("decision", id)
        return found[0]

    def label(self, said: Iterable[Said]) -> None:
        """Record whether actions were right: all that is said, or nothing.

        Raises:
            ConfigError: an id is unknown.
        """
        with self._transaction() as connection:
            for each in said:
                values = {
                    "label": each.label,
                    "label_note": self._said(each.note),
                    "labelled_by": self._said(each.by)[:64],
                }
                named = update(DECISIONS).where(DECISIONS.c.id == each.id)
                if connection.execute(named.values(values)).rowcount != 1:
                    raise _unknown("decision", each.id)

    def conversation(self, id: str) -> tuple[str, ...]:
        """Return the requests of a conversation, by one of them or one of its decisions.

        What came before is found by the digest chain, and so is what followed.

        Raises:
            ConfigError: the id is unknown, or so much follows that it is no one conversation.
        """
        named = or_(DECISIONS.c.id == id, DECISIONS.c.request == id)
        begun = self._rows(select(*_CHAIN).where(named).limit(1))
        if not begun:
            raise _unknown("decision", id)
        own = self._rows(select(*_CHAIN).where(DECISIONS.c.request == begun[0]["request"]))
        found = dict.fromkeys([*self._earlier(begun[0]), begun[0]["request"]])
        for row in self._later(own):
            found[row["request"]] = None
            if len(found) > _MOST_REQUESTS:
                raise ConfigError(
                    f"decision {id!r}: more than {_MOST_REQUESTS} requests follow it, as many "
                    "conversations begin alike; name a later decision of the one that you mean"
                )
        return tuple(found)

    def _earlier(self, row: Row) -> list[str]:
        """Return the requests before one, oldest first."""
        before, seen, requests = row["before"], set[str](), list[str]()
        while before and before not in seen and len(requests) < _MOST_REQUESTS:
            seen.add(before)
            linked = DECISIONS.c.tenant == row["tenant"], DECISIONS.c.link == before
            latest = select(*_CHAIN).where(*linked).order_by(DECISIONS.c.at.desc()).limit(1)
            found = self._rows(latest)
            requests += [each["request"] for each in found]
            before = found[0]["before"] if found else ""
        return requests[::-1]

    def _later(self, own: Sequence[Row]) -> Iterator[Row]:
        """Walk over what followed, turn by turn, each looked up by the link that it follows."""
        tenant, since = own[0]["tenant"], min(row["at"] for row in own)
        seen, links = set[str](), sorted({row["link"] for row in own} - {""})
        while links:
            seen.update(links)
            turn = list[Row]()
            for at in range(0, len(links), _LINKS):
                follows = (
                    DECISIONS.c.tenant == tenant,
                    DECISIONS.c.at >= since,
                    DECISIONS.c.before.in_(links[at : at + _LINKS]),
                )
                query = select(*_CHAIN).where(*follows).order_by(DECISIONS.c.at, DECISIONS.c.id)
                turn += self._rows(query.limit(_MOST_REQUESTS + 1))
            yield from turn
            links = sorted({row["link"] for row in turn} - seen - {""})

    def export(self, chosen: Selection) -> Iterator[Row]:
        """Walk over decisions with all that is stored of them, oldest first.

        What a person said of the action, in a label or a ruling on its case, becomes a label with
        the source `human`. A critic's own verdict does not.
        """
        ruled = CASES.c.status.label("ruled"), CASES.c.feedback.label("ruled_feedback")
        query = (
            select(DECISIONS, *ruled, CASES.c.reviewer)
            .outerjoin(CASES, CASES.c.decision == DECISIONS.c.id)
            .where(*self._conditions(chosen))
            .order_by(DECISIONS.c.at, DECISIONS.c.id)
        )
        if chosen.labelled:
            query = query.where(or_(DECISIONS.c.label != "", CASES.c.status.in_(RULED)))
        names: dict[str, str] = {}
        with self._transaction() as connection:
            for row in connection.execution_options(yield_per=500).execute(query).mappings():
                name = names.get(f"{row['tenant']} {row['before']}") or str(row["request"])
                if row["link"]:
                    names[f"{row['tenant']} {row['link']}"] = name
                yield {**exported(dict(row), self._redactor), "conversation": name}

    def cases(self, *, every: bool = False) -> list[Row]:
        """Return the cases that wait for a person, oldest first."""
        query = select(CASES).order_by(CASES.c.at)
        if not every:
            query = query.where(CASES.c.status == "open")
        return self._rows(query)

    def rule(self, id: str, *, approve: bool, feedback: str, by: str, now: float) -> Row:
        """Approve or reject an open case.

        Raises:
            ConfigError: it is not open, or has expired.
        """
        status = "approved" if approve else "rejected"
        values = {
            "status": status,
            "feedback": self._said(feedback),
            "reviewer": self._said(by)[:64],
        }
        still = (CASES.c.id == id, CASES.c.status == "open", CASES.c.expires > now)
        with self._transaction() as connection:
            done = connection.execute(update(CASES).where(*still).values(values))
            found = connection.execute(select(CASES).where(CASES.c.id == id)).mappings().first()
        if found is None:
            raise _unknown("case", id)
        if done.rowcount != 1:
            raise ConfigError(f"case {id!r} is {_state(dict(found), now)}, no longer open")
        return dict(found)

    def _said(self, text: str) -> str:
        # PostgreSQL holds no NUL in a text.
        return self._redactor.text(text.replace("\0", "\ufffd"))

    def changes(self) -> list[Row]:
        """Return the audited changes of mode, oldest first."""
        return self._rows(select(CHANGES).order_by(CHANGES.c.id))

    def _rows(self, query: Executable) -> list[Row]:
        with self._transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _conditions(self, chosen: Selection) -> list[Any]:
        named = {name: getattr(chosen, name) for name in ("route", "tenant", "verdict")}
        wanted: list[Any] = [
            DECISIONS.c[n] == value for n, value in named.items() if value is not None
        ]
        if chosen.since is not None:
            wanted.append(DECISIONS.c.at >= chosen.since)
        if chosen.blocked:
            wanted.append(DECISIONS.c.verdict.not_in(("approve", "none")))
        if chosen.failed:
            wanted.append(DECISIONS.c.status.in_(FAILED))
        if chosen.conversation is not None:
            wanted.append(DECISIONS.c.request.in_(self.conversation(chosen.conversation)))
        return wanted

    @contextmanager
    def _transaction(self) -> Generator[Connection]:
        """Yield a transaction whose failures are the store's."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as cause:
            raise StoreError(f"the decision store failed ({type(cause).__name__})") from cause


def _unknown(kind: str, id: str) -> ConfigError:
    command = "decisions" if kind == "decision" else "reviews"
    return ConfigError(f"no {kind} {id!r}; `sidecritic {command} ls` shows their ids")


def _state(row: Row, now: float) -> str:
    return "expired" if row["status"] == "open" and row["expires"] <= now else row["status"]
