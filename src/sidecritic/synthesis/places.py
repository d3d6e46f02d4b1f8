"""Invented addresses and names for people who move, or who travel along."""

from random import Random
from typing import NamedTuple


class Place(NamedTuple):
    address1: str
    address2: str
    city: str
    state: str
    country: str
    zip: str

    @property
    def text(self) -> str:
        return f"{self.address1}, {self.address2}, {self.city}, {self.state} {self.zip}, USA"


_STREETS = (
    "Alder Street",
    "Birchwood Drive",
    "Canal Street",
    "Dogwood Lane",
    "Fairview Avenue",
    "Garden Terrace",
    "Juniper Court",
    "Lakeview Drive",
    "Orchard Road",
    "Station Street",
)
_CITIES = (
    ("Albany", "NY", "USA", "12207"),
    ("Boise", "ID", "USA", "83702"),
    ("Madison", "WI", "USA", "53703"),
    ("Omaha", "NE", "USA", "68102"),
    ("Portland", "OR", "USA", "97205"),
    ("Raleigh", "NC", "USA", "27601"),
    ("Salt Lake City", "UT", "USA", "84101"),
    ("Tucson", "AZ", "USA", "85701"),
)
_FIRST = ("Alma", "Bruno", "Clara", "Dario", "Edith", "Felix", "Greta", "Hugo", "Iris", "Jonas")
_LAST = ("Abbott", "Brandt", "Castillo", "Dunn", "Ekman", "Fontaine", "Grant", "Hoffmann")


def place(rng: Random) -> Place:
    """Return an address that is not on record."""
    number, unit = rng.randrange(100, 990), rng.randrange(100, 990)
    kind = rng.choice(("Apt", "Suite", "Unit"))
    return Place(f"{number} {rng.choice(_STREETS)}", f"{kind} {unit}", *rng.choice(_CITIES))


def person(rng: Random) -> tuple[str, str, str]:
    """Return first name, last name and date of birth of an adult who is not on record."""
    born = f"{rng.randrange(1955, 2004)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
    return rng.choice(_FIRST), rng.choice(_LAST), born
