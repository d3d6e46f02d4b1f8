"""Telecom: what ends with a locked SIM card, and what is left to try before a transfer."""

import pytest
from pydantic import JsonValue

from sidecritic.checks.base import Finding
from sidecritic.checks.facts import Facts
from sidecritic.packs.telecom.pack import TELECOM
from sidecritic.packs.telecom.phone import has_signal, is_online, sim_locked
from tests.talk import Talk, fired
from tests.unit.packs.telecom.test_pack import talk

REMEDIES = "transfer with remedies left"
BYE = "I am sorry for the trouble. Have a great day!"
ASKED = talk().agent("Please check the status of your SIM card.")


def locked(words: str = "It says the SIM card is locked with a PIN code.") -> Talk:
    return ASKED.user(words)


def handed_over() -> Talk:
    return locked().did("transfer_to_human_agents", "Transfer successful", summary="SIM locked.")


def facts(*words: str, asked: bool = False) -> Facts:
    said = ASKED if asked else talk("Hello.")
    for one in words:
        said = said.user(one)
    return Facts.of(said.says("I see."))


@pytest.mark.parametrize(
    "words",
    [
        "I checked, and it looks like my SIM card is locked with a PIN code.",
        "When I turn it on, it asks for a PUK.",
        "The status is: SIM Card Status: locked_pin",
        "It shows 'No Service', and the SIM is PUK-locked.",
        "I have no service because the SIM is locked.",
    ],
)
def test_a_locked_card_is_read_off_what_the_user_reports(words: str) -> None:
    assert sim_locked(facts(words)) is not None


@pytest.mark.parametrize(
    "words",
    [
        "I don't see any messages about a PIN or PUK code, just no signal.",
        "The SIM card is not locked.",
        "What if my SIM card is locked?",
        "Is my SIM card locked?",
        "My phone is unlocked, but it shows no service.",
        "The screen asks for my PIN as always.",
        "My phone is SIM locked to another carrier.",
    ],
)
def test_no_locked_card_is_read_into_other_words(words: str) -> None:
    assert sim_locked(facts(words)) is None


def test_a_bare_locked_is_the_card_only_when_the_agent_asked_for_it() -> None:
    assert sim_locked(facts("It says locked.", asked=True)) is not None
    assert sim_locked(facts("It says locked.")) is None


def test_the_last_word_on_the_card_counts() -> None:
    unlocked = "I entered the PIN, the SIM is active."
    assert sim_locked(facts("The SIM is locked.", unlocked)) is None
    assert sim_locked(facts("The SIM is locked.", unlocked, "Now it is PIN locked.")) is not None
    for hoped in ("Please get it unlocked.", "Call me when it is unlocked.", "Can it be unlocked?"):
        assert sim_locked(facts("The SIM is locked.", hoped)) is not None


@pytest.mark.parametrize(
    ("words", "signal", "online"),
    [
        ("I can make calls.", True, False),
        ("I see full signal bars.", True, False),
        ("Status Bar: 📶⁴ Excellent | 5G | 📱 Data Enabled", True, False),
        ("I ran it: 275.00 Mbps (Excellent).", True, True),
        ("The web is slow, but other apps work.", True, True),
        ("I can't make calls, and I see no bars.", False, False),
        ("It is done when the bar shows that I have signal.", False, False),
        ("At home I usually have signal.", False, False),
        ("The internet is not working.", False, False),
        ("Status Bar: 📵 No Signal | 📵 Data Disabled", False, False),
        ("I have service issues.", False, False),
    ],
)
def test_what_works_is_read_off_what_the_user_reports(
    words: str, signal: bool, online: bool
) -> None:
    assert (has_signal(facts(words)), is_online(facts(words))) == (signal, online)


OWN = (
    "Please check the network mode, the APN settings, Wi-Fi calling, and the storage and SMS "
    "permissions of the messaging app."
)
MMS = "I cannot send picture messages from 555-123-2002."


def transfer(*steps: str, said: str = MMS, **line: JsonValue) -> Finding | None:
    """Return what is held against a transfer after the remedies for MMS and some more steps."""
    so_far = talk(said, **{"status": "Active", **line}).agent(OWN).user("Done, no change.")
    for asked, answer in zip(steps[::2], steps[1::2], strict=True):
        so_far = so_far.agent(asked).user(answer)
    return fired(TELECOM, so_far.calls("transfer_to_human_agents", summary="No MMS.")).get(REMEDIES)


def test_a_transfer_over_mms_comes_after_service_and_mobile_data() -> None:
    finding = transfer()
    assert finding is not None
    assert finding.risk >= 0.5
    assert finding.evidence == (
        "mms: have the user check airplane mode, have the user check the SIM card, "
        "have the user check the mobile data switch"
    )


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        (("Can you make calls?", "Yes, I can make calls."), "the mobile data switch"),
        (("Is airplane mode off?", "Yes."), "the SIM card, have the user check the mobile data"),
        (("Please check your SIM card.", "It is fine."), "airplane mode"),
        (("Please turn mobile data on.", "It is on."), "airplane mode"),
    ],
)
def test_what_was_looked_at_is_left_out(steps: tuple[str, ...], left: str) -> None:
    finding = transfer(*steps)
    assert finding is not None
    assert left in finding.evidence


@pytest.mark.parametrize(
    "steps",
    [
        ("Does your browser work?", "Yes, I can browse the web."),
        ("Please run a speed test.", "It says 0.5 Mbps, poor."),
        ("What does the status bar show?", "Full signal bars and data enabled."),
        ("Check airplane mode, the SIM card and that mobile data is on.", "All is as it should."),
    ],
)
def test_a_transfer_over_mms_passes_once_all_it_depends_on_was_looked_at(
    steps: tuple[str, ...],
) -> None:
    assert transfer(*steps) is None


BROWSES = ("Does your browser work?", "Yes, I can browse the web.")


def test_a_suspended_line_is_resumed_before_a_transfer_over_mms() -> None:
    finding = transfer(*BROWSES, status="Suspended")
    assert finding is not None
    assert "resume it" in finding.feedback
    ended = transfer(*BROWSES, status="Suspended", contract_end_date="2025-01-31")
    assert ended is None


def test_a_line_that_was_resumed_is_not_resumed_again() -> None:
    resumed = (
        talk(MMS, status="Suspended")
        .did("resume_line", {"message": "Line resumed"}, customer_id="C1001", line_id="L1002")
        .agent(OWN)
        .user("Done, and I can browse the web.")
    )
    assert REMEDIES not in fired(
        TELECOM, resumed.calls("transfer_to_human_agents", summary="No MMS.")
    )


@pytest.mark.parametrize("complaint", ["I have no service.", "My mobile data is slow."])
def test_other_complaints_keep_their_own_remedies(complaint: str) -> None:
    finding = transfer(said=f"{complaint} My number is 555-123-2002.")
    assert finding is not None
    assert "the mobile data switch" not in finding.evidence


def test_a_card_that_is_not_locked_is_no_excuse_for_a_transfer() -> None:
    unlocked = locked("I don't see anything about a PIN or PUK.")
    over = unlocked.calls("transfer_to_human_agents", summary="No service.")
    assert REMEDIES in fired(TELECOM, over)
    assert REMEDIES not in fired(
        TELECOM, locked().calls("transfer_to_human_agents", summary="SIM locked.")
    )


def test_a_locked_card_found_over_mms_is_handed_over() -> None:
    assert transfer("Please check your SIM card.", "It is locked with a PIN.") is None


def test_a_very_long_sentence_without_a_stop_is_read_once() -> None:
    # Looking back to its beginning from every match took minutes at a tenth of this length.
    endless = "not sim locked and no has signal " * 5000
    told = Facts.of(locked(endless).says(BYE))
    assert sim_locked(told) is None
    assert not has_signal(told)
