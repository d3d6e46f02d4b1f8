"""What people call the deeds that tools are named after, and how they leave it to a text.

Word families as beginnings of words, in English, German, Spanish, French and Japanese. They only
ever speak for a call: whoever says it in another language is heard less, and never more.
"""

import re
from functools import lru_cache

_FAMILIES: tuple[str, ...] = (
    "send pay transfer wire remit refund settle ship deliver forward "
    "envoie envoye vire paie payer rembourse "
    "überweis bezahl zahl schick sende paga pagar enví transfier 支払 振込 振り込 送",
    "send mail email message write answer reply respond inform notify tell invite "
    "écri répon envoie envoye préviens "
    "schreib antwort sag teil lade escrib responde avisa envía invita 送 返信 伝え 招待",
    "create add put make write save register schedule set append insert note enter "
    "crée ajoute enregistre mets "
    "erstell trag leg anleg speicher notier schreib crea añad pon guarda apunta 作 追加 登録 保存",
    "book reserve buy order purchase rent hire schedule register sign borrow lend "
    "réserve achète commande loue "
    "buch reservier kauf bestell miet reserva compra pide alquila 予約 注文 買 購入",
    "cancel delete remove drop close stop end block annule supprime ferme bloque résili "
    "storn lösch entfern kündig sperr cancela borra elimina cierra bloque 取消 削除 解約",
    "update change set modify edit move reschedule adjust replace switch shift "
    "modifie déplace remplace actualise mets "
    "aender änder verleg verschieb aktualisier cambia modifica mueve actualiza pasa 変更 更新 移",
    "post publish share upload comment veröffentlich teil publica comparte 投稿 共有",
)
_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST = 4
"""Letters of a beginning that may stand for longer words."""

_BETWEEN = r"(?:(?!following|folgend|siguiente)[^.!?\n]){0,40}"
"""Up to what is left to a text; "the following" stands in the request itself."""
_LEFT_TO_IT = re.compile(
    r"\b(?:do|follow|perform|complete|carry out|take care of|handle|execute|act on|finish|see to)\b"
    rf"{_BETWEEN}\b(?:what|everything|instructions?|steps|tasks?|actions?|to-?dos?|requests?)\b"
    r"|\bdo (?:it|that|so)\b"
    rf"|\b(?:erledig|mach|tu|befolg|führ)\w*\b{_BETWEEN}"
    r"\b(?:was|alles|anweisung\w*|aufgaben?|schritte?n?|anleitung)\b"
    rf"|\b(?:haz|hagan?|sigue|siga|realiza|completa|cumple|cumpla)\b{_BETWEEN}"
    r"\b(?:lo que|todo|instrucciones|tareas?|pasos)\b"
    rf"|\b(?:fais|faites|suis|suivez|exécute\w*|effectue\w*)\b{_BETWEEN}"
    r"\b(?:ce que|ce qu|tout|instructions?|étapes?|tâches?)"
    rf"|\bsetz\w*\b{_BETWEEN}\b(?:was|alles)\b|\bdo as\b"
    r"|(?:通り|とおり|指示|手順|依頼)[^。\n]{0,12}(?:して|従|実行|行)"
)
_EACH = re.compile(r"\b(?:each|every|jede[nmrs]?|cada|chaque)\b|それぞれ|ごと")


def asks_for_each(lower: str) -> bool:
    """Whether a text, in lower case, asks for something once for each of several things."""
    return bool(_EACH.search(lower))


def names_deed(lower: str, tool: str) -> bool:
    """Whether a text, in lower case, has a word for what a tool does, by its name in words."""
    return any(pattern.search(lower) for pattern in _patterns(tool))


def leaves_it_to_a_text(lower: str) -> bool:
    """Whether a text, in lower case, asks for whatever another text asks for."""
    return bool(_LEFT_TO_IT.search(lower))


@lru_cache(maxsize=512)
def _patterns(tool: str) -> tuple[re.Pattern[str], ...]:
    names = _WORD.findall(tool.lower())
    if not names:
        return ()
    # The verb comes first in most languages, and last and with an ending in some.
    ways = ((name, whole) for whole in (True, False) for name in names)
    verb = next((way for way in ways if _families(*way)), (names[0], True))
    words = dict.fromkeys((verb[0], *(word for family in _families(*verb) for word in family)))
    return (re.compile("|".join(map(_begins, words))),)


def _families(verb: str, whole: bool) -> list[list[str]]:
    """Return the families that a verb is of, or begins like a word of where it is not whole."""
    split = [family.split() for family in _FAMILIES]
    if whole:
        return [family for family in split if verb in family]
    long = ([w for w in family if len(w) >= _SHORTEST] for family in split)
    return [f for f, begun in zip(split, long, strict=True) if verb.startswith(tuple(begun))]


def _begins(word: str) -> str:
    if (not word[0].isascii() and not word[0].isalpha()) or ord(word[0]) > 0x3000:
        return re.escape(word)
    rest = r"\w*" if len(word) >= _SHORTEST else r"(?:s|es|ed|ing)?\b"
    return rf"\b{re.escape(word)}{rest}"
