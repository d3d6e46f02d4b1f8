"""Pages of recorded runs."""

from itertools import groupby
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sidecritic.errors import ConfigError
from sidecritic.viewer.labels import Said, label_proposal
from sidecritic.viewer.library import EpisodeRow, Library, RunFolder
from sidecritic.viewer.listing import SHOWN, asked_of, chosen, listing
from sidecritic.viewer.opened import RunLine, opened_of
from sidecritic.viewer.pairs import FLIPS, paired, turn_by_turn
from sidecritic.viewer.server.forms import form_of
from sidecritic.viewer.server.rendering import Pages, is_part
from sidecritic.viewer.story import story_of


class RunPages:
    """Each method is one page; those that read files run in a thread of their own."""

    def __init__(self, library: Library, pages: Pages) -> None:
        self._library = library
        self._pages = pages

    def front(self, request: Request) -> Response:
        runs = self._library.runs()
        if self._library.is_run and runs:
            return RedirectResponse("/run?" + urlencode({"name": runs[0].title}))
        lines = [RunLine(run, run.rows()) for run in runs]
        return self._pages.page("runs.html", lines=lines, folder=str(self._library.folder))

    def run(self, request: Request) -> Response:
        run = self._library.run(request.query_params.get("name", ""))
        line = RunLine(run, run.rows())
        listed = listing(line.rows, asked_of(request.query_params))
        others = [each.title for each in self._library.runs() if each is not run]
        return self._pages.page(
            "run.html", line=line, run=run, listed=listed, shown=SHOWN, others=others
        )

    def episode(self, request: Request) -> Response:
        run = self._library.run(request.query_params.get("run", ""))
        asked = asked_of(request.query_params)
        row = run.row(_number(request, "n"))
        order = chosen(run.rows(), asked)
        at = next((at for at, each in enumerate(order) if each.number == row.number), None)
        later = order[at + 1 :] if at is not None else order
        return self._pages.page(
            "episode.html",
            opened=opened_of(run, row),
            may_label=True,
            asked=asked,
            before=order[at - 1] if at else None,
            after=later[0] if later else None,
            failed=next((each for each in later if each.result == "failed"), None),
        )

    async def label(self, request: Request) -> Response:
        form = await form_of(request)
        run = self._library.run(form.get("run"))
        row = run.row(form.number("n"))
        verdict = form.get("label")
        if verdict not in ("right", "wrong"):
            raise ConfigError(f"label is {verdict[:40]!r}; known: right, wrong")
        said = Said(
            turn=form.number("turn"),
            attempt=form.number("attempt"),
            wrong=verdict == "wrong",
            note=form.get("note")[:2_000],
        )
        await run_in_threadpool(label_proposal, run, row, said)
        if not is_part(request):
            return RedirectResponse(f"{_episode(run, row)}#{form.get('anchor')}", 303)
        opened = await run_in_threadpool(opened_of, run, row)
        asked = ((spot, spot.entry.ask) for spot in opened.spots if spot.entry.ask)
        spot = next(spot for spot, ask in asked if (ask.turn, ask.attempt) == said[:2])
        return self._pages.page("label.html", opened=opened, spot=spot)

    def compare(self, request: Request) -> Response:
        one, two = self._two(request)
        found = paired(one, two)
        show = request.query_params.get("show", "")
        return self._pages.page(
            "compare.html",
            one=one,
            two=two,
            flips={flip: found.count(flip) for flip in FLIPS},
            pairs=[pair for pair in found.pairs if not show or pair.flip == show],
            unpaired=found.unpaired,
            show=show,
        )

    def pair(self, request: Request) -> Response:
        one, two = self._two(request)
        first, second = one.row(_number(request, "a")), two.row(_number(request, "b"))
        stories = story_of(one.trajectory(first)), story_of(two.trajectory(second))
        order = [p for p in paired(one, two).pairs if p.flip in ("gained", "lost")]
        at = next((n for n, p in enumerate(order) if p.one.number == first.number), -1)
        return self._pages.page(
            "pair.html",
            one=one,
            two=two,
            rows=(first, second),
            stories=stories,
            stretches=[
                (is_same, list(turns))
                for is_same, turns in groupby(turn_by_turn(*stories), key=lambda turn: turn.is_same)
            ],
            following=order[at + 1] if at + 1 < len(order) else None,
        )

    def _two(self, request: Request) -> tuple[RunFolder, RunFolder]:
        one, two = (
            self._library.run(request.query_params.get(name, "")) for name in ("one", "two")
        )
        return one, two


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ConfigError(f"no episode {text[:40]!r}; the table of the run has their addresses")
    return int(text)


def _episode(run: RunFolder, row: EpisodeRow) -> str:
    return "/episode?" + urlencode({"run": run.title, "n": row.number})
