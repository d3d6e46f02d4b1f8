"""A conversation in a big store: found by its links, and never more than its own."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Double, Engine, Integer, event, insert

from sidecritic.errors import ConfigError
from sidecritic.gateway.store.database import open_engine
from sidecritic.gateway.store.queries import Selection, StoreQueries
from sidecritic.gateway.store.tables import DECISIONS, Row
from sidecritic.redaction import Redactor


def row(request: str, at: float, *, before: str = "", link: str = "") -> Row:
    """Return a decision as it is stored; what is not named is empty."""
    empty: Row = {
        column.name: 0 if isinstance(column.type, Integer | Double | Boolean) else ""
        for column in DECISIONS.columns
        if not column.nullable
    }
    said = {"id": f"{request}.0.0", "request": request, "at": at, "tenant": "t"}
    return {**empty, **said, "before": before, "link": link}


def talk(name: str, turns: int, begun: float = 0.0, opening: str = "") -> list[Row]:
    links = [opening or f"{name}-0", *(f"{name}-{n}" for n in range(1, turns))]
    before = ["", *links[:-1]]
    return [row(f"{name}{n}", begun + n, before=before[n], link=links[n]) for n in range(turns)]


@pytest.fixture
def engine(tmp_path: Path) -> Generator[Engine]:
    made = open_engine(f"sqlite:///{tmp_path / 'd.db'}")
    yield made
    made.dispose()


def stored(engine: Engine, *rows: Row) -> StoreQueries:
    with engine.begin() as connection:
        connection.execute(insert(DECISIONS), rows)
    return StoreQueries(engine, Redactor())


def test_only_rows_of_the_conversation_are_read_however_many_others_there_are(
    engine: Engine,
) -> None:
    others = [each for n in range(300) for each in talk(f"o{n}-", 4, begun=n)]
    desk = stored(engine, *talk("mine", 4, begun=100), *others)
    plans = list[str]()

    @event.listens_for(engine, "before_cursor_execute")
    def note(connection: Any, cursor: Any, statement: str, given: Any, *_: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        if statement.startswith("SELECT") and "before IN" in statement.replace('"', ""):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", given)
            plans.extend(str(line) for line in cursor.fetchall())

    for id in ("mine0", "mine2.0.0", "mine3"):
        assert desk.conversation(id) == ("mine0", "mine1", "mine2", "mine3")
    assert plans and all("SCAN" not in plan for plan in plans)


def test_conversations_that_begin_alike_are_found_from_what_they_share(engine: Engine) -> None:
    desk = stored(engine, *talk("a", 3, opening="hi"), *talk("b", 3, begun=0.5, opening="hi"))
    assert set(desk.conversation("a0")) == {"a0", "a1", "a2", "b1", "b2"}
    assert desk.conversation("a2")[1:] == ("a1", "a2"), "what came before is one turn each"


def test_more_than_one_conversation_can_hold_is_refused_in_words(engine: Engine) -> None:
    alike = [row(f"r{n}", n + 1.0, before="hi", link=f"l{n}") for n in range(5_001)]
    desk = stored(engine, row("first", 0.0, link="hi"), *alike)
    with pytest.raises(ConfigError, match="name a later decision"):
        desk.decisions(Selection(conversation="first"))
    assert desk.conversation("r7") == ("first", "r7")


def test_a_store_of_an_earlier_version_gets_the_index(tmp_path: Path, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX decisions_by_turn_before")
    again = open_engine(f"sqlite:///{tmp_path / 'd.db'}", pooled=False)
    with again.begin() as connection:
        found = connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars().all()
    assert "decisions_by_turn_before" in found
