"""The pack for τ² telecom."""

from sidecritic.policies.announcing import ANNOUNCEMENTS
from sidecritic.policies.base import Pack
from sidecritic.policies.common import not_as_listed, repeated, ungrounded
from sidecritic.policies.statements import STATEMENTS
from sidecritic.policies.telecom_data import TELECOM_DATA
from sidecritic.policies.telecom_looks import telecom_wants
from sidecritic.policies.telecom_partings import TELECOM_PARTINGS
from sidecritic.policies.telecom_records import TRANSFER
from sidecritic.policies.telecom_rules import TELECOM_RULES, TELECOM_TEXTS
from sidecritic.policies.telecom_transfers import TELECOM_TRANSFERS

TELECOM = Pack(
    name="telecom",
    # No sentence of this policy asks for a yes before a write, but for the price of data.
    calls=(*TELECOM_RULES, *TELECOM_DATA, *TELECOM_TRANSFERS, not_as_listed, ungrounded, repeated),
    texts=(*TELECOM_TEXTS, *TELECOM_PARTINGS, *STATEMENTS, *ANNOUNCEMENTS),
    generic_tools=frozenset({TRANSFER}),
    wants=telecom_wants,
)
