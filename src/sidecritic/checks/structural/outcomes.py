"""Whether a call may have failed, where it is enough that it may have.

Machines say so in fields and codes (`record_index.has_failed`). Some servers say it in a sentence,
of whatever language; a word of such a sentence is no proof, and is enough to try again.
"""

import re

from sidecritic.checks.facts import Done
from sidecritic.checks.record_index import has_failed
from sidecritic.values import scalars

_WORDS = re.compile(
    r"\b(?:errors?|fail\w*|time[d-]? ?out|try again|retry|unavailable|busy|denied|rejected|refused"
    r"|invalid|aborted|conflict|locked|could not|cannot|can't|unable|exception|not \w+ed"
    r"|fehler\w*|fehlgeschlagen|gescheitert|erneut|fall[oóaó]\w*|erróneo|inténtelo"
    r"|échou?\w*|erreur)\b|エラー|失敗|もう一度|再試行",
    re.IGNORECASE,
)
_CODES = ("code", "status", "statusCode", "status_code", "http_status")
_FIRST_ERROR = 400
_MOST_READ = 2_000


def may_have_failed(done: Done) -> bool:
    """Whether a result leaves it open that nothing was done."""
    if has_failed(done) or done.text.strip().casefold() == "false" or done.value is False:
        return True
    if isinstance(done.value, dict):
        codes = (done.value.get(key) for key in _CODES)
        if any(isinstance(code, int) and code >= _FIRST_ERROR for code in codes):
            return True
        return bool(_WORDS.search("\n".join(scalars(done.value))[:_MOST_READ]))
    return bool(_WORDS.search(done.text[:_MOST_READ]))
