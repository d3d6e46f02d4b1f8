"""Every sentence of the installed τ² policies has a row in the design, and every check a test."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from sidecritic.envs.tau2.package import load_domain
from sidecritic.packs.registry import PACKS, pack_for

ROOT = Path(__file__).resolve().parents[3]
KINDS = {"title", "data", "tool", "words"}
EXPLAINED = {"tool", "words"}
TITLES = {
    "Retail": "retail",
    "Airline": "airline",
    "Telecom": "telecom",
    "Telecom: the manual": "manual",
}
PARTS = tuple(TITLES.values())

_ITEM = re.compile(r"^\s*([-*]|\d+\.)\s+")
_END = re.compile(r"(?<=[.!?])\s+(?=[\"'`*(A-Z])")
_QUOTED = re.compile(r'"([^"]+)"')
_CHECK = re.compile(r"`([^`]+)`")
_NONE = re.compile(r"\bnone \(([a-z ]+)\)(.*)", re.IGNORECASE)
# What the manual tells the agent to do has a row of its own, whatever heading it stands under.
_ORDER = re.compile(r"\b(must|should|escalate|guide (the user|them)|make sure|investigate|refer)\b")
_LONGEST = 10
"""Words that a row may quote: enough to find the sentence, too few to replace the policy."""


class Row(NamedTuple):
    phrases: tuple[str, ...]
    answer: str


class Sentence(NamedTuple):
    heading: str
    text: str


def plain(text: str) -> str:
    """Return a text without its typography, to compare."""
    return " ".join(re.sub(r"[*`\"]", "", text).split()).rstrip(".:").lower()


def sentences_of(policy: str) -> Iterator[Sentence]:
    heading = ""
    for line in policy.splitlines():
        if line.startswith("#"):
            heading = plain(line)
        elif not line.startswith("<"):
            for part in _END.split(_ITEM.sub("", line).strip()):
                if plain(part):
                    yield Sentence(heading, plain(part))


@cache
def policy(part: str) -> tuple[Sentence, ...]:
    """Return the sentences of an installed policy; telecom's without, or only, its manual."""
    text = load_domain("telecom" if part == "manual" else part).pristine.policy
    rules, mark, manual = text.partition("<tech_support_policy>")
    assert bool(mark) is (part in ("telecom", "manual"))
    return tuple(sentences_of(manual if part == "manual" else rules))


@cache
def rows() -> dict[str, tuple[Row, ...]]:
    text = (ROOT / "design" / "policy-sentences.md").read_text(encoding="utf-8")
    found: dict[str, tuple[Row, ...]] = {}
    for section in text.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        found[TITLES[title]] = tuple(_rows(body))
    return found


def _rows(body: str) -> Iterator[Row]:
    for line in body.splitlines():
        if line.startswith('| "'):
            first, answer = line.strip("| ").split(" | ")
            yield Row(tuple(plain(one) for one in _QUOTED.findall(first)), answer)


def quoted(phrase: str, sentences: tuple[Sentence, ...]) -> set[str]:
    """Return what a phrase quotes: the line that it is, or else the sentences that hold it.

    A phrase of one or two words must be the whole line.
    """
    texts = {one.text for one in sentences}
    if phrase in texts or len(phrase.split()) < 3:
        return texts & {phrase}
    return {text for text in texts if phrase in text}


def uncovered(part: str, sentences: tuple[Sentence, ...]) -> list[str]:
    """Return the sentences that no row quotes; in the manual a heading covers explanations."""
    phrases = {phrase for row in rows()[part] for phrase in row.phrases}
    covered = {text for phrase in phrases for text in quoted(phrase, sentences)}

    def is_explanation(one: Sentence) -> bool:
        return part == "manual" and one.heading in phrases and not _ORDER.search(one.text)

    return [one.text for one in sentences if one.text not in covered and not is_explanation(one)]


@pytest.mark.parametrize("part", PARTS)
def test_every_sentence_of_a_policy_has_a_row(part: str) -> None:
    assert uncovered(part, policy(part)) == []


@pytest.mark.parametrize("part", PARTS)
def test_a_sentence_that_a_policy_gains_is_missed(part: str) -> None:
    gained = tuple(sentences_of("# News\nThe user should pay in gold. Fridays are free.\n- gold"))
    assert uncovered(part, gained) == [one.text for one in gained]


@pytest.mark.parametrize("part", PARTS)
def test_what_a_row_quotes_is_of_one_sentence(part: str) -> None:
    headings = {one.heading for one in policy(part)} if part == "manual" else set[str]()
    for phrase in (phrase for row in rows()[part] for phrase in row.phrases):
        if phrase.startswith("#"):
            assert phrase in headings, phrase
            continue
        assert len(quoted(phrase, policy(part))) == 1, phrase
        assert len(phrase.split()) <= _LONGEST, phrase


@pytest.mark.parametrize("part", PARTS)
def test_a_row_names_checks_of_the_pack_or_says_why_there_is_none(part: str) -> None:
    pack = pack_for(f"tau2:{'telecom' if part == 'manual' else part}")
    known = {check.name for check in (*pack.calls, *pack.texts)}
    for row in rows()[part]:
        named, none = set(_CHECK.findall(row.answer)), _NONE.search(row.answer)
        assert row.phrases, row
        assert named <= known, named - known
        assert named or none, row
        if none and none[1] in EXPLAINED:
            assert len(none[2].split()) > 2, row
        assert none is None or none[1] in KINDS, row


def test_every_check_of_a_pack_is_named_in_a_test() -> None:
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    tested = "\n".join(file.read_text(encoding="utf-8") for file in files)
    checks = {check.name for pack in PACKS.values() for check in (*pack.calls, *pack.texts)}
    assert len(checks) > 80
    assert sorted(name for name in checks if f'"{name}"' not in tested) == []
