"""Words that a policy prescribes, and what an airline's agent must have from its user or ask."""

import pytest
from pydantic import JsonValue

from sidecritic.checks.base import Pack
from sidecritic.packs.airline.pack import AIRLINE
from sidecritic.packs.retail.pack import RETAIL
from sidecritic.packs.telecom.pack import TELECOM
from sidecritic.types import Proposal
from tests.talk import Talk, fired, sent_back, specs

TOOLS = specs(
    "get_user_details get_reservation_details",
    "book_reservation cancel_reservation update_reservation_passengers",
)
HAND_OVER = "transfer_to_human_agents"
PRESCRIBED = "YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE HOLD ON."
POLICY = (
    f"To transfer, first make a tool call to {HAND_OVER}, and then send the message "
    f"'{PRESCRIBED}' to the user."
)
AIRLINE_POLICY = """The agent should ask if the user wants to buy the travel insurance.
- The user must provide their user id.
- Even a human agent cannot modify the number of passengers."""
OTHER_POLICY = "The agent must first obtain the user id and the reservation id."
RESERVATION: JsonValue = {
    "reservation_id": "ABC123",
    "user_id": "mia_li_3668",
    "cabin": "economy",
    "passengers": [{"first_name": "Mia"}, {"first_name": "Noah"}],
}


def under(policy: str, proposal: Proposal) -> Proposal:
    return proposal.model_copy(update={"policy": policy})


# --- the words of a transfer ----------------------------------------------------------------

ASKED = Talk(tools=TOOLS).user("I want something that you cannot do.")
HANDED = ASKED.did(HAND_OVER, "Transfer successful", summary="Something else.")
SUPPOSED = "transfer not announced"


@pytest.mark.parametrize("pack", [RETAIL, AIRLINE, TELECOM], ids=lambda pack: pack.name)
def test_a_transfer_is_followed_by_the_words_that_the_policy_prescribes(pack: Pack) -> None:
    wrong = under(POLICY, HANDED.says("I've escalated your case. They will be in touch!"))
    finding = fired(pack, wrong)[SUPPOSED]
    assert PRESCRIBED in finding.feedback
    assert finding.messages == (2,)
    assert sent_back(pack, wrong)
    assert SUPPOSED not in fired(pack, under(POLICY, HANDED.says(PRESCRIBED)))


@pytest.mark.parametrize(
    "words",
    [
        "You are being transferred to a human agent - please hold on!",
        f"Thank you for your patience.\n\n**{PRESCRIBED}**",
    ],
)
def test_neither_case_nor_punctuation_matters_nor_words_around_them(words: str) -> None:
    assert SUPPOSED not in fired(RETAIL, under(POLICY, HANDED.says(words)))


def test_what_was_announced_once_is_not_to_be_announced_again() -> None:
    told = HANDED.agent(PRESCRIBED).user("Thanks.")
    assert SUPPOSED not in fired(RETAIL, under(POLICY, told.says("You're welcome!")))


def test_words_before_the_transfer_announce_nothing() -> None:
    early = ASKED.agent(PRESCRIBED).user("Fine.").did(HAND_OVER, "ok", summary="Something.")
    assert SUPPOSED in fired(RETAIL, under(POLICY, early.says("Goodbye!")))


@pytest.mark.parametrize(
    ("policy", "talk"),
    [
        ("Transfer the user if and only if nothing else helps.", HANDED),
        ("", HANDED),
        (POLICY, ASKED),
        (POLICY, ASKED.failed(HAND_OVER, "Error: not now", summary="Something.")),
    ],
    ids=["no words prescribed", "policy unknown", "no transfer", "transfer failed"],
)
def test_without_a_rule_or_a_transfer_any_words_will_do(policy: str, talk: Talk) -> None:
    assert SUPPOSED not in fired(RETAIL, under(policy, talk.says("Goodbye!")))


# --- airline: the user's id, insurance, and transfers in vain -------------------------------


def talking(text: str) -> Talk:
    return (
        Talk(tools=TOOLS).user(text).did("get_reservation_details", RESERVATION, reservation_id="A")
    )


@pytest.mark.parametrize(
    ("text", "policy", "is_wrong"),
    [
        ("Cancel ABC123.", AIRLINE_POLICY, True),
        ("Cancel ABC123, I'm mia_li_3668.", AIRLINE_POLICY, False),
        ("Cancel ABC123. My id is Mia Li 3668.", AIRLINE_POLICY, False),
        ("Cancel ABC123.", OTHER_POLICY, False),
    ],
    ids=["never given", "given", "spoken", "another policy"],
)
def test_nothing_is_changed_for_a_user_who_has_not_given_their_id(
    text: str, policy: str, is_wrong: bool
) -> None:
    call = talking(text).calls("cancel_reservation", reservation_id="ABC123")
    assert ("user id not given" in fired(AIRLINE, under(policy, call))) is is_wrong


def test_the_owner_of_a_reservation_that_nobody_read_is_not_known() -> None:
    call = Talk(tools=TOOLS).user("Cancel it.").calls("cancel_reservation", reservation_id="XYZ")
    assert "user id not given" not in fired(AIRLINE, under(AIRLINE_POLICY, call))


@pytest.mark.parametrize(
    ("talk", "insurance", "is_wrong"),
    [
        (talking("Book it, I'm mia_li_3668."), "no", True),
        (talking("Book it, I'm mia_li_3668, without insurance."), "no", False),
        (talking("Book it.").agent("Do you want travel insurance?").user("Nah."), "no", False),
        (talking("Book it, I'm mia_li_3668."), "yes", True),
    ],
    ids=["never spoken of", "the user did", "the agent asked", "bought"],
)
def test_who_books_is_asked_about_insurance(talk: Talk, insurance: str, is_wrong: bool) -> None:
    call = talk.calls("book_reservation", user_id="mia_li_3668", insurance=insurance)
    name = "insurance never asked about"
    assert (name in fired(AIRLINE, under(AIRLINE_POLICY, call))) is is_wrong
    assert name not in fired(AIRLINE, under(OTHER_POLICY, call))
