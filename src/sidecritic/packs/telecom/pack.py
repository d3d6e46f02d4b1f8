"""The pack for τ² telecom."""

from sidecritic.checks import statements
from sidecritic.checks.base import Pack
from sidecritic.checks.common import not_as_listed, repeated, ungrounded
from sidecritic.checks.endings.hand_overs import transfer_not_announced
from sidecritic.packs.telecom import data, rules, transfers
from sidecritic.packs.telecom.looks import wants
from sidecritic.packs.telecom.records import TRANSFER

TELECOM = Pack.of(
    "telecom",
    *(rules, data, transfers),
    # No sentence of this policy asks for a yes before a write, but for the price of data.
    *(not_as_listed, ungrounded, repeated, statements, transfer_not_announced),
    hand_overs={TRANSFER},
    wants=wants,
)
