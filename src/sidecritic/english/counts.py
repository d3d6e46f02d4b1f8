"""How often people want a thing: small numbers in digits and in words, of several languages."""

import re

_WORDS: dict[int, str] = {
    2: "two|twice|both|double|pair|zwei|zweimal|beide|beiden|doppelt|dos|ambos|ambas|deux|二",
    3: "three|thrice|drei|dreimal|tres|trois|三",
    4: "four|vier|viermal|cuatro|quatre|四",
    5: "five|fünf|fünfmal|cinco|cinq|五",
    6: "six|sechs|seis|六",
    7: "seven|sieben|siete|sept|七",
    8: "eight|acht|ocho|huit|八",
    9: "nine|neun|nueve|neuf|九",
}
_COUNTED = {
    # No day of a date: more digits follow that soon. The last word is an ideograph.
    count: re.compile(rf"(?<![\w.:/-]){count}(?![^\d\n]{{0,15}}\d)|\b(?:{words})\b|{words[-1]}")
    for count, words in _WORDS.items()
}


def most_counted(lower: str) -> int:
    """Return the largest number below ten that a text, in lower case, counts; 1 without any."""
    return max((count for count, words in _COUNTED.items() if words.search(lower)), default=1)
