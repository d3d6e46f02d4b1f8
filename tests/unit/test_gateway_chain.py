"""What a gateway remembers of released turns: as much as fits, in memory that does not grow."""

from sidecritic.gateway.chain import Chain
from sidecritic.types import Assistant, User

KEY = b"k" * 32


def link(start: str, end: str) -> str:
    return start + "0" * (64 - len(start) - len(end)) + end


def chain() -> Chain:
    return Chain(KEY, is_private=True)


def test_a_released_turn_is_known_and_another_is_not() -> None:
    known = chain()
    head = known.head("shop", [User(text="Hi")])
    released, other = (known.next("shop", head, Assistant(text=text)) for text in ("Yes.", "No."))
    known.remember(released)
    assert known.is_remembered(released)
    assert not known.is_remembered(other)
    assert known.remembers_all, "so the other was never made"


def test_a_link_that_displaces_another_is_known_in_its_place() -> None:
    # Where a link is kept goes by its first four bytes, what is kept by its first sixteen.
    first, second = link("00000001aa", "0"), link("00000001bb", "0")
    known = chain()
    known.remember(first)
    known.remember(first)
    assert known.remembers_all
    known.remember(second)
    assert known.is_remembered(second)
    assert not known.is_remembered(first)
    assert not known.remembers_all, "the first one is to be asked of the database"


def test_links_of_other_places_leave_each_other_alone() -> None:
    known = chain()
    links = [link(f"{number:08x}", "0") for number in range(1, 2000)]
    for each in links:
        known.remember(each)
    assert all(map(known.is_remembered, links))
    assert known.remembers_all


def test_another_process_may_have_made_a_link_where_the_key_is_shared() -> None:
    assert not Chain(KEY).remembers_all
