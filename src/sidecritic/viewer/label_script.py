"""The script with which a reader labels a run in its pages; a page allows it by its hash."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files


def label_script() -> dict[str, str]:
    """Return the `script`, and the one source that a page's security policy has `allowed`.

    It is the same for every page: what a run says stands in attributes, never in the script.
    """
    text = files("sidecritic.viewer").joinpath("templates/labels.js").read_text(encoding="utf-8")
    digest = b64encode(sha256(text.encode()).digest()).decode()
    return {"script": text, "allowed": f"sha256-{digest}"}


def labels_file(title: str, page: str = "") -> str:
    """Return the name of the file that the reader downloads; `page` names one episode."""
    words = re.sub(r"[^\w.-]+", "-", "-".join(filter(None, (title, page))))
    return f"opinions-{words}.jsonl"  # it is not `labels.jsonl`
