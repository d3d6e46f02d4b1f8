"""The script with which a reader labels a run in its pages; a page allows it by its hash."""

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class LabelScript:
    """What a page needs so that its reader can label."""

    file: str
    """Name of the file that the reader downloads. It is not `labels.jsonl`."""
    script: str
    """The same for every page: what a run says stands in attributes, never in the script."""
    allowed: str
    """The one source of scripts that the page's content security policy lets run."""


def label_script_for(title: str, page: str = "") -> LabelScript:
    """Return what a page of a run needs; `page` names one episode."""
    words = re.sub(r"[^\w.-]+", "-", "-".join(filter(None, (title, page))))
    script, allowed = _script()
    return LabelScript(f"opinions-{words}.jsonl", script, allowed)


@cache
def _script() -> tuple[str, str]:
    text = files("sidecritic.viewer").joinpath("templates/labels.js").read_text(encoding="utf-8")
    return text, f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
