"""The pack for τ² telecom."""

from sidecritic.checks.base import Pack
from sidecritic.checks.common import not_as_listed, repeated, ungrounded
from sidecritic.checks.endings import ANNOUNCEMENTS
from sidecritic.checks.statements import STATEMENTS
from sidecritic.packs.telecom.data import TELECOM_DATA
from sidecritic.packs.telecom.looks import telecom_wants
from sidecritic.packs.telecom.partings import TELECOM_PARTINGS
from sidecritic.packs.telecom.records import TRANSFER
from sidecritic.packs.telecom.rules import TELECOM_RULES, TELECOM_TEXTS
from sidecritic.packs.telecom.transfers import TELECOM_TRANSFERS

TELECOM = Pack(
    name="telecom",
    # No sentence of this policy asks for a yes before a write, but for the price of data.
    calls=(*TELECOM_RULES, *TELECOM_DATA, *TELECOM_TRANSFERS, not_as_listed, ungrounded, repeated),
    texts=(*TELECOM_TEXTS, *TELECOM_PARTINGS, *STATEMENTS, *ANNOUNCEMENTS),
    generic_tools=frozenset({TRANSFER}),
    wants=telecom_wants,
)
