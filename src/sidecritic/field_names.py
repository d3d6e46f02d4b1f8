"""What the name of a field says of what it holds."""

import re

_ID_KEY = re.compile(
    r"(?:.*[a-z0-9])?(?:_(?:id|uuid|guid)|Id|ID|Uuid|UUID|Guid|GUID)|_?(?:id|uuid|guid)_?|ID|UUID"
)


def is_id_key(key: str) -> bool:
    """Whether a field of that name holds the id of something."""
    return bool(_ID_KEY.fullmatch(key))
