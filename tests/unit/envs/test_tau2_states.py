import copy
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from sidecritic.envs.tau2.states import EpisodeTable, SharedTable, canonical


class Account(BaseModel):
    balance: int | float
    notes: list[str] = []


KEYS = ("a", "b", "c", "new")


def table() -> SharedTable:
    return SharedTable({key: Account(balance=number) for number, key in enumerate(KEYS[:3])})


@dataclass(frozen=True)
class Act:
    branch: int
    kind: str
    key: str


ACTS = st.lists(
    st.builds(
        Act,
        branch=st.integers(0, 5),
        kind=st.sampled_from(["read", "append", "put", "fork"]),
        key=st.sampled_from(KEYS),
    ),
    max_size=30,
)


@given(ACTS)
def test_branches_behave_like_deep_copies(acts: list[Act]) -> None:
    shared = table()
    branches = [EpisodeTable(shared)]
    copies = [copy.deepcopy(shared.records)]
    for number, act in enumerate(acts):
        at = act.branch % len(branches)
        perform(act, number, branches, copies, at)
    for branch, copied in zip(branches, copies, strict=True):
        branch.writing = False
        assert dict(branch.items()) == copied
        assert list(branch) == list(copied)
        assert {key: branch.text(key) for key in KEYS if key in branch} == {
            key: canonical(record) for key, record in copied.items()
        }
    assert shared.records == table().records


def perform(
    act: Act,
    number: int,
    branches: list[EpisodeTable],
    copies: list[dict[str, Account]],
    at: int,
) -> None:
    branch, copied = branches[at], copies[at]
    branch.writing = act.kind != "read"
    match act.kind:
        case "fork":
            branches.append(branch.fork())
            copies.append(copy.deepcopy(copied))
        case "put":
            branch[act.key] = Account(balance=number)
            copied[act.key] = Account(balance=number)
        case "append" if act.key in copied:
            branch[act.key].notes.append(str(number))
            copied[act.key].notes.append(str(number))
        case _:
            assert branch.get(act.key) == copied.get(act.key)


def test_a_read_shares_the_record_and_leaves_no_trace() -> None:
    shared = table()
    records = EpisodeTable(shared)
    assert records["a"] is shared.records["a"]
    assert not records.touched


def test_what_a_write_looks_at_is_copied_once_and_counts_as_touched() -> None:
    shared = table()
    records = EpisodeTable(shared)
    records.writing = True
    first = records["a"]
    assert first is not shared.records["a"]
    assert records["a"] is first
    assert records.touched == {"a"}


def test_a_touched_but_unchanged_record_is_no_difference() -> None:
    shared = table()
    one, other = EpisodeTable(shared), EpisodeTable(shared)
    one.writing = True
    assert one["a"].balance == 0
    assert one.equals(other)


def test_an_integer_and_the_equal_float_are_different_as_in_the_benchmarks_hash() -> None:
    shared = table()
    one, other = EpisodeTable(shared), EpisodeTable(shared)
    one["a"], other["a"] = Account(balance=1), Account(balance=1.0)
    assert not one.equals(other)


def test_a_record_that_only_one_side_has_is_a_difference() -> None:
    shared = table()
    one, other = EpisodeTable(shared), EpisodeTable(shared)
    one["new"] = Account(balance=5)
    assert not one.equals(other)
    assert not other.equals(one)


def test_records_are_never_deleted() -> None:
    with pytest.raises(TypeError, match="'a'"):
        del EpisodeTable(table())["a"]
