"""Two language models of a cascade on one server, *simulated*, and a profile with a band.

They judge renewals of loans. R-7 is right and W-7 is wrong; the number is how risky the loan looks,
in percent.
"""

import json
import re
from math import log
from typing import Any

from sidecritic.assembly.critics import critic_for
from sidecritic.assembly.routes import unconnected
from sidecritic.calibration.profile import BandRule, Profile
from sidecritic.ports import version_of
from tests.scored import profile
from tests.wire import Received, Reply, chat

SMALL, STRONG = "llm:openai:small", "llm:openai:strong"
CHAIN = f"chain:{SMALL},{STRONG}"


def judging(received: Received) -> Reply:
    """The small model gives the loan's number as its risk; the strong one knows the truth."""
    loan = re.findall(r"\b([RW])-(\d+)\b", json.dumps(received.body))[-1:]
    letter, number = loan[0] if loan else ("R", "1")
    risk = int(number) / 100
    if received.body.get("model") == "strong":
        risk = 0.99 if letter == "W" else 0.01
    risk = min(max(risk, 0.01), 0.99)
    top = [{"token": "No", "logprob": log(risk)}, {"token": "Yes", "logprob": log(1 - risk)}]
    token = {"token": "No", "logprob": log(risk), "top_logprobs": top}
    return chat("No", logprobs=[token])


def banded(**changed: Any) -> Profile:
    """Return a profile that hands on scores from 0.2 to 0.6, as `calibrate` fits one."""
    small, strong = (version_of(critic_for(name, "x", unconnected)) for name in (SMALL, STRONG))
    given = {
        "bands": [BandRule(low=0.2, high=0.6)],
        "runs_disturbed": 0.05,
        "pass_on": 0.1,
        "stronger": STRONG,
        "stronger_version": strong,
        **changed,
    }
    made = profile(critic=SMALL, version=small)
    return Profile.model_validate({**dict(made), **given})
