"""One talk in four languages is judged at the same places, by gate and by checks."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from sidecritic.assembly.critics import Terms, critic_for
from sidecritic.gates import covers, kind_of
from sidecritic.types import Proposal, Revise
from tests.talk import Talk, specs

TOOLS = specs("find_patient list_visits find_slots", "move_visit cancel_visit")
CONFIRM = ("move_*", "cancel_*")


class Lines(NamedTuple):
    """What is said, in order."""

    request: str
    birthday_asked: str
    birthday: str
    offer: str
    yes: str
    report: str
    thanks: str
    farewell: str


SAID = {
    "English": Lines(
        "Hello, I am Ana Ruiz. Please move my eye check to next week.",
        "What is your date of birth?",
        "2 March 1988",
        "I can move it to 17 June at 09:30 with Dr. Osei. Shall I?",
        "Yes, please.",
        "Your eye check is on 17 June at 09:30 now. Is there anything else?",
        "No, that is all.",
        "Thank you, good-bye.",
    ),
    "German": Lines(
        "Guten Tag, Ana Ruiz hier. Bitte verlegen Sie meinen Augentermin auf nächste Woche.",
        "Wie lautet Ihr Geburtsdatum?",
        "2. März 1988",
        "Ich kann ihn auf den 17. Juni um 09:30 bei Dr. Osei verlegen. Soll ich?",
        "Ja, bitte.",
        "Ihr Augentermin ist jetzt am 17. Juni um 09:30. Kann ich sonst noch etwas tun?",
        "Nein, das war alles.",
        "Danke, auf Wiedersehen.",
    ),
    "Spanish": Lines(
        "Hola, soy Ana Ruiz. Quiero pasar mi revisión de la vista a la semana que viene.",
        "¿Cuál es su fecha de nacimiento?",
        "El 2 de marzo de 1988",
        "Puedo pasarla al 17 de junio a las 09:30 con la Dra. Osei. ¿Lo hago?",
        "Sí, por favor.",
        "Su revisión es ahora el 17 de junio a las 09:30. ¿Desea algo más?",
        "No, eso es todo.",
        "Gracias, adiós.",
    ),
    "Japanese": Lines(
        "こんにちは、アナ・ルイスです。眼科の予約を来週に変えてください。",
        "生年月日を教えていただけますか？",
        "1988年3月2日です",
        "6月17日09:30、オセイ先生に変更できます。よろしいですか？",
        "はい、お願いします。",
        "眼科の予約は6月17日09:30になりました。ほかにございますか？",
        "いいえ、以上です。",
        "ありがとうございました。失礼いたします。",
    ),
}


def proposals(said: Lines) -> Iterator[tuple[str, Proposal]]:
    """Walk over what the agent might do, right or wrong, with a name for each."""
    talk = Talk(tools=TOOLS).user(said.request)
    yield "asks", talk.says(said.birthday_asked)
    talk = talk.agent(said.birthday_asked).user(said.birthday)
    yield "finds", talk.calls("find_patient", patient="Ana Ruiz", born="1988-03-02")
    talk = talk.did("find_patient", {"patientId": "P-20417", "name": "Ana Ruiz"}, name="Ana Ruiz")
    talk = talk.did(
        "list_visits",
        {"visits": [{"visitId": "V-7713", "patientId": "P-20417", "start": "2026-06-10T09:00"}]},
        patientId="P-20417",
    )
    talk = talk.did("find_slots", {"slots": [{"slotId": "S-610", "start": "2026-06-17T09:30"}]})
    move = {"visitId": "V-7713", "slotId": "S-610"}
    yield "moves unasked", talk.calls("move_visit", **move)
    yield "offers", talk.says(said.offer)
    talk = talk.agent(said.offer).user(said.yes)
    yield "moves", talk.calls("move_visit", **move)
    yield "moves to a slot nobody found", talk.calls("move_visit", visitId="V-7713", slotId="S-699")
    talk = talk.did("move_visit", {"ok": True}, **move)
    yield "moves again", talk.calls("move_visit", **move)
    yield "reports", talk.says(said.report)
    talk = talk.agent(said.report).user(said.thanks)
    yield "takes leave", talk.says(said.farewell)


async def judged(said: Lines) -> dict[str, tuple[bool, str, str]]:
    """Return of each proposal whether the gate covers it, as what, and what it is refused for."""
    critic = critic_for("default", "route:clinic", terms=Terms(confirm=CONFIRM))
    found: dict[str, tuple[bool, str, str]] = {}
    for name, proposal in proposals(said):
        judgement = await critic.judge(proposal)
        refused = judgement.category if isinstance(judgement.verdict, Revise) else ""
        found[name] = (covers("writes+final", proposal), kind_of(proposal), refused)
    return found


@pytest.mark.parametrize("language", SAID)
async def test_the_same_places_are_judged_alike_in_every_language(language: str) -> None:
    assert await judged(SAID[language]) == {
        "asks": (False, "other", ""),
        "finds": (False, "other", ""),
        "moves unasked": (True, "write", "unconfirmed write"),
        "offers": (False, "other", ""),
        "moves": (True, "write", ""),
        "moves to a slot nobody found": (True, "write", "made-up id"),
        "moves again": (True, "write", "repeated write"),
        "reports": (True, "final", ""),
        "takes leave": (True, "final", ""),
    }


UNCHANGED = {
    "English": (
        "Your eye check is on 10 June at 09:00. Is there anything else?",
        "I am sorry, visits cannot be moved on the same day.",
        "I will put you through to the reception.",
        "You are welcome.",
    ),
    "German": (
        "Ihr Augentermin ist am 10. Juni um 09:00. Kann ich sonst noch etwas tun?",
        "Leider lassen sich Termine am selben Tag nicht verlegen.",
        "Ich verbinde Sie mit dem Empfang.",
        "Gern geschehen.",
    ),
    "Spanish": (
        "Su revisión es el 10 de junio a las 09:00. ¿Desea algo más?",
        "Lo siento, las citas no se cambian el mismo día.",
        "Le paso con la recepción.",
        "De nada.",
    ),
    "Japanese": (
        "眼科の予約は6月10日09:00です。ほかにございますか？",
        "申し訳ございませんが、当日の変更はできません。",
        "受付におつなぎします。",
        "どういたしまして。",
    ),
}


@pytest.mark.parametrize("language", SAID)
def test_a_talk_in_which_nothing_was_changed_is_judged_alike(language: str) -> None:
    said, (told, refusal, transfer, farewell) = SAID[language], UNCHANGED[language]
    tools = (*TOOLS, *specs("", "transfer_to_human_agents"))
    talk = Talk(tools=tools).user(said.request)
    asked = talk.says(said.birthday_asked)
    talk = talk.agent(said.birthday_asked).user(said.birthday)
    talk = talk.did("list_visits", {"visits": []}, patientId="P-20417")
    made = {
        "asks": asked,
        "tells": talk.says(told),
        "refuses": talk.says(refusal),
        "hands over": talk.calls("transfer_to_human_agents", summary=said.request),
        "says so": talk.says(transfer),
        "takes leave": talk.agent(told).user(said.thanks).says(farewell),
    }
    kinds = {name: kind_of(proposal) for name, proposal in made.items()}
    assert kinds == {
        "asks": "other",
        "tells": "final",
        "refuses": "final",
        "hands over": "final",
        "says so": "final",
        "takes leave": "final",
    }
    assert all(covers("writes+final", made[n]) is (kinds[n] == "final") for n in made)
