"""Pages of a gateway: decisions as they come, cases that wait, and whether enforcing would pay."""

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sidecritic.errors import ConfigError
from sidecritic.recordings.shapes import inner
from sidecritic.reports.decision import decision_lines, shown_time
from sidecritic.types import Assistant, Judgement, Proposal
from sidecritic.viewer.server.desk import Desk, Row
from sidecritic.viewer.server.forms import form_of
from sidecritic.viewer.server.rendering import Pages
from sidecritic.viewer.story import Entry, entries_of, entry_of

_SHOWN = ("all", "objected", "failed")
_LATEST = 50


class LivePages:
    """Each method is one page."""

    def __init__(self, desk: Desk, pages: Pages) -> None:
        self._desk = desk
        self._pages = pages

    def overview(self, request: Request) -> Response:
        asked = request.query_params.get("show", "")
        show = asked if asked in _SHOWN else "all"
        return self._pages.page(
            "live.html",
            counts=self._desk.counts(),
            decisions=self._desk.decisions(show=show, limit=_LATEST),
            cases=[(case, _held(case)) for case in self._desk.cases()],
            standing=self._desk.standing(),
            show=show,
            shown=_SHOWN,
            time=shown_time,
        )

    def decision(self, request: Request) -> Response:
        row = self._desk.decision(request.query_params.get("id", ""))
        facts = {**row, "content": None}
        return self._pages.page(
            "decision.html",
            row=row,
            entries=entries_in(row.get("content")),
            facts=list(decision_lines(facts)),
            time=shown_time,
        )

    async def label(self, request: Request) -> Response:
        form = await form_of(request)
        label = form.get("label")
        if label not in ("right", "wrong", ""):
            raise ConfigError(f"label is {label[:40]!r}; known: right, wrong")
        await run_in_threadpool(self._desk.label, form.get("id"), label, form.get("note")[:2_000])
        return RedirectResponse("/live/decision?id=" + _plain(form.get("id")), 303)

    async def rule(self, request: Request) -> Response:
        form = await form_of(request)
        ruling, feedback = form.get("ruling"), form.get("feedback")[:2_000]
        if ruling not in ("approve", "reject"):
            raise ConfigError(f"ruling is {ruling[:40]!r}; known: approve, reject")
        if ruling == "reject" and not feedback:
            raise ConfigError(
                "say what the model is told: a rejection without feedback helps nobody"
            )

        def write() -> None:
            self._desk.rule(form.get("id"), approve=ruling == "approve", feedback=feedback)

        await run_in_threadpool(write)
        return RedirectResponse("/live#reviews", 303)


def entries_in(content: object) -> tuple[Entry, ...]:
    """Return a stored decision as a conversation; nothing where its content was not kept whole."""
    try:
        proposal = Proposal.model_validate(inner(content, "proposal"))
        judgement = Judgement.model_validate(inner(content, "judgement"))
    except ValidationError:
        return ()
    return tuple(entries_of(proposal, judgement))


def _held(case: Row) -> Entry | None:
    """Return the action that a reviewer decides about."""
    try:
        return entry_of(Assistant.model_validate(case.get("content")))
    except ValidationError:
        return None


def _plain(id: str) -> str:
    from urllib.parse import quote

    return quote(id, safe="")
