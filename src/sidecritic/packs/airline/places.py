"""Airports by their cities, as people name them."""

import re
from collections.abc import Iterator, Mapping

_CITIES: Mapping[str, str] = {
    "SFO": "san francisco",
    "JFK": "new york|nyc|kennedy",
    "LAX": "los angeles",
    "ORD": "chicago|o'hare",
    "DFW": "dallas",
    "DEN": "denver",
    "SEA": "seattle",
    "ATL": "atlanta",
    "MIA": "miami",
    "BOS": "boston",
    "PHX": "phoenix",
    "IAH": "houston",
    "LAS": "las vegas|vegas",
    "MCO": "orlando",
    "EWR": "newark",
    "CLT": "charlotte",
    "MSP": "minneapolis",
    "DTW": "detroit",
    "PHL": "philadelphia|philly",
    "LGA": "laguardia|la guardia|new york|nyc",
}
_NAME = "|".join(f"{code.lower()}|{names}" for code, names in _CITIES.items())
_ROUTE = re.compile(
    rf"\b({_NAME})\b[^.!?;\n]{{0,14}}?"
    rf"(?: to | -> |->| → |→|–| – |-| - |/)(?:[a-z ]{{0,12}}?)\b({_NAME})\b"
)


def routes(lower: str) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Walk over `from here to there` in a text: the airports that each of the two can mean."""
    for found in _ROUTE.finditer(lower):
        yield airports(found[1]), airports(found[2])


def airports(name: str) -> frozenset[str]:
    """Return the codes of the airports that a name in lower case can mean."""
    return frozenset(
        code for code, names in _CITIES.items() if name == code.lower() or name in names.split("|")
    )
