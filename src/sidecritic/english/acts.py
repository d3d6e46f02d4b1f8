"""What a message does: agree, ask for agreement, ask for data, decline, take leave.

Patterns, not understanding: each is narrow, and was kept because it holds on recorded
conversations of real agents as well as on simulated ones.
"""

import re

from sidecritic.english.scope import negated

_YES = re.compile(
    r"\b(yes|yep|yeah|yup|oui|s[ií]|sure|ok(ay)?|absolutely|certainly|definitely|of course"
    r"|please do|go ahead|proceed|confirm(ed)?|agree(d)?|correct|that works|works for me"
    r"|sounds (good|great|perfect|fine|right|like an option)|perfect|great|fine"
    r"|that'?s (right|fine|good|great|perfect|it|all)|let'?s (do|go|get)|do it"
    r"|i'?ll (take|go with)|looks (good|right|great)|all (good|set))\b"
)
_NO = re.compile(
    r"^\W*(no|nope|not (yet|now|really|quite)|wait|hold on|stop|don'?t|do not|never ?mind"
    r"|actually,? (no|wait|don'?t))\b"
)
_STRONG_YES = re.compile(r"\b(yes|go ahead|proceed|i confirm|please do|do it|that'?s correct)\b")
_REFUSAL = re.compile(
    r"\b(do not|don'?t|not) (proceed|go ahead|(do|want) (it|that|this)|confirm|agree)\b"
    r"|\bno,? thank|\bi (decline|refuse)\b"
    r"|\b(absolutely|certainly|definitely|of course|sure(ly)?) not\b"
    r"|\bnever (said yes|agreed|confirmed)\b"
    r"|\b(can'?t|cannot|won'?t|will not) (say yes|agree|confirm)\b"
    r"|^\W*(i am|i'm) not (so |quite |really |too )?sure\W*$"
)
_ASKS = re.compile(
    r"\b(confirm|proceed|yes/no|\(yes|\"yes\"|'yes'|go ahead|would you like (me )?to|shall i|"
    r"do you (want|agree|wish)|is (this|that|everything) (correct|right|okay|ok)|may i)\b"
    r"|\byes or no\b"
)
_FAREWELL = re.compile(
    r"\b(good ?bye|take care|have a (\w+ )?(great|nice|good|wonderful|lovely|pleasant) \w+"
    r"|(is there )?any(thing|thing) (else|further|more)|further assistance|glad i could"
    r"|happy to (have )?help(ed)?|(all|everything) (is|has been|are)? ?(set|done|taken care)"
    r"|feel free to|reach out|safe travels|enjoy your)\b"
)
_HUMAN = re.compile(
    r"\b(human|real person|live (agent|person)|representative|supervisor|manager|transfer me"
    r"|(speak|talk) (to|with) (a |an |some)?(one|body|person|agent|human)|customer service)\b"
)
_INABILITY = re.compile(
    r"\b(can(not|'t)|unable|not (able|possible|allowed|eligible|permitted|available|supported)"
    r"|(isn'?t|aren'?t|is not|are not|won'?t be) (possible|allowed|eligible|available|able)"
    r"|does(n'?t| not) (qualify|allow|meet)|do(n'?t| not) (have|qualify|allow|meet)|unfortunately"
    r"|only (be )?(cancel|modif|return|exchange|change|pending|delivered)|against (the|our) policy"
    r"|no (available|other) |can only (process|handle|be)\b|(isn'?t|not) an option\b)"
)
_LEAVES = re.compile(
    r"\b((further|additional|more|any|other) (assistance|help|questions?)|being transferred"
    r"|you(['’]re| are) (very |most |so )?welcome|in the future|(don['’]t|do not) hesitate"
    r"|let me know if (you (need|have|want|would|['’]d)|there)"
    r"|talk (to you )?(soon|later)|(just|simply) (reply|reach out|ask|let me know))\b"
)
_REPORTS = re.compile(
    r"\b((all|is|are) (now )?(set|done|completed?)|(has|have) (\w+ ){0,2}been (\w+ )?\w+(ed|nt)"
    r"|(i|we)(['’]ve| have) (\w+ )?(\w+ed|made|sent|put|set)|went through|taken care of)\b"
)
_USER_LEAVES = re.compile(
    r"\b((good ?)?bye|take care|(that['’]?s|that (is|will be|would be)|that['’](ll|d) be)"
    r" (all|it|everything)\b(?! (correct|right|fine))|all i need(ed)?|nothing (else|more|further)"
    r"|talk (to you )?(soon|later)|have a (\w+ )?(great|nice|good|wonderful|lovely|pleasant) \w+"
    r"|thanks? (you )?(again|for (all|everything|your (help|time|assistance|patience|support))))\b"
)
_WELCOME = re.compile(r"\bhappy to (help|assist)\b")
_ASKS_FOR_DATA = re.compile(
    r"\b(could|can|would|may) (you|i)\b(?![^?\n]{0,300}\b(else|further|more)\b)[^?\n]{0,300}\?"
    r"|\b(please|kindly)\b[^.?!\n]{0,30}\b(provide|share|tell|give|specify|choose|confirm|check)\b"
    r"|\b(which|what)\b(?! else)[^.\n]{0,300}\?|\bif you (can|could) (provide|share)|\bonce you\b"
)


def affirms(lower: str) -> bool:
    """Whether an answer, in lower case, agrees to what was asked."""
    if _REFUSAL.search(lower):
        return False
    if says_no(lower):
        return bool(_STRONG_YES.search(lower))
    return bool(_YES.search(lower))


def says_no(lower: str) -> bool:
    """Whether an answer begins with a no."""
    return bool(_NO.search(lower))


def asks_consent(lower: str) -> bool:
    """Whether a message of the agent asks the user to agree to something."""
    return bool(_ASKS.search(lower))


def takes_leave(lower: str) -> bool:
    """Whether a message of the agent sounds as if a request were finished."""
    return bool(_FAREWELL.search(lower))


def wants_human(lower: str) -> bool:
    """Whether the user asks for a person, and does not ask to be spared one."""
    return any(not negated(lower, found.start()) for found in _HUMAN.finditer(lower))


def declines(lower: str) -> bool:
    """Whether the agent says that something cannot be done."""
    return bool(_INABILITY.search(lower))


def closes(draft: str, answer: str) -> bool:
    """Whether a message may be the last; both texts in lower case, `answer` is what it answers.

    It takes leave, reports a change, declines without asking for anything, answers a farewell,
    or is empty.
    """
    if not draft.strip():
        return True
    draft = _WELCOME.sub("", draft)
    if takes_leave(draft) or _LEAVES.search(draft) or _REPORTS.search(draft):
        return True
    return (says_goodbye(answer) or declines(draft)) and not asks_for_data(draft)


def says_goodbye(lower: str) -> bool:
    """Whether the user takes leave, or says that nothing is left to do."""
    return bool(_USER_LEAVES.search(lower))


def asks_for_data(lower: str) -> bool:
    """Whether the agent asks for information that it needs to continue."""
    return bool(_ASKS_FOR_DATA.search(lower))
